/*
 * Rows of API tokens. SQL in, domain structs out; texts live in the call's arena. Only hashes go
 * in and out, never a token itself.
 */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "token.h"

/* Sets created_at_us. Errors: INVALID_ARGUMENT when user_sid names no user of the account. */
enum err_code token_store_insert(struct db_conn *conn, struct call *call, struct token *token,
                                 const char *hash, struct err *err) MUST_CHECK;

/* *out_is_known false: no token has this hash. hash: 64 hex digits. */
enum err_code token_store_by_hash(struct db_pool *pool, struct call *call, const char *hash,
                                  struct token *out, bool *out_is_known,
                                  struct err *err) MUST_CHECK;

/* Holds the row until the transaction ends. Errors: NOT_FOUND TOKEN_NOT_FOUND. */
enum err_code token_store_lock(struct db_conn *conn, struct call *call, const char *account_sid,
                               const char *sid, struct token *out, struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. workspace_sid "" means all. */
enum err_code token_store_list(struct db_conn *conn, struct call *call, const char *account_sid,
                               const char *workspace_sid, const char *after, size_t limit,
                               struct token **out, size_t *out_count, struct err *err) MUST_CHECK;

/* Sets and writes revoked_at_us; the caller has locked the row. */
enum err_code token_store_revoke(struct db_conn *conn, struct call *call, struct token *token,
                                 struct err *err) MUST_CHECK;

/* Says that the token was used just now. */
enum err_code token_store_touch(struct db_pool *pool, struct call *call, const char *sid,
                                struct err *err) MUST_CHECK;

/* What token_store_bootstrap did, for the events that tell of it; "" = nothing. */
struct token_bootstrap {
    const char *revoked_sid;
    const char *revoked_account_sid;
    const char *created_sid;
};

/*
 * Makes the configured token (hash NULL: none) the one bootstrap token: role admin of the account,
 * replacing another one. Changes nothing when it is so already. In the caller's transaction.
 */
enum err_code token_store_bootstrap(struct db_conn *conn, struct call *call,
                                    const char *account_sid, const char *hash,
                                    struct token_bootstrap *out, struct err *err) MUST_CHECK;
