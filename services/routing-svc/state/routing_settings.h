/* routing-svc's own settings; the table is config.c. Limits: 0 = none. */
#pragma once

#include <stdint.h>

struct routing_settings {
    int64_t limit_workflows;         /* TASKROUTER_LIMIT_WORKFLOWS */
    int64_t limit_rules;             /* TASKROUTER_LIMIT_RULES, never 0; so the next */
    int64_t limit_keywords;          /* TASKROUTER_LIMIT_KEYWORDS */
    int64_t limit_schedules;         /* TASKROUTER_LIMIT_SCHEDULES */
    int64_t rule_version_max_age_ms; /* TASKROUTER_RULE_VERSION_MAX_AGE; 0 = for ever */
};
