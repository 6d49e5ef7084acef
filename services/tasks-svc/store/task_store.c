#include "task_store.h"

#include <string.h>

#include "base/arena.h"
#include "task_columns.h"
#include "task_store_sql.h"

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

static void named_task(const struct db_result *rows, int i, struct task_row *out)
{
    task_from_row(rows, i, out);
    out->queue_name = db_get_str(rows, i, TASK_COLUMN_COUNT);
    out->channel_name = db_get_str(rows, i, TASK_COLUMN_COUNT + 1);
    out->workflow_name = db_get_str(rows, i, TASK_COLUMN_COUNT + 2);
}

static void named_reservation(const struct db_result *rows, int i, struct reservation_row *out)
{
    reservation_from_row(rows, i, out);
    out->worker_name = db_get_str(rows, i, RESERVATION_COLUMN_COUNT);
}

static struct db_param states_param(const struct str *states, size_t count)
{
    return count == 0 ? db_null() : db_texts(states, count);
}

struct db_param task_busy_param(const struct task_filter *filter)
{
    size_t waiting = 0;
    for (size_t i = 0; i < filter->state_count; i++)
        waiting += task_state_from(filter->states[i]) == TASK_PENDING ? 1 : 0;
    if (filter->worker_sid != NULL && filter->worker_sid[0] != '\0')
        return db_bool(true); /* only tasks that somebody has accepted have a worker */
    if (filter->state_count == 0 || (waiting > 0 && waiting < filter->state_count))
        return db_null();
    return db_bool(waiting == 0);
}

static struct db_param optional(const char *text)
{
    return db_text_or_null(str_from(text));
}

enum err_code task_store_get(struct db_pool *pool, struct call *call, const char *workspace_sid,
                             const char *sid, struct task_row *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &task_get,
                                       DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &rows, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(rows) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "TASK_NOT_FOUND", "sid",
                         "there is no task %s in workspace %s", sid, workspace_sid);
    named_task(rows, 0, out);
    return ERR_OK;
}

enum err_code task_store_list(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const char *after, size_t limit, const struct task_filter *filter,
                              struct task_row **out, size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &task_list,
                      DB_PARAMS(db_cstr(workspace_sid), db_cstr(after), db_i64((int64_t)limit),
                                states_param(filter->states, filter->state_count),
                                optional(filter->workflow_sid), optional(filter->queue_sid),
                                filter->has_priority ? db_i64(filter->priority) : db_null(),
                                optional(filter->worker_sid), optional(filter->channel),
                                optional(filter->workflow_name), optional(filter->queue_name),
                                task_busy_param(filter)),
                      &rows, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(rows);
    struct task_row *items = ARENA_ARRAY(call->arena, struct task_row, count);
    if (items == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++)
        named_task(rows, (int)i, &items[i]);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code reservation_store_get(struct db_pool *pool, struct call *call,
                                    const char *workspace_sid, const char *sid,
                                    struct reservation_row *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &reservation_get,
                                       DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &rows, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(rows) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "RESERVATION_NOT_FOUND", "sid",
                         "there is no reservation %s in workspace %s", sid, workspace_sid);
    named_reservation(rows, 0, out);
    return ERR_OK;
}

enum err_code reservation_store_list(struct db_pool *pool, struct call *call,
                                     const char *workspace_sid, const char *after, size_t limit,
                                     const struct reservation_filter *filter,
                                     struct reservation_row **out, size_t *out_count,
                                     struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, &reservation_list,
                      DB_PARAMS(db_cstr(workspace_sid), db_cstr(after), db_i64((int64_t)limit),
                                optional(filter->task_sid), optional(filter->worker_sid),
                                states_param(filter->states, filter->state_count)),
                      &rows, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(rows);
    struct reservation_row *items = ARENA_ARRAY(call->arena, struct reservation_row, count);
    if (items == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++)
        named_reservation(rows, (int)i, &items[i]);
    *out = items;
    *out_count = count;
    return ERR_OK;
}

enum err_code task_store_counts(struct db_pool *pool, struct call *call, int64_t *counts,
                                int64_t *out_workers_available, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &task_state_counts, DB_NO_PARAMS, &rows, err);
    if (code != ERR_OK)
        return code;
    memset(counts, 0, TASK_STATE_COUNT * sizeof *counts);
    for (int i = 0; i < db_row_count(rows); i++)
        counts[task_state_from(db_get_str(rows, i, 0))] = db_get_i64(rows, i, 1);
    code = db_pool_query(pool, call, &worker_available_count, DB_NO_PARAMS, &rows, err);
    if (code == ERR_OK)
        *out_workers_available = db_get_i64(rows, 0, 0);
    return code;
}

enum err_code task_store_account(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 const char **out_account_sid, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &workspace_account,
                                       DB_PARAMS(db_cstr(workspace_sid)), &rows, err);
    if (code == ERR_OK)
        *out_account_sid = db_row_count(rows) == 0 ? "" : db_get_text(rows, 0, 0);
    return code;
}

enum err_code task_store_is_mirrored(struct db_pool *pool, struct call *call,
                                     const char *workspace_sid, bool *out, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code = db_pool_query(pool, call, &workspace_is_mirrored,
                                       DB_PARAMS(db_cstr(workspace_sid)), &rows, err);
    if (code == ERR_OK)
        *out = db_row_count(rows) > 0 && db_get_bool(rows, 0, 0);
    return code;
}
