#include "db_int.h"

#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "db_sql.h"

enum { TX_ATTEMPTS = 4, COMMIT_GRACE_US = 500 * 1000 };

static const struct db_stmt *const begins[DB_ISOLATION_COUNT] = {
    [DB_READ_COMMITTED] = &db_begin,
    [DB_REPEATABLE_READ] = &db_begin_repeatable_read,
    [DB_SERIALIZABLE] = &db_begin_serializable,
    [DB_SNAPSHOT_READ_ONLY] = &db_begin_snapshot,
};

static enum err_code commit(struct db_conn *conn, struct call *call, struct err *err)
{
    if (conn->pending_begin != NULL) /* it ran no statement */
        return ERR_OK;
    if (conn->pg == NULL || PQtransactionStatus(conn->pg) != PQTRANS_INTRANS)
        return ERR_SET(err, ERR_INTERNAL, "TRANSACTION_FAILED",
                       "a statement failed and the transaction went on as if it had not");
    /* The work is done: a commit that starts in time gets a moment to end. */
    struct call own = *call;
    int64_t grace = clock_mono_us() + COMMIT_GRACE_US;
    if (own.deadline_mono_us != 0 && own.deadline_mono_us < grace)
        own.deadline_mono_us = grace;
    enum err_code code = db_query(conn, &own, &db_commit, DB_NO_PARAMS, NULL, err);
    if (code == ERR_UNAVAILABLE || code == ERR_DEADLINE_EXCEEDED)
        return ERR_SET(err, ERR_UNAVAILABLE, "COMMIT_UNKNOWN",
                       "the database went away during the commit; the change may or may not "
                       "have been made");
    return code;
}

static enum err_code run_once(struct db_conn *conn, struct call *call, enum db_isolation isolation,
                              db_tx_fn *fn, void *ctx, struct err *err)
{
    conn->pending_begin = begins[isolation];
    conn->is_managed = true;
    enum err_code code = fn(conn, call, ctx, err);
    INVARIANT(code != ERR_OK || conn->pg == NULL || conn->pipe == DB_PIPE_NONE);
    if (code == ERR_OK)
        code = call_check(call, err);
    if (code == ERR_OK)
        code = commit(conn, call, err);
    conn->is_managed = false;
    db_conn_reset_tx(conn);
    return code;
}

/* Waits 1 to 20 ms, longer with each attempt; false when the deadline comes first. */
static bool pause_before(int attempt, const struct call *call)
{
    uint32_t random = 0;
    random_bytes(&random, sizeof random);
    int64_t wait_us = US_PER_MS + (int64_t)(random % (5000U << attempt));
    if (call_left_us(call) <= wait_us)
        return false;
    struct lock lock = {0};
    struct cond cond;
    lock_init(&lock, "db_tx_pause", 990);
    cond_init(&cond);
    lock_take(&lock);
    int64_t until = clock_mono_us() + wait_us;
    while (cond_wait_until(&cond, &lock, until))
        continue;
    lock_drop(&lock);
    cond_fini(&cond);
    lock_fini(&lock);
    return true;
}

static bool is_worth_repeating(enum err_code code, const struct err *err)
{
    return code == ERR_ABORTED &&
           (err->reason == NULL || strcmp(err->reason, "VERSION_MISMATCH") != 0);
}

enum err_code db_conn_tx_run(struct db_conn *conn, struct call *call, enum db_isolation isolation,
                             db_tx_fn *fn, void *ctx, struct err *err)
{
    struct err own;
    err_clear(&own);
    enum err_code code = ERR_OK;
    for (int attempt = 0; attempt < TX_ATTEMPTS; attempt++) {
        code = db_conn_ensure(conn, call, &own);
        if (code == ERR_OK)
            code = run_once(conn, call, isolation, fn, ctx, &own);
        if (!is_worth_repeating(code, &own) || attempt + 1 == TX_ATTEMPTS ||
            !pause_before(attempt, call))
            break;
    }
    if (code != ERR_OK && err != NULL)
        *err = own;
    return code;
}

enum err_code db_tx_run_at(struct db_pool *pool, struct call *call, enum db_isolation isolation,
                           db_tx_fn *fn, void *ctx, struct err *err)
{
    struct err own;
    err_clear(&own);
    enum err_code code = ERR_OK;
    for (int attempt = 0; attempt < TX_ATTEMPTS; attempt++) {
        struct db_conn *conn = NULL;
        code = db_acquire(pool, call, &conn, &own);
        if (code == ERR_OK)
            code = run_once(conn, call, isolation, fn, ctx, &own);
        db_release(conn); /* not kept while pausing: others may be why it was aborted */
        if (!is_worth_repeating(code, &own) || attempt + 1 == TX_ATTEMPTS ||
            !pause_before(attempt, call))
            break;
    }
    if (code != ERR_OK && err != NULL)
        *err = own;
    return code;
}

enum err_code db_tx_run(struct db_pool *pool, struct call *call, db_tx_fn *fn, void *ctx,
                        struct err *err)
{
    return db_tx_run_at(pool, call, DB_READ_COMMITTED, fn, ctx, err);
}
