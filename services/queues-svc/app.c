#include "app.h"

#include "base/macros.h"
#include "config_table.h"
#include "migrations.h"
#include "queue_consumers.h"
#include "queue_events.h"
#include "queues.h"
#include "queues_service.h"
#include "svc/mirror.h"

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "queues",
        .migrations = queues_svc_migrations,
        .migration_count = queues_svc_migrations_count,
        .peers = PEER_BIT(PEER_WORKERS) | PEER_BIT(PEER_ROUTING) | PEER_BIT(PEER_TASKS),
        .plans_each_time = true, /* lists have optional filters */
    };
}

static enum err_code start(struct app *app, struct err *err)
{
    struct queues *queues = host_state_new(app, sizeof *queues);
    queues->settings = app_service_settings(app);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &queues->host, err);
    if (code != ERR_OK)
        return code;
    queues->workspaces = (struct workspaces){
        .pool = queues->host.pool,
        .workers = queues->host.as_service[PEER_WORKERS],
        .outbox = queues->host.outbox,
        .born = queue_workspace_born,
        .gone = queue_workspace_gone,
    };
    rpc_server_add(queues->host.server, &queues_service, queues);
    rpc_server_add(queues->host.server, &queues_mirror_service, queues);
    mirror_forward(&queues->host);
    host_consume(&queues->host, queue_consumers, queue_consumer_count, queues);
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
    .settings = queues_settings_table,
    .setting_count = ARRAY_LEN(queues_settings_table),
    .settings_size = sizeof(struct queues_settings),
    .migrate = migrate,
    .start = start,
};
