#include "activity_store.h"

#include "activity_store_sql.h"
#include "base/clock.h"

enum activity_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_FRIENDLY_NAME,
    COL_AVAILABLE,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
};

static struct activity from_row(const struct db_result *result, int row)
{
    return (struct activity){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .available = db_get_bool(result, row, COL_AVAILABLE),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
}

static enum err_code explain(enum err_code code, const struct activity *activity, struct err *err)
{
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "activity_friendly_name"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "ACTIVITY_NAME_TAKEN", "friendly_name",
                         "an activity named \"%s\" exists already; choose another friendlyName",
                         activity->friendly_name);
    if (code == ERR_FAILED_PRECONDITION && db_err_is_constraint(err, "activity_workspace_sid_fkey"))
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                         "there is no workspace %s", activity->workspace_sid);
    if (code == ERR_FAILED_PRECONDITION && db_err_is_constraint(err, "worker_activity_sid_fkey"))
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "ACTIVITY_IN_USE",
                       "activity %s is the current activity of a worker; move its workers first",
                       activity->sid);
    return code;
}

enum err_code activity_store_insert(struct db_conn *conn, struct call *call,
                                    struct activity *activity, struct err *err)
{
    activity->version = 1;
    activity->created_at_us = clock_now_us();
    activity->updated_at_us = activity->created_at_us;
    enum err_code code =
        db_query(conn, call, &activity_insert,
                 DB_PARAMS(db_cstr(activity->sid), db_cstr(activity->account_sid),
                           db_cstr(activity->workspace_sid), db_cstr(activity->friendly_name),
                           db_bool(activity->available), db_time_us(activity->created_at_us)),
                 NULL, err);
    return explain(code, activity, err);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *workspace_sid, const char *sid, struct activity *out,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, stmt, DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "ACTIVITY_NOT_FOUND", "activity_sid",
                         "there is no activity %s in workspace %s", sid, workspace_sid);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code activity_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *sid, struct activity *out, struct err *err)
{
    return get_one(conn, call, &activity_get, workspace_sid, sid, out, err);
}

enum err_code activity_store_lock(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *sid, struct activity *out,
                                  struct err *err)
{
    return get_one(conn, call, &activity_get_for_update, workspace_sid, sid, out, err);
}

enum err_code activity_store_list(struct db_conn *conn, struct call *call,
                                  const struct activity_filter *filter, struct activity **out,
                                  size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &activity_list,
        DB_PARAMS(db_cstr(filter->workspace_sid), db_cstr(filter->after),
                  db_i64((int64_t)filter->limit), db_text_or_null(str_from(filter->friendly_name)),
                  filter->available == NULL ? db_null() : db_bool(*filter->available)),
        &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct activity *items = ARENA_ARRAY(call->arena, struct activity, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        items[i] = from_row(result, (int)i);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code activity_store_update(struct db_conn *conn, struct call *call,
                                    struct activity *activity, struct err *err)
{
    activity->version++;
    activity->updated_at_us = clock_now_us();
    enum err_code code =
        db_query(conn, call, &activity_update,
                 DB_PARAMS(db_cstr(activity->sid), db_cstr(activity->friendly_name),
                           db_i64(activity->version), db_time_us(activity->updated_at_us)),
                 NULL, err);
    return explain(code, activity, err);
}

enum err_code activity_store_delete(struct db_conn *conn, struct call *call,
                                    const struct activity *activity, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &activity_is_used,
                 DB_PARAMS(db_cstr(activity->sid), db_cstr(activity->workspace_sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_get_bool(result, 0, 0))
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "ACTIVITY_IN_USE",
                       "activity %s is the current activity of a worker; move its workers first",
                       activity->sid);
    if (db_get_bool(result, 0, 1))
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "ACTIVITY_IN_USE",
                       "activity %s is the workspace's default or timeout activity; choose another "
                       "one there first",
                       activity->sid);
    code = db_query(conn, call, &activity_delete, DB_PARAMS(db_cstr(activity->sid)), NULL, err);
    return explain(code, activity, err); /* a worker may have come in between */
}
