/*
 * The states of tasks and reservations, and which step may follow which: as data, so that the
 * picture in the README, the engine and the tests read the same table.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Names are TASK_<first column>; texts are Twilio's. */
#define TASK_STATES(X)                                                                             \
    X(PENDING, "pending")                                                                          \
    X(RESERVED, "reserved")                                                                        \
    X(ASSIGNED, "assigned")                                                                        \
    X(WRAPPING, "wrapping")                                                                        \
    X(COMPLETED, "completed")                                                                      \
    X(CANCELED, "canceled")

enum task_state {
    TASK_NONE,
#define X(name, text) TASK_##name,
    TASK_STATES(X)
#undef X
        TASK_STATE_COUNT,
};

/* Names are TASK_STEP_<first column>. */
#define TASK_STEPS(X)                                                                              \
    X(CREATED, "created")       /* POST */                                                         \
    X(RESERVED, "reserved")     /* first open reservation */                                       \
    X(RELEASED, "released")     /* last open reservation ended without acceptance */               \
    X(ACCEPTED, "accepted")     /* a reservation was accepted */                                   \
    X(WRAP_UP, "wrap-up")       /* API */                                                          \
    X(COMPLETE, "complete")     /* API */                                                          \
    X(CANCEL, "cancel")         /* API */                                                          \
    X(GIVEN_UP, "given-up")     /* TTL, workflow exhausted or skipped out, assignment count */     \
    X(DELETE, "delete")         /* API */                                                          \
    X(CLEANED_UP, "cleaned-up") /* router: 24 h after assignment, or the purge after the end */

enum task_step {
    TASK_STEP_NONE,
#define X(name, text) TASK_STEP_##name,
    TASK_STEPS(X)
#undef X
        TASK_STEP_COUNT,
};

/* Names are RESERVATION_<first column>; texts are Twilio's. */
#define RESERVATION_STATES(X)                                                                      \
    X(PENDING, "pending")                                                                          \
    X(ACCEPTED, "accepted")                                                                        \
    X(REJECTED, "rejected")                                                                        \
    X(TIMEOUT, "timeout")                                                                          \
    X(CANCELED, "canceled")                                                                        \
    X(RESCINDED, "rescinded")                                                                      \
    X(WRAPPING, "wrapping")                                                                        \
    X(COMPLETED, "completed")

enum reservation_state {
    RESERVATION_NONE,
#define X(name, text) RESERVATION_##name,
    RESERVATION_STATES(X)
#undef X
        RESERVATION_STATE_COUNT,
};

/* Names are RESERVATION_STEP_<first column>. */
#define RESERVATION_STEPS(X)                                                                       \
    X(CREATED, "created")                                                                          \
    X(ACCEPT, "accept")                                                                            \
    X(REJECT, "reject")                                                                            \
    X(TIME_OUT, "time-out")                                                                        \
    X(CANCEL, "cancel")                                                                            \
    X(RESCIND, "rescind")                                                                          \
    X(WRAP_UP, "wrap-up")                                                                          \
    X(COMPLETE, "complete")

enum reservation_step {
    RESERVATION_STEP_NONE,
#define X(name, text) RESERVATION_STEP_##name,
    RESERVATION_STEPS(X)
#undef X
        RESERVATION_STEP_COUNT,
};

/* Where a step leads; TASK_NONE (RESERVATION_NONE) when it is refused. The steps DELETE and
 * CLEANED_UP keep the state: the task is gone afterwards; task_may_leave tells where they are
 * allowed. */
enum task_state task_next(enum task_state state, enum task_step step);
bool task_may_leave(enum task_state state, enum task_step step);
enum reservation_state reservation_next(enum reservation_state state, enum reservation_step step);

bool task_is_terminal(enum task_state state);
bool reservation_is_open(enum reservation_state state); /* pending, accepted, wrapping */

/* "none" for value 0. */
const char *task_state_name(enum task_state state);
const char *task_step_name(enum task_step step);
const char *reservation_state_name(enum reservation_state state);
const char *reservation_step_name(enum reservation_step step);

/* *_NONE when unknown. */
enum task_state task_state_from(struct str name);
enum reservation_state reservation_state_from(struct str name);
