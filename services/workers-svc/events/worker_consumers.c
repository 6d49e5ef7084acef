#include "worker_consumers.h"

#include <string.h>

#include "activity_store.h"
#include "base/macros.h"
#include "outbox/outbox.h"
#include "svc/event.h"
#include "taskrouter/events/v1/events.pb-c.h"
#include "worker_events.h"
#include "worker_store.h"
#include "workers.h"
#include "workspace_store.h"

/* ---- task channels: which channels every worker has ---- */

static enum err_code on_task_channel(void *ctx, struct call *call, const struct bus_msg *msg,
                                     struct err *err)
{
    struct workers *workers = ctx;
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    enum err_code code =
        svc_event_read(call, msg, &taskrouter__events__v1__task_channel_event__descriptor,
                       &envelope, &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__TaskChannelEvent *event = (const void *)message;
    if (event->task_channel == NULL)
        return svc_event_empty(msg, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    code = db_acquire(workers->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    return task_channel_copy_store_put(conn, call,
                                       &(struct task_channel_copy){
                                           .sid = event->task_channel->sid,
                                           .workspace_sid = event->task_channel->workspace_sid,
                                           .unique_name = event->task_channel->unique_name,
                                           .version = event->task_channel->version,
                                           .is_deleted = event->deleted,
                                       },
                                       err);
}

/* ---- moves: the router wants a worker in another activity ---- */

struct move {
    const char *workspace_sid;
    const char *worker_sid;
    const char *activity_sid;
    int64_t at_us;
};

/* Applied only when the worker has not changed its activity since: a person's later word wins, and
 * a repeated event finds its own effect. A worker or activity that is gone needs no moving. */
static enum err_code move_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct move *move = ctx;
    struct workspace workspace;
    struct worker worker;
    enum err_code code = workspace_store_get(conn, call, move->workspace_sid, &workspace, err);
    if (code == ERR_OK && workspace.provider == PROVIDER_TWILIO)
        return ERR_OK; /* Twilio says where its workers are */
    if (code == ERR_OK)
        code = worker_store_lock(conn, call, move->workspace_sid, move->worker_sid, &worker, err);
    if (code != ERR_OK)
        return code == ERR_NOT_FOUND ? ERR_OK : code;
    if (worker.status_changed_at_us >= move->at_us ||
        strcmp(worker.activity_sid, move->activity_sid) == 0)
        return ERR_OK;
    struct activity activity;
    code = activity_store_get(conn, call, move->workspace_sid, move->activity_sid, &activity, err);
    if (code != ERR_OK)
        return code == ERR_NOT_FOUND ? ERR_OK : code;
    struct worker before = worker;
    worker.activity_sid = activity.sid;
    worker.activity_name = activity.friendly_name;
    worker.available = activity.available;
    worker.status_changed_at_us = move->at_us;
    code = worker_store_update(conn, call, &worker, err);
    if (code != ERR_OK)
        return code;
    return worker_event_append(
        conn, call, &worker,
        &(struct worker_change){.type = "worker.activity.update", .before = &before}, err);
}

/* A reservation's event that names the activity. */
static enum err_code on_move(void *ctx, struct call *call, const struct bus_msg *msg,
                             struct err *err)
{
    struct workers *workers = ctx;
    if (str_find(msg->payload, STR("\"workerActivitySid\"")) < 0)
        return ERR_OK; /* the retired one gets all reservations, and few move anybody */
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    enum err_code code =
        svc_event_read(call, msg, &taskrouter__events__v1__reservation_event__descriptor, &envelope,
                       &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__ReservationEvent *event = (const void *)message;
    if (event->reservation == NULL)
        return svc_event_empty(msg, err);
    if (event->worker_activity_sid[0] == '\0')
        return ERR_OK;
    struct move move = {
        .workspace_sid = event->reservation->workspace_sid,
        .worker_sid = event->reservation->worker_sid,
        .activity_sid = event->worker_activity_sid,
        .at_us = envelope.at_us,
    };
    code = db_tx_run(workers->host.pool, call, move_tx, &move, err);
    if (code == ERR_OK)
        outbox_wake(workers->host.outbox);
    return code;
}

const struct bus_consumer_def worker_consumers[] = {
    {.durable = "workers-svc-task-channels",
     .subject = "taskrouter.*.task-channel.>",
     .handler = on_task_channel,
     .from = BUS_FROM_FIRST},
 /* all of them by one reader: an offer moves a worker, and its end moves him back */
    {.durable = "workers-svc-moves",
     .stream = BUS_TO_STREAM,
     .subject = BUS_TO_SUBJECT ".workers-svc.*",
     .handler = on_move,
     .from = BUS_FROM_FIRST},
 /* of before moves had subjects of their own; to be removed with the next version */
    {.durable = "workers-svc-reservations",
     .subject = "taskrouter.*.reservation.>",
     .handler = on_move,
     .is_retired = true    },
};

const size_t worker_consumer_count = ARRAY_LEN(worker_consumers);
