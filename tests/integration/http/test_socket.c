#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/lock.h"
#include "http/socket.h"
#include "http_fixture.h"
#include "testing.h"

/* The key and its answer are RFC 6455's own example. */
#define OPEN(path)                                                                                 \
    "GET " path                                                                                    \
    " HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"            \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define ANSWER "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

enum { SOCKETS_MAX = 64, WAIT_MS = 20000 };

/* What an owner of sockets is to do: one lock over its list, taken by sends and by on_closed. */
static struct {
    struct lock lock;
    struct http_socket *sockets[SOCKETS_MAX];
    size_t count;
    size_t closed;
} hub;

static void on_closed(void *ctx, struct http_socket *socket)
{
    (void)ctx;
    lock_take(&hub.lock);
    for (size_t i = 0; i < hub.count; i++) {
        if (hub.sockets[i] == socket) {
            hub.sockets[i] = hub.sockets[--hub.count];
            break;
        }
    }
    hub.closed++;
    lock_drop(&hub.lock);
}

static enum err_code socket_get(void *ctx, struct http_request *req, struct http_response *res,
                                struct err *err)
{
    (void)ctx;
    struct http_socket *socket = NULL;
    lock_take(&hub.lock);
    enum err_code code = http_socket_open(req, res, on_closed, NULL, &socket, err);
    if (code == ERR_OK) {
        hub.sockets[hub.count++] = socket;
        (void)http_socket_send(socket, STR("hello"));
    }
    lock_drop(&hub.lock);
    if (code == ERR_OK && str_eq(http_query(req, "then"), STR("fail")))
        return ERR_SET(err, ERR_NOT_FOUND, "NO_SUCH_WORKER", "no such worker");
    return code;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/socket", socket_get, 0, 0, ROLE_NONE, 0},
};

static struct http_server *open_server(struct http_server_config config)
{
    static const struct http_route_set set = {.routes = routes, .count = ARRAY_LEN(routes)};
    config.sets = &set;
    config.set_count = 1;
    if (config.max_sockets == 0)
        config.max_sockets = SOCKETS_MAX;
    hub.count = 0;
    hub.closed = 0;
    return fixture_open(&config);
}

static size_t hub_send(struct str text)
{
    size_t sent = 0;
    lock_take(&hub.lock);
    for (size_t i = 0; i < hub.count; i++)
        sent += http_socket_send(hub.sockets[i], text);
    lock_drop(&hub.lock);
    return sent;
}

static size_t closed_wanted;

static bool have_closed(void *ctx)
{
    (void)ctx;
    lock_take(&hub.lock);
    bool is_so = hub.closed == closed_wanted;
    lock_drop(&hub.lock);
    return is_so;
}

static bool await_closed(size_t count)
{
    closed_wanted = count;
    return wait_for(have_closed, NULL, WAIT_MS);
}

/* A connection whose first frame has come. */
static int join(const struct http_server *server, struct buf *in)
{
    int fd = dial(server);
    send_text(fd, OPEN("/socket"));
    CHECK(receive_until(fd, in, "\x81\x05hello", WAIT_MS));
    return fd;
}

/* A masked frame, with a mask of zeroes: the payload as it is. */
static void send_frame(int fd, unsigned char head, struct str payload)
{
    unsigned char start[6] = {head, (unsigned char)(0x80U | payload.len), 0, 0, 0, 0};
    const void *bytes = start;
    send_bytes(fd, bytes, sizeof start);
    send_bytes(fd, payload.ptr, payload.len);
}

static void frames_and_heartbeats_come(void)
{
    struct http_server *server = open_server((struct http_server_config){.heartbeat_ms = 300});
    struct buf in;
    buf_init(&in, 0);
    int fd = join(server, &in);
    CHECK(contains(&in, "HTTP/1.1 101"));
    CHECK(contains(&in, ANSWER));
    CHECK_I64(hub_send(STR("{\"a\":1}")), 1);
    CHECK(receive_until(fd, &in, "\x81\x07{\"a\":1}", WAIT_MS));
    CHECK(receive_until(fd, &in, "\x81\x01 \x81\x01 ", WAIT_MS)); /* white space, twice */
    (void)close(fd);
    CHECK(await_closed(1));
    buf_fini(&in);
    http_server_close(server);
}

static void pings_are_answered_and_words_dropped(void)
{
    struct http_server *server = open_server((struct http_server_config){0});
    struct buf in;
    buf_init(&in, 0);
    int fd = join(server, &in);
    send_frame(fd, 0x81, STR("what a client says"));
    send_frame(fd, 0x89, STR("ping"));
    CHECK(receive_until(fd, &in, "\x8A\x04ping", WAIT_MS));
    send_frame(fd, 0x88, STR("\x03\xE8"));
    CHECK(receive_all(fd, &in, WAIT_MS));
    CHECK(contains(&in, "\x88\x02\x03\xE8"));
    CHECK(await_closed(1));
    (void)close(fd);
    buf_fini(&in);
    http_server_close(server);
}

static void what_comes_with_the_head_counts(void)
{
    struct http_server *server = open_server((struct http_server_config){0});
    struct buf in;
    buf_init(&in, 0);
    int fd = dial(server);
    send_text(fd, OPEN("/socket") "\x89\x84\x01\x01\x01\x01qhof"); /* "ping" under a mask of ones */
    CHECK(receive_until(fd, &in, "\x8A\x04ping", WAIT_MS));
    (void)close(fd);
    CHECK(await_closed(1));
    buf_fini(&in);
    http_server_close(server);
}

static void bad_frames_end_it(void)
{
    static const struct str bad[] = {
        {"\x81\x05hello",                                     7 }, /* not masked */
        {"\x83\x80\0\0\0\0",                                  6 }, /* no such opcode */
        {"\xC1\x80\0\0\0\0",                                  6 }, /* a bit of an extension */
        {"\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0x", 15}, /* too large */
        {"\x81\x81\0\0\0\0\xFF",                              7 }, /* no UTF-8 */
    };
    struct http_server *server = open_server((struct http_server_config){0});
    struct buf in;
    buf_init(&in, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        buf_clear(&in);
        int fd = join(server, &in);
        send_bytes(fd, bad[i].ptr, bad[i].len);
        bool is_closed = await_closed(i + 1);
        if (!is_closed)
            (void)fprintf(stderr, "bad frame %zu was taken\n", i);
        CHECK(is_closed);
        (void)close(fd);
    }
    buf_fini(&in);
    http_server_close(server);
}

static void a_slow_reader_is_cut_off(void)
{
    struct http_server *server =
        open_server((struct http_server_config){.stream_buffer_bytes = 64 << 10});
    struct buf in;
    buf_init(&in, 0);
    int fd = join(server, &in);
    char *text = calloc(1, 32 << 10);
    memset(text, 'x', 32 << 10);
    size_t sent = 0;
    while (sent < 10000 && hub_send((struct str){text, 32 << 10}) == 1)
        sent++;
    CHECK(sent > 0 && sent < 10000); /* what the sockets' own buffers take, and ours */
    CHECK(await_closed(1));
    free(text);
    (void)close(fd);
    buf_fini(&in);
    http_server_close(server);
}

/* Each ping has its pong, which nobody takes away: not without end. Others are served. */
static void who_pings_and_does_not_read_is_cut_off(void)
{
    enum { FRAME_BYTES = 6 + 125, FRAMES = 256, BYTES_MAX = 64 << 20, SMALL_BYTES = 4096 };
    static char block[FRAME_BYTES * FRAMES];
    struct http_server *server = open_server((struct http_server_config){0});
    struct buf in;
    int small = SMALL_BYTES;
    buf_init(&in, 0);
    for (size_t i = 0; i < FRAMES; i++) {
        block[i * FRAME_BYTES] = (char)0x89;
        block[i * FRAME_BYTES + 1] = (char)(0x80 | 125);
    }
    int other = join(server, &in);
    buf_clear(&in);
    int fd = join(server, &in);
    buf_clear(&in);
    CHECK_I64(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    size_t bytes = 0;
    bool is_open = true;
    while (is_open && bytes < BYTES_MAX) {
        size_t at = bytes % sizeof block;
        ssize_t sent = send(fd, block + at, sizeof block - at, MSG_NOSIGNAL);
        is_open = sent > 0;
        bytes += is_open ? (size_t)sent : 0;
    }
    CHECK(!is_open);
    CHECK(await_closed(1));
    send_frame(other, 0x89, STR("ping"));
    CHECK(receive_until(other, &in, "\x8A\x04ping", WAIT_MS));
    (void)close(fd);
    (void)close(other);
    CHECK(await_closed(2));
    buf_fini(&in);
    http_server_close(server);
}

static void what_is_no_websocket_is_refused(void)
{
    static const char *const requests[] = {
        "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
        "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    };
    struct http_server *server = open_server((struct http_server_config){0});
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct buf in;
        talk(server, requests[i], &in);
        CHECK(contains(&in, "HTTP/1.1 400") && contains(&in, "NOT_A_WEBSOCKET"));
        buf_fini(&in);
    }
    CHECK_I64(hub.closed, 0);
    http_server_close(server);
}

static void a_handler_may_fail_after_opening_and_sockets_are_counted(void)
{
    struct http_server *server = open_server((struct http_server_config){.max_sockets = 2});
    struct buf in;
    buf_init(&in, 0);
    int failed = dial(server);
    send_text(failed, OPEN("/socket?then=fail"));
    CHECK(receive_until(failed, &in, "NO_SUCH_WORKER", WAIT_MS));
    CHECK(contains(&in, "HTTP/1.1 404"));
    CHECK(await_closed(1));
    (void)close(failed);
    int first = join(server, &in);
    buf_clear(&in);
    int second = join(server, &in);
    int third = dial(server);
    buf_clear(&in);
    send_text(third, OPEN("/socket"));
    CHECK(receive_until(third, &in, "TOO_MANY_SOCKETS", WAIT_MS));
    CHECK(contains(&in, "HTTP/1.1 429"));
    (void)close(third);
    (void)close(first);
    CHECK(await_closed(2));
    (void)close(second);
    CHECK(await_closed(3));
    buf_fini(&in);
    http_server_close(server);
}

static void draining_says_goodbye(void)
{
    struct http_server *server = open_server((struct http_server_config){0});
    struct buf in;
    buf_init(&in, 0);
    int fd = join(server, &in);
    buf_clear(&in);
    int deaf = join(server, &in); /* never answers the goodbye */
    http_server_drain(server, 1000);
    CHECK(receive_all(fd, &in, WAIT_MS));
    CHECK(contains(&in, "\x88\x02\x03\xE9"));
    http_server_close(server);
    CHECK(await_closed(2));
    (void)close(fd);
    (void)close(deaf);
    buf_fini(&in);
}

static const struct test_case cases[] = {
    {"frames and heartbeats come",                                frames_and_heartbeats_come            },
    {"pings are answered and words dropped",                      pings_are_answered_and_words_dropped  },
    {"what comes with the head counts",                           what_comes_with_the_head_counts       },
    {"bad frames end it",                                         bad_frames_end_it                     },
    {"a slow reader is cut off",                                  a_slow_reader_is_cut_off              },
    {"who pings and does not read is cut off",                    who_pings_and_does_not_read_is_cut_off},
    {"what is no websocket is refused",                           what_is_no_websocket_is_refused       },
    {"a handler may fail after opening, and sockets are counted",
     a_handler_may_fail_after_opening_and_sockets_are_counted                                           },
    {"draining says goodbye",                                     draining_says_goodbye                 },
};

int main(int argc, char **argv)
{
    lock_init(&hub.lock, "hub", 100);
    int status = testing_main("http socket", cases, ARRAY_LEN(cases), argc, argv);
    lock_fini(&hub.lock);
    return status;
}
