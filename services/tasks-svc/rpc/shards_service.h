/* The method table of taskrouter.tasks.v1.Shards; its app pointer is struct tasks. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service shards_service;
