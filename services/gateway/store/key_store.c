#include "key_store.h"

#include "base/clock.h"
#include "key_store_sql.h"

enum key_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_FRIENDLY_NAME,
    COL_ROLE,
    COL_SECRET,
    COL_CREATED_AT,
    COL_REVOKED_AT,
    COL_LAST_USED_AT,
    COL_IS_ACCOUNT_SUSPENDED,
};

static enum err_code from_row(const struct db_result *result, int row, struct call *call,
                              struct api_key *out, struct err *err)
{
    *out = (struct api_key){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .role = role_from(db_get_text(result, row, COL_ROLE)),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .revoked_at_us = db_get_time_us(result, row, COL_REVOKED_AT),
        .last_used_at_us = db_get_time_us(result, row, COL_LAST_USED_AT),
        .is_account_suspended = db_get_bool(result, row, COL_IS_ACCOUNT_SUSPENDED),
    };
    return db_get_bytes(result, row, COL_SECRET, call->arena, &out->secret) ? ERR_OK
                                                                            : call_no_room(err);
}

enum err_code key_store_insert(struct db_conn *conn, struct call *call, struct api_key *key,
                               struct err *err)
{
    key->created_at_us = clock_now_us();
    enum err_code code =
        db_query(conn, call, &key_insert,
                 DB_PARAMS(db_cstr(key->sid), db_cstr(key->account_sid),
                           db_cstr(key->friendly_name), db_cstr(role_name(key->role)),
                           db_bytes(key->secret), db_time_us(key->created_at_us)),
                 NULL, err);
    if (code == ERR_FAILED_PRECONDITION && db_err_is_constraint(err, "api_key_account_sid_fkey"))
        return ERR_FIELD(err, ERR_NOT_FOUND, "ACCOUNT_NOT_FOUND", "account_sid",
                         "there is no account %s", key->account_sid);
    return code;
}

enum err_code key_store_find(struct db_pool *pool, struct call *call, const char *sid,
                             struct api_key *out, bool *out_is_known, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &key_get, DB_PARAMS(db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    *out_is_known = db_row_count(result) > 0;
    return *out_is_known ? from_row(result, 0, call, out, err) : ERR_OK;
}

enum err_code key_store_lock(struct db_conn *conn, struct call *call, const char *account_sid,
                             const char *sid, struct api_key *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &key_get_for_update,
                 DB_PARAMS(db_cstr(sid), db_text_or_null(str_from(account_sid))), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "KEY_NOT_FOUND", "sid", "there is no key %s", sid);
    return from_row(result, 0, call, out, err);
}

enum err_code key_store_list(struct db_conn *conn, struct call *call, const char *account_sid,
                             const char *after, size_t limit, struct api_key **out,
                             size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &key_list,
        DB_PARAMS(db_cstr(account_sid), db_cstr(after), db_i64((int64_t)limit)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct api_key *items = ARENA_ARRAY(call->arena, struct api_key, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = from_row(result, (int)i, call, &items[i], err);
    *out = items;
    *out_count = count;
    return code;
}

enum err_code key_store_revoke(struct db_conn *conn, struct call *call, struct api_key *key,
                               struct err *err)
{
    key->revoked_at_us = clock_now_us();
    return db_query(conn, call, &key_revoke,
                    DB_PARAMS(db_cstr(key->sid), db_time_us(key->revoked_at_us)), NULL, err);
}

enum err_code key_store_touch(struct db_pool *pool, struct call *call, const char *sid,
                              struct err *err)
{
    return db_pool_query(pool, call, &key_touch,
                         DB_PARAMS(db_cstr(sid), db_time_us(clock_now_us())), NULL, err);
}
