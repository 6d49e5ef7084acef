#include "load_peer.h"

#include <string.h>

#include "log/log.h"
#include "rpc/client.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "workers.h"

static enum err_code ask(struct workers *workers, struct call *call, const char *workspace_sid,
                         const char *worker_sid,
                         Taskrouter__Tasks__V1__ListWorkerLoadsResponse **out, struct err *err)
{
    Taskrouter__Tasks__V1__ListWorkerLoadsRequest request;
    taskrouter__tasks__v1__list_worker_loads_request__init(&request);
    char *sid = arena_strdup(call->arena, worker_sid);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.worker_sids = &sid;
    request.n_worker_sids = 1;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return RPC_CALL(workers->host.as_service[PEER_TASKS], call,
                    "/taskrouter.tasks.v1.Tasks/ListWorkerLoads", &request.base,
                    taskrouter__tasks__v1__list_worker_loads_response, out, err);
}

void load_peer_fill(struct workers *workers, struct call *call, const char *workspace_sid,
                    struct worker_channel *channels, size_t count)
{
    Taskrouter__Tasks__V1__ListWorkerLoadsResponse *reply = NULL;
    struct err err;
    err_clear(&err);
    if (count == 0)
        return;
    enum err_code code = ask(workers, call, workspace_sid, channels[0].worker_sid, &reply, &err);
    if (code != ERR_OK && code != ERR_NOT_FOUND) {
        LOG_INFO(call, "the router cannot be asked for loads, leaving them out", LOG_ERR(&err));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        channels[i].has_load = true; /* without a row: nothing */
        for (size_t j = 0; code == ERR_OK && j < reply->n_items; j++) {
            const Taskrouter__Tasks__V1__WorkerLoad *load = reply->items[j];
            if (strcmp(load->task_channel_sid, channels[i].task_channel_sid) != 0)
                continue;
            channels[i].assigned_tasks = load->assigned_tasks;
            channels[i].consumed_capacity = load->consumed_capacity;
        }
    }
}
