#include "workers_service.h"

#include "activity_rpc.h"
#include "base/macros.h"
#include "channel_rpc.h"
#include "link_rpc.h"
#include "worker_rpc.h"
#include "workspace_rpc.h"

#define REQUEST(name) Taskrouter__Workers__V1__##name##Request
#define LIST(name)    Taskrouter__Workers__V1__List##name##Response
#define WORKSPACE     Taskrouter__Workers__V1__Workspace
#define ACTIVITY      Taskrouter__Workers__V1__Activity
#define WORKER        Taskrouter__Workers__V1__Worker
#define CHANNEL       Taskrouter__Workers__V1__WorkerChannel
#define NOTHING       Google__Protobuf__Empty

/* clang-format off: one row a line, in columns: method, handler, request, reply, ms, who */
static const struct rpc_method methods[] = {
    RPC_UNARY("CreateWorkspace", workspace_rpc_create, REQUEST(CreateWorkspace), WORKSPACE, 5000,
              ROLE_ADMIN, 0),
    RPC_UNARY("GetWorkspace", workspace_rpc_get, REQUEST(GetWorkspace), WORKSPACE, 1000,
              ROLE_VIEWER, 0),
    RPC_UNARY("ListWorkspaces", workspace_rpc_list, REQUEST(ListWorkspaces), LIST(Workspaces), 2000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateWorkspace", workspace_rpc_update, REQUEST(UpdateWorkspace), WORKSPACE, 2000,
              ROLE_ADMIN, 0),
    RPC_UNARY("DeleteWorkspace", workspace_rpc_delete, REQUEST(DeleteWorkspace), NOTHING, 10000,
              ROLE_ADMIN, 0),
    RPC_UNARY("CreateActivity", activity_rpc_create, REQUEST(CreateActivity), ACTIVITY, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetActivity", activity_rpc_get, REQUEST(GetActivity), ACTIVITY, 1000, ROLE_VIEWER,
              0),
    RPC_UNARY("ListActivities", activity_rpc_list, REQUEST(ListActivities), LIST(Activities), 2000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateActivity", activity_rpc_update, REQUEST(UpdateActivity), ACTIVITY, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("DeleteActivity", activity_rpc_delete, REQUEST(DeleteActivity), NOTHING, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("CreateWorker", worker_rpc_create, REQUEST(CreateWorker), WORKER, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetWorker", worker_rpc_get, REQUEST(GetWorker), WORKER, 1000, ROLE_VIEWER, 0),
    RPC_UNARY("ListWorkers", worker_rpc_list, REQUEST(ListWorkers), LIST(Workers), 3000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateWorker", worker_rpc_update, REQUEST(UpdateWorker), WORKER, 2000, ROLE_AGENT,
              0),
    RPC_UNARY("DeleteWorker", worker_rpc_delete, REQUEST(DeleteWorker), NOTHING, 2000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("LinkWorker", link_rpc_link, REQUEST(LinkWorker), WORKER, 5000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("UnlinkWorker", link_rpc_unlink, REQUEST(UnlinkWorker), WORKER, 2000, ROLE_SUPERVISOR,
              0),
    RPC_UNARY("GetWorkerChannel", channel_rpc_get, REQUEST(GetWorkerChannel), CHANNEL, 1000,
              ROLE_VIEWER, 0),
    RPC_UNARY("ListWorkerChannels", channel_rpc_list, REQUEST(ListWorkerChannels),
              LIST(WorkerChannels), 2000, ROLE_VIEWER, 0),
    RPC_UNARY("UpdateWorkerChannel", channel_rpc_update, REQUEST(UpdateWorkerChannel), CHANNEL,
              2000, ROLE_SUPERVISOR, 0),
    RPC_STREAM("ExportWorkers", worker_rpc_export, REQUEST(ExportWorkers), 0, ROLE_SERVICE),
};
/* clang-format on */

const struct rpc_service workers_service = {
    .descriptor = &taskrouter__workers__v1__workers__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
