/* Why: reads the engine on the shard's thread for tasks, and the history for reservations. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service explain_service;
