/* glibc shows TCP_USER_TIMEOUT to those who ask for more than POSIX. */
#define _DEFAULT_SOURCE
#include "http/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "crypt/crypt.h"
#include "server_int.h"

enum {
    KEY_LEN = 24,           /* 16 bytes in base64 */
    HEARD_BYTES_MAX = 4096, /* of one message of the client's, which is dropped */
    TURN_BYTES = 16 << 10,  /* read of one client before the others have their turn */
    QUEUED_MAX = 4096,      /* frames, pongs too: who pings and does not read is cut off */
    SILENT_MS = 30000,      /* what was sent and not acknowledged for so long ends the connection */
    TICK_MS = 200,
    EVENTS_MAX = 64,
};

/* How long a client that was told goodbye may take to say so too. */
#define GOODBYE_US (3 * US_PER_S)

static const char key_suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 */

struct http_socket {
    struct list_node node; /* of the server's; its lock */
    struct http_server *server;
    http_socket_closed_fn on_closed;
    void *ctx;
    struct MHD_UpgradeResponseHandle *upgrade;
    struct lock lock; /* guards what follows */
    int fd;           /* -1 until it is ours */
    wslay_event_context_ptr frames;
    size_t turn_bytes; /* left to be read this time */
    struct buf early;  /* what came with the head */
    size_t early_read;
    int64_t sent_mono_us;
    int64_t ended_mono_us; /* 0: open */
    bool is_broken;        /* to be removed */
};

/* ---- bytes in and out; under the socket's lock ---- */

static ssize_t bytes_recv(wslay_event_context_ptr frames, uint8_t *out, size_t len, int flags,
                          void *arg)
{
    (void)flags;
    struct http_socket *socket = arg;
    size_t left = socket->early.len - socket->early_read;
    if (left > 0) {
        size_t bytes = left < len ? left : len;
        memcpy(out, socket->early.data + socket->early_read, bytes);
        socket->early_read += bytes;
        return (ssize_t)bytes;
    }
    if (len > socket->turn_bytes)
        len = socket->turn_bytes;
    ssize_t got = len == 0 ? -1 : recv(socket->fd, out, len, MSG_DONTWAIT);
    if (got > 0) {
        socket->turn_bytes -= (size_t)got;
        return got;
    }
    bool is_later = len == 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
    wslay_event_set_error(frames, is_later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t bytes_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len,
                          int flags, void *arg)
{
    (void)flags;
    const struct http_socket *socket = arg;
    ssize_t sent = send(socket->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    bool is_later = errno == EAGAIN || errno == EINTR;
    wslay_event_set_error(frames, is_later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* The library lets pass what no RFC has named. */
static void on_frame(wslay_event_context_ptr frames,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    (void)arg;
    uint8_t kind = frame->opcode & 7U;
    if (kind <= 2)
        return;
    (void)wslay_event_queue_close(frames, WSLAY_CODE_PROTOCOL_ERROR, NULL, 0);
    wslay_event_shutdown_read(frames);
}

/* The thread finds it by the end of its input. */
static void break_off(struct http_socket *socket)
{
    socket->is_broken = true;
    if (socket->fd >= 0)
        (void)shutdown(socket->fd, SHUT_RDWR);
}

static void watch(const struct http_socket *socket, int operation)
{
    bool wants_write = wslay_event_want_write(socket->frames) != 0;
    struct epoll_event event = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0U),
                                .data.u64 = (uint64_t)(uintptr_t)socket};
    (void)epoll_ctl(socket->server->socket_epoll_fd, operation, socket->fd, &event);
}

static void push(struct http_socket *socket)
{
    if (socket->fd < 0 || socket->is_broken)
        return;
    if (wslay_event_send(socket->frames) != 0) {
        break_off(socket);
        return;
    }
    watch(socket, EPOLL_CTL_MOD);
}

/* ---- opening ---- */

static bool names_token(struct str list, const char *wanted)
{
    while (list.ptr != NULL) {
        if (str_eq_nocase(str_trim(str_split(&list, ',')), str_from(wanted)))
            return true;
    }
    return false;
}

static enum err_code handshake(const struct http_request *req, struct http_response *res,
                               struct err *err)
{
    unsigned char digest[CRYPT_SHA1_SIZE];
    struct buf text;
    struct str key = str_trim(http_header(req, "Sec-WebSocket-Key"));
    bool is_one = req->method == HTTP_GET && key.len == KEY_LEN &&
                  names_token(http_header(req, "Connection"), "upgrade") &&
                  names_token(http_header(req, "Upgrade"), "websocket") &&
                  str_eq_text(str_trim(http_header(req, "Sec-WebSocket-Version")), "13");
    if (!is_one)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "NOT_A_WEBSOCKET",
                       "this path is for websockets of version 13 only");
    buf_init(&text, 0);
    buf_str_append(&text, key);
    buf_text(&text, key_suffix);
    enum err_code code = crypt_sha1(buf_str(&text), digest, err);
    if (code == ERR_OK) {
        buf_clear(&text);
        crypt_base64(&text, digest, sizeof digest);
        http_set_header(res, "Upgrade", "websocket");
        http_set_header(res, "Sec-WebSocket-Accept", text.data);
        res->status = 101;
    }
    buf_fini(&text);
    return code;
}

static struct http_socket *socket_new(struct http_server *server, http_socket_closed_fn on_closed,
                                      void *ctx)
{
    struct wslay_event_callbacks callbacks = {.recv_callback = bytes_recv,
                                              .send_callback = bytes_send,
                                              .on_frame_recv_start_callback = on_frame};
    struct http_socket *socket = xcalloc(1, sizeof *socket);
    socket->server = server;
    socket->on_closed = on_closed;
    socket->ctx = ctx;
    socket->fd = -1;
    socket->sent_mono_us = clock_mono_us();
    lock_init(&socket->lock, "http socket", HTTP_RANK_SOCKET);
    buf_init(&socket->early, 0);
    int failed = wslay_event_context_server_init(&socket->frames, &callbacks, socket);
    INVARIANT(failed == 0); /* memory, which aborts everywhere */
    wslay_event_config_set_max_recv_msg_length(socket->frames, HEARD_BYTES_MAX);
    return socket;
}

static void socket_free(struct http_socket *socket)
{
    wslay_event_context_free(socket->frames);
    buf_fini(&socket->early);
    lock_fini(&socket->lock);
    free(socket);
}

enum err_code http_socket_open(struct http_request *req, struct http_response *res,
                               http_socket_closed_fn on_closed, void *ctx, struct http_socket **out,
                               struct err *err)
{
    struct exchange *ex = exchange_of(req);
    struct http_server *server = ex->server;
    INVARIANT(ex->socket == NULL && on_closed != NULL);
    lock_take(&server->lock);
    bool is_draining = server->is_draining;
    bool is_full = server->socket_count >= server->config.max_sockets;
    if (!is_draining && !is_full)
        server->socket_count++;
    lock_drop(&server->lock);
    if (is_draining)
        return ERR_SET(err, ERR_UNAVAILABLE, "DRAINING",
                       "the server is shutting down; connect again");
    if (is_full)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TOO_MANY_SOCKETS",
                       "the server has as many websockets open as it may; try again later");
    enum err_code code = handshake(req, res, err);
    if (code != ERR_OK) {
        lock_take(&server->lock);
        server->socket_count--;
        lock_drop(&server->lock);
        return code;
    }
    ex->socket = socket_new(server, on_closed, ctx);
    *out = ex->socket;
    return ERR_OK;
}

/* On libmicrohttpd's thread: the connection is ours from here on. */
static void on_upgrade(void *cls, struct MHD_Connection *mhd, void *exchange, const char *early,
                       size_t early_bytes, MHD_socket fd, struct MHD_UpgradeResponseHandle *upgrade)
{
    (void)mhd;
    struct http_socket *socket = cls;
    struct http_server *server = socket->server;
    unsigned silent_ms = SILENT_MS;
    exchange_leave(exchange); /* a websocket is not waited for */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof silent_ms);
    lock_take(&server->lock);
    list_append(&server->sockets, &socket->node);
    lock_take(&socket->lock);
    socket->upgrade = upgrade;
    socket->fd = fd;
    buf_append(&socket->early, early, early_bytes);
    watch(socket, EPOLL_CTL_ADD);
    /* Nothing tells the thread of what is here already. */
    bool is_whole = !socket->is_broken && wslay_event_recv(socket->frames) == 0;
    if (is_whole)
        push(socket);
    else
        break_off(socket);
    lock_drop(&socket->lock);
    lock_drop(&server->lock);
}

struct MHD_Response *socket_response(struct http_socket *socket)
{
    return MHD_create_response_for_upgrade(on_upgrade, socket);
}

static void over(struct http_socket *socket)
{
    struct http_server *server = socket->server;
    socket->on_closed(socket->ctx, socket);
    if (socket->upgrade != NULL)
        (void)MHD_upgrade_action(socket->upgrade, MHD_UPGRADE_ACTION_CLOSE);
    socket_free(socket);
    lock_take(&server->lock);
    server->socket_count--;
    cond_broadcast(&server->changed);
    lock_drop(&server->lock);
}

void socket_drop(struct http_socket *socket)
{
    if (socket != NULL)
        over(socket);
}

/* ---- sending ---- */

/* Under the socket's lock. */
static bool queue_text(struct http_socket *socket, struct str text)
{
    const void *bytes = text.ptr;
    struct wslay_event_msg message = {
        .opcode = WSLAY_TEXT_FRAME, .msg = bytes, .msg_length = text.len};
    size_t max_bytes = socket->server->config.stream_buffer_bytes;
    size_t backlog = wslay_event_get_queued_msg_length(socket->frames);
    if (text.len > max_bytes || backlog > max_bytes - text.len) {
        break_off(socket);
        return false;
    }
    socket->sent_mono_us = clock_mono_us();
    return wslay_event_queue_msg(socket->frames, &message) == 0;
}

bool http_socket_send(struct http_socket *socket, struct str text)
{
    struct http_server *server = socket->server;
    lock_take(&socket->lock);
    bool is_open = socket->ended_mono_us == 0 && !socket->is_broken;
    bool is_queued = is_open && queue_text(socket, text);
    if (is_queued)
        push(socket);
    bool has_overflown = is_open && !is_queued;
    lock_drop(&socket->lock);
    if (has_overflown)
        metric_inc(server->metrics.overflows);
    return is_queued;
}

/* Under the socket's lock. */
static void say_goodbye(struct http_socket *socket, int status_code)
{
    if (socket->ended_mono_us != 0)
        return;
    socket->ended_mono_us = clock_mono_us();
    (void)wslay_event_queue_close(socket->frames, (uint16_t)status_code, NULL, 0);
    push(socket);
}

void http_socket_close(struct http_socket *socket, int status_code)
{
    lock_take(&socket->lock);
    say_goodbye(socket, status_code);
    lock_drop(&socket->lock);
}

/* ---- the thread that serves them ---- */

/* True when it is over. */
static bool on_event(struct http_socket *socket, uint32_t events)
{
    lock_take(&socket->lock);
    socket->turn_bytes = TURN_BYTES;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && wslay_event_recv(socket->frames) != 0)
        break_off(socket);
    if (wslay_event_get_queued_msg_count(socket->frames) > QUEUED_MAX)
        break_off(socket);
    push(socket);
    /* Both have said goodbye, or we have to somebody who keeps to no protocol. */
    bool is_farewell = wslay_event_get_close_sent(socket->frames) != 0 &&
                       (wslay_event_get_close_received(socket->frames) != 0 ||
                        wslay_event_get_read_enabled(socket->frames) == 0);
    if (is_farewell)
        break_off(socket);
    bool is_over = socket->is_broken;
    lock_drop(&socket->lock);
    return is_over;
}

/* True when it is over. */
static bool look_after(struct http_socket *socket, int64_t now_mono_us)
{
    int64_t quiet_us = socket->server->config.heartbeat_ms * US_PER_MS;
    lock_take(&socket->lock);
    bool is_open = socket->ended_mono_us == 0 && !socket->is_broken;
    if (is_open && now_mono_us - socket->sent_mono_us >= quiet_us &&
        queue_text(socket, STR(" "))) /* white space is a heartbeat */
        push(socket);
    bool is_late = socket->ended_mono_us != 0 && now_mono_us - socket->ended_mono_us > GOODBYE_US;
    bool is_over = socket->is_broken || is_late;
    lock_drop(&socket->lock);
    return is_over;
}

/* Takes those that are over off the list, one at a time. */
static struct http_socket *take_over(struct http_server *server, bool takes_all)
{
    struct http_socket *found = NULL;
    int64_t now = clock_mono_us();
    lock_take(&server->lock);
    struct list_node *node = list_first(&server->sockets);
    for (; node != NULL && found == NULL; node = list_next(&server->sockets, node)) {
        struct http_socket *socket = LIST_ENTRY(node, struct http_socket, node);
        if (look_after(socket, now) || takes_all)
            found = socket;
    }
    if (found != NULL)
        list_remove(&found->node);
    lock_drop(&server->lock);
    return found;
}

void *sockets_main(void *arg)
{
    struct http_server *server = arg;
    int64_t next_mono_us = 0;
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(server->socket_epoll_fd, events, EVENTS_MAX, TICK_MS);
        bool has_broken = false;
        for (int i = 0; i < count; i++) {
            struct http_socket *socket = (struct http_socket *)(uintptr_t)events[i].data.u64;
            has_broken = on_event(socket, events[i].events) || has_broken;
        }
        lock_take(&server->lock);
        bool is_stopping = server->is_stopping;
        lock_drop(&server->lock);
        if (!has_broken && !is_stopping && clock_mono_us() < next_mono_us)
            continue;
        next_mono_us = clock_mono_us() + TICK_MS * US_PER_MS;
        struct http_socket *socket;
        while ((socket = take_over(server, is_stopping)) != NULL) {
            (void)epoll_ctl(server->socket_epoll_fd, EPOLL_CTL_DEL, socket->fd, NULL);
            over(socket);
        }
        if (is_stopping)
            return NULL;
    }
}

void sockets_end_all(struct http_server *server)
{
    lock_take(&server->lock);
    struct list_node *node = list_first(&server->sockets);
    for (; node != NULL; node = list_next(&server->sockets, node))
        http_socket_close(LIST_ENTRY(node, struct http_socket, node), HTTP_SOCKET_GOING_AWAY);
    lock_drop(&server->lock);
}
