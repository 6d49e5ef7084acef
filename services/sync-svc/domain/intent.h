/*
 * The record of one write at Twilio, made before Twilio hears of it, so that whatever ends in
 * between leaves something to go by. Pure.
 *
 *            carried out, by whom it is known       stored by the owner
 *   OPEN ----------------------------> ANSWERED ---------------------> DONE
 *    |  \                                  |
 *    |   `---- not carried out ---> UNDONE `--- cannot be stored ---> GIVEN_UP
 *    `-------- nobody can tell (any more) ----------------------------^
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum intent_state {
    INTENT_NONE,
    INTENT_OPEN,     /* Twilio may have been told */
    INTENT_ANSWERED, /* carried out: resource_sid; our row is not written yet */
    INTENT_DONE,     /* our row is written */
    INTENT_UNDONE,   /* Twilio did not do it: found out later, its caller was told "unknown" */
    INTENT_GIVEN_UP, /* a person must look: detail says at what */
    INTENT_STATE_COUNT,
};

const char *intent_state_name(enum intent_state state); /* "OPEN"; "" for INTENT_NONE */
enum intent_state intent_state_from(struct str name);

/* Texts live as long as the request that read them. */
struct intent {
    const char *sid; /* IN… */
    const char *account_sid;
    const char *workspace_sid; /* "" of a workspace that is to be made */
    const char *method;        /* "/taskrouter.workers.v1.Workers/CreateWorker" */
    const char *key;           /* the caller's idempotency key; "" = none */
    const char *request_hash;
    struct str request;     /* packed, without secrets */
    const char *parent_sid; /* the task of a reservation; else "" */
    bool is_create;
    const char *resource_sid; /* what it is about; of a create "" until it is known */
    enum intent_state state;
    const char *turn_sid; /* of one to be sent: what no other may change meanwhile; "" = nothing */
    const char *holder;   /* the process that works on it; "" = none */
    int64_t epoch;        /* grows with each holder: who lost it writes nothing */
    int64_t looks;        /* how often somebody tried to find out */
    const char *detail;
    struct str reply; /* packed: of one that is done and has a key */
    int64_t created_at_us;
    int64_t sent_at_us;    /* when Twilio may last have been told */
    int64_t hope_from_us;  /* since when it is to be found out: created, or taken up again */
    int64_t settled_at_us; /* 0: it is not */
};

enum {
    INTENT_LOOK_FIRST_MS = 1000,
    INTENT_LOOK_LONGEST_MS = 60000,
};

/* How long to wait before the next look; doubles. */
int64_t intent_wait_ms(int64_t looks);

/* What is not to be seen at Twilio so long after it was told will not come any more. */
bool intent_is_settled(const struct intent *intent, int64_t settle_ms, int64_t now_us);

/* What could not be found out for so long is a person's to look at. */
bool intent_is_past_hope(const struct intent *intent, int64_t now_us);
