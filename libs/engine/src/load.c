/* Coming back: rows in, then matching goes on where it was. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "engine_int.h"

void engine_load_counters(struct engine *engine, int64_t event_sequence, int64_t row_sequence)
{
    if (event_sequence > engine->event_sequence)
        engine->event_sequence = event_sequence;
    if (row_sequence > engine->sequence)
        engine->sequence = row_sequence;
}

static enum err_code load_check_task(const struct engine *engine, const struct task_row *row,
                                     struct err *err)
{
    if (!sid_is_set(&row->sid) || row->state <= TASK_NONE || row->state >= TASK_STATE_COUNT ||
        row->version < 1 || row->sequence < 1)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_ROW", "task row %s was not written by us",
                       row->sid.text);
    if (sid_map_get(&engine->tasks, &row->sid) != NULL)
        return ERR_SET(err, ERR_ALREADY_EXISTS, "BAD_ROW", "task row %s came twice", row->sid.text);
    if (sid_is_set(&row->workflow_sid) &&
        map_get(&engine->workflows, sid_str(&row->workflow_sid)) == NULL)
        return ERR_SET(err, ERR_NOT_FOUND, "WORKFLOW_NOT_FOUND",
                       "task row %s names workflow %s, which was not put before", row->sid.text,
                       row->workflow_sid.text);
    return ERR_OK;
}

static void load_task_fields(struct engine *engine, struct task *task, const struct task_row *row)
{
    task->sid = row->sid;
    task->state = row->state;
    task->version = row->version;
    task->priority = row->priority;
    task->timeout_s = row->timeout_s;
    task->created_at_us = row->created_at_us;
    task->updated_at_us = row->updated_at_us;
    task->virtual_start_us = row->virtual_start_us;
    task->queue_entered_at_us = row->queue_entered_at_us;
    task->assigned_at_us = row->assigned_at_us;
    task->ended_at_us = row->ended_at_us;
    task->filter_base_us = row->filter_base_us;
    task->step_deadline_us = row->step_deadline_us;
    task->sequence = row->sequence;
    task->target_index = row->target_index;
    task->assignment_count = row->assignment_count;
    task->ignore_capacity = row->ignore_capacity;
    task->is_stale = row->redrive == REDRIVE_ATTRIBUTES;
    task->wants_current = row->redrive == REDRIVE_DOCUMENT;
    task->is_written = true;
    task->timer = (struct timer){.sequence = row->sequence, .is_task = true};
    text_pool_set(&engine->texts, &task->attributes,
                  row->attributes.len == 0 ? STR("{}") : row->attributes);
    text_pool_set(&engine->texts, &task->reason, row->reason);
    text_pool_set(&engine->texts, &task->call_id, row->call_id);
}

static void load_task_refs(struct engine *engine, struct task *task, const struct task_row *row)
{
    if (sid_is_set(&row->queue_sid))
        task_set_queue(task, queue_need(engine, task->workspace, &row->queue_sid));
    if (sid_is_set(&row->worker_sid)) {
        task->worker = worker_ghost(engine, task->workspace, &row->worker_sid);
        task->worker->refs++;
    }
    if (sid_is_set(&row->routing_target)) {
        task->routing_target = xcalloc(1, sizeof *task->routing_target);
        *task->routing_target = row->routing_target;
        if (strncmp(row->routing_target.text, "WK", 2) == 0) {
            task->target_worker = worker_ghost(engine, task->workspace, &row->routing_target);
            task->target_worker->refs++;
        }
    }
    task->filter_index = row->filter_index;
    if (!sid_is_set(&row->workflow_sid))
        return;
    task->workflow = map_get(&engine->workflows, sid_str(&row->workflow_sid));
    if (!task_is_terminal(row->state) && row->assigned_at_us == 0)
        task_count_workflow(task, 1);
    struct document *document = workflow_document(task->workflow, row->workflow_version);
    bool is_lost = document == NULL;
    task_take_document(task, is_lost ? task->workflow->current : document);
    /* A place in a document that is not there means nothing: entered anew. */
    task->filter_index = is_lost ? FILTER_NOWHERE : row->filter_index;
}

static bool load_place_is_good(const struct task *task)
{
    if (task->document == NULL)
        return task->filter_index == FILTER_DIRECT;
    const struct workflow_doc *doc = task->document->doc;
    if (task->filter_index == FILTER_DEFAULT)
        return doc->has_default && task->target_index == 0;
    return task->filter_index >= 0 && (size_t)task->filter_index < doc->filter_count &&
           task->target_index >= 0 &&
           (size_t)task->target_index < doc->filters[task->filter_index].target_count;
}

enum err_code engine_load_task(struct engine *engine, const struct task_row *row, struct err *err)
{
    struct err local = {0};
    err = err == NULL ? &local : err;
    enum err_code code = load_check_task(engine, row, err);
    if (code == ERR_OK && row->attributes.len > 0)
        code = expr_record_check(row->attributes, err);
    if (code != ERR_OK)
        return code;
    struct task *task = pool_take(&engine->task_pool);
    task->workspace = workspace_need(engine, &row->workspace_sid);
    task->channel = channel_need(engine, task->workspace, &row->channel_sid);
    list_init(&task->reservations);
    load_task_fields(engine, task, row);
    load_task_refs(engine, task, row);
    if (!load_place_is_good(task))
        task->filter_index = FILTER_NOWHERE;
    list_append(&task->workspace->tasks, &task->node);
    task->workspace->task_count++;
    sid_map_put(&engine->tasks, task);
    engine_load_counters(engine, 0, row->sequence);
    return ERR_OK;
}

void engine_load_task_ahead(const struct engine *engine, const struct sid *sid)
{
    sid_map_fetch_sid(&engine->tasks, sid);
}

enum err_code engine_load_reservation(struct engine *engine, const struct reservation_row *row,
                                      struct err *err)
{
    struct task *task = sid_map_get(&engine->tasks, &row->task_sid);
    if (task == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_ROW",
                       "reservation row %s names task %s, which is not loaded", row->sid.text,
                       row->task_sid.text);
    if (row->state <= RESERVATION_NONE || row->state >= RESERVATION_STATE_COUNT ||
        row->sequence < 1 || !sid_is_set(&row->worker_sid))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_ROW",
                       "reservation row %s was not written by us", row->sid.text);
    if (sid_map_get(&engine->reservations, &row->sid) != NULL)
        return ERR_SET(err, ERR_ALREADY_EXISTS, "BAD_ROW", "reservation row %s came twice",
                       row->sid.text);
    struct reservation *reservation = pool_take(&engine->reservation_pool);
    reservation->sid = row->sid;
    reservation->state = row->state;
    reservation->task = task;
    reservation->worker = worker_ghost(engine, task->workspace, &row->worker_sid);
    reservation->channel = channel_need(engine, task->workspace, &row->channel_sid);
    if (sid_is_set(&row->queue_sid))
        reservation->queue = queue_need(engine, task->workspace, &row->queue_sid);
    if (sid_is_set(&row->previous_activity_sid))
        reservation->previous = activity_need(engine, task->workspace, &row->previous_activity_sid);
    reservation->version = row->version;
    reservation->timeout_s = row->timeout_s;
    reservation->created_at_us = row->created_at_us;
    reservation->updated_at_us = row->updated_at_us;
    reservation->expires_at_us = row->expires_at_us;
    reservation->sequence = row->sequence;
    reservation->is_written = true;
    reservation->timer = (struct timer){.sequence = row->sequence};
    text_pool_set(&engine->texts, &reservation->instruction, row->instruction);
    text_pool_set(&engine->texts, &reservation->instruction_data, row->instruction_data);
    reservation_link(engine, reservation);
    if (reservation->state == RESERVATION_PENDING ||
        (reservation->state == RESERVATION_WRAPPING && reservation->expires_at_us != 0))
        timer_set(engine, &reservation->timer, reservation->expires_at_us);
    engine_load_worker_idle(engine, &row->worker_sid, &row->channel_sid, row->sequence);
    engine_load_counters(engine, 0, row->sequence);
    return ERR_OK;
}

void engine_load_worker_idle(struct engine *engine, const struct sid *worker_sid,
                             const struct sid *channel_sid, int64_t reservation_sequence)
{
    struct worker *worker = map_get(&engine->workers, sid_str(worker_sid));
    if (worker == NULL)
        return;
    struct channel *channel = channel_need(engine, worker->workspace, channel_sid);
    struct worker_channel *slot = worker_slot(worker, channel);
    if (reservation_sequence > slot->last_sequence)
        slot->last_sequence = reservation_sequence;
    if (reservation_sequence > worker->last_sequence)
        worker->last_sequence = reservation_sequence;
    engine_load_counters(engine, 0, reservation_sequence);
}

void engine_load_worker_override(struct engine *engine, const struct worker_override_row *row)
{
    struct worker *worker = map_get(&engine->workers, sid_str(&row->worker_sid));
    if (worker == NULL || worker->is_deleted || worker->version > row->worker_version ||
        !sid_is_set(&row->activity_sid))
        return;
    worker->has_override = true; /* also where it leads back to what was told */
    worker_move(engine, worker, activity_need(engine, worker->workspace, &row->activity_sid));
    worker->override_at_us = row->at_us;
}

static void load_drop_documents(struct engine *engine)
{
    for (size_t i = 0; i < engine->workflows.count; i++) {
        struct workflow *workflow = engine->workflows.entries[i].value;
        struct list_node *node = list_first(&workflow->documents);
        while (node != NULL) {
            struct document *document = LIST_ENTRY(node, struct document, node);
            node = list_next(&workflow->documents, node);
            if (document->task_count == 0 && document != workflow->current)
                document_free(document);
        }
    }
}

/* With the number, so that sorting need not look at the tasks. */
struct load_task {
    int64_t sequence;
    struct task *task;
};

static int load_compare(const void *a_ptr, const void *b_ptr)
{
    const struct load_task *a = a_ptr;
    const struct load_task *b = b_ptr;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

/* All tasks by creation, in which order their workspaces' lists are brought too; rows mostly come
 * so. */
static struct load_task *load_order(struct engine *engine)
{
    size_t count = engine->tasks.count;
    struct load_task *tasks = xcalloc(count + 1, sizeof *tasks);
    size_t found = 0;
    size_t sorted = 1;
    for (size_t i = 0; i < engine->workspaces.count; i++) {
        const struct workspace *workspace = engine->workspaces.entries[i].value;
        for (struct list_node *node = list_first(&workspace->tasks); node != NULL;
             node = list_next(&workspace->tasks, node)) {
            struct task *task = LIST_ENTRY(node, struct task, node);
            tasks[found++] = (struct load_task){.sequence = task->sequence, .task = task};
        }
    }
    INVARIANT(found == count);
    while (sorted < count && tasks[sorted - 1].sequence < tasks[sorted].sequence)
        sorted++;
    if (sorted >= count)
        return tasks;
    qsort(tasks, count, sizeof *tasks, load_compare);
    for (size_t i = 0; i < count; i++) {
        list_remove(&tasks[i].task->node);
        list_append(&tasks[i].task->workspace->tasks, &tasks[i].task->node);
    }
    return tasks;
}

static void load_resume_task(struct engine *engine, struct task *task)
{
    bool is_routed = task->state == TASK_PENDING || task->state == TASK_RESERVED;
    if (!is_routed) {
        task_plan(engine, task);
        return;
    }
    if (task->filter_index != FILTER_NOWHERE) {
        route_resume(engine, task);
        return;
    }
    if (task->state == TASK_RESERVED) { /* looked at when the offer ends */
        task->is_stale = true;
        task_plan(engine, task);
        return;
    }
    task_touch(engine, task);
    if (task->document == NULL || !route_again(engine, task))
        route_lost(engine, task);
}

/* Statistics: those first that have not moved since they were created, which is in order. */
static void load_count(const struct load_task *tasks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].task->queue_entered_at_us <= tasks[i].task->created_at_us)
            stats_task_add(tasks[i].task);
    }
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].task->queue_entered_at_us > tasks[i].task->created_at_us)
            stats_task_add(tasks[i].task);
    }
}

/* Offers to workers who were deleted while nobody was looking. */
static void load_cancel_orphans(struct engine *engine, struct task *task)
{
    if (task->state != TASK_RESERVED)
        return;
    for (struct list_node *node = list_first(&task->reservations); node != NULL;
         node = list_next(&task->reservations, node)) {
        struct reservation *reservation = LIST_ENTRY(node, struct reservation, task_node);
        if (reservation->state == RESERVATION_PENDING && reservation->worker->is_deleted)
            reservation_end(engine, reservation, RESERVATION_STEP_CANCEL, STR("Worker deleted"),
                            NULL);
    }
    if (task->pending_reservations == 0)
        task_step(engine, task, TASK_STEP_RELEASED);
}

void engine_load_done(struct engine *engine, int64_t now_us, struct engine_effects *out_effects)
{
    if (now_us > engine->now_us)
        engine->now_us = now_us;
    engine->tag = 0;
    emit_begin(engine, out_effects);
    size_t count = engine->tasks.count;
    struct load_task *tasks = load_order(engine);
    load_count(tasks, count);
    for (size_t i = 0; i < count; i++)
        load_resume_task(engine, tasks[i].task);
    for (size_t i = 0; i < count; i++)
        load_cancel_orphans(engine, tasks[i].task);
    free(tasks);
    load_drop_documents(engine);
    engine->is_loading = false;
    engine->started_us = engine->now_us;
    engine_run_timers(engine);
    emit_flush(engine);
}
