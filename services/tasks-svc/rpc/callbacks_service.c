#include "callbacks_service.h"

#include "base/macros.h"
#include "callback_rpc.h"

#define WIRE(name) Taskrouter__Tasks__V1__##name

/* clang-format off: one row a line, in columns */
static const struct rpc_method methods[] = {
    RPC_UNARY("GetCallback", callback_rpc_get, WIRE(GetCallbackRequest), WIRE(Callback), 1000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("ListCallbacks", callback_rpc_list, WIRE(ListCallbacksRequest),
              WIRE(ListCallbacksResponse), 2000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("ResendCallback", callback_rpc_resend, WIRE(ResendCallbackRequest), WIRE(Callback),
              2000, ROLE_ADMIN, 0),
    RPC_UNARY("ResendDeadCallbacks", callback_rpc_resend_dead, WIRE(ResendDeadCallbacksRequest),
              WIRE(ResendDeadCallbacksResponse), 5000, ROLE_ADMIN, 0),
};
/* clang-format on */

const struct rpc_service callbacks_service = {
    .descriptor = &taskrouter__tasks__v1__callbacks__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
