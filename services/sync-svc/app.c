#include "app.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "migrations.h"
#include "sync.h"
#include "sync_consumers.h"
#include "sync_service.h"

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "sync",
        .migrations = sync_svc_migrations,
        .migration_count = sync_svc_migrations_count,
        .peers = PEER_BIT(PEER_WORKERS),
    };
}

static void free_sync(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    free(ctx);
}

static void stop_consumer(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    bus_consumer_stop(ctx);
}

static enum err_code start(struct app *app, struct err *err)
{
    struct sync *sync = xcalloc(1, sizeof *sync);
    app_set_state(app, sync);
    app_on_close(app, APP_FREE, "state", free_sync, sync);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &sync->host, err);
    if (code != ERR_OK)
        return code;
    sync->workspaces = (struct workspaces){
        .pool = sync->host.pool,
        .workers = sync->host.as_service[PEER_WORKERS],
    };
    rpc_server_add(sync->host.server, &sync_service, sync);
    for (size_t i = 0; i < sync_consumer_count; i++) {
        struct bus_consumer *consumer =
            bus_consumer_start(sync->host.bus, &sync_consumers[i], sync);
        app_on_close(app, APP_FINISH_CALLS, "consumer", stop_consumer, consumer);
    }
    return host_serve(&sync->host, err);
}

static enum err_code migrate(struct app *app, struct err *err)
{
    struct host_spec spec = host_spec();
    return host_migrate(app, &spec, err);
}

const struct app_spec sync_app = {
    .name = "sync-svc",
    .summary = "keeps TaskRouter workspaces in step with Twilio",
    .version = "0.1.0",
    .migrate = migrate,
    .start = start,
};
