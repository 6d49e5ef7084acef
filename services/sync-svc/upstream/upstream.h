/*
 * The one way to an API of Twilio's (one of these per API: TaskRouter, voice): paced, bounded in
 * number, retried where that does no harm, and left alone while it is down. Every call is logged
 * with its duration and outcome, without secrets. Knows no resource. Threads: any; a call blocks
 * its thread, up to the deadline of the call it works for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "httpc/httpc.h"
#include "twilio/form.h"

struct upstream;

struct upstream_options {
    const char *url;         /* "https://taskrouter.twilio.com", without a slash at the end */
    const char *url_setting; /* what people change when nobody answers there; a literal */
    const char *api;         /* label of metrics: "taskrouter"; a literal */
    const char *account_sid; /* user of HTTP Basic; NULL = there are no credentials */
    const char *auth_token;
    const char *ca_file; /* NULL = the system's */
    int64_t rate;        /* calls per second */
    int64_t burst;
    int64_t concurrency; /* calls under way at once */
    int64_t timeout_ms;  /* of one attempt */
};

/* Never NULL. Texts are copied. */
struct upstream *upstream_open(const struct upstream_options *options);
/* Calls that wait, for their turn or to be tried again, end with UPSTREAM_AWAY, and so do later
 * ones. */
void upstream_stop(struct upstream *upstream);
/* No call may be under way. NULL is allowed. */
void upstream_close(struct upstream *upstream);

struct upstream_request {
    enum httpc_method method;
    struct str path; /* "/v1/Workspaces/WS…"; may have a query */
    const struct twilio_param *params;
    size_t param_count;
    struct str if_match; /* empty: none */
    bool is_repeatable;  /* a POST that changes nothing more the second time; GET and DELETE are */
};

/* What was answered, whatever the status; texts live as long as the call. */
struct upstream_reply {
    int status;
    const char *etag;    /* "" = none */
    struct str body;     /* JSON, or empty */
    int64_t code;        /* of an error body; 0 = none */
    const char *message; /* of an error body; "" = none */
    int attempts;
    int64_t took_us; /* with waiting */
    /* Set on failure too: some attempt met silence or a server's error, so that it may have been
     * carried out, whatever a later one was told. */
    bool is_unsure;
};

/*
 * Makes the call. An answer of 2xx, or of 4xx that the caller can do something about, is a success
 * here: the status says which. Errors: FAILED_PRECONDITION UPSTREAM_NOT_CONFIGURED (no
 * credentials), UPSTREAM_CREDENTIALS (Twilio refused them), INVALID_ARGUMENT INVALID_PATH,
 * UNAVAILABLE UPSTREAM_AWAY (down, or its breaker is open), RESOURCE_EXHAUSTED UPSTREAM_BUSY (paced
 * or refused beyond the deadline), DEADLINE_EXCEEDED.
 */
enum err_code upstream_call(struct upstream *upstream, struct call *call,
                            const struct upstream_request *request, struct upstream_reply *out,
                            struct err *err) MUST_CHECK;

/* For readiness and operators. */
struct upstream_state {
    bool is_configured;
    bool is_away;        /* the breaker is open */
    int64_t retry_in_us; /* when away */
    int64_t asked_us; /* so long Twilio wants to be left alone (Retry-After); 0 = it does not say */
    int64_t in_flight;
};
struct upstream_state upstream_state(struct upstream *upstream);
