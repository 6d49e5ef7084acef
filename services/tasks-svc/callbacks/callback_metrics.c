#include "callbacks_int.h"
#include "metrics/metrics.h"

static const struct metric_def sent_def = {
    .name = "taskrouter_callbacks_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Callbacks tried, by kind and what became of them; waiting: will be tried again",
    .labels = {"kind", "outcome"},
};

static const struct metric_def time_def = {
    .name = "taskrouter_callback_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "Time of the last request of a callback",
    .labels = {"kind"},
};

static const struct metric_def dead_def = {
    .name = "taskrouter_callbacks_dead",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Callbacks that were given up and can be sent again, as last counted",
};

static const struct metric_def waiting_def = {
    .name = "taskrouter_callbacks_waiting",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Callbacks that are not delivered yet, as last counted",
};

static const struct metric_def oldest_def = {
    .name = "taskrouter_callbacks_oldest_seconds",
    .kind = METRIC_GAUGE,
    .unit = "seconds",
    .help = "Age of the oldest callback that is not delivered yet, as last counted",
};

void callback_metrics_sent(bool is_assignment, const char *state, int64_t took_us)
{
    const char *kind = is_assignment ? CALLBACK_KIND_ASSIGNMENT : CALLBACK_KIND_EVENT;
    metric_inc(METRIC_SERIES(metric_register(&sent_def), kind, state));
    if (took_us > 0)
        metric_observe_us(METRIC_SERIES(metric_register(&time_def), kind), took_us);
}

void callback_metrics_counts(int64_t dead, int64_t waiting, int64_t oldest_us)
{
    metric_set(metric_single(&dead_def), dead);
    metric_set(metric_single(&waiting_def), waiting);
    metric_set(metric_single(&oldest_def), oldest_us);
}
