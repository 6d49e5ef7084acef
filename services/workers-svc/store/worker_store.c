#include "worker_store.h"

#include "base/clock.h"
#include "base/ids.h"
#include "channel_store_sql.h"
#include "worker_store_sql.h"

enum worker_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_FRIENDLY_NAME,
    COL_ATTRIBUTES,
    COL_ACTIVITY_SID,
    COL_ACTIVITY_NAME,
    COL_AVAILABLE,
    COL_USER_SID,
    COL_VERSION,
    COL_CREATED_AT,
    COL_STATUS_CHANGED_AT,
    COL_UPDATED_AT,
};

enum channel_column {
    CHANNEL_ACCOUNT_SID,
    CHANNEL_WORKSPACE_SID,
    CHANNEL_WORKER_SID,
    CHANNEL_TASK_CHANNEL_SID,
    CHANNEL_UNIQUE_NAME,
    CHANNEL_CAPACITY,
    CHANNEL_AVAILABLE,
    CHANNEL_VERSION,
    CHANNEL_CREATED_AT,
    CHANNEL_UPDATED_AT,
    CHANNEL_SID,
};

static struct worker from_row(const struct db_result *result, int row)
{
    return (struct worker){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .attributes = db_get_text(result, row, COL_ATTRIBUTES),
        .activity_sid = db_get_text(result, row, COL_ACTIVITY_SID),
        .activity_name = db_get_text(result, row, COL_ACTIVITY_NAME),
        .available = db_get_bool(result, row, COL_AVAILABLE),
        .user_sid = db_get_text(result, row, COL_USER_SID),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .status_changed_at_us = db_get_time_us(result, row, COL_STATUS_CHANGED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
}

static enum err_code explain(enum err_code code, const struct worker *worker, struct err *err)
{
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "worker_friendly_name"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "WORKER_NAME_TAKEN", "friendly_name",
                         "a worker named \"%s\" exists already; choose another friendlyName",
                         worker->friendly_name);
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "worker_user"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "USER_LINKED", "user_sid",
                         "user %s is linked to another worker already", worker->user_sid);
    if (code == ERR_FAILED_PRECONDITION && db_err_is_constraint(err, "worker_activity_sid_fkey"))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTIVITY_NOT_FOUND", "activity_sid",
                         "activity %s was just deleted; choose another", worker->activity_sid);
    if (code == ERR_FAILED_PRECONDITION && db_err_is_constraint(err, "worker_workspace_sid_fkey"))
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                         "there is no workspace %s", worker->workspace_sid);
    if (code == ERR_INVALID_ARGUMENT) /* the only value that the database judges */
        return ERR_FIELD(err, code, "INVALID_ATTRIBUTES", "attributes",
                         "attributes holds a number or text that cannot be stored; change it");
    return code;
}

enum err_code worker_store_insert(struct db_conn *conn, struct call *call, struct worker *worker,
                                  struct err *err)
{
    worker->version = 1;
    worker->created_at_us = clock_now_us();
    worker->status_changed_at_us = worker->created_at_us;
    worker->updated_at_us = worker->created_at_us;
    enum err_code code =
        db_query(conn, call, &worker_insert,
                 DB_PARAMS(db_cstr(worker->sid), db_cstr(worker->account_sid),
                           db_cstr(worker->workspace_sid), db_cstr(worker->friendly_name),
                           db_cstr(worker->attributes), db_cstr(worker->activity_sid),
                           db_cstr(worker->user_sid), db_time_us(worker->created_at_us)),
                 NULL, err);
    return explain(code, worker, err);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *workspace_sid, const char *sid, struct worker *out,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, stmt, DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKER_NOT_FOUND", "sid",
                         "there is no worker %s in workspace %s", sid, workspace_sid);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code worker_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const char *sid, struct worker *out, struct err *err)
{
    return get_one(conn, call, &worker_get, workspace_sid, sid, out, err);
}

enum err_code worker_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                const char *sid, struct worker *out, struct err *err)
{
    return get_one(conn, call, &worker_get_for_update, workspace_sid, sid, out, err);
}

static struct db_param available_param(const struct worker_filter *filter)
{
    return filter->available == NULL ? db_null() : db_bool(*filter->available);
}

static struct db_param user_param(const struct worker_filter *filter)
{
    return db_text_or_null(str_from(filter->user_sid == NULL ? "" : filter->user_sid));
}

enum err_code worker_store_list(struct db_conn *conn, struct call *call,
                                const struct worker_filter *filter, struct worker **out,
                                size_t *out_count, struct err *err)
{
    static const struct db_stmt *const lists[WORKER_ORDER_COUNT] = {
        [WORKER_ORDER_SID] = &worker_list,
        [WORKER_ORDER_STATUS] = &worker_list_by_status,
        [WORKER_ORDER_STATUS_DESC] = &worker_list_by_status_desc,
    };
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, lists[filter->order],
        DB_PARAMS(db_cstr(filter->workspace_sid), db_cstr(filter->after),
                  db_i64((int64_t)filter->limit), db_text_or_null(str_from(filter->friendly_name)),
                  db_text_or_null(str_from(filter->activity_sid)),
                  db_text_or_null(str_from(filter->activity_name)), available_param(filter),
                  filter->among == NULL ? db_null() : db_texts(filter->among, filter->among_count),
                  db_time_us_or_null(filter->after_status_us), user_param(filter)),
        &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct worker *items = ARENA_ARRAY(call->arena, struct worker, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        items[i] = from_row(result, (int)i);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code worker_store_find(struct db_conn *conn, struct call *call,
                                const struct worker_filter *filter, const char *sid,
                                const struct db_param keys[2], size_t limit, struct str **out,
                                size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &worker_find,
        DB_PARAMS(db_cstr(filter->workspace_sid), keys[0], db_i64((int64_t)limit),
                  db_text_or_null(str_from(filter->friendly_name)),
                  db_text_or_null(str_from(filter->activity_sid)),
                  db_text_or_null(str_from(filter->activity_name)), available_param(filter),
                  db_text_or_null(str_from(sid)), keys[1], user_param(filter)),
        &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count + 1);
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        sids[i] = db_get_str(result, (int)i, 0);
    *out = sids;
    *out_count = count;
    return ERR_OK;
}

enum err_code worker_store_update(struct db_conn *conn, struct call *call, struct worker *worker,
                                  struct err *err)
{
    worker->version++;
    worker->updated_at_us = clock_now_us();
    enum err_code code = db_query(
        conn, call, &worker_update,
        DB_PARAMS(db_cstr(worker->sid), db_cstr(worker->friendly_name), db_cstr(worker->attributes),
                  db_cstr(worker->activity_sid), db_time_us(worker->status_changed_at_us),
                  db_i64(worker->version), db_time_us(worker->updated_at_us)),
        NULL, err);
    return explain(code, worker, err);
}

enum err_code worker_store_set_user(struct db_conn *conn, struct call *call, struct worker *worker,
                                    const char *user_sid, struct err *err)
{
    worker->version++;
    worker->user_sid = user_sid;
    enum err_code code = db_query(
        conn, call, &worker_set_user,
        DB_PARAMS(db_cstr(worker->sid), db_cstr(user_sid), db_i64(worker->version)), NULL, err);
    return explain(code, worker, err);
}

enum err_code worker_store_clear_user(struct db_conn *conn, struct call *call, const char *sid,
                                      struct err *err)
{
    return db_query(conn, call, &worker_clear_user, DB_PARAMS(db_cstr(sid)), NULL, err);
}

enum err_code worker_store_by_user(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, const char *user_sid,
                                   const char **out_sid, bool *out_is_vanished, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &worker_by_user, DB_PARAMS(db_cstr(workspace_sid), db_cstr(user_sid)),
                 &result, err);
    if (code != ERR_OK)
        return code;
    bool is_found = db_row_count(result) > 0;
    *out_sid = is_found ? db_get_text(result, 0, 0) : "";
    *out_is_vanished = is_found && db_get_bool(result, 0, 1);
    return ERR_OK;
}

enum err_code worker_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                  struct err *err)
{
    return db_query(conn, call, &worker_delete, DB_PARAMS(db_cstr(sid)), NULL, err);
}

static struct worker_channel channel_from_row(struct arena *arena, const struct db_result *result,
                                              int row)
{
    struct str worker_sid = db_get_str(result, row, CHANNEL_WORKER_SID);
    struct str task_channel_sid = db_get_str(result, row, CHANNEL_TASK_CHANNEL_SID);
    struct str sid = db_get_str(result, row, CHANNEL_SID);
    struct sid derived = sid_derive("WC", worker_sid, task_channel_sid);
    return (struct worker_channel){
        .sid = sid.len > 0 ? sid.ptr : arena_strdup(arena, derived.text),
        .account_sid = db_get_text(result, row, CHANNEL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, CHANNEL_WORKSPACE_SID),
        .worker_sid = worker_sid.ptr,
        .task_channel_sid = task_channel_sid.ptr,
        .task_channel_unique_name = db_get_text(result, row, CHANNEL_UNIQUE_NAME),
        .configured_capacity = (int32_t)db_get_i64(result, row, CHANNEL_CAPACITY),
        .available = db_get_bool(result, row, CHANNEL_AVAILABLE),
        .version = db_get_i64(result, row, CHANNEL_VERSION),
        .created_at_us = db_get_time_us(result, row, CHANNEL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, CHANNEL_UPDATED_AT),
    };
}

enum err_code worker_channel_store_list(struct db_conn *conn, struct call *call,
                                        const struct str *worker_sids, size_t worker_count,
                                        struct worker_channel **out, size_t *out_count,
                                        struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &worker_channel_list,
                                  DB_PARAMS(db_texts(worker_sids, worker_count)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct worker_channel *items = ARENA_ARRAY(call->arena, struct worker_channel, count);
    for (size_t i = 0; i < count && items != NULL; i++)
        items[i] = channel_from_row(call->arena, result, (int)i);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code worker_channel_store_put(struct db_conn *conn, struct call *call,
                                       struct worker_channel *channel, struct err *err)
{
    channel->version++;
    channel->updated_at_us = clock_now_us();
    return db_query(conn, call, &worker_channel_put,
                    DB_PARAMS(db_cstr(channel->worker_sid), db_cstr(channel->task_channel_sid),
                              db_i64(channel->configured_capacity), db_bool(channel->available),
                              db_i64(channel->version), db_time_us(channel->created_at_us),
                              db_time_us(channel->updated_at_us)),
                    NULL, err);
}

enum err_code task_channel_copy_store_put(struct db_conn *conn, struct call *call,
                                          const struct task_channel_copy *copy, struct err *err)
{
    return db_query(conn, call, &task_channel_copy_put,
                    DB_PARAMS(db_cstr(copy->sid), db_cstr(copy->workspace_sid),
                              db_cstr(copy->unique_name), db_i64(copy->version),
                              db_bool(copy->is_deleted)),
                    NULL, err);
}
