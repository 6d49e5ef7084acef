/*
 * Giving tasks to workers. Between commands no class has both a waiting task and a free worker, so
 * only what changed is looked at: tasks that began to wait, workers that became free.
 */
#include <string.h>

#include "base/macros.h"
#include "engine_int.h"

enum { MATCH_MAX_RESERVED = 50 };

bool ready_task_less(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_ENTRY(a, struct task, ready)->sequence <
           HEAP_ENTRY(b, struct task, ready)->sequence;
}

bool ready_worker_less(const struct heap_node *a, const struct heap_node *b)
{
    return memcmp(HEAP_ENTRY(a, struct worker, ready)->sid.text,
                  HEAP_ENTRY(b, struct worker, ready)->sid.text, SID_LEN) < 0;
}

void match_task_ready(struct engine *engine, struct task *task)
{
    if (!heap_has(&task->ready))
        heap_insert(&engine->ready_tasks, &task->ready, task->sequence);
}

void match_worker_ready(struct engine *engine, struct worker *worker)
{
    if (!heap_has(&worker->ready))
        heap_insert(&engine->ready_workers, &worker->ready, 0);
}

/* The task that goes first among all that wait for one like this worker. */
static struct task *match_best_task(const struct worker *worker)
{
    struct task *best = NULL;
    for (uint32_t i = 0; i < worker->channel_count; i++) {
        const struct worker_channel *slot = worker->channels[i];
        if (slot == NULL || !slot->is_free)
            continue;
        for (struct list_node *node = list_first(&slot->members); node != NULL;
             node = list_next(&slot->members, node)) {
            struct class_member *member = LIST_ENTRY(node, struct class_member, worker_node);
            struct heap_node *first = heap_first(&member->class->tasks);
            if (first == NULL)
                continue;
            struct task *task = CONTAINER_OF(first, struct task, place);
            if (best == NULL || task_goes_first(task, best))
                best = task;
        }
    }
    return best;
}

static void match_reserve(struct engine *engine, struct task *task)
{
    INVARIANT(task != NULL);
    struct task_class *class = task->class;
    struct worker *chosen[MATCH_MAX_RESERVED];
    struct heap_node *taken[MATCH_MAX_RESERVED];
    int32_t want = class->queue == NULL ? 1 : class->queue->max_reserved;
    int32_t count = 0;
    while (count < want && count<MATCH_MAX_RESERVED &&class->free.count> 0) {
        taken[count] = heap_first(&class->free);
        chosen[count] = CONTAINER_OF(taken[count], struct class_member, place)->worker;
        count++;
        if (count < want)
            heap_remove(&class->free, taken[count - 1]);
    }
    for (int32_t i = 0; i < count; i++) {
        if (!heap_has(taken[i]))
            heap_insert(&class->free, taken[i],
                        class_member_key(CONTAINER_OF(taken[i], struct class_member, place)));
    }
    for (int32_t i = 0; i < count; i++)
        reservation_make(engine, task, chosen[i]);
}

static void match_worker(struct engine *engine, const struct worker *worker)
{
    struct task *task;
    while ((task = match_best_task(worker)) != NULL)
        match_reserve(engine, task);
}

/* The class's first worker may be wanted more by a task of another class. */
static void match_class(struct engine *engine, struct task_class *class)
{
    while (class->tasks.count > 0 && class->free.count > 0) {
        struct class_member *member =
            CONTAINER_OF(heap_first(&class->free), struct class_member, place);
        match_reserve(engine, match_best_task(member->worker));
    }
}

static void match_task(struct engine *engine, struct task *task)
{
    if (task->state != TASK_PENDING)
        return;
    if (task->class != NULL)
        match_class(engine, task->class);
    else if (task->target_worker != NULL && !task->target_worker->is_deleted)
        reservation_make(engine, task, task->target_worker);
    bool is_resumed = task->is_resumed;
    task->is_resumed = false;
    if (task->state == TASK_PENDING && !is_resumed)
        (void)route_skip(engine, task);
}

void match_settle(struct engine *engine)
{
    if (engine->is_loading)
        return;
    for (;;) {
        struct heap_node *node = heap_first(&engine->ready_workers);
        if (node != NULL) {
            heap_remove(&engine->ready_workers, node);
            match_worker(engine, CONTAINER_OF(node, struct worker, ready));
            continue;
        }
        node = heap_first(&engine->ready_tasks);
        if (node == NULL)
            return;
        heap_remove(&engine->ready_tasks, node);
        match_task(engine, CONTAINER_OF(node, struct task, ready));
    }
}
