/* Inside the client: queues for blocking calls, and what a call sends and receives. */
#pragma once

#include "base/lock.h"
#include "core_int.h"
#include "metrics/metrics.h"
#include "rpc/client.h"

enum { LOCK_RANK_CLIENT = 650, QUEUES_KEPT = 64, MAX_SENT_METADATA = 8 };

struct rpc_client {
    grpc_channel *channel; /* NULL: the TLS files could not be read */
    char *peer;
    char *actor;         /* "service:gateway" */
    char *authorization; /* "Bearer …" or NULL */
    bool as_service;
    int default_timeout_ms;
    struct err tls_error;
    struct metric *calls;
    struct metric *duration;
    struct lock lock;
    grpc_completion_queue *queues[QUEUES_KEPT]; /* idle, under lock */
    size_t queue_count;
};

/* NULL: the TLS files cannot be read. */
grpc_channel *client_channel_make(const struct rpc_client_config *config, struct err *err);

/* One outgoing call; texts sent are views of client and parent. */
struct outgoing {
    struct rpc_client *client;
    const struct call *parent;
    const char *path;
    grpc_completion_queue *cq;
    grpc_call *core;
    grpc_metadata sent[MAX_SENT_METADATA];
    size_t sent_count;
    grpc_metadata_array headers;
    grpc_metadata_array trailers;
    grpc_byte_buffer *message;
    grpc_byte_buffer *received;
    grpc_status_code status;
    grpc_slice status_text;
    int64_t started_mono_us;
};

/* Opens the call; deadline_mono_us 0 is none. UNAVAILABLE when the channel could not be made. */
enum err_code outgoing_init(struct outgoing *out, struct rpc_client *client,
                            const struct call *parent, const char *path, int64_t deadline_mono_us,
                            struct err *err) MUST_CHECK;
void outgoing_fini(struct outgoing *out);

/* Starts a batch and waits for its end. */
bool outgoing_run(struct outgoing *out, const grpc_op *ops, size_t count, void *tag);

void op_send_headers(struct outgoing *out, grpc_op *op);
void op_send_message(struct outgoing *out, grpc_op *op, const ProtobufCMessage *message);
void op_read_headers(struct outgoing *out, grpc_op *op);
void op_read_message(struct outgoing *out, grpc_op *op);
void op_read_status(struct outgoing *out, grpc_op *op);

/* The status received, as an error (or ERR_OK), counted in the metrics. */
enum err_code outgoing_outcome(struct outgoing *out, struct arena *arena, struct err *err);

/* A reply that cannot be decoded is the peer's fault, one that does not fit is ours. */
enum err_code reply_decode(struct outgoing *out, struct arena *arena,
                           const ProtobufCMessageDescriptor *type, ProtobufCMessage **out_message,
                           struct err *err) MUST_CHECK;
