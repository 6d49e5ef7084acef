/* workers-svc's settings as a table; the struct is workers_settings.h. */
#pragma once

#include "config/config.h"

#define WORKERS_SETTINGS_COUNT 4

extern const struct config_setting workers_settings_table[WORKERS_SETTINGS_COUNT];
