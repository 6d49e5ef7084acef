#include "ingest_service.h"

#include "base/macros.h"
#include "ingest.h"
#include "sync.h"

static enum err_code apply(void *app, struct call *call,
                           const Taskrouter__Sync__V1__ApplyWebhookRequest *request,
                           Taskrouter__Sync__V1__ApplyWebhookResponse **out_reply, struct err *err)
{
    struct sync *sync = app;
    return ingest_apply(sync->ingest, call, request, out_reply, err);
}

static enum err_code apply_many(void *app, struct call *call,
                                const Taskrouter__Sync__V1__ApplyWebhooksRequest *request,
                                Taskrouter__Sync__V1__ApplyWebhooksResponse **out_reply,
                                struct err *err)
{
    struct sync *sync = app;
    return ingest_apply_many(sync->ingest, call, request, out_reply, err);
}

static const struct rpc_method methods[] = {
    RPC_UNARY("ApplyWebhook", apply, Taskrouter__Sync__V1__ApplyWebhookRequest,
              Taskrouter__Sync__V1__ApplyWebhookResponse, 10000, ROLE_SERVICE, 0),
    RPC_UNARY("ApplyWebhooks", apply_many, Taskrouter__Sync__V1__ApplyWebhooksRequest,
              Taskrouter__Sync__V1__ApplyWebhooksResponse, 10000, ROLE_SERVICE, 0),
};

const struct rpc_service ingest_service = {
    .descriptor = &taskrouter__sync__v1__ingest__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
