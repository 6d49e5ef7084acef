/*
 * A request of the dialect as messages: path, form or query and If-Match become the fields that the
 * operation's row says. Checks shapes only (a number, a SID, a date, a word); what values may be is
 * the services' business. Refusals are INVALID_ARGUMENT and name the parameter as Twilio does.
 * Pure but for the arena.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "http/params.h"

struct twilio_action;
struct twilio_op;

/* What the request says. */
struct twilio_input {
    const struct http_params *path;
    const struct http_params *given; /* query or form */
    struct str body;                 /* TWILIO_BULK: JSON */
    bool has_version;                /* If-Match named one */
    int64_t version;
    int32_t page_size;  /* TWILIO_LIST */
    const char *cursor; /* TWILIO_LIST: ours; "" at the beginning */
};

struct twilio_request {
    ProtobufCMessage *main; /* of op->call.request; NULL when an update says nothing of it */
    const struct twilio_action *action; /* NULL: none was chosen */
    ProtobufCMessage *action_request;   /* of action->call.request */
};

/* Errors: INVALID_ARGUMENT naming the parameter; NOT_FOUND for a path that cannot be; RESOURCE_
 * EXHAUSTED. The messages live in the arena. */
enum err_code twilio_request_read(const struct twilio_op *op, const struct twilio_input *input,
                                  struct arena *arena, struct twilio_request *out,
                                  struct err *err) MUST_CHECK;

/* A message with WorkspaceSid and one more field from the path, to ask for the parent. */
enum err_code twilio_parent_read(const struct twilio_op *op, const struct http_params *path,
                                 struct arena *arena, ProtobufCMessage **out,
                                 struct err *err) MUST_CHECK;

/* Sets version N of the message, where its type has one expected. */
void twilio_expect_version(ProtobufCMessage *message, int64_t version);

/* The item's own fields go with an action's request: moves item (under the name given) and
 * update_mask of an update to it. Both have these fields. */
void twilio_carry_item(ProtobufCMessage *action, const ProtobufCMessage *update, const char *item);

/* The last value of a parameter; {NULL, 0} when absent. */
struct str twilio_given(const struct http_params *given, const char *name);

/* ISO 8601; a date alone is its midnight, and without an offset it is UTC. */
bool twilio_date(struct str text, int64_t *out_at_us);
