#include "db/migrate.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "db_int.h"
#include "db_sql.h"

enum { MIGRATE_ARENA_BYTES = 4 << 20, WAIT_FOR_OTHERS_S = 60 };

/* One migration that the database has. */
struct applied {
    int number;
    const char *hash;
};

struct applied_list {
    struct applied *items;
    size_t count;
};

static enum err_code read_applied(struct db_conn *conn, struct call *call, struct applied_list *out,
                                  struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &db_migrations_list, DB_NO_PARAMS, &rows, err);
    if (code != ERR_OK)
        return code;
    out->count = (size_t)db_row_count(rows);
    out->items = ARENA_ARRAY(call->arena, struct applied, out->count);
    if (out->items == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "too many migrations");
    for (int i = 0; i < (int)out->count; i++) {
        out->items[i].number = (int)db_get_i64(rows, i, 0);
        out->items[i].hash = db_get_text(rows, i, 1);
    }
    return ERR_OK;
}

static const struct applied *find(const struct applied_list *list, int number)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].number == number)
            return &list->items[i];
    }
    return NULL;
}

static enum err_code check_hash(const struct applied *applied, const struct db_migration *migration,
                                struct err *err)
{
    if (strcmp(applied->hash, migration->hash) == 0)
        return ERR_OK;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "MIGRATION_CHANGED",
                   "migration %04d_%s was changed after it had been applied; put the file back "
                   "and add a new one",
                   migration->number, migration->name);
}

struct apply_ctx {
    const struct db_migration *migration;
};

static enum err_code apply(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct db_migration *migration = ((const struct apply_ctx *)ctx)->migration;
    /* First, so that the transaction is open when the script runs. */
    enum err_code code = db_query(
        conn, call, &db_migrations_insert,
        DB_PARAMS(db_i64(migration->number), db_cstr(migration->name), db_cstr(migration->hash)),
        NULL, err);
    if (code == ERR_OK)
        code = db_script(conn, call, migration->sql, err);
    if (code == ERR_OK && PQtransactionStatus(conn->pg) != PQTRANS_INTRANS)
        code = ERR_SET(err, ERR_INTERNAL, "MIGRATION_FAILED",
                       "it must not end the transaction itself");
    return code;
}

static enum err_code apply_missing(struct db_conn *conn, struct call *call,
                                   const struct db_migration *migrations, size_t count,
                                   struct err *err)
{
    struct applied_list applied = {NULL, 0};
    enum err_code code = read_applied(conn, call, &applied, err);
    int newest = applied.count == 0 ? 0 : applied.items[applied.count - 1].number;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        const struct db_migration *migration = &migrations[i];
        const struct applied *before = find(&applied, migration->number);
        if (before != NULL) {
            code = check_hash(before, migration, err);
            continue;
        }
        if (migration->number < newest)
            return ERR_SET(err, ERR_FAILED_PRECONDITION, "MIGRATION_OUT_OF_ORDER",
                           "migration %04d_%s is missing but %04d was applied; give it the next "
                           "free number",
                           migration->number, migration->name, newest);
        struct apply_ctx ctx = {migration};
        code = db_conn_tx_run(conn, call, DB_READ_COMMITTED, apply, &ctx, err);
        if (code != ERR_OK)
            (void)err_wrap(err, "migration %04d_%s", migration->number, migration->name);
        if (code == ERR_INTERNAL && err != NULL)
            err->reason = "MIGRATION_FAILED";
    }
    return code;
}

static enum err_code check_schema(struct db_conn *conn, struct call *call, const char *schema,
                                  struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &db_schema_exists, DB_PARAMS(db_cstr(schema)), &rows, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(rows) == 1 && db_get_bool(rows, 0, 0))
        return ERR_OK;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "SCHEMA_MISSING",
                   "schema \"%s\" does not exist or does not belong to this role; run "
                   "deploy/postgres/bootstrap.sql first",
                   schema);
}

static enum err_code migrate(struct db_conn *conn, struct call *call, const char *schema,
                             const struct db_migration *migrations, size_t count, struct err *err)
{
    struct call waiting = *call;
    waiting.deadline_mono_us = clock_mono_us() + WAIT_FOR_OTHERS_S * US_PER_S;
    const char *lock_name = arena_printf(call->arena, "taskrouter.migrate.%s", schema);
    enum err_code code = db_conn_ensure(conn, &waiting, err);
    if (code == ERR_UNAVAILABLE)
        return ERR_SET(err, code, "DATABASE_UNAVAILABLE", "the database cannot be reached: %s",
                       conn->why);
    if (code == ERR_OK)
        code = check_schema(conn, &waiting, schema, err);
    /* Held until the session ends with the connection. */
    if (code == ERR_OK)
        code =
            db_query(conn, &waiting, &db_advisory_lock, DB_PARAMS(db_cstr(lock_name)), NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &db_migrations_create, DB_NO_PARAMS, NULL, err);
    if (code == ERR_OK)
        code = apply_missing(conn, call, migrations, count, err);
    return code;
}

enum err_code db_migrate(const char *url, const char *schema, const struct db_migration *migrations,
                         size_t count, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(MIGRATE_ARENA_BYTES);
    struct call call;
    call_init(&call, arena, "migrate", 0);
    struct db_conn *conn = db_conn_open(&(struct db_options){
        .url = url, .name = "migrate", .schema = schema, .statement_timeout_ms = -1});
    enum err_code code = migrate(conn, &call, schema, migrations, count, err);
    db_conn_close(conn);
    return code;
}

static enum err_code too_old(struct err *err, const char *name)
{
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "SCHEMA_TOO_OLD",
                   "migration %s was not applied yet; run this program with --migrate first", name);
}

enum err_code db_schema_check(struct db_pool *pool, struct call *call,
                              const struct db_migration *migrations, size_t count, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct db_result *rows = NULL;
    struct applied_list applied = {NULL, 0};
    enum err_code code = db_acquire(pool, call, &conn, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &db_migrations_exist, DB_NO_PARAMS, &rows, err);
    if (code != ERR_OK)
        return code;
    if (count > 0 && !db_get_bool(rows, 0, 0))
        return too_old(err, migrations[0].name);
    if (count > 0)
        code = read_applied(conn, call, &applied, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        const struct applied *before = find(&applied, migrations[i].number);
        code = before == NULL ? too_old(err, migrations[i].name)
                              : check_hash(before, &migrations[i], err);
    }
    return code;
}
