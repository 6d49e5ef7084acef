#include "task_order_store.h"

#include <string.h>

#include "base/arena.h"
#include "base/parse.h"
#include "task_columns.h"
#include "task_order_sql.h"

enum { NAME_COLUMNS = 3 };

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

static struct db_param optional(const char *text)
{
    return db_text_or_null(str_from(text));
}

static struct db_param states(const struct task_filter *filter)
{
    return filter->state_count == 0 ? db_null() : db_texts(filter->states, filter->state_count);
}

static struct db_param priorities(const struct task_where *where)
{
    return where->priorities == NULL ? db_null()
                                     : db_i64s(where->priorities, where->priority_count);
}

struct task_key task_key_of(const struct task_row *task)
{
    return (struct task_key){
        .sid = task->sid,
        .priority = task->priority,
        .start_us = task->virtual_start_us != 0 ? task->virtual_start_us : task->created_at_us,
        .created_us = task->created_at_us,
    };
}

static enum err_code take_rows(struct call *call, const struct db_result *rows,
                               struct task_scan_row **out, size_t *out_count, struct err *err)
{
    size_t count = (size_t)db_row_count(rows);
    struct task_scan_row *items = ARENA_ARRAY(call->arena, struct task_scan_row, count);
    if (items == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++) {
        struct task_row *task = &items[i].task;
        task_from_row(rows, (int)i, task);
        task->queue_name = db_get_str(rows, (int)i, TASK_COLUMN_COUNT);
        task->channel_name = db_get_str(rows, (int)i, TASK_COLUMN_COUNT + 1);
        task->workflow_name = db_get_str(rows, (int)i, TASK_COLUMN_COUNT + 2);
        items[i].is_match = db_get_bool(rows, (int)i, TASK_COLUMN_COUNT + NAME_COLUMNS);
    }
    *out = items;
    *out_count = count;
    return ERR_OK;
}

static enum err_code scan_by_sid(struct db_pool *pool, struct call *call,
                                 const struct task_scan *scan, struct db_result **out,
                                 struct err *err)
{
    const struct task_filter *filter = scan->where.filter;
    return db_pool_query(pool, call, scan->order == TASK_SCAN_SID ? &task_scan : &task_scan_desc,
                         DB_PARAMS(db_cstr(scan->workspace_sid), db_cstr(scan->after),
                                   db_i64((int64_t)scan->limit), states(filter),
                                   optional(filter->workflow_sid), optional(filter->queue_sid),
                                   priorities(&scan->where), optional(filter->worker_sid),
                                   optional(filter->channel), optional(filter->routing_target)),
                         out, err);
}

static enum err_code scan_by_start(struct db_pool *pool, struct call *call,
                                   const struct task_scan *scan, struct db_result **out,
                                   struct err *err)
{
    const struct task_filter *filter = scan->where.filter;
    /* the statement turns everything around when it goes down */
    int sign = scan->order == TASK_SCAN_START ? scan->priority_sign : -scan->priority_sign;
    return db_pool_query(
        pool, call, scan->order == TASK_SCAN_START ? &task_scan_start : &task_scan_start_desc,
        DB_PARAMS(db_cstr(scan->workspace_sid), db_cstr(scan->after), db_i64((int64_t)scan->limit),
                  states(filter), optional(filter->workflow_sid), optional(filter->queue_sid),
                  priorities(&scan->where), optional(filter->worker_sid), optional(filter->channel),
                  optional(filter->routing_target), db_time_us_or_null(scan->after_start_us),
                  db_i64(sign), db_i64(sign * scan->after_priority)),
        out, err);
}

static enum err_code scan_by_created(struct db_pool *pool, struct call *call,
                                     const struct task_scan *scan, struct db_result **out,
                                     struct err *err)
{
    const struct task_filter *filter = scan->where.filter;
    return db_pool_query(
        pool, call, scan->order == TASK_SCAN_CREATED ? &task_scan_created : &task_scan_created_desc,
        DB_PARAMS(db_cstr(scan->workspace_sid), db_cstr(scan->after), db_i64((int64_t)scan->limit),
                  states(filter), optional(filter->workflow_sid), optional(filter->queue_sid),
                  priorities(&scan->where), optional(filter->worker_sid), optional(filter->channel),
                  optional(filter->routing_target), db_time_us_or_null(scan->after_start_us)),
        out, err);
}

enum err_code task_order_scan(struct db_pool *pool, struct call *call, const struct task_scan *scan,
                              struct task_scan_row **out, size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    bool is_by_sid = scan->order == TASK_SCAN_SID || scan->order == TASK_SCAN_SID_DESC;
    bool is_by_created = scan->order == TASK_SCAN_CREATED || scan->order == TASK_SCAN_CREATED_DESC;
    enum err_code code = is_by_sid       ? scan_by_sid(pool, call, scan, &rows, err)
                         : is_by_created ? scan_by_created(pool, call, scan, &rows, err)
                                         : scan_by_start(pool, call, scan, &rows, err);
    return code == ERR_OK ? take_rows(call, rows, out, out_count, err) : code;
}

enum err_code task_order_rows(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const struct task_where *where, const struct task_key *keys,
                              size_t key_count, struct task_scan_row **out, size_t *out_count,
                              struct err *err)
{
    struct db_result *rows = NULL;
    const struct task_filter *filter = where->filter;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, key_count);
    if (sids == NULL)
        return no_room(err);
    for (size_t i = 0; i < key_count; i++)
        sids[i] = str_from(keys[i].sid.text);
    enum err_code code = db_pool_query(
        pool, call, &task_rows,
        DB_PARAMS(db_cstr(workspace_sid), db_texts(sids, key_count), db_i64((int64_t)key_count),
                  states(filter), optional(filter->workflow_sid), optional(filter->queue_sid),
                  priorities(where), optional(filter->worker_sid), optional(filter->channel),
                  optional(filter->routing_target)),
        &rows, err);
    return code == ERR_OK ? take_rows(call, rows, out, out_count, err) : code;
}

enum err_code task_order_find(struct db_pool *pool, struct call *call, const char *workspace_sid,
                              const struct task_where *where, const struct db_param docs[2],
                              size_t limit, struct task_key **out, size_t *out_count,
                              struct err *err)
{
    struct db_result *rows = NULL;
    const struct task_filter *filter = where->filter;
    enum err_code code = db_pool_query(
        pool, call, &task_find,
        DB_PARAMS(db_cstr(workspace_sid), docs[0], db_i64((int64_t)limit), states(filter),
                  optional(filter->workflow_sid), optional(filter->queue_sid), priorities(where),
                  optional(filter->worker_sid), optional(filter->channel),
                  optional(filter->routing_target), docs[1], task_busy_param(filter)),
        &rows, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(rows);
    struct task_key *keys = ARENA_ARRAY(call->arena, struct task_key, count);
    if (keys == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct task_key){
            .sid = sid_from(db_get_str(rows, (int)i, 0)),
            .priority = db_get_i64(rows, (int)i, 1),
            .start_us = db_get_time_us(rows, (int)i, 2),
            .created_us = db_get_time_us(rows, (int)i, 3),
        };
    *out = keys;
    *out_count = count;
    return ERR_OK;
}

enum err_code task_order_levels(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                bool is_desc, const int64_t *after, size_t limit, int64_t *out,
                                size_t *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    enum err_code code =
        db_pool_query(pool, call, is_desc ? &task_levels_desc : &task_levels,
                      DB_PARAMS(db_cstr(workspace_sid), after == NULL ? db_null() : db_i64(*after),
                                db_i64((int64_t)limit)),
                      &rows, err);
    if (code != ERR_OK)
        return code;
    *out_count = (size_t)db_row_count(rows);
    for (size_t i = 0; i < *out_count; i++)
        out[i] = db_get_i64(rows, (int)i, 0);
    return ERR_OK;
}

/* The SID of a name; names are looked up in our copy. */
static enum err_code resolve_one(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 const char *kind, const char *name, const char **sid,
                                 bool *is_known, struct err *err)
{
    struct db_result *rows = NULL;
    if (name == NULL || name[0] == '\0' || !*is_known)
        return ERR_OK;
    enum err_code code =
        db_pool_query(pool, call, &task_named,
                      DB_PARAMS(db_cstr(workspace_sid), db_cstr(kind), db_cstr(name)), &rows, err);
    if (code != ERR_OK)
        return code;
    *is_known = db_row_count(rows) > 0;
    const char *found = *is_known ? db_get_text(rows, 0, 0) : "";
    if (*sid != NULL && (*sid)[0] != '\0' && strcmp(*sid, found) != 0)
        *is_known = false; /* another one is asked for by its SID */
    *sid = found;
    return ERR_OK;
}

enum err_code task_order_resolve(struct db_pool *pool, struct call *call, const char *workspace_sid,
                                 struct task_filter *filter, bool *out_is_known, struct err *err)
{
    *out_is_known = true;
    enum err_code code = resolve_one(pool, call, workspace_sid, "queue", filter->queue_name,
                                     &filter->queue_sid, out_is_known, err);
    if (code == ERR_OK)
        code = resolve_one(pool, call, workspace_sid, "workflow", filter->workflow_name,
                           &filter->workflow_sid, out_is_known, err);
    if (code == ERR_OK && filter->channel != NULL && filter->channel[0] != '\0' &&
        !parse_is_sid(str_from(filter->channel), "TC")) {
        const char *sid = NULL;
        code = resolve_one(pool, call, workspace_sid, "channel", filter->channel, &sid,
                           out_is_known, err);
        filter->channel = sid;
    }
    filter->queue_name = NULL;
    filter->workflow_name = NULL;
    return code;
}
