#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/macros.h"
#include "engine_int.h"

enum { MAX_RESERVED_WORKERS = 50, DEFAULT_RESERVATION_TIMEOUT_S = 120 };

/* --- what is heard of before its own facts arrive ------------------------------------------ */

struct workspace *workspace_need(struct engine *engine, const struct sid *sid)
{
    struct workspace *workspace = map_get(&engine->workspaces, sid_str(sid));
    if (workspace != NULL)
        return workspace;
    workspace = xcalloc(1, sizeof *workspace);
    workspace->engine = engine;
    workspace->sid = *sid;
    list_init(&workspace->workers);
    list_init(&workspace->queues);
    list_init(&workspace->workflows);
    list_init(&workspace->channels);
    list_init(&workspace->activities);
    list_init(&workspace->tasks);
    list_init(&workspace->indexes);
    map_init(&workspace->known);
    (void)map_put(&engine->workspaces, sid_str(&workspace->sid), workspace);
    return workspace;
}

struct activity *activity_need(struct engine *engine, struct workspace *workspace,
                               const struct sid *sid)
{
    struct activity *activity = map_get(&engine->activities, sid_str(sid));
    if (activity != NULL)
        return activity;
    activity = xcalloc(1, sizeof *activity);
    activity->sid = *sid;
    activity->workspace = workspace;
    activity->index = workspace->activity_count++;
    list_append(&workspace->activities, &activity->node);
    (void)map_put(&engine->activities, sid_str(&activity->sid), activity);
    return activity;
}

struct channel *channel_need(struct engine *engine, struct workspace *workspace,
                             const struct sid *sid)
{
    struct channel *channel = map_get(&engine->channels, sid_str(sid));
    if (channel != NULL)
        return channel;
    channel = xcalloc(1, sizeof *channel);
    channel->sid = *sid;
    channel->workspace = workspace;
    channel->index = workspace->channel_count++;
    list_append(&workspace->channels, &channel->node);
    (void)map_put(&engine->channels, sid_str(&channel->sid), channel);
    return channel;
}

struct channel *workspace_channel(const struct workspace *workspace, struct str sid_or_name)
{
    for (struct list_node *node = list_first(&workspace->channels); node != NULL;
         node = list_next(&workspace->channels, node)) {
        struct channel *channel = LIST_ENTRY(node, struct channel, node);
        if (!channel->is_deleted && channel->version != 0 &&
            (str_eq(channel->name, sid_or_name) || str_eq(sid_str(&channel->sid), sid_or_name)))
            return channel;
    }
    return NULL;
}

struct queue *queue_need(struct engine *engine, struct workspace *workspace, const struct sid *sid)
{
    struct queue *queue = map_get(&engine->queues, sid_str(sid));
    if (queue != NULL)
        return queue;
    queue = xcalloc(1, sizeof *queue);
    queue->sid = *sid;
    queue->workspace = workspace;
    queue->max_reserved = 1;
    list_init(&queue->members);
    list_init(&queue->classes);
    list_init(&queue->open_classes);
    list_append(&workspace->queues, &queue->node);
    (void)map_put(&engine->queues, sid_str(&queue->sid), queue);
    return queue;
}

/* --- emptying -------------------------------------------------------------------------------- */

static void queue_empty(struct engine *engine, struct queue *queue)
{
    queue->is_deleted = true;
    struct list_node *node;
    while ((node = list_first(&queue->members)) != NULL)
        queue_regard_worker(engine, queue,
                            LIST_ENTRY(node, struct queue_member, queue_node)->worker);
}

/* Everything in it goes. */
static enum err_code workspace_empty(struct engine *engine, struct workspace *workspace,
                                     uint64_t tag, struct err *err)
{
    struct list_node *node;
    while ((node = list_first(&workspace->tasks)) != NULL)
        task_remove(engine, LIST_ENTRY(node, struct task, node), ENGINE_EVENT_TASK_DELETED);
    struct list_node *next = NULL;
    for (node = list_first(&workspace->workers); node != NULL; node = next) {
        struct engine_command each = {.kind = ENGINE_DELETE_WORKER, .tag = tag};
        each.ref.sid = LIST_ENTRY(node, struct worker, node)->sid;
        next = list_next(&workspace->workers, node);
        enum err_code code = config_delete_worker(engine, &each, err);
        if (code != ERR_OK)
            return code;
    }
    for (node = list_first(&workspace->queues); node != NULL;
         node = list_next(&workspace->queues, node))
        queue_empty(engine, LIST_ENTRY(node, struct queue, node));
    for (node = list_first(&workspace->workflows); node != NULL;
         node = list_next(&workspace->workflows, node))
        LIST_ENTRY(node, struct workflow, node)->is_deleted = true;
    return ERR_OK;
}

/* --- workspaces, activities, channels ------------------------------------------------------ */

enum err_code config_put_workspace(struct engine *engine, const struct engine_command *command,
                                   struct err *err)
{
    const struct engine_workspace *told = &command->workspace;
    struct workspace *workspace = workspace_need(engine, &told->sid);
    if (told->version <= workspace->version)
        return ERR_OK;
    bool was_single = workspace->is_single_tasking;
    workspace->version = told->version;
    workspace->is_deleted = false;
    workspace->account_sid = told->account_sid;
    text_set(&workspace->name, told->name);
    workspace->timeout_activity_sid = told->timeout_activity_sid;
    workspace->is_single_tasking = told->is_single_tasking;
    workspace->is_lifo_first = told->is_lifo_first;
    bool was_mirrored = workspace->is_mirrored;
    workspace->is_mirrored = told->is_mirrored;
    if (told->is_mirrored) /* what was told before we knew is of no use */
        return was_mirrored ? ERR_OK : workspace_empty(engine, workspace, command->tag, err);
    if (was_single == told->is_single_tasking)
        return ERR_OK;
    for (struct list_node *node = list_first(&workspace->workers); node != NULL;
         node = list_next(&workspace->workers, node))
        worker_refresh(engine, LIST_ENTRY(node, struct worker, node));
    return ERR_OK;
}

enum err_code config_put_activity(struct engine *engine, const struct engine_command *command,
                                  struct err *err)
{
    (void)err;
    const struct engine_activity *told = &command->activity;
    struct workspace *workspace = workspace_need(engine, &told->workspace_sid);
    struct activity *activity = activity_need(engine, workspace, &told->sid);
    if (told->version <= activity->version)
        return ERR_OK;
    bool is_same =
        str_eq(activity->name, told->name) && activity->is_available == told->is_available;
    activity->version = told->version;
    if (is_same)
        return ERR_OK;
    text_set(&activity->name, told->name);
    activity->is_available = told->is_available;
    for (struct list_node *node = list_first(&workspace->workers); node != NULL;
         node = list_next(&workspace->workers, node)) {
        const struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (worker->activity == activity)
            expr_record_set_view(worker->record, engine->fields[WORKER_FIELD_ACTIVITY_NAME],
                                 activity->name);
    }
    for (struct list_node *node = list_first(&workspace->workers); node != NULL;
         node = list_next(&workspace->workers, node)) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (worker->activity != activity || worker->is_deleted)
            continue;
        worker_regard_queues(engine, worker);
        worker_refresh(engine, worker);
    }
    return ERR_OK;
}

static void channel_name_fields(struct channel *channel)
{
    static const char *const names[] = {
        [CHANNEL_FIELD_CAPACITY] = "configured_capacity",
        [CHANNEL_FIELD_ASSIGNED] = "assigned_tasks",
        [CHANNEL_FIELD_PERCENTAGE] = "available_capacity_percentage",
    };
    struct buf name;
    buf_init(&name, 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_clear(&name);
        buf_printf(&name, "channel.%.*s.%s", STR_ARG(channel->name), names[i]);
        channel->fields[i] = expr_field_new(buf_str(&name));
    }
    buf_fini(&name);
}

/* Expressions may name the channel before its own facts arrive. */
static void channel_tell_workers(struct engine *engine, const struct channel *channel)
{
    struct list *workers = &channel->workspace->workers;
    if (channel->workspace->channel_readers == 0)
        return;
    for (struct list_node *node = list_first(workers); node != NULL;
         node = list_next(workers, node)) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (!worker->is_deleted)
            worker_use_changed(engine, worker);
    }
}

enum err_code config_put_channel(struct engine *engine, const struct engine_command *command,
                                 struct err *err)
{
    (void)err;
    const struct engine_channel *told = &command->channel;
    struct workspace *workspace = workspace_need(engine, &told->workspace_sid);
    struct channel *channel = channel_need(engine, workspace, &told->sid);
    if (told->version <= channel->version)
        return ERR_OK;
    bool is_reordered = channel->is_optimized != told->is_optimized;
    channel->version = told->version;
    channel->is_deleted = false;
    channel->is_optimized = told->is_optimized;
    text_set(&channel->name, told->unique_name);
    if (channel->fields[0] == NULL) { /* the unique name is fixed at creation */
        channel_name_fields(channel);
        channel_tell_workers(engine, channel);
    }
    for (size_t i = 0; i < engine->classes.count && is_reordered; i++) {
        struct task_class *class = engine->classes.entries[i].value;
        if (class->channel == channel)
            class_reorder(class);
    }
    return ERR_OK;
}

/* --- queues -------------------------------------------------------------------------------- */

static bool target_reads(const struct expr *target, const char *prefix)
{
    for (size_t i = 0; target != NULL && i < expr_name_count(target); i++) {
        if (str_starts_with(expr_name_at(target, i).path, str_from(prefix)))
            return true;
    }
    return false;
}

static void queue_regard_all(struct engine *engine, struct queue *queue)
{
    struct list *workers = &queue->workspace->workers;
    for (struct list_node *node = list_first(workers); node != NULL;
         node = list_next(workers, node)) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (!worker->is_deleted && queue->reads_channel)
            worker_set_channel_fields(worker);
        if (!worker->is_deleted)
            queue_regard_worker(engine, queue, worker);
    }
}

static void queue_take_target(struct engine *engine, struct queue *queue, struct expr *target,
                              struct str text)
{
    if (queue->reads_channel)
        queue->workspace->channel_readers--;
    expr_free(queue->target);
    queue->target = target;
    text_set(&queue->target_text, text);
    queue->reads_activity = target_reads(target, "activity_");
    queue->reads_channel = target_reads(target, "channel.");
    if (queue->reads_channel)
        queue->workspace->channel_readers++;
    queue_regard_all(engine, queue);
}

enum err_code config_put_queue(struct engine *engine, const struct engine_command *command,
                               struct err *err)
{
    const struct engine_queue *told = &command->queue;
    struct expr *target = NULL;
    struct str text = str_trim(told->target_workers);
    if (text.len > 0 && expr_compile(text, &expr_context_queue, &target, err) != ERR_OK) {
        (void)snprintf(err->field, sizeof err->field, "target_workers");
        return err->code;
    }
    struct workspace *workspace = workspace_need(engine, &told->workspace_sid);
    struct queue *queue = queue_need(engine, workspace, &told->sid);
    if (told->version <= queue->version) {
        expr_free(target);
        return ERR_OK;
    }
    bool is_resorted = queue->is_lifo != told->is_lifo;
    bool is_regarded =
        queue->version == 0 || queue->is_deleted || !str_eq(queue->target_text, text);
    queue->version = told->version;
    queue->is_deleted = false;
    text_set(&queue->name, told->name);
    queue->is_lifo = told->is_lifo;
    queue->max_reserved = told->max_reserved_workers < 1 ? 1
                          : told->max_reserved_workers > MAX_RESERVED_WORKERS
                              ? MAX_RESERVED_WORKERS
                              : told->max_reserved_workers;
    queue->reservation_activity_sid = told->reservation_activity_sid;
    queue->assignment_activity_sid = told->assignment_activity_sid;
    if (is_regarded)
        queue_take_target(engine, queue, target, text);
    else
        expr_free(target);
    struct list_node *node = is_resorted ? list_first(&queue->classes) : NULL;
    for (; node != NULL; node = list_next(&queue->classes, node))
        class_resort_tasks(LIST_ENTRY(node, struct task_class, queue_node));
    return ERR_OK;
}

/* --- workflows ----------------------------------------------------------------------------- */

void document_free(struct document *document)
{
    document->workflow->workspace->engine->shared_epoch++;
    list_remove(&document->node);
    workflow_doc_free(document->doc);
    free(document);
}

void document_release(struct document *document)
{
    document->task_count--;
    if (document->task_count == 0 && document != document->workflow->current)
        document_free(document);
}

struct document *workflow_document(struct workflow *workflow, int64_t version)
{
    for (struct list_node *node = list_first(&workflow->documents); node != NULL;
         node = list_next(&workflow->documents, node)) {
        struct document *document = LIST_ENTRY(node, struct document, node);
        if (document->version == version)
            return document;
    }
    return NULL;
}

static struct workflow *workflow_need(struct engine *engine, const struct engine_workflow *told)
{
    struct workflow *workflow = map_get(&engine->workflows, sid_str(&told->sid));
    if (workflow != NULL)
        return workflow;
    workflow = xcalloc(1, sizeof *workflow);
    workflow->sid = told->sid;
    workflow->workspace = workspace_need(engine, &told->workspace_sid);
    list_init(&workflow->documents);
    list_append(&workflow->workspace->workflows, &workflow->node);
    (void)map_put(&engine->workflows, sid_str(&workflow->sid), workflow);
    return workflow;
}

static struct document *workflow_add_document(struct engine *engine, struct workflow *workflow,
                                              struct workflow_doc *doc, int64_t version)
{
    struct document *document = xcalloc(1, sizeof *document);
    document->workflow = workflow;
    document->doc = doc;
    document->version = version;
    list_append(&workflow->documents, &document->node);
    for (size_t i = 0; i < doc->queue_count; i++) {
        struct sid sid = sid_from(doc->queues[i]);
        (void)queue_need(engine, workflow->workspace, &sid);
    }
    return document;
}

static void workflow_re_evaluate(struct engine *engine, struct workflow *workflow)
{
    struct list *tasks = &workflow->workspace->tasks;
    struct list_node *node = list_first(tasks);
    while (node != NULL) {
        struct task *task = LIST_ENTRY(node, struct task, node);
        node = list_next(tasks, node);
        if (task->workflow != workflow || task->document == workflow->current)
            continue;
        if (task->state == TASK_RESERVED && !task->wants_current) {
            task->wants_current = true;
            task_touch(engine, task);
        }
        if (task->state != TASK_PENDING)
            continue;
        if (!route_is_taken(task, workflow->current))
            continue; /* goes on with the document it has */
        task_take_document(task, workflow->current);
        task_touch(engine, task);
        (void)route_again(engine, task);
    }
}

enum err_code config_put_workflow(struct engine *engine, const struct engine_command *command,
                                  struct err *err)
{
    const struct engine_workflow *told = &command->workflow;
    struct workflow_doc *doc = workflow_doc_parse(told->configuration, err);
    if (doc == NULL)
        return err->code;
    struct workflow *workflow = workflow_need(engine, told);
    struct document *document = workflow_document(workflow, told->configuration_version);
    bool is_newest =
        workflow->current == NULL || told->configuration_version > workflow->current->version;
    if (document == NULL && (is_newest || engine->is_loading))
        document = workflow_add_document(engine, workflow, doc, told->configuration_version);
    else
        workflow_doc_free(doc);
    bool is_news = told->version > workflow->version;
    if (is_news) {
        workflow->version = told->version;
        workflow->is_deleted = false;
        text_set(&workflow->name, told->name);
        workflow->reservation_timeout_s = told->task_reservation_timeout_s > 0
                                              ? told->task_reservation_timeout_s
                                              : DEFAULT_RESERVATION_TIMEOUT_S;
    }
    if (!is_newest) { /* a late word counts too while its document is the current one */
        bool counts = is_news || (document == workflow->current && !workflow->is_deleted);
        if (counts && told->re_evaluate_tasks && !engine->is_loading)
            workflow_re_evaluate(engine, workflow);
        return ERR_OK;
    }
    struct document *old = workflow->current;
    if (old != NULL)
        old->task_count++; /* held until the tasks have moved on */
    workflow->current = document;
    if (told->re_evaluate_tasks && !engine->is_loading)
        workflow_re_evaluate(engine, workflow);
    if (old != NULL && engine->is_loading)
        old->task_count--; /* tasks that use it may still come */
    else if (old != NULL)
        document_release(old);
    return ERR_OK;
}

/* --- deletions ----------------------------------------------------------------------------- */

enum err_code config_delete_activity(struct engine *engine, const struct engine_command *command,
                                     struct err *err)
{
    (void)err;
    struct activity *activity = map_get(&engine->activities, sid_str(&command->ref.sid));
    if (activity != NULL)
        activity->version = 0; /* workers in it stay as they are until moved */
    return ERR_OK;
}

enum err_code config_delete_channel(struct engine *engine, const struct engine_command *command,
                                    struct err *err)
{
    (void)err;
    struct channel *channel = map_get(&engine->channels, sid_str(&command->ref.sid));
    if (channel != NULL)
        channel->is_deleted = true;
    return ERR_OK;
}

enum err_code config_delete_queue(struct engine *engine, const struct engine_command *command,
                                  struct err *err)
{
    (void)err;
    struct queue *queue = map_get(&engine->queues, sid_str(&command->ref.sid));
    if (queue != NULL && !queue->is_deleted)
        queue_empty(engine, queue);
    return ERR_OK;
}

enum err_code config_delete_workflow(struct engine *engine, const struct engine_command *command,
                                     struct err *err)
{
    (void)err;
    struct workflow *workflow = map_get(&engine->workflows, sid_str(&command->ref.sid));
    if (workflow != NULL)
        workflow->is_deleted = true;
    return ERR_OK;
}

enum err_code config_delete_workspace(struct engine *engine, const struct engine_command *command,
                                      struct err *err)
{
    struct workspace *workspace = map_get(&engine->workspaces, sid_str(&command->ref.sid));
    if (workspace == NULL || workspace->is_deleted)
        return ERR_OK;
    workspace->is_deleted = true;
    return workspace_empty(engine, workspace, command->tag, err);
}
