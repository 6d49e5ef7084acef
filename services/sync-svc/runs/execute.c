#include <stdio.h>
#include <string.h>

#include "job.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "runs_int.h"

enum { SCRATCH_BYTES = 1 << 20, TAKES_MAX = 50 };

static const struct metric_def runs_def = {
    .name = "taskrouter_sync_runs_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Runs of the sync that ended, by cause and how",
    .labels = {"cause", "state"},
};

static const struct metric_def time_def = {
    .name = "taskrouter_sync_run_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "Time from the begin of a run of the sync to its end",
    .labels = {"cause"},
};

/* Causes are the callers' words; only ours are worth a series. */
static const char *cause_label(const struct job *job)
{
    static const char *const known[] = {"weekly", "reconcile", "webhook"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(job->run.cause, known[i]) == 0)
            return known[i];
    }
    return "manual";
}

static enum err_code do_kind(struct job *job, enum kind kind, struct err *err)
{
    switch (kind) {
    case KIND_WORKSPACE:
        return do_workspace(job, err);
    case KIND_ACTIVITIES:
    case KIND_TASK_CHANNELS:
    case KIND_QUEUES:
    case KIND_WORKFLOWS:
    case KIND_WORKERS:
    case KIND_TASKS:
        return do_list(job, kind, err);
    case KIND_WORKER_CHANNELS:
        return do_worker_channels(job, err);
    case KIND_LINKS:
        return do_links(job, err);
    case KIND_COUNT:
        break;
    }
    return ERR_OK;
}

/* ---- states of kinds ---- */

struct change {
    enum kind kind;
    const char *error; /* NULL: it begins */
};

static enum err_code try_change(struct job *job, struct call *call, void *ctx, struct err *err)
{
    const struct change *change = ctx;
    if (change->error == NULL)
        return progress_store_begin(&job->writer, call, change->kind, err);
    return progress_store_finish(&job->writer, call, change->kind, change->error, err);
}

static enum err_code set_state(struct job *job, enum kind kind, const char *error, struct err *err)
{
    AUTO(arena_cleanup) struct arena *scratch = arena_new(SCRATCH_BYTES);
    struct change change = {kind, error};
    enum err_code code = job_insist(job, scratch, try_change, &change, err);
    if (code == ERR_ABORTED)
        job_halt_set(job, JOB_LOST);
    if (code == ERR_OK && error == NULL)
        job->kinds[kind].state = KIND_STATE_RUNNING;
    if (code == ERR_OK && error != NULL)
        job->kinds[kind].state = error[0] == '\0' ? KIND_STATE_DONE : KIND_STATE_FAILED;
    runs_wake(job->runs);
    return code;
}

/* One kind with its begin and end; its failure is told there and is no error here. */
static enum err_code run_kind(struct job *job, enum kind kind, struct err *err)
{
    struct err why = {0};
    bool was_done = job->kinds[kind].state == KIND_STATE_DONE;
    enum err_code code = was_done ? ERR_OK : set_state(job, kind, NULL, err);
    if (code != ERR_OK)
        return code;
    enum err_code outcome = do_kind(job, kind, &why);
    if (job_halt(job) != JOB_GOES_ON)
        return ERR_OK;
    if (outcome != ERR_OK) {
        struct call call;
        job_call(&call, job->arena);
        LOG_WARN(&call, "a kind of resources could not be brought in step, going on with the next",
                 LOG_STR("run", job->run.sid), LOG_STR("kind", kind_name(kind)), LOG_ERR(&why));
    }
    if (outcome == ERR_OK && was_done)
        return ERR_OK;
    const char *error = outcome == ERR_OK ? "" : arena_strdup(job->arena, why.detail);
    if (error == NULL || (outcome != ERR_OK && error[0] == '\0'))
        error = "it failed, and nobody said why";
    job->kinds[kind].error = error;
    return set_state(job, kind, error, err);
}

/* Done kinds are not done again, save the workspace: whoever goes on looks whether all is well. */
static enum err_code run_kinds(struct job *job, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < job->run.progress_count && code == ERR_OK; i++) {
        enum kind kind = job->run.progress[i].kind;
        enum kind_state state = job->kinds[kind].state;
        bool is_due =
            kind == KIND_WORKSPACE || state == KIND_STATE_WAITING || state == KIND_STATE_RUNNING;
        if (is_due)
            code = run_kind(job, kind, err);
        if (job_halt(job) != JOB_GOES_ON)
            break;
        if (kind == KIND_WORKSPACE && job->kinds[kind].state != KIND_STATE_DONE)
            break;
    }
    return code;
}

/* ---- the end ---- */

struct ending {
    enum run_state state;
    const char *detail;
};

static enum err_code try_end(struct job *job, struct call *call, void *ctx, struct err *err)
{
    const struct ending *ending = ctx;
    return run_store_end(job->writer.pool, call, job->run.sid, job->writer.epoch, ending->state,
                         ending->detail, err);
}

/* What to say of a run that failed: the sentence of the first kind that did. */
static const char *detail_of(const struct job *job, const struct run_kind *kinds, size_t count)
{
    (void)job;
    for (size_t i = 0; i < count; i++) {
        if (kinds[i].state == KIND_STATE_FAILED)
            return kinds[i].error;
    }
    return "";
}

static struct ending ending_of(const struct job *job)
{
    struct run_kind kinds[KIND_COUNT];
    size_t count = job->run.progress_count;
    for (size_t i = 0; i < count; i++)
        kinds[i] = job->kinds[job->run.progress[i].kind];
    enum run_state state = run_outcome(kinds, count);
    return (struct ending){state, state == RUN_STATE_CLEAN ? "" : detail_of(job, kinds, count)};
}

static void store_end(struct job *job, struct ending ending)
{
    struct call call;
    struct err err = {0};
    atomic_store(&job->halt, JOB_GOES_ON); /* a canceled one has an end to store too */
    enum err_code code = job_insist(job, job->arena, try_end, &ending, &err);
    job_call(&call, job->arena);
    if (code != ERR_OK) {
        LOG_WARN(&call, "the end of a sync run could not be stored, somebody goes on with it",
                 LOG_STR("run", job->run.sid), LOG_ERR(&err));
        return;
    }
    int64_t took_us = clock_now_us() - job->run.started_at_us;
    metric_inc(
        METRIC_SERIES(metric_register(&runs_def), cause_label(job), run_state_name(ending.state)));
    metric_observe_us(METRIC_SERIES(metric_register(&time_def), cause_label(job)),
                      took_us > 0 ? took_us : 0);
    LOG_INFO(&call, "sync run ended", LOG_STR("run", job->run.sid),
             LOG_STR("workspace", job->run.workspace_sid), LOG_STR("cause", job->run.cause),
             LOG_STR("state", run_state_name(ending.state)),
             LOG_I64("took_ms", took_us / US_PER_MS));
}

static void release(struct job *job)
{
    struct call call;
    struct err err = {0};
    job_call(&call, job->arena);
    if (run_store_release(job->writer.pool, &call, job->run.sid, job->writer.epoch, &err) != ERR_OK)
        LOG_WARN(&call, "a sync run could not be handed back, it is taken on when its lease ends",
                 LOG_STR("run", job->run.sid), LOG_ERR(&err));
}

static enum err_code try_count(struct job *job, struct call *call, void *ctx, struct err *err)
{
    (void)ctx;
    return progress_store_count_items(job->writer.pool, call, job->run.sid, &job->item_count, err);
}

void job_run(struct job *job)
{
    struct call call;
    struct err err = {0};
    job_call(&call, job->arena);
    LOG_INFO(&call, job->takes > 1 ? "sync run goes on" : "sync run begins",
             LOG_STR("run", job->run.sid), LOG_STR("workspace", job->run.workspace_sid),
             LOG_STR("cause", job->run.cause), LOG_BOOL("dry_run", job->run.is_dry_run));
    enum err_code code = ERR_OK;
    if (job->takes > TAKES_MAX) {
        store_end(job, (struct ending){RUN_STATE_FAILED,
                                       "given up: whoever made it died, again and again"});
        return;
    }
    if (job->takes > 1)
        code = job_insist(job, job->arena, try_count, NULL, &err);
    if (code == ERR_OK)
        code = run_kinds(job, &err);
    switch (job_halt(job)) {
    case JOB_GOES_ON:
        break;
    case JOB_STOPPING:
        release(job);
        return;
    case JOB_CANCELED:
        store_end(job, (struct ending){RUN_STATE_FAILED, "it was canceled"});
        return;
    case JOB_LOST:
        return;
    }
    if (code == ERR_OK)
        store_end(job, ending_of(job));
    else
        LOG_WARN(&call, "the record of a sync run could not be kept, somebody goes on with it",
                 LOG_STR("run", job->run.sid), LOG_ERR(&err));
}
