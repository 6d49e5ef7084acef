#include "consumers.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "pbjson/pbjson.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/sync/v1/sync.pb-c.h"
#include "webhook_params.h"
#include "webhook_store.h"

#define APPLY "/taskrouter.sync.v1.Ingest/ApplyWebhook"

enum {
    CONSUMERS_MAX = 64,
    LANES_AT_ONCE = 4,
    ROWS_AT_ONCE = 16, /* of a lane */
    POLL_MS = 500,     /* what other processes received, and lanes that have rested */
    STORE_MS = 5000,
    APPLY_MS = 5000,
    APPLY_OTHER_MS = 12000, /* several services are asked; the lease is longer */
    TURN_MS = 8000,         /* no further row is begun after that */
    LEASE_MS = 25000,       /* more than TURN_MS and APPLY_OTHER_MS */
    ARENA_BYTES = 96 << 20,
    OUTCOME_SIZE = 40,
    WATCH_MS = 5000,
    PRUNE_MS = 60000,
    PRUNE_ROWS = 1000,
};

static const struct metric_def processed_def = {
    .name = "taskrouter_webhooks_processed_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Attempts to apply a webhook, by outcome; again: it stays.",
    .labels = {"outcome"},
};
static const struct metric_def duration_def = {
    .name = "taskrouter_webhooks_processing_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "From the arrival of a webhook to its end.",
};
static const struct metric_def waiting_def = {
    .name = "taskrouter_webhooks_waiting",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Webhooks that are not applied yet.",
};
static const struct metric_def dead_def = {
    .name = "taskrouter_webhooks_dead",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Webhooks given up, to be looked at and replayed.",
};
static const struct metric_def oldest_def = {
    .name = "taskrouter_webhooks_oldest_age_seconds",
    .kind = METRIC_GAUGE,
    .unit = "seconds",
    .help = "Age of the oldest webhook that is not applied yet.",
};

struct consumers {
    struct consumers_options options;
    struct app_job *jobs[CONSUMERS_MAX];
    _Atomic int job_count; /* 0 until the jobs run */
    _Atomic unsigned next;
};

/* One turn of a consumer. */
struct turn {
    struct consumers *consumers;
    struct app_job *job;
    struct call *call;
    int64_t until_mono_us;
    struct webhook_lane *lanes;
    size_t lane_count;
    struct webhook_due *rows;
    size_t row_count;
    struct webhook_end *ends; /* as many as rows */
    size_t end_count;
};

/* ---- one row ---- */

static enum err_code request_make(struct arena *arena, const struct webhook_due *row,
                                  Taskrouter__Sync__V1__ApplyWebhookRequest **out, struct err *err)
{
    struct twilio_param *params = NULL;
    size_t count = 0;
    enum err_code code = webhook_params_read(row->parameters, arena, &params, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Sync__V1__ApplyWebhookRequest *request =
        PB_NEW(arena, taskrouter__sync__v1__apply_webhook_request);
    Taskrouter__Sync__V1__WebhookParameter **items =
        ARENA_ARRAY(arena, Taskrouter__Sync__V1__WebhookParameter *, count);
    if (request == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        items[i] = PB_NEW(arena, taskrouter__sync__v1__webhook_parameter);
        if (items[i] == NULL)
            return call_no_room(err);
        items[i]->name = arena_str_dup(arena, params[i].name);
        items[i]->value = arena_str_dup(arena, params[i].value);
    }
    request->parameters = items;
    request->n_parameters = count;
    request->received_at = wire_time(arena, row->received_at_us);
    *out = request;
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code apply(struct turn *turn, const struct webhook_due *row,
                           Taskrouter__Sync__V1__ApplyWebhookResponse **out, struct err *err)
{
    Taskrouter__Sync__V1__ApplyWebhookRequest *request = NULL;
    enum err_code code = request_make(turn->call->arena, row, &request, err);
    if (code != ERR_OK)
        return code;
    turn->call->deadline_mono_us = clock_mono_us() + APPLY_MS * US_PER_MS;
    return RPC_CALL(turn->consumers->options.sync, turn->call, APPLY, &request->base,
                    taskrouter__sync__v1__apply_webhook_response, out, err);
}

static const char *cut(struct arena *arena, const char *text)
{
    size_t len = strlen(text);
    while (len > WEBHOOK_DETAIL_MAX || (len > 0 && ((unsigned char)text[len] & 0xC0U) == 0x80U))
        len--;
    const char *copy = arena_str_dup(arena, (struct str){text, len});
    return copy != NULL ? copy : "";
}

static void counted(const char *outcome)
{
    metric_inc(METRIC_SERIES(metric_register(&processed_def), outcome));
}

static enum err_code apply_event(struct turn *turn, const struct webhook_due *row,
                                 const char **out_outcome, const char **out_detail, struct err *err)
{
    Taskrouter__Sync__V1__ApplyWebhookResponse *reply = NULL;
    enum err_code code = apply(turn, row, &reply, err);
    if (code != ERR_OK)
        return code;
    char *outcome = arena_alloc(turn->call->arena, OUTCOME_SIZE);
    if (outcome != NULL)
        (void)pbjson_enum_short(&taskrouter__common__v1__mirror_outcome__descriptor,
                                (int)reply->outcome, outcome, OUTCOME_SIZE);
    *out_outcome = outcome;
    *out_detail = reply->detail;
    return ERR_OK;
}

static enum err_code apply_other(struct turn *turn, const struct webhook_due *row,
                                 const char **out_outcome, struct err *err)
{
    const struct consumers_options *options = &turn->consumers->options;
    struct twilio_param *params = NULL;
    size_t count = 0;
    turn->call->deadline_mono_us = clock_mono_us() + APPLY_OTHER_MS * US_PER_MS;
    enum err_code code =
        webhook_params_read(row->parameters, turn->call->arena, &params, &count, err);
    return code == ERR_OK ? options->apply(options->apply_ctx, turn->call, row, params, count,
                                           out_outcome, err)
                          : code;
}

static void note_done(struct turn *turn, const struct webhook_due *row, struct webhook_lane *lane,
                      const char *outcome, const char *detail)
{
    lane->failures = 0;
    turn->ends[turn->end_count++] = (struct webhook_end){
        .sid = row->sid,
        .state = WEBHOOK_STATE_DONE,
        .attempts = row->attempts,
        .outcome = outcome != NULL ? outcome : "",
        .detail = cut(turn->call->arena, detail),
    };
    counted(outcome != NULL ? outcome : "unknown");
    metric_observe_us(metric_single(&duration_def), clock_now_us() - row->received_at_us);
}

static void note_failed(struct turn *turn, const struct webhook_due *row, struct webhook_lane *lane,
                        enum err_code code, const struct err *err)
{
    enum webhook_verdict verdict = webhook_verdict_of(code);
    int64_t attempts = row->attempts + (verdict == WEBHOOK_AGAIN ? 0 : 1);
    bool is_dead = verdict == WEBHOOK_REFUSED ||
                   (verdict == WEBHOOK_SUSPICIOUS && attempts >= WEBHOOK_ATTEMPTS_MAX);
    const char *reason = err->reason != NULL ? err->reason : err_code_name(code);
    turn->ends[turn->end_count++] = (struct webhook_end){
        .sid = row->sid,
        .state = is_dead ? WEBHOOK_STATE_DEAD : WEBHOOK_STATE_WAITING,
        .attempts = attempts,
        .outcome = cut(turn->call->arena, reason),
        .detail = cut(turn->call->arena, err->detail),
    };
    counted(is_dead ? "dead" : "again");
    if (is_dead) {
        lane->failures = 0; /* the next one of the lane has its own luck */
        LOG_ERROR(turn->call, "a webhook could not be applied, it waits in the dead letters",
                  LOG_STR("webhook", row->sid), LOG_ERR(err));
        return;
    }
    lane->failures++;
    lane->rest_us = webhook_rest_us(lane->failures);
    LOG_WARN(turn->call, "a webhook could not be applied yet, it will be tried again",
             LOG_STR("webhook", row->sid), LOG_I64("failures", lane->failures), LOG_ERR(err));
}

/* ---- a turn ---- */

static struct webhook_lane *lane_of(const struct turn *turn, const char *name)
{
    for (size_t i = 0; i < turn->lane_count; i++)
        if (strcmp(turn->lanes[i].lane, name) == 0)
            return &turn->lanes[i];
    INVARIANT(false);
    return NULL;
}

static bool may_go_on(const struct turn *turn)
{
    return clock_mono_us() < turn->until_mono_us && !app_job_is_stopping(turn->job);
}

/* A lane whose row failed has nothing done behind it. */
static void rows_apply(struct turn *turn)
{
    for (size_t i = 0; i < turn->row_count && may_go_on(turn); i++) {
        const struct webhook_due *row = &turn->rows[i];
        struct webhook_lane *lane = lane_of(turn, row->lane);
        const char *outcome = NULL;
        const char *detail = "";
        struct err err = {0};
        if (lane->rest_us > 0)
            continue;
        enum err_code code = row->kind == WEBHOOK_EVENT
                                 ? apply_event(turn, row, &outcome, &detail, &err)
                                 : apply_other(turn, row, &outcome, &err);
        if (code == ERR_OK)
            note_done(turn, row, lane, outcome, detail);
        else
            note_failed(turn, row, lane, code, &err);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct webhook_lane *one = a;
    const struct webhook_lane *other = b;
    return strcmp(one->lane, other->lane);
}

/* *out_lanes 0: there was nothing to do. */
static enum err_code turn_run(struct turn *turn, size_t *out_lanes, struct err *err)
{
    struct call *call = turn->call;
    struct db_pool *pool = turn->consumers->options.pool;
    turn->until_mono_us = clock_mono_us() + TURN_MS * US_PER_MS;
    call->deadline_mono_us = clock_mono_us() + STORE_MS * US_PER_MS;
    enum err_code code =
        webhook_store_claim(pool, call, LANES_AT_ONCE, ROWS_AT_ONCE, LEASE_MS * US_PER_MS,
                            &turn->lanes, &turn->lane_count, &turn->rows, &turn->row_count, err);
    *out_lanes = turn->lane_count;
    if (code != ERR_OK || turn->lane_count == 0)
        return code;
    turn->ends = ARENA_ARRAY(call->arena, struct webhook_end, turn->row_count);
    if (turn->ends == NULL)
        return call_no_room(err);
    rows_apply(turn);
    qsort(turn->lanes, turn->lane_count, sizeof *turn->lanes, by_name); /* as others lock them */
    call->deadline_mono_us = clock_mono_us() + STORE_MS * US_PER_MS;
    return webhook_store_end(pool, call, turn->ends, turn->end_count, turn->lanes, turn->lane_count,
                             err);
}

static enum err_code consume(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    enum err_code code = ERR_OK;
    size_t lanes = 1;
    while (code == ERR_OK && lanes > 0 && !app_job_is_stopping(job)) {
        struct arena_mark mark = arena_mark(call->arena);
        struct turn turn = {.consumers = ctx, .job = job, .call = call};
        code = turn_run(&turn, &lanes, err);
        arena_rewind(call->arena, mark);
    }
    return code;
}

/* ---- watching and pruning ---- */

static enum err_code watch(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    struct consumers *consumers = ctx;
    struct webhook_counts counts;
    enum err_code code = webhook_store_counts(consumers->options.pool, call, &counts, err);
    if (code != ERR_OK)
        return code;
    int64_t age_us = counts.oldest_us == 0 ? 0 : clock_now_us() - counts.oldest_us;
    metric_set(metric_single(&waiting_def), counts.waiting);
    metric_set(metric_single(&dead_def), counts.dead);
    metric_set(metric_single(&oldest_def), age_us > 0 ? age_us : 0);
    return ERR_OK;
}

static enum err_code prune(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    struct consumers *consumers = ctx;
    const struct {
        enum webhook_state state;
        int64_t max_age_ms;
    } rows[] = {
        {WEBHOOK_STATE_DONE, consumers->options.max_age_ms     },
        {WEBHOOK_STATE_KEPT, consumers->options.max_age_ms     },
        {WEBHOOK_STATE_DEAD, consumers->options.dead_max_age_ms},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows) && code == ERR_OK; i++) {
        int64_t removed = rows[i].max_age_ms > 0 ? PRUNE_ROWS : 0;
        while (code == ERR_OK && removed == PRUNE_ROWS && !app_job_is_stopping(job))
            code = webhook_store_prune(consumers->options.pool, call, rows[i].state,
                                       clock_now_us() - rows[i].max_age_ms * US_PER_MS, PRUNE_ROWS,
                                       &removed, err);
    }
    return code;
}

/* ---- life ---- */

struct consumers *consumers_new(const struct consumers_options *options)
{
    struct consumers *consumers = xcalloc(1, sizeof *consumers);
    consumers->options = *options;
    return consumers;
}

void consumers_free(struct consumers *consumers)
{
    free(consumers);
}

static const struct app_job_def consume_job = {
    .name = "webhooks",
    .run = consume,
    .period_ms = POLL_MS,
    .backoff_max_ms = 2000,
    .arena_bytes = ARENA_BYTES,
    .runs_at_start = true,
};
static const struct app_job_def watch_job = {
    .name = "webhook-watch", .run = watch, .period_ms = WATCH_MS, .runs_at_start = true};
static const struct app_job_def prune_job = {
    .name = "webhook-prune", .run = prune, .period_ms = PRUNE_MS, .runs_at_start = true};

static void hush(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    struct consumers *consumers = ctx;
    atomic_store(&consumers->job_count, 0);
}

void consumers_start(struct consumers *consumers, struct app *app)
{
    int count = consumers->options.count;
    INVARIANT(count <= CONSUMERS_MAX);
    (void)app_job_start(app, &watch_job, consumers);
    (void)app_job_start(app, &prune_job, consumers);
    for (int i = 0; i < count; i++)
        consumers->jobs[i] = app_job_start(app, &consume_job, consumers);
    atomic_store(&consumers->job_count, count);
    app_on_close(app, APP_FINISH_CALLS, "webhook consumers", hush, consumers); /* before them */
}

void consumers_wake(struct consumers *consumers)
{
    int count = atomic_load(&consumers->job_count);
    if (count > 0)
        app_job_wake(consumers->jobs[atomic_fetch_add(&consumers->next, 1) % (unsigned)count]);
}
