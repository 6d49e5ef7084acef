#include "app.h"

#include "base/macros.h"
#include "bus/bus.h"
#include "config_table.h"
#include "counters.h"
#include "figures.h"
#include "migrations.h"
#include "routing.h"
#include "routing_consumers.h"
#include "routing_service.h"
#include "rule_changes.h"
#include "rules_service.h"
#include "snapshots.h"
#include "svc/mirror.h"
#include "upkeep.h"

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "routing",
        .migrations = routing_svc_migrations,
        .migration_count = routing_svc_migrations_count,
        .peers = PEER_BIT(PEER_WORKERS) | PEER_BIT(PEER_QUEUES) | PEER_BIT(PEER_TASKS),
    };
}

static void free_snapshots(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    snapshots_free(ctx);
}

static void free_counters(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    counters_free(ctx);
}

static void free_figures(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    figures_free(ctx);
}

static void close_changes(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    rule_changes_close(ctx);
}

/* What decisions need beside the database. */
static void open_decisions(struct app *app, struct routing *routing)
{
    routing->snapshots = snapshots_new(routing);
    app_on_close(app, APP_FREE, "snapshots", free_snapshots, routing->snapshots);
    routing->counters = counters_new(routing->host.pool);
    app_on_close(app, APP_FREE, "rule counters", free_counters, routing->counters);
    app_on_close(app, APP_FLUSH_OUTBOX, "rule counters", counters_flush, routing->counters);
    (void)app_job_start(app, &counters_job, routing->counters);
    routing->figures = figures_new(routing->host.as_service[PEER_TASKS]);
    app_on_close(app, APP_FREE, "figures", free_figures, routing->figures);
    app_on_close(app, APP_CLOSE_BUS, "rule changes", close_changes,
                 rule_changes_open(routing->host.bus, routing->snapshots));
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
    open_decisions(app, routing);
    (void)app_job_start(app, &upkeep_job, routing);
    rpc_server_add(routing->host.server, &routing_service, routing);
    rpc_server_add(routing->host.server, &routing_rules_service, routing);
    rpc_server_add(routing->host.server, &routing_hours_service, routing);
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
