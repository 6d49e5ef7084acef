/*
 * Where a task is in its workflow: filters top to bottom, targets by cumulative timeouts against
 * the task's age (README, choices).
 */
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "engine_int.h"

static const struct workflow_filter *route_filter(const struct task *task)
{
    if (task->document == NULL || task->filter_index == FILTER_DIRECT)
        return NULL;
    const struct workflow_doc *doc = task->document->doc;
    return task->filter_index == FILTER_DEFAULT ? &doc->default_filter
                                                : &doc->filters[task->filter_index];
}

const struct workflow_target *route_target(const struct task *task)
{
    const struct workflow_filter *filter = route_filter(task);
    return filter == NULL ? NULL : &filter->targets[task->target_index];
}

/* When a target's time is up, counted from the filter's base. */
static int64_t route_deadline(const struct workflow_filter *filter, int32_t target, int64_t base_us)
{
    INVARIANT(filter != NULL);
    int64_t sum_s = 0;
    if (!filter->targets[target].has_timeout)
        return TIME_NEVER;
    for (int32_t i = 0; i <= target; i++) {
        if (filter->targets[i].has_timeout)
            sum_s += filter->targets[i].timeout_s;
    }
    return time_after(base_us, sum_s);
}

/* The worker that the step is restricted to, as the class's key has it; empty when there is none. A
 * missing attribute is nobody. */
static struct str route_known(const struct task *task, const struct workflow_target *target,
                              const struct expr_record *record, struct known_space *space)
{
    if (task->target_worker != NULL)
        return class_known_key(space, false, sid_str(&task->target_worker->sid));
    if (target == NULL || target->known_worker == NULL)
        return (struct str){0};
    struct expr_env env = {.records = {[EXPR_SLOT_TASK] = record}};
    struct str name = expr_value_text(expr_path_get(target->known_worker, &env));
    return class_known_key(space, target->is_known_by_name && name.len > 0, name);
}

bool route_is_known_worker(const struct task *task)
{
    return task->class != NULL && task->class->known != NULL;
}

void route_known_worker(const struct task *task, struct sid *out_sid)
{
    *out_sid = (struct sid){0};
    if (!route_is_known_worker(task))
        return;
    const struct known *known = task->class->known;
    if (str_starts_with(known->key, STR("sid:"))) {
        *out_sid = sid_from((struct str){known->key.ptr + 4, known->key.len - 4});
        return;
    }
    const struct worker *worker = known_worker(known);
    if (worker != NULL)
        *out_sid = worker->sid;
}

/* The task waits in the class of its step. record may be NULL: then it is parsed if needed. */
static void route_wait(struct engine *engine, struct task *task, const struct expr_record *record)
{
    const struct workflow_target *target = route_target(task);
    struct expr_record *own = NULL;
    struct known_space space;
    bool is_needed = target != NULL && (target->expression != NULL || target->known_worker != NULL);
    if (task->target_worker != NULL && task->ignore_capacity) {
        task_wait(engine, task, NULL, NULL);
        return;
    }
    if (is_needed && record == NULL) {
        struct err err;
        enum err_code code = expr_record_new(task->attributes, &own, &err);
        INVARIANT(code == ERR_OK); /* checked when it came in */
        record = own;
    }
    struct class_spec spec = {
        .workspace = task->workspace,
        .queue = task->target_worker != NULL ? NULL : task->queue,
        .channel = task->channel,
        .expression = target == NULL ? NULL : target->expression,
        .known = route_known(task, target, record, &space),
        .task = record,
    };
    if (target != NULL)
        spec.order_text = target->order_by_text;
    struct variant *variant = NULL;
    struct task_class *class = class_need(engine, &spec, &variant);
    task_wait(engine, task, class, variant);
    expr_record_free(own);
}

static void route_emit_target(struct engine *engine, struct task *task)
{
    const struct workflow_filter *filter = route_filter(task);
    const struct workflow_target *target = route_target(task);
    struct engine_event *event = emit_task(engine, ENGINE_EVENT_WORKFLOW_TARGET_MATCHED, task);
    struct engine_event_more *more = emit_event_more(engine, event);
    more->filter_name =
        emit_config_str(engine, task->filter_index == FILTER_DEFAULT && filter->name.len == 0
                                    ? STR("default_filter")
                                    : filter->name);
    more->filter_expression = emit_config_str(engine, filter->expression_text);
    more->target_expression = emit_config_str(engine, target->expression_text);
    route_known_worker(task, &more->known_worker_sid);
}

/* Queues never go, and most steps name the same one as the step before. */
static struct queue *route_queue(struct engine *engine, struct str sid)
{
    struct queue *last = engine->last_queue;
    if (last == NULL || sid.len != SID_LEN || memcmp(last->sid.text, sid.ptr, SID_LEN) != 0)
        last = map_get(&engine->queues, sid);
    INVARIANT(last != NULL); /* made known with the document */
    engine->last_queue = last;
    return last;
}

/* Puts the task into a step: priority, queue, class, events. */
static void route_enter(struct engine *engine, struct task *task, int32_t filter_index,
                        int32_t target_index, int64_t base_us, const struct expr_record *record)
{
    bool is_same = task->queue_entered_at_us != 0 && task->filter_index == filter_index &&
                   task->target_index == target_index;
    struct queue *from = task->queue;
    bool had_queue = task->queue_entered_at_us != 0;
    int64_t old_base_us = task->filter_base_us;
    int64_t old_deadline_us = task->step_deadline_us;
    task->filter_index = filter_index;
    task->target_index = target_index;
    task->filter_base_us = base_us;
    task->step_deadline_us = TIME_NEVER;
    const struct workflow_target *target = route_target(task);
    if (target != NULL) {
        task->step_deadline_us = route_deadline(route_filter(task), target_index, base_us);
        struct queue *queue = route_queue(engine, target->queue);
        if (target->has_priority && !is_same)
            task_set_priority(task, target->priority); /* while it still counts where it was */
        task_set_queue(task, queue);
    }
    if (is_same) {
        bool is_changed =
            task->filter_base_us != old_base_us || task->step_deadline_us != old_deadline_us;
        if (is_changed && !MUTATED(12))
            task_touch(engine, task); /* no news, but its row says otherwise */
        route_wait(engine, task, record);
        return;
    }
    bool is_moved = had_queue && from != task->queue;
    if (task->queue != NULL && (!had_queue || is_moved)) {
        task->queue_entered_at_us = engine->now_us;
        stats_task_entered(task, from);
    }
    task_touch(engine, task);
    route_wait(engine, task, record);
    if (target != NULL)
        route_emit_target(engine, task);
    if (is_moved) {
        struct engine_event *event = emit_task(engine, ENGINE_EVENT_TASK_QUEUE_MOVED, task);
        struct engine_event_more *more = emit_event_more(engine, event);
        more->previous_queue_sid = from->sid;
        more->previous_queue_name = emit_config_str(engine, from->name);
    }
    if (task->queue != NULL && (!had_queue || is_moved))
        (void)emit_task(engine, ENGINE_EVENT_TASK_QUEUE_ENTERED, task);
}

/* Finds the next step from (filter, target) on; ends the task when there is none. is_skip: the step
 * before was left by skip_if, which allows the default filter. */
static void route_walk(struct engine *engine, struct task *task, int32_t filter_index,
                       int32_t target_index, int64_t base_us, bool is_skip,
                       const struct expr_record *record)
{
    const struct workflow_doc *doc = task->document->doc;
    struct expr_record *own = NULL;
    for (;;) {
        const struct workflow_filter *filter =
            filter_index == FILTER_DEFAULT ? &doc->default_filter : &doc->filters[filter_index];
        int32_t count = (int32_t)filter->target_count;
        while (target_index < count &&
               route_deadline(filter, target_index, base_us) <= engine->now_us)
            target_index++;
        if (target_index < count) {
            route_enter(engine, task, filter_index, target_index, base_us, record);
            break;
        }
        int32_t next = -1;
        if (filter_index != FILTER_DEFAULT) {
            if (record == NULL) {
                struct err err;
                enum err_code code = expr_record_new(task->attributes, &own, &err);
                INVARIANT(code == ERR_OK);
                record = own;
            }
            next = workflow_doc_match(doc, record, filter_index + 1);
        }
        base_us = is_skip ? engine->now_us : route_deadline(filter, count - 1, base_us);
        target_index = 0;
        if (next >= 0) {
            filter_index = next;
            is_skip = false;
            continue;
        }
        if (is_skip && filter_index != FILTER_DEFAULT && doc->has_default) {
            filter_index = FILTER_DEFAULT;
            continue;
        }
        task_give_up(engine, task,
                     is_skip ? ENGINE_EVENT_WORKFLOW_SKIPPED : ENGINE_EVENT_WORKFLOW_TIMEOUT,
                     is_skip ? STR("Task canceled on Workflow skip")
                             : STR("Task canceled on Workflow timeout"));
        break;
    }
    expr_record_free(own);
}

void route_start(struct engine *engine, struct task *task, const struct expr_record *record,
                 int32_t filter)
{
    if (task->document == NULL) {
        route_enter(engine, task, FILTER_DIRECT, 0, task->created_at_us, record);
        return;
    }
    (void)emit_task(engine, ENGINE_EVENT_WORKFLOW_ENTERED, task);
    route_walk(engine, task, filter, 0, task->created_at_us, false, record);
}

bool route_is_taken(const struct task *task, const struct document *document)
{
    struct expr_record *record = NULL;
    struct err err;
    if (document == NULL)
        return false;
    enum err_code code = expr_record_new(task->attributes, &record, &err);
    INVARIANT(code == ERR_OK); /* checked when it came in */
    bool is_taken = document->doc->has_default || workflow_doc_match(document->doc, record, 0) >= 0;
    expr_record_free(record);
    return is_taken;
}

void route_lost(struct engine *engine, struct task *task)
{
    task_give_up(engine, task, ENGINE_EVENT_WORKFLOW_TIMEOUT,
                 STR("Task canceled: its workflow document is gone"));
}

bool route_again(struct engine *engine, struct task *task)
{
    struct expr_record *record = NULL;
    struct err err;
    if (task->document == NULL) {
        route_enter(engine, task, FILTER_DIRECT, 0, task->filter_base_us, NULL);
        return true;
    }
    if (expr_record_new(task->attributes, &record, &err) != ERR_OK)
        return false;
    const struct workflow_doc *doc = task->document->doc;
    int32_t filter = workflow_doc_match(doc, record, 0);
    bool is_taken = filter >= 0 || doc->has_default;
    if (filter < 0)
        filter = FILTER_DEFAULT;
    bool is_same = filter == task->filter_index;
    if (is_taken)
        route_walk(engine, task, filter, 0, is_same ? task->filter_base_us : task->created_at_us,
                   false, record);
    expr_record_free(record);
    return is_taken;
}

static void route_emit_timeout(struct engine *engine, struct task *task)
{
    struct engine_event *event = emit_task(engine, ENGINE_EVENT_TASK_QUEUE_TIMEOUT, task);
    struct engine_event_more *more = emit_event_more(engine, event);
    more->previous_queue_sid = task->queue->sid;
    more->previous_queue_name = emit_config_str(engine, task->queue->name);
}

void route_step_over(struct engine *engine, struct task *task)
{
    route_emit_timeout(engine, task);
    route_walk(engine, task, task->filter_index, task->target_index + 1, task->filter_base_us,
               false, NULL);
}

void route_released(struct engine *engine, struct task *task)
{
    if (task->assignment_count >= engine->config.max_assignment_count) {
        task_give_up(engine, task, ENGINE_EVENT_NONE,
                     STR("Task TTL Exceeded or Max assignment count exceeded"));
        return;
    }
    bool is_stale = task->is_stale || task->wants_current;
    if (task->wants_current && task->workflow != NULL &&
        route_is_taken(task, task->workflow->current))
        task_take_document(task, task->workflow->current);
    task->is_stale = false;
    task->wants_current = false;
    if (is_stale && route_again(engine, task))
        return;
    if (task->filter_index == FILTER_NOWHERE)
        route_lost(engine, task);
    else if (task->step_deadline_us <= engine->now_us)
        route_step_over(engine, task);
    else
        task_wait(engine, task, task->class, task->variant);
}

void route_resume(struct engine *engine, struct task *task)
{
    route_wait(engine, task, NULL);
    task->is_resumed = true;
}

static bool skip_count(void *ctx, enum expr_slot slot, struct str name,
                       struct expr_value *out_value)
{
    const struct engine *engine = ((const void **)ctx)[0];
    const struct queue *queue = ((const void **)ctx)[1];
    int64_t available = 0;
    if (slot != EXPR_SLOT_WORKERS)
        return false;
    if (!str_eq_text(name, "available") && !str_eq_text(name, "unavailable")) {
        const struct activity *activity = map_get(&engine->activities, name);
        bool is_counted = activity != NULL && activity->workspace == queue->workspace &&
                          activity->index < queue->activity_capacity;
        *out_value = expr_value_i64(is_counted ? queue->activity_counts[activity->index] : 0);
        return true;
    }
    const struct list *activities = &queue->workspace->activities;
    for (struct list_node *node = list_first(activities); node != NULL;
         node = list_next(activities, node)) {
        const struct activity *activity = LIST_ENTRY(node, struct activity, node);
        if (activity->is_available && activity->index < queue->activity_capacity)
            available += queue->activity_counts[activity->index];
    }
    bool is_available = str_eq_text(name, "available");
    *out_value = expr_value_i64(is_available ? available : queue->member_count - available);
    return true;
}

bool route_would_skip(const struct engine *engine, const struct queue *queue,
                      const struct workflow_target *target)
{
    const void *ctx[2] = {engine, queue};
    struct expr_env env = {.resolve = skip_count, .resolve_ctx = ctx};
    return target->skip_if != NULL && expr_eval(target->skip_if, &env);
}

bool route_skip(struct engine *engine, struct task *task)
{
    const struct workflow_target *target = route_target(task);
    if (target == NULL || !route_would_skip(engine, task->queue, target))
        return false;
    route_walk(engine, task, task->filter_index, task->target_index + 1, task->filter_base_us, true,
               NULL);
    return true;
}
