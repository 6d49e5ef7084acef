/* The method table of taskrouter.workers.v1.Workers. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service workers_service; /* app: struct workers */
