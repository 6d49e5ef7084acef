#include "svc/host.h"

#include <stdint.h>
#include <stdlib.h>

#include "app/app.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "bus/bus.h"
#include "db/db.h"
#include "db/idempotency.h"
#include "db/migrate.h"
#include "host_sql.h"
#include "outbox/outbox.h"
#include "rpc/auth.h"
#include "rpc/client.h"
#include "rpc/server.h"

enum {
    START_BUDGET_US = 10 * 1000 * 1000, /* for the schema check at the start */
    ARENA_BYTES = 1 << 20,
    OUTBOX_DRAIN_MS = 2000,
    SERVICE_CALL_MS = 3000,
    PRUNE_PERIOD_MS = 10 * 60 * 1000,
};

#define KEEP_KEYS_US (INT64_C(24) * 3600 * US_PER_S) /* what the protos promise for keys */

struct peer_row {
    const char *name;
    size_t setting_offset; /* of a const char * in struct app_settings */
};

static const struct peer_row peer_rows[PEER_COUNT] = {
#define X(name, setting, text) [PEER_##name] = {(text), offsetof(struct app_settings, setting)},
    PEERS(X)
#undef X
};

static void close_server(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    rpc_server_close(ctx);
}

static void stop_serving(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    rpc_server_set_serving(ctx, false);
}

static void drain_server(void *ctx, int64_t until_mono_us)
{
    rpc_server_drain(ctx, app_left_ms(until_mono_us));
}

static void flush_outbox(void *ctx, int64_t until_mono_us)
{
    int left_ms = app_left_ms(until_mono_us);
    (void)outbox_drain(ctx, left_ms > OUTBOX_DRAIN_MS ? OUTBOX_DRAIN_MS : left_ms);
    outbox_close(ctx);
}

static void close_client(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    rpc_client_free(ctx);
}

static void close_directory(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    rpc_directory_free(ctx);
}

static void close_bus(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    bus_close(ctx);
}

static void close_pool(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    db_pool_close(ctx);
}

static void free_state(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    free(ctx);
}

void *host_state_new(struct app *app, size_t size)
{
    void *state = xcalloc(1, size);
    app_set_state(app, state);
    app_on_close(app, APP_FREE, "state", free_state, state);
    return state;
}

/* All are told to end before the first is waited for. */
static void end_consumer(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    bus_consumer_end(ctx);
}

static void stop_consumer(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    bus_consumer_stop(ctx);
}

void host_consume(struct host *host, const struct bus_consumer_def *defs, size_t count, void *ctx)
{
    for (size_t i = 0; i < count; i++) {
        struct bus_consumer *consumer = bus_consumer_start(host->bus, &defs[i], ctx);
        app_on_close(host->app, APP_STOP_ACCEPTING, "consumer", end_consumer, consumer);
        app_on_close(host->app, APP_FINISH_CALLS, "consumer", stop_consumer, consumer);
    }
}

static enum err_code check_pool(void *ctx, struct call *call, struct err *err)
{
    return db_pool_ping(ctx, call, err);
}

static enum err_code prune_keys(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    return idempotency_prune(ctx, call, KEEP_KEYS_US, NULL, err);
}

/* Not every schema keeps keys. */
static enum err_code has_keys(struct db_pool *pool, struct call *call, bool *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &host_has_keys, DB_NO_PARAMS, &result, err);
    if (code == ERR_OK)
        *out = db_get_bool(result, 0, 0);
    return code;
}

static enum err_code check_schema(struct host *host, const struct host_spec *spec, struct err *err)
{
    static const struct app_job_def prune = {
        .name = "idempotency keys",
        .run = prune_keys,
        .period_ms = PRUNE_PERIOD_MS,
        .runs_at_start = true,
    };
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct call call;
    call_init(&call, arena, "start", START_BUDGET_US);
    bool keeps_keys = false;
    enum err_code code =
        db_schema_check(host->pool, &call, spec->migrations, spec->migration_count, err);
    if (code == ERR_OK)
        code = has_keys(host->pool, &call, &keeps_keys, err);
    if (keeps_keys)
        (void)app_job_start(host->app, &prune, host->pool);
    return code;
}

static enum err_code open_database(struct app *app, const struct host_spec *spec, struct host *host,
                                   struct err *err)
{
    const struct app_settings *settings = app_settings(app);
    host->pool = db_pool_open(&(struct db_options){
        .url = settings->database_url,
        .name = app_spec(app)->name,
        .schema = spec->schema,
        .size = (int)settings->database_pool,
        .plans_each_time = spec->plans_each_time,
        .avoids_scans = spec->avoids_scans,
    });
    app_on_close(app, APP_CLOSE_DB, "database pool", close_pool, host->pool);
    app_ready_check(app, "database", check_pool, host->pool);
    return check_schema(host, spec, err);
}

static enum err_code open_bus(struct app *app, const struct host_spec *spec, struct host *host,
                              struct err *err)
{
    const struct app_settings *settings = app_settings(app);
    enum err_code code = bus_open(
        &(struct bus_options){
            .url = settings->nats_url,
            .name = app_spec(app)->name,
            .ca_file = settings->nats_ca_file,
            .max_age_s = settings->event_max_age_ms / 1000,
        },
        &host->bus, err);
    if (code != ERR_OK)
        return code;
    app_on_close(app, APP_CLOSE_BUS, "bus", close_bus, host->bus);
    app_ready_check(app, "bus", bus_check, host->bus);
    if (spec->has_own_relay)
        return ERR_OK;
    host->outbox = outbox_open(&(struct outbox_options){
        .url = settings->database_url,
        .schema = spec->schema,
        .name = app_spec(app)->name,
        .bus = host->bus,
    });
    app_on_close(app, APP_FLUSH_OUTBOX, "outbox", flush_outbox, host->outbox);
    return ERR_OK;
}

static struct rpc_client *open_client(struct app *app, enum peer peer, const char *target,
                                      bool as_service)
{
    const struct app_settings *settings = app_settings(app);
    struct rpc_client_tls tls = {
        .ca_file = settings->tls_ca_file,
        .cert_file = settings->tls_cert_file,
        .key_file = settings->tls_key_file,
    };
    struct rpc_client *client = rpc_client_new(&(struct rpc_client_config){
        .target = target,
        .peer = peer_rows[peer].name,
        .self = app_spec(app)->name,
        .token = settings->service_token,
        .tls = settings->tls_cert_file != NULL ? &tls : NULL,
        .as_service = as_service,
        .default_timeout_ms = SERVICE_CALL_MS,
    });
    app_on_close(app, APP_CLOSE_CLIENTS, "rpc client", close_client, client);
    return client;
}

static enum err_code open_clients(struct app *app, const struct host_spec *spec, struct host *host,
                                  struct err *err)
{
    unsigned wanted = spec->peers | (spec->auth != NULL ? 0U : PEER_BIT(PEER_GATEWAY));
    for (int i = 0; i < PEER_COUNT; i++) {
        if ((wanted & PEER_BIT(i)) == 0)
            continue;
        const char *target = *(const char *const *)(const void *)((const char *)app_settings(app) +
                                                                  peer_rows[i].setting_offset);
        if (target == NULL)
            return ERR_SET(err, ERR_FAILED_PRECONDITION, "PEER_MISSING",
                           "the address of %s is missing: set its TASKROUTER_GRPC_ variable to "
                           "host:port",
                           peer_rows[i].name);
        host->as_caller[i] = open_client(app, (enum peer)i, target, false);
        host->as_service[i] = open_client(app, (enum peer)i, target, true);
    }
    return ERR_OK;
}

/* How the server tells callers apart: as the spec says, or by asking the gateway. */
static struct rpc_auth open_auth(struct app *app, const struct host_spec *spec, struct host *host)
{
    const char *service_token = app_settings(app)->service_token;
    if (spec->auth != NULL) {
        struct rpc_auth auth = *spec->auth;
        auth.service_token = service_token;
        return auth;
    }
    host->directory = rpc_directory_new(host->as_service[PEER_GATEWAY]);
    app_on_close(app, APP_CLOSE_CLIENTS, "directory", close_directory, host->directory);
    return rpc_auth_remote(host->directory, service_token);
}

static enum err_code open_server(struct app *app, const struct host_spec *spec, struct host *host,
                                 struct err *err)
{
    const struct app_settings *settings = app_settings(app);
    struct rpc_server_tls tls = {
        .cert_file = settings->tls_cert_file,
        .key_file = settings->tls_key_file,
        .ca_file = settings->tls_ca_file,
    };
    int64_t workers = settings->workers > 0 ? settings->workers : settings->database_pool + 2;
    enum err_code code = rpc_server_open(
        &(struct rpc_server_config){
            .listen = settings->grpc_listen,
            .tls = settings->tls_cert_file != NULL ? &tls : NULL,
            .auth = open_auth(app, spec, host),
            .workers = (size_t)workers,
            .request_arena_bytes = (size_t)settings->request_arena_bytes,
        },
        &host->server, err);
    if (code != ERR_OK)
        return code;
    /* the server goes before the directory that it asks */
    app_on_close(app, APP_STOP_ACCEPTING, "rpc health", stop_serving, host->server);
    app_on_close(app, APP_CLOSE_CLIENTS, "rpc server", close_server, host->server);
    app_on_close(app, APP_FINISH_CALLS, "rpc calls", drain_server, host->server);
    return ERR_OK;
}

enum err_code host_open(struct app *app, const struct host_spec *spec, struct host *host,
                        struct err *err)
{
    *host = (struct host){.app = app};
    enum err_code code = open_database(app, spec, host, err);
    if (code == ERR_OK)
        code = open_bus(app, spec, host, err);
    if (code == ERR_OK)
        code = open_clients(app, spec, host, err);
    if (code == ERR_OK)
        code = open_server(app, spec, host, err);
    return code;
}

enum err_code host_serve(struct host *host, struct err *err)
{
    enum err_code code = rpc_server_start(host->server, err);
    if (code != ERR_OK)
        return code;
    app_port_set(host->app, "grpc", rpc_server_port(host->server));
    rpc_server_set_serving(host->server, true);
    return ERR_OK;
}

enum err_code host_migrate(struct app *app, const struct host_spec *spec, struct err *err)
{
    return db_migrate(app_settings(app)->database_url, spec->schema, spec->migrations,
                      spec->migration_count, err);
}
