#include "statistics_wire.h"

#include <string.h>

#include "base/clock.h"
#include "rpc/pb.h"
#include "svc/wire.h"

enum { MS_PER_S = 1000 };

static int64_t age_s(int64_t since_us, int64_t now_us)
{
    return now_us > since_us ? (now_us - since_us) / US_PER_S : 0;
}

/* ---- of now ---- */

static void put_activities(struct arena *arena, const struct engine_worker_stats *workers,
                           realtime_wire *out)
{
    Taskrouter__Tasks__V1__ActivityStatistic **items =
        ARENA_ARRAY(arena, Taskrouter__Tasks__V1__ActivityStatistic *, workers->activity_count);
    for (size_t i = 0; items != NULL && i < workers->activity_count; i++) {
        const struct engine_activity_count *activity = &workers->activities[i];
        items[i] = PB_NEW(arena, taskrouter__tasks__v1__activity_statistic);
        if (items[i] == NULL)
            return;
        items[i]->sid = wire_text(arena, activity->sid.text);
        items[i]->friendly_name = arena_str_dup(arena, activity->name);
        items[i]->workers = (int64_t)activity->workers;
    }
    out->activity_statistics = items;
    out->n_activity_statistics = workers->activity_count;
}

static void put_priorities(struct arena *arena, const struct engine_task_stats *tasks,
                           realtime_wire *out)
{
    Taskrouter__Tasks__V1__PriorityStatistic **items =
        ARENA_ARRAY(arena, Taskrouter__Tasks__V1__PriorityStatistic *, tasks->priority_count);
    for (size_t i = 0; items != NULL && i < tasks->priority_count; i++) {
        items[i] = PB_NEW(arena, taskrouter__tasks__v1__priority_statistic);
        if (items[i] == NULL)
            return;
        items[i]->priority = tasks->priorities[i].priority;
        items[i]->tasks = (int64_t)tasks->priorities[i].tasks;
    }
    out->tasks_by_priority = items;
    out->n_tasks_by_priority = tasks->priority_count;
}

static void put_tasks(struct arena *arena, const struct engine_task_stats *tasks, int64_t now_us,
                      realtime_wire *out)
{
    Taskrouter__Tasks__V1__StatusStatistic *status =
        PB_NEW(arena, taskrouter__tasks__v1__status_statistic);
    if (status == NULL)
        return;
    status->pending = (int64_t)tasks->by_state[TASK_PENDING];
    status->reserved = (int64_t)tasks->by_state[TASK_RESERVED];
    status->assigned = (int64_t)tasks->by_state[TASK_ASSIGNED];
    status->wrapping = (int64_t)tasks->by_state[TASK_WRAPPING];
    out->tasks_by_status = status;
    out->total_tasks = (int64_t)tasks->total;
    out->longest_task_waiting_sid = wire_text(arena, tasks->longest_sid.text);
    if (sid_is_set(&tasks->longest_sid))
        out->longest_task_waiting_age = age_s(tasks->longest_since_us, now_us);
    out->longest_relative_task_sid_in_queue = wire_text(arena, tasks->longest_in_queue_sid.text);
    if (sid_is_set(&tasks->longest_in_queue_sid))
        out->longest_relative_task_age_in_queue = age_s(tasks->longest_in_queue_since_us, now_us);
    put_priorities(arena, tasks, out);
}

realtime_wire *realtime_to_wire(struct arena *arena, const struct engine_task_stats *tasks,
                                const struct engine_worker_stats *workers, int64_t now_us)
{
    realtime_wire *out = PB_NEW(arena, taskrouter__tasks__v1__realtime_statistics);
    if (out == NULL)
        return NULL;
    if (tasks != NULL)
        put_tasks(arena, tasks, now_us, out);
    if (workers != NULL)
        put_activities(arena, workers, out);
    return arena_is_exhausted(arena) ? NULL : out;
}

/* ---- of the past ---- */

static Taskrouter__Tasks__V1__WaitStatistic *
wait_to_wire(struct arena *arena, const struct figures *figures, enum wait_kind kind)
{
    Taskrouter__Tasks__V1__WaitStatistic *out =
        PB_NEW(arena, taskrouter__tasks__v1__wait_statistic);
    const struct wait_sum *wait = &figures->waits[kind];
    int64_t count = figures_wait_count(figures, kind);
    if (out == NULL || count == 0)
        return out;
    out->avg = (double)wait->sum_ms / (double)count / MS_PER_S;
    out->min = wait->min_ms / MS_PER_S;
    out->max = wait->max_ms / MS_PER_S;
    out->total = wait->sum_ms / MS_PER_S;
    return out;
}

static Taskrouter__Tasks__V1__SplitStatistic *
split_to_wire(struct arena *arena, const struct figures *figures, int64_t threshold_s)
{
    Taskrouter__Tasks__V1__SplitStatistic *out =
        PB_NEW(arena, taskrouter__tasks__v1__split_statistic);
    Taskrouter__Tasks__V1__SplitSide *below = PB_NEW(arena, taskrouter__tasks__v1__split_side);
    Taskrouter__Tasks__V1__SplitSide *above = PB_NEW(arena, taskrouter__tasks__v1__split_side);
    if (out == NULL || below == NULL || above == NULL)
        return NULL;
    wait_counts_split(&figures->canceled, threshold_s, &below->tasks_canceled,
                      &above->tasks_canceled);
    wait_counts_split(&figures->accepted, threshold_s, &below->reservations_accepted,
                      &above->reservations_accepted);
    out->threshold = threshold_s;
    out->below = below;
    out->above = above;
    return out;
}

static void put_splits(struct arena *arena, const struct figures *figures,
                       const struct stat_ask *ask, cumulative_wire *out)
{
    Taskrouter__Tasks__V1__SplitStatistic **items =
        ARENA_ARRAY(arena, Taskrouter__Tasks__V1__SplitStatistic *, ask->split_count);
    for (size_t i = 0; items != NULL && i < ask->split_count; i++)
        items[i] = split_to_wire(arena, figures, ask->splits[i]);
    out->split_by_wait_time = items;
    out->n_split_by_wait_time = ask->split_count;
}

cumulative_wire *cumulative_to_wire(struct arena *arena, const struct figures *figures,
                                    const struct stat_ask *ask, int64_t start_us, int64_t end_us)
{
    cumulative_wire *out = PB_NEW(arena, taskrouter__tasks__v1__cumulative_statistics);
    if (out == NULL)
        return NULL;
#define X(name, column) out->column = figures->counts[FIGURE_##name];
    FIGURES(X)
#undef X
    out->start_time = wire_time(arena, start_us);
    out->end_time = wire_time(arena, end_us < ask->now_us ? end_us : ask->now_us);
    out->wait_duration_until_accepted = wait_to_wire(arena, figures, WAIT_ACCEPTED);
    out->wait_duration_until_canceled = wait_to_wire(arena, figures, WAIT_CANCELED);
    out->wait_duration_in_queue_until_accepted = wait_to_wire(arena, figures, WAIT_IN_QUEUE);
    if (arena_is_exhausted(arena))
        return NULL;
    out->avg_task_acceptance_time = out->wait_duration_until_accepted->avg;
    put_splits(arena, figures, ask, out);
    return arena_is_exhausted(arena) ? NULL : out;
}

bool durations_to_wire(struct arena *arena, const struct stat_duration *durations, size_t count,
                       const struct stat_name *names, size_t name_count, cumulative_wire *out)
{
    Taskrouter__Tasks__V1__DurationStatistic **items =
        ARENA_ARRAY(arena, Taskrouter__Tasks__V1__DurationStatistic *, name_count);
    for (size_t i = 0; items != NULL && i < name_count; i++) {
        items[i] = PB_NEW(arena, taskrouter__tasks__v1__duration_statistic);
        if (items[i] == NULL)
            return false;
        items[i]->sid = wire_text(arena, names[i].sid);
        items[i]->friendly_name = wire_text(arena, names[i].name);
        for (size_t d = 0; d < count; d++) {
            if (strcmp(durations[d].activity_sid, names[i].sid) != 0 || durations[d].spans == 0)
                continue;
            items[i]->min = durations[d].min_ms / MS_PER_S;
            items[i]->max = durations[d].max_ms / MS_PER_S;
            items[i]->total = durations[d].total_ms / MS_PER_S;
            items[i]->avg = (double)durations[d].total_ms / (double)durations[d].spans / MS_PER_S;
        }
    }
    out->activity_durations = items;
    out->n_activity_durations = name_count;
    return !arena_is_exhausted(arena);
}
