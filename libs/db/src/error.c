#include "db_int.h"

#include <stdio.h>
#include <string.h>

/* SQLSTATE (or its beginning) to what the caller may do about it. The first match counts. */
struct state_row {
    const char *prefix;
    enum err_code code;
    const char *reason;
    const char *detail; /* NULL: the server's message, for the log only */
};

static const struct state_row states[] = {
    {"23505", ERR_ALREADY_EXISTS,      "ALREADY_EXISTS",        "the value is in use already"          },
    {"23503", ERR_FAILED_PRECONDITION, "REFERENCE_VIOLATED",
     "something it refers to does not exist, or something refers to it"                                },
    {"40001", ERR_ABORTED,             "SERIALIZATION_FAILURE", "another change came first; try again" },
    {"40P01", ERR_ABORTED,             "DEADLOCK",              "another change came first; try again" },
    {"55P03", ERR_ABORTED,             "LOCK_NOT_AVAILABLE",    "another change came first; try again" },
    {"26000", ERR_ABORTED,             "SESSION_RESET",         "the session was reset; try again"     },
    {"57014", ERR_DEADLINE_EXCEEDED,   "DEADLINE_EXCEEDED",     "the statement took too long"          },
    {"57P",   ERR_UNAVAILABLE,         "DATABASE_UNAVAILABLE",  "the database is restarting"           },
    {"25006", ERR_UNAVAILABLE,         "DATABASE_UNAVAILABLE",  "the database takes no writes now"     },
    {"25P03", ERR_UNAVAILABLE,         "DATABASE_UNAVAILABLE",  "the transaction was idle for too long"},
    {"08",    ERR_UNAVAILABLE,         "DATABASE_UNAVAILABLE",  "the database connection was lost"     },
    {"53",    ERR_RESOURCE_EXHAUSTED,  "DATABASE_EXHAUSTED",    "the database has no room left"        },
    {"22021", ERR_INVALID_ARGUMENT,    "INVALID_TEXT",          "a text is not valid UTF-8"            },
    {"22P05", ERR_INVALID_ARGUMENT,    "INVALID_TEXT",          "a text must not contain \\u0000"      },
    {"TR001", ERR_FAILED_PRECONDITION, "GUARD_FAILED",          NULL                                   },
    {"",      ERR_INTERNAL,            "DATABASE_ERROR",        NULL                                   },
};

bool db_is_failure(const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
    case PGRES_PIPELINE_SYNC:
        return false;
    default:
        return true;
    }
}

static const char *field_of(const PGresult *result, int field)
{
    const char *text = PQresultErrorField(result, field);
    return text == NULL ? "" : text;
}

/* A plan that outlived a migration, which only a new session gets rid of. */
static bool is_stale_plan(const PGresult *result, const char *sqlstate)
{
    return strcmp(sqlstate, "0A000") == 0 &&
           strcmp(field_of(result, PG_DIAG_SOURCE_FUNCTION), "RevalidateCachedQuery") == 0;
}

enum err_code db_error(struct db_conn *conn, const PGresult *result, const char *what,
                       struct err *err)
{
    const char *sqlstate = result == NULL ? "" : field_of(result, PG_DIAG_SQLSTATE);
    if (sqlstate[0] == '\0' || conn->pg == NULL)
        return db_conn_lost(conn, err);
    (void)snprintf(conn->sqlstate, sizeof conn->sqlstate, "%s", sqlstate);
    (void)snprintf(conn->constraint, sizeof conn->constraint, "%s",
                   field_of(result, PG_DIAG_CONSTRAINT_NAME));
    const struct state_row *row = states;
    while (strncmp(sqlstate, row->prefix, strlen(row->prefix)) != 0)
        row++;
    enum err_code code = row->code;
    const char *message = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
    if (is_stale_plan(result, sqlstate)) {
        code = ERR_SET(err, ERR_ABORTED, "SCHEMA_CHANGED", "the schema changed; try again");
    } else if (code == ERR_INTERNAL) {
        code = ERR_SET(err, code, row->reason, "%s: %s (SQLSTATE %s)", what, message, sqlstate);
    } else if (row->detail == NULL) {
        code = ERR_SET(err, code, row->reason, "%s", message);
    } else if (conn->constraint[0] != '\0') {
        code = ERR_SET(err, code, row->reason, "%s (constraint \"%s\")", row->detail,
                       conn->constraint);
    } else {
        code = ERR_SET(err, code, row->reason, "%s", row->detail);
    }
    bool is_useless = code == ERR_UNAVAILABLE || strcmp(sqlstate, "26000") == 0 ||
                      is_stale_plan(result, sqlstate) || PQstatus(conn->pg) != CONNECTION_OK;
    if (is_useless)
        db_conn_drop(conn);
    return code;
}

const char *db_err_constraint(const struct db_conn *conn)
{
    return conn->constraint;
}

const char *db_err_sqlstate(const struct db_conn *conn)
{
    return conn->sqlstate;
}

bool db_err_is_constraint(const struct err *err, const char *constraint)
{
    char quoted[DB_MAX_NAME + 16];
    (void)snprintf(quoted, sizeof quoted, "(constraint \"%s\")", constraint);
    return err->code != ERR_OK && strstr(err->detail, quoted) != NULL;
}
