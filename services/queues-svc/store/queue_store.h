/*
 * Rows of task queues. SQL in, domain structs out; texts live in the call's arena.
 * Every function takes a connection, so that the caller decides what is one transaction.
 */
#pragma once

#include <stddef.h>

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

/* In order of SID, those after `after`. friendly_name NULL or "": all. */
enum err_code queue_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const char *after, size_t limit, const char *friendly_name,
                               struct task_queue **out, size_t *out_count,
                               struct err *err) MUST_CHECK;

/* Writes all fields and counts the version up; the caller has locked the row. */
enum err_code queue_store_update(struct db_conn *conn, struct call *call, struct task_queue *queue,
                                 struct err *err) MUST_CHECK;

enum err_code queue_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                 struct err *err) MUST_CHECK;

/* All of a workspace that is gone. */
enum err_code queue_store_delete_all(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, struct err *err) MUST_CHECK;
