#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "testing.h"

#define WORLD_START_US INT64_C(1700000000000000)

struct sid world_sid(const char *prefix, int number)
{
    struct sid sid = {{0}};
    (void)snprintf(sid.text, sizeof sid.text, "%s%032d", prefix, number);
    return sid;
}

int world_number(const struct sid *sid)
{
    int64_t number = 0;
    if (!sid_is_set(sid) ||
        !parse_i64((struct str){sid->text + 2, SID_LEN - 2}, 0, INT64_C(1000000), &number))
        return 0;
    return (int)number;
}

/* --- the rows ----------------------------------------------------------------------------- */

static struct task_row *world_copy_task(struct world *world, const struct task_row *row)
{
    struct task_row *copy = ARENA_NEW(world->arena, struct task_row);
    *copy = *row;
    copy->attributes = arena_str(world->arena, row->attributes);
    copy->reason = arena_str(world->arena, row->reason);
    copy->call_id = arena_str(world->arena, row->call_id);
    copy->queue_name = (struct str){0}; /* need not be stored */
    copy->channel_name = (struct str){0};
    copy->workflow_name = (struct str){0};
    return copy;
}

static void world_write_task(struct world *world, const struct engine_effect *effect)
{
    if (effect->task->sequence > world->row_sequence)
        world->row_sequence = effect->task->sequence;
    for (size_t i = 0; i < world->task_count; i++) {
        if (strcmp(world->tasks[i]->sid.text, effect->task->sid.text) == 0) {
            CHECK(!effect->is_new);
            CHECK(effect->task->version > world->tasks[i]->version);
            world->tasks[i] = world_copy_task(world, effect->task);
            return;
        }
    }
    CHECK(effect->is_new);
    INVARIANT(world->task_count < WORLD_MAX_ROWS);
    world->tasks[world->task_count++] = world_copy_task(world, effect->task);
}

static void world_write_reservation(struct world *world, const struct engine_effect *effect)
{
    const struct reservation_row *row = effect->reservation;
    if (row->sequence > world->row_sequence)
        world->row_sequence = row->sequence;
    struct reservation_row *copy = ARENA_NEW(world->arena, struct reservation_row);
    *copy = *row;
    copy->worker_name = (struct str){0};
    copy->instruction = arena_str(world->arena, row->instruction);
    copy->instruction_data = arena_str(world->arena, row->instruction_data);
    for (size_t i = 0; i < world->reservation_count; i++) {
        if (strcmp(world->reservations[i]->sid.text, row->sid.text) == 0) {
            CHECK(!effect->is_new);
            world->reservations[i] = copy;
            return;
        }
    }
    CHECK(effect->is_new);
    INVARIANT(world->reservation_count < WORLD_MAX_ROWS);
    world->reservations[world->reservation_count++] = copy;
}

static void world_purge_task(struct world *world, const struct sid *sid)
{
    for (size_t i = 0; i < world->task_count; i++) {
        if (strcmp(world->tasks[i]->sid.text, sid->text) == 0) {
            world->tasks[i] = world->tasks[--world->task_count];
            return;
        }
    }
    bool has_row = false;
    CHECK(has_row);
}

static void world_write_override(struct world *world, const struct worker_override_row *row)
{
    size_t at = 0;
    while (at < world->override_count &&
           strcmp(world->overrides[at].worker_sid.text, row->worker_sid.text) != 0)
        at++;
    if (at == world->override_count)
        world->override_count++;
    INVARIANT(at < ARRAY_LEN(world->overrides));
    world->overrides[at] = *row;
}

/* --- the dump ----------------------------------------------------------------------------- */

static void dump_task(struct buf *out, const struct task_row *t)
{
    buf_printf(out, "[task %s %s v%lld p%lld a=%.*s r=%.*s q=%s c=%s w=%s wk=%s ", t->sid.text,
               task_state_name(t->state), (long long)t->version, (long long)t->priority,
               STR_ARG(t->attributes), STR_ARG(t->reason), t->queue_sid.text, t->channel_sid.text,
               t->workflow_sid.text, t->worker_sid.text);
    buf_printf(out, "%lld %lld %lld %lld %lld %lld doc%lld f%d t%d %lld %lld n%d s%lld]",
               (long long)t->created_at_us, (long long)t->updated_at_us,
               (long long)t->virtual_start_us, (long long)t->queue_entered_at_us,
               (long long)t->assigned_at_us, (long long)t->ended_at_us,
               (long long)t->workflow_version, (int)t->filter_index, (int)t->target_index,
               (long long)t->filter_base_us, (long long)t->step_deadline_us,
               (int)t->assignment_count, (long long)t->sequence);
}

static void dump_reservation(struct buf *out, const struct reservation_row *r)
{
    buf_printf(out, "[reservation %s %s v%lld task=%s worker=%s q=%s was=%s %lld %lld %lld s%lld]",
               r->sid.text, reservation_state_name(r->state), (long long)r->version,
               r->task_sid.text, r->worker_sid.text, r->queue_sid.text,
               r->previous_activity_sid.text, (long long)r->created_at_us,
               (long long)r->updated_at_us, (long long)r->expires_at_us, (long long)r->sequence);
}

static void dump_event(struct buf *out, const struct engine_event *e)
{
    const struct engine_event_more *more = engine_event_more(e);
    buf_printf(out, "%lld %s %s %lld reason=%.*s wanted=%s previous=%s known=%s ",
               (long long)e->sequence, e->sid.text, engine_event_name(e->type), (long long)e->at_us,
               STR_ARG(e->reason), more->wanted_activity_sid.text, more->previous_queue_sid.text,
               more->known_worker_sid.text);
    if (e->offer != NULL)
        buf_printf(out, "[offer %lld/%lld/%lld #%d %lld %.*s < %s %lld %.*s] ",
                   (long long)e->offer->qualified, (long long)e->offer->free,
                   (long long)e->offer->waiting, (int)e->offer->rank,
                   (long long)e->offer->last_sequence, STR_ARG(e->offer->order_values),
                   e->offer->next_sid.text, (long long)e->offer->next_sequence,
                   STR_ARG(e->offer->next_order_values));
    dump_task(out, e->task);
    if (e->reservation != NULL)
        dump_reservation(out, e->reservation);
    if (e->worker != NULL)
        buf_printf(out, "[worker %s v%lld %s %d/%d]", e->worker->sid.text,
                   (long long)e->worker->version, e->worker->activity_sid.text,
                   (int)e->worker->channel_consumed, (int)e->worker->channel_capacity);
}

static void dump_effect(struct buf *out, const struct engine_effect *effect)
{
    buf_printf(out, "%d ", (int)effect->kind);
    if (effect->kind == ENGINE_TASK_ROW)
        dump_task(out, effect->task);
    else if (effect->kind == ENGINE_RESERVATION_ROW)
        dump_reservation(out, effect->reservation);
    else if (effect->kind == ENGINE_EVENT)
        dump_event(out, effect->event);
    else if (effect->kind == ENGINE_WORKER_OVERRIDE)
        buf_printf(out, "%s %s", effect->override->worker_sid.text,
                   effect->override->activity_sid.text);
    else if (effect->kind == ENGINE_TASK_PURGED)
        buf_printf(out, "%s %d", effect->task_sid->text, (int)effect->is_gone);
    buf_char(out, '\n');
}

/* "Commits": rows to the database, events to the log. */
static void world_commit(struct world *world)
{
    for (const struct engine_effect *effect = world->effects.first; effect != NULL;
         effect = effect->next) {
        if (effect->kind == ENGINE_TASK_ROW) {
            world_write_task(world, effect);
        } else if (effect->kind == ENGINE_RESERVATION_ROW) {
            world_write_reservation(world, effect);
        } else if (effect->kind == ENGINE_WORKER_OVERRIDE) {
            world_write_override(world, effect->override);
        } else if (effect->kind == ENGINE_TASK_PURGED) {
            world_purge_task(world, effect->task_sid);
        } else if (effect->kind == ENGINE_EVENT) {
            CHECK_I64(effect->event->sequence, world->event_sequence + 1);
            world->event_sequence = effect->event->sequence;
            buf_printf(&world->events, "%s%s", world->events.len == 0 ? "" : " ",
                       engine_event_name(effect->event->type));
        }
        if (world->keeps_dump)
            dump_effect(&world->dump, effect);
    }
    engine_effects_reset(&world->effects);
}

/* --- commands ------------------------------------------------------------------------------ */

static struct str keep(struct world *world, struct str text)
{
    return arena_str(world->arena, text);
}

/* Config commands are kept, to be told again to the next engine. */
static void world_keep(struct world *world, const struct engine_command *command)
{
    struct engine_command *copy = ARENA_NEW(world->arena, struct engine_command);
    *copy = *command;
    if (command->kind == ENGINE_PUT_QUEUE) {
        copy->queue.target_workers = keep(world, command->queue.target_workers);
    } else if (command->kind == ENGINE_PUT_WORKFLOW) {
        copy->workflow.configuration = keep(world, command->workflow.configuration);
        copy->workflow.re_evaluate_tasks = false;
    } else if (command->kind == ENGINE_PUT_WORKER) {
        copy->worker.attributes = keep(world, command->worker.attributes);
        copy->worker.name = keep(world, command->worker.name);
        copy->worker.reject_pending = false;
        size_t bytes = command->worker.channel_count * sizeof *command->worker.channels;
        struct engine_worker_channel *channels = arena_alloc(world->arena, bytes);
        if (bytes > 0)
            memcpy(channels, command->worker.channels, bytes);
        copy->worker.channels = channels;
    }
    INVARIANT(world->config_count < ARRAY_LEN(world->configs));
    world->configs[world->config_count++] = copy;
}

enum err_code world_do(struct world *world, struct engine_command command)
{
    enum err_code code =
        engine_apply(world->engine, &command, world->now_us, &world->effects, &world->err);
    if (code == ERR_OK && command.kind <= ENGINE_DELETE_WORKER)
        world_keep(world, &command);
    struct sid subject = world->effects.subject;
    world_commit(world);
    world->effects.subject = subject;
    return code;
}

void world_wait(struct world *world, int64_t seconds)
{
    world->now_us += seconds * US_PER_S;
    engine_tick(world->engine, world->now_us, &world->effects);
    world_commit(world);
}

static void world_must(struct world *world, struct engine_command command)
{
    enum err_code code = world_do(world, command);
    if (code != ERR_OK)
        (void)fprintf(stderr, "%s: %s\n", world->err.reason, world->err.detail);
    CHECK_I64(code, ERR_OK);
}

static void world_base_config(struct world *world)
{
    static const char *const activities[] = {"Available", "Offline", "Break"};
    static const char *const channels[] = {"default", "voice"};
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    command.workspace = (struct engine_workspace){
        .sid = world_sid("WS", 1),
        .account_sid = world_sid("AC", 1),
        .version = world->version++,
        .name = STR("Test"),
        .default_activity_sid = world_sid("WA", 2),
        .timeout_activity_sid = world_sid("WA", 2),
    };
    world_must(world, command);
    for (int i = 0; i < 3; i++) {
        command = (struct engine_command){.kind = ENGINE_PUT_ACTIVITY};
        command.activity = (struct engine_activity){
            .sid = world_sid("WA", i + 1),
            .workspace_sid = world_sid("WS", 1),
            .version = world->version++,
            .name = str_from(activities[i]),
            .is_available = i == 0,
        };
        world_must(world, command);
    }
    for (int i = 0; i < 2; i++) {
        command = (struct engine_command){.kind = ENGINE_PUT_CHANNEL};
        command.channel = (struct engine_channel){
            .sid = world_sid("TC", i + 1),
            .workspace_sid = world_sid("WS", 1),
            .version = world->version++,
            .unique_name = str_from(channels[i]),
        };
        world_must(world, command);
    }
}

void world_init_with(struct world *world, const struct engine_config *config)
{
    *world = (struct world){.config = *config, .now_us = WORLD_START_US, .version = 1};
    world->arena = arena_new((size_t)1 << 30);
    world->engine = engine_new(config);
    engine_effects_init(&world->effects);
    buf_init(&world->events, 0);
    buf_init(&world->dump, (size_t)1 << 29);
    world_base_config(world);
    engine_load_done(world->engine, world->now_us, &world->effects);
    world_commit(world);
}

void world_init(struct world *world)
{
    struct engine_config config = {.seed = 7};
    world_init_with(world, &config);
}

void world_fini(struct world *world)
{
    engine_free(world->engine);
    engine_effects_fini(&world->effects);
    arena_free(world->arena);
    buf_fini(&world->events);
    buf_fini(&world->dump);
}

struct engine *world_load(const struct world *world, struct engine_effects *out)
{
    struct err err;
    struct engine *engine = engine_new(&world->config);
    for (size_t i = 0; i < world->config_count; i++)
        CHECK_I64(engine_apply(engine, world->configs[i], world->now_us, out, &err), ERR_OK);
    engine_load_counters(engine, world->event_sequence, world->row_sequence);
    /* Backwards: the order within a kind must not matter. */
    for (size_t i = world->task_count; i > 0; i--)
        CHECK_I64(engine_load_task(engine, world->tasks[i - 1], &err), ERR_OK);
    for (size_t i = world->reservation_count; i > 0; i--) {
        const struct reservation_row *row = world->reservations[i - 1];
        struct task_row ignored;
        engine_load_worker_idle(engine, &row->worker_sid, &row->channel_sid, row->sequence);
        if (engine_task_get(engine, &row->task_sid, &ignored))
            CHECK_I64(engine_load_reservation(engine, row, &err), ERR_OK);
    }
    for (size_t i = 0; i < world->override_count; i++)
        engine_load_worker_override(engine, &world->overrides[i]);
    engine_load_done(engine, world->now_us, out);
    return engine;
}

void world_reload(struct world *world)
{
    engine_free(world->engine);
    world->engine = world_load(world, &world->effects);
    world_commit(world);
}

void world_queue_with(struct world *world, int queue, const char *target, int max_reserved,
                      bool is_lifo)
{
    struct engine_command command = {.kind = ENGINE_PUT_QUEUE};
    command.queue = (struct engine_queue){
        .sid = world_sid("WQ", queue),
        .workspace_sid = world_sid("WS", 1),
        .version = world->version++,
        .name = STR("Queue"),
        .target_workers = str_from(target),
        .max_reserved_workers = max_reserved,
        .is_lifo = is_lifo,
    };
    world_must(world, command);
}

void world_queue(struct world *world, int queue, const char *target)
{
    world_queue_with(world, queue, target, 1, false);
}

void world_worker_with(struct world *world, int worker, const char *attributes, int activity,
                       int capacity, bool reject_pending)
{
    char name[32];
    (void)snprintf(name, sizeof name, "Worker %d", worker);
    struct engine_worker_channel channel = {world_sid("TC", 1), capacity, true};
    struct engine_command command = {.kind = ENGINE_PUT_WORKER};
    command.worker = (struct engine_worker){
        .sid = world_sid("WK", worker),
        .workspace_sid = world_sid("WS", 1),
        .version = world->version++,
        .name = str_from(name),
        .attributes = str_from(attributes),
        .activity_sid = world_sid("WA", activity),
        .reject_pending = reject_pending,
        .channels = &channel,
        .channel_count = 1,
    };
    world_must(world, command);
}

void world_worker(struct world *world, int worker, const char *attributes, int activity)
{
    world_worker_with(world, worker, attributes, activity, 1, false);
}

static void world_put_workflow(struct world *world, int workflow, int document, const char *text,
                               bool re_evaluate)
{
    struct engine_command command = {.kind = ENGINE_PUT_WORKFLOW};
    command.workflow = (struct engine_workflow){
        .sid = world_sid("WW", workflow),
        .workspace_sid = world_sid("WS", 1),
        .version = world->version++,
        .name = STR("Workflow"),
        .configuration = str_from(text),
        .configuration_version = document,
        .task_reservation_timeout_s = 120,
        .re_evaluate_tasks = re_evaluate,
    };
    world_must(world, command);
}

void world_workflow(struct world *world, int workflow, int document, const char *text)
{
    world_put_workflow(world, workflow, document, text, false);
}

void world_workflow_again(struct world *world, int workflow, int document, const char *text)
{
    world_put_workflow(world, workflow, document, text, true);
}

#define Q1 "\"WQ00000000000000000000000000000001\""

void world_one_queue(struct world *world)
{
    world_queue(world, 1, "1==1");
    world_workflow(world, 1, 1, "{\"task_routing\":{\"default_filter\":{\"queue\":" Q1 "}}}");
}

struct sid world_create_with(struct world *world, const struct engine_create *create)
{
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = *create;
    command.create.workspace_sid = world_sid("WS", 1);
    world_must(world, command);
    return world->effects.subject;
}

struct sid world_create(struct world *world, const char *attributes)
{
    struct engine_create create = {.attributes = str_from(attributes)};
    return world_create_with(world, &create);
}

struct sid world_create_priority(struct world *world, const char *attributes, int64_t priority)
{
    struct engine_create create = {
        .attributes = str_from(attributes), .has_priority = true, .priority = priority};
    return world_create_with(world, &create);
}

enum err_code world_act(struct world *world, enum engine_command_kind kind, const struct sid *sid)
{
    struct engine_command command = {.kind = kind};
    command.action = (struct engine_action){
        .sid = *sid, .workspace_sid = world_sid("WS", 1), .reason = STR("test")};
    return world_do(world, command);
}

enum err_code world_update(struct world *world, const struct sid *task, const char *attributes)
{
    struct engine_command command = {.kind = ENGINE_UPDATE_TASK};
    command.update = (struct engine_update){.sid = *task,
                                            .workspace_sid = world_sid("WS", 1),
                                            .has_attributes = true,
                                            .attributes = str_from(attributes)};
    return world_do(world, command);
}

/* --- looking ------------------------------------------------------------------------------- */

const char *world_events(struct world *world)
{
    const char *text =
        world->events.len == 0 ? "" : arena_str_dup(world->arena, buf_str(&world->events));
    buf_clear(&world->events);
    return text;
}

struct task_row world_task(struct world *world, const struct sid *task)
{
    struct task_row row = {0};
    (void)engine_task_get(world->engine, task, &row);
    return row;
}

const char *world_task_state(struct world *world, const struct sid *task)
{
    struct task_row row;
    return engine_task_get(world->engine, task, &row) ? task_state_name(row.state) : "gone";
}

const char *world_reservation_state(struct world *world, const struct sid *reservation)
{
    struct reservation_row row;
    return engine_reservation_get(world->engine, reservation, &row)
               ? reservation_state_name(row.state)
               : "gone";
}

struct offer_search {
    int index; /* -1: the last one */
    struct sid found;
};

static bool world_see_offer(void *context, const struct reservation_row *row)
{
    struct offer_search *search = context;
    if (search->index > 0) {
        search->index--;
        return true;
    }
    search->found = row->sid;
    return search->index < 0;
}

struct sid world_offer(struct world *world, const struct sid *task, int index)
{
    int count_down = index;
    struct offer_search search = {.index = count_down};
    engine_task_reservations(world->engine, task, world_see_offer, &search);
    return search.index > 0 ? (struct sid){0} : search.found;
}

struct sid world_last_offer(struct world *world, const struct sid *task)
{
    struct offer_search search = {.index = -1};
    engine_task_reservations(world->engine, task, world_see_offer, &search);
    return search.found;
}

int world_offered_to(struct world *world, const struct sid *task)
{
    struct sid sid = world_last_offer(world, task);
    struct reservation_row row;
    if (!engine_reservation_get(world->engine, &sid, &row) || !reservation_is_open(row.state))
        return 0;
    return world_number(&row.worker_sid);
}
