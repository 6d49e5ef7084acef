/* The durable consumers of this service: a table for app.c. */
#pragma once

#include <stddef.h>

#include "bus/bus.h"

extern const struct bus_consumer_def sync_consumers[]; /* context: struct sync */
extern const size_t sync_consumer_count;
