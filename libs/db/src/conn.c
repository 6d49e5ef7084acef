#include "db_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"

/* Without a deadline of the call and without statement_timeout nothing may wait longer. */
enum { LONGEST_WAIT_S = 3600, PAST_STATEMENT_TIMEOUT_MS = 2000 };

/* ---- Waiting ---- */

enum wait_end { WAIT_READY, WAIT_TIMEOUT, WAIT_BROKEN };

static enum wait_end wait_socket(PGconn *pg, short events, int64_t deadline, short *out_events)
{
    struct pollfd fd = {.fd = PQsocket(pg), .events = events};
    if (fd.fd < 0)
        return WAIT_BROKEN;
    for (;;) {
        int64_t left = deadline - clock_mono_us();
        if (left < 0)
            left = 0;
        int64_t wait_ms = (left + US_PER_MS - 1) / US_PER_MS;
        int got = poll(&fd, 1, wait_ms > 60000 ? 60000 : (int)wait_ms);
        if (got > 0) {
            *out_events = fd.revents;
            return WAIT_READY;
        }
        if (got < 0 && errno != EINTR)
            return WAIT_BROKEN;
        if (got == 0 && left == 0)
            return WAIT_TIMEOUT;
    }
}

static enum err_code timed_out(struct err *err)
{
    return ERR_SET(err, ERR_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
                   "the database did not answer within the time allowed; try again");
}

enum err_code db_conn_lost(struct db_conn *conn, struct err *err)
{
    /* libpq's message names hosts and files: for operators, not for callers. */
    const char *why = conn->pg == NULL ? "not connected" : PQerrorMessage(conn->pg);
    size_t len = strcspn(why, "\n");
    if (conn->pg != NULL)
        (void)snprintf(conn->why, sizeof conn->why, "%.*s", (int)len, why);
    db_conn_drop(conn);
    return ERR_SET(err, ERR_UNAVAILABLE, "DATABASE_UNAVAILABLE",
                   "the database cannot be reached; try again");
}

enum err_code db_wait_flush(struct db_conn *conn, int64_t deadline, struct err *err)
{
    for (;;) {
        int left = PQflush(conn->pg);
        if (left == 0)
            return ERR_OK;
        short events = 0;
        enum wait_end end = WAIT_BROKEN;
        if (left > 0)
            end = wait_socket(conn->pg, POLLIN | POLLOUT, deadline, &events);
        if (end == WAIT_TIMEOUT)
            return timed_out(err);
        /* The server may wait for us to read before it reads on. */
        bool is_broken = end == WAIT_BROKEN || ((events & (POLLIN | POLLHUP | POLLERR)) != 0 &&
                                                PQconsumeInput(conn->pg) == 0);
        if (is_broken)
            return db_conn_lost(conn, err);
    }
}

enum err_code db_wait_ready(struct db_conn *conn, int64_t deadline, struct err *err)
{
    while (PQisBusy(conn->pg) != 0) {
        short events = 0;
        enum wait_end end = wait_socket(conn->pg, POLLIN, deadline, &events);
        if (end == WAIT_TIMEOUT)
            return timed_out(err);
        if (end == WAIT_BROKEN || PQconsumeInput(conn->pg) == 0)
            return db_conn_lost(conn, err);
    }
    return ERR_OK;
}

/* Waits for the server without end when that hangs. */
static void cancel_run(void *cancel)
{
    char why[256];
    (void)PQcancel(cancel, why, (int)sizeof why);
}

static void cancel_free(void *cancel)
{
    PQfreeCancel(cancel);
}

bool db_cancel(struct db_conn *conn)
{
    PGcancel *cancel = PQgetCancel(conn->pg);
    bool is_taken =
        cancel != NULL && db_aside(cancel_run, cancel_free, cancel, clock_mono_us() + DB_CANCEL_US);
    if (is_taken)
        PQfreeCancel(cancel);
    return is_taken;
}

/* Reads what is still due after a cancel; false when the server does not come to an end. */
static bool drain(struct db_conn *conn, int64_t deadline)
{
    for (;;) {
        if (db_wait_ready(conn, deadline, NULL) != ERR_OK)
            return false;
        PGresult *result = PQgetResult(conn->pg);
        if (result == NULL)
            return true;
        PQclear(result);
    }
}

enum err_code db_collect(struct db_conn *conn, int64_t deadline, PGresult **out_result,
                         struct err *err)
{
    PGresult *kept = NULL;
    enum err_code code = db_wait_flush(conn, deadline, err);
    while (code == ERR_OK) {
        code = db_wait_ready(conn, deadline, err);
        PGresult *result = code == ERR_OK ? PQgetResult(conn->pg) : NULL;
        if (result == NULL)
            break;
        if (kept != NULL && db_is_failure(kept)) {
            PQclear(result);
        } else {
            PQclear(kept);
            kept = result;
        }
    }
    if (code == ERR_OK && kept == NULL)
        code = db_conn_lost(conn, err);
    if (code == ERR_OK) {
        *out_result = kept;
        return ERR_OK;
    }
    PQclear(kept);
    if (code == ERR_DEADLINE_EXCEEDED) {
        if (!db_cancel(conn) || !drain(conn, clock_mono_us() + DB_GRACE_US))
            db_conn_drop(conn);
    }
    return code;
}

enum err_code db_script(struct db_conn *conn, struct call *call, const char *sql, struct err *err)
{
    PGresult *result = NULL;
    if (PQsendQuery(conn->pg, sql) == 0)
        return db_conn_lost(conn, err);
    enum err_code code = db_collect(conn, db_conn_deadline(conn, call), &result, err);
    if (code == ERR_OK && db_is_failure(result))
        code = db_error(conn, result, "script", err);
    PQclear(result);
    return code;
}

int64_t db_conn_deadline(const struct db_conn *conn, const struct call *call)
{
    if (call->deadline_mono_us != 0)
        return call->deadline_mono_us;
    int ms = conn->settings->statement_timeout_ms;
    int64_t wait_us =
        ms > 0 ? (ms + PAST_STATEMENT_TIMEOUT_MS) * US_PER_MS : LONGEST_WAIT_S * US_PER_S;
    return clock_mono_us() + wait_us;
}

/* ---- Life of a connection ---- */

static void forget_notice(void *ctx, const char *message)
{
    (void)ctx;
    (void)message;
}

void db_conn_init(struct db_conn *conn, const struct db_settings *settings, struct db_pool *pool)
{
    *conn = (struct db_conn){.settings = settings, .pool = pool};
    map_init(&conn->prepared);
}

void db_conn_drop(struct db_conn *conn)
{
    PQfinish(conn->pg);
    conn->pg = NULL;
    for (size_t i = 0; i < conn->prepared.count; i++) {
        struct db_prepared *prepared = conn->prepared.entries[i].value;
        prepared->is_ready = false;
        prepared->is_pending = false;
    }
    conn->pipe = DB_PIPE_NONE;
    conn->entry_head = 0;
    conn->entry_tail = 0;
}

void db_conn_fini(struct db_conn *conn)
{
    db_conn_drop(conn);
    for (size_t i = 0; i < conn->prepared.count; i++)
        free(conn->prepared.entries[i].value);
    map_fini(&conn->prepared);
    free(conn->entries);
    conn->entries = NULL;
}

bool db_conn_is_alive(struct db_conn *conn)
{
    short events = 0;
    if (conn->pg == NULL)
        return false;
    /* An idle server says nothing but its farewell (or that its settings changed, which happens
     * too rarely to be told apart). */
    return wait_socket(conn->pg, POLLIN, 0, &events) == WAIT_TIMEOUT;
}

/* Session settings as server options: no statement, no round trip. */
static void put_options(const struct db_settings *settings, struct buf *out)
{
    buf_text(out, "-c TimeZone=UTC -c DateStyle=ISO -c jit=off"
                  " -c idle_in_transaction_session_timeout=60000");
    if (settings->statement_timeout_ms > 0)
        buf_printf(out, " -c statement_timeout=%d", settings->statement_timeout_ms);
    if (settings->schema != NULL)
        buf_printf(out, " -c search_path=%s", settings->schema);
    if (settings->plans_each_time)
        buf_text(out, " -c plan_cache_mode=force_custom_plan");
    if (settings->avoids_scans)
        buf_text(out, " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off");
}

static enum err_code finish_connect(struct db_conn *conn, int64_t deadline, struct err *err)
{
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    while (wants == PGRES_POLLING_READING || wants == PGRES_POLLING_WRITING) {
        short events = 0;
        enum wait_end end = wait_socket(conn->pg, wants == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                                        deadline, &events);
        if (end == WAIT_TIMEOUT) {
            (void)snprintf(conn->why, sizeof conn->why, "no answer in time");
            db_conn_drop(conn);
            return ERR_SET(err, ERR_UNAVAILABLE, "DATABASE_UNAVAILABLE",
                           "the database does not answer; try again");
        }
        wants = end == WAIT_READY ? PQconnectPoll(conn->pg) : PGRES_POLLING_FAILED;
    }
    if (wants != PGRES_POLLING_OK || PQsetnonblocking(conn->pg, 1) != 0)
        return db_conn_lost(conn, err);
    (void)PQsetNoticeProcessor(conn->pg, forget_notice, NULL);
    conn->epoch++;
    return ERR_OK;
}

/* Begins to connect; looking up the name comes first, as libpq would wait for it without end. */
static enum err_code start_connect(struct db_conn *conn, int64_t deadline, struct err *err)
{
    struct db_addresses found = {NULL, NULL};
    const char *host = conn->settings->host;
    if (host != NULL && !db_resolve(host, deadline, &found, conn->why, sizeof conn->why))
        return ERR_SET(err, ERR_UNAVAILABLE, "DATABASE_UNAVAILABLE",
                       "the database cannot be reached; try again");
    struct buf options;
    buf_init(&options, 0);
    put_options(conn->settings, &options);
    const char *keys[] = {"dbname",  "application_name", "client_encoding",
                          "options", "tcp_user_timeout", "keepalives_idle",
                          "host",    "hostaddr",         NULL};
    const char *values[] = {
        conn->settings->url, conn->settings->name, "UTF8", options.data, "10000", "30",
        found.hosts,         found.addresses,      NULL}; /* NULL in the middle: not given */
    conn->pg = PQconnectStartParams(keys, values, 1);
    buf_fini(&options);
    db_addresses_free(&found);
    INVARIANT(conn->pg != NULL);
    return PQstatus(conn->pg) == CONNECTION_BAD ? db_conn_lost(conn, err) : ERR_OK;
}

enum err_code db_conn_connect(struct db_conn *conn, struct call *call, struct err *err)
{
    db_conn_drop(conn);
    int64_t deadline = clock_mono_us() + conn->settings->connect_timeout_ms * US_PER_MS;
    bool is_shorter = call->deadline_mono_us != 0 && call->deadline_mono_us < deadline;
    if (is_shorter)
        deadline = call->deadline_mono_us;
    enum err_code code = start_connect(conn, deadline, err);
    if (code == ERR_OK)
        code = finish_connect(conn, deadline, err);
    conn->is_cut_short = code != ERR_OK && is_shorter && clock_mono_us() >= deadline;
    return code;
}

void db_conn_reset_tx(struct db_conn *conn)
{
    db_pipeline_abort(conn);
    conn->pending_begin = NULL;
    conn->in_tx = false;
    if (conn->pg == NULL || PQtransactionStatus(conn->pg) == PQTRANS_IDLE)
        return;
    PGresult *result = NULL;
    bool is_done = PQsendQuery(conn->pg, db_rollback.sql) == 1 &&
                   db_collect(conn, clock_mono_us() + DB_GRACE_US, &result, NULL) == ERR_OK &&
                   !db_is_failure(result);
    PQclear(result);
    if (!is_done)
        db_conn_drop(conn);
}

/* ---- Connections outside pools ---- */

struct db_conn *db_conn_open(const struct db_options *options)
{
    struct db_conn *conn = xcalloc(1, sizeof *conn);
    struct db_settings *settings = db_settings_new(options);
    db_conn_init(conn, settings, NULL);
    conn->own_settings = settings;
    return conn;
}

void db_conn_close(struct db_conn *conn)
{
    if (conn == NULL)
        return;
    INVARIANT(conn->pool == NULL);
    db_conn_fini(conn);
    db_settings_free(conn->own_settings);
    free(conn);
}

enum err_code db_conn_ensure(struct db_conn *conn, struct call *call, struct err *err)
{
    if (conn->pg != NULL && (conn->pipe != DB_PIPE_NONE || conn->in_tx || db_conn_is_alive(conn)))
        return ERR_OK;
    if (conn->pool != NULL || conn->in_tx)
        return db_conn_lost(conn, err);
    return db_conn_connect(conn, call, err);
}

uint64_t db_conn_epoch(const struct db_conn *conn)
{
    return conn->pg == NULL ? 0 : conn->epoch;
}
