#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/alloc.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "svc/host.h"
#include "svc/mirror.h"

struct forwarding {
    struct rpc_client_tls tls;
    const char *sync_target;
};

enum rpc_place mirror_place(const char *sync_target, struct rpc_route *out_route)
{
    if (sync_target == NULL || strlen(sync_target) >= sizeof out_route->target)
        return RPC_PLACE_GONE;
    (void)snprintf(out_route->target, sizeof out_route->target, "%s", sync_target);
    out_route->budget_ms = MIRROR_BUDGET_MS;
    out_route->patience_ms = MIRROR_PATIENCE_MS;
    out_route->is_final = true;
    return RPC_PLACE_THERE;
}

static enum rpc_place place(void *ctx, const char *reason, const ProtobufCMessage *request,
                            struct rpc_route *out_route)
{
    const struct forwarding *forwarding = ctx;
    (void)reason;
    (void)request;
    return mirror_place(forwarding->sync_target, out_route);
}

static void refresh(void *ctx)
{
    (void)ctx; /* sync-svc is where the setting says */
}

static void free_forwarding(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    free(ctx);
}

void mirror_forward(struct host *host)
{
    static const char *const reasons[] = {MIRRORED, NULL};
    const struct app_settings *settings = app_settings(host->app);
    struct forwarding *forwarding = xcalloc(1, sizeof *forwarding);
    app_on_close(host->app, APP_FREE, "mirror forwarding", free_forwarding, forwarding);
    forwarding->sync_target = settings->grpc_sync;
    forwarding->tls = (struct rpc_client_tls){
        .ca_file = settings->tls_ca_file,
        .cert_file = settings->tls_cert_file,
        .key_file = settings->tls_key_file,
    };
    rpc_server_forward(host->server,
                       &(struct rpc_forward_options){
                           .token = settings->service_token,
                           .tls = settings->tls_cert_file != NULL ? &forwarding->tls : NULL,
                           .reasons = reasons,
                           .max_calls = MIRROR_CALLS_MAX,
                           .place = place,
                           .refresh = refresh,
                           .ctx = forwarding,
                       });
}
