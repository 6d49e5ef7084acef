/* Workspaces that are gone: their lines go too, so that the numbers are free for others. */
#pragma once

#include "bus/bus.h"

extern const struct bus_consumer_def workspace_consumers[]; /* ctx: struct gateway */
extern const size_t workspace_consumer_count;
