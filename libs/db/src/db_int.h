/* What the files of libs/db share: the connection and the steps that wait for the server. */
#pragma once

#include <libpq-fe.h>

#include "base/map.h"
#include "db/db.h"

enum {
    DB_MAX_PARAMS = 99,       /* as in tools/sqlembed */
    DB_MAX_NAME = 64,         /* NAMEDATALEN */
    DB_GRACE_US = 500 * 1000, /* for draining and rolling back past the deadline */
    DB_CANCEL_US = 300 * 1000 /* for asking the server to stop */
};

/* PostgreSQL counts microseconds from 2000-01-01. */
#define PG_EPOCH_US (INT64_C(946684800) * 1000 * 1000)

/* Copies of struct db_options with the defaults filled in. */
struct db_settings {
    char *url;
    char *name;
    char *schema; /* NULL = as the role has it */
    char *host;   /* the name to look up before connecting; NULL = nothing to look up */
    int connect_timeout_ms;
    int acquire_timeout_ms;
    int statement_timeout_ms; /* -1 = none */
    bool plans_each_time;
    bool avoids_scans;
    int breaker_ms;
    int size;
};

/* A statement as the server session knows it; lives as long as the connection object. */
struct db_prepared {
    const struct db_stmt *stmt;
    struct metric_series *duration; /* NULL until first observed */
    bool is_ready;
    bool is_pending; /* sent in the open pipeline, not yet confirmed */
};

enum db_pipe_state { DB_PIPE_NONE, DB_PIPE_OPEN, DB_PIPE_SYNCED };
enum db_pipe_kind { DB_PIPE_PREPARE, DB_PIPE_HIDDEN, DB_PIPE_QUERY };

/* One answer that is due. */
struct db_pipe_entry {
    enum db_pipe_kind kind;
    struct db_prepared *prepared;
    int64_t sent_mono_us;
};

struct db_conn {
    PGconn *pg;                         /* NULL: not connected */
    const struct db_settings *settings; /* the pool's, or own_settings */
    struct db_settings *own_settings;   /* NULL in a pool */
    struct db_pool *pool;               /* NULL: stands alone */
    struct map prepared;                /* name -> struct db_prepared */
    uint64_t epoch;
    bool is_counted;   /* in the pool's number of open connections; under the pool's lock */
    bool in_tx;        /* a transaction was open after the last statement */
    bool is_managed;   /* inside db_tx_run, which rolls back itself */
    bool is_cut_short; /* the last connect ended by the caller's deadline: it says nothing */
    const struct db_stmt *pending_begin; /* sent together with the first statement */
    enum db_pipe_state pipe;
    struct db_pipe_entry *entries; /* head..tail are due */
    size_t entry_head;
    size_t entry_tail;
    size_t entry_capacity;
    char sqlstate[6];
    char constraint[DB_MAX_NAME];
    char why[DB_WHY_SIZE]; /* libpq's words when the connection was last lost */
};

struct db_result {
    PGresult *pg;
    int rows;
    int columns;
    bool is_binary; /* all columns */
};

/* Parameters in the form that libpq wants. */
struct db_bound {
    const char *values[DB_MAX_PARAMS];
    int lengths[DB_MAX_PARAMS];
    int formats[DB_MAX_PARAMS];
};

/* settings.c */
struct db_settings *db_settings_new(const struct db_options *options);
void db_settings_free(struct db_settings *settings);

/* conn.c */
void db_conn_init(struct db_conn *conn, const struct db_settings *settings, struct db_pool *pool);
void db_conn_drop(struct db_conn *conn); /* closes the session; the object stays usable */
void db_conn_fini(struct db_conn *conn);
enum err_code db_conn_connect(struct db_conn *conn, struct call *call, struct err *err) MUST_CHECK;
int64_t db_conn_deadline(const struct db_conn *conn, const struct call *call);
void db_conn_reset_tx(struct db_conn *conn); /* rolls back within the grace time, or drops */

enum err_code db_wait_flush(struct db_conn *conn, int64_t deadline, struct err *err) MUST_CHECK;
/* Until PQgetResult does not block. */
enum err_code db_wait_ready(struct db_conn *conn, int64_t deadline, struct err *err) MUST_CHECK;
/* Asks the server to stop what it is doing; false when it did not take the request. */
bool db_cancel(struct db_conn *conn);
/* flush and all results but the last cleared; on DEADLINE_EXCEEDED cancelled and drained. */
enum err_code db_collect(struct db_conn *conn, int64_t deadline, PGresult **out_result,
                         struct err *err) MUST_CHECK;
enum err_code db_conn_lost(struct db_conn *conn, struct err *err); /* drops; UNAVAILABLE */

/* A text of any number of statements, for migrations. */
enum err_code db_script(struct db_conn *conn, struct call *call, const char *sql,
                        struct err *err) MUST_CHECK;

/*
 * aside.c: runs a step that cannot be told when to stop (libpq's cancel, looking up a name) on a
 * thread of its own. True when it was done in time; false when not, and then ctx is gone: discard
 * is called for it, now or once the step ends.
 */
typedef void db_aside_fn(void *ctx);
bool db_aside(db_aside_fn *run, db_aside_fn *discard, void *ctx, int64_t deadline);

/* resolve.c */
struct db_addresses {
    char *hosts; /* "db,db" */
    char *addresses;
};
/* The name in a URL that libpq would look up by itself, without a deadline; or NULL. */
char *db_host_of(const char *url);
bool db_resolve(const char *host, int64_t deadline, struct db_addresses *out, char *why,
                size_t why_size);
void db_addresses_free(struct db_addresses *addresses);

/* error.c: maps a failed result (or a failed send when result is NULL). */
enum err_code db_error(struct db_conn *conn, const PGresult *result, const char *what,
                       struct err *err);
bool db_is_failure(const PGresult *result);

/* params.c: scratch goes to the arena, which may be rewound after sending. */
enum err_code db_bind(struct arena *arena, const struct db_stmt *stmt,
                      const struct db_param *params, size_t count, struct db_bound *out,
                      struct err *err) MUST_CHECK;

/* query.c */
struct db_prepared *db_prepared_get(struct db_conn *conn, const struct db_stmt *stmt);
enum err_code db_usable(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                        struct err *err) MUST_CHECK;

/* result.c: takes over result, also on failure. */
enum err_code db_result_new(struct call *call, PGresult *result, struct db_result **out,
                            struct err *err) MUST_CHECK;

/* observe.c: the statement took so long and ended so. */
void db_observe(struct db_prepared *prepared, enum err_code code, int64_t since_mono_us);
