/*
 * Blocking gRPC client for worker threads (never for an event loop). A client is one channel to one
 * peer, shared by any number of threads. Calls fail fast with UNAVAILABLE while the peer is away
 * and reconnect within about a second of its return.
 *
 * Passed on from the parent call: what is left of its deadline (less a margin), request id,
 * traceparent and, beside our service token, the identity it works for. A parent whose role is
 * ROLE_SERVICE or ROLE_NONE calls as the service itself.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/call.h"
#include "rpc/pb.h"

struct rpc_client;
struct rpc_client_stream;

struct rpc_client_tls {
    const char *ca_file;     /* PEM; NULL: the system's */
    const char *cert_file;   /* own certificate for mTLS, or NULL */
    const char *key_file;    /* its key, or NULL */
    const char *server_name; /* name to expect in the peer's certificate; NULL: the target's host */
};

/* Texts are copied. */
struct rpc_client_config {
    const char *target;               /* "127.0.0.1:9001" */
    const char *peer;                 /* "workers-svc", for error texts; NULL: the target */
    const char *self;                 /* "gateway": the actor "service:gateway"; NULL: "service" */
    const char *token;                /* sent as Bearer: the service token; NULL: none */
    const struct rpc_client_tls *tls; /* NULL: plain text */
    bool as_service;                  /* never assert the parent's identity */
    int default_timeout_ms;           /* for parents without deadline; 0: 5000 */
    size_t max_message_bytes;         /* inbound; 0: 16 MiB */
};

/* Never NULL; does not connect yet. TLS files that cannot be read make every call UNAVAILABLE. */
struct rpc_client *rpc_client_new(const struct rpc_client_config *config);

/* No call may be under way. NULL is allowed. */
void rpc_client_free(struct rpc_client *client);

/*
 * path: "/taskrouter.queues.v1.Queues/GetTaskQueue". *out_reply lives in parent->arena.
 * Errors: the peer's own (code, field, detail; reason lives in parent->arena), or UNAVAILABLE,
 * DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED (arena), INTERNAL BAD_REPLY.
 * Threads: any; parent by one at a time.
 */
enum err_code rpc_call(struct rpc_client *client, const struct call *parent, const char *path,
                       const ProtobufCMessage *request,
                       const ProtobufCMessageDescriptor *reply_type, ProtobufCMessage **out_reply,
                       struct err *err) MUST_CHECK;

/* rpc_call with the reply's type checked: RPC_CALL(client, call, path, &request.base,
 * taskrouter__queues__v1__task_queue, &queue, err). */
#define RPC_CALL(client, parent, path, request, reply_prefix, out_reply, err)                      \
    rpc_call((client), (parent), (path), (request), &reply_prefix##__descriptor,                   \
             (ProtobufCMessage **)(1 ? (out_reply)                                                 \
                                     : (__typeof__(reply_prefix##__unpack(NULL, 0, NULL)) *)0),    \
             (err))

/* Server streaming. parent is borrowed until the stream is closed; parent->deadline_mono_us 0 means
 * no deadline here. */
enum err_code rpc_client_stream_open(struct rpc_client *client, const struct call *parent,
                                     const char *path, const ProtobufCMessage *request,
                                     const ProtobufCMessageDescriptor *reply_type,
                                     struct rpc_client_stream **out_stream,
                                     struct err *err) MUST_CHECK;

/*
 * Waits for the next message. ERR_OK with *out_message NULL: the stream ended well. The message
 * lives in arena (parent->arena, or a scratch arena that the reader resets).
 */
enum err_code rpc_client_stream_next(struct rpc_client_stream *stream, struct arena *arena,
                                     ProtobufCMessage **out_message, struct err *err) MUST_CHECK;

/* Makes a waiting rpc_client_stream_next return CANCELLED. Threads: any, before close. */
void rpc_client_stream_cancel(struct rpc_client_stream *stream);

/* Cancels what is left. NULL is allowed. */
void rpc_client_stream_close(struct rpc_client_stream *stream);
