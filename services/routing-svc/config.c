#include "config_table.h"

#include "routing_settings.h"
#include "rules/keywords.h"
#include "rules/rules.h"

#define LIMIT(key_, member, help_)                                                                 \
    {                                                                                              \
        .key = (key_), .type = CONFIG_INT, .help = (help_), .default_text = "0", .min = 0,         \
        .max = 1000000000, CONFIG_FIELD(struct routing_settings, member),                          \
    }

/* Of what is compiled as a whole: there is always one. */
#define BOUND(key_, member, default_, max_, help_)                                                 \
    {                                                                                              \
        .key = (key_), .type = CONFIG_INT, .help = (help_), .default_text = (default_), .min = 1,  \
        .max = (max_), CONFIG_FIELD(struct routing_settings, member),                              \
    }

/* Twilio's numbers are in the help; they are off unless they are set. */
const struct config_setting routing_settings_table[ROUTING_SETTINGS_COUNT] = {
    LIMIT("TASKROUTER_LIMIT_WORKFLOWS", limit_workflows,
          "Workflows of a workspace, 0 = any number; at Twilio 1000."),
    BOUND("TASKROUTER_LIMIT_RULES", limit_rules, "1000", RULE_MAX_RULES,
          "Routing rules of a workspace."),
    BOUND("TASKROUTER_LIMIT_KEYWORDS", limit_keywords, "1000", KEYWORD_MAX_DEFS,
          "Keywords of a workspace."),
    BOUND("TASKROUTER_LIMIT_SCHEDULES", limit_schedules, "200", 1000,
          "Schedules of business hours of a workspace, all of which are held compiled."),
    {.key = "TASKROUTER_RULE_VERSION_MAX_AGE",
       .type = CONFIG_DURATION_MS,
       .help =
         "How long versions of rules are kept after they were made, and those of deleted rules; "
         "what a rule is now stays; 0 = for ever.", .default_text = "400d",
       .min = 0,
       .max = INT64_C(3650) * 86400000,
       CONFIG_FIELD(struct routing_settings, rule_version_max_age_ms)},
};
