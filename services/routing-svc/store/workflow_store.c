#include "workflow_store.h"

#include "base/clock.h"
#include "workflow_store_sql.h"

enum workflow_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_FRIENDLY_NAME,
    COL_CONFIGURATION,
    COL_CONFIGURATION_VERSION,
    COL_ASSIGNMENT_CALLBACK_URL,
    COL_FALLBACK_ASSIGNMENT_CALLBACK_URL,
    COL_TASK_RESERVATION_TIMEOUT,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
    COL_OBSERVED_AT, /* of the mirror's statements; so the next */
    COL_IS_VANISHED,
    COL_KEY,
    COL_FOUND = COL_OBSERVED_AT, /* of lists */
};

enum version_column {
    VERSION_NUMBER,
    VERSION_CONFIGURATION,
    VERSION_AUTHOR_SID,
    VERSION_CREATED_AT,
    VERSION_FOUND,
};

static struct workflow from_row(const struct db_result *result, int row)
{
    return (struct workflow){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .friendly_name = db_get_text(result, row, COL_FRIENDLY_NAME),
        .configuration = db_get_text(result, row, COL_CONFIGURATION),
        .configuration_version = db_get_i64(result, row, COL_CONFIGURATION_VERSION),
        .assignment_callback_url = db_get_text(result, row, COL_ASSIGNMENT_CALLBACK_URL),
        .fallback_assignment_callback_url =
            db_get_text(result, row, COL_FALLBACK_ASSIGNMENT_CALLBACK_URL),
        .task_reservation_timeout_s =
            (int32_t)db_get_i64(result, row, COL_TASK_RESERVATION_TIMEOUT),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
}

static enum err_code explain(enum err_code code, const struct workflow *workflow, struct err *err)
{
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "workflow_friendly_name"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "WORKFLOW_NAME_TAKEN", "friendly_name",
                         "a workflow named \"%s\" exists already; choose another friendlyName",
                         workflow->friendly_name);
    return code;
}

/* Who wrote a document: the caller. */
static enum err_code insert_version(struct db_conn *conn, struct call *call,
                                    const struct workflow *workflow, struct err *err)
{
    return db_query(conn, call, &workflow_version_insert,
                    DB_PARAMS(db_cstr(workflow->sid), db_i64(workflow->configuration_version),
                              db_cstr(workflow->configuration), db_cstr(call->who.actor_sid),
                              db_time_us(workflow->updated_at_us)),
                    NULL, err);
}

enum err_code workflow_store_insert(struct db_conn *conn, struct call *call,
                                    struct workflow *workflow, struct err *err)
{
    workflow->version = 1;
    workflow->configuration_version = 1;
    workflow->created_at_us = clock_now_us();
    workflow->updated_at_us = workflow->created_at_us;
    enum err_code code = db_query(
        conn, call, &workflow_insert,
        DB_PARAMS(db_cstr(workflow->sid), db_cstr(workflow->account_sid),
                  db_cstr(workflow->workspace_sid), db_cstr(workflow->friendly_name),
                  db_cstr(workflow->configuration), db_cstr(workflow->assignment_callback_url),
                  db_cstr(workflow->fallback_assignment_callback_url),
                  db_i64(workflow->task_reservation_timeout_s),
                  db_time_us(workflow->created_at_us)),
        NULL, err);
    if (code != ERR_OK)
        return explain(code, workflow, err);
    return insert_version(conn, call, workflow, err);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *workspace_sid, const char *sid, struct workflow *out,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, stmt, DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKFLOW_NOT_FOUND", "sid",
                         "there is no workflow %s in workspace %s", sid, workspace_sid);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code workflow_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *sid, struct workflow *out, struct err *err)
{
    return get_one(conn, call, &workflow_get, workspace_sid, sid, out, err);
}

enum err_code workflow_store_lock(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *sid, struct workflow *out,
                                  struct err *err)
{
    return get_one(conn, call, &workflow_get_for_update, workspace_sid, sid, out, err);
}

enum err_code workflow_store_hold(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *sid, bool *out_exists,
                                  struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &workflow_hold,
                                  DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &result, err);
    if (code == ERR_OK)
        *out_exists = db_row_count(result) > 0;
    return code;
}

enum err_code workflow_store_list(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *after, size_t limit,
                                  const char *friendly_name, const char *queue_sid,
                                  struct workflow **out, size_t *out_count, bool *out_is_cut,
                                  struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &workflow_list,
        DB_PARAMS(db_cstr(workspace_sid), db_cstr(after), db_i64((int64_t)limit),
                  db_text_or_null(str_from(friendly_name)), db_text_or_null(str_from(queue_sid))),
        &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct workflow *items = ARENA_ARRAY(call->arena, struct workflow, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        items[i] = from_row(result, (int)i);
    *out = items;
    *out_count = count;
    *out_is_cut = count > 0 && db_get_i64(result, 0, COL_FOUND) > (int64_t)count;
    return ERR_OK;
}

enum err_code workflow_store_update(struct db_conn *conn, struct call *call,
                                    struct workflow *workflow, bool has_new_document,
                                    struct err *err)
{
    workflow->version++;
    workflow->configuration_version += has_new_document ? 1 : 0;
    workflow->updated_at_us = clock_now_us();
    enum err_code code = db_query(
        conn, call, &workflow_update,
        DB_PARAMS(db_cstr(workflow->sid), db_cstr(workflow->friendly_name),
                  db_cstr(workflow->configuration), db_i64(workflow->configuration_version),
                  db_cstr(workflow->assignment_callback_url),
                  db_cstr(workflow->fallback_assignment_callback_url),
                  db_i64(workflow->task_reservation_timeout_s), db_i64(workflow->version),
                  db_time_us(workflow->updated_at_us)),
        NULL, err);
    if (code != ERR_OK)
        return explain(code, workflow, err);
    return has_new_document ? insert_version(conn, call, workflow, err) : ERR_OK;
}

enum err_code workflow_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                    struct err *err)
{
    return db_query(conn, call, &workflow_delete, DB_PARAMS(db_cstr(sid)), NULL, err);
}

enum err_code workflow_store_delete_all(struct db_conn *conn, struct call *call,
                                        const char *workspace_sid, struct err *err)
{
    enum err_code code =
        db_query(conn, call, &workflow_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
    return code == ERR_OK ? db_query(conn, call, &workflow_bury_all,
                                     DB_PARAMS(db_cstr(workspace_sid)), NULL, err)
                          : code;
}

enum err_code workflow_version_store_list(struct db_conn *conn, struct call *call,
                                          const char *workflow_sid, int64_t before, size_t limit,
                                          struct workflow_version **out, size_t *out_count,
                                          bool *out_is_cut, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &workflow_version_list,
        DB_PARAMS(db_cstr(workflow_sid), db_i64(before), db_i64((int64_t)limit)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct workflow_version *items = ARENA_ARRAY(call->arena, struct workflow_version, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct workflow_version){
            .configuration_version = db_get_i64(result, (int)i, VERSION_NUMBER),
            .configuration = db_get_text(result, (int)i, VERSION_CONFIGURATION),
            .author_sid = db_get_text(result, (int)i, VERSION_AUTHOR_SID),
            .created_at_us = db_get_time_us(result, (int)i, VERSION_CREATED_AT),
        };
    *out = items;
    *out_count = count;
    *out_is_cut = count > 0 && db_get_i64(result, 0, VERSION_FOUND) > (int64_t)count;
    return ERR_OK;
}

/* ---- the mirror of Twilio ---- */

enum err_code workflow_store_mirror_find(struct db_conn *conn, struct call *call,
                                         const struct str *sids, size_t count,
                                         struct workflow **out, const char ***out_keys,
                                         size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &workflow_mirror_find, DB_PARAMS(db_texts(sids, count)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t rows = (size_t)db_row_count(result);
    struct workflow *items = ARENA_ARRAY(call->arena, struct workflow, rows);
    const char **keys = ARENA_ARRAY(call->arena, const char *, rows);
    if (items == NULL || keys == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < rows; i++) {
        items[i] = from_row(result, (int)i);
        items[i].observed_at_us = db_get_time_us(result, (int)i, COL_OBSERVED_AT);
        items[i].is_vanished = db_get_bool(result, (int)i, COL_IS_VANISHED);
        keys[i] = db_get_text(result, (int)i, COL_KEY);
    }
    *out = items;
    *out_keys = keys;
    *out_count = rows;
    return ERR_OK;
}

enum err_code workflow_store_mirror_names(struct db_conn *conn, struct call *call,
                                          const char *workspace_sid, const struct str *names,
                                          size_t count, const char ***out_keys,
                                          const char ***out_holders, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &workflow_mirror_names,
                 DB_PARAMS(db_cstr(workspace_sid), db_texts(names, count)), &result, err);
    if (code != ERR_OK)
        return code;
    const char **keys = ARENA_ARRAY(call->arena, const char *, count);
    const char **holders = ARENA_ARRAY(call->arena, const char *, count);
    if (keys == NULL || holders == NULL)
        return call_no_room(err);
    INVARIANT((size_t)db_row_count(result) == count);
    for (size_t i = 0; i < count; i++) {
        keys[i] = db_get_text(result, (int)i, 0);
        holders[i] = db_get_text(result, (int)i, 1);
    }
    *out_keys = keys;
    *out_holders = holders;
    return ERR_OK;
}

enum err_code workflow_store_mirror_put(struct db_conn *conn, struct call *call,
                                        const struct workflow *workflow, bool has_new_document,
                                        struct err *err)
{
    enum err_code code = db_query(
        conn, call, &workflow_mirror_put,
        DB_PARAMS(db_cstr(workflow->sid), db_cstr(workflow->account_sid),
                  db_cstr(workflow->workspace_sid), db_cstr(workflow->friendly_name),
                  db_cstr(workflow->configuration), db_i64(workflow->configuration_version),
                  db_cstr(workflow->assignment_callback_url),
                  db_cstr(workflow->fallback_assignment_callback_url),
                  db_i64(workflow->task_reservation_timeout_s), db_i64(workflow->version),
                  db_time_us(workflow->created_at_us), db_time_us(workflow->updated_at_us),
                  db_time_us(workflow->observed_at_us)),
        NULL, err);
    return code == ERR_OK && has_new_document ? insert_version(conn, call, workflow, err) : code;
}

enum err_code workflow_store_mirror_observe(struct db_conn *conn, struct call *call,
                                            const struct workflow *workflows, size_t count,
                                            int64_t observed_at_us, struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    int64_t *created = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *updated = ARENA_ARRAY(call->arena, int64_t, count);
    if (sids == NULL || created == NULL || updated == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        sids[i] = str_from(workflows[i].sid);
        created[i] = workflows[i].created_at_us;
        updated[i] = workflows[i].updated_at_us;
    }
    return db_query(conn, call, &workflow_mirror_observe,
                    DB_PARAMS(db_texts(sids, count), db_time_us(observed_at_us),
                              db_times_us(created, count), db_times_us(updated, count)),
                    NULL, err);
}

enum err_code workflow_store_mirror_park(struct db_conn *conn, struct call *call,
                                         const struct str *sids, size_t count, struct err *err)
{
    return db_query(conn, call, &workflow_mirror_park, DB_PARAMS(db_texts(sids, count)), NULL, err);
}

enum err_code workflow_store_mirror_vanish(struct db_conn *conn, struct call *call,
                                           struct workflow *workflow, int64_t observed_at_us,
                                           struct err *err)
{
    workflow->version++; /* newer than every event before */
    return db_query(
        conn, call, &workflow_mirror_vanish,
        DB_PARAMS(db_cstr(workflow->sid), db_i64(workflow->version), db_time_us(observed_at_us)),
        NULL, err);
}
