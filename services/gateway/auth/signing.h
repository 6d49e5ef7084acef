/* The auth tokens of accounts, by which what is sent in their name is signed. */
#pragma once

#include "base/call.h"
#include "base/str.h"

struct db_pool;
struct vault;

struct signing {
    struct db_pool *pool;
    const struct vault *vault;
    const char *account_sid; /* the configured account and its token; NULL: none */
    const char *auth_token;
};

/* The account's own, else the configured one. The result lives in the call's arena, or as long as
 * the configuration. Errors: NOT_FOUND ACCOUNT_NOT_FOUND when it has none; as vault_open. */
enum err_code signing_token(const struct signing *signing, struct call *call,
                            const char *account_sid, struct str *out, struct err *err) MUST_CHECK;
