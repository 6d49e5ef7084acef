#include "shard_store.h"

#include "base/arena.h"
#include "shard_store_sql.h"
#include "task_columns.h"

enum {
    PAGE_ROWS = 2000,
    TASK_PAGE_ROWS =
        20000, /* some 20 MB; each page costs a look-up, or a sort when the table is new */
};

enum err_code shard_store_take(struct db_conn *conn, struct call *call, int shard, int shard_count,
                               const char *owner, const char *address, int64_t ttl_ms,
                               struct shard_lease *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &shard_session, DB_PARAMS(db_i64(ttl_ms)), NULL, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &shard_take_lease,
                        DB_PARAMS(db_i64(shard), db_i64(shard_count), db_cstr(owner),
                                  db_cstr(address), db_i64(ttl_ms)),
                        &rows, err);
    if (code != ERR_OK)
        return code;
    *out = (struct shard_lease){
        .epoch = db_get_i64(rows, 0, 0),
        .event_seq = db_get_i64(rows, 0, 1),
        .row_seq = db_get_i64(rows, 0, 2),
    };
    return ERR_OK;
}

enum err_code shard_store_release(struct db_conn *conn, struct call *call, int shard, int64_t epoch,
                                  struct err *err)
{
    return db_query(conn, call, &shard_release, DB_PARAMS(db_i64(shard), db_i64(epoch)), NULL, err);
}

enum err_code shard_store_name_successor(struct db_conn *conn, struct call *call, int shard,
                                         int64_t epoch, const char *successor, struct err *err)
{
    return db_query(conn, call, &shard_name_successor,
                    DB_PARAMS(db_i64(shard), db_i64(epoch), db_cstr(successor)), NULL, err);
}

enum err_code shard_store_warm(struct db_conn *conn, struct call *call, int shard,
                               const char *successor, struct err *err)
{
    return db_query(conn, call, &shard_successor_warm, DB_PARAMS(db_i64(shard), db_cstr(successor)),
                    NULL, err);
}

enum err_code shard_store_is_given(struct db_conn *conn, struct call *call, int shard,
                                   const char *successor, enum shard_given *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &shard_is_given,
                                  DB_PARAMS(db_i64(shard), db_cstr(successor)), &rows, err);
    if (code != ERR_OK)
        return code;
    *out = db_row_count(rows) == 0   ? SHARD_GIVEN_NONE
           : db_get_bool(rows, 0, 0) ? SHARD_GIVEN_NOW
                                     : SHARD_GIVEN_SOON;
    return ERR_OK;
}

enum err_code shard_store_count(struct db_pool *pool, struct call *call, int64_t *out_count,
                                struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &shard_count_get, DB_NO_PARAMS, &rows, err);
    if (code == ERR_OK)
        *out_count = db_get_i64(rows, 0, 0);
    return code;
}

enum err_code shard_store_configs(struct db_conn *conn, struct call *call, int shard,
                                  enum config_kind kind, shard_config_fn fn, void *ctx,
                                  struct err *err)
{
    struct sid after = {""};
    int count = PAGE_ROWS;
    while (count == PAGE_ROWS) {
        struct arena_mark mark = arena_mark(call->arena);
        struct db_result *rows = NULL;
        enum err_code code = db_query(conn, call, &shard_load_configs,
                                      DB_PARAMS(db_i64(shard), db_cstr(config_kind_name(kind)),
                                                db_cstr(after.text), db_i64(PAGE_ROWS)),
                                      &rows, err);
        if (code != ERR_OK)
            return code;
        count = db_row_count(rows);
        for (int i = 0; i < count && code == ERR_OK; i++) {
            struct config_row row = {
                .kind = kind,
                .sid = sid_from(db_get_str(rows, i, 0)),
                .account_sid = sid_from(db_get_str(rows, i, 1)),
                .workspace_sid = sid_from(db_get_str(rows, i, 2)),
                .is_deleted = db_get_bool(rows, i, 3),
                .document = db_get_str(rows, i, 4),
                .version = db_get_i64(rows, i, 5),
            };
            after = row.sid;
            code = fn(ctx, &row, err);
        }
        arena_rewind(call->arena, mark);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code shard_store_documents(struct db_conn *conn, struct call *call, int shard,
                                    shard_document_fn fn, void *ctx, struct err *err)
{
    struct arena_mark mark = arena_mark(call->arena);
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_load_documents, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code != ERR_OK)
        return code;
    int count = db_row_count(rows);
    for (int i = 0; i < count && code == ERR_OK; i++) {
        struct sid workflow_sid = sid_from(db_get_str(rows, i, 0));
        code = fn(ctx, &workflow_sid, db_get_i64(rows, i, 1), db_get_str(rows, i, 2), err);
    }
    arena_rewind(call->arena, mark);
    return code;
}

/* ---- tasks and their reservations ---- */

static enum err_code load_reservations(struct db_conn *conn, struct call *call,
                                       const struct str *task_sids, size_t count,
                                       shard_reservation_fn fn, void *ctx, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &shard_load_reservations,
                                  DB_PARAMS(db_texts(task_sids, count)), &rows, err);
    if (code != ERR_OK)
        return code;
    int row_count = db_row_count(rows);
    for (int i = 0; i < row_count && code == ERR_OK; i++) {
        struct reservation_row row;
        reservation_from_row(rows, i, &row);
        code = fn(ctx, &row, err);
    }
    return code;
}

enum err_code shard_store_tasks(struct db_conn *conn, struct call *call, int shard,
                                shard_task_fn task_fn, shard_reservation_fn reservation_fn,
                                void *ctx, struct err *err)
{
    int64_t after = 0;
    int count = TASK_PAGE_ROWS;
    while (count == TASK_PAGE_ROWS) {
        struct arena_mark mark = arena_mark(call->arena);
        struct db_result *rows = NULL;
        enum err_code code =
            db_query(conn, call, &shard_load_tasks,
                     DB_PARAMS(db_i64(shard), db_i64(after), db_i64(TASK_PAGE_ROWS)), &rows, err);
        if (code != ERR_OK)
            return code;
        count = db_row_count(rows);
        struct str *sids = ARENA_ARRAY(call->arena, struct str, (size_t)count);
        if (sids == NULL)
            return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "LOAD_TOO_LARGE",
                           "a page of tasks does not fit into memory");
        size_t offered = 0; /* those that ever had a reservation: mostly few */
        for (int i = 0; i < count && code == ERR_OK; i++) {
            struct task_row row;
            task_from_row(rows, i, &row);
            if (row.assignment_count > 0)
                sids[offered++] = db_get_str(rows, i, 0);
            after = row.sequence;
            code = task_fn(ctx, &row, err);
        }
        if (code == ERR_OK && offered > 0)
            code = load_reservations(conn, call, sids, offered, reservation_fn, ctx, err);
        arena_rewind(call->arena, mark);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* ---- the rest ---- */

enum err_code shard_store_idle(struct db_conn *conn, struct call *call, int shard, shard_idle_fn fn,
                               void *ctx, struct err *err)
{
    struct sid worker = {""};
    struct sid channel = {""};
    int count = PAGE_ROWS;
    while (count == PAGE_ROWS) {
        struct arena_mark mark = arena_mark(call->arena);
        struct db_result *rows = NULL;
        enum err_code code = db_query(conn, call, &shard_load_idle,
                                      DB_PARAMS(db_i64(shard), db_cstr(worker.text),
                                                db_cstr(channel.text), db_i64(PAGE_ROWS)),
                                      &rows, err);
        if (code != ERR_OK)
            return code;
        count = db_row_count(rows);
        for (int i = 0; i < count && code == ERR_OK; i++) {
            worker = sid_from(db_get_str(rows, i, 0));
            channel = sid_from(db_get_str(rows, i, 1));
            code = fn(ctx, &worker, &channel, db_get_i64(rows, i, 2));
        }
        arena_rewind(call->arena, mark);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code shard_store_overrides(struct db_conn *conn, struct call *call, int shard,
                                    shard_override_fn fn, void *ctx, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_load_overrides, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code != ERR_OK)
        return code;
    for (int i = 0; i < db_row_count(rows); i++) {
        struct worker_override_row row = {
            .worker_sid = sid_from(db_get_str(rows, i, 0)),
            .workspace_sid = sid_from(db_get_str(rows, i, 1)),
            .activity_sid = sid_from(db_get_str(rows, i, 2)),
            .worker_version = db_get_i64(rows, i, 3),
            .at_us = db_get_time_us(rows, i, 4),
        };
        fn(ctx, &row);
    }
    return ERR_OK;
}

enum err_code shard_store_repeats(struct db_conn *conn, struct call *call, int shard, int64_t limit,
                                  shard_repeat_fn fn, void *ctx, struct err *err)
{
    struct arena_mark mark = arena_mark(call->arena);
    struct db_result *rows = NULL;
    enum err_code code = db_query(conn, call, &shard_load_repeats,
                                  DB_PARAMS(db_i64(shard), db_i64(limit)), &rows, err);
    if (code != ERR_OK)
        return code;
    for (int i = db_row_count(rows) - 1; i >= 0; i--) { /* oldest first */
        struct repeat_row row = {
            .account_sid = db_get_text(rows, i, 0),
            .method = db_get_text(rows, i, 1),
            .key = db_get_str(rows, i, 2),
            .request_hash = sid_from(db_get_str(rows, i, 3)),
        };
        fn(ctx, &row);
    }
    arena_rewind(call->arena, mark);
    return ERR_OK;
}

enum err_code shard_store_last_event(struct db_conn *conn, struct call *call, int shard,
                                     int64_t *out_seq, int *out_part, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_last_event, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code != ERR_OK)
        return code;
    bool is_found = db_row_count(rows) > 0;
    *out_seq = is_found ? db_get_i64(rows, 0, 0) : 0;
    *out_part = is_found ? (int)db_get_i64(rows, 0, 1) : 0;
    return ERR_OK;
}

enum err_code shard_store_repeat(struct db_conn *conn, struct call *call, int shard,
                                 const char *account_sid, const char *method, struct str key,
                                 struct repeat_row *out, bool *out_found, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_query(
        conn, call, &shard_repeat_get,
        DB_PARAMS(db_i64(shard), db_cstr(account_sid), db_cstr(method), db_text(key)), &rows, err);
    if (code != ERR_OK)
        return code;
    *out_found = db_row_count(rows) > 0;
    if (!*out_found)
        return ERR_OK;
    *out = (struct repeat_row){
        .account_sid = account_sid,
        .method = method,
        .key = key,
        .request_hash = sid_from(db_get_str(rows, 0, 0)),
    };
    if (!db_get_bytes(rows, 0, 1, call->arena, &out->reply))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the first reply needs more memory than one request may use");
    return ERR_OK;
}

enum err_code shard_store_cursor(struct db_conn *conn, struct call *call, int shard,
                                 int64_t *out_seq, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &shard_cursor_get, DB_PARAMS(db_i64(shard)), &rows, err);
    if (code == ERR_OK)
        *out_seq = db_row_count(rows) == 0 ? 0 : db_get_i64(rows, 0, 0);
    return code;
}

enum err_code shard_store_cursor_set(struct db_conn *conn, struct call *call, int shard,
                                     int64_t seq, struct err *err)
{
    return db_query(conn, call, &shard_cursor_set, DB_PARAMS(db_i64(shard), db_i64(seq)), NULL,
                    err);
}
