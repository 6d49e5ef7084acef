#include "db/limit.h"

#include "db_sql.h"

enum err_code limit_check(struct db_conn *conn, struct call *call, const struct limit *limit,
                          int64_t max, const char *owner_sid, struct err *err)
{
    if (max <= 0)
        return ERR_OK;
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &db_limit_lock, DB_PARAMS(db_cstr(limit->setting), db_cstr(owner_sid)),
                 NULL, err);
    /* a statement of its own: it sees what those before us have committed */
    if (code == ERR_OK)
        code = db_query(conn, call, limit->has_nth, DB_PARAMS(db_cstr(owner_sid), db_i64(max)),
                        &result, err);
    if (code != ERR_OK || db_row_count(result) == 0)
        return code;
    return ERR_SET(err, ERR_FAILED_PRECONDITION,
                   limit->reason == NULL ? "LIMIT_REACHED" : limit->reason,
                   "%s %s has %lld %s, which is the limit (%s)", limit->owner, owner_sid,
                   (long long)max, limit->things, limit->setting);
}
