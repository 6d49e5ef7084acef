/*
 * Accounts and their API keys: what one may look like and who may do what to it. Pure: no clock, no
 * SQL, no secrets but sealed ones.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "base/str.h"

#define ACCOUNT_NAME_MAX 64

/* Texts are borrowed and never NULL; sealed secrets are {NULL, 0} where there is none. */
struct account {
    const char *sid; /* AC… */
    const char *friendly_name;
    struct str auth_token; /* sealed */
    struct str secondary_auth_token;
    int64_t suspended_at_us; /* 0: it is not */
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
};

struct api_key {
    const char *sid; /* SK… */
    const char *account_sid;
    const char *friendly_name;
    enum role role;
    struct str secret; /* sealed; none once revoked */
    int64_t created_at_us;
    int64_t revoked_at_us;
    int64_t last_used_at_us;
    bool is_account_suspended;
};

/*
 * The account that a caller works on: named ("" = its own). owner_sid: the configured account, "" =
 * none; it may name any other. Errors: PERMISSION_DENIED WORKSPACE_RESTRICTED for a caller that is
 * restricted to a workspace; NOT_FOUND ACCOUNT_NOT_FOUND (field) for another's.
 */
enum err_code account_reach(const struct identity *who, const char *owner_sid, const char *named,
                            const char *field, const char **out_sid, struct err *err) MUST_CHECK;

enum err_code account_check_name(const char *name, struct err *err) MUST_CHECK;

enum err_code api_key_check(const struct api_key *key, const struct identity *maker,
                            struct err *err) MUST_CHECK;
