/*
 * What a worker's token says, and what it allows below /v1. Two kinds: access tokens, signed with
 * the secret of an API key, with a TaskRouter grant; and the older capability tokens, signed with
 * an auth token of the account, with policies. Reads and judges; whether the signature is right is
 * auth_worker's to say. Threads: any.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/http.h"

#define WORKER_TOKEN_MAX 8192 /* bytes */

/* Texts live in the arena. */
struct worker_token {
    bool is_capability;
    const char *issuer; /* SK… of an access token, AC… of a capability token */
    const char *account_sid;
    const char *workspace_sid;
    const char *worker_sid;
    int64_t not_before_us; /* 0: not said */
    int64_t expires_at_us;
    const json_t *policies; /* of a capability token */
};

/* False for what is surely an API token. */
bool worker_token_is_formed(struct str token);

/* Errors: UNAUTHENTICATED TOKEN_INVALID, which says what is wrong with it. */
enum err_code worker_token_read(struct arena *arena, struct str token, struct worker_token *out,
                                struct err *err) MUST_CHECK;

/* Errors: UNAUTHENTICATED TOKEN_EXPIRED or TOKEN_INVALID. */
enum err_code worker_token_check_time(const struct worker_token *token, int64_t now_us,
                                      struct err *err) MUST_CHECK;

/*
 * Whether it allows the request: by its policies, or what a worker's access token always does.
 * path: "/v1/Workspaces/WS…/…". params: of the query, or of the form. Errors: PERMISSION_DENIED
 * NOT_ALLOWED.
 */
enum err_code worker_token_check(const struct worker_token *token, enum http_method method,
                                 struct str path, const struct http_params *params,
                                 struct err *err) MUST_CHECK;
