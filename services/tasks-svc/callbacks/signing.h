/*
 * What callbacks of an account are signed with: the configured account's auth token, and those of
 * other accounts from the gateway, asked for by a job and remembered for ten seconds (as long as
 * the gateway is away: the last one goes on). Tokens are nowhere but in memory. Threads: any.
 */
#pragma once

#include <stdint.h>

#include "app/app.h"
#include "base/arena.h"

struct rpc_client;
struct signing;

struct signing_options {
    const char *account_sid;    /* whose auth token it is; NULL = everybody's */
    const char *auth_token;     /* NULL = none is configured */
    struct rpc_client *gateway; /* as a service; NULL = there are no others */
};

enum signing_answer {
    SIGNING_NONE,
    SIGNING_UNSIGNED, /* the account has no auth token */
    SIGNING_TOKEN,
    SIGNING_LATER, /* not known yet: ask again after *out_after_ms */
};

/* Never NULL. Texts are copied. */
struct signing *signing_new(const struct signing_options *options);
void signing_free(struct signing *signing); /* NULL is allowed; wipes the tokens */

/* The token lives in the arena; an exhausted arena is the caller's to see. */
enum signing_answer signing_ask(struct signing *signing, const char *account_sid,
                                struct arena *arena, const char **out_token, int *out_after_ms);

/* The job that asks the gateway. */
void signing_start(struct signing *signing, struct app *app);
