/* Reads of tasks and reservations from PostgreSQL: what was committed, with names filled in. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "engine/rows.h"

/* NULL or "" = not asked for. */
struct task_filter {
    const struct str *states;
    size_t state_count; /* 0: any */
    const char *workflow_sid;
    const char *queue_sid;
    bool has_priority;
    int64_t priority;
    const char *worker_sid;
    const char *channel; /* SID or unique name */
    const char *workflow_name;
    const char *queue_name;
    const char *routing_target; /* not by task_store_list */
};

/* What the states asked for have in common, which an index knows: waiting (false), or not; null. */
struct db_param task_busy_param(const struct task_filter *filter);

struct reservation_filter {
    const char *task_sid;
    const char *worker_sid;
    const struct str *states;
    size_t state_count;
};

/* Rows live as long as the call's arena. Errors: NOT_FOUND TASK_NOT_FOUND, RESERVATION_NOT_FOUND.
 */
enum err_code task_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                             const char *sid, struct task_row *out, struct err *err) MUST_CHECK;
/* Live tasks after the SID given, ordered by SID. */
enum err_code task_store_list(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *after, size_t limit, const struct task_filter *filter,
                              struct task_row **out, size_t *out_count, struct err *err) MUST_CHECK;
enum err_code reservation_store_get(struct db_pool *pool, struct call *call,
                                    const char *workspace_sid, const char *sid,
                                    struct reservation_row *out, struct err *err) MUST_CHECK;
enum err_code reservation_store_list(struct db_pool *pool, struct call *call,
                                     const char *workspace_sid, const char *after, size_t limit,
                                     const struct reservation_filter *filter,
                                     struct reservation_row **out, size_t *out_count,
                                     struct err *err) MUST_CHECK;

/* For gauges. counts has TASK_STATE_COUNT places. */
enum err_code task_store_counts(struct db_pool *pool, struct call *call, int64_t *counts,
                                int64_t *out_workers_available, struct err *err) MUST_CHECK;

/* Whose workspace it is, by our copy; "" when it is unknown or deleted. */
enum err_code task_store_account(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 const char **out_account_sid, struct err *err) MUST_CHECK;
/* Whether our copy of the workspace says that Twilio routes it. */
enum err_code task_store_is_mirrored(struct db_pool *pool, struct call *call,
                                     const char *workspace_sid, bool *out,
                                     struct err *err) MUST_CHECK;
