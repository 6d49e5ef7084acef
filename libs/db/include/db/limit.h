/*
 * Limits on how many of a kind there may be below a workspace or an account (settings
 * TASKROUTER_LIMIT_*; 0 = none), checked in the transaction that makes one more. Those who make
 * the last ones at the same time go one after another, so that the limit is not passed. Counting
 * reads as many index entries as the limit is, never more. What is there already stays, whatever
 * the limit.
 */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "db/db.h"

/* static const; one per kind. */
struct limit {
    const char *setting; /* "TASKROUTER_LIMIT_WORKERS" */
    const char *owner;   /* "workspace" */
    const char *things;  /* "workers" */
    const char *reason;  /* NULL: LIMIT_REACHED */
    /* (owner's SID, n): a row when there are n or more. */
    const struct db_stmt *has_nth;
};

/*
 * Whether one more may be made; call it in the transaction, before the insert. max 0: always.
 * Errors: FAILED_PRECONDITION with the limit's reason, naming the limit and the setting.
 */
enum err_code limit_check(struct db_conn *conn, struct call *call, const struct limit *limit,
                          int64_t max, const char *owner_sid, struct err *err) MUST_CHECK;
