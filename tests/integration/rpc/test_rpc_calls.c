#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "rpc_fixture.h"

static void a_unary_call_carries_request_and_reply(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    task_queue *queue = NULL;
    CHECK_I64(fixture_get(&f, f.client, "ok", &queue), ERR_OK);
    if (queue != NULL)
        CHECK_TEXT(queue->sid, "ok");
    Taskrouter__Queues__V1__ListTaskQueuesRequest list;
    taskrouter__queues__v1__list_task_queues_request__init(&list);
    Taskrouter__Queues__V1__ListTaskQueuesResponse *items = NULL;
    CHECK_I64(RPC_CALL(f.client, &f.call, QUEUES "ListTaskQueues", &list.base,
                       taskrouter__queues__v1__list_task_queues_response, &items, &f.err),
              ERR_OK);
    CHECK(items != NULL && items->n_items == 0);
    fixture_close(&f);
}

static void identity_and_ids_pass_on(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    memcpy(f.call.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 56);
    fixture_peer_open(&f);
    task_queue *queue = NULL;
    REQUIRE(fixture_get(&f, f.client, "relay", &queue) == ERR_OK);
    CHECK_TEXT(queue->friendly_name, "admin US1 AC1 WK1 WS1");
    CHECK_TEXT(queue->target_workers, f.call.request_id);
    CHECK_TEXT(queue->account_sid, f.call.traceparent);
    CHECK(queue->version > 1000 * 1000 && queue->version < 2000 * 1000); /* less than the row's */
    f.call.who.role = ROLE_SERVICE;
    REQUIRE(fixture_get(&f, f.client, "ok", &queue) == ERR_OK);
    CHECK_TEXT(queue->friendly_name, "service service:tests AC1  ");
    fixture_close(&f);
}

static void errors_carry_code_reason_field_and_detail(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    task_queue *queue = NULL;
    CHECK_I64(fixture_get(&f, f.client, "field", &queue), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(f.err.reason, "NAME_TOO_LONG");
    CHECK_TEXT(f.err.field, "friendly_name");
    CHECK_TEXT(f.err.detail, "friendly_name may have 64 characters; \"é\" is one");
    CHECK_I64(fixture_get(&f, f.client, "missing", &queue), ERR_NOT_FOUND);
    CHECK_TEXT(f.err.reason, "TASK_QUEUE_NOT_FOUND");
    CHECK_TEXT(f.err.field, "");
    CHECK_I64(fixture_get(&f, f.client, "internal", &queue), ERR_INTERNAL);
    CHECK(strstr(f.err.detail, "secret") == NULL);
    CHECK(strstr(f.err.detail, f.call.request_id) != NULL);
    CHECK(queue == NULL);
    fixture_peer_open(&f); /* and through two hops */
    f.call.who.role = ROLE_AGENT;
    CHECK_I64(fixture_get(&f, f.client, "relay", &queue), ERR_NOT_FOUND);
    CHECK_TEXT(f.err.reason, "TASK_QUEUE_NOT_FOUND");
    CHECK_TEXT(f.err.detail, "there is no queue missing");
    fixture_close(&f);
}

static void the_smaller_deadline_holds(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    task_queue *queue = NULL;
    fixture_call(&f.call, f.arena, 150);
    int64_t before = clock_mono_us();
    CHECK_I64(fixture_get(&f, f.client, "slow", &queue), ERR_DEADLINE_EXCEEDED);
    CHECK(clock_mono_us() - before < 1000 * 1000);
    f.call.deadline_mono_us = clock_mono_us() - 1; /* nothing is left: nothing is sent */
    CHECK_I64(fixture_get(&f, f.client, "ok", &queue), ERR_DEADLINE_EXCEEDED);
    fixture_call(&f.call, f.arena, 30000);
    before = clock_mono_us();
    CHECK_I64(fixture_get(&f, f.client, "slow", &queue), ERR_DEADLINE_EXCEEDED); /* the row's 2 s */
    CHECK(clock_mono_us() - before < 4000 * 1000);
    fixture_close(&f);
}

static void unknown_and_unserved_methods_are_unimplemented(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    get_request request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    task_queue *queue = NULL;
    CHECK_I64(RPC_CALL(f.client, &f.call, "/no.such.Service/Method", &request.base,
                       taskrouter__queues__v1__task_queue, &queue, &f.err),
              ERR_UNIMPLEMENTED);
    CHECK_TEXT(f.err.detail, "there is no method /no.such.Service/Method here");
    CHECK_I64(RPC_CALL(f.client, &f.call, QUEUES "DeleteTaskQueue", &request.base,
                       taskrouter__queues__v1__task_queue, &queue, &f.err),
              ERR_UNIMPLEMENTED);
    for (int i = 0; i < 20; i++) /* more than are armed */
        CHECK_I64(RPC_CALL(f.client, &f.call, "/a/b", &request.base,
                           taskrouter__queues__v1__task_queue, &queue, &f.err),
                  ERR_UNIMPLEMENTED);
    fixture_close(&f);
}

static enum err_code send_as_get(struct fixture *f, const ProtobufCMessage *message)
{
    task_queue *queue = NULL;
    return RPC_CALL(f->client, &f->call, QUEUES "GetTaskQueue", message,
                    taskrouter__queues__v1__task_queue, &queue, &f->err);
}

static void bad_bytes_and_bad_text_are_refused(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    Taskrouter__Queues__V1__ListTaskQueuesRequest other;
    taskrouter__queues__v1__list_task_queues_request__init(&other);
    other.page_size = 7; /* field 2 is a string in the request expected */
    CHECK_I64(send_as_get(&f, &other.base), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(f.err.reason, "MALFORMED_MESSAGE");
    get_request request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    char bad[] = "caf\xE9";
    request.workspace_sid = bad;
    CHECK_I64(send_as_get(&f, &request.base), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(f.err.reason, "INVALID_UTF8");
    CHECK_TEXT(f.err.field, "workspace_sid");
    Taskrouter__Queues__V1__UpdateTaskQueueRequest update;
    taskrouter__queues__v1__update_task_queue_request__init(&update);
    task_queue nested;
    taskrouter__queues__v1__task_queue__init(&nested);
    nested.friendly_name = bad;
    update.task_queue = &nested;
    task_queue *queue = NULL;
    CHECK_I64(RPC_CALL(f.client, &f.call, QUEUES "UpdateTaskQueue", &update.base,
                       taskrouter__queues__v1__task_queue, &queue, &f.err),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(f.err.field, "friendly_name");
    fixture_close(&f);
}

static void too_large_requests_are_refused(void)
{
    struct fixture f;
    struct rpc_server_config config = {.auth = {.service_token = SERVICE_TOKEN},
                                       .request_arena_bytes = 64 << 10};
    REQUIRE(fixture_open(&f, &config, NULL));
    get_request request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    size_t size = 5 << 20;
    char *text = calloc(1, size + 1);
    REQUIRE(text != NULL);
    memset(text, 'x', 200 << 10);
    request.sid = text;
    CHECK_I64(send_as_get(&f, &request.base), ERR_RESOURCE_EXHAUSTED); /* the arena's ceiling */
    CHECK_TEXT(f.err.reason, "REQUEST_TOO_LARGE");
    memset(text, 'x', size);
    CHECK_I64(send_as_get(&f, &request.base), ERR_RESOURCE_EXHAUSTED); /* the message's limit */
    free(text);
    task_queue *queue = NULL;
    CHECK_I64(fixture_get(&f, f.client, "greedy", &queue), ERR_RESOURCE_EXHAUSTED);
    CHECK_I64(fixture_get(&f, f.client, "ok", &queue), ERR_OK); /* the next call is fine */
    fixture_close(&f);
}

static void *blocked_call(void *arg)
{
    struct fixture *f = arg;
    struct arena *arena = arena_new(1 << 20);
    struct call call;
    fixture_call(&call, arena, 5000);
    get_request request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    char sid[] = "block";
    request.sid = sid;
    task_queue *queue = NULL;
    struct err err;
    enum err_code code = RPC_CALL(f->client, &call, QUEUES "GetTaskQueue", &request.base,
                                  taskrouter__queues__v1__task_queue, &queue, &err);
    arena_free(arena);
    return (void *)(intptr_t)code;
}

static void a_full_queue_refuses_at_once(void)
{
    struct fixture f;
    struct rpc_server_config config = {
        .auth = {.service_token = SERVICE_TOKEN}, .workers = 1, .queue_depth = 2};
    REQUIRE(fixture_open(&f, &config, NULL));
    pthread_t threads[3]; /* one at work, two waiting */
    REQUIRE(pthread_create(&threads[0], NULL, blocked_call, &f) == 0);
    REQUIRE(fixture_wait(&f, &f.blocked, 1));
    for (int i = 1; i < 3; i++)
        REQUIRE(pthread_create(&threads[i], NULL, blocked_call, &f) == 0);
    int64_t until = clock_mono_us() + 5 * US_PER_S;
    while (rpc_server_queued(f.server) < 2 && clock_mono_us() < until)
        (void)sched_yield();
    task_queue *queue = NULL;
    CHECK_I64(fixture_get(&f, f.client, "ok", &queue), ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(f.err.reason, "SERVER_BUSY");
    Taskrouter__Queues__V1__ListTaskQueuesRequest list;
    taskrouter__queues__v1__list_task_queues_request__init(&list);
    Taskrouter__Queues__V1__ListTaskQueuesResponse *items = NULL;
    CHECK_I64(RPC_CALL(f.client, &f.call, QUEUES "ListTaskQueues", &list.base,
                       taskrouter__queues__v1__list_task_queues_response, &items, &f.err),
              ERR_OK); /* inline calls do not wait behind the pool */
    fixture_gate_open(&f);
    for (int i = 0; i < 3; i++) {
        void *code = NULL;
        CHECK(pthread_join(threads[i], &code) == 0);
        CHECK_I64((intptr_t)code, ERR_OK);
    }
    fixture_close(&f);
}

static enum err_code create(struct fixture *f, const char *name, task_queue **out_queue)
{
    Taskrouter__Queues__V1__CreateTaskQueueRequest request;
    taskrouter__queues__v1__create_task_queue_request__init(&request);
    request.friendly_name = arena_strdup(f->arena, name);
    return RPC_CALL(f->client, &f->call, QUEUES "CreateTaskQueue", &request.base,
                    taskrouter__queues__v1__task_queue, out_queue, &f->err);
}

static void an_answer_may_come_from_another_thread(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    task_queue *queue = NULL;
    REQUIRE(create(&f, "Billing", &queue) == ERR_OK);
    CHECK_TEXT(queue->friendly_name, "Billing");
    REQUIRE(create(&f, "empty", &queue) == ERR_OK);
    CHECK_TEXT(queue->friendly_name, "");
    CHECK_I64(create(&f, "", &queue), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(f.err.reason, "NAME_MISSING");
    CHECK_TEXT(f.err.field, "friendly_name");
    fixture_close(&f);
}

enum { MANY_THREADS = 8, MANY_CALLS = 200 };

static void *many_calls(void *arg)
{
    struct fixture *f = arg;
    intptr_t failures = 0;
    struct arena *arena = arena_new(1 << 20);
    for (int i = 0; i < MANY_CALLS; i++) {
        struct call call;
        fixture_call(&call, arena, 5000);
        get_request request;
        taskrouter__queues__v1__get_task_queue_request__init(&request);
        request.sid = arena_printf(arena, "%d", i);
        task_queue *queue = NULL;
        struct err err;
        enum err_code code = RPC_CALL(f->client, &call, QUEUES "GetTaskQueue", &request.base,
                                      taskrouter__queues__v1__task_queue, &queue, &err);
        failures += code != ERR_OK || strcmp(queue->sid, request.sid) != 0;
        arena_reset(arena);
    }
    arena_free(arena);
    return (void *)failures;
}

static void many_threads_share_a_client(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    pthread_t threads[MANY_THREADS];
    for (int i = 0; i < MANY_THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, many_calls, &f) == 0);
    for (int i = 0; i < MANY_THREADS; i++) {
        void *failures = NULL;
        CHECK(pthread_join(threads[i], &failures) == 0);
        CHECK_I64((intptr_t)failures, 0);
    }
    CHECK_I64(rpc_server_queued(f.server), 0);
    fixture_close(&f);
}

static void draining_lets_calls_finish_and_takes_no_new_ones(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, blocked_call, &f) == 0);
    REQUIRE(fixture_wait(&f, &f.blocked, 1));
    CHECK_I64(rpc_server_in_flight(f.server), 1);
    fixture_gate_open(&f);
    rpc_server_drain(f.server, 5000);
    void *code = NULL;
    CHECK(pthread_join(thread, &code) == 0);
    CHECK_I64((intptr_t)code, ERR_OK);
    CHECK_I64(rpc_server_in_flight(f.server), 0);
    task_queue *queue = NULL;
    CHECK_I64(fixture_get(&f, f.client, "ok", &queue), ERR_UNAVAILABLE);
    CHECK_TEXT(f.err.reason, "PEER_UNAVAILABLE");
    fixture_close(&f);
}

/* Its connection tells that it has understood, though no call reads it. */
static void draining_does_not_wait_long_for_an_idle_client(void)
{
    enum { TRIES = 3, SOON_US = 3 * 1000 * 1000 }; /* half a second, and time to spare */
    bool is_soon = false;
    for (int i = 0; i < TRIES && !is_soon; i++) {
        struct fixture f;
        REQUIRE(fixture_open(&f, NULL, NULL));
        task_queue *queue = NULL;
        CHECK_I64(fixture_get(&f, f.client, "ok", &queue), ERR_OK);
        int64_t before = clock_mono_us();
        rpc_server_drain(f.server, 60000);
        is_soon = clock_mono_us() - before < SOON_US;
        fixture_close(&f);
    }
    CHECK(is_soon);
}

static void *open_gate(void *arg)
{
    fixture_gate_open(arg);
    return NULL;
}

static void draining_cancels_what_outlives_the_grace(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, blocked_call, &f) == 0);
    REQUIRE(fixture_wait(&f, &f.blocked, 1));
    pthread_t opener;
    void *code = NULL;
    REQUIRE(pthread_create(&opener, NULL, open_gate, &f) == 0);
    rpc_server_drain(f.server, 0);
    CHECK(pthread_join(opener, NULL) == 0);
    CHECK(pthread_join(thread, &code) == 0);
    CHECK((intptr_t)code == ERR_OK || (intptr_t)code == ERR_CANCELLED ||
          (intptr_t)code == ERR_UNAVAILABLE);
    fixture_close(&f);
}

static void a_client_finds_a_restarted_peer_again(void)
{
    struct fixture f;
    REQUIRE(fixture_open(&f, NULL, NULL));
    task_queue *queue = NULL;
    CHECK_I64(fixture_get(&f, f.client, "ok", &queue), ERR_OK);
    int port = rpc_server_port(f.server);
    rpc_server_close(f.server);
    f.server = NULL;
    int64_t before = clock_mono_us();
    CHECK_I64(fixture_get(&f, f.client, "ok", &queue), ERR_UNAVAILABLE);
    CHECK(clock_mono_us() - before < 1000 * 1000); /* fails fast */
    struct rpc_server_config config = {.auth = {.service_token = SERVICE_TOKEN}};
    char listen[64];
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
    config.listen = listen;
    REQUIRE(rpc_server_open(&config, &f.server, &f.err) == ERR_OK);
    REQUIRE(rpc_server_start(f.server, &f.err) == ERR_OK);
    enum err_code code = ERR_UNAVAILABLE;
    before = clock_mono_us();
    while (code == ERR_UNAVAILABLE && clock_mono_us() - before < 4 * US_PER_S)
        code = fixture_get(&f, f.client, "ok", &queue);
    CHECK_I64(code, ERR_UNIMPLEMENTED); /* it is there; this one serves nothing */
    CHECK(clock_mono_us() - before < 2 * US_PER_S);
    struct rpc_server *second = NULL;
    REQUIRE(rpc_server_open(&config, &second, &f.err) == ERR_OK);
    CHECK_I64(rpc_server_start(second, &f.err), ERR_UNAVAILABLE); /* the port is taken */
    rpc_server_close(second);
    fixture_close(&f);
}

static const struct test_case cases[] = {
    {"a unary call carries request and reply",           a_unary_call_carries_request_and_reply   },
    {"identity, ids and deadline pass on",               identity_and_ids_pass_on                 },
    {"errors carry code, reason, field and detail",      errors_carry_code_reason_field_and_detail},
    {"the smaller deadline holds",                       the_smaller_deadline_holds               },
    {"unknown and unserved methods are unimplemented",
     unknown_and_unserved_methods_are_unimplemented                                               },
    {"bad bytes and bad text are refused",               bad_bytes_and_bad_text_are_refused       },
    {"too large requests are refused",                   too_large_requests_are_refused           },
    {"a full queue refuses at once",                     a_full_queue_refuses_at_once             },
    {"an answer may come from another thread",           an_answer_may_come_from_another_thread   },
    {"many threads share a client",                      many_threads_share_a_client              },
    {"draining lets calls finish and takes no new ones",
     draining_lets_calls_finish_and_takes_no_new_ones                                             },
    {"draining does not wait long for an idle client",
     draining_does_not_wait_long_for_an_idle_client                                               },
    {"draining cancels what outlives the grace",         draining_cancels_what_outlives_the_grace },
    {"a client finds a restarted peer again",            a_client_finds_a_restarted_peer_again    },
};

int main(int argc, char **argv)
{
    return testing_main("rpc calls", cases, ARRAY_LEN(cases), argc, argv);
}
