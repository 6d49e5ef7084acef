/*
 * The instruction redirect: a caller who is sent to a document of the application. The newest of a
 * reservation counts. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Names are REDIRECT_<first column>: name in the database. */
#define REDIRECT_STATES(X)                                                                         \
    X(RECORDED, "recorded") /* to be done */                                                       \
    X(ASKING, "asking")     /* the provider was asked, or is about to be: never asked again */     \
    X(DONE, "done")                                                                                \
    X(FAILED, "failed")   /* surely was not */                                                     \
    X(UNKNOWN, "unknown") /* nobody ever told */

enum redirect_state {
    REDIRECT_NONE,
#define X(name, text) REDIRECT_##name,
    REDIRECT_STATES(X)
#undef X
        REDIRECT_STATE_COUNT,
};

const char *redirect_state_name(enum redirect_state state);
enum redirect_state redirect_state_from(struct str name); /* NONE when unknown */

/* Texts are borrowed and never NULL. */
struct bridge_redirect {
    const char *reservation_sid;
    int64_t version; /* of the reservation, when it was instructed so */
    const char *workspace_sid;
    const char *task_sid;
    const char *worker_sid;
    const char *call_sid; /* CA…, the provider's */
    const char *url;
    bool is_pending; /* the reservation is */
    bool accepts;    /* it is accepted by the instruction itself */
    bool is_away;    /* the caller was redirected by an earlier one of the reservation */
    enum redirect_state state;
    const char *detail; /* why it was not done */
    bool is_settled;    /* as in struct bridge_leg */
    int64_t due_at_us;
    int64_t created_at_us;
};
