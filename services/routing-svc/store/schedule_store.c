#include "schedule_store.h"

#include <string.h>

#include "base/clock.h"
#include "schedule_store_sql.h"

#define QUEUE "QUEUE"
#define LINE  "LINE"

enum schedule_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_NAME,
    COL_TIME_ZONE,
    COL_HOURS,
    COL_IS_DEFAULT,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
    COL_QUEUES,
    COL_LINES,
    COL_FOUND, /* of lists */
};

enum taken_column {
    TAKEN_KIND,
    TAKEN_VALUE,
    TAKEN_SID,
    TAKEN_NAME,
};

static enum err_code from_row(struct call *call, const struct db_result *result, int row,
                              struct schedule *out, struct err *err)
{
    struct str *queues = NULL;
    struct str *lines = NULL;
    *out = (struct schedule){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .name = db_get_text(result, row, COL_NAME),
        .time_zone = db_get_text(result, row, COL_TIME_ZONE),
        .hours = db_get_str(result, row, COL_HOURS),
        .is_default = db_get_bool(result, row, COL_IS_DEFAULT),
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
    if (!db_get_texts(result, row, COL_QUEUES, call->arena, &queues, &out->queue_count) ||
        !db_get_texts(result, row, COL_LINES, call->arena, &lines, &out->line_count))
        return call_no_room(err);
    out->queue_sids = queues;
    out->lines = lines;
    return ERR_OK;
}

/* ---- whom it is for ---- */

static enum err_code refuse_taken(const struct db_result *result, struct err *err)
{
    const char *kind = db_get_text(result, 0, TAKEN_KIND);
    const char *value = db_get_text(result, 0, TAKEN_VALUE);
    const char *sid = db_get_text(result, 0, TAKEN_SID);
    const char *name = db_get_text(result, 0, TAKEN_NAME);
    if (strcmp(kind, QUEUE) == 0)
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "QUEUE_HAS_HOURS", "task_queue_sids",
                         "task queue %s has its hours from the schedule \"%s\" (%s); take it out "
                         "there first",
                         value, name, sid);
    if (strcmp(kind, LINE) == 0)
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "LINE_HAS_HOURS", "phone_numbers",
                         "phone number %s has its hours from the schedule \"%s\" (%s); take it out "
                         "there first",
                         value, name, sid);
    return ERR_FIELD(err, ERR_ALREADY_EXISTS, "DEFAULT_EXISTS", "is_default",
                     "the schedule \"%s\" (%s) is the default already; set its isDefault to false "
                     "first",
                     name, sid);
}

static enum err_code check_taken(struct db_conn *conn, struct call *call,
                                 const struct schedule *schedule, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &schedule_claim_taken,
        DB_PARAMS(db_cstr(schedule->workspace_sid), db_cstr(schedule->sid),
                  db_texts(schedule->queue_sids, schedule->queue_count),
                  db_texts(schedule->lines, schedule->line_count), db_bool(schedule->is_default)),
        &result, err);
    if (code != ERR_OK || db_row_count(result) == 0)
        return code;
    return refuse_taken(result, err);
}

/* Of two who take the same at once, the later one learns of it here. */
static enum err_code explain(enum err_code code, const struct schedule *schedule, struct err *err)
{
    if (code != ERR_ALREADY_EXISTS)
        return code;
    if (db_err_is_constraint(err, "schedule_name"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "SCHEDULE_NAME_TAKEN", "name",
                         "a schedule named \"%s\" exists already; choose another name",
                         schedule->name);
    if (db_err_is_constraint(err, "schedule_default"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "DEFAULT_EXISTS", "is_default",
                         "another schedule has just become the default");
    if (db_err_is_constraint(err, "schedule_claim_pkey"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "HAS_HOURS", "task_queue_sids",
                         "another schedule has just taken one of the queues or phone numbers");
    return code;
}

static enum err_code claim(struct db_conn *conn, struct call *call, const struct schedule *schedule,
                           const char *kind, const struct str *values, size_t count,
                           struct err *err)
{
    if (count == 0)
        return ERR_OK;
    return db_query(conn, call, &schedule_claim_insert,
                    DB_PARAMS(db_cstr(schedule->workspace_sid), db_cstr(kind),
                              db_cstr(schedule->sid), db_texts(values, count)),
                    NULL, err);
}

static enum err_code claim_all(struct db_conn *conn, struct call *call,
                               const struct schedule *schedule, struct err *err)
{
    enum err_code code =
        claim(conn, call, schedule, QUEUE, schedule->queue_sids, schedule->queue_count, err);
    if (code == ERR_OK)
        code = claim(conn, call, schedule, LINE, schedule->lines, schedule->line_count, err);
    return explain(code, schedule, err);
}

/* ---- schedules ---- */

enum err_code schedule_store_insert(struct db_conn *conn, struct call *call,
                                    struct schedule *schedule, struct err *err)
{
    schedule->version = 1;
    schedule->created_at_us = clock_now_us();
    schedule->updated_at_us = schedule->created_at_us;
    enum err_code code = check_taken(conn, call, schedule, err);
    if (code != ERR_OK)
        return code;
    code = db_query(conn, call, &schedule_insert,
                    DB_PARAMS(db_cstr(schedule->sid), db_cstr(schedule->account_sid),
                              db_cstr(schedule->workspace_sid), db_cstr(schedule->name),
                              db_cstr(schedule->time_zone), db_json(schedule->hours),
                              db_bool(schedule->is_default), db_time_us(schedule->created_at_us)),
                    NULL, err);
    if (code != ERR_OK)
        return explain(code, schedule, err);
    return claim_all(conn, call, schedule, err);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *workspace_sid, const char *sid, struct schedule *out,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, stmt, DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "SCHEDULE_NOT_FOUND", "sid",
                         "there is no schedule %s in workspace %s", sid, workspace_sid);
    return from_row(call, result, 0, out, err);
}

enum err_code schedule_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                 const char *sid, struct schedule *out, struct err *err)
{
    return get_one(conn, call, &schedule_get, workspace_sid, sid, out, err);
}

enum err_code schedule_store_lock(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *sid, struct schedule *out,
                                  struct err *err)
{
    return get_one(conn, call, &schedule_get_for_update, workspace_sid, sid, out, err);
}

enum err_code schedule_store_list(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *after, size_t limit,
                                  struct schedule **out, size_t *out_count, bool *out_is_cut,
                                  struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &schedule_list,
        DB_PARAMS(db_cstr(workspace_sid), db_cstr(after), db_i64((int64_t)limit)), &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct schedule *items = ARENA_ARRAY(call->arena, struct schedule, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = from_row(call, result, (int)i, &items[i], err);
    *out = items;
    *out_count = count;
    *out_is_cut = count > 0 && db_get_i64(result, 0, COL_FOUND) > (int64_t)count;
    return code;
}

enum err_code schedule_store_find(struct db_conn *conn, struct call *call,
                                  const char *workspace_sid, const char *phone_number,
                                  const char *queue_sid, struct schedule *out, bool *out_found,
                                  struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &schedule_find,
        DB_PARAMS(db_cstr(workspace_sid), db_cstr(phone_number), db_cstr(queue_sid)), &result, err);
    if (code != ERR_OK)
        return code;
    *out_found = db_row_count(result) > 0;
    return *out_found ? from_row(call, result, 0, out, err) : ERR_OK;
}

enum err_code schedule_store_update(struct db_conn *conn, struct call *call,
                                    struct schedule *schedule, struct err *err)
{
    schedule->version++;
    schedule->updated_at_us = clock_now_us();
    enum err_code code = check_taken(conn, call, schedule, err);
    if (code != ERR_OK)
        return code;
    code = db_query(conn, call, &schedule_update,
                    DB_PARAMS(db_cstr(schedule->sid), db_cstr(schedule->name),
                              db_cstr(schedule->time_zone), db_json(schedule->hours),
                              db_bool(schedule->is_default), db_i64(schedule->version),
                              db_time_us(schedule->updated_at_us)),
                    NULL, err);
    if (code != ERR_OK)
        return explain(code, schedule, err);
    code =
        db_query(conn, call, &schedule_claim_delete, DB_PARAMS(db_cstr(schedule->sid)), NULL, err);
    return code == ERR_OK ? claim_all(conn, call, schedule, err) : code;
}

enum err_code schedule_store_delete(struct db_conn *conn, struct call *call, const char *sid,
                                    struct err *err)
{
    return db_query(conn, call, &schedule_delete, DB_PARAMS(db_cstr(sid)), NULL, err);
}

enum err_code schedule_store_delete_all(struct db_conn *conn, struct call *call,
                                        const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &schedule_delete_all, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
}

/* left has room for all. */
static void forget_queue(struct schedule *schedule, const char *queue_sid, struct str *left)
{
    size_t count = 0;
    for (size_t i = 0; i < schedule->queue_count; i++) {
        if (!str_eq_text(schedule->queue_sids[i], queue_sid))
            left[count++] = schedule->queue_sids[i];
    }
    schedule->queue_sids = left;
    schedule->queue_count = count;
}

enum err_code schedule_store_release_queue(struct db_conn *conn, struct call *call,
                                           const char *workspace_sid, const char *queue_sid,
                                           struct schedule *out, bool *out_found, struct err *err)
{
    struct db_result *result = NULL;
    *out_found = false;
    enum err_code code =
        db_query(conn, call, &schedule_of_queue,
                 DB_PARAMS(db_cstr(workspace_sid), db_cstr(queue_sid)), &result, err);
    if (code != ERR_OK || db_row_count(result) == 0)
        return code;
    code = schedule_store_lock(conn, call, workspace_sid, db_get_text(result, 0, 0), out, err);
    if (code == ERR_NOT_FOUND) { /* deleted meanwhile */
        err_clear(err);
        return ERR_OK;
    }
    if (code != ERR_OK)
        return code;
    struct str *left = ARENA_ARRAY(call->arena, struct str, out->queue_count);
    if (left == NULL)
        return call_no_room(err);
    forget_queue(out, queue_sid, left);
    *out_found = true;
    return schedule_store_update(conn, call, out, err);
}

/* ---- the workspace's zone ---- */

enum err_code workspace_zone_store_get(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, const char **out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &workspace_zone_get, DB_PARAMS(db_cstr(workspace_sid)), &result, err);
    if (code != ERR_OK)
        return code;
    bool is_known = db_row_count(result) > 0 && !db_is_null(result, 0, 0);
    *out = is_known ? db_get_text(result, 0, 0) : NULL;
    return ERR_OK;
}

enum err_code workspace_zone_store_put(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid, const char *time_zone,
                                       bool is_news, struct err *err)
{
    return db_query(conn, call, &workspace_zone_put,
                    DB_PARAMS(db_cstr(workspace_sid), db_cstr(time_zone), db_bool(is_news)), NULL,
                    err);
}
