#include "worker_events.h"

#include <string.h>

#include "rpc/pb.h"
#include "svc/event.h"
#include "svc/wire.h"
#include "taskrouter/events/v1/events.pb-c.h"
#include "worker_store.h"
#include "workers.h"

static const Taskrouter__Workers__V1__Provider wire_providers[PROVIDER_COUNT] = {
    [PROVIDER_NONE] = TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_UNSPECIFIED,
    [PROVIDER_LOCAL] = TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_LOCAL,
    [PROVIDER_TWILIO] = TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO,
};

static const Taskrouter__Workers__V1__QueueOrder wire_orders[QUEUE_ORDER_COUNT] = {
    [QUEUE_ORDER_NONE] = TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_UNSPECIFIED,
    [QUEUE_ORDER_FIFO] = TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_FIFO,
    [QUEUE_ORDER_LIFO] = TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_LIFO,
};

Taskrouter__Workers__V1__Workspace *workspace_to_wire(struct arena *arena,
                                                      const struct workspace *workspace)
{
    Taskrouter__Workers__V1__Workspace *wire = PB_NEW(arena, taskrouter__workers__v1__workspace);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, workspace->sid);
    wire->account_sid = wire_text(arena, workspace->account_sid);
    wire->friendly_name = wire_text(arena, workspace->friendly_name);
    wire->provider = wire_providers[workspace->provider];
    wire->default_activity_sid = wire_text(arena, workspace->default_activity_sid);
    wire->default_activity_name = wire_text(arena, workspace->default_activity_name);
    wire->timeout_activity_sid = wire_text(arena, workspace->timeout_activity_sid);
    wire->timeout_activity_name = wire_text(arena, workspace->timeout_activity_name);
    wire->event_callback_url = wire_text(arena, workspace->event_callback_url);
    wire->events_filter = wire_text(arena, workspace->events_filter);
    wire->multi_task_enabled = workspace->multi_task_enabled;
    wire->prioritize_queue_order = wire_orders[workspace->prioritize_queue_order];
    wire->time_zone = wire_text(arena, workspace->time_zone);
    wire->template_ = wire_text(arena, workspace->template_name);
    wire->version = workspace->version;
    wire->date_created = wire_time(arena, workspace->created_at_us);
    wire->date_updated = wire_time(arena, workspace->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

Taskrouter__Workers__V1__Activity *activity_to_wire(struct arena *arena,
                                                    const struct activity *activity)
{
    Taskrouter__Workers__V1__Activity *wire = PB_NEW(arena, taskrouter__workers__v1__activity);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, activity->sid);
    wire->account_sid = wire_text(arena, activity->account_sid);
    wire->workspace_sid = wire_text(arena, activity->workspace_sid);
    wire->friendly_name = wire_text(arena, activity->friendly_name);
    wire->available = activity->available;
    wire->version = activity->version;
    wire->date_created = wire_time(arena, activity->created_at_us);
    wire->date_updated = wire_time(arena, activity->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

Taskrouter__Workers__V1__WorkerChannel *channel_to_wire(struct arena *arena,
                                                        const struct worker_channel *channel)
{
    Taskrouter__Workers__V1__WorkerChannel *wire =
        PB_NEW(arena, taskrouter__workers__v1__worker_channel);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, channel->sid);
    wire->account_sid = wire_text(arena, channel->account_sid);
    wire->workspace_sid = wire_text(arena, channel->workspace_sid);
    wire->worker_sid = wire_text(arena, channel->worker_sid);
    wire->task_channel_sid = wire_text(arena, channel->task_channel_sid);
    wire->task_channel_unique_name = wire_text(arena, channel->task_channel_unique_name);
    wire->configured_capacity = channel->configured_capacity;
    wire->available = channel->available;
    wire->version = channel->version;
    wire->date_created = wire_time(arena, channel->created_at_us);
    wire->date_updated = wire_time(arena, channel->updated_at_us);
    if (channel->has_load) {
        wire->_assigned_tasks_case =
            TASKROUTER__WORKERS__V1__WORKER_CHANNEL___ASSIGNED_TASKS_ASSIGNED_TASKS;
        wire->assigned_tasks = channel->assigned_tasks;
        wire->_available_capacity_percentage_case =
            TASKROUTER__WORKERS__V1__WORKER_CHANNEL___AVAILABLE_CAPACITY_PERCENTAGE_AVAILABLE_CAPACITY_PERCENTAGE;
        wire->available_capacity_percentage = worker_channel_percentage(channel);
    }
    return arena_is_exhausted(arena) ? NULL : wire;
}

Taskrouter__Workers__V1__Worker *worker_to_wire(struct arena *arena, const struct worker *worker,
                                                const struct worker_channel *channels,
                                                size_t channel_count)
{
    Taskrouter__Workers__V1__Worker *wire = PB_NEW(arena, taskrouter__workers__v1__worker);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, worker->sid);
    wire->account_sid = wire_text(arena, worker->account_sid);
    wire->workspace_sid = wire_text(arena, worker->workspace_sid);
    wire->friendly_name = wire_text(arena, worker->friendly_name);
    wire->attributes = wire_text(arena, worker->attributes);
    wire->activity_sid = wire_text(arena, worker->activity_sid);
    wire->activity_name = wire_text(arena, worker->activity_name);
    wire->available = worker->available;
    wire->user_sid = wire_text(arena, worker->user_sid);
    wire->version = worker->version;
    wire->date_created = wire_time(arena, worker->created_at_us);
    wire->date_status_changed = wire_time(arena, worker->status_changed_at_us);
    wire->date_updated = wire_time(arena, worker->updated_at_us);
    if (channels != NULL && channel_count > 0) {
        wire->channels =
            ARENA_ARRAY(arena, Taskrouter__Workers__V1__WorkerChannel *, channel_count);
        for (size_t i = 0; i < channel_count && wire->channels != NULL; i++)
            wire->channels[i] = channel_to_wire(arena, &channels[i]);
        wire->n_channels = channel_count;
    }
    return arena_is_exhausted(arena) ? NULL : wire;
}

enum err_code workspace_event_append(struct db_conn *conn, struct call *call, const char *type,
                                     const struct workspace *workspace, bool is_deleted,
                                     struct err *err)
{
    Taskrouter__Events__V1__WorkspaceEvent data;
    taskrouter__events__v1__workspace_event__init(&data);
    data.workspace = workspace_to_wire(call->arena, workspace);
    data.deleted = is_deleted;
    if (data.workspace == NULL)
        return call_no_room(err);
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = WORKERS_SOURCE,
                                .type = type,
                                .workspace_sid = workspace->sid,
                                .account_sid = workspace->account_sid,
                                .subject_sid = workspace->sid,
                                .version = workspace->version,
                                .data = &data.base,
                            },
                            err);
}

enum err_code activity_event_append(struct db_conn *conn, struct call *call, const char *type,
                                    const struct activity *activity, bool is_deleted,
                                    struct err *err)
{
    Taskrouter__Events__V1__ActivityEvent data;
    taskrouter__events__v1__activity_event__init(&data);
    data.activity = activity_to_wire(call->arena, activity);
    data.deleted = is_deleted;
    if (data.activity == NULL)
        return call_no_room(err);
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = WORKERS_SOURCE,
                                .type = type,
                                .workspace_sid = activity->workspace_sid,
                                .account_sid = activity->account_sid,
                                .subject_sid = activity->sid,
                                .version = activity->version,
                                .data = &data.base,
                            },
                            err);
}

enum err_code worker_event_append(struct db_conn *conn, struct call *call,
                                  const struct worker *worker, const struct worker_change *change,
                                  struct err *err)
{
    struct worker_channel *channels = NULL;
    size_t channel_count = 0;
    if (!change->is_deleted) {
        enum err_code code =
            worker_channel_store_list(conn, call, &(struct str){worker->sid, strlen(worker->sid)},
                                      1, &channels, &channel_count, err);
        if (code != ERR_OK)
            return code;
    }
    Taskrouter__Events__V1__WorkerEvent data;
    taskrouter__events__v1__worker_event__init(&data);
    data.worker = worker_to_wire(call->arena, worker, channels, channel_count);
    data.deleted = change->is_deleted;
    data.reject_pending_reservations = change->reject_pending_reservations;
    if (change->before != NULL) {
        data.previous_activity_sid = wire_text(call->arena, change->before->activity_sid);
        data.previous_activity_name = wire_text(call->arena, change->before->activity_name);
        data.time_in_previous_activity_ms =
            (worker->status_changed_at_us - change->before->status_changed_at_us) / 1000;
    }
    if (change->channel_before != NULL) {
        data.task_channel_sid = wire_text(call->arena, change->channel_before->task_channel_sid);
        data.previous_capacity = change->channel_before->configured_capacity;
    }
    if (data.worker == NULL || arena_is_exhausted(call->arena))
        return call_no_room(err);
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = WORKERS_SOURCE,
                                .type = change->type,
                                .workspace_sid = worker->workspace_sid,
                                .account_sid = worker->account_sid,
                                .subject_sid = worker->sid,
                                .version = worker->version,
                                .data = &data.base,
                            },
                            err);
}
