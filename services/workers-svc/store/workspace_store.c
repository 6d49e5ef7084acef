#include "workspace_store.h"

#include "base/clock.h"
#include "workspace_store_sql.h"

enum workspace_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_FRIENDLY_NAME,
    COL_PROVIDER,
    COL_DEFAULT_ACTIVITY_SID,
    COL_DEFAULT_ACTIVITY_NAME,
    COL_TIMEOUT_ACTIVITY_SID,
    COL_TIMEOUT_ACTIVITY_NAME,
    COL_EVENT_CALLBACK_URL,
    COL_EVENTS_FILTER,
    COL_MULTI_TASK_ENABLED,
    COL_PRIORITIZE_QUEUE_ORDER,
    COL_TIME_ZONE,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
    COL_TEMPLATE,
};

static struct workspace from_row(const struct db_result *result, int row)
{
    return (struct workspace){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .provider = provider_from(db_get_str(result, row, COL_PROVIDER)),
        .default_activity_sid = db_get_text(result, row, COL_DEFAULT_ACTIVITY_SID),
        .default_activity_name = db_get_text(result, row, COL_DEFAULT_ACTIVITY_NAME),
        .timeout_activity_sid = db_get_text(result, row, COL_TIMEOUT_ACTIVITY_SID),
        .timeout_activity_name = db_get_text(result, row, COL_TIMEOUT_ACTIVITY_NAME),
        .event_callback_url = db_get_text(result, row, COL_EVENT_CALLBACK_URL),
        .events_filter = db_get_text(result, row, COL_EVENTS_FILTER),
        .multi_task_enabled = db_get_bool(result, row, COL_MULTI_TASK_ENABLED),
        .prioritize_queue_order =
            queue_order_from(db_get_str(result, row, COL_PRIORITIZE_QUEUE_ORDER)),
        .time_zone = db_get_text(result, row, COL_TIME_ZONE),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
        .template_name = db_get_text(result, row, COL_TEMPLATE),
    };
}

static enum err_code explain(enum err_code code, const struct workspace *workspace, struct err *err)
{
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "workspace_friendly_name"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "WORKSPACE_NAME_TAKEN", "friendly_name",
                         "a workspace named \"%s\" exists already; choose another friendlyName",
                         workspace->friendly_name);
    return code;
}

enum err_code workspace_store_insert(struct db_conn *conn, struct call *call,
                                     struct workspace *workspace, struct err *err)
{
    workspace->version = 1;
    workspace->created_at_us = clock_now_us();
    workspace->updated_at_us = workspace->created_at_us;
    enum err_code code = db_query(
        conn, call, &workspace_insert,
        DB_PARAMS(db_cstr(workspace->sid), db_cstr(workspace->account_sid),
                  db_cstr(workspace->friendly_name), db_cstr(provider_name(workspace->provider)),
                  db_cstr(workspace->default_activity_sid),
                  db_cstr(workspace->timeout_activity_sid), db_cstr(workspace->event_callback_url),
                  db_cstr(workspace->events_filter), db_bool(workspace->multi_task_enabled),
                  db_cstr(queue_order_name(workspace->prioritize_queue_order)),
                  db_cstr(workspace->time_zone), db_time_us(workspace->created_at_us),
                  db_cstr(workspace->template_name)),
        NULL, err);
    return explain(code, workspace, err);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *sid, struct workspace *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, stmt, DB_PARAMS(db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                         "there is no workspace %s", sid);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code workspace_store_get(struct db_conn *conn, struct call *call, const char *sid,
                                  struct workspace *out, struct err *err)
{
    return get_one(conn, call, &workspace_get, sid, out, err);
}

enum err_code workspace_store_lock(struct db_conn *conn, struct call *call, const char *sid,
                                   struct workspace *out, struct err *err)
{
    return get_one(conn, call, &workspace_get_for_update, sid, out, err);
}

enum err_code workspace_store_list(struct db_conn *conn, struct call *call,
                                   const struct workspace_filter *filter, struct workspace **out,
                                   size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &workspace_list,
                                  DB_PARAMS(db_text_or_null(str_from(filter->account_sid)),
                                            db_cstr(filter->after), db_i64((int64_t)filter->limit),
                                            db_text_or_null(str_from(filter->friendly_name)),
                                            db_text_or_null(str_from(filter->only_sid))),
                                  &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct workspace *items = ARENA_ARRAY(call->arena, struct workspace, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        items[i] = from_row(result, (int)i);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code workspace_store_update(struct db_conn *conn, struct call *call,
                                     struct workspace *workspace, struct err *err)
{
    workspace->version++;
    workspace->updated_at_us = clock_now_us();
    enum err_code code = db_query(
        conn, call, &workspace_update,
        DB_PARAMS(db_cstr(workspace->sid), db_cstr(workspace->friendly_name),
                  db_cstr(workspace->default_activity_sid),
                  db_cstr(workspace->timeout_activity_sid), db_cstr(workspace->event_callback_url),
                  db_cstr(workspace->events_filter),
                  db_cstr(queue_order_name(workspace->prioritize_queue_order)),
                  db_cstr(workspace->time_zone), db_i64(workspace->version),
                  db_time_us(workspace->updated_at_us), db_bool(workspace->multi_task_enabled)),
        NULL, err);
    return explain(code, workspace, err);
}

enum err_code workspace_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                     struct err *err)
{
    static const struct db_stmt *const steps[] = {
        &workspace_delete_workers,
        &workspace_delete_channels,
        &workspace_delete,
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(steps) && code == ERR_OK; i++)
        code = db_query(conn, call, steps[i], DB_PARAMS(db_cstr(sid)), NULL, err);
    return code;
}
