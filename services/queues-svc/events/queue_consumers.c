#include "queue_consumers.h"

#include "base/macros.h"
#include "bus/event.h"
#include "channel_store.h"
#include "outbox/outbox.h"
#include "pbjson/pbjson.h"
#include "queue_store.h"
#include "queues.h"
#include "taskrouter/events/v1/events.pb-c.h"

struct workspace_change {
    struct queues *queues;
    const Taskrouter__Events__V1__WorkspaceEvent *event;
};

/* What belonged to a deleted workspace goes with it; consumers of its own deletion know. */
static enum err_code apply_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct workspace_change *change = ctx;
    bool is_deleted = false;
    enum err_code code =
        workspaces_apply(&change->queues->workspaces, conn, call, change->event->workspace,
                         change->event->deleted, &is_deleted, err);
    if (code != ERR_OK || !is_deleted)
        return code;
    code = queue_store_delete_all(conn, call, change->event->workspace->sid, err);
    if (code == ERR_OK)
        code = channel_store_delete_all(conn, call, change->event->workspace->sid, err);
    return code;
}

static enum err_code on_workspace(void *ctx, struct call *call, const struct bus_msg *msg,
                                  struct err *err)
{
    struct queues *queues = ctx;
    struct bus_event envelope;
    enum err_code code = bus_event_parse(call->arena, msg->payload, &envelope, err);
    if (code != ERR_OK)
        return code;
    ProtobufCMessage *event = NULL;
    code = pbjson_decode(envelope.data, &taskrouter__events__v1__workspace_event__descriptor,
                         &pbjson_event, call->arena, &event, NULL, err);
    if (code != ERR_OK)
        return code;
    struct workspace_change change = {
        queues, (const Taskrouter__Events__V1__WorkspaceEvent *)(const void *)event};
    if (change.event->workspace == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID",
                       "a workspace event without its workspace");
    code = db_tx_run(queues->host.pool, call, apply_tx, &change, err);
    if (code == ERR_OK)
        outbox_wake(queues->host.outbox);
    return code;
}

const struct bus_consumer_def queue_consumers[] = {
    {.durable = "queues-svc-workspaces",
     .subject = "taskrouter.*.workspace.>",
     .handler = on_workspace,
     .from = BUS_FROM_FIRST},
};

const size_t queue_consumer_count = ARRAY_LEN(queue_consumers);
