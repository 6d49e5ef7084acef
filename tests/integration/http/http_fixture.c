#include "http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "http/ops.h"

static struct {
    struct lock lock;
    struct cond changed;
    bool is_shut;
    int waiting;
} gate;

static void gate_init(void)
{
    if (gate.lock.name != NULL)
        return;
    lock_init(&gate.lock, "gate", 50);
    cond_init(&gate.changed);
}

void gate_shut(void)
{
    gate_init();
    lock_take(&gate.lock);
    gate.is_shut = true;
    lock_drop(&gate.lock);
}

void gate_open(void)
{
    lock_take(&gate.lock);
    gate.is_shut = false;
    cond_broadcast(&gate.changed);
    lock_drop(&gate.lock);
}

int gate_waiting(void)
{
    lock_take(&gate.lock);
    int waiting = gate.waiting;
    lock_drop(&gate.lock);
    return waiting;
}

static enum err_code wait_at_gate(void *ctx, struct http_request *req, struct http_response *res,
                                  struct err *err)
{
    (void)ctx;
    (void)err;
    lock_take(&gate.lock);
    gate.waiting++;
    int64_t until = req->call->deadline_mono_us;
    while (gate.is_shut && cond_wait_until(&gate.changed, &gate.lock, until))
        ;
    gate.waiting--;
    lock_drop(&gate.lock);
    http_json(res, 200, STR("{\"waited\":true}"));
    return ERR_OK;
}

/* Shows what arrived. */
static enum err_code echo(void *ctx, struct http_request *req, struct http_response *res,
                          struct err *err)
{
    (void)ctx;
    (void)err;
    struct str sid = http_path_param(req, "sid");
    struct str q = http_query(req, "q");
    buf_printf(&res->body, "{\"route\":\"%s\",\"sid\":\"%.*s\",\"q\":\"%.*s\",\"role\":\"%s\"",
               req->route->pattern, STR_ARG(sid), STR_ARG(q), role_name(req->call->who.role));
    buf_printf(&res->body, ",\"peer\":\"%s\",\"trace\":\"%s\",\"body\":", req->peer,
               req->call->traceparent);
    http_json_quote(&res->body, req->body);
    buf_char(&res->body, '}');
    http_json_body(res, req->method == HTTP_POST ? 201 : 200);
    http_set_header(res, "X-Echo", "a");
    http_set_header(res, "X-Echo", "b");
    http_set_header(res, "X-Split", "a\r\nInjected: yes");
    return ERR_OK;
}

static enum err_code form(void *ctx, struct http_request *req, struct http_response *res,
                          struct err *err)
{
    (void)ctx;
    struct http_params params;
    enum err_code code = http_form(req, &params, err);
    if (code != ERR_OK)
        return code;
    size_t pos = 0;
    struct str value;
    while (http_params_next(&params, "tag", &pos, &value))
        buf_printf(&res->body, "[%.*s]", STR_ARG(value));
    http_json_body(res, 200);
    return ERR_OK;
}

static enum err_code broken(void *ctx, struct http_request *req, struct http_response *res,
                            struct err *err)
{
    (void)ctx;
    http_set_header(res, "ETag", "\"1\"");
    struct str kind = http_query(req, "kind");
    if (str_eq(kind, STR("field")))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "BAD_NAME", "friendly_name",
                         "say \"what\" to change");
    if (str_eq(kind, STR("aborted")))
        return ERR_SET(err, ERR_ABORTED, "VERSION_MISMATCH", "version 2 is current");
    if (str_eq(kind, STR("gone")))
        return ERR_SET(err, ERR_OUT_OF_RANGE, "CURSOR_EXPIRED", "start again");
    if (str_eq(kind, STR("arena")))
        (void)arena_alloc(req->call->arena, (size_t)1 << 30);
    if (str_eq(kind, STR("arena")))
        return ERR_OK;
    if (str_eq(kind, STR("silent")))
        return ERR_NOT_FOUND;
    return ERR_SET(err, ERR_INTERNAL, "SECRET", "the password is hunter2");
}

static enum err_code large(void *ctx, struct http_request *req, struct http_response *res,
                           struct err *err)
{
    (void)ctx;
    (void)req;
    (void)err;
    for (int i = 0; i < 40000; i++)
        buf_text(&res->body, "0123456789abcdef");
    http_json_body(res, 200);
    return ERR_OK;
}

static enum err_code static_get(void *ctx, struct http_request *req, struct http_response *res,
                                struct err *err)
{
    (void)ctx;
    (void)req;
    (void)err;
    http_static(res, 200, "text/plain", STR("embedded"));
    http_set_header(res, "Cache-Control", "public, max-age=60");
    return ERR_OK;
}

static enum err_code removed(void *ctx, struct http_request *req, struct http_response *res,
                             struct err *err)
{
    (void)ctx;
    (void)req;
    (void)err;
    http_no_content(res);
    return ERR_OK;
}

static const struct http_route routes[] = {
    {HTTP_GET,    "/items",           echo,         0,     0,       ROLE_NONE,  HTTP_AUTH_OPTIONAL},
    {HTTP_POST,   "/items",           echo,         0,     1024,    ROLE_NONE,  HTTP_TAKES_JSON   },
    {HTTP_GET,    "/items/{sid}",     echo,         0,     0,       ROLE_NONE,  0                 },
    {HTTP_DELETE, "/items/{sid}",     removed,      0,     0,       ROLE_NONE,  0                 },
    {HTTP_GET,    "/items/special",   echo,         0,     0,       ROLE_NONE,  0                 },
    {HTTP_POST,   "/form",            form,         0,     4096,    ROLE_NONE,  HTTP_TAKES_FORM   },
    {HTTP_POST,   "/big",             echo,         0,     1 << 20, ROLE_NONE,  0                 },
    {HTTP_GET,    "/wait",            wait_at_gate, 10000, 0,       ROLE_NONE,  0                 },
    {HTTP_GET,    "/broken",          broken,       0,     0,       ROLE_NONE,  0                 },
    {HTTP_GET,    "/large",           large,        0,     0,       ROLE_NONE,  0                 },
    {HTTP_GET,    "/agents",          echo,         0,     0,       ROLE_AGENT, 0                 },
    {HTTP_GET,    "/admins",          echo,         0,     0,       ROLE_ADMIN, 0                 },
    {HTTP_GET,    "/files/{path...}", static_get,   0,     0,       ROLE_NONE,  0                 },
};

static void dialect_error(void *ctx, const struct http_request *req, int status,
                          const struct err *err, struct http_response *res)
{
    (void)ctx;
    (void)req;
    buf_printf(&res->body, "{\"code\":20404,\"status\":%d,\"message\":\"%s\"}", status,
               err->detail);
    http_json_body(res, status);
}

static const struct http_route dialect_routes[] = {
    {HTTP_GET, "/v1/broken", broken, 0, 0, ROLE_NONE, 0},
};

static enum err_code check_good(void *ctx, struct call *call, struct err *err)
{
    (void)ctx;
    (void)call;
    (void)err;
    return ERR_OK;
}

static enum err_code check_bad(void *ctx, struct call *call, struct err *err)
{
    (void)ctx;
    (void)call;
    return ERR_SET(err, ERR_UNAVAILABLE, "DOWN", "no \"bus\"");
}

static const struct http_check checks[] = {
    {"database", check_good, NULL},
    {"bus",      check_bad,  NULL},
};
static struct http_ops ops = {checks, ARRAY_LEN(checks)};

static enum err_code authenticate(void *ctx, struct http_request *req, struct err *err)
{
    (void)ctx;
    struct str token;
    if (!http_bearer_token(http_header(req, "Authorization"), &token))
        return ERR_OK;
    req->call->who.role = role_from(token.ptr);
    if (req->call->who.role == ROLE_NONE)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "BAD_TOKEN", "the token is not valid");
    return ERR_OK;
}

struct http_server *fixture_open(const struct http_server_config *config)
{
    static struct http_route_set sets[4];
    static const char *const origins[] = {"https://ui.example", NULL};
    struct http_server_config all = {0};
    if (config != NULL)
        all = *config;
    struct http_route_set first = {.routes = routes, .count = ARRAY_LEN(routes)};
    struct http_route_set second = {.routes = dialect_routes,
                                    .count = ARRAY_LEN(dialect_routes),
                                    .prefix = "/v1/",
                                    .render_error = dialect_error};
    sets[0] = first;
    sets[1] = second;
    sets[2] = http_ops_routes(&ops);
    if (all.set_count == 1)
        sets[3] = all.sets[0];
    all.set_count += 3;
    all.sets = sets;
    all.listen = "127.0.0.1:0";
    all.authenticate = authenticate;
    all.cors_origins = origins;
    gate_init();
    struct http_server *server = NULL;
    struct err err = {0};
    enum err_code code = http_server_open(&all, &server, &err);
    if (code != ERR_OK)
        (void)fprintf(stderr, "%s\n", err.detail);
    INVARIANT(code == ERR_OK);
    return server;
}

int dial(const struct http_server *server)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)http_server_port(server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int failed = connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address);
    if (failed != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void send_bytes(int fd, const char *bytes, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        sent += (size_t)n;
    }
}

void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

/* 1 = got bytes, 0 = closed, -1 = time is over. */
static int receive_some(int fd, struct buf *in, int64_t until_mono_us)
{
    int64_t left_us = until_mono_us - clock_mono_us();
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    if (left_us <= 0 || poll(&entry, 1, (int)(left_us / US_PER_MS) + 1) <= 0)
        return -1;
    char chunk[8192];
    ssize_t n = recv(fd, chunk, sizeof chunk, 0);
    if (n <= 0)
        return 0;
    buf_append(in, chunk, (size_t)n);
    return 1;
}

bool contains(const struct buf *in, const char *text)
{
    return str_find(buf_str(in), str_from(text)) >= 0;
}

size_t occurrences(const struct buf *in, const char *text)
{
    size_t count = 0;
    struct str rest = buf_str(in);
    ptrdiff_t at;
    while (rest.len > 0 && (at = str_find(rest, str_from(text))) >= 0) {
        count++;
        rest = (struct str){rest.ptr + at + 1, rest.len - (size_t)at - 1};
    }
    return count;
}

bool receive_until(int fd, struct buf *in, const char *text, int time_ms)
{
    int64_t until = clock_mono_us() + time_ms * US_PER_MS;
    while (!contains(in, text)) {
        if (receive_some(fd, in, until) <= 0)
            return contains(in, text);
    }
    return true;
}

bool receive_all(int fd, struct buf *in, int time_ms)
{
    int64_t until = clock_mono_us() + time_ms * US_PER_MS;
    int got;
    while ((got = receive_some(fd, in, until)) > 0)
        ;
    return got == 0;
}

void talk(const struct http_server *server, const char *text, struct buf *out)
{
    buf_init(out, 0);
    buf_text(out, "");
    int fd = dial(server);
    send_text(fd, text);
    (void)receive_all(fd, out, 5000);
    (void)close(fd);
}

bool wait_for(bool (*condition)(void *ctx), void *ctx, int time_ms)
{
    int64_t until = clock_mono_us() + time_ms * US_PER_MS;
    const struct timespec pause = {.tv_nsec = 2000000};
    while (!condition(ctx)) {
        if (clock_mono_us() > until)
            return false;
        (void)nanosleep(&pause, NULL);
    }
    return true;
}
