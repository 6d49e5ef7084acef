#include "worker_events.h"

#include <string.h>

#include "rpc/pb.h"
#include "svc/event.h"
#include "svc/wire.h"
#include "taskrouter/events/v1/events.pb-c.h"
#include "worker_store.h"
#include "workers.h"

/* ---- to wire ---- */

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

enum queue_order queue_order_from_wire(Taskrouter__Workers__V1__QueueOrder order)
{
    switch (order) {
    case TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_FIFO:
        return QUEUE_ORDER_FIFO;
    case TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_LIFO:
        return QUEUE_ORDER_LIFO;
    default: /* peers may be newer */
        return QUEUE_ORDER_NONE;
    }
}

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

/* ---- workspaces and activities ---- */

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

static enum err_code activity_event(struct call *call, const struct activity_news *news,
                                    struct svc_event *out, struct err *err)
{
    Taskrouter__Events__V1__ActivityEvent *data =
        PB_NEW(call->arena, taskrouter__events__v1__activity_event);
    const struct activity *activity = news->activity;
    if (data != NULL)
        data->activity = activity_to_wire(call->arena, activity);
    if (data == NULL || data->activity == NULL)
        return call_no_room(err);
    data->deleted = news->is_deleted;
    *out = (struct svc_event){
        .source = WORKERS_SOURCE,
        .type = news->type,
        .workspace_sid = activity->workspace_sid,
        .account_sid = activity->account_sid,
        .subject_sid = activity->sid,
        .version = activity->version,
        .data = &data->base,
    };
    return ERR_OK;
}

enum err_code activity_events_append(struct db_conn *conn, struct call *call,
                                     const struct activity_news *news, size_t count,
                                     struct err *err)
{
    struct arena_mark mark = arena_mark(call->arena);
    struct svc_event *events = ARENA_ARRAY(call->arena, struct svc_event, count);
    enum err_code code = events == NULL ? call_no_room(err) : ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = activity_event(call, &news[i], &events[i], err);
    if (code == ERR_OK)
        code = svc_events_append(conn, call, events, count, err);
    arena_rewind(call->arena, mark);
    return code;
}

enum err_code activity_event_append(struct db_conn *conn, struct call *call, const char *type,
                                    const struct activity *activity, bool is_deleted,
                                    struct err *err)
{
    return activity_events_append(
        conn, call,
        &(struct activity_news){.activity = activity, .type = type, .is_deleted = is_deleted}, 1,
        err);
}

/* ---- workers ---- */

enum { PORTION = 25 }; /* events written at once: each has a worker with all its channels */

/* Channels of some workers, in the order of their SIDs. */
struct channels {
    struct worker_channel *items;
    size_t count;
};

static enum err_code read_channels(struct db_conn *conn, struct call *call,
                                   const struct worker_news *news, size_t count,
                                   struct channels *out, struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    if (sids == NULL)
        return call_no_room(err);
    size_t alive = 0;
    for (size_t i = 0; i < count; i++) {
        if (!news[i].change.is_deleted)
            sids[alive++] = str_from(news[i].worker->sid);
    }
    return alive == 0
               ? ERR_OK
               : worker_channel_store_list(conn, call, sids, alive, &out->items, &out->count, err);
}

static void fill_change(struct arena *arena, const struct worker_news *news,
                        Taskrouter__Events__V1__WorkerEvent *data)
{
    const struct worker_change *change = &news->change;
    data->deleted = change->is_deleted;
    data->reject_pending_reservations = change->reject_pending_reservations;
    if (change->before != NULL) {
        data->previous_activity_sid = wire_text(arena, change->before->activity_sid);
        data->previous_activity_name = wire_text(arena, change->before->activity_name);
        data->time_in_previous_activity_ms =
            (news->worker->status_changed_at_us - change->before->status_changed_at_us) / 1000;
    }
    if (change->channel_before != NULL) {
        data->task_channel_sid = wire_text(arena, change->channel_before->task_channel_sid);
        data->previous_capacity = change->channel_before->configured_capacity;
    }
}

static enum err_code worker_event(struct call *call, const struct worker_news *news,
                                  const struct channels *channels, struct svc_event *out,
                                  struct err *err)
{
    const struct worker *worker = news->worker;
    size_t first = 0;
    while (first < channels->count && strcmp(channels->items[first].worker_sid, worker->sid) != 0)
        first++;
    size_t end = first;
    while (end < channels->count && strcmp(channels->items[end].worker_sid, worker->sid) == 0)
        end++;
    if (news->change.is_deleted)
        end = first;
    Taskrouter__Events__V1__WorkerEvent *data =
        PB_NEW(call->arena, taskrouter__events__v1__worker_event);
    if (data == NULL)
        return call_no_room(err);
    data->worker = worker_to_wire(call->arena, worker,
                                  end == first ? NULL : &channels->items[first], end - first);
    fill_change(call->arena, news, data);
    if (data->worker == NULL || arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out = (struct svc_event){
        .source = WORKERS_SOURCE,
        .type = news->change.type,
        .workspace_sid = worker->workspace_sid,
        .account_sid = worker->account_sid,
        .subject_sid = worker->sid,
        .version = worker->version,
        .data = &data->base,
    };
    return ERR_OK;
}

static enum err_code append_portion(struct db_conn *conn, struct call *call,
                                    const struct worker_news *news, size_t count, struct err *err)
{
    struct channels channels = {0};
    struct svc_event events[PORTION];
    enum err_code code = read_channels(conn, call, news, count, &channels, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = worker_event(call, &news[i], &channels, &events[i], err);
    return code == ERR_OK ? svc_events_append(conn, call, events, count, err) : code;
}

enum err_code worker_events_append(struct db_conn *conn, struct call *call,
                                   const struct worker_news *news, size_t count, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i += PORTION) {
        struct arena_mark mark = arena_mark(call->arena);
        size_t portion = count - i < PORTION ? count - i : PORTION;
        code = append_portion(conn, call, &news[i], portion, err);
        arena_rewind(call->arena, mark);
    }
    return code;
}

enum err_code worker_event_append(struct db_conn *conn, struct call *call,
                                  const struct worker *worker, const struct worker_change *change,
                                  struct err *err)
{
    return worker_events_append(conn, call,
                                &(struct worker_news){.worker = worker, .change = *change}, 1, err);
}
