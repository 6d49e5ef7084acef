#include "removal_store.h"

#include "base/macros.h"
#include "removal_store_sql.h"

enum { ROWS = 500 }; /* of one transaction: small, so that nobody waits for it */

/* In this order: the configuration, by which the others are found, goes last. */
static const struct db_stmt *const steps[] = {
    &removal_callbacks, &removal_reservations, &removal_tasks,   &removal_spans,
    &removal_buckets,   &removal_stays,        &removal_idle,    &removal_overrides,
    &removal_documents, &removal_configs,      &removal_targets,
};

struct removal {
    const char *workspace_sid;
    int64_t removed;
};

/* What is left of the first kind of which something is. */
static enum err_code remove_some(struct db_conn *conn, struct call *call, struct removal *removal,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(steps) && code == ERR_OK && removal->removed == 0; i++) {
        struct db_result *rows = NULL;
        code = db_query(conn, call, steps[i],
                        DB_PARAMS(db_cstr(removal->workspace_sid), db_i64(ROWS)), &rows, err);
        if (code == ERR_OK)
            removal->removed = db_affected(rows);
    }
    return code;
}

static enum err_code step_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct removal *removal = ctx;
    struct db_result *rows = NULL;
    removal->removed = 0;
    const struct db_param workspace = db_cstr(removal->workspace_sid);
    enum err_code code = db_query(conn, call, &removal_lock, DB_PARAMS(workspace), &rows, err);
    if (code != ERR_OK || db_row_count(rows) == 0)
        return code;
    code = remove_some(conn, call, removal, err);
    if (code != ERR_OK || removal->removed > 0)
        return code;
    code = db_query(conn, call, &removal_passed, DB_PARAMS(workspace), NULL, err);
    return code == ERR_OK ? db_query(conn, call, &removal_end, DB_PARAMS(workspace), NULL, err)
                          : code;
}

enum err_code removal_store_step(struct db_pool *pool, struct call *call, int shard, bool *out_more,
                                 int64_t *out_removed, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &removal_next, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code != ERR_OK)
        return code;
    struct removal removal = {0};
    *out_more = db_row_count(rows) > 0;
    if (*out_more) {
        removal.workspace_sid = db_get_text(rows, 0, 0);
        code = db_tx_run(pool, call, step_tx, &removal, err);
    }
    if (code == ERR_OK)
        *out_removed = removal.removed;
    return code;
}
