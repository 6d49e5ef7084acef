#include "mirror_service.h"

#include "base/macros.h"
#include "change_rpc.h"

/* As of all changes: long enough for another process to take the shard over meanwhile. */
enum { APPLY_MS = 5000 };

static const struct rpc_method methods[] = {
    RPC_ASYNC("Apply", change_rpc_apply, Taskrouter__Tasks__V1__ApplyRequest, APPLY_MS,
              ROLE_SERVICE),
    RPC_ASYNC("ApplyMany", change_rpc_apply_many, Taskrouter__Tasks__V1__ApplyManyRequest, APPLY_MS,
              ROLE_SERVICE),
};

const struct rpc_service mirror_service = {
    .descriptor = &taskrouter__tasks__v1__mirror__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
