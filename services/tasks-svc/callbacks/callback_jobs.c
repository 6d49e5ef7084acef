#include "callback_jobs.h"

#include "base/clock.h"
#include "base/macros.h"
#include "callback_store.h"
#include "callbacks_int.h"

enum { PIECE = 1000 };

static enum err_code forget(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    static const struct {
        const char *state;
        bool is_dead;
    } rows[] = {
        {CALLBACK_DELIVERED, false},
        {CALLBACK_DROPPED,   false},
        {CALLBACK_DEAD,      true },
    };
    const struct callback_jobs *jobs = ctx;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows) && code == ERR_OK; i++) {
        int64_t keep_ms = rows[i].is_dead ? jobs->keep_dead_ms : jobs->keep_ms;
        int64_t count = PIECE;
        while (count == PIECE && code == ERR_OK && !app_job_is_stopping(job))
            code = callback_store_forget(jobs->pool, call, rows[i].state,
                                         clock_now_us() - keep_ms * US_PER_MS, &count, err);
    }
    return code;
}

static enum err_code count_all(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    const struct callback_jobs *jobs = ctx;
    int64_t dead = 0;
    int64_t waiting = 0;
    int64_t oldest_us = 0;
    enum err_code code = callback_store_counts(jobs->pool, call, &dead, &waiting, &oldest_us, err);
    if (code == ERR_OK)
        callback_metrics_counts(dead, waiting, oldest_us == 0 ? 0 : clock_now_us() - oldest_us);
    return code;
}

const struct app_job_def callback_forget_job = {
    .name = "forget callbacks", .run = forget, .period_ms = 60000, .runs_at_start = true};
const struct app_job_def callback_count_job = {
    .name = "count callbacks", .run = count_all, .period_ms = 10000, .runs_at_start = true};
