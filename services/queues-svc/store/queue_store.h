/*
 * Rows of task queues. SQL in, domain structs out; texts live in the call's arena.
 * Every function takes a connection, so that the caller decides what is one transaction.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "task_queue.h"

/* Sets version and times. Errors: ALREADY_EXISTS QUEUE_NAME_TAKEN (friendly_name). */
enum err_code queue_store_insert(struct db_conn *conn, struct call *call, struct task_queue *queue,
                                 struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND QUEUE_NOT_FOUND. */
enum err_code queue_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                              const char *key, struct task_queue *out, struct err *err) MUST_CHECK;

/* The same, holding the row until the transaction ends. */
enum err_code queue_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const char *key, struct task_queue *out, struct err *err) MUST_CHECK;

enum queue_order {
    QUEUE_ORDER_SID,
    QUEUE_ORDER_UPDATED, /* by the last update, then by SID */
    QUEUE_ORDER_UPDATED_DESC,
    QUEUE_ORDER_COUNT,
};

struct queue_filter {
    const char *workspace_sid;
    const char *friendly_name; /* "" = all */
    const char *activity_sid;  /* that moves workers to it; "" = all */
    enum queue_order order;
    const char *after;        /* SID of the last one before; "" at the beginning */
    int64_t after_updated_us; /* and its last update, in such orders; 0: none before */
    size_t limit;
};

enum err_code queue_store_list(struct db_conn *conn, struct call *call,
                               const struct queue_filter *filter, struct task_queue **out,
                               size_t *out_count, struct err *err) MUST_CHECK;

/* Writes all fields and counts the version up; the caller has locked the row. */
enum err_code queue_store_update(struct db_conn *conn, struct call *call, struct task_queue *queue,
                                 struct err *err) MUST_CHECK;

enum err_code queue_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                 struct err *err) MUST_CHECK;

/* All of a workspace that is gone; what Twilio had becomes tombstones. */
enum err_code queue_store_delete_all(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, struct err *err) MUST_CHECK;

/* ---- the mirror of Twilio: tombstones are rows too ---- */

/* The rows with these SIDs, of whatever workspace, held until the transaction ends. out_keys: the
 * name of each that only one may have, folded; "" of tombstones. */
enum err_code queue_store_mirror_find(struct db_conn *conn, struct call *call,
                                      const struct str *sids, size_t count, struct task_queue **out,
                                      const char ***out_keys, size_t *out_count,
                                      struct err *err) MUST_CHECK;

/* Of each name its folded form and the SID of the queue that has it, "" for none. */
enum err_code queue_store_mirror_names(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, const struct str *names,
                                       size_t count, const char ***out_keys,
                                       const char ***out_holders, struct err *err) MUST_CHECK;

/* Writes all fields as they are, a new row or an old one. */
enum err_code queue_store_mirror_put(struct db_conn *conn, struct call *call,
                                     const struct task_queue *queue, struct err *err) MUST_CHECK;

/* Unchanged ones: their dates (0: as it was) and when they were observed. */
enum err_code queue_store_mirror_observe(struct db_conn *conn, struct call *call,
                                         const struct task_queue *queues, size_t count,
                                         int64_t observed_at_us, struct err *err) MUST_CHECK;

/* Takes the names away from queues that get others in the same transaction. */
enum err_code queue_store_mirror_park(struct db_conn *conn, struct call *call,
                                      const struct str *sids, size_t count,
                                      struct err *err) MUST_CHECK;

/* Counts the version up. */
enum err_code queue_store_mirror_vanish(struct db_conn *conn, struct call *call,
                                        struct task_queue *queue, int64_t observed_at_us,
                                        struct err *err) MUST_CHECK;

/* This service's copy of an activity, if newer than what is stored. */
struct activity_copy {
    const char *sid;
    const char *workspace_sid;
    const char *friendly_name;
    int64_t version;
    bool is_deleted;
};

enum err_code activity_copy_store_put(struct db_conn *conn, struct call *call,
                                      const struct activity_copy *copy, struct err *err) MUST_CHECK;
