/*
 * Which waiting tasks want the same. A target's conditions, bound to the task, go three ways
 * (README, "How matching stays flat"): those that are the same for all tasks, or equality, or about
 * what changes while working, make the class; the others, each task's own, make it filtered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/macros.h"
#include "engine_int.h"

enum { MIN_IDLE_MEMBERS = 65536, MAX_IDLE_PER_WORKER = 32, WORKERS_PER_IDLE_CLASS = 4 };

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

struct known *known_need(struct workspace *workspace, struct str key)
{
    struct known *known = map_get(&workspace->known, key);
    if (known != NULL)
        return known;
    known = xcalloc(1, sizeof *known);
    text_set(&known->key, key);
    list_init(&known->classes);
    list_init(&known->workers);
    (void)map_put(&workspace->known, known->key, known);
    return known;
}

/* Names are unique in a workspace; should they not be, the oldest SID whoever came first. */
const struct worker *known_worker(const struct known *known)
{
    const struct worker *first = NULL;
    for (struct list_node *node = list_first(&known->workers); node != NULL;
         node = list_next(&known->workers, node)) {
        const struct worker *worker = LIST_ENTRY(node, struct worker, name_node);
        if (!worker->is_deleted &&
            (first == NULL || memcmp(worker->sid.text, first->sid.text, SID_LEN) < 0))
            first = worker;
    }
    return first;
}

void known_drop(struct workspace *workspace, struct known *known)
{
    if (known == NULL || !list_is_empty(&known->classes) || !list_is_empty(&known->workers))
        return;
    (void)map_remove(&workspace->known, known->key);
    text_free(&known->key);
    free(known);
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

/* --- filling -------------------------------------------------------------------------------------
 */

static void class_try_member(struct engine *engine, struct task_class *class, struct worker *worker)
{
    if (class->reads_channel)
        worker_set_channel_fields(worker);
    bool is_member = class->queue == NULL || queue_find(engine, class->queue, worker) != NULL;
    if (class_wants(class, worker, is_member))
        class_add_member(class, worker);
}

/* One worker, or the few of a name, are looked up. */
static void class_fill_known(struct engine *engine, struct task_class *class)
{
    if (str_starts_with(class->known->key, STR("sid:"))) {
        struct str sid = {class->known->key.ptr + 4, class->known->key.len - 4};
        struct worker *worker = map_get(&engine->workers, sid);
        if (worker != NULL && worker->workspace == class->workspace)
            class_try_member(engine, class, worker);
        return;
    }
    for (struct list_node *node = list_first(&class->known->workers); node != NULL;
         node = list_next(&class->known->workers, node))
        class_try_member(engine, class, LIST_ENTRY(node, struct worker, name_node));
}

static void class_fill(struct engine *engine, struct task_class *class)
{
    if (class->matches_nobody)
        return;
    if (class->known != NULL) {
        class_fill_known(engine, class);
        return;
    }
    if (class->anchor_count > 0) {
        class_fill_from_postings(engine, class);
        return;
    }
    struct list *members = class->queue == NULL ? NULL : &class->queue->members;
    struct list_node *node = members == NULL ? NULL : list_first(members);
    for (; node != NULL; node = list_next(members, node)) {
        struct worker *worker = LIST_ENTRY(node, struct queue_member, queue_node)->worker;
        if (class->reads_channel)
            worker_set_channel_fields(worker);
        if (class_wants(class, worker, true))
            class_add_member(class, worker);
    }
}

/* --- making
 * ---------------------------------------------------------------------------------------- */

static void filter_range(void *ctx, struct str part)
{
    struct filter *filter = ctx;
    struct expr_range range;
    if (filter->range != NULL || !expr_part_range(part, &range))
        return;
    filter->range = expr_path_new(range.path);
    filter->is_at_most = range.is_at_most;
}

static struct filter *filter_new(struct engine *engine, struct str loose)
{
    struct filter *filter = xcalloc(1, sizeof *filter);
    filter->id = ++engine->filter_count;
    filter->shape = expr_shape_new(loose);
    INVARIANT(filter->shape != NULL);
    expr_each_part(loose, filter_range, filter);
    return filter;
}

static void class_count_readers(struct task_class *class, int delta)
{
    struct queue *queue = class->queue;
    if (class->reads_channel)
        class->workspace->channel_readers =
            (uint32_t)((int64_t) class->workspace->channel_readers + delta);
    if (queue != NULL && class->reads_channel)
        queue->channel_readers = (uint32_t)((int64_t)queue->channel_readers + delta);
    if (queue != NULL && class->reads_activity)
        queue->activity_readers = (uint32_t)((int64_t)queue->activity_readers + delta);
}

/* What class_need found out about a task. */
struct class_need {
    const struct class_spec *spec;
    struct str key;
    struct str residual;
    struct str loose; /* the task's own conditions; empty: none */
    enum expr_verdict verdict;
};

static struct task_class *class_make(struct engine *engine, const struct class_need *need)
{
    const struct class_spec *spec = need->spec;
    struct task_class *class = xcalloc(1, sizeof *class);
    text_set(&class->key, need->key);
    class->workspace = spec->workspace;
    class->queue = spec->queue;
    class->channel = spec->channel;
    class->matches_nobody = need->verdict == EXPR_FALSE;
    if (need->residual.len > 0) {
        class->residual = expr_residual_new(need->residual);
        INVARIANT(class->residual != NULL);
    }
    if (need->loose.len > 0)
        class->filter = filter_new(engine, need->loose);
    struct err err;
    if (spec->order_text.len > 0 && expr_order_compile(spec->order_text, &expr_context_target,
                                                       &class->own_order, &err) == ERR_OK)
        class->order = class->own_order;
    class->reads_activity = expr_reads(class->residual, STR("activity_")) ||
                            order_reads(class->order, STR("activity_"));
    class->reads_channel =
        expr_reads(class->residual, STR("channel.")) || order_reads(class->order, STR("channel."));
    class_count_readers(class, 1);
    class_init_tasks(class);
    class_init_members(class);
    if (spec->known.len > 0) {
        if (str_starts_with(spec->known, STR("name:")))
            workspace_need_names(spec->workspace); /* events tell who it is, matched or not */
        class->known = known_need(spec->workspace, spec->known);
        list_append(&class->known->classes, &class->known_node);
    } else if (class->queue != NULL && !class_anchor(engine, class, need->residual)) {
        list_append(&class->queue->open_classes, &class->open_node);
    }
    if (class->queue != NULL)
        list_append(&class->queue->classes, &class->queue_node);
    (void)map_put(&engine->classes, class->key, class);
    class_fill(engine, class);
    return class;
}

static void variant_bound(void *ctx, struct str part)
{
    struct variant *variant = ctx;
    const struct filter *filter = variant->class->filter;
    struct expr_range range;
    if (variant->has_bound || !expr_part_range(part, &range))
        return;
    variant->has_bound = true;
    variant->bound = filter->is_at_most ? -range.bound : range.bound;
}

static struct variant *variant_need(struct engine *engine, struct task_class *class,
                                    struct str loose)
{
    struct buf *key = &engine->class_key;
    buf_clear(key);
    buf_append(key, &class->filter->id, sizeof class->filter->id);
    buf_str_append(key, loose);
    struct variant *variant = map_get(&engine->variants, buf_str(key));
    if (variant != NULL)
        return variant;
    variant = xcalloc(1, sizeof *variant);
    variant->class = class;
    variant->constants = expr_constants_new(loose);
    text_set(&variant->key, buf_str(key));
    variant_init_tasks(variant);
    if (class->filter->range != NULL)
        expr_each_part(loose, variant_bound, variant);
    (void)map_put(&engine->variants, variant->key, variant);
    return variant;
}

static void variant_free(struct engine *engine, struct variant *variant)
{
    tree_remove(&variant->class->filter->variants, &variant->node);
    (void)map_remove(&engine->variants, variant->key);
    line_fini(&variant->tasks);
    free(variant->constants);
    text_free(&variant->key);
    free(variant);
}

/* --- finding
 * --------------------------------------------------------------------------------------- */

static bool class_keeps(void *ctx, struct str part)
{
    (void)ctx;
    return class_part_is_anchor(part) || expr_part_reads(part, STR("activity_")) ||
           expr_part_reads(part, STR("channel."));
}

static bool class_keeps_all(void *ctx, struct str part)
{
    (void)ctx;
    (void)part;
    return true;
}

/* A part of the key whose end cannot be mistaken. */
static void key_part(struct buf *key, struct str part)
{
    uint32_t len = (uint32_t)part.len;
    buf_append(key, &len, sizeof len);
    buf_str_append(key, part);
}

/* Most steps have no conditions: the queue remembers the class of its tasks on one channel. */
static bool class_is_plain(const struct class_spec *spec)
{
    return spec->expression == NULL && spec->queue != NULL && spec->known.len == 0 &&
           spec->order_text.len == 0;
}

static struct task_class *class_look_up(struct engine *engine, const struct class_spec *spec,
                                        struct variant **out_variant)
{
    struct buf *key = &engine->class_key;
    struct buf *residual = &engine->class_residual;
    struct buf *loose = &engine->class_loose;
    struct class_need need = {.spec = spec, .verdict = EXPR_TRUE};
    buf_clear(key);
    buf_clear(residual);
    buf_clear(loose);
    if (spec->expression != NULL) {
        struct expr_env env = {.records = {[EXPR_SLOT_TASK] = spec->task}};
        need.verdict = expr_bind_apart(spec->expression, &env, EXPR_BIT(EXPR_SLOT_TASK),
                                       spec->known.len > 0 ? class_keeps_all : class_keeps, NULL,
                                       residual, loose);
    }
    need.residual = buf_str(residual);
    need.loose = buf_str(loose);
    /* Queues and channels never go, so that their addresses name them. */
    buf_append(key, &spec->queue, sizeof(void *));
    buf_append(key, &spec->channel, sizeof(void *));
    key_part(key, spec->known);
    key_part(key, spec->order_text);
    buf_char(key, need.verdict == EXPR_FALSE ? 'F' : 'T');
    key_part(key, need.residual);
    if (need.loose.len > 0)
        expr_shape(need.loose, key);
    INVARIANT(!buf_failed(key) && !buf_failed(residual) && !buf_failed(loose));
    need.key = buf_str(key);
    struct task_class *class = map_get(&engine->classes, need.key);
    if (class == NULL)
        class = class_make(engine, &need);
    *out_variant = class->filter == NULL ? NULL : variant_need(engine, class, need.loose);
    return class;
}

struct task_class *class_need(struct engine *engine, const struct class_spec *spec,
                              struct variant **out_variant)
{
    bool is_plain = class_is_plain(spec);
    if (is_plain && spec->queue->plain != NULL && spec->queue->plain->channel == spec->channel) {
        *out_variant = NULL;
        return spec->queue->plain;
    }
    struct task_class *class = class_look_up(engine, spec, out_variant);
    if (is_plain)
        spec->queue->plain = class;
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
    size_t max_classes =
        (size_t)engine->config.max_idle_classes + engine->workers.count / WORKERS_PER_IDLE_CLASS;
    return engine->idle_class_count > max_classes || engine->idle_member_count > max_members;
}

void class_ref(struct engine *engine, struct task_class *class, struct variant *variant)
{
    class->refs++;
    if (variant != NULL)
        variant->refs++;
    class_wake(engine, class);
}

void class_unref(struct engine *engine, struct task_class *class, struct variant *variant)
{
    if (variant != NULL && --variant->refs == 0)
        variant_free(engine, variant);
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
    list_remove(&class->open_node);
    list_remove(&class->known_node);
    class_unanchor(class);
    known_drop(class->workspace, class->known);
    class_count_readers(class, -1);
    if (class->queue != NULL && class->queue->plain == class)
        class->queue->plain = NULL;
    (void)map_remove(&engine->classes, class->key);
    line_fini(&class->tasks);
    line_fini(&class->free);
    if (class->filter != NULL) {
        expr_free(class->filter->shape);
        expr_path_free(class->filter->range);
        free(class->filter);
    }
    expr_free(class->residual);
    expr_order_free(class->own_order);
    text_free(&class->key);
    free(class);
}
