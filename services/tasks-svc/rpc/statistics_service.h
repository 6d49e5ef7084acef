/* The method table of taskrouter.tasks.v1.Statistics; its app pointer is struct tasks. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service statistics_service;
