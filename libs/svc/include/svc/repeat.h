/*
 * Idempotency keys for RPCs: db/idempotency.h with messages instead of bytes. Within the
 * transaction of the effect: repeat_claim first; when *out_reply came back set, this is a repeat
 * and nothing more is done; repeat_store last.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"
#include "db/idempotency.h"

/* key "" or NULL: the caller wants none; both functions then do nothing. The key itself must be a
 * field of the request, so that the request's bytes are the same on a repeat. */
enum err_code repeat_claim(struct db_conn *conn, struct call *call, struct idempotency *use,
                           const char *method, const char *key, const ProtobufCMessage *request,
                           const ProtobufCMessageDescriptor *reply_type,
                           ProtobufCMessage **out_reply, struct err *err) MUST_CHECK;

enum err_code repeat_store(struct db_conn *conn, struct call *call, const struct idempotency *use,
                           const ProtobufCMessage *reply, struct err *err) MUST_CHECK;
