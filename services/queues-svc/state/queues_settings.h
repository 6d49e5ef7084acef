/* queues-svc's own settings; the table is config.c. Limits: 0 = none. */
#pragma once

#include <stdint.h>

struct queues_settings {
    int64_t limit_queues;   /* TASKROUTER_LIMIT_QUEUES */
    int64_t limit_channels; /* TASKROUTER_LIMIT_CHANNELS */
};
