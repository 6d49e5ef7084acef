#include "app.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "migrations.h"
#include "queue_consumers.h"
#include "queue_events.h"
#include "queues.h"
#include "queues_service.h"

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "queues",
        .migrations = queues_svc_migrations,
        .migration_count = queues_svc_migrations_count,
        .peers = PEER_BIT(PEER_WORKERS) | PEER_BIT(PEER_TASKS),
    };
}

static void free_queues(void *ctx, int64_t until_mono_us)
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
    struct queues *queues = xcalloc(1, sizeof *queues);
    app_set_state(app, queues);
    app_on_close(app, APP_FREE, "state", free_queues, queues);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &queues->host, err);
    if (code != ERR_OK)
        return code;
    queues->workspaces = (struct workspaces){
        .pool = queues->host.pool,
        .workers = queues->host.as_service[PEER_WORKERS],
        .born = queue_workspace_born,
    };
    rpc_server_add(queues->host.server, &queues_service, queues);
    for (size_t i = 0; i < queue_consumer_count; i++) {
        struct bus_consumer *consumer =
            bus_consumer_start(queues->host.bus, &queue_consumers[i], queues);
        app_on_close(app, APP_FINISH_CALLS, "consumer", stop_consumer, consumer);
    }
    return host_serve(&queues->host, err);
}

static enum err_code migrate(struct app *app, struct err *err)
{
    struct host_spec spec = host_spec();
    return host_migrate(app, &spec, err);
}

const struct app_spec queues_app = {
    .name = "queues-svc",
    .summary = "task queues and task channels of TaskRouter",
    .version = "0.1.0",
    .migrate = migrate,
    .start = start,
};
