/*
 * Counters, gauges and histograms in Prometheus text form 0.0.4. Metrics are declared in one table
 * per module, registered once at the start, and updated through cached series handles without a
 * lock. Series per metric are bounded: past the bound, values are counted under the label value
 * "other". Metrics and series live until the process ends.
 * Threads: any.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum metric_kind {
    METRIC_NONE,
    METRIC_COUNTER,   /* only grows; name ends in _total */
    METRIC_GAUGE,     /* goes up and down */
    METRIC_HISTOGRAM, /* fixed buckets, see metric_observe_us and metric_observe */
    METRIC_KIND_COUNT,
};

#define METRIC_MAX_LABELS         4
#define METRIC_SERIES_PER_DEFAULT 200

/*
 * One row of a table. The registry keeps the pointer: rows are static const.
 * unit: "seconds", "bytes" or "" for plain counts; the name must end in it ("_seconds",
 * "_seconds_total"). A metric in seconds is fed with microseconds everywhere.
 */
struct metric_def {
    const char *name; /* "taskrouter_rpc_duration_seconds" */
    enum metric_kind kind;
    const char *unit;
    const char *help;
    const char *labels[METRIC_MAX_LABELS]; /* names; unused ones NULL */
    uint32_t max_series;                   /* 0 = METRIC_SERIES_PER_DEFAULT */
};

struct metric;
struct metric_series;

/* Registers a row; the same name again gives the same metric (the rows must agree). Never NULL. */
struct metric *metric_register(const struct metric_def *def);

/*
 * The series with these label values (as many as the metric has labels; NULL or 0 labels: values
 * may be NULL). Values are copied, cut at 127 bytes. Never NULL; keep the handle where the path is
 * hot.
 */
struct metric_series *metric_series(struct metric *metric, const char *const *values);

/* metric_series with the values written out: METRIC_SERIES(metric, "CreateTask", "OK"). */
#define METRIC_SERIES(metric, ...) metric_series((metric), (const char *const[]){__VA_ARGS__})

/* The only series of a metric without labels. */
struct metric_series *metric_single(const struct metric_def *def);

/* Counter or gauge. n in the metric's unit, microseconds when that is seconds. Lock-free. A NULL
 * series is allowed everywhere below and does nothing. */
void metric_add(struct metric_series *series, int64_t n);
void metric_inc(struct metric_series *series);

/* Gauge only. */
void metric_set(struct metric_series *series, int64_t value);

/* Current value of a counter or gauge, number of observations of a histogram; for tests. */
int64_t metric_value(const struct metric_series *series);

/* Histogram in seconds: buckets from 100 us to 1 hour. Lock-free. */
void metric_observe_us(struct metric_series *series, int64_t us);

/* Histogram of counts or bytes: buckets 1, 2, 4 ... 2^20, in the unit. Lock-free. */
void metric_observe(struct metric_series *series, int64_t value);

/*
 * A gauge (or counter) computed while rendering; callbacks with equal labels are added up. fn
 * returns the value in the metric's own unit (seconds as seconds). values as in metric_series. fn
 * must be quick, must not block on I/O and must not call metric_callback_*; it may take locks of
 * rank > METRICS_RANK_CALLBACKS.
 */
typedef double (*metric_callback_fn)(void *ctx);
void metric_callback_add(const struct metric_def *def, const char *const *values,
                         metric_callback_fn fn, void *ctx);

/* Removes every callback with this ctx; afterwards none of them runs any more. Call before freeing
 * ctx. */
void metric_callback_remove(const void *ctx);

#define METRICS_RANK_CALLBACKS 10
#define METRICS_RANK_REGISTRY  950

/* Adds process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_max_fds,
 * process_start_time_seconds and taskrouter_build_info{service,version}. Once per process. */
void metrics_process_add(const char *service, const char *version);

/* Appends everything, sorted by name; Content-Type METRICS_CONTENT_TYPE. */
void metrics_render(struct buf *out);

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
