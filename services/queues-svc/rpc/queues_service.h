/* The method table of taskrouter.queues.v1.Queues. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service queues_service; /* app: struct queues */
