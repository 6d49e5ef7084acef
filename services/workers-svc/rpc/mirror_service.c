#include "mirror_service.h"

#include "base/macros.h"
#include "mirror_rpc.h"

#define REQUEST(name) Taskrouter__Workers__V1__##name##Request
#define RESULT        Taskrouter__Common__V1__MirrorResult
#define RESULTS       Taskrouter__Common__V1__MirrorResults

/* clang-format off: one row a line, in columns: method, handler, request, reply, ms, who */
static const struct rpc_method methods[] = {
    RPC_UNARY("PutWorkspace", mirror_rpc_put_workspace, REQUEST(PutWorkspace), RESULT, 5000,
              ROLE_SERVICE, 0),
    RPC_UNARY("PutActivities", mirror_rpc_put_activities, REQUEST(PutActivities), RESULTS, 10000,
              ROLE_SERVICE, 0),
    RPC_UNARY("PutWorkers", mirror_rpc_put_workers, REQUEST(PutWorkers), RESULTS, 10000,
              ROLE_SERVICE, 0),
    RPC_UNARY("PutWorkerChannels", mirror_rpc_put_channels, REQUEST(PutWorkerChannels), RESULTS,
              10000, ROLE_SERVICE, 0),
    RPC_UNARY("Vanish", mirror_rpc_vanish, REQUEST(Vanish), RESULTS, 10000, ROLE_SERVICE, 0),
};
/* clang-format on */

const struct rpc_service mirror_service = {
    .descriptor = &taskrouter__workers__v1__mirror__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
