/* The durable consumers of this service: a table for app.c. */
#pragma once

#include <stddef.h>

#include "bus/bus.h"

extern const struct bus_consumer_def worker_consumers[]; /* context: struct workers */
extern const size_t worker_consumer_count;
