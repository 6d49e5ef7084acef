#include "queue_peer.h"

#include "rpc/client.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "workers.h"

static enum err_code target_by_sid(struct workers *workers, struct call *call,
                                   const char *workspace_sid, const char *sid,
                                   const char **out_target, struct err *err)
{
    Taskrouter__Queues__V1__GetTaskQueueRequest request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.sid = arena_strdup(call->arena, sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    enum err_code code = RPC_CALL(workers->host.as_caller[PEER_QUEUES], call,
                                  "/taskrouter.queues.v1.Queues/GetTaskQueue", &request.base,
                                  taskrouter__queues__v1__task_queue, &queue, err);
    if (code == ERR_OK)
        *out_target = queue->target_workers;
    return code;
}

static enum err_code target_by_name(struct workers *workers, struct call *call,
                                    const char *workspace_sid, const char *name,
                                    const char **out_target, struct err *err)
{
    Taskrouter__Queues__V1__ListTaskQueuesRequest request;
    taskrouter__queues__v1__list_task_queues_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.friendly_name = arena_strdup(call->arena, name);
    request.page_size = 1; /* names are unique */
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Queues__V1__ListTaskQueuesResponse *reply = NULL;
    enum err_code code = RPC_CALL(workers->host.as_caller[PEER_QUEUES], call,
                                  "/taskrouter.queues.v1.Queues/ListTaskQueues", &request.base,
                                  taskrouter__queues__v1__list_task_queues_response, &reply, err);
    if (code == ERR_OK && reply->n_items > 0)
        *out_target = reply->items[0]->target_workers;
    return code;
}

enum err_code queue_peer_target(struct workers *workers, struct call *call,
                                const char *workspace_sid, const char *sid, const char *name,
                                const char **out_target, struct err *err)
{
    *out_target = "";
    if (sid[0] == '\0')
        return target_by_name(workers, call, workspace_sid, name, out_target, err);
    enum err_code code = target_by_sid(workers, call, workspace_sid, sid, out_target, err);
    if (code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return ERR_OK;
}

enum err_code queue_peer_check_activity(struct workers *workers, struct call *call,
                                        const char *workspace_sid, const char *activity_sid,
                                        struct err *err)
{
    Taskrouter__Queues__V1__ListTaskQueuesRequest request;
    taskrouter__queues__v1__list_task_queues_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.activity_sid = arena_strdup(call->arena, activity_sid);
    request.page_size = 1;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Queues__V1__ListTaskQueuesResponse *reply = NULL;
    enum err_code code = RPC_CALL(workers->host.as_service[PEER_QUEUES], call,
                                  "/taskrouter.queues.v1.Queues/ListTaskQueues", &request.base,
                                  taskrouter__queues__v1__list_task_queues_response, &reply, err);
    if (code != ERR_OK || reply->n_items == 0)
        return code;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "ACTIVITY_IN_USE",
                   "activity %s is one that task queue %s (%s) moves workers to; change the queue "
                   "first",
                   activity_sid, reply->items[0]->sid, reply->items[0]->friendly_name);
}
