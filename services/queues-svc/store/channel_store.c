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
    COL_OBSERVED_AT, /* of the mirror's statements; so the next */
    COL_IS_VANISHED,
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
    enum err_code code =
        db_query(conn, call, &channel_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
    return code == ERR_OK ? db_query(conn, call, &channel_bury_all,
                                     DB_PARAMS(db_cstr(workspace_sid)), NULL, err)
                          : code;
}

/* ---- the mirror of Twilio ---- */

enum err_code channel_store_mirror_find(struct db_conn *conn, struct call *call,
                                        const struct str *sids, size_t count,
                                        struct task_channel **out, size_t *out_count,
                                        struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &channel_mirror_find, DB_PARAMS(db_texts(sids, count)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t rows = (size_t)db_row_count(result);
    struct task_channel *items = ARENA_ARRAY(call->arena, struct task_channel, rows);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < rows; i++) {
        items[i] = from_row(result, (int)i);
        items[i].observed_at_us = db_get_time_us(result, (int)i, COL_OBSERVED_AT);
        items[i].is_vanished = db_get_bool(result, (int)i, COL_IS_VANISHED);
    }
    *out = items;
    *out_count = rows;
    return ERR_OK;
}

enum err_code channel_store_mirror_names(struct db_conn *conn, struct call *call,
                                         const char *workspace_sid, const struct str *names,
                                         size_t count, const char ***out_holders, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &channel_mirror_names,
                 DB_PARAMS(db_cstr(workspace_sid), db_texts(names, count)), &result, err);
    if (code != ERR_OK)
        return code;
    const char **holders = ARENA_ARRAY(call->arena, const char *, count);
    if (holders == NULL)
        return call_no_room(err);
    INVARIANT((size_t)db_row_count(result) == count);
    for (size_t i = 0; i < count; i++)
        holders[i] = db_get_text(result, (int)i, 0);
    *out_holders = holders;
    return ERR_OK;
}

enum err_code channel_store_mirror_put(struct db_conn *conn, struct call *call,
                                       const struct task_channel *channel, struct err *err)
{
    return db_query(
        conn, call, &channel_mirror_put,
        DB_PARAMS(db_cstr(channel->sid), db_cstr(channel->account_sid),
                  db_cstr(channel->workspace_sid), db_cstr(channel->friendly_name),
                  db_cstr(channel->unique_name), db_bool(channel->channel_optimized_routing),
                  db_i64(channel->version), db_time_us(channel->created_at_us),
                  db_time_us(channel->updated_at_us), db_time_us(channel->observed_at_us)),
        NULL, err);
}

enum err_code channel_store_mirror_observe(struct db_conn *conn, struct call *call,
                                           const struct task_channel *channels, size_t count,
                                           int64_t observed_at_us, struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    int64_t *created = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *updated = ARENA_ARRAY(call->arena, int64_t, count);
    if (sids == NULL || created == NULL || updated == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        sids[i] = str_from(channels[i].sid);
        created[i] = channels[i].created_at_us;
        updated[i] = channels[i].updated_at_us;
    }
    return db_query(conn, call, &channel_mirror_observe,
                    DB_PARAMS(db_texts(sids, count), db_time_us(observed_at_us),
                              db_times_us(created, count), db_times_us(updated, count)),
                    NULL, err);
}

enum err_code channel_store_mirror_park(struct db_conn *conn, struct call *call,
                                        const struct str *sids, size_t count, struct err *err)
{
    return db_query(conn, call, &channel_mirror_park, DB_PARAMS(db_texts(sids, count)), NULL, err);
}

enum err_code channel_store_mirror_vanish(struct db_conn *conn, struct call *call,
                                          struct task_channel *channel, int64_t observed_at_us,
                                          struct err *err)
{
    channel->version++; /* newer than every event before */
    return db_query(
        conn, call, &channel_mirror_vanish,
        DB_PARAMS(db_cstr(channel->sid), db_i64(channel->version), db_time_us(observed_at_us)),
        NULL, err);
}
