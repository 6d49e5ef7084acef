/* The method tables of taskrouter.routing.v1.Routing, Hours and Mirror. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service routing_service; /* app: struct routing; so the next */
extern const struct rpc_service routing_hours_service;
extern const struct rpc_service routing_mirror_service;
