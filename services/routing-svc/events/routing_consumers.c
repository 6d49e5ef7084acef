#include "routing_consumers.h"

#include "base/macros.h"
#include "keyword_store.h"
#include "outbox/outbox.h"
#include "queue_copy_store.h"
#include "routing.h"
#include "routing_events.h"
#include "rule_store.h"
#include "schedule_events.h"
#include "schedule_store.h"
#include "svc/event.h"
#include "svc/mirror.h"
#include "taskrouter/events/v1/events.pb-c.h"
#include "workflow_store.h"

enum err_code routing_workspace_born(struct db_conn *conn, struct call *call,
                                     const struct workspace_copy *workspace, struct err *err)
{
    enum err_code code =
        workspace_zone_store_put(conn, call, workspace->sid, workspace->time_zone, true, err);
    if (code != ERR_OK)
        return code;
    if (!workspace->is_fifo || !workspace->is_new || workspace->is_mirrored)
        return ERR_OK;
    struct sid sid = workspace_fifo_sid("WW", workspace->sid);
    struct sid queue_sid = workspace_fifo_sid("WQ", workspace->sid); /* of queues-svc, likewise */
    struct workflow workflow = {
        .sid = sid.text,
        .account_sid = workspace->account_sid,
        .workspace_sid = workspace->sid,
        .friendly_name = "Default Fifo Workflow",
        .configuration = arena_printf(call->arena,
                                      "{\"task_routing\":{\"filters\":[],\"default_filter\":{"
                                      "\"queue\":\"%s\"}}}",
                                      queue_sid.text),
        .assignment_callback_url = "",
        .fallback_assignment_callback_url = "",
        .task_reservation_timeout_s = WORKFLOW_RESERVATION_DEFAULT,
    };
    if (workflow.configuration == NULL)
        return call_no_room(err);
    code = workflow_store_insert(conn, call, &workflow, err);
    if (code != ERR_OK)
        return code;
    return workflow_event_append(conn, call, &workflow,
                                 &(struct workflow_change){.type = "workflow.created"}, err);
}

enum err_code routing_workspace_gone(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, struct err *err)
{
    enum err_code code = workflow_store_delete_all(conn, call, workspace_sid, err);
    if (code == ERR_OK)
        code = keyword_store_delete_all(conn, call, workspace_sid, err);
    if (code == ERR_OK)
        code = schedule_store_delete_all(conn, call, workspace_sid, err);
    if (code == ERR_OK)
        code = queue_copy_store_delete_all(conn, call, workspace_sid, err);
    if (code == ERR_OK)
        code = mirror_gone_delete_all(conn, call, workspace_sid, err);
    /* last: whatever was taken away before has grown its revision, which goes too */
    return code == ERR_OK ? rule_store_delete_all(conn, call, workspace_sid, err) : code;
}

static enum err_code on_workspace(void *ctx, struct call *call, const struct bus_msg *msg,
                                  struct err *err)
{
    const struct routing *routing = ctx;
    return workspaces_consume(&routing->workspaces, call, msg, err);
}

struct queue_news {
    const Taskrouter__Queues__V1__TaskQueue *queue;
    bool is_deleted;
};

/* A queue that is gone leaves the schedule of its hours. Old news changes nothing. */
static enum err_code queue_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct queue_news *news = ctx;
    const Taskrouter__Queues__V1__TaskQueue *queue = news->queue;
    struct str sid = str_from(queue->sid);
    struct schedule schedule;
    bool has_schedule = false;
    bool is_alive = true;
    enum err_code code = queue_copy_store_put(conn, call, queue->sid, queue->workspace_sid,
                                              queue->version, news->is_deleted, err);
    if (code == ERR_OK)
        code = queue_copy_store_hold(conn, call, queue->workspace_sid, &sid, 1, &is_alive, err);
    if (code == ERR_OK && !is_alive)
        code = schedule_store_release_queue(conn, call, queue->workspace_sid, queue->sid, &schedule,
                                            &has_schedule, err);
    if (code != ERR_OK || !has_schedule)
        return code;
    return schedule_event_append(conn, call, &schedule, "schedule.updated", false, err);
}

static enum err_code on_task_queue(void *ctx, struct call *call, const struct bus_msg *msg,
                                   struct err *err)
{
    struct routing *routing = ctx;
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    enum err_code code = svc_event_read(
        call, msg, &taskrouter__events__v1__task_queue_event__descriptor, &envelope, &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__TaskQueueEvent *event = (const void *)message;
    if (event->task_queue == NULL)
        return svc_event_empty(msg, err);
    struct queue_news news = {event->task_queue, event->deleted};
    code = db_tx_run(routing->host.pool, call, queue_tx, &news, err);
    if (code == ERR_OK)
        outbox_wake(routing->host.outbox);
    return code;
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
