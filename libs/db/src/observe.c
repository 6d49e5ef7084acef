#include "base/clock.h"
#include "db_int.h"
#include "metrics/metrics.h"

enum { MAX_STATEMENTS = 500 };

static const struct metric_def duration_def = {
    .name = "taskrouter_sql_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "Time from sending a statement to its answer",
    .labels = {"statement"},
    .max_series = MAX_STATEMENTS,
};

static const struct metric_def errors_def = {
    .name = "taskrouter_sql_errors_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Statements that failed",
    .labels = {"statement", "code"},
    .max_series = MAX_STATEMENTS,
};

void db_observe(struct db_prepared *prepared, enum err_code code, int64_t since_mono_us)
{
    if (prepared->duration == NULL)
        prepared->duration = METRIC_SERIES(metric_register(&duration_def), prepared->stmt->name);
    metric_observe_us(prepared->duration, clock_mono_us() - since_mono_us);
    if (code != ERR_OK)
        metric_inc(
            METRIC_SERIES(metric_register(&errors_def), prepared->stmt->name, err_code_name(code)));
}
