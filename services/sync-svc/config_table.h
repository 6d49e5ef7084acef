/* sync-svc's settings as a table; the struct is sync_settings.h. */
#pragma once

#include "config/config.h"

#define SYNC_SETTINGS_COUNT 16

extern const struct config_setting sync_settings_table[SYNC_SETTINGS_COUNT];
