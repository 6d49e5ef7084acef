#include "config_table.h"

#include "workers_settings.h"

#define LIMIT(key_, member, help_)                                                                 \
    {                                                                                              \
        .key = (key_), .type = CONFIG_INT, .help = (help_), .default_text = "0", .min = 0,         \
        .max = 1000000000, CONFIG_FIELD(struct workers_settings, member),                          \
    }

/* Twilio's numbers are in the help; they are off unless they are set. */
const struct config_setting workers_settings_table[WORKERS_SETTINGS_COUNT] = {
    LIMIT("TASKROUTER_LIMIT_WORKSPACES", limit_workspaces,
          "Workspaces of an account, 0 = any number; at Twilio 5000."),
    LIMIT("TASKROUTER_LIMIT_ACTIVITIES", limit_activities,
          "Activities of a workspace, 0 = any number; at Twilio 100."),
    LIMIT("TASKROUTER_LIMIT_WORKERS", limit_workers,
          "Workers of a workspace, 0 = any number; at Twilio 15000."),
    LIMIT("TASKROUTER_LIMIT_ACTIVE_WORKERS", limit_active_workers,
          "Workers of a workspace in available activities, 0 = any number; at Twilio 7500."),
};
