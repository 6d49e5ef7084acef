#include "mirror_store.h"

#include "mirror_store_sql.h"
#include "workspace_store_sql.h"

/* ---- workspaces ---- */

enum workspace_column {
    WS_SID,
    WS_ACCOUNT_SID,
    WS_FRIENDLY_NAME,
    WS_PROVIDER,
    WS_DEFAULT_ACTIVITY_SID,
    WS_TIMEOUT_ACTIVITY_SID,
    WS_EVENT_CALLBACK_URL,
    WS_EVENTS_FILTER,
    WS_MULTI_TASK_ENABLED,
    WS_PRIORITIZE_QUEUE_ORDER,
    WS_TIME_ZONE,
    WS_VERSION,
    WS_CREATED_AT,
    WS_UPDATED_AT,
    WS_TEMPLATE,
    WS_IS_VANISHED,
    WS_OBSERVED_AT,
    WS_NAME_KEY,
    WS_WANTED_KEY,
    WS_HOLDER_SID,
};

enum err_code mirror_workspace_store_lock(struct db_conn *conn, struct call *call, const char *sid,
                                          struct err *err)
{
    return db_query(conn, call, &mirror_workspace_lock, DB_PARAMS(db_cstr(sid)), NULL, err);
}

enum err_code mirror_workspace_store_find(struct db_conn *conn, struct call *call,
                                          const struct workspace *wanted, struct workspace *out_row,
                                          struct mirror_found *out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &mirror_workspace_find,
                                  DB_PARAMS(db_cstr(wanted->sid), db_cstr(wanted->account_sid),
                                            db_cstr(wanted->friendly_name)),
                                  &result, err);
    if (code != ERR_OK)
        return code;
    *out_found = (struct mirror_found){
        .exists = !db_is_null(result, 0, WS_SID),
        .is_vanished = db_get_bool(result, 0, WS_IS_VANISHED),
        .observed_at_us = db_get_time_us(result, 0, WS_OBSERVED_AT),
        .name_key = db_get_text(result, 0, WS_NAME_KEY),
        .wanted_key = db_get_text(result, 0, WS_WANTED_KEY),
        .holder_sid = db_get_text(result, 0, WS_HOLDER_SID),
    };
    *out_row = (struct workspace){
        .sid = db_get_text(result, 0, WS_SID),
        .account_sid = db_get_text(result, 0, WS_ACCOUNT_SID),
        .friendly_name = db_get_text(result, 0, WS_FRIENDLY_NAME),
        .provider = provider_from(db_get_str(result, 0, WS_PROVIDER)),
        .default_activity_sid = db_get_text(result, 0, WS_DEFAULT_ACTIVITY_SID),
        .default_activity_name = "",
        .timeout_activity_sid = db_get_text(result, 0, WS_TIMEOUT_ACTIVITY_SID),
        .timeout_activity_name = "",
        .event_callback_url = db_get_text(result, 0, WS_EVENT_CALLBACK_URL),
        .events_filter = db_get_text(result, 0, WS_EVENTS_FILTER),
        .multi_task_enabled = db_get_bool(result, 0, WS_MULTI_TASK_ENABLED),
        .prioritize_queue_order =
            queue_order_from(db_get_str(result, 0, WS_PRIORITIZE_QUEUE_ORDER)),
        .time_zone = db_get_text(result, 0, WS_TIME_ZONE),
        .version = db_get_i64(result, 0, WS_VERSION),
        .created_at_us = db_get_time_us(result, 0, WS_CREATED_AT),
        .updated_at_us = db_get_time_us(result, 0, WS_UPDATED_AT),
        .template_name = db_get_text(result, 0, WS_TEMPLATE),
    };
    return ERR_OK;
}

enum err_code mirror_workspace_store_put(struct db_conn *conn, struct call *call,
                                         const struct workspace *workspace, int64_t known_version,
                                         int64_t observed_at_us, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &mirror_workspace_put,
        DB_PARAMS(db_cstr(workspace->sid), db_cstr(workspace->account_sid),
                  db_cstr(workspace->friendly_name), db_cstr(workspace->default_activity_sid),
                  db_cstr(workspace->timeout_activity_sid), db_cstr(workspace->event_callback_url),
                  db_cstr(workspace->events_filter), db_bool(workspace->multi_task_enabled),
                  db_cstr(queue_order_name(workspace->prioritize_queue_order)),
                  db_cstr(workspace->time_zone), db_i64(workspace->version),
                  db_time_us(workspace->created_at_us), db_time_us(workspace->updated_at_us),
                  db_time_us(observed_at_us), db_i64(known_version)),
        &result, err);
    bool is_late = code == ERR_OK && db_affected(result) == 0;
    if (is_late || code == ERR_ALREADY_EXISTS) /* it, or one that got the name a moment ago */
        return ERR_SET(err, ERR_ABORTED, "PUT_AT_ONCE",
                       "a workspace with the SID %s or the name \"%s\" came meanwhile; repeat the "
                       "request",
                       workspace->sid, workspace->friendly_name);
    return code;
}

enum err_code mirror_workspace_store_vanish(struct db_conn *conn, struct call *call,
                                            const struct workspace *workspace,
                                            int64_t observed_at_us, struct err *err)
{
    struct db_param sid = db_cstr(workspace->sid);
    struct db_param at = db_time_us(observed_at_us);
    enum err_code code =
        db_query(conn, call, &mirror_workspace_vanish_workers, DB_PARAMS(sid, at), NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &mirror_workspace_vanish_activities, DB_PARAMS(sid, at), NULL,
                        err);
    if (code == ERR_OK) /* as with one that is deleted: they come again with its queues */
        code = db_query(conn, call, &workspace_delete_channels, DB_PARAMS(sid), NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &mirror_workspace_vanish,
                        DB_PARAMS(sid, db_i64(workspace->version), at), NULL, err);
    return code;
}

/* ---- activities ---- */

enum activity_column {
    WA_SID,
    WA_ACCOUNT_SID,
    WA_WORKSPACE_SID,
    WA_FRIENDLY_NAME,
    WA_AVAILABLE,
    WA_VERSION,
    WA_CREATED_AT,
    WA_UPDATED_AT,
    WA_IS_VANISHED,
    WA_OBSERVED_AT,
    WA_NAME_KEY,
    WA_WANTED_KEY,
    WA_HOLDER_SID,
};

static void activity_from_row(const struct db_result *result, int row, struct activity *out_row,
                              struct mirror_found *out_found)
{
    *out_row = (struct activity){
        .sid = db_get_text(result, row, WA_SID),
        .account_sid = db_get_text(result, row, WA_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, WA_WORKSPACE_SID),
        .friendly_name = db_get_text(result, row, WA_FRIENDLY_NAME),
        .available = db_get_bool(result, row, WA_AVAILABLE),
        .version = db_get_i64(result, row, WA_VERSION),
        .created_at_us = db_get_time_us(result, row, WA_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, WA_UPDATED_AT),
    };
    *out_found = (struct mirror_found){
        .exists = !db_is_null(result, row, WA_SID),
        .is_vanished = db_get_bool(result, row, WA_IS_VANISHED),
        .observed_at_us = db_get_time_us(result, row, WA_OBSERVED_AT),
        .name_key = db_get_text(result, row, WA_NAME_KEY),
        .wanted_key = db_get_text(result, row, WA_WANTED_KEY),
        .holder_sid = db_get_text(result, row, WA_HOLDER_SID),
    };
}

enum err_code mirror_activity_store_find(struct db_conn *conn, struct call *call,
                                         const char *workspace_sid, const struct str *sids,
                                         const struct str *names, size_t count,
                                         struct activity **out_rows,
                                         struct mirror_found **out_found, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &mirror_activity_find,
                 DB_PARAMS(db_cstr(workspace_sid), db_texts(sids, count), db_texts(names, count)),
                 &result, err);
    if (code != ERR_OK)
        return code;
    INVARIANT((size_t)db_row_count(result) == count);
    struct activity *rows = ARENA_ARRAY(call->arena, struct activity, count);
    struct mirror_found *found = ARENA_ARRAY(call->arena, struct mirror_found, count);
    if (rows == NULL || found == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        activity_from_row(result, (int)i, &rows[i], &found[i]);
    *out_rows = rows;
    *out_found = found;
    return ERR_OK;
}

enum err_code mirror_activity_store_park(struct db_conn *conn, struct call *call,
                                         const struct str *sids, size_t count, struct err *err)
{
    return db_query(conn, call, &mirror_activity_park, DB_PARAMS(db_texts(sids, count)), NULL, err);
}

enum err_code mirror_activity_store_put(struct db_conn *conn, struct call *call,
                                        const struct activity *const *items, size_t count,
                                        int64_t observed_at_us, struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    struct str *names = ARENA_ARRAY(call->arena, struct str, count);
    bool *available = ARENA_ARRAY(call->arena, bool, count);
    int64_t *versions = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *created = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *updated = ARENA_ARRAY(call->arena, int64_t, count);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        sids[i] = str_from(items[i]->sid);
        names[i] = str_from(items[i]->friendly_name);
        available[i] = items[i]->available;
        versions[i] = items[i]->version;
        created[i] = items[i]->created_at_us;
        updated[i] = items[i]->updated_at_us;
    }
    return db_query(conn, call, &mirror_activity_put,
                    DB_PARAMS(db_cstr(items[0]->account_sid), db_cstr(items[0]->workspace_sid),
                              db_texts(sids, count), db_texts(names, count),
                              db_bools(available, count), db_i64s(versions, count),
                              db_times_us(created, count), db_times_us(updated, count),
                              db_time_us(observed_at_us)),
                    NULL, err);
}

enum err_code mirror_activity_store_vanish(struct db_conn *conn, struct call *call,
                                           const struct str *sids, size_t count,
                                           int64_t observed_at_us, struct err *err)
{
    return db_query(conn, call, &mirror_activity_vanish,
                    DB_PARAMS(db_texts(sids, count), db_time_us(observed_at_us)), NULL, err);
}
