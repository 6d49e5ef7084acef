/* Which workspace a request about runs means, and whether the caller may see it: one that is here,
 * or one of Twilio's account that a run is about to bring. */
#pragma once

#include <stdbool.h>

#include "base/call.h"

struct sync;

struct reach {
    const char *workspace_sid;
    bool is_here;
    bool is_mirrored; /* of one that is here */
};

/*
 * sid: "" = TWILIO_WORKSPACE_SID. Errors: INVALID_ARGUMENT INVALID_SID; FAILED_PRECONDITION
 * WORKSPACE_NOT_CONFIGURED, ACCOUNT_MISMATCH (the caller's account is not Twilio's); NOT_FOUND
 * WORKSPACE_NOT_FOUND.
 */
enum err_code reach_workspace(const struct sync *sync, struct call *call, const char *sid,
                              struct reach *out, struct err *err) MUST_CHECK;
