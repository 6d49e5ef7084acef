#include "keyword_store.h"

#include "base/clock.h"
#include "keyword_store_sql.h"

enum keyword_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_PHRASES,
    COL_DEPARTMENT,
    COL_PRIORITY,
    COL_CONFIDENCE,
    COL_IS_ENABLED,
    COL_DESCRIPTION,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
};

static enum err_code from_row(const struct db_result *result, int row, struct call *call,
                              struct keyword *out, struct err *err)
{
    struct str *phrases = NULL;
    size_t count = 0;
    if (!db_get_texts(result, row, COL_PHRASES, call->arena, &phrases, &count))
        return call_no_room(err);
    *out = (struct keyword){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .phrases = phrases,
        .phrase_count = count,
        .department = db_get_text(result, row, COL_DEPARTMENT),
        .priority = db_get_text(result, row, COL_PRIORITY),
        .confidence = db_get_f64(result, row, COL_CONFIDENCE),
        .is_enabled = db_get_bool(result, row, COL_IS_ENABLED),
        .description = db_get_text(result, row, COL_DESCRIPTION),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
    return ERR_OK;
}

enum err_code keyword_store_insert(struct db_conn *conn, struct call *call, struct keyword *keyword,
                                   struct err *err)
{
    keyword->version = 1;
    keyword->created_at_us = clock_now_us();
    keyword->updated_at_us = keyword->created_at_us;
    return db_query(conn, call, &keyword_insert,
                    DB_PARAMS(db_cstr(keyword->sid), db_cstr(keyword->account_sid),
                              db_cstr(keyword->workspace_sid),
                              db_texts(keyword->phrases, keyword->phrase_count),
                              db_cstr(keyword->department), db_cstr(keyword->priority),
                              db_f64(keyword->confidence), db_bool(keyword->is_enabled),
                              db_cstr(keyword->description), db_time_us(keyword->created_at_us)),
                    NULL, err);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *workspace_sid, const char *sid, struct keyword *out,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, stmt, DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "KEYWORD_NOT_FOUND", "sid",
                         "there is no keyword %s in workspace %s", sid, workspace_sid);
    return from_row(result, 0, call, out, err);
}

enum err_code keyword_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                const char *sid, struct keyword *out, struct err *err)
{
    return get_one(conn, call, &keyword_get, workspace_sid, sid, out, err);
}

enum err_code keyword_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *sid, struct keyword *out, struct err *err)
{
    return get_one(conn, call, &keyword_get_for_update, workspace_sid, sid, out, err);
}

enum err_code keyword_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *after, size_t limit, const char *department,
                                 struct keyword **out, size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &keyword_list,
                 DB_PARAMS(db_cstr(workspace_sid), db_cstr(after), db_i64((int64_t)limit),
                           db_text_or_null(str_from(department))),
                 &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct keyword *items = ARENA_ARRAY(call->arena, struct keyword, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = from_row(result, (int)i, call, &items[i], err);
    *out = items;
    *out_count = count;
    return code;
}

enum err_code keyword_store_update(struct db_conn *conn, struct call *call, struct keyword *keyword,
                                   struct err *err)
{
    keyword->version++;
    keyword->updated_at_us = clock_now_us();
    return db_query(conn, call, &keyword_update,
                    DB_PARAMS(db_cstr(keyword->sid),
                              db_texts(keyword->phrases, keyword->phrase_count),
                              db_cstr(keyword->department), db_cstr(keyword->priority),
                              db_f64(keyword->confidence), db_bool(keyword->is_enabled),
                              db_cstr(keyword->description), db_i64(keyword->version),
                              db_time_us(keyword->updated_at_us)),
                    NULL, err);
}

enum err_code keyword_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                   struct err *err)
{
    return db_query(conn, call, &keyword_delete, DB_PARAMS(db_cstr(sid)), NULL, err);
}

enum err_code keyword_store_delete_all(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &keyword_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
}
