/* What the router hears: workspaces, activities, workers, channels, queues and workflows, from
 * their owners' events into the shard, and into the history. One durable consumer for each, so that
 * order holds per kind. */
#pragma once

#include <stddef.h>

#include "bus/bus.h"

struct db_pool;
struct fetcher;
struct shell;

/* The ctx of the consumers. */
struct config_feed {
    struct shell *shell;
    struct fetcher *fetcher;
    struct db_pool *pool;
};

extern const struct bus_consumer_def config_consumers[];
extern const size_t config_consumer_count;
