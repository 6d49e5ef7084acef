#include "app.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "config_table.h"
#include "ingest.h"
#include "ingest_service.h"
#include "migrations.h"
#include "mirror.h"
#include "runs.h"
#include "svc/decide.h"
#include "sync.h"
#include "sync_consumers.h"
#include "sync_service.h"
#include "sync_settings.h"
#include "telephony.h"
#include "telephony_service.h"
#include "upstream.h"
#include "upstream_service.h"
#include "write_service.h"
#include "writes.h"

enum { WRITES_WAITING = 8 }; /* for a thread, each */

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "sync",
        .migrations = sync_svc_migrations,
        .migration_count = sync_svc_migrations_count,
        .peers = MIRROR_PEERS,
    };
}

/* ---- closers ---- */

static void stop_upstream(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    upstream_stop(ctx);
}

static void close_upstream(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    upstream_close(ctx);
}

static void close_ingest(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    ingest_free(ctx);
}

static void close_runs(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    runs_close(ctx);
}

/* ---- start ---- */

static struct upstream *open_upstream(struct app *app, const struct upstream_options *options)
{
    struct upstream *upstream = upstream_open(options);
    app_on_close(app, APP_FREE, "upstream", close_upstream, upstream);
    return upstream;
}

/* What both APIs have in common; each has its own pace, breaker and connections, so that neither
 * stands in the other's way. */
static struct upstream_options upstream_options(const struct sync_settings *settings)
{
    return (struct upstream_options){
        .account_sid = settings->account_sid,
        .auth_token = settings->auth_token,
        .ca_file = settings->twilio_ca_file,
        .rate = settings->twilio_rate,
        .burst = settings->twilio_burst,
        .concurrency = settings->twilio_concurrency,
        .timeout_ms = settings->twilio_timeout_ms,
    };
}

static struct upstream *open_taskrouter(struct app *app, const struct sync_settings *settings)
{
    struct upstream_options options = upstream_options(settings);
    options.url = settings->twilio_url;
    options.url_setting = "TASKROUTER_TWILIO_URL";
    options.api = "taskrouter";
    return open_upstream(app, &options);
}

static void free_telephony(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    free(ctx);
}

/* The provider is chosen here; there is one. */
static struct upstream *open_telephony(struct app *app, struct sync *sync)
{
    const struct sync_settings *settings = sync->settings;
    struct upstream_options options = upstream_options(settings);
    options.url = settings->twilio_voice_url;
    options.url_setting = "TASKROUTER_TWILIO_VOICE_URL";
    options.api = "voice";
    struct opened {
        struct telephony telephony;
        struct twilio_voice voice;
    } *opened = xcalloc(1, sizeof *opened);
    opened->voice.upstream = open_upstream(app, &options);
    opened->voice.account_sid = settings->account_sid;
    opened->telephony = (struct telephony){&twilio_voice_provider, &opened->voice};
    app_on_close(app, APP_FREE, "telephony", free_telephony, opened);
    sync->telephony = &opened->telephony;
    return opened->voice.upstream;
}

static void close_decider(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    decider_close(ctx);
}

static void start_writes(struct sync *sync, struct writes *writes)
{
    const struct sync_settings *settings = sync->settings;
    struct decider *decider = decider_open(&(struct decider_options){
        .routing = sync->host.as_service[PEER_ROUTING], .bus = sync->host.bus});
    app_on_close(sync->host.app, APP_CLOSE_CLIENTS, "decider", close_decider, decider);
    writes_start(writes, &(struct writes_options){
                             .host = &sync->host,
                             .workspaces = &sync->workspaces,
                             .upstream = sync->upstream,
                             .decider = decider,
                             .account_sid = settings->account_sid,
                             .workspace_sid = settings->workspace_sid,
                             .workflow_sid = settings->workflow_sid,
                             .threads = (size_t)settings->writes,
                             .queue = (size_t)settings->writes * WRITES_WAITING,
                             .settle_ms = settings->settle_ms,
                         });
}

static void open_runs(struct app *app, struct sync *sync)
{
    const struct sync_settings *settings = sync->settings;
    sync->runs = runs_open(&(struct runs_options){
        .host = &sync->host,
        .upstream = sync->upstream,
        .account_sid = settings->auth_token == NULL ? NULL : settings->account_sid,
        .concurrency = settings->twilio_concurrency,
        .patience_ms = settings->patience_ms,
        .weekly_ms = settings->weekly_ms,
        .reconcile_ms = settings->reconcile_ms,
    });
    app_on_close(app, APP_FREE, "runs", close_runs, sync->runs);
}

static enum err_code start(struct app *app, struct err *err)
{
    struct sync *sync = host_state_new(app, sizeof *sync);
    sync->settings = app_service_settings(app);
    sync->upstream = open_taskrouter(app, sync->settings);
    struct upstream *voice = open_telephony(app, sync);
    struct writes *writes =
        writes_new(app); /* ends after the calls, which host_open's closers end */
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &sync->host, err);
    if (code != ERR_OK)
        return code;
    sync->workspaces = (struct workspaces){
        .pool = sync->host.pool,
        .workers = sync->host.as_service[PEER_WORKERS],
        .gone = sync_workspace_gone,
    };
    sync->ingest = ingest_new(&(struct ingest_options){
        .host = &sync->host,
        .workspaces = &sync->workspaces,
        .upstream = sync->upstream,
    });
    app_on_close(app, APP_FREE, "ingest", close_ingest, sync->ingest);
    app_on_close(app, APP_FINISH_CALLS, "upstream calls", stop_upstream, sync->upstream);
    app_on_close(app, APP_FINISH_CALLS, "voice calls", stop_upstream, voice);
    open_runs(app, sync);
    rpc_server_add(sync->host.server, &sync_service, sync);
    rpc_server_add(sync->host.server, &upstream_service, sync);
    rpc_server_add(sync->host.server, &ingest_service, sync);
    rpc_server_add(sync->host.server, &telephony_service, sync);
    rpc_server_add(sync->host.server, &write_service, sync);
    start_writes(sync, writes);
    host_consume(&sync->host, sync_consumers, sync_consumer_count, sync);
    runs_start(sync->runs, app);
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
    .settings = sync_settings_table,
    .setting_count = ARRAY_LEN(sync_settings_table),
    .settings_size = sizeof(struct sync_settings),
    .migrate = migrate,
    .start = start,
};
