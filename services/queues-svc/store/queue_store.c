#include "queue_store.h"

#include "base/clock.h"
#include "queue_store_sql.h"

enum queue_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_FRIENDLY_NAME,
    COL_TARGET_WORKERS,
    COL_MAX_RESERVED_WORKERS,
    COL_TASK_ORDER,
    COL_RESERVATION_ACTIVITY_SID,
    COL_ASSIGNMENT_ACTIVITY_SID,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
    COL_RESERVATION_ACTIVITY_NAME,
    COL_ASSIGNMENT_ACTIVITY_NAME,
    COL_OBSERVED_AT, /* of the mirror's statements; so the next */
    COL_IS_VANISHED,
    COL_KEY,
};

static struct task_queue from_row(const struct db_result *result, int row)
{
    return (struct task_queue){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .target_workers = db_get_text(result, row, COL_TARGET_WORKERS),
        .max_reserved_workers = (int32_t)db_get_i64(result, row, COL_MAX_RESERVED_WORKERS),
        .task_order = task_order_from(db_get_str(result, row, COL_TASK_ORDER)),
        .reservation_activity_sid = db_get_text(result, row, COL_RESERVATION_ACTIVITY_SID),
        .assignment_activity_sid = db_get_text(result, row, COL_ASSIGNMENT_ACTIVITY_SID),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
        .reservation_activity_name = db_get_text(result, row, COL_RESERVATION_ACTIVITY_NAME),
        .assignment_activity_name = db_get_text(result, row, COL_ASSIGNMENT_ACTIVITY_NAME),
    };
}

/* Says which field a broken rule belongs to; other errors stay as they are. */
static enum err_code explain(enum err_code code, const struct task_queue *queue, struct err *err)
{
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "task_queue_friendly_name"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "QUEUE_NAME_TAKEN", "friendly_name",
                         "a task queue named \"%s\" exists already; choose another friendlyName",
                         queue->friendly_name);
    return code;
}

enum err_code queue_store_insert(struct db_conn *conn, struct call *call, struct task_queue *queue,
                                 struct err *err)
{
    queue->version = 1;
    queue->created_at_us = clock_now_us();
    queue->updated_at_us = queue->created_at_us;
    enum err_code code = db_query(
        conn, call, &queue_insert,
        DB_PARAMS(db_cstr(queue->sid), db_cstr(queue->account_sid), db_cstr(queue->workspace_sid),
                  db_cstr(queue->friendly_name), db_cstr(queue->target_workers),
                  db_i64(queue->max_reserved_workers), db_cstr(task_order_name(queue->task_order)),
                  db_cstr(queue->reservation_activity_sid), db_cstr(queue->assignment_activity_sid),
                  db_time_us(queue->created_at_us)),
        NULL, err);
    return explain(code, queue, err);
}

enum err_code queue_store_update(struct db_conn *conn, struct call *call, struct task_queue *queue,
                                 struct err *err)
{
    queue->version++;
    queue->updated_at_us = clock_now_us();
    enum err_code code = db_query(
        conn, call, &queue_update,
        DB_PARAMS(db_cstr(queue->sid), db_cstr(queue->friendly_name),
                  db_cstr(queue->target_workers), db_i64(queue->max_reserved_workers),
                  db_cstr(task_order_name(queue->task_order)),
                  db_cstr(queue->reservation_activity_sid), db_cstr(queue->assignment_activity_sid),
                  db_i64(queue->version), db_time_us(queue->updated_at_us)),
        NULL, err);
    return explain(code, queue, err);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *workspace_sid, const char *key, struct task_queue *out,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, stmt, DB_PARAMS(db_cstr(workspace_sid), db_cstr(key)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "QUEUE_NOT_FOUND", "sid",
                         "there is no task queue %s in workspace %s", key, workspace_sid);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code queue_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                              const char *key, struct task_queue *out, struct err *err)
{
    return get_one(conn, call, &queue_get, workspace_sid, key, out, err);
}

enum err_code queue_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const char *key, struct task_queue *out, struct err *err)
{
    return get_one(conn, call, &queue_get_for_update, workspace_sid, key, out, err);
}

enum err_code queue_store_list(struct db_conn *conn, struct call *call,
                               const struct queue_filter *filter, struct task_queue **out,
                               size_t *out_count, struct err *err)
{
    static const struct db_stmt *const lists[QUEUE_ORDER_COUNT] = {
        [QUEUE_ORDER_SID] = &queue_list,
        [QUEUE_ORDER_UPDATED] = &queue_list_by_updated,
        [QUEUE_ORDER_UPDATED_DESC] = &queue_list_by_updated_desc,
    };
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, lists[filter->order],
                                  DB_PARAMS(db_cstr(filter->workspace_sid), db_cstr(filter->after),
                                            db_i64((int64_t)filter->limit),
                                            db_text_or_null(str_from(filter->friendly_name)),
                                            db_text_or_null(str_from(filter->activity_sid)),
                                            db_time_us_or_null(filter->after_updated_us)),
                                  &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct task_queue *items = ARENA_ARRAY(call->arena, struct task_queue, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        items[i] = from_row(result, (int)i);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code queue_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                 struct err *err)
{
    return db_query(conn, call, &queue_delete, DB_PARAMS(db_cstr(sid)), NULL, err);
}

enum err_code queue_store_delete_all(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, struct err *err)
{
    enum err_code code =
        db_query(conn, call, &queue_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &queue_bury_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &activity_copy_delete_all, DB_PARAMS(db_cstr(workspace_sid)),
                        NULL, err);
    return code;
}

enum err_code activity_copy_store_put(struct db_conn *conn, struct call *call,
                                      const struct activity_copy *copy, struct err *err)
{
    return db_query(conn, call, &activity_copy_put,
                    DB_PARAMS(db_cstr(copy->sid), db_cstr(copy->workspace_sid),
                              db_cstr(copy->friendly_name), db_i64(copy->version),
                              db_bool(copy->is_deleted)),
                    NULL, err);
}

/* ---- the mirror of Twilio ---- */

enum err_code queue_store_mirror_find(struct db_conn *conn, struct call *call,
                                      const struct str *sids, size_t count, struct task_queue **out,
                                      const char ***out_keys, size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &queue_mirror_find, DB_PARAMS(db_texts(sids, count)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t rows = (size_t)db_row_count(result);
    struct task_queue *items = ARENA_ARRAY(call->arena, struct task_queue, rows);
    const char **keys = ARENA_ARRAY(call->arena, const char *, rows);
    if (items == NULL || keys == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < rows; i++) {
        items[i] = from_row(result, (int)i);
        items[i].observed_at_us = db_get_time_us(result, (int)i, COL_OBSERVED_AT);
        items[i].is_vanished = db_get_bool(result, (int)i, COL_IS_VANISHED);
        keys[i] = db_get_text(result, (int)i, COL_KEY);
    }
    *out = items;
    *out_keys = keys;
    *out_count = rows;
    return ERR_OK;
}

enum err_code queue_store_mirror_names(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, const struct str *names,
                                       size_t count, const char ***out_keys,
                                       const char ***out_holders, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &queue_mirror_names,
                 DB_PARAMS(db_cstr(workspace_sid), db_texts(names, count)), &result, err);
    if (code != ERR_OK)
        return code;
    const char **keys = ARENA_ARRAY(call->arena, const char *, count);
    const char **holders = ARENA_ARRAY(call->arena, const char *, count);
    if (keys == NULL || holders == NULL)
        return call_no_room(err);
    INVARIANT((size_t)db_row_count(result) == count);
    for (size_t i = 0; i < count; i++) {
        keys[i] = db_get_text(result, (int)i, 0);
        holders[i] = db_get_text(result, (int)i, 1);
    }
    *out_keys = keys;
    *out_holders = holders;
    return ERR_OK;
}

enum err_code queue_store_mirror_put(struct db_conn *conn, struct call *call,
                                     const struct task_queue *queue, struct err *err)
{
    return db_query(
        conn, call, &queue_mirror_put,
        DB_PARAMS(db_cstr(queue->sid), db_cstr(queue->account_sid), db_cstr(queue->workspace_sid),
                  db_cstr(queue->friendly_name), db_cstr(queue->target_workers),
                  db_i64(queue->max_reserved_workers), db_cstr(task_order_name(queue->task_order)),
                  db_cstr(queue->reservation_activity_sid), db_cstr(queue->assignment_activity_sid),
                  db_i64(queue->version), db_time_us(queue->created_at_us),
                  db_time_us(queue->updated_at_us), db_time_us(queue->observed_at_us)),
        NULL, err);
}

enum err_code queue_store_mirror_observe(struct db_conn *conn, struct call *call,
                                         const struct task_queue *queues, size_t count,
                                         int64_t observed_at_us, struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    int64_t *created = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *updated = ARENA_ARRAY(call->arena, int64_t, count);
    if (sids == NULL || created == NULL || updated == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        sids[i] = str_from(queues[i].sid);
        created[i] = queues[i].created_at_us;
        updated[i] = queues[i].updated_at_us;
    }
    return db_query(conn, call, &queue_mirror_observe,
                    DB_PARAMS(db_texts(sids, count), db_time_us(observed_at_us),
                              db_times_us(created, count), db_times_us(updated, count)),
                    NULL, err);
}

enum err_code queue_store_mirror_park(struct db_conn *conn, struct call *call,
                                      const struct str *sids, size_t count, struct err *err)
{
    return db_query(conn, call, &queue_mirror_park, DB_PARAMS(db_texts(sids, count)), NULL, err);
}

enum err_code queue_store_mirror_vanish(struct db_conn *conn, struct call *call,
                                        struct task_queue *queue, int64_t observed_at_us,
                                        struct err *err)
{
    queue->version++; /* newer than every event before */
    return db_query(
        conn, call, &queue_mirror_vanish,
        DB_PARAMS(db_cstr(queue->sid), db_i64(queue->version), db_time_us(observed_at_us)), NULL,
        err);
}
