#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "bus/bus.h"
#include "callback_jobs.h"
#include "callbacks.h"
#include "callbacks_service.h"
#include "config/config.h"
#include "config_feed.h"
#include "deciding.h"
#include "explain_rpc.h"
#include "fetcher.h"
#include "forwarding.h"
#include "gauges.h"
#include "log_keys.h"
#include "migrations.h"
#include "mirror_service.h"
#include "peers.h"
#include "projection.h"
#include "relay.h"
#include "retention.h"
#include "rpc/server.h"
#include "shard_store.h"
#include "shards_service.h"
#include "shell.h"
#include "signing.h"
#include "statistics_service.h"
#include "svc/decide.h"
#include "tasks.h"
#include "tasks_service.h"

enum {
    START_BUDGET_US = 10 * 1000 * 1000,
    RELAY_DRAIN_MS = 2000,
    LEAVE_MS = 3000,       /* at least for handing the shards over, and of the drain time … */
    AFTER_LEAVE_MS = 2000, /* … all but that: a large shard takes its successor a while */
    CALLBACKS_DRAIN_MS = 500,
};

struct tasks_settings {
    int64_t shards;
    int64_t queue_depth;
    int64_t batch_max;
    int64_t lease_ms;
    int64_t task_limit;
    int64_t worker_statistics_limit;
    int64_t redact_ms;
    const char *advertise;
    int64_t wrap_up_ms;
    int64_t event_days;
    int64_t history_days;
    int64_t statistics_keep_ms;
    int64_t statistics_minutes_ms;
    const char *account_sid;        /* TASKROUTER_ACCOUNT_SID */
    const char *auth_token;         /* TASKROUTER_AUTH_TOKEN */
    const char *twilio_account_sid; /* stand in for the two */
    const char *twilio_auth_token;
    const char *callback_ca_file;
    bool callback_allow_private;
    int64_t callback_transfers;
    int64_t callback_attempts;
    int64_t callback_max_age_ms;
    int64_t callback_backoff_ms;
    int64_t callback_event_timeout_ms;
    int64_t callback_assignment_timeout_ms;
    int64_t callback_keep_ms;
    int64_t callback_keep_dead_ms;
};

/* Calls instead of nested braces: the array alignment of clang-format 14 crashes on rows of such
 * different lengths. */
#define ROW(key_, type_, member, help_, ...)                                                       \
    {                                                                                              \
        .key = (key_), .type = (type_), .help = (help_),                                           \
        CONFIG_FIELD(struct tasks_settings, member), __VA_ARGS__                                   \
    }

static const struct config_setting settings_table[] = {
    {.key = "TASKROUTER_TASKS_SHARDS",
     .type = CONFIG_INT,
     .default_text = "1",
     .min = 1,
     .max = 64,
     .help = "Shards the workspaces are divided over; fixed once tasks were stored.",
     CONFIG_FIELD(struct tasks_settings,                                                                     shards)     },
    {.key = "TASKROUTER_TASKS_QUEUE",
     .type = CONFIG_INT,
     .default_text = "4096",
     .min = 16,
     .max = 1000000,
     .help = "Operations that may wait for a shard before new ones are refused.",
     CONFIG_FIELD(struct tasks_settings,                                                                     queue_depth)},
    {.key = "TASKROUTER_TASKS_BATCH",
     .type = CONFIG_INT,
     .default_text = "256",
     .min = 1,
     .max = 1024,
     .help = "Operations that one commit may serve.",
     CONFIG_FIELD(struct tasks_settings,                                                                     batch_max)  },
    ROW("TASKROUTER_LIMIT_TASKS", CONFIG_INT, task_limit,
        "Tasks of a workspace in all states, 0 = any number; at Twilio 500000.",
        .default_text = "0", .min = 0, .max = 1000000000),
    ROW("TASKROUTER_LIMIT_WORKER_STATISTICS", CONFIG_INT, worker_statistics_limit,
        "Statistics of workers are off above so many in a workspace, 0 = never; at Twilio 100.",
        .default_text = "0", .min = 0, .max = 1000000000),
    ROW("TASKROUTER_TASKS_REDACT", CONFIG_DURATION_MS, redact_ms,
        "Events older than that come without the task's attributes, 0 = never; at Twilio 30d.",
        .default_text = "0s", .min = 0, .max = INT64_C(3650) * 86400000),
    ROW("TASKROUTER_TASKS_EVENT_DAYS", CONFIG_INT, event_days,
        "Days that the event log reaches back.", .default_text = "35", .min = 1, .max = 36500),
    ROW("TASKROUTER_TASKS_HISTORY_DAYS", CONFIG_INT, history_days,
        "Days that tasks and reservations are kept after they left the lists.",
        .default_text = "90", .min = 1, .max = 36500),
    {.key = "TASKROUTER_TASKS_LEASE",
     .type = CONFIG_DURATION_MS,
     .default_text = "1200ms",
     .min = 500,
     .max = 300000,
     .help = "How long a process that hangs or cannot be reached keeps its shards.",
     CONFIG_FIELD(struct tasks_settings,                                                                     lease_ms)   },
    {.key = "TASKROUTER_GRPC_ADVERTISE",
     .type = CONFIG_HOST_PORT,
     .help = "Where the others reach this one; default: where it listens, or the host's name.",
     CONFIG_FIELD(struct tasks_settings, advertise)            },
    ROW("TASKROUTER_TASKS_WRAPUP", CONFIG_DURATION_MS, wrap_up_ms,
        "After which wrapping tasks complete by themselves, unless the call says; 0 = never.",
        .default_text = "0s", .min = 0, .max = 86400000),
    {.key = "TASKROUTER_TASKS_STATISTICS",
     .type = CONFIG_DURATION_MS,
     .default_text = "9600h",
     .min = 2592000000,
     .max = 315360000000,
     .help = "How far back statistics reach (400 days).",
     CONFIG_FIELD(struct tasks_settings,      statistics_keep_ms)                                                                                          },
    {.key = "TASKROUTER_TASKS_STATISTICS_MINUTES",
     .type = CONFIG_DURATION_MS,
     .default_text = "840h",
     .min = 86400000,
     .max = 315360000000,
     .help = "How far back they are kept by the minute (35 days); before that by the hour.",
     CONFIG_FIELD(struct tasks_settings,statistics_minutes_ms)                                                                                          },
    ROW("TASKROUTER_ACCOUNT_SID", CONFIG_SID, account_sid,
        "The account whose callbacks are signed; default: TWILIO_ACCOUNT_SID.", .choices = "AC"),
    ROW("TASKROUTER_AUTH_TOKEN", CONFIG_STRING, auth_token,
        "Signs callbacks; without it they are not signed. Default: TWILIO_AUTH_TOKEN.", .min = 16,
        .max = 256, .is_secret = true),
    ROW("TWILIO_ACCOUNT_SID", CONFIG_SID, twilio_account_sid,
        "Stands in for TASKROUTER_ACCOUNT_SID.", .choices = "AC"),
    ROW("TWILIO_AUTH_TOKEN", CONFIG_STRING, twilio_auth_token,
        "Stands in for TASKROUTER_AUTH_TOKEN.", .min = 16, .max = 256, .is_secret = true),
    ROW("TASKROUTER_CALLBACK_ALLOW_PRIVATE", CONFIG_BOOL, callback_allow_private,
        "Callbacks may go to private and loopback addresses.", .default_text = "false"),
    ROW("TASKROUTER_CALLBACK_CA_FILE", CONFIG_PATH, callback_ca_file,
        "PEM file of the CAs that receivers are checked against; default: the system's.",
        .max = 4096),
    ROW("TASKROUTER_CALLBACK_TRANSFERS", CONFIG_INT, callback_transfers,
        "Callbacks under way at once; one URL gets at most a quarter.", .default_text = "64",
        .min = 4, .max = 1024),
    ROW("TASKROUTER_CALLBACK_ATTEMPTS", CONFIG_INT, callback_attempts,
        "How often an event is tried before it is dead.", .default_text = "16", .min = 1,
        .max = 1000),
    ROW("TASKROUTER_CALLBACK_MAX_AGE", CONFIG_DURATION_MS, callback_max_age_ms,
        "How long an event is tried before it is dead.", .default_text = "24h", .min = 1000,
        .max = INT64_C(30) * 86400000),
    ROW("TASKROUTER_CALLBACK_BACKOFF", CONFIG_DURATION_MS, callback_backoff_ms,
        "Wait after an event's first failure; doubles each time, up to 10 minutes.",
        .default_text = "1s", .min = 1, .max = 600000),
    ROW("TASKROUTER_CALLBACK_EVENT_TIMEOUT", CONFIG_DURATION_MS, callback_event_timeout_ms,
        "Time of a receiver of events to answer.", .default_text = "15s", .min = 100, .max = 60000),
    ROW("TASKROUTER_CALLBACK_ASSIGNMENT_TIMEOUT", CONFIG_DURATION_MS,
        callback_assignment_timeout_ms, "Time of a receiver of assignments to answer.",
        .default_text = "5s", .min = 100, .max = 60000),
    ROW("TASKROUTER_CALLBACK_RETENTION", CONFIG_DURATION_MS, callback_keep_ms,
        "How long delivered callbacks can be looked at.", .default_text = "24h", .min = 1000,
        .max = INT64_C(3650) * 86400000),
    ROW("TASKROUTER_CALLBACK_DEAD_RETENTION", CONFIG_DURATION_MS, callback_keep_dead_ms,
        "How long dead callbacks are kept for sending them again.", .default_text = "14d",
        .min = 1000, .max = INT64_C(3650) * 86400000),
};

/* What the closers need beside the service's state. */
struct started {
    struct tasks tasks;
    struct config_feed feed;
    struct retention retention;
    struct projection projection;
    struct log_keys log_keys;
    struct rpc_client_tls peer_tls;
    char peer_name[256]; /* that the certificates of all processes bear */
    struct callback_jobs callback_jobs;
};

static struct host_spec host_spec(void)
{
    return (struct host_spec){
        .schema = "tasks",
        .migrations = tasks_svc_migrations,
        .migration_count = tasks_svc_migrations_count,
        .peers = PEER_BIT(PEER_WORKERS) | PEER_BIT(PEER_QUEUES) | PEER_BIT(PEER_ROUTING),
        .has_own_relay = true,
        .plans_each_time = true, /* the pool reads only; the shards write on their own */
    };
}

/* ---- ending ---- */

static void free_state(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    free(ctx);
}

static void free_shell(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    shell_free(ctx);
}

static void close_fetcher(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    fetcher_close(ctx);
}

static void close_deciding(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    deciding_close(ctx);
}

static void close_decider(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    decider_close(ctx);
}

static void close_peers(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    peers_close(ctx);
}

/* While we still take calls: what comes for a shard that is gone goes on to its new owner. */
static void leave_shards(void *ctx, int64_t until_mono_us)
{
    int64_t least = clock_mono_us() + LEAVE_MS * US_PER_MS;
    int64_t until = until_mono_us - AFTER_LEAVE_MS * US_PER_MS;
    until = until < least ? least : until;
    shell_leave(ctx, until < until_mono_us ? until : until_mono_us);
}

/* The relay works only while the shard is ours, and the shard's thread wakes it: so it publishes
 * what is left, then the shards are given up, then it ends. */
static void close_relay(void *ctx, int64_t until_mono_us)
{
    struct tasks *tasks = ctx;
    int left_ms = app_left_ms(until_mono_us);
    relay_drain(tasks->relay, left_ms > RELAY_DRAIN_MS ? RELAY_DRAIN_MS : left_ms);
    shell_stop(tasks->shell);
    relay_close(tasks->relay);
}

/* While the shards still run: answers to assignments are carried out by them. */
static void close_callbacks(void *ctx, int64_t until_mono_us)
{
    int left_ms = app_left_ms(until_mono_us);
    callbacks_close(ctx, left_ms > CALLBACKS_DRAIN_MS ? CALLBACKS_DRAIN_MS : left_ms);
}

/* Only when no shard can wake them any more. */
static void free_signing(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    signing_free(ctx);
}

static void free_callbacks(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    callbacks_free(ctx);
}

/* ---- starting ---- */

static void on_commit(void *ctx, int shard)
{
    struct tasks *tasks = ctx;
    if (tasks->relay != NULL)
        relay_wake(tasks->relay, shard);
    if (tasks->callbacks != NULL)
        callbacks_wake(tasks->callbacks, shard);
}

static void on_events(void *ctx, int shard, int64_t first_seq, const struct packed_events *events)
{
    struct tasks *tasks = ctx;
    if (tasks->relay != NULL)
        relay_feed(tasks->relay, shard, first_seq, events->payload, events->count);
}

static void on_places(void *ctx)
{
    const struct tasks *tasks = ctx;
    rpc_server_forward_wake(tasks->host.server);
}

static enum err_code check_ready(void *ctx, struct call *call, struct err *err)
{
    (void)call;
    if (shell_is_ready(ctx))
        return ERR_OK;
    return ERR_SET(err, ERR_UNAVAILABLE, "ROUTER_LOADING", "a shard is not loaded");
}

/* Tasks were divided over so many shards; another number would not find them again. */
static enum err_code check_layout(struct tasks *tasks, const struct tasks_settings *settings,
                                  struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct call call;
    int64_t stored = 0;
    call_init(&call, arena, "start", START_BUDGET_US);
    enum err_code code = shard_store_count(tasks->host.pool, &call, &stored, err);
    if (code == ERR_OK && stored != 0 && stored != settings->shards)
        code = ERR_SET(err, ERR_FAILED_PRECONDITION, "SHARD_COUNT",
                       "TASKROUTER_TASKS_SHARDS is %lld, but the database was laid out for %lld: "
                       "set it to that",
                       (long long)settings->shards, (long long)stored);
    return code;
}

/* Certificates name the service, not the process: what its clients expect, so do its processes. */
static const struct rpc_client_tls *peer_tls(struct app *app, struct started *started)
{
    const struct app_settings *settings = app_settings(app);
    if (settings->tls_cert_file == NULL)
        return NULL;
    const char *target = settings->grpc_tasks != NULL ? settings->grpc_tasks : "tasks-svc";
    (void)snprintf(started->peer_name, sizeof started->peer_name, "%.*s", (int)strcspn(target, ":"),
                   target);
    started->peer_tls = (struct rpc_client_tls){
        .ca_file = settings->tls_ca_file,
        .cert_file = settings->tls_cert_file,
        .key_file = settings->tls_key_file,
        .server_name = started->peer_name,
    };
    return &started->peer_tls;
}

/* Where the others reach us. */
static void own_address(struct app *app, char out[SHELL_ADDRESS_SIZE])
{
    const struct tasks_settings *settings = app_service_settings(app);
    const char *listen = app_settings(app)->grpc_listen;
    const char *colon = strrchr(listen, ':');
    size_t host_len = colon == NULL ? 0 : (size_t)(colon - listen);
    bool is_everywhere =
        host_len == 0 || strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0;
    char name[SHELL_ADDRESS_SIZE - 8] = "localhost";
    if (settings->advertise != NULL) {
        (void)snprintf(out, SHELL_ADDRESS_SIZE, "%s", settings->advertise);
    } else if (is_everywhere) {
        (void)gethostname(name, sizeof name - 1);
        (void)snprintf(out, SHELL_ADDRESS_SIZE, "%s:%d", name, app_port(app, "grpc"));
    } else {
        (void)snprintf(out, SHELL_ADDRESS_SIZE, "%.*s:%d", (int)host_len, listen,
                       app_port(app, "grpc"));
    }
}

static void open_callbacks(struct app *app, struct started *started, const char *instance)
{
    const struct tasks_settings *settings = app_service_settings(app);
    struct tasks *tasks = &started->tasks;
    bool has_token = settings->auth_token != NULL;
    tasks->signing = signing_new(&(struct signing_options){
        .account_sid =
            settings->account_sid != NULL ? settings->account_sid : settings->twilio_account_sid,
        .auth_token = has_token ? settings->auth_token : settings->twilio_auth_token,
        .gateway = tasks->host.as_service[PEER_GATEWAY],
    });
    app_on_close(app, APP_FREE, "signing tokens", free_signing, tasks->signing);
    signing_start(tasks->signing, app);
    tasks->callbacks = callbacks_open(&(struct callbacks_options){
        .database_url = app_settings(app)->database_url,
        .schema = "tasks",
        .service = app_spec(app)->name,
        .instance = instance,
        .shell = tasks->shell,
        .shards = (int)settings->shards,
        .signing = tasks->signing,
        .ca_file = settings->callback_ca_file,
        .allows_private = settings->callback_allow_private,
        .transfers = (int)settings->callback_transfers,
        .attempts = settings->callback_attempts,
        .max_age_ms = settings->callback_max_age_ms,
        .backoff_ms = settings->callback_backoff_ms,
        .event_timeout_ms = (int)settings->callback_event_timeout_ms,
        .assignment_timeout_ms = (int)settings->callback_assignment_timeout_ms,
    });
    app_on_close(app, APP_FLUSH_OUTBOX, "callbacks", close_callbacks, tasks->callbacks);
    app_on_close(app, APP_FREE, "callbacks", free_callbacks, tasks->callbacks);
    started->callback_jobs =
        (struct callback_jobs){.pool = tasks->host.pool,
                               .keep_ms = settings->callback_keep_ms,
                               .keep_dead_ms = settings->callback_keep_dead_ms};
    (void)app_job_start(app, &callback_forget_job, &started->callback_jobs);
    (void)app_job_start(app, &callback_count_job, &started->callback_jobs);
}

static void open_deciding(struct app *app, struct tasks *tasks)
{
    struct decider *decider = decider_open(&(struct decider_options){
        .routing = tasks->host.as_service[PEER_ROUTING], .bus = tasks->host.bus});
    app_on_close(app, APP_CLOSE_CLIENTS, "decider", close_decider, decider);
    tasks->deciding = deciding_open(decider);
    app_on_close(app, APP_FLUSH_OUTBOX, "deciding", close_deciding, tasks->deciding);
}

static void open_parts(struct app *app, struct started *started)
{
    const struct tasks_settings *settings = app_service_settings(app);
    struct tasks *tasks = &started->tasks;
    struct sid instance = sid_new("PS");
    tasks->shell = shell_open(&(struct shell_options){
        .database_url = app_settings(app)->database_url,
        .schema = "tasks",
        .service = app_spec(app)->name,
        .instance = instance.text,
        .shards = (int)settings->shards,
        .queue_depth = (int)settings->queue_depth,
        .batch_max = (int)settings->batch_max,
        .lease_ms = settings->lease_ms,
        .task_limit = settings->task_limit,
        .on_commit = on_commit,
        .on_events = on_events,
        .on_places = on_places,
        .ctx = tasks,
    });
    app_on_close(app, APP_FREE, "shell", free_shell, tasks->shell);
    app_ready_check(app, "router", check_ready, tasks->shell);
    tasks->relay = relay_open(&(struct relay_options){
        .database_url = app_settings(app)->database_url,
        .schema = "tasks",
        .service = app_spec(app)->name,
        .bus = tasks->host.bus,
        .shell = tasks->shell,
        .shards = (int)settings->shards,
    });
    app_on_close(app, APP_FLUSH_OUTBOX, "relay", close_relay, tasks);
    open_callbacks(app, started, instance.text);
    tasks->fetcher = fetcher_open(&(struct fetcher_options){
        .shell = tasks->shell,
        .workers = tasks->host.as_service[PEER_WORKERS],
        .queues = tasks->host.as_service[PEER_QUEUES],
        .routing = tasks->host.as_service[PEER_ROUTING],
    });
    app_on_close(app, APP_FLUSH_OUTBOX, "fetcher", close_fetcher, tasks->fetcher);
    open_deciding(app, tasks);
    struct rpc_client_config peer = {
        .peer = "tasks-svc",
        .self = "tasks-svc",
        .token = app_settings(app)->service_token,
        .tls = peer_tls(app, started),
        .as_service = true,
    };
    struct peers *peers = peers_open(&peer);
    app_on_close(app, APP_CLOSE_CLIENTS, "peers", close_peers, peers);
    started->feed = (struct config_feed){tasks->shell, tasks->fetcher, tasks->host.pool, peers};
    tasks->feed = &started->feed;
    struct rpc_forward_options forward = forwarding_options(tasks, (size_t)settings->queue_depth);
    forward.token = peer.token;
    forward.tls = peer.tls;
    rpc_server_forward(tasks->host.server, &forward);
    host_consume(&tasks->host, config_consumers, config_consumer_count, &started->feed);
    (void)app_job_start(app, &gauges_job, tasks->host.pool);
    started->retention = (struct retention){tasks->host.pool, tasks->shell, settings->event_days,
                                            settings->history_days};
    (void)app_job_start(app, &retention_job, &started->retention);
    started->projection = (struct projection){
        .pool = tasks->host.pool,
        .shell = tasks->shell,
        .keep_ms = settings->statistics_keep_ms,
        .keep_minutes_ms = settings->statistics_minutes_ms,
    };
    tasks->wrap_up_timeout_s = settings->wrap_up_ms / 1000;
    tasks->redact_ms = settings->redact_ms;
    tasks->statistics_workers = settings->worker_statistics_limit;
    tasks->statistics_keep_ms = settings->statistics_keep_ms;
    tasks->statistics_minutes_ms = settings->statistics_minutes_ms;
    (void)app_job_start(app, &projection_job, &started->projection);
    (void)app_job_start(app, &stat_prune_job, &started->projection);
    started->log_keys = (struct log_keys){tasks->host.pool, tasks->shell};
    (void)app_job_start(app, &log_keys_job, &started->log_keys);
}

static enum err_code start(struct app *app, struct err *err)
{
    struct started *started = xcalloc(1, sizeof *started);
    struct tasks *tasks = &started->tasks;
    app_set_state(app, tasks);
    app_on_close(app, APP_FREE, "state", free_state, started);
    struct host_spec spec = host_spec();
    enum err_code code = host_open(app, &spec, &tasks->host, err);
    if (code == ERR_OK)
        code = check_layout(tasks, app_service_settings(app), err);
    if (code != ERR_OK)
        return code;
    open_parts(app, started);
    rpc_server_add(tasks->host.server, &tasks_service, tasks);
    rpc_server_add(tasks->host.server, &statistics_service, tasks);
    rpc_server_add(tasks->host.server, &explain_service, tasks);
    rpc_server_add(tasks->host.server, &callbacks_service, tasks);
    rpc_server_add(tasks->host.server, &shards_service, tasks);
    rpc_server_add(tasks->host.server, &mirror_service, tasks);
    code = host_serve(&tasks->host, err);
    if (code != ERR_OK)
        return code;
    char address[SHELL_ADDRESS_SIZE];
    own_address(app, address);
    shell_join(tasks->shell, address);
    app_on_close(app, APP_STOP_ACCEPTING, "shards", leave_shards, tasks->shell);
    return ERR_OK;
}

static enum err_code migrate(struct app *app, struct err *err)
{
    struct host_spec spec = host_spec();
    return host_migrate(app, &spec, err);
}

const struct app_spec tasks_app = {
    .name = "tasks-svc",
    .summary = "tasks, reservations and the event log of TaskRouter; hosts the router",
    .version = "0.1.0",
    .settings = settings_table,
    .setting_count = ARRAY_LEN(settings_table),
    .settings_size = sizeof(struct tasks_settings),
    .migrate = migrate,
    .start = start,
};
