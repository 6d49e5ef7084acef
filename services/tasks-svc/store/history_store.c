#include "history_store.h"

#include "base/arena.h"
#include "history_store_sql.h"

enum err_code history_store_prune_events(struct db_pool *pool, struct call *call, int shard,
                                         int64_t before_us, int64_t limit, int64_t *out_removed,
                                         struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &history_events_prune,
                      DB_PARAMS(db_i64(shard), db_time_us(before_us), db_i64(limit)), &rows, err);
    if (code == ERR_OK)
        *out_removed = db_affected(rows);
    return code;
}

struct prune {
    int shard;
    int64_t before_us;
    int64_t limit;
    int64_t removed;
};

static enum err_code prune_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct prune *prune = ctx;
    struct db_result *rows = NULL;
    enum err_code code = db_query(
        conn, call, &history_tasks_old,
        DB_PARAMS(db_i64(prune->shard), db_time_us(prune->before_us), db_i64(prune->limit)), &rows,
        err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(rows);
    prune->removed = (int64_t)count;
    if (count == 0)
        return ERR_OK;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    if (sids == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "too many old tasks");
    for (size_t i = 0; i < count; i++)
        sids[i] = db_get_str(rows, (int)i, 0);
    code = db_query(conn, call, &history_reservations_prune, DB_PARAMS(db_texts(sids, count)), NULL,
                    err);
    if (code == ERR_OK)
        code =
            db_query(conn, call, &history_tasks_prune, DB_PARAMS(db_texts(sids, count)), NULL, err);
    return code;
}

enum err_code history_store_prune_tasks(struct db_pool *pool, struct call *call, int shard,
                                        int64_t before_us, int64_t limit, int64_t *out_removed,
                                        struct err *err)
{
    struct prune prune = {.shard = shard, .before_us = before_us, .limit = limit};
    enum err_code code = db_tx_run(pool, call, prune_tx, &prune, err);
    if (code == ERR_OK)
        *out_removed = prune.removed;
    return code;
}
