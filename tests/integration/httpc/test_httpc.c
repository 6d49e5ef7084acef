/* The HTTP client against a peer that behaves as badly as it is told to. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "httpc/httpc.h"
#include "testing.h"

/* A peer: per connection and request it does what the path says. */
struct peer {
    int fd;
    int port;
    pthread_t thread;
    atomic_bool is_closing;
    atomic_int connections;
    char last[4096]; /* the last request, for checks after its answer */
};

static struct peer peer;

static void say(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text));
}

static bool read_request(int fd, char *out, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        if (poll(&poller, 1, 5000) <= 0)
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

static bool is_for(const char *request, const char *path)
{
    const char *space = strchr(request, ' ');
    return space != NULL && strncmp(space + 1, path, strlen(path)) == 0;
}

static void answer_huge(int fd)
{
    static const char block[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 640000\r\n\r\n");
    for (int i = 0; i < 10000; i++) {
        if (send(fd, block, sizeof block - 1, MSG_NOSIGNAL) < 0)
            return;
    }
}

static void answer_headers(int fd)
{
    say(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100000; i++) {
        static const char line[] = "X-More: 0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
        if (send(fd, line, sizeof line - 1, MSG_NOSIGNAL) < 0)
            return;
    }
}

/* False when the connection ends. */
static bool answer(int fd, const char *request)
{
    if (is_for(request, "/ok")) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                "Content-Length: 2\r\n\r\n{}");
        return true;
    }
    if (is_for(request, "/busy")) {
        say(fd, "HTTP/1.1 429 Too Many Requests\r\nETag: \"7\" \r\nRetry-After: 3\r\n"
                "Content-Length: 0\r\n\r\n");
        return true;
    }
    if (is_for(request, "/redirect"))
        say(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
    if (is_for(request, "/reset")) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    if (is_for(request, "/truncated"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    if (is_for(request, "/garbage"))
        say(fd, "I am no HTTP server\r\n\r\n");
    if (is_for(request, "/huge"))
        answer_huge(fd);
    if (is_for(request, "/headers"))
        answer_headers(fd);
    if (is_for(request, "/slow")) {
        say(fd, "HTTP/1.1 200 OK\r\nX-Slow: ");
        for (int i = 0; i < 40 && !atomic_load(&peer.is_closing); i++) {
            (void)poll(NULL, 0, 50);
            (void)send(fd, "H", 1, MSG_NOSIGNAL);
        }
    }
    return false;
}

static void *serve_one(void *ctx)
{
    int fd = *(int *)ctx;
    free(ctx);
    char request[sizeof peer.last];
    while (read_request(fd, request, sizeof request)) {
        memcpy(peer.last, request, sizeof request);
        if (!answer(fd, request))
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
        atomic_fetch_add(&peer.connections, 1);
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

/* ---- cases ---- */

static struct httpc *client(void)
{
    return httpc_open(&(struct httpc_options){.user_agent = "test",
                                              .max_transfers = 4,
                                              .max_response_bytes = 4096,
                                              .allows_private = true});
}

static char url_text[128];

static const char *url_of(const char *path)
{
    (void)snprintf(url_text, sizeof url_text, "http://127.0.0.1:%d%s", peer.port, path);
    return url_text;
}

static void test_ok(void)
{
    struct httpc *httpc = client();
    int before = atomic_load(&peer.connections);
    for (int i = 0; i < 5; i++) {
        static const char *const headers[] = {"X-Test: yes", NULL};
        struct httpc_request request = {.url = url_of("/ok?a=1#fragment"),
                                        .method = HTTPC_POST,
                                        .body = STR("A=1"),
                                        .headers = headers,
                                        .timeout_ms = 2000};
        CHECK(httpc_run(httpc, &request));
        CHECK_I64(request.outcome, HTTPC_ANSWERED);
        CHECK_I64(request.status, 200);
        CHECK_TEXT(request.content_type, "application/json; charset=utf-8");
        CHECK_STR(buf_str(&request.reply), "{}");
        CHECK(strncmp(peer.last, "POST /ok?a=1 HTTP/1.1\r\n", 23) == 0);
        CHECK(strstr(peer.last, "\r\nX-Test: yes\r\n") != NULL);
        CHECK(strstr(peer.last, "\r\nUser-Agent: test\r\n") != NULL);
        CHECK(strstr(peer.last, "\r\n\r\nA=1") != NULL);
        CHECK(strstr(peer.last, "Expect:") == NULL);
        httpc_request_fini(&request);
    }
    CHECK_I64(atomic_load(&peer.connections) - before, 1);
    httpc_close(httpc);
}

static void test_headers(void)
{
    struct httpc *httpc = client();
    struct httpc_request request = {
        .url = url_of("/busy"), .method = HTTPC_DELETE, .timeout_ms = 2000};
    CHECK(httpc_run(httpc, &request));
    CHECK_I64(request.status, 429);
    CHECK_I64(request.retry_after_s, 3);
    CHECK_TEXT(request.etag, "\"7\"");
    CHECK(strncmp(peer.last, "DELETE /busy HTTP/1.1\r\n", 23) == 0);
    request = (struct httpc_request){
        .url = url_of("/ok"), .method = HTTPC_PATCH, .body = STR("{}"), .timeout_ms = 2000};
    CHECK(httpc_run(httpc, &request));
    CHECK(strncmp(peer.last, "PATCH /ok HTTP/1.1\r\n", 20) == 0);
    CHECK(strstr(peer.last, "\r\n\r\n{}") != NULL);
    CHECK_I64(request.retry_after_s, 0);
    CHECK_TEXT(request.etag, "");
    httpc_request_fini(&request);
    httpc_close(httpc);
}

static void test_bad(void)
{
    static const struct {
        const char *path;
        enum httpc_outcome outcome;
        int status;
    } rows[] = {
        {"/redirect",  HTTPC_ANSWERED,  302},
        {"/reset",     HTTPC_FAILED,    0  },
        {"/truncated", HTTPC_FAILED,    0  },
        {"/garbage",   HTTPC_FAILED,    0  },
        {"/huge",      HTTPC_TOO_LARGE, 0  },
        {"/headers",   HTTPC_TOO_LARGE, 0  },
        {"/slow",      HTTPC_TIMED_OUT, 0  },
    };
    struct httpc *httpc = client();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct httpc_request request = {.url = url_of(rows[i].path), .timeout_ms = 600};
        CHECK(httpc_run(httpc, &request));
        if (!CHECK_I64(request.outcome, rows[i].outcome))
            (void)fprintf(stderr, "%s: %s\n", rows[i].path, request.error);
        CHECK_I64(request.status, rows[i].status);
        CHECK((request.outcome == HTTPC_ANSWERED) == (request.error[0] == '\0'));
        CHECK(request.was_sent);
        CHECK(request.took_us < 2 * US_PER_S);
        httpc_request_fini(&request);
    }
    httpc_close(httpc);
}

static void test_url(void)
{
    static const struct {
        const char *url;
        enum httpc_outcome outcome;
    } rows[] = {
        {"file:///etc/passwd", HTTPC_BAD_URL},
        {"ftp://127.0.0.1/",   HTTPC_BAD_URL},
        {"http://",            HTTPC_BAD_URL},
        {"http://127.0.0.1:1", HTTPC_FAILED },
    };
    struct httpc *httpc = client();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct httpc_request request = {.url = rows[i].url, .timeout_ms = 1000};
        CHECK(httpc_run(httpc, &request));
        CHECK_I64(request.outcome, rows[i].outcome);
        CHECK(request.error[0] != '\0');
        CHECK(!request.was_sent);
        httpc_request_fini(&request);
    }
    httpc_close(httpc);
}

static void test_private(void)
{
    struct httpc *httpc = httpc_open(&(struct httpc_options){.max_transfers = 1});
    int before = atomic_load(&peer.connections);
    char by_name[64];
    (void)snprintf(by_name, sizeof by_name, "http://localhost:%d/ok", peer.port);
    const char *const urls[] = {url_of("/ok"), by_name, "http://[::1]:9/", "http://2130706433:9/"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct httpc_request request = {.url = urls[i], .timeout_ms = 2000};
        CHECK(httpc_run(httpc, &request));
        CHECK_I64(request.outcome, HTTPC_PRIVATE_ADDRESS);
        httpc_request_fini(&request);
    }
    CHECK_I64(atomic_load(&peer.connections) - before, 0);
    httpc_close(httpc);
}

static void test_proxy(void)
{
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct httpc *httpc = client();
    struct httpc_request request = {.url = url_of("/ok"), .timeout_ms = 2000};
    CHECK(httpc_run(httpc, &request));
    CHECK_I64(request.status, 200);
    httpc_request_fini(&request);
    httpc_close(httpc);
    (void)unsetenv("http_proxy");
    (void)unsetenv("ALL_PROXY");
}

static atomic_int done_count;

static void count_done(struct httpc_request *request)
{
    (void)request;
    atomic_fetch_add(&done_count, 1);
}

static void test_bound(void)
{
    struct httpc *httpc = client();
    struct httpc_request requests[5];
    const char *slow = url_of("/slow");
    atomic_store(&done_count, 0);
    for (int i = 0; i < 5; i++) {
        requests[i] = (struct httpc_request){.url = slow, .timeout_ms = 10000, .done = count_done};
        CHECK_I64(httpc_start(httpc, &requests[i]), i < 4);
    }
    httpc_close(httpc);
    CHECK_I64(atomic_load(&done_count), 4);
    for (int i = 0; i < 4; i++) {
        CHECK_I64(requests[i].outcome, HTTPC_ABORTED);
        httpc_request_fini(&requests[i]);
    }
}

/* Stands before libc's: a name server that takes its time over one name. */
typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *,
                              struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    if (name != NULL && strcmp(name, "tarpit.invalid") == 0) {
        (void)poll(NULL, 0, 3000);
        return EAI_AGAIN;
    }
    void *next = dlsym(RTLD_NEXT, "getaddrinfo");
    getaddrinfo_fn real = NULL;
    memcpy(&real, &next, sizeof real);
    return real(name, service, hints, out);
}

static void test_tarpit(void)
{
    struct httpc *httpc = client();
    int64_t began = clock_mono_us();
    struct httpc_request stuck = {.url = "http://tarpit.invalid/", .timeout_ms = 200};
    CHECK(httpc_run(httpc, &stuck));
    CHECK_I64(stuck.outcome, HTTPC_TIMED_OUT);
    struct httpc_request other = {.url = url_of("/ok"), .timeout_ms = 2000};
    CHECK(httpc_run(httpc, &other));
    CHECK_I64(other.status, 200);
    CHECK(clock_mono_us() - began < 2 * US_PER_S);
    httpc_request_fini(&stuck);
    httpc_request_fini(&other);
    httpc_close(httpc);
}

static const struct test_case cases[] = {
    {"requests are sent whole, over one connection",                        test_ok     },
    {"methods, versions and Retry-After are passed on",                     test_headers},
    {"a slow, huge, truncated, reset or garbled answer ends as what it is", test_bad    },
    {"only http and https are spoken",                                      test_url    },
    {"a private address is refused after the name was resolved",            test_private},
    {"proxies of the environment are not used",                             test_proxy  },
    {"transfers are bounded, and all end with the client",                  test_bound  },
    {"a slow name server holds up only who asked it",                       test_tarpit },
};

int main(int argc, char **argv)
{
    peer_start();
    int status = testing_main("httpc", cases, ARRAY_LEN(cases), argc, argv);
    peer_stop();
    return status;
}
