#include "config_table.h"

#include "gateway_settings.h"

/* Calls instead of nested braces: the array alignment of clang-format 14 crashes on rows of such
 * different lengths. */
#define ROW(key_, type_, member, help_, ...)                                                       \
    {                                                                                              \
        .key = (key_), .type = (type_), .help = (help_),                                           \
        CONFIG_FIELD(struct gateway_settings, member), __VA_ARGS__                                 \
    }

/* The id of a field of QuickBase. */
#define FID(name_, member_, default_, help_)                                                       \
    ROW("QUICKBASE_FID_" name_, CONFIG_INT, quickbase_fid_##member_, help_ "; 0 = there is none.", \
        .default_text = (default_), .min = 0, .max = 1000000, .unit = "field id")

const struct config_setting gateway_settings_table[GATEWAY_SETTINGS_COUNT] = {
    ROW("TASKROUTER_ACCOUNT_SID", CONFIG_SID, account_sid,
        "The account that the bootstrap token and HTTP Basic belong to; default: "
        "TWILIO_ACCOUNT_SID.",
        .choices = "AC"),
    ROW("TASKROUTER_AUTH_TOKEN", CONFIG_STRING, auth_token,
        "Password of HTTP Basic with the account's SID; default: TWILIO_AUTH_TOKEN.", .min = 16,
        .max = 256, .is_secret = true),
    ROW("TWILIO_ACCOUNT_SID", CONFIG_SID, twilio_account_sid,
        "Stands in for TASKROUTER_ACCOUNT_SID.", .choices = "AC"),
    ROW("TWILIO_AUTH_TOKEN", CONFIG_STRING, twilio_auth_token,
        "Stands in for TASKROUTER_AUTH_TOKEN.", .min = 16, .max = 256, .is_secret = true),
    ROW("TWILIO_AUTH_TOKEN_PREVIOUS", CONFIG_STRING, twilio_auth_token_previous,
        "The auth token before that: webhooks signed with it are taken too, while it is replaced.",
        .min = 16, .max = 256, .is_secret = true),
    ROW("TASKROUTER_BOOTSTRAP_TOKEN", CONFIG_STRING, bootstrap_token,
        "An API token of role admin that is valid as long as it is written here.", .min = 32,
        .max = 256, .is_secret = true),
    ROW("TASKROUTER_SECRET_KEY", CONFIG_STRING, secret_key,
        "Seals the auth tokens of further accounts and the secrets of API keys in the database: 64 "
        "hexadecimal digits; without it there are none.",
        .min = 64, .max = 64, .is_secret = true),
    ROW("TASKROUTER_SECRET_KEY_PREVIOUS", CONFIG_STRING, secret_key_previous,
        "The key before that, for what was sealed with it.", .min = 64, .max = 64,
        .is_secret = true),
    ROW("TWILIO_WORKSPACE_SID", CONFIG_SID, default_workspace,
        "Workspace of requests that name none, where the account has several.", .choices = "WS"),
    ROW("TWILIO_WORKFLOW_SID", CONFIG_SID, default_workflow,
        "Workflow of calls and text messages whose line and rules name none; default: the "
        "workspace's only one.",
        .choices = "WW"),
    ROW("TASKROUTER_WAIT_MUSIC_URL", CONFIG_URL, wait_music_url,
        "A sound that waiting callers hear where their line has none; default: silence.",
        .choices = "http,https"),
    ROW("TASKROUTER_CALL_PATIENCE", CONFIG_DURATION_MS, call_patience_ms,
        "How long each service that is asked about a call may take before the caller hears "
        "something without it; Twilio waits 15 s for all of them.",
        .default_text = "600ms", .min = 50, .max = 5000),
    ROW("TASKROUTER_CALL_MAX_AGE", CONFIG_DURATION_MS, call_max_age_ms,
        "How long calls are kept, and conversations by text messages after their last; 0 = for "
        "ever.",
        .default_text = "400d", .min = 0, .max = INT64_C(3650) * 86400000),
    ROW("TASKROUTER_BRIDGE_UNHEARD", CONFIG_DURATION_MS, bridge_unheard_ms,
        "How long news are waited for of a worker's call that may have been placed, or of a caller "
        "who may have been redirected, before it is given up; longer than the provider takes.",
        .default_text = "30s", .min = 1000, .max = 600000),
    ROW("TASKROUTER_BRIDGE_PATIENCE", CONFIG_DURATION_MS, bridge_patience_ms,
        "How long calling a worker, or redirecting a caller, is tried while services are away.",
        .default_text = "2m", .min = 1000, .max = 600000),
    ROW("TASKROUTER_CALLBACK_ALLOW_PRIVATE", CONFIG_BOOL, callback_allow_private,
        "Status callbacks of instructions may go to private and loopback addresses.",
        .default_text = "false"),
    ROW("TASKROUTER_CALLBACK_CA_FILE", CONFIG_PATH, callback_ca_file,
        "PEM file of the CAs that their receivers are checked against; default: the system's.",
        .max = 4096),
    ROW("TASKROUTER_CORS_ORIGINS", CONFIG_STRING, cors_origins,
        "Origins whose pages may call the API, separated by commas; * = all.", .max = 4096),
    ROW("TASKROUTER_PUBLIC_URL", CONFIG_URL, public_url,
        "Where clients and Twilio reach the gateway: part of the absolute URLs in answers below "
        "/v1 "
        "and of what webhooks are signed over; default: the host that the request named.",
        .choices = "http,https"),
    ROW("TASKROUTER_TRUSTED_PROXIES", CONFIG_STRING, trusted_proxies,
        "Addresses and ranges (10.0.0.0/8), separated by commas, of proxies whose "
        "X-Forwarded-Proto, "
        "-Host, -Port and -Prefix are believed.",
        .max = 4096),
    ROW("TASKROUTER_HTTP_WORKERS", CONFIG_INT, http_workers,
        "Threads that run HTTP requests; each may wait for a service.", .default_text = "32",
        .min = 1, .max = 512, .unit = "threads"),
    ROW("TASKROUTER_MAX_STREAMS", CONFIG_INT, max_streams, "Most open event streams.",
        .default_text = "1024", .min = 1, .max = 100000, .unit = "streams"),
    ROW("TASKROUTER_RATE_REQUESTS", CONFIG_INT, rate_requests,
        "Requests below /v1 that an account may make, averaged over 10 s; 0 = no limit.",
        .default_text = "0", .min = 0, .max = 10000, .unit = "per second"),
    ROW("TASKROUTER_RATE_TASK_CREATION", CONFIG_INT, rate_task_creation,
        "Of these, tasks created; 0 = no limit of their own.", .default_text = "0", .min = 0,
        .max = 10000, .unit = "per second"),
    ROW("TASKROUTER_RATE_EXPRESSIONS", CONFIG_INT, rate_expressions,
        "Of these, lists filtered by an expression, each of the three kinds (Twilio: 3); 0 = no "
        "limit of their own.",
        .default_text = "0", .min = 0, .max = 10000, .unit = "per second"),
    ROW("TASKROUTER_RATE_BULK_STATISTICS", CONFIG_INT, rate_bulk_statistics,
        "Of these, bulk queue statistics (Twilio: 5); 0 = no limit of their own.",
        .default_text = "0", .min = 0, .max = 10000, .unit = "per second"),
    ROW("TASKROUTER_MAX_SOCKETS", CONFIG_INT, max_sockets,
        "Most open websockets of workers' pages.", .default_text = "1024", .min = 1, .max = 100000,
        .unit = "sockets"),
    ROW("TASKROUTER_AUDIT_MAX_AGE", CONFIG_DURATION_MS, audit_max_age_ms,
        "How long the audit log is kept; 0 = for ever.", .default_text = "365d", .min = 0,
        .max = INT64_C(3650) * 86400000),
    ROW("TASKROUTER_ASSIGNMENT_INSTRUCTION", CONFIG_STRING, assignment_instruction,
        "What assignment callbacks of Twilio are answered, as JSON with \"instruction\"; without "
        "it "
        "they are answered with nothing, and the reservation waits for the API.",
        .max = 4096),
    ROW("TASKROUTER_WEBHOOK_CONSUMERS", CONFIG_INT, webhook_consumers,
        "Threads that apply received webhooks; 0 = this process only receives them.",
        .default_text = "4", .min = 0, .max = 64, .unit = "threads"),
    ROW("TASKROUTER_WEBHOOK_MAX_WAITING", CONFIG_INT, webhook_max_waiting,
        "Received events that may wait to be applied, about; more are answered 503, so that Twilio "
        "sends them again; 0 = any number.",
        .default_text = "1000000", .min = 0, .max = 1000000000, .unit = "webhooks"),
    ROW("TASKROUTER_WEBHOOK_MAX_AGE", CONFIG_DURATION_MS, webhook_max_age_ms,
        "How long webhooks are kept after they came, and repeats of them are known; 0 = for ever.",
        .default_text = "7d", .min = 0, .max = INT64_C(3650) * 86400000),
    ROW("TASKROUTER_WEBHOOK_DEAD_MAX_AGE", CONFIG_DURATION_MS, webhook_dead_max_age_ms,
        "The same of those that could not be applied; 0 = for ever.", .default_text = "90d",
        .min = 0, .max = INT64_C(3650) * 86400000),
    ROW("TASKROUTER_PHONE_REGION", CONFIG_STRING, phone_region,
        "Country of phone numbers that come without a country code: US, CA, GB, DE, …",
        .default_text = "US", .min = 2, .max = 2),
    ROW("QUICKBASE_ENABLED", CONFIG_BOOL, quickbase_enabled,
        "false: callers are not looked up in QuickBase, whatever else is set.",
        .default_text = "true"),
    ROW("QUICKBASE_REALM", CONFIG_STRING, quickbase_realm,
        "Realm with the customers' table: acme or acme.quickbase.com.", .max = 253),
    ROW("QUICKBASE_USER_TOKEN", CONFIG_STRING, quickbase_user_token,
        "User token that may read that table.", .min = 8, .max = 512, .is_secret = true),
    ROW("QUICKBASE_TABLE_ID", CONFIG_STRING, quickbase_table_id, "The customers' table: bqx7xre7a.",
        .max = 64),
    ROW("QUICKBASE_BASE_URL", CONFIG_URL, quickbase_base_url, "QuickBase's REST API.",
        .default_text = "https://api.quickbase.com", .choices = "http,https"),
    ROW("QUICKBASE_CACHE", CONFIG_DURATION_MS, quickbase_cache_ms,
        "How long an answer of QuickBase is remembered, also that nobody has a number.",
        .default_text = "5m", .min = 0, .max = 86400000),
    FID("PHONE", phone, "148", "Field with the customer's phone"),
    FID("COORDINATOR", coordinator, "346", "Field with the coordinator: a user, e-mail or id"),
    FID("PROJECT_STATUS", project_status, "255", "Field with the project's status"),
    FID("NAME", name, "0", "Field with the customer's name"),
    FID("EMAIL", email, "0", "Field with the customer's e-mail"),
    FID("ORGANIZATION", organization, "0", "Field with the customer's organization"),
    FID("CUSTOMER_TYPE", customer_type, "0", "Field with the customer's type (vip)"),
    FID("DEPARTMENT", department, "0", "Field with the department in charge"),
    FID("NOTES", notes, "0", "Field with notes"),
};

const char *gateway_account_sid(const struct gateway_settings *settings)
{
    return settings->account_sid != NULL ? settings->account_sid : settings->twilio_account_sid;
}

const char *gateway_auth_token(const struct gateway_settings *settings)
{
    return settings->auth_token != NULL ? settings->auth_token : settings->twilio_auth_token;
}
