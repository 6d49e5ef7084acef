#include "call_store.h"

#include "base/clock.h"
#include "call_store_sql.h"

enum call_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_CALL_SID,
    COL_DIRECTION,
    COL_STATUS,
    COL_FROM_NUMBER,
    COL_TO_NUMBER,
    COL_CUSTOMER_SID,
    COL_CUSTOMER_NAME,
    COL_TASK_SID,
    COL_WORKER_SID,
    COL_LINE_SID,
    COL_STARTED_AT,
    COL_ANSWERED_AT,
    COL_ENDED_AT,
    COL_DURATION_S,
    COL_RECORDING_URL,
    COL_RECORDING_SID,
    COL_RECORDING_DURATION_S,
    COL_TRANSCRIPTION,
    COL_DUE_AT,
    COL_FOLLOW_UP_TASK_SID,
    COL_MENU_PATH,
    COL_PLAN,
    COL_PLAN_NO,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
};

static struct phone_call from_row(const struct db_result *result, int row)
{
    return (struct phone_call){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .call_sid = db_get_text(result, row, COL_CALL_SID),
        .is_outbound = str_eq(db_get_str(result, row, COL_DIRECTION), STR("outbound")),
        .status = phone_call_status_from(db_get_str(result, row, COL_STATUS)),
        .from_number = db_get_text(result, row, COL_FROM_NUMBER),
        .to_number = db_get_text(result, row, COL_TO_NUMBER),
        .customer_sid = db_get_text(result, row, COL_CUSTOMER_SID),
        .customer_name = db_get_text(result, row, COL_CUSTOMER_NAME),
        .task_sid = db_get_text(result, row, COL_TASK_SID),
        .worker_sid = db_get_text(result, row, COL_WORKER_SID),
        .line_sid = db_get_text(result, row, COL_LINE_SID),
        .started_at_us = db_get_time_us(result, row, COL_STARTED_AT),
        .answered_at_us = db_get_time_us(result, row, COL_ANSWERED_AT),
        .ended_at_us = db_get_time_us(result, row, COL_ENDED_AT),
        .duration_s = db_get_i64(result, row, COL_DURATION_S),
        .recording_url = db_get_text(result, row, COL_RECORDING_URL),
        .recording_sid = db_get_text(result, row, COL_RECORDING_SID),
        .recording_duration_s = db_get_i64(result, row, COL_RECORDING_DURATION_S),
        .transcription = db_get_text(result, row, COL_TRANSCRIPTION),
        .due_at_us = db_get_time_us(result, row, COL_DUE_AT),
        .follow_up_task_sid = db_get_text(result, row, COL_FOLLOW_UP_TASK_SID),
        .menu_path = db_get_text(result, row, COL_MENU_PATH),
        .plan = db_get_text(result, row, COL_PLAN),
        .plan_no = db_get_i64(result, row, COL_PLAN_NO),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
}

static enum err_code one_of(enum err_code code, const struct db_result *result, const char *key,
                            struct phone_call *out, struct err *err)
{
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "CALL_NOT_FOUND", "sid", "there is no call %s", key);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code call_store_open(struct db_pool *pool, struct call *call,
                              struct phone_call *phone_call, bool *out_is_new, struct err *err)
{
    struct db_result *result = NULL;
    const char *call_sid = phone_call->call_sid;
    enum err_code code =
        db_pool_query(pool, call, &call_insert,
                      DB_PARAMS(db_cstr(phone_call->sid), db_cstr(phone_call->account_sid),
                                db_cstr(phone_call->workspace_sid), db_cstr(call_sid),
                                db_cstr(phone_call->is_outbound ? "outbound" : "inbound"),
                                db_cstr(phone_call_status_name(phone_call->status)),
                                db_cstr(phone_call->from_number), db_cstr(phone_call->to_number),
                                db_cstr(phone_call->line_sid),
                                db_time_us(phone_call->started_at_us), db_time_us(clock_now_us())),
                      &result, err);
    if (code != ERR_OK)
        return code;
    if (out_is_new != NULL)
        *out_is_new = db_affected(result) > 0;
    return call_store_get(pool, call, "", call_sid, phone_call, err);
}

enum err_code call_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                             const char *key, struct phone_call *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &call_get, DB_PARAMS(db_cstr(workspace_sid), db_cstr(key)), &result, err);
    return one_of(code, result, key, out, err);
}

enum err_code call_store_of_task(struct db_pool *pool, struct call *call, const char *task_sid,
                                 struct phone_call *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &call_of_task, DB_PARAMS(db_cstr(task_sid)), &result, err);
    return one_of(code, result, task_sid, out, err);
}

enum err_code call_store_lock(struct db_conn *conn, struct call *call, const char *key,
                              struct phone_call *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &call_get_for_update, DB_PARAMS(db_cstr(key)), &result, err);
    return one_of(code, result, key, out, err);
}

enum err_code call_store_update(struct db_conn *conn, struct call *call,
                                struct phone_call *phone_call, struct err *err)
{
    phone_call->version++;
    phone_call->updated_at_us = clock_now_us();
    return db_query(
        conn, call, &call_update,
        DB_PARAMS(db_cstr(phone_call->sid), db_cstr(phone_call_status_name(phone_call->status)),
                  db_cstr(phone_call->task_sid), db_cstr(phone_call->worker_sid),
                  db_time_us_or_null(phone_call->answered_at_us),
                  db_time_us_or_null(phone_call->ended_at_us), db_i64(phone_call->duration_s),
                  db_cstr(phone_call->recording_url), db_cstr(phone_call->recording_sid),
                  db_i64(phone_call->recording_duration_s), db_cstr(phone_call->transcription),
                  db_time_us_or_null(phone_call->due_at_us),
                  db_cstr(phone_call->follow_up_task_sid), db_i64(phone_call->version),
                  db_time_us(phone_call->updated_at_us)),
        NULL, err);
}

/* ---- changes ---- */

struct change {
    const char *key;
    call_change_fn *fn;
    const void *ctx;
    struct phone_call *out;
};

static enum err_code change_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct change *change = ctx;
    enum err_code code = call_store_lock(conn, call, change->key, change->out, err);
    if (code != ERR_OK || !change->fn(change->out, change->ctx))
        return code;
    return call_store_update(conn, call, change->out, err);
}

enum err_code call_store_change(struct db_pool *pool, struct call *call, const char *key,
                                call_change_fn *fn, const void *ctx, struct phone_call *out,
                                struct err *err)
{
    struct change change = {.key = key, .fn = fn, .ctx = ctx, .out = out};
    return db_tx_run(pool, call, change_tx, &change, err);
}

enum err_code call_store_plan(struct db_pool *pool, struct call *call,
                              struct phone_call *phone_call, struct err *err)
{
    const char *sid = phone_call->sid;
    enum err_code code = db_pool_query(
        pool, call, &call_plan,
        DB_PARAMS(db_cstr(sid), db_cstr(phone_call->account_sid),
                  db_cstr(phone_call->workspace_sid), db_cstr(phone_call->line_sid),
                  db_cstr(phone_call->customer_sid), db_cstr(phone_call->customer_name),
                  db_cstr(phone_call->menu_path), db_cstr(phone_call->plan),
                  db_i64(phone_call->plan_no), db_time_us(clock_now_us())),
        NULL, err);
    return code == ERR_OK ? call_store_get(pool, call, "", sid, phone_call, err) : code;
}

enum err_code call_store_list(struct db_pool *pool, struct call *call,
                              const struct call_filter *filter, struct phone_call **out,
                              size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &call_list,
        DB_PARAMS(db_cstr(filter->workspace_sid), db_cstr(filter->before),
                  db_text_or_null(str_from(phone_call_status_name(filter->status))),
                  db_text_or_null(str_from(filter->from_number)),
                  db_text_or_null(str_from(filter->customer_sid)),
                  db_text_or_null(str_from(filter->task_sid)), db_i64((int64_t)filter->limit)),
        &result, err);
    if (code != ERR_OK)
        return code;
    *out_count = (size_t)db_row_count(result);
    *out = ARENA_ARRAY(call->arena, struct phone_call, *out_count);
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < *out_count; i++)
        (*out)[i] = from_row(result, (int)i);
    return ERR_OK;
}

enum err_code call_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                               int64_t limit, int64_t *out_removed, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &call_prune, DB_PARAMS(db_time_us(older_than_us), db_i64(limit)), &result, err);
    *out_removed = code == ERR_OK ? db_affected(result) : 0;
    return code;
}
