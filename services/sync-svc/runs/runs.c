#include "runs.h"

#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "job.h"
#include "log/log.h"
#include "runs_int.h"
#include "schedule.h"
#include "svc/host.h"

enum {
    RUNS_LOCK_RANK = 340,
    RUNNERS = 2, /* runs at once; of different workspaces */
    RUNNER_PERIOD_MS = 1000,
    UPKEEP_PERIOD_MS = 1000,
    JOB_ARENA_BYTES = 64 << 20,
    PRUNE_PERIOD_S = 3600,
};

struct runs {
    struct runs_options options;
    struct app_job *runners[RUNNERS];
    struct schedule schedule;
    int64_t pruned_mono_us; /* the upkeep's own */

    struct lock lock;    /* guards what follows */
    struct cond changed; /* some run of ours, or the service ends */
    uint64_t changes;
    struct job *jobs[RUNNERS]; /* under way; NULL = none */
    bool is_stopping;
};

struct runs *runs_open(const struct runs_options *options)
{
    struct runs *runs = xcalloc(1, sizeof *runs);
    runs->options = *options;
    lock_init(&runs->lock, "runs", RUNS_LOCK_RANK);
    cond_init(&runs->changed);
    schedule_init(&runs->schedule, &runs->options);
    return runs;
}

void runs_close(struct runs *runs)
{
    if (runs == NULL)
        return;
    cond_fini(&runs->changed);
    lock_fini(&runs->lock);
    free(runs);
}

void runs_wake(struct runs *runs)
{
    lock_take(&runs->lock);
    runs->changes++;
    cond_broadcast(&runs->changed);
    lock_drop(&runs->lock);
}

void runs_wait(struct runs *runs, int64_t until_mono_us)
{
    lock_take(&runs->lock);
    uint64_t before = runs->changes;
    bool is_in_time = true;
    while (runs->changes == before && is_in_time)
        is_in_time = cond_wait_until(&runs->changed, &runs->lock, until_mono_us);
    lock_drop(&runs->lock);
}

/* ---- making runs ---- */

static void job_init(struct job *job, struct runs *runs, struct arena *arena,
                     const struct run_claim *claim)
{
    *job = (struct job){
        .runs = runs,
        .options = &runs->options,
        .arena = arena,
        .run = claim->run,
        .takes = claim->takes,
        .patience_ms = runs->options.patience_ms,
        .writer = {.pool = runs->options.host->pool,
                   .run_sid = claim->run.sid,
                   .epoch = claim->epoch,
                   .lease_ms = JOB_LEASE_MS},
    };
    for (size_t i = 0; i < claim->run.progress_count; i++)
        job->kinds[claim->run.progress[i].kind] = claim->run.progress[i];
    atomic_init(&job->is_away, false);
    atomic_init(&job->halt, claim->is_cancel_asked ? JOB_CANCELED : JOB_GOES_ON);
}

/* Puts the job where upkeep finds it; false when the service ends. */
static bool enter(struct runs *runs, struct job *job)
{
    lock_take(&runs->lock);
    bool goes_on = !runs->is_stopping;
    for (size_t i = 0; i < RUNNERS && goes_on; i++) {
        if (runs->jobs[i] == NULL) {
            runs->jobs[i] = job;
            break;
        }
    }
    lock_drop(&runs->lock);
    return goes_on;
}

static void leave(struct runs *runs, const struct job *job)
{
    lock_take(&runs->lock);
    for (size_t i = 0; i < RUNNERS; i++) {
        if (runs->jobs[i] == job)
            runs->jobs[i] = NULL;
    }
    runs->changes++;
    cond_broadcast(&runs->changed);
    lock_drop(&runs->lock);
}

static enum err_code one_run(struct runs *runs, bool *out_found, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(JOB_ARENA_BYTES);
    struct call call;
    struct run_claim claim;
    struct job job;
    job_call(&call, arena);
    enum err_code code = run_store_claim(runs->options.host->pool, &call, runs->options.account_sid,
                                         JOB_LEASE_MS, &claim, out_found, err);
    if (code != ERR_OK || !*out_found)
        return code;
    job_init(&job, runs, arena, &claim);
    if (!enter(runs, &job))
        job_halt_set(&job, JOB_STOPPING);
    job_run(&job);
    leave(runs, &job);
    return ERR_OK;
}

static enum err_code make_runs(struct app_job *self, struct call *call, void *ctx, struct err *err)
{
    (void)call;
    struct runs *runs = ctx;
    bool is_found = true;
    enum err_code code = ERR_OK;
    while (is_found && code == ERR_OK && !app_job_is_stopping(self))
        code = one_run(runs, &is_found, err);
    return code;
}

/* ---- upkeep ---- */

/* The lease of a run under way; the run may end meanwhile, but not while we hold the lock, so what
 * is needed of it is copied. */
struct lease {
    char sid[SID_SIZE];
    int64_t epoch;
};

static bool lease_at(struct runs *runs, size_t index, struct lease *out)
{
    lock_take(&runs->lock);
    const struct job *job = runs->jobs[index];
    if (job != NULL) {
        struct sid sid = sid_from(str_from(job->run.sid));
        memcpy(out->sid, sid.text, sizeof out->sid);
        out->epoch = job->writer.epoch;
    }
    lock_drop(&runs->lock);
    return job != NULL;
}

static void halt_at(struct runs *runs, size_t index, const struct lease *lease, enum job_halt halt)
{
    lock_take(&runs->lock);
    struct job *job = runs->jobs[index];
    if (job != NULL && strcmp(job->run.sid, lease->sid) == 0 && job->writer.epoch == lease->epoch) {
        int none = JOB_GOES_ON;
        (void)atomic_compare_exchange_strong(&job->halt, &none, (int)halt);
        runs->changes++;
        cond_broadcast(&runs->changed);
    }
    lock_drop(&runs->lock);
}

static void renew(struct runs *runs, struct call *call, size_t index)
{
    struct lease lease;
    struct err err = {0};
    bool is_cancel_asked = false;
    if (!lease_at(runs, index, &lease))
        return;
    enum err_code code = run_store_renew(runs->options.host->pool, call, lease.sid, lease.epoch,
                                         JOB_LEASE_MS, &is_cancel_asked, &err);
    if (code == ERR_ABORTED)
        halt_at(runs, index, &lease, JOB_LOST);
    else if (code == ERR_OK && is_cancel_asked)
        halt_at(runs, index, &lease, JOB_CANCELED);
}

static enum err_code prune(struct runs *runs, struct call *call, struct err *err)
{
    int64_t now_us = clock_mono_us();
    if (runs->pruned_mono_us != 0 && now_us - runs->pruned_mono_us < PRUNE_PERIOD_S * US_PER_S)
        return ERR_OK;
    runs->pruned_mono_us = now_us;
    return run_store_prune(runs->options.host->pool, call, err);
}

static enum err_code upkeep(struct app_job *self, struct call *call, void *ctx, struct err *err)
{
    (void)self;
    struct runs *runs = ctx;
    bool has_begun = false;
    call->who.role = ROLE_SERVICE;
    for (size_t i = 0; i < RUNNERS; i++)
        renew(runs, call, i);
    enum err_code code = prune(runs, call, err);
    if (code == ERR_OK)
        code = schedule_tick(&runs->schedule, call, &has_begun, err);
    if (has_begun)
        app_job_wake(runs->runners[0]);
    return code;
}

/* ---- life ---- */

/* Before the jobs are waited for: what is under way must not go on until its end. */
static void stop(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    struct runs *runs = ctx;
    lock_take(&runs->lock);
    runs->is_stopping = true;
    for (size_t i = 0; i < RUNNERS; i++) {
        int none = JOB_GOES_ON;
        if (runs->jobs[i] != NULL)
            (void)atomic_compare_exchange_strong(&runs->jobs[i]->halt, &none, JOB_STOPPING);
    }
    runs->changes++;
    cond_broadcast(&runs->changed);
    lock_drop(&runs->lock);
}

void runs_start(struct runs *runs, struct app *app)
{
    static const struct app_job_def runner_def = {.name = "sync runs",
                                                  .run = make_runs,
                                                  .period_ms = RUNNER_PERIOD_MS,
                                                  .runs_at_start = true};
    static const struct app_job_def upkeep_def = {
        .name = "sync upkeep", .run = upkeep, .period_ms = UPKEEP_PERIOD_MS};
    if (runs->options.account_sid == NULL)
        return;
    for (size_t i = 0; i < RUNNERS; i++)
        runs->runners[i] = app_job_start(app, &runner_def, runs);
    (void)app_job_start(app, &upkeep_def, runs);
    app_on_close(app, APP_FINISH_CALLS, "sync runs", stop, runs);
}

/* ---- beginning ---- */

struct beginning {
    const struct run *wanted;
    unsigned kinds;
    struct run *out;
};

static enum err_code begin_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct beginning *beginning = ctx;
    const struct run *wanted = beginning->wanted;
    enum err_code code = run_store_insert(conn, call, wanted, beginning->kinds, err);
    if (code == ERR_OK)
        code = run_store_get(conn, call, wanted->workspace_sid, wanted->sid, beginning->out, err);
    return code;
}

enum err_code runs_begin(struct runs *runs, struct call *call, const struct run *wanted,
                         unsigned kinds, struct run *out, struct err *err)
{
    struct beginning beginning = {wanted, kinds, out};
    enum err_code code = db_tx_run(runs->options.host->pool, call, begin_tx, &beginning, err);
    for (size_t i = 0; i < RUNNERS && code == ERR_OK; i++) {
        if (runs->runners[i] != NULL)
            app_job_wake(runs->runners[i]);
    }
    return code;
}
