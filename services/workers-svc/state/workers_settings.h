/* workers-svc's own settings; the table is config.c. Limits: 0 = none. */
#pragma once

#include <stdint.h>

struct workers_settings {
    int64_t limit_workspaces;     /* TASKROUTER_LIMIT_WORKSPACES */
    int64_t limit_activities;     /* TASKROUTER_LIMIT_ACTIVITIES */
    int64_t limit_workers;        /* TASKROUTER_LIMIT_WORKERS */
    int64_t limit_active_workers; /* TASKROUTER_LIMIT_ACTIVE_WORKERS */
};
