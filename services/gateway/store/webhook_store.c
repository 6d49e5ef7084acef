#include "webhook_store.h"

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

struct claim {
    size_t max_lanes;
    size_t max_rows;
    int64_t lease_us;
    struct webhook_lane *lanes;
    size_t lane_count;
    struct webhook_due *rows;
    size_t row_count;
};

static enum err_code claim_lanes(struct db_conn *conn, struct call *call, struct claim *claim,
                                 struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &webhook_claim,
        DB_PARAMS(db_i64((int64_t)claim->max_lanes), db_i64(claim->lease_us)), &result, err);
    if (code != ERR_OK)
        return code;
    claim->lane_count = (size_t)db_row_count(result);
    claim->lanes = ARENA_ARRAY(call->arena, struct webhook_lane, claim->lane_count);
    if (claim->lanes == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < claim->lane_count; i++)
        claim->lanes[i] = (struct webhook_lane){
            .lane = db_get_text(result, (int)i, 0),
            .generation = db_get_i64(result, (int)i, 1),
            .failures = db_get_i64(result, (int)i, 2),
        };
    return ERR_OK;
}

static enum err_code claim_rows(struct db_conn *conn, struct call *call, struct claim *claim,
                                struct err *err)
{
    struct db_result *result = NULL;
    struct str *names = ARENA_ARRAY(call->arena, struct str, claim->lane_count);
    if (names == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < claim->lane_count; i++)
        names[i] = str_from(claim->lanes[i].lane);
    enum err_code code =
        db_query(conn, call, &webhook_of_lanes,
                 DB_PARAMS(db_texts(names, claim->lane_count), db_i64((int64_t)claim->max_rows)),
                 &result, err);
    if (code != ERR_OK)
        return code;
    claim->row_count = (size_t)db_row_count(result);
    claim->rows = ARENA_ARRAY(call->arena, struct webhook_due, claim->row_count);
    if (claim->rows == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < claim->row_count; i++)
        claim->rows[i] = (struct webhook_due){
            .lane = db_get_text(result, (int)i, 0),
            .sid = db_get_text(result, (int)i, 1),
            .parameters = db_get_str(result, (int)i, 2),
            .received_at_us = db_get_time_us(result, (int)i, 3),
            .attempts = db_get_i64(result, (int)i, 4),
            .kind = webhook_kind_from(db_get_str(result, (int)i, 5)),
        };
    return ERR_OK;
}

static enum err_code claim_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct claim *claim = ctx;
    claim->row_count = 0;
    enum err_code code = db_query(conn, call, &webhook_relax, DB_NO_PARAMS, NULL, err);
    if (code == ERR_OK)
        code = claim_lanes(conn, call, claim, err);
    return code == ERR_OK && claim->lane_count > 0 ? claim_rows(conn, call, claim, err) : code;
}

enum err_code webhook_store_claim(struct db_pool *pool, struct call *call, size_t max_lanes,
                                  size_t max_rows, int64_t lease_us,
                                  struct webhook_lane **out_lanes, size_t *out_lane_count,
                                  struct webhook_due **out_rows, size_t *out_row_count,
                                  struct err *err)
{
    struct claim claim = {.max_lanes = max_lanes, .max_rows = max_rows, .lease_us = lease_us};
    enum err_code code = db_tx_run(pool, call, claim_tx, &claim, err);
    *out_lanes = claim.lanes;
    *out_lane_count = claim.lane_count;
    *out_rows = claim.rows;
    *out_row_count = claim.row_count;
    return code;
}

/* ---- end ---- */

struct ending {
    const struct webhook_end *ends;
    size_t count;
    const struct webhook_lane *lanes;
    size_t lane_count;
};

static enum err_code end_rows(struct db_conn *conn, struct call *call, const struct ending *ending,
                              struct err *err)
{
    size_t count = ending->count;
    struct str *texts = ARENA_ARRAY(call->arena, struct str, 4 * count);
    int64_t *attempts = ARENA_ARRAY(call->arena, int64_t, count);
    if (texts == NULL || attempts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        const struct webhook_end *end = &ending->ends[i];
        texts[i] = str_from(end->sid);
        texts[count + i] = str_from(webhook_state_name(end->state));
        texts[2 * count + i] = str_from(end->outcome);
        texts[3 * count + i] = str_from(end->detail);
        attempts[i] = end->attempts;
    }
    return db_query(conn, call, &webhook_end,
                    DB_PARAMS(db_texts(texts, count), db_texts(texts + count, count),
                              db_i64s(attempts, count), db_texts(texts + 2 * count, count),
                              db_texts(texts + 3 * count, count)),
                    NULL, err);
}

static enum err_code release_lanes(struct db_conn *conn, struct call *call,
                                   const struct ending *ending, struct err *err)
{
    size_t count = ending->lane_count;
    struct str *names = ARENA_ARRAY(call->arena, struct str, count);
    int64_t *numbers = ARENA_ARRAY(call->arena, int64_t, 3 * count);
    if (names == NULL || numbers == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        names[i] = str_from(ending->lanes[i].lane);
        numbers[i] = ending->lanes[i].rest_us;
        numbers[count + i] = ending->lanes[i].failures;
        numbers[2 * count + i] = ending->lanes[i].generation;
    }
    enum err_code code = db_query(
        conn, call, &webhook_lane_release,
        DB_PARAMS(db_texts(names, count), db_i64s(numbers, count), db_i64s(numbers + count, count)),
        NULL, err);
    return code == ERR_OK
               ? db_query(conn, call, &webhook_lane_drop,
                          DB_PARAMS(db_texts(names, count), db_i64s(numbers + 2 * count, count)),
                          NULL, err)
               : code;
}

static enum err_code end_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct ending *ending = ctx;
    enum err_code code = db_query(conn, call, &webhook_relax, DB_NO_PARAMS, NULL, err);
    if (code == ERR_OK && ending->count > 0)
        code = end_rows(conn, call, ending, err);
    return code == ERR_OK ? release_lanes(conn, call, ending, err) : code;
}

enum err_code webhook_store_end(struct db_pool *pool, struct call *call,
                                const struct webhook_end *ends, size_t count,
                                const struct webhook_lane *lanes, size_t lane_count,
                                struct err *err)
{
    struct ending ending = {ends, count, lanes, lane_count};
    return db_tx_run(pool, call, end_tx, &ending, err);
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
