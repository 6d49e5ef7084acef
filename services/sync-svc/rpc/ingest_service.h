/* The method table of taskrouter.sync.v1.Ingest; app is a struct sync. */
#pragma once

#include "rpc/server.h"

extern const struct rpc_service ingest_service;
