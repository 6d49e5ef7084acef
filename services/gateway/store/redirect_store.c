#include "redirect_store.h"

#include "base/clock.h"
#include "redirect_store_sql.h"

enum redirect_column {
    COL_RESERVATION_SID,
    COL_VERSION,
    COL_WORKSPACE_SID,
    COL_TASK_SID,
    COL_WORKER_SID,
    COL_CALL_SID,
    COL_URL,
    COL_IS_PENDING,
    COL_STATE,
    COL_DETAIL,
    COL_IS_SETTLED,
    COL_DUE_AT,
    COL_CREATED_AT,
    COL_ACCEPTS,
    COL_IS_AWAY,
};

static void first_of(enum err_code code, const struct db_result *result,
                     struct bridge_redirect *out, bool *out_found)
{
    *out_found = code == ERR_OK && db_row_count(result) > 0;
    if (!*out_found)
        return;
    *out = (struct bridge_redirect){
        .reservation_sid = db_get_text(result, 0, COL_RESERVATION_SID),
        .version = db_get_i64(result, 0, COL_VERSION),
        .workspace_sid = db_get_text(result, 0, COL_WORKSPACE_SID),
        .task_sid = db_get_text(result, 0, COL_TASK_SID),
        .worker_sid = db_get_text(result, 0, COL_WORKER_SID),
        .call_sid = db_get_text(result, 0, COL_CALL_SID),
        .url = db_get_text(result, 0, COL_URL),
        .is_pending = db_get_bool(result, 0, COL_IS_PENDING),
        .state = redirect_state_from(db_get_str(result, 0, COL_STATE)),
        .detail = db_get_text(result, 0, COL_DETAIL),
        .is_settled = db_get_bool(result, 0, COL_IS_SETTLED),
        .due_at_us = db_get_time_us(result, 0, COL_DUE_AT),
        .created_at_us = db_get_time_us(result, 0, COL_CREATED_AT),
        .accepts = db_get_bool(result, 0, COL_ACCEPTS),
        .is_away = db_get_bool(result, 0, COL_IS_AWAY),
    };
}

enum err_code redirect_store_put(struct db_pool *pool, struct call *call,
                                 const struct bridge_redirect *redirect, bool is_repeatable,
                                 bool *out_is_new, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &redirect_put,
        DB_PARAMS(db_cstr(redirect->reservation_sid), db_i64(redirect->version),
                  db_cstr(redirect->workspace_sid), db_cstr(redirect->task_sid),
                  db_cstr(redirect->worker_sid), db_cstr(redirect->call_sid),
                  db_cstr(redirect->url), db_bool(redirect->is_pending), db_bool(redirect->accepts),
                  db_time_us(clock_now_us()), db_bool(is_repeatable)),
        &result, err);
    *out_is_new = code == ERR_OK && db_affected(result) > 0;
    return code;
}

enum err_code redirect_store_take(struct db_pool *pool, struct call *call, int64_t until_us,
                                  struct bridge_redirect *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &redirect_take,
                      DB_PARAMS(db_time_us(clock_now_us()), db_time_us(until_us)), &result, err);
    first_of(code, result, out, out_found);
    return code;
}

enum err_code redirect_store_overdue(struct db_pool *pool, struct call *call,
                                     struct bridge_redirect *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &redirect_overdue,
                                       DB_PARAMS(db_time_us(clock_now_us())), &result, err);
    first_of(code, result, out, out_found);
    return code;
}

enum err_code redirect_store_unsettled(struct db_pool *pool, struct call *call, int64_t until_us,
                                       struct bridge_redirect *out, bool *out_found,
                                       struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &redirect_unsettled,
                      DB_PARAMS(db_time_us(clock_now_us()), db_time_us(until_us)), &result, err);
    first_of(code, result, out, out_found);
    return code;
}

enum err_code redirect_store_of_call(struct db_pool *pool, struct call *call, const char *call_sid,
                                     struct bridge_redirect *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &redirect_of_call, DB_PARAMS(db_cstr(call_sid)), &result, err);
    first_of(code, result, out, out_found);
    return code;
}

enum err_code redirect_store_move(struct db_pool *pool, struct call *call,
                                  struct bridge_redirect *redirect, enum redirect_state from,
                                  bool *out_is_done, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &redirect_move,
        DB_PARAMS(db_cstr(redirect->reservation_sid), db_i64(redirect->version),
                  db_cstr(redirect_state_name(from)), db_cstr(redirect_state_name(redirect->state)),
                  db_cstr(redirect->detail), db_time_us(redirect->due_at_us),
                  db_bool(redirect->is_settled), db_time_us(clock_now_us())),
        &result, err);
    *out_is_done = code == ERR_OK && db_row_count(result) > 0;
    if (*out_is_done)
        redirect->is_pending = db_get_bool(result, 0, 0);
    return code;
}

enum err_code redirect_store_settled(struct db_pool *pool, struct call *call,
                                     const struct bridge_redirect *redirect, struct err *err)
{
    return db_pool_query(pool, call, &redirect_settled,
                         DB_PARAMS(db_cstr(redirect->reservation_sid), db_i64(redirect->version),
                                   db_cstr(redirect_state_name(redirect->state)),
                                   db_bool(redirect->is_pending)),
                         NULL, err);
}

enum err_code redirect_store_accept(struct db_pool *pool, struct call *call,
                                    const struct bridge_redirect *redirect, int64_t until_us,
                                    struct bridge_redirect *out, bool *out_is_done, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &redirect_accept,
        DB_PARAMS(db_cstr(redirect->reservation_sid), db_cstr(redirect->call_sid),
                  db_cstr(redirect->url), db_time_us(clock_now_us()), db_time_us(until_us)),
        &result, err);
    first_of(code, result, out, out_is_done);
    return code;
}

enum err_code redirect_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                   int64_t limit, int64_t *out_removed, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &redirect_prune,
                      DB_PARAMS(db_time_us(older_than_us), db_i64(limit)), &result, err);
    *out_removed = code == ERR_OK ? db_affected(result) : 0;
    return code;
}
