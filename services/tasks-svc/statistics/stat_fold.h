/*
 * Events of the log as statistics: which figures they raise, and where workers are from then on.
 * What cannot be read counts for nothing: history outlives its writers.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "event_pack.h"
#include "stat_store.h"

struct stat_fold {
    struct arena *arena;
    struct map by_key;
    struct stat_bucket *buckets; /* each key once */
    size_t bucket_count;
    size_t bucket_capacity;
    struct stat_move *moves; /* in order */
    size_t move_count;
    size_t move_capacity;
};

void stat_fold_init(struct stat_fold *fold, struct arena *arena);
void stat_fold_fini(struct stat_fold *fold);

/* An exhausted arena is the caller's to notice, at the end. */
void stat_fold_event(struct stat_fold *fold, const struct packed_event *event);

/* Adds the buckets of hours and days to those of minutes. */
void stat_fold_finish(struct stat_fold *fold);
