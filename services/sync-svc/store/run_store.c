#include "run_store.h"

#include "base/macros.h"
#include "progress_store.h"
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
    COL_LIGHT,
    COL_CAUSE,
    COL_REVISION,
    COL_EPOCH, /* of a claim; so are the next */
    COL_TAKES,
    COL_CANCEL_ASKED,
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
        .is_light = db_get_bool(result, row, COL_LIGHT),
        .cause = db_get_text(result, row, COL_CAUSE),
        .detail = db_get_text(result, row, COL_DETAIL),
        .started_at_us = db_get_time_us(result, row, COL_STARTED_AT),
        .ended_at_us = db_get_time_us(result, row, COL_ENDED_AT),
        .revision = db_get_i64(result, row, COL_REVISION),
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
    if (!from_row(call->arena, result, 0, out))
        return call_no_room(err);
    return progress_store_fill(conn, call, out, 1, err);
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
    return progress_store_fill(conn, call, items, count, err);
}

/* ---- beginning and cancelling ---- */

static enum err_code fail_running(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &run_running, DB_PARAMS(db_cstr(workspace_sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_SET(err, ERR_ABORTED, "RUN_ENDED", "the other sync run has just ended");
    return ERR_FIELD(err, ERR_ALREADY_EXISTS, "SYNC_RUNNING", "workspace_sid",
                     "sync run %s of workspace %s is under way (%s%s): wait for its end, or cancel "
                     "it",
                     db_get_text(result, 0, 0), workspace_sid, db_get_text(result, 0, 1),
                     db_get_bool(result, 0, 2) ? ", a dry run" : "");
}

enum err_code run_store_insert(struct db_conn *conn, struct call *call, const struct run *run,
                               unsigned kinds, struct err *err)
{
    struct str names[KIND_COUNT];
    size_t count = 0;
    struct db_result *result = NULL;
    for (int i = 0; i < KIND_COUNT; i++) {
        if ((kinds & KIND_BIT(i)) != 0)
            names[count++] = str_from(kind_name((enum kind)i));
    }
    INVARIANT(count > 0 && (kinds & KIND_BIT(KIND_WORKSPACE)) != 0);
    enum err_code code =
        db_query(conn, call, &run_insert,
                 DB_PARAMS(db_cstr(run->sid), db_cstr(run->account_sid),
                           db_cstr(run->workspace_sid), db_texts(names + 1, count - 1),
                           db_bool(run->is_dry_run), db_bool(run->is_light), db_cstr(run->cause)),
                 &result, err);
    if (code != ERR_OK)
        return code;
    if (db_affected(result) == 0)
        return fail_running(conn, call, run->workspace_sid, err);
    return progress_store_insert(conn, call, run->sid, names, count, err);
}

enum err_code run_store_cancel(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const char *sid, const char *detail, struct err *err)
{
    return db_query(conn, call, &run_cancel,
                    DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid), db_cstr(detail)), NULL, err);
}

enum err_code run_store_delete_all(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &run_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
}

enum err_code run_store_prune(struct db_pool *pool, struct call *call, struct err *err)
{
    return db_pool_query(pool, call, &run_prune, DB_NO_PARAMS, NULL, err);
}

/* ---- for who makes a run ---- */

static enum err_code fail_lost(const char *sid, struct err *err)
{
    return ERR_SET(err, ERR_ABORTED, "LEASE_LOST", "sync run %s is no longer this process's", sid);
}

enum err_code run_store_claim(struct db_pool *pool, struct call *call, const char *account_sid,
                              int64_t lease_ms, struct run_claim *out, bool *out_found,
                              struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct db_result *result = NULL;
    *out_found = false;
    enum err_code code = db_acquire(pool, call, &conn, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &run_claim, DB_PARAMS(db_cstr(account_sid), db_i64(lease_ms)),
                        &result, err);
    if (code != ERR_OK || db_row_count(result) == 0)
        return code;
    *out = (struct run_claim){
        .epoch = db_get_i64(result, 0, COL_EPOCH),
        .takes = db_get_i64(result, 0, COL_TAKES),
        .is_cancel_asked = db_get_bool(result, 0, COL_CANCEL_ASKED),
    };
    if (!from_row(call->arena, result, 0, &out->run))
        return call_no_room(err);
    *out_found = true;
    return progress_store_fill(conn, call, &out->run, 1, err);
}

enum err_code run_store_renew(struct db_pool *pool, struct call *call, const char *sid,
                              int64_t epoch, int64_t lease_ms, bool *out_is_cancel_asked,
                              struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &run_renew,
                      DB_PARAMS(db_cstr(sid), db_i64(epoch), db_i64(lease_ms)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return fail_lost(sid, err);
    *out_is_cancel_asked = db_get_bool(result, 0, 0);
    return ERR_OK;
}

enum err_code run_store_release(struct db_pool *pool, struct call *call, const char *sid,
                                int64_t epoch, struct err *err)
{
    return db_pool_query(pool, call, &run_release, DB_PARAMS(db_cstr(sid), db_i64(epoch)), NULL,
                         err);
}

struct end_context {
    const char *sid;
    int64_t epoch;
    enum run_state state;
    const char *detail;
};

static enum err_code end_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct end_context *end = ctx;
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &run_end,
                 DB_PARAMS(db_cstr(end->sid), db_i64(end->epoch),
                           db_cstr(run_state_name(end->state)), db_cstr(end->detail)),
                 &result, err);
    if (code == ERR_OK && db_affected(result) == 0)
        code = fail_lost(end->sid, err);
    if (code == ERR_OK)
        code = progress_store_forget(conn, call, end->sid, err);
    return code;
}

enum err_code run_store_end(struct db_pool *pool, struct call *call, const char *sid, int64_t epoch,
                            enum run_state state, const char *detail, struct err *err)
{
    struct end_context end = {sid, epoch, state, detail};
    return db_tx_run(pool, call, end_tx, &end, err);
}
