#include "sync_consumers.h"

#include "base/macros.h"
#include "bus/event.h"
#include "pbjson/pbjson.h"
#include "run_store.h"
#include "sync.h"
#include "taskrouter/events/v1/events.pb-c.h"

struct workspace_change {
    struct sync *sync;
    const Taskrouter__Events__V1__WorkspaceEvent *event;
};

static enum err_code workspace_tx(struct db_conn *conn, struct call *call, void *ctx,
                                  struct err *err)
{
    const struct workspace_change *change = ctx;
    bool is_deleted = false;
    enum err_code code =
        workspaces_apply(&change->sync->workspaces, conn, call, change->event->workspace,
                         change->event->deleted, &is_deleted, err);
    if (code != ERR_OK || !is_deleted)
        return code;
    return run_store_delete_all(conn, call, change->event->workspace->sid, err);
}

static enum err_code on_workspace(void *ctx, struct call *call, const struct bus_msg *msg,
                                  struct err *err)
{
    struct sync *sync = ctx;
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    enum err_code code = bus_event_parse(call->arena, msg->payload, &envelope, err);
    if (code == ERR_OK)
        code = pbjson_decode(envelope.data, &taskrouter__events__v1__workspace_event__descriptor,
                             &pbjson_event, call->arena, &message, NULL, err);
    if (code != ERR_OK)
        return code;
    struct workspace_change change = {sync, (const void *)message};
    if (change.event->workspace == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID",
                       "a workspace event without its workspace");
    return db_tx_run(sync->host.pool, call, workspace_tx, &change, err);
}

const struct bus_consumer_def sync_consumers[] = {
    {.durable = "sync-svc-workspaces",
     .subject = "taskrouter.*.workspace.>",
     .handler = on_workspace,
     .from = BUS_FROM_FIRST},
};

const size_t sync_consumer_count = ARRAY_LEN(sync_consumers);
