/* The workers of a class: who qualifies, and in what order those who are free are asked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "engine_int.h"

/* When the worker was last given something, on the clock that this class goes by. */
int64_t class_member_idle_since(const struct class_member *member)
{
    return member->class->channel->is_optimized ? member->slot->last_sequence
                                                : member->worker->last_sequence;
}

/* Idle time, unless something comes before it. */
static int64_t member_key(const struct class_member *member)
{
    const struct task_class *class = member->class;
    return class->order != NULL && !class->is_order_off ? 0 : class_member_idle_since(member);
}

static bool member_waits_longer(const struct class_member *a, const struct class_member *b)
{
    int64_t a_since = class_member_idle_since(a);
    int64_t b_since = class_member_idle_since(b);
    if (a_since != b_since)
        return a_since < b_since;
    return memcmp(a->worker->sid.text, b->worker->sid.text, SID_LEN) < 0;
}

static bool member_goes_first(const struct class_member *a, const struct class_member *b)
{
    if (a->class->order != NULL && !a->class->is_order_off) {
        int order = expr_order_compare(a->class->order, a->order_key, b->order_key);
        if (order != 0)
            return order < 0;
    }
    return member_waits_longer(a, b);
}

static bool place_less(const struct line_node *a, const struct line_node *b)
{
    return member_goes_first(LINE_ENTRY(a, struct class_member, place),
                             LINE_ENTRY(b, struct class_member, place));
}

static bool node_less(const struct tree_node *a, const struct tree_node *b)
{
    return member_goes_first(TREE_ENTRY(a, struct member_node, node)->member,
                             TREE_ENTRY(b, struct member_node, node)->member);
}

void class_init_members(struct task_class *class)
{
    line_init(&class->free, place_less);
    list_init(&class->members);
    if (class->filter != NULL)
        tree_init(&class->filter->free, node_less);
    if (class->filter != NULL)
        list_init(&class->filter->bad);
}

static bool member_is_free(const struct class_member *member)
{
    return member->node != NULL ? tree_has(&member->node->node) : line_has(&member->place);
}

void member_become_free(struct class_member *member)
{
    struct task_class *class = member->class;
    if (member->node != NULL)
        tree_insert(&class->filter->free, &member->node->node, member_key(member),
                    member->node->value);
    else
        line_insert(&class->free, &member->place, member_key(member));
}

void member_become_busy(struct class_member *member)
{
    struct task_class *class = member->class;
    if (member->node != NULL)
        tree_remove(&class->filter->free, &member->node->node);
    else
        line_remove(&class->free, &member->place);
}

void member_requeue(struct class_member *member)
{
    member_become_busy(member);
    member_become_free(member);
}

size_t class_free_count(const struct task_class *class)
{
    return class->filter != NULL ? class->filter->free.count : class->free.count;
}

static struct class_member *fitting_member(const struct task *task, struct tree_node *node)
{
    for (; node != NULL; node = tree_next(node, -task->variant->bound)) {
        struct class_member *member = CONTAINER_OF(node, struct member_node, node)->member;
        if (variant_fits(task->variant, member->worker))
            return member;
    }
    return NULL;
}

bool class_is_ordered(const struct task *task)
{
    const struct task_class *class = task->class;
    if (class->order == NULL || task->variant == NULL)
        return class->order != NULL && !class->is_order_off;
    const struct list *bad = &class->filter->bad;
    for (struct list_node *node = list_first(bad); node != NULL; node = list_next(bad, node)) {
        if (variant_fits(task->variant,
                         LIST_ENTRY(node, struct member_node, bad_node)->member->worker))
            return false;
    }
    return true;
}

/* Without the order that the tree has: the free are gone through for each. Only where somebody who
 * fits has an attribute that order_by cannot order. */
static struct class_member *longest_waiting(const struct task *task,
                                            const struct class_member *after)
{
    struct class_member *best = NULL;
    for (struct class_member *member =
             fitting_member(task, tree_first(&task->class->filter->free, -task->variant->bound));
         member != NULL;
         member = fitting_member(task, tree_next(&member->node->node, -task->variant->bound))) {
        if ((after == NULL || member_waits_longer(after, member)) &&
            (best == NULL || member_waits_longer(member, best)))
            best = member;
    }
    return best;
}

static bool task_needs_longest(const struct task *task)
{
    return task->class->order != NULL && !class_is_ordered(task);
}

struct class_member *class_first_free(const struct task *task)
{
    if (task->variant != NULL && task_needs_longest(task))
        return longest_waiting(task, NULL);
    if (task->variant != NULL)
        return fitting_member(task, tree_first(&task->class->filter->free, -task->variant->bound));
    struct line_node *first = line_first(&task->class->free);
    return first == NULL ? NULL : CONTAINER_OF(first, struct class_member, place);
}

struct class_member *class_next_free(const struct task *task, const struct class_member *member)
{
    INVARIANT(task->variant != NULL);
    if (task_needs_longest(task))
        return longest_waiting(task, member);
    return fitting_member(task, tree_next(&member->node->node, -task->variant->bound));
}

/* --- order ---------------------------------------------------------------------------------------
 */

/* Members that a flip of the order moves: all of them, by taking them out and in. */
void class_reorder(struct task_class *class)
{
    for (struct list_node *node = list_first(&class->members); node != NULL;
         node = list_next(&class->members, node)) {
        struct class_member *member = LIST_ENTRY(node, struct class_member, class_node);
        member->is_moving = member_is_free(member);
        member_become_busy(member);
    }
    for (struct list_node *node = list_first(&class->members); node != NULL;
         node = list_next(&class->members, node)) {
        struct class_member *member = LIST_ENTRY(node, struct class_member, class_node);
        if (member->is_moving)
            member_become_free(member);
        member->is_moving = false;
    }
}

static void class_count_bad_order(struct task_class *class, int delta)
{
    if (class->filter != NULL)
        return; /* depends on who fits */
    class->bad_order_count = (uint32_t)((int64_t) class->bad_order_count + delta);
    bool is_off = class->bad_order_count > 0;
    if (is_off == class->is_order_off)
        return;
    class->is_order_off = is_off;
    class_reorder(class);
}

static void member_set_order(struct class_member *member)
{
    struct task_class *class = member->class;
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = member->worker->record}};
    if (member->order_key == NULL)
        member->order_key = xcalloc(1, sizeof *member->order_key);
    bool is_bad = !expr_order_key(class->order, &env, member->order_key);
    if (is_bad != member->is_bad_order)
        class_count_bad_order(class, is_bad ? 1 : -1);
    if (class->filter != NULL)
        list_remove(&member->node->bad_node);
    if (class->filter != NULL && is_bad)
        list_append(&class->filter->bad, &member->node->bad_node);
    member->is_bad_order = is_bad;
}

/* What order and filter look at in the worker; out of the order while it changes. */
static void member_look(struct class_member *member)
{
    const struct task_class *class = member->class;
    if (class->order == NULL && member->node == NULL)
        return;
    bool was_free = member_is_free(member);
    member_become_busy(member);
    if (class->order != NULL)
        member_set_order(member);
    if (class->filter != NULL && class->filter->range != NULL) {
        struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = member->worker->record}};
        double number = 0;
        bool has_number = expr_path_number(class->filter->range, &env, &number);
        member->node->value = class->filter->is_at_most ? number : -number;
        if (!has_number)
            member->node->value = (double)INFINITY;
    }
    if (was_free)
        member_become_free(member);
}

/* --- who is in it
 * ---------------------------------------------------------------------------------- */

void class_add_member(struct task_class *class, struct worker *worker)
{
    struct class_member *member = xcalloc(1, sizeof *member);
    member->class = class;
    member->worker = worker;
    member->slot = worker_slot(worker, class->channel);
    if (class->filter != NULL) {
        member->node = xcalloc(1, sizeof *member->node);
        member->node->member = member;
    }
    list_append(&class->members, &member->class_node);
    class->member_count++;
    list_append(&member->slot->members, &member->worker_node);
    member_look(member);
    if (member->slot->is_free)
        member_become_free(member);
    if (class->workspace->engine->marked == worker)
        class->mark = member;
}

void class_drop_member(struct class_member *member)
{
    struct task_class *class = member->class;
    member_become_busy(member);
    list_remove(&member->class_node);
    list_remove(&member->worker_node);
    class->member_count--;
    if (member->is_bad_order)
        class_count_bad_order(class, -1);
    if (class->mark == member)
        class->mark = NULL;
    if (member->node != NULL)
        list_remove(&member->node->bad_node);
    free(member->node);
    free(member->order_key);
    free(member);
}

static bool class_knows(const struct task_class *class, const struct worker *worker)
{
    if (class->known == NULL)
        return true;
    struct str key = class->known->key;
    if (str_starts_with(key, STR("sid:")))
        return str_eq_text((struct str){key.ptr + 4, key.len - 4}, worker->sid.text);
    return str_eq_nocase((struct str){key.ptr + 5, key.len - 5}, worker->name);
}

bool class_wants(const struct task_class *class, const struct worker *worker, bool is_member)
{
    if (worker->is_deleted || class->matches_nobody || !is_member || !class_knows(class, worker))
        return false;
    if (class->residual == NULL)
        return true;
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = worker->record}};
    return expr_eval(class->residual, &env);
}

struct class_member *class_find(const struct engine *engine, const struct task_class *class,
                                const struct worker *worker)
{
    if (engine->marked == worker)
        return class->mark;
    uint32_t index = class->channel->index;
    if (index >= worker->channel_count || worker->channels[index] == NULL)
        return NULL;
    struct list *members = &worker->channels[index]->members;
    for (struct list_node *node = list_first(members); node != NULL;
         node = list_next(members, node)) {
        struct class_member *member = LIST_ENTRY(node, struct class_member, worker_node);
        if (member->class == class)
            return member;
    }
    return NULL;
}

void class_regard_worker(struct engine *engine, struct task_class *class, struct worker *worker,
                         bool is_member)
{
    struct class_member *member = class_find(engine, class, worker);
    bool is_wanted = class_wants(class, worker, is_member);
    /* Where nobody waits there is nothing to be ready for; and an engine that was loaded, which has
     * no classes from before, must take workers in the same order as one that went on. */
    bool may_serve = class->waiting > 0;
    if (is_wanted && member == NULL) {
        class_add_member(class, worker);
        if (may_serve)
            match_worker_ready(engine, worker);
    } else if (!is_wanted && member != NULL) {
        class_drop_member(member);
    } else if (is_wanted) {
        member_look(member);
        if (class->filter != NULL && may_serve) /* he may fit where he did not */
            match_worker_ready(engine, worker);
    }
}
