/* Idempotency keys for RPCs: db/idempotency.h with messages instead of bytes. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"
#include "db/idempotency.h"

struct db_pool;

/* What is made once per key. */
struct repeat {
    const char *method;
    /* "" or NULL: the caller wants none, each call makes one. A field of the request, so that the
     * request's bytes are the same on a repeat. */
    const char *key;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *reply_type;
};

/* The effect, in the transaction, and what is replied to it, in the call's arena. */
typedef enum err_code repeat_make_fn(struct db_conn *conn, struct call *call, void *ctx,
                                     ProtobufCMessage **out_reply, struct err *err);

/* Within a transaction: what was replied under this key before, or make. Errors: those of
 * db/idempotency.h and of make. */
enum err_code repeat_run(struct db_conn *conn, struct call *call, const struct repeat *repeat,
                         repeat_make_fn *make, void *ctx, ProtobufCMessage **out_reply,
                         struct err *err) MUST_CHECK;

/* The same as a transaction of its own; make may run again, with what it did before undone. */
enum err_code repeat_tx_run(struct db_pool *pool, struct call *call, const struct repeat *repeat,
                            repeat_make_fn *make, void *ctx, ProtobufCMessage **out_reply,
                            struct err *err) MUST_CHECK;
