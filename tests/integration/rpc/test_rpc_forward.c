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
    int asked; /* atomic: how often the place was asked for */
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

static const struct rpc_method methods[] = {
    RPC_UNARY("GetTaskQueue", get_queue, get_request, task_queue, 2000, ROLE_VIEWER, RPC_INLINE),
    RPC_UNARY("UpdateTaskQueue", update_queue, Taskrouter__Queues__V1__UpdateTaskQueueRequest,
              task_queue, 2000, ROLE_SUPERVISOR, 0),
};

static enum rpc_place place(void *ctx, const ProtobufCMessage *request,
                            char out_target[RPC_TARGET_SIZE])
{
    struct elsewhere *elsewhere = ctx;
    (void)request;
    (void)__atomic_add_fetch(&elsewhere->asked, 1, __ATOMIC_SEQ_CST);
    if (elsewhere->target == NULL)
        return RPC_PLACE_NONE;
    (void)snprintf(out_target, RPC_TARGET_SIZE, "%s", elsewhere->target);
    return RPC_PLACE_THERE;
}

static void refresh(void *ctx)
{
    (void)ctx;
}

static void elsewhere_open(struct elsewhere *elsewhere, const char *target)
{
    static const char *const reasons[] = {"ELSEWHERE", NULL};
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

static const struct test_case cases[] = {
    {"a change that may have been made is sent once",
     a_change_that_may_have_been_made_is_sent_once                                                },
    {"a question is asked again until its deadline",  a_question_is_asked_again_until_its_deadline},
    {"waiting calls do not disturb each other",       waiting_calls_do_not_disturb_each_other     },
};

int main(int argc, char **argv)
{
    return testing_main("rpc forward", cases, ARRAY_LEN(cases), argc, argv);
}
