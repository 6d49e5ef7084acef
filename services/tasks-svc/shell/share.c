#include "share.h"

#include <string.h>

static size_t find(const struct share *share, const char *instance)
{
    for (size_t i = 0; i < share->replica_count; i++) {
        if (instance[0] != '\0' && strcmp(share->replicas[i].instance, instance) == 0)
            return i;
    }
    return SHARE_NOBODY;
}

static bool may_take(const struct share *share, size_t replica)
{
    return replica != SHARE_NOBODY && !share->replicas[replica].is_leaving;
}

/* Whose the shard is, or will be when the hand-over under way is done. */
static size_t holder(const struct share *share, size_t shard)
{
    const struct share_shard *row = &share->shards[shard];
    size_t successor = find(share, row->successor);
    if (may_take(share, successor))
        return successor;
    return row->is_free ? SHARE_NOBODY : find(share, row->owner);
}

/* Of the shards before end that are taken, and of takers as far as they are decided. */
static size_t count_of(const struct share *share, size_t replica, const size_t *takers)
{
    size_t count = 0;
    for (size_t i = 0; i < share->shard_count; i++)
        count += holder(share, i) == replica || (takers != NULL && takers[i] == replica);
    return count;
}

/* Who stays and has least; except is left out. */
static size_t poorest(const struct share *share, size_t except, const size_t *takers,
                      size_t *out_count)
{
    size_t found = SHARE_NOBODY;
    for (size_t i = 0; i < share->replica_count; i++) {
        if (i == except || !may_take(share, i))
            continue;
        size_t count = count_of(share, i, takers);
        if (found == SHARE_NOBODY || count < *out_count) {
            found = i;
            *out_count = count;
        }
    }
    return found;
}

void share_takers(const struct share *share, size_t *out_takers)
{
    for (size_t i = 0; i < share->shard_count; i++)
        out_takers[i] = SHARE_NOBODY;
    for (size_t i = 0; i < share->shard_count; i++) {
        const struct share_shard *row = &share->shards[i];
        size_t count = 0;
        if (!row->is_free)
            continue;
        size_t taker = holder(share, i);
        if (taker == SHARE_NOBODY && may_take(share, find(share, row->owner)))
            taker = find(share, row->owner);
        if (taker == SHARE_NOBODY)
            taker = poorest(share, SHARE_NOBODY, out_takers, &count);
        out_takers[i] = taker;
    }
}

bool share_next_move(const struct share *share, const char *self, size_t *out_shard,
                     size_t *out_replica)
{
    size_t own = find(share, self);
    bool is_leaving = own == SHARE_NOBODY || share->replicas[own].is_leaving;
    size_t mine = 0;
    size_t last = SHARE_NOBODY;
    for (size_t i = 0; i < share->shard_count; i++) {
        const struct share_shard *row = &share->shards[i];
        if (row->is_free || strcmp(row->owner, self) != 0)
            continue;
        if (may_take(share, find(share, row->successor))) {
            if (!is_leaving)
                return false; /* one at a time */
            continue;
        }
        mine++;
        last = i;
    }
    size_t least = 0;
    size_t to = poorest(share, own, NULL, &least);
    if (last == SHARE_NOBODY || to == SHARE_NOBODY || (!is_leaving && mine < least + 2))
        return false;
    *out_shard = last;
    *out_replica = to;
    return true;
}
