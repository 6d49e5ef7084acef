#include "app.h"

#include "base/macros.h"
#include "config_table.h"
#include "migrations.h"
#include "mirror_service.h"
#include "svc/mirror.h"
#include "worker_consumers.h"
#include "workers.h"
#include "workers_service.h"

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "workers",
        .migrations = workers_svc_migrations,
        .migration_count = workers_svc_migrations_count,
        .peers = PEER_BIT(PEER_QUEUES) | PEER_BIT(PEER_ROUTING) | PEER_BIT(PEER_TASKS) |
                 PEER_BIT(PEER_GATEWAY),
        .plans_each_time = true, /* lists have optional filters */
        .avoids_scans = true,    /* what an expression finds is not known to statistics */
    };
}

static enum err_code start(struct app *app, struct err *err)
{
    struct workers *workers = host_state_new(app, sizeof *workers);
    workers->settings = app_service_settings(app);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &workers->host, err);
    if (code != ERR_OK)
        return code;
    rpc_server_add(workers->host.server, &workers_service, workers);
    rpc_server_add(workers->host.server, &mirror_service, workers);
    mirror_forward(&workers->host);
    host_consume(&workers->host, worker_consumers, worker_consumer_count, workers);
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
    .settings = workers_settings_table,
    .setting_count = ARRAY_LEN(workers_settings_table),
    .settings_size = sizeof(struct workers_settings),
    .migrate = migrate,
    .start = start,
};
