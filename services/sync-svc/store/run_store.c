#include "run_store.h"

#include "run_store_sql.h"

enum run_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_STATE,
    COL_KINDS,
    COL_DRY_RUN,
    COL_DETAIL,
    COL_STARTED_AT,
    COL_ENDED_AT,
};

/* False when the arena is full. */
static bool from_row(struct arena *arena, const struct db_result *result, int row, struct run *out)
{
    struct str *kinds = NULL;
    size_t kind_count = 0;
    if (!db_get_texts(result, row, COL_KINDS, arena, &kinds, &kind_count))
        return false;
    *out = (struct run){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .state = run_state_from(db_get_str(result, row, COL_STATE)),
        .kinds = kinds,
        .kind_count = kind_count,
        .is_dry_run = db_get_bool(result, row, COL_DRY_RUN),
        .detail = db_get_text(result, row, COL_DETAIL),
        .started_at_us = db_get_time_us(result, row, COL_STARTED_AT),
        .ended_at_us = db_get_time_us(result, row, COL_ENDED_AT),
    };
    return true;
}

enum err_code run_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                            const char *sid, struct run *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &run_get,
                                  DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "RUN_NOT_FOUND", "sid",
                         "there is no sync run %s in workspace %s", sid, workspace_sid);
    return from_row(call->arena, result, 0, out) ? ERR_OK : call_no_room(err);
}

enum err_code run_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                             const char *before, size_t limit, struct run **out, size_t *out_count,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &run_list,
                 DB_PARAMS(db_cstr(workspace_sid), db_text_or_null(str_from(before)),
                           db_i64((int64_t)limit)),
                 &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct run *items = ARENA_ARRAY(call->arena, struct run, count);
    for (size_t i = 0; i < count; i++) {
        if (items == NULL || !from_row(call->arena, result, (int)i, &items[i]))
            return call_no_room(err);
    }
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code run_store_delete_all(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &run_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
}
