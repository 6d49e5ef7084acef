/*
 * Publishes the event log: one thread per shard takes what lies behind the shard's cursor, in
 * order, hands it to JetStream with the event's SID as message id, and moves the cursor. It gets
 * the events of each commit in memory and reads the log only after a start or when it is far
 * behind. Works only while this process runs the shard. After a crash it goes on from the cursor,
 * which is stored a few times a second; what was published twice then, JetStream drops by its id.
 * Events of other services are in the log too, and are skipped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct bus;
struct relay;
struct shell;

struct relay_options {
    const char *database_url;
    const char *schema;
    const char *service;
    struct bus *bus;
    struct shell *shell;
    int shards;
};

struct relay *relay_open(const struct relay_options *options);

/* The events of a commit, packed and copied; before relay_wake. Threads: the shard's. */
void relay_feed(struct relay *relay, int shard, int64_t first_seq, struct str payload,
                size_t count);

/* After a commit on the shard. Threads: any; cheap. */
void relay_wake(struct relay *relay, int shard);

/* Waits until everything committed is published, at most so long. */
void relay_drain(struct relay *relay, int drain_ms);

/* Ends the threads. Nobody wakes it any more. NULL is allowed. */
void relay_close(struct relay *relay);
