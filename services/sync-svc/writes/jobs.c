#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/macros.h"
#include "intent_store.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "writes_int.h"

enum {
    BEAT_MS = 1000,
    BEAT_FRESH_US = 3 * 1000 * 1000, /* the database forgets us after five seconds */
    RECOVERY_MS = 1000,
    RECOVERY_BATCH = 10,
    RECOVERY_BUDGET_MS = 60000,
    RECOVERY_ARENA_BYTES = 64 << 20,
    LOOK_BUDGET_MS = 15000, /* of one write */
    PRUNE_MS = 60 * 60 * 1000,
};

static const struct metric_def writes_def = {
    .name = "taskrouter_sync_writes_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Writes into workspaces that Twilio routes, by what became of them",
    .labels = {"outcome"},
};

static const struct metric_def unsettled_def = {
    .name = "taskrouter_sync_writes_unsettled",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Writes of which it is not known yet whether Twilio carried them out",
};

static const struct metric_def given_up_def = {
    .name = "taskrouter_sync_writes_given_up",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Writes of which it could not be found out; a person must look (taskrouter writes)",
};

void writes_count(const char *outcome)
{
    metric_inc(METRIC_SERIES(metric_register(&writes_def), outcome));
}

/* ---- being alive ---- */

static bool is_configured(const struct writes *writes)
{
    return upstream_state(writes->options.upstream).is_configured;
}

static enum err_code beat(struct writes *writes, struct call *call, struct err *err)
{
    int64_t now_us = clock_mono_us();
    enum err_code code = writer_store_beat(writes->options.host->pool, call, writes->sid.text, err);
    if (code == ERR_OK)
        atomic_store(&writes->beat_mono_us, now_us);
    return code;
}

enum err_code writes_beat(struct writes *writes, struct call *call, struct err *err)
{
    int64_t heard_us = atomic_load(&writes->beat_mono_us);
    if (heard_us != 0 && clock_mono_us() - heard_us < BEAT_FRESH_US)
        return ERR_OK;
    return beat(writes, call, err);
}

static enum err_code run_beat(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    struct writes *writes = ctx;
    return is_configured(writes) ? beat(writes, call, err) : ERR_OK;
}

/* ---- what is left over ---- */

static bool left_push(struct writes *writes, const struct left_record *left)
{
    lock_take(&writes->lock);
    bool has_room = writes->left_count < LEFT_MAX;
    if (has_room)
        writes->left[writes->left_count++] = *left;
    lock_drop(&writes->lock);
    return has_room;
}

static bool left_pop(struct writes *writes, struct left_record *out)
{
    lock_take(&writes->lock);
    bool is_there = writes->left_count > 0;
    if (is_there)
        *out = writes->left[--writes->left_count];
    lock_drop(&writes->lock);
    return is_there;
}

void writes_leave(struct writes *writes, const struct call *call, const struct intent *intent,
                  const struct err *why)
{
    struct left_record left = {.epoch = intent->epoch};
    if (why->code == ERR_ABORTED) /* it is another's by now, or has ended */
        return;
    (void)snprintf(left.sid.text, sizeof left.sid.text, "%s", intent->sid);
    if (left_push(writes, &left))
        LOG_WARN(call, "the record of a write is left to the recovery",
                 LOG_STR("intent", intent->sid), LOG_ERR(why));
    else
        LOG_WARN(call, "a write stays with this process until it ends",
                 LOG_STR("intent", intent->sid), LOG_ERR(why));
}

static void give_back(struct writes *writes, struct call *call, const struct intent *intent,
                      const char *why, int64_t wait_ms)
{
    struct err err = {.code = ERR_OK};
    if (intent_store_release(writes->options.host->pool, call, intent, why, wait_ms, &err) !=
        ERR_OK)
        writes_leave(writes, call, intent, &err);
}

static enum err_code give_back_left(struct writes *writes, struct call *call, struct err *err)
{
    struct left_record left;
    while (left_pop(writes, &left)) {
        struct intent intent = {
            .sid = left.sid.text, .holder = writes->sid.text, .epoch = left.epoch};
        enum err_code code =
            intent_store_release(writes->options.host->pool, call, &intent, "", 0, err);
        if (code != ERR_OK && code != ERR_ABORTED) {
            (void)left_push(writes, &left); /* there is room: it was just taken out */
            return code;
        }
        err_clear(err);
    }
    return ERR_OK;
}

static void recover(struct writes *writes, struct call *call, const struct intent *intent)
{
    struct err err = {.code = ERR_OK};
    struct call own = *call;
    enum intent_state state = INTENT_OPEN;
    ProtobufCMessage *reply = NULL;
    own.deadline_mono_us = clock_mono_us() + LOOK_BUDGET_MS * US_PER_MS;
    struct write w = {.writes = writes, .call = &own};
    enum err_code code = write_recall(&w, intent, &err);
    if (code == ERR_OK)
        code = write_settle(&w, &state, &reply, &err);
    else /* a newer version's: it is left to that */
        give_back(writes, &own, intent, err.detail, INTENT_LOOK_LONGEST_MS);
    LOG_INFO(&own, "a write is looked after", LOG_STR("intent", intent->sid),
             LOG_STR("method", intent->method), LOG_STR("state", intent_state_name(state)),
             LOG_STR("sid", w.sid == NULL ? "" : w.sid),
             LOG_STR("why", code == ERR_OK ? "" : err.detail));
}

static enum err_code show_counts(struct writes *writes, struct call *call, struct err *err)
{
    int64_t unsettled = 0;
    int64_t given_up = 0;
    enum err_code code =
        intent_store_counts(writes->options.host->pool, call, &unsettled, &given_up, err);
    if (code != ERR_OK)
        return code;
    metric_set(metric_single(&unsettled_def), unsettled);
    metric_set(metric_single(&given_up_def), given_up);
    return ERR_OK;
}

static enum err_code run_recovery(struct app_job *job, struct call *call, void *ctx,
                                  struct err *err)
{
    struct writes *writes = ctx;
    struct intent *intents = NULL;
    size_t count = 0;
    struct upstream_state state = upstream_state(writes->options.upstream);
    enum err_code code = give_back_left(writes, call, err);
    if (code != ERR_OK)
        return code;
    /* While it is away nothing can be found out; when its time is over, somebody must look. */
    if (!state.is_configured || (state.is_away && state.retry_in_us > US_PER_MS))
        return ERR_OK;
    code = writes_beat(writes, call, err);
    if (code == ERR_OK)
        code = intent_store_claim_due(writes->options.host->pool, call, writes->sid.text,
                                      RECOVERY_BATCH, &intents, &count, err);
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        struct arena_mark mark = arena_mark(call->arena);
        if (app_job_is_stopping(job))
            give_back(writes, call, &intents[i], "", 0);
        else
            recover(writes, call, &intents[i]);
        arena_rewind(call->arena, mark);
    }
    if (code == ERR_OK && count == RECOVERY_BATCH)
        app_job_wake(job);
    return code == ERR_OK ? show_counts(writes, call, err) : code;
}

static enum err_code run_prune(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    struct writes *writes = ctx;
    return intent_store_prune(writes->options.host->pool, call, err);
}

static const struct app_job_def beat_job = {
    .name = "writes alive", .run = run_beat, .period_ms = BEAT_MS, .backoff_max_ms = BEAT_MS};
static const struct app_job_def recovery_job = {.name = "writes recovery",
                                                .run = run_recovery,
                                                .period_ms = RECOVERY_MS,
                                                .budget_ms = RECOVERY_BUDGET_MS,
                                                .backoff_max_ms = 5 * RECOVERY_MS,
                                                .arena_bytes = RECOVERY_ARENA_BYTES,
                                                .runs_at_start = true};
static const struct app_job_def prune_job = {
    .name = "writes prune", .run = run_prune, .period_ms = PRUNE_MS, .runs_at_start = true};

void writes_jobs_start(struct writes *writes)
{
    (void)app_job_start(writes->app, &beat_job, writes);
    writes->recovery = app_job_start(writes->app, &recovery_job, writes);
    (void)app_job_start(writes->app, &prune_job, writes);
}
