/* Effects: snapshots are made once per version and batch and shared by all that speak of it. */
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "engine_int.h"

enum { SPARE_BYTES = 16384, EMIT_ALIGNMENT = 8 };

static void *emit_from_arena(struct engine *engine, size_t size)
{
    void *memory = arena_take(engine->out->arena, size);
    INVARIANT(memory != NULL);
    return memory;
}

#ifndef TR_SANITIZE
static __attribute__((noinline)) void emit_more(struct engine *engine, size_t size)
{
    struct engine_effects *out = engine->out;
    out->spare_bytes = size > SPARE_BYTES ? size : SPARE_BYTES;
    out->spare = emit_from_arena(engine, out->spare_bytes);
}
#endif

/* Memory of the batch, to be filled whole at once. A batch takes thousands of small pieces: they
 * are cut from larger ones here (but under the sanitizers, which watch each). */
static inline void *emit_take(struct engine *engine, size_t size)
{
#ifdef TR_SANITIZE
    return emit_from_arena(engine, size);
#else
    struct engine_effects *out = engine->out;
    size_t bytes = (size + EMIT_ALIGNMENT - 1) & ~(size_t)(EMIT_ALIGNMENT - 1);
    if (out->spare_bytes < bytes)
        emit_more(engine, bytes);
    void *memory = out->spare;
    out->spare += bytes;
    out->spare_bytes -= bytes;
    return memory;
#endif
}

#define EMIT_TAKE(engine, type) ((type *)emit_take((engine), sizeof(type)))

struct str emit_str(struct engine *engine, struct str text)
{
    if (text.len == 0)
        return STR("");
    char *copy = emit_take(engine, text.len + 1);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return (struct str){copy, text.len};
}

static __attribute__((noinline)) struct str emit_shared(struct engine *engine,
                                                        struct shared_text *shared, struct str text)
{
    *shared = (struct shared_text){.batch = engine->batch,
                                   .epoch = engine->shared_epoch,
                                   .from = text,
                                   .copy = emit_str(engine, text)};
    return shared->copy;
}

static inline struct str emit_name(struct engine *engine, struct str text)
{
    if (text.len == 0)
        return STR("");
    size_t at = ((uintptr_t)text.ptr >> 4 ^ (uintptr_t)text.ptr >> 10) & (SHARED_TEXTS - 1);
    struct shared_text *shared = &engine->shared[at];
    bool is_known = shared->batch == engine->batch && shared->epoch == engine->shared_epoch &&
                    shared->from.ptr == text.ptr && shared->from.len == text.len;
    return is_known ? shared->copy : emit_shared(engine, shared, text);
}

/* A copy of a text that config owns, made once per batch: most events say the same names. */
struct str emit_config_str(struct engine *engine, struct str text)
{
    return emit_name(engine, text);
}

void emit_begin(struct engine *engine, struct engine_effects *out)
{
    /* An empty list cannot hold what an earlier batch pointed to. */
    if (engine->out != out || engine->out_batch != out->batch || out->count == 0)
        engine->batch++;
    engine->out = out;
    engine->out_batch = out->batch;
}

static inline void emit_append(struct engine *engine, struct engine_effect *effect,
                               enum engine_effect_kind kind)
{
    struct engine_effects *out = engine->out;
    effect->next = NULL;
    effect->kind = kind;
    effect->is_new = false;
    effect->is_gone = false;
    effect->tag = engine->tag;
    if (out->last == NULL)
        out->first = effect;
    else
        out->last->next = effect;
    out->last = effect;
    out->count++;
}

static struct engine_effect *emit_effect(struct engine *engine, enum engine_effect_kind kind)
{
    struct engine_effect *effect = EMIT_TAKE(engine, struct engine_effect);
    emit_append(engine, effect, kind);
    return effect;
}

static inline void fill_sid(struct sid *to, const struct sid *from)
{
    if (from == NULL)
        memset(to, 0, sizeof *to);
    else
        *to = *from;
}

/* Field by field: a compound literal would be made first and copied then. */
void task_fill_row(const struct task *task, struct task_row *row)
{
    const struct queue *queue = task->queue;
    const struct workflow *workflow = task->workflow;
    const struct str nothing = {0};
    row->sid = task->sid;
    row->account_sid = task->workspace->account_sid;
    row->workspace_sid = task->workspace->sid;
    row->state = task->state;
    row->version = task->version;
    row->attributes = task->attributes;
    row->priority = task->priority;
    row->reason = task->reason;
    row->timeout_s = task->timeout_s;
    fill_sid(&row->queue_sid, queue == NULL ? NULL : &queue->sid);
    row->queue_name = queue == NULL ? nothing : queue->name;
    row->channel_sid = task->channel->sid;
    row->channel_name = task->channel->name;
    fill_sid(&row->workflow_sid, workflow == NULL ? NULL : &workflow->sid);
    row->workflow_name = workflow == NULL ? nothing : workflow->name;
    row->ignore_capacity = task->ignore_capacity;
    fill_sid(&row->routing_target, task->routing_target);
    fill_sid(&row->worker_sid, task->worker == NULL ? NULL : &task->worker->sid);
    row->call_id = task->call_id;
    row->created_at_us = task->created_at_us;
    row->updated_at_us = task->updated_at_us;
    row->virtual_start_us = task->virtual_start_us;
    row->queue_entered_at_us = task->queue_entered_at_us;
    row->assigned_at_us = task->assigned_at_us;
    row->ended_at_us = task->ended_at_us;
    row->workflow_version = task->document == NULL ? 0 : task->document->version;
    row->filter_index = task->filter_index;
    row->target_index = task->target_index;
    row->filter_base_us = task->filter_base_us;
    row->step_deadline_us = task->step_deadline_us;
    row->assignment_count = task->assignment_count;
    row->redrive = task->wants_current ? REDRIVE_DOCUMENT
                   : task->is_stale    ? REDRIVE_ATTRIBUTES
                                       : REDRIVE_NONE;
    row->sequence = task->sequence;
}

void reservation_fill_row(const struct reservation *reservation, struct reservation_row *row)
{
    const struct task *task = reservation->task;
    row->sid = reservation->sid;
    row->account_sid = task->workspace->account_sid;
    row->workspace_sid = task->workspace->sid;
    row->task_sid = task->sid;
    row->worker_sid = reservation->worker->sid;
    row->worker_name = reservation->worker->name;
    row->state = reservation->state;
    row->version = reservation->version;
    row->timeout_s = reservation->timeout_s;
    fill_sid(&row->queue_sid, reservation->queue == NULL ? NULL : &reservation->queue->sid);
    fill_sid(&row->workflow_sid, task->workflow == NULL ? NULL : &task->workflow->sid);
    row->channel_sid = reservation->channel->sid;
    fill_sid(&row->previous_activity_sid,
             reservation->previous == NULL ? NULL : &reservation->previous->sid);
    row->instruction = reservation->instruction;
    row->instruction_data = reservation->instruction_data;
    row->created_at_us = reservation->created_at_us;
    row->updated_at_us = reservation->updated_at_us;
    row->expires_at_us = reservation->expires_at_us;
    row->sequence = reservation->sequence;
}

static struct task_batch *task_in_batch(struct engine *engine, struct task *task)
{
    if (task->batch == engine->batch)
        return task->in_batch;
    task->batch = engine->batch;
    task->in_batch = EMIT_TAKE(engine, struct task_batch);
    *task->in_batch = (struct task_batch){.task = task};
    return task->in_batch;
}

static struct reservation_batch *reservation_in_batch(struct engine *engine,
                                                      struct reservation *reservation)
{
    if (reservation->batch == engine->batch)
        return reservation->in_batch;
    reservation->batch = engine->batch;
    reservation->in_batch = EMIT_TAKE(engine, struct reservation_batch);
    *reservation->in_batch = (struct reservation_batch){.reservation = reservation};
    return reservation->in_batch;
}

/* Nothing is dirty between commands: then the batch may be gone already. */
void emit_forget_task(struct engine *engine, struct task *task)
{
    if (!list_is_empty(&engine->dirty_tasks) && task->batch == engine->batch)
        list_remove(&task->in_batch->dirty_node);
}

void emit_forget_reservation(struct engine *engine, struct reservation *reservation)
{
    if (!list_is_empty(&engine->dirty_reservations) && reservation->batch == engine->batch)
        list_remove(&reservation->in_batch->dirty_node);
}

void emit_attributes_changed(struct engine *engine, struct task *task)
{
    task_in_batch(engine, task)->attributes = (struct str){0};
}

static struct task_row *task_snapshot(struct engine *engine, struct task *task)
{
    struct task_batch *now = task_in_batch(engine, task);
    if (now->snapshot != NULL && now->snapshot->version == task->version)
        return now->snapshot;
    struct task_row *row = emit_take(engine, sizeof *row);
    task_fill_row(task, row);
    if (now->attributes.ptr == NULL)
        now->attributes = emit_str(engine, task->attributes);
    row->attributes = now->attributes;
    row->reason = emit_str(engine, row->reason);
    row->call_id = emit_str(engine, row->call_id);
    row->queue_name = emit_name(engine, row->queue_name);
    row->channel_name = emit_name(engine, row->channel_name);
    row->workflow_name = emit_name(engine, row->workflow_name);
    now->snapshot = row;
    return row;
}

/* What changes while he works. */
static void worker_ref_set(struct engine *engine, struct engine_worker_ref *ref,
                           const struct worker *worker, const struct worker_channel *slot)
{
    const struct activity *activity = worker->activity;
    fill_sid(&ref->activity_sid, activity == NULL ? NULL : &activity->sid);
    ref->activity_name = activity == NULL ? STR("") : emit_name(engine, activity->name);
    ref->channel_capacity = slot->capacity;
    ref->channel_consumed = slot->consumed;
}

static bool worker_ref_is_so(struct engine *engine, const struct engine_worker_ref *ref,
                             const struct worker *worker, const struct worker_channel *slot)
{
    const struct activity *activity = worker->activity;
    return activity != NULL && ref->channel_consumed == slot->consumed &&
           ref->channel_capacity == slot->capacity &&
           ref->activity_name.ptr == emit_name(engine, activity->name).ptr &&
           memcmp(&ref->activity_sid, &activity->sid, sizeof activity->sid) == 0;
}

/* The worker as he was when this batch first spoke of this version of him. */
static const struct engine_worker_ref *emit_worker_first(struct engine *engine,
                                                         const struct reservation *reservation)
{
    struct worker *worker = reservation->worker;
    if (worker->ref_batch == engine->batch && worker->ref->version == worker->version)
        return worker->ref;
    struct engine_worker_ref *ref = EMIT_TAKE(engine, struct engine_worker_ref);
    ref->sid = worker->sid;
    ref->version = worker->version;
    ref->name = emit_str(engine, worker->name);
    ref->attributes = emit_str(engine, expr_record_json(worker->record));
    worker_ref_set(engine, ref, worker, worker_slot(worker, reservation->channel));
    worker->ref = ref;
    worker->ref_batch = engine->batch;
    return ref;
}

static const struct engine_worker_ref *emit_worker_ref(struct engine *engine,
                                                       const struct reservation *reservation)
{
    const struct worker *worker = reservation->worker;
    const struct engine_worker_ref *first = emit_worker_first(engine, reservation);
    const struct worker_channel *slot = worker_slot(reservation->worker, reservation->channel);
    if (worker_ref_is_so(engine, first, worker, slot))
        return first;
    struct engine_worker_ref *ref = EMIT_TAKE(engine, struct engine_worker_ref);
    *ref = *first;
    worker_ref_set(engine, ref, worker, slot);
    return ref;
}

static struct reservation_row *reservation_snapshot(struct engine *engine,
                                                    struct reservation *reservation)
{
    struct reservation_batch *now = reservation_in_batch(engine, reservation);
    if (now->snapshot != NULL && now->snapshot->version == reservation->version)
        return now->snapshot;
    struct reservation_row *row = emit_take(engine, sizeof *row);
    reservation_fill_row(reservation, row);
    row->worker_name = emit_worker_first(engine, reservation)->name;
    row->instruction = emit_str(engine, row->instruction);
    row->instruction_data = emit_str(engine, row->instruction_data);
    now->snapshot = row;
    return row;
}

void task_touch(struct engine *engine, struct task *task)
{
    task->version++;
    task->updated_at_us = engine->now_us;
    struct list_node *dirty = &task_in_batch(engine, task)->dirty_node;
    if (!list_is_linked(dirty))
        list_append(&engine->dirty_tasks, dirty);
}

void reservation_touch(struct engine *engine, struct reservation *reservation)
{
    reservation->version++;
    reservation->updated_at_us = engine->now_us;
    struct list_node *dirty = &reservation_in_batch(engine, reservation)->dirty_node;
    if (!list_is_linked(dirty))
        list_append(&engine->dirty_reservations, dirty);
}

static void emit_task_row(struct engine *engine, struct task_batch *now)
{
    struct task_row *row = task_snapshot(engine, now->task);
    if (now->row_effect == NULL) {
        now->row_effect = emit_effect(engine, ENGINE_TASK_ROW);
        now->row_effect->is_new = !now->task->is_written;
    }
    now->task->is_written = true;
    now->row_effect->task = row;
}

static void emit_reservation_row(struct engine *engine, struct reservation_batch *now)
{
    struct reservation_row *row = reservation_snapshot(engine, now->reservation);
    if (now->row_effect == NULL) {
        now->row_effect = emit_effect(engine, ENGINE_RESERVATION_ROW);
        now->row_effect->is_new = !now->reservation->is_written;
    }
    now->reservation->is_written = true;
    now->row_effect->reservation = row;
}

void emit_flush(struct engine *engine)
{
    struct list_node *node;
    /* Tasks first: reservations refer to them. */
    while ((node = list_first(&engine->dirty_tasks)) != NULL) {
        list_remove(node);
        emit_task_row(engine, LIST_ENTRY(node, struct task_batch, dirty_node));
    }
    while ((node = list_first(&engine->dirty_reservations)) != NULL) {
        list_remove(node);
        emit_reservation_row(engine, LIST_ENTRY(node, struct reservation_batch, dirty_node));
    }
}

void emit_override(struct engine *engine, const struct worker *worker, bool is_set)
{
    if (engine->is_loading)
        return;
    struct worker_override_row *row = EMIT_TAKE(engine, struct worker_override_row);
    *row = (struct worker_override_row){
        .worker_sid = worker->sid,
        .workspace_sid = worker->workspace->sid,
        .worker_version = worker->version,
        .at_us = is_set ? worker->override_at_us : engine->now_us,
    };
    if (is_set)
        row->activity_sid = worker->activity->sid;
    emit_effect(engine, ENGINE_WORKER_OVERRIDE)->override = row;
}

void emit_purged(struct engine *engine, const struct task *task, bool is_gone)
{
    struct engine_effect *effect = emit_effect(engine, ENGINE_TASK_PURGED);
    struct sid *sid = EMIT_TAKE(engine, struct sid);
    *sid = task->sid;
    effect->task_sid = sid;
    effect->is_gone = is_gone;
}

struct engine_event_more *emit_event_more(struct engine *engine, struct engine_event *event)
{
    INVARIANT(event->more == NULL);
    struct engine_event_more *more = EMIT_TAKE(engine, struct engine_event_more);
    *more = *engine_event_more(event);
    event->more = more;
    return more;
}

struct engine_offer *emit_offer(struct engine *engine)
{
    return EMIT_TAKE(engine, struct engine_offer);
}

struct engine_event *emit_task(struct engine *engine, enum engine_event_type type,
                               struct task *task)
{
    struct event_effect {
        struct engine_effect effect;
        struct engine_event event;
    };
    struct task_row *row = task_snapshot(engine, task);
    struct event_effect *both = EMIT_TAKE(engine, struct event_effect);
    struct engine_event *event = &both->event;
    event->sequence = ++engine->event_sequence;
    engine_sid(engine, &event->sid, SID_EVENT, event->sequence);
    event->type = type;
    event->at_us = engine->now_us;
    event->task = row;
    event->reservation = NULL;
    event->worker = NULL;
    event->offer = NULL;
    event->more = NULL;
    event->queue_expression =
        task->queue == NULL ? STR("") : emit_name(engine, task->queue->target_text);
    event->reason = STR("");
    emit_append(engine, &both->effect, ENGINE_EVENT);
    both->effect.event = event;
    engine->out->event_count++;
    return event;
}

struct engine_event *emit_reservation(struct engine *engine, enum engine_event_type type,
                                      struct reservation *reservation)
{
    const struct engine_worker_ref *worker = emit_worker_ref(engine, reservation);
    struct engine_event *event = emit_task(engine, type, reservation->task);
    event->reservation = reservation_snapshot(engine, reservation);
    event->worker = worker;
    return event;
}
