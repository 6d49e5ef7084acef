#include "queue_copy_store.h"

#include "queue_copy_store_sql.h"

enum err_code queue_copy_store_missing(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, const struct str *wanted,
                                       size_t wanted_count, const char ***out, size_t *out_count,
                                       struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &queue_copy_missing,
                 DB_PARAMS(db_cstr(workspace_sid), db_texts(wanted, wanted_count)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    const char **missing = ARENA_ARRAY(call->arena, const char *, count);
    if (missing == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        missing[i] = db_get_text(result, (int)i, 0);
    *out = missing;
    *out_count = count;
    return ERR_OK;
}

enum err_code queue_copy_store_gone(struct db_conn *conn, struct call *call, const struct str *sids,
                                    size_t count, const struct str **out, size_t *out_count,
                                    struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &queue_copy_gone, DB_PARAMS(db_texts(sids, count)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t found = (size_t)db_row_count(result);
    struct str *gone = ARENA_ARRAY(call->arena, struct str, found);
    if (gone == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < found; i++)
        gone[i] = db_get_str(result, (int)i, 0);
    *out = gone;
    *out_count = found;
    return ERR_OK;
}

enum err_code queue_copy_store_put(struct db_conn *conn, struct call *call, const char *sid,
                                   const char *workspace_sid, int64_t version, bool is_deleted,
                                   struct err *err)
{
    return db_query(
        conn, call, &queue_copy_put,
        DB_PARAMS(db_cstr(sid), db_cstr(workspace_sid), db_i64(version), db_bool(is_deleted)), NULL,
        err);
}

enum err_code queue_copy_store_delete_all(struct db_conn *conn, struct call *call,
                                          const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &queue_copy_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL,
                    err);
}

enum err_code queue_copy_store_hold(struct db_conn *conn, struct call *call,
                                    const char *workspace_sid, const struct str *sids, size_t count,
                                    bool *out_all, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &queue_copy_hold,
                 DB_PARAMS(db_cstr(workspace_sid), db_texts(sids, count)), &result, err);
    if (code == ERR_OK)
        *out_all = (size_t)db_row_count(result) == count;
    return code;
}
