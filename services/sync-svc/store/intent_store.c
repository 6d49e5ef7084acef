#include "intent_store.h"

#include "intent_store_sql.h"

enum intent_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_METHOD,
    COL_KEY,
    COL_REQUEST_HASH,
    COL_REQUEST,
    COL_PARENT_SID,
    COL_IS_CREATE,
    COL_RESOURCE_SID,
    COL_STATE,
    COL_HOLDER,
    COL_EPOCH,
    COL_LOOKS,
    COL_DETAIL,
    COL_REPLY,
    COL_CREATED_AT,
    COL_SENT_AT,
    COL_HOPE_FROM,
    COL_SETTLED_AT,
};

/* False when the arena is full. */
static bool from_row(struct arena *arena, const struct db_result *result, int row,
                     struct intent *out)
{
    struct str request = {NULL, 0};
    struct str reply = {NULL, 0};
    if (!db_get_bytes(result, row, COL_REQUEST, arena, &request))
        return false;
    if (!db_is_null(result, row, COL_REPLY) && !db_get_bytes(result, row, COL_REPLY, arena, &reply))
        return false;
    *out = (struct intent){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .method = db_get_text(result, row, COL_METHOD),
        .key = db_get_text(result, row, COL_KEY),
        .request_hash = db_get_text(result, row, COL_REQUEST_HASH),
        .request = request,
        .parent_sid = db_get_text(result, row, COL_PARENT_SID),
        .is_create = db_get_bool(result, row, COL_IS_CREATE),
        .resource_sid = db_get_text(result, row, COL_RESOURCE_SID),
        .state = intent_state_from(db_get_str(result, row, COL_STATE)),
        .holder = db_get_text(result, row, COL_HOLDER),
        .epoch = db_get_i64(result, row, COL_EPOCH),
        .looks = db_get_i64(result, row, COL_LOOKS),
        .detail = db_get_text(result, row, COL_DETAIL),
        .reply = reply,
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .sent_at_us = db_get_time_us(result, row, COL_SENT_AT),
        .hope_from_us = db_get_time_us(result, row, COL_HOPE_FROM),
        .settled_at_us = db_is_null(result, row, COL_SETTLED_AT)
                             ? 0
                             : db_get_time_us(result, row, COL_SETTLED_AT),
    };
    return true;
}

static enum err_code first_of(struct call *call, const struct db_result *result, struct intent *out,
                              bool *out_is_there, struct err *err)
{
    *out_is_there = db_row_count(result) > 0;
    if (*out_is_there && !from_row(call->arena, result, 0, out))
        return call_no_room(err);
    return ERR_OK;
}

static enum err_code all_of(struct call *call, const struct db_result *result, struct intent **out,
                            size_t *out_count, struct err *err)
{
    size_t count = (size_t)db_row_count(result);
    struct intent *items = ARENA_ARRAY(call->arena, struct intent, count);
    for (size_t i = 0; i < count; i++) {
        if (items == NULL || !from_row(call->arena, result, (int)i, &items[i]))
            return call_no_room(err);
    }
    *out = items;
    *out_count = count;
    return ERR_OK;
}

static enum err_code one_changed(const struct db_result *result, struct err *err)
{
    if (db_affected(result) == 1)
        return ERR_OK;
    return ERR_SET(err, ERR_ABORTED, "INTENT_LOST",
                   "another process has taken this write over; try again");
}

#define HELD(intent) db_cstr((intent)->sid), db_cstr((intent)->holder), db_i64((intent)->epoch)

enum err_code writer_store_beat(struct db_pool *pool, struct call *call, const char *writer_sid,
                                struct err *err)
{
    return db_pool_query(pool, call, &writer_beat, DB_PARAMS(db_cstr(writer_sid)), NULL, err);
}

enum err_code writer_store_end(struct db_pool *pool, struct call *call, const char *writer_sid,
                               struct err *err)
{
    return db_pool_query(pool, call, &writer_end, DB_PARAMS(db_cstr(writer_sid)), NULL, err);
}

enum err_code intent_store_insert(struct db_pool *pool, struct call *call, struct intent *intent,
                                  bool *out_is_new, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &intent_insert,
        DB_PARAMS(db_cstr(intent->sid), db_cstr(intent->account_sid),
                  db_cstr(intent->workspace_sid), db_cstr(intent->method),
                  db_text_or_null(str_from(intent->key)), db_cstr(intent->request_hash),
                  db_bytes(intent->request), db_cstr(intent->parent_sid),
                  db_bool(intent->is_create), db_cstr(intent->resource_sid),
                  db_cstr(intent->holder), db_text_or_null(str_from(intent->turn_sid))),
        &result, err);
    if (code != ERR_OK)
        return code;
    *out_is_new = db_row_count(result) > 0;
    if (*out_is_new) {
        intent->state = INTENT_OPEN;
        intent->epoch = db_get_i64(result, 0, 0);
        intent->created_at_us = db_get_time_us(result, 0, 1);
        intent->sent_at_us = db_get_time_us(result, 0, 2);
        intent->hope_from_us = intent->created_at_us;
    }
    return ERR_OK;
}

enum err_code intent_store_by_key(struct db_pool *pool, struct call *call, const char *account_sid,
                                  const char *method, const char *key, struct intent *out,
                                  bool *out_is_there, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &intent_by_key,
                      DB_PARAMS(db_cstr(account_sid), db_cstr(method), db_cstr(key)), &result, err);
    return code == ERR_OK ? first_of(call, result, out, out_is_there, err) : code;
}

enum err_code intent_store_claim(struct db_pool *pool, struct call *call, const char *sid,
                                 const char *writer_sid, struct intent *out, bool *out_is_taken,
                                 struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &intent_claim,
                                       DB_PARAMS(db_cstr(sid), db_cstr(writer_sid)), &result, err);
    return code == ERR_OK ? first_of(call, result, out, out_is_taken, err) : code;
}

enum err_code intent_store_claim_due(struct db_pool *pool, struct call *call,
                                     const char *writer_sid, size_t limit, struct intent **out,
                                     size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &intent_claim_due,
                      DB_PARAMS(db_cstr(writer_sid), db_i64((int64_t)limit)), &result, err);
    if (code != ERR_OK)
        return code;
    return all_of(call, result, out, out_count, err);
}

enum err_code intent_store_yield_turn(struct db_pool *pool, struct call *call, const char *turn_sid,
                                      bool *out_is_free, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &intent_yield_turn, DB_PARAMS(db_cstr(turn_sid)), &result, err);
    if (code == ERR_OK)
        *out_is_free = db_affected(result) > 0;
    return code;
}

enum err_code intent_store_resend(struct db_pool *pool, struct call *call,
                                  const struct intent *intent, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &intent_resend,
                                       DB_PARAMS(HELD(intent), db_cstr(intent->resource_sid),
                                                 db_text_or_null(str_from(intent->turn_sid))),
                                       &result, err);
    return code == ERR_OK ? one_changed(result, err) : code;
}

enum err_code intent_store_answered(struct db_pool *pool, struct call *call,
                                    const struct intent *intent, const char *resource_sid,
                                    struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &intent_answered, DB_PARAMS(HELD(intent), db_cstr(resource_sid)), &result, err);
    return code == ERR_OK ? one_changed(result, err) : code;
}

enum err_code intent_store_settle(struct db_pool *pool, struct call *call,
                                  const struct intent *intent, enum intent_state state,
                                  const char *detail, struct str reply, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &intent_settle,
                      DB_PARAMS(HELD(intent), db_cstr(intent_state_name(state)), db_cstr(detail),
                                reply.ptr == NULL ? db_null() : db_bytes(reply)),
                      &result, err);
    return code == ERR_OK ? one_changed(result, err) : code;
}

enum err_code intent_store_release(struct db_pool *pool, struct call *call,
                                   const struct intent *intent, const char *detail, int64_t wait_ms,
                                   struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &intent_release,
        DB_PARAMS(HELD(intent), db_cstr(detail), db_f64((double)wait_ms)), &result, err);
    return code == ERR_OK ? one_changed(result, err) : code;
}

enum err_code intent_store_remove(struct db_pool *pool, struct call *call,
                                  const struct intent *intent, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &intent_remove, DB_PARAMS(HELD(intent)), &result, err);
    return code == ERR_OK ? one_changed(result, err) : code;
}

enum err_code intent_store_taken(struct db_pool *pool, struct call *call, const struct str *sids,
                                 size_t count, bool *is_taken, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &intent_taken, DB_PARAMS(db_texts(sids, count)), &result, err);
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        is_taken[i] = false;
        for (int row = 0; row < db_row_count(result); row++)
            is_taken[i] = is_taken[i] || str_eq(db_get_str(result, row, 0), sids[i]);
    }
    return code;
}

enum err_code intent_store_has_twin(struct db_pool *pool, struct call *call,
                                    const struct intent *intent, bool *out_has_twin,
                                    struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &intent_has_twin,
                      DB_PARAMS(db_cstr(intent->method), db_cstr(intent->workspace_sid),
                                db_bytes(intent->request), db_cstr(intent->sid)),
                      &result, err);
    if (code == ERR_OK)
        *out_has_twin = db_get_bool(result, 0, 0);
    return code;
}

enum err_code intent_store_prune(struct db_pool *pool, struct call *call, struct err *err)
{
    return db_pool_query(pool, call, &intent_prune, DB_NO_PARAMS, NULL, err);
}

enum err_code intent_store_counts(struct db_pool *pool, struct call *call, int64_t *out_unsettled,
                                  int64_t *out_given_up, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &intent_counts, DB_NO_PARAMS, &result, err);
    if (code != ERR_OK)
        return code;
    *out_unsettled = db_get_i64(result, 0, 0);
    *out_given_up = db_get_i64(result, 0, 1);
    return ERR_OK;
}

/* ---- for operators ---- */

#define SCOPE(scope) db_cstr((scope)->workspace_sid), db_bool((scope)->sees_new_workspaces)

enum err_code intent_store_get(struct db_pool *pool, struct call *call,
                               const struct intent_scope *scope, const char *sid,
                               struct intent *out, struct err *err)
{
    struct db_result *result = NULL;
    bool is_there = false;
    enum err_code code =
        db_pool_query(pool, call, &intent_get, DB_PARAMS(db_cstr(sid), SCOPE(scope)), &result, err);
    if (code == ERR_OK)
        code = first_of(call, result, out, &is_there, err);
    if (code == ERR_OK && !is_there)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WRITE_NOT_FOUND", "sid", "there is no write %s", sid);
    return code;
}

enum err_code intent_store_list(struct db_pool *pool, struct call *call,
                                const struct intent_scope *scope, const char *after,
                                enum intent_state state, size_t limit, struct intent **out,
                                size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &intent_list,
        DB_PARAMS(SCOPE(scope), db_text_or_null(str_from(after)),
                  db_text_or_null(str_from(intent_state_name(state))), db_i64((int64_t)limit)),
        &result, err);
    return code == ERR_OK ? all_of(call, result, out, out_count, err) : code;
}

static enum err_code of_given_up(const struct db_result *result, const char *sid, struct err *err)
{
    if (db_affected(result) == 1)
        return ERR_OK;
    return ERR_FIELD(err, ERR_FAILED_PRECONDITION, "WRITE_NOT_GIVEN_UP", "sid",
                     "write %s is not given up; only such ones are retried or dismissed", sid);
}

enum err_code intent_store_retry(struct db_pool *pool, struct call *call,
                                 const struct intent_scope *scope, const char *sid, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &intent_retry,
                                       DB_PARAMS(db_cstr(sid), SCOPE(scope)), &result, err);
    return code == ERR_OK ? of_given_up(result, sid, err) : code;
}

enum err_code intent_store_dismiss(struct db_pool *pool, struct call *call,
                                   const struct intent_scope *scope, const char *sid,
                                   struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &intent_dismiss,
                                       DB_PARAMS(db_cstr(sid), SCOPE(scope)), &result, err);
    return code == ERR_OK ? of_given_up(result, sid, err) : code;
}
