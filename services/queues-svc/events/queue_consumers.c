#include "queue_consumers.h"

#include "base/macros.h"
#include "queues.h"

static enum err_code on_workspace(void *ctx, struct call *call, const struct bus_msg *msg,
                                  struct err *err)
{
    const struct queues *queues = ctx;
    return workspaces_consume(&queues->workspaces, call, msg, err);
}

const struct bus_consumer_def queue_consumers[] = {
    {.durable = "queues-svc-workspaces",
     .subject = "taskrouter.*.workspace.>",
     .handler = on_workspace,
     .from = BUS_FROM_FIRST},
};

const size_t queue_consumer_count = ARRAY_LEN(queue_consumers);
