/* The method table of taskrouter.sync.v1.Sync. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service sync_service; /* app: struct sync */
