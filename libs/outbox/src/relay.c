#include "outbox/outbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "bus/bus.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "outbox_sql.h"

enum {
    RELAY_LOCK_RANK = 510,
    ROUND_ARENA_BYTES = 8 << 20, /* messages of one batch without their texts, which libpq holds */
    BATCH_BYTES = 8 << 20,       /* payload per round */
    MAX_BATCH = 10000,
    ROUND_BUDGET_MS = 5000, /* also the longest that closing waits for a bus that hangs */
    FIRST_BACKOFF_MS = 100,
    PENDING_COUNTED = 100000, /* the backlog is not counted further */
    COUNT_EVERY_S = 2,
    PRUNE_EVERY_S = 60,
    PRUNE_ROWS = 5000,
};

/* What a round came to. */
enum round_end {
    ROUND_NONE,
    ROUND_EMPTY,    /* nothing was left to publish */
    ROUND_MORE,     /* published; there may be more */
    ROUND_FOLLOWER, /* another replica holds the lock */
    ROUND_FAILED,
};

struct relay_metrics {
    struct metric_series *pending;
    struct metric_series *lag;
    struct metric_series *published;
    struct metric_series *failures;
};

struct outbox {
    char *name;
    struct db_conn *conn;
    struct bus_publisher *publisher; /* NULL: publish is the caller's */
    outbox_publish_fn *publish;
    void *publish_ctx;
    int batch;
    int poll_ms;
    int backoff_max_ms;
    int64_t keep_s;
    struct relay_metrics metrics;
    pthread_t thread;

    /* The thread's own. */
    struct arena *arena;
    uint64_t leader_epoch; /* the database session that holds the lock; 0 = none */
    int backoff_ms;        /* 0 = the last round went well */
    int64_t count_mono_us; /* next time to count the backlog, to prune */
    int64_t prune_mono_us;

    struct lock lock; /* guards what follows */
    struct cond changed;
    bool is_closing;
    bool is_woken;
    uint64_t rounds_begun;
    uint64_t idle_round; /* the last round that ended with nothing (for us) to do */
    struct outbox_stats stats;
};

static const struct metric_def metric_defs[] = {
    {"taskrouter_outbox_pending",
     METRIC_GAUGE,                                        "",
     "Events that wait to be published",                                                 {"service"},
     0                                                                                                 },
    {"taskrouter_outbox_lag_seconds",
     METRIC_GAUGE,                                        "seconds",
     "Age of the oldest event that waits to be published",                               {"service"},
     0                                                                                                 },
    {"taskrouter_outbox_published_total", METRIC_COUNTER, "",        "Events published", {"service"}, 0},
    {"taskrouter_outbox_failures_total",
     METRIC_COUNTER,                                      "",
     "Rounds of the relay that failed",                                                  {"service"},
     0                                                                                                 },
};

static struct metric_series *series_of(const struct outbox *outbox, int which)
{
    return METRIC_SERIES(metric_register(&metric_defs[which]), outbox->name);
}

/* ---- One round ---- */

static enum err_code publish_to_bus(void *ctx, struct call *call,
                                    const struct outbox_message *messages, size_t count,
                                    size_t *out_done, struct err *err)
{
    struct bus_message *out = ARENA_ARRAY(call->arena, struct bus_message, count);
    *out_done = 0;
    if (out == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE", "the batch is too large");
    for (size_t i = 0; i < count; i++)
        out[i] = (struct bus_message){messages[i].msg_id, messages[i].subject, messages[i].payload};
    return bus_publish_batch(ctx, call, out, count, out_done, err);
}

/* The lock belongs to the session: a new session has to ask again. */
static enum err_code ensure_leader(struct outbox *outbox, struct call *call, bool *out_is_leader,
                                   struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_conn_ensure(outbox->conn, call, err);
    *out_is_leader = code == ERR_OK && outbox->leader_epoch == db_conn_epoch(outbox->conn);
    if (code != ERR_OK || *out_is_leader)
        return code;
    code = db_query(outbox->conn, call, &outbox_try_lock, DB_NO_PARAMS, &rows, err);
    if (code != ERR_OK)
        return code;
    *out_is_leader = db_get_bool(rows, 0, 0);
    if (*out_is_leader) {
        outbox->leader_epoch = db_conn_epoch(outbox->conn);
        LOG_INFO(call, "outbox relay took over", LOG_STR("outbox", outbox->name));
    }
    return ERR_OK;
}

static enum err_code mark(struct outbox *outbox, struct call *call,
                          const struct outbox_message *messages, size_t count, struct err *err)
{
    if (count == 0)
        return ERR_OK;
    int64_t *seqs = ARENA_ARRAY(call->arena, int64_t, count);
    if (seqs == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE", "the batch is too large");
    for (size_t i = 0; i < count; i++)
        seqs[i] = messages[i].seq;
    /* A time of its own: what was published should not be published again for want of time. */
    struct call own = *call;
    own.deadline_mono_us = clock_mono_us() + ROUND_BUDGET_MS * US_PER_MS;
    return db_query(outbox->conn, &own, &outbox_mark, DB_PARAMS(db_i64s(seqs, count)), NULL, err);
}

static void note_backlog(struct outbox *outbox, struct call *call, int64_t seen, int64_t oldest_us)
{
    int64_t now = clock_mono_us();
    int64_t pending = seen;
    struct db_result *rows = NULL;
    bool is_long = seen >= outbox->batch; /* there may be more than was seen */
    if (is_long && now < outbox->count_mono_us)
        return;
    if (is_long && db_query(outbox->conn, call, &outbox_pending, DB_PARAMS(db_i64(PENDING_COUNTED)),
                            &rows, NULL) == ERR_OK) {
        pending = db_get_i64(rows, 0, 0);
        outbox->count_mono_us = now + COUNT_EVERY_S * US_PER_S;
    }
    int64_t age_us = pending == 0 ? 0 : clock_now_us() - oldest_us;
    lock_take(&outbox->lock);
    outbox->stats.pending = pending;
    outbox->stats.oldest_us = age_us;
    lock_drop(&outbox->lock);
    metric_set(outbox->metrics.pending, pending);
    metric_set(outbox->metrics.lag, age_us);
}

static void note_published(struct outbox *outbox, size_t count)
{
    lock_take(&outbox->lock);
    outbox->stats.published += count;
    lock_drop(&outbox->lock);
    metric_add(outbox->metrics.published, (int64_t)count);
}

static enum err_code publish_batch(struct outbox *outbox, struct call *call,
                                   enum round_end *out_end, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(outbox->conn, call, &outbox_next,
                 DB_PARAMS(db_i64(outbox->batch), db_i64(BATCH_BYTES)), &rows, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(rows);
    note_backlog(outbox, call, (int64_t)count, count == 0 ? 0 : db_get_time_us(rows, 0, 4));
    *out_end = ROUND_EMPTY;
    if (count == 0)
        return ERR_OK;
    struct outbox_message *messages = ARENA_ARRAY(call->arena, struct outbox_message, count);
    if (messages == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE", "the batch is too large");
    for (int i = 0; i < (int)count; i++)
        messages[i] = (struct outbox_message){
            .seq = db_get_i64(rows, i, 0),
            .msg_id = db_get_str(rows, i, 1),
            .subject = db_get_str(rows, i, 2),
            .payload = db_get_str(rows, i, 3),
        };
    size_t done = 0;
    code = outbox->publish(outbox->publish_ctx, call, messages, count, &done, err);
    INVARIANT(done <= count);
    enum err_code marked = mark(outbox, call, messages, done, code == ERR_OK ? err : NULL);
    if (marked == ERR_OK)
        note_published(outbox, done);
    if (code == ERR_OK && marked == ERR_OK && done < count)
        code = ERR_SET(err, ERR_UNAVAILABLE, "PUBLISH_INCOMPLETE", "not all was acknowledged");
    *out_end = ROUND_MORE;
    return code == ERR_OK ? marked : code;
}

static void prune(struct outbox *outbox, struct call *call)
{
    int64_t now = clock_mono_us();
    struct db_result *removed = NULL;
    if (outbox->keep_s < 0 || now < outbox->prune_mono_us)
        return;
    outbox->prune_mono_us = now + PRUNE_EVERY_S * US_PER_S;
    if (db_query(outbox->conn, call, &outbox_prune,
                 DB_PARAMS(db_i64(outbox->keep_s), db_i64(PRUNE_ROWS)), &removed, NULL) == ERR_OK &&
        db_affected(removed) == PRUNE_ROWS)
        outbox->prune_mono_us = now; /* there are more: again in the next quiet round */
}

static enum round_end run_round(struct outbox *outbox, struct err *err)
{
    struct call call;
    bool is_leader = false;
    enum round_end end = ROUND_FOLLOWER;
    arena_reset(outbox->arena);
    call_init(&call, outbox->arena, "outbox", ROUND_BUDGET_MS * US_PER_MS);
    enum err_code code = ensure_leader(outbox, &call, &is_leader, err);
    if (code == ERR_OK && is_leader)
        code = publish_batch(outbox, &call, &end, err);
    if (code == ERR_OK && end == ROUND_EMPTY)
        prune(outbox, &call);
    lock_take(&outbox->lock);
    outbox->stats.is_leader = is_leader;
    outbox->stats.failures += code == ERR_OK ? 0 : 1;
    lock_drop(&outbox->lock);
    if (code != ERR_OK)
        metric_inc(outbox->metrics.failures);
    return code == ERR_OK ? end : ROUND_FAILED;
}

/* ---- The thread ---- */

static void note_end(struct outbox *outbox, enum round_end end, const struct err *err)
{
    if (end == ROUND_FAILED && outbox->backoff_ms == 0)
        LOG_WARN(NULL, "outbox cannot be published, trying again", LOG_STR("outbox", outbox->name),
                 LOG_ERR(err));
    if (end != ROUND_FAILED && outbox->backoff_ms != 0)
        LOG_INFO(NULL, "outbox is published again", LOG_STR("outbox", outbox->name));
    if (end != ROUND_FAILED)
        outbox->backoff_ms = 0;
    else if (outbox->backoff_ms == 0)
        outbox->backoff_ms = FIRST_BACKOFF_MS;
    else
        outbox->backoff_ms = outbox->backoff_ms * 2 > outbox->backoff_max_ms
                                 ? outbox->backoff_max_ms
                                 : outbox->backoff_ms * 2;
}

/* Half of the time is certain, the other half up to chance, so that replicas do not march in step.
 */
static int64_t with_jitter(int ms)
{
    uint32_t random = 0;
    random_bytes(&random, sizeof random);
    return ms * US_PER_MS / 2 + (int64_t)(random % 1024) * ms * US_PER_MS / 2048;
}

/* Until there is reason for another round; false when closing. */
static bool wait_for_work(struct outbox *outbox, enum round_end end)
{
    bool is_backing_off = end == ROUND_FAILED; /* being woken changes nothing then */
    int64_t until = clock_mono_us() + (is_backing_off ? with_jitter(outbox->backoff_ms)
                                                      : outbox->poll_ms * US_PER_MS);
    lock_take(&outbox->lock);
    bool is_in_time = end != ROUND_MORE;
    while (is_in_time && !outbox->is_closing && (is_backing_off || !outbox->is_woken))
        is_in_time = cond_wait_until(&outbox->changed, &outbox->lock, until);
    bool goes_on = !outbox->is_closing;
    outbox->is_woken = false;
    outbox->rounds_begun++;
    lock_drop(&outbox->lock);
    return goes_on;
}

static void *relay_main(void *ctx)
{
    struct outbox *outbox = ctx;
    enum round_end end = ROUND_MORE;
    while (wait_for_work(outbox, end)) {
        struct err err;
        err_clear(&err);
        end = run_round(outbox, &err);
        note_end(outbox, end, &err);
        lock_take(&outbox->lock);
        if (end == ROUND_EMPTY || end == ROUND_FOLLOWER)
            outbox->idle_round = outbox->rounds_begun;
        cond_broadcast(&outbox->changed);
        lock_drop(&outbox->lock);
    }
    return NULL;
}

/* ---- Public ---- */

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value == 0 ? fallback : value;
}

struct outbox *outbox_open(const struct outbox_options *options)
{
    INVARIANT((options->bus != NULL) != (options->publish != NULL));
    struct outbox *outbox = xcalloc(1, sizeof *outbox);
    outbox->name = xstrdup(options->name == NULL ? "outbox" : options->name);
    outbox->conn = db_conn_open(
        &(struct db_options){.url = options->url, .name = outbox->name, .schema = options->schema});
    if (options->bus != NULL)
        outbox->publisher = bus_publisher_new(options->bus);
    outbox->publish = options->bus != NULL ? publish_to_bus : options->publish;
    outbox->publish_ctx = options->bus != NULL ? outbox->publisher : options->publish_ctx;
    outbox->batch = (int)or_default(options->batch, 256);
    INVARIANT(outbox->batch > 0 && outbox->batch <= MAX_BATCH);
    outbox->poll_ms = (int)or_default(options->poll_ms, 500);
    outbox->backoff_max_ms = (int)or_default(options->backoff_max_ms, 5000);
    outbox->keep_s = or_default(options->keep_s, INT64_C(3) * 24 * 3600);
    outbox->metrics = (struct relay_metrics){series_of(outbox, 0), series_of(outbox, 1),
                                             series_of(outbox, 2), series_of(outbox, 3)};
    outbox->arena = arena_new(ROUND_ARENA_BYTES);
    lock_init(&outbox->lock, "outbox", RELAY_LOCK_RANK);
    cond_init(&outbox->changed);
    int failed = pthread_create(&outbox->thread, NULL, relay_main, outbox);
    INVARIANT(failed == 0);
    return outbox;
}

void outbox_close(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    lock_take(&outbox->lock);
    outbox->is_closing = true;
    cond_broadcast(&outbox->changed);
    lock_drop(&outbox->lock);
    (void)pthread_join(outbox->thread, NULL);
    if (outbox->publisher != NULL)
        bus_publisher_free(outbox->publisher);
    db_conn_close(outbox->conn);
    arena_free(outbox->arena);
    cond_fini(&outbox->changed);
    lock_fini(&outbox->lock);
    free(outbox->name);
    free(outbox);
}

void outbox_wake(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    lock_take(&outbox->lock);
    outbox->is_woken = true;
    cond_broadcast(&outbox->changed);
    lock_drop(&outbox->lock);
}

bool outbox_drain(struct outbox *outbox, int timeout_ms)
{
    int64_t until = clock_mono_us() + timeout_ms * US_PER_MS;
    lock_take(&outbox->lock);
    outbox->is_woken = true;
    cond_broadcast(&outbox->changed);
    uint64_t seen = outbox->rounds_begun; /* may have looked before the last commit */
    bool is_in_time = true;
    while (outbox->idle_round <= seen && is_in_time)
        is_in_time = cond_wait_until(&outbox->changed, &outbox->lock, until);
    bool is_done = outbox->idle_round > seen;
    lock_drop(&outbox->lock);
    return is_done;
}

struct outbox_stats outbox_stats(struct outbox *outbox)
{
    lock_take(&outbox->lock);
    struct outbox_stats stats = outbox->stats;
    lock_drop(&outbox->lock);
    return stats;
}
