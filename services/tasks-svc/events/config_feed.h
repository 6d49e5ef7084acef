/* What the router hears: workspaces, activities, workers, channels, queues and workflows, from
 * their owners' events into the shard, and into the history. One durable consumer for each, so that
 * order holds per kind. Processes share the consumers: an event for a shard of another process goes
 * there before it is acknowledged. */
#pragma once

#include <stddef.h>

#include "base/str.h"
#include "bus/bus.h"

struct db_pool;
struct fetcher;
struct peers;
struct shell;

/* The ctx of the consumers. */
struct config_feed {
    struct shell *shell;
    struct fetcher *fetcher;
    struct db_pool *pool;
    struct peers *peers;
};

/* What the consumers do with an event (CloudEvents JSON), where the shard is ours: applied and
 * logged unless it was before. Errors: UNAVAILABLE ROUTER_ELSEWHERE, ROUTER_LOADING. */
enum err_code config_feed_apply(struct config_feed *feed, struct call *call, struct str payload,
                                struct err *err) MUST_CHECK;

extern const struct bus_consumer_def config_consumers[];
extern const size_t config_consumer_count;
