/* The method table of taskrouter.routing.v1.Rules. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service routing_rules_service; /* app: struct routing */
