#include "mirror_store.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "mirror_store_sql.h"
#include "row_params.h"
#include "task_columns.h"

enum {
    NAME_COLUMNS = 3, /* queue, channel, workflow */
    PURGE_S = 300,    /* as for tasks that are routed here */
    SID_LETTERS = 2,
};

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                   "the batch needs too much memory; try again");
}

/* What a SID has behind its letters, as a UUID reads it. */
static const struct str *digits(struct arena *arena, const struct str *sids, size_t count)
{
    struct str *out = ARENA_ARRAY(arena, struct str, count);
    for (size_t i = 0; out != NULL && i < count; i++)
        out[i] = (struct str){sids[i].ptr + SID_LETTERS, sids[i].len - SID_LETTERS};
    return out;
}

/* ---- reading ---- */

static void take_tasks(const struct db_result *rows, mirror_task_fn fn, void *ctx)
{
    for (int i = 0; i < db_row_count(rows); i++) {
        struct mirror_task task = {.is_there = true};
        int next = TASK_COLUMN_COUNT;
        task_from_row(rows, i, &task.row);
        task.row.queue_name = db_get_str(rows, i, next);
        task.row.channel_name = db_get_str(rows, i, next + 1);
        task.row.workflow_name = db_get_str(rows, i, next + 2);
        next += NAME_COLUMNS;
        task.is_ours = db_is_null(rows, i, next);
        task.observed_at_us = db_get_time_us(rows, i, next);
        task.is_purged = db_get_bool(rows, i, next + 1);
        task.is_deleted = db_get_bool(rows, i, next + 2);
        fn(ctx, &task);
    }
}

static void take_reservations(const struct db_result *rows, mirror_reservation_fn fn, void *ctx)
{
    for (int i = 0; i < db_row_count(rows); i++) {
        struct mirror_reservation reservation = {.is_there = true};
        reservation_from_row(rows, i, &reservation.row);
        reservation.row.worker_name = db_get_str(rows, i, RESERVATION_COLUMN_COUNT);
        reservation.is_ours = db_is_null(rows, i, RESERVATION_COLUMN_COUNT + 1);
        reservation.observed_at_us = db_get_time_us(rows, i, RESERVATION_COLUMN_COUNT + 1);
        fn(ctx, &reservation);
    }
}

static enum err_code ask_all(struct db_conn *conn, struct call *call, const struct mirror_ask *ask,
                             struct err *err)
{
    struct db_param tasks = db_texts(ask->tasks, ask->task_count);
    struct db_param reservations = db_texts(ask->reservations, ask->reservation_count);
    const struct str *events = digits(call->arena, ask->events, ask->event_count);
    if (events == NULL)
        return no_room(err);
    enum err_code code = db_pipeline_begin(conn, call, err);
    if (code != ERR_OK)
        return code;
    code = db_pipeline_add(conn, call, &mirror_tasks_read, DB_PARAMS(tasks, reservations), err);
    if (code == ERR_OK)
        code = db_pipeline_add(conn, call, &mirror_reservations_read,
                               DB_PARAMS(tasks, reservations), err);
    if (code == ERR_OK)
        code = db_pipeline_add(conn, call, &mirror_events_read,
                               DB_PARAMS(db_texts(events, ask->event_count)), err);
    if (code == ERR_OK)
        code = db_pipeline_sync(conn, call, err);
    return code;
}

enum err_code mirror_store_read(struct db_conn *conn, struct call *call,
                                const struct mirror_ask *ask, mirror_task_fn task_fn,
                                mirror_reservation_fn reservation_fn, mirror_event_fn event_fn,
                                void *ctx, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = ask_all(conn, call, ask, err);
    if (code == ERR_OK)
        code = db_pipeline_next(conn, call, &rows, err);
    if (code == ERR_OK)
        take_tasks(rows, task_fn, ctx);
    if (code == ERR_OK)
        code = db_pipeline_next(conn, call, &rows, err);
    if (code == ERR_OK)
        take_reservations(rows, reservation_fn, ctx);
    if (code == ERR_OK)
        code = db_pipeline_next(conn, call, &rows, err);
    for (int i = 0; code == ERR_OK && i < db_row_count(rows); i++)
        event_fn(ctx, db_get_text(rows, i, 0));
    if (code != ERR_OK)
        db_pipeline_abort(conn);
    return code;
}

/* ---- writing ---- */

static enum err_code add_tasks(struct db_conn *conn, struct call *call, int shard,
                               const struct mirror_rows *rows, int64_t now_us, struct err *err)
{
    size_t n = rows->task_count;
    if (n == 0)
        return ERR_OK;
    struct db_param fields[TASK_PARAM_COUNT];
    const struct task_row **tasks = ARENA_ARRAY(call->arena, const struct task_row *, n);
    int64_t *observed = ARENA_ARRAY(call->arena, int64_t, n);
    int64_t *purged = ARENA_ARRAY(call->arena, int64_t, n);
    int64_t *deleted = ARENA_ARRAY(call->arena, int64_t, n);
    if (tasks == NULL || observed == NULL || purged == NULL || deleted == NULL)
        return no_room(err);
    for (size_t i = 0; i < n; i++) {
        const struct mirror_task *task = rows->tasks[i];
        tasks[i] = &task->row;
        observed[i] = task->observed_at_us;
        purged[i] = task->row.ended_at_us == 0 || task->is_deleted
                        ? 0
                        : task->row.ended_at_us + PURGE_S * US_PER_S;
        deleted[i] = task->is_deleted ? now_us : 0;
    }
    if (!task_params(call->arena, tasks, n, true, fields))
        return no_room(err);
    return db_pipeline_add(conn, call, &mirror_tasks_write,
                           DB_PARAMS(db_i64(shard), db_rows(fields, ARRAY_LEN(fields)),
                                     db_times_us(observed, n), db_times_us(purged, n),
                                     db_times_us(deleted, n)),
                           err);
}

static enum err_code add_reservations(struct db_conn *conn, struct call *call, int shard,
                                      const struct mirror_rows *rows, struct err *err)
{
    size_t n = rows->reservation_count;
    if (n == 0)
        return ERR_OK;
    struct db_param fields[RESERVATION_PARAM_COUNT];
    const struct reservation_row **reservations =
        ARENA_ARRAY(call->arena, const struct reservation_row *, n);
    int64_t *observed = ARENA_ARRAY(call->arena, int64_t, n);
    bool *open = ARENA_ARRAY(call->arena, bool, n);
    if (reservations == NULL || observed == NULL || open == NULL)
        return no_room(err);
    for (size_t i = 0; i < n; i++) {
        reservations[i] = &rows->reservations[i]->row;
        observed[i] = rows->reservations[i]->observed_at_us;
        open[i] = reservation_is_open(reservations[i]->state);
    }
    if (!reservation_params(call->arena, reservations, n, true, fields))
        return no_room(err);
    return db_pipeline_add(conn, call, &mirror_reservations_write,
                           DB_PARAMS(db_i64(shard), db_rows(fields, ARRAY_LEN(fields)),
                                     db_times_us(observed, n), db_bools(open, n)),
                           err);
}

static enum err_code add_events(struct db_conn *conn, struct call *call, int shard,
                                const struct mirror_rows *rows, int64_t now_us, struct err *err)
{
    if (rows->event_count == 0)
        return ERR_OK;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, rows->event_count);
    if (sids == NULL)
        return no_room(err);
    for (size_t i = 0; i < rows->event_count; i++)
        sids[i] = str_from(rows->events[i].text + SID_LETTERS);
    return db_pipeline_add(
        conn, call, &mirror_events_write,
        DB_PARAMS(db_i64(shard), db_texts(sids, rows->event_count), db_time_us(now_us)), err);
}

enum err_code mirror_store_add(struct db_conn *conn, struct call *call, int shard,
                               const struct mirror_rows *rows, int64_t now_us, struct err *err)
{
    enum err_code code = add_tasks(conn, call, shard, rows, now_us, err);
    if (code == ERR_OK)
        code = add_reservations(conn, call, shard, rows, err);
    return code == ERR_OK ? add_events(conn, call, shard, rows, now_us, err) : code;
}

/* ---- housekeeping ---- */

static enum err_code remove_some(struct db_pool *pool, struct call *call,
                                 const struct db_stmt *stmt, int shard, int64_t before_us,
                                 int64_t limit, int64_t *out_removed, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, stmt,
                      DB_PARAMS(db_i64(shard), db_time_us(before_us), db_i64(limit)), &rows, err);
    if (code == ERR_OK)
        *out_removed = db_affected(rows);
    return code;
}

enum err_code mirror_store_purge(struct db_pool *pool, struct call *call, int shard,
                                 int64_t before_us, int64_t limit, int64_t *out_removed,
                                 struct err *err)
{
    return remove_some(pool, call, &mirror_purge, shard, before_us, limit, out_removed, err);
}

enum err_code mirror_store_forget(struct db_pool *pool, struct call *call, int shard,
                                  int64_t before_us, int64_t limit, int64_t *out_removed,
                                  struct err *err)
{
    return remove_some(pool, call, &mirror_forget, shard, before_us, limit, out_removed, err);
}

/* ---- of now ---- */

static enum err_code too_much(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

enum err_code mirror_store_loads(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 const struct str *workers, size_t worker_count,
                                 struct mirror_load **out, size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(
        pool, call, &mirror_loads,
        DB_PARAMS(db_cstr(workspace_sid), db_texts(workers, worker_count)), &rows, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(rows);
    struct mirror_load *items = ARENA_ARRAY(call->arena, struct mirror_load, count);
    if (items == NULL)
        return too_much(err);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct mirror_load){
            .worker_sid = db_get_text(rows, (int)i, 0),
            .channel_sid = db_get_text(rows, (int)i, 1),
            .accepted = db_get_i64(rows, (int)i, 2),
            .open = db_get_i64(rows, (int)i, 3),
            .capacity = db_get_i64(rows, (int)i, 4),
        };
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code mirror_store_now(struct db_pool *pool, struct call *call, const char *workspace_sid,
                               const char *channel_sid, struct mirror_now **out, size_t *out_count,
                               struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &mirror_now,
                      DB_PARAMS(db_cstr(workspace_sid), db_cstr(channel_sid)), &rows, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(rows);
    struct mirror_now *items = ARENA_ARRAY(call->arena, struct mirror_now, count);
    if (items == NULL)
        return too_much(err);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct mirror_now){
            .queue_sid = sid_from(db_get_str(rows, (int)i, 0)),
            .workflow_sid = sid_from(db_get_str(rows, (int)i, 1)),
            .state = task_state_from(db_get_str(rows, (int)i, 2)),
            .priority = db_get_i64(rows, (int)i, 3),
            .tasks = db_get_i64(rows, (int)i, 4),
            .oldest_us = db_get_time_us(rows, (int)i, 5),
            .oldest_sid = sid_from(db_get_str(rows, (int)i, 6)),
            .entered_us = db_get_time_us(rows, (int)i, 7),
            .entered_sid = sid_from(db_get_str(rows, (int)i, 8)),
        };
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code mirror_store_configs(struct db_pool *pool, struct call *call,
                                   const char *workspace_sid, enum config_kind kind, int64_t limit,
                                   struct config_row **out, size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(
        pool, call, &mirror_configs,
        DB_PARAMS(db_cstr(workspace_sid), db_cstr(config_kind_name(kind)), db_i64(limit)), &rows,
        err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(rows);
    struct config_row *items = ARENA_ARRAY(call->arena, struct config_row, count);
    if (items == NULL)
        return too_much(err);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct config_row){
            .kind = kind,
            .sid = sid_from(db_get_str(rows, (int)i, 0)),
            .account_sid = sid_from(db_get_str(rows, (int)i, 1)),
            .workspace_sid = sid_from(db_get_str(rows, (int)i, 2)),
            .document = db_get_str(rows, (int)i, 3),
            .version = db_get_i64(rows, (int)i, 4),
        };
    *out = items;
    *out_count = count;
    return ERR_OK;
}
