#include "status_store.h"

#include "base/clock.h"
#include "status_store_sql.h"

enum status_column {
    COL_ID,
    COL_RESERVATION_SID,
    COL_PROVIDER_CALL_SID,
    COL_STATUS,
    COL_WORKSPACE_SID,
    COL_URL,
    COL_IS_GET,
    COL_PARAMETERS,
    COL_ATTEMPTS,
};

enum err_code status_store_put(struct db_pool *pool, struct call *call,
                               const struct leg_status *status, bool *out_is_new, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &status_put,
        DB_PARAMS(db_cstr(status->reservation_sid), db_cstr(status->provider_call_sid),
                  db_cstr(status->status), db_cstr(status->workspace_sid), db_cstr(status->url),
                  db_bool(status->is_get), db_cstr(status->parameters), db_time_us(clock_now_us())),
        &result, err);
    *out_is_new = code == ERR_OK && db_affected(result) > 0;
    return code;
}

enum err_code status_store_take(struct db_pool *pool, struct call *call, int64_t until_us,
                                struct leg_status *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &status_take,
                      DB_PARAMS(db_time_us(clock_now_us()), db_time_us(until_us)), &result, err);
    *out_found = code == ERR_OK && db_row_count(result) > 0;
    if (*out_found)
        *out = (struct leg_status){
            .id = db_get_i64(result, 0, COL_ID),
            .reservation_sid = db_get_text(result, 0, COL_RESERVATION_SID),
            .provider_call_sid = db_get_text(result, 0, COL_PROVIDER_CALL_SID),
            .status = db_get_text(result, 0, COL_STATUS),
            .workspace_sid = db_get_text(result, 0, COL_WORKSPACE_SID),
            .url = db_get_text(result, 0, COL_URL),
            .is_get = db_get_bool(result, 0, COL_IS_GET),
            .parameters = db_get_text(result, 0, COL_PARAMETERS),
            .attempts = db_get_i64(result, 0, COL_ATTEMPTS),
        };
    return code;
}

enum err_code status_store_end(struct db_pool *pool, struct call *call, int64_t id,
                               bool is_delivered, const char *why, struct err *err)
{
    return db_pool_query(
        pool, call, &status_end,
        DB_PARAMS(db_i64(id), db_cstr(is_delivered ? "sent" : "dead"), db_cstr(why)), NULL, err);
}

enum err_code status_store_rest(struct db_pool *pool, struct call *call,
                                const struct leg_status *status, int64_t until_us, const char *why,
                                struct err *err)
{
    return db_pool_query(
        pool, call, &status_rest,
        DB_PARAMS(db_i64(status->id), db_cstr(status->url), db_time_us(until_us), db_cstr(why)),
        NULL, err);
}

enum err_code status_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                 int64_t limit, int64_t *out_removed, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &status_prune,
                      DB_PARAMS(db_time_us(older_than_us), db_i64(limit)), &result, err);
    *out_removed = code == ERR_OK ? db_affected(result) : 0;
    return code;
}
