/* routing-svc's settings as a table; the struct is routing_settings.h. */
#pragma once

#include "config/config.h"

#define ROUTING_SETTINGS_COUNT 5

extern const struct config_setting routing_settings_table[ROUTING_SETTINGS_COUNT];
