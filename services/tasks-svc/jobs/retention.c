#include "retention.h"

#include "base/arena.h"
#include "base/clock.h"
#include "history_store.h"
#include "metrics/metrics.h"
#include "mirror_store.h"
#include "removal_store.h"
#include "shell.h"

enum {
    PERIOD_MS = 5000, /* four look-ups by index when nothing is old */
    BATCHES = 64,     /* rows of one transaction: small, so that nobody waits for it */
    TASKS = 200,
    PAUSE_MS = 20,
    DAY_S = 86400,
    MIRROR_EVENT_DAYS = 8, /* Twilio repeats an event for a day, and people send old ones again */
    MIRROR_EVENTS = 1000,
};

static const struct metric_def removed_def = {
    .name = "taskrouter_history_removed_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Batches of the event log and ended tasks that were deleted for their age",
};

static const struct metric_def below_def = {
    .name = "taskrouter_removed_rows_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Rows below deleted workspaces that were deleted",
};

typedef enum err_code (*prune_fn)(struct db_pool *pool, struct call *call, int shard,
                                  int64_t before_us, int64_t limit, int64_t *out_removed,
                                  struct err *err);

/* Until nothing old is left. */
static enum err_code prune_all(struct app_job *job, struct call *call,
                               const struct retention *retention, int shard, prune_fn prune,
                               int64_t days, int64_t limit, struct err *err)
{
    int64_t before_us = clock_now_us() - days * DAY_S * US_PER_S; /* 0 days: until now */
    int64_t removed = limit;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && removed == limit && !app_job_wait(job, PAUSE_MS)) {
        struct arena_mark mark = arena_mark(call->arena);
        code = prune(retention->pool, call, shard, before_us, limit, &removed, err);
        arena_rewind(call->arena, mark);
        if (code == ERR_OK && days > 0) /* what leaves the lists is kept */
            metric_add(metric_single(&removed_def), removed);
    }
    return code;
}

/* Until nothing is left below the deleted workspaces of the shard. */
static enum err_code remove_all(struct app_job *job, struct call *call,
                                const struct retention *retention, int shard, struct err *err)
{
    bool has_more = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && has_more && !app_job_wait(job, PAUSE_MS)) {
        struct arena_mark mark = arena_mark(call->arena);
        int64_t removed = 0;
        code = removal_store_step(retention->pool, call, shard, &has_more, &removed, err);
        arena_rewind(call->arena, mark);
        if (code == ERR_OK)
            metric_add(metric_single(&below_def), removed);
    }
    return code;
}

static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    const struct retention *retention = ctx;
    enum err_code code = ERR_OK;
    for (int i = 0; i < shell_shard_count(retention->shell) && code == ERR_OK; i++) {
        if (!shell_is_owner(retention->shell, i))
            continue;
        code = prune_all(job, call, retention, i, history_store_prune_events, retention->event_days,
                         BATCHES, err);
        if (code == ERR_OK)
            code = prune_all(job, call, retention, i, history_store_prune_tasks,
                             retention->history_days, TASKS, err);
        if (code == ERR_OK)
            code = remove_all(job, call, retention, i, err);
        if (code == ERR_OK)
            code = prune_all(job, call, retention, i, mirror_store_purge, 0, TASKS, err);
        if (code == ERR_OK)
            code = prune_all(job, call, retention, i, mirror_store_forget, MIRROR_EVENT_DAYS,
                             MIRROR_EVENTS, err);
    }
    return code;
}

const struct app_job_def retention_job = {
    .name = "retention", .run = run, .period_ms = PERIOD_MS, .runs_at_start = true};
