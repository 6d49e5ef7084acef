/*
 * Inside the server: one struct server_call follows a call from the armed slot to the last event.
 *
 *   armed -> (identity, decode) -> handler: loop, worker, async or stream thread
 *         -> one batch with the reply and RECV_CLOSE (streams: messages, then status) -> recycled
 *
 * Who touches a call: the loop thread until it hands it on, then the handler's thread until the
 * last batch is started, then the loop thread again. Only struct rpc_stream is shared, under its
 * lock.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/queue.h"
#include "core_int.h"
#include "descriptors_int.h"
#include "metrics/metrics.h"
#include "rpc/server.h"

/* More armed slots cost more than they bring: the core checks every outstanding tag at each event.
 */
enum { ARMED_PER_METHOD = 4, FREE_CALLS_KEPT = 256 };

/* Ranks of our locks; queues (900) may be used under them. */
enum {
    LOCK_RANK_SERVER = 610,
    LOCK_RANK_STREAMS = 620,
    LOCK_RANK_WATCH = 630,
    LOCK_RANK_STREAM = 640
};

/* Health watchers and reflection streams together. */
enum { MAX_WATCHERS = 256 };

#define CALL_MAGIC 0x43414C4CU

struct rpc_reply {
    uint32_t magic;
};

struct server_call;
struct rpc_forwarder;
struct forward;

/* A registered method: a row of a service's table, or one of the built-in services. */
struct method {
    struct rpc_server *server;
    const struct rpc_method *row;            /* NULL: built in */
    void (*serve)(struct server_call *call); /* built in: takes over on the loop thread */
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply;
    void *app;
    char *path;
    void *handle;           /* the core's; NULL for the generic slot */
    bool has_first_message; /* the core delivers the first message with the call */
    struct metric_series *ok_calls;
    struct metric_series *duration;
    struct method *next;
};

struct rpc_loop {
    struct rpc_server *server;
    grpc_completion_queue *cq;
    pthread_t thread;
    bool is_running;
    struct server_call *free_calls; /* loop thread only */
    size_t free_count;
    struct corker *corker; /* NULL: not corking */
};

/* Outgoing side of a stream; lock guards everything here. */
struct rpc_stream {
    struct server_call *call;
    struct lock lock;
    struct cond has_room;
    grpc_byte_buffer **waiting; /* ring of stream_queue */
    size_t head;
    size_t count;
    grpc_byte_buffer *under_way; /* being sent */
    bool is_sending;
    bool has_sent_headers;
    bool is_cancelled; /* the caller went away */
    bool is_finishing; /* the handler returned; outcome is final */
    struct err outcome;
};

struct server_call {
    struct core_tag armed;   /* a call has come */
    struct core_tag replied; /* the last batch is through */
    struct core_tag closed;  /* streams: RECV_CLOSE_ON_SERVER */
    struct core_tag sent;    /* streams: one message is through */
    struct core_tag read;    /* reflection: a message came */
    struct rpc_reply reply;
    struct rpc_loop *loop;
    struct method *method;
    grpc_call *core;
    gpr_timespec core_deadline;
    grpc_call_details details; /* generic slot only */
    grpc_metadata_array metadata;
    grpc_byte_buffer *payload;
    grpc_byte_buffer *outgoing;
    struct arena *arena;
    struct call call;
    struct str token;       /* of Bearer; views the metadata */
    bool has_service_token; /* one of our services calls, for whomever */
    bool is_identified;     /* call.who is judged; else a worker must ask first */
    ProtobufCMessage *request;
    int was_cancelled; /* written by RECV_CLOSE_ON_SERVER */
    int events_left;   /* loop thread: last events still to come before recycling */
    int64_t started_mono_us;
    enum err_code code;
    bool is_forwarded;         /* another process sent it here: it goes no further */
    bool is_relayed;           /* its failure is another process's, which has logged it */
    struct forward *forward;   /* forward.c; NULL unless it waits, or waited, for another process */
    struct arena_mark decoded; /* the arena before the handler ran; with a forwarder */
    struct rpc_stream *stream;
    struct server_call *next_free;
    struct list_node watch_node;    /* health watchers and reflection calls, under watch_lock */
    int watch_status;               /* health: last status sent; under watch_lock */
    bool is_watch_sending;          /* under watch_lock */
    bool is_watch_gone;             /* under watch_lock: the caller went away */
    bool is_watch_over;             /* under watch_lock: the last batch is started */
    struct server_call *watch_next; /* scratch list of those to send to */
};

struct rpc_server {
    grpc_server *core;
    grpc_server_credentials *credentials;
    char *listen;
    int port;
    struct rpc_auth auth;
    size_t worker_count;
    size_t loop_count;
    size_t arena_bytes;
    size_t max_streams;
    size_t stream_queue;
    struct method *methods;
    struct method *generic;
    struct rpc_loop *loops;
    pthread_t *workers;
    size_t workers_started;
    struct queue *jobs;
    struct descriptors descriptors;
    struct rpc_forwarder *forwarder; /* NULL: calls are served here or nowhere */

    struct lock streams_lock;
    pthread_t *stream_threads;
    size_t stream_thread_count; /* under streams_lock */
    size_t idle_streams;        /* under streams_lock */
    struct queue *streams;

    struct lock watch_lock;
    struct list watchers;    /* health Watch calls */
    struct list reflections; /* reflection calls */
    size_t watch_count;
    bool is_serving; /* under watch_lock */

    struct lock lock;
    struct cond changed;
    struct core_tag shut_down;
    bool is_shut;    /* under lock */
    bool is_started; /* main thread */
    bool is_drained; /* main thread */
    atomic_bool is_draining;
    atomic_size_t in_flight;
};

/* batch under way with tag; the core copies ops before it returns. */
void batch_start(struct server_call *call, const grpc_op *ops, size_t count, struct core_tag *tag);

/* Ops of the batches; add_status takes what err says, NULL for OK. */
struct batch {
    grpc_op ops[6];
    size_t count;
    grpc_slice text;
    grpc_slice details;
    grpc_metadata trailer;
    bool has_status;
};

void batch_init(struct batch *batch);
void batch_add_headers(struct batch *batch);
void batch_add_message(struct batch *batch, grpc_byte_buffer *message, uint32_t flags);
void batch_add_status(struct batch *batch, const struct server_call *call, const struct err *err);
void batch_add_close(struct batch *batch, struct server_call *call);
void batch_go(struct batch *batch, struct server_call *call, struct core_tag *tag);

/* Answers a unary call in one batch. Any thread; the call must not be touched afterwards. */
void call_answer(struct server_call *call, grpc_byte_buffer *message, const struct err *err);

/* One of the last events came; recycles the call with the last one. Loop thread. */
void call_event_done(struct server_call *call);

/* Logs a failure, once, at the level its code deserves. */
void call_log(const struct server_call *call, const struct err *err);

/* Who calls and may they. FAST never blocks: false means "ask on a worker". */
bool identity_fast(struct server_call *call, enum err_code *out_code, struct err *err);
enum err_code identity_ask(struct server_call *call, struct err *err) MUST_CHECK;

/* Fills call->call and call->token from what came in. */
void call_read_metadata(struct server_call *call);

/* Loop thread: runs the stream on a thread of its own, or refuses. */
void stream_start(struct server_call *call);
void streams_open(struct rpc_server *server);
void streams_close(struct rpc_server *server);
void stream_free(struct rpc_stream *stream);

/* Identity and decoding, then the handler, for calls that a worker or stream thread runs. */
enum err_code call_prepare(struct server_call *call, struct err *err) MUST_CHECK;
void call_run(struct server_call *call);
/* A handler that failed runs once more, as if it had not. Any thread. */
void call_run_again(struct server_call *call);

/* Built-in services. */
void health_check(struct server_call *call);
void health_watch(struct server_call *call);
void health_end(struct rpc_server *server);
void reflection_serve(struct server_call *call);
void reflection_end(struct rpc_server *server);

/* TCP_CORK around bursts of replies (cork.c). corker_new: NULL where it is switched off; all accept
 * NULL. corker_event counts an event of the burst, false: there is no need to know its end. */
struct corker *corker_new(void);
void corker_free(struct corker *corker);
bool corker_event(struct corker *corker);
void corker_call(struct corker *corker, grpc_call *core);
void corker_flush(struct corker *corker);
