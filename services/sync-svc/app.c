#include "app.h"

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

static enum err_code start(struct app *app, struct err *err)
{
    struct sync *sync = host_state_new(app, sizeof *sync);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &sync->host, err);
    if (code != ERR_OK)
        return code;
    sync->workspaces = (struct workspaces){
        .pool = sync->host.pool,
        .workers = sync->host.as_service[PEER_WORKERS],
        .gone = sync_workspace_gone,
    };
    rpc_server_add(sync->host.server, &sync_service, sync);
    host_consume(&sync->host, sync_consumers, sync_consumer_count, sync);
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
