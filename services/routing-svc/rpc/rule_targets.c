#include "rule_targets.h"

#include <stdio.h>

#include "rpc/client.h"
#include "svc/check.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "workflow_store.h"

/* One target: what was written, and what it is. */
struct look_up {
    struct routing *routing;
    struct call *call;
    char *workspace_sid;
    char *text; /* SID or name */
    bool is_sid;
    const char *sid; /* out, NULL: there is none; so is the next */
    const char *name;
};

static enum err_code queue_by_sid(struct look_up *look, struct err *err)
{
    Taskrouter__Queues__V1__GetTaskQueueRequest request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    request.workspace_sid = look->workspace_sid;
    request.sid = look->text;
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    enum err_code code = RPC_CALL(look->routing->host.as_service[PEER_QUEUES], look->call,
                                  "/taskrouter.queues.v1.Queues/GetTaskQueue", &request.base,
                                  taskrouter__queues__v1__task_queue, &queue, err);
    if (code != ERR_OK)
        return code;
    look->sid = queue->sid;
    look->name = queue->friendly_name;
    return ERR_OK;
}

static enum err_code queue_by_name(struct look_up *look, struct err *err)
{
    Taskrouter__Queues__V1__ListTaskQueuesRequest request;
    taskrouter__queues__v1__list_task_queues_request__init(&request);
    request.workspace_sid = look->workspace_sid;
    request.friendly_name = look->text;
    request.page_size = 1;
    Taskrouter__Queues__V1__ListTaskQueuesResponse *reply = NULL;
    enum err_code code = RPC_CALL(look->routing->host.as_service[PEER_QUEUES], look->call,
                                  "/taskrouter.queues.v1.Queues/ListTaskQueues", &request.base,
                                  taskrouter__queues__v1__list_task_queues_response, &reply, err);
    if (code != ERR_OK || reply->n_items == 0)
        return code;
    look->sid = reply->items[0]->sid;
    look->name = reply->items[0]->friendly_name;
    return ERR_OK;
}

static enum err_code worker_by_sid(struct look_up *look, struct err *err)
{
    Taskrouter__Workers__V1__GetWorkerRequest request;
    taskrouter__workers__v1__get_worker_request__init(&request);
    request.workspace_sid = look->workspace_sid;
    request.sid = look->text;
    Taskrouter__Workers__V1__Worker *worker = NULL;
    enum err_code code = RPC_CALL(look->routing->host.as_service[PEER_WORKERS], look->call,
                                  "/taskrouter.workers.v1.Workers/GetWorker", &request.base,
                                  taskrouter__workers__v1__worker, &worker, err);
    if (code != ERR_OK)
        return code;
    look->sid = worker->sid;
    look->name = worker->friendly_name;
    return ERR_OK;
}

static enum err_code worker_by_name(struct look_up *look, struct err *err)
{
    Taskrouter__Workers__V1__ListWorkersRequest request;
    taskrouter__workers__v1__list_workers_request__init(&request);
    request.workspace_sid = look->workspace_sid;
    request.friendly_name = look->text;
    request.page_size = 1;
    Taskrouter__Workers__V1__ListWorkersResponse *reply = NULL;
    enum err_code code = RPC_CALL(look->routing->host.as_service[PEER_WORKERS], look->call,
                                  "/taskrouter.workers.v1.Workers/ListWorkers", &request.base,
                                  taskrouter__workers__v1__list_workers_response, &reply, err);
    if (code != ERR_OK || reply->n_items == 0)
        return code;
    look->sid = reply->items[0]->sid;
    look->name = reply->items[0]->friendly_name;
    return ERR_OK;
}

static enum err_code workflow_of(struct look_up *look, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workflow *items = NULL;
    struct workflow one;
    size_t count = 0;
    bool is_cut = false;
    enum err_code code = db_acquire(look->routing->host.pool, look->call, &conn, err);
    if (code == ERR_OK && look->is_sid) {
        code = workflow_store_get(conn, look->call, look->workspace_sid, look->text, &one, err);
        items = &one;
        count = 1;
    } else if (code == ERR_OK) {
        code = workflow_store_list(conn, look->call, look->workspace_sid, "", 1, look->text, NULL,
                                   &items, &count, &is_cut, err);
    }
    if (code != ERR_OK || count == 0)
        return code;
    look->sid = items[0].sid;
    look->name = items[0].friendly_name;
    return ERR_OK;
}

typedef enum err_code (*look_fn)(struct look_up *look, struct err *err);

static const struct target_kind {
    enum rule_action_type type;
    const char *noun;
    const char *reason;
    look_fn by_sid;
    look_fn by_name;
} kinds[] = {
    {RULE_ACTION_ROUTE_TO_QUEUE,    "task queue", "QUEUE_NOT_FOUND",    queue_by_sid,  queue_by_name },
    {RULE_ACTION_ROUTE_TO_WORKER,   "worker",     "WORKER_NOT_FOUND",   worker_by_sid, worker_by_name},
    {RULE_ACTION_ROUTE_TO_WORKFLOW, "workflow",   "WORKFLOW_NOT_FOUND", workflow_of,   workflow_of   },
};

static const struct target_kind *kind_of(enum rule_action_type type)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].type == type)
            return &kinds[i];
    }
    return NULL;
}

static enum err_code not_found(const struct target_kind *kind, size_t place, struct str target,
                               struct err *err)
{
    char field[64];
    (void)snprintf(field, sizeof field, "actions[%zu].target", place);
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, kind->reason, field,
                     "actions[%zu].target: there is no %s \"%.*s\" in this workspace; give the SID "
                     "or friendlyName of one that exists",
                     place, kind->noun, STR_ARG(target));
}

static enum err_code resolve(struct look_up *look, const struct target_kind *kind, size_t place,
                             struct rule_action *action, const char **out_name, struct err *err)
{
    look->text = arena_str_dup(look->call->arena, action->target);
    if (look->text == NULL)
        return call_no_room(err);
    struct err ignored = {.code = ERR_OK};
    look->is_sid =
        check_sid("target", look->text, rule_action_prefix(kind->type), &ignored) == ERR_OK;
    look->sid = NULL;
    enum err_code code = look->is_sid ? kind->by_sid(look, err) : kind->by_name(look, err);
    if (code == ERR_NOT_FOUND || code == ERR_INVALID_ARGUMENT || (code == ERR_OK && !look->sid))
        return not_found(kind, place, action->target, err);
    if (code != ERR_OK)
        return code;
    action->target = arena_str(look->call->arena, str_from(look->sid));
    *out_name = arena_strdup(look->call->arena, look->name);
    return arena_is_exhausted(look->call->arena) ? call_no_room(err) : ERR_OK;
}

enum err_code rule_targets_resolve(struct routing *routing, struct call *call,
                                   const char *workspace_sid, struct rule_action *actions,
                                   const char **target_names, size_t count, struct err *err)
{
    struct look_up look = {.routing = routing,
                           .call = call,
                           .workspace_sid = arena_strdup(call->arena, workspace_sid)};
    enum err_code code = look.workspace_sid == NULL ? call_no_room(err) : ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        const struct target_kind *kind = kind_of(actions[i].type);
        target_names[i] = "";
        if (kind != NULL && actions[i].target.len > 0)
            code = resolve(&look, kind, i, &actions[i], &target_names[i], err);
    }
    return code;
}
