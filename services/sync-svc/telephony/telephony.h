/*
 * What moves real calls. The gateway decides what is to happen to a call; a provider of this
 * interface does it. Another carrier is another file with another struct telephony_provider, named
 * in app.c. Knows no task, worker or call row.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"

/* Instructions for a call: exactly one of the two, TwiML or where it is asked for by POST. Both
 * are never NULL. */
struct telephony_script {
    const char *twiml; /* at most TELEPHONY_TWIML_MAX characters */
    const char *url;
};

enum {
    TELEPHONY_TWIML_MAX = 4000, /* Twilio's limit */
    TELEPHONY_CALL_SID_MAX = 64,
};

struct telephony_place {
    const char *to; /* E.164, "sip:…" or "client:…" */
    const char *from;
    struct telephony_script script;
    const char *status_callback_url; /* "": nobody is told */
    int32_t timeout_s;               /* of ringing */
    bool is_recorded;
    const char *recording_callback_url; /* "": none */
    int32_t time_limit_s;               /* 0: the provider's */
};

/* What the provider says of a call; texts live as long as the RPC. */
struct telephony_call {
    const char *sid;
    const char *status; /* Twilio's words: queued, ringing, in-progress, completed, busy, … */
    const char *to;
    const char *from;
};

/*
 * Errors of all of them: FAILED_PRECONDITION TELEPHONY_NOT_CONFIGURED, CALL_REFUSED (with the
 * provider's words); UNAVAILABLE OUTCOME_UNKNOWN when it may have been done all the same, never
 * said of what surely was not; NOT_FOUND CALL_NOT_FOUND; those of the way to the provider.
 * redirect: FAILED_PRECONDITION CALL_ENDED. hang_up of a call that is over is a success.
 */
struct telephony_provider {
    const char *name;
    enum err_code (*place)(void *ctx, struct call *call, const struct telephony_place *place,
                           struct telephony_call *out, struct err *err);
    enum err_code (*redirect)(void *ctx, struct call *call, const char *sid,
                              const struct telephony_script *script, struct telephony_call *out,
                              struct err *err);
    enum err_code (*hang_up)(void *ctx, struct call *call, const char *sid,
                             struct telephony_call *out, struct err *err);
    enum err_code (*get)(void *ctx, struct call *call, const char *sid, struct telephony_call *out,
                         struct err *err);
};

struct telephony {
    const struct telephony_provider *provider;
    void *ctx; /* the provider's own */
};

/* Twilio's voice API, version 2010-04-01. */
struct twilio_voice {
    struct upstream *upstream; /* to that API; never repeats a POST by itself */
    const char *account_sid;   /* whose calls they are; NULL = there are no credentials */
};
extern const struct telephony_provider twilio_voice_provider; /* ctx: struct twilio_voice */
