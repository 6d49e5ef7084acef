/* Who may see a workspace, decided before anything is asked of the shard or the database. */
#pragma once

#include "base/call.h"
#include "base/err.h"
#include "tasks.h"

/* For handlers on worker threads: may fetch a workspace nobody told us of. Errors: INVALID_ARGUMENT
 * workspace_sid, NOT_FOUND WORKSPACE_NOT_FOUND, UNAVAILABLE. */
enum err_code access_require(struct tasks *tasks, struct call *call, const char *workspace_sid,
                             struct err *err) MUST_CHECK;

/* Of a workspace that may be seen: whether Twilio routes it. From memory, or from our copy. */
enum err_code access_is_mirrored(struct tasks *tasks, struct call *call, const char *workspace_sid,
                                 bool *out, struct err *err) MUST_CHECK;

enum access_answer {
    ACCESS_GRANTED,
    ACCESS_REFUSED, /* *err tells */
    ACCESS_UNKNOWN, /* the workspace has to be fetched first */
};

/* For handlers on the loop: from memory only. */
enum access_answer access_try(struct tasks *tasks, const struct call *call,
                              const char *workspace_sid, struct err *err);

/* An agent that may act only on what belongs to its own worker. */
bool access_is_own_only(const struct call *call);

enum err_code rpc_no_room(struct err *err);
