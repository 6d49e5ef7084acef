#include "account_store.h"

#include "account_store_sql.h"
#include "base/clock.h"

enum account_column {
    COL_SID,
    COL_FRIENDLY_NAME,
    COL_AUTH_TOKEN,
    COL_SECONDARY_AUTH_TOKEN,
    COL_SUSPENDED_AT,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
};

static struct db_param bytes_or_null(struct str bytes)
{
    return bytes.len == 0 ? db_null() : db_bytes(bytes);
}

static enum err_code from_row(const struct db_result *result, int row, struct call *call,
                              struct account *out, struct err *err)
{
    *out = (struct account){
        .sid = db_get_text(result, row, COL_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .suspended_at_us = db_get_time_us(result, row, COL_SUSPENDED_AT),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
    if (!db_get_bytes(result, row, COL_AUTH_TOKEN, call->arena, &out->auth_token) ||
        !db_get_bytes(result, row, COL_SECONDARY_AUTH_TOKEN, call->arena,
                      &out->secondary_auth_token))
        return call_no_room(err);
    return ERR_OK;
}

enum err_code account_store_insert(struct db_conn *conn, struct call *call, struct account *account,
                                   struct err *err)
{
    account->version = 1;
    account->created_at_us = clock_now_us();
    account->updated_at_us = account->created_at_us;
    return db_query(conn, call, &account_insert,
                    DB_PARAMS(db_cstr(account->sid), db_cstr(account->friendly_name),
                              bytes_or_null(account->auth_token),
                              db_time_us(account->created_at_us)),
                    NULL, err);
}

enum err_code account_store_adopt(struct db_conn *conn, struct call *call, const char *sid,
                                  const char *friendly_name, struct err *err)
{
    return db_query(conn, call, &account_adopt,
                    DB_PARAMS(db_cstr(sid), db_cstr(friendly_name), db_time_us(clock_now_us())),
                    NULL, err);
}

enum err_code account_store_find(struct db_pool *pool, struct call *call, const char *sid,
                                 struct account *out, bool *out_is_known, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &account_get, DB_PARAMS(db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    *out_is_known = db_row_count(result) > 0;
    return *out_is_known ? from_row(result, 0, call, out, err) : ERR_OK;
}

enum err_code account_store_lock(struct db_conn *conn, struct call *call, const char *sid,
                                 struct account *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &account_get_for_update, DB_PARAMS(db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "ACCOUNT_NOT_FOUND", "sid", "there is no account %s",
                         sid);
    return from_row(result, 0, call, out, err);
}

enum err_code account_store_list(struct db_conn *conn, struct call *call, const char *after,
                                 const char *only, size_t limit, struct account **out,
                                 size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &account_list,
                 DB_PARAMS(db_cstr(after), db_text_or_null(str_from(only)), db_i64((int64_t)limit)),
                 &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct account *items = ARENA_ARRAY(call->arena, struct account, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = from_row(result, (int)i, call, &items[i], err);
    *out = items;
    *out_count = count;
    return code;
}

enum err_code account_store_update(struct db_conn *conn, struct call *call, struct account *account,
                                   struct err *err)
{
    account->version++;
    account->updated_at_us = clock_now_us();
    return db_query(conn, call, &account_update,
                    DB_PARAMS(db_cstr(account->sid), db_cstr(account->friendly_name),
                              bytes_or_null(account->auth_token),
                              bytes_or_null(account->secondary_auth_token),
                              db_time_us_or_null(account->suspended_at_us),
                              db_i64(account->version), db_time_us(account->updated_at_us)),
                    NULL, err);
}
