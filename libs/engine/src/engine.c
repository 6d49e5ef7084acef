#include "engine/engine.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "engine_int.h"

enum {
    DEFAULT_TASK_TIMEOUT_S = 86400,
    DEFAULT_CLEANUP_S = 86400,
    DEFAULT_PURGE_S = 300,
    DEFAULT_MAX_ASSIGNMENTS = 1000,
    DEFAULT_IDLE_CLASSES = 4096,
};

/* Timers stop here and go on in the next batch, however many came due at once. */
enum { MAX_BATCH_EFFECTS = 20000 };

typedef enum err_code (*engine_command_fn)(struct engine *engine,
                                           const struct engine_command *command, struct err *err);

struct engine_handler {
    engine_command_fn run;
    bool while_loading;
};

/* Where config commands say whose they are, but those about workspaces themselves. */
static const size_t workspace_places[ENGINE_CREATE_TASK] = {
    [ENGINE_PUT_ACTIVITY] = offsetof(struct engine_command, activity.workspace_sid),
    [ENGINE_PUT_CHANNEL] = offsetof(struct engine_command, channel.workspace_sid),
    [ENGINE_PUT_QUEUE] = offsetof(struct engine_command, queue.workspace_sid),
    [ENGINE_PUT_WORKFLOW] = offsetof(struct engine_command, workflow.workspace_sid),
    [ENGINE_PUT_WORKER] = offsetof(struct engine_command, worker.workspace_sid),
    [ENGINE_DELETE_ACTIVITY] = offsetof(struct engine_command, ref.workspace_sid),
    [ENGINE_DELETE_CHANNEL] = offsetof(struct engine_command, ref.workspace_sid),
    [ENGINE_DELETE_QUEUE] = offsetof(struct engine_command, ref.workspace_sid),
    [ENGINE_DELETE_WORKFLOW] = offsetof(struct engine_command, ref.workspace_sid),
    [ENGINE_DELETE_WORKER] = offsetof(struct engine_command, ref.workspace_sid),
};

static const struct engine_handler handlers[ENGINE_COMMAND_COUNT] = {
    [ENGINE_PUT_WORKSPACE] = {config_put_workspace,    true },
    [ENGINE_PUT_ACTIVITY] = {config_put_activity,     true },
    [ENGINE_PUT_CHANNEL] = {config_put_channel,      true },
    [ENGINE_PUT_QUEUE] = {config_put_queue,        true },
    [ENGINE_PUT_WORKFLOW] = {config_put_workflow,     true },
    [ENGINE_PUT_WORKER] = {config_put_worker,       true },
    [ENGINE_DELETE_WORKSPACE] = {config_delete_workspace, false},
    [ENGINE_DELETE_ACTIVITY] = {config_delete_activity,  true },
    [ENGINE_DELETE_CHANNEL] = {config_delete_channel,   true },
    [ENGINE_DELETE_QUEUE] = {config_delete_queue,     true },
    [ENGINE_DELETE_WORKFLOW] = {config_delete_workflow,  true },
    [ENGINE_DELETE_WORKER] = {config_delete_worker,    true },
    [ENGINE_CREATE_TASK] = {task_create,             false},
    [ENGINE_UPDATE_TASK] = {task_update,             false},
    [ENGINE_CANCEL_TASK] = {task_cancel,             false},
    [ENGINE_WRAP_UP_TASK] = {task_wrap_up,            false},
    [ENGINE_COMPLETE_TASK] = {task_complete,           false},
    [ENGINE_DELETE_TASK] = {task_delete,             false},
    [ENGINE_ACCEPT_RESERVATION] = {reservation_accept,      false},
    [ENGINE_REJECT_RESERVATION] = {reservation_reject,      false},
    [ENGINE_CANCEL_RESERVATION] = {reservation_cancel,      false},
    [ENGINE_WRAP_UP_RESERVATION] = {reservation_wrap_up,     false},
    [ENGINE_COMPLETE_RESERVATION] = {reservation_complete,    false},
    [ENGINE_INSTRUCT_RESERVATION] = {reservation_instruct,    false},
    [ENGINE_CANCEL_TASK_WITH] = {task_cancel_with,        false},
};

void text_free(struct str *slot)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): ours, made by text_set; const for readers */
    free((void *)(uintptr_t)slot->ptr);
    *slot = (struct str){0};
}

void text_set(struct str *slot, struct str value)
{
    char *copy = value.len == 0 ? NULL : xstr_dup(value);
    text_free(slot);
    *slot = (struct str){.ptr = copy, .len = value.len};
}

struct str sid_str(const struct sid *sid)
{
    return str_from(sid->text);
}

int64_t time_after(int64_t at_us, int64_t seconds)
{
    int64_t span_us = 0;
    int64_t end_us = 0;
    if (__builtin_mul_overflow(seconds, US_PER_S, &span_us) ||
        __builtin_add_overflow(at_us, span_us, &end_us))
        return TIME_NEVER;
    return end_us;
}

static const char *const sid_prefixes[SID_KIND_COUNT] = {
    [SID_TASK] = "WT", [SID_RESERVATION] = "WR", [SID_EVENT] = "EV"};

/* SplitMix64's finisher: spreads a counter over 64 bits. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* No generator state: a reloaded engine goes on with the very SIDs it would have made. */
void engine_sid(const struct engine *engine, struct sid *out, enum sid_kind kind, int64_t sequence)
{
    uint64_t high = (uint64_t)(engine->now_us / US_PER_MS) << 16 | ((uint64_t)sequence & 0xFFFFU);
    uint64_t low = mix(engine->sid_seeds[kind] ^ (uint64_t)sequence);
    sid_put(out, sid_prefixes[kind], high, low);
}

static void engine_seed_sids(struct engine *engine)
{
    for (size_t i = 0; i < SID_KIND_COUNT; i++) {
        const char *prefix = sid_prefixes[i];
        uint64_t kind = (uint64_t)(unsigned char)prefix[0] << 8 | (unsigned char)prefix[1];
        engine->sid_seeds[i] = mix(engine->config.seed ^ kind);
    }
}

static bool timer_goes_first(const struct timer *a, const struct timer *b)
{
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us;
    return a->sequence < b->sequence;
}

static bool timer_less(const struct line_node *a, const struct line_node *b)
{
    return timer_goes_first(LINE_ENTRY(a, struct timer, place), LINE_ENTRY(b, struct timer, place));
}

struct timer *timer_first(const struct engine *engine)
{
    struct timer *first = NULL;
    for (size_t i = 0; i < TIMER_KIND_COUNT; i++) {
        struct line_node *node = line_first(&engine->timers[i]);
        struct timer *timer = node == NULL ? NULL : CONTAINER_OF(node, struct timer, place);
        if (timer != NULL && (first == NULL || timer_goes_first(timer, first)))
            first = timer;
    }
    return first;
}

size_t timer_count(const struct engine *engine)
{
    size_t count = 0;
    for (size_t i = 0; i < TIMER_KIND_COUNT; i++)
        count += engine->timers[i].count;
    return count;
}

static void engine_take_config(struct engine *engine, const struct engine_config *config)
{
    struct engine_config *own = &engine->config;
    if (config != NULL)
        *own = *config;
    if (own->default_task_timeout_s <= 0)
        own->default_task_timeout_s = DEFAULT_TASK_TIMEOUT_S;
    if (own->assigned_cleanup_s <= 0)
        own->assigned_cleanup_s = DEFAULT_CLEANUP_S;
    if (own->terminal_purge_s <= 0)
        own->terminal_purge_s = DEFAULT_PURGE_S;
    if (own->max_assignment_count <= 0)
        own->max_assignment_count = DEFAULT_MAX_ASSIGNMENTS;
    if (own->max_idle_classes <= 0)
        own->max_idle_classes = DEFAULT_IDLE_CLASSES;
}

struct engine *engine_new(const struct engine_config *config)
{
    static const struct str names[WORKER_FIELD_COUNT] = {
        [WORKER_FIELD_SID] = {"sid",           3 },
        [WORKER_FIELD_NAME] = {"friendly_name", 13},
        [WORKER_FIELD_ACTIVITY_SID] = {"activity_sid",  12},
        [WORKER_FIELD_ACTIVITY_NAME] = {"activity_name", 13},
    };
    struct engine *engine = xcalloc(1, sizeof *engine);
    engine->shared_epoch = 1;
    engine->batch = 1; /* 0 is in no batch */
    engine_take_config(engine, config);
    engine_seed_sids(engine);
    map_init(&engine->workspaces);
    map_init(&engine->activities);
    map_init(&engine->channels);
    map_init(&engine->queues);
    map_init(&engine->workflows);
    map_init(&engine->workers);
    pool_init(&engine->task_pool, sizeof(struct task));
    pool_init(&engine->reservation_pool, sizeof(struct reservation));
    text_pool_init(&engine->texts);
    sid_map_init(&engine->tasks, offsetof(struct task, in_map));
    sid_map_init(&engine->reservations, offsetof(struct reservation, in_map));
    map_init(&engine->classes);
    map_init(&engine->variants);
    buf_init(&engine->class_key, 0);
    buf_init(&engine->class_residual, 0);
    buf_init(&engine->class_loose, 0);
    buf_init(&engine->class_value, 0);
    for (size_t i = 0; i < TIMER_KIND_COUNT; i++)
        line_init(&engine->timers[i], timer_less);
    heap_init(&engine->ready_tasks, ready_task_less);
    heap_init(&engine->ready_workers, ready_worker_less);
    list_init(&engine->idle_classes);
    list_init(&engine->dirty_tasks);
    list_init(&engine->dirty_reservations);
    for (size_t i = 0; i < WORKER_FIELD_COUNT; i++)
        engine->fields[i] = expr_field_new(names[i]);
    engine->is_loading = true;
    engine->now_us = INT64_MIN;
    engine->timers_from_us = TIME_NEVER;
    return engine;
}

static void engine_free_config(struct engine *engine)
{
    for (size_t i = 0; i < engine->queues.count; i++) {
        struct queue *queue = engine->queues.entries[i].value;
        expr_free(queue->target);
        text_free(&queue->name);
        text_free(&queue->target_text);
        free(queue->activity_counts);
        stats_group_fini(&queue->stats);
        free(queue);
    }
    for (size_t i = 0; i < engine->workflows.count; i++) {
        struct workflow *workflow = engine->workflows.entries[i].value;
        while (!list_is_empty(&workflow->documents))
            document_free(LIST_ENTRY(list_first(&workflow->documents), struct document, node));
        text_free(&workflow->name);
        stats_group_fini(&workflow->stats);
        free(workflow);
    }
    for (size_t i = 0; i < engine->activities.count; i++) {
        struct activity *activity = engine->activities.entries[i].value;
        text_free(&activity->name);
        free(activity);
    }
    for (size_t i = 0; i < engine->channels.count; i++) {
        struct channel *channel = engine->channels.entries[i].value;
        for (size_t f = 0; f < ARRAY_LEN(channel->fields); f++)
            expr_field_free(channel->fields[f]);
        text_free(&channel->name);
        free(channel);
    }
    for (size_t i = 0; i < engine->workspaces.count; i++) {
        struct workspace *workspace = engine->workspaces.entries[i].value;
        workspace_free_indexes(workspace);
        map_fini(&workspace->known);
        stats_group_fini(&workspace->direct_stats);
        text_free(&workspace->name);
        free(workspace);
    }
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    for (size_t i = 0; i < engine->workspaces.count; i++) {
        struct workspace *workspace = engine->workspaces.entries[i].value;
        struct list_node *node;
        while ((node = list_first(&workspace->tasks)) != NULL) {
            task_leave_class(engine, LIST_ENTRY(node, struct task, node));
            task_free(engine, LIST_ENTRY(node, struct task, node));
        }
    }
    while (engine->classes.count > 0)
        class_free(engine, engine->classes.entries[engine->classes.count - 1].value);
    while (engine->workers.count > 0) {
        struct worker *worker = engine->workers.entries[engine->workers.count - 1].value;
        (void)map_remove(&engine->workers, sid_str(&worker->sid));
        worker_free(engine, worker);
    }
    engine_free_config(engine);
    struct map *maps[] = {&engine->workspaces, &engine->activities, &engine->channels,
                          &engine->queues,     &engine->workflows,  &engine->workers,
                          &engine->classes,    &engine->variants};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        map_fini(maps[i]);
    pool_fini(&engine->task_pool);
    pool_fini(&engine->reservation_pool);
    text_pool_fini(&engine->texts);
    sid_map_fini(&engine->tasks);
    sid_map_fini(&engine->reservations);
    expr_record_free(engine->attributes);
    buf_fini(&engine->class_key);
    buf_fini(&engine->class_residual);
    buf_fini(&engine->class_loose);
    buf_fini(&engine->class_value);
    for (size_t i = 0; i < TIMER_KIND_COUNT; i++)
        line_fini(&engine->timers[i]);
    heap_fini(&engine->ready_tasks);
    heap_fini(&engine->ready_workers);
    for (size_t i = 0; i < WORKER_FIELD_COUNT; i++)
        expr_field_free(engine->fields[i]);
    free(engine);
}

/* Everything that is due ends before anything is offered: a task whose life is over, or whose step
 * is, may not be handed to a worker who became free at the same moment. */
static void engine_end_what_is_due(struct engine *engine)
{
    struct timer *timer;
    while ((timer = timer_first(engine)) != NULL && engine->out->count < MAX_BATCH_EFFECTS) {
        if (timer->at_us > engine->now_us)
            break;
        timer_stop(engine, timer);
        if (timer->is_task)
            task_timer(engine, CONTAINER_OF(timer, struct task, timer));
        else
            reservation_timer(engine, CONTAINER_OF(timer, struct reservation, timer));
    }
    engine->timers_from_us = timer == NULL ? TIME_NEVER : timer->at_us;
}

void engine_run_timers(struct engine *engine)
{
    if (engine->now_us >= engine->timers_from_us)
        engine_end_what_is_due(engine);
    match_settle(engine);
}

static void engine_begin(struct engine *engine, int64_t now_us, struct engine_effects *out)
{
    if (now_us > engine->now_us)
        engine->now_us = now_us;
    engine->tag = 0;
    emit_begin(engine, out);
}

void engine_tick(struct engine *engine, int64_t now_us, struct engine_effects *out_effects)
{
    engine_begin(engine, now_us, out_effects);
    if (engine->is_loading)
        return;
    engine_run_timers(engine);
    emit_flush(engine);
}

bool engine_is_mirrored(const struct engine *engine, const struct sid *workspace_sid)
{
    const struct workspace *workspace = map_get(&engine->workspaces, sid_str(workspace_sid));
    return workspace != NULL && workspace->is_mirrored;
}

/* A fact about something in a workspace that somebody else routes. */
static bool is_for_nothing(const struct engine *engine, const struct engine_command *command)
{
    size_t place = command->kind < ENGINE_CREATE_TASK ? workspace_places[command->kind] : 0;
    return place != 0 && engine_is_mirrored(engine, (const void *)((const char *)command + place));
}

enum err_code engine_apply(struct engine *engine, const struct engine_command *command,
                           int64_t now_us, struct engine_effects *out_effects, struct err *err)
{
    struct err local;
    local.code = ERR_OK;
    struct err *report = err == NULL ? &local : err;
    if (command->kind <= ENGINE_COMMAND_NONE || command->kind >= ENGINE_COMMAND_COUNT)
        return ERR_SET(report, ERR_INVALID_ARGUMENT, "BAD_COMMAND", "there is no command %d",
                       (int)command->kind);
    const struct engine_handler *handler = &handlers[command->kind];
    if (engine->is_loading && !handler->while_loading)
        return ERR_SET(report, ERR_FAILED_PRECONDITION, "LOADING",
                       "the router is still loading: try again");
    engine_tick(engine, now_us, out_effects);
    engine->tag = command->tag;
    if (is_for_nothing(engine, command))
        return ERR_OK;
    if (command->kind < ENGINE_CREATE_TASK) /* config: texts may go */
        engine->shared_epoch++;
    enum err_code code = handler->run(engine, command, report);
    if (code == ERR_OK)
        match_settle(engine);
    emit_flush(engine);
    return code;
}

int64_t engine_next_timer_us(const struct engine *engine)
{
    const struct timer *timer = timer_first(engine);
    return timer == NULL || engine->is_loading ? TIME_NEVER : timer->at_us;
}
