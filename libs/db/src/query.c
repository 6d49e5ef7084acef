#include "db_int.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "db_sql.h"

struct db_prepared *db_prepared_get(struct db_conn *conn, const struct db_stmt *stmt)
{
    struct str name = str_from(stmt->name);
    struct db_prepared *prepared = map_get(&conn->prepared, name);
    if (prepared == NULL) {
        prepared = xcalloc(1, sizeof *prepared);
        prepared->stmt = stmt;
        (void)map_put(&conn->prepared, name, prepared);
    }
    /* Two statements of one name cannot be linked into one program, save from a mistake. */
    INVARIANT(prepared->stmt == stmt);
    return prepared;
}

enum err_code db_usable(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                        struct err *err)
{
    conn->sqlstate[0] = '\0';
    conn->constraint[0] = '\0';
    enum err_code code = call_check(call, err);
    if (code == ERR_OK && (conn->pg == NULL || (conn->pool == NULL && !conn->is_managed)))
        code = db_conn_ensure(conn, call, err);
    if (code != ERR_OK)
        return code;
    INVARIANT(conn->pipe == DB_PIPE_NONE);
    /* Inside db_tx_run nothing may run outside the transaction by accident. */
    bool is_outside = conn->is_managed && conn->pending_begin == NULL && !conn->in_tx;
    if (is_outside)
        return ERR_SET(err, ERR_INTERNAL, "TRANSACTION_OVER",
                       "%s: the transaction has ended already", stmt->name);
    return ERR_OK;
}

static enum err_code prepare(struct db_conn *conn, struct db_prepared *prepared, int64_t deadline,
                             struct err *err)
{
    PGresult *result = NULL;
    if (PQsendPrepare(conn->pg, prepared->stmt->name, prepared->stmt->sql, 0, NULL) == 0)
        return db_conn_lost(conn, err);
    enum err_code code = db_collect(conn, deadline, &result, err);
    if (code == ERR_OK && db_is_failure(result))
        code = db_error(conn, result, prepared->stmt->name, err);
    if (code == ERR_OK)
        prepared->is_ready = true;
    PQclear(result);
    return code;
}

static enum err_code run(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                         const struct db_param *params, size_t count, PGresult **out_result,
                         struct err *err)
{
    struct db_bound bound;
    int64_t since = clock_mono_us();
    int64_t deadline = db_conn_deadline(conn, call);
    struct db_prepared *prepared = db_prepared_get(conn, stmt);
    enum err_code code = prepared->is_ready ? ERR_OK : prepare(conn, prepared, deadline, err);
    struct arena_mark mark = arena_mark(call->arena);
    if (code == ERR_OK)
        code = db_bind(call->arena, stmt, params, count, &bound, err);
    if (code == ERR_OK && PQsendQueryPrepared(conn->pg, stmt->name, (int)count, bound.values,
                                              bound.lengths, bound.formats, 0) == 0)
        code = db_conn_lost(conn, err);
    arena_rewind(call->arena, mark); /* libpq has its own copy */
    if (code == ERR_OK)
        code = db_collect(conn, deadline, out_result, err);
    if (code == ERR_OK && db_is_failure(*out_result)) {
        code = db_error(conn, *out_result, stmt->name, err);
        PQclear(TAKE(*out_result));
    }
    if (conn->pg != NULL)
        conn->in_tx = PQtransactionStatus(conn->pg) != PQTRANS_IDLE;
    db_observe(prepared, code, since);
    return code;
}

/* The first statement of a transaction takes its begin along: one round trip less. */
static enum err_code run_first(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                               const struct db_param *params, size_t count,
                               struct db_result **out_result, struct err *err)
{
    enum err_code code = db_pipeline_begin(conn, call, err);
    if (code != ERR_OK)
        return code;
    enum err_code added = db_pipeline_add(conn, call, stmt, params, count, err);
    if (added != ERR_OK) { /* a bad parameter: only the begin was sent, so let it come back */
        if (conn->pg != NULL)
            code = db_pipeline_finish(conn, call, NULL);
        return code == ERR_OK ? added : code;
    }
    code = db_pipeline_sync(conn, call, err);
    if (code == ERR_OK)
        code = db_pipeline_next(conn, call, out_result, err);
    return code;
}

enum err_code db_query(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                       const struct db_param *params, size_t count, struct db_result **out_result,
                       struct err *err)
{
    if (conn->pending_begin != NULL)
        return run_first(conn, call, stmt, params, count, out_result, err);
    bool is_lost_tx = conn->pg == NULL && conn->in_tx && stmt == &db_rollback;
    if (is_lost_tx) { /* the server has rolled back by itself */
        conn->in_tx = false;
        return ERR_OK;
    }
    PGresult *result = NULL;
    enum err_code code = db_usable(conn, call, stmt, err);
    if (code == ERR_OK)
        code = run(conn, call, stmt, params, count, &result, err);
    return code == ERR_OK ? db_result_new(call, result, out_result, err) : code;
}

enum err_code db_pool_query(struct db_pool *pool, struct call *call, const struct db_stmt *stmt,
                            const struct db_param *params, size_t count,
                            struct db_result **out_result, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(pool, call, &conn, err);
    if (code == ERR_OK)
        code = db_query(conn, call, stmt, params, count, out_result, err);
    return code;
}

enum err_code db_pool_ping(struct db_pool *pool, struct call *call, struct err *err)
{
    return db_pool_query(pool, call, &db_ping, DB_NO_PARAMS, NULL, err);
}
