/* Whether Twilio can be reached with what is configured, and what to mend if not: in one sentence
 * that names the variable. The connectivity test, and the beginning of every run. */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

struct host;
struct upstream;

struct check_options {
    const struct host *host;
    struct upstream *upstream;
    const char *account_sid; /* TWILIO_ACCOUNT_SID */
};

struct check {
    Taskrouter__Workers__V1__Workspace *workspace; /* as Twilio has it */
    int64_t observed_at_us;
};

/*
 * Errors: FAILED_PRECONDITION UPSTREAM_CREDENTIALS, UPSTREAM_NOT_TWILIO,
 * UPSTREAM_REFUSED, ACCOUNT_MISMATCH (the gateway serves another account), UPSTREAM_NO_WORKSPACE;
 * UNAVAILABLE UPSTREAM_AWAY, UPSTREAM_GARBLED; RESOURCE_EXHAUSTED UPSTREAM_BUSY. What comes lives
 * as long as the call.
 */
enum err_code check_run(const struct check_options *options, struct call *call,
                        const char *workspace_sid, struct check *out, struct err *err) MUST_CHECK;
