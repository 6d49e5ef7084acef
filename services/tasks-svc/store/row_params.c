#include "row_params.h"

#include <string.h>

#include "base/macros.h"

/* Rows of one table as columns. One allocation per column. */

static struct str sid_text(const struct sid *sid)
{
    return str_from(sid->text);
}

bool param_columns(struct arena *arena, size_t rows, struct str **texts, size_t text_count,
                   int64_t **numbers, size_t number_count)
{
    for (size_t c = 0; c < text_count; c++)
        texts[c] = ARENA_ARRAY(arena, struct str, rows);
    for (size_t c = 0; c < number_count; c++)
        numbers[c] = ARENA_ARRAY(arena, int64_t, rows);
    return !arena_is_exhausted(arena);
}

/* ---- tasks ---- */

enum task_text {
    TASK_T_SID,
    TASK_T_ACCOUNT,
    TASK_T_WORKSPACE,
    TASK_T_STATE,
    TASK_T_ATTRIBUTES,
    TASK_T_REASON,
    TASK_T_QUEUE,
    TASK_T_CHANNEL,
    TASK_T_WORKFLOW,
    TASK_T_TARGET,
    TASK_T_WORKER,
    TASK_T_CALL,
    TASK_T_REDRIVE,
    TASK_T_COUNT,
};

enum task_number {
    TASK_N_VERSION,
    TASK_N_PRIORITY,
    TASK_N_TIMEOUT,
    TASK_N_CREATED,
    TASK_N_UPDATED,
    TASK_N_VIRTUAL,
    TASK_N_ENTERED,
    TASK_N_ASSIGNED,
    TASK_N_ENDED,
    TASK_N_DOCUMENT,
    TASK_N_FILTER,
    TASK_N_TARGET,
    TASK_N_BASE,
    TASK_N_DEADLINE,
    TASK_N_ASSIGNMENTS,
    TASK_N_SEQUENCE,
    TASK_N_COUNT,
};

static struct str redrive_name(enum task_redrive redrive)
{
    switch (redrive) {
    case REDRIVE_NONE:
        break;
    case REDRIVE_ATTRIBUTES:
        return STR("attributes");
    case REDRIVE_DOCUMENT:
        return STR("document");
    }
    return STR("none");
}

/* What no update changes is null there: the columns are empty to begin with. */
static void put_new_task(const struct task_row *row, size_t i, struct str **texts,
                         int64_t **numbers)
{
    texts[TASK_T_ACCOUNT][i] = sid_text(&row->account_sid);
    texts[TASK_T_WORKSPACE][i] = sid_text(&row->workspace_sid);
    texts[TASK_T_WORKFLOW][i] = sid_text(&row->workflow_sid);
    texts[TASK_T_TARGET][i] = sid_text(&row->routing_target);
    texts[TASK_T_CALL][i] = row->call_id.ptr == NULL ? STR("") : row->call_id;
    numbers[TASK_N_CREATED][i] = row->created_at_us;
}

static void put_task(const struct task_row *row, size_t i, struct str **texts, int64_t **numbers)
{
    texts[TASK_T_SID][i] = sid_text(&row->sid);
    texts[TASK_T_STATE][i] = str_from(task_state_name(row->state));
    texts[TASK_T_ATTRIBUTES][i] = row->attributes.len == 0 ? STR("{}") : row->attributes;
    texts[TASK_T_REASON][i] = row->reason.ptr == NULL ? STR("") : row->reason;
    texts[TASK_T_QUEUE][i] = sid_text(&row->queue_sid);
    texts[TASK_T_CHANNEL][i] = sid_text(&row->channel_sid);
    texts[TASK_T_WORKER][i] = sid_text(&row->worker_sid);
    texts[TASK_T_REDRIVE][i] = redrive_name(row->redrive);
    numbers[TASK_N_VERSION][i] = row->version;
    numbers[TASK_N_PRIORITY][i] = row->priority;
    numbers[TASK_N_TIMEOUT][i] = row->timeout_s;
    numbers[TASK_N_UPDATED][i] = row->updated_at_us;
    numbers[TASK_N_VIRTUAL][i] = row->virtual_start_us;
    numbers[TASK_N_ENTERED][i] = row->queue_entered_at_us;
    numbers[TASK_N_ASSIGNED][i] = row->assigned_at_us;
    numbers[TASK_N_ENDED][i] = row->ended_at_us;
    numbers[TASK_N_DOCUMENT][i] = row->workflow_version;
    numbers[TASK_N_FILTER][i] = row->filter_index;
    numbers[TASK_N_TARGET][i] = row->target_index;
    numbers[TASK_N_BASE][i] = row->filter_base_us;
    numbers[TASK_N_DEADLINE][i] = row->step_deadline_us == INT64_MAX ? 0 : row->step_deadline_us;
    numbers[TASK_N_ASSIGNMENTS][i] = row->assignment_count;
    numbers[TASK_N_SEQUENCE][i] = row->sequence;
}

bool task_params(struct arena *arena, const struct task_row *const *rows, size_t n, bool is_new,
                 struct db_param out[TASK_PARAM_COUNT])
{
    struct str *t[TASK_T_COUNT];
    int64_t *v[TASK_N_COUNT];
    bool *ignore = ARENA_ARRAY(arena, bool, n);
    if (!param_columns(arena, n, t, TASK_T_COUNT, v, TASK_N_COUNT))
        return false;
    for (size_t i = 0; i < n; i++) {
        ignore[i] = rows[i]->ignore_capacity;
        if (is_new)
            put_new_task(rows[i], i, t, v);
        put_task(rows[i], i, t, v);
    }
    /* As in the type batch_task. */
    const struct db_param fields[TASK_PARAM_COUNT] = {
        db_texts(t[TASK_T_SID], n),
        db_texts(t[TASK_T_ACCOUNT], n),
        db_texts(t[TASK_T_WORKSPACE], n),
        db_texts(t[TASK_T_STATE], n),
        db_i64s(v[TASK_N_VERSION], n),
        db_texts(t[TASK_T_ATTRIBUTES], n),
        db_i64s(v[TASK_N_PRIORITY], n),
        db_texts(t[TASK_T_REASON], n),
        db_i64s(v[TASK_N_TIMEOUT], n),
        db_texts(t[TASK_T_QUEUE], n),
        db_texts(t[TASK_T_CHANNEL], n),
        db_texts(t[TASK_T_WORKFLOW], n),
        db_bools(ignore, n),
        db_texts(t[TASK_T_TARGET], n),
        db_texts(t[TASK_T_WORKER], n),
        db_texts(t[TASK_T_CALL], n),
        db_times_us(v[TASK_N_CREATED], n),
        db_times_us(v[TASK_N_UPDATED], n),
        db_times_us(v[TASK_N_VIRTUAL], n),
        db_times_us(v[TASK_N_ENTERED], n),
        db_times_us(v[TASK_N_ASSIGNED], n),
        db_times_us(v[TASK_N_ENDED], n),
        db_i64s(v[TASK_N_DOCUMENT], n),
        db_i64s(v[TASK_N_FILTER], n),
        db_i64s(v[TASK_N_TARGET], n),
        db_times_us(v[TASK_N_BASE], n),
        db_times_us(v[TASK_N_DEADLINE], n),
        db_i64s(v[TASK_N_ASSIGNMENTS], n),
        db_texts(t[TASK_T_REDRIVE], n),
        db_i64s(v[TASK_N_SEQUENCE], n),
    };
    memcpy(out, fields, sizeof fields);
    return true;
}

/* ---- reservations ---- */

enum reservation_text {
    RES_T_SID,
    RES_T_ACCOUNT,
    RES_T_WORKSPACE,
    RES_T_TASK,
    RES_T_WORKER,
    RES_T_STATE,
    RES_T_QUEUE,
    RES_T_CHANNEL,
    RES_T_WORKFLOW,
    RES_T_PREVIOUS,
    RES_T_INSTRUCTION,
    RES_T_DATA,
    RES_T_COUNT,
};

enum reservation_number {
    RES_N_VERSION,
    RES_N_TIMEOUT,
    RES_N_CREATED,
    RES_N_UPDATED,
    RES_N_EXPIRES,
    RES_N_SEQUENCE,
    RES_N_COUNT,
};

static void put_new_reservation(const struct reservation_row *row, size_t i, struct str **texts,
                                int64_t **numbers)
{
    texts[RES_T_ACCOUNT][i] = sid_text(&row->account_sid);
    texts[RES_T_WORKSPACE][i] = sid_text(&row->workspace_sid);
    texts[RES_T_TASK][i] = sid_text(&row->task_sid);
    texts[RES_T_WORKER][i] = sid_text(&row->worker_sid);
    texts[RES_T_QUEUE][i] = sid_text(&row->queue_sid);
    texts[RES_T_CHANNEL][i] = sid_text(&row->channel_sid);
    texts[RES_T_WORKFLOW][i] = sid_text(&row->workflow_sid);
    numbers[RES_N_CREATED][i] = row->created_at_us;
}

static void put_reservation(const struct reservation_row *row, size_t i, struct str **texts,
                            int64_t **numbers)
{
    texts[RES_T_SID][i] = sid_text(&row->sid);
    texts[RES_T_STATE][i] = str_from(reservation_state_name(row->state));
    texts[RES_T_PREVIOUS][i] = sid_text(&row->previous_activity_sid);
    texts[RES_T_INSTRUCTION][i] = row->instruction.ptr == NULL ? STR("") : row->instruction;
    texts[RES_T_DATA][i] = row->instruction_data.ptr == NULL ? STR("") : row->instruction_data;
    numbers[RES_N_VERSION][i] = row->version;
    numbers[RES_N_TIMEOUT][i] = row->timeout_s;
    numbers[RES_N_UPDATED][i] = row->updated_at_us;
    numbers[RES_N_EXPIRES][i] = row->expires_at_us;
    numbers[RES_N_SEQUENCE][i] = row->sequence;
}

bool reservation_params(struct arena *arena, const struct reservation_row *const *rows, size_t n,
                        bool is_new, struct db_param out[RESERVATION_PARAM_COUNT])
{
    struct str *t[RES_T_COUNT];
    int64_t *v[RES_N_COUNT];
    if (!param_columns(arena, n, t, RES_T_COUNT, v, RES_N_COUNT))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (is_new)
            put_new_reservation(rows[i], i, t, v);
        put_reservation(rows[i], i, t, v);
    }
    /* As in the type batch_reservation. */
    const struct db_param fields[RESERVATION_PARAM_COUNT] = {
        db_texts(t[RES_T_SID], n),         db_texts(t[RES_T_ACCOUNT], n),
        db_texts(t[RES_T_WORKSPACE], n),   db_texts(t[RES_T_TASK], n),
        db_texts(t[RES_T_WORKER], n),      db_texts(t[RES_T_STATE], n),
        db_i64s(v[RES_N_VERSION], n),      db_i64s(v[RES_N_TIMEOUT], n),
        db_texts(t[RES_T_QUEUE], n),       db_texts(t[RES_T_CHANNEL], n),
        db_texts(t[RES_T_WORKFLOW], n),    db_texts(t[RES_T_PREVIOUS], n),
        db_texts(t[RES_T_INSTRUCTION], n), db_texts(t[RES_T_DATA], n),
        db_times_us(v[RES_N_CREATED], n),  db_times_us(v[RES_N_UPDATED], n),
        db_times_us(v[RES_N_EXPIRES], n),  db_i64s(v[RES_N_SEQUENCE], n),
    };
    memcpy(out, fields, sizeof fields);
    return true;
}
