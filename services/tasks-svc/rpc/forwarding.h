/* Calls that another process of tasks-svc has to serve: which, and where. The way itself is
 * rpc/forward.h of libs/rpc. Any method may be forwarded: its handler refuses with a reason of
 * shell_elsewhere_reasons, and its request names the workspace, at the top or in a message there;
 * or it refuses as MIRRORED (svc/mirror.h), and sync-svc serves it.
 */
#pragma once

#include "rpc/forward.h"

struct tasks;

/* For rpc_server_forward; token and tls are left to the caller. */
struct rpc_forward_options forwarding_options(struct tasks *tasks, size_t max_calls);
