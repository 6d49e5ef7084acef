/*
 * A write of our API as a request of Twilio's: path and form parameters, by the tables of
 * write_ops.h; and back: whether a resource of Twilio's shows that a write was carried out, and
 * what a refusal of Twilio's means to our caller. Checks what only we can know (what may be named,
 * what Twilio cannot do); what values may be is Twilio's business. Pure but for the arena. Threads:
 * any.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "twilio/form.h"
#include "write_ops.h"

enum { WRITE_PARAMS_MAX = 256 };

/* Texts live in the arena, or are the request's. */
struct write_form {
    const char *path;
    struct twilio_param *params;
    size_t count;
};

/*
 * parent_sid: the task of a reservation; else "". Errors: INVALID_ARGUMENT FIELD_REQUIRED,
 * INVALID_SID, FIELD_NOT_UPDATABLE, EMPTY_UPDATE, NOT_AT_TWILIO (field: what Twilio cannot do),
 * those of instructions (engine/instruction.h); RESOURCE_EXHAUSTED.
 */
enum err_code write_form_make(struct arena *arena, const struct write_op *op,
                              const ProtobufCMessage *request, const char *parent_sid,
                              struct write_form *out, struct err *err) MUST_CHECK;

/* True when nothing of the write concerns Twilio: only our row changes. */
bool write_is_ours(const struct write_op *op, const struct write_form *form);

/*
 * Whether the resource is as the write wants it. Of an update or action: all that it names. Of a
 * create: what identifies the resource (the keys), so that it may have changed since. Never true
 * for instructions.
 */
bool write_shows(struct arena *arena, const struct write_op *op, const ProtobufCMessage *request,
                 const ProtobufCMessage *resource);

/* What is only in our row, from the request into Twilio's resource: a task's call, a workspace's
 * time zone, what a reservation was accepted with. Texts are borrowed. */
void write_add_ours(struct arena *arena, const struct write_op *op, const ProtobufCMessage *request,
                    ProtobufCMessage *resource);

/*
 * Twilio's refusal (4xx) in our codes, with Twilio's words and code, and the field where a
 * parameter is named. 404: NOT_FOUND; 409: ALREADY_EXISTS of a create, else FAILED_PRECONDITION;
 * 410: FAILED_PRECONDITION RESERVATION_RESCINDED; 412: ABORTED VERSION_MISMATCH; else
 * INVALID_ARGUMENT, or FAILED_PRECONDITION of actions and deletes unless a parameter is named.
 */
enum err_code write_refusal(const struct write_op *op, int status, int64_t twilio_code,
                            const char *message, struct err *err);
