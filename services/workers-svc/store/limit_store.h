/* How many there may be of what this service owns; see db/limit.h. */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "db/db.h"

enum workers_limit {
    WORKERS_LIMIT_WORKSPACES,
    WORKERS_LIMIT_ACTIVITIES,
    WORKERS_LIMIT_WORKERS,
    WORKERS_LIMIT_ACTIVE,
    WORKERS_LIMIT_COUNT,
};

/* Before one more is made, in its transaction; max 0: no limit. owner_sid: the workspace; of
 * workspaces the account. Errors: FAILED_PRECONDITION LIMIT_REACHED, of active workers
 * TOO_MANY_ACTIVE_WORKERS. */
enum err_code limit_store_check(struct db_conn *conn, struct call *call, enum workers_limit limit,
                                int64_t max, const char *owner_sid, struct err *err) MUST_CHECK;
