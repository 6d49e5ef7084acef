/*
 * Giving tasks to workers. Between commands no class has both a waiting task and a free worker, so
 * only what changed is looked at: tasks that began to wait, workers that became free.
 */
#include <string.h>

#include "base/arena.h"
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

/* "level=3, seniority=none" */
static struct str match_order_values(struct engine *engine, const struct class_member *member)
{
    const struct task_class *class = member->class;
    struct buf text;
    if (class->order == NULL || class->is_order_off || member->order_key == NULL)
        return STR("");
    buf_init(&text, 0);
    for (size_t i = 0; i < expr_order_name_count(class->order); i++) {
        buf_printf(&text, "%s%.*s=", i == 0 ? "" : ", ",
                   STR_ARG(expr_order_name_at(class->order, i).path));
        if ((member->order_key->missing_mask >> i & 1U) != 0)
            buf_text(&text, "none");
        else
            buf_i64(&text, member->order_key->values[i]);
    }
    struct str copy = emit_str(engine, buf_str(&text));
    buf_fini(&text);
    return copy;
}

/* What makes the choice, written down before it changes anything. next: NULL = there is nobody. */
static const struct engine_offer *match_note(struct engine *engine, const struct heap_node *chosen,
                                             const struct heap_node *next, int32_t rank,
                                             size_t free_count)
{
    const struct class_member *member = HEAP_ENTRY(chosen, struct class_member, place);
    const struct task_class *class = member->class;
    struct engine_offer *offer = ARENA_NEW(engine->out->arena, struct engine_offer);
    INVARIANT(offer != NULL);
    *offer = (struct engine_offer){
        .qualified = (int64_t) class->member_count,
        .free = (int64_t)free_count,
        .waiting = class->tasks.count,
        .rank = rank,
        .is_lifo = class->queue != NULL && class->queue->is_lifo,
        .is_channel_clock = class->channel->is_optimized,
        .last_sequence = class_member_idle_since(member),
        .order_values = match_order_values(engine, member),
        .next_order_values = STR(""),
    };
    if (next != NULL) {
        const struct class_member *other = HEAP_ENTRY(next, struct class_member, place);
        offer->next_sid = other->worker->sid;
        offer->next_sequence = class_member_idle_since(other);
        offer->next_order_values = match_order_values(engine, other);
    }
    return offer;
}

/* Whoever goes first for the task may be wanted more by another task, when several became free at
 * once: that one goes first, and so on. Each is before the last, so it ends. */
static struct task *match_agree(struct task *task, const struct worker *worker)
{
    for (;;) {
        INVARIANT(task != NULL);
        const struct worker *first =
            CONTAINER_OF(heap_first(&task->class->free), struct class_member, place)->worker;
        if (first == worker || MUTATED(11))
            return task;
        task = match_best_task(first);
        worker = first;
    }
}

static void match_reserve(struct engine *engine, struct task *task)
{
    INVARIANT(task != NULL);
    struct task_class *class = task->class;
    struct worker *chosen[MATCH_MAX_RESERVED];
    struct heap_node *taken[MATCH_MAX_RESERVED + 1];
    const struct engine_offer *offers[MATCH_MAX_RESERVED];
    size_t free_count = class->free.count;
    int32_t want = class->queue == NULL ? 1 : class->queue->max_reserved;
    int32_t count = 0;
    while (count < want && count<MATCH_MAX_RESERVED &&class->free.count> 0) {
        taken[count] = heap_first(&class->free);
        chosen[count] = CONTAINER_OF(taken[count], struct class_member, place)->worker;
        count++;
        if (count < want)
            heap_remove(&class->free, taken[count - 1]);
    }
    /* The last one is still the first of the heap when as many were found as wanted. */
    taken[count] = count > 0 && count == want ? heap_second(&class->free) : NULL;
    for (int32_t i = 0; i < count; i++)
        offers[i] = match_note(engine, taken[i], taken[i + 1], i, free_count);
    for (int32_t i = 0; i < count; i++) {
        if (!heap_has(taken[i]))
            heap_insert(&class->free, taken[i],
                        class_member_key(CONTAINER_OF(taken[i], struct class_member, place)));
    }
    for (int32_t i = 0; i < count; i++)
        reservation_make(engine, task, chosen[i], offers[i]);
}

static void match_worker(struct engine *engine, const struct worker *worker)
{
    struct task *task;
    while ((task = match_best_task(worker)) != NULL)
        match_reserve(engine, match_agree(task, worker));
}

/* The class's first worker may be wanted more by a task of another class. */
static void match_class(struct engine *engine, struct task_class *class)
{
    while (class->tasks.count > 0 && class->free.count > 0) {
        struct class_member *member =
            CONTAINER_OF(heap_first(&class->free), struct class_member, place);
        match_reserve(engine, match_agree(match_best_task(member->worker), member->worker));
    }
}

static void match_task(struct engine *engine, struct task *task)
{
    if (task->state != TASK_PENDING)
        return;
    if (task->class != NULL)
        match_class(engine, task->class);
    else if (task->target_worker != NULL && !task->target_worker->is_deleted)
        reservation_make(engine, task, task->target_worker, NULL);
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
