#include "cluster_store.h"

#include "base/arena.h"
#include "cluster_store_sql.h"

enum err_code cluster_store_beat(struct db_conn *conn, struct call *call, const char *instance,
                                 const char *address, bool is_leaving, int64_t ttl_ms,
                                 struct err *err)
{
    return db_query(
        conn, call, &replica_beat,
        DB_PARAMS(db_cstr(instance), db_cstr(address), db_bool(is_leaving), db_i64(ttl_ms)), NULL,
        err);
}

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "CLUSTER_TOO_LARGE",
                   "the list of processes does not fit into memory");
}

static enum err_code read_replicas(struct call *call, const struct db_result *rows,
                                   struct cluster_row *out, struct err *err)
{
    out->replica_count = (size_t)db_row_count(rows);
    out->replicas = ARENA_ARRAY(call->arena, struct replica_row, out->replica_count + 1);
    if (out->replicas == NULL)
        return no_room(err);
    for (int i = 0; i < db_row_count(rows); i++)
        out->replicas[i] = (struct replica_row){
            .instance = db_get_text(rows, i, 0),
            .address = db_get_text(rows, i, 1),
            .is_leaving = db_get_bool(rows, i, 2),
        };
    return ERR_OK;
}

static enum err_code read_shards(struct call *call, const struct db_result *rows, int shard_count,
                                 struct cluster_row *out, struct err *err)
{
    out->shards = ARENA_ARRAY(call->arena, struct shard_row, (size_t)shard_count);
    if (out->shards == NULL)
        return no_room(err);
    for (int i = 0; i < shard_count; i++)
        out->shards[i] = (struct shard_row){
            .owner = db_get_text(rows, i, 1),
            .address = db_get_text(rows, i, 2),
            .epoch = db_get_i64(rows, i, 3),
            .event_seq = db_get_i64(rows, i, 4),
            .is_free = db_get_bool(rows, i, 5),
            .left_ms = db_get_i64(rows, i, 6),
            .successor = db_get_text(rows, i, 7),
            .is_successor_warm = db_get_bool(rows, i, 8),
        };
    return ERR_OK;
}

enum err_code cluster_store_look(struct db_conn *conn, struct call *call, int shard_count,
                                 struct cluster_row *out, struct err *err)
{
    struct db_result *replicas = NULL;
    struct db_result *shards = NULL;
    enum err_code code = db_query(conn, call, &replica_list, DB_NO_PARAMS, &replicas, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &replica_shards, DB_PARAMS(db_i64(shard_count)), &shards, err);
    if (code == ERR_OK)
        code = read_replicas(call, replicas, out, err);
    return code == ERR_OK ? read_shards(call, shards, shard_count, out, err) : code;
}

enum err_code cluster_store_leave(struct db_conn *conn, struct call *call, const char *instance,
                                  struct err *err)
{
    return db_query(conn, call, &replica_leave, DB_PARAMS(db_cstr(instance)), NULL, err);
}

enum err_code cluster_store_evict(struct db_conn *conn, struct call *call, int shard,
                                  struct err *err)
{
    return db_query(conn, call, &replica_evict, DB_PARAMS(db_i64(shard)), NULL, err);
}
