#include "event_store.h"

#include "base/arena.h"
#include "event_store_sql.h"

static void from_row(const struct db_result *rows, int i, struct event_row *out)
{
    *out = (struct event_row){
        .seq = db_get_i64(rows, i, 0),
        .sid = db_get_text(rows, i, 1),
        .account_sid = db_get_text(rows, i, 2),
        .workspace_sid = db_get_text(rows, i, 3),
        .type = db_get_text(rows, i, 4),
        .resource_type = db_get_text(rows, i, 5),
        .resource_sid = db_get_text(rows, i, 6),
        .resource_version = db_get_i64(rows, i, 7),
        .task_sid = db_get_text(rows, i, 8),
        .worker_sid = db_get_text(rows, i, 9),
        .reservation_sid = db_get_text(rows, i, 10),
        .queue_sid = db_get_text(rows, i, 11),
        .workflow_sid = db_get_text(rows, i, 12),
        .occurred_at_us = db_get_time_us(rows, i, 13),
        .actor_sid = db_get_text(rows, i, 14),
        .request_id = db_get_text(rows, i, 15),
        .source = db_get_text(rows, i, 16),
        .data = db_get_str(rows, i, 17),
        .extras = db_get_str(rows, i, 18),
    };
}

static enum err_code all_rows(struct call *call, const struct db_result *rows,
                              struct event_row **out, size_t *out_count, struct err *err)
{
    size_t count = (size_t)db_row_count(rows);
    struct event_row *items = ARENA_ARRAY(call->arena, struct event_row, count);
    if (items == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the request needs too much memory; ask for less at once");
    for (size_t i = 0; i < count; i++)
        from_row(rows, (int)i, &items[i]);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code event_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *sid, struct event_row *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &event_get,
                                       DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &rows, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(rows) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "EVENT_NOT_FOUND", "sid",
                         "there is no event %s in workspace %s", sid, workspace_sid);
    from_row(rows, 0, out);
    return ERR_OK;
}

static struct db_param optional(const char *text)
{
    return db_text_or_null(str_from(text));
}

enum err_code event_store_list(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               int64_t after_seq, size_t limit, const struct event_filter *filter,
                               struct event_row **out, size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    int64_t from = filter->newest_first && after_seq == 0 ? INT64_MAX : after_seq;
    enum err_code code = db_pool_query(
        pool, call, filter->newest_first ? &event_list_newest : &event_list,
        DB_PARAMS(db_cstr(workspace_sid), db_i64(from), db_i64((int64_t)limit),
                  optional(filter->type), optional(filter->task_sid), optional(filter->worker_sid),
                  optional(filter->reservation_sid), optional(filter->queue_sid),
                  optional(filter->workflow_sid), db_time_us_or_null(filter->start_us),
                  db_time_us_or_null(filter->end_us)),
        &rows, err);
    return code == ERR_OK ? all_rows(call, rows, out, out_count, err) : code;
}

enum err_code event_store_last(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               int64_t *out_seq, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &event_last_seq, DB_PARAMS(db_cstr(workspace_sid)), &rows, err);
    if (code == ERR_OK)
        *out_seq = db_get_i64(rows, 0, 0);
    return code;
}

enum err_code event_store_exists(struct db_pool *pool, struct call *call, const char *sid,
                                 bool *out_exists, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &event_exists, DB_PARAMS(db_cstr(sid)), &rows, err);
    if (code == ERR_OK)
        *out_exists = db_row_count(rows) > 0;
    return code;
}

enum err_code event_store_after(struct db_conn *conn, struct call *call, int shard, int64_t seq,
                                size_t limit, struct event_row **out, size_t *out_count,
                                struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_query(conn, call, &event_after,
                 DB_PARAMS(db_i64(shard), db_i64(seq), db_i64((int64_t)limit)), &rows, err);
    return code == ERR_OK ? all_rows(call, rows, out, out_count, err) : code;
}
