/*
 * The workspace of a request that names none: the token's own, else the account's only one, else
 * the configured one. Asks workers-svc and remembers the answer for a few seconds. Threads: any.
 */
#pragma once

#include "base/call.h"

struct default_workspaces;
struct rpc_client;

/* workers: a client that calls as the caller. configured: a SID or NULL. Both borrowed. */
struct default_workspaces *default_workspaces_new(struct rpc_client *workers,
                                                  const char *configured);
void default_workspaces_free(struct default_workspaces *workspaces); /* NULL is allowed */

/* *out_sid lives in call->arena. Errors: INVALID_ARGUMENT WORKSPACE_REQUIRED, which says how to
 * choose; those of workers-svc. */
enum err_code default_workspace_of(struct default_workspaces *workspaces, struct call *call,
                                   const char **out_sid, struct err *err) MUST_CHECK;

/* Workspaces came or went. */
void default_workspaces_forget(struct default_workspaces *workspaces);
