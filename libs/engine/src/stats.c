/*
 * What statistics count, kept up where it changes. Every task is in two groups: its queue's (from
 * entering it) and its workflow's (or, without one, the workspace's own); a group has a cell per
 * channel. A workspace is the sum of its workflows, so that it costs a task nothing.
 *
 * Who waits longest: tasks come into a cell nearly always in order of age, and are appended to a
 * list then. Those who came later than younger ones (moved between queues, other channel) are in
 * heaps beside it. So a change costs a few instructions, and never a walk along the waiting.
 */
#include "engine/stats.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/macros.h"
#include "engine_int.h"

/* --- how many tasks have each priority ------------------------------------------------------ */

enum { TALLY_FIRST_CAPACITY = 8 };

struct tally_slot {
    int64_t key;
    uint32_t count; /* 0 with is_used: left over until the next growth */
    bool is_used;
};

struct tally {
    struct tally_slot *slots; /* open addressing */
    uint32_t capacity;        /* a power of two, or 0 */
    uint32_t used;
};

static struct tally_slot *tally_find(const struct tally *tally, int64_t key)
{
    uint32_t mask = tally->capacity - 1;
    uint32_t at = (uint32_t)(((uint64_t)key * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & mask;
    while (tally->slots[at].is_used && tally->slots[at].key != key)
        at = (at + 1) & mask;
    return &tally->slots[at];
}

static void tally_grow(struct tally *tally)
{
    struct tally old = *tally;
    uint32_t live = 0;
    for (uint32_t i = 0; i < old.capacity; i++)
        live += old.slots[i].count > 0 ? 1 : 0;
    tally->capacity = TALLY_FIRST_CAPACITY;
    while (tally->capacity < live * 2 + 2)
        tally->capacity *= 2;
    tally->slots = xcalloc(tally->capacity, sizeof *tally->slots);
    tally->used = live;
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].count > 0)
            *tally_find(tally, old.slots[i].key) = old.slots[i];
    }
    free(old.slots);
}

static void tally_add(struct tally *tally, int64_t key)
{
    if ((tally->used + 1) * 4 > tally->capacity * 3)
        tally_grow(tally);
    struct tally_slot *slot = tally_find(tally, key);
    if (!slot->is_used) {
        *slot = (struct tally_slot){.key = key, .is_used = true};
        tally->used++;
    }
    slot->count++;
}

static void tally_drop(struct tally *tally, int64_t key)
{
    struct tally_slot *slot = tally_find(tally, key);
    INVARIANT(slot->count > 0);
    slot->count--;
}

/* --- cells ---------------------------------------------------------------------------------- */

/* Which of a task's two groups: they use nodes of their own. */
enum stats_kind {
    STATS_NONE,
    STATS_FLOW,
    STATS_QUEUE,
};

struct stats_cell {
    uint32_t by_state[TASK_STATE_COUNT];
    struct tally priorities;
    struct list line;          /* waiting, in order of age and of entering the queue both */
    struct heap late;          /* waiting but not in the line, by age */
    struct heap late_in_queue; /* the same, by entering; STATS_QUEUE only */
};

static bool late_flow_less(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_ENTRY(a, struct task, flow_late)->sequence <
           HEAP_ENTRY(b, struct task, flow_late)->sequence;
}

static bool late_queue_less(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_ENTRY(a, struct task, queue_late)->sequence <
           HEAP_ENTRY(b, struct task, queue_late)->sequence;
}

static bool late_in_queue_less(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_ENTRY(a, struct task, queue_later)->sequence <
           HEAP_ENTRY(b, struct task, queue_later)->sequence;
}

static struct stats_cell *cell_make(struct stats_group *group, const struct channel *channel,
                                    enum stats_kind kind)
{
    if (channel->index >= group->count) {
        uint32_t count = channel->index + 1;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
        size_t size = sizeof *group->cells;
        group->cells = (struct stats_cell **)xrealloc(group->cells, count, size);
        for (uint32_t i = group->count; i < count; i++)
            group->cells[i] = NULL;
        group->count = count;
    }
    struct stats_cell *cell = xcalloc(1, sizeof *cell);
    list_init(&cell->line);
    heap_init(&cell->late, kind == STATS_FLOW ? late_flow_less : late_queue_less);
    heap_init(&cell->late_in_queue, late_in_queue_less);
    group->cells[channel->index] = cell;
    return cell;
}

static struct stats_cell *cell_of(struct stats_group *group, const struct channel *channel)
{
    return channel->index < group->count ? group->cells[channel->index] : NULL;
}

static struct stats_group *flow_of(const struct task *task)
{
    return task->workflow != NULL ? &task->workflow->stats : &task->workspace->direct_stats;
}

void stats_group_fini(struct stats_group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        if (group->cells[i] == NULL)
            continue;
        free(group->cells[i]->priorities.slots);
        heap_fini(&group->cells[i]->late);
        heap_fini(&group->cells[i]->late_in_queue);
        free(group->cells[i]);
    }
    free(group->cells);
    *group = (struct stats_group){0};
}

/* --- waiting -------------------------------------------------------------------------------- */

static bool is_waiting(enum task_state state)
{
    return state == TASK_PENDING || state == TASK_RESERVED;
}

static const struct task *flow_task(const struct list_node *node)
{
    return (const struct task *)(const void *)((const char *)node -
                                               offsetof(struct task, flow_line));
}

static const struct task *queue_task(const struct list_node *node)
{
    return (const struct task *)(const void *)((const char *)node -
                                               offsetof(struct task, queue_line));
}

static void wait_in_flow(struct stats_cell *cell, struct task *task)
{
    const struct list_node *tail = cell->line.head.prev;
    if (tail == &cell->line.head || flow_task(tail)->sequence < task->sequence)
        list_append(&cell->line, &task->flow_line);
    else
        heap_insert(&cell->late, &task->flow_late, task->sequence);
}

static void wait_in_queue(struct stats_cell *cell, struct task *task)
{
    const struct list_node *tail = cell->line.head.prev;
    const struct task *last = tail == &cell->line.head ? NULL : queue_task(tail);
    if (last == NULL || (last->sequence < task->sequence &&
                         last->queue_entered_at_us <= task->queue_entered_at_us)) {
        list_append(&cell->line, &task->queue_line);
        return;
    }
    heap_insert(&cell->late, &task->queue_late, task->sequence);
    heap_insert(&cell->late_in_queue, &task->queue_later, task->queue_entered_at_us);
}

static void leave_flow(struct stats_cell *cell, struct task *task)
{
    list_remove(&task->flow_line);
    heap_remove(&cell->late, &task->flow_late);
}

static void leave_queue(struct stats_cell *cell, struct task *task)
{
    list_remove(&task->queue_line);
    heap_remove(&cell->late, &task->queue_late);
    heap_remove(&cell->late_in_queue, &task->queue_later);
}

/* --- changes -------------------------------------------------------------------------------- */

static void flow_add(struct task *task)
{
    struct stats_group *group = flow_of(task);
    struct stats_cell *cell = cell_of(group, task->channel);
    if (cell == NULL)
        cell = cell_make(group, task->channel, STATS_FLOW);
    cell->by_state[task->state]++;
    tally_add(&cell->priorities, task->priority);
    if (is_waiting(task->state))
        wait_in_flow(cell, task);
}

static void queue_add(struct task *task)
{
    struct stats_group *group = &task->queue->stats;
    struct stats_cell *cell = cell_of(group, task->channel);
    if (cell == NULL)
        cell = cell_make(group, task->channel, STATS_QUEUE);
    cell->by_state[task->state]++;
    tally_add(&cell->priorities, task->priority);
    if (is_waiting(task->state))
        wait_in_queue(cell, task);
    task->is_counted_in_queue = true;
}

static void queue_drop(struct task *task, struct queue *queue)
{
    struct stats_cell *cell = cell_of(&queue->stats, task->channel);
    INVARIANT(cell != NULL);
    cell->by_state[task->state]--;
    tally_drop(&cell->priorities, task->priority);
    leave_queue(cell, task);
    task->is_counted_in_queue = false;
}

void stats_task_add(struct task *task)
{
    if (task_is_terminal(task->state))
        return;
    task->is_counted = true;
    flow_add(task);
    if (task->queue != NULL)
        queue_add(task);
}

void stats_task_drop(struct task *task)
{
    if (!task->is_counted)
        return;
    struct stats_cell *cell = cell_of(flow_of(task), task->channel);
    INVARIANT(cell != NULL);
    task->is_counted = false;
    cell->by_state[task->state]--;
    tally_drop(&cell->priorities, task->priority);
    leave_flow(cell, task);
    if (task->is_counted_in_queue)
        queue_drop(task, task->queue);
}

void stats_task_step(struct task *task, enum task_state to)
{
    struct stats_cell *flow = cell_of(flow_of(task), task->channel);
    struct stats_cell *queue =
        task->is_counted_in_queue ? cell_of(&task->queue->stats, task->channel) : NULL;
    bool is_over = is_waiting(task->state) && !is_waiting(to);
    INVARIANT(flow != NULL);
    flow->by_state[task->state]--;
    flow->by_state[to]++;
    if (is_over)
        leave_flow(flow, task);
    if (queue == NULL)
        return;
    queue->by_state[task->state]--;
    queue->by_state[to]++;
    if (is_over)
        leave_queue(queue, task);
}

void stats_task_entered(struct task *task, struct queue *from)
{
    if (task->is_counted_in_queue)
        queue_drop(task, from);
    queue_add(task);
}

void stats_task_priority(const struct task *task, int64_t priority)
{
    struct stats_cell *cell = cell_of(flow_of(task), task->channel);
    if (!task->is_counted || priority == task->priority)
        return;
    INVARIANT(cell != NULL);
    tally_drop(&cell->priorities, task->priority);
    tally_add(&cell->priorities, priority);
    if (!task->is_counted_in_queue)
        return;
    cell = cell_of(&task->queue->stats, task->channel);
    INVARIANT(cell != NULL);
    tally_drop(&cell->priorities, task->priority);
    tally_add(&cell->priorities, priority);
}

/* --- reads ---------------------------------------------------------------------------------- */

/* The cells that an answer is the sum of. */
struct stats_sum {
    struct engine_task_stats *out;
    const struct channel *channel; /* NULL: all */
    enum stats_kind kind;
    bool is_counting; /* first pass: how many priorities there may be */
    int64_t oldest;   /* sequence of who waits longest */
};

static void sum_oldest(struct stats_sum *sum, const struct task *task)
{
    if (task == NULL || task->sequence >= sum->oldest)
        return;
    sum->oldest = task->sequence;
    sum->out->longest_sid = task->sid;
    sum->out->longest_since_us = task->created_at_us;
}

static void sum_first_in_queue(struct stats_sum *sum, const struct task *task)
{
    struct engine_task_stats *out = sum->out;
    if (task == NULL || (sid_is_set(&out->longest_in_queue_sid) &&
                         task->queue_entered_at_us >= out->longest_in_queue_since_us))
        return;
    out->longest_in_queue_sid = task->sid;
    out->longest_in_queue_since_us = task->queue_entered_at_us;
}

static void sum_waiting(struct stats_sum *sum, const struct stats_cell *cell)
{
    const struct list_node *first = list_first(&cell->line);
    const struct heap_node *late = heap_first(&cell->late);
    if (sum->kind == STATS_FLOW) {
        sum_oldest(sum, first == NULL ? NULL : flow_task(first));
        sum_oldest(sum, late == NULL ? NULL : HEAP_ENTRY(late, struct task, flow_late));
        return;
    }
    sum_oldest(sum, first == NULL ? NULL : queue_task(first));
    sum_oldest(sum, late == NULL ? NULL : HEAP_ENTRY(late, struct task, queue_late));
    late = heap_first(&cell->late_in_queue);
    sum_first_in_queue(sum, first == NULL ? NULL : queue_task(first));
    sum_first_in_queue(sum, late == NULL ? NULL : HEAP_ENTRY(late, struct task, queue_later));
}

static void sum_cell(struct stats_sum *sum, const struct stats_cell *cell)
{
    struct engine_task_stats *out = sum->out;
    if (sum->is_counting) {
        out->priority_count += cell->priorities.used;
        return;
    }
    for (size_t state = 0; state < TASK_STATE_COUNT; state++) {
        out->by_state[state] += cell->by_state[state];
        out->total += cell->by_state[state];
    }
    for (uint32_t i = 0; i < cell->priorities.capacity; i++) {
        const struct tally_slot *slot = &cell->priorities.slots[i];
        if (slot->count > 0)
            out->priorities[out->priority_count++] =
                (struct engine_priority_count){slot->key, slot->count};
    }
    sum_waiting(sum, cell);
}

static void sum_group(struct stats_sum *sum, const struct stats_group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        if (group->cells[i] != NULL && (sum->channel == NULL || sum->channel->index == i))
            sum_cell(sum, group->cells[i]);
    }
}

static void sum_workspace(struct stats_sum *sum, const struct workspace *workspace)
{
    sum_group(sum, &workspace->direct_stats);
    for (struct list_node *node = list_first(&workspace->workflows); node != NULL;
         node = list_next(&workspace->workflows, node))
        sum_group(sum, &LIST_ENTRY(node, struct workflow, node)->stats);
}

static int priority_compare(const void *a_ptr, const void *b_ptr)
{
    const struct engine_priority_count *a = a_ptr;
    const struct engine_priority_count *b = b_ptr;
    return (a->priority > b->priority) - (a->priority < b->priority);
}

/* Several cells have the same priorities. */
static void merge_priorities(struct engine_task_stats *out)
{
    size_t kept = 0;
    qsort(out->priorities, out->priority_count, sizeof *out->priorities, priority_compare);
    for (size_t i = 0; i < out->priority_count; i++) {
        if (kept > 0 && out->priorities[kept - 1].priority == out->priorities[i].priority)
            out->priorities[kept - 1].tasks += out->priorities[i].tasks;
        else
            out->priorities[kept++] = out->priorities[i];
    }
    out->priority_count = kept;
}

static bool sum_all(const struct engine *engine, const struct sid *sid, struct stats_sum *sum)
{
    const struct workspace *workspace = map_get(&engine->workspaces, sid_str(sid));
    const struct queue *queue = map_get(&engine->queues, sid_str(sid));
    const struct workflow *workflow = map_get(&engine->workflows, sid_str(sid));
    sum->kind = queue != NULL ? STATS_QUEUE : STATS_FLOW;
    if (workspace != NULL)
        sum_workspace(sum, workspace);
    else if (queue != NULL)
        sum_group(sum, &queue->stats);
    else if (workflow != NULL)
        sum_group(sum, &workflow->stats);
    else
        return false;
    return true;
}

bool engine_task_stats_get(const struct engine *engine, const struct sid *sid,
                           const struct sid *channel_sid, struct arena *arena,
                           struct engine_task_stats *out_stats)
{
    struct stats_sum sum = {.out = out_stats, .is_counting = true, .oldest = INT64_MAX};
    *out_stats = (struct engine_task_stats){0};
    if (channel_sid != NULL) {
        sum.channel = map_get(&engine->channels, sid_str(channel_sid));
        if (sum.channel == NULL)
            return false;
    }
    if (!sum_all(engine, sid, &sum))
        return false;
    out_stats->priorities =
        ARENA_ARRAY(arena, struct engine_priority_count, out_stats->priority_count);
    if (out_stats->priorities == NULL)
        return false;
    out_stats->priority_count = 0;
    sum.is_counting = false;
    (void)sum_all(engine, sid, &sum);
    merge_priorities(out_stats);
    return true;
}

static size_t workers_in(const struct activity *activity, const struct queue *queue)
{
    if (queue == NULL)
        return activity->worker_count;
    return activity->index < queue->activity_capacity ? queue->activity_counts[activity->index] : 0;
}

bool engine_worker_stats_get(const struct engine *engine, const struct sid *sid,
                             struct arena *arena, struct engine_worker_stats *out_stats)
{
    const struct queue *queue = map_get(&engine->queues, sid_str(sid));
    const struct workspace *workspace =
        queue != NULL ? queue->workspace : map_get(&engine->workspaces, sid_str(sid));
    *out_stats = (struct engine_worker_stats){0};
    if (workspace == NULL)
        return false;
    out_stats->activities =
        ARENA_ARRAY(arena, struct engine_activity_count, workspace->activity_count);
    if (out_stats->activities == NULL)
        return false;
    for (struct list_node *node = list_first(&workspace->activities); node != NULL;
         node = list_next(&workspace->activities, node)) {
        const struct activity *activity = LIST_ENTRY(node, struct activity, node);
        size_t workers = workers_in(activity, queue);
        out_stats->workers += workers;
        out_stats->available += activity->is_available ? workers : 0;
        if (activity->version == 0 && workers == 0)
            continue; /* deleted, or only heard of */
        out_stats->activities[out_stats->activity_count++] = (struct engine_activity_count){
            .sid = activity->sid,
            .name = activity->name.len == 0 ? STR("") : arena_str(arena, activity->name),
            .is_available = activity->is_available,
            .workers = workers,
        };
    }
    return !arena_is_exhausted(arena);
}

void engine_queue_workers(const struct engine *engine, const struct sid *queue_sid,
                          engine_sid_fn fn, void *context)
{
    const struct queue *queue = map_get(&engine->queues, sid_str(queue_sid));
    if (queue == NULL)
        return;
    for (struct list_node *node = list_first(&queue->members); node != NULL;
         node = list_next(&queue->members, node)) {
        if (!fn(context, &LIST_ENTRY(node, struct queue_member, queue_node)->worker->sid))
            return;
    }
}
