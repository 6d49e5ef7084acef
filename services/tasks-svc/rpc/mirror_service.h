/* taskrouter.tasks.v1.Mirror: for sync-svc alone. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service mirror_service;
