#include "config_table.h"

#include "sync_settings.h"

#define ROW(key_, type_, member, help_, ...)                                                       \
    {                                                                                              \
        .key = (key_), .type = (type_), .help = (help_),                                           \
        CONFIG_FIELD(struct sync_settings, member), __VA_ARGS__                                    \
    }

const struct config_setting sync_settings_table[SYNC_SETTINGS_COUNT] = {
    ROW("TWILIO_ACCOUNT_SID", CONFIG_SID, account_sid,
        "The Twilio account whose workspaces are kept in step; without it Twilio is not called.",
        .choices = "AC"),
    ROW("TWILIO_AUTH_TOKEN", CONFIG_STRING, auth_token, "That account's auth token.", .min = 16,
        .max = 256, .is_secret = true),
    ROW("TWILIO_WORKSPACE_SID", CONFIG_SID, workspace_sid,
        "That account's workspace, where a request names none.", .choices = "WS"),
    ROW("TWILIO_WORKFLOW_SID", CONFIG_SID, workflow_sid,
        "The workflow of that workspace for tasks that name none, where it has several.",
        .choices = "WW"),
    ROW("TASKROUTER_TWILIO_URL", CONFIG_URL, twilio_url,
        "Where Twilio's TaskRouter API is; another suite in local mode is as good.",
        .default_text = "https://taskrouter.twilio.com", .choices = "http,https"),
    ROW("TASKROUTER_TWILIO_VOICE_URL", CONFIG_URL, twilio_voice_url,
        "Where Twilio's voice API is, which places and changes calls.",
        .default_text = "https://api.twilio.com", .choices = "http,https"),
    ROW("TASKROUTER_TWILIO_CA_FILE", CONFIG_PATH, twilio_ca_file,
        "PEM file of the authorities to trust there; default: the system's.", .max = 4096),
    ROW("TASKROUTER_TWILIO_RATE", CONFIG_INT, twilio_rate, "Most calls of that API per second.",
        .default_text = "25", .min = 1, .max = 100000, .unit = "calls"),
    ROW("TASKROUTER_TWILIO_BURST", CONFIG_INT, twilio_burst,
        "Calls that may go at once after a quiet time.", .default_text = "25", .min = 1,
        .max = 100000, .unit = "calls"),
    ROW("TASKROUTER_TWILIO_CONCURRENCY", CONFIG_INT, twilio_concurrency,
        "Most calls of that API under way at once.", .default_text = "24", .min = 1, .max = 256,
        .unit = "calls"),
    ROW("TASKROUTER_TWILIO_TIMEOUT", CONFIG_DURATION_MS, twilio_timeout_ms,
        "How long one attempt of a call may take.", .default_text = "10s", .min = 100,
        .max = 120000),
    ROW("TASKROUTER_TWILIO_WRITES", CONFIG_INT, writes,
        "Writes into its workspaces under way at once; leave the rest of _CONCURRENCY to others.",
        .default_text = "16", .min = 1, .max = 256, .unit = "threads"),
    ROW("TASKROUTER_TWILIO_SETTLE", CONFIG_DURATION_MS, settle_ms,
        "How long Twilio may still carry out a write that it did not answer.",
        .default_text = "15s", .min = 0, .max = 600000),
    ROW("TASKROUTER_SYNC_WEEKLY", CONFIG_DURATION_MS, weekly_ms,
        "Time between full runs of the sync by itself; 0 = never.", .default_text = "7d", .min = 0,
        .max = INT64_C(90) * 86400 * 1000),
    ROW("TASKROUTER_SYNC_RECONCILE", CONFIG_DURATION_MS, reconcile_ms,
        "Time between light runs by itself (live tasks, workers); 0 = never.", .default_text = "5m",
        .min = 0, .max = 86400 * 1000),
    ROW("TASKROUTER_SYNC_PATIENCE", CONFIG_DURATION_MS, patience_ms,
        "How long a run waits for Twilio, or another service, to come back.", .default_text = "30s",
        .min = 0, .max = 3600 * 1000),
};
