#include "app.h"

#include "base/macros.h"
#include "config_table.h"
#include "migrations.h"
#include "routing.h"
#include "routing_consumers.h"
#include "routing_service.h"
#include "svc/mirror.h"

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "routing",
        .migrations = routing_svc_migrations,
        .migration_count = routing_svc_migrations_count,
        .peers = PEER_BIT(PEER_WORKERS) | PEER_BIT(PEER_QUEUES) | PEER_BIT(PEER_TASKS),
    };
}

static enum err_code start(struct app *app, struct err *err)
{
    struct routing *routing = host_state_new(app, sizeof *routing);
    routing->settings = app_service_settings(app);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &routing->host, err);
    if (code != ERR_OK)
        return code;
    routing->workspaces = (struct workspaces){
        .pool = routing->host.pool,
        .workers = routing->host.as_service[PEER_WORKERS],
        .outbox = routing->host.outbox,
        .born = routing_workspace_born,
        .gone = routing_workspace_gone,
    };
    rpc_server_add(routing->host.server, &routing_service, routing);
    rpc_server_add(routing->host.server, &routing_mirror_service, routing);
    mirror_forward(&routing->host);
    host_consume(&routing->host, routing_consumers, routing_consumer_count, routing);
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
    .settings = routing_settings_table,
    .setting_count = ARRAY_LEN(routing_settings_table),
    .settings_size = sizeof(struct routing_settings),
    .migrate = migrate,
    .start = start,
};
