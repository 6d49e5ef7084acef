#include "routing_consumers.h"

#include "base/macros.h"
#include "bus/event.h"
#include "pbjson/pbjson.h"
#include "queue_copy_store.h"
#include "routing.h"
#include "taskrouter/events/v1/events.pb-c.h"
#include "workflow_store.h"

static enum err_code decode(struct call *call, const struct bus_msg *msg,
                            const ProtobufCMessageDescriptor *type, ProtobufCMessage **out_event,
                            struct err *err)
{
    struct bus_event envelope;
    enum err_code code = bus_event_parse(call->arena, msg->payload, &envelope, err);
    if (code != ERR_OK)
        return code;
    return pbjson_decode(envelope.data, type, &pbjson_event, call->arena, out_event, NULL, err);
}

struct workspace_change {
    struct routing *routing;
    const Taskrouter__Events__V1__WorkspaceEvent *event;
};

static enum err_code workspace_tx(struct db_conn *conn, struct call *call, void *ctx,
                                  struct err *err)
{
    const struct workspace_change *change = ctx;
    const char *sid = change->event->workspace->sid;
    bool is_deleted = false;
    enum err_code code =
        workspaces_apply(&change->routing->workspaces, conn, call, change->event->workspace,
                         change->event->deleted, &is_deleted, err);
    if (code != ERR_OK || !is_deleted)
        return code;
    code = workflow_store_delete_all(conn, call, sid, err);
    if (code == ERR_OK)
        code = queue_copy_store_delete_all(conn, call, sid, err);
    return code;
}

static enum err_code on_workspace(void *ctx, struct call *call, const struct bus_msg *msg,
                                  struct err *err)
{
    struct routing *routing = ctx;
    ProtobufCMessage *message = NULL;
    enum err_code code =
        decode(call, msg, &taskrouter__events__v1__workspace_event__descriptor, &message, err);
    if (code != ERR_OK)
        return code;
    struct workspace_change change = {routing, (const void *)message};
    if (change.event->workspace == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID",
                       "a workspace event without its workspace");
    return db_tx_run(routing->host.pool, call, workspace_tx, &change, err);
}

static enum err_code on_task_queue(void *ctx, struct call *call, const struct bus_msg *msg,
                                   struct err *err)
{
    struct routing *routing = ctx;
    ProtobufCMessage *message = NULL;
    enum err_code code =
        decode(call, msg, &taskrouter__events__v1__task_queue_event__descriptor, &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__TaskQueueEvent *event = (const void *)message;
    if (event->task_queue == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID",
                       "a task queue event without its task queue");
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    code = db_acquire(routing->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    return queue_copy_store_put(conn, call, event->task_queue->sid,
                                event->task_queue->workspace_sid, event->task_queue->version,
                                event->deleted, err);
}

const struct bus_consumer_def routing_consumers[] = {
    {.durable = "routing-svc-workspaces",
     .subject = "taskrouter.*.workspace.>",
     .handler = on_workspace,
     .from = BUS_FROM_FIRST},
 /* one by one: tasks-svc's task-queue.entered and kin are another kind of event */
    {.durable = "routing-svc-task-queue-created",
     .subject = "taskrouter.*.task-queue.created",
     .handler = on_task_queue,
     .from = BUS_FROM_FIRST},
    {.durable = "routing-svc-task-queue-deleted",
     .subject = "taskrouter.*.task-queue.deleted",
     .handler = on_task_queue,
     .from = BUS_FROM_FIRST},
};

const size_t routing_consumer_count = ARRAY_LEN(routing_consumers);
