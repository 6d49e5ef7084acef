#include "queue_rpc.h"

#include "activity_check.h"
#include "base/ids.h"
#include "limit_store.h"
#include "outbox/outbox.h"
#include "queue_events.h"
#include "queue_store.h"
#include "queues.h"
#include "rpc/client.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/mirror.h"
#include "svc/repeat.h"
#include "svc/usage.h"
#include "svc/wire.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

typedef Taskrouter__Queues__V1__TaskQueue wire_queue;

static enum err_code reply_with(struct call *call, const struct task_queue *queue,
                                wire_queue **out_reply, struct err *err)
{
    wire_queue *wire = queue_to_wire(call->arena, queue);
    if (wire == NULL)
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

static enum task_order order_from_wire(Taskrouter__Queues__V1__TaskOrder order)
{
    switch (order) {
    case TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_FIFO:
        return TASK_ORDER_FIFO;
    case TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_LIFO:
        return TASK_ORDER_LIFO;
    default: /* peers may be newer */
        return TASK_ORDER_NONE;
    }
}

/* ---- create ---- */

struct create_context {
    int64_t limit; /* of queues in the workspace; 0 = none */
    struct task_queue queue;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    enum err_code code = workspaces_hold(conn, call, create->queue.workspace_sid, err);
    if (code == ERR_OK)
        code = limit_store_check(conn, call, QUEUES_LIMIT_QUEUES, create->limit,
                                 create->queue.workspace_sid, err);
    if (code == ERR_OK)
        code = queue_store_insert(conn, call, &create->queue, err);
    if (code == ERR_OK)
        code = queue_event_append(conn, call, "task-queue.created", &create->queue, false, err);
    wire_queue *reply = NULL;
    if (code == ERR_OK)
        code = reply_with(call, &create->queue, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

enum err_code queue_rpc_create(void *app, struct call *call,
                               const Taskrouter__Queues__V1__CreateTaskQueueRequest *request,
                               wire_queue **out_reply, struct err *err)
{
    struct queues *queues = app;
    struct workspace_copy workspace;
    enum err_code code =
        mirror_require_local(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    bool has_target =
        request->_target_workers_case ==
        TASKROUTER__QUEUES__V1__CREATE_TASK_QUEUE_REQUEST___TARGET_WORKERS_TARGET_WORKERS;
    bool has_order =
        request->task_order != TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_UNSPECIFIED;
    struct sid sid = sid_new("WQ");
    struct create_context create = {
        .limit = queues->settings->limit_queues,
        .queue =
            {
                    .sid = sid.text,
                    .account_sid = workspace.account_sid,
                    .workspace_sid = workspace.sid,
                    .friendly_name = request->friendly_name,
                    .target_workers = has_target ? request->target_workers : "1==1",
                    .max_reserved_workers =
                    request->max_reserved_workers == 0 ? 1 : request->max_reserved_workers,
                    .task_order = has_order ? order_from_wire(request->task_order) : TASK_ORDER_FIFO,
                    .reservation_activity_sid = request->reservation_activity_sid,
                    .assignment_activity_sid = request->assignment_activity_sid,
                    },
    };
    code = task_queue_check(&create.queue, err);
    if (code == ERR_OK)
        code = activity_check_named(queues, call, &create.queue, err);
    if (code == ERR_OK)
        code = activity_check_required(queues, call, &create.queue, err);
    struct repeat repeat = {
        .method = "CreateTaskQueue",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__queues__v1__task_queue__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(queues->host.pool, call, &repeat, make, &create, &reply, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(queues->host.outbox);
    *out_reply = (wire_queue *)(void *)reply;
    return ERR_OK;
}

/* ---- get ---- */

enum err_code queue_rpc_get(void *app, struct call *call,
                            const Taskrouter__Queues__V1__GetTaskQueueRequest *request,
                            wire_queue **out_reply, struct err *err)
{
    struct queues *queues = app;
    struct workspace_copy workspace = {.is_mirrored = false};
    enum err_code code =
        workspaces_require(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WQ", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(queues->host.pool, call, &conn, err);
    struct task_queue queue;
    if (code == ERR_OK)
        code = queue_store_get(conn, call, workspace.sid, request->sid, &queue, err);
    return code == ERR_OK ? reply_with(call, &queue, out_reply, err)
                          : mirror_missing(code, workspace.is_mirrored, "--queues", err);
}

/* ---- update and delete ---- */

static const char *const updatable[] = {
    "friendly_name", "target_workers",           "max_reserved_workers",
    "task_order",    "reservation_activity_sid", "assignment_activity_sid",
};

struct update_context {
    const Taskrouter__Queues__V1__UpdateTaskQueueRequest *request;
    const char *workspace_sid;
    struct task_queue named; /* the activities that are wanted, with their names */
    struct task_queue queue; /* out: as it is now */
};

static void apply_mask(struct task_queue *queue, const struct task_queue *named,
                       const Taskrouter__Queues__V1__UpdateTaskQueueRequest *request)
{
    const wire_queue *wanted = request->task_queue;
    const Google__Protobuf__FieldMask *mask = request->update_mask;
    if (mask_has(mask, "friendly_name"))
        queue->friendly_name = wanted->friendly_name;
    if (mask_has(mask, "target_workers"))
        queue->target_workers = wanted->target_workers;
    if (mask_has(mask, "max_reserved_workers"))
        queue->max_reserved_workers = wanted->max_reserved_workers;
    if (mask_has(mask, "task_order"))
        queue->task_order = order_from_wire(wanted->task_order);
    if (mask_has(mask, "reservation_activity_sid")) {
        queue->reservation_activity_sid = named->reservation_activity_sid;
        queue->reservation_activity_name = named->reservation_activity_name;
    }
    if (mask_has(mask, "assignment_activity_sid")) {
        queue->assignment_activity_sid = named->assignment_activity_sid;
        queue->assignment_activity_name = named->assignment_activity_name;
    }
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Queues__V1__UpdateTaskQueueRequest *request = update->request;
    enum err_code code = queue_store_lock(conn, call, update->workspace_sid,
                                          request->task_queue->sid, &update->queue, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             update->queue.version, err);
    if (code != ERR_OK)
        return code;
    apply_mask(&update->queue, &update->named, request);
    code = task_queue_check(&update->queue, err);
    if (code == ERR_OK)
        code = queue_store_update(conn, call, &update->queue, err);
    if (code != ERR_OK)
        return code;
    /* Twilio's catalogue has one update event for queues; every change is told by it. */
    return queue_event_append(conn, call, "task-queue.expression.updated", &update->queue, false,
                              err);
}

/* What the mask names; a queue without multitasking must not lose its activities. */
static enum err_code find_activities(struct queues *queues, struct call *call,
                                     struct update_context *update, struct err *err)
{
    const wire_queue *wanted = update->request->task_queue;
    const Google__Protobuf__FieldMask *mask = update->request->update_mask;
    bool has_reservation = mask_has(mask, "reservation_activity_sid");
    bool has_assignment = mask_has(mask, "assignment_activity_sid");
    update->named = (struct task_queue){
        .workspace_sid = update->workspace_sid,
        .reservation_activity_sid = has_reservation ? wanted->reservation_activity_sid : "",
        .assignment_activity_sid = has_assignment ? wanted->assignment_activity_sid : "",
    };
    enum err_code code = task_queue_check_activities(&update->named, err);
    if (code == ERR_OK)
        code = activity_check_named(queues, call, &update->named, err);
    bool takes_away = (has_reservation && wanted->reservation_activity_sid[0] == '\0') ||
                      (has_assignment && wanted->assignment_activity_sid[0] == '\0');
    if (code == ERR_OK && takes_away)
        code = activity_check_required(queues, call, &update->named, err);
    return code;
}

enum err_code queue_rpc_update(void *app, struct call *call,
                               const Taskrouter__Queues__V1__UpdateTaskQueueRequest *request,
                               wire_queue **out_reply, struct err *err)
{
    struct queues *queues = app;
    if (request->task_queue == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "task_queue",
                         "task_queue is required; give it with workspace_sid and sid");
    struct workspace_copy workspace;
    enum err_code code = mirror_require_local(&queues->workspaces, call,
                                              request->task_queue->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->task_queue->sid, "WQ", err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    struct update_context update = {.request = request, .workspace_sid = workspace.sid};
    if (code == ERR_OK)
        code = find_activities(queues, call, &update, err);
    if (code == ERR_OK)
        code = db_tx_run(queues->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(queues->host.outbox);
    return reply_with(call, &update.queue, out_reply, err);
}

struct delete_context {
    const Taskrouter__Queues__V1__DeleteTaskQueueRequest *request;
    const char *workspace_sid;
};

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct delete_context *removal = ctx;
    struct task_queue queue;
    enum err_code code =
        queue_store_lock(conn, call, removal->workspace_sid, removal->request->sid, &queue, err);
    if (code == ERR_OK)
        code = check_version(removal->request->_expected_version_case != 0,
                             removal->request->expected_version, queue.version, err);
    if (code == ERR_OK)
        code = queue_store_delete(conn, call, queue.sid, err);
    if (code != ERR_OK)
        return code;
    queue.version++; /* newer than every event before */
    return queue_event_append(conn, call, "task-queue.deleted", &queue, true, err);
}

/* Before others are asked about it. */
static enum err_code require_queue(struct queues *queues, struct call *call,
                                   const char *workspace_sid, const char *sid, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct task_queue queue;
    enum err_code code = db_acquire(queues->host.pool, call, &conn, err);
    return code == ERR_OK ? queue_store_get(conn, call, workspace_sid, sid, &queue, err) : code;
}

/* A workflow that names the queue would send tasks nowhere. */
static enum err_code check_workflows(struct queues *queues, struct call *call,
                                     const char *workspace_sid, const char *sid, struct err *err)
{
    Taskrouter__Routing__V1__ListWorkflowsRequest request;
    taskrouter__routing__v1__list_workflows_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.task_queue_sid = arena_strdup(call->arena, sid);
    request.page_size = 1;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Routing__V1__ListWorkflowsResponse *reply = NULL;
    enum err_code code = RPC_CALL(queues->host.as_service[PEER_ROUTING], call,
                                  "/taskrouter.routing.v1.Routing/ListWorkflows", &request.base,
                                  taskrouter__routing__v1__list_workflows_response, &reply, err);
    if (code != ERR_OK || reply->n_items == 0)
        return code;
    return ERR_SET(
        err, ERR_FAILED_PRECONDITION, "QUEUE_IN_WORKFLOW",
        "task queue %s is named by workflow %s (%s); change or delete the workflow first", sid,
        reply->items[0]->sid, reply->items[0]->friendly_name);
}

/* So would a routing rule. */
static enum err_code check_rules(struct queues *queues, struct call *call,
                                 const char *workspace_sid, const char *sid, struct err *err)
{
    Taskrouter__Routing__V1__ListRulesRequest request;
    taskrouter__routing__v1__list_rules_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, workspace_sid);
    request.task_queue_sid = arena_strdup(call->arena, sid);
    request.page_size = 1;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    Taskrouter__Routing__V1__ListRulesResponse *reply = NULL;
    enum err_code code = RPC_CALL(queues->host.as_service[PEER_ROUTING], call,
                                  "/taskrouter.routing.v1.Rules/ListRules", &request.base,
                                  taskrouter__routing__v1__list_rules_response, &reply, err);
    if (code != ERR_OK || reply->n_items == 0)
        return code;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "QUEUE_IN_RULE",
                   "task queue %s is named by routing rule %s (%s); change or delete the rule "
                   "first",
                   sid, reply->items[0]->sid, reply->items[0]->name);
}

enum err_code queue_rpc_delete(void *app, struct call *call,
                               const Taskrouter__Queues__V1__DeleteTaskQueueRequest *request,
                               Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct queues *queues = app;
    struct workspace_copy workspace;
    enum err_code code =
        mirror_require_local(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WQ", err);
    if (code == ERR_OK)
        code = require_queue(queues, call, workspace.sid, request->sid, err);
    if (code == ERR_OK)
        code = check_workflows(queues, call, workspace.sid, request->sid, err);
    if (code == ERR_OK)
        code = check_rules(queues, call, workspace.sid, request->sid, err);
    if (code == ERR_OK)
        code = usage_check_tasks(queues->host.as_service[PEER_TASKS], call, workspace.sid,
                                 request->sid, "", err);
    struct delete_context removal = {request, workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(queues->host.pool, call, delete_tx, &removal, err);
    if (code == ERR_OK)
        outbox_wake(queues->host.outbox);
    return code;
}
