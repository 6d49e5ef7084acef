/*
 * One run: a seed decides a random world and what happens in it. The real engine decides; around
 * it is a model of tasks-svc's shell (batches, commits, the lease's fence, crashes, recovery, the
 * relay, idempotency keys) and of its callers and of the bus.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct sim_options {
    uint64_t seed;
    int steps;
    bool is_traced; /* prints what happens as it happens */
};

struct sim_result {
    bool has_failed;
    int step;          /* where */
    struct buf report; /* what was violated, and the last lines of the trace */
    uint64_t calls, events, offers, tasks, loads, refused, zombies, shadows, heirs, replayed;
};

void sim_run(const struct sim_options *options, struct sim_result *out_result);
void sim_result_fini(struct sim_result *result);
