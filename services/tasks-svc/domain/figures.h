/*
 * What statistics count over time, as plain numbers that add up: counts, waits, and how many waits
 * had which length. Pure: no clock, no database. Memory comes from the arena given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Names are FIGURE_<first column>; the second is the column of stat_bucket and the field of the
 * wire's CumulativeStatistics. */
#define FIGURES(X)                                                                                 \
    X(RESERVATIONS_CREATED, reservations_created)                                                  \
    X(RESERVATIONS_ACCEPTED, reservations_accepted)                                                \
    X(RESERVATIONS_REJECTED, reservations_rejected)                                                \
    X(RESERVATIONS_TIMED_OUT, reservations_timed_out)                                              \
    X(RESERVATIONS_CANCELED, reservations_canceled)                                                \
    X(RESERVATIONS_RESCINDED, reservations_rescinded)                                              \
    X(TASKS_CREATED, tasks_created)                                                                \
    X(TASKS_ENTERED, tasks_entered)                                                                \
    X(TASKS_MOVED, tasks_moved)                                                                    \
    X(TASKS_CANCELED, tasks_canceled)                                                              \
    X(TASKS_COMPLETED, tasks_completed)                                                            \
    X(TASKS_DELETED, tasks_deleted)                                                                \
    X(TASKS_TIMED_OUT, tasks_timed_out_in_workflow)

enum figure {
#define X(name, column) FIGURE_##name,
    FIGURES(X)
#undef X
        FIGURE_COUNT,
};

enum wait_kind {
    WAIT_ACCEPTED, /* from creation until a reservation was accepted */
    WAIT_IN_QUEUE, /* from entering the queue until then */
    WAIT_CANCELED, /* from creation until the task was canceled */
    WAIT_KIND_COUNT,
};

/* How many there are is a count: of reservations accepted, or of tasks canceled. */
struct wait_sum {
    int64_t sum_ms;
    int64_t min_ms; /* 0 when there are none */
    int64_t max_ms;
};

struct wait_count {
    int64_t seconds; /* whole ones, rounded down */
    int64_t count;
};

/* In no order until encoded. */
struct wait_counts {
    struct wait_count *items;
    size_t count;
    size_t capacity;
};

struct figures {
    int64_t counts[FIGURE_COUNT];
    struct wait_sum waits[WAIT_KIND_COUNT];
    struct wait_counts accepted; /* by length, for splits */
    struct wait_counts canceled;
};

/* How many waits of that kind the figures hold. */
int64_t figures_wait_count(const struct figures *figures, enum wait_kind kind);

/* One more wait; called before the count that belongs to it is raised. */
void figures_add_wait(struct figures *figures, struct arena *arena, enum wait_kind kind,
                      int64_t wait_ms);

/* Adds from to into. Threads: any. An exhausted arena is the caller's to notice. */
void figures_add(struct figures *into, struct arena *arena, const struct figures *from,
                 bool with_lengths);

/* "5:3 8:1": ascending, each length once. False when the arena is exhausted. */
bool wait_counts_encode(const struct wait_counts *waits, struct arena *arena, struct str *out);
/* Appends; false for text that no encode made. */
bool wait_counts_decode(struct str text, struct arena *arena, struct wait_counts *into);

/* Waits shorter than the threshold, and those that are not. */
void wait_counts_split(const struct wait_counts *waits, int64_t threshold_s, int64_t *out_below,
                       int64_t *out_above);
