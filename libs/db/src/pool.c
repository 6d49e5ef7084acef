#include "db_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "metrics/metrics.h"

enum { POOL_LOCK_RANK = 500, PROOF_US = 250 * 1000 };

struct db_pool {
    struct db_settings *settings;
    struct db_conn *conns; /* settings->size of them */
    struct lock lock;      /* guards what follows, and is_counted of each connection */
    struct cond freed;
    struct db_conn **idle; /* a stack: connected ones on top, so that few are used */
    int idle_count;
    int open_count;
    int waiting;
    bool is_down;    /* the last connect failed */
    bool is_probing; /* while down, one caller at a time tries */
    int64_t down_until_mono_us;
    char why[DB_WHY_SIZE];
};

/* ---- Metrics ---- */

static const struct metric_def open_def = {
    .name = "taskrouter_db_connections_open",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Database connections that are made, idle or in use",
    .labels = {"pool"},
};

static const struct metric_def in_use_def = {
    .name = "taskrouter_db_connections_in_use",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Database connections that a request holds",
    .labels = {"pool"},
};

static const struct metric_def waiting_def = {
    .name = "taskrouter_db_connections_waiting",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Requests that wait for a database connection",
    .labels = {"pool"},
};

static double count_open(void *pool)
{
    return db_pool_stats(pool).open;
}

static double count_in_use(void *pool)
{
    return db_pool_stats(pool).in_use;
}

static double count_waiting(void *pool)
{
    return db_pool_stats(pool).waiting;
}

static void add_metrics(struct db_pool *pool)
{
    const char *values[] = {pool->settings->name};
    metric_callback_add(&open_def, values, count_open, pool);
    metric_callback_add(&in_use_def, values, count_in_use, pool);
    metric_callback_add(&waiting_def, values, count_waiting, pool);
}

/* ---- Life ---- */

struct db_pool *db_pool_open(const struct db_options *options)
{
    struct db_pool *pool = xcalloc(1, sizeof *pool);
    pool->settings = db_settings_new(options);
    size_t size = (size_t)pool->settings->size;
    pool->conns = xcalloc(size, sizeof *pool->conns);
    pool->idle = xcalloc(size, sizeof(struct db_conn *));
    lock_init(&pool->lock, "db_pool", POOL_LOCK_RANK);
    cond_init(&pool->freed);
    for (size_t i = 0; i < size; i++) {
        db_conn_init(&pool->conns[i], pool->settings, pool);
        pool->idle[i] = &pool->conns[i];
    }
    pool->idle_count = pool->settings->size;
    add_metrics(pool);
    return pool;
}

void db_pool_close(struct db_pool *pool)
{
    if (pool == NULL)
        return;
    metric_callback_remove(pool);
    INVARIANT(pool->idle_count == pool->settings->size);
    for (int i = 0; i < pool->settings->size; i++)
        db_conn_fini(&pool->conns[i]);
    cond_fini(&pool->freed);
    lock_fini(&pool->lock);
    free(pool->conns);
    free((void *)pool->idle);
    db_settings_free(pool->settings);
    free(pool);
}

struct db_pool_stats db_pool_stats(struct db_pool *pool)
{
    lock_take(&pool->lock);
    struct db_pool_stats stats = {
        .size = pool->settings->size,
        .open = pool->open_count,
        .in_use = pool->settings->size - pool->idle_count,
        .waiting = pool->waiting,
    };
    memcpy(stats.why, pool->why, sizeof stats.why);
    lock_drop(&pool->lock);
    return stats;
}

static enum err_code take_idle(struct db_pool *pool, struct call *call, struct db_conn **out_conn,
                               struct err *err)
{
    int64_t until = clock_mono_us() + pool->settings->acquire_timeout_ms * US_PER_MS;
    if (call->deadline_mono_us != 0 && call->deadline_mono_us < until)
        until = call->deadline_mono_us;
    lock_take(&pool->lock);
    pool->waiting++;
    bool is_in_time = true;
    while (pool->idle_count == 0 && is_in_time)
        is_in_time = cond_wait_until(&pool->freed, &pool->lock, until);
    pool->waiting--;
    *out_conn = pool->idle_count == 0 ? NULL : pool->idle[--pool->idle_count];
    lock_drop(&pool->lock);
    if (*out_conn != NULL)
        return ERR_OK;
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "DATABASE_POOL_EXHAUSTED",
                   "all database connections are busy; try again shortly");
}

/* Counts the connection by its state and puts it back. */
static void put_idle(struct db_pool *pool, struct db_conn *conn)
{
    bool is_open = conn->pg != NULL;
    lock_take(&pool->lock);
    pool->open_count += (is_open ? 1 : 0) - (conn->is_counted ? 1 : 0);
    conn->is_counted = is_open;
    if (!is_open && conn->why[0] != '\0')
        memcpy(pool->why, conn->why, sizeof pool->why);
    if (is_open) {
        pool->idle[pool->idle_count] = conn;
    } else {
        memmove((void *)(pool->idle + 1), (const void *)pool->idle,
                (size_t)pool->idle_count * sizeof(struct db_conn *));
        pool->idle[0] = conn;
    }
    pool->idle_count++;
    cond_signal(&pool->freed);
    lock_drop(&pool->lock);
}

/* May this caller try to connect? While the database is down, one does and the others fail at
 * once. */
static bool may_connect(struct db_pool *pool)
{
    lock_take(&pool->lock);
    bool may = !pool->is_down || (!pool->is_probing && clock_mono_us() >= pool->down_until_mono_us);
    if (may && pool->is_down)
        pool->is_probing = true;
    lock_drop(&pool->lock);
    return may;
}

/* waited_us: what the attempt took. One that a hurried caller broke off proves nothing, else its
 * short deadline would turn away those behind it. */
static void note_connect(struct db_pool *pool, struct db_conn *conn, bool is_up, int64_t waited_us)
{
    bool is_proof = is_up || !conn->is_cut_short || waited_us >= PROOF_US;
    lock_take(&pool->lock);
    pool->is_probing = false;
    if (is_proof)
        pool->is_down = !is_up;
    if (is_up) {
        pool->open_count += conn->is_counted ? 0 : 1;
        conn->is_counted = true;
    } else if (is_proof) {
        pool->down_until_mono_us = clock_mono_us() + pool->settings->breaker_ms * US_PER_MS;
    }
    lock_drop(&pool->lock);
}

enum err_code db_acquire(struct db_pool *pool, struct call *call, struct db_conn **out_conn,
                         struct err *err)
{
    struct db_conn *conn = NULL;
    enum err_code code = call_check(call, err);
    if (code == ERR_OK)
        code = take_idle(pool, call, &conn, err);
    if (code != ERR_OK || conn == NULL)
        return code;
    if (!db_conn_is_alive(conn)) {
        db_conn_drop(conn);
        if (may_connect(pool)) {
            int64_t since = clock_mono_us();
            code = db_conn_connect(conn, call, err);
            note_connect(pool, conn, code == ERR_OK, clock_mono_us() - since);
        } else {
            code = ERR_SET(err, ERR_UNAVAILABLE, "DATABASE_UNAVAILABLE",
                           "the database cannot be reached; try again");
        }
    }
    if (code != ERR_OK) {
        put_idle(pool, conn);
        return code;
    }
    conn->in_tx = false;
    *out_conn = conn;
    return ERR_OK;
}

void db_release(struct db_conn *conn)
{
    if (conn == NULL)
        return;
    INVARIANT(conn->pool != NULL);
    db_conn_reset_tx(conn);
    put_idle(conn->pool, conn);
}

void db_release_cleanup(struct db_conn **conn)
{
    db_release(*conn);
    *conn = NULL;
}
