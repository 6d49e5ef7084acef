#include "http/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "server_int.h"

/* Room beyond the buffer for what ends a stream, and how long a client may take to read it. */
enum { LAST_WORDS_BYTES = 256, SHRINK_BYTES = 16 << 10 };
#define LAST_WORDS_US (3 * US_PER_S)

struct http_stream {
    struct list_node node; /* the server's lock */
    struct http_server *server;
    http_stream_closed_fn on_closed;
    void *ctx;
    struct lock lock; /* guards what follows */
    struct MHD_Connection *mhd;
    int fd; /* -1 until answered */
    struct buf queued;
    size_t sent; /* bytes of queued that libmicrohttpd has taken */
    int64_t last_mono_us;
    int64_t ended_mono_us; /* 0 = open */
    bool is_gone;          /* the client hung up */
    bool is_suspended;
};

enum err_code http_stream_open(struct http_request *req, struct http_response *res,
                               http_stream_closed_fn on_closed, void *ctx, struct http_stream **out,
                               struct err *err)
{
    struct exchange *ex = exchange_of(req);
    struct http_server *server = ex->server;
    INVARIANT(ex->stream == NULL && on_closed != NULL);
    if (req->method == HTTP_HEAD)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "NOT_STREAMABLE", "use GET for an event stream");
    struct http_stream *stream = xcalloc(1, sizeof *stream);
    stream->server = server;
    stream->on_closed = on_closed;
    stream->ctx = ctx;
    stream->fd = -1;
    stream->last_mono_us = clock_mono_us();
    lock_init(&stream->lock, "http stream", HTTP_RANK_STREAM);
    buf_init(&stream->queued, server->config.stream_buffer_bytes + LAST_WORDS_BYTES);
    buf_text(&stream->queued, "retry: 2000\n\n"); /* also makes proxies pass the head on */

    lock_take(&server->lock);
    bool is_draining = server->is_draining;
    bool is_full = server->stream_count >= server->config.max_streams;
    if (!is_draining && !is_full) {
        list_append(&server->streams, &stream->node);
        server->stream_count++;
        server->in_flight--; /* a stream is not waited for */
    }
    lock_drop(&server->lock);
    if (is_draining || is_full) {
        lock_fini(&stream->lock);
        buf_fini(&stream->queued);
        free(stream);
        if (is_draining)
            return ERR_SET(err, ERR_UNAVAILABLE, "DRAINING",
                           "the server is shutting down; connect again");
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS",
                       "the server has as many event streams open as it may; try again later");
    }
    metric_add(server->metrics.streams, 1);
    ex->stream = stream;
    res->status = 200;
    http_set_header(res, "Content-Type", "text/event-stream");
    http_set_header(res, "X-Accel-Buffering", "no");
    *out = stream;
    return ERR_OK;
}

/* Gives the room of what the client has taken back; under the stream's lock. */
static void queued_compact(struct http_stream *stream)
{
    struct buf *queued = &stream->queued;
    size_t left = queued->len - stream->sent;
    if (left == 0 && queued->capacity > SHRINK_BYTES) {
        buf_fini(queued); /* many idle streams must not keep their peaks */
    } else if (queued->data != NULL) {
        memmove(queued->data, queued->data + stream->sent, left);
        queued->len = left;
        queued->data[left] = '\0';
    }
    stream->sent = 0;
}

/* Called by libmicrohttpd when the socket takes more. */
static ssize_t stream_read(void *cls, uint64_t pos, char *out, size_t max_bytes)
{
    (void)pos;
    struct http_stream *stream = cls;
    ssize_t result = 0;
    lock_take(&stream->lock);
    size_t left = stream->queued.len - stream->sent;
    if (stream->is_gone) {
        result = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (left > 0) {
        size_t bytes = left < max_bytes ? left : max_bytes;
        memcpy(out, stream->queued.data + stream->sent, bytes);
        stream->sent += bytes;
        if (stream->sent > stream->queued.len / 2) /* moving less would cost more than it gives */
            queued_compact(stream);
        result = (ssize_t)bytes;
    } else if (stream->ended_mono_us != 0) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->is_suspended = true;
        MHD_suspend_connection(stream->mhd);
    }
    lock_drop(&stream->lock);
    return result;
}

struct MHD_Response *stream_response(struct http_stream *stream)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream_read, stream, NULL);
}

void stream_attach(struct http_stream *stream, struct conn *conn)
{
    struct http_server *server = stream->server;
    lock_take(&stream->lock);
    stream->mhd = conn->mhd;
    stream->fd = conn->fd;
    lock_drop(&stream->lock);
    lock_take(&server->lock);
    conn->stream = stream;
    conn->phase = CONN_STREAM;
    lock_drop(&server->lock);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = conn->id};
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event);
}

void stream_detach(struct http_stream *stream, bool is_request_again)
{
    if (stream == NULL)
        return;
    struct http_server *server = stream->server;
    if (stream->fd >= 0)
        (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, stream->fd, NULL);
    lock_take(&stream->lock);
    stream->is_gone = true;
    if (stream->ended_mono_us == 0)
        stream->ended_mono_us = clock_mono_us();
    lock_drop(&stream->lock);
    stream->on_closed(stream->ctx, stream);
    lock_take(&server->lock);
    list_remove(&stream->node);
    server->stream_count--;
    if (is_request_again)
        server->in_flight++;
    cond_broadcast(&server->changed);
    lock_drop(&server->lock);
    metric_add(server->metrics.streams, -1);
    lock_fini(&stream->lock);
    buf_fini(&stream->queued);
    free(stream);
}

/* Under the stream's lock; the caller resumes what it returns after dropping the lock. The
 * connection cannot end in between: while suspended it is ours to resume. */
static struct MHD_Connection *suspended_take(struct http_stream *stream)
{
    bool was_suspended = stream->is_suspended;
    stream->is_suspended = false;
    return was_suspended ? stream->mhd : NULL;
}

static void connection_resume(struct MHD_Connection *mhd)
{
    if (mhd != NULL)
        MHD_resume_connection(mhd);
}

/* Under the stream's lock. */
static void end_locked(struct http_stream *stream, struct str last_words)
{
    if (stream->ended_mono_us != 0)
        return;
    buf_str_append(&stream->queued, last_words);
    stream->ended_mono_us = clock_mono_us();
}

void stream_end(struct http_stream *stream, struct str last_words)
{
    lock_take(&stream->lock);
    end_locked(stream, last_words);
    struct MHD_Connection *mhd = suspended_take(stream);
    lock_drop(&stream->lock);
    connection_resume(mhd);
}

void stream_hang_up(struct http_stream *stream)
{
    lock_take(&stream->lock);
    stream->is_gone = true;
    end_locked(stream, (struct str){NULL, 0});
    struct MHD_Connection *mhd = suspended_take(stream);
    lock_drop(&stream->lock);
    connection_resume(mhd);
}

bool stream_tick(struct http_stream *stream, int64_t now_mono_us)
{
    lock_take(&stream->lock);
    bool is_due =
        stream->ended_mono_us == 0 && stream->is_suspended &&
        now_mono_us - stream->last_mono_us >= stream->server->config.heartbeat_ms * US_PER_MS;
    struct MHD_Connection *mhd = NULL;
    if (is_due) {
        buf_text(&stream->queued, ": heartbeat\n\n");
        stream->last_mono_us = now_mono_us;
        mhd = suspended_take(stream);
    }
    bool is_stuck =
        stream->ended_mono_us != 0 && now_mono_us - stream->ended_mono_us > LAST_WORDS_US;
    lock_drop(&stream->lock);
    connection_resume(mhd);
    return !is_stuck;
}

void streams_end_all(struct http_server *server, struct str last_words)
{
    lock_take(&server->lock);
    struct list_node *node = list_first(&server->streams);
    for (; node != NULL; node = list_next(&server->streams, node))
        stream_end(LIST_ENTRY(node, struct http_stream, node), last_words);
    lock_drop(&server->lock);
}

static void overflow_count(struct http_server *server)
{
    lock_take(&server->lock);
    server->overflow_count++;
    lock_drop(&server->lock);
    metric_inc(server->metrics.overflows);
}

bool http_stream_send(struct http_stream *stream, struct str text)
{
    struct http_server *server = stream->server;
    size_t max_bytes = server->config.stream_buffer_bytes;
    lock_take(&stream->lock);
    bool is_open = stream->ended_mono_us == 0;
    size_t backlog = stream->queued.len - stream->sent;
    bool fits = text.len <= max_bytes && backlog <= max_bytes - text.len;
    if (is_open) {
        stream->last_mono_us = clock_mono_us();
        if (!fits || stream->queued.len + text.len > max_bytes)
            queued_compact(stream);
        if (fits)
            buf_str_append(&stream->queued, text);
        else
            end_locked(stream, STR("event: overflow\ndata: {}\n\n"));
    }
    struct MHD_Connection *mhd = is_open ? suspended_take(stream) : NULL;
    lock_drop(&stream->lock);
    connection_resume(mhd);
    if (is_open && !fits)
        overflow_count(server);
    return is_open && fits;
}

/* The text before the next end of a line; *rest becomes what follows, or {NULL, 0}. A reader of an
 * event stream takes a lone CR for an end as well, so what is behind one must not pass as a field.
 */
static struct str line_take(struct str *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != '\n' && rest->ptr[len] != '\r')
        len++;
    struct str line = {rest->ptr, len};
    size_t end = len;
    if (end + 1 < rest->len && rest->ptr[end] == '\r' && rest->ptr[end + 1] == '\n')
        end++;
    if (end < rest->len)
        *rest = (struct str){rest->ptr + end + 1, rest->len - end - 1};
    else
        *rest = (struct str){NULL, 0};
    return line;
}

static void field_put(struct buf *out, const char *name, struct str value)
{
    buf_text(out, name);
    buf_str_append(out, line_take(&value));
    buf_char(out, '\n');
}

bool http_stream_event(struct http_stream *stream, const char *id, const char *event,
                       struct str data)
{
    struct buf text;
    buf_init(&text, stream->server->config.stream_buffer_bytes + LAST_WORDS_BYTES);
    if (id != NULL)
        field_put(&text, "id: ", str_from(id));
    if (event != NULL)
        field_put(&text, "event: ", str_from(event));
    struct str rest = data.ptr == NULL ? STR("") : data;
    while (rest.ptr != NULL)
        field_put(&text, "data: ", line_take(&rest));
    buf_char(&text, '\n');
    /* an event too large to build is too large to queue: the stream's own limit says so */
    struct str all = buf_failed(&text) ? (struct str){text.data, SIZE_MAX} : buf_str(&text);
    bool is_sent = http_stream_send(stream, all);
    buf_fini(&text);
    return is_sent;
}

size_t http_stream_backlog(struct http_stream *stream)
{
    lock_take(&stream->lock);
    size_t backlog = stream->queued.len - stream->sent;
    lock_drop(&stream->lock);
    return backlog;
}

bool http_stream_is_open(struct http_stream *stream)
{
    lock_take(&stream->lock);
    bool is_open = stream->ended_mono_us == 0;
    lock_drop(&stream->lock);
    return is_open;
}

void http_stream_close(struct http_stream *stream)
{
    if (stream != NULL)
        stream_end(stream, (struct str){NULL, 0});
}
