/*
 * gRPC server on the C core. A service is a table of methods; the runtime does decoding, identity,
 * deadlines, queueing, metrics, status and error details, health and reflection. It does no
 * business, and the core's API stays inside this library.
 *
 * Threads: one loop (or several) that never blocks; a pool of workers behind a bounded queue (full:
 * RESOURCE_EXHAUSTED at once) which runs unary handlers; one thread for each open stream.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/call.h"
#include "rpc/auth.h"
#include "rpc/pb.h"

struct rpc_server;
struct rpc_reply;
struct rpc_stream;

/* Straight-line handler on a worker thread. *out_reply lives in call->arena (or is static); leave
 * it NULL for an empty reply. call and request live until the handler returns. */
typedef enum err_code (*rpc_unary_fn)(void *app, struct call *call, const ProtobufCMessage *request,
                                      ProtobufCMessage **out_reply, struct err *err);

/*
 * Answers later: runs on the loop thread (or on a worker that first had to ask about the token),
 * must not block, and hands call, request and reply on. They live until rpc_reply_finish or
 * rpc_reply_fail, which must be called exactly once, from any thread; one thread at a time may use
 * call->arena.
 */
typedef void (*rpc_async_fn)(void *app, struct call *call, const ProtobufCMessage *request,
                             struct rpc_reply *reply);

/* Server streaming on a thread of its own: sends any number of messages, then returns the outcome.
 * Use arena_mark/arena_rewind around each message of a long stream. */
typedef enum err_code (*rpc_stream_fn)(void *app, struct call *call,
                                       const ProtobufCMessage *request, struct rpc_stream *stream,
                                       struct err *err);

/* flags of a row */
#define RPC_INLINE                                                                                 \
    1U /* unary handler runs on the loop thread: only if it never blocks or takes long */

#define RPC_FORWARDED                                                                              \
    2U /* for our services alone, for whomever they ask: who calls with a token of his own is      \
          refused, whatever his role. What the service behind decided by is not looked at again */

/* One row; made with the macros below, which check the handler's types. */
struct rpc_method {
    const char *name; /* as in the proto: "GetTaskQueue" */
    rpc_unary_fn unary;
    rpc_async_fn async;
    rpc_stream_fn stream; /* exactly one of the three */
    int budget_ms;        /* longest time allowed; the caller may ask for less. 0: streams only, as
                             long as the caller likes */
    enum role min_role;   /* ROLE_NONE: anybody, without a token */
    unsigned flags;
};

/*
 * RPC_UNARY("GetTaskQueue", queue_rpc_get, Taskrouter__Queues__V1__GetTaskQueueRequest,
 *           Taskrouter__Queues__V1__TaskQueue, 500, ROLE_VIEWER, 0),
 * handler(void *app, struct call *, const Request *, Reply **out_reply, struct err *)
 */
/* NOLINTBEGIN(bugprone-macro-parentheses): Request and Reply are types */
#define RPC_UNARY(name_, handler, Request, Reply, budget, role, flags_)                            \
    {                                                                                              \
        .name = (name_),                                                                           \
        .unary = (rpc_unary_fn)(1 ? (handler)                                                      \
                                  : (enum err_code(*)(void *, struct call *, const Request *,      \
                                                      Reply **, struct err *))0),                  \
        .budget_ms = (budget), .min_role = (role), .flags = (flags_)                               \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* handler(void *app, struct call *, const Request *, struct rpc_reply *) */
#define RPC_ASYNC(name_, handler, Request, budget, role)                                           \
    {                                                                                              \
        .name = (name_),                                                                           \
        .async = (rpc_async_fn)(1 ? (handler)                                                      \
                                  : (void (*)(void *, struct call *, const Request *,              \
                                              struct rpc_reply *))0),                              \
        .budget_ms = (budget), .min_role = (role)                                                  \
    }

/* handler(void *app, struct call *, const Request *, struct rpc_stream *, struct err *) */
#define RPC_STREAM(name_, handler, Request, budget, role)                                          \
    {                                                                                              \
        .name = (name_),                                                                           \
        .stream = (rpc_stream_fn)(1 ? (handler)                                                    \
                                    : (enum err_code(*)(void *, struct call *, const Request *,    \
                                                        struct rpc_stream *, struct err *))0),     \
        .budget_ms = (budget), .min_role = (role)                                                  \
    }

/* Methods of the proto service that have no row answer UNIMPLEMENTED. */
struct rpc_service {
    const ProtobufCServiceDescriptor *descriptor; /* &taskrouter__queues__v1__queues__descriptor */
    const struct rpc_method *methods;
    size_t method_count;
};

struct rpc_server_tls {
    const char *cert_file; /* PEM chain */
    const char *key_file;  /* PEM */
    const char *ca_file;   /* PEM; NULL: client certificates are neither asked for nor checked */
    bool require_client_cert;
};

/* Zero means the default given. Texts are borrowed until rpc_server_open returns, except auth's. */
struct rpc_server_config {
    const char *listen;               /* "127.0.0.1:9001"; port 0 takes a free one */
    const struct rpc_server_tls *tls; /* NULL: plain text */
    struct rpc_auth auth;
    size_t workers;             /* 4 */
    size_t queue_depth;         /* calls waiting for a worker: 256 */
    size_t loops;               /* 1 up to two cores, else half the cores */
    size_t request_arena_bytes; /* 16 MiB */
    size_t max_message_bytes;   /* 4 MiB, inbound */
    size_t max_streams;         /* open streams, each a thread: 64 */
    size_t stream_queue;        /* messages waiting in one stream: 16 */
};

/* Nothing listens yet. Errors: INVALID_ARGUMENT for TLS files that cannot be read. */
enum err_code rpc_server_open(const struct rpc_server_config *config,
                              struct rpc_server **out_server, struct err *err) MUST_CHECK;

/* Before rpc_server_start. service and app are borrowed for the server's life; a row that names no
 * method of the proto is our own mistake and aborts. */
void rpc_server_add(struct rpc_server *server, const struct rpc_service *service, void *app);

/* Binds and serves; health says NOT_SERVING until rpc_server_set_serving. Errors: UNAVAILABLE when
 * the address cannot be had. */
enum err_code rpc_server_start(struct rpc_server *server, struct err *err) MUST_CHECK;

int rpc_server_port(const struct rpc_server *server);

/* What health says of the server and of all its services. Threads: any. */
void rpc_server_set_serving(struct rpc_server *server, bool is_serving);

/* Says NOT_SERVING, takes no new calls, lets those under way finish for grace_ms (streams are told
 * at once), then cancels them; returns when none is left. */
void rpc_server_drain(struct rpc_server *server, int grace_ms);

/* Drains without grace unless drained before. NULL is allowed. */
void rpc_server_close(struct rpc_server *server);

/* Calls under way and calls waiting for a worker. Threads: any. */
size_t rpc_server_in_flight(const struct rpc_server *server);
size_t rpc_server_queued(const struct rpc_server *server);

/* message: NULL for an empty reply; used before return only. Both end the life of call and request.
 * Threads: any. */
void rpc_reply_finish(struct rpc_reply *reply, const ProtobufCMessage *message);
void rpc_reply_fail(struct rpc_reply *reply, const struct err *err);

/*
 * Queues one message; waits while the queue is full. Errors: CANCELLED when the caller went away,
 * DEADLINE_EXCEEDED, UNAVAILABLE when the server is stopping: return them as they are.
 */
enum err_code rpc_stream_send(struct rpc_stream *stream, const ProtobufCMessage *message,
                              struct err *err) MUST_CHECK;

/* ERR_OK, or why the stream must end (as above). A handler that waits for something else looks here
 * at least twice a second. */
enum err_code rpc_stream_check(struct rpc_stream *stream, struct err *err) MUST_CHECK;
