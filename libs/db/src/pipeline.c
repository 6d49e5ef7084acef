#include "db_int.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "db_sql.h"

static void push_entry(struct db_conn *conn, enum db_pipe_kind kind, struct db_prepared *prepared)
{
    if (conn->entry_tail == conn->entry_capacity) {
        conn->entry_capacity = conn->entry_capacity == 0 ? 32 : conn->entry_capacity * 2;
        conn->entries = xrealloc(conn->entries, conn->entry_capacity, sizeof *conn->entries);
    }
    conn->entries[conn->entry_tail++] =
        (struct db_pipe_entry){.kind = kind, .prepared = prepared, .sent_mono_us = clock_mono_us()};
}

/* Leaves pipeline mode; everything due has been read. */
static void leave(struct db_conn *conn)
{
    for (size_t i = conn->entry_head; i < conn->entry_tail; i++)
        conn->entries[i].prepared->is_pending = false;
    conn->entry_head = 0;
    conn->entry_tail = 0;
    conn->pipe = DB_PIPE_NONE;
    if (PQexitPipelineMode(conn->pg) == 0) {
        db_conn_drop(conn);
        return;
    }
    conn->in_tx = PQtransactionStatus(conn->pg) != PQTRANS_IDLE;
    if (conn->in_tx && !conn->is_managed && PQtransactionStatus(conn->pg) == PQTRANS_INERROR)
        db_conn_reset_tx(conn);
}

/* Reads up to the sync marker. */
static bool drain_to_sync(struct db_conn *conn, int64_t deadline)
{
    int nothing = 0; /* two NULLs in a row: nothing more is due, so there is no marker */
    while (nothing < 2) {
        if (db_wait_ready(conn, deadline, NULL) != ERR_OK)
            return false;
        PGresult *result = PQgetResult(conn->pg);
        bool is_sync = result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        nothing = result == NULL ? nothing + 1 : 0;
        PQclear(result);
        if (is_sync)
            return true;
    }
    return false;
}

static void drain_and_leave(struct db_conn *conn)
{
    if (drain_to_sync(conn, clock_mono_us() + DB_GRACE_US))
        leave(conn);
    else
        db_conn_drop(conn);
}

static void cancel_and_leave(struct db_conn *conn)
{
    if (db_cancel(conn))
        drain_and_leave(conn);
    else
        db_conn_drop(conn);
}

void db_pipeline_abort(struct db_conn *conn)
{
    if (conn->pg == NULL || conn->pipe == DB_PIPE_NONE)
        return;
    bool was_sent = conn->entry_tail > 0;
    if (conn->pipe == DB_PIPE_OPEN && was_sent) {
        /* A sync would commit what was sent; without one the server never answers. */
        db_conn_drop(conn);
    } else if (conn->pipe == DB_PIPE_OPEN) {
        leave(conn);
    } else {
        cancel_and_leave(conn);
    }
}

/* A deadline inside the pipeline: the server is told, then as after any other error. */
static enum err_code give_up(struct db_conn *conn, enum err_code code)
{
    if (conn->pg == NULL)
        return code;
    if (code == ERR_DEADLINE_EXCEEDED)
        cancel_and_leave(conn);
    else
        drain_and_leave(conn);
    return code;
}

static enum err_code add(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                         const struct db_param *params, size_t count, enum db_pipe_kind kind,
                         bool is_binary, struct err *err)
{
    struct db_bound bound;
    struct arena_mark mark = arena_mark(call->arena);
    enum err_code code = db_bind(call->arena, stmt, params, count, &bound, err);
    if (code != ERR_OK) {
        arena_rewind(call->arena, mark);
        return code;
    }
    struct db_prepared *prepared = db_prepared_get(conn, stmt);
    bool is_sent = true;
    if (!prepared->is_ready && !prepared->is_pending) {
        is_sent = PQsendPrepare(conn->pg, stmt->name, stmt->sql, 0, NULL) == 1;
        prepared->is_pending = true;
        push_entry(conn, DB_PIPE_PREPARE, prepared);
    }
    is_sent = is_sent && PQsendQueryPrepared(conn->pg, stmt->name, (int)count, bound.values,
                                             bound.lengths, bound.formats, is_binary ? 1 : 0) == 1;
    push_entry(conn, kind, prepared);
    arena_rewind(call->arena, mark); /* libpq has its own copy */
    return is_sent ? ERR_OK : db_conn_lost(conn, err);
}

enum err_code db_pipeline_begin(struct db_conn *conn, struct call *call, struct err *err)
{
    const struct db_stmt *begin = conn->pending_begin;
    enum err_code code = db_usable(conn, call, begin == NULL ? &db_begin : begin, err);
    if (code != ERR_OK)
        return code;
    if (PQenterPipelineMode(conn->pg) == 0)
        return db_conn_lost(conn, err);
    conn->pipe = DB_PIPE_OPEN;
    conn->pending_begin = NULL;
    if (begin != NULL)
        code = add(conn, call, begin, NULL, 0, DB_PIPE_HIDDEN, false, err);
    return code;
}

enum err_code db_pipeline_add(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                              const struct db_param *params, size_t count, struct err *err)
{
    if (conn->pg == NULL) /* broke while adding */
        return db_conn_lost(conn, err);
    INVARIANT(conn->pipe == DB_PIPE_OPEN);
    return add(conn, call, stmt, params, count, DB_PIPE_QUERY, false, err);
}

enum err_code db_pipeline_add_binary(struct db_conn *conn, struct call *call,
                                     const struct db_stmt *stmt, const struct db_param *params,
                                     size_t count, struct err *err)
{
    if (conn->pg == NULL)
        return db_conn_lost(conn, err);
    INVARIANT(conn->pipe == DB_PIPE_OPEN);
    return add(conn, call, stmt, params, count, DB_PIPE_QUERY, true, err);
}

void db_pipeline_read_ahead(struct db_conn *conn)
{
    if (conn->pg == NULL || conn->pipe != DB_PIPE_SYNCED)
        return;
    (void)PQconsumeInput(conn->pg); /* a failure shows when the answer is taken */
    (void)PQisBusy(conn->pg);       /* makes rows of what came */
}

enum err_code db_pipeline_sync(struct db_conn *conn, struct call *call, struct err *err)
{
    if (conn->pg == NULL)
        return db_conn_lost(conn, err);
    INVARIANT(conn->pipe == DB_PIPE_OPEN);
    if (PQpipelineSync(conn->pg) == 0)
        return db_conn_lost(conn, err);
    conn->pipe = DB_PIPE_SYNCED;
    enum err_code code = db_wait_flush(conn, db_conn_deadline(conn, call), err);
    return code == ERR_OK ? ERR_OK : give_up(conn, code);
}

/* The answer to the oldest entry, which it takes off. */
static enum err_code take_answer(struct db_conn *conn, int64_t deadline, PGresult **out_result,
                                 struct err *err)
{
    struct db_pipe_entry entry = conn->entries[conn->entry_head];
    enum err_code code = db_wait_ready(conn, deadline, err);
    if (code != ERR_OK)
        return code;
    PGresult *result = PQgetResult(conn->pg);
    if (result == NULL)
        return db_conn_lost(conn, err);
    code = db_wait_ready(conn, deadline, err);
    if (code == ERR_OK)
        PQclear(PQgetResult(conn->pg)); /* the NULL behind each */
    if (code == ERR_OK && db_is_failure(result))
        code = db_error(conn, result, entry.prepared->stmt->name, err);
    if (entry.kind == DB_PIPE_QUERY)
        db_observe(entry.prepared, code, entry.sent_mono_us);
    if (code != ERR_OK) {
        PQclear(result);
        return code;
    }
    conn->entry_head++;
    if (entry.kind == DB_PIPE_PREPARE) {
        entry.prepared->is_ready = true;
        entry.prepared->is_pending = false;
    }
    *out_result = result;
    return ERR_OK;
}

/* The marker behind the last answer; an implicit transaction commits there and may yet fail. */
static enum err_code take_sync(struct db_conn *conn, int64_t deadline, struct err *err)
{
    enum err_code code = db_wait_ready(conn, deadline, err);
    if (code != ERR_OK)
        return give_up(conn, code);
    PGresult *result = PQgetResult(conn->pg);
    if (result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        leave(conn);
        return ERR_OK;
    }
    code = db_error(conn, result, "commit", err);
    PQclear(result);
    return give_up(conn, code);
}

enum err_code db_pipeline_next(struct db_conn *conn, struct call *call,
                               struct db_result **out_result, struct err *err)
{
    if (conn->pg == NULL)
        return db_conn_lost(conn, err);
    INVARIANT(conn->pipe == DB_PIPE_SYNCED && conn->entry_head < conn->entry_tail);
    int64_t deadline = db_conn_deadline(conn, call);
    enum db_pipe_kind kind = DB_PIPE_PREPARE;
    PGresult *result = NULL;
    while (kind != DB_PIPE_QUERY && conn->entry_head < conn->entry_tail) {
        PQclear(TAKE(result));
        kind = conn->entries[conn->entry_head].kind;
        enum err_code code = take_answer(conn, deadline, &result, err);
        if (code != ERR_OK)
            return give_up(conn, code);
    }
    enum err_code code = ERR_OK;
    if (conn->entry_head == conn->entry_tail)
        code = take_sync(conn, deadline, err);
    if (code != ERR_OK) {
        PQclear(result);
        return code;
    }
    code = db_result_new(call, result, out_result, err);
    if (code != ERR_OK)
        db_pipeline_abort(conn);
    return code;
}

enum err_code db_pipeline_finish(struct db_conn *conn, struct call *call, struct err *err)
{
    if (conn->pg != NULL && conn->pipe == DB_PIPE_OPEN && conn->entry_tail == 0) {
        leave(conn);
        return ERR_OK;
    }
    bool is_sent = conn->pg != NULL && conn->pipe == DB_PIPE_SYNCED;
    enum err_code code = is_sent ? ERR_OK : db_pipeline_sync(conn, call, err);
    while (code == ERR_OK && conn->pipe != DB_PIPE_NONE)
        code = db_pipeline_next(conn, call, NULL, err);
    return code;
}
