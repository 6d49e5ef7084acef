/*
 * Finding workers, and classes, by values. The conditions of a class that ask for equality at names
 * of the worker (== HAS IN) name an index over the workers of the workspace; the values that they
 * ask for are its key there.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "engine_int.h"

enum {
    MAX_VALUES = 64,  /* of a worker at one name */
    MAX_TUPLES = 64,  /* combinations, of a worker or a class */
    MAX_INDEXES = 64, /* of a workspace; past it unused ones go */
};

/* Values of up to ANCHOR_MAX_PATHS names. */
struct value_set {
    struct buf bytes;
    size_t starts[ANCHOR_MAX_PATHS][MAX_VALUES];
    size_t lens[ANCHOR_MAX_PATHS][MAX_VALUES];
    size_t counts[ANCHOR_MAX_PATHS];
    size_t path;
    bool is_too_many;
};

static void value_set_init(struct value_set *set) /* the arrays are filled as they are counted */
{
    buf_init(&set->bytes, 0);
    for (size_t i = 0; i < ANCHOR_MAX_PATHS; i++)
        set->counts[i] = 0;
    set->path = 0;
    set->is_too_many = false;
}

static void value_set_add(void *ctx, struct str value)
{
    struct value_set *set = ctx;
    size_t *count = &set->counts[set->path];
    if (*count == MAX_VALUES) {
        set->is_too_many = true;
        return;
    }
    set->starts[set->path][*count] = set->bytes.len;
    set->lens[set->path][*count] = value.len;
    buf_str_append(&set->bytes, value);
    ++*count;
}

/* Each combination of one value per name, as a key in scratch. */
typedef void (*tuple_fn)(void *ctx, struct str key);

static void value_set_each(const struct value_set *set, size_t path_count, struct buf *scratch,
                           tuple_fn fn, void *ctx)
{
    size_t at[ANCHOR_MAX_PATHS] = {0};
    for (size_t i = 0; i < path_count; i++) {
        if (set->counts[i] == 0)
            return;
    }
    for (;;) {
        buf_clear(scratch);
        for (size_t i = 0; i < path_count; i++)
            buf_append(scratch, set->bytes.data + set->starts[i][at[i]], set->lens[i][at[i]]);
        fn(ctx, buf_str(scratch));
        size_t i = 0;
        while (i < path_count && ++at[i] == set->counts[i])
            at[i++] = 0;
        if (i == path_count)
            return;
    }
}

static size_t value_set_tuples(const struct value_set *set, size_t path_count)
{
    size_t tuples = 1;
    for (size_t i = 0; i < path_count; i++)
        tuples *= set->counts[i];
    return set->is_too_many ? MAX_TUPLES + 1 : tuples;
}

/* --- postings
 * --------------------------------------------------------------------------------------- */

static struct posting *posting_new(struct anchor_index *index, struct str key)
{
    struct posting *posting = xcalloc(1, sizeof *posting);
    posting->index = index;
    text_set(&posting->key, key);
    list_init(&posting->workers);
    list_init(&posting->classes);
    return posting;
}

static struct posting *posting_need(struct anchor_index *index, struct str key)
{
    struct posting *posting = map_get(&index->postings, key);
    if (posting == NULL) {
        posting = posting_new(index, key);
        (void)map_put(&index->postings, posting->key, posting);
    }
    return posting;
}

static void posting_drop(struct posting *posting)
{
    if (!list_is_empty(&posting->workers) || !list_is_empty(&posting->classes) ||
        posting == posting->index->overflow)
        return;
    (void)map_remove(&posting->index->postings, posting->key);
    text_free(&posting->key);
    free(posting);
}

static void entry_new(struct posting *posting, struct worker *worker)
{
    if (!list_is_empty(&posting->workers) &&
        LIST_ENTRY(posting->workers.head.prev, struct posting_entry, posting_node)->worker ==
            worker)
        return; /* the same value twice */
    struct posting_entry *entry = xcalloc(1, sizeof *entry);
    entry->posting = posting;
    entry->worker = worker;
    list_append(&posting->workers, &entry->posting_node);
    list_append(&worker->postings, &entry->worker_node);
}

static void entry_free(struct posting_entry *entry)
{
    struct posting *posting = entry->posting;
    list_remove(&entry->posting_node);
    list_remove(&entry->worker_node);
    free(entry);
    posting_drop(posting);
}

/* --- indexes
 * ---------------------------------------------------------------------------------------- */

struct indexing {
    struct anchor_index *index;
    struct worker *worker;
};

static void index_tuple(void *ctx, struct str key)
{
    const struct indexing *indexing = ctx;
    entry_new(posting_need(indexing->index, key), indexing->worker);
}

static void index_worker(struct anchor_index *index, struct worker *worker)
{
    struct engine *engine = index->workspace->engine;
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = worker->record}};
    struct indexing indexing = {index, worker};
    struct value_set set;
    value_set_init(&set);
    for (; set.path < index->path_count; set.path++)
        expr_path_values(index->paths[set.path], &env, index->is_element[set.path],
                         &engine->class_value, value_set_add, &set);
    if (value_set_tuples(&set, index->path_count) > MAX_TUPLES)
        entry_new(index->overflow, worker);
    else
        value_set_each(&set, index->path_count, &engine->class_value, index_tuple, &indexing);
    buf_fini(&set.bytes);
}

static void index_free(struct anchor_index *index)
{
    struct list_node *node;
    while ((node = list_first(&index->overflow->workers)) != NULL)
        entry_free(LIST_ENTRY(node, struct posting_entry, posting_node));
    while (index->postings.count > 0) {
        struct posting *posting = index->postings.entries[index->postings.count - 1].value;
        size_t before = index->postings.count;
        while (index->postings.count == before)
            entry_free(
                LIST_ENTRY(list_first(&posting->workers), struct posting_entry, posting_node));
    }
    map_fini(&index->postings);
    for (uint32_t i = 0; i < index->path_count; i++)
        expr_path_free(index->paths[i]);
    list_remove(&index->node);
    index->workspace->index_count--;
    free(index->overflow);
    text_free(&index->key);
    free(index);
}

static void workspace_trim_indexes(struct workspace *workspace)
{
    struct list_node *node = list_first(&workspace->indexes);
    while (node != NULL && workspace->index_count >= MAX_INDEXES) {
        struct anchor_index *index = LIST_ENTRY(node, struct anchor_index, node);
        node = list_next(&workspace->indexes, node);
        if (index->class_count == 0)
            index_free(index);
    }
}

static struct anchor_index *index_need(struct workspace *workspace, struct str key,
                                       const struct expr_anchor *anchors, size_t count)
{
    for (struct list_node *node = list_first(&workspace->indexes); node != NULL;
         node = list_next(&workspace->indexes, node)) {
        struct anchor_index *index = LIST_ENTRY(node, struct anchor_index, node);
        if (str_eq(index->key, key))
            return index;
    }
    workspace_trim_indexes(workspace);
    struct anchor_index *index = xcalloc(1, sizeof *index);
    index->workspace = workspace;
    text_set(&index->key, key);
    map_init(&index->postings);
    index->overflow = posting_new(index, STR(""));
    for (size_t i = 0; i < count; i++) {
        index->paths[i] = expr_path_new(anchors[i].path);
        INVARIANT(index->paths[i] != NULL); /* it came from an expression */
        index->is_element[i] = anchors[i].is_element;
    }
    index->path_count = (uint32_t)count;
    list_append(&workspace->indexes, &index->node);
    workspace->index_count++;
    for (struct list_node *node = list_first(&workspace->workers); node != NULL;
         node = list_next(&workspace->workers, node)) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (!worker->is_deleted)
            index_worker(index, worker);
    }
    return index;
}

void worker_unindex(struct worker *worker)
{
    struct list_node *node;
    while ((node = list_first(&worker->postings)) != NULL)
        entry_free(LIST_ENTRY(node, struct posting_entry, worker_node));
}

void worker_index(struct engine *engine, struct worker *worker)
{
    (void)engine;
    worker_unindex(worker);
    struct list *indexes = &worker->workspace->indexes;
    for (struct list_node *node = list_first(indexes); node != NULL && !worker->is_deleted;
         node = list_next(indexes, node))
        index_worker(LIST_ENTRY(node, struct anchor_index, node), worker);
}

void workspace_free_indexes(struct workspace *workspace)
{
    struct list_node *node;
    while ((node = list_first(&workspace->indexes)) != NULL)
        index_free(LIST_ENTRY(node, struct anchor_index, node));
}

/* --- classes
 * ---------------------------------------------------------------------------------------- */

/* What changes while working is not looked up: a worker would change places all the time. */
static bool path_is_lasting(struct str path)
{
    return !str_starts_with(path, STR("activity_")) && !str_starts_with(path, STR("channel."));
}

bool class_part_is_anchor(struct str part)
{
    struct expr_anchor anchor;
    return expr_part_anchor(part, &anchor) && path_is_lasting(anchor.path);
}

struct gathering {
    struct expr_anchor anchors[ANCHOR_MAX_PATHS];
    size_t count;
    size_t tuples;
};

static void gather(void *ctx, struct str part)
{
    struct gathering *gathering = ctx;
    struct expr_anchor *anchor = &gathering->anchors[gathering->count];
    if (gathering->count < ANCHOR_MAX_PATHS && expr_part_anchor(part, anchor) &&
        path_is_lasting(anchor->path) && anchor->count > 0 &&
        gathering->tuples * anchor->count <= MAX_TUPLES) {
        gathering->tuples *= anchor->count;
        gathering->count++;
    }
}

struct anchoring {
    struct anchor_index *index;
    struct task_class *class;
};

static void anchor_tuple(void *ctx, struct str key)
{
    const struct anchoring *anchoring = ctx;
    struct task_class *class = anchoring->class;
    struct posting *posting = posting_need(anchoring->index, key);
    struct class_anchor *anchor = &class->anchors[class->anchor_count];
    if (!list_is_empty(&posting->classes) &&
        LIST_ENTRY(posting->classes.head.prev, struct class_anchor, posting_node)->class == class)
        return; /* values that are equal here: 6 and "6" */
    class->anchor_count++;
    anchor->posting = posting;
    anchor->class = class;
    list_append(&posting->classes, &anchor->posting_node);
}

bool class_anchor(struct engine *engine, struct task_class *class, struct str residual)
{
    struct gathering gathering = {.tuples = 1};
    expr_each_part(residual, gather, &gathering);
    if (gathering.count == 0)
        return false;
    struct value_set set;
    struct buf key;
    value_set_init(&set);
    buf_init(&key, 0);
    for (; set.path < gathering.count; set.path++) {
        const struct expr_anchor *anchor = &gathering.anchors[set.path];
        buf_printf(&key, "%c%.*s\n", anchor->is_element ? '*' : '=', STR_ARG(anchor->path));
        for (size_t i = 0; i < anchor->count; i++) {
            buf_clear(&engine->class_value);
            expr_anchor_value(anchor->values[i], &engine->class_value);
            value_set_add(&set, buf_str(&engine->class_value));
        }
    }
    struct anchoring anchoring = {
        index_need(class->workspace, buf_str(&key), gathering.anchors, gathering.count), class};
    class->anchors = xcalloc(gathering.tuples + 1, sizeof *class->anchors);
    value_set_each(&set, gathering.count, &engine->class_value, anchor_tuple, &anchoring);
    /* Those who have too many values are asked one by one. */
    struct class_anchor *overflow = &class->anchors[class->anchor_count++];
    *overflow = (struct class_anchor){.posting = anchoring.index->overflow, .class = class};
    list_append(&anchoring.index->overflow->classes, &overflow->posting_node);
    anchoring.index->class_count++;
    buf_fini(&set.bytes);
    buf_fini(&key);
    return true;
}

void class_unanchor(struct task_class *class)
{
    if (class->anchor_count > 0)
        class->anchors[0].posting->index->class_count--;
    for (uint32_t i = 0; i < class->anchor_count; i++) {
        list_remove(&class->anchors[i].posting_node);
        posting_drop(class->anchors[i].posting);
    }
    free(class->anchors);
    class->anchors = NULL;
    class->anchor_count = 0;
}

void class_fill_from_postings(struct engine *engine, struct task_class *class)
{
    for (uint32_t i = 0; i < class->anchor_count; i++) {
        struct list *workers = &class->anchors[i].posting->workers;
        for (struct list_node *node = list_first(workers); node != NULL;
             node = list_next(workers, node)) {
            struct worker *worker = LIST_ENTRY(node, struct posting_entry, posting_node)->worker;
            if (class->reads_channel)
                worker_set_channel_fields(worker);
            if (class_wants(class, worker, queue_find(engine, class->queue, worker) != NULL) &&
                (i == 0 || class_find(engine, class, worker) == NULL))
                class_add_member(class, worker);
        }
    }
}

void worker_regard_anchored(struct engine *engine, struct worker *worker, const struct queue *queue)
{
    for (uint32_t i = 0; i < worker->channel_count; i++) {
        struct list *members = worker->channels[i] == NULL ? NULL : &worker->channels[i]->members;
        struct list_node *node = members == NULL ? NULL : list_first(members);
        while (node != NULL) {
            struct task_class *class = LIST_ENTRY(node, struct class_member, worker_node)->class;
            node = list_next(members, node);
            if (class->anchor_count > 0 && (queue == NULL || class->queue == queue))
                class_regard_worker(engine, class, worker,
                                    queue_find(engine, class->queue, worker) != NULL);
        }
    }
    for (struct list_node *node = list_first(&worker->postings); node != NULL;
         node = list_next(&worker->postings, node)) {
        struct list *classes =
            &LIST_ENTRY(node, struct posting_entry, worker_node)->posting->classes;
        for (struct list_node *at = list_first(classes); at != NULL; at = list_next(classes, at)) {
            struct task_class *class = LIST_ENTRY(at, struct class_anchor, posting_node)->class;
            if ((queue == NULL || class->queue == queue) &&
                class_find(engine, class, worker) == NULL)
                class_regard_worker(engine, class, worker,
                                    queue_find(engine, class->queue, worker) != NULL);
        }
    }
}
