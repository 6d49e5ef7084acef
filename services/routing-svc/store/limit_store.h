/* How many there may be of what this service owns; see db/limit.h. */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "db/db.h"

enum routing_limit {
    ROUTING_LIMIT_WORKFLOWS,
    ROUTING_LIMIT_RULES,
    ROUTING_LIMIT_KEYWORDS,
    ROUTING_LIMIT_SCHEDULES,
    ROUTING_LIMIT_COUNT,
};

/* Before one more is made, in its transaction; max 0: no limit. owner_sid: the workspace.
 * Errors: FAILED_PRECONDITION LIMIT_REACHED. */
enum err_code limit_store_check(struct db_conn *conn, struct call *call, enum routing_limit limit,
                                int64_t max, const char *owner_sid, struct err *err) MUST_CHECK;
