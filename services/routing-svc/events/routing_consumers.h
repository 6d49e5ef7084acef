/* The durable consumers of this service: a table for app.c. */
#pragma once

#include <stddef.h>

#include "bus/bus.h"

extern const struct bus_consumer_def routing_consumers[]; /* context: struct routing */
extern const size_t routing_consumer_count;
