/* The method table of taskrouter.routing.v1.Routing. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service routing_service; /* app: struct routing */
