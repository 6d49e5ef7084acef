/*
 * What may be done with a reservation besides accepting it: the instructions of an assignment
 * callback's answer and of a reservation update, with their parameters. One table for both
 * spellings (the answer's snake_case and the form's PascalCase). Pure; it does not carry anything
 * out: whoever dials reports back by accepting or canceling the reservation.
 * Source: the reference's sections 3.10, 11 and 17.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/str.h"

struct arena;

#define INSTRUCTION_MAX_BYTES 16384 /* of the parameters */

/* Names are INSTRUCTION_<first column>. */
#define INSTRUCTIONS(X)                                                                            \
    X(ACCEPT, "accept")                                                                            \
    X(REJECT, "reject")                                                                            \
    X(DEQUEUE, "dequeue")       /* pending until the far leg is up */                              \
    X(CALL, "call")             /* pending, or accepted at once */                                 \
    X(REDIRECT, "redirect")     /* pending, or accepted at once */                                 \
    X(CONFERENCE, "conference") /* pending until all legs are up */                                \
    X(SUPERVISE, "supervise")   /* of an accepted reservation */

enum instruction_kind {
    INSTRUCTION_NONE,
#define X(name, text) INSTRUCTION_##name,
    INSTRUCTIONS(X)
#undef X
        INSTRUCTION_COUNT,
};

/* What can be wrong, as the error's reason, and the code that Twilio's debugger has for it.
 * Names are INSTRUCTION_FAULT_<first column>. */
#define INSTRUCTION_FAULTS(X)                                                                      \
    X(INSTRUCTION_MISSING, 40005)                                                                  \
    X(INSTRUCTION_PARAMETER, 20001) /* where there is no code of its own */                        \
    X(REJECT_ACTIVITY, 40100)                                                                      \
    X(CALL_TO, 40110)                                                                              \
    X(CALL_FROM, 40111)                                                                            \
    X(CALL_URL, 40112)                                                                             \
    X(CALL_NOT_PENDING, 40114)                                                                     \
    X(REDIRECT_URL, 40120)                                                                         \
    X(REDIRECT_CALL_SID, 40121)                                                                    \
    X(REDIRECT_NOT_PENDING, 40123)                                                                 \
    X(DEQUEUE_ACTIVITY, 40130)                                                                     \
    X(DEQUEUE_TO, 40131)                                                                           \
    X(DEQUEUE_FROM, 40132)                                                                         \
    X(DEQUEUE_EVENTS, 40134)                                                                       \
    X(DEQUEUE_NOT_PENDING, 40135)                                                                  \
    X(CONFERENCE_NOT_PENDING, 40136)                                                               \
    X(CONFERENCE_TO, 40137)                                                                        \
    X(CONFERENCE_FROM, 40138)                                                                      \
    X(CONFERENCE_ACTIVITY, 40139)                                                                  \
    X(DEQUEUE_CALL_SID, 40140)                                                                     \
    X(CONFERENCE_CALL_SID, 40142)                                                                  \
    X(SUPERVISE_STATE, 40146)                                                                      \
    X(SUPERVISE_CONTACT, 40147)                                                                    \
    X(SUPERVISE_FROM, 40148)                                                                       \
    X(DEQUEUE_STATUS_URL, 40157)                                                                   \
    X(CALL_STATUS_URL, 40158)                                                                      \
    X(CONFERENCE_STATUS_URL, 40159)                                                                \
    X(INSTRUCTION_UNKNOWN, 55555)

enum instruction_fault {
    INSTRUCTION_FAULT_NONE,
#define X(name, code) INSTRUCTION_FAULT_##name,
    INSTRUCTION_FAULTS(X)
#undef X
        INSTRUCTION_FAULT_COUNT,
};

struct instruction {
    enum instruction_kind kind;
    struct str data; /* the known parameters as a JSON object with snake_case keys, in the table's
                        order, without secrets; "" when there are none */
    bool accepts;    /* accept; call and redirect with accept */
    bool has_to;     /* dequeue, call, conference; else the worker's contact_uri counts */
    bool has_from;
    int64_t timeout_s;                 /* of the far leg; 0 = not given */
    struct sid activity_sid;           /* reject: where the worker goes, or none */
    struct sid post_work_activity_sid; /* dequeue, conference: where he goes afterwards, or none */
    struct str supervisor;             /* supervise: a worker's SID or a URI, or "" */
};

/* "" for INSTRUCTION_NONE. */
const char *instruction_name(enum instruction_kind kind);
enum instruction_kind instruction_from(struct str name);

/* "CALL_TO" and so on, a literal: reasons of errors. */
const char *instruction_fault_reason(enum instruction_fault fault);
/* The debugger's code of such a reason; 0 when it is none of ours. */
int instruction_code(const char *reason);

/*
 * Reads an instruction with its parameters: a JSON object with either spelling of each name
 * ("DequeueTo" or "to"); unknown names are ignored, null and absent are the same, numbers and
 * booleans may be texts. "" counts as {}. The result lives in the arena.
 * Errors: INVALID_ARGUMENT with a reason of INSTRUCTION_FAULTS and field "instruction" or
 * "instruction_data"; BAD_JSON; RESOURCE_EXHAUSTED.
 */
enum err_code instruction_read(struct arena *arena, struct str name, struct str parameters,
                               struct instruction *out, struct err *err) MUST_CHECK;

/* The same for what was carried out already: nothing is required. */
enum err_code instruction_read_done(struct arena *arena, struct str name, struct str parameters,
                                    struct instruction *out, struct err *err) MUST_CHECK;

/* A parameter's name in the form ("DequeueTo"), from either spelling; NULL when the instruction has
 * no such parameter. *out_is_list: the form repeats it for each of its words. */
const char *instruction_form_name(enum instruction_kind kind, struct str name, bool *out_is_list);

/* Whether the task and the worker have what the instruction leaves to them (call_sid, contact_uri,
 * from): both are JSON objects. Errors: INVALID_ARGUMENT with a reason of INSTRUCTION_FAULTS. */
enum err_code instruction_check_parties(struct arena *arena, const struct instruction *instruction,
                                        struct str task_attributes, struct str worker_attributes,
                                        struct err *err) MUST_CHECK;

/* What a reservation that is not in the right state is refused with. */
enum instruction_fault instruction_state_fault(enum instruction_kind kind);
