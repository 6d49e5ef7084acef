#include "consumers.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "bridge_store.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "pbjson/pbjson.h"
#include "redirect_store.h"
#include "rpc/client.h"
#include "status_store.h"
#include "svc/wire.h"
#include "taskrouter/sync/v1/sync.pb-c.h"
#include "webhook_params.h"
#include "webhook_store.h"

#define APPLY "/taskrouter.sync.v1.Ingest/ApplyWebhooks"

enum {
    CONSUMERS_MAX = 64,
    LANES_AT_ONCE = 64, /* fewer after a call that failed, see `learn` */
    LEARN = 4,          /* by how much */
    ROWS_AT_ONCE = 16,  /* of a lane */
    CLAIM_BYTES = 4 << 20,
    CALL_ROWS = 128,
    CALL_BYTES = 512 << 10, /* the row that goes beyond them is the last */
    POLL_MS = 500,          /* what other processes received, and lanes that have rested */
    HELP_MS = 100,          /* a turn that takes longer leaves what comes to another consumer */
    REST_MS = 1000,         /* after a call that failed */
    STORE_MS = 5000,
    APPLY_MS = 8000,
    APPLY_OTHER_MS = 12000, /* of one that is no event: several services are asked */
    TURN_MS = 5000,         /* nothing further is begun after that */
    LEASE_MS = 25000,       /* more than TURN_MS, APPLY_OTHER_MS and STORE_MS */
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

struct consumer {
    struct consumers *consumers;
    struct app_job *waking; /* itself, for others */
    struct app_job *job;    /* the thread's own; so the next */
    size_t lanes_at_once;
    _Atomic int64_t busy_mono_us; /* since when it is in a turn; 0: it is not */
};

struct consumers {
    struct consumers_options options;
    struct consumer each[CONSUMERS_MAX];
    _Atomic int count;       /* 0 until the jobs run */
    _Atomic bool has_come;   /* something, since the last claim began */
    _Atomic int64_t waiting; /* in the inbox, about: counted now and then, and between by us */
};

/* One turn of a consumer. */
struct turn {
    struct consumer *consumer;
    struct call *call;
    int64_t until_mono_us;
    struct webhook_claim claim;
    struct webhook_end *ends; /* as many as rows */
    size_t end_count;
    enum err_code failure; /* of a call; its lanes rest */
};

/* ---- a call ---- */

static enum err_code webhook_make(struct arena *arena, const struct webhook_due *row,
                                  Taskrouter__Sync__V1__WebhookInLane **out, struct err *err)
{
    struct twilio_param *params = NULL;
    size_t count = 0;
    enum err_code code = webhook_params_read(row->parameters, arena, &params, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Sync__V1__WebhookInLane *item =
        PB_NEW(arena, taskrouter__sync__v1__webhook_in_lane);
    Taskrouter__Sync__V1__ApplyWebhookRequest *webhook =
        PB_NEW(arena, taskrouter__sync__v1__apply_webhook_request);
    Taskrouter__Sync__V1__WebhookParameter **items =
        ARENA_ARRAY(arena, Taskrouter__Sync__V1__WebhookParameter *, count);
    if (item == NULL || webhook == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        items[i] = PB_NEW(arena, taskrouter__sync__v1__webhook_parameter);
        if (items[i] == NULL)
            return call_no_room(err);
        items[i]->name = arena_str_dup(arena, params[i].name);
        items[i]->value = arena_str_dup(arena, params[i].value);
    }
    webhook->parameters = items;
    webhook->n_parameters = count;
    webhook->received_at = wire_time(arena, row->received_at_us);
    item->lane = wire_text(arena, row->lane->lane);
    item->webhook = webhook;
    *out = item;
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code apply(struct turn *turn, Taskrouter__Sync__V1__WebhookInLane **items,
                           size_t count, Taskrouter__Sync__V1__ApplyWebhooksResponse **out,
                           struct err *err)
{
    Taskrouter__Sync__V1__ApplyWebhooksRequest *request =
        PB_NEW(turn->call->arena, taskrouter__sync__v1__apply_webhooks_request);
    if (request == NULL)
        return call_no_room(err);
    request->items = items;
    request->n_items = count;
    turn->call->deadline_mono_us = clock_mono_us() + APPLY_MS * US_PER_MS;
    enum err_code code =
        RPC_CALL(turn->consumer->consumers->options.sync, turn->call, APPLY, &request->base,
                 taskrouter__sync__v1__apply_webhooks_response, out, err);
    if (code == ERR_OK && (*out)->n_items != count)
        code = ERR_SET(err, ERR_INTERNAL, "BAD_REPLY", "sync-svc answered %zu of %zu webhooks",
                       (*out)->n_items, count);
    return code;
}

/* ---- outcomes ---- */

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

static void note_done(struct turn *turn, const struct webhook_due *row, const char *outcome,
                      const char *detail)
{
    row->lane->failures = 0;
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

static void lane_rest(struct webhook_lane *lane)
{
    if (lane->rest_us > 0)
        return;
    lane->failures++;
    lane->rest_us = webhook_rest_us(lane->failures);
}

static void note_failed(struct turn *turn, const struct webhook_due *row, enum err_code code,
                        const struct err *err)
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
        row->lane->failures = 0; /* the next one of the lane has its own luck */
        LOG_ERROR(turn->call, "a webhook could not be applied, it waits in the dead letters",
                  LOG_STR("webhook", row->sid), LOG_ERR(err));
        return;
    }
    lane_rest(row->lane);
    LOG_WARN(turn->call, "a webhook could not be applied yet, it will be tried again",
             LOG_STR("webhook", row->sid), LOG_I64("failures", row->lane->failures), LOG_ERR(err));
}

static void note_outcome(struct turn *turn, const struct webhook_due *row,
                         const Taskrouter__Sync__V1__WebhookOutcome *outcome)
{
    struct err err;
    err_clear(&err);
    if (!outcome->tried)
        return;
    if (outcome->applied != NULL) {
        char *word = arena_alloc(turn->call->arena, OUTCOME_SIZE);
        if (word != NULL)
            (void)pbjson_enum_short(&taskrouter__common__v1__mirror_outcome__descriptor,
                                    (int)outcome->applied->outcome, word, OUTCOME_SIZE);
        note_done(turn, row, word, outcome->applied->detail);
        return;
    }
    (void)ERR_SET(&err, (enum err_code)outcome->code, NULL, "%s", outcome->detail);
    err.reason = outcome->reason;
    note_failed(turn, row, err.code, &err);
}

/* The call itself failed. It may be the fault of one of several, but nobody knows of which. */
static void note_call_failed(struct turn *turn, const struct webhook_due *const *rows, size_t count,
                             enum err_code code, const struct err *err)
{
    turn->failure = code;
    if (count == 1) {
        note_failed(turn, rows[0], code, err);
        return;
    }
    for (size_t i = 0; i < count; i++)
        lane_rest(rows[i]->lane);
    counted("again");
    LOG_WARN(turn->call,
             "webhooks could not be applied yet, they will be tried again, fewer at once",
             LOG_I64("webhooks", (int64_t)count), LOG_ERR(err));
}

/* ---- a turn ---- */

/* As many of the rows as one call takes, at least one. *out_count: how many were looked at, for one
 * that cannot be read is noted, and left out. */
static size_t call_fill(struct turn *turn, size_t from, const struct webhook_due **out_rows,
                        Taskrouter__Sync__V1__WebhookInLane **out_items, size_t *out_looked)
{
    size_t count = 0;
    size_t bytes = 0;
    size_t i = from;
    for (; i < turn->claim.row_count && count < CALL_ROWS && bytes < CALL_BYTES; i++) {
        const struct webhook_due *row = &turn->claim.rows[i];
        struct err err;
        err_clear(&err);
        if (row->kind != WEBHOOK_EVENT || row->lane->rest_us > 0) /* nothing behind what failed */
            continue;
        enum err_code code = webhook_make(turn->call->arena, row, &out_items[count], &err);
        if (code != ERR_OK) {
            note_failed(turn, row, code, &err);
            continue;
        }
        out_rows[count++] = row;
        bytes += row->parameters.len;
    }
    *out_looked = i - from;
    return count;
}

static void call_make(struct turn *turn, size_t from, size_t *out_looked)
{
    const struct webhook_due *rows[CALL_ROWS];
    Taskrouter__Sync__V1__WebhookInLane *items[CALL_ROWS];
    Taskrouter__Sync__V1__ApplyWebhooksResponse *reply = NULL;
    struct err err;
    err_clear(&err);
    size_t count = call_fill(turn, from, rows, items, out_looked);
    if (count == 0)
        return;
    enum err_code code = apply(turn, items, count, &reply, &err);
    if (code != ERR_OK) {
        note_call_failed(turn, rows, count, code, &err);
        return;
    }
    for (size_t i = 0; i < count; i++)
        note_outcome(turn, rows[i], reply->items[i]);
}

static bool may_go_on(const struct turn *turn)
{
    return clock_mono_us() < turn->until_mono_us && !app_job_is_stopping(turn->consumer->job);
}

static void events_apply(struct turn *turn)
{
    size_t looked = 0;
    for (size_t from = 0; from < turn->claim.row_count; from += looked) {
        if (turn->failure != ERR_OK || !may_go_on(turn))
            return;
        call_make(turn, from, &looked);
    }
}

/* ---- what is no event of the workspace, one by one ---- */

static void other_apply(struct turn *turn, const struct webhook_due *row)
{
    const struct consumers_options *options = &turn->consumer->consumers->options;
    struct call *call = turn->call;
    struct twilio_param *params = NULL;
    const char *outcome = NULL;
    size_t count = 0;
    struct err err;
    err_clear(&err);
    call->deadline_mono_us = clock_mono_us() + APPLY_OTHER_MS * US_PER_MS;
    enum err_code code = webhook_params_read(row->parameters, call->arena, &params, &count, &err);
    if (code == ERR_OK)
        code = options->apply(options->apply_ctx, call, row, params, count, &outcome, &err);
    if (code == ERR_OK)
        note_done(turn, row, outcome, "");
    else
        note_failed(turn, row, code, &err);
}

static void others_apply(struct turn *turn)
{
    for (size_t i = 0; i < turn->claim.row_count && may_go_on(turn); i++) {
        const struct webhook_due *row = &turn->claim.rows[i];
        if (row->kind != WEBHOOK_EVENT && row->lane->rest_us == 0)
            other_apply(turn, row);
    }
}

static void wake_another(struct consumers *consumers)
{
    int count = atomic_load(&consumers->count);
    for (int i = 0; i < count; i++) {
        if (atomic_load(&consumers->each[i].busy_mono_us) == 0) {
            app_job_wake(consumers->each[i].waking);
            return;
        }
    }
}

/* A call that failed may have failed for one webhook's sake, or because sync-svc is away: whoever
 * takes fewer at once finds the one, and knocks softly. What works is done with more again. */
static void learn(struct turn *turn)
{
    struct consumer *consumer = turn->consumer;
    size_t lanes = consumer->lanes_at_once;
    if (turn->failure != ERR_OK)
        lanes = lanes < LEARN ? 1 : lanes / LEARN;
    else if (turn->end_count > 0)
        lanes = lanes * LEARN > LANES_AT_ONCE ? LANES_AT_ONCE : lanes * LEARN;
    consumer->lanes_at_once = lanes;
}

/* Writes what has ended since the last time, and gives the lanes of that sort back. */
static enum err_code lanes_end(struct turn *turn, bool is_of_others, struct err *err)
{
    const struct webhook_claim *claim = &turn->claim;
    struct consumers *consumers = turn->consumer->consumers;
    struct webhook_lane *lanes =
        ARENA_ARRAY(turn->call->arena, struct webhook_lane, claim->lane_count);
    size_t lane_count = 0;
    int64_t ended = 0;
    if (lanes == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < claim->lane_count; i++)
        if (claim->lanes[i].is_of_others == is_of_others)
            lanes[lane_count++] = claim->lanes[i];
    turn->call->deadline_mono_us = clock_mono_us() + STORE_MS * US_PER_MS;
    if (lane_count == 0)
        return ERR_OK;
    enum err_code code = webhook_store_end(consumers->options.pool, turn->call, turn->ends,
                                           turn->end_count, lanes, lane_count, err);
    for (size_t i = 0; i < turn->end_count; i++)
        ended += turn->ends[i].state != WEBHOOK_STATE_WAITING;
    if (code == ERR_OK)
        (void)atomic_fetch_sub(&consumers->waiting, ended);
    turn->end_count = 0;
    return code;
}

/* Events first: what takes long keeps their lanes no longer than they need. */
static enum err_code claim_apply(struct turn *turn, struct err *err)
{
    const struct webhook_claim *claim = &turn->claim;
    turn->ends = ARENA_ARRAY(turn->call->arena, struct webhook_end, claim->row_count);
    if (turn->ends == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < claim->row_count; i++)
        if (claim->rows[i].kind != WEBHOOK_EVENT)
            claim->rows[i].lane->is_of_others = true;
    events_apply(turn);
    learn(turn);
    enum err_code code = lanes_end(turn, false, err);
    if (code != ERR_OK)
        return code;
    others_apply(turn);
    return lanes_end(turn, true, err);
}

static enum err_code turn_run(struct turn *turn, struct err *err)
{
    struct call *call = turn->call;
    struct webhook_claim *claim = &turn->claim;
    struct db_pool *pool = turn->consumer->consumers->options.pool;
    const struct webhook_limits limits = {
        .lanes = turn->consumer->lanes_at_once,
        .rows = turn->consumer->lanes_at_once == 1 ? 1 : ROWS_AT_ONCE,
        .bytes = CLAIM_BYTES,
        .lease_us = LEASE_MS * US_PER_MS,
    };
    turn->until_mono_us = clock_mono_us() + TURN_MS * US_PER_MS;
    call->deadline_mono_us = clock_mono_us() + STORE_MS * US_PER_MS;
    enum err_code code = webhook_store_claim(pool, call, &limits, claim, err);
    if (code != ERR_OK || claim->lane_count == 0)
        return code;
    if (claim->lane_count == LANES_AT_ONCE) /* there is more than one can do */
        wake_another(turn->consumer->consumers);
    return claim_apply(turn, err);
}

/* Until there is nothing to do. */
static enum err_code work(struct consumer *consumer, struct call *call, struct err *err)
{
    for (;;) {
        struct arena_mark mark = arena_mark(call->arena);
        struct turn turn = {.consumer = consumer, .call = call};
        atomic_store(&consumer->busy_mono_us, clock_mono_us());
        atomic_store(&consumer->consumers->has_come, false);
        enum err_code code = turn_run(&turn, err);
        bool is_over = turn.claim.lane_count == 0;
        arena_rewind(call->arena, mark);
        if (code != ERR_OK || is_over || app_job_is_stopping(consumer->job))
            return code;
        if (turn.failure != ERR_OK && app_job_wait(consumer->job, REST_MS))
            return ERR_OK;
    }
}

static enum err_code consume(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    struct consumer *consumer = ctx;
    enum err_code code = ERR_OK;
    bool goes_on = true;
    consumer->job = job;
    while (goes_on) { /* what came while it was leaving was left to it */
        code = work(consumer, call, err);
        atomic_store(&consumer->busy_mono_us, 0);
        goes_on = code == ERR_OK && atomic_exchange(&consumer->consumers->has_come, false) &&
                  !app_job_is_stopping(job);
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
    atomic_store(&consumers->waiting, counts.waiting);
    metric_set(metric_single(&waiting_def), counts.waiting);
    metric_set(metric_single(&dead_def), counts.dead);
    metric_set(metric_single(&oldest_def), age_us > 0 ? age_us : 0);
    return ERR_OK;
}

typedef enum err_code prune_fn(struct db_pool *pool, struct call *call, int64_t older_than_us,
                               int64_t limit, int64_t *out_removed, struct err *err);

/* What was done by what webhooks told. */
static enum err_code prune_bridge(struct consumers *consumers, struct app_job *job,
                                  struct call *call, struct err *err)
{
    static prune_fn *const prunes[] = {bridge_store_prune, redirect_store_prune,
                                       status_store_prune};
    int64_t before_us = clock_now_us() - consumers->options.max_age_ms * US_PER_MS;
    int64_t most = consumers->options.max_age_ms > 0 ? PRUNE_ROWS : 0;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(prunes); i++)
        for (int64_t removed = most;
             code == ERR_OK && removed == PRUNE_ROWS && !app_job_is_stopping(job);)
            code = prunes[i](consumers->options.pool, call, before_us, PRUNE_ROWS, &removed, err);
    return code;
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
    return code == ERR_OK ? prune_bridge(consumers, job, call, err) : code;
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
    atomic_store(&consumers->count, 0);
}

void consumers_start(struct consumers *consumers, struct app *app)
{
    int count = consumers->options.count;
    INVARIANT(count <= CONSUMERS_MAX);
    (void)app_job_start(app, &watch_job, consumers);
    (void)app_job_start(app, &prune_job, consumers);
    for (int i = 0; i < count; i++) {
        struct consumer *consumer = &consumers->each[i];
        consumer->consumers = consumers;
        consumer->lanes_at_once = LANES_AT_ONCE;
        consumer->waking = app_job_start(app, &consume_job, consumer);
    }
    atomic_store(&consumers->count, count);
    app_on_close(app, APP_FINISH_CALLS, "webhook consumers", hush, consumers); /* before them */
}

bool consumers_have_room(struct consumers *consumers)
{
    int64_t most = consumers->options.waiting_max;
    return most == 0 || atomic_load(&consumers->waiting) < most;
}

/* Who is at work takes what has come with the next turn, all at once. Only when each has been in
 * one for long already is another woken. */
void consumers_wake(struct consumers *consumers)
{
    int count = atomic_load(&consumers->count);
    int64_t now_us = clock_mono_us();
    (void)atomic_fetch_add(&consumers->waiting, 1);
    atomic_store(&consumers->has_come, true);
    for (int i = 0; i < count; i++) {
        int64_t busy_us = atomic_load(&consumers->each[i].busy_mono_us);
        if (busy_us != 0 && now_us - busy_us < HELP_MS * US_PER_MS)
            return;
    }
    wake_another(consumers);
}
