/*
 * Workers' stays in activities, as they follow from what is told of them one after the other. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ids.h"

/* A worker's stay in an activity. */
struct stat_span {
    struct sid worker_sid;
    struct sid workspace_sid;
    struct sid activity_sid;
    int64_t from_us;
    int64_t to_us; /* 0: he is still there */
    int64_t worker_version;
};

/* What an event says of where a worker is. */
struct stat_move {
    struct sid worker_sid;
    struct sid workspace_sid;
    struct sid activity_sid; /* none: he is gone */
    int64_t at_us;
    int64_t since_us; /* since when he is there, if nothing was known of him; 0 = unknown */
    int64_t version;  /* of the worker; older words are ignored. 0: the router moved him */
};

/* The stays of one worker while moves are applied. */
struct stay {
    struct stat_span span;
    bool is_known; /* there is a span */
    bool is_changed;
};

/* Applies a move. True when a stay has ended by that: out_ended is it. */
bool stay_move(struct stay *stay, const struct stat_move *move, struct stat_span *out_ended);
