/*
 * API tokens: what one may look like and whether it still counts. Pure: no clock, no SQL, no
 * secrets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"

#define TOKEN_NAME_MAX  64
#define TOKEN_TTL_MAX_S INT64_C(315360000) /* ten years */

/* Texts are borrowed and never NULL; times are microseconds since 1970 UTC, 0 = not set. */
struct token {
    const char *sid; /* TK… */
    const char *account_sid;
    const char *friendly_name;
    enum role role;
    const char *worker_sid;    /* the agent's own worker, or "" */
    const char *workspace_sid; /* restricts the token to one workspace, or "" */
    const char *user_sid;      /* whose token it is, or "" */
    int64_t created_at_us;
    int64_t expires_at_us; /* 0: never */
    int64_t revoked_at_us;
    int64_t last_used_at_us;
    bool is_account_suspended;
};

/*
 * Whether maker may make this token. Errors: INVALID_ARGUMENT naming the field; PERMISSION_DENIED
 * when the token could do what its maker cannot.
 */
enum err_code token_check(const struct token *token, const struct identity *maker,
                          struct err *err) MUST_CHECK;

enum err_code token_check_ttl(int64_t ttl_s, struct err *err) MUST_CHECK;

enum token_state {
    TOKEN_STATE_NONE,
    TOKEN_UNKNOWN, /* nobody has it */
    TOKEN_VALID,
    TOKEN_REVOKED,
    TOKEN_EXPIRED,
    TOKEN_SUSPENDED, /* its account is */
    TOKEN_BASIC,     /* user and password of HTTP Basic that do not fit */
    TOKEN_FORGED,    /* a worker token that was not signed with its issuer's secret */
    TOKEN_STATE_COUNT,
};

const char *token_state_name(enum token_state state);

/* token NULL: unknown. */
enum token_state token_state_at(const struct token *token, int64_t now_us);

/* ERR_OK, or UNAUTHENTICATED with a reason (TOKEN_UNKNOWN, ...) and what to do about it. */
enum err_code token_state_check(enum token_state state, struct err *err) MUST_CHECK;
