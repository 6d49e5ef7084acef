/*
 * PostgreSQL for everyone else: a pool that waits no longer than the caller may, prepared
 * statements with typed parameters, transactions with retry, and pipelines. The only user of libpq.
 * libpq runs non-blocking underneath; to the caller everything reads straight from top to bottom.
 * Refuses: SQL built at run time, results that outlive the request, waiting without a bound.
 *
 * Every function that may fail returns one of these codes (and sets *err):
 *   UNAVAILABLE          DATABASE_UNAVAILABLE: no connection, or it broke (also: outcome unknown)
 *   DEADLINE_EXCEEDED    the call's deadline or the server's statement_timeout passed
 *   RESOURCE_EXHAUSTED   DATABASE_POOL_EXHAUSTED, REQUEST_TOO_LARGE (arena), server out of room
 *   ABORTED              SERIALIZATION_FAILURE, DEADLOCK: run the transaction again
 *   ALREADY_EXISTS       unique violation; FAILED_PRECONDITION foreign key violation or
 * GUARD_FAILED INVALID_ARGUMENT     CHECK_VIOLATED, VALUE_OUT_OF_RANGE, INVALID_TEXT INTERNAL
 * anything else: a mistake of ours db_err_constraint and db_err_sqlstate tell stores which
 * constraint it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "base/str.h"
#include "db/stmt.h"

struct db_pool;
struct db_conn;   /* used by one thread at a time */
struct db_result; /* lives until the call's arena is reset or rewound */

/* ---- Connections ---- */

struct db_options {
    const char *url;          /* postgresql://… or key=value text */
    const char *name;         /* application_name, usually the service; NULL = "taskrouter" */
    const char *schema;       /* sets search_path; NULL = as the role has it */
    int size;                 /* connections in the pool; 0 = 8 */
    int connect_timeout_ms;   /* 0 = 1500 */
    int acquire_timeout_ms;   /* longest wait for a free connection; 0 = 1000 */
    int statement_timeout_ms; /* server side, the second net; 0 = 30000, -1 = none */
    bool plans_each_time;     /* plan with the values at hand: for lists with optional filters */
    bool avoids_scans; /* by index only, whatever the statistics say: for rows by their keys */
    int breaker_ms;    /* after a failed connect, fail at once for so long; 0 = 200 */
};

/* Connects on first use, so it succeeds while the database is down. Never NULL; copies the texts.
 * Threads: a pool may be used by any number. */
struct db_pool *db_pool_open(const struct db_options *options);

/* Every connection must have been released. NULL is allowed. */
void db_pool_close(struct db_pool *pool);

/* One round trip, for readiness. */
enum err_code db_pool_ping(struct db_pool *pool, struct call *call, struct err *err) MUST_CHECK;

#define DB_WHY_SIZE 256

struct db_pool_stats {
    int size;
    int open; /* connections made, idle or in use */
    int in_use;
    int waiting; /* threads waiting for one */
    /* libpq\'s words when a connection was last lost, or ""; names hosts: for operators only. */
    char why[DB_WHY_SIZE];
};

struct db_pool_stats db_pool_stats(struct db_pool *pool);

/* A connection for the caller alone. Waits at most until the call's deadline. Hand it back with
 * db_release, which ends an open transaction by rolling back. */
enum err_code db_acquire(struct db_pool *pool, struct call *call, struct db_conn **out_conn,
                         struct err *err) MUST_CHECK;
void db_release(struct db_conn *conn);
void db_release_cleanup(struct db_conn **conn); /* for AUTO() */

/* A connection outside any pool, for a thread that keeps its own. Connects on first use and again
 * after it broke (which aborts whatever was under way: see db_conn_epoch). */
struct db_conn *db_conn_open(const struct db_options *options);
void db_conn_close(struct db_conn *conn); /* NULL is allowed */

/* Connects now if there is no connection. */
enum err_code db_conn_ensure(struct db_conn *conn, struct call *call, struct err *err) MUST_CHECK;

/* Grows by one with every new server session, so that holders of session state (advisory locks,
 * temporary tables) notice; 0 = not connected. */
uint64_t db_conn_epoch(const struct db_conn *conn);

/* Between statements: whether the server has ended the session, as far as the socket tells without
 * waiting. */
bool db_conn_is_alive(struct db_conn *conn);

/* ---- Parameters ---- */

enum db_type {
    DB_NULL,
    DB_TEXT, /* also every type that the server reads from text */
    DB_I64,
    DB_F64,
    DB_BOOL,
    DB_TIME,
    DB_BYTES,
    DB_TEXTS,
    DB_I64S,
    DB_BOOLS,
    DB_TIMES,
    DB_JSONS,
    DB_ROWS,
};

/* Made by the functions below; points to the caller's memory until the statement was sent. */
struct db_param {
    enum db_type type;
    size_t count; /* elements of arrays, columns of rows */
    union {
        struct str text;
        int64_t i64;
        double f64;
        bool boolean;
        const struct str *texts;
        const int64_t *i64s;
        const bool *bools;
        const struct db_param *columns;
    } as;
};

struct db_param db_null(void);
struct db_param db_text(struct str text);         /* {NULL, 0} is the empty text, not null */
struct db_param db_cstr(const char *text);        /* NULL is null */
struct db_param db_text_or_null(struct str text); /* the empty view is null */
struct db_param db_json(struct str json);         /* json, jsonb */
struct db_param db_i64(int64_t value);            /* any integer type */
struct db_param db_f64(double value);
struct db_param db_bool(bool value);
struct db_param db_time_us(int64_t at_us);         /* timestamptz */
struct db_param db_time_us_or_null(int64_t at_us); /* 0 is null */
struct db_param db_bytes(struct str bytes);        /* bytea */

/* Arrays, for "unnest($1::text[], $2::bigint[])": one statement for many rows. Sent in binary, so
 * the parameter must have exactly the type named. NULL elements: a view with ptr NULL. */
struct db_param db_texts(const struct str *texts, size_t count);  /* text[] */
struct db_param db_jsons(const struct str *texts, size_t count);  /* jsonb[] */
struct db_param db_i64s(const int64_t *values, size_t count);     /* bigint[] */
struct db_param db_bools(const bool *values, size_t count);       /* boolean[] */
struct db_param db_times_us(const int64_t *values, size_t count); /* timestamptz[]; 0 is null */

/* An array of a composite type, for "unnest($1::some_row[])": where rows have many columns, far
 * cheaper for the server than an array for each. columns: arrays as above, all of one length, for
 * the fields of the type in order, which must have exactly those element types; kept until the
 * statement was sent. The array does not name its type, which PostgreSQL 14 and later allow. */
struct db_param db_rows(const struct db_param *columns, size_t column_count);

/* The two arguments "params, count" of db_query, written in place. */
#define DB_PARAMS(...)                                                                             \
    ((const struct db_param[]){__VA_ARGS__}),                                                      \
        (sizeof((const struct db_param[]){__VA_ARGS__}) / sizeof(struct db_param))
#define DB_NO_PARAMS NULL, 0

/* ---- Statements ---- */

/*
 * Runs one prepared statement (prepared on its first use per connection) and waits for the answer
 * until the call's deadline; then cancels it. count must equal stmt->param_count.
 * out_result may be NULL. The result lives as long as the call's arena.
 */
enum err_code db_query(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                       const struct db_param *params, size_t count, struct db_result **out_result,
                       struct err *err) MUST_CHECK;

/* The same on a connection of the pool, as a transaction of its own. */
enum err_code db_pool_query(struct db_pool *pool, struct call *call, const struct db_stmt *stmt,
                            const struct db_param *params, size_t count,
                            struct db_result **out_result, struct err *err) MUST_CHECK;

/* ---- Results; row and column must exist (invariant) ---- */

int db_row_count(const struct db_result *result);
int64_t db_affected(const struct db_result *result); /* rows inserted, updated, deleted, selected */
bool db_is_null(const struct db_result *result, int row, int column);

/* Null gives the empty view, 0 and false. Views live as long as the result and are NUL-terminated.
 * A value of another type than asked for is a mistake in the store: invariant. */
struct str db_get_str(const struct db_result *result, int row, int column);
const char *db_get_text(const struct db_result *result, int row, int column); /* never NULL */
int64_t db_get_i64(const struct db_result *result, int row, int column);
double db_get_f64(const struct db_result *result, int row, int column);
bool db_get_bool(const struct db_result *result, int row, int column);
int64_t db_get_time_us(const struct db_result *result, int row, int column);

/* bytea and text[]: decoded into the arena. False when the arena is exhausted. */
bool db_get_bytes(const struct db_result *result, int row, int column, struct arena *arena,
                  struct str *out_bytes) MUST_CHECK;
bool db_get_texts(const struct db_result *result, int row, int column, struct arena *arena,
                  struct str **out_texts, size_t *out_count) MUST_CHECK;

/* ---- Which rule was broken ---- */

/* Name of the constraint behind the last failed statement of conn, or "". */
const char *db_err_constraint(const struct db_conn *conn);
/* Its five-character SQLSTATE, or "". */
const char *db_err_sqlstate(const struct db_conn *conn);

/* For single statements and after db_tx_run, where the connection is gone by then: the detail of
 * such an error names the constraint in quotes. True when it is that one; the store then says with
 * ERR_FIELD which request field it was. */
bool db_err_is_constraint(const struct err *err, const char *constraint);

/* ---- Transactions ---- */

enum db_isolation {
    DB_READ_COMMITTED, /* the default of the suite */
    DB_REPEATABLE_READ,
    DB_SERIALIZABLE,
    DB_SNAPSHOT_READ_ONLY, /* repeatable read, read only: consistent pages */
    DB_ISOLATION_COUNT,
};

/* Runs inside a transaction; may run again from the start, so it has no effect but its statements
 * and what it overwrites in ctx. */
typedef enum err_code db_tx_fn(struct db_conn *conn, struct call *call, void *ctx, struct err *err);

/*
 * begin, fn, commit when fn returned ERR_OK, else rollback. ABORTED (of fn or of the commit) runs
 * it again up to three times with jitter while the deadline allows, unless the reason is
 * VERSION_MISMATCH: a version that the client named does not become right by repeating.
 * UNAVAILABLE with reason COMMIT_UNKNOWN: the connection broke during the commit.
 */
enum err_code db_tx_run(struct db_pool *pool, struct call *call, db_tx_fn *fn, void *ctx,
                        struct err *err) MUST_CHECK;
enum err_code db_tx_run_at(struct db_pool *pool, struct call *call, enum db_isolation isolation,
                           db_tx_fn *fn, void *ctx, struct err *err) MUST_CHECK;

/* The same on a connection that the caller holds. */
enum err_code db_conn_tx_run(struct db_conn *conn, struct call *call, enum db_isolation isolation,
                             db_tx_fn *fn, void *ctx, struct err *err) MUST_CHECK;

/* ---- Pipelines: many statements, one round trip ---- */

/* For explicit transactions in a pipeline: add db_begin first and db_commit last. */
extern const struct db_stmt db_begin;
extern const struct db_stmt db_commit;
extern const struct db_stmt db_rollback;

/*
 * begin, add…, sync, then next once per add, in order. Statements are sent while adding. A failed
 * statement makes the server skip the rest: next returns the error once, the pipeline is over then
 * (drained, an open transaction rolled back) and the connection is ready again.
 * A guard inside a batch (such as a lease's epoch) must fail in SQL: let a function of the schema
 * "raise exception … using errcode = 'TR001'", which becomes FAILED_PRECONDITION GUARD_FAILED.
 */
enum err_code db_pipeline_begin(struct db_conn *conn, struct call *call,
                                struct err *err) MUST_CHECK;
enum err_code db_pipeline_add(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                              const struct db_param *params, size_t count,
                              struct err *err) MUST_CHECK;
/* The same, its rows in binary: cheaper on both sides where there are many. Only for text, json,
 * integers, boolean and timestamptz, which read as usual. */
enum err_code db_pipeline_add_binary(struct db_conn *conn, struct call *call,
                                     const struct db_stmt *stmt, const struct db_param *params,
                                     size_t count, struct err *err) MUST_CHECK;
enum err_code db_pipeline_sync(struct db_conn *conn, struct call *call, struct err *err) MUST_CHECK;
/* Takes in what has come so far, without waiting: called now and then by who works on an earlier
 * answer, so that the server need not wait to send the next one. */
void db_pipeline_read_ahead(struct db_conn *conn);
/* out_result may be NULL. After the last one the pipeline is over. */
enum err_code db_pipeline_next(struct db_conn *conn, struct call *call,
                               struct db_result **out_result, struct err *err) MUST_CHECK;

/* sync, unless that was called, and next for all; the first error, if any. */
enum err_code db_pipeline_finish(struct db_conn *conn, struct call *call,
                                 struct err *err) MUST_CHECK;

/* Gives up: nothing more is sent, what was sent is drained or the connection is dropped. Harmless
 * when no pipeline is open. */
void db_pipeline_abort(struct db_conn *conn);
