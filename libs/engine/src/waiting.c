/* The waiting tasks of a class, in the order in which workers take them. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "engine_int.h"

bool task_goes_first(const struct task *a, const struct task *b)
{
    bool a_lifo = a->queue != NULL && a->queue->is_lifo;
    bool b_lifo = b->queue != NULL && b->queue->is_lifo;
    if (a_lifo != b_lifo)
        return a_lifo == a->workspace->is_lifo_first;
    if (a_lifo && !MUTATED(7)) {
        if (a->virtual_start_us != b->virtual_start_us)
            return a->virtual_start_us > b->virtual_start_us;
        return a->sequence > b->sequence;
    }
    if (a->priority != b->priority && !MUTATED(5))
        return a->priority > b->priority;
    if (a->virtual_start_us != b->virtual_start_us)
        return a->virtual_start_us < b->virtual_start_us;
    return a->sequence < b->sequence;
}

/* What decides most often, as a number: priority, or newest first. */
static int64_t task_key(const struct task *task)
{
    return task->queue != NULL && task->queue->is_lifo ? -task->virtual_start_us : -task->priority;
}

static bool waiting_less(const struct line_node *a, const struct line_node *b)
{
    return task_goes_first(LINE_ENTRY(a, struct task, place), LINE_ENTRY(b, struct task, place));
}

static struct task *line_first_task(const struct line *line)
{
    struct line_node *first = line_first(line);
    return first == NULL ? NULL : CONTAINER_OF(first, struct task, place);
}

static bool variant_less(const struct tree_node *a, const struct tree_node *b)
{
    return task_goes_first(TREE_ENTRY(a, struct variant, node)->first,
                           TREE_ENTRY(b, struct variant, node)->first);
}

void class_init_tasks(struct task_class *class)
{
    line_init(&class->tasks, waiting_less);
    if (class->filter != NULL)
        tree_init(&class->filter->variants, variant_less);
}

void variant_init_tasks(struct variant *variant)
{
    line_init(&variant->tasks, waiting_less);
}

struct line *task_line(const struct task *task)
{
    return task->variant != NULL ? &task->variant->tasks : &task->class->tasks;
}

/* The variant's place among those of its class is that of its first task. */
static void variant_place(struct variant *variant)
{
    struct tree *tree = &variant->class->filter->variants;
    variant->first = line_first_task(&variant->tasks);
    tree_remove(tree, &variant->node);
    if (variant->first != NULL)
        tree_insert(tree, &variant->node, task_key(variant->first), variant->bound);
}

void class_put_task(struct task *task)
{
    struct variant *variant = task->variant;
    line_insert(task_line(task), &task->place, task_key(task));
    task->class->waiting++;
    if (variant != NULL && (variant->first == NULL || task_goes_first(task, variant->first)))
        variant_place(variant);
}

void class_take_task(struct task *task)
{
    if (!line_has(&task->place))
        return;
    line_remove(task_line(task), &task->place);
    task->class->waiting--;
    if (task->variant != NULL && task->variant->first == task)
        variant_place(task->variant);
}

void class_move_task(struct task *task)
{
    class_take_task(task);
    class_put_task(task);
}

/* Takes all out and puts them back. */
static void line_resort(struct line *line)
{
    size_t count = line->count;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    struct task **tasks = (struct task **)xcalloc(count + 1, sizeof *tasks);
    for (size_t i = 0; i < count; i++) {
        struct line_node *node = line_any(line);
        tasks[i] = CONTAINER_OF(node, struct task, place);
        line_remove(line, node);
    }
    for (size_t i = 0; i < count; i++)
        line_insert(line, &tasks[i]->place, task_key(tasks[i]));
    free((void *)tasks);
}

/* After the queue's order changed. */
void class_resort_tasks(struct task_class *class)
{
    line_resort(&class->tasks);
    if (class->filter == NULL)
        return;
    size_t count = 0;
    size_t room = class->filter->variants.count + 1;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    struct variant **variants = (struct variant **)xcalloc(room, sizeof *variants);
    struct tree_node *node;
    while ((node = tree_first(&class->filter->variants, (double)INFINITY)) != NULL) {
        variants[count++] = CONTAINER_OF(node, struct variant, node);
        tree_remove(&class->filter->variants, node);
    }
    for (size_t i = 0; i < count; i++) {
        line_resort(&variants[i]->tasks);
        variant_place(variants[i]);
    }
    free((void *)variants);
}

size_t class_count_before(const struct task_class *class, const struct task *task, size_t *budget)
{
    if (class->filter == NULL)
        return line_count_before(&class->tasks, &task->place, budget);
    size_t count = 0;
    for (struct tree_node *node = tree_first(&class->filter->variants, (double)INFINITY);
         node != NULL && *budget > 0; node = tree_next(node, (double)INFINITY)) {
        const struct variant *variant = CONTAINER_OF(node, struct variant, node);
        --*budget;
        if (!task_goes_first(variant->first, task))
            break;
        count += line_count_before(&variant->tasks, &task->place, budget);
    }
    return count;
}

bool variant_fits(const struct variant *variant, const struct worker *worker)
{
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = worker->record}};
    return expr_eval_with(variant->class->filter->shape, variant->constants, &env);
}

struct task *class_first_task(const struct class_member *member, const struct task *best)
{
    const struct task_class *class = member->class;
    if (class->filter == NULL) {
        struct task *first = line_first_task(&class->tasks);
        return first != NULL && (best == NULL || task_goes_first(first, best)) ? first : NULL;
    }
    double has = -member->node->value;
    for (struct tree_node *node = tree_first(&class->filter->variants, has); node != NULL;
         node = tree_next(node, has)) {
        const struct variant *variant = CONTAINER_OF(node, struct variant, node);
        struct task *first = line_first_task(&variant->tasks); /* variant->first, to be changed */
        if (best != NULL && !task_goes_first(first, best))
            return NULL;
        if (variant_fits(variant, member->worker))
            return first;
    }
    return NULL;
}
