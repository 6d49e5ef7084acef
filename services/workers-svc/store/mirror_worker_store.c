/* The workers and channels of mirror_store.h. */
#include "mirror_store.h"
#include "mirror_worker_store_sql.h"

/* ---- workers ---- */

enum worker_column {
    WK_SID,
    WK_ACCOUNT_SID,
    WK_WORKSPACE_SID,
    WK_FRIENDLY_NAME,
    WK_ATTRIBUTES,
    WK_ACTIVITY_SID,
    WK_ACTIVITY_NAME,
    WK_AVAILABLE,
    WK_USER_SID,
    WK_VERSION,
    WK_CREATED_AT,
    WK_STATUS_CHANGED_AT,
    WK_UPDATED_AT,
    WK_IS_VANISHED,
    WK_OBSERVED_AT,
    WK_NAME_KEY,
    WK_WANTED_KEY,
    WK_HOLDER_SID,
    WK_NEW_ACTIVITY_NAME,
    WK_NEW_ACTIVITY_AVAILABLE,
    WK_HAS_ACTIVITY,
    WK_ACTIVITY_VANISHED,
    WK_ATTRIBUTES_STORABLE,
};

static struct worker worker_from_row(const struct db_result *result, int row)
{
    return (struct worker){
        .sid = db_get_text(result, row, WK_SID),
        .account_sid = db_get_text(result, row, WK_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, WK_WORKSPACE_SID),
        .friendly_name = db_get_text(result, row, WK_FRIENDLY_NAME),
        .attributes = db_get_text(result, row, WK_ATTRIBUTES),
        .activity_sid = db_get_text(result, row, WK_ACTIVITY_SID),
        .activity_name = db_get_text(result, row, WK_ACTIVITY_NAME),
        .available = db_get_bool(result, row, WK_AVAILABLE),
        .user_sid = db_get_text(result, row, WK_USER_SID),
        .version = db_get_i64(result, row, WK_VERSION),
        .created_at_us = db_get_time_us(result, row, WK_CREATED_AT),
        .status_changed_at_us = db_get_time_us(result, row, WK_STATUS_CHANGED_AT),
        .updated_at_us = db_get_time_us(result, row, WK_UPDATED_AT),
    };
}

static struct mirror_worker_found found_from_row(const struct db_result *result, int row)
{
    return (struct mirror_worker_found){
        .base =
            {
                   .exists = !db_is_null(result, row, WK_SID),
                   .is_vanished = db_get_bool(result, row, WK_IS_VANISHED),
                   .observed_at_us = db_get_time_us(result, row, WK_OBSERVED_AT),
                   .name_key = db_get_text(result, row, WK_NAME_KEY),
                   .wanted_key = db_get_text(result, row, WK_WANTED_KEY),
                   .holder_sid = db_get_text(result, row, WK_HOLDER_SID),
                   },
        .row = worker_from_row(result, row),
        .activity_name = db_get_text(result, row, WK_NEW_ACTIVITY_NAME),
        .activity_available = db_get_bool(result, row, WK_NEW_ACTIVITY_AVAILABLE),
        .has_activity = db_get_bool(result, row, WK_HAS_ACTIVITY),
        .activity_vanished = db_get_bool(result, row, WK_ACTIVITY_VANISHED),
        .attributes_storable = db_get_bool(result, row, WK_ATTRIBUTES_STORABLE),
    };
}

enum err_code mirror_worker_store_find(struct db_conn *conn, struct call *call,
                                       const char *workspace_sid,
                                       const struct worker *const *wanted, size_t count,
                                       struct mirror_worker_found **out_found, struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    struct str *names = ARENA_ARRAY(call->arena, struct str, count);
    struct str *attributes = ARENA_ARRAY(call->arena, struct str, count);
    struct str *activities = ARENA_ARRAY(call->arena, struct str, count);
    struct mirror_worker_found *found = ARENA_ARRAY(call->arena, struct mirror_worker_found, count);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        sids[i] = str_from(wanted[i]->sid);
        names[i] = str_from(wanted[i]->friendly_name);
        attributes[i] = str_from(wanted[i]->attributes);
        activities[i] = str_from(wanted[i]->activity_sid);
    }
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &mirror_worker_find,
                 DB_PARAMS(db_cstr(workspace_sid), db_texts(sids, count), db_texts(names, count),
                           db_texts(attributes, count), db_texts(activities, count)),
                 &result, err);
    if (code != ERR_OK)
        return code;
    INVARIANT((size_t)db_row_count(result) == count);
    for (size_t i = 0; i < count; i++)
        found[i] = found_from_row(result, (int)i);
    *out_found = found;
    return ERR_OK;
}

enum err_code mirror_worker_store_park(struct db_conn *conn, struct call *call,
                                       const struct str *sids, size_t count, struct err *err)
{
    return db_query(conn, call, &mirror_worker_park, DB_PARAMS(db_texts(sids, count)), NULL, err);
}

/* Columns of many workers. */
struct worker_columns {
    struct str *texts[4]; /* SID, name, attributes, activity */
    int64_t *numbers[4];  /* version, dates: created, status changed, updated */
};

static bool worker_columns_fill(struct arena *arena, const struct worker *const *items,
                                size_t count, struct worker_columns *out)
{
    for (size_t i = 0; i < ARRAY_LEN(out->texts); i++) {
        out->texts[i] = ARENA_ARRAY(arena, struct str, count);
        out->numbers[i] = ARENA_ARRAY(arena, int64_t, count);
    }
    for (size_t i = 0; i < count && !arena_is_exhausted(arena); i++) {
        out->texts[0][i] = str_from(items[i]->sid);
        out->texts[1][i] = str_from(items[i]->friendly_name);
        out->texts[2][i] = str_from(items[i]->attributes);
        out->texts[3][i] = str_from(items[i]->activity_sid);
        out->numbers[0][i] = items[i]->version;
        out->numbers[1][i] = items[i]->created_at_us;
        out->numbers[2][i] = items[i]->status_changed_at_us;
        out->numbers[3][i] = items[i]->updated_at_us;
    }
    return !arena_is_exhausted(arena);
}

enum err_code mirror_worker_store_put(struct db_conn *conn, struct call *call,
                                      const struct worker *const *items, size_t count,
                                      int64_t observed_at_us, struct err *err)
{
    struct worker_columns columns;
    if (!worker_columns_fill(call->arena, items, count, &columns))
        return call_no_room(err);
    return db_query(conn, call, &mirror_worker_put,
                    DB_PARAMS(db_cstr(items[0]->account_sid), db_cstr(items[0]->workspace_sid),
                              db_texts(columns.texts[0], count), db_texts(columns.texts[1], count),
                              db_texts(columns.texts[2], count), db_texts(columns.texts[3], count),
                              db_i64s(columns.numbers[0], count),
                              db_times_us(columns.numbers[1], count),
                              db_times_us(columns.numbers[2], count),
                              db_times_us(columns.numbers[3], count), db_time_us(observed_at_us)),
                    NULL, err);
}

enum err_code mirror_worker_store_vanish(struct db_conn *conn, struct call *call,
                                         const struct str *sids, size_t count,
                                         int64_t observed_at_us, struct err *err)
{
    return db_query(conn, call, &mirror_worker_vanish,
                    DB_PARAMS(db_texts(sids, count), db_time_us(observed_at_us)), NULL, err);
}

enum err_code mirror_worker_store_touch(struct db_conn *conn, struct call *call,
                                        const struct str *sids, size_t count, struct err *err)
{
    return db_query(conn, call, &mirror_worker_touch, DB_PARAMS(db_texts(sids, count)), NULL, err);
}

/* ---- channels ---- */

enum channel_column {
    WC_HAS_WORKER,
    WC_HAS_TASK_CHANNEL,
    WC_UNIQUE_NAME,
    WC_EXISTS,
    WC_SID,
    WC_CAPACITY,
    WC_AVAILABLE,
    WC_VERSION,
    WC_CREATED_AT,
    WC_UPDATED_AT,
    WC_OBSERVED_AT,
};

static struct mirror_channel_found channel_from_row(const struct db_result *result, int row,
                                                    const struct worker_channel *wanted)
{
    return (struct mirror_channel_found){
        .has_worker = db_get_bool(result, row, WC_HAS_WORKER),
        .has_task_channel = db_get_bool(result, row, WC_HAS_TASK_CHANNEL),
        .exists = db_get_bool(result, row, WC_EXISTS),
        .observed_at_us = db_get_time_us(result, row, WC_OBSERVED_AT),
        .row =
            {
                  .sid = db_get_text(result, row, WC_SID),
                  .account_sid = wanted->account_sid,
                  .workspace_sid = wanted->workspace_sid,
                  .worker_sid = wanted->worker_sid,
                  .task_channel_sid = wanted->task_channel_sid,
                  .task_channel_unique_name = db_get_text(result, row, WC_UNIQUE_NAME),
                  .configured_capacity = (int32_t)db_get_i64(result, row, WC_CAPACITY),
                  .available = db_get_bool(result, row, WC_AVAILABLE),
                  .version = db_get_i64(result, row, WC_VERSION),
                  .created_at_us = db_get_time_us(result, row, WC_CREATED_AT),
                  .updated_at_us = db_get_time_us(result, row, WC_UPDATED_AT),
                  },
    };
}

enum err_code mirror_channel_store_find(struct db_conn *conn, struct call *call,
                                        const char *workspace_sid,
                                        const struct worker_channel *const *wanted, size_t count,
                                        struct mirror_channel_found **out_found, struct err *err)
{
    struct str *workers = ARENA_ARRAY(call->arena, struct str, count);
    struct str *channels = ARENA_ARRAY(call->arena, struct str, count);
    struct mirror_channel_found *found =
        ARENA_ARRAY(call->arena, struct mirror_channel_found, count);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        workers[i] = str_from(wanted[i]->worker_sid);
        channels[i] = str_from(wanted[i]->task_channel_sid);
    }
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &mirror_channel_find,
        DB_PARAMS(db_cstr(workspace_sid), db_texts(workers, count), db_texts(channels, count)),
        &result, err);
    if (code != ERR_OK)
        return code;
    INVARIANT((size_t)db_row_count(result) == count);
    for (size_t i = 0; i < count; i++)
        found[i] = channel_from_row(result, (int)i, wanted[i]);
    *out_found = found;
    return ERR_OK;
}

/* Columns of many channels. */
struct channel_columns {
    struct str *texts[3]; /* SID, worker, task channel */
    int64_t *numbers[4];  /* capacity, version, dates: created, updated */
    bool *available;
};

static bool channel_columns_fill(struct arena *arena, const struct worker_channel *const *items,
                                 size_t count, struct channel_columns *out)
{
    for (size_t i = 0; i < ARRAY_LEN(out->texts); i++)
        out->texts[i] = ARENA_ARRAY(arena, struct str, count);
    for (size_t i = 0; i < ARRAY_LEN(out->numbers); i++)
        out->numbers[i] = ARENA_ARRAY(arena, int64_t, count);
    out->available = ARENA_ARRAY(arena, bool, count);
    for (size_t i = 0; i < count && !arena_is_exhausted(arena); i++) {
        out->texts[0][i] = str_from(items[i]->sid);
        out->texts[1][i] = str_from(items[i]->worker_sid);
        out->texts[2][i] = str_from(items[i]->task_channel_sid);
        out->numbers[0][i] = items[i]->configured_capacity;
        out->numbers[1][i] = items[i]->version;
        out->numbers[2][i] = items[i]->created_at_us;
        out->numbers[3][i] = items[i]->updated_at_us;
        out->available[i] = items[i]->available;
    }
    return !arena_is_exhausted(arena);
}

enum err_code mirror_channel_store_put(struct db_conn *conn, struct call *call,
                                       const struct worker_channel *const *items, size_t count,
                                       int64_t observed_at_us, struct err *err)
{
    struct channel_columns columns;
    if (!channel_columns_fill(call->arena, items, count, &columns))
        return call_no_room(err);
    return db_query(conn, call, &mirror_channel_put,
                    DB_PARAMS(db_texts(columns.texts[0], count), db_texts(columns.texts[1], count),
                              db_texts(columns.texts[2], count), db_i64s(columns.numbers[0], count),
                              db_bools(columns.available, count),
                              db_i64s(columns.numbers[1], count),
                              db_times_us(columns.numbers[2], count),
                              db_times_us(columns.numbers[3], count), db_time_us(observed_at_us)),
                    NULL, err);
}
