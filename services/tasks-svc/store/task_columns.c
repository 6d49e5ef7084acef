#include "task_columns.h"

static struct sid get_sid(const struct db_result *rows, int i, int column)
{
    return sid_from(db_get_str(rows, i, column));
}

static enum task_redrive redrive_from(struct str name)
{
    if (str_eq_text(name, "attributes"))
        return REDRIVE_ATTRIBUTES;
    return str_eq_text(name, "document") ? REDRIVE_DOCUMENT : REDRIVE_NONE;
}

bool task_was_offered(const struct db_result *rows, int i)
{
    return db_get_i64(rows, i, 27) > 0;
}

int64_t task_sequence(const struct db_result *rows, int i)
{
    return db_get_i64(rows, i, 29);
}

struct str task_document(const struct db_result *rows, int i, int64_t *out_version)
{
    *out_version = db_get_i64(rows, i, 22);
    return db_get_str(rows, i, 11);
}

void task_from_row(const struct db_result *rows, int i, struct task_row *out)
{
    *out = (struct task_row){
        .sid = get_sid(rows, i, 0),
        .account_sid = get_sid(rows, i, 1),
        .workspace_sid = get_sid(rows, i, 2),
        .state = task_state_from(db_get_str(rows, i, 3)),
        .version = db_get_i64(rows, i, 4),
        .attributes = db_get_str(rows, i, 5),
        .priority = db_get_i64(rows, i, 6),
        .reason = db_get_str(rows, i, 7),
        .timeout_s = db_get_i64(rows, i, 8),
        .queue_sid = get_sid(rows, i, 9),
        .channel_sid = get_sid(rows, i, 10),
        .workflow_sid = get_sid(rows, i, 11),
        .ignore_capacity = db_get_bool(rows, i, 12),
        .routing_target = get_sid(rows, i, 13),
        .worker_sid = get_sid(rows, i, 14),
        .call_id = db_get_str(rows, i, 15),
        .created_at_us = db_get_time_us(rows, i, 16),
        .updated_at_us = db_get_time_us(rows, i, 17),
        .virtual_start_us = db_get_time_us(rows, i, 18),
        .queue_entered_at_us = db_get_time_us(rows, i, 19),
        .assigned_at_us = db_get_time_us(rows, i, 20),
        .ended_at_us = db_get_time_us(rows, i, 21),
        .workflow_version = db_get_i64(rows, i, 22),
        .filter_index = (int32_t)db_get_i64(rows, i, 23),
        .target_index = (int32_t)db_get_i64(rows, i, 24),
        .filter_base_us = db_get_time_us(rows, i, 25),
        .step_deadline_us = db_is_null(rows, i, 26) ? INT64_MAX : db_get_time_us(rows, i, 26),
        .assignment_count = (int32_t)db_get_i64(rows, i, 27),
        .redrive = redrive_from(db_get_str(rows, i, 28)),
        .sequence = db_get_i64(rows, i, 29),
    };
}

void reservation_from_row(const struct db_result *rows, int i, struct reservation_row *out)
{
    *out = (struct reservation_row){
        .sid = get_sid(rows, i, 0),
        .account_sid = get_sid(rows, i, 1),
        .workspace_sid = get_sid(rows, i, 2),
        .task_sid = get_sid(rows, i, 3),
        .worker_sid = get_sid(rows, i, 4),
        .state = reservation_state_from(db_get_str(rows, i, 5)),
        .version = db_get_i64(rows, i, 6),
        .timeout_s = db_get_i64(rows, i, 7),
        .queue_sid = get_sid(rows, i, 8),
        .channel_sid = get_sid(rows, i, 9),
        .workflow_sid = get_sid(rows, i, 10),
        .previous_activity_sid = get_sid(rows, i, 11),
        .instruction = db_get_str(rows, i, 12),
        .instruction_data = db_get_str(rows, i, 13),
        .created_at_us = db_get_time_us(rows, i, 14),
        .updated_at_us = db_get_time_us(rows, i, 15),
        .expires_at_us = db_get_time_us(rows, i, 16),
        .sequence = db_get_i64(rows, i, 17),
    };
}
