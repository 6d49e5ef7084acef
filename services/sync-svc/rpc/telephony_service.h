/* The gRPC face of Telephony: checks what is asked for, before the provider is. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/sync/v1/telephony.pb-c.h"

extern const struct rpc_service telephony_service; /* app: struct sync */
