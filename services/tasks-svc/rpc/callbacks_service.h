/* The method table of taskrouter.tasks.v1.Callbacks; its app pointer is struct tasks. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service callbacks_service;
