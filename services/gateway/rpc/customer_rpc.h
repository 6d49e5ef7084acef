/* The method table of taskrouter.directory.v1.Customers; app is a struct gateway. REST calls the
 * same handlers in process. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service customer_service;
