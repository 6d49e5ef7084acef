#pragma once

#include "rpc/server.h"

extern const struct rpc_service upstream_service; /* app: struct sync */
