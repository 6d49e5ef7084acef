/* The service Mirror as a table of methods. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service mirror_service; /* app: struct workers */
