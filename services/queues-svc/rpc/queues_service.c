#include "queues_service.h"

#include "base/macros.h"
#include "channel_rpc.h"
#include "mirror_rpc.h"
#include "queue_rpc.h"

#define REQUEST(name) Taskrouter__Queues__V1__##name##Request
#define LIST(name)    Taskrouter__Queues__V1__List##name##Response
#define QUEUE         Taskrouter__Queues__V1__TaskQueue
#define CHANNEL       Taskrouter__Queues__V1__TaskChannel
#define NOTHING       Google__Protobuf__Empty
#define RESULTS       Taskrouter__Common__V1__MirrorResults

/* clang-format off: one row a line, in columns */
static const struct rpc_method methods[] = {
    /*        method               handler             request                     reply ms    who
     */
    RPC_UNARY("CreateTaskQueue", queue_rpc_create, REQUEST(CreateTaskQueue), QUEUE, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetTaskQueue", queue_rpc_get, REQUEST(GetTaskQueue), QUEUE, 1000, ROLE_VIEWER, 0),
    RPC_UNARY("ListTaskQueues", queue_rpc_list, REQUEST(ListTaskQueues), LIST(TaskQueues), 2000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateTaskQueue", queue_rpc_update, REQUEST(UpdateTaskQueue), QUEUE, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("DeleteTaskQueue", queue_rpc_delete, REQUEST(DeleteTaskQueue), NOTHING, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("CreateTaskChannel", channel_rpc_create, REQUEST(CreateTaskChannel), CHANNEL, 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("GetTaskChannel", channel_rpc_get, REQUEST(GetTaskChannel), CHANNEL, 1000,
              ROLE_VIEWER, 0),
    RPC_UNARY("ListTaskChannels", channel_rpc_list, REQUEST(ListTaskChannels), LIST(TaskChannels),
              2000, ROLE_VIEWER, 0),
    RPC_UNARY("UpdateTaskChannel", channel_rpc_update, REQUEST(UpdateTaskChannel), CHANNEL, 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("DeleteTaskChannel", channel_rpc_delete, REQUEST(DeleteTaskChannel), NOTHING, 2000,
              ROLE_ADMIN, 0),
};

static const struct rpc_method mirror_methods[] = {
    RPC_UNARY("PutTaskQueues", mirror_rpc_put_queues, REQUEST(PutTaskQueues), RESULTS, 10000,
              ROLE_SERVICE, 0),
    RPC_UNARY("PutTaskChannels", mirror_rpc_put_channels, REQUEST(PutTaskChannels), RESULTS, 10000,
              ROLE_SERVICE, 0),
    RPC_UNARY("Vanish", mirror_rpc_vanish, REQUEST(Vanish), RESULTS, 10000, ROLE_SERVICE, 0),
};
/* clang-format on */

const struct rpc_service queues_service = {
    .descriptor = &taskrouter__queues__v1__queues__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};

const struct rpc_service queues_mirror_service = {
    .descriptor = &taskrouter__queues__v1__mirror__descriptor,
    .methods = mirror_methods,
    .method_count = ARRAY_LEN(mirror_methods),
};
