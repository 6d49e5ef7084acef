#include "queue_events.h"

#include "base/ids.h"
#include "channel_store.h"
#include "queue_store.h"
#include "queues.h"
#include "rpc/pb.h"
#include "svc/event.h"
#include "svc/mirror.h"
#include "svc/wire.h"
#include "taskrouter/events/v1/events.pb-c.h"

static const Taskrouter__Queues__V1__TaskOrder wire_orders[TASK_ORDER_COUNT] = {
    [TASK_ORDER_NONE] = TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_UNSPECIFIED,
    [TASK_ORDER_FIFO] = TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_FIFO,
    [TASK_ORDER_LIFO] = TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_LIFO,
};

Taskrouter__Queues__V1__TaskQueue *queue_to_wire(struct arena *arena,
                                                 const struct task_queue *queue)
{
    Taskrouter__Queues__V1__TaskQueue *wire = PB_NEW(arena, taskrouter__queues__v1__task_queue);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, queue->sid);
    wire->account_sid = wire_text(arena, queue->account_sid);
    wire->workspace_sid = wire_text(arena, queue->workspace_sid);
    wire->friendly_name = wire_text(arena, queue->friendly_name);
    wire->target_workers = wire_text(arena, queue->target_workers);
    wire->max_reserved_workers = queue->max_reserved_workers;
    wire->task_order = wire_orders[queue->task_order];
    wire->reservation_activity_sid = wire_text(arena, queue->reservation_activity_sid);
    wire->assignment_activity_sid = wire_text(arena, queue->assignment_activity_sid);
    wire->reservation_activity_name = wire_text(arena, queue->reservation_activity_name);
    wire->assignment_activity_name = wire_text(arena, queue->assignment_activity_name);
    wire->version = queue->version;
    wire->date_created = wire_time(arena, queue->created_at_us);
    wire->date_updated = wire_time(arena, queue->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

Taskrouter__Queues__V1__TaskChannel *channel_to_wire(struct arena *arena,
                                                     const struct task_channel *channel)
{
    Taskrouter__Queues__V1__TaskChannel *wire = PB_NEW(arena, taskrouter__queues__v1__task_channel);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, channel->sid);
    wire->account_sid = wire_text(arena, channel->account_sid);
    wire->workspace_sid = wire_text(arena, channel->workspace_sid);
    wire->friendly_name = wire_text(arena, channel->friendly_name);
    wire->unique_name = wire_text(arena, channel->unique_name);
    wire->channel_optimized_routing = channel->channel_optimized_routing;
    wire->version = channel->version;
    wire->date_created = wire_time(arena, channel->created_at_us);
    wire->date_updated = wire_time(arena, channel->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

enum err_code queue_event_append(struct db_conn *conn, struct call *call, const char *type,
                                 const struct task_queue *queue, bool is_deleted, struct err *err)
{
    Taskrouter__Events__V1__TaskQueueEvent data;
    taskrouter__events__v1__task_queue_event__init(&data);
    data.task_queue = queue_to_wire(call->arena, queue);
    data.deleted = is_deleted;
    if (data.task_queue == NULL)
        return call_no_room(err);
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = QUEUES_SOURCE,
                                .type = type,
                                .workspace_sid = queue->workspace_sid,
                                .account_sid = queue->account_sid,
                                .subject_sid = queue->sid,
                                .version = queue->version,
                                .data = &data.base,
                            },
                            err);
}

enum err_code channel_event_append(struct db_conn *conn, struct call *call, const char *type,
                                   const struct task_channel *channel, bool is_deleted,
                                   struct err *err)
{
    Taskrouter__Events__V1__TaskChannelEvent data;
    taskrouter__events__v1__task_channel_event__init(&data);
    data.task_channel = channel_to_wire(call->arena, channel);
    data.deleted = is_deleted;
    if (data.task_channel == NULL)
        return call_no_room(err);
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = QUEUES_SOURCE,
                                .type = type,
                                .workspace_sid = channel->workspace_sid,
                                .account_sid = channel->account_sid,
                                .subject_sid = channel->sid,
                                .version = channel->version,
                                .data = &data.base,
                            },
                            err);
}

/* For everybody; see routing-svc for the workflow. */
static enum err_code make_fifo_queue(struct db_conn *conn, struct call *call,
                                     const struct workspace_copy *workspace, struct err *err)
{
    struct sid sid = workspace_fifo_sid("WQ", workspace->sid);
    struct task_queue queue = {
        .sid = sid.text,
        .account_sid = workspace->account_sid,
        .workspace_sid = workspace->sid,
        .friendly_name = "Default Fifo Queue",
        .target_workers = "1==1",
        .max_reserved_workers = 1,
        .task_order = TASK_ORDER_FIFO,
        .reservation_activity_sid = "",
        .assignment_activity_sid = "",
        .reservation_activity_name = "",
        .assignment_activity_name = "",
    };
    enum err_code code = queue_store_insert(conn, call, &queue, err);
    return code == ERR_OK ? queue_event_append(conn, call, "task-queue.created", &queue, false, err)
                          : code;
}

enum err_code queue_workspace_born(struct db_conn *conn, struct call *call,
                                   const struct workspace_copy *workspace, struct err *err)
{
    if (workspace->is_mirrored) /* Twilio's come with SIDs of their own */
        return ERR_OK;
    for (size_t i = 0; i < TASK_CHANNEL_DEFAULT_COUNT; i++) {
        const struct task_channel_default *row = &task_channel_defaults[i];
        struct sid sid = sid_derive("TC", str_from(workspace->sid), str_from(row->unique_name));
        struct task_channel channel = {
            .sid = sid.text,
            .account_sid = workspace->account_sid,
            .workspace_sid = workspace->sid,
            .friendly_name = row->friendly_name,
            .unique_name = row->unique_name,
        };
        bool is_new = false;
        enum err_code code = channel_store_insert_default(conn, call, &channel, &is_new, err);
        if (code == ERR_OK && is_new)
            code = channel_event_append(conn, call, "task-channel.created", &channel, false, err);
        if (code != ERR_OK)
            return code;
    }
    return workspace->is_fifo && workspace->is_new ? make_fifo_queue(conn, call, workspace, err)
                                                   : ERR_OK;
}

enum err_code queue_workspace_gone(struct db_conn *conn, struct call *call,
                                   const char *workspace_sid, struct err *err)
{
    enum err_code code = queue_store_delete_all(conn, call, workspace_sid, err);
    if (code == ERR_OK)
        code = channel_store_delete_all(conn, call, workspace_sid, err);
    return code == ERR_OK ? mirror_gone_delete_all(conn, call, workspace_sid, err) : code;
}
