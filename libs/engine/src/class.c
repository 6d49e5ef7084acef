#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/macros.h"
#include "engine_int.h"

enum { MIN_IDLE_MEMBERS = 65536, MAX_IDLE_PER_WORKER = 32 };

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
int64_t class_task_key(const struct task *task)
{
    return task->queue != NULL && task->queue->is_lifo ? -task->virtual_start_us : -task->priority;
}

static bool waiting_less(const struct heap_node *a, const struct heap_node *b)
{
    return task_goes_first(HEAP_ENTRY(a, struct task, place), HEAP_ENTRY(b, struct task, place));
}

/* When the worker was last given something, on the clock that this class goes by. */
int64_t class_member_idle_since(const struct class_member *member)
{
    return member->class->channel->is_optimized ? member->slot->last_sequence
                                                : member->worker->last_sequence;
}

/* Idle time, unless something comes before it. */
int64_t class_member_key(const struct class_member *member)
{
    const struct task_class *class = member->class;
    return class->order != NULL && !class->is_order_off ? 0 : class_member_idle_since(member);
}

static bool member_less(const struct heap_node *a_node, const struct heap_node *b_node)
{
    const struct class_member *a = HEAP_ENTRY(a_node, struct class_member, place);
    const struct class_member *b = HEAP_ENTRY(b_node, struct class_member, place);
    if (a->class->order != NULL && !a->class->is_order_off) {
        int order = expr_order_compare(a->class->order, a->order_key, b->order_key);
        if (order != 0)
            return order < 0;
    }
    int64_t a_since = class_member_idle_since(a);
    int64_t b_since = class_member_idle_since(b);
    if (a_since != b_since)
        return a_since < b_since;
    return memcmp(a->worker->sid.text, b->worker->sid.text, SID_LEN) < 0;
}

/* Members that a flip of the order moves: all of them, by filling the heap anew. */
void class_reorder(struct task_class *class)
{
    uint32_t count = class->free.count;
    struct heap_item *items = class->free.items;
    class->free = (struct heap){0};
    heap_init(&class->free, member_less);
    for (uint32_t i = 0; i < count; i++)
        items[i].node->place = 0;
    for (uint32_t i = 0; i < count; i++)
        heap_insert(&class->free, items[i].node,
                    class_member_key(CONTAINER_OF(items[i].node, struct class_member, place)));
    free(items);
}

/* After the queue's order changed. */
void class_resort_tasks(struct task_class *class)
{
    uint32_t count = class->tasks.count;
    struct heap_item *items = class->tasks.items;
    heap_init(&class->tasks, waiting_less);
    for (uint32_t i = 0; i < count; i++)
        items[i].node->place = 0;
    for (uint32_t i = 0; i < count; i++)
        heap_insert(&class->tasks, items[i].node,
                    class_task_key(CONTAINER_OF(items[i].node, struct task, place)));
    free(items);
}

static void class_count_bad_order(struct task_class *class, int delta)
{
    class->bad_order_count = (uint32_t)((int64_t) class->bad_order_count + delta);
    bool is_off = class->bad_order_count > 0;
    if (is_off == class->is_order_off)
        return;
    class->is_order_off = is_off;
    class_reorder(class);
}

/* The member's place under order_by; out of the heap while it changes. */
static void member_set_order(struct class_member *member)
{
    struct task_class *class = member->class;
    if (class->order == NULL)
        return;
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = member->worker->record}};
    bool was_in = heap_has(&member->place);
    heap_remove(&class->free, &member->place);
    if (member->order_key == NULL)
        member->order_key = xcalloc(1, sizeof *member->order_key);
    bool is_bad = !expr_order_key(class->order, &env, member->order_key);
    if (is_bad != member->is_bad_order)
        class_count_bad_order(class, is_bad ? 1 : -1);
    member->is_bad_order = is_bad;
    if (was_in)
        heap_insert(&class->free, &member->place, class_member_key(member));
}

static void class_add_member(struct task_class *class, struct worker *worker)
{
    struct class_member *member = xcalloc(1, sizeof *member);
    member->class = class;
    member->worker = worker;
    member->slot = worker_slot(worker, class->channel);
    list_append(&class->members, &member->class_node);
    class->member_count++;
    list_append(&member->slot->members, &member->worker_node);
    member_set_order(member);
    if (member->slot->is_free)
        heap_insert(&class->free, &member->place, class_member_key(member));
}

void class_drop_member(struct class_member *member)
{
    struct task_class *class = member->class;
    heap_remove(&class->free, &member->place);
    list_remove(&member->class_node);
    list_remove(&member->worker_node);
    class->member_count--;
    if (member->is_bad_order)
        class_count_bad_order(class, -1);
    if (class->mark == member)
        class->mark = NULL;
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

static bool class_wants(const struct task_class *class, const struct worker *worker, bool is_member)
{
    if (worker->is_deleted || class->matches_nobody || !is_member || !class_knows(class, worker))
        return false;
    if (class->residual == NULL)
        return true;
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = worker->record}};
    return expr_eval(class->residual, &env);
}

static struct class_member *class_find(const struct engine *engine, const struct task_class *class,
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
    if (is_wanted && member == NULL) {
        class_add_member(class, worker);
        match_worker_ready(engine, worker);
    } else if (!is_wanted && member != NULL) {
        class_drop_member(member);
    } else if (is_wanted) {
        member_set_order(member);
    }
}

struct str class_known_key(struct known_space *space, bool is_by_name, struct str name)
{
    const char *kind = is_by_name ? "name:" : "sid:";
    /* cppcheck-suppress ctuuninitvar ; it is written here */
    int len = snprintf(space->text, sizeof space->text, "%s%.*s", kind, STR_ARG(name));
    if (len < 0 || (size_t)len >= sizeof space->text)
        return STR("sid:"); /* no worker is called that */
    for (int i = 0; is_by_name && i < len; i++) {
        if (space->text[i] >= 'A' && space->text[i] <= 'Z')
            space->text[i] = (char)(space->text[i] | 0x20);
    }
    return (struct str){space->text, (size_t)len};
}

static struct known *known_need(struct workspace *workspace, struct str key)
{
    struct known *known = map_get(&workspace->known, key);
    if (known != NULL)
        return known;
    known = xcalloc(1, sizeof *known);
    text_set(&known->key, key);
    list_init(&known->classes);
    (void)map_put(&workspace->known, known->key, known);
    return known;
}

static bool order_reads(const struct expr_order *order, struct str prefix)
{
    for (size_t i = 0; order != NULL && i < expr_order_name_count(order); i++) {
        if (str_starts_with(expr_order_name_at(order, i).path, prefix))
            return true;
    }
    return false;
}

static bool expr_reads(const struct expr *expr, struct str prefix)
{
    for (size_t i = 0; expr != NULL && i < expr_name_count(expr); i++) {
        struct expr_name name = expr_name_at(expr, i);
        if (name.slot == EXPR_SLOT_WORKER && str_starts_with(name.path, prefix))
            return true;
    }
    return false;
}

/* One worker is looked up; a queue's members are gone through once, when the class is made. */
static void class_fill(struct engine *engine, struct task_class *class)
{
    if (class->known != NULL && str_starts_with(class->known->key, STR("sid:"))) {
        struct str sid = {class->known->key.ptr + 4, class->known->key.len - 4};
        struct worker *worker = map_get(&engine->workers, sid);
        if (worker == NULL || worker->workspace != class->workspace)
            return;
        if (class->reads_channel)
            worker_set_channel_fields(worker);
        bool is_member = class->queue == NULL;
        struct list *queues = &worker->queue_members;
        for (struct list_node *node = list_first(queues); node != NULL && !is_member;
             node = list_next(queues, node))
            is_member = LIST_ENTRY(node, struct queue_member, worker_node)->queue == class->queue;
        if (class_wants(class, worker, is_member))
            class_add_member(class, worker);
        return;
    }
    if (class->queue == NULL || class->matches_nobody)
        return;
    struct list *members = &class->queue->members;
    for (struct list_node *node = list_first(members); node != NULL;
         node = list_next(members, node)) {
        struct worker *worker = LIST_ENTRY(node, struct queue_member, queue_node)->worker;
        if (class->reads_channel)
            worker_set_channel_fields(worker);
        if (class_wants(class, worker, true))
            class_add_member(class, worker);
    }
}

static struct task_class *class_make(struct engine *engine, const struct class_spec *spec,
                                     struct str key, struct str residual, enum expr_verdict verdict)
{
    struct task_class *class = xcalloc(1, sizeof *class);
    text_set(&class->key, key);
    class->workspace = spec->workspace;
    class->queue = spec->queue;
    class->channel = spec->channel;
    class->matches_nobody = verdict == EXPR_FALSE;
    if (verdict == EXPR_OPEN) {
        class->residual = expr_residual_new(residual);
        INVARIANT(class->residual != NULL);
    }
    struct err err;
    if (spec->order_text.len > 0 && expr_order_compile(spec->order_text, &expr_context_target,
                                                       &class->own_order, &err) == ERR_OK)
        class->order = class->own_order;
    class->reads_activity = expr_reads(class->residual, STR("activity_")) ||
                            order_reads(class->order, STR("activity_"));
    class->reads_channel =
        expr_reads(class->residual, STR("channel.")) || order_reads(class->order, STR("channel."));
    if (class->reads_channel)
        class->workspace->channel_readers++;
    heap_init(&class->tasks, waiting_less);
    heap_init(&class->free, member_less);
    list_init(&class->members);
    if (spec->known.len > 0) {
        class->known = known_need(spec->workspace, spec->known);
        list_append(&class->known->classes, &class->known_node);
    } else if (class->queue != NULL) {
        list_append(&class->queue->classes, &class->queue_node);
    }
    (void)map_put(&engine->classes, class->key, class);
    class_fill(engine, class);
    return class;
}

/* A part of the key whose end cannot be mistaken. */
static void key_part(struct buf *key, struct str part)
{
    uint32_t len = (uint32_t)part.len;
    buf_append(key, &len, sizeof len);
    buf_str_append(key, part);
}

struct task_class *class_need(struct engine *engine, const struct class_spec *spec)
{
    struct buf *key = &engine->class_key;
    struct buf *residual = &engine->class_residual;
    enum expr_verdict verdict = EXPR_TRUE;
    buf_clear(key);
    buf_clear(residual);
    if (spec->expression != NULL) {
        struct expr_env env = {.records = {[EXPR_SLOT_TASK] = spec->task}};
        verdict = expr_bind(spec->expression, &env, EXPR_BIT(EXPR_SLOT_TASK), residual);
    }
    key_part(key, spec->queue == NULL ? STR("-") : sid_str(&spec->queue->sid));
    key_part(key, sid_str(&spec->channel->sid));
    key_part(key, spec->known);
    key_part(key, spec->order_text);
    buf_text(key, verdict == EXPR_TRUE ? "T" : verdict == EXPR_FALSE ? "F" : "?");
    buf_str_append(key, buf_str(residual));
    INVARIANT(!buf_failed(key) && !buf_failed(residual));
    struct task_class *class = map_get(&engine->classes, buf_str(key));
    if (class == NULL)
        class = class_make(engine, spec, buf_str(key), buf_str(residual), verdict);
    return class;
}

/* No longer idle. */
static void class_wake(struct engine *engine, struct task_class *class)
{
    if (!list_is_linked(&class->idle_node))
        return;
    list_remove(&class->idle_node);
    engine->idle_class_count--;
    engine->idle_member_count -= class->idle_members;
    class->idle_members = 0;
}

/* Idle classes save filling them again, but each costs memory and a little of every change of each
 * of its members: some thirty per worker on average. */
static bool class_too_many_idle(const struct engine *engine)
{
    size_t max_members = MIN_IDLE_MEMBERS + engine->workers.count * MAX_IDLE_PER_WORKER;
    return engine->idle_class_count > (size_t)engine->config.max_idle_classes ||
           engine->idle_member_count > max_members;
}

void class_ref(struct engine *engine, struct task_class *class)
{
    class->refs++;
    class_wake(engine, class);
}

void class_unref(struct engine *engine, struct task_class *class)
{
    class->refs--;
    if (class->refs > 0)
        return;
    list_append(&engine->idle_classes, &class->idle_node);
    engine->idle_class_count++;
    class->idle_members = class->member_count;
    engine->idle_member_count += class->idle_members;
    while (class_too_many_idle(engine) && list_first(&engine->idle_classes) != &class->idle_node)
        class_free(engine,
                   LIST_ENTRY(list_first(&engine->idle_classes), struct task_class, idle_node));
}

void class_free(struct engine *engine, struct task_class *class)
{
    class_wake(engine, class);
    while (!list_is_empty(&class->members))
        class_drop_member(LIST_ENTRY(list_first(&class->members), struct class_member, class_node));
    list_remove(&class->queue_node);
    list_remove(&class->known_node);
    if (class->known != NULL && list_is_empty(&class->known->classes)) {
        (void)map_remove(&class->workspace->known, class->known->key);
        text_free(&class->known->key);
        free(class->known);
    }
    if (class->reads_channel)
        class->workspace->channel_readers--;
    (void)map_remove(&engine->classes, class->key);
    heap_fini(&class->tasks);
    heap_fini(&class->free);
    expr_free(class->residual);
    expr_order_free(class->own_order);
    text_free(&class->key);
    free(class);
}
