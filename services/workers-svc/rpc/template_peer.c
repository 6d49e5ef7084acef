#include "template_peer.h"

#include "log/log.h"
#include "rpc/client.h"
#include "svc/workspaces.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "workers.h"

static enum err_code ask_queue(struct workers *workers, struct call *call,
                               const char *workspace_sid, struct err *err)
{
    struct sid sid = workspace_fifo_sid("WQ", workspace_sid);
    Taskrouter__Queues__V1__GetTaskQueueRequest request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = sid.text;
    if (request.workspace_sid == NULL)
        return call_no_room(err);
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    return RPC_CALL(workers->host.as_service[PEER_QUEUES], call,
                    "/taskrouter.queues.v1.Queues/GetTaskQueue", &request.base,
                    taskrouter__queues__v1__task_queue, &queue, err);
}

static enum err_code ask_workflow(struct workers *workers, struct call *call,
                                  const char *workspace_sid, struct err *err)
{
    struct sid sid = workspace_fifo_sid("WW", workspace_sid);
    Taskrouter__Routing__V1__GetWorkflowRequest request;
    taskrouter__routing__v1__get_workflow_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = sid.text;
    if (request.workspace_sid == NULL)
        return call_no_room(err);
    Taskrouter__Routing__V1__Workflow *workflow = NULL;
    return RPC_CALL(workers->host.as_service[PEER_ROUTING], call,
                    "/taskrouter.routing.v1.Routing/GetWorkflow", &request.base,
                    taskrouter__routing__v1__workflow, &workflow, err);
}

void template_await(struct workers *workers, struct call *call, const char *workspace_sid)
{
    struct err err;
    err_clear(&err);
    enum err_code code = ask_queue(workers, call, workspace_sid, &err);
    if (code == ERR_OK)
        code = ask_workflow(workers, call, workspace_sid, &err);
    if (code != ERR_OK)
        LOG_WARN(call, "a new workspace's template is not complete yet, its event will complete it",
                 LOG_STR("workspace_sid", workspace_sid), LOG_ERR(&err));
}
