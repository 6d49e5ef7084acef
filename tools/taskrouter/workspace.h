/* Which workspace a command works in. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct cli;

/*
 * Fills cli->workspace_*: of --workspace, else TASKROUTER_WORKSPACE, else the account's only one,
 * else TWILIO_WORKSPACE_SID. Errors: NOT_FOUND, reason WORKSPACE_NONE where the account has none at
 * all; INVALID_ARGUMENT listing the names where there are several.
 */
enum err_code workspace_find(struct cli *cli, struct err *err) MUST_CHECK;

/* The SID or name that was asked for, or NULL. */
const char *workspace_wanted(const struct cli *cli);
