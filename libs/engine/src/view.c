#include "base/macros.h"
#include "engine_int.h"

bool engine_task_get(const struct engine *engine, const struct sid *sid, struct task_row *out_row)
{
    const struct task *task = sid_map_get(&engine->tasks, sid);
    if (task == NULL)
        return false;
    task_fill_row(task, out_row);
    return true;
}

bool engine_reservation_get(const struct engine *engine, const struct sid *sid,
                            struct reservation_row *out_row)
{
    const struct reservation *reservation = sid_map_get(&engine->reservations, sid);
    if (reservation == NULL)
        return false;
    reservation_fill_row(reservation, out_row);
    return true;
}

void engine_worker_reservations(const struct engine *engine, const struct sid *worker_sid,
                                engine_reservation_fn fn, void *context)
{
    const struct worker *worker = map_get(&engine->workers, sid_str(worker_sid));
    if (worker == NULL)
        return;
    for (struct list_node *node = list_first(&worker->reservations); node != NULL;
         node = list_next(&worker->reservations, node)) {
        struct reservation_row row;
        reservation_fill_row(LIST_ENTRY(node, struct reservation, worker_node), &row);
        if (!fn(context, &row))
            return;
    }
}

void engine_task_reservations(const struct engine *engine, const struct sid *task_sid,
                              engine_reservation_fn fn, void *context)
{
    const struct task *task = sid_map_get(&engine->tasks, task_sid);
    if (task == NULL)
        return;
    for (struct list_node *node = list_first(&task->reservations); node != NULL;
         node = list_next(&task->reservations, node)) {
        struct reservation_row row;
        reservation_fill_row(LIST_ENTRY(node, struct reservation, task_node), &row);
        if (!fn(context, &row))
            return;
    }
}

void engine_tasks(const struct engine *engine, engine_task_fn fn, void *context)
{
    for (size_t i = 0; i < engine->workspaces.count; i++) {
        const struct workspace *workspace = engine->workspaces.entries[i].value;
        for (struct list_node *node = list_first(&workspace->tasks); node != NULL;
             node = list_next(&workspace->tasks, node)) {
            struct task_row row;
            task_fill_row(LIST_ENTRY(node, struct task, node), &row);
            if (!fn(context, &row))
                return;
        }
    }
}

size_t engine_workspace_task_count(const struct engine *engine, const struct sid *workspace_sid)
{
    const struct workspace *workspace = map_get(&engine->workspaces, sid_str(workspace_sid));
    return workspace == NULL ? 0 : workspace->task_count;
}

int64_t engine_config_version(const struct engine *engine, const struct sid *sid)
{
    struct str key = sid_str(sid);
    const struct workspace *workspace = map_get(&engine->workspaces, key);
    const struct activity *activity = map_get(&engine->activities, key);
    const struct channel *channel = map_get(&engine->channels, key);
    const struct queue *queue = map_get(&engine->queues, key);
    const struct workflow *workflow = map_get(&engine->workflows, key);
    const struct worker *worker = map_get(&engine->workers, key);
    if (workspace != NULL)
        return workspace->is_deleted ? 0 : workspace->version;
    if (activity != NULL)
        return activity->version;
    if (channel != NULL)
        return channel->is_deleted ? 0 : channel->version;
    if (queue != NULL)
        return queue->is_deleted ? 0 : queue->version;
    if (workflow != NULL)
        return workflow->is_deleted ? 0 : workflow->version;
    return worker == NULL || worker->is_deleted ? 0 : worker->version;
}

bool engine_has_workflow(const struct engine *engine, const struct sid *sid)
{
    return map_get(&engine->workflows, sid_str(sid)) != NULL;
}

size_t engine_queue_task_count(const struct engine *engine, const struct sid *queue_sid)
{
    const struct queue *queue = map_get(&engine->queues, sid_str(queue_sid));
    return queue == NULL ? 0 : queue->task_count;
}

size_t engine_workflow_task_count(const struct engine *engine, const struct sid *workflow_sid)
{
    const struct workflow *workflow = map_get(&engine->workflows, sid_str(workflow_sid));
    return workflow == NULL ? 0 : workflow->task_count;
}

bool engine_worker_get(const struct engine *engine, const struct sid *worker_sid,
                       struct engine_worker_view *out_view)
{
    const struct worker *worker = map_get(&engine->workers, sid_str(worker_sid));
    if (worker == NULL || worker->is_deleted)
        return false;
    *out_view = (struct engine_worker_view){
        .activity_sid = worker->activity->sid,
        .is_available = worker->activity->is_available,
        .version = worker->version,
        .open_reservations = worker->open_reservations,
    };
    return true;
}

bool engine_worker_capacity(const struct engine *engine, const struct sid *worker_sid,
                            const struct sid *channel_sid, int32_t *out_capacity,
                            int32_t *out_consumed)
{
    const struct worker *worker = map_get(&engine->workers, sid_str(worker_sid));
    const struct channel *channel = map_get(&engine->channels, sid_str(channel_sid));
    if (worker == NULL || channel == NULL)
        return false;
    const struct worker_channel *slot =
        channel->index < worker->channel_count ? worker->channels[channel->index] : NULL;
    *out_capacity = slot == NULL ? 1 : slot->capacity;
    *out_consumed = slot == NULL ? 0 : slot->consumed;
    return true;
}

void engine_stats_get(const struct engine *engine, struct engine_stats *out_stats)
{
    *out_stats = (struct engine_stats){
        .workspaces = engine->workspaces.count,
        .workers = engine->workers.count,
        .queues = engine->queues.count,
        .workflows = engine->workflows.count,
        .tasks = engine->tasks.count,
        .tasks_waiting = engine->waiting_count,
        .reservations_open = engine->open_count,
        .classes = engine->classes.count,
        .timers = timer_count(engine),
        .idle_members = engine->idle_member_count,
        .reservations_made = engine->reservations_made,
        .events_made = (uint64_t)engine->event_sequence,
    };
    for (size_t i = 0; i < engine->workflows.count; i++) {
        const struct workflow *workflow = engine->workflows.entries[i].value;
        for (struct list_node *node = list_first(&workflow->documents); node != NULL;
             node = list_next(&workflow->documents, node))
            out_stats->documents++;
    }
}
