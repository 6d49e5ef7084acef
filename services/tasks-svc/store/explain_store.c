#include "explain_store.h"

#include "explain_store_sql.h"

enum err_code explain_store_offer_at(struct db_pool *pool, struct call *call,
                                     const char *workspace_sid, const char *worker_sid,
                                     const char *before_sid, int64_t sequence, int64_t *out_at_us,
                                     struct err *err)
{
    struct db_result *rows = NULL;
    *out_at_us = 0;
    if (sequence == 0)
        return ERR_OK;
    enum err_code code = db_pool_query(pool, call, &explain_offer_at,
                                       DB_PARAMS(db_cstr(workspace_sid), db_cstr(worker_sid),
                                                 db_cstr(before_sid), db_i64(sequence)),
                                       &rows, err);
    if (code == ERR_OK && db_row_count(rows) > 0)
        *out_at_us = db_get_time_us(rows, 0, 0);
    return code;
}
