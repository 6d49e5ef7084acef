#include <pthread.h>
#include <stdlib.h>

#include "app/app.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { JOB_LOCK_RANK = 110, BACKOFF_BASE_MS = 200 };

static const struct metric_def runs_def = {
    .name = "taskrouter_job_runs_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Runs of background jobs.",
    .labels = {"job", "code"},
};
static const struct metric_def duration_def = {
    .name = "taskrouter_job_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "Time of one run of a background job.",
    .labels = {"job"},
};

struct app_job {
    struct app_job_def def; /* defaults filled in */
    void *ctx;
    pthread_t thread;
    struct arena *arena;
    struct lock lock; /* guards the flags */
    struct cond changed;
    bool is_woken;
    bool is_stopping;
};

static int64_t jittered_us(int64_t ms)
{
    uint32_t random = 0;
    random_bytes(&random, sizeof random);
    int64_t us = ms * US_PER_MS;
    return us + us / 10 * (int64_t)(random % 1000) / 1000;
}

/* Until the next run; false when the job is to end. failures: in a row. */
static bool job_rest(struct app_job *job, int failures)
{
    int64_t ms = job->def.period_ms;
    bool is_timed = ms > 0 || failures > 0;
    if (failures > 0) {
        ms = ms > BACKOFF_BASE_MS ? ms : BACKOFF_BASE_MS;
        for (int i = 1; i < failures && ms < job->def.backoff_max_ms; i++)
            ms *= 2;
        if (ms > job->def.backoff_max_ms)
            ms = job->def.backoff_max_ms;
    }
    int64_t until = clock_mono_us() + jittered_us(ms);
    lock_take(&job->lock);
    while (!job->is_stopping && !job->is_woken) {
        if (!is_timed)
            cond_wait(&job->changed, &job->lock);
        else if (!cond_wait_until(&job->changed, &job->lock, until))
            break;
    }
    job->is_woken = false;
    bool goes_on = !job->is_stopping;
    lock_drop(&job->lock);
    return goes_on;
}

static enum err_code job_once(struct app_job *job)
{
    struct call call;
    struct err err = {0};
    call_init(&call, job->arena, job->def.name, (int64_t)job->def.budget_ms * US_PER_MS);
    int64_t began = clock_mono_us();
    enum err_code code = job->def.run(job, &call, job->ctx, &err);
    err.code = code;
    metric_observe_us(METRIC_SERIES(metric_register(&duration_def), job->def.name),
                      clock_mono_us() - began);
    metric_inc(METRIC_SERIES(metric_register(&runs_def), job->def.name, err_code_name(code)));
    if (code != ERR_OK)
        LOG_WARN(&call, "job failed, running again later", LOG_ERR(&err));
    arena_reset(job->arena);
    return code;
}

static void *job_run(void *arg)
{
    struct app_job *job = arg;
    int failures = 0;
    bool goes_on = job->def.runs_at_start ? !app_job_is_stopping(job) : job_rest(job, 0);
    while (goes_on) {
        failures = job_once(job) == ERR_OK ? 0 : failures + 1;
        goes_on = job_rest(job, failures);
    }
    return NULL;
}

static void job_close(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    struct app_job *job = ctx;
    lock_take(&job->lock);
    job->is_stopping = true;
    cond_broadcast(&job->changed);
    lock_drop(&job->lock);
    (void)pthread_join(job->thread, NULL);
    cond_fini(&job->changed);
    lock_fini(&job->lock);
    arena_free(job->arena);
    free(job);
}

struct app_job *app_job_start(struct app *app, const struct app_job_def *def, void *ctx)
{
    struct app_job *job = xcalloc(1, sizeof *job);
    job->def = *def;
    job->ctx = ctx;
    job->def.budget_ms = def->budget_ms > 0 ? def->budget_ms : 30000;
    job->def.backoff_max_ms = def->backoff_max_ms > 0 ? def->backoff_max_ms : 30000;
    job->def.arena_bytes = def->arena_bytes > 0 ? def->arena_bytes : (size_t)4 << 20;
    job->arena = arena_new(job->def.arena_bytes);
    lock_init(&job->lock, "job", JOB_LOCK_RANK);
    cond_init(&job->changed);
    int failed = pthread_create(&job->thread, NULL, job_run, job);
    INVARIANT(failed == 0);
    app_on_close(app, APP_FINISH_CALLS, def->name, job_close, job);
    return job;
}

void app_job_wake(struct app_job *job)
{
    lock_take(&job->lock);
    job->is_woken = true;
    cond_broadcast(&job->changed);
    lock_drop(&job->lock);
}

bool app_job_is_stopping(struct app_job *job)
{
    lock_take(&job->lock);
    bool is_stopping = job->is_stopping;
    lock_drop(&job->lock);
    return is_stopping;
}

bool app_job_wait(struct app_job *job, int ms)
{
    int64_t until = clock_mono_us() + ms * US_PER_MS;
    lock_take(&job->lock);
    while (!job->is_stopping && cond_wait_until(&job->changed, &job->lock, until)) {
    }
    bool is_stopping = job->is_stopping;
    lock_drop(&job->lock);
    return is_stopping;
}
