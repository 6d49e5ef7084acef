#include "route_workers.h"

#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/queues/v1/queues.pb-c.h"

const char *route_queue_name(struct routing *routing, struct call *call, const char *workspace_sid,
                             const char *queue_sid)
{
    Taskrouter__Queues__V1__GetTaskQueueRequest request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = arena_strdup(call->arena, queue_sid);
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    struct err err = {.code = ERR_OK};
    if (arena_is_exhausted(call->arena) ||
        RPC_CALL(routing->host.as_service[PEER_QUEUES], call,
                 "/taskrouter.queues.v1.Queues/GetTaskQueue", &request.base,
                 taskrouter__queues__v1__task_queue, &queue, &err) != ERR_OK)
        return NULL;
    return queue->friendly_name;
}

const char *route_workers_fill(struct routing *routing, struct call *call,
                               const struct snapshot *snapshot, const char *task_channel,
                               Taskrouter__Routing__V1__RouteTrace *wire)
{
    (void)task_channel;
    if (wire->task_queue_sid[0] == '\0')
        return NULL;
    const char *name =
        route_queue_name(routing, call, snapshot->workspace_sid, wire->task_queue_sid);
    if (name == NULL)
        return "queues-svc could not say what the queue is called";
    wire->task_queue_name = wire_text(call->arena, name);
    return NULL;
}
