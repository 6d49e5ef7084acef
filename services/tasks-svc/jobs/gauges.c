#include "gauges.h"

#include "engine/state.h"
#include "metrics/metrics.h"
#include "task_store.h"

static const struct metric_def tasks_def = {
    .name = "taskrouter_tasks",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Live tasks by status, as last counted",
    .labels = {"status"},
};

static const struct metric_def workers_def = {
    .name = "taskrouter_workers_available",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Workers in an available activity, as last counted",
};

static enum err_code count_all(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    int64_t counts[TASK_STATE_COUNT];
    int64_t workers = 0;
    enum err_code code = task_store_counts(ctx, call, counts, &workers, err);
    if (code != ERR_OK)
        return code;
    struct metric *tasks = metric_register(&tasks_def);
    for (int state = TASK_NONE + 1; state < TASK_STATE_COUNT; state++)
        metric_set(METRIC_SERIES(tasks, task_state_name((enum task_state)state)), counts[state]);
    metric_set(metric_single(&workers_def), workers);
    return ERR_OK;
}

const struct app_job_def gauges_job = {
    .name = "gauges", .run = count_all, .period_ms = 10000, .runs_at_start = true};
