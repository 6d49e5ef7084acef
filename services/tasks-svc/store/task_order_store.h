/* Reads of tasks in other orders than by SID, by stretches, and of what indexes know about filters.
 */
#pragma once

#include "task_store.h"

enum task_scan_order {
    TASK_SCAN_SID,
    TASK_SCAN_SID_DESC,
    TASK_SCAN_START, /* by virtual start time, else creation; then by SID */
    TASK_SCAN_START_DESC,
    TASK_SCAN_CREATED, /* mirrored workspaces only, whose SIDs are in no order; then by SID */
    TASK_SCAN_CREATED_DESC,
    TASK_SCAN_ORDER_COUNT,
};

/* The filter with what it may have besides: priorities, any of them. NULL: all. */
struct task_where {
    const struct task_filter *filter; /* with SIDs only (task_order_resolve); its priority is not
                                         looked at */
    const int64_t *priorities;
    size_t priority_count;
};

/* A stretch of the order. */
struct task_scan {
    const char *workspace_sid;
    struct task_where where;
    enum task_scan_order order;
    int priority_sign;      /* orders by time: how equal times go by priority: 0 not, 1, -1 down */
    const char *after;      /* SID of the row before; "" at the beginning */
    int64_t after_start_us; /* and its time, in orders by one; 0: none before */
    int64_t after_priority; /* and its priority */
    size_t limit;
};

struct task_scan_row {
    struct task_row task; /* with attributes only if it is a match */
    bool is_match;        /* of the filter */
};

/* What a task is ordered by. */
struct task_key {
    struct sid sid;
    int64_t priority;
    int64_t start_us;
    int64_t created_us;
};

struct task_key task_key_of(const struct task_row *task);

/* Every row of the stretch, matching or not. */
enum err_code task_order_scan(struct db_pool *pool, struct call *call, const struct task_scan *scan,
                              struct task_scan_row **out, size_t *out_count,
                              struct err *err) MUST_CHECK;

/* Those of these tasks that are still there, in no order. */
enum err_code task_order_rows(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const struct task_where *where, const struct task_key *keys,
                              size_t key_count, struct task_scan_row **out, size_t *out_count,
                              struct err *err) MUST_CHECK;

/* All tasks, in no order, that may satisfy the filter and whose attributes contain one document of
 * each document list that is not null; waiting ones and others, at most limit of each. */
enum err_code task_order_find(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const struct task_where *where, const struct db_param docs[2],
                              size_t limit, struct task_key **out, size_t *out_count,
                              struct err *err) MUST_CHECK;

/* The next priorities that tasks have, after that one (NULL: the first), at most limit. */
enum err_code task_order_levels(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                bool is_desc, const int64_t *after, size_t limit, int64_t *out,
                                size_t *out_count, struct err *err) MUST_CHECK;

/* Replaces names in the filter by SIDs; *out_is_known false: there is no such thing, so no task. */
enum err_code task_order_resolve(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 struct task_filter *filter, bool *out_is_known,
                                 struct err *err) MUST_CHECK;
