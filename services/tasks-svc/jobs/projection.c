#include "projection.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/map.h"
#include "db/db.h"
#include "event_pack.h"
#include "event_store.h"
#include "metrics/metrics.h"
#include "shell.h"
#include "stat_fold.h"
#include "stat_store.h"

enum {
    ROUND_ROWS = 16384, /* a second of a busy shard: a round costs as much as its buckets */
#ifdef TR_SANITIZE
    PAGE_ROWS = 32, /* tests have few events, and several pages */
#else
    PAGE_ROWS = 1024, /* read at once: their memory is used again for the next ones */
#endif
    ROUND_BUDGET_MS = 20000,
    PERIOD_MS = 1000,
    ARENA_BYTES = 256 << 20,
    PRUNE_PERIOD_MS = 600000,
    PRUNE_PAUSE_MS = 100,
};

static const struct metric_def metric_defs[] = {
    {.name = "taskrouter_statistics_events_total",
     .kind = METRIC_COUNTER,
     .unit = "",
     .help = "Events of the log that statistics have counted"                           },
    {.name = "taskrouter_statistics_lag_seconds",
     .kind = METRIC_GAUGE,
     .unit = "seconds",
     .help = "Age of the newest event that the last round counted; 0 = nothing was left"},
};

/* One round; what it finds out is overwritten when the transaction runs again. */
struct round {
    struct projection *projection;
    int shard;
    size_t count;
    int64_t newest_us;
};

/* ---- stays ---- */

struct stay_set {
    struct map by_worker; /* worker SID -> struct stay */
    struct stay *stays;   /* never moves: as many as there are moves */
    size_t stay_count;
    struct stat_span *spans; /* to be written */
    bool *has_ended;
    size_t span_count;
};

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE", "the round is too large");
}

static struct stay *stay_need(struct stay_set *set, const struct sid *worker_sid)
{
    struct stay *stay = map_get(&set->by_worker, str_from(worker_sid->text));
    if (stay != NULL)
        return stay;
    stay = &set->stays[set->stay_count++];
    stay->span.worker_sid = *worker_sid;
    (void)map_put(&set->by_worker, str_from(stay->span.worker_sid.text), stay);
    return stay;
}

static enum err_code stays_load(struct db_conn *conn, struct call *call, struct stay_set *set,
                                struct err *err)
{
    struct stat_span *last = NULL;
    size_t count = 0;
    struct sid *sids = ARENA_ARRAY(call->arena, struct sid, set->stay_count);
    if (sids == NULL)
        return no_room(err);
    for (size_t i = 0; i < set->stay_count; i++)
        sids[i] = set->stays[i].span.worker_sid;
    enum err_code code =
        stat_store_last_spans(conn, call, sids, set->stay_count, &last, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        struct stay *stay = stay_need(set, &last[i].worker_sid);
        stay->span = last[i];
        stay->is_known = true;
    }
    return code;
}

static enum err_code stays_apply(struct db_conn *conn, struct call *call, struct stay_set *set,
                                 const struct stat_fold *fold, struct err *err)
{
    for (size_t i = 0; i < fold->move_count; i++)
        (void)stay_need(set, &fold->moves[i].worker_sid);
    enum err_code code = stays_load(conn, call, set, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < fold->move_count; i++) {
        struct stay *stay = stay_need(set, &fold->moves[i].worker_sid);
        if (stay_move(stay, &fold->moves[i], &set->spans[set->span_count]))
            set->has_ended[set->span_count++] = true;
    }
    for (size_t i = 0; i < set->stay_count; i++) {
        if (set->stays[i].is_changed)
            set->spans[set->span_count++] = set->stays[i].span;
    }
    return stat_store_put_spans(conn, call, set->spans, set->has_ended, set->span_count, err);
}

static enum err_code put_stays(struct db_conn *conn, struct call *call,
                               const struct stat_fold *fold, struct err *err)
{
    size_t count = fold->move_count;
    struct stay_set set = {
        .stays = ARENA_ARRAY(call->arena, struct stay, count),
        .spans = ARENA_ARRAY(call->arena, struct stat_span, 2 * count),
        .has_ended = ARENA_ARRAY(call->arena, bool, 2 * count),
    };
    if (count == 0)
        return ERR_OK;
    if (arena_is_exhausted(call->arena))
        return no_room(err);
    map_init(&set.by_worker);
    enum err_code code = stays_apply(conn, call, &set, fold, err);
    map_fini(&set.by_worker);
    return code;
}

/* ---- one round ---- */

/* Counts the next page of the log; the events' memory is given back, what they add up to is not. */
static enum err_code fold_page(struct db_conn *conn, struct call *call, struct round *round,
                               struct stat_fold *fold, int64_t *seq, size_t *out_count,
                               struct err *err)
{
    struct packed_event *rows = NULL;
    struct arena_mark mark = arena_mark(call->arena);
    size_t wanted = round->projection->rows - round->count;
    enum err_code code =
        event_store_packed_after(conn, call, round->shard, *seq,
                                 wanted < PAGE_ROWS ? wanted : PAGE_ROWS, &rows, out_count, err);
    for (size_t i = 0; i < *out_count && code == ERR_OK; i++) {
        stat_fold_event(fold, &rows[i]);
        round->newest_us = rows[i].row.occurred_at_us;
        *seq = rows[i].row.seq;
    }
    if (code == ERR_OK)
        round->count += *out_count;
    if (!arena_is_exhausted(call->arena)) /* else the caller sees it */
        arena_rewind(call->arena, mark);
    return code;
}

static enum err_code store_fold(struct db_conn *conn, struct call *call, struct stat_fold *fold,
                                struct err *err)
{
    stat_fold_finish(fold);
    if (arena_is_exhausted(fold->arena) || arena_is_exhausted(call->arena))
        return no_room(err);
    enum err_code code = stat_store_add(conn, call, fold->buckets, fold->bucket_count, err);
    return code == ERR_OK ? put_stays(conn, call, fold, err) : code;
}

static enum err_code round_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct round *round = ctx;
    struct stat_fold fold;
    int64_t seq = 0;
    round->count = 0;
    enum err_code code = stat_store_lock_cursor(conn, call, round->shard, &seq, err);
    if (code != ERR_OK)
        return code;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    stat_fold_init(&fold, arena);
    size_t got = PAGE_ROWS;
    while (code == ERR_OK && got >= PAGE_ROWS && round->count < round->projection->rows)
        code = fold_page(conn, call, round, &fold, &seq, &got, err);
    if (code == ERR_OK && round->count > 0)
        code = store_fold(conn, call, &fold, err);
    stat_fold_fini(&fold);
    return code == ERR_OK && round->count > 0
               ? stat_store_set_cursor(conn, call, round->shard, seq, err)
               : code;
}

/* Until the shard has nothing more to count. */
static enum err_code run_shard(struct app_job *job, struct call *call,
                               struct projection *projection, int shard, struct err *err)
{
    struct round round = {.projection = projection, .shard = shard};
    enum err_code code = ERR_OK;
    do {
        struct arena_mark mark = arena_mark(call->arena);
        size_t limit = projection->rows;
        call->deadline_mono_us = clock_mono_us() + ROUND_BUDGET_MS * US_PER_MS;
        code = db_tx_run(projection->pool, call, round_tx, &round, err);
        arena_rewind(call->arena, mark);
        projection->rows = ROUND_ROWS;
        /* Large documents must not stop it for ever. */
        if (code == ERR_RESOURCE_EXHAUSTED && limit > 1)
            projection->rows = limit / 2;
        if (code != ERR_OK)
            return code;
        metric_add(metric_single(&metric_defs[0]), (int64_t)round.count);
        int64_t age_us = round.count == 0 ? 0 : clock_now_us() - round.newest_us;
        metric_set(metric_single(&metric_defs[1]), age_us / US_PER_S);
        if (round.count < limit)
            break;
    } while (!app_job_is_stopping(job) && shell_is_owner(projection->shell, shard));
    return ERR_OK;
}

static enum err_code run_all(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    struct projection *projection = ctx;
    enum err_code code = ERR_OK;
    if (projection->rows == 0)
        projection->rows = ROUND_ROWS;
    for (int shard = 0; shard < shell_shard_count(projection->shell) && code == ERR_OK; shard++) {
        if (shell_is_owner(projection->shell, shard))
            code = run_shard(job, call, projection, shard, err);
    }
    return code;
}

static enum err_code prune(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    const struct projection *projection = ctx;
    bool has_more = true;
    enum err_code code = ERR_OK;
    while (has_more && code == ERR_OK) {
        struct arena_mark mark = arena_mark(call->arena);
        int64_t now_us = clock_now_us();
        call->deadline_mono_us = clock_mono_us() + ROUND_BUDGET_MS * US_PER_MS;
        code = stat_store_prune(projection->pool, call,
                                now_us - projection->keep_minutes_ms * US_PER_MS,
                                now_us - projection->keep_ms * US_PER_MS, &has_more, err);
        arena_rewind(call->arena, mark);
        if (app_job_wait(job, PRUNE_PAUSE_MS))
            break;
    }
    return code;
}

const struct app_job_def projection_job = {.name = "statistics",
                                           .run = run_all,
                                           .period_ms = PERIOD_MS,
                                           .backoff_max_ms = 5000,
                                           .arena_bytes = ARENA_BYTES,
                                           .runs_at_start = true};

const struct app_job_def stat_prune_job = {
    .name = "statistics-prune", .run = prune, .period_ms = PRUNE_PERIOD_MS, .runs_at_start = true};
