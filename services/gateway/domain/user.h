/* Users: people who may be linked to workers and tokens. Pure rules. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "base/str.h"

#define USER_NAME_MAX  128
#define USER_EMAIL_MAX 254

/* Texts are borrowed and never NULL. */
struct user {
    const char *sid; /* US… */
    const char *account_sid;
    const char *email;
    const char *name;
    enum role role;
    const char *department;        /* or "" */
    const char *quickbase_user_id; /* or "" */
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
};

bool user_is_email(struct str email);

/* Errors: INVALID_ARGUMENT naming the field. */
enum err_code user_check(const struct user *user, struct err *err) MUST_CHECK;
