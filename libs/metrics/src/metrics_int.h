/* What the files of libs/metrics share: the registry's records. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/map.h"
#include "metrics/metrics.h"

#define METRIC_BOUNDS 21

struct metric_series {
    struct metric *metric;
    struct metric_series *next;
    char *key;    /* escaped label values joined by '"': the key in the metric's map */
    char *labels; /* rendered: method="x",code="OK"; "" without labels */
    _Atomic int64_t value;
    _Atomic int64_t buckets[METRIC_BOUNDS + 1]; /* histograms: not cumulative; last = above all */
};

/* Guarded by the callback lock; value also while rendering. */
struct metric_callback {
    struct metric *metric;
    char *labels;
    metric_callback_fn fn;
    void *ctx;
    double value;
    bool is_rendered;
    struct metric_callback *next;
};

/* Guarded by the registry lock; series are never removed. */
struct metric {
    const struct metric_def *def;
    struct metric *next; /* sorted by name */
    struct map by_key;
    struct metric_series *first;
    struct metric_series *last;
    size_t label_count;
    size_t series_count;
};

/* The bounds of a histogram in the metric's inner unit (microseconds when it is seconds). */
const int64_t *metric_bounds(const struct metric_def *def);
bool metric_is_seconds(const struct metric_def *def);
