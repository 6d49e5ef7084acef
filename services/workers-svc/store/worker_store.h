/* Rows of workers and of their channels; see workspace_store.h for how stores are used. */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "worker.h"

/* Sets version and times. Errors: ALREADY_EXISTS WORKER_NAME_TAKEN (friendly_name). */
enum err_code worker_store_insert(struct db_conn *conn, struct call *call, struct worker *worker,
                                  struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND WORKER_NOT_FOUND. */
enum err_code worker_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const char *sid, struct worker *out, struct err *err) MUST_CHECK;
enum err_code worker_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                const char *sid, struct worker *out, struct err *err) MUST_CHECK;

enum worker_order {
    WORKER_ORDER_SID,
    WORKER_ORDER_STATUS, /* by the last change of activity, then by SID */
    WORKER_ORDER_STATUS_DESC,
    WORKER_ORDER_COUNT,
};

struct worker_filter {
    const char *workspace_sid;
    const char *friendly_name; /* "" = all; so are the next two */
    const char *activity_sid;
    const char *activity_name;
    const char *user_sid;  /* NULL or "" = all */
    const bool *available; /* NULL = all */
    enum worker_order order;
    const char *after;       /* SID of the last one before; "" at the beginning */
    int64_t after_status_us; /* and its last change of activity, in such orders; 0: none before */
    size_t limit;
    const struct str *among; /* only these SIDs; NULL = all */
    size_t among_count;
};

enum err_code worker_store_list(struct db_conn *conn, struct call *call,
                                const struct worker_filter *filter, struct worker **out,
                                size_t *out_count, struct err *err) MUST_CHECK;

/* SIDs, in no order and from no place on, of workers that may satisfy the filter and whose
 * attributes contain one document of each key that is not null; sid: only that one, or "". At most
 * limit. */
enum err_code worker_store_find(struct db_conn *conn, struct call *call,
                                const struct worker_filter *filter, const char *sid,
                                const struct db_param keys[2], size_t limit, struct str **out,
                                size_t *out_count, struct err *err) MUST_CHECK;

/* Writes what may change and counts the version up; the caller has locked the row and set
 * status_changed_at_us when the activity changed. */
enum err_code worker_store_update(struct db_conn *conn, struct call *call, struct worker *worker,
                                  struct err *err) MUST_CHECK;

/* The user that the worker is, or "". Counts the version up; the caller has locked the row. Errors:
 * ALREADY_EXISTS USER_LINKED (user_sid). */
enum err_code worker_store_set_user(struct db_conn *conn, struct call *call, struct worker *worker,
                                    const char *user_sid, struct err *err) MUST_CHECK;

/* Of a tombstone: nobody sees it, its version stays. */
enum err_code worker_store_clear_user(struct db_conn *conn, struct call *call, const char *sid,
                                      struct err *err) MUST_CHECK;

/* Which worker of the workspace the user is, "" when none: it may be a tombstone. */
enum err_code worker_store_by_user(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, const char *user_sid,
                                   const char **out_sid, bool *out_is_vanished,
                                   struct err *err) MUST_CHECK;

enum err_code worker_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                  struct err *err) MUST_CHECK;

/* For each worker, in order of its SID, one for each task channel of the workspace, in order of the
 * task channel's SID. */
enum err_code worker_channel_store_list(struct db_conn *conn, struct call *call,
                                        const struct str *worker_sids, size_t worker_count,
                                        struct worker_channel **out, size_t *out_count,
                                        struct err *err) MUST_CHECK;

/* Counts the channel's version up; the caller has locked the worker. */
enum err_code worker_channel_store_put(struct db_conn *conn, struct call *call,
                                       struct worker_channel *channel, struct err *err) MUST_CHECK;

/* This service's copy of a task channel, if newer than what is stored. */
struct task_channel_copy {
    const char *sid;
    const char *workspace_sid;
    const char *unique_name;
    int64_t version;
    bool is_deleted;
};

enum err_code task_channel_copy_store_put(struct db_conn *conn, struct call *call,
                                          const struct task_channel_copy *copy,
                                          struct err *err) MUST_CHECK;
