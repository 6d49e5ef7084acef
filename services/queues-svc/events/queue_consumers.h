/* The durable consumers of this service: a table for app.c. */
#pragma once

#include <stddef.h>

#include "bus/bus.h"

extern const struct bus_consumer_def queue_consumers[]; /* context: struct queues */
extern const size_t queue_consumer_count;
