#include "queue_peer.h"

#include "rpc/client.h"
#include "svc/page.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "worker_store.h"
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

enum err_code queue_peer_fetch_channels(struct workers *workers, struct call *call,
                                        const char *workspace_sid, struct err *err)
{
    Taskrouter__Queues__V1__ListTaskChannelsRequest *request =
        PB_NEW(call->arena, taskrouter__queues__v1__list_task_channels_request);
    char *sid = arena_strdup(call->arena, workspace_sid);
    if (request == NULL || sid == NULL)
        return call_no_room(err);
    request->workspace_sid = sid;
    request->page_size = PAGE_SIZE_MAX;
    Taskrouter__Queues__V1__ListTaskChannelsResponse *reply = NULL;
    enum err_code code = RPC_CALL(workers->host.as_service[PEER_QUEUES], call,
                                  "/taskrouter.queues.v1.Queues/ListTaskChannels", &request->base,
                                  taskrouter__queues__v1__list_task_channels_response, &reply, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(workers->host.pool, call, &conn, err);
    for (size_t i = 0; code == ERR_OK && i < reply->n_items; i++)
        code = task_channel_copy_store_put(conn, call,
                                           &(struct task_channel_copy){
                                               .sid = reply->items[i]->sid,
                                               .workspace_sid = reply->items[i]->workspace_sid,
                                               .unique_name = reply->items[i]->unique_name,
                                               .version = reply->items[i]->version,
                                           },
                                           err);
    return code;
}
