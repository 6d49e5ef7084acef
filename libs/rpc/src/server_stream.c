/* Server streaming: a bounded queue for each stream, one message under way, back-pressure on the
 * handler's thread. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "log/log.h"
#include "server_int.h"

/* How often a waiting handler looks whether the server is stopping. */
enum { STREAM_LOOK_US = 200 * 1000 };

static struct rpc_stream *stream_new(struct server_call *call)
{
    struct rpc_stream *stream = xcalloc(1, sizeof *stream);
    stream->call = call;
    stream->waiting = xcalloc(call->loop->server->stream_queue, sizeof(grpc_byte_buffer *));
    lock_init(&stream->lock, "rpc stream", LOCK_RANK_STREAM);
    cond_init(&stream->has_room);
    return stream;
}

static grpc_byte_buffer *waiting_take(struct rpc_stream *stream)
{
    grpc_byte_buffer *first = stream->waiting[stream->head];
    stream->head = (stream->head + 1) % stream->call->loop->server->stream_queue;
    stream->count--;
    return first;
}

static void waiting_drop(struct rpc_stream *stream)
{
    while (stream->count > 0)
        grpc_byte_buffer_destroy(waiting_take(stream));
}

void stream_free(struct rpc_stream *stream)
{
    if (stream == NULL)
        return;
    waiting_drop(stream);
    if (stream->under_way != NULL)
        grpc_byte_buffer_destroy(stream->under_way);
    lock_fini(&stream->lock);
    cond_fini(&stream->has_room);
    free(stream->waiting);
    free(stream);
}

/*
 * Called with the lock held, returns without it. What comes next is decided under the lock and done
 * outside: is_sending keeps others off. Once the handler is through, the stream may be gone when
 * this returns.
 */
static void stream_advance_and_drop(struct rpc_stream *stream)
{
    struct server_call *call = stream->call;
    struct batch batch;
    struct core_tag *tag = NULL;
    batch_init(&batch);
    if (!stream->is_sending && stream->count > 0) {
        stream->under_way = waiting_take(stream);
        stream->is_sending = true;
        tag = &call->sent;
        if (!stream->has_sent_headers)
            batch_add_headers(&batch);
        stream->has_sent_headers = true;
        batch_add_message(&batch, stream->under_way,
                          stream->count > 0 ? GRPC_WRITE_BUFFER_HINT : 0);
        cond_signal(&stream->has_room);
    } else if (!stream->is_sending && stream->is_finishing) {
        stream->is_sending = true; /* for good: nothing follows the status */
        tag = &call->replied;
        if (!stream->has_sent_headers)
            batch_add_headers(&batch);
        batch_add_status(&batch, call, &stream->outcome);
    }
    lock_drop(&stream->lock);
    if (tag != NULL)
        batch_go(&batch, call, tag);
}

static void stream_sent(struct core_tag *tag, bool ok)
{
    struct server_call *call = CONTAINER_OF(tag, struct server_call, sent);
    struct rpc_stream *stream = call->stream;
    lock_take(&stream->lock);
    grpc_byte_buffer *done = TAKE(stream->under_way);
    stream->is_sending = false;
    if (!ok) {
        stream->is_cancelled = true;
        waiting_drop(stream);
        cond_signal(&stream->has_room);
    }
    stream_advance_and_drop(stream);
    grpc_byte_buffer_destroy(done);
}

static void stream_closed(struct core_tag *tag, bool ok)
{
    struct server_call *call = CONTAINER_OF(tag, struct server_call, closed);
    struct rpc_stream *stream = call->stream;
    (void)ok;
    if (call->was_cancelled != 0) {
        lock_take(&stream->lock);
        stream->is_cancelled = true;
        cond_signal(&stream->has_room);
        lock_drop(&stream->lock);
    }
    call_event_done(call);
}

/* The caller counts its deadline from when it called, we from when the call came in: its clock runs
 * out a little before ours, and it then cancels. */
enum { CALLERS_HEAD_START_US = 100 * 1000 };

static enum err_code stream_check_locked(struct rpc_stream *stream, struct err *err)
{
    const struct call *call = &stream->call->call;
    if (stream->is_cancelled) {
        if (call_left_us(call) > CALLERS_HEAD_START_US)
            return ERR_SET(err, ERR_CANCELLED, "CANCELLED", "the caller went away");
        return ERR_SET(err, ERR_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
                       "the time allowed for this request has passed; try again");
    }
    if (atomic_load_explicit(&stream->call->loop->server->is_draining, memory_order_relaxed))
        return ERR_SET(err, ERR_UNAVAILABLE, "SERVER_STOPPING",
                       "the server is stopping; open the stream again");
    return call_check(call, err);
}

enum err_code rpc_stream_check(struct rpc_stream *stream, struct err *err)
{
    lock_take(&stream->lock);
    enum err_code code = stream_check_locked(stream, err);
    lock_drop(&stream->lock);
    return code;
}

enum err_code rpc_stream_send(struct rpc_stream *stream, const ProtobufCMessage *message,
                              struct err *err)
{
    size_t capacity = stream->call->loop->server->stream_queue;
    INVARIANT(message->descriptor == stream->call->method->reply);
    grpc_byte_buffer *packed = message_pack(message);
    lock_take(&stream->lock);
    enum err_code code = stream_check_locked(stream, err);
    while (code == ERR_OK && stream->count == capacity) {
        (void)cond_wait_until(&stream->has_room, &stream->lock, clock_mono_us() + STREAM_LOOK_US);
        code = stream_check_locked(stream, err);
    }
    if (code == ERR_OK) {
        stream->waiting[(stream->head + stream->count) % capacity] = packed;
        stream->count++;
        stream_advance_and_drop(stream);
        return ERR_OK;
    }
    lock_drop(&stream->lock);
    grpc_byte_buffer_destroy(packed);
    return code;
}

/* A stream's thread from the first to the last message. */
static void stream_run(struct server_call *call)
{
    struct rpc_stream *stream = call->stream;
    struct err err;
    err_clear(&err);
    enum err_code code = call_prepare(call, &err);
    if (code == ERR_OK)
        code =
            call->method->row->stream(call->method->app, &call->call, call->request, stream, &err);
    if (code != ERR_OK && err.code != code)
        (void)ERR_SET(&err, code, err_code_name(code), "%s", err_code_name(code));
    if (code == ERR_OK)
        err_clear(&err);
    else if (code != ERR_CANCELLED)
        call_log(call, &err);
    call->code = code;
    lock_take(&stream->lock);
    stream->outcome = err;
    stream->is_finishing = true;
    if (stream->is_cancelled)
        waiting_drop(stream);
    stream_advance_and_drop(stream);
}

static void *stream_thread(void *arg)
{
    struct rpc_server *server = arg;
    struct server_call *call = NULL;
    while ((call = queue_pop(server->streams, 0)) != NULL) {
        stream_run(call);
        lock_take(&server->streams_lock);
        server->idle_streams++;
        lock_drop(&server->streams_lock);
    }
    return NULL;
}

/* An idle thread is promised to the call, or a new one started; false when all are taken. */
static bool stream_thread_reserve(struct rpc_server *server)
{
    bool has_thread = true;
    lock_take(&server->streams_lock);
    if (server->idle_streams > 0) {
        server->idle_streams--;
    } else if (server->stream_thread_count < server->max_streams &&
               pthread_create(&server->stream_threads[server->stream_thread_count], NULL,
                              stream_thread, server) == 0) {
        server->stream_thread_count++;
    } else {
        has_thread = false;
    }
    lock_drop(&server->streams_lock);
    return has_thread;
}

void stream_start(struct server_call *call)
{
    struct rpc_server *server = call->loop->server;
    if (!stream_thread_reserve(server)) {
        struct err err;
        (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS",
                      "%zu streams are open already; try again later", server->max_streams);
        call_answer(call, NULL, &err);
        return;
    }
    call->stream = stream_new(call);
    call->events_left = 2; /* closed and replied */
    call->sent.done = stream_sent;
    call->closed.done = stream_closed;
    struct batch batch;
    batch_init(&batch);
    batch_add_close(&batch, call);
    batch_go(&batch, call, &call->closed);
    bool is_queued = queue_push(server->streams, call);
    INVARIANT(is_queued); /* as many places as threads, and a thread is promised */
}

void streams_open(struct rpc_server *server)
{
    lock_init(&server->streams_lock, "rpc streams", LOCK_RANK_STREAMS);
    server->stream_threads = xcalloc(server->max_streams, sizeof(pthread_t));
    server->streams = queue_new("rpc streams", server->max_streams);
}

void streams_close(struct rpc_server *server)
{
    queue_close(server->streams);
    for (size_t i = 0; i < server->stream_thread_count; i++)
        (void)pthread_join(server->stream_threads[i], NULL);
    server->stream_thread_count = 0;
}
