#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "dump.h"
#include "engine/workflow_doc.h"
#include "expr/expr.h"
#include "facts.h"

enum { DIRECT_OFFER_S = 120, MAX_RESERVED = 50 };

/* The README's matrices, by hand. A task that is released and offered again at once is not seen
 * pending in between. */
static const bool task_moves[TASK_STATE_COUNT][TASK_STATE_COUNT] = {
    [TASK_NONE] = {[TASK_PENDING] = true  },
    [TASK_PENDING] = {[TASK_PENDING] = true,   [TASK_RESERVED] = true, [TASK_CANCELED] = true},
    [TASK_RESERVED] = {[TASK_PENDING] = true,
                   [TASK_RESERVED] = true,
                   [TASK_ASSIGNED] = true,
                   [TASK_CANCELED] = true},
    [TASK_ASSIGNED] = {[TASK_ASSIGNED] = true,   [TASK_WRAPPING] = true, [TASK_COMPLETED] = true},
    [TASK_WRAPPING] = {[TASK_WRAPPING] = true,  [TASK_COMPLETED] = true},
    [TASK_COMPLETED] = {[TASK_COMPLETED] = true                      },
    [TASK_CANCELED] = {[TASK_CANCELED] = true},
};

static const bool offer_moves[RESERVATION_STATE_COUNT][RESERVATION_STATE_COUNT] = {
    [RESERVATION_NONE] = {[RESERVATION_PENDING] = true  },
    [RESERVATION_PENDING] = { [RESERVATION_ACCEPTED] = true,
                          [RESERVATION_REJECTED] = true,
                          [RESERVATION_TIMEOUT] = true,
                          [RESERVATION_CANCELED] = true,
                          [RESERVATION_RESCINDED] = true},
    [RESERVATION_ACCEPTED] = {     [RESERVATION_WRAPPING] = true,
                          [RESERVATION_COMPLETED] = true,
                          [RESERVATION_CANCELED] = true},
    [RESERVATION_WRAPPING] = { [RESERVATION_COMPLETED] = true, [RESERVATION_CANCELED] = true},
};

static const enum reservation_state event_offers[ENGINE_EVENT_COUNT] = {
    [ENGINE_EVENT_RESERVATION_CREATED] = RESERVATION_PENDING,
    [ENGINE_EVENT_RESERVATION_ACCEPTED] = RESERVATION_ACCEPTED,
    [ENGINE_EVENT_RESERVATION_REJECTED] = RESERVATION_REJECTED,
    [ENGINE_EVENT_RESERVATION_TIMEOUT] = RESERVATION_TIMEOUT,
    [ENGINE_EVENT_RESERVATION_CANCELED] = RESERVATION_CANCELED,
    [ENGINE_EVENT_RESERVATION_RESCINDED] = RESERVATION_RESCINDED,
    [ENGINE_EVENT_RESERVATION_WRAPUP] = RESERVATION_WRAPPING,
    [ENGINE_EVENT_RESERVATION_COMPLETED] = RESERVATION_COMPLETED,
};

/* --- saying so ----------------------------------------------------------------------------- */

void check_init(struct check *check, struct store *store, const struct engine_config *config)
{
    *check = (struct check){.store = store, .config = *config};
    buf_init(&check->failure, 0);
}

void check_fini(struct check *check)
{
    buf_fini(&check->failure);
    free(check->entered);
}

bool check_has_failed(const struct check *check)
{
    return check->failure.len > 0;
}

void check_fail(struct check *check, const char *format, ...)
{
    char text[512];
    va_list args;
    if (check_has_failed(check))
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_text(&check->failure, text);
}

static bool same(const struct sid *a, const struct sid *b)
{
    return memcmp(a->text, b->text, SID_LEN) == 0;
}

static void refresh(struct check *check)
{
    if (!check->is_fresh)
        facts_refresh(check->store);
    check->is_fresh = true;
}

static int64_t after_s(int64_t at_us, int64_t seconds)
{
    return at_us + seconds * US_PER_S;
}

/* --- one event ----------------------------------------------------------------------------- */

static int max_offers(const struct check *check, const struct task_row *row)
{
    const struct store_config *queue = facts_queue(check->store, &row->queue_sid);
    if (queue == NULL)
        return 1;
    int told = queue->command.queue.max_reserved_workers;
    return told < 1 ? 1 : told > MAX_RESERVED ? MAX_RESERVED : told;
}

static bool is_forced(const struct task_row *row)
{
    return row->ignore_capacity && strncmp(row->routing_target.text, "WK", 2) == 0;
}

static bool has_offer(const struct check *check, const struct store_task *task,
                      const struct store_config *worker)
{
    for (size_t i = 0; i < check->store->reservation_count; i++) {
        const struct store_reservation *reservation = check->store->reservations[i];
        if (reservation->task == task && reservation->worker == worker &&
            reservation_is_open(reservation->row.state))
            return true;
    }
    return false;
}

/* Whoever is free and goes before this worker should have been asked. */
static void check_worker_order(struct check *check, struct store_task *task,
                               const struct store_config *worker)
{
    struct store *store = check->store;
    for (size_t i = 0; i < store->config_count; i++) {
        struct store_config *other = store->configs[i];
        if (other == worker || !facts_fits(store, task, other) ||
            !facts_is_free(store, other, &task->row.channel_sid) || has_offer(check, task, other) ||
            !facts_worker_goes_first(store, task, other, worker))
            continue;
        check_fail(check, "order of workers: %s is offered to %s, but %s goes first",
                   task->row.sid.text, worker->sid.text, other->sid.text);
    }
}

/* What waits for this worker and goes before the task should have been given to him. */
static void check_task_order(struct check *check, const struct store_task *task,
                             struct store_config *worker)
{
    struct store *store = check->store;
    for (size_t i = 0; i < store->task_count; i++) {
        struct store_task *other = store->tasks[i];
        if (other == task || !facts_waits(other) || is_forced(&other->row) ||
            other->row.redrive != REDRIVE_NONE ||
            !facts_task_goes_first(store, &other->row, &task->row) ||
            !same(&other->row.workspace_sid, &task->row.workspace_sid) ||
            !facts_is_free(store, worker, &other->row.channel_sid) ||
            !facts_fits(store, other, worker))
            continue;
        check_fail(check, "order of tasks: %s gets %s, but %s goes first", worker->sid.text,
                   task->row.sid.text, other->row.sid.text);
    }
}

/* The task's snapshot is in the store, the reservation not yet. */
static void check_offer(struct check *check, struct store_task *task,
                        const struct engine_event *event)
{
    struct store *store = check->store;
    const struct reservation_row *offer = event->reservation;
    struct store_config *worker = store_config(store, &offer->worker_sid);
    const struct store_config *workflow =
        sid_is_set(&task->row.workflow_sid) ? store_config(store, &task->row.workflow_sid) : NULL;
    int64_t timeout_s =
        workflow == NULL ? 0 : workflow->command.workflow.task_reservation_timeout_s;
    if (timeout_s <= 0)
        timeout_s = DIRECT_OFFER_S;
    refresh(check);
    check->offers++;
    if (task->pending == 0)
        task->is_order_off = facts_order_is_off(store, task);
    if (worker == NULL || !facts_fits(store, task, worker))
        check_fail(check, "eligibility: %s is offered to %s, who does not qualify",
                   task->row.sid.text, offer->worker_sid.text);
    else if (!is_forced(&task->row) && !facts_is_free(store, worker, &task->row.channel_sid))
        check_fail(check, "capacity: %s is offered to %s, who is not free", task->row.sid.text,
                   worker->sid.text);
    if (task->accepted > 0 || task->pending + 1 > max_offers(check, &task->row))
        check_fail(check, "reserved workers: %s is offered to more than its queue allows",
                   task->row.sid.text);
    if (offer->expires_at_us != after_s(event->at_us, timeout_s))
        check_fail(check, "time: the offer %s has not the time that its workflow gives",
                   offer->sid.text);
    if (check_has_failed(check) || is_forced(&task->row) || check->is_order_unsure)
        return;
    check_worker_order(check, task, worker);
    if (task->pending == 0 && task->row.redrive == REDRIVE_NONE)
        check_task_order(check, task, worker);
}

static void apply_offer(struct check *check, const struct engine_event *event)
{
    struct store *store = check->store;
    const struct reservation_row *row = event->reservation;
    struct store_reservation *known = store_reservation(store, &row->sid);
    enum reservation_state from = known == NULL ? RESERVATION_NONE : known->row.state;
    bool is_right = event->type == ENGINE_EVENT_RESERVATION_INSTRUCTED
                        ? row->state == from && reservation_is_open(from)
                        : row->state == event_offers[event->type] && offer_moves[from][row->state];
    if (!is_right)
        check_fail(check, "states: reservation %s goes from %s to %s by %s", row->sid.text,
                   reservation_state_name(from), reservation_state_name(row->state),
                   engine_event_name(event->type));
    if (store_config(store, &row->worker_sid) == NULL) {
        check_fail(check, "eligibility: %s is nobody", row->worker_sid.text);
        return;
    }
    struct store_reservation *reservation = store_reservation_put(store, row);
    struct store_config *worker = reservation->worker;
    reservation->is_told = true;
    check->is_fresh = false;
    if (from == RESERVATION_NONE) {
        worker->last_any = row->sequence;
        worker->last[reservation->channel] = row->sequence;
    }
    const struct sid *wanted = &engine_event_more(event)->wanted_activity_sid;
    struct sid was_in = facts_activity(worker);
    if (sid_is_set(wanted) && !same(wanted, &was_in)) {
        worker->moved_to = *wanted;
        worker->moved_at_us = event->at_us;
    }
    refresh(check);
    struct sid activity_sid = facts_activity(worker);
    if (worker->is_deleted)
        return;
    if (event->worker->channel_consumed != worker->consumed[reservation->channel])
        check_fail(check, "capacity: %s of %s says that %d slots are used, not %d",
                   engine_event_name(event->type), worker->sid.text,
                   (int)event->worker->channel_consumed, worker->consumed[reservation->channel]);
    if (!same(&event->worker->activity_sid, &activity_sid))
        check_fail(check, "activity: %s is in %s, not in %s", worker->sid.text,
                   event->worker->activity_sid.text, activity_sid.text);
}

static int32_t first_filter(struct store *store, struct store_task *task)
{
    const struct workflow_doc *doc =
        facts_document(store, &task->row.workflow_sid, task->row.workflow_version);
    struct expr_env env = {.records = {[EXPR_SLOT_TASK] = facts_task_record(task)}};
    for (size_t i = 0; doc != NULL && i < doc->filter_count; i++) {
        if (expr_eval(doc->filters[i].expression, &env))
            return (int32_t)i;
    }
    return FILTER_DEFAULT;
}

static int64_t step_end(const struct workflow_filter *filter, const struct task_row *row)
{
    int64_t end = row->filter_base_us;
    if (!filter->targets[row->target_index].has_timeout)
        return INT64_MAX;
    for (int32_t i = 0; i <= row->target_index; i++) {
        if (filter->targets[i].has_timeout)
            end = after_s(end, filter->targets[i].timeout_s);
    }
    return end;
}

static bool is_later_step(const struct task_row *from, const struct task_row *to)
{
    if (from->filter_index == FILTER_DEFAULT || to->filter_index == FILTER_DEFAULT)
        return from->filter_index != FILTER_DEFAULT;
    return to->filter_index > from->filter_index ||
           (to->filter_index == from->filter_index && to->target_index > from->target_index);
}

/* was: before the event; task: with the event's snapshot. may_go_back: driven anew. */
static void check_entry(struct check *check, struct store_task *task, const struct task_row *was,
                        const struct engine_event *event, bool may_go_back)
{
    const struct task_row *row = &task->row;
    const struct workflow_filter *filter = facts_filter(check->store, row);
    const struct workflow_target *target = facts_target(check->store, row);
    if (target == NULL) {
        check_fail(check, "steps: %s is in a step that its document does not have", row->sid.text);
        return;
    }
    if (!str_eq_text(target->queue, row->queue_sid.text) ||
        (target->has_priority && row->priority != target->priority))
        check_fail(check, "steps: %s entered a step without its queue or priority", row->sid.text);
    if (row->step_deadline_us != step_end(filter, row) || row->step_deadline_us <= event->at_us)
        check_fail(check, "steps: the step of %s ends at the wrong time", row->sid.text);
    if (was->filter_index == FILTER_DIRECT) {
        if (row->target_index != 0 || row->filter_index != first_filter(check->store, task))
            check_fail(check, "steps: %s did not start at the first filter that takes it",
                       row->sid.text);
    } else if (!may_go_back && was->redrive == REDRIVE_NONE && !is_later_step(was, row)) {
        check_fail(check, "steps: %s goes back", row->sid.text);
    }
    check->entered = store_grow(check->entered, check->entered_count, &check->entered_capacity,
                                sizeof *check->entered);
    check->entered[check->entered_count++] = row->sid;
}

static void check_task_move(struct check *check, const struct store_task *task,
                            const struct engine_event *event)
{
    const struct task_row *row = event->task;
    enum task_state from = task == NULL ? TASK_NONE : task->row.state;
    if (task != NULL && task->is_purged)
        check_fail(check, "conservation: %s of %s, which is gone", engine_event_name(event->type),
                   row->sid.text);
    if (!task_moves[from][row->state])
        check_fail(check, "states: task %s goes from %s to %s by %s", row->sid.text,
                   task_state_name(from), task_state_name(row->state),
                   engine_event_name(event->type));
    if (from == TASK_RESERVED && row->state == TASK_PENDING && !facts_waits(task))
        check_fail(check, "states: task %s is pending again while it is offered", row->sid.text);
    if (task != NULL && row->version < task->row.version)
        check_fail(check, "versions: task %s goes back", row->sid.text);
    if ((from == TASK_NONE) != (event->type == ENGINE_EVENT_TASK_CREATED))
        check_fail(check, "states: task %s is created twice or not at all", row->sid.text);
}

static void check_event(struct check *check, const struct sim_call *call,
                        const struct engine_event *event)
{
    struct store *store = check->store;
    if (event->sequence != store->event_sequence + 1)
        check_fail(check, "log: event %lld comes after %lld", (long long)event->sequence,
                   (long long)store->event_sequence);
    store->event_sequence = event->sequence;
    struct store_task *task = store_task(store, &event->task->sid);
    refresh(check);
    check_task_move(check, task, event);
    struct task_row was = task == NULL ? *event->task : task->row;
    if (check_has_failed(check))
        return;
    bool may_go_back = call->is_load || call->command.kind == ENGINE_PUT_WORKFLOW ||
                       (call->command.kind == ENGINE_UPDATE_TASK &&
                        same(&call->command.update.sid, &event->task->sid));
    task = store_task_put(store, event->task);
    task->is_told = event->task->version > task->written_version;
    if (event->type == ENGINE_EVENT_TASK_DELETED || event->type == ENGINE_EVENT_TASK_SYSTEM_DELETED)
        task->is_leaving = true;
    if (event->type == ENGINE_EVENT_WORKFLOW_TARGET_MATCHED)
        check_entry(check, task, &was, event, may_go_back);
    if (event->type == ENGINE_EVENT_RESERVATION_CREATED)
        check_offer(check, task, event);
    if (event->reservation != NULL && !check_has_failed(check))
        apply_offer(check, event);
}

/* --- one call ------------------------------------------------------------------------------ */

/* Whether the command must have been taken: 1 yes, 0 no, -1 cannot say. */
static int expected(const struct check *check, const struct engine_command *command)
{
    const struct engine_action *action = &command->action;
    enum engine_command_kind kind = command->kind;
    if (kind < ENGINE_CANCEL_TASK || action->expected_version != 0)
        return -1;
    if (kind >= ENGINE_ACCEPT_RESERVATION) {
        const struct store_reservation *offer = store_reservation(check->store, &action->sid);
        if (offer == NULL || offer->task->is_purged || offer->task->is_leaving ||
            !same(&offer->row.workspace_sid, &action->workspace_sid))
            return 0;
        enum reservation_state state = offer->row.state;
        if (kind == ENGINE_INSTRUCT_RESERVATION)
            return -1;
        if (kind == ENGINE_REJECT_RESERVATION && sid_is_set(&action->activity_sid))
            return -1;
        if (kind == ENGINE_WRAP_UP_RESERVATION)
            return state == RESERVATION_ACCEPTED;
        if (kind == ENGINE_COMPLETE_RESERVATION)
            return state == RESERVATION_ACCEPTED || state == RESERVATION_WRAPPING;
        return state == RESERVATION_PENDING;
    }
    const struct store_task *task = store_task(check->store, &action->sid);
    if (task == NULL || task->is_purged || task->is_leaving ||
        !same(&task->row.workspace_sid, &action->workspace_sid))
        return 0;
    enum task_state state = task->row.state;
    bool has_reason = str_trim(action->reason).len > 0;
    if (kind == ENGINE_CANCEL_TASK)
        return has_reason && (state == TASK_PENDING || state == TASK_RESERVED);
    if (kind == ENGINE_COMPLETE_TASK)
        return has_reason && (state == TASK_ASSIGNED || state == TASK_WRAPPING);
    return kind == ENGINE_WRAP_UP_TASK ? state == TASK_ASSIGNED : true;
}

static void check_command(struct check *check, const struct sim_call *call)
{
    const struct engine_command *command = &call->command;
    if (store_is_config(command->kind)) {
        (void)store_config_put(check->store, command, call->version);
        check->is_fresh = false;
        if (command->kind == ENGINE_PUT_WORKFLOW && command->workflow.re_evaluate_tasks)
            check->is_order_unsure = true;
        return;
    }
    int want = expected(check, command);
    if (want == 0 && call->code == ERR_OK)
        check_fail(check, "refusals: a command was taken that must be refused");
    if (want == 1 && call->code != ERR_OK)
        check_fail(check, "refusals: a command was refused that must be taken: %s", call->reason);
}

/* What entered a step in this call and waits there must not want to be skipped. Not where offers
 * of the same call may have changed the counts. */
static void check_skips(struct check *check)
{
    for (size_t i = 0; i < check->entered_count; i++) {
        struct store_task *task = store_task(check->store, &check->entered[i]);
        const struct store_config *workspace = store_config(check->store, &task->row.workspace_sid);
        const struct store_config *queue = facts_queue(check->store, &task->row.queue_sid);
        refresh(check);
        if (queue == NULL || workspace == NULL || !facts_waits(task) ||
            workspace->command.workspace.is_single_tasking ||
            str_find(queue->command.queue.target_workers, STR("channel.")) >= 0)
            continue;
        if (facts_skips(check->store, task))
            check_fail(check, "steps: %s waits in a step that is to be skipped",
                       task->row.sid.text);
    }
    check->entered_count = 0;
}

static void check_purge(struct check *check, const struct engine_effect *effect)
{
    struct store_task *task = store_task(check->store, effect->task_sid);
    if (task == NULL || task->is_purged || task->is_leaving != effect->is_gone ||
        (!effect->is_gone && !task_is_terminal(task->row.state)))
        check_fail(check, "conservation: task %s goes without having ended",
                   effect->task_sid->text);
    else
        task->is_purged = true;
    if (task != NULL)
        task->is_gone = effect->is_gone;
    check->is_fresh = false;
}

void check_call(struct check *check, const struct sim_call *call,
                const struct engine_effects *effects)
{
    bool is_told = false;
    const struct engine_effect *effect = call->before;
    while (effect != call->last && !check_has_failed(check)) {
        effect = effect == NULL ? effects->first : effect->next;
        if (effect->kind == ENGINE_TASK_PURGED)
            check_purge(check, effect);
        if (effect->kind != ENGINE_EVENT)
            continue;
        if (effect->tag != 0 && !is_told) {
            check_command(check, call);
            is_told = true;
            if (call->code != ERR_OK)
                check_fail(check, "refusals: a refused command had effects");
        }
        check_event(check, call, effect->event);
    }
    if (!is_told && call->command.kind != ENGINE_COMMAND_NONE)
        check_command(check, call);
    if (!check_has_failed(check))
        check_skips(check);
}

/* --- a batch's rows ------------------------------------------------------------------------ */

static bool same_task_rows(const struct task_row *a, const struct task_row *b)
{
    return a->state == b->state && a->version == b->version &&
           str_eq(a->attributes, b->attributes) && a->priority == b->priority &&
           str_eq(a->reason, b->reason) && a->timeout_s == b->timeout_s &&
           same(&a->queue_sid, &b->queue_sid) && same(&a->channel_sid, &b->channel_sid) &&
           same(&a->workflow_sid, &b->workflow_sid) && same(&a->worker_sid, &b->worker_sid) &&
           same(&a->routing_target, &b->routing_target) && str_eq(a->call_id, b->call_id) &&
           a->created_at_us == b->created_at_us && a->updated_at_us == b->updated_at_us &&
           a->virtual_start_us == b->virtual_start_us &&
           a->queue_entered_at_us == b->queue_entered_at_us &&
           a->assigned_at_us == b->assigned_at_us && a->ended_at_us == b->ended_at_us &&
           a->workflow_version == b->workflow_version && a->filter_index == b->filter_index &&
           a->target_index == b->target_index && a->filter_base_us == b->filter_base_us &&
           a->step_deadline_us == b->step_deadline_us &&
           a->assignment_count == b->assignment_count && a->redrive == b->redrive &&
           a->sequence == b->sequence && a->ignore_capacity == b->ignore_capacity;
}

/* With both. */
static void check_fail_rows(struct check *check, const char *what, const struct task_row *a,
                            const struct task_row *b)
{
    if (check_has_failed(check))
        return;
    buf_printf(&check->failure, "%s: %s\n  ", what, a->sid.text);
    dump_task_row(&check->failure, a);
    buf_text(&check->failure, "\n  ");
    dump_task_row(&check->failure, b);
}

static bool same_offer_rows(const struct reservation_row *a, const struct reservation_row *b)
{
    return a->state == b->state && a->version == b->version && same(&a->task_sid, &b->task_sid) &&
           same(&a->worker_sid, &b->worker_sid) && same(&a->queue_sid, &b->queue_sid) &&
           same(&a->channel_sid, &b->channel_sid) &&
           same(&a->previous_activity_sid, &b->previous_activity_sid) &&
           str_eq(a->instruction, b->instruction) &&
           str_eq(a->instruction_data, b->instruction_data) &&
           a->created_at_us == b->created_at_us && a->updated_at_us == b->updated_at_us &&
           a->expires_at_us == b->expires_at_us && a->sequence == b->sequence &&
           a->timeout_s == b->timeout_s;
}

static void check_task_row(struct check *check, const struct engine_effect *effect)
{
    struct store *store = check->store;
    const struct task_row *row = effect->task;
    struct store_task *task = store_task(store, &row->sid);
    if (task == NULL) {
        check_fail(check, "rows: task %s was never told of", row->sid.text);
        return;
    }
    refresh(check);
    enum task_state told = facts_waits(task) ? TASK_PENDING : task->row.state;
    if (row->state != told)
        check_fail(check, "rows: task %s is %s, its events say %s", row->sid.text,
                   task_state_name(row->state), task_state_name(told));
    if (row->version < task->row.version || row->version <= task->written_version ||
        effect->is_new == task->is_written)
        check_fail(check, "rows: task %s is written with an old version", row->sid.text);
    if (row->version == task->row.version && !same_task_rows(row, &task->row))
        check_fail_rows(check, "rows: a task is not written as its last event says", row,
                        &task->row);
    (void)store_task_put(store, row);
    task->is_written = true;
    task->is_told = false;
    task->written_version = row->version;
    if (row->sequence > store->row_sequence)
        store->row_sequence = row->sequence;
}

static void check_offer_row(struct check *check, const struct engine_effect *effect)
{
    struct store *store = check->store;
    const struct reservation_row *row = effect->reservation;
    struct store_reservation *offer = store_reservation(store, &row->sid);
    if (offer == NULL || offer->row.state != row->state || effect->is_new == offer->is_written) {
        check_fail(check, "rows: reservation %s is not what its events say", row->sid.text);
        return;
    }
    (void)store_reservation_put(store, row);
    offer->is_written = true;
    offer->is_told = false;
    if (row->sequence > store->row_sequence)
        store->row_sequence = row->sequence;
}

void check_rows(struct check *check, const struct engine_effects *effects)
{
    struct store *store = check->store;
    for (const struct engine_effect *e = effects->first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_TASK_ROW)
            check_task_row(check, e);
        else if (e->kind == ENGINE_RESERVATION_ROW)
            check_offer_row(check, e);
        else if (e->kind == ENGINE_WORKER_OVERRIDE)
            store_override_put(store, e->override);
        else if (e->kind == ENGINE_EVENT)
            store_event_put(store, e->event);
    }
    for (size_t i = 0; i < store->task_count; i++) {
        if (store->tasks[i]->is_told || !store->tasks[i]->is_written)
            check_fail(check, "rows: task %s changed and is not written",
                       store->tasks[i]->row.sid.text);
    }
    for (size_t i = 0; i < store->reservation_count; i++) {
        if (store->reservations[i]->is_told || !store->reservations[i]->is_written)
            check_fail(check, "rows: reservation %s changed and is not written",
                       store->reservations[i]->row.sid.text);
    }
    check->is_order_unsure = false;
}

/* --- the world after a commit -------------------------------------------------------------- */

static void check_waiting(struct check *check, struct store_task *task)
{
    struct store *store = check->store;
    for (size_t i = 0; i < store->config_count; i++) {
        struct store_config *worker = store->configs[i];
        if (!facts_fits(store, task, worker))
            continue;
        if (is_forced(&task->row) || facts_is_free(store, worker, &task->row.channel_sid))
            check_fail(check, "conservation of work: %s waits while %s is free", task->row.sid.text,
                       worker->sid.text);
    }
}

static void check_clock(struct check *check, const struct store_task *task, int64_t now_us)
{
    const struct task_row *row = &task->row;
    int64_t end_us = INT64_MAX;
    if (row->state == TASK_PENDING || row->state == TASK_RESERVED)
        end_us = after_s(row->created_at_us, row->timeout_s);
    else if (row->state == TASK_ASSIGNED || row->state == TASK_WRAPPING)
        end_us = after_s(row->assigned_at_us, check->config.assigned_cleanup_s);
    else
        end_us = after_s(row->ended_at_us, check->config.terminal_purge_s);
    if (end_us <= now_us)
        check_fail(check, "time: task %s is %s beyond its time", row->sid.text,
                   task_state_name(row->state));
    if (row->state == TASK_PENDING && row->step_deadline_us <= now_us)
        check_fail(check, "time: task %s waits in a step whose time is up", row->sid.text);
}

static void check_task(struct check *check, const struct engine *engine, struct store_task *task,
                       int64_t now_us)
{
    const struct task_row *row = &task->row;
    bool is_held = row->state == TASK_ASSIGNED || row->state == TASK_WRAPPING;
    struct task_row memory;
    if (!engine_task_get(engine, &row->sid, &memory))
        check_fail(check, "conservation: task %s is lost", row->sid.text);
    else if (!same_task_rows(&memory, row))
        check_fail_rows(check, "rows: a task is not in memory as it was written", &memory, row);
    if (task->accepted != (is_held ? 1 : 0))
        check_fail(check, "assignment: task %s is %s and held by %d workers", row->sid.text,
                   task_state_name(row->state), task->accepted);
    if ((task->pending > 0) != (row->state == TASK_RESERVED))
        check_fail(check, "assignment: task %s is %s with %d open offers", row->sid.text,
                   task_state_name(row->state), task->pending);
    check_clock(check, task, now_us);
    if (row->state == TASK_PENDING && !check_has_failed(check))
        check_waiting(check, task);
}

static void check_worker(struct check *check, const struct engine *engine,
                         const struct store_config *worker)
{
    struct store *store = check->store;
    struct engine_worker_view view;
    struct sid activity_sid = facts_activity(worker);
    const struct store_config *workspace = store_config(store, &worker->workspace_sid);
    if (workspace != NULL && workspace->is_deleted)
        return; /* gone with it, or loaded for nothing */
    if (!engine_worker_get(engine, &worker->sid, &view)) {
        check_fail(check, "workers: %s is lost", worker->sid.text);
        return;
    }
    if (!same(&view.activity_sid, &activity_sid) || view.version != worker->version)
        check_fail(check, "activity: %s is in %s (version %lld), not in %s (version %lld)",
                   worker->sid.text, view.activity_sid.text, (long long)view.version,
                   activity_sid.text, (long long)worker->version);
    if (view.open_reservations != worker->open)
        check_fail(check, "capacity: %s holds %d reservations, not %d", worker->sid.text,
                   (int)view.open_reservations, worker->open);
    struct sid stored = worker->command.worker.activity_sid;
    for (size_t i = 0; i < store->override_count; i++) {
        if (same(&store->overrides[i].worker_sid, &worker->sid) &&
            store->overrides[i].worker_version >= worker->version)
            stored = store->overrides[i].activity_sid;
    }
    if (!same(&stored, &activity_sid))
        check_fail(check, "activity: the rows have %s in %s, the events in %s", worker->sid.text,
                   stored.text, activity_sid.text);
    for (int c = 0; c < store->channel_count; c++) {
        int32_t capacity = 0;
        int32_t consumed = 0;
        const struct store_config *channel = store_config(store, &store->channels[c]);
        if (channel == NULL || !same(&channel->workspace_sid, &worker->workspace_sid) ||
            !engine_worker_capacity(engine, &worker->sid, &channel->sid, &capacity, &consumed))
            continue;
        if (consumed != worker->consumed[c] || capacity != facts_capacity(worker, &channel->sid))
            check_fail(check, "capacity: %s uses %d of %d, not %d", worker->sid.text, (int)consumed,
                       (int)capacity, worker->consumed[c]);
    }
}

void check_world(struct check *check, const struct engine *engine, int64_t now_us)
{
    struct store *store = check->store;
    size_t live = 0;
    size_t open = 0;
    refresh(check);
    for (size_t i = 0; i < store->task_count && !check_has_failed(check); i++) {
        if (store->tasks[i]->is_purged)
            continue;
        live++;
        check_task(check, engine, store->tasks[i], now_us);
    }
    for (size_t i = 0; i < store->reservation_count && !check_has_failed(check); i++) {
        const struct store_reservation *offer = store->reservations[i];
        struct reservation_row memory;
        if (offer->task->is_purged)
            continue;
        open += reservation_is_open(offer->row.state) ? 1 : 0;
        if (!engine_reservation_get(engine, &offer->row.sid, &memory) ||
            !same_offer_rows(&memory, &offer->row))
            check_fail(check, "rows: reservation %s is not in memory as it was written",
                       offer->row.sid.text);
        if (offer->row.state == RESERVATION_PENDING && offer->row.expires_at_us <= now_us)
            check_fail(check, "time: the offer %s outlives its time", offer->row.sid.text);
        if (offer->row.state == RESERVATION_WRAPPING && offer->row.expires_at_us != 0 &&
            offer->row.expires_at_us <= now_us)
            check_fail(check, "time: the wrap-up %s outlives its time", offer->row.sid.text);
    }
    for (size_t i = 0; i < store->config_count && !check_has_failed(check); i++) {
        if (store->configs[i]->kind == ENGINE_PUT_WORKER && !store->configs[i]->is_deleted)
            check_worker(check, engine, store->configs[i]);
    }
    struct engine_stats stats;
    engine_stats_get(engine, &stats);
    if (stats.tasks != live || stats.reservations_open != open)
        check_fail(check, "conservation: %zu tasks and %zu open offers in memory, not %zu and %zu",
                   stats.tasks, stats.reservations_open, live, open);
}
