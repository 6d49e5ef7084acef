#include "app/settings.h"

#include "base/macros.h"

/* A row: what it always has, then whatever else its kind needs. (Calls instead of nested braces:
 * the array alignment of clang-format 14 crashes on rows of such different lengths.) */
#define ROW(key_, type_, member, help_, ...)                                                       \
    {                                                                                              \
        .key = (key_), .type = (type_), .help = (help_),                                           \
        CONFIG_FIELD(struct app_settings, member), __VA_ARGS__                                     \
    }

const struct config_setting app_settings_table[] = {
    ROW("TASKROUTER_GRPC_LISTEN", CONFIG_HOST_PORT, grpc_listen,
        "Address of this service's gRPC server; port 0 takes a free one.",
        .default_text = "127.0.0.1:0"),
    ROW("TASKROUTER_HTTP_LISTEN", CONFIG_HOST_PORT, http_listen,
        "Address of /healthz, /readyz and /metrics (gateway: of all HTTP).",
        .default_text = "127.0.0.1:0"),
    ROW("TASKROUTER_DATABASE_URL", CONFIG_URL, database_url,
        "PostgreSQL, as the role that owns this service's schema.",
        .choices = "postgresql,postgres", .is_secret = true, .is_required = true),
    ROW("TASKROUTER_DATABASE_POOL", CONFIG_INT, database_pool,
        "Most database connections of this process's pool.", .default_text = "8", .min = 1,
        .max = 200, .unit = "connections"),
    ROW("TASKROUTER_NATS_URL", CONFIG_URL, nats_url,
        "NATS server with JetStream; several are separated by commas.", .choices = "nats,tls",
        .is_secret = true, .is_required = true),
    ROW("TASKROUTER_SERVICE_TOKEN", CONFIG_STRING, service_token,
        "The suite's own token: the same random text for all its services.", .min = 32, .max = 512,
        .is_secret = true, .is_required = true),
    ROW("TASKROUTER_GRPC_GATEWAY", CONFIG_HOST_PORT, grpc_gateway, "Where gateway serves gRPC.",
        .is_required = false),
    ROW("TASKROUTER_GRPC_WORKERS", CONFIG_HOST_PORT, grpc_workers, "Where workers-svc serves gRPC.",
        .is_required = false),
    ROW("TASKROUTER_GRPC_QUEUES", CONFIG_HOST_PORT, grpc_queues, "Where queues-svc serves gRPC.",
        .is_required = false),
    ROW("TASKROUTER_GRPC_ROUTING", CONFIG_HOST_PORT, grpc_routing, "Where routing-svc serves gRPC.",
        .is_required = false),
    ROW("TASKROUTER_GRPC_TASKS", CONFIG_HOST_PORT, grpc_tasks, "Where tasks-svc serves gRPC.",
        .is_required = false),
    ROW("TASKROUTER_GRPC_SYNC", CONFIG_HOST_PORT, grpc_sync, "Where sync-svc serves gRPC.",
        .is_required = false),
    ROW("TASKROUTER_LOG_LEVEL", CONFIG_ENUM, log_level, "Least important lines that are logged.",
        .default_text = "info", .choices = "error,warn,info,debug", .is_reloadable = true),
    ROW("TASKROUTER_DRAIN_MS", CONFIG_DURATION_MS, drain_ms,
        "How long calls under way may finish after SIGTERM.", .default_text = "5s", .min = 0,
        .max = 120000),
    ROW("TASKROUTER_REQUEST_ARENA_BYTES", CONFIG_BYTES, request_arena_bytes,
        "Most memory one request may use.", .default_text = "16MiB", .min = 1 << 20,
        .max = 1 << 30),
    ROW("TASKROUTER_WORKERS", CONFIG_INT, workers, "Threads that run request handlers.",
        .default_text = "0", .min = 0, .max = 256, .unit = "threads; 0 = pool size + 2"),
    ROW("TASKROUTER_TLS_CERT_FILE", CONFIG_PATH, tls_cert_file,
        "PEM chain of the gRPC server; when set, gRPC speaks TLS only.", .is_required = false),
    ROW("TASKROUTER_TLS_KEY_FILE", CONFIG_PATH, tls_key_file, "PEM key that belongs to the chain.",
        .is_required = false),
    ROW("TASKROUTER_TLS_CA_FILE", CONFIG_PATH, tls_ca_file,
        "PEM certificates that peers are checked against.", .is_required = false),
    ROW("TASKROUTER_NATS_CA_FILE", CONFIG_PATH, nats_ca_file,
        "PEM certificates that the NATS server is checked against; when set, TLS is used.",
        .is_required = false),
    ROW("TASKROUTER_PORTS_FILE", CONFIG_STRING, ports_file,
        "File that gets the ports that were bound, as JSON; for port 0.", .is_required = false),
    ROW("TASKROUTER_EVENT_MAX_AGE", CONFIG_DURATION_MS, event_max_age_ms,
        "How long the event bus keeps events.", .default_text = "30d", .min = INT64_C(3600000),
        .max = INT64_C(3650) * 86400000),
};

const size_t app_settings_count = ARRAY_LEN(app_settings_table);
