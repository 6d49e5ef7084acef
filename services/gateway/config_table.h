/* The gateway's settings as a table; the struct is gateway_settings.h. */
#pragma once

#include "config/config.h"

#define GATEWAY_SETTINGS_COUNT 49

extern const struct config_setting gateway_settings_table[GATEWAY_SETTINGS_COUNT];
