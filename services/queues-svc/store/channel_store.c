#include "channel_store.h"

#include "base/clock.h"
#include "channel_store_sql.h"

enum channel_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_FRIENDLY_NAME,
    COL_UNIQUE_NAME,
    COL_CHANNEL_OPTIMIZED_ROUTING,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
};

static struct task_channel from_row(const struct db_result *result, int row)
{
    return (struct task_channel){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .unique_name = db_get_text(result, row, COL_UNIQUE_NAME),
        .channel_optimized_routing = db_get_bool(result, row, COL_CHANNEL_OPTIMIZED_ROUTING),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
}

static void stamp_new(struct task_channel *channel)
{
    channel->version = 1;
    channel->created_at_us = clock_now_us();
    channel->updated_at_us = channel->created_at_us;
}

enum err_code channel_store_insert(struct db_conn *conn, struct call *call,
                                   struct task_channel *channel, struct err *err)
{
    stamp_new(channel);
    enum err_code code = db_query(
        conn, call, &channel_insert,
        DB_PARAMS(db_cstr(channel->sid), db_cstr(channel->account_sid),
                  db_cstr(channel->workspace_sid), db_cstr(channel->friendly_name),
                  db_cstr(channel->unique_name), db_bool(channel->channel_optimized_routing),
                  db_time_us(channel->created_at_us)),
        NULL, err);
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "task_channel_unique_name"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "CHANNEL_NAME_TAKEN", "unique_name",
                         "a task channel named \"%s\" exists already; choose another uniqueName",
                         channel->unique_name);
    return code;
}

enum err_code channel_store_insert_default(struct db_conn *conn, struct call *call,
                                           struct task_channel *channel, bool *out_is_new,
                                           struct err *err)
{
    stamp_new(channel);
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &channel_insert_default,
                 DB_PARAMS(db_cstr(channel->sid), db_cstr(channel->account_sid),
                           db_cstr(channel->workspace_sid), db_cstr(channel->friendly_name),
                           db_cstr(channel->unique_name), db_time_us(channel->created_at_us)),
                 &result, err);
    if (code == ERR_OK)
        *out_is_new = db_affected(result) > 0;
    return code;
}

enum err_code channel_store_update(struct db_conn *conn, struct call *call,
                                   struct task_channel *channel, struct err *err)
{
    channel->version++;
    channel->updated_at_us = clock_now_us();
    return db_query(conn, call, &channel_update,
                    DB_PARAMS(db_cstr(channel->sid), db_cstr(channel->friendly_name),
                              db_bool(channel->channel_optimized_routing), db_i64(channel->version),
                              db_time_us(channel->updated_at_us)),
                    NULL, err);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *workspace_sid, const char *key, struct task_channel *out,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, stmt, DB_PARAMS(db_cstr(workspace_sid), db_cstr(key)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "CHANNEL_NOT_FOUND", "channel",
                         "there is no task channel %s in workspace %s", key, workspace_sid);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code channel_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                const char *key, struct task_channel *out, struct err *err)
{
    return get_one(conn, call, &channel_get, workspace_sid, key, out, err);
}

enum err_code channel_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *key, struct task_channel *out, struct err *err)
{
    return get_one(conn, call, &channel_get_for_update, workspace_sid, key, out, err);
}

enum err_code channel_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *after, size_t limit, struct task_channel **out,
                                 size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &channel_list,
        DB_PARAMS(db_cstr(workspace_sid), db_cstr(after), db_i64((int64_t)limit)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct task_channel *items = ARENA_ARRAY(call->arena, struct task_channel, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        items[i] = from_row(result, (int)i);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code channel_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                   struct err *err)
{
    return db_query(conn, call, &channel_delete, DB_PARAMS(db_cstr(sid)), NULL, err);
}

enum err_code channel_store_delete_all(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &channel_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
}
