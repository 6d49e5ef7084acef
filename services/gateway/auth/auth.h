/*
 * Who a token belongs to, from the gateway's own store, remembered for a few seconds; and the
 * account's own credentials (HTTP Basic). A revoked token stops at once in this process
 * (auth_forget), and within the memory's span in others that have not heard the event. Decides
 * nothing about what a role may do. Threads: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/str.h"

struct auth;
struct db_pool;

#define AUTH_TOKEN_MAX 512 /* bytes of a token that is looked up at all */

/* Texts are borrowed. account_sid or auth_token NULL: nobody gets in by Basic. */
struct auth *auth_new(const char *account_sid, const char *auth_token);

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

/* The account's SID and auth token: admin of the account. Errors: UNAUTHENTICATED. */
enum err_code auth_account(struct auth *auth, struct str account_sid, struct str secret,
                           struct identity *out_who, struct err *err) MUST_CHECK;

/* Forgets what is remembered of the token with this SID; NULL or "": of all. */
void auth_forget(struct auth *auth, const char *token_sid);

/* Counts a refusal that was decided elsewhere ("missing", "malformed"). reason: a literal. */
void auth_count_refusal(const char *reason);
