/* The forwarder between a server that cannot serve and a peer that breaks. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "rpc/forward.h"
#include "rpc_fixture.h"

#define MARKER "the-marker-of-the-request"

enum { CALL_MS = 1500, SEEN_BYTES = 65536, STORM = 256, STORM_MS = 300, TICK_MS = 5 };
enum { LONG_MS = 60000, HERE_MS = 1000, THERE_MS = 1500, PATIENCE_MS = 100 };

/* ---- a peer that takes a request and closes the connection without a word ---- */

struct peer {
    int listener;
    char target[RPC_TARGET_SIZE];
    pthread_t thread;
    int requests; /* atomic: connections on which one came */
};

static void take_request(struct peer *peer, int fd)
{
    static const char settings[9] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    char seen[SEEN_BYTES];
    size_t len = 0;
    ssize_t got = write(fd, settings, sizeof settings);
    while (got > 0 && len < sizeof seen) {
        got = read(fd, seen + len, sizeof seen - len);
        len += got > 0 ? (size_t)got : 0;
        if (str_find((struct str){seen, len}, STR(MARKER)) >= 0) {
            (void)__atomic_add_fetch(&peer->requests, 1, __ATOMIC_SEQ_CST);
            return;
        }
    }
}

static void *peer_main(void *ctx)
{
    struct peer *peer = ctx;
    for (;;) {
        int fd = accept(peer->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        take_request(peer, fd);
        (void)close(fd);
    }
}

static void peer_open(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *peer = (struct peer){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(bind(peer->listener, (struct sockaddr *)&address, sizeof address) == 0);
    REQUIRE(listen(peer->listener, 16) == 0);
    REQUIRE(getsockname(peer->listener, (struct sockaddr *)&address, &size) == 0);
    (void)snprintf(peer->target, sizeof peer->target, "127.0.0.1:%d", ntohs(address.sin_port));
    REQUIRE(pthread_create(&peer->thread, NULL, peer_main, peer) == 0);
}

static void peer_close(struct peer *peer)
{
    (void)shutdown(peer->listener, SHUT_RDWR);
    (void)pthread_join(peer->thread, NULL);
    (void)close(peer->listener);
}

/* ---- a server whose handlers are never the right ones ---- */

struct elsewhere {
    struct rpc_server *server;
    struct rpc_client *client;
    const char *target; /* NULL: nobody serves it */
    char own[64];
    int asked;               /* atomic: how often the place was asked for */
    struct rpc_route abroad; /* of what is refused with ABROAD */
};

static enum err_code not_here(struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "ELSEWHERE", "another process serves this");
}

static enum err_code update_queue(void *app, struct call *call,
                                  const Taskrouter__Queues__V1__UpdateTaskQueueRequest *request,
                                  task_queue **out, struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out;
    return not_here(err);
}

static enum err_code get_queue(void *app, struct call *call, const get_request *request,
                               task_queue **out, struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out;
    return not_here(err);
}

static enum err_code create_queue(void *app, struct call *call,
                                  const Taskrouter__Queues__V1__CreateTaskQueueRequest *request,
                                  task_queue **out, struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out;
    return ERR_SET(err, ERR_UNAVAILABLE, "ABROAD", "another service makes these");
}

static const struct rpc_method methods[] = {
    RPC_UNARY("GetTaskQueue", get_queue, get_request, task_queue, 2000, ROLE_VIEWER, RPC_INLINE),
    RPC_UNARY("UpdateTaskQueue", update_queue, Taskrouter__Queues__V1__UpdateTaskQueueRequest,
              task_queue, 2000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("CreateTaskQueue", create_queue, Taskrouter__Queues__V1__CreateTaskQueueRequest,
              task_queue, HERE_MS, ROLE_SUPERVISOR, 0),
};

static enum rpc_place place(void *ctx, const char *reason, const ProtobufCMessage *request,
                            struct rpc_route *out_route)
{
    struct elsewhere *elsewhere = ctx;
    (void)request;
    if (strcmp(reason, "ABROAD") == 0) {
        *out_route = elsewhere->abroad;
        return out_route->target[0] == '\0' ? RPC_PLACE_GONE : RPC_PLACE_THERE;
    }
    (void)__atomic_add_fetch(&elsewhere->asked, 1, __ATOMIC_SEQ_CST);
    if (elsewhere->target == NULL)
        return RPC_PLACE_NONE;
    (void)snprintf(out_route->target, RPC_TARGET_SIZE, "%s", elsewhere->target);
    return RPC_PLACE_THERE;
}

static void refresh(void *ctx)
{
    (void)ctx;
}

static void elsewhere_open(struct elsewhere *elsewhere, const char *target)
{
    static const char *const reasons[] = {"ELSEWHERE", "ABROAD", NULL};
    struct err err;
    struct rpc_server_config config = {.listen = "127.0.0.1:0",
                                       .auth = {.service_token = SERVICE_TOKEN}};
    struct rpc_service queues = {&taskrouter__queues__v1__queues__descriptor, methods,
                                 ARRAY_LEN(methods)};
    *elsewhere = (struct elsewhere){.target = target};
    REQUIRE(rpc_server_open(&config, &elsewhere->server, &err) == ERR_OK);
    rpc_server_add(elsewhere->server, &queues, elsewhere);
    rpc_server_forward(elsewhere->server, &(struct rpc_forward_options){
                                              .token = SERVICE_TOKEN,
                                              .reasons = reasons,
                                              .max_calls = 2 * STORM,
                                              .place = place,
                                              .refresh = refresh,
                                              .ctx = elsewhere,
                                          });
    REQUIRE(rpc_server_start(elsewhere->server, &err) == ERR_OK);
    rpc_server_set_serving(elsewhere->server, true);
    (void)snprintf(elsewhere->own, sizeof elsewhere->own, "127.0.0.1:%d",
                   rpc_server_port(elsewhere->server));
    elsewhere->client = rpc_client_new(&(struct rpc_client_config){
        .target = elsewhere->own, .peer = "queues-svc", .self = "tests", .token = SERVICE_TOKEN});
}

static void elsewhere_close(struct elsewhere *elsewhere)
{
    rpc_server_close(elsewhere->server);
    rpc_client_free(elsewhere->client);
}

/* ---- cases ---- */

static void a_change_that_may_have_been_made_is_sent_once(void)
{
    struct peer peer;
    struct elsewhere elsewhere;
    struct call call;
    struct err err = {.code = ERR_OK};
    AUTO(arena_cleanup) struct arena *arena = arena_new(4 << 20);
    peer_open(&peer);
    elsewhere_open(&elsewhere, peer.target);
    fixture_call(&call, arena, CALL_MS);
    Taskrouter__Queues__V1__UpdateTaskQueueRequest request =
        TASKROUTER__QUEUES__V1__UPDATE_TASK_QUEUE_REQUEST__INIT;
    task_queue named = TASKROUTER__QUEUES__V1__TASK_QUEUE__INIT;
    named.sid = (char *)(uintptr_t)MARKER;
    request.task_queue = &named;
    task_queue *queue = NULL;
    CHECK_I64(RPC_CALL(elsewhere.client, &call, QUEUES "UpdateTaskQueue", &request.base,
                       taskrouter__queues__v1__task_queue, &queue, &err),
              ERR_UNAVAILABLE);
    CHECK_TEXT(err.reason, "OUTCOME_UNKNOWN");
    CHECK_I64(__atomic_load_n(&peer.requests, __ATOMIC_SEQ_CST), 1);
    elsewhere_close(&elsewhere);
    peer_close(&peer);
}

static void a_question_is_asked_again_until_its_deadline(void)
{
    struct peer peer;
    struct elsewhere elsewhere;
    struct call call;
    struct err err = {.code = ERR_OK};
    AUTO(arena_cleanup) struct arena *arena = arena_new(4 << 20);
    peer_open(&peer);
    elsewhere_open(&elsewhere, peer.target);
    fixture_call(&call, arena, CALL_MS);
    get_request request = TASKROUTER__QUEUES__V1__GET_TASK_QUEUE_REQUEST__INIT;
    request.sid = (char *)(uintptr_t)MARKER;
    task_queue *queue = NULL;
    int64_t began = clock_mono_us();
    CHECK(RPC_CALL(elsewhere.client, &call, QUEUES "GetTaskQueue", &request.base,
                   taskrouter__queues__v1__task_queue, &queue, &err) != ERR_OK);
    CHECK((clock_mono_us() - began) / US_PER_MS < CALL_MS + 500);
    CHECK(__atomic_load_n(&peer.requests, __ATOMIC_SEQ_CST) > 1);
    elsewhere_close(&elsewhere);
    peer_close(&peer);
}

static void *ask(void *ctx)
{
    struct elsewhere *elsewhere = ctx;
    struct call call;
    struct err err = {.code = ERR_OK};
    AUTO(arena_cleanup) struct arena *arena = arena_new(256 << 10);
    fixture_call(&call, arena, STORM_MS);
    get_request request = TASKROUTER__QUEUES__V1__GET_TASK_QUEUE_REQUEST__INIT;
    task_queue *queue = NULL;
    CHECK(RPC_CALL(elsewhere->client, &call, QUEUES "GetTaskQueue", &request.base,
                   taskrouter__queues__v1__task_queue, &queue, &err) != ERR_OK);
    return NULL;
}

/* Each is looked at once per tick, however many come meanwhile. */
static void waiting_calls_do_not_disturb_each_other(void)
{
    struct elsewhere elsewhere;
    pthread_t threads[STORM];
    elsewhere_open(&elsewhere, NULL);
    for (size_t i = 0; i < STORM; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, ask, &elsewhere) == 0);
        (void)nanosleep(&(struct timespec){.tv_nsec = 500 * 1000}, NULL);
    }
    for (size_t i = 0; i < STORM; i++)
        (void)pthread_join(threads[i], NULL);
    int64_t asked = __atomic_load_n(&elsewhere.asked, __ATOMIC_SEQ_CST);
    int64_t bound = STORM * (STORM_MS / TICK_MS + 2);
    (void)fprintf(stderr, "%d calls were looked at %lld times, %lld are allowed\n", STORM,
                  (long long)asked, (long long)bound);
    CHECK(asked <= bound);
    elsewhere_close(&elsewhere);
}

/* ---- another service, which serves the same method ---- */

struct abroad {
    struct rpc_server *server;
    char target[RPC_TARGET_SIZE];
    int calls; /* atomic */
};

/* Does what the queue's name says. */
static enum err_code create_abroad(void *app, struct call *call,
                                   const Taskrouter__Queues__V1__CreateTaskQueueRequest *request,
                                   task_queue **out, struct err *err)
{
    struct abroad *abroad = app;
    (void)__atomic_add_fetch(&abroad->calls, 1, __ATOMIC_SEQ_CST);
    if (strcmp(request->friendly_name, "refused") == 0)
        return ERR_FIELD(err, ERR_UNAVAILABLE, "ELSEWHERE", "friendly_name", "not even here");
    if (strcmp(request->friendly_name, "slow") == 0)
        (void)nanosleep(
            &(struct timespec){.tv_sec = THERE_MS / 1000, .tv_nsec = THERE_MS % 1000 * 1000000L},
            NULL);
    task_queue *queue = PB_NEW(call->arena, taskrouter__queues__v1__task_queue);
    queue->sid = arena_strdup(call->arena, call->who.actor_sid);
    queue->friendly_name = arena_strdup(call->arena, request->friendly_name);
    *out = queue;
    return ERR_OK;
}

static void abroad_open(struct abroad *abroad)
{
    static const struct rpc_method rows[] = {
        RPC_UNARY("CreateTaskQueue", create_abroad, Taskrouter__Queues__V1__CreateTaskQueueRequest,
                  task_queue, LONG_MS, ROLE_SUPERVISOR, 0),
    };
    static const struct rpc_service service = {&taskrouter__queues__v1__queues__descriptor, rows,
                                               ARRAY_LEN(rows)};
    struct err err;
    *abroad = (struct abroad){.calls = 0};
    REQUIRE(rpc_server_open(&(struct rpc_server_config){.listen = "127.0.0.1:0",
                                                        .auth = {.service_token = SERVICE_TOKEN}},
                            &abroad->server, &err) == ERR_OK);
    rpc_server_add(abroad->server, &service, abroad);
    REQUIRE(rpc_server_start(abroad->server, &err) == ERR_OK);
    (void)snprintf(abroad->target, sizeof abroad->target, "127.0.0.1:%d",
                   rpc_server_port(abroad->server));
}

/* The reason, or the name of the queue that came back. */
static const char *create(struct elsewhere *elsewhere, struct arena *arena, const char *name,
                          enum err_code want)
{
    struct call call;
    struct err err = {.code = ERR_OK};
    fixture_call(&call, arena, LONG_MS);
    Taskrouter__Queues__V1__CreateTaskQueueRequest request =
        TASKROUTER__QUEUES__V1__CREATE_TASK_QUEUE_REQUEST__INIT;
    request.friendly_name = (char *)(uintptr_t)name;
    task_queue *queue = NULL;
    enum err_code code = RPC_CALL(elsewhere->client, &call, QUEUES "CreateTaskQueue", &request.base,
                                  taskrouter__queues__v1__task_queue, &queue, &err);
    CHECK_I64(code, want);
    if (code == ERR_OK)
        CHECK_TEXT(queue->sid, call.who.actor_sid);
    return code == ERR_OK ? queue->friendly_name : arena_strdup(arena, err.reason);
}

static void another_service_may_take_longer_than_the_method_here(void)
{
    struct abroad abroad;
    struct elsewhere elsewhere;
    AUTO(arena_cleanup) struct arena *arena = arena_new(4 << 20);
    abroad_open(&abroad);
    elsewhere_open(&elsewhere, NULL);
    elsewhere.abroad = (struct rpc_route){.budget_ms = LONG_MS, .is_final = true};
    (void)snprintf(elsewhere.abroad.target, RPC_TARGET_SIZE, "%s", abroad.target);
    CHECK_TEXT(create(&elsewhere, arena, "slow", ERR_OK), "slow");
    CHECK_I64(__atomic_load_n(&abroad.calls, __ATOMIC_SEQ_CST), 1);
    CHECK_TEXT(create(&elsewhere, arena, "refused", ERR_UNAVAILABLE), "ELSEWHERE");
    CHECK_I64(__atomic_load_n(&abroad.calls, __ATOMIC_SEQ_CST), 2); /* its word is the last */
    elsewhere_close(&elsewhere);
    rpc_server_close(abroad.server);
}

static void nobody_waits_long_for_another_service(void)
{
    struct peer peer;
    struct elsewhere elsewhere;
    AUTO(arena_cleanup) struct arena *arena = arena_new(4 << 20);
    peer_open(&peer); /* for a port where nobody listens any more */
    peer_close(&peer);
    elsewhere_open(&elsewhere, NULL);
    CHECK_TEXT(create(&elsewhere, arena, "x", ERR_UNAVAILABLE), "ABROAD"); /* it has no place */
    elsewhere.abroad =
        (struct rpc_route){.budget_ms = LONG_MS, .patience_ms = PATIENCE_MS, .is_final = true};
    (void)snprintf(elsewhere.abroad.target, RPC_TARGET_SIZE, "%s", peer.target);
    int64_t began = clock_mono_us();
    CHECK_TEXT(create(&elsewhere, arena, "x", ERR_UNAVAILABLE), "ABROAD");
    int64_t took_ms = (clock_mono_us() - began) / US_PER_MS;
    CHECK(took_ms >= PATIENCE_MS && took_ms < LONG_MS / 2);
    elsewhere_close(&elsewhere);
}

/* Whether Twilio was asked is not known then: only who gave a key is asked again for. */
static void what_broke_at_another_service_is_repeated_by_key(void)
{
    struct peer peer;
    struct elsewhere elsewhere;
    struct call call;
    struct err err = {.code = ERR_OK};
    AUTO(arena_cleanup) struct arena *arena = arena_new(4 << 20);
    peer_open(&peer);
    elsewhere_open(&elsewhere, NULL);
    elsewhere.abroad = (struct rpc_route){.budget_ms = LONG_MS, .is_final = true};
    (void)snprintf(elsewhere.abroad.target, RPC_TARGET_SIZE, "%s", peer.target);
    CHECK_TEXT(create(&elsewhere, arena, MARKER, ERR_UNAVAILABLE), "OUTCOME_UNKNOWN");
    CHECK_I64(__atomic_load_n(&peer.requests, __ATOMIC_SEQ_CST), 1);
    Taskrouter__Queues__V1__CreateTaskQueueRequest request =
        TASKROUTER__QUEUES__V1__CREATE_TASK_QUEUE_REQUEST__INIT;
    request.friendly_name = (char *)(uintptr_t)MARKER;
    request.idempotency_key = (char *)(uintptr_t) "key";
    task_queue *queue = NULL;
    fixture_call(&call, arena, 3 * CALL_MS);
    CHECK(RPC_CALL(elsewhere.client, &call, QUEUES "CreateTaskQueue", &request.base,
                   taskrouter__queues__v1__task_queue, &queue, &err) != ERR_OK);
    CHECK(__atomic_load_n(&peer.requests, __ATOMIC_SEQ_CST) > 2);
    elsewhere_close(&elsewhere);
    peer_close(&peer);
}

static const struct test_case cases[] = {
    {"a change that may have been made is sent once",
     a_change_that_may_have_been_made_is_sent_once                                                       },
    {"a question is asked again until its deadline",         a_question_is_asked_again_until_its_deadline},
    {"waiting calls do not disturb each other",              waiting_calls_do_not_disturb_each_other     },
    {"another service may take longer than the method here",
     another_service_may_take_longer_than_the_method_here                                                },
    {"what broke at another service is repeated by key",
     what_broke_at_another_service_is_repeated_by_key                                                    },
    {"nobody waits long for another service",                nobody_waits_long_for_another_service       },
};

int main(int argc, char **argv)
{
    return testing_main("rpc forward", cases, ARRAY_LEN(cases), argc, argv);
}
