/* taskrouter.sync.v1.Writes; its context is struct sync. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service write_service;
