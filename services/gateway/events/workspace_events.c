#include "workspace_events.h"

#include "base/macros.h"
#include "gateway.h"
#include "line_store.h"
#include "svc/event.h"
#include "taskrouter/events/v1/events.pb-c.h"

enum { LINES_AT_ONCE = 100 };

static enum err_code on_deleted(void *ctx, struct call *call, const struct bus_msg *msg,
                                struct err *err)
{
    const struct gateway *gateway = ctx;
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    int64_t removed = LINES_AT_ONCE;
    enum err_code code = svc_event_read(
        call, msg, &taskrouter__events__v1__workspace_event__descriptor, &envelope, &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__WorkspaceEvent *event = (const void *)message;
    if (event->workspace == NULL)
        return svc_event_empty(msg, err);
    while (code == ERR_OK && removed == LINES_AT_ONCE)
        code = line_store_delete_some(gateway->host.pool, call, event->workspace->sid,
                                      LINES_AT_ONCE, &removed, err);
    return code;
}

const struct bus_consumer_def workspace_consumers[] = {
    {.durable = "gateway-workspaces",
     .subject = "taskrouter.*.workspace.deleted",
     .handler = on_deleted,
     .from = BUS_FROM_FIRST},
};
const size_t workspace_consumer_count = ARRAY_LEN(workspace_consumers);
