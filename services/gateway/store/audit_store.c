#include "audit_store.h"

#include "audit_store_sql.h"

enum err_code audit_store_append(struct db_pool *pool, struct call *call,
                                 const struct audit_row *rows, size_t count, struct err *err)
{
    struct db_param params[AUDIT_TEXT_COUNT + 1];
    int64_t *times = ARENA_ARRAY(call->arena, int64_t, count);
    struct str *texts = ARENA_ARRAY(call->arena, struct str, count * AUDIT_TEXT_COUNT);
    if (times == NULL || texts == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "no memory for %zu audit rows", count);
    for (size_t i = 0; i < count; i++) {
        times[i] = rows[i].at_us;
        for (size_t t = 0; t < AUDIT_TEXT_COUNT; t++)
            texts[t * count + i] = rows[i].texts[t];
    }
    params[0] = db_times_us(times, count);
    for (size_t t = 0; t < AUDIT_TEXT_COUNT; t++)
        params[t + 1] = db_texts(texts + t * count, count);
    return db_pool_query(pool, call, &audit_insert, params, ARRAY_LEN(params), NULL, err);
}

enum err_code audit_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                int64_t *out_removed, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &audit_prune, DB_PARAMS(db_time_us(older_than_us)), &result, err);
    if (code == ERR_OK)
        *out_removed = db_affected(result);
    return code;
}
