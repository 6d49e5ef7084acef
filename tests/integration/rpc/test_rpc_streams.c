#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "rpc_fixture.h"

typedef Taskrouter__Workers__V1__Worker worker;
typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;

static struct rpc_client_stream *open_export(struct fixture *f, const char *workspace)
{
    export_request request;
    taskrouter__workers__v1__export_workers_request__init(&request);
    request.workspace_sid = arena_strdup(f->arena, workspace);
    struct rpc_client_stream *stream = NULL;
    CHECK_I64(rpc_client_stream_open(f->client, &f->call, EXPORT, &request.base,
                                     &taskrouter__workers__v1__worker__descriptor, &stream,
                                     &f->err),
              ERR_OK);
    return stream;
}

static void a_stream_carries_messages_in_order_and_ends(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    char many[301] = {0};
    memset(many, 'x', sizeof many - 1); /* far more than the stream's queue holds */
    struct rpc_client_stream *stream = open_export(&f, many);
    REQUIRE(stream != NULL);
    int count = 0;
    ProtobufCMessage *message = NULL;
    struct arena *scratch = arena_new(1 << 20);
    while (rpc_client_stream_next(stream, scratch, &message, &f.err) == ERR_OK && message != NULL) {
        int number = -1;
        CHECK(sscanf(((worker *)(void *)message)->friendly_name, "worker %d", &number) == 1);
        CHECK_I64(number, count);
        count++;
        arena_reset(scratch);
    }
    CHECK_I64(count, 300);
    CHECK_I64(rpc_client_stream_next(stream, scratch, &message, &f.err), ERR_OK); /* stays ended */
    CHECK(message == NULL);
    rpc_client_stream_close(stream);
    arena_free(scratch);
    fixture_close(&f);
}

static void a_stream_may_end_with_an_error(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    struct rpc_client_stream *stream = open_export(&f, "abc!");
    REQUIRE(stream != NULL);
    ProtobufCMessage *message = NULL;
    for (int i = 0; i < 4; i++)
        CHECK_I64(rpc_client_stream_next(stream, f.arena, &message, &f.err), ERR_OK);
    CHECK_I64(rpc_client_stream_next(stream, f.arena, &message, &f.err), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(f.err.reason, "NO_MORE");
    CHECK_TEXT(f.err.field, "workspace_sid");
    rpc_client_stream_close(stream);
    fixture_close(&f);
}

/* Reads f->streamed until it stands still for a while. */
static int settled(struct fixture *f)
{
    int before = -1;
    int now = 0;
    lock_take(&f->lock);
    while (now != before) {
        before = now;
        (void)cond_wait_until(&f->changed, &f->lock, clock_mono_us() + 300 * US_PER_MS);
        now = f->streamed;
    }
    lock_drop(&f->lock);
    return now;
}

static void a_slow_reader_holds_the_handler_back(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    struct rpc_client_stream *stream = open_export(&f, "endless");
    REQUIRE(stream != NULL);
    REQUIRE(fixture_wait(&f, &f.streamed, 16));
    int held = settled(&f);
    CHECK(held < 5000); /* 2 KB each: the window and the queue, not the memory of the machine */
    ProtobufCMessage *message = NULL;
    for (int i = 0; i < held + 50; i++) {
        struct arena_mark mark = arena_mark(f.arena);
        REQUIRE(rpc_client_stream_next(stream, f.arena, &message, &f.err) == ERR_OK);
        arena_rewind(f.arena, mark);
    }
    CHECK(fixture_wait(&f, &f.streamed, held + 50)); /* it went on as we read */
    rpc_client_stream_close(stream);
    fixture_close(&f);
}

static bool handler_ended(struct fixture *f, enum err_code code)
{
    int64_t until = clock_mono_us() + 5 * US_PER_S;
    bool is_in_time = true;
    lock_take(&f->lock);
    while ((int)f->streamed_code == -1 && is_in_time)
        is_in_time = cond_wait_until(&f->changed, &f->lock, until);
    enum err_code ended = f->streamed_code;
    lock_drop(&f->lock);
    CHECK_I64(ended, code);
    return ended == code;
}

static void a_cancelled_stream_ends_its_handler(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    struct rpc_client_stream *stream = open_export(&f, "endless");
    REQUIRE(stream != NULL);
    REQUIRE(fixture_wait(&f, &f.streamed, 1));
    rpc_client_stream_close(stream);
    CHECK(handler_ended(&f, ERR_CANCELLED));
    fixture_close(&f);
}

static void a_streams_deadline_ends_both_sides(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    fixture_call(&f.call, f.arena, 300);
    struct rpc_client_stream *stream = open_export(&f, "endless");
    REQUIRE(stream != NULL);
    CHECK(handler_ended(&f, ERR_DEADLINE_EXCEEDED));
    enum err_code code = ERR_OK;
    ProtobufCMessage *message = NULL;
    do {
        struct arena_mark mark = arena_mark(f.arena);
        code = rpc_client_stream_next(stream, f.arena, &message, &f.err);
        if (code == ERR_OK)
            arena_rewind(f.arena, mark);
    } while (code == ERR_OK && message != NULL);
    CHECK_I64(code, ERR_DEADLINE_EXCEEDED);
    rpc_client_stream_close(stream);
    fixture_close(&f);
}

static void too_many_streams_are_refused(void)
{
    struct fixture f;
    struct rpc_server_config config = {.auth = {.service_token = SERVICE_TOKEN}, .max_streams = 1};
    REQUIRE(fixture_open(&f, &config, NULL));
    struct rpc_client_stream *first = open_export(&f, "endless");
    REQUIRE(first != NULL && fixture_wait(&f, &f.streamed, 1));
    struct rpc_client_stream *second = open_export(&f, "x");
    REQUIRE(second != NULL);
    ProtobufCMessage *message = NULL;
    CHECK_I64(rpc_client_stream_next(second, f.arena, &message, &f.err), ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(f.err.reason, "TOO_MANY_STREAMS");
    rpc_client_stream_close(second);
    rpc_client_stream_close(first);
    CHECK(handler_ended(&f, ERR_CANCELLED));
    enum err_code code = ERR_RESOURCE_EXHAUSTED; /* the thread is free again, if not at once */
    for (int i = 0; i < 100 && code == ERR_RESOURCE_EXHAUSTED; i++) {
        second = open_export(&f, "x");
        code = rpc_client_stream_next(second, f.arena, &message, &f.err);
        rpc_client_stream_close(second);
    }
    CHECK_I64(code, ERR_OK);
    fixture_close(&f);
}

static void *read_to_the_end(void *arg)
{
    struct rpc_client_stream *stream = arg;
    struct arena *arena = arena_new(1 << 20);
    ProtobufCMessage *message = NULL;
    enum err_code code = ERR_OK;
    do {
        struct err err;
        code = rpc_client_stream_next(stream, arena, &message, &err);
        arena_reset(arena);
    } while (code == ERR_OK && message != NULL);
    arena_free(arena);
    return (void *)(intptr_t)code;
}

static void draining_tells_streams_at_once(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    struct rpc_client_stream *stream = open_export(&f, "endless");
    REQUIRE(stream != NULL && fixture_wait(&f, &f.streamed, 1));
    pthread_t reader;
    REQUIRE(pthread_create(&reader, NULL, read_to_the_end, stream) == 0);
    int64_t before = clock_mono_us();
    rpc_server_drain(f.server, 10000);
    CHECK(clock_mono_us() - before < 5 * US_PER_S);
    CHECK(handler_ended(&f, ERR_UNAVAILABLE));
    void *code = NULL;
    CHECK(pthread_join(reader, &code) == 0);
    CHECK_I64((intptr_t)code, ERR_UNAVAILABLE);
    rpc_client_stream_close(stream);
    fixture_close(&f);
}

/* ---- health ---- */

static int health_status(struct fixture *f, struct rpc_client *client, const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request;
    grpc__health__v1__health_check_request__init(&request);
    request.service = arena_strdup(f->arena, service);
    Grpc__Health__V1__HealthCheckResponse *response = NULL;
    enum err_code code = RPC_CALL(client, &f->call, "/grpc.health.v1.Health/Check", &request.base,
                                  grpc__health__v1__health_check_response, &response, &f->err);
    return code == ERR_OK ? (int)response->status : -(int)code;
}

static void health_is_open_and_follows_the_server(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    struct rpc_client *anybody = fixture_client(&f, NULL);
    CHECK_I64(health_status(&f, anybody, ""), 1);
    CHECK_I64(health_status(&f, anybody, "taskrouter.queues.v1.Queues"), 1);
    CHECK_I64(health_status(&f, anybody, "taskrouter.queues.v1.Que"), -ERR_NOT_FOUND);
    rpc_server_set_serving(f.server, false);
    CHECK_I64(health_status(&f, anybody, ""), 2);
    rpc_client_free(anybody);
    fixture_close(&f);
}

static struct rpc_client_stream *watch(struct fixture *f, const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request;
    grpc__health__v1__health_check_request__init(&request);
    request.service = arena_strdup(f->arena, service);
    struct rpc_client_stream *stream = NULL;
    CHECK_I64(rpc_client_stream_open(
                  f->client, &f->call, "/grpc.health.v1.Health/Watch", &request.base,
                  &grpc__health__v1__health_check_response__descriptor, &stream, &f->err),
              ERR_OK);
    return stream;
}

static int watch_next(struct fixture *f, struct rpc_client_stream *stream)
{
    ProtobufCMessage *message = NULL;
    enum err_code code = rpc_client_stream_next(stream, f->arena, &message, &f->err);
    if (code != ERR_OK)
        return -(int)code;
    return message == NULL
               ? 0
               : (int)((Grpc__Health__V1__HealthCheckResponse *)(void *)message)->status;
}

static void a_health_watcher_sees_each_change(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    struct rpc_client_stream *stream = watch(&f, "");
    struct rpc_client_stream *unknown = watch(&f, "no.such.Service");
    struct rpc_client_stream *gone = watch(&f, "");
    REQUIRE(stream != NULL && unknown != NULL && gone != NULL);
    CHECK_I64(watch_next(&f, stream), 1);
    CHECK_I64(watch_next(&f, unknown), 3);
    CHECK_I64(watch_next(&f, gone), 1);
    rpc_client_stream_close(gone);
    for (int i = 0; i < 20; i++) {
        rpc_server_set_serving(f.server, i % 2 != 0);
        CHECK_I64(watch_next(&f, stream), i % 2 != 0 ? 1 : 2);
    }
    rpc_server_drain(f.server, 5000);
    CHECK_I64(watch_next(&f, stream), 2);
    CHECK_I64(watch_next(&f, stream), -ERR_UNAVAILABLE);
    CHECK_I64(watch_next(&f, unknown), -ERR_UNAVAILABLE);
    rpc_client_stream_close(stream);
    rpc_client_stream_close(unknown);
    fixture_close(&f);
}

/* ---- reflection ---- */

static reflection_response *reflect(struct fixture *f, const char *path,
                                    reflection_request *request)
{
    struct rpc_client *anybody = fixture_client(f, NULL);
    struct rpc_client_stream *stream = NULL;
    ProtobufCMessage *message = NULL;
    ProtobufCMessage *end = NULL;
    if (rpc_client_stream_open(anybody, &f->call, path, &request->base,
                               &grpc__reflection__v1__server_reflection_response__descriptor,
                               &stream, &f->err) == ERR_OK) {
        CHECK_I64(rpc_client_stream_next(stream, f->arena, &message, &f->err), ERR_OK);
        CHECK_I64(rpc_client_stream_next(stream, f->arena, &end, &f->err), ERR_OK);
        CHECK(end == NULL);
    }
    rpc_client_stream_close(stream);
    rpc_client_free(anybody);
    return (reflection_response *)(void *)message;
}

static bool lists(const reflection_response *response, const char *name)
{
    for (size_t i = 0; i < response->list_services_response->n_service; i++) {
        if (strcmp(response->list_services_response->service[i]->name, name) == 0)
            return true;
    }
    return false;
}

static void check_reflection(const char *path)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    reflection_request request;
    grpc__reflection__v1__server_reflection_request__init(&request);
    char all[] = "*";
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    request.list_services = all;
    reflection_response *response = reflect(&f, path, &request);
    REQUIRE(response != NULL && response->list_services_response != NULL);
    CHECK_I64(response->list_services_response->n_service, 5);
    CHECK(lists(response, "taskrouter.queues.v1.Queues"));
    CHECK(lists(response, "taskrouter.workers.v1.Workers"));
    CHECK(lists(response, "grpc.health.v1.Health"));

    char symbol[] = "taskrouter.queues.v1.Queues";
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    request.file_containing_symbol = symbol;
    response = reflect(&f, path, &request);
    REQUIRE(response != NULL && response->file_descriptor_response != NULL);
    CHECK_I64(response->file_descriptor_response->n_file_descriptor_proto, 4); /* + its imports */

    char method[] = "grpc.health.v1.Health.Check";
    request.file_containing_symbol = method;
    response = reflect(&f, path, &request);
    REQUIRE(response != NULL && response->file_descriptor_response != NULL);
    CHECK_I64(response->file_descriptor_response->n_file_descriptor_proto, 1);

    char file[] = "google/protobuf/timestamp.proto";
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    request.file_by_filename = file;
    response = reflect(&f, path, &request);
    REQUIRE(response != NULL);
    CHECK(
        response->message_response_case ==
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE);

    char nothing[] = "no/such.proto";
    request.file_by_filename = nothing;
    response = reflect(&f, path, &request);
    REQUIRE(response != NULL && response->error_response != NULL);
    CHECK_I64(response->error_response->error_code, ERR_NOT_FOUND);
    fixture_close(&f);
}

static void reflection_lists_and_describes(void)
{
    check_reflection("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    check_reflection("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
}

static const struct test_case cases[] = {
    {"a stream carries messages in order and ends", a_stream_carries_messages_in_order_and_ends},
    {"a stream may end with an error",              a_stream_may_end_with_an_error             },
    {"a slow reader holds the handler back",        a_slow_reader_holds_the_handler_back       },
    {"a cancelled stream ends its handler",         a_cancelled_stream_ends_its_handler        },
    {"a stream's deadline ends both sides",         a_streams_deadline_ends_both_sides         },
    {"too many streams are refused",                too_many_streams_are_refused               },
    {"draining tells streams at once",              draining_tells_streams_at_once             },
    {"health is open and follows the server",       health_is_open_and_follows_the_server      },
    {"a health watcher sees each change",           a_health_watcher_sees_each_change          },
    {"reflection lists and describes",              reflection_lists_and_describes             },
};

int main(int argc, char **argv)
{
    return testing_main("rpc streams", cases, ARRAY_LEN(cases), argc, argv);
}
