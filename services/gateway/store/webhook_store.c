#include "webhook_store.h"

#include <string.h>

#include "webhook_store_sql.h"

/* ---- insert ---- */

enum new_text {
    NEW_SID,
    NEW_KIND,
    NEW_KEY,
    NEW_LANE,
    NEW_STATE,
    NEW_ACCOUNT_SID,
    NEW_WORKSPACE_SID,
    NEW_EVENT_TYPE,
    NEW_PARAMETERS,
    NEW_ANSWER_TYPE,
    NEW_ANSWER,
    NEW_TEXT_COUNT,
};

static void new_texts(const struct webhook_new *row, struct str out[NEW_TEXT_COUNT])
{
    enum webhook_state state =
        row->facts.lane[0] != '\0' ? WEBHOOK_STATE_WAITING : WEBHOOK_STATE_KEPT;
    out[NEW_SID] = str_from(row->sid);
    out[NEW_KIND] = str_from(webhook_kind_name(row->kind));
    out[NEW_KEY] = str_from(row->facts.key);
    out[NEW_LANE] = str_from(row->facts.lane);
    out[NEW_STATE] = str_from(webhook_state_name(state));
    out[NEW_ACCOUNT_SID] = row->facts.account_sid;
    out[NEW_WORKSPACE_SID] = row->facts.workspace_sid;
    out[NEW_EVENT_TYPE] = row->facts.event_type;
    out[NEW_PARAMETERS] = row->parameters;
    out[NEW_ANSWER_TYPE] = str_from(row->answer.type);
    out[NEW_ANSWER] = row->answer.body.ptr == NULL ? STR("") : row->answer.body;
}

static void repeats_note(struct webhook_new *const *rows, const struct db_result *result)
{
    for (int i = 0; i < db_row_count(result); i++) {
        struct webhook_new *row = rows[db_get_i64(result, i, 0) - 1];
        row->is_repeat = true;
        if (!db_get_bool(result, i, 1)) /* came at the same moment: the answer is as ours */
            continue;
        row->answer = (struct webhook_answer){
            .status = db_get_i64(result, i, 2),
            .type = db_get_text(result, i, 3),
            .body = db_get_str(result, i, 4),
        };
    }
}

enum err_code webhook_store_insert(struct db_pool *pool, struct call *call,
                                   struct webhook_new *const *rows, size_t count, struct err *err)
{
    struct str *texts = ARENA_ARRAY(call->arena, struct str, count * NEW_TEXT_COUNT);
    int64_t *occurred = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *received = ARENA_ARRAY(call->arena, int64_t, count);
    int64_t *statuses = ARENA_ARRAY(call->arena, int64_t, count);
    struct db_result *result = NULL;
    if (texts == NULL || occurred == NULL || received == NULL || statuses == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        struct str mine[NEW_TEXT_COUNT];
        int64_t at_us = rows[i]->facts.occurred_at_us;
        new_texts(rows[i], mine);
        for (size_t t = 0; t < NEW_TEXT_COUNT; t++)
            texts[t * count + i] = mine[t];
        occurred[i] = at_us != 0 ? at_us : rows[i]->received_at_us;
        received[i] = rows[i]->received_at_us;
        statuses[i] = rows[i]->answer.status;
    }
#define COLUMN(name) db_texts(texts + NEW_##name * count, count)
    enum err_code code = db_pool_query(
        pool, call, &webhook_insert,
        DB_PARAMS(COLUMN(SID), COLUMN(KIND), COLUMN(KEY), COLUMN(LANE), COLUMN(STATE),
                  COLUMN(ACCOUNT_SID), COLUMN(WORKSPACE_SID), COLUMN(EVENT_TYPE),
                  COLUMN(PARAMETERS), db_times_us(occurred, count), db_times_us(received, count),
                  db_i64s(statuses, count), COLUMN(ANSWER_TYPE), COLUMN(ANSWER)),
        &result, err);
#undef COLUMN
    if (code == ERR_OK)
        repeats_note(rows, result);
    return code;
}

enum err_code webhook_store_answer(struct db_pool *pool, struct call *call, enum webhook_kind kind,
                                   const char *key, struct webhook_answer *out, bool *out_found,
                                   struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &webhook_answered,
                      DB_PARAMS(db_cstr(webhook_kind_name(kind)), db_cstr(key)), &result, err);
    if (code != ERR_OK)
        return code;
    *out_found = db_row_count(result) > 0;
    if (*out_found)
        *out = (struct webhook_answer){
            .status = db_get_i64(result, 0, 0),
            .type = db_get_text(result, 0, 1),
            .body = db_get_str(result, 0, 2),
        };
    return ERR_OK;
}

/* ---- claim ---- */

/* Rows of the result are by lane; of a lane without rows there is one, without a SID. */
static void claim_read(const struct db_result *result, struct webhook_claim *out)
{
    for (int i = 0; i < db_row_count(result); i++) {
        const char *lane = db_get_text(result, i, 0);
        if (out->lane_count == 0 || strcmp(out->lanes[out->lane_count - 1].lane, lane) != 0)
            out->lanes[out->lane_count++] = (struct webhook_lane){
                .lane = lane,
                .generation = db_get_i64(result, i, 1),
                .failures = db_get_i64(result, i, 2),
            };
        if (db_is_null(result, i, 3))
            continue;
        out->rows[out->row_count++] = (struct webhook_due){
            .lane = &out->lanes[out->lane_count - 1],
            .sid = db_get_text(result, i, 3),
            .parameters = db_get_str(result, i, 4),
            .received_at_us = db_get_time_us(result, i, 5),
            .attempts = db_get_i64(result, i, 6),
            .kind = webhook_kind_from(db_get_str(result, i, 7)),
        };
    }
}

enum err_code webhook_store_claim(struct db_pool *pool, struct call *call,
                                  const struct webhook_limits *limits, struct webhook_claim *out,
                                  struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &webhook_claim,
                      DB_PARAMS(db_i64((int64_t)limits->lanes), db_i64((int64_t)limits->rows),
                                db_i64(limits->lease_us), db_i64((int64_t)limits->bytes)),
                      &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    *out = (struct webhook_claim){
        .lanes = ARENA_ARRAY(call->arena, struct webhook_lane, count),
        .rows = ARENA_ARRAY(call->arena, struct webhook_due, count),
    };
    if (out->lanes == NULL || out->rows == NULL)
        return call_no_room(err);
    claim_read(result, out);
    return ERR_OK;
}

/* ---- end ---- */

struct end_columns {
    struct str *texts; /* SIDs, states, outcomes, details */
    int64_t *attempts;
    struct str *lanes;
    int64_t *numbers; /* generations, rests, failures */
};

static bool end_columns_fill(struct arena *arena, const struct webhook_end *ends, size_t count,
                             const struct webhook_lane *lanes, size_t lane_count,
                             struct end_columns *out)
{
    *out = (struct end_columns){
        .texts = ARENA_ARRAY(arena, struct str, 4 * count),
        .attempts = ARENA_ARRAY(arena, int64_t, count),
        .lanes = ARENA_ARRAY(arena, struct str, lane_count),
        .numbers = ARENA_ARRAY(arena, int64_t, 3 * lane_count),
    };
    if (arena_is_exhausted(arena))
        return false;
    for (size_t i = 0; i < count; i++) {
        out->texts[i] = str_from(ends[i].sid);
        out->texts[count + i] = str_from(webhook_state_name(ends[i].state));
        out->texts[2 * count + i] = str_from(ends[i].outcome);
        out->texts[3 * count + i] = str_from(ends[i].detail);
        out->attempts[i] = ends[i].attempts;
    }
    for (size_t i = 0; i < lane_count; i++) {
        out->lanes[i] = str_from(lanes[i].lane);
        out->numbers[i] = lanes[i].generation;
        out->numbers[lane_count + i] = lanes[i].rest_us;
        out->numbers[2 * lane_count + i] = lanes[i].failures;
    }
    return true;
}

enum err_code webhook_store_end(struct db_pool *pool, struct call *call,
                                const struct webhook_end *ends, size_t count,
                                const struct webhook_lane *lanes, size_t lane_count,
                                struct err *err)
{
    struct end_columns columns;
    if (!end_columns_fill(call->arena, ends, count, lanes, lane_count, &columns))
        return call_no_room(err);
#define TEXTS(n)   db_texts(columns.texts + (n)*count, count)
#define NUMBERS(n) db_i64s(columns.numbers + (n)*lane_count, lane_count)
    enum err_code code = db_pool_query(
        pool, call, &webhook_end,
        DB_PARAMS(TEXTS(0), TEXTS(1), db_i64s(columns.attempts, count), TEXTS(2), TEXTS(3),
                  db_texts(columns.lanes, lane_count), NUMBERS(0), NUMBERS(1), NUMBERS(2)),
        NULL, err);
#undef TEXTS
#undef NUMBERS
    return code;
}

/* ---- for people ---- */

static struct webhook_row from_row(const struct db_result *result, int row)
{
    int column = 0;
    struct webhook_row out = {.sid = db_get_text(result, row, column++)};
    out.kind = webhook_kind_from(db_get_str(result, row, column++));
    out.state = webhook_state_from(db_get_str(result, row, column++));
    out.account_sid = db_get_text(result, row, column++);
    out.workspace_sid = db_get_text(result, row, column++);
    out.event_type = db_get_text(result, row, column++);
    out.lane = db_get_text(result, row, column++);
    out.parameters = db_get_str(result, row, column++);
    out.occurred_at_us = db_get_time_us(result, row, column++);
    out.received_at_us = db_get_time_us(result, row, column++);
    out.ended_at_us = db_get_time_us(result, row, column++);
    out.attempts = db_get_i64(result, row, column++);
    out.outcome = db_get_text(result, row, column++);
    out.detail = db_get_text(result, row, column);
    return out;
}

enum err_code webhook_store_get(struct db_pool *pool, struct call *call, const char *sid,
                                struct webhook_row *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &webhook_get, DB_PARAMS(db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WEBHOOK_NOT_FOUND", "sid", "there is no webhook %s",
                         sid);
    *out = from_row(result, 0);
    return ERR_OK;
}

enum err_code webhook_store_list(struct db_pool *pool, struct call *call, const char *before,
                                 enum webhook_state state, enum webhook_kind kind, size_t limit,
                                 struct webhook_row **out, size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(
        pool, call, &webhook_list,
        DB_PARAMS(db_cstr(before), db_text_or_null(str_from(webhook_state_name(state))),
                  db_text_or_null(str_from(webhook_kind_name(kind))), db_i64((int64_t)limit)),
        &result, err);
    if (code != ERR_OK)
        return code;
    *out_count = (size_t)db_row_count(result);
    *out = ARENA_ARRAY(call->arena, struct webhook_row, *out_count);
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < *out_count; i++)
        (*out)[i] = from_row(result, (int)i);
    return ERR_OK;
}

enum err_code webhook_store_replay(struct db_pool *pool, struct call *call, const char *sid,
                                   bool *out_done, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &webhook_replay, DB_PARAMS(db_cstr(sid)), &result, err);
    *out_done = code == ERR_OK && db_affected(result) > 0;
    return code;
}

enum err_code webhook_store_replay_all(struct db_pool *pool, struct call *call, size_t limit,
                                       int64_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &webhook_replay_all,
                                       DB_PARAMS(db_i64((int64_t)limit)), &result, err);
    if (code == ERR_OK)
        *out_count = db_get_i64(result, 0, 0);
    return code;
}

enum err_code webhook_store_counts(struct db_pool *pool, struct call *call,
                                   struct webhook_counts *out, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &webhook_counts, DB_NO_PARAMS, &result, err);
    if (code != ERR_OK)
        return code;
    *out = (struct webhook_counts){
        .waiting = db_get_i64(result, 0, 0),
        .dead = db_get_i64(result, 0, 1),
        .oldest_us = db_get_time_us(result, 0, 2),
        .newest_us = db_get_time_us(result, 0, 3),
    };
    return ERR_OK;
}

enum err_code webhook_store_prune(struct db_pool *pool, struct call *call, enum webhook_state state,
                                  int64_t before_us, size_t limit, int64_t *out_removed,
                                  struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_pool_query(pool, call, &webhook_prune,
                                       DB_PARAMS(db_cstr(webhook_state_name(state)),
                                                 db_time_us(before_us), db_i64((int64_t)limit)),
                                       &result, err);
    *out_removed = code == ERR_OK ? db_affected(result) : 0;
    return code;
}
