/* What the server asks of its forwarder. */
#pragma once

#include "rpc/forward.h"
#include "server_int.h"

struct rpc_forwarder *forwarder_new(struct rpc_server *server,
                                    const struct rpc_forward_options *options);
void forwarder_start(struct rpc_forwarder *forwarder);
/* Answers whatever waits, with what it was refused for, and lets nothing wait any more. */
void forwarder_refuse(struct rpc_forwarder *forwarder);
/* No call may be left. NULL is allowed. */
void forwarder_free(struct rpc_forwarder *forwarder);

/* True when the forwarder took the failed call over; it must not be touched then. */
bool forward_take(struct server_call *call, const struct err *err);
/* The call is being answered: forgets what it had waited with. */
void forward_end(struct server_call *call);
