#include "schedule_store.h"

#include "schedule_store_sql.h"

enum err_code schedule_store_keep(struct db_pool *pool, struct call *call, const char *account_sid,
                                  const char *cause, int64_t within_ms, struct err *err)
{
    return db_pool_query(pool, call, &schedule_keep,
                         DB_PARAMS(db_cstr(account_sid), db_cstr(cause), db_i64(within_ms)), NULL,
                         err);
}

enum err_code schedule_store_due(struct db_conn *conn, struct call *call, const char *account_sid,
                                 const char *cause, const char **out_workspace_sid, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &schedule_due,
                                  DB_PARAMS(db_cstr(account_sid), db_cstr(cause)), &result, err);
    if (code == ERR_OK)
        *out_workspace_sid = db_row_count(result) > 0 ? db_get_text(result, 0, 0) : NULL;
    return code;
}

enum err_code schedule_store_set(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *cause, int64_t in_ms, struct err *err)
{
    return db_query(conn, call, &schedule_set,
                    DB_PARAMS(db_cstr(workspace_sid), db_cstr(cause), db_i64(in_ms)), NULL, err);
}

enum err_code schedule_store_forget(struct db_conn *conn, struct call *call,
                                    const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &schedule_forget, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
}
