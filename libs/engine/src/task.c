#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "engine_int.h"

enum { MAX_ATTRIBUTE_CHARACTERS = 4096 };

#define MAX_PRIORITY  INT64_C(2147483647)
#define MAX_TIMEOUT_S INT64_C(1209600)
#define YEAR_1900_US  INT64_C(-2208988800000000)
#define MAX_WRAP_UP_S INT64_C(86400)
#define TASK_TTL_TEXT "Task TTL Exceeded"

/* --- being in a class --------------------------------------------------------------------- */

static void task_unqueue(struct engine *engine, struct task *task)
{
    if (line_has(&task->place)) {
        class_take_task(task);
        engine->waiting_count--;
    }
    heap_remove(&engine->ready_tasks, &task->ready);
}

void task_leave_class(struct engine *engine, struct task *task)
{
    task_unqueue(engine, task);
    if (task->class != NULL)
        class_unref(engine, task->class, task->variant);
    task->class = NULL;
    task->variant = NULL;
}

/* The task waits in this class (NULL: for its own worker, whatever he is doing). */
void task_wait(struct engine *engine, struct task *task, struct task_class *class,
               struct variant *variant)
{
    if (class != NULL)
        class_ref(engine, class, variant); /* before the old one goes: they may be the same */
    task_leave_class(engine, task);
    task->class = class;
    task->variant = variant;
    task->is_resumed = false;
    if (task->state == TASK_PENDING && class != NULL) {
        class_put_task(task);
        engine->waiting_count++;
    }
    if (task->state == TASK_PENDING)
        match_task_ready(engine, task);
    task_plan(engine, task);
}

static bool task_is_routed(const struct task *task)
{
    return task->state == TASK_PENDING || task->state == TASK_RESERVED;
}

void task_set_queue(struct task *task, struct queue *queue)
{
    if (task->queue != NULL && task_is_routed(task))
        task->queue->task_count--;
    task->queue = queue;
    if (queue != NULL && task_is_routed(task))
        queue->task_count++;
}

void task_set_priority(struct task *task, int64_t priority)
{
    stats_task_priority(task, priority);
    task->priority = priority;
}

void task_count_workflow(struct task *task, int delta)
{
    if (task->workflow != NULL)
        task->workflow->task_count = (size_t)((int64_t)task->workflow->task_count + delta);
}

void task_take_document(struct task *task, struct document *document)
{
    if (task->document == document)
        return;
    if (task->document != NULL)
        document_release(task->document);
    task->document = document;
    task->filter_index = FILTER_NOWHERE;
    if (document != NULL)
        document->task_count++;
}

/* No longer waiting for anybody: assigned or ended. */
static void task_unroute(struct engine *engine, struct task *task)
{
    task_leave_class(engine, task);
    if (task->queue != NULL)
        task->queue->task_count--;
    task_count_workflow(task, -1);
}

/* --- time --------------------------------------------------------------------------------- */

void timer_stop(struct engine *engine, struct timer *timer)
{
    line_remove(&engine->timers[timer->kind], &timer->place);
}

static enum timer_kind timer_kind(const struct timer *timer)
{
    if (!timer->is_task)
        return TIMER_OFFER;
    enum task_state state = LINE_ENTRY(timer, struct task, timer)->state;
    return task_is_terminal(state)                           ? TIMER_ENDED
           : state == TASK_PENDING || state == TASK_RESERVED ? TIMER_WAITING
                                                             : TIMER_ASSIGNED;
}

void timer_set(struct engine *engine, struct timer *timer, int64_t at_us)
{
    if (line_has(&timer->place) && timer->at_us == at_us)
        return;
    timer_stop(engine, timer);
    timer->at_us = at_us;
    timer->kind = (uint8_t)timer_kind(timer);
    if (at_us == TIME_NEVER)
        return;
    if (at_us < engine->timers_from_us)
        engine->timers_from_us = at_us;
    line_insert(&engine->timers[timer->kind], &timer->place, at_us);
}

static int64_t task_expires_at(const struct task *task)
{
    return time_after(task->created_at_us, task->timeout_s);
}

void task_plan(struct engine *engine, struct task *task)
{
    int64_t at_us = TIME_NEVER;
    switch (task->state) {
    case TASK_PENDING:
        at_us = task_expires_at(task);
        if (task->step_deadline_us < at_us)
            at_us = task->step_deadline_us;
        break;
    case TASK_RESERVED:
        at_us = MUTATED(8) ? TIME_NEVER : task_expires_at(task);
        break;
    case TASK_ASSIGNED:
    case TASK_WRAPPING:
        at_us = time_after(task->assigned_at_us, engine->config.assigned_cleanup_s);
        break;
    case TASK_COMPLETED:
    case TASK_CANCELED:
        at_us = time_after(task->ended_at_us, engine->config.terminal_purge_s);
        break;
    case TASK_NONE:
    case TASK_STATE_COUNT:
        break;
    }
    timer_set(engine, &task->timer, at_us);
}

void task_timer(struct engine *engine, struct task *task)
{
    switch (task->state) {
    case TASK_PENDING:
    case TASK_RESERVED:
        if (engine->now_us >= task_expires_at(task))
            task_give_up(engine, task, ENGINE_EVENT_NONE, STR(TASK_TTL_TEXT));
        else if (!MUTATED(10))
            route_step_over(engine, task);
        break;
    case TASK_ASSIGNED:
    case TASK_WRAPPING:
        task_remove(engine, task, ENGINE_EVENT_TASK_SYSTEM_DELETED);
        break;
    case TASK_COMPLETED:
    case TASK_CANCELED:
        ahead_of_purge(engine);
        task_remove(engine, task, ENGINE_EVENT_NONE);
        break;
    case TASK_NONE:
    case TASK_STATE_COUNT:
        break;
    }
}

/* --- steps -------------------------------------------------------------------------------- */

static void task_wrap_reservations(struct engine *engine, struct task *task)
{
    for (struct list_node *node = list_first(&task->reservations); node != NULL;
         node = list_next(&task->reservations, node)) {
        struct reservation *reservation = LIST_ENTRY(node, struct reservation, task_node);
        if (reservation->state == RESERVATION_ACCEPTED)
            reservation_wrap(engine, reservation);
    }
}

/* The one place where a task changes state while it lives; task_end is the other. */
void task_step(struct engine *engine, struct task *task, enum task_step step)
{
    enum task_state to = task_next(task->state, step);
    INVARIANT(to != TASK_NONE);
    stats_task_step(task, to);
    task->state = to;
    task_touch(engine, task);
    if (step == TASK_STEP_RESERVED) {
        task->assignment_count++;
        task_unqueue(engine, task);
    } else if (step == TASK_STEP_RELEASED) {
        route_released(engine, task);
    } else if (step == TASK_STEP_ACCEPTED) {
        task->assigned_at_us = engine->now_us;
        task_unroute(engine, task);
    } else if (step == TASK_STEP_WRAP_UP) {
        (void)emit_task(engine, ENGINE_EVENT_TASK_WRAPUP, task);
        task_wrap_reservations(engine, task);
    }
    task_plan(engine, task);
}

/* Ends what is still open of a task that ends or goes. */
static void task_end_reservations(struct engine *engine, struct task *task, struct str reason)
{
    for (struct list_node *node = list_first(&task->reservations); node != NULL;
         node = list_next(&task->reservations, node)) {
        struct reservation *reservation = LIST_ENTRY(node, struct reservation, task_node);
        if (!reservation_is_open(reservation->state))
            continue;
        bool is_done = task->state == TASK_COMPLETED && reservation->state != RESERVATION_PENDING;
        reservation_end(engine, reservation,
                        is_done ? RESERVATION_STEP_COMPLETE : RESERVATION_STEP_CANCEL, reason,
                        NULL);
    }
}

void task_end(struct engine *engine, struct task *task, enum task_step step, struct str reason,
              enum engine_event_type why)
{
    bool was_routed = task_is_routed(task);
    enum task_state to = task_next(task->state, step);
    INVARIANT(task_is_terminal(to));
    if (was_routed)
        task_unroute(engine, task);
    stats_task_drop(task);
    task->state = to;
    task->ended_at_us = engine->now_us;
    text_pool_set(&engine->texts, &task->reason, reason);
    task_touch(engine, task);
    struct engine_event *event = NULL;
    if (why != ENGINE_EVENT_NONE) {
        event = emit_task(engine, why, task);
        event->reason = event->task->reason;
    }
    event = emit_task(
        engine, to == TASK_COMPLETED ? ENGINE_EVENT_TASK_COMPLETED : ENGINE_EVENT_TASK_CANCELED,
        task);
    event->reason = event->task->reason;
    task_end_reservations(engine, task, task->reason);
    task_plan(engine, task);
}

void task_give_up(struct engine *engine, struct task *task, enum engine_event_type why,
                  struct str reason)
{
    task_end(engine, task, TASK_STEP_GIVEN_UP, reason, why);
}

/* Out of memory and off the live list; event ENGINE_EVENT_NONE for the quiet purge. */
void task_remove(struct engine *engine, struct task *task, enum engine_event_type event)
{
    if (event != ENGINE_EVENT_NONE) {
        if (task_is_routed(task))
            task_unroute(engine, task);
        task_touch(engine, task);
        (void)emit_task(engine, event, task);
        task_end_reservations(engine, task, STR("Task deleted"));
    }
    emit_flush(engine); /* rows before the structs go */
    emit_purged(engine, task, event != ENGINE_EVENT_NONE);
    task_free(engine, task);
}

void task_free(struct engine *engine, struct task *task)
{
    stats_task_drop(task);
    timer_stop(engine, &task->timer);
    while (!list_is_empty(&task->reservations))
        reservation_free(
            engine, LIST_ENTRY(list_first(&task->reservations), struct reservation, task_node));
    list_remove(&task->node);
    task->workspace->task_count--;
    heap_remove(&engine->ready_tasks, &task->ready);
    emit_forget_task(engine, task);
    sid_map_remove(&engine->tasks, task);
    if (task->document != NULL)
        document_release(task->document);
    if (task->worker != NULL)
        worker_unref(engine, task->worker);
    if (task->target_worker != NULL)
        worker_unref(engine, task->target_worker);
    free(task->routing_target);
    text_pool_clear(&engine->texts, &task->attributes);
    text_pool_clear(&engine->texts, &task->reason);
    text_pool_clear(&engine->texts, &task->call_id);
    pool_give(&engine->task_pool, task);
}

/* --- create ------------------------------------------------------------------------------- */

/* Afterwards they are in engine->attributes, until the next command. */
static enum err_code task_check_attributes(struct engine *engine, struct str attributes,
                                           struct err *err)
{
    bool is_short = attributes.len <= MAX_ATTRIBUTE_CHARACTERS;
    size_t count = is_short ? 0 : str_utf8_count(attributes);
    if (count > MAX_ATTRIBUTE_CHARACTERS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", "attributes",
                         "attributes are %zu characters long: shorten them to at most %d", count,
                         MAX_ATTRIBUTE_CHARACTERS);
    enum err_code code = expr_record_renew(attributes, &engine->attributes, err);
    if (code != ERR_OK) {
        char detail[sizeof err->detail];
        memcpy(detail, err->detail, sizeof detail);
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_INVALID", "attributes",
                         "attributes must be a JSON object: %s", detail);
    }
    return ERR_OK;
}

static enum err_code task_check_priority(int64_t priority, struct err *err)
{
    if (priority < 0 || priority > MAX_PRIORITY)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "priority",
                         "priority must be from 0 to %lld", (long long)MAX_PRIORITY);
    return ERR_OK;
}

static enum err_code task_check_start(const struct engine *engine, int64_t at_us, struct err *err)
{
    if (at_us > engine->now_us || at_us < YEAR_1900_US)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "virtual_start_time",
                         "virtual_start_time must not be in the future nor before 1900");
    return ERR_OK;
}

static enum err_code task_find_channel(const struct workspace *workspace, struct str name,
                                       struct channel **out_channel, struct err *err)
{
    struct channel *channel = workspace_channel(workspace, name.len == 0 ? STR("default") : name);
    if (channel == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CHANNEL_NOT_FOUND", "task_channel",
                         "there is no task channel %.*s in this workspace",
                         name.len == 0 ? 7 : (int)name.len, name.len == 0 ? "default" : name.ptr);
    *out_channel = channel;
    return ERR_OK;
}

/* Where a new task goes first. */
struct task_way {
    struct worker *worker;
    struct queue *queue;
    struct workflow *workflow;
    bool ignore_capacity;
};

static enum err_code task_way_workflow(const struct engine *engine,
                                       const struct workspace *workspace, const struct sid *sid,
                                       const char *field, struct task_way *way, struct err *err)
{
    struct workflow *workflow = map_get(&engine->workflows, sid_str(sid));
    if (workflow == NULL || workflow->workspace != workspace || workflow->is_deleted ||
        workflow->current == NULL)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKFLOW_NOT_FOUND", field,
                         "there is no workflow %s in this workspace", sid->text);
    way->workflow = workflow;
    return ERR_OK;
}

static enum err_code task_way_queue(const struct engine *engine, const struct workspace *workspace,
                                    const struct sid *sid, const char *field, struct task_way *way,
                                    struct err *err)
{
    struct queue *queue = map_get(&engine->queues, sid_str(sid));
    if (queue == NULL || queue->workspace != workspace || queue->is_deleted || queue->version == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "QUEUE_NOT_FOUND", field,
                         "there is no task queue %s in this workspace", sid->text);
    way->queue = queue;
    return ERR_OK;
}

static enum err_code task_way_only_workflow(struct workspace *workspace, struct task_way *way,
                                            struct err *err)
{
    size_t count = 0;
    for (struct list_node *node = list_first(&workspace->workflows); node != NULL;
         node = list_next(&workspace->workflows, node)) {
        struct workflow *workflow = LIST_ENTRY(node, struct workflow, node);
        if (workflow->is_deleted || workflow->current == NULL)
            continue;
        way->workflow = workflow;
        count++;
    }
    if (count != 1)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "WORKFLOW_REQUIRED", "workflow_sid",
                         "name the workflow: the workspace has %zu of them, and it may be left "
                         "out only when there is exactly one",
                         count);
    return ERR_OK;
}

static enum err_code task_way_target(struct engine *engine, struct workspace *workspace,
                                     const struct engine_create *create, struct task_way *way,
                                     struct err *err)
{
    const struct sid *target = &create->routing_target;
    if (strncmp(target->text, "WQ", 2) == 0)
        return task_way_queue(engine, workspace, target, "routing_target", way, err);
    if (strncmp(target->text, "WW", 2) == 0)
        return task_way_workflow(engine, workspace, target, "routing_target", way, err);
    struct worker *worker =
        strncmp(target->text, "WK", 2) == 0 ? map_get(&engine->workers, sid_str(target)) : NULL;
    if (worker == NULL || worker->workspace != workspace || worker->is_deleted)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKER_NOT_FOUND", "routing_target",
                         "there is no worker, task queue or workflow %s in this workspace",
                         target->text);
    way->worker = worker;
    way->ignore_capacity = create->has_ignore_capacity ? create->ignore_capacity : true;
    return ERR_OK;
}

static enum err_code task_find_way(struct engine *engine, struct workspace *workspace,
                                   const struct engine_create *create, struct task_way *way,
                                   struct err *err)
{
    enum err_code code = ERR_OK;
    struct task_way ignored = {0};
    if (sid_is_set(&create->routing_target))
        code = task_way_target(engine, workspace, create, way, err);
    else if (sid_is_set(&create->workflow_sid))
        code =
            task_way_workflow(engine, workspace, &create->workflow_sid, "workflow_sid", way, err);
    else if (sid_is_set(&create->queue_sid))
        code = task_way_queue(engine, workspace, &create->queue_sid, "task_queue_sid", way, err);
    else
        code = task_way_only_workflow(workspace, way, err);
    if (code == ERR_OK && way->queue == NULL && sid_is_set(&create->queue_sid))
        code =
            task_way_queue(engine, workspace, &create->queue_sid, "task_queue_sid", &ignored, err);
    if (code == ERR_OK && create->has_ignore_capacity && create->ignore_capacity &&
        way->worker == NULL)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CONFLICT", "ignore_capacity",
                         "ignore_capacity may be true only with a worker as routing_target");
    return code;
}

static enum err_code task_check_create(struct engine *engine, struct workspace *workspace,
                                       const struct engine_create *create, struct task_way *way,
                                       struct channel **out_channel, struct err *err)
{
    enum err_code code = ERR_OK;
    if (create->has_priority)
        code = task_check_priority(create->priority, err);
    if (code == ERR_OK && create->virtual_start_us != 0)
        code = task_check_start(engine, create->virtual_start_us, err);
    if (code == ERR_OK && create->has_timeout &&
        (create->timeout_s < 1 || create->timeout_s > MAX_TIMEOUT_S))
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "timeout",
                         "timeout must be from 1 to %lld seconds", (long long)MAX_TIMEOUT_S);
    if (code == ERR_OK)
        code = task_find_channel(workspace, create->channel, out_channel, err);
    if (code == ERR_OK)
        code = task_find_way(engine, workspace, create, way, err);
    return code;
}

static struct task *task_new(struct engine *engine, struct workspace *workspace,
                             struct channel *channel, const struct engine_create *create,
                             const struct task_way *way)
{
    struct task *task = pool_take(&engine->task_pool);
    task->sequence = ++engine->sequence;
    engine_sid(engine, &task->sid, SID_TASK, task->sequence);
    task->state = task_next(TASK_NONE, TASK_STEP_CREATED);
    task->workspace = workspace;
    task->channel = channel;
    task->workflow = way->workflow;
    task->target_worker = way->worker;
    task->ignore_capacity = way->ignore_capacity;
    task->priority = create->has_priority ? create->priority : 0;
    task->timeout_s =
        create->has_timeout ? create->timeout_s : engine->config.default_task_timeout_s;
    task->created_at_us = engine->now_us;
    task->virtual_start_us =
        create->virtual_start_us != 0 ? create->virtual_start_us : engine->now_us;
    task->filter_base_us = engine->now_us;
    task->step_deadline_us = TIME_NEVER;
    task->timer = (struct timer){.sequence = task->sequence, .is_task = true};
    list_init(&task->reservations);
    text_pool_set(&engine->texts, &task->attributes,
                  create->attributes.len == 0 ? STR("{}") : create->attributes);
    text_pool_set(&engine->texts, &task->call_id, create->call_id);
    if (task->target_worker != NULL)
        task->target_worker->refs++;
    if (sid_is_set(&create->routing_target)) {
        task->routing_target = xcalloc(1, sizeof *task->routing_target);
        *task->routing_target = create->routing_target;
    }
    if (way->workflow != NULL)
        task_take_document(task, way->workflow->current);
    task->filter_index = FILTER_DIRECT;
    task_count_workflow(task, 1);
    list_append(&workspace->tasks, &task->node);
    workspace->task_count++;
    sid_map_put(&engine->tasks, task);
    stats_task_add(task);
    return task;
}

enum err_code task_create(struct engine *engine, const struct engine_command *command,
                          struct err *err)
{
    const struct engine_create *create = &command->create;
    struct workspace *workspace = map_get(&engine->workspaces, sid_str(&create->workspace_sid));
    struct channel *channel = NULL;
    struct task_way way = {0};
    if (workspace == NULL || workspace->version == 0 || workspace->is_deleted)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                         "there is no workspace %s", create->workspace_sid.text);
    if (workspace->is_mirrored)
        return ERR_FIELD(err, ERR_FAILED_PRECONDITION, "MIRRORED", "workspace_sid",
                         "tasks of workspace %s are created where it is routed",
                         create->workspace_sid.text);
    enum err_code code = task_check_create(engine, workspace, create, &way, &channel, err);
    if (code != ERR_OK)
        return code;
    struct str attributes = create->attributes.len == 0 ? STR("{}") : create->attributes;
    code = task_check_attributes(engine, attributes, err);
    if (code != ERR_OK)
        return code;
    const struct expr_record *record = engine->attributes;
    int32_t filter = FILTER_DIRECT;
    if (way.workflow != NULL) {
        const struct workflow_doc *doc = way.workflow->current->doc;
        filter = workflow_doc_match(doc, record, 0);
        if (filter < 0)
            filter = doc->has_default ? FILTER_DEFAULT : FILTER_DIRECT;
        if (filter == FILTER_DIRECT)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "NO_TARGET", "attributes",
                             "no filter of workflow %s takes these attributes, and it has no "
                             "default filter",
                             way.workflow->sid.text);
    }
    struct task *task = task_new(engine, workspace, channel, create, &way);
    task_touch(engine, task);
    struct engine_event *event = emit_task(engine, ENGINE_EVENT_TASK_CREATED, task);
    if (create->rules.len > 0)
        emit_event_more(engine, event)->rules = emit_str(engine, create->rules);
    if (way.queue != NULL)
        task_set_queue(task, way.queue);
    route_start(engine, task, record, filter);
    engine->out->subject = task->sid;
    return ERR_OK;
}

/* --- the rest ----------------------------------------------------------------------------- */

static struct task *task_find(struct engine *engine, const struct sid *sid,
                              const struct sid *workspace_sid, int64_t expected_version,
                              struct err *err)
{
    struct task *task = sid_map_get(&engine->tasks, sid);
    if (task == NULL || strcmp(task->workspace->sid.text, workspace_sid->text) != 0) {
        (void)ERR_SET(err, ERR_NOT_FOUND, "TASK_NOT_FOUND", "there is no task %s in this workspace",
                      sid->text);
        return NULL;
    }
    if (expected_version != 0 && expected_version != task->version) {
        (void)ERR_FIELD(err, ERR_ABORTED, "VERSION_MISMATCH", "expected_version",
                        "task %s is at version %lld, not %lld: read it again", task->sid.text,
                        (long long)task->version, (long long)expected_version);
        return NULL;
    }
    return task;
}

static enum err_code task_check_update(const struct engine *engine, const struct task *task,
                                       const struct engine_update *update,
                                       struct channel **out_channel, struct err *err)
{
    enum err_code code = ERR_OK;
    if (task_is_terminal(task->state))
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "TASK_STATE",
                       "task %s is %s and cannot be changed any more", task->sid.text,
                       task_state_name(task->state));
    if (update->has_priority)
        code = task_check_priority(update->priority, err);
    if (code == ERR_OK && update->has_virtual_start)
        code = task_check_start(engine, update->virtual_start_us, err);
    if (code == ERR_OK && update->has_channel)
        code = task_find_channel(task->workspace, update->channel, out_channel, err);
    if (code == ERR_OK && update->has_channel && *out_channel != task->channel &&
        task->state != TASK_PENDING)
        code = ERR_FIELD(err, ERR_FAILED_PRECONDITION, "TASK_STATE", "task_channel",
                         "the channel of task %s can be changed only while it is pending",
                         task->sid.text);
    return code;
}

/* A pending task must still be taken by some filter. */
static enum err_code task_check_filters(const struct task *task, const struct expr_record *record,
                                        struct err *err)
{
    if (!task_is_routed(task) || task->document == NULL || task->document->doc->has_default ||
        workflow_doc_match(task->document->doc, record, 0) >= 0)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "NO_TARGET", "attributes",
                     "no filter of workflow %s takes these attributes, and it has no default "
                     "filter",
                     task->workflow->sid.text);
}

static void task_set_fields(struct engine *engine, struct task *task,
                            const struct engine_update *update, struct channel *channel)
{
    if (update->has_attributes) {
        text_pool_set(&engine->texts, &task->attributes,
                      update->attributes.len == 0 ? STR("{}") : update->attributes);
        emit_attributes_changed(engine, task);
        task->is_stale = task->state == TASK_RESERVED;
    }
    if (update->has_priority)
        task_set_priority(task, update->priority);
    if (update->has_virtual_start)
        task->virtual_start_us = update->virtual_start_us;
    if (channel != NULL && channel != task->channel) {
        stats_task_drop(task);
        task->channel = channel;
        stats_task_add(task);
    }
    task_touch(engine, task);
    (void)emit_task(engine, ENGINE_EVENT_TASK_UPDATED, task);
}

static void task_apply_update(struct engine *engine, struct task *task,
                              const struct engine_update *update, struct channel *channel)
{
    task_set_fields(engine, task, update, channel);
    if (task->state != TASK_PENDING)
        return;
    if (update->has_attributes || channel != NULL)
        (void)route_again(engine, task);
    else if (line_has(&task->place)) /* nobody is free for it: only its place changes */
        class_move_task(task);
}

enum err_code task_update(struct engine *engine, const struct engine_command *command,
                          struct err *err)
{
    const struct engine_update *update = &command->update;
    struct channel *channel = NULL;
    struct task *task =
        task_find(engine, &update->sid, &update->workspace_sid, update->expected_version, err);
    if (task == NULL)
        return err->code;
    enum err_code code = task_check_update(engine, task, update, &channel, err);
    if (code == ERR_OK && update->has_attributes) {
        struct str attributes = update->attributes.len == 0 ? STR("{}") : update->attributes;
        code = task_check_attributes(engine, attributes, err);
        if (code == ERR_OK)
            code = task_check_filters(task, engine->attributes, err);
    }
    if (code != ERR_OK)
        return code;
    task_apply_update(engine, task, update, channel);
    engine->out->subject = task->sid;
    return ERR_OK;
}

static enum err_code task_check_reason(struct str reason, const char *what, struct err *err)
{
    if (str_trim(reason).len == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "MISSING", "reason",
                         "give the reason why the task is %s", what);
    return ERR_OK;
}

static enum err_code task_check_cancel(const struct task *task, struct str reason, struct err *err)
{
    if (task_next(task->state, TASK_STEP_CANCEL) == TASK_NONE)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "TASK_STATE",
                       "Cannot cancel task %s in workspace %s for account %s because it is not "
                       "pending or reserved.",
                       task->sid.text, task->workspace->sid.text,
                       task->workspace->account_sid.text);
    return task_check_reason(reason, "canceled", err);
}

enum err_code task_cancel(struct engine *engine, const struct engine_command *command,
                          struct err *err)
{
    const struct engine_action *action = &command->action;
    struct task *task =
        task_find(engine, &action->sid, &action->workspace_sid, action->expected_version, err);
    if (task == NULL)
        return err->code;
    enum err_code code = task_check_cancel(task, action->reason, err);
    if (code != ERR_OK)
        return code;
    task_end(engine, task, TASK_STEP_CANCEL, action->reason, ENGINE_EVENT_NONE);
    engine->out->subject = task->sid;
    return ERR_OK;
}

enum err_code task_cancel_with(struct engine *engine, const struct engine_command *command,
                               struct err *err)
{
    const struct engine_update *update = &command->update;
    struct channel *channel = NULL;
    struct task *task =
        task_find(engine, &update->sid, &update->workspace_sid, update->expected_version, err);
    if (task == NULL)
        return err->code;
    enum err_code code = task_check_cancel(task, update->reason, err);
    if (code == ERR_OK)
        code = task_check_update(engine, task, update, &channel, err);
    if (code == ERR_OK && update->has_attributes)
        code = task_check_attributes(
            engine, update->attributes.len == 0 ? STR("{}") : update->attributes, err);
    if (code != ERR_OK)
        return code;
    task_unqueue(engine, task); /* its place is by what it was */
    task_set_fields(engine, task, update, channel);
    task_end(engine, task, TASK_STEP_CANCEL, update->reason, ENGINE_EVENT_NONE);
    engine->out->subject = task->sid;
    return ERR_OK;
}

static enum err_code task_check_wrap_up(int64_t timeout_s, struct err *err)
{
    if (timeout_s < 0 || timeout_s > MAX_WRAP_UP_S)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "timeout",
                         "the timeout of a wrap-up must be from 1 to %lld seconds, or 0 for none",
                         (long long)MAX_WRAP_UP_S);
    return ERR_OK;
}

/* The task's state allows it. */
enum err_code task_begin_wrap_up(struct engine *engine, struct task *task, int64_t timeout_s,
                                 struct err *err)
{
    enum err_code code = task_check_wrap_up(timeout_s, err);
    if (code != ERR_OK)
        return code;
    engine->wrap_up_s = timeout_s;
    task_step(engine, task, TASK_STEP_WRAP_UP);
    engine->wrap_up_s = 0;
    return ERR_OK;
}

enum err_code task_wrap_up(struct engine *engine, const struct engine_command *command,
                           struct err *err)
{
    const struct engine_action *action = &command->action;
    struct task *task =
        task_find(engine, &action->sid, &action->workspace_sid, action->expected_version, err);
    if (task == NULL)
        return err->code;
    if (task_next(task->state, TASK_STEP_WRAP_UP) == TASK_NONE)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "TASK_STATE",
                       "Cannot wrap up a task %s in workspace %s for account %s because it's not "
                       "currently assigned",
                       task->sid.text, task->workspace->sid.text,
                       task->workspace->account_sid.text);
    enum err_code code = task_check_wrap_up(action->timeout_s, err);
    if (code != ERR_OK)
        return code;
    text_pool_set(&engine->texts, &task->reason, action->reason);
    engine->out->subject = task->sid;
    return task_begin_wrap_up(engine, task, action->timeout_s, err);
}

enum err_code task_complete(struct engine *engine, const struct engine_command *command,
                            struct err *err)
{
    const struct engine_action *action = &command->action;
    struct task *task =
        task_find(engine, &action->sid, &action->workspace_sid, action->expected_version, err);
    if (task == NULL)
        return err->code;
    if (task_next(task->state, TASK_STEP_COMPLETE) == TASK_NONE)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "TASK_STATE",
                       "Cannot complete task %s in workspace %s for account %s because it is not "
                       "assigned or wrapping.",
                       task->sid.text, task->workspace->sid.text,
                       task->workspace->account_sid.text);
    enum err_code code = task_check_reason(action->reason, "completed", err);
    if (code != ERR_OK)
        return code;
    task_end(engine, task, TASK_STEP_COMPLETE, action->reason, ENGINE_EVENT_NONE);
    engine->out->subject = task->sid;
    return ERR_OK;
}

enum err_code task_delete(struct engine *engine, const struct engine_command *command,
                          struct err *err)
{
    const struct engine_action *action = &command->action;
    struct task *task =
        task_find(engine, &action->sid, &action->workspace_sid, action->expected_version, err);
    if (task == NULL)
        return err->code;
    INVARIANT(task_may_leave(task->state, TASK_STEP_DELETE));
    struct sid sid = task->sid;
    task_remove(engine, task, ENGINE_EVENT_TASK_DELETED);
    engine->out->subject = sid;
    return ERR_OK;
}
