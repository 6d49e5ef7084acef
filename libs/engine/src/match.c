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
            struct task *task =
                class_first_task(LIST_ENTRY(node, struct class_member, worker_node), best);
            if (task != NULL)
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
static const struct engine_offer *match_note(struct engine *engine, const struct task *task,
                                             const struct class_member *member,
                                             const struct class_member *next, int32_t rank,
                                             size_t free_count)
{
    const struct task_class *class = member->class;
    bool is_ordered = class_is_ordered(task);
    struct engine_offer *offer = emit_offer(engine);
    *offer = (struct engine_offer){
        .qualified = task->variant != NULL ? -1 : (int64_t) class->member_count,
        .free = task->variant != NULL ? -1 : (int64_t)free_count,
        .waiting = task_line(task)->count,
        .rank = rank,
        .is_lifo = class->queue != NULL && class->queue->is_lifo,
        .is_channel_clock = class->channel->is_optimized,
        .last_sequence = class_member_idle_since(member),
        .order_values = is_ordered ? match_order_values(engine, member) : STR(""),
        .next_order_values = STR(""),
    };
    if (next != NULL) {
        ahead_of_offer(next->worker, next->slot);
        offer->next_sid = next->worker->sid;
        offer->next_sequence = class_member_idle_since(next);
        if (is_ordered)
            offer->next_order_values = match_order_values(engine, next);
    }
    return offer;
}

/* Whoever goes first for the task may be wanted more by another task, when several became free at
 * once: that one goes first, and so on. Each is before the last, so it ends. */
static struct task *match_agree(struct task *task, const struct worker *worker)
{
    for (;;) {
        INVARIANT(task != NULL);
        const struct worker *first = class_first_free(task)->worker;
        if (first == worker || MUTATED(11))
            return task;
        task = match_best_task(first);
        worker = first;
    }
}

/* The first free members that fit, up to one more than wanted. */
static int32_t match_choose(const struct task *task, int32_t want, struct class_member **chosen)
{
    struct line *free = &task->class->free;
    int32_t count = 0;
    struct class_member *member = class_first_free(task);
    while (member != NULL && task->variant != NULL && count <= want) {
        chosen[count++] = member;
        member = count <= want ? class_next_free(task, member) : NULL;
    }
    if (task->variant != NULL || member == NULL)
        return count;
    if (want == 1) { /* most often */
        struct line_node *second = line_second(free);
        chosen[0] = member;
        if (second != NULL)
            chosen[1] = CONTAINER_OF(second, struct class_member, place);
        return second != NULL ? 2 : 1;
    }
    while (count <= want && (member = class_first_free(task)) != NULL) {
        chosen[count++] = member;
        member_become_busy(member);
    }
    for (int32_t i = 0; i < count; i++)
        member_become_free(chosen[i]);
    return count;
}

static void match_reserve(struct engine *engine, struct task *task)
{
    INVARIANT(task != NULL);
    const struct task_class *class = task->class;
    struct class_member *chosen[MATCH_MAX_RESERVED + 1];
    struct worker *workers[MATCH_MAX_RESERVED];
    const struct engine_offer *offers[MATCH_MAX_RESERVED];
    size_t free_count = class_free_count(class);
    int32_t want = class->queue == NULL ? 1 : class->queue->max_reserved;
    if (want > MATCH_MAX_RESERVED)
        want = MATCH_MAX_RESERVED;
    int32_t found = match_choose(task, want, chosen);
    int32_t count = found < want ? found : want;
    for (int32_t i = 0; i < count; i++) {
        offers[i] = match_note(engine, task, chosen[i], i + 1 < found ? chosen[i + 1] : NULL, i,
                               free_count);
        workers[i] = chosen[i]->worker;
    }
    for (int32_t i = 0; i < count; i++)
        reservation_make(engine, task, workers[i], offers[i]);
    if (class->filter == NULL)
        ahead_of_match(&class->tasks);
}

static void match_worker(struct engine *engine, const struct worker *worker)
{
    struct task *task;
    while ((task = match_best_task(worker)) != NULL)
        match_reserve(engine, match_agree(task, worker));
}

/* The first worker who fits may be wanted more by a task of another class. */
static void match_in_class(struct engine *engine, const struct task *task)
{
    struct class_member *member;
    while (task->state == TASK_PENDING && (member = class_first_free(task)) != NULL)
        match_reserve(engine, match_agree(match_best_task(member->worker), member->worker));
}

static void match_task(struct engine *engine, struct task *task)
{
    if (task->state != TASK_PENDING)
        return;
    if (task->class != NULL)
        match_in_class(engine, task);
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
