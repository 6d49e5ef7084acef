/* Who should run which shard: pure rules over what the leases say, the same in every process. Knows
 * no clock and no database. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The living; in the same order everywhere. */
struct share_replica {
    const char *instance;
    bool is_leaving; /* takes nothing more */
};

struct share_shard {
    const char *owner;     /* as the lease says it, also when it is free by now; "" = nobody */
    const char *successor; /* whom it is handed to; "" = nobody */
    bool is_free;
};

struct share {
    const struct share_replica *replicas;
    size_t replica_count;
    const struct share_shard *shards;
    size_t shard_count;
};

#define SHARE_NOBODY ((size_t)-1)

/*
 * For each shard the replica (its index) that should take it: SHARE_NOBODY when it is not free, or
 * nobody stays. First whom it was handed to, then who had it and still lives, then who has least.
 */
void share_takers(const struct share *share, size_t *out_takers);

/*
 * The shard that self should hand over next, and to whom. One at a time, and only while self has at
 * least two more than the one who has least; a process that leaves gives all away at once. False:
 * none.
 */
bool share_next_move(const struct share *share, const char *self, size_t *out_shard,
                     size_t *out_replica);
