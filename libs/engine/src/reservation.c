#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "engine/instruction.h"
#include "engine_int.h"

enum {
    DIRECT_TIMEOUT_S = 120,
    LEG_TIMEOUT_S = 60, /* of the far leg of a dequeue or conference, unless given */
    LEG_MARGIN_S = 10,  /* for whoever dials to tell what became of it */
};

static const enum engine_event_type state_events[RESERVATION_STATE_COUNT] = {
    [RESERVATION_PENDING] = ENGINE_EVENT_RESERVATION_CREATED,
    [RESERVATION_ACCEPTED] = ENGINE_EVENT_RESERVATION_ACCEPTED,
    [RESERVATION_REJECTED] = ENGINE_EVENT_RESERVATION_REJECTED,
    [RESERVATION_TIMEOUT] = ENGINE_EVENT_RESERVATION_TIMEOUT,
    [RESERVATION_CANCELED] = ENGINE_EVENT_RESERVATION_CANCELED,
    [RESERVATION_RESCINDED] = ENGINE_EVENT_RESERVATION_RESCINDED,
    [RESERVATION_WRAPPING] = ENGINE_EVENT_RESERVATION_WRAPUP,
    [RESERVATION_COMPLETED] = ENGINE_EVENT_RESERVATION_COMPLETED,
};

/* NULL when there is none, or none any more: nobody is moved there. */
static struct activity *reservation_activity(struct engine *engine, const struct sid *sid)
{
    struct activity *activity = sid_is_set(sid) ? map_get(&engine->activities, sid_str(sid)) : NULL;
    return activity == NULL || activity->version == 0 ? NULL : activity;
}

/* Oldest first, also when loaded in any order. */
static void reservation_sort_in(struct reservation *reservation)
{
    struct list *list = &reservation->task->reservations;
    struct list_node *before = &list->head;
    while (before->prev != &list->head &&
           LIST_ENTRY(before->prev, struct reservation, task_node)->sequence >
               reservation->sequence)
        before = before->prev;
    list_insert_before(before, &reservation->task_node);
    if (!reservation_is_open(reservation->state))
        return;
    list = &reservation->worker->reservations;
    before = &list->head;
    while (before->prev != &list->head &&
           LIST_ENTRY(before->prev, struct reservation, worker_node)->sequence >
               reservation->sequence)
        before = before->prev;
    list_insert_before(before, &reservation->worker_node);
}

void reservation_link(struct engine *engine, struct reservation *reservation)
{
    struct task *task = reservation->task;
    struct worker *worker = reservation->worker;
    worker->refs++;
    reservation_sort_in(reservation);
    sid_map_put(&engine->reservations, reservation);
    if (!reservation_is_open(reservation->state))
        return;
    engine->open_count++;
    worker_consume(engine, worker, reservation->channel, reservation->sequence);
    if (reservation->state == RESERVATION_PENDING)
        task->pending_reservations++;
    else
        worker_note_accepted(engine, worker, reservation->channel);
}

void reservation_make(struct engine *engine, struct task *task, struct worker *worker,
                      const struct engine_offer *offer)
{
    struct reservation *reservation = pool_take(&engine->reservation_pool);
    reservation->sequence = ++engine->sequence;
    engine_sid(engine, &reservation->sid, SID_RESERVATION, reservation->sequence);
    reservation->state = reservation_next(RESERVATION_NONE, RESERVATION_STEP_CREATED);
    reservation->task = task;
    reservation->worker = worker;
    reservation->queue = task->queue;
    reservation->channel = task->channel;
    reservation->timeout_s =
        task->workflow == NULL ? DIRECT_TIMEOUT_S : task->workflow->reservation_timeout_s;
    reservation->created_at_us = engine->now_us;
    reservation->expires_at_us = time_after(engine->now_us, reservation->timeout_s);
    reservation->timer = (struct timer){.sequence = reservation->sequence};
    reservation_touch(engine, reservation);
    if (task->state == TASK_PENDING)
        task_step(engine, task, TASK_STEP_RESERVED);
    reservation_link(engine, reservation);
    engine->reservations_made++;
    timer_set(engine, &reservation->timer, reservation->expires_at_us);
    struct activity *wanted = NULL;
    if (worker->workspace->is_single_tasking && task->queue != NULL)
        wanted = reservation_activity(engine, &task->queue->reservation_activity_sid);
    if (wanted != NULL) {
        reservation->previous = worker->activity;
        worker_move(engine, worker, wanted);
    }
    struct engine_event *event =
        emit_reservation(engine, ENGINE_EVENT_RESERVATION_CREATED, reservation);
    event->offer = offer;
    if (wanted == NULL && !route_is_known_worker(task))
        return;
    struct engine_event_more *more = emit_event_more(engine, event);
    if (wanted != NULL)
        more->wanted_activity_sid = wanted->sid;
    route_known_worker(task, &more->known_worker_sid);
}

/* The worker is still where the offer put him, and was elsewhere before. */
static bool reservation_keeps_worker(const struct reservation *reservation)
{
    const struct queue *queue = reservation->queue;
    const struct activity *activity = reservation->worker->activity;
    return reservation->previous != NULL && queue != NULL && activity != NULL &&
           strcmp(activity->sid.text, queue->reservation_activity_sid.text) == 0;
}

/* Where the worker goes when the work is done, if the instruction said so; NULL = nowhere. */
static struct activity *reservation_post_work(struct engine *engine,
                                              const struct reservation *reservation)
{
    struct instruction instruction;
    struct activity *activity = NULL;
    if (reservation->instruction.len == 0)
        return NULL;
    struct arena *arena = engine->out->arena;
    struct arena_mark mark = arena_mark(arena);
    if (instruction_read_done(arena, reservation->instruction, reservation->instruction_data,
                              &instruction, NULL) == ERR_OK &&
        (instruction.kind != INSTRUCTION_CONFERENCE ||
         reservation->task->workspace->is_single_tasking))
        activity = reservation_activity(engine, &instruction.post_work_activity_sid);
    arena_rewind(arena, mark);
    return activity;
}

/* Moves a reservation to a state that is no longer open; frees the slot; the task is the caller's
 * affair. wanted: the worker's new activity, or NULL. */
void reservation_end(struct engine *engine, struct reservation *reservation,
                     enum reservation_step step, struct str reason, struct activity *wanted)
{
    enum reservation_state from = reservation->state;
    struct worker *worker = reservation->worker;
    reservation->state = reservation_next(from, step);
    INVARIANT(reservation->state != RESERVATION_NONE);
    reservation_touch(engine, reservation);
    timer_stop(engine, &reservation->timer);
    list_remove(&reservation->worker_node);
    engine->open_count--;
    if (from == RESERVATION_PENDING)
        reservation->task->pending_reservations--;
    if (wanted == NULL && from == RESERVATION_PENDING && reservation_keeps_worker(reservation))
        wanted = reservation->previous;
    if (wanted == NULL && step == RESERVATION_STEP_COMPLETE)
        wanted = reservation_post_work(engine, reservation);
    if (wanted == worker->activity || worker->is_deleted)
        wanted = NULL;
    if (wanted != NULL)
        worker_move(engine, worker, wanted);
    worker_release(engine, worker, reservation->channel, from != RESERVATION_PENDING);
    struct engine_event *event =
        emit_reservation(engine, state_events[reservation->state], reservation);
    event->reason = emit_str(engine, reason);
    if (wanted != NULL)
        emit_event_more(engine, event)->wanted_activity_sid = wanted->sid;
}

void reservation_wrap(struct engine *engine, struct reservation *reservation)
{
    reservation->state = reservation_next(reservation->state, RESERVATION_STEP_WRAP_UP);
    INVARIANT(reservation->state != RESERVATION_NONE);
    reservation->expires_at_us =
        engine->wrap_up_s > 0 ? time_after(engine->now_us, engine->wrap_up_s) : 0;
    if (reservation->expires_at_us != 0)
        timer_set(engine, &reservation->timer, reservation->expires_at_us);
    reservation_touch(engine, reservation);
    (void)emit_reservation(engine, ENGINE_EVENT_RESERVATION_WRAPUP, reservation);
}

static void reservation_release_task(struct engine *engine, struct task *task)
{
    if (task->state == TASK_RESERVED && task->pending_reservations == 0)
        task_step(engine, task, TASK_STEP_RELEASED);
}

void reservation_timer(struct engine *engine, struct reservation *reservation)
{
    struct task *task = reservation->task;
    if (reservation->state == RESERVATION_WRAPPING) {
        task_end(engine, task, TASK_STEP_COMPLETE, STR("Wrap-up timed out"), ENGINE_EVENT_NONE);
        return;
    }
    struct activity *wanted = reservation_activity(engine, &task->workspace->timeout_activity_sid);
    reservation_end(engine, reservation, RESERVATION_STEP_TIME_OUT, STR("Reservation timed out"),
                    wanted);
    reservation_release_task(engine, task);
}

void reservation_reject_all(struct engine *engine, struct worker *worker)
{
    struct list_node *node = list_first(&worker->reservations);
    while (node != NULL) {
        struct reservation *reservation = LIST_ENTRY(node, struct reservation, worker_node);
        node = list_next(&worker->reservations, node);
        if (reservation->state != RESERVATION_PENDING)
            continue;
        struct task *task = reservation->task;
        reservation->previous = NULL; /* he has just been told where to be */
        reservation_end(engine, reservation, RESERVATION_STEP_REJECT,
                        STR("RejectPendingReservations"), NULL);
        reservation_release_task(engine, task);
    }
}

/* Finds the reservation and checks workspace and version; NULL with *err set. */
static struct reservation *reservation_look_up(struct engine *engine,
                                               const struct engine_action *action, struct err *err)
{
    struct reservation *reservation = sid_map_get(&engine->reservations, &action->sid);
    if (reservation != NULL)
        ahead_of_answer(reservation);
    if (reservation == NULL ||
        strcmp(reservation->task->workspace->sid.text, action->workspace_sid.text) != 0) {
        (void)ERR_SET(err, ERR_NOT_FOUND, "RESERVATION_NOT_FOUND",
                      "there is no reservation %s in this workspace", action->sid.text);
        return NULL;
    }
    if (action->expected_version != 0 && action->expected_version != reservation->version) {
        (void)ERR_FIELD(err, ERR_ABORTED, "VERSION_MISMATCH", "expected_version",
                        "reservation %s is at version %lld, not %lld: read it again",
                        reservation->sid.text, (long long)reservation->version,
                        (long long)action->expected_version);
        return NULL;
    }
    return reservation;
}

/* The same, and checks the step. */
static struct reservation *reservation_find(struct engine *engine,
                                            const struct engine_action *action,
                                            enum reservation_step step, struct err *err)
{
    struct reservation *reservation = reservation_look_up(engine, action, err);
    if (reservation == NULL || reservation_next(reservation->state, step) != RESERVATION_NONE)
        return reservation;
    static const enum reservation_state wanted[RESERVATION_STEP_COUNT] = {
        [RESERVATION_STEP_ACCEPT] = RESERVATION_ACCEPTED,
        [RESERVATION_STEP_REJECT] = RESERVATION_REJECTED,
        [RESERVATION_STEP_CANCEL] = RESERVATION_CANCELED,
        [RESERVATION_STEP_WRAP_UP] = RESERVATION_WRAPPING,
        [RESERVATION_STEP_COMPLETE] = RESERVATION_COMPLETED,
    };
    bool is_rescinded = reservation->state == RESERVATION_RESCINDED;
    (void)ERR_SET(err, ERR_FAILED_PRECONDITION,
                  is_rescinded ? "RESERVATION_RESCINDED" : "RESERVATION_STATE",
                  "Reservation %s is already in state [%s] and cannot be updated to [%s]",
                  reservation->sid.text, reservation_state_name(reservation->state),
                  reservation_state_name(wanted[step]));
    return NULL;
}

static void reservation_record(struct engine *engine, struct reservation *reservation,
                               const struct instruction *instruction)
{
    text_pool_set(&engine->texts, &reservation->instruction,
                  str_from(instruction_name(instruction->kind)));
    text_pool_set(&engine->texts, &reservation->instruction_data, instruction->data);
}

static void reservation_do_accept(struct engine *engine, struct reservation *reservation)
{
    struct task *task = reservation->task;
    struct worker *worker = reservation->worker;
    reservation->state = reservation_next(reservation->state, RESERVATION_STEP_ACCEPT);
    reservation_touch(engine, reservation);
    if (!MUTATED(6))
        timer_stop(engine, &reservation->timer);
    task->pending_reservations--;
    worker_note_accepted(engine, worker, reservation->channel);
    task->worker = worker;
    worker->refs++;
    if (task->queue != NULL)
        pace_note(&task->queue->pace, engine->now_us, engine->now_us - task->created_at_us);
    task_step(engine, task, TASK_STEP_ACCEPTED);
    struct activity *wanted = NULL;
    if (worker->workspace->is_single_tasking && task->queue != NULL)
        wanted = reservation_activity(engine, &task->queue->assignment_activity_sid);
    if (wanted != NULL)
        worker_move(engine, worker, wanted);
    struct engine_event *event =
        emit_reservation(engine, ENGINE_EVENT_RESERVATION_ACCEPTED, reservation);
    if (wanted != NULL)
        emit_event_more(engine, event)->wanted_activity_sid = wanted->sid;
    for (struct list_node *node = list_first(&task->reservations); node != NULL;
         node = list_next(&task->reservations, node)) {
        struct reservation *other = LIST_ENTRY(node, struct reservation, task_node);
        if (other->state == RESERVATION_PENDING && !MUTATED(2))
            reservation_end(engine, other, RESERVATION_STEP_RESCIND,
                            STR("Another worker accepted the task"), NULL);
    }
}

static enum err_code reservation_check_activity(struct engine *engine,
                                                const struct reservation *reservation,
                                                const struct sid *sid, const char *reason,
                                                const char *field, struct err *err)
{
    const struct activity *activity = reservation_activity(engine, sid);
    if (!sid_is_set(sid) ||
        (activity != NULL && activity->workspace == reservation->task->workspace))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, reason, field,
                     "there is no activity %s in this workspace", sid->text);
}

enum err_code reservation_accept(struct engine *engine, const struct engine_command *command,
                                 struct err *err)
{
    const struct engine_action *action = &command->action;
    struct instruction instruction = {0};
    struct reservation *reservation =
        reservation_find(engine, action, RESERVATION_STEP_ACCEPT, err);
    if (reservation == NULL)
        return err->code;
    if (action->instruction.len > 0) {
        enum err_code code = instruction_read_done(engine->out->arena, action->instruction,
                                                   action->instruction_data, &instruction, err);
        if (code == ERR_OK &&
            (instruction.kind == INSTRUCTION_REJECT || instruction.kind == INSTRUCTION_SUPERVISE))
            code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INSTRUCTION_PARAMETER", "instruction",
                             "a reservation cannot be accepted by the instruction %s",
                             instruction_name(instruction.kind));
        if (code != ERR_OK)
            return code;
        reservation_record(engine, reservation, &instruction);
    }
    reservation_do_accept(engine, reservation);
    engine->out->subject = reservation->sid;
    return ERR_OK;
}

static enum err_code reservation_do_reject(struct engine *engine, struct reservation *reservation,
                                           const struct sid *activity_sid, struct str reason,
                                           struct err *err)
{
    enum err_code code = reservation_check_activity(
        engine, reservation, activity_sid, "ACTIVITY_NOT_FOUND", "worker_activity_sid", err);
    if (code != ERR_OK)
        return code;
    reservation_end(engine, reservation, RESERVATION_STEP_REJECT, reason,
                    reservation_activity(engine, activity_sid));
    reservation_release_task(engine, reservation->task);
    engine->out->subject = reservation->sid;
    return ERR_OK;
}

enum err_code reservation_reject(struct engine *engine, const struct engine_command *command,
                                 struct err *err)
{
    const struct engine_action *action = &command->action;
    struct reservation *reservation =
        reservation_find(engine, action, RESERVATION_STEP_REJECT, err);
    if (reservation == NULL)
        return err->code;
    return reservation_do_reject(engine, reservation, &action->activity_sid, action->reason, err);
}

enum err_code reservation_cancel(struct engine *engine, const struct engine_command *command,
                                 struct err *err)
{
    struct reservation *reservation =
        reservation_find(engine, &command->action, RESERVATION_STEP_CANCEL, err);
    if (reservation == NULL)
        return err->code;
    if (reservation->state != RESERVATION_PENDING) /* accepted ones end with their task only */
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "RESERVATION_STATE",
                       "Reservation %s is already in state [%s] and cannot be updated to "
                       "[canceled]",
                       reservation->sid.text, reservation_state_name(reservation->state));
    reservation_end(engine, reservation, RESERVATION_STEP_CANCEL, command->action.reason, NULL);
    reservation_release_task(engine, reservation->task);
    engine->out->subject = reservation->sid;
    return ERR_OK;
}

/* Both act on the task: what a reservation ends or wraps, its task does too. */
static enum err_code reservation_through_task(struct engine *engine,
                                              const struct engine_command *command,
                                              enum reservation_step step, enum task_step task_step_,
                                              struct err *err)
{
    struct reservation *reservation = reservation_find(engine, &command->action, step, err);
    if (reservation == NULL)
        return err->code;
    struct str reason =
        command->action.reason.len == 0 ? STR("Reservation completed") : command->action.reason;
    struct task *task = reservation->task;
    if (task_step_ == TASK_STEP_WRAP_UP) {
        enum err_code code = task_begin_wrap_up(engine, task, command->action.timeout_s, err);
        if (code != ERR_OK)
            return code;
    } else {
        task_end(engine, task, task_step_, reason, ENGINE_EVENT_NONE);
    }
    engine->out->subject = reservation->sid;
    return ERR_OK;
}

enum err_code reservation_wrap_up(struct engine *engine, const struct engine_command *command,
                                  struct err *err)
{
    return reservation_through_task(engine, command, RESERVATION_STEP_WRAP_UP, TASK_STEP_WRAP_UP,
                                    err);
}

enum err_code reservation_complete(struct engine *engine, const struct engine_command *command,
                                   struct err *err)
{
    return reservation_through_task(engine, command, RESERVATION_STEP_COMPLETE, TASK_STEP_COMPLETE,
                                    err);
}

/* --- instructions ------------------------------------------------------------------------- */

/* Whether the instruction may be given now; says so in the words of its family. */
static enum err_code reservation_check_state(const struct reservation *reservation,
                                             enum instruction_kind kind, struct err *err)
{
    enum reservation_state wanted =
        kind == INSTRUCTION_SUPERVISE ? RESERVATION_ACCEPTED : RESERVATION_PENDING;
    if (reservation->state == wanted)
        return ERR_OK;
    return ERR_SET(err, ERR_FAILED_PRECONDITION,
                   instruction_fault_reason(instruction_state_fault(kind)),
                   "Reservation %s is in state [%s]: the instruction %s needs one that is [%s]",
                   reservation->sid.text, reservation_state_name(reservation->state),
                   instruction_name(kind), reservation_state_name(wanted));
}

static enum err_code reservation_check_instruction(struct engine *engine,
                                                   const struct reservation *reservation,
                                                   const struct instruction *instruction,
                                                   struct err *err)
{
    bool is_dequeue = instruction->kind == INSTRUCTION_DEQUEUE;
    enum err_code code = reservation_check_state(reservation, instruction->kind, err);
    if (code == ERR_OK)
        code = instruction_check_parties(engine->out->arena, instruction,
                                         reservation->task->attributes,
                                         expr_record_json(reservation->worker->record), err);
    if (code != ERR_OK)
        return code;
    code = reservation_check_activity(
        engine, reservation, &instruction->post_work_activity_sid,
        instruction_fault_reason(is_dequeue ? INSTRUCTION_FAULT_DEQUEUE_ACTIVITY
                                            : INSTRUCTION_FAULT_CONFERENCE_ACTIVITY),
        "instruction_data", err);
    if (code != ERR_OK && err != NULL)
        (void)err_wrap(err, "post_work_activity_sid (%s)",
                       is_dequeue ? "DequeuePostWorkActivitySid" : "PostWorkActivitySid");
    return code;
}

/* While the far leg of a dequeue or conference is rung, the offer does not time out. */
static void reservation_hold(struct engine *engine, struct reservation *reservation,
                             const struct instruction *instruction)
{
    int64_t timeout_s = instruction->timeout_s > 0 ? instruction->timeout_s : LEG_TIMEOUT_S;
    int64_t until_us = time_after(engine->now_us, timeout_s + LEG_MARGIN_S);
    if ((instruction->kind != INSTRUCTION_DEQUEUE && instruction->kind != INSTRUCTION_CONFERENCE) ||
        until_us <= reservation->expires_at_us)
        return;
    reservation->expires_at_us = until_us;
    timer_set(engine, &reservation->timer, until_us);
}

static void reservation_emit_instruction(struct engine *engine, struct reservation *reservation,
                                         const struct instruction *instruction)
{
    struct engine_event *event =
        emit_reservation(engine, ENGINE_EVENT_RESERVATION_INSTRUCTED, reservation);
    struct engine_event_more *more = emit_event_more(engine, event);
    more->instruction = str_from(instruction_name(instruction->kind));
    more->instruction_data = emit_str(engine, instruction->data);
}

enum err_code reservation_instruct(struct engine *engine, const struct engine_command *command,
                                   struct err *err)
{
    const struct engine_action *action = &command->action;
    struct instruction instruction = {0};
    struct reservation *reservation = reservation_look_up(engine, action, err);
    if (reservation == NULL)
        return err->code;
    enum err_code code = instruction_read(engine->out->arena, action->instruction,
                                          action->instruction_data, &instruction, err);
    if (code != ERR_OK)
        return code;
    if (instruction.kind == INSTRUCTION_REJECT) {
        const struct sid *activity_sid = sid_is_set(&instruction.activity_sid)
                                             ? &instruction.activity_sid
                                             : &action->activity_sid;
        if (reservation_find(engine, action, RESERVATION_STEP_REJECT, err) == NULL)
            return err->code;
        return reservation_do_reject(engine, reservation, activity_sid, action->reason, err);
    }
    if (instruction.kind == INSTRUCTION_ACCEPT) {
        if (reservation_find(engine, action, RESERVATION_STEP_ACCEPT, err) == NULL)
            return err->code;
    } else {
        code = reservation_check_instruction(engine, reservation, &instruction, err);
        if (code != ERR_OK)
            return code;
    }
    if (instruction.kind != INSTRUCTION_SUPERVISE) /* that of the accept counts */
        reservation_record(engine, reservation, &instruction);
    if (instruction.accepts) {
        reservation_do_accept(engine, reservation);
    } else {
        reservation_hold(engine, reservation, &instruction);
        reservation_touch(engine, reservation);
        reservation_emit_instruction(engine, reservation, &instruction);
    }
    engine->out->subject = reservation->sid;
    return ERR_OK;
}

void reservation_free(struct engine *engine, struct reservation *reservation)
{
    timer_stop(engine, &reservation->timer);
    list_remove(&reservation->task_node);
    list_remove(&reservation->worker_node);
    emit_forget_reservation(engine, reservation);
    sid_map_remove(&engine->reservations, reservation);
    worker_unref(engine, reservation->worker);
    text_pool_clear(&engine->texts, &reservation->instruction);
    text_pool_clear(&engine->texts, &reservation->instruction_data);
    pool_give(&engine->reservation_pool, reservation);
}
