#include "token_store.h"

#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "crypt/crypt.h"
#include "token_store_sql.h"

enum token_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_FRIENDLY_NAME,
    COL_ROLE,
    COL_WORKER_SID,
    COL_WORKSPACE_SID,
    COL_USER_SID,
    COL_CREATED_AT,
    COL_EXPIRES_AT,
    COL_REVOKED_AT,
    COL_LAST_USED_AT,
    COL_TOKEN_HASH,
    COL_IS_ACCOUNT_SUSPENDED, /* of token_by_hash only */
};

static struct token from_row(const struct db_result *result, int row)
{
    return (struct token){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .role = role_from(db_get_text(result, row, COL_ROLE)),
        .worker_sid = db_get_text(result, row, COL_WORKER_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .user_sid = db_get_text(result, row, COL_USER_SID),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .expires_at_us = db_get_time_us(result, row, COL_EXPIRES_AT),
        .revoked_at_us = db_get_time_us(result, row, COL_REVOKED_AT),
        .last_used_at_us = db_get_time_us(result, row, COL_LAST_USED_AT),
    };
}

static enum err_code insert(struct db_conn *conn, struct call *call, struct token *token,
                            const char *hash, bool is_bootstrap, struct err *err)
{
    token->created_at_us = clock_now_us();
    return db_query(
        conn, call, &token_insert,
        DB_PARAMS(db_cstr(token->sid), db_cstr(token->account_sid), db_cstr(token->friendly_name),
                  db_cstr(hash), db_cstr(role_name(token->role)), db_cstr(token->worker_sid),
                  db_cstr(token->workspace_sid), db_text_or_null(str_from(token->user_sid)),
                  db_bool(is_bootstrap), db_time_us(token->created_at_us),
                  db_time_us_or_null(token->expires_at_us)),
        NULL, err);
}

enum err_code token_store_insert(struct db_conn *conn, struct call *call, struct token *token,
                                 const char *hash, struct err *err)
{
    return insert(conn, call, token, hash, false, err);
}

enum err_code token_store_by_hash(struct db_pool *pool, struct call *call, const char *hash,
                                  struct token *out, bool *out_is_known, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &token_by_hash, DB_PARAMS(db_cstr(hash)), &result, err);
    if (code != ERR_OK)
        return code;
    /* The index found it by comparing bytes; this comparison is the one that lets in. */
    *out_is_known = db_row_count(result) > 0 &&
                    crypt_equal(db_get_str(result, 0, COL_TOKEN_HASH), str_from(hash));
    if (*out_is_known) {
        *out = from_row(result, 0);
        out->is_account_suspended = db_get_bool(result, 0, COL_IS_ACCOUNT_SUSPENDED);
    }
    return ERR_OK;
}

enum err_code token_store_lock(struct db_conn *conn, struct call *call, const char *account_sid,
                               const char *sid, struct token *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &token_get_for_update,
                                  DB_PARAMS(db_cstr(account_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "TOKEN_NOT_FOUND", "sid", "there is no token %s", sid);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code token_store_list(struct db_conn *conn, struct call *call, const char *account_sid,
                               const char *workspace_sid, const char *after, size_t limit,
                               struct token **out, size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &token_list,
                 DB_PARAMS(db_cstr(account_sid), db_cstr(after),
                           db_text_or_null(str_from(workspace_sid)), db_i64((int64_t)limit)),
                 &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct token *items = ARENA_ARRAY(call->arena, struct token, count);
    if (items == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the page is too large; ask for fewer items at once");
    for (size_t i = 0; i < count; i++)
        items[i] = from_row(result, (int)i);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code token_store_revoke(struct db_conn *conn, struct call *call, struct token *token,
                                 struct err *err)
{
    token->revoked_at_us = clock_now_us();
    return db_query(conn, call, &token_revoke,
                    DB_PARAMS(db_cstr(token->sid), db_time_us(token->revoked_at_us)), NULL, err);
}

enum err_code token_store_touch(struct db_pool *pool, struct call *call, const char *sid,
                                struct err *err)
{
    return db_pool_query(pool, call, &token_touch,
                         DB_PARAMS(db_cstr(sid), db_time_us(clock_now_us())), NULL, err);
}

static enum err_code revoke_current(struct db_conn *conn, struct call *call,
                                    const char *account_sid, const char *hash, bool *out_is_same,
                                    struct token_bootstrap *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &token_bootstrap_lock, DB_NO_PARAMS, NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &token_bootstrap_get, DB_NO_PARAMS, &result, err);
    if (code != ERR_OK || db_row_count(result) == 0)
        return code;
    struct token current = from_row(result, 0);
    *out_is_same = hash != NULL && str_eq_text(db_get_str(result, 0, COL_TOKEN_HASH), hash) &&
                   strcmp(current.account_sid, account_sid) == 0;
    if (*out_is_same)
        return ERR_OK;
    out->revoked_sid = current.sid;
    out->revoked_account_sid = current.account_sid;
    return token_store_revoke(conn, call, &current, err);
}

enum err_code token_store_bootstrap(struct db_conn *conn, struct call *call,
                                    const char *account_sid, const char *hash,
                                    struct token_bootstrap *out, struct err *err)
{
    bool is_same = false;
    *out = (struct token_bootstrap){"", "", ""};
    enum err_code code = revoke_current(conn, call, account_sid, hash, &is_same, out, err);
    if (code != ERR_OK || is_same || hash == NULL)
        return code;
    struct sid sid = sid_new("TK");
    struct token token = {
        .sid = arena_strdup(call->arena, sid.text),
        .account_sid = account_sid,
        .friendly_name = "bootstrap token of the configuration",
        .role = ROLE_ADMIN,
        .worker_sid = "",
        .workspace_sid = "",
        .user_sid = "",
    };
    if (token.sid == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "no memory for a token");
    /* Somebody may have been given the same token by hand. */
    code = db_query(conn, call, &token_hash_revoke,
                    DB_PARAMS(db_cstr(hash), db_time_us(clock_now_us())), NULL, err);
    if (code == ERR_OK)
        code = insert(conn, call, &token, hash, true, err);
    if (code == ERR_OK)
        out->created_sid = token.sid;
    return code;
}
