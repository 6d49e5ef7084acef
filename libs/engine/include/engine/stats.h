/*
 * What is going on now, by workspace, queue and workflow, in all or in one task channel: counts
 * that are kept up with every change, so that reading costs what the answer costs. Refuses to know
 * about the past (the event log tells that) and about names of queues and workers.
 *
 * A task counts while it is pending, reserved, assigned or wrapping. It waits while it is pending
 * or reserved: until somebody accepts it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/str.h"
#include "engine/state.h"

struct arena;
struct engine;

struct engine_priority_count {
    int64_t priority;
    size_t tasks;
};

struct engine_task_stats {
    size_t by_state[TASK_STATE_COUNT]; /* of states that are over: 0 */
    size_t total;
    struct engine_priority_count *priorities; /* ascending; their tasks sum up to total */
    size_t priority_count;
    struct sid longest_sid;          /* who waits since the earliest creation; none: nobody waits */
    int64_t longest_since_us;        /* its creation */
    struct sid longest_in_queue_sid; /* queues only: who waits longest since it came into it */
    int64_t longest_in_queue_since_us;
};

/* sid: WS, WQ or WW; channel_sid NULL: all channels. Priorities are in the arena. False when the
 * engine knows neither, or the arena is exhausted. */
bool engine_task_stats_get(const struct engine *engine, const struct sid *sid,
                           const struct sid *channel_sid, struct arena *arena,
                           struct engine_task_stats *out_stats);

struct engine_activity_count {
    struct sid sid;
    struct str name; /* in the arena */
    bool is_available;
    size_t workers;
};

struct engine_worker_stats {
    struct engine_activity_count *activities; /* every one of the workspace, in the arena */
    size_t activity_count;
    size_t workers;   /* of the workspace, or in the queue's set */
    size_t available; /* of these, in an available activity, busy or not */
};

/* sid: WS or WQ. False as above. */
bool engine_worker_stats_get(const struct engine *engine, const struct sid *sid,
                             struct arena *arena, struct engine_worker_stats *out_stats);

/* The workers in a queue's set, until fn returns false. */
typedef bool (*engine_sid_fn)(void *context, const struct sid *sid);
void engine_queue_workers(const struct engine *engine, const struct sid *queue_sid,
                          engine_sid_fn fn, void *context);
