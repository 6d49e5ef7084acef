#include "app.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "migrations.h"
#include "worker_consumers.h"
#include "workers.h"
#include "workers_service.h"

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "workers",
        .migrations = workers_svc_migrations,
        .migration_count = workers_svc_migrations_count,
        .peers = PEER_BIT(PEER_QUEUES),
    };
}

static void free_workers(void *ctx, int64_t until_mono_us)
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
    struct workers *workers = xcalloc(1, sizeof *workers);
    app_set_state(app, workers);
    app_on_close(app, APP_FREE, "state", free_workers, workers);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &workers->host, err);
    if (code != ERR_OK)
        return code;
    rpc_server_add(workers->host.server, &workers_service, workers);
    for (size_t i = 0; i < worker_consumer_count; i++) {
        struct bus_consumer *consumer =
            bus_consumer_start(workers->host.bus, &worker_consumers[i], workers);
        app_on_close(app, APP_FINISH_CALLS, "consumer", stop_consumer, consumer);
    }
    return host_serve(&workers->host, err);
}

static enum err_code migrate(struct app *app, struct err *err)
{
    struct host_spec spec = host_spec();
    return host_migrate(app, &spec, err);
}

const struct app_spec workers_app = {
    .name = "workers-svc",
    .summary = "workspaces, activities, workers and worker channels of TaskRouter",
    .version = "0.1.0",
    .migrate = migrate,
    .start = start,
};
