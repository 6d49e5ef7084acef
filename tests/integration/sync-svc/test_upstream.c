/* The way to Twilio's API, against a peer that does what its script says, request by request. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/breaker.h"
#include "base/clock.h"
#include "log/log.h"
#include "testing.h"
#include "upstream.h"

#define ACCOUNT_SID "AC00000000000000000000000000000001"
#define TOKEN       "a-secret-that-no-log-shows-00001"

enum { SCRIPT_MAX = 32, REQUEST_BYTES = 8192, PATIENCE_MS = 20000 };

/* One answer. NULL ends the connection without one; "-" after the request was read, by a reset. */
struct peer {
    int fd;
    int port;
    pthread_t thread;
    atomic_bool is_closing;
    pthread_mutex_t lock; /* guards what follows */
    const char *script[SCRIPT_MAX];
    size_t length;
    size_t at;
    int requests;
    int under_way;
    int most_under_way;
    int delay_ms;
    char last[REQUEST_BYTES];
};

static struct peer peer = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define OK_EMPTY "HTTP/1.1 200 OK\r\nETag: \"4\"\r\nContent-Length: 2\r\n\r\n{}"
#define BUSY     "HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n"
#define BUSY_1S  "HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
#define BROKEN   "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
#define CUT      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":"
#define HANG_UP  NULL

static bool read_request(int fd, char *out, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        if (poll(&poller, 1, PATIENCE_MS) <= 0)
            return false;
        ssize_t got = read(fd, out + len, size - 1 - len);
        if (got <= 0)
            return false;
        len += (size_t)got;
        out[len] = '\0';
        const char *end = strstr(out, "\r\n\r\n");
        const char *length = strstr(out, "Content-Length: ");
        size_t want = length == NULL ? 0 : (size_t)strtol(length + 16, NULL, 10);
        if (end != NULL && strlen(end + 4) >= want)
            return true;
    }
    return false;
}

static const char *next_answer(const char *request)
{
    (void)pthread_mutex_lock(&peer.lock);
    const char *answer = peer.at < peer.length ? peer.script[peer.at++] : OK_EMPTY;
    peer.requests++;
    peer.under_way++;
    if (peer.under_way > peer.most_under_way)
        peer.most_under_way = peer.under_way;
    (void)snprintf(peer.last, sizeof peer.last, "%s", request);
    (void)pthread_mutex_unlock(&peer.lock);
    return answer;
}

static void *serve_one(void *ctx)
{
    int fd = *(int *)ctx;
    free(ctx);
    char request[REQUEST_BYTES];
    while (read_request(fd, request, sizeof request)) {
        const char *answer = next_answer(request);
        (void)poll(NULL, 0, peer.delay_ms);
        (void)pthread_mutex_lock(&peer.lock);
        peer.under_way--;
        (void)pthread_mutex_unlock(&peer.lock);
        if (answer == HANG_UP)
            break;
        (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        if (strcmp(answer, CUT) == 0)
            break;
    }
    (void)close(fd);
    return NULL;
}

static void *serve(void *ctx)
{
    (void)ctx;
    while (!atomic_load(&peer.is_closing)) {
        struct pollfd poller = {.fd = peer.fd, .events = POLLIN};
        if (poll(&poller, 1, 50) <= 0)
            continue;
        int *fd = malloc(sizeof *fd);
        if (fd == NULL)
            return NULL;
        *fd = accept(peer.fd, NULL, NULL);
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve_one, fd) == 0)
            (void)pthread_detach(thread);
    }
    return NULL;
}

static void peer_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    peer.fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_up =
        bind(peer.fd, (const struct sockaddr *)(const void *)&address, sizeof address) == 0 &&
        listen(peer.fd, 64) == 0 &&
        getsockname(peer.fd, (struct sockaddr *)(void *)&address, &len) == 0 &&
        pthread_create(&peer.thread, NULL, serve, NULL) == 0;
    INVARIANT(is_up);
    peer.port = ntohs(address.sin_port);
}

static void peer_stop(void)
{
    atomic_store(&peer.is_closing, true);
    (void)pthread_join(peer.thread, NULL);
    (void)close(peer.fd);
}

static void script(const char *const *answers, size_t count)
{
    (void)pthread_mutex_lock(&peer.lock);
    for (size_t i = 0; i < count; i++)
        peer.script[i] = answers[i];
    peer.length = count;
    peer.at = 0;
    peer.requests = 0;
    peer.most_under_way = 0;
    peer.delay_ms = 0;
    (void)pthread_mutex_unlock(&peer.lock);
}

#define SCRIPT(...)                                                                                \
    script((const char *const[]){__VA_ARGS__}, ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

static int requests(void)
{
    (void)pthread_mutex_lock(&peer.lock);
    int count = peer.requests;
    (void)pthread_mutex_unlock(&peer.lock);
    return count;
}

/* ---- calls ---- */

static struct arena *arena;
static struct call call;
static struct err err;
static struct upstream_reply reply;

static struct upstream *open_at(int port, int64_t rate, int64_t concurrency)
{
    static char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    return upstream_open(&(struct upstream_options){.url = url,
                                                    .url_setting = "TASKROUTER_TWILIO_URL",
                                                    .api = "taskrouter",
                                                    .account_sid = ACCOUNT_SID,
                                                    .auth_token = TOKEN,
                                                    .rate = rate,
                                                    .burst = rate,
                                                    .concurrency = concurrency,
                                                    .timeout_ms = 5000});
}

static struct upstream *open_here(void)
{
    return open_at(peer.port, 10000, 8);
}

static enum err_code ask(struct upstream *upstream, enum httpc_method method, const char *path,
                         bool is_repeatable, int budget_ms)
{
    static const struct twilio_param params[] = {
        {{"FriendlyName", 12}, {"Zoë & Co", 9}}
    };
    err_clear(&err);
    arena_reset(arena);
    call_init(&call, arena, "test", budget_ms * US_PER_MS);
    struct upstream_request request = {.method = method,
                                       .path = str_from(path),
                                       .params = params,
                                       .param_count = 1,
                                       .is_repeatable = is_repeatable};
    return upstream_call(upstream, &call, &request, &reply, &err);
}

/* ---- cases ---- */

static void test_sent(void)
{
    struct upstream *upstream = open_here();
    SCRIPT(OK_EMPTY, OK_EMPTY, OK_EMPTY);
    CHECK_I64(ask(upstream, HTTPC_POST, "/v1/Workspaces", false, PATIENCE_MS), ERR_OK);
    CHECK_I64(reply.status, 200);
    CHECK_I64(reply.attempts, 1);
    CHECK_TEXT(reply.etag, "\"4\"");
    CHECK_STR(reply.body, "{}");
    CHECK(strncmp(peer.last, "POST /v1/Workspaces HTTP/1.1\r\n", 30) == 0);
    CHECK(strstr(peer.last, "\r\n\r\nFriendlyName=Zo%C3%AB%20%26%20Co") != NULL);
    CHECK(strstr(peer.last,
                 "\r\nAuthorization: Basic "
                 "QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTphLXNlY3JldC10aGF0LW5vLWxvZy1zaG93"
                 "cy0wMDAwMQ==\r\n") != NULL);
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/Workspaces?PageSize=5", false, PATIENCE_MS), ERR_OK);
    CHECK(strncmp(peer.last,
                  "GET /v1/Workspaces?PageSize=5&FriendlyName=Zo%C3%AB%20%26%20Co HTTP/1.1\r\n",
                  73) == 0);
    CHECK_I64(ask(upstream, HTTPC_DELETE, "/v1/Workspaces/WS1", false, PATIENCE_MS), ERR_OK);
    CHECK(strncmp(peer.last, "DELETE /v1/Workspaces/WS1?Friendly", 34) == 0);
    upstream_close(upstream);
}

static void test_errors_of_the_api(void)
{
    struct upstream *upstream = open_here();
    SCRIPT("HTTP/1.1 404 Not Found\r\nContent-Length: 53\r\n\r\n"
           "{\"code\":20404,\"message\":\"not there\",\"status\":404    }",
           "HTTP/1.1 401 No\r\nContent-Length: 14\r\n\r\n{\"code\":20003}",
           "HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\n<htm>");
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_OK);
    CHECK_I64(reply.status, 404);
    CHECK_I64(reply.code, 20404);
    CHECK_TEXT(reply.message, "not there");
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "UPSTREAM_CREDENTIALS");
    CHECK(strstr(err.detail, "TWILIO_AUTH_TOKEN") != NULL);
    CHECK(strstr(err.detail, TOKEN) == NULL);
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "UPSTREAM_NOT_TWILIO");
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_OK);
    CHECK_I64(reply.status, 400);
    CHECK_I64(reply.code, 0);
    CHECK_I64(requests(), 4);
    upstream_close(upstream);
}

static void test_repeats(void)
{
    struct upstream *upstream = open_here();
    SCRIPT(BROKEN, HANG_UP, CUT, BUSY, OK_EMPTY);
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_OK);
    CHECK_I64(requests(), 5);
    SCRIPT(BROKEN, OK_EMPTY);
    CHECK_I64(ask(upstream, HTTPC_POST, "/v1/x", true, PATIENCE_MS), ERR_OK);
    CHECK_I64(requests(), 2);
    CHECK(reply.is_unsure); /* what the second was told may be due to the first */
    SCRIPT(OK_EMPTY, HANG_UP, OK_EMPTY);
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_OK);
    CHECK_I64(ask(upstream, HTTPC_POST, "/v1/x", true, PATIENCE_MS), ERR_OK);
    CHECK_I64(requests(), 3);
    CHECK(reply.is_unsure); /* so it is we who repeat, and not libcurl on the kept connection */
    upstream_close(upstream);
}

/* What may have been carried out is not carried out again. */
static void test_creates_once(void)
{
    static const char *const answers[] = {BROKEN, HANG_UP, CUT};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct upstream *upstream = open_here();
        SCRIPT(OK_EMPTY, answers[i], OK_EMPTY);
        CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_OK);
        CHECK_I64(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS), ERR_UNAVAILABLE);
        CHECK_TEXT(err.reason, "UPSTREAM_AWAY");
        CHECK(reply.is_unsure);
        CHECK_I64(requests(), 2); /* though a connection was kept, which libcurl would try again */
        upstream_close(upstream);
    }
    struct upstream *upstream = open_here();
    SCRIPT(BUSY, BUSY, OK_EMPTY); /* surely not carried out */
    CHECK_I64(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS), ERR_OK);
    CHECK_I64(requests(), 3);
    CHECK(!reply.is_unsure);
    upstream_close(upstream);
}

static void test_retry_after(void)
{
    struct upstream *upstream = open_here();
    SCRIPT(BUSY_1S, OK_EMPTY);
    int64_t began = clock_mono_us();
    CHECK_I64(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS), ERR_OK);
    CHECK(clock_mono_us() - began >= US_PER_S);
    SCRIPT(BUSY_1S, OK_EMPTY);
    CHECK_I64(ask(upstream, HTTPC_POST, "/v1/x", false, 700), ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(err.reason, "UPSTREAM_BUSY");
    CHECK_I64(requests(), 1);
    upstream_close(upstream);
}

/* What it asked for is told to others, until it answers in its senses. */
static void test_asked(void)
{
    static const char *const answers[] = {
        "HTTP/1.1 503 Later\r\nRetry-After: 3000\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Many\r\nRetry-After: 3000\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct upstream *upstream = open_here();
        SCRIPT(BROKEN);
        CHECK(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS) != ERR_OK);
        CHECK_I64(upstream_state(upstream).asked_us, 0);
        SCRIPT(answers[i]);
        CHECK(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS) != ERR_OK);
        int64_t asked_us = upstream_state(upstream).asked_us;
        CHECK(asked_us > 60 * US_PER_S && asked_us <= 3000 * US_PER_S);
        upstream_close(upstream);
    }
    struct upstream *upstream = open_here();
    SCRIPT(answers[0], BROKEN, OK_EMPTY);
    CHECK(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS) != ERR_OK);
    CHECK(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS) != ERR_OK);
    CHECK(upstream_state(upstream).asked_us > 0);
    CHECK_I64(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS), ERR_OK);
    CHECK_I64(upstream_state(upstream).asked_us, 0);
    upstream_close(upstream);
}

static void test_breaker(void)
{
    struct upstream *upstream = open_at(1, 10000, 8); /* nobody is there */
    while (!upstream_state(upstream).is_away)
        CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, 300), ERR_UNAVAILABLE);
    CHECK(!reply.is_unsure);
    CHECK(upstream_state(upstream).retry_in_us > 0);
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, 300), ERR_UNAVAILABLE);
    CHECK_TEXT(err.reason, "UPSTREAM_AWAY");
    CHECK_I64(reply.attempts, 0); /* it was not even tried */
    upstream_close(upstream);
}

static void test_comes_back(void)
{
    struct upstream *upstream = open_here();
    SCRIPT(BROKEN, BROKEN, BROKEN, BROKEN, BROKEN);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        CHECK_I64(ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS), ERR_UNAVAILABLE);
    CHECK(upstream_state(upstream).is_away);
    int64_t until = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    enum err_code code = ERR_UNAVAILABLE;
    while (code != ERR_OK && clock_mono_us() < until)
        code = ask(upstream, HTTPC_POST, "/v1/x", false, PATIENCE_MS);
    CHECK_I64(code, ERR_OK);
    CHECK(!upstream_state(upstream).is_away);
    CHECK_I64(requests(), BREAKER_FAILURES + 1);
    upstream_close(upstream);
}

struct crowd {
    struct upstream *upstream;
    atomic_int done;
};

static void *one_of_many(void *ctx)
{
    struct crowd *crowd = ctx;
    struct upstream_reply own;
    struct call own_call;
    struct err own_err = {0};
    AUTO(arena_cleanup) struct arena *own_arena = arena_new(1 << 20);
    call_init(&own_call, own_arena, "test", PATIENCE_MS * US_PER_MS);
    struct upstream_request request = {.method = HTTPC_GET, .path = STR("/v1/x")};
    if (upstream_call(crowd->upstream, &own_call, &request, &own, &own_err) == ERR_OK)
        atomic_fetch_add(&crowd->done, 1);
    return NULL;
}

static void test_concurrency(void)
{
    struct crowd crowd = {.upstream = open_at(peer.port, 10000, 3)};
    pthread_t threads[20];
    SCRIPT(OK_EMPTY);
    peer.delay_ms = 20;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, one_of_many, &crowd) == 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        (void)pthread_join(threads[i], NULL);
    CHECK_I64(atomic_load(&crowd.done), (int64_t)ARRAY_LEN(threads));
    CHECK(peer.most_under_way <= 3 && peer.most_under_way > 1);
    CHECK_I64(upstream_state(crowd.upstream).in_flight, 0);
    upstream_close(crowd.upstream);
}

static void test_pace(void)
{
    struct upstream *upstream = open_at(peer.port, 20, 8);
    SCRIPT(OK_EMPTY);
    int64_t began = clock_mono_us();
    for (int i = 0; i < 30; i++)
        CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_OK);
    CHECK(clock_mono_us() - began >= 450 * US_PER_MS); /* 20 at once, ten more at 20 a second */
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, 25), ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(err.reason, "UPSTREAM_BUSY");
    upstream_close(upstream);
}

static void test_bad_requests(void)
{
    static const char *const paths[] = {"", "/", "v1", "/v1/a b", "/v1/\r\nX: y", "/v1/#f"};
    struct upstream *upstream = open_here();
    SCRIPT(OK_EMPTY);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        CHECK_I64(ask(upstream, HTTPC_GET, paths[i], false, PATIENCE_MS), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "INVALID_PATH");
    }
    CHECK_I64(requests(), 0);
    upstream_close(upstream);
    upstream = upstream_open(&(struct upstream_options){.url = "http://127.0.0.1:1",
                                                        .url_setting = "x",
                                                        .api = "taskrouter",
                                                        .rate = 1,
                                                        .burst = 1,
                                                        .concurrency = 1,
                                                        .timeout_ms = 100});
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "UPSTREAM_NOT_CONFIGURED");
    CHECK(!upstream_state(upstream).is_configured);
    upstream_close(upstream);
}

static void *stop_soon(void *ctx)
{
    (void)poll(NULL, 0, 100);
    upstream_stop(ctx);
    return NULL;
}

static void test_stop(void)
{
    struct upstream *upstream = open_here();
    pthread_t thread;
    SCRIPT("HTTP/1.1 429 Too Many\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(pthread_create(&thread, NULL, stop_soon, upstream) == 0);
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, 7200000), ERR_UNAVAILABLE);
    (void)pthread_join(thread, NULL);
    CHECK_I64(ask(upstream, HTTPC_GET, "/v1/x", false, PATIENCE_MS), ERR_UNAVAILABLE);
    upstream_close(upstream);
}

static const struct test_case cases[] = {
    {"a call is sent whole, with the account's credentials",     test_sent             },
    {"what the API says is told, and what it means for the way", test_errors_of_the_api},
    {"what does no harm twice is repeated over every fault",     test_repeats          },
    {"what may have been carried out is not repeated",           test_creates_once     },
    {"Retry-After is honoured within the caller's time",         test_retry_after      },
    {"how long it wants to be left alone is told",               test_asked            },
    {"a dead API is left alone",                                 test_breaker          },
    {"an API that is back is found by one call",                 test_comes_back       },
    {"no more calls are under way than allowed",                 test_concurrency      },
    {"calls are paced, and refused when they cannot wait",       test_pace             },
    {"a bad path or missing credentials are told before a call", test_bad_requests     },
    {"a service that ends waits for nobody",                     test_stop             },
};

int main(int argc, char **argv)
{
    log_init("test-upstream", LOG_LEVEL_ERROR);
    arena = arena_new(32 << 20);
    peer_start();
    int status = testing_main("upstream", cases, ARRAY_LEN(cases), argc, argv);
    peer_stop();
    arena_free(arena);
    return status;
}
