#include "app.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "migrations.h"
#include "routing.h"
#include "routing_consumers.h"
#include "routing_service.h"

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "routing",
        .migrations = routing_svc_migrations,
        .migration_count = routing_svc_migrations_count,
        .peers = PEER_BIT(PEER_WORKERS) | PEER_BIT(PEER_QUEUES) | PEER_BIT(PEER_TASKS),
    };
}

static void free_routing(void *ctx, int64_t until_mono_us)
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
    struct routing *routing = xcalloc(1, sizeof *routing);
    app_set_state(app, routing);
    app_on_close(app, APP_FREE, "state", free_routing, routing);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &routing->host, err);
    if (code != ERR_OK)
        return code;
    routing->workspaces = (struct workspaces){
        .pool = routing->host.pool,
        .workers = routing->host.as_service[PEER_WORKERS],
    };
    rpc_server_add(routing->host.server, &routing_service, routing);
    for (size_t i = 0; i < routing_consumer_count; i++) {
        struct bus_consumer *consumer =
            bus_consumer_start(routing->host.bus, &routing_consumers[i], routing);
        app_on_close(app, APP_FINISH_CALLS, "consumer", stop_consumer, consumer);
    }
    return host_serve(&routing->host, err);
}

static enum err_code migrate(struct app *app, struct err *err)
{
    struct host_spec spec = host_spec();
    return host_migrate(app, &spec, err);
}

const struct app_spec routing_app = {
    .name = "routing-svc",
    .summary = "workflows and routing decisions of TaskRouter",
    .version = "0.1.0",
    .migrate = migrate,
    .start = start,
};
