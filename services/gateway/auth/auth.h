/*
 * Who credentials belong to, from the gateway's own store, remembered for a few seconds: API tokens
 * (Bearer), accounts with their auth tokens and API keys with their secrets (Basic). What is
 * revoked stops at once in this process (auth_forget), and within the memory's span in others that
 * have not heard the event. Decides nothing about what a role may do. Threads: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/str.h"

struct auth;
struct db_pool;
struct vault;
struct worker_token;

#define AUTH_TOKEN_MAX 512 /* bytes of a token that is looked up at all */

/* The configured account; all is borrowed. account_sid or auth_token NULL: nobody gets in by
 * those. */
struct auth *auth_new(const char *account_sid, const char *auth_token, const struct vault *vault);

/* Before the first question; borrowed. (The pool is opened by those who are given the auth.) */
void auth_pool_set(struct auth *auth, struct db_pool *pool);

void auth_free(struct auth *auth); /* NULL is allowed */

/*
 * Fills *out_who with texts in call->arena; fits rpc_authenticate_fn (ctx: struct auth). Errors:
 * UNAUTHENTICATED TOKEN_UNKNOWN, TOKEN_REVOKED or TOKEN_EXPIRED; those of the database.
 */
enum err_code auth_token(void *ctx, struct call *call, struct str token, struct identity *out_who,
                         struct err *err);

/* The same from memory only, for event loops; fits rpc_auth_cached_fn. */
bool auth_token_cached(void *ctx, struct call *call, struct str token, enum err_code *out_code,
                       struct identity *out_who, struct err *err);

/* When a token that was let in ends by itself; 0: never. Errors: as above. */
enum err_code auth_token_end(struct auth *auth, struct call *call, struct str token,
                             int64_t *out_expires_at_us, struct err *err) MUST_CHECK;

/*
 * HTTP Basic: an account's SID and one of its auth tokens, which make an admin of the account, or
 * an API key's SID and its secret. Fills *out_who with texts in call->arena or as old as the auth.
 * Errors: UNAUTHENTICATED CREDENTIALS_INVALID or ACCOUNT_SUSPENDED; those of the database;
 * UNAVAILABLE SECRET_KEY_MISSING.
 */
enum err_code auth_basic(struct auth *auth, struct call *call, struct str user, struct str password,
                         struct identity *out_who, struct err *err) MUST_CHECK;

/*
 * A worker's token (worker_token.h): an agent of its account, restricted to its workspace and its
 * worker. What the token says beside is in *out_token; whether it allows the request is asked with
 * worker_token_check. Errors: UNAUTHENTICATED TOKEN_INVALID, TOKEN_EXPIRED or ACCOUNT_SUSPENDED;
 * those of auth_basic.
 */
enum err_code auth_worker(struct auth *auth, struct call *call, struct str token,
                          struct worker_token *out_token, struct identity *out_who,
                          struct err *err) MUST_CHECK;

/* Forgets what is remembered of the token, key or account with this SID; NULL or "": of all. */
void auth_forget(struct auth *auth, const char *token_sid);

/* Counts a refusal that was decided elsewhere ("missing", "malformed"). reason: a literal. */
void auth_count_refusal(const char *reason);
