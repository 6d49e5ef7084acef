#include "facts.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "engine/workflow_doc.h"
#include "expr/expr.h"

enum { PERCENT = 100, DEFAULT_CAPACITY = 1 };

static bool same(const struct sid *a, const struct sid *b)
{
    return memcmp(a->text, b->text, SID_LEN) == 0;
}

static bool is_kind(const struct sid *sid, const char *prefix)
{
    return strncmp(sid->text, prefix, 2) == 0;
}

/* --- what was told ------------------------------------------------------------------------- */

struct store_config *facts_queue(const struct store *store, const struct sid *sid)
{
    struct store_config *queue = sid_is_set(sid) ? store_config(store, sid) : NULL;
    return queue != NULL && queue->kind == ENGINE_PUT_QUEUE ? queue : NULL;
}

const struct workflow_doc *facts_document(struct store *store, const struct sid *workflow_sid,
                                          int64_t version)
{
    for (size_t i = 0; i < store->document_count; i++) {
        struct store_document *document = store->documents[i];
        if (document->version != version || !same(&document->workflow_sid, workflow_sid))
            continue;
        struct err err = {0};
        if (document->doc == NULL)
            document->doc = workflow_doc_parse(document->configuration, &err);
        INVARIANT(document->doc != NULL);
        return document->doc;
    }
    return NULL;
}

const struct workflow_filter *facts_filter(struct store *store, const struct task_row *row)
{
    const struct workflow_doc *doc =
        sid_is_set(&row->workflow_sid)
            ? facts_document(store, &row->workflow_sid, row->workflow_version)
            : NULL;
    if (doc == NULL || row->filter_index == FILTER_DIRECT)
        return NULL;
    if (row->filter_index == FILTER_DEFAULT)
        return doc->has_default ? &doc->default_filter : NULL;
    bool is_inside = row->filter_index >= 0 && (size_t)row->filter_index < doc->filter_count;
    return is_inside ? &doc->filters[row->filter_index] : NULL;
}

const struct workflow_target *facts_target(struct store *store, const struct task_row *row)
{
    const struct workflow_filter *filter = facts_filter(store, row);
    bool is_inside = filter != NULL && row->target_index >= 0 &&
                     (size_t)row->target_index < filter->target_count;
    return is_inside ? &filter->targets[row->target_index] : NULL;
}

const struct expr_record *facts_task_record(struct store_task *task)
{
    struct str text = task->row.attributes.len == 0 ? STR("{}") : task->row.attributes;
    if (task->record != NULL && str_eq(task->record_text, text))
        return task->record;
    expr_record_free(task->record);
    task->record = NULL;
    struct err err = {0};
    enum err_code code = expr_record_new(text, &task->record, &err);
    INVARIANT(code == ERR_OK);
    task->record_text = expr_record_json(task->record);
    return task->record;
}

struct sid facts_activity(const struct store_config *worker)
{
    return sid_is_set(&worker->moved_to) ? worker->moved_to : worker->command.worker.activity_sid;
}

static const struct engine_worker_channel *worker_channel(const struct store_config *worker,
                                                          const struct sid *channel_sid)
{
    const struct engine_worker *told = &worker->command.worker;
    for (size_t i = 0; i < told->channel_count; i++) {
        if (same(&told->channels[i].channel_sid, channel_sid))
            return &told->channels[i];
    }
    return NULL;
}

int32_t facts_capacity(const struct store_config *worker, const struct sid *channel_sid)
{
    const struct engine_worker_channel *told = worker_channel(worker, channel_sid);
    return told == NULL ? DEFAULT_CAPACITY : told->capacity;
}

/* --- the workers' built-in fields ------------------------------------------------------------ */

static void fields_need(struct store *store)
{
    static const char *const names[] = {"sid", "friendly_name", "activity_sid", "activity_name"};
    static const char *const parts[] = {"configured_capacity", "assigned_tasks",
                                        "available_capacity_percentage"};
    for (size_t i = 0; i < ARRAY_LEN(names) && store->worker_fields[i] == NULL; i++)
        store->worker_fields[i] = expr_field_new(str_from(names[i]));
    for (size_t i = 0; i < store->config_count; i++) {
        const struct store_config *channel = store->configs[i];
        if (channel->kind != ENGINE_PUT_CHANNEL)
            continue;
        struct expr_field **fields = store->channel_fields[store_channel(store, &channel->sid)];
        for (size_t p = 0; p < ARRAY_LEN(parts) && fields[p] == NULL; p++) {
            struct buf name;
            buf_init(&name, 0);
            buf_printf(&name, "channel.%.*s.%s", STR_ARG(channel->command.channel.unique_name),
                       parts[p]);
            fields[p] = expr_field_new(buf_str(&name));
            buf_fini(&name);
        }
    }
}

static void worker_fields(struct store *store, struct store_config *worker)
{
    struct expr_record *record = worker->record;
    struct sid activity_sid = facts_activity(worker);
    const struct store_config *activity = store_config(store, &activity_sid);
    bool is_told = activity != NULL && activity->kind == ENGINE_PUT_ACTIVITY;
    struct str name = is_told ? activity->command.activity.name : STR("");
    expr_record_set_str(record, store->worker_fields[0], str_from(worker->sid.text));
    expr_record_set_str(record, store->worker_fields[1], worker->command.worker.name);
    expr_record_set_str(record, store->worker_fields[2], str_from(activity_sid.text));
    expr_record_set_str(record, store->worker_fields[3], name);
    for (int c = 0; c < store->channel_count; c++) {
        const struct store_config *channel = store_config(store, &store->channels[c]);
        if (channel == NULL || channel->kind != ENGINE_PUT_CHANNEL ||
            !same(&channel->workspace_sid, &worker->workspace_sid))
            continue;
        int64_t capacity = facts_capacity(worker, &channel->sid);
        int64_t used = worker->consumed[c];
        int64_t free_percent =
            capacity <= 0 || used >= capacity ? 0 : (capacity - used) * PERCENT / capacity;
        expr_record_set_i64(record, store->channel_fields[c][0], capacity);
        expr_record_set_i64(record, store->channel_fields[c][1], worker->accepted[c]);
        expr_record_set_i64(record, store->channel_fields[c][2], free_percent);
    }
}

void facts_refresh(struct store *store)
{
    fields_need(store);
    for (size_t i = 0; i < store->config_count; i++) {
        struct store_config *worker = store->configs[i];
        memset(worker->consumed, 0, sizeof worker->consumed);
        memset(worker->accepted, 0, sizeof worker->accepted);
        worker->open = 0;
    }
    for (size_t i = 0; i < store->task_count; i++) {
        store->tasks[i]->pending = 0;
        store->tasks[i]->accepted = 0;
    }
    for (size_t i = 0; i < store->reservation_count; i++) {
        const struct store_reservation *reservation = store->reservations[i];
        struct store_config *worker = reservation->worker;
        if (!reservation_is_open(reservation->row.state) || reservation->task->is_purged)
            continue;
        bool is_pending = reservation->row.state == RESERVATION_PENDING;
        worker->consumed[reservation->channel]++;
        worker->open++;
        worker->accepted[reservation->channel] += is_pending ? 0 : 1;
        reservation->task->pending += is_pending ? 1 : 0;
        reservation->task->accepted += is_pending ? 0 : 1;
    }
    for (size_t i = 0; i < store->config_count; i++) {
        struct store_config *worker = store->configs[i];
        if (worker->kind != ENGINE_PUT_WORKER || worker->is_deleted)
            continue;
        struct err err = {0};
        enum err_code code =
            worker->record != NULL
                ? ERR_OK
                : expr_record_new(worker->command.worker.attributes, &worker->record, &err);
        INVARIANT(code == ERR_OK);
        worker_fields(store, worker);
    }
}

/* --- who may ------------------------------------------------------------------------------- */

static bool queue_takes(struct store_config *queue, const struct store_config *worker)
{
    struct str text = str_trim(queue->command.queue.target_workers);
    if (queue->is_deleted || text.len == 0)
        return false;
    struct err err = {0};
    if (queue->target == NULL &&
        expr_compile(text, &expr_context_queue, &queue->target, &err) != ERR_OK)
        return false;
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = worker->record}};
    return expr_eval(queue->target, &env);
}

static bool target_knows(const struct workflow_target *target, struct store_task *task,
                         const struct store_config *worker)
{
    if (target->known_worker == NULL)
        return true;
    struct expr_env env = {.records = {[EXPR_SLOT_TASK] = facts_task_record(task)}};
    struct str name = expr_value_text(expr_path_get(target->known_worker, &env));
    if (name.len == 0)
        return false;
    return target->is_known_by_name ? str_eq_nocase(name, worker->command.worker.name)
                                    : str_eq_text(name, worker->sid.text);
}

bool facts_fits(struct store *store, struct store_task *task, struct store_config *worker)
{
    const struct task_row *row = &task->row;
    if (worker->kind != ENGINE_PUT_WORKER || worker->is_deleted ||
        !same(&worker->workspace_sid, &row->workspace_sid))
        return false;
    const struct store_config *workspace = store_config(store, &row->workspace_sid);
    if (workspace != NULL && workspace->is_deleted)
        return false;
    if (is_kind(&row->routing_target, "WK"))
        return same(&row->routing_target, &worker->sid);
    struct store_config *queue = facts_queue(store, &row->queue_sid);
    if (queue == NULL || !queue_takes(queue, worker))
        return false;
    const struct workflow_target *target = facts_target(store, row);
    if (target == NULL)
        return true;
    if (!target_knows(target, task, worker))
        return false;
    struct expr_env env = {
        .records = {
                    [EXPR_SLOT_WORKER] = worker->record, [EXPR_SLOT_TASK] = facts_task_record(task)}
    };
    return target->expression == NULL || expr_eval(target->expression, &env);
}

bool facts_is_free(struct store *store, const struct store_config *worker,
                   const struct sid *channel_sid)
{
    struct sid activity_sid = facts_activity(worker);
    const struct store_config *activity = store_config(store, &activity_sid);
    const struct store_config *workspace = store_config(store, &worker->workspace_sid);
    const struct engine_worker_channel *channel = worker_channel(worker, channel_sid);
    bool is_single = workspace != NULL && workspace->command.workspace.is_single_tasking;
    return activity != NULL && activity->kind == ENGINE_PUT_ACTIVITY &&
           activity->command.activity.is_available && (channel == NULL || channel->is_available) &&
           worker->consumed[store_channel(store, channel_sid)] <
               facts_capacity(worker, channel_sid) &&
           (!is_single || worker->open == 0);
}

bool facts_waits(const struct store_task *task)
{
    bool is_routed = task->row.state == TASK_PENDING || task->row.state == TASK_RESERVED;
    return is_routed && !task->is_purged && !task->is_leaving &&
           task->pending + task->accepted == 0;
}

/* --- order --------------------------------------------------------------------------------- */

bool facts_task_goes_first(const struct store *store, const struct task_row *a,
                           const struct task_row *b)
{
    const struct store_config *workspace = store_config(store, &a->workspace_sid);
    const struct store_config *a_queue = facts_queue(store, &a->queue_sid);
    const struct store_config *b_queue = facts_queue(store, &b->queue_sid);
    bool a_lifo = a_queue != NULL && a_queue->command.queue.is_lifo;
    bool b_lifo = b_queue != NULL && b_queue->command.queue.is_lifo;
    if (a_lifo != b_lifo)
        return a_lifo == (workspace != NULL && workspace->command.workspace.is_lifo_first);
    if (!a_lifo && a->priority != b->priority)
        return a->priority > b->priority;
    if (a->virtual_start_us != b->virtual_start_us)
        return (a->virtual_start_us < b->virtual_start_us) != a_lifo;
    return (a->sequence < b->sequence) != a_lifo;
}

static int64_t idle_since(struct store *store, const struct store_config *worker,
                          const struct sid *channel_sid)
{
    const struct store_config *channel = store_config(store, channel_sid);
    bool is_own = channel != NULL && channel->kind == ENGINE_PUT_CHANNEL &&
                  channel->command.channel.is_optimized;
    return is_own ? worker->last[store_channel(store, channel_sid)] : worker->last_any;
}

bool facts_order_is_off(struct store *store, struct store_task *task)
{
    const struct workflow_target *target = facts_target(store, &task->row);
    const struct expr_order *order = target == NULL ? NULL : target->order_by;
    for (size_t i = 0; order != NULL && i < store->config_count; i++) {
        struct store_config *worker = store->configs[i];
        struct expr_order_key key;
        struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = worker->record}};
        if (facts_fits(store, task, worker) && !expr_order_key(order, &env, &key))
            return true;
    }
    return false;
}

bool facts_worker_goes_first(struct store *store, struct store_task *task,
                             const struct store_config *a, const struct store_config *b)
{
    const struct workflow_target *target = facts_target(store, &task->row);
    const struct expr_order *order = target == NULL ? NULL : target->order_by;
    if (order != NULL && !task->is_order_off) {
        struct expr_order_key a_key;
        struct expr_order_key b_key;
        struct expr_env a_env = {.records = {[EXPR_SLOT_WORKER] = a->record}};
        struct expr_env b_env = {.records = {[EXPR_SLOT_WORKER] = b->record}};
        (void)expr_order_key(order, &a_env, &a_key);
        (void)expr_order_key(order, &b_env, &b_key);
        int compared = expr_order_compare(order, &a_key, &b_key);
        if (compared != 0)
            return compared < 0;
    }
    int64_t a_since = idle_since(store, a, &task->row.channel_sid);
    int64_t b_since = idle_since(store, b, &task->row.channel_sid);
    if (a_since != b_since)
        return a_since < b_since;
    return memcmp(a->sid.text, b->sid.text, SID_LEN) < 0;
}

/* --- skip_if ------------------------------------------------------------------------------- */

struct skip_look {
    struct store *store;
    struct store_config *queue;
};

static bool skip_count(void *ctx, enum expr_slot slot, struct str name,
                       struct expr_value *out_value)
{
    const struct skip_look *look = ctx;
    int64_t count = 0;
    if (slot != EXPR_SLOT_WORKERS)
        return false;
    for (size_t i = 0; i < look->store->config_count; i++) {
        const struct store_config *worker = look->store->configs[i];
        if (worker->kind != ENGINE_PUT_WORKER || worker->is_deleted ||
            !same(&worker->workspace_sid, &look->queue->workspace_sid) ||
            !queue_takes(look->queue, worker))
            continue;
        struct sid activity_sid = facts_activity(worker);
        const struct store_config *activity = store_config(look->store, &activity_sid);
        bool is_available = activity != NULL && activity->kind == ENGINE_PUT_ACTIVITY &&
                            activity->command.activity.is_available;
        if (str_eq_text(name, "available"))
            count += is_available ? 1 : 0;
        else if (str_eq_text(name, "unavailable"))
            count += is_available ? 0 : 1;
        else
            count += str_eq_text(name, activity_sid.text) ? 1 : 0;
    }
    *out_value = expr_value_i64(count);
    return true;
}

bool facts_skips(struct store *store, struct store_task *task)
{
    const struct workflow_target *target = facts_target(store, &task->row);
    struct skip_look look = {store, facts_queue(store, &task->row.queue_sid)};
    if (target == NULL || target->skip_if == NULL || look.queue == NULL)
        return false;
    struct expr_env env = {.resolve = skip_count, .resolve_ctx = &look};
    return expr_eval(target->skip_if, &env);
}
