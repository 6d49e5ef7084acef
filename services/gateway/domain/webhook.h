/*
 * Webhooks of Twilio: which kinds there are, what tells a repeat from another one, in whose order
 * they are worked on, and what becomes of one that failed. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "twilio/form.h"

/* Names are WEBHOOK_<first column>: name in the database and on the wire. */
#define WEBHOOK_KINDS(X)                                                                           \
    X(EVENT, "event")           /* of the workspace: worked on */                                  \
    X(ASSIGNMENT, "assignment") /* kept as it came */                                              \
    X(VOICE, "voice")                                                                              \
    X(VOICE_STATUS, "voice_status")                                                                \
    X(RECORDING, "recording")                                                                      \
    X(TRANSCRIPTION, "transcription")                                                              \
    X(SMS, "sms")                                                                                  \
    X(MESSAGE_STATUS, "message_status")                                                            \
    X(VOICE_MENU, "voice_menu") /* a key was pressed */                                            \
    X(VOICE_WAIT, "voice_wait") /* what is heard while waiting */                                  \
    X(VOICE_QUEUE_END, "voice_queue_end")                                                          \
    X(VOICE_VOICEMAIL, "voice_voicemail") /* to leave a message, or one was left */                \
    X(VOICE_TRANSFER_END, "voice_transfer_end")                                                    \
    X(VOICE_LEG, "voice_leg") /* status of the call to a worker */

enum webhook_kind {
    WEBHOOK_NONE,
#define X(name, text) WEBHOOK_##name,
    WEBHOOK_KINDS(X)
#undef X
        WEBHOOK_KIND_COUNT,
};

/* Names are WEBHOOK_STATE_<first column>. */
#define WEBHOOK_STATES(X)                                                                          \
    X(WAITING, "waiting")                                                                          \
    X(DONE, "done")                                                                                \
    X(DEAD, "dead") /* refused, or failed too often: waits for people */                           \
    X(KEPT, "kept") /* nothing to do with it yet */

enum webhook_state {
    WEBHOOK_STATE_NONE,
#define X(name, text) WEBHOOK_STATE_##name,
    WEBHOOK_STATES(X)
#undef X
        WEBHOOK_STATE_COUNT,
};

const char *webhook_kind_name(enum webhook_kind kind);
enum webhook_kind webhook_kind_from(struct str name); /* WEBHOOK_NONE when unknown; so the next */
/* True for those whose answer has to be made for them (calls/calls.h). */
bool webhook_is_conversation(enum webhook_kind kind);
/* The parameter, of ours and in the URL's query, that tells apart otherwise equal webhooks of one
 * call; it is stored with the others. */
#define WEBHOOK_TURN "turn"
/* Likewise the reservation whose worker is called. */
#define WEBHOOK_RESERVATION "reservation"
/* And which call to that worker it is; absent: the first one. */
#define WEBHOOK_ATTEMPT "attempt"
const char *webhook_state_name(enum webhook_state state);
enum webhook_state webhook_state_from(struct str name);

/* The first value of the name; empty, but not NULL, when absent. */
struct str webhook_param(const struct twilio_param *params, size_t count, const char *name);

/* What the inbox wants to know of a webhook; texts live in the arena or are those given. */
struct webhook_facts {
    const char *key;
    const char *lane; /* "" where there is nothing to do */
    struct str account_sid;
    struct str workspace_sid;
    struct str event_type;
    int64_t occurred_at_us; /* 0: it does not say */
};

/*
 * The key is made of what was signed: the SID of an event, of a call and its status, and so on.
 * token: the header I-Twilio-Idempotency-Token, which is not signed, so it only tells apart what
 * else is alike; body_hash stands in where a webhook has no name of its own. What asks for an
 * answer in the middle of a call is named by all of these. False when the arena is full.
 */
bool webhook_facts_read(enum webhook_kind kind, const struct twilio_param *params, size_t count,
                        struct str token, const char *body_hash, struct arena *arena,
                        struct webhook_facts *out);

enum {
    WEBHOOK_ATTEMPTS_MAX = 10, /* of what fails by itself, not because somebody is away */
    WEBHOOK_DETAIL_MAX = 300,
};

/* What is to be done about a failure to apply one. */
enum webhook_verdict {
    WEBHOOK_AGAIN,      /* somebody is away: as often as it takes */
    WEBHOOK_SUSPICIOUS, /* may be the webhook's own fault: WEBHOOK_ATTEMPTS_MAX times */
    WEBHOOK_REFUSED,    /* never again */
};
enum webhook_verdict webhook_verdict_of(enum err_code code);

/* How long a lane rests after so many failures in a row (1 …): 0.25 s, doubling to 15 s. */
int64_t webhook_rest_us(int64_t failures);
