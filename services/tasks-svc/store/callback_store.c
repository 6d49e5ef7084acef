#include "callback_store.h"

#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "callback_store_sql.h"

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the callbacks need too much memory; ask for fewer at once");
}

/* ---- from the log ---- */

enum err_code callback_store_cursor(struct db_conn *conn, struct call *call, int shard,
                                    int64_t *out_seq, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &callback_cursor_get, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code == ERR_OK)
        *out_seq = db_row_count(rows) == 0 ? 0 : db_get_i64(rows, 0, 0);
    return code;
}

enum err_code callback_store_targets(struct db_conn *conn, struct call *call, int shard,
                                     int64_t change, struct callback_target **out,
                                     size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &callback_targets,
                                  DB_PARAMS(db_i64(shard), db_i64(change)), &rows, err);
    if (code != ERR_OK)
        return code;
    int count = db_row_count(rows);
    struct callback_target *targets =
        ARENA_ARRAY(call->arena, struct callback_target, (size_t)count);
    if (targets == NULL)
        return no_room(err);
    for (int i = 0; i < count; i++) {
        targets[i] = (struct callback_target){
            .sid = db_get_text(rows, i, 0),
            .is_workflow = str_eq_text(db_get_str(rows, i, 1), "workflow"),
            .workspace_sid = db_get_text(rows, i, 2),
            .name = db_get_text(rows, i, 3),
            .url = db_get_text(rows, i, 4),
            .fallback_url = db_get_text(rows, i, 5),
            .filter = db_get_text(rows, i, 6),
            .change = db_get_i64(rows, i, 7),
        };
    }
    *out = targets;
    *out_count = (size_t)count;
    return ERR_OK;
}

enum err_code callback_store_drop_targets(struct db_conn *conn, struct call *call,
                                          const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &callback_target_drop, DB_PARAMS(db_cstr(workspace_sid)), NULL,
                    err);
}

/* The text columns of a new row, in the statement's order. */
enum new_column {
    NEW_SID,
    NEW_KIND,
    NEW_ACCOUNT,
    NEW_WORKSPACE,
    NEW_TASK,
    NEW_WORKER,
    NEW_RESERVATION,
    NEW_EVENT,
    NEW_TYPE,
    NEW_KEY,
    NEW_URL,
    NEW_FALLBACK,
    NEW_PARAMETERS,
    NEW_COLUMN_COUNT,
};

static bool new_columns(struct arena *arena, const struct callback_new *rows, size_t count,
                        struct str *columns[NEW_COLUMN_COUNT])
{
    for (int c = 0; c < NEW_COLUMN_COUNT; c++) {
        columns[c] = ARENA_ARRAY(arena, struct str, count);
        if (columns[c] == NULL)
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct callback_new *row = &rows[i];
        columns[NEW_SID][i] = str_from(row->sid.text);
        columns[NEW_KIND][i] = str_from(row->kind);
        columns[NEW_ACCOUNT][i] = str_from(row->account_sid);
        columns[NEW_WORKSPACE][i] = str_from(row->workspace_sid);
        columns[NEW_TASK][i] = str_from(row->task_sid);
        columns[NEW_WORKER][i] = str_from(row->worker_sid);
        columns[NEW_RESERVATION][i] = str_from(row->reservation_sid);
        columns[NEW_EVENT][i] = str_from(row->event_sid);
        columns[NEW_TYPE][i] = str_from(row->event_type);
        columns[NEW_KEY][i] = str_from(row->object_key);
        columns[NEW_URL][i] = str_from(row->url);
        columns[NEW_FALLBACK][i] = str_from(row->fallback_url);
        columns[NEW_PARAMETERS][i] = row->parameters;
    }
    return true;
}

enum err_code callback_store_dispatch(struct db_conn *conn, struct call *call, int shard,
                                      int64_t from_seq, int64_t to_seq,
                                      const struct callback_new *rows, size_t count, int64_t now_us,
                                      int64_t expires_at_us, struct err *err)
{
    struct str *c[NEW_COLUMN_COUNT];
    struct db_result *result = NULL;
    if (!new_columns(call->arena, rows, count, c))
        return no_room(err);
    enum err_code code =
        db_query(conn, call, &callback_dispatch,
                 DB_PARAMS(db_i64(shard), db_i64(from_seq), db_i64(to_seq), db_time_us(now_us),
                           db_time_us(expires_at_us), db_texts(c[NEW_SID], count),
                           db_texts(c[NEW_KIND], count), db_texts(c[NEW_ACCOUNT], count),
                           db_texts(c[NEW_WORKSPACE], count), db_texts(c[NEW_TASK], count),
                           db_texts(c[NEW_WORKER], count), db_texts(c[NEW_RESERVATION], count),
                           db_texts(c[NEW_EVENT], count), db_texts(c[NEW_TYPE], count),
                           db_texts(c[NEW_KEY], count), db_texts(c[NEW_URL], count),
                           db_texts(c[NEW_FALLBACK], count), db_texts(c[NEW_PARAMETERS], count)),
                 &result, err);
    if (code == ERR_OK && db_get_i64(result, 0, 0) != 1)
        return ERR_SET(err, ERR_ABORTED, "CURSOR_MOVED",
                       "another process makes the callbacks of shard %d", shard);
    return code;
}

/* ---- sending ---- */

enum err_code callback_store_due(struct db_conn *conn, struct call *call, int shard,
                                 struct callback_due **out, size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &callback_due, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code != ERR_OK)
        return code;
    int count = db_row_count(rows);
    struct callback_due *due = ARENA_ARRAY(call->arena, struct callback_due, (size_t)count);
    if (due == NULL)
        return no_room(err);
    for (int i = 0; i < count; i++) {
        due[i] = (struct callback_due){
            .kind = db_get_text(rows, i, 0),
            .url = db_get_text(rows, i, 1),
            .next_attempt_us = db_get_time_us(rows, i, 2),
        };
    }
    *out = due;
    *out_count = (size_t)count;
    return ERR_OK;
}

enum err_code callback_store_claim(struct db_conn *conn, struct call *call, int shard,
                                   const struct callback_due *due, size_t due_count, int64_t now_us,
                                   const char *me, struct callback_claim **out, size_t *out_count,
                                   struct err *err)
{
    struct str *kinds = ARENA_ARRAY(call->arena, struct str, due_count);
    struct str *urls = ARENA_ARRAY(call->arena, struct str, due_count);
    int64_t *rooms = ARENA_ARRAY(call->arena, int64_t, due_count);
    struct db_result *rows = NULL;
    if (kinds == NULL || urls == NULL || rooms == NULL)
        return no_room(err);
    for (size_t i = 0; i < due_count; i++) {
        kinds[i] = str_from(due[i].kind);
        urls[i] = str_from(due[i].url);
        rooms[i] = due[i].room;
    }
    enum err_code code =
        db_query(conn, call, &callback_claim,
                 DB_PARAMS(db_i64(shard), db_texts(kinds, due_count), db_texts(urls, due_count),
                           db_i64s(rooms, due_count), db_time_us(now_us), db_cstr(me)),
                 &rows, err);
    if (code != ERR_OK)
        return code;
    int count = db_row_count(rows);
    struct callback_claim *claims = ARENA_ARRAY(call->arena, struct callback_claim, (size_t)count);
    if (claims == NULL)
        return no_room(err);
    for (int i = 0; i < count; i++) {
        claims[i] = (struct callback_claim){
            .id = db_get_i64(rows, i, 0),
            .sid = db_get_text(rows, i, 1),
            .is_assignment = str_eq_text(db_get_str(rows, i, 2), CALLBACK_KIND_ASSIGNMENT),
            .account_sid = db_get_text(rows, i, 3),
            .workspace_sid = db_get_text(rows, i, 4),
            .reservation_sid = db_get_text(rows, i, 5),
            .event_type = db_get_text(rows, i, 6),
            .url = db_get_text(rows, i, 7),
            .fallback_url = db_get_text(rows, i, 8),
            .parameters = db_get_str(rows, i, 9),
            .attempts = db_get_i64(rows, i, 10),
            .expires_at_us = db_get_time_us(rows, i, 11),
            .object_key = db_get_text(rows, i, 12),
            .is_offer_open = str_eq_text(db_get_str(rows, i, 13), "pending"),
        };
    }
    *out = claims;
    *out_count = (size_t)count;
    return ERR_OK;
}

enum outcome_text {
    OUTCOME_STATE,
    OUTCOME_URL,
    OUTCOME_ERROR,
    OUTCOME_BODY,
    OUTCOME_INSTRUCTION,
    OUTCOME_ALERT,
    OUTCOME_TEXT_COUNT,
};

enum outcome_number {
    OUTCOME_ID,
    OUTCOME_NEXT,
    OUTCOME_ATTEMPTS,
    OUTCOME_STATUS,
    OUTCOME_TOOK,
    OUTCOME_ALERT_CODE,
    OUTCOME_NUMBER_COUNT,
};

enum err_code callback_store_record(struct db_conn *conn, struct call *call, const char *me,
                                    const struct callback_outcome *outcomes, size_t count,
                                    int64_t now_us, struct err *err)
{
    struct str *t[OUTCOME_TEXT_COUNT];
    int64_t *n[OUTCOME_NUMBER_COUNT];
    struct str *keys = ARENA_ARRAY(call->arena, struct str, count);
    size_t key_count = 0;
    for (int i = 0; i < OUTCOME_TEXT_COUNT; i++)
        t[i] = ARENA_ARRAY(call->arena, struct str, count);
    for (int i = 0; i < OUTCOME_NUMBER_COUNT; i++)
        n[i] = ARENA_ARRAY(call->arena, int64_t, count);
    if (arena_is_exhausted(call->arena))
        return no_room(err);
    for (size_t i = 0; i < count; i++) {
        const struct callback_outcome *outcome = &outcomes[i];
        t[OUTCOME_STATE][i] = str_from(outcome->state);
        t[OUTCOME_URL][i] = str_from(outcome->url);
        t[OUTCOME_ERROR][i] = str_from(outcome->error);
        t[OUTCOME_BODY][i] = str_from(outcome->body);
        t[OUTCOME_INSTRUCTION][i] = str_from(outcome->instruction);
        t[OUTCOME_ALERT][i] = str_from(outcome->alert);
        if (strcmp(outcome->state, CALLBACK_WAITING) != 0)
            keys[key_count++] = str_from(outcome->object_key);
        n[OUTCOME_ID][i] = outcome->id;
        n[OUTCOME_NEXT][i] = outcome->next_attempt_us;
        n[OUTCOME_ATTEMPTS][i] = outcome->attempts;
        n[OUTCOME_STATUS][i] = outcome->status;
        n[OUTCOME_TOOK][i] = outcome->took_ms;
        n[OUTCOME_ALERT_CODE][i] = outcome->alert_code;
    }
    enum err_code code = db_query(
        conn, call, &callback_record,
        DB_PARAMS(db_cstr(me), db_time_us(now_us), db_i64s(n[OUTCOME_ID], count),
                  db_texts(t[OUTCOME_STATE], count), db_times_us(n[OUTCOME_NEXT], count),
                  db_i64s(n[OUTCOME_ATTEMPTS], count), db_texts(t[OUTCOME_URL], count),
                  db_i64s(n[OUTCOME_STATUS], count), db_texts(t[OUTCOME_ERROR], count),
                  db_texts(t[OUTCOME_BODY], count), db_i64s(n[OUTCOME_TOOK], count),
                  db_texts(t[OUTCOME_INSTRUCTION], count), db_i64s(n[OUTCOME_ALERT_CODE], count),
                  db_texts(t[OUTCOME_ALERT], count)),
        NULL, err);
    /* A process that dies in between leaves that to its successor's sweep. */
    if (code == ERR_OK && key_count > 0)
        code = db_query(conn, call, &callback_promote_next,
                        DB_PARAMS(db_texts(keys, key_count), db_time_us(now_us)), NULL, err);
    return code;
}

enum err_code callback_store_reclaim(struct db_conn *conn, struct call *call, int shard,
                                     const char *me, int64_t now_us, struct err *err)
{
    return db_query(conn, call, &callback_reclaim,
                    DB_PARAMS(db_i64(shard), db_cstr(me), db_time_us(now_us)), NULL, err);
}

enum err_code callback_store_unclaim(struct db_conn *conn, struct call *call, int shard,
                                     const char *me, struct err *err)
{
    return db_query(conn, call, &callback_unclaim, DB_PARAMS(db_i64(shard), db_cstr(me)), NULL,
                    err);
}

enum err_code callback_store_expire(struct db_conn *conn, struct call *call, int shard,
                                    int64_t now_us, int64_t limit, int64_t *out_count,
                                    struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &callback_expire,
                 DB_PARAMS(db_i64(shard), db_time_us(now_us), db_i64(limit)), &result, err);
    if (code == ERR_OK)
        *out_count = db_affected(result);
    return code;
}

enum err_code callback_store_promote(struct db_conn *conn, struct call *call, int shard,
                                     int64_t now_us, struct err *err)
{
    return db_query(conn, call, &callback_promote, DB_PARAMS(db_i64(shard), db_time_us(now_us)),
                    NULL, err);
}

/* ---- housekeeping ---- */

enum err_code callback_store_forget(struct db_pool *pool, struct call *call, const char *state,
                                    int64_t before_us, int64_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &callback_forget,
                      DB_PARAMS(db_cstr(state), db_time_us(before_us)), &result, err);
    if (code == ERR_OK)
        *out_count = db_affected(result);
    return code;
}

enum err_code callback_store_counts(struct db_pool *pool, struct call *call, int64_t *out_dead,
                                    int64_t *out_waiting, int64_t *out_oldest_us, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &callback_counts, DB_NO_PARAMS, &rows, err);
    if (code != ERR_OK)
        return code;
    *out_dead = db_get_i64(rows, 0, 0);
    *out_waiting = db_get_i64(rows, 0, 1);
    *out_oldest_us = db_get_time_us(rows, 0, 2);
    return ERR_OK;
}

/* ---- operators ---- */

static struct callback_row row_at(const struct db_result *rows, int i)
{
    return (struct callback_row){
        .id = db_get_i64(rows, i, 0),
        .sid = db_get_text(rows, i, 1),
        .kind = db_get_text(rows, i, 2),
        .state = db_get_text(rows, i, 3),
        .account_sid = db_get_text(rows, i, 4),
        .workspace_sid = db_get_text(rows, i, 5),
        .task_sid = db_get_text(rows, i, 6),
        .worker_sid = db_get_text(rows, i, 7),
        .reservation_sid = db_get_text(rows, i, 8),
        .event_sid = db_get_text(rows, i, 9),
        .event_type = db_get_text(rows, i, 10),
        .url = db_get_text(rows, i, 11),
        .fallback_url = db_get_text(rows, i, 12),
        .parameters = db_get_text(rows, i, 13),
        .created_at_us = db_get_time_us(rows, i, 14),
        .expires_at_us = db_get_time_us(rows, i, 15),
        .next_attempt_us = db_get_time_us(rows, i, 16),
        .attempts = db_get_i64(rows, i, 17),
        .last_attempt_us = db_get_time_us(rows, i, 18),
        .last_url = db_get_text(rows, i, 19),
        .last_status = db_get_i64(rows, i, 20),
        .last_error = db_get_text(rows, i, 21),
        .last_body = db_get_text(rows, i, 22),
        .took_ms = db_get_i64(rows, i, 23),
        .instruction = db_get_text(rows, i, 24),
        .alert_code = db_get_i64(rows, i, 25),
        .alert = db_get_text(rows, i, 26),
        .ended_at_us = db_get_time_us(rows, i, 27),
    };
}

enum err_code callback_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 const char *sid, struct callback_row *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &callback_get,
                                       DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &rows, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(rows) == 0)
        return ERR_SET(err, ERR_NOT_FOUND, "CALLBACK_NOT_FOUND",
                       "there is no callback %s in this workspace", sid);
    *out = row_at(rows, 0);
    return ERR_OK;
}

static struct db_param optional(const char *text)
{
    return db_text_or_null(str_from(text));
}

enum err_code callback_store_list(struct db_pool *pool, struct call *call,
                                  const char *workspace_sid, int64_t before, size_t limit,
                                  const struct callback_filter *filter, struct callback_row **out,
                                  size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &callback_list,
                      DB_PARAMS(db_cstr(workspace_sid), db_i64(before), db_i64((int64_t)limit),
                                optional(filter->state), optional(filter->kind),
                                optional(filter->url), optional(filter->task_sid)),
                      &rows, err);
    if (code != ERR_OK)
        return code;
    int count = db_row_count(rows);
    struct callback_row *items = ARENA_ARRAY(call->arena, struct callback_row, (size_t)count);
    if (items == NULL)
        return no_room(err);
    for (int i = 0; i < count; i++)
        items[i] = row_at(rows, i);
    *out = items;
    *out_count = (size_t)count;
    return ERR_OK;
}

enum err_code callback_store_resend(struct db_pool *pool, struct call *call,
                                    const char *workspace_sid, const char *sid, int64_t now_us,
                                    int64_t expires_at_us, int64_t limit, int64_t *out_count,
                                    struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &callback_resend,
                      DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid), db_time_us(now_us),
                                db_time_us(expires_at_us), db_i64(limit)),
                      &result, err);
    if (code == ERR_OK)
        *out_count = db_affected(result);
    return code;
}
