#include "bridge_store.h"

#include "base/clock.h"
#include "bridge_store_sql.h"

enum leg_column {
    COL_RESERVATION_SID,
    COL_CALL_SID,
    COL_TASK_SID,
    COL_WORKER_SID,
    COL_WORKSPACE_SID,
    COL_IS_PENDING,
    COL_TO_ADDRESS,
    COL_FROM_NUMBER,
    COL_TIMEOUT_S,
    COL_STATE,
    COL_PROVIDER_CALL_SID,
    COL_DETAIL,
    COL_DUE_AT,
    COL_CREATED_AT,
    COL_IS_CONFERENCE,
    COL_OPTIONS,
    COL_CALLER,
    COL_IS_UNWANTED,
    COL_URL,
    COL_KEEPS_TASK,
    COL_IS_SETTLED,
    COL_VERSION,
    COL_ATTEMPT,
};

static struct bridge_leg from_row(const struct db_result *result, int row)
{
    return (struct bridge_leg){
        .reservation_sid = db_get_text(result, row, COL_RESERVATION_SID),
        .call_sid = db_get_text(result, row, COL_CALL_SID),
        .task_sid = db_get_text(result, row, COL_TASK_SID),
        .worker_sid = db_get_text(result, row, COL_WORKER_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .is_pending = db_get_bool(result, row, COL_IS_PENDING),
        .to_address = db_get_text(result, row, COL_TO_ADDRESS),
        .from_number = db_get_text(result, row, COL_FROM_NUMBER),
        .timeout_s = db_get_i64(result, row, COL_TIMEOUT_S),
        .state = leg_state_from(db_get_str(result, row, COL_STATE)),
        .provider_call_sid = db_get_text(result, row, COL_PROVIDER_CALL_SID),
        .detail = db_get_text(result, row, COL_DETAIL),
        .due_at_us = db_get_time_us(result, row, COL_DUE_AT),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .is_conference = db_get_bool(result, row, COL_IS_CONFERENCE),
        .options = db_get_text(result, row, COL_OPTIONS),
        .caller = leg_caller_from(db_get_str(result, row, COL_CALLER)),
        .is_unwanted = db_get_bool(result, row, COL_IS_UNWANTED),
        .url = db_get_text(result, row, COL_URL),
        .keeps_task = db_get_bool(result, row, COL_KEEPS_TASK),
        .is_settled = db_get_bool(result, row, COL_IS_SETTLED),
        .version = db_get_i64(result, row, COL_VERSION),
        .attempt = db_get_i64(result, row, COL_ATTEMPT),
    };
}

static void first_of(enum err_code code, const struct db_result *result, struct bridge_leg *out,
                     bool *out_found)
{
    *out_found = code == ERR_OK && db_row_count(result) > 0;
    if (*out_found)
        *out = from_row(result, 0);
}

enum err_code bridge_store_insert(struct db_pool *pool, struct call *call,
                                  const struct bridge_leg *leg, bool is_instructed,
                                  bool *out_is_new, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &leg_insert,
        DB_PARAMS(db_cstr(leg->reservation_sid), db_cstr(leg->call_sid), db_cstr(leg->task_sid),
                  db_cstr(leg->worker_sid), db_cstr(leg->workspace_sid), db_bool(leg->is_pending),
                  db_cstr(leg->to_address), db_cstr(leg->from_number), db_i64(leg->timeout_s),
                  db_bool(leg->is_conference), db_cstr(leg->options), db_time_us(clock_now_us()),
                  db_cstr(leg->url), db_i64(leg->version), db_bool(is_instructed)),
        &result, err);
    *out_is_new = code == ERR_OK && db_affected(result) > 0;
    return code;
}

enum err_code bridge_store_get(struct db_pool *pool, struct call *call, const char *reservation_sid,
                               struct bridge_leg *out, struct err *err)
{
    struct db_result *result = NULL;
    bool is_found = false;
    enum err_code code =
        db_pool_query(pool, call, &leg_get, DB_PARAMS(db_cstr(reservation_sid)), &result, err);
    first_of(code, result, out, &is_found);
    if (code == ERR_OK && !is_found)
        return ERR_SET(err, ERR_NOT_FOUND, "LEG_NOT_FOUND", "nobody was called for %s",
                       reservation_sid);
    return code;
}

enum err_code bridge_store_take(struct db_pool *pool, struct call *call, int64_t until_us,
                                struct bridge_leg *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &leg_take,
                      DB_PARAMS(db_time_us(clock_now_us()), db_time_us(until_us)), &result, err);
    first_of(code, result, out, out_found);
    return code;
}

enum err_code bridge_store_overdue(struct db_pool *pool, struct call *call, struct bridge_leg *out,
                                   bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &leg_overdue,
                                       DB_PARAMS(db_time_us(clock_now_us())), &result, err);
    first_of(code, result, out, out_found);
    return code;
}

enum err_code bridge_store_move(struct db_pool *pool, struct call *call, struct bridge_leg *leg,
                                enum leg_state from, bool *out_is_done, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &leg_move,
        DB_PARAMS(db_cstr(leg->reservation_sid), db_cstr(leg_state_name(from)),
                  db_cstr(leg_state_name(leg->state)), db_cstr(leg->provider_call_sid),
                  db_cstr(leg->detail), db_time_us(leg->due_at_us), db_time_us(clock_now_us()),
                  db_bool(leg->keeps_task), db_bool(leg->is_settled), db_i64(leg->attempt)),
        &result, err);
    *out_is_done = code == ERR_OK && db_row_count(result) > 0;
    if (*out_is_done)
        leg->is_pending = db_get_bool(result, 0, 0);
    return code;
}

enum err_code bridge_store_asked(struct db_pool *pool, struct call *call, const char *call_sid,
                                 struct bridge_leg *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &leg_asked, DB_PARAMS(db_cstr(call_sid)), &result, err);
    first_of(code, result, out, out_found);
    return code;
}

enum err_code bridge_store_caller(struct db_pool *pool, struct call *call, struct bridge_leg *leg,
                                  enum leg_caller to, bool *out_is_done, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &leg_caller_move,
        DB_PARAMS(db_cstr(leg->reservation_sid), db_cstr(leg_caller_name(leg->caller)),
                  db_cstr(leg_caller_name(to)), db_time_us(clock_now_us())),
        &result, err);
    *out_is_done = code == ERR_OK && db_affected(result) > 0;
    if (*out_is_done)
        leg->caller = to;
    return code;
}

enum err_code bridge_store_unwanted(struct db_pool *pool, struct call *call, const char *call_sid,
                                    const char *task_sid, int64_t until_us, struct bridge_leg **out,
                                    size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    *out_count = 0;
    *out = NULL;
    enum err_code code = db_pool_query(pool, call, &leg_unwanted,
                                       DB_PARAMS(db_cstr(call_sid), db_cstr(task_sid),
                                                 db_time_us(clock_now_us()), db_time_us(until_us)),
                                       &result, err);
    if (code != ERR_OK || db_row_count(result) == 0)
        return code;
    size_t count = (size_t)db_row_count(result);
    *out = ARENA_ARRAY(call->arena, struct bridge_leg, count);
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        (*out)[i] = from_row(result, (int)i);
    *out_count = count;
    return ERR_OK;
}

enum err_code bridge_store_gone(struct db_pool *pool, struct call *call,
                                const char *reservation_sid, int64_t until_us,
                                struct bridge_leg *out, bool *out_is_done, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &leg_gone,
        DB_PARAMS(db_cstr(reservation_sid), db_time_us(clock_now_us()), db_time_us(until_us)),
        &result, err);
    first_of(code, result, out, out_is_done);
    return code;
}

enum err_code bridge_store_accept(struct db_pool *pool, struct call *call,
                                  const char *reservation_sid, int64_t until_us,
                                  struct bridge_leg *out, bool *out_is_done, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &leg_accept,
        DB_PARAMS(db_cstr(reservation_sid), db_time_us(clock_now_us()), db_time_us(until_us)),
        &result, err);
    first_of(code, result, out, out_is_done);
    return code;
}

enum err_code bridge_store_unsettled(struct db_pool *pool, struct call *call, int64_t until_us,
                                     struct bridge_leg *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &leg_unsettled,
                      DB_PARAMS(db_time_us(clock_now_us()), db_time_us(until_us)), &result, err);
    first_of(code, result, out, out_found);
    return code;
}

enum err_code bridge_store_settled(struct db_pool *pool, struct call *call,
                                   const struct bridge_leg *leg, struct err *err)
{
    return db_pool_query(pool, call, &leg_settled,
                         DB_PARAMS(db_cstr(leg->reservation_sid),
                                   db_cstr(leg_state_name(leg->state)), db_bool(leg->is_pending),
                                   db_i64(leg->attempt)),
                         NULL, err);
}

enum err_code bridge_store_count(struct db_pool *pool, struct call *call, const char *call_sid,
                                 int64_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &leg_count, DB_PARAMS(db_cstr(call_sid)), &result, err);
    *out_count = code == ERR_OK ? db_get_i64(result, 0, 0) : 0;
    return code;
}

enum err_code bridge_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                 int64_t limit, int64_t *out_removed, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &leg_prune, DB_PARAMS(db_time_us(older_than_us), db_i64(limit)), &result, err);
    *out_removed = code == ERR_OK ? db_affected(result) : 0;
    return code;
}
