#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "engine/workflow_doc.h"
#include "expr/expr.h"
#include "faults.h"

#define STORE_MAX_BYTES ((size_t)1 << 30)

void store_init(struct store *store)
{
    *store = (struct store){.arena = arena_new(STORE_MAX_BYTES)};
    map_init(&store->config_map);
    map_init(&store->task_map);
    map_init(&store->reservation_map);
}

static void config_forget(struct store_config *config)
{
    expr_free(config->target);
    expr_record_free(config->record);
    config->target = NULL;
    config->record = NULL;
}

void store_fini(struct store *store)
{
    for (size_t i = 0; i < store->config_count; i++)
        config_forget(store->configs[i]);
    for (size_t i = 0; i < store->document_count; i++)
        workflow_doc_free(store->documents[i]->doc);
    for (size_t i = 0; i < store->task_count; i++)
        expr_record_free(store->tasks[i]->record);
    for (size_t i = 0; i < ARRAY_LEN(store->worker_fields); i++)
        expr_field_free(store->worker_fields[i]);
    for (size_t c = 0; c < STORE_MAX_CHANNELS; c++) {
        for (size_t i = 0; i < ARRAY_LEN(store->channel_fields[c]); i++)
            expr_field_free(store->channel_fields[c][i]);
    }
    map_fini(&store->config_map);
    map_fini(&store->task_map);
    map_fini(&store->reservation_map);
    free((void *)store->configs);
    free((void *)store->documents);
    free((void *)store->tasks);
    free((void *)store->reservations);
    free(store->overrides);
    free(store->events);
    free(store->keys);
    arena_free(store->arena);
    *store = (struct store){0};
}

void *store_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 32 : *capacity * 2;
    return xrealloc(items, *capacity, size);
}

/* NOLINTBEGIN(bugprone-sizeof-expression): arrays of pointers */
#define GROW(items, count, capacity)                                                               \
    ((items) = store_grow((void *)(items), (count), &(capacity), sizeof *(items)))
/* NOLINTEND(bugprone-sizeof-expression) */

/* --- commands ------------------------------------------------------------------------------ */

bool store_is_config(enum engine_command_kind kind)
{
    return kind >= ENGINE_PUT_WORKSPACE && kind <= ENGINE_DELETE_WORKER;
}

bool store_is_deletion(enum engine_command_kind kind)
{
    return kind >= ENGINE_DELETE_WORKSPACE && kind <= ENGINE_DELETE_WORKER;
}

struct sid store_subject(const struct engine_command *command)
{
    switch (command->kind) {
    case ENGINE_PUT_WORKSPACE:
        return command->workspace.sid;
    case ENGINE_PUT_ACTIVITY:
        return command->activity.sid;
    case ENGINE_PUT_CHANNEL:
        return command->channel.sid;
    case ENGINE_PUT_QUEUE:
        return command->queue.sid;
    case ENGINE_PUT_WORKFLOW:
        return command->workflow.sid;
    case ENGINE_PUT_WORKER:
        return command->worker.sid;
    default:
        return command->ref.sid;
    }
}

int64_t store_version(const struct engine_command *command)
{
    switch (command->kind) {
    case ENGINE_PUT_WORKSPACE:
        return command->workspace.version;
    case ENGINE_PUT_ACTIVITY:
        return command->activity.version;
    case ENGINE_PUT_CHANNEL:
        return command->channel.version;
    case ENGINE_PUT_QUEUE:
        return command->queue.version;
    case ENGINE_PUT_WORKFLOW:
        return command->workflow.version;
    case ENGINE_PUT_WORKER:
        return command->worker.version;
    default:
        return 0;
    }
}

static struct sid command_workspace(const struct engine_command *command)
{
    switch (command->kind) {
    case ENGINE_PUT_WORKSPACE:
        return command->workspace.sid;
    case ENGINE_PUT_ACTIVITY:
        return command->activity.workspace_sid;
    case ENGINE_PUT_CHANNEL:
        return command->channel.workspace_sid;
    case ENGINE_PUT_QUEUE:
        return command->queue.workspace_sid;
    case ENGINE_PUT_WORKFLOW:
        return command->workflow.workspace_sid;
    case ENGINE_PUT_WORKER:
        return command->worker.workspace_sid;
    default:
        return command->ref.workspace_sid;
    }
}

static void keep(struct arena *arena, struct str *text)
{
    *text = arena_str(arena, *text);
}

static void keep_channels(struct arena *arena, struct engine_worker *worker)
{
    size_t bytes = worker->channel_count * sizeof *worker->channels;
    struct engine_worker_channel *channels = arena_alloc(arena, bytes);
    INVARIANT(channels != NULL);
    if (bytes > 0)
        memcpy(channels, worker->channels, bytes);
    worker->channels = channels;
}

struct engine_command store_keep(struct arena *arena, const struct engine_command *command)
{
    struct engine_command copy = *command;
    switch (command->kind) {
    case ENGINE_PUT_WORKSPACE:
        keep(arena, &copy.workspace.name);
        break;
    case ENGINE_PUT_ACTIVITY:
        keep(arena, &copy.activity.name);
        break;
    case ENGINE_PUT_CHANNEL:
        keep(arena, &copy.channel.unique_name);
        break;
    case ENGINE_PUT_QUEUE:
        keep(arena, &copy.queue.name);
        keep(arena, &copy.queue.target_workers);
        break;
    case ENGINE_PUT_WORKFLOW:
        keep(arena, &copy.workflow.name);
        keep(arena, &copy.workflow.configuration);
        break;
    case ENGINE_PUT_WORKER:
        keep(arena, &copy.worker.name);
        keep(arena, &copy.worker.attributes);
        keep_channels(arena, &copy.worker);
        break;
    case ENGINE_CREATE_TASK:
        keep(arena, &copy.create.attributes);
        keep(arena, &copy.create.channel);
        keep(arena, &copy.create.call_id);
        break;
    case ENGINE_UPDATE_TASK:
        keep(arena, &copy.update.attributes);
        keep(arena, &copy.update.channel);
        break;
    default:
        if (store_is_deletion(command->kind))
            break;
        keep(arena, &copy.action.reason);
        keep(arena, &copy.action.instruction);
        keep(arena, &copy.action.instruction_data);
        break;
    }
    return copy;
}

/* --- look-ups ------------------------------------------------------------------------------ */

struct store_config *store_config(const struct store *store, const struct sid *sid)
{
    return map_get(&store->config_map, str_from(sid->text));
}

struct store_task *store_task(const struct store *store, const struct sid *sid)
{
    return map_get(&store->task_map, str_from(sid->text));
}

struct store_reservation *store_reservation(const struct store *store, const struct sid *sid)
{
    return map_get(&store->reservation_map, str_from(sid->text));
}

const struct store_key *store_key(const struct store *store, uint64_t key)
{
    for (size_t i = 0; i < store->key_count; i++) {
        if (store->keys[i].key == key)
            return &store->keys[i];
    }
    return NULL;
}

int store_channel(struct store *store, const struct sid *sid)
{
    for (int i = 0; i < store->channel_count; i++) {
        if (strcmp(store->channels[i].text, sid->text) == 0)
            return i;
    }
    INVARIANT(store->channel_count < STORE_MAX_CHANNELS);
    store->channels[store->channel_count] = *sid;
    return store->channel_count++;
}

/* --- changes ------------------------------------------------------------------------------- */

static void document_put(struct store *store, const struct engine_workflow *workflow)
{
    for (size_t i = 0; i < store->document_count; i++) {
        const struct store_document *known = store->documents[i];
        if (known->version == workflow->configuration_version &&
            strcmp(known->workflow_sid.text, workflow->sid.text) == 0)
            return;
    }
    struct store_document *document = ARENA_NEW(store->arena, struct store_document);
    *document = (struct store_document){
        .workflow_sid = workflow->sid,
        .version = workflow->configuration_version,
        .configuration = workflow->configuration,
    };
    GROW(store->documents, store->document_count, store->document_capacity);
    store->documents[store->document_count++] = document;
}

static struct store_config *config_need(struct store *store, const struct sid *sid)
{
    struct store_config *config = store_config(store, sid);
    if (config != NULL)
        return config;
    config = ARENA_NEW(store->arena, struct store_config);
    config->sid = *sid;
    GROW(store->configs, store->config_count, store->config_capacity);
    store->configs[store->config_count++] = config;
    (void)map_put(&store->config_map, str_from(config->sid.text), config);
    return config;
}

/* Told by who has not heard yet where the router has moved the worker. */
static bool is_before_move(const struct store_config *config, const struct engine_command *command)
{
    const struct engine_worker *told = &command->worker;
    return command->kind == ENGINE_PUT_WORKER && sid_is_set(&config->moved_to) &&
           strcmp(config->moved_to.text, told->activity_sid.text) != 0 &&
           told->status_changed_us != 0 && told->status_changed_us < config->moved_at_us;
}

bool store_config_put(struct store *store, const struct engine_command *command, int64_t version)
{
    struct sid sid = store_subject(command);
    struct store_config *config = config_need(store, &sid);
    if (version <= config->version)
        return false;
    config->version = version;
    config->workspace_sid = command_workspace(command);
    config->is_deleted = store_is_deletion(command->kind);
    if (!is_before_move(config, command))
        config->moved_to = (struct sid){0};
    if (config->is_deleted)
        return true;
    config_forget(config);
    config->kind = command->kind;
    config->command = store_keep(store->arena, command);
    if (command->kind == ENGINE_PUT_WORKFLOW)
        document_put(store, &config->command.workflow);
    return true;
}

/* The old copy where it says the same: rows change often, texts seldom. */
static struct str text_put(struct store *store, struct str old, struct str text)
{
    return str_eq(old, text) ? old : arena_str(store->arena, text);
}

struct store_task *store_task_put(struct store *store, const struct task_row *row)
{
    struct store_task *task = store_task(store, &row->sid);
    if (task == NULL) {
        task = ARENA_NEW(store->arena, struct store_task);
        task->row.sid = row->sid;
        GROW(store->tasks, store->task_count, store->task_capacity);
        store->tasks[store->task_count++] = task;
        (void)map_put(&store->task_map, str_from(task->row.sid.text), task);
    }
    struct task_row old = task->row;
    task->row = *row;
    task->row.attributes = text_put(store, old.attributes, row->attributes);
    task->row.reason = text_put(store, old.reason, row->reason);
    task->row.call_id = text_put(store, old.call_id, row->call_id);
    task->row.queue_name = (struct str){0}; /* need not be stored */
    task->row.channel_name = (struct str){0};
    task->row.workflow_name = (struct str){0};
    return task;
}

struct store_reservation *store_reservation_put(struct store *store,
                                                const struct reservation_row *row)
{
    struct store_reservation *reservation = store_reservation(store, &row->sid);
    if (reservation == NULL) {
        reservation = ARENA_NEW(store->arena, struct store_reservation);
        reservation->row.sid = row->sid;
        reservation->task = store_task(store, &row->task_sid);
        reservation->worker = store_config(store, &row->worker_sid);
        reservation->channel = store_channel(store, &row->channel_sid);
        GROW(store->reservations, store->reservation_count, store->reservation_capacity);
        store->reservations[store->reservation_count++] = reservation;
        (void)map_put(&store->reservation_map, str_from(reservation->row.sid.text), reservation);
    }
    struct reservation_row old = reservation->row;
    reservation->row = *row;
    reservation->row.worker_name = (struct str){0}; /* need not be stored */
    reservation->row.instruction = text_put(store, old.instruction, row->instruction);
    reservation->row.instruction_data =
        text_put(store, old.instruction_data, row->instruction_data);
    return reservation;
}

void store_override_put(struct store *store, const struct worker_override_row *row)
{
    size_t at = 0;
    while (at < store->override_count &&
           strcmp(store->overrides[at].worker_sid.text, row->worker_sid.text) != 0)
        at++;
    if (!sid_is_set(&row->activity_sid)) {
        if (at < store->override_count)
            store->overrides[at] = store->overrides[--store->override_count];
        return;
    }
    if (at == store->override_count) {
        GROW(store->overrides, store->override_count, store->override_capacity);
        store->override_count++;
    }
    store->overrides[at] = *row;
}

void store_event_put(struct store *store, const struct engine_event *event)
{
    GROW(store->events, store->event_count, store->event_capacity);
    struct store_event *entry = &store->events[store->event_count++];
    *entry =
        (struct store_event){.sid = event->sid,
                             .sequence = event->sequence,
                             .type = event->type,
                             .wanted_activity_sid = engine_event_more(event)->wanted_activity_sid};
    if (event->worker != NULL) {
        entry->worker_sid = event->worker->sid;
        entry->worker_version = event->worker->version;
    }
}

void store_key_put(struct store *store, uint64_t key, const struct sid *subject)
{
    GROW(store->keys, store->key_count, store->key_capacity);
    store->keys[store->key_count++] = (struct store_key){.key = key, .subject = *subject};
}

static void take_reservation(struct store *store, const struct reservation_row *row)
{
    const struct store_reservation *taken = store_reservation_put(store, row);
    struct store_config *worker = taken->worker;
    if (worker != NULL && row->sequence > worker->last[taken->channel])
        worker->last[taken->channel] = row->sequence;
}

void store_take(struct store *store, const struct engine_effects *effects)
{
    for (const struct engine_effect *e = effects->first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_TASK_ROW)
            (void)store_task_put(store, e->task);
        else if (e->kind == ENGINE_RESERVATION_ROW)
            take_reservation(store, e->reservation);
        else if (e->kind == ENGINE_WORKER_OVERRIDE)
            store_override_put(store, e->override);
        else if (e->kind == ENGINE_TASK_PURGED && store_task(store, e->task_sid) != NULL)
            store_task(store, e->task_sid)->is_purged = true;
    }
}

/* --- coming back --------------------------------------------------------------------------- */

static void load_apply(struct engine *engine, const struct engine_command *command, int64_t now_us,
                       struct engine_effects *out)
{
    struct err err = {0};
    enum err_code code = engine_apply(engine, command, now_us, out, &err);
    if (code != ERR_OK)
        (void)fprintf(stderr, "loading: %s\n", err.detail);
    INVARIANT(code == ERR_OK);
}

/* As tasks-svc: deleted workspaces and workers are not put; other deleted things are put, and
 * deleted when the older documents of workflows are there too. */
static void load_config(const struct store_config *config, bool is_removal, struct engine *engine,
                        int64_t now_us, struct engine_effects *out)
{
    static const enum engine_command_kind deletions[ENGINE_COMMAND_COUNT] = {
        [ENGINE_PUT_ACTIVITY] = ENGINE_DELETE_ACTIVITY,
        [ENGINE_PUT_CHANNEL] = ENGINE_DELETE_CHANNEL,
        [ENGINE_PUT_QUEUE] = ENGINE_DELETE_QUEUE,
        [ENGINE_PUT_WORKFLOW] = ENGINE_DELETE_WORKFLOW,
    };
    if (config->kind == ENGINE_COMMAND_NONE ||
        (config->is_deleted && deletions[config->kind] == ENGINE_COMMAND_NONE))
        return;
    struct engine_command removal = {
        .kind = deletions[config->kind],
        .ref = {.sid = config->sid, .workspace_sid = config->workspace_sid},
    };
    if (!is_removal)
        load_apply(engine, &config->command, now_us, out);
    else if (config->is_deleted)
        load_apply(engine, &removal, now_us, out);
}

static void load_rows(const struct store *store, struct engine *engine)
{
    struct err err = {0};
    for (size_t i = 0; i < store->task_count; i++) {
        const struct store_task *task = store->tasks[i];
        enum err_code code = task->is_purged ? ERR_OK : engine_load_task(engine, &task->row, &err);
        INVARIANT(code == ERR_OK);
    }
    for (size_t i = 0; i < store->reservation_count; i++) {
        const struct store_reservation *reservation = store->reservations[i];
        enum err_code code = reservation->task->is_purged
                                 ? ERR_OK
                                 : engine_load_reservation(engine, &reservation->row, &err);
        INVARIANT(code == ERR_OK);
    }
    for (size_t i = 0; i < store->config_count; i++) {
        const struct store_config *worker = store->configs[i];
        for (int c = 0; c < store->channel_count; c++) {
            if (worker->last[c] > 0 && worker->kind == ENGINE_PUT_WORKER)
                engine_load_worker_idle(engine, &worker->sid, &store->channels[c], worker->last[c]);
        }
    }
    for (size_t i = 0; i < store->override_count && !FAULT(FAULT_LOST_OVERRIDE); i++)
        engine_load_worker_override(engine, &store->overrides[i]);
}

void store_load(const struct store *store, struct engine *engine, int64_t now_us,
                struct engine_effects *out)
{
    int64_t events = FAULT(FAULT_EVENTS_AGAIN) ? store->event_sequence - 1 : store->event_sequence;
    engine_load_counters(engine, events, store->row_sequence);
    for (int kind = ENGINE_PUT_WORKSPACE; kind <= ENGINE_PUT_WORKER; kind++) {
        for (size_t i = 0; i < store->config_count; i++) {
            if (store->configs[i]->kind == (enum engine_command_kind)kind)
                load_config(store->configs[i], false, engine, now_us, out);
        }
    }
    for (size_t i = 0; i < store->document_count; i++) {
        const struct store_document *document = store->documents[i];
        struct engine_command command = {
            .kind = ENGINE_PUT_WORKFLOW,
            .workflow = {.sid = document->workflow_sid,
                         .configuration = document->configuration,
                         .configuration_version = document->version},
        };
        load_apply(engine, &command, now_us, out);
    }
    for (size_t i = 0; i < store->config_count; i++)
        load_config(store->configs[i], true, engine, now_us, out);
    load_rows(store, engine);
    engine_load_done(engine, now_us, out);
}
