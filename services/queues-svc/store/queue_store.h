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

/* All of a workspace that is gone. */
enum err_code queue_store_delete_all(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, struct err *err) MUST_CHECK;

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
