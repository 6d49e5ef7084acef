#include "queue_consumers.h"

#include "base/macros.h"
#include "queue_store.h"
#include "queues.h"
#include "svc/event.h"
#include "taskrouter/events/v1/events.pb-c.h"

static enum err_code on_workspace(void *ctx, struct call *call, const struct bus_msg *msg,
                                  struct err *err)
{
    const struct queues *queues = ctx;
    return workspaces_consume(&queues->workspaces, call, msg, err);
}

/* Queues show the names of the activities that they name. */
static enum err_code on_activity(void *ctx, struct call *call, const struct bus_msg *msg,
                                 struct err *err)
{
    const struct queues *queues = ctx;
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    enum err_code code = svc_event_read(
        call, msg, &taskrouter__events__v1__activity_event__descriptor, &envelope, &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__ActivityEvent *event = (const void *)message;
    if (event->activity == NULL)
        return svc_event_empty(msg, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    code = db_acquire(queues->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    return activity_copy_store_put(conn, call,
                                   &(struct activity_copy){
                                       .sid = event->activity->sid,
                                       .workspace_sid = event->activity->workspace_sid,
                                       .friendly_name = event->activity->friendly_name,
                                       .version = event->activity->version,
                                       .is_deleted = event->deleted,
                                   },
                                   err);
}

const struct bus_consumer_def queue_consumers[] = {
    {.durable = "queues-svc-workspaces",
     .subject = "taskrouter.*.workspace.>",
     .handler = on_workspace,
     .from = BUS_FROM_FIRST},
    {.durable = "queues-svc-activities",
     .subject = "taskrouter.*.activity.>",
     .handler = on_activity,
     .from = BUS_FROM_FIRST},
};

const size_t queue_consumer_count = ARRAY_LEN(queue_consumers);
