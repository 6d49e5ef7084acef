/*
 * The second half of a call: the worker who is called to be connected with a caller that waits.
 * What news of the provider make of it, whatever comes late, twice or in another order. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Names are LEG_<first column>: name in the database. */
#define LEG_STATES(X)                                                                              \
    X(RECORDED, "recorded") /* to be called */                                                     \
    X(PLACING, "placing")   /* the provider was asked, or is about to be: never asked again */     \
    X(RINGING, "ringing")   /* the provider has it */                                              \
    X(ANSWERED, "answered")                                                                        \
    X(ENDED, "ended")                                                                              \
    X(FAILED, "failed") /* nobody answered, or nobody could be called */

enum leg_state {
    LEG_NONE,
#define X(name, text) LEG_##name,
    LEG_STATES(X)
#undef X
        LEG_STATE_COUNT,
};

const char *leg_state_name(enum leg_state state);
enum leg_state leg_state_from(struct str name); /* NONE when unknown */

/* Whether the caller was sent into the conference. */
enum leg_caller {
    LEG_CALLER_WAITS,
    LEG_CALLER_ASKED, /* the provider was asked, or is about to be: never asked again */
    LEG_CALLER_JOINED,
    LEG_CALLER_LOST, /* surely was not */
    LEG_CALLER_COUNT,
};

const char *leg_caller_name(enum leg_caller caller);
enum leg_caller leg_caller_from(struct str name); /* WAITS when unknown */

/* Texts are borrowed and never NULL. */
struct bridge_leg {
    const char *reservation_sid;
    const char *call_sid; /* CL…; "": of a task that is no call, with url only */
    const char *task_sid;
    const char *worker_sid;
    const char *workspace_sid;
    bool is_pending;         /* the reservation is accepted when the worker answers */
    const char *to_address;  /* "": the worker's contact_uri */
    const char *from_number; /* "": the number that was called */
    int64_t timeout_s;       /* of ringing; 0: the provider's */
    enum leg_state state;
    const char *provider_call_sid; /* "": not known */
    const char *detail;            /* why it failed */
    int64_t due_at_us;
    int64_t created_at_us;
    bool is_conference;  /* they meet in one; else the worker takes the caller out of the queue */
    const char *options; /* the instruction's parameters, JSON; "": none */
    enum leg_caller caller;
    bool is_unwanted; /* the caller has left, or the reservation ended, before anybody answered */
    const char *url;  /* of the instruction call: what whoever answers hears; "": ours */
    bool keeps_task;  /* FAILED because nobody could be called at all: an accepted task stays */
    int64_t version;  /* of the reservation, when it was instructed so; 0: not known */
    int64_t attempt;  /* from 1: a newer instruction calls again when the earlier call is over */
    bool is_settled;  /* what follows from its state is done, or is somebody's who repeats it */
};

/* The state after the provider has said its word ("in-progress", "busy", …). One that was given up
 * goes on when the provider knows better; one that has ended stays so. */
enum leg_state leg_hear(enum leg_state state, struct str provider_status);

/* Whether the provider's word is one of the events (initiated, ringing, answered, completed, by
 * commas or spaces; "": completed) that an application wants to be told of. */
bool leg_is_wanted_event(const char *events, struct str provider_status);
