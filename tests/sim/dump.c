#include "dump.h"

#include <stddef.h>

#include "base/macros.h"
#include "store.h"

static void dump_sid(struct buf *out, const char *name, const struct sid *sid)
{
    if (sid_is_set(sid))
        buf_printf(out, " %s=%s", name, sid->text);
}

static void dump_str(struct buf *out, const char *name, struct str text)
{
    if (text.len > 0)
        buf_printf(out, " %s=%.*s", name, STR_ARG(text));
}

static void dump_i64(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, " %s=%lld", name, (long long)value);
}

void dump_task_row(struct buf *out, const struct task_row *row)
{
    buf_printf(out, " [task %s %s", row->sid.text, task_state_name(row->state));
    dump_i64(out, "v", row->version);
    dump_sid(out, "account", &row->account_sid);
    dump_sid(out, "workspace", &row->workspace_sid);
    dump_str(out, "attributes", row->attributes);
    dump_i64(out, "priority", row->priority);
    dump_str(out, "reason", row->reason);
    dump_i64(out, "timeout", row->timeout_s);
    dump_sid(out, "queue", &row->queue_sid);
    dump_str(out, "queue_name", row->queue_name);
    dump_sid(out, "channel", &row->channel_sid);
    dump_str(out, "channel_name", row->channel_name);
    dump_sid(out, "workflow", &row->workflow_sid);
    dump_str(out, "workflow_name", row->workflow_name);
    dump_i64(out, "ignores", row->ignore_capacity);
    dump_sid(out, "target", &row->routing_target);
    dump_sid(out, "worker", &row->worker_sid);
    dump_str(out, "call", row->call_id);
    dump_i64(out, "created", row->created_at_us);
    dump_i64(out, "updated", row->updated_at_us);
    dump_i64(out, "start", row->virtual_start_us);
    dump_i64(out, "entered", row->queue_entered_at_us);
    dump_i64(out, "assigned", row->assigned_at_us);
    dump_i64(out, "ended", row->ended_at_us);
    dump_i64(out, "document", row->workflow_version);
    dump_i64(out, "filter", row->filter_index);
    dump_i64(out, "step", row->target_index);
    dump_i64(out, "base", row->filter_base_us);
    dump_i64(out, "deadline", row->step_deadline_us);
    dump_i64(out, "count", row->assignment_count);
    dump_i64(out, "redrive", row->redrive);
    dump_i64(out, "sequence", row->sequence);
    buf_char(out, ']');
}

static bool is_deleted(const struct store *store, const struct sid *worker_sid)
{
    const struct store_config *worker = store == NULL ? NULL : store_config(store, worker_sid);
    return worker != NULL && worker->is_deleted;
}

static void dump_reservation(struct buf *out, const struct reservation_row *row,
                             const struct store *store)
{
    buf_printf(out, " [reservation %s %s", row->sid.text, reservation_state_name(row->state));
    dump_i64(out, "v", row->version);
    dump_sid(out, "task", &row->task_sid);
    dump_sid(out, "worker", &row->worker_sid);
    if (!is_deleted(store, &row->worker_sid))
        dump_str(out, "worker_name", row->worker_name);
    dump_i64(out, "timeout", row->timeout_s);
    dump_sid(out, "queue", &row->queue_sid);
    dump_sid(out, "workflow", &row->workflow_sid);
    dump_sid(out, "channel", &row->channel_sid);
    dump_sid(out, "was_in", &row->previous_activity_sid);
    dump_str(out, "instruction", row->instruction);
    dump_str(out, "instruction_data", row->instruction_data);
    dump_i64(out, "created", row->created_at_us);
    dump_i64(out, "updated", row->updated_at_us);
    dump_i64(out, "expires", row->expires_at_us);
    dump_i64(out, "sequence", row->sequence);
    buf_char(out, ']');
}

static void dump_worker(struct buf *out, const struct engine_worker_ref *worker)
{
    buf_printf(out, " [worker %s", worker->sid.text);
    dump_i64(out, "v", worker->version);
    dump_str(out, "name", worker->name);
    dump_str(out, "attributes", worker->attributes);
    dump_sid(out, "activity", &worker->activity_sid);
    dump_str(out, "activity_name", worker->activity_name);
    dump_i64(out, "capacity", worker->channel_capacity);
    dump_i64(out, "consumed", worker->channel_consumed);
    buf_char(out, ']');
}

static void dump_offer(struct buf *out, const struct engine_offer *offer)
{
    buf_printf(out, " [offer %lld of %lld rank %d lifo=%d channel=%d", (long long)offer->free,
               (long long)offer->qualified, (int)offer->rank, (int)offer->is_lifo,
               (int)offer->is_channel_clock);
    dump_i64(out, "waiting", offer->waiting);
    dump_i64(out, "last", offer->last_sequence);
    dump_str(out, "order", offer->order_values);
    dump_sid(out, "next", &offer->next_sid);
    dump_i64(out, "next_last", offer->next_sequence);
    dump_str(out, "next_order", offer->next_order_values);
    buf_char(out, ']');
}

static void dump_event(struct buf *out, const struct engine_event *event, const struct store *store)
{
    const struct engine_event_more *more = engine_event_more(event);
    buf_printf(out, "event %lld %s %s %lld", (long long)event->sequence, event->sid.text,
               engine_event_name(event->type), (long long)event->at_us);
    dump_task_row(out, event->task);
    if (event->reservation != NULL)
        dump_reservation(out, event->reservation, store);
    if (event->worker != NULL && !is_deleted(store, &event->worker->sid))
        dump_worker(out, event->worker);
    dump_str(out, "queue_expression", event->queue_expression);
    dump_sid(out, "from_queue", &more->previous_queue_sid);
    dump_str(out, "from_queue_name", more->previous_queue_name);
    dump_str(out, "filter", more->filter_name);
    dump_str(out, "filter_expression", more->filter_expression);
    dump_str(out, "target_expression", more->target_expression);
    dump_sid(out, "known", &more->known_worker_sid);
    dump_str(out, "reason", event->reason);
    dump_sid(out, "wanted", &more->wanted_activity_sid);
    dump_str(out, "instruction", more->instruction);
    dump_str(out, "instruction_data", more->instruction_data);
    dump_str(out, "rules", more->rules);
    if (event->offer != NULL)
        dump_offer(out, event->offer);
}

void dump_effect(struct buf *out, const struct engine_effect *effect, const struct store *store)
{
    switch (effect->kind) {
    case ENGINE_EFFECT_NONE:
        break;
    case ENGINE_TASK_ROW:
        buf_text(out, effect->is_new ? "new row" : "row");
        dump_task_row(out, effect->task);
        break;
    case ENGINE_RESERVATION_ROW:
        buf_text(out, effect->is_new ? "new row" : "row");
        dump_reservation(out, effect->reservation, store);
        break;
    case ENGINE_WORKER_OVERRIDE:
        buf_printf(out, "override %s v=%lld at=%lld", effect->override->worker_sid.text,
                   (long long)effect->override->worker_version, (long long)effect->override->at_us);
        dump_sid(out, "activity", &effect->override->activity_sid);
        break;
    case ENGINE_EVENT:
        dump_event(out, effect->event, store);
        break;
    case ENGINE_TASK_PURGED:
        buf_printf(out, "purged %s gone=%d", effect->task_sid->text, (int)effect->is_gone);
        break;
    }
    buf_char(out, '\n');
}

void dump_effects(struct buf *out, const struct engine_effects *effects, const struct store *store)
{
    for (const struct engine_effect *e = effects->first; e != NULL; e = e->next)
        dump_effect(out, e, store);
}

/* --- commands ------------------------------------------------------------------------------ */

static const char *const command_names[ENGINE_COMMAND_COUNT] = {
    [ENGINE_COMMAND_NONE] = "tick",
    [ENGINE_PUT_WORKSPACE] = "put workspace",
    [ENGINE_PUT_ACTIVITY] = "put activity",
    [ENGINE_PUT_CHANNEL] = "put channel",
    [ENGINE_PUT_QUEUE] = "put queue",
    [ENGINE_PUT_WORKFLOW] = "put workflow",
    [ENGINE_PUT_WORKER] = "put worker",
    [ENGINE_DELETE_WORKSPACE] = "delete workspace",
    [ENGINE_DELETE_ACTIVITY] = "delete activity",
    [ENGINE_DELETE_CHANNEL] = "delete channel",
    [ENGINE_DELETE_QUEUE] = "delete queue",
    [ENGINE_DELETE_WORKFLOW] = "delete workflow",
    [ENGINE_DELETE_WORKER] = "delete worker",
    [ENGINE_CREATE_TASK] = "create task",
    [ENGINE_UPDATE_TASK] = "update task",
    [ENGINE_CANCEL_TASK] = "cancel task",
    [ENGINE_WRAP_UP_TASK] = "wrap up task",
    [ENGINE_COMPLETE_TASK] = "complete task",
    [ENGINE_DELETE_TASK] = "delete task",
    [ENGINE_ACCEPT_RESERVATION] = "accept",
    [ENGINE_REJECT_RESERVATION] = "reject",
    [ENGINE_CANCEL_RESERVATION] = "cancel reservation",
    [ENGINE_WRAP_UP_RESERVATION] = "wrap up reservation",
    [ENGINE_INSTRUCT_RESERVATION] = "instruct",
    [ENGINE_CANCEL_TASK_WITH] = "cancel task as it changes",
    [ENGINE_COMPLETE_RESERVATION] = "complete reservation",
};

static void dump_put(struct buf *out, const struct engine_command *command)
{
    switch (command->kind) {
    case ENGINE_PUT_WORKSPACE:
        buf_printf(out, " single=%d lifo_first=%d timeout=%s", command->workspace.is_single_tasking,
                   command->workspace.is_lifo_first, command->workspace.timeout_activity_sid.text);
        break;
    case ENGINE_PUT_ACTIVITY:
        buf_printf(out, " available=%d", command->activity.is_available);
        break;
    case ENGINE_PUT_CHANNEL:
        buf_printf(out, " optimized=%d", command->channel.is_optimized);
        break;
    case ENGINE_PUT_QUEUE:
        buf_printf(out, " lifo=%d max=%d", command->queue.is_lifo,
                   (int)command->queue.max_reserved_workers);
        dump_str(out, "target", command->queue.target_workers);
        break;
    case ENGINE_PUT_WORKFLOW:
        buf_printf(out, " document=%lld re_evaluate=%d",
                   (long long)command->workflow.configuration_version,
                   command->workflow.re_evaluate_tasks);
        dump_str(out, "text", command->workflow.configuration);
        break;
    case ENGINE_PUT_WORKER:
        buf_printf(out, " activity=%s reject=%d", command->worker.activity_sid.text,
                   command->worker.reject_pending);
        dump_str(out, "attributes", command->worker.attributes);
        for (size_t i = 0; i < command->worker.channel_count; i++)
            buf_printf(out, " %s:%d%s", command->worker.channels[i].channel_sid.text,
                       (int)command->worker.channels[i].capacity,
                       command->worker.channels[i].is_available ? "" : "!");
        break;
    default:
        break;
    }
}

void dump_command(struct buf *out, const struct engine_command *command)
{
    buf_text(out, command_names[command->kind]);
    if (store_is_config(command->kind)) {
        struct sid sid = store_subject(command);
        dump_sid(out, "sid", &sid);
        dump_i64(out, "v", store_version(command));
        dump_put(out, command);
    } else if (command->kind == ENGINE_CREATE_TASK) {
        const struct engine_create *create = &command->create;
        dump_sid(out, "workflow", &create->workflow_sid);
        dump_sid(out, "queue", &create->queue_sid);
        dump_sid(out, "target", &create->routing_target);
        dump_str(out, "channel", create->channel);
        dump_str(out, "attributes", create->attributes);
        buf_printf(out, " priority=%lld timeout=%lld start=%lld ignores=%d/%d",
                   (long long)create->priority, (long long)create->timeout_s,
                   (long long)create->virtual_start_us, create->has_ignore_capacity,
                   create->ignore_capacity);
    } else if (command->kind == ENGINE_UPDATE_TASK) {
        dump_sid(out, "sid", &command->update.sid);
        dump_str(out, "attributes", command->update.attributes);
    } else if (command->kind != ENGINE_COMMAND_NONE) {
        dump_sid(out, "sid", &command->action.sid);
        dump_sid(out, "activity", &command->action.activity_sid);
    }
}
