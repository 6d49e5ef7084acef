/* The method tables of taskrouter.queues.v1.Queues and Mirror. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service queues_service; /* app: struct queues; so the next */
extern const struct rpc_service queues_mirror_service;
