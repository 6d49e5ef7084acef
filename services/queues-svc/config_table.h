/* queues-svc's settings as a table; the struct is queues_settings.h. */
#pragma once

#include "config/config.h"

#define QUEUES_SETTINGS_COUNT 2

extern const struct config_setting queues_settings_table[QUEUES_SETTINGS_COUNT];
