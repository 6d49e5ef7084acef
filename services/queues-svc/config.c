#include "config_table.h"

#include "queues_settings.h"

#define LIMIT(key_, member, help_)                                                                 \
    {                                                                                              \
        .key = (key_), .type = CONFIG_INT, .help = (help_), .default_text = "0", .min = 0,         \
        .max = 1000000000, CONFIG_FIELD(struct queues_settings, member),                           \
    }

/* Twilio's numbers are in the help; they are off unless they are set. */
const struct config_setting queues_settings_table[QUEUES_SETTINGS_COUNT] = {
    LIMIT("TASKROUTER_LIMIT_QUEUES", limit_queues,
          "Task queues of a workspace, 0 = any number; at Twilio 5000."),
    LIMIT("TASKROUTER_LIMIT_CHANNELS", limit_channels,
          "Task channels of a workspace, 0 = any number; at Twilio 15."),
};
