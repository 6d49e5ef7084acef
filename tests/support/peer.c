#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/parse.h"

enum { REQUEST_BYTES = 1 << 20, TURN_MS = 50 };

struct peer {
    int fd;
    int port;
    peer_fn *fn;
    void *ctx;
    pthread_t thread;
    atomic_bool is_closing;
    atomic_int connections;
};

struct connection {
    struct peer *peer;
    int fd;
};

struct str peer_header(const struct peer_request *request, const char *name)
{
    struct str rest = request->head;
    while (rest.ptr != NULL) {
        struct str value = str_split(&rest, '\n');
        struct str key = str_split(&value, ':');
        if (str_eq_nocase(key, str_from(name)))
            return str_trim(value);
    }
    return STR("");
}

/* False until the request is whole. */
static bool parse(struct str text, struct peer_request *out)
{
    ptrdiff_t end = str_find(text, STR("\r\n\r\n"));
    if (end < 0)
        return false;
    struct str head = {text.ptr, (size_t)end};
    struct str line = str_split(&head, '\n');
    out->method = str_split(&line, ' ');
    out->path = str_split(&line, ' ');
    out->head = head;
    int64_t length = 0;
    (void)parse_i64(peer_header(out, "Content-Length"), 0, REQUEST_BYTES, &length);
    out->body = (struct str){text.ptr + end + 4, text.len - (size_t)end - 4};
    return out->body.len >= (size_t)length;
}

static bool read_more(struct connection *connection, struct buf *text)
{
    char piece[4096];
    while (!atomic_load(&connection->peer->is_closing)) {
        struct pollfd poller = {.fd = connection->fd, .events = POLLIN};
        if (poll(&poller, 1, TURN_MS) <= 0)
            continue;
        ssize_t got = read(connection->fd, piece, sizeof piece);
        if (got <= 0)
            return false;
        buf_append(text, piece, (size_t)got);
        return !buf_failed(text);
    }
    return false;
}

static void send_all(int fd, struct str text)
{
    while (text.len > 0) {
        ssize_t sent = send(fd, text.ptr, text.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text = (struct str){text.ptr + sent, text.len - (size_t)sent};
    }
}

static void *serve_one(void *ctx)
{
    struct connection *connection = ctx;
    struct buf text;
    struct buf answer;
    bool is_open = true;
    buf_init(&text, REQUEST_BYTES);
    buf_init(&answer, 0);
    while (is_open) {
        struct peer_request request;
        while (is_open && !parse(buf_str(&text), &request))
            is_open = read_more(connection, &text);
        if (!is_open)
            break;
        buf_clear(&answer);
        connection->peer->fn(connection->peer->ctx, &request, &answer);
        is_open = answer.len > 0;
        send_all(connection->fd, buf_str(&answer));
        buf_clear(&text);
    }
    buf_fini(&text);
    buf_fini(&answer);
    (void)close(connection->fd);
    (void)atomic_fetch_sub(&connection->peer->connections, 1);
    free(connection);
    return NULL;
}

static void *serve(void *ctx)
{
    struct peer *peer = ctx;
    while (!atomic_load(&peer->is_closing)) {
        struct pollfd poller = {.fd = peer->fd, .events = POLLIN};
        if (poll(&poller, 1, TURN_MS) <= 0)
            continue;
        int fd = accept(peer->fd, NULL, NULL);
        if (fd < 0)
            continue;
        struct connection *connection = xcalloc(1, sizeof *connection);
        *connection = (struct connection){peer, fd};
        pthread_t thread;
        (void)atomic_fetch_add(&peer->connections, 1);
        if (pthread_create(&thread, NULL, serve_one, connection) == 0)
            (void)pthread_detach(thread);
    }
    return NULL;
}

struct peer *peer_open(peer_fn *fn, void *ctx)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    struct peer *peer = xcalloc(1, sizeof *peer);
    peer->fn = fn;
    peer->ctx = ctx;
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_up =
        bind(peer->fd, (const struct sockaddr *)(const void *)&address, sizeof address) == 0 &&
        listen(peer->fd, 64) == 0 &&
        getsockname(peer->fd, (struct sockaddr *)(void *)&address, &len) == 0 &&
        pthread_create(&peer->thread, NULL, serve, peer) == 0;
    INVARIANT(is_up);
    peer->port = ntohs(address.sin_port);
    return peer;
}

int peer_port(const struct peer *peer)
{
    return peer->port;
}

void peer_close(struct peer *peer)
{
    if (peer == NULL)
        return;
    atomic_store(&peer->is_closing, true);
    (void)pthread_join(peer->thread, NULL);
    while (atomic_load(&peer->connections) > 0)
        (void)poll(NULL, 0, 1);
    (void)close(peer->fd);
    free(peer);
}

void peer_answer(struct buf *out, int status, const char *json)
{
    buf_printf(out, "HTTP/1.1 %d Scripted\r\nContent-Type: application/json\r\n", status);
    buf_printf(out, "Content-Length: %zu\r\n\r\n%s", strlen(json), json);
}
