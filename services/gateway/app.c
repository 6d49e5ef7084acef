#include "app.h"

#include <stdlib.h>
#include <string.h>

#include "account_store.h"
#include "audit.h"
#include "auth.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "bridge.h"
#include "browser.h"
#include "bus/bus.h"
#include "call_rpc.h"
#include "calls.h"
#include "channels.h"
#include "config_table.h"
#include "crypt/crypt.h"
#include "customer_rpc.h"
#include "customers.h"
#include "default_workspace.h"
#include "directory_service.h"
#include "feed.h"
#include "gateway.h"
#include "migrations.h"
#include "outbox/outbox.h"
#include "rate.h"
#include "rest.h"
#include "rpc/auth.h"
#include "rpc/server.h"
#include "stream.h"
#include "token_events.h"
#include "token_store.h"
#include "twilio.h"
#include "twilio/phone.h"
#include "upkeep.h"
#include "vault.h"
#include "webhook_rpc.h"
#include "webhooks.h"
#include "workspace_events.h"

enum {
    START_BUDGET_US = 10 * 1000 * 1000,
    AUDIT_FLUSH_US = 3 * 1000 * 1000,
    ARENA_BYTES = 4 << 20,
    CORS_MAX = 32,
};

static struct host_spec host_spec(const struct rpc_auth *auth)
{
    return (struct host_spec){
        .schema = "gateway",
        .migrations = gateway_migrations,
        .migration_count = gateway_migrations_count,
        .peers = PEER_BIT(PEER_WORKERS) | PEER_BIT(PEER_QUEUES) | PEER_BIT(PEER_ROUTING) |
                 PEER_BIT(PEER_TASKS) | PEER_BIT(PEER_SYNC),
        .auth = auth,
    };
}

/* ---- closers ---- */

static void free_gateway(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    struct gateway *gateway = ctx;
    channels_free(gateway->channels);
    rest_free(gateway->rest);
    webhooks_free(gateway->webhooks);
    bridge_free(gateway->bridge);
    calls_free(gateway->calls);
    customers_free(gateway->customers);
    upkeep_free(gateway->upkeep);
    rate_free(gateway->rate);
    twilio_free(gateway->twilio);
    default_workspaces_free(gateway->workspaces);
    audit_free(gateway->audit);
    auth_free(gateway->auth);
    vault_free(gateway->vault);
    free(gateway->cors_text);
    free(gateway->cors_origins);
    free(gateway);
}

/* Requests and streams end before what they use. */
static void close_http(void *ctx, int64_t until_mono_us)
{
    http_server_drain(ctx, app_left_ms(until_mono_us));
    http_server_close(ctx);
}

static void stop_feed(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    feed_stop(ctx);
}

static void close_feed(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    feed_free(ctx);
}

static void flush_audit(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct call call;
    struct err err = {0};
    call_init(&call, arena, "audit", AUDIT_FLUSH_US);
    (void)(audit_flush(ctx, &call, &err) == ERR_OK); /* what is left is told by audit_free */
}

/* ---- the token of the configuration ---- */

struct bootstrap {
    const char *account_sid;
    const char *hash; /* NULL: none is configured */
};

static enum err_code bootstrap_tx(struct db_conn *conn, struct call *call, void *ctx,
                                  struct err *err)
{
    const struct bootstrap *bootstrap = ctx;
    struct token_bootstrap done;
    enum err_code code =
        token_store_bootstrap(conn, call, bootstrap->account_sid, bootstrap->hash, &done, err);
    if (code == ERR_OK && done.revoked_sid[0] != '\0')
        code = token_event_append(conn, call, "token.revoked", done.revoked_sid,
                                  done.revoked_account_sid, TOKEN_EVENT_REVOKED, err);
    if (code == ERR_OK && done.created_sid[0] != '\0')
        code = token_event_append(conn, call, "token.created", done.created_sid,
                                  bootstrap->account_sid, TOKEN_EVENT_CREATED, err);
    if (code == ERR_OK && bootstrap->account_sid[0] != '\0')
        code = account_store_adopt(conn, call, bootstrap->account_sid,
                                   "account of the configuration", err);
    return code;
}

static enum err_code install_bootstrap(struct gateway *gateway, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct call call;
    char hash[CRYPT_SHA256_HEX_SIZE];
    const char *token = gateway->settings->bootstrap_token;
    const char *account_sid = gateway_account_sid(gateway->settings);
    struct bootstrap bootstrap = {account_sid != NULL ? account_sid : "", NULL};
    call_init(&call, arena, "start", START_BUDGET_US);
    enum err_code code = ERR_OK;
    if (token != NULL) {
        code = crypt_token_hash(str_from(token), hash, err);
        bootstrap.hash = hash;
    }
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, &call, bootstrap_tx, &bootstrap, err);
    return code;
}

/* ---- start ---- */

/* Commas become ends of texts; the copy and the list live in the gateway's own storage. */
static const char *const *cors_origins(struct gateway *gateway)
{
    if (gateway->settings->cors_origins == NULL)
        return NULL;
    char *text = xstrdup(gateway->settings->cors_origins);
    size_t count = 0;
    gateway->cors_text = text;
    gateway->cors_origins = xcalloc(CORS_MAX + 1, sizeof *gateway->cors_origins);
    while (text != NULL && count < CORS_MAX) {
        char *comma = strchr(text, ',');
        if (comma != NULL)
            *comma = '\0';
        while (*text == ' ')
            text++;
        if (*text != '\0')
            gateway->cors_origins[count++] = text;
        text = comma != NULL ? comma + 1 : NULL;
    }
    return gateway->cors_origins;
}

static enum err_code open_http(struct app *app, struct gateway *gateway, struct err *err)
{
    const struct app_settings *settings = app_settings(app);
    gateway->route_sets[0] = rest_route_set(gateway->rest);
    gateway->route_sets[1] = twilio_route_set(gateway->twilio);
    gateway->route_sets[2] = browser_route_set(gateway);
    gateway->route_sets[3] = app_ops(app);
    enum err_code code = http_server_open(
        &(struct http_server_config){
            .listen = settings->http_listen,
            .name = "public",
            .sets = gateway->route_sets,
            .set_count = ARRAY_LEN(gateway->route_sets),
            .authenticate = rest_authenticate,
            .auth_ctx = gateway,
            .cors_origins = cors_origins(gateway),
            .workers = (int)gateway->settings->http_workers,
            .request_arena_bytes = (size_t)settings->request_arena_bytes,
            .max_streams = (size_t)gateway->settings->max_streams,
            .max_sockets = (size_t)gateway->settings->max_sockets,
        },
        &gateway->http, err);
    if (code != ERR_OK)
        return code;
    app_on_close(app, APP_FINISH_CALLS, "http server", close_http, gateway->http);
    app_port_set(app, "http", http_server_port(gateway->http));
    return ERR_OK;
}

static struct rate *rate_limits(const struct gateway_settings *settings)
{
    const int64_t per_second[RATE_CLASS_COUNT] = {
        [RATE_GENERAL] = settings->rate_requests,
        [RATE_CREATE_TASK] = settings->rate_task_creation,
        [RATE_TARGET_WORKERS] = settings->rate_expressions,
        [RATE_EVALUATE_TASKS] = settings->rate_expressions,
        [RATE_EVALUATE_WORKERS] = settings->rate_expressions,
        [RATE_BULK_STATISTICS] = settings->rate_bulk_statistics,
    };
    return rate_new(per_second);
}

static void on_event(void *listener, const struct frame *frame, struct str payload)
{
    if (str_eq(frame->type, STR("token.revoked")))
        channels_revoke(listener, frame->resource_sid);
    channels_publish(listener, frame, payload);
}

static enum err_code start(struct app *app, struct err *err)
{
    struct gateway *gateway = xcalloc(1, sizeof *gateway);
    app_set_state(app, gateway);
    app_on_close(app, APP_FREE, "state", free_gateway, gateway);
    gateway->settings = app_service_settings(app);
    struct rpc_auth auth = {.authenticate = auth_token, .cached = auth_token_cached};
    enum err_code code = vault_new(gateway->settings->secret_key,
                                   gateway->settings->secret_key_previous, &gateway->vault, err);
    if (code != ERR_OK)
        return code;
    gateway->auth = auth_new(gateway_account_sid(gateway->settings),
                             gateway_auth_token(gateway->settings), gateway->vault);
    auth.ctx = gateway->auth;
    struct host_spec spec = host_spec(&auth);
    code = host_open(app, &spec, &gateway->host, err);
    if (code != ERR_OK)
        return code;
    auth_pool_set(gateway->auth, gateway->host.pool);
    code = install_bootstrap(gateway, err);
    if (code != ERR_OK)
        return code;
    code = customers_new(gateway, &gateway->customers, err);
    if (code != ERR_OK)
        return code;
    gateway->workspaces = default_workspaces_new(gateway->host.as_caller[PEER_WORKERS],
                                                 gateway->settings->default_workspace);
    gateway->audit = audit_new(gateway->host.pool, gateway->settings->audit_max_age_ms);
    audit_start(gateway->audit, app);
    app_on_close(app, APP_FLUSH_OUTBOX, "audit", flush_audit, gateway->audit);
    gateway->channels = channels_new();
    channels_start(gateway->channels, app);
    gateway->feed = feed_new(&(struct feed_options){
        .on_event = on_event,
        .listener = gateway->channels,
        .bus = gateway->host.bus,
        .auth = gateway->auth,
        .workspaces = gateway->workspaces,
    });
    app_on_close(app, APP_CLOSE_BUS, "event feed", close_feed, gateway->feed);
    feed_start(gateway->feed, app);
    app_ready_check(app, "event feed", feed_check, gateway->feed);
    app_on_close(app, APP_FINISH_CALLS, "event replays", stop_feed, gateway->feed);
    gateway->rate = rate_limits(gateway->settings);
    gateway->rest = rest_new(gateway, stream_handle, webhooks_handle);
    code = twilio_new(gateway, app_settings(app)->service_token, &gateway->twilio, err);
    if (code != ERR_OK)
        return code;
    gateway->calls = calls_new(gateway);
    gateway->bridge = bridge_new(gateway);
    code = webhooks_new(gateway, &gateway->webhooks, err);
    if (code != ERR_OK)
        return code;
    webhooks_start(gateway->webhooks, app);
    bridge_start(gateway->bridge, app);
    gateway->upkeep = upkeep_new(gateway->host.pool, gateway->settings->call_max_age_ms);
    upkeep_start(gateway->upkeep, app);
    host_consume(&gateway->host, workspace_consumers, workspace_consumer_count, gateway);
    rpc_server_add(gateway->host.server, &directory_service, gateway);
    rpc_server_add(gateway->host.server, &webhook_service, gateway);
    rpc_server_add(gateway->host.server, &call_service, gateway);
    rpc_server_add(gateway->host.server, &customer_service, gateway);
    code = host_serve(&gateway->host, err);
    return code == ERR_OK ? open_http(app, gateway, err) : code;
}

static enum err_code migrate(struct app *app, struct err *err)
{
    struct host_spec spec = host_spec(NULL);
    return host_migrate(app, &spec, err);
}

static enum err_code check(struct app *app, struct err *err)
{
    const struct gateway_settings *settings = app_service_settings(app);
    bool needs_account = settings->bootstrap_token != NULL || gateway_auth_token(settings) != NULL;
    if (needs_account && gateway_account_sid(settings) == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                       "TASKROUTER_ACCOUNT_SID is missing: write the account's SID, AC and 32 "
                       "hexadecimal digits, beside TASKROUTER_BOOTSTRAP_TOKEN and "
                       "TASKROUTER_AUTH_TOKEN");
    enum err_code code = webhooks_check_instruction(settings->assignment_instruction, err);
    if (code != ERR_OK)
        return code;
    if (!phone_region_is_known(str_from(settings->phone_region)))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                       "TASKROUTER_PHONE_REGION is not known: write a country such as US or GB");
    code = customers_check(settings, err);
    if (code != ERR_OK)
        return code;
    struct vault *vault = NULL;
    code = vault_new(settings->secret_key, settings->secret_key_previous, &vault, err);
    vault_free(vault);
    if (code != ERR_OK)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                       "TASKROUTER_SECRET_KEY or TASKROUTER_SECRET_KEY_PREVIOUS is no key: write "
                       "the 64 hexadecimal digits that openssl rand -hex 32 prints");
    return ERR_OK;
}

const struct app_spec gateway_app = {
    .name = "gateway",
    .summary = "REST, event streams and API tokens of TaskRouter",
    .version = "0.1.0",
    .settings = gateway_settings_table,
    .setting_count = ARRAY_LEN(gateway_settings_table),
    .settings_size = sizeof(struct gateway_settings),
    .check = check,
    .migrate = migrate,
    .start = start,
    .serves_http = true,
};
