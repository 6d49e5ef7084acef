#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "store.h"

enum { MAX_THINGS = 60 };

static const char *const activity_names[] = {"Available", "Offline", "Break", "Busy"};
static const char *const channel_names[] = {"default", "voice", "chat"};

static struct sid numbered(const char *prefix, int workspace, int number)
{
    struct sid sid = {{0}};
    (void)snprintf(sid.text, sizeof sid.text, "%s%016x%016x", prefix, (unsigned)workspace,
                   (unsigned)number);
    return sid;
}

static struct str text(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
static struct str text(struct world *world, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str made = str_from(arena_vprintf(world->arena, format, args));
    va_end(args);
    return made;
}

static int below(struct world *world, size_t limit)
{
    return sim_below(world->random, limit);
}

static bool chance(struct world *world, int percent)
{
    return sim_chance(world->random, percent);
}

/* --- telling ------------------------------------------------------------------------------- */

static void tell(struct world *world, const struct engine_command *command, int64_t version)
{
    world->words =
        store_grow(world->words, world->word_count, &world->word_capacity, sizeof *world->words);
    world->words[world->word_count++] = (struct world_word){*command, version};
}

static void set_version(struct engine_command *command, int64_t version)
{
    switch (command->kind) {
    case ENGINE_PUT_WORKSPACE:
        command->workspace.version = version;
        break;
    case ENGINE_PUT_ACTIVITY:
        command->activity.version = version;
        break;
    case ENGINE_PUT_CHANNEL:
        command->channel.version = version;
        break;
    case ENGINE_PUT_QUEUE:
        command->queue.version = version;
        break;
    case ENGINE_PUT_WORKFLOW:
        command->workflow.version = version;
        break;
    case ENGINE_PUT_WORKER:
        command->worker.version = version;
        break;
    default:
        break;
    }
}

static struct world_thing *thing_of(const struct world *world, const struct sid *sid)
{
    for (size_t i = 0; i < world->thing_count; i++) {
        struct sid own = store_subject(&world->things[i].command);
        if (memcmp(own.text, sid->text, SID_LEN) == 0)
            return &world->things[i];
    }
    return NULL;
}

/* Made or changed: told with a new version. */
static void put(struct world *world, const struct engine_command *command)
{
    struct sid sid = store_subject(command);
    struct world_thing *thing = thing_of(world, &sid);
    if (thing == NULL) {
        world->things = store_grow(world->things, world->thing_count, &world->thing_capacity,
                                   sizeof *world->things);
        thing = &world->things[world->thing_count++];
        *thing = (struct world_thing){0};
    }
    thing->command = *command;
    thing->version++;
    set_version(&thing->command, thing->version);
    tell(world, &thing->command, thing->version);
}

static void removed(struct world *world, struct world_thing *thing, enum engine_command_kind kind,
                    const struct sid *workspace_sid)
{
    struct engine_command command = {.kind = kind};
    command.ref = (struct engine_ref){store_subject(&thing->command), *workspace_sid};
    thing->is_deleted = true;
    thing->version++;
    tell(world, &command, thing->version);
}

/* --- making things ------------------------------------------------------------------------- */

static void make_workspace(struct world *world, int workspace)
{
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    command.workspace = (struct engine_workspace){
        .sid = numbered("WS", workspace, 0),
        .account_sid = numbered("AC", 1, 1),
        .name = STR("Workspace"),
        .default_activity_sid = numbered("WA", workspace, 1),
        .timeout_activity_sid = numbered("WA", workspace, chance(world, 70) ? 1 : 2),
        .is_single_tasking = chance(world, 25),
        .is_lifo_first = chance(world, 50),
    };
    if (chance(world, 15)) /* time-outs leave workers where they are */
        command.workspace.timeout_activity_sid = (struct sid){0};
    put(world, &command);
}

static void make_activity(struct world *world, int workspace, int number)
{
    struct engine_command command = {.kind = ENGINE_PUT_ACTIVITY};
    command.activity = (struct engine_activity){
        .sid = numbered("WA", workspace, number),
        .workspace_sid = numbered("WS", workspace, 0),
        .name = str_from(activity_names[number]),
        .is_available = number == 0 || (number == 2 && chance(world, 30)),
    };
    put(world, &command);
}

static void make_channel(struct world *world, int workspace, int number)
{
    struct engine_command command = {.kind = ENGINE_PUT_CHANNEL};
    command.channel = (struct engine_channel){
        .sid = numbered("TC", workspace, number),
        .workspace_sid = numbered("WS", workspace, 0),
        .unique_name = str_from(channel_names[number]),
        .is_optimized = chance(world, 40),
    };
    put(world, &command);
}

static void make_queue(struct world *world, int workspace, int number)
{
    static const char *const targets[] = {
        "1==1",
        "1==1",
        "team == 1",
        "level > 0",
        "",
        "langs HAS 'l1'",
        "channel.default.available_capacity_percentage > 40",
        "channel.voice.assigned_tasks < 1 OR team == 0",
        "activity_name != 'Break' AND langs HAS 'l1'",
        "friendly_name != 'agent 1' AND level IN [0, 1, 2]",
    };
    struct engine_command command = {.kind = ENGINE_PUT_QUEUE};
    command.queue = (struct engine_queue){
        .sid = numbered("WQ", workspace, number),
        .workspace_sid = numbered("WS", workspace, 0),
        .name = text(world, "queue %d", number),
        .target_workers = str_from(targets[below(world, ARRAY_LEN(targets))]),
        .max_reserved_workers = chance(world, 60) ? 1 : below(world, 5),
        .is_lifo = chance(world, 30),
    };
    if (chance(world, 70)) {
        command.queue.reservation_activity_sid = numbered("WA", workspace, 3);
        command.queue.assignment_activity_sid =
            numbered("WA", workspace, chance(world, 50) ? 3 : 1);
    }
    put(world, &command);
}

static void make_target(struct world *world, struct buf *out, int workspace, bool is_first,
                        bool is_default)
{
    static const char *const expressions[] = {
        "task.lang IN worker.langs",
        "worker.level >= task.level",
        "worker.team == 1",
        "task.lang IN worker.langs AND worker.team == task.team",
        "worker.activity_name != 'Break'",
        "worker.channel.default.assigned_tasks < 1",
        "worker.friendly_name == task.agent OR worker.level > 2",
        "1 == 2",
    };
    static const char *const orders[] = {
        "worker.level DESC",
        "worker.level ASC, worker.rank DESC",
        "worker.rank",
        "worker.channel.default.assigned_tasks ASC",
    };
    static const char *const skips[] = {"workers.available == 0", "workers.available < 2", "1==1",
                                        "workers.unavailable > 1"};
    static const char *const readers[] = {
        "worker.channel.default.assigned_tasks < 1",
        "worker.channel.voice.available_capacity_percentage > 30",
        "worker.channel.chat.configured_capacity >= 1 AND worker.level >= task.level",
    };
    buf_char(out, '{');
    const char *comma = "";
    if (is_first || chance(world, 60)) {
        buf_printf(out, "\"queue\":\"%s\"",
                   numbered("WQ", workspace, below(world, 5)).text); /* some are never made */
        comma = ",";
    }
    if (!is_default && chance(world, 60)) {
        buf_printf(out, "%s\"timeout\":%d", comma, 5 + below(world, 80));
        comma = ",";
    }
    if (chance(world, 30)) {
        buf_printf(out, "%s\"priority\":%d", comma, below(world, 6));
        comma = ",";
    }
    if (!is_default && world->likes_channels && chance(world, 60)) {
        buf_printf(out, "%s\"expression\":\"%s\"", comma,
                   readers[below(world, ARRAY_LEN(readers))]);
        comma = ",";
    } else if (!is_default && chance(world, 45)) {
        buf_printf(out, "%s\"expression\":\"%s\"", comma,
                   expressions[below(world, ARRAY_LEN(expressions))]);
        comma = ",";
    }
    if (!is_default && chance(world, 35)) {
        buf_printf(out, "%s\"order_by\":\"%s\"", comma, orders[below(world, ARRAY_LEN(orders))]);
        comma = ",";
    }
    if (!is_default && chance(world, 25)) {
        buf_printf(out, "%s\"skip_if\":\"%s\"", comma, skips[below(world, ARRAY_LEN(skips))]);
        comma = ",";
    }
    if (!is_default && chance(world, 15))
        buf_printf(out, "%s%s", comma,
                   chance(world, 50) ? "\"known_worker_sid\":\"task.agent_sid\""
                                     : "\"known_worker_friendly_name\":\"task.agent\"");
    buf_char(out, '}');
}

static struct str make_document(struct world *world, int workspace)
{
    static const char *const filters[] = {"kind == 1", "kind == 2",    "kind >= 1",
                                          "vip == 1",  "lang == 'l0'", "1==1"};
    struct buf out;
    buf_init(&out, 0);
    buf_text(&out, "{\"task_routing\":{\"filters\":[");
    int count = below(world, 4);
    for (int f = 0; f < count; f++) {
        buf_printf(&out, "%s{\"filter_friendly_name\":\"f%d\",\"expression\":\"%s\",\"targets\":[",
                   f == 0 ? "" : ",", f, filters[below(world, ARRAY_LEN(filters))]);
        int targets = 1 + below(world, 3);
        for (int t = 0; t < targets; t++) {
            buf_text(&out, t == 0 ? "" : ",");
            make_target(world, &out, workspace, t == 0, false);
        }
        buf_text(&out, "]}");
    }
    buf_char(&out, ']');
    if (count == 0 || chance(world, 70)) {
        buf_text(&out, ",\"default_filter\":");
        make_target(world, &out, workspace, true, true);
    }
    buf_text(&out, "}}");
    struct str document = arena_str(world->arena, buf_str(&out));
    buf_fini(&out);
    return document;
}

static void make_workflow(struct world *world, int workspace, int number)
{
    struct sid sid = numbered("WW", workspace, number);
    const struct world_thing *thing = thing_of(world, &sid);
    struct engine_command command = {.kind = ENGINE_PUT_WORKFLOW};
    if (thing != NULL)
        command = thing->command;
    if (thing == NULL || chance(world, 75)) {
        command.workflow.configuration = make_document(world, workspace);
        command.workflow.configuration_version++;
    }
    command.workflow.sid = sid;
    command.workflow.workspace_sid = numbered("WS", workspace, 0);
    command.workflow.name = text(world, "workflow %d", number);
    command.workflow.task_reservation_timeout_s = chance(world, 20) ? 0 : 5 + below(world, 60);
    command.workflow.re_evaluate_tasks = chance(world, 50);
    put(world, &command);
}

static struct str worker_attributes(struct world *world)
{
    struct str rank = chance(world, 80)   ? text(world, "%d", below(world, 4))
                      : chance(world, 50) ? STR("\"high\"")
                                          : STR("null");
    return text(world, "{\"level\":%d,\"langs\":[\"l%d\",\"l%d\"],\"team\":%d,\"rank\":%.*s}",
                below(world, 5), below(world, 3), below(world, 3), below(world, 2), STR_ARG(rank));
}

/* Which of a worker's facts change. */
static void make_worker(struct world *world, int workspace, int number, bool is_moved,
                        bool is_taught, bool is_resized)
{
    struct sid sid = numbered("WK", workspace, number);
    const struct world_thing *thing = thing_of(world, &sid);
    bool is_new = thing == NULL;
    struct engine_command command = {.kind = ENGINE_PUT_WORKER};
    if (!is_new)
        command = thing->command;
    struct engine_worker *worker = &command.worker;
    worker->sid = sid;
    worker->workspace_sid = numbered("WS", workspace, 0);
    worker->reject_pending = false;
    if (is_new || chance(world, 4))
        worker->name = text(world, "agent %d", chance(world, 85) ? number : below(world, 4));
    if (is_new || is_taught)
        worker->attributes = worker_attributes(world);
    if (is_new || is_moved) {
        worker->activity_sid = numbered(
            "WA", workspace, chance(world, 70) ? 0 : below(world, ARRAY_LEN(activity_names)));
        worker->reject_pending = chance(world, 30);
        worker->status_changed_us = chance(world, 80) ? world->now_us : 0;
    }
    if (is_new || is_resized) {
        struct engine_worker_channel *channels =
            ARENA_ARRAY(world->arena, struct engine_worker_channel, 3);
        size_t count = 0;
        for (int c = 0; c < 3; c++) {
            if (chance(world, 20))
                continue;
            channels[count++] =
                (struct engine_worker_channel){.channel_sid = numbered("TC", workspace, c),
                                               .capacity = chance(world, 60) ? 1 : below(world, 4),
                                               .is_available = chance(world, 90)};
        }
        worker->channels = channels;
        worker->channel_count = count;
    }
    put(world, &command);
}

/* --- life ---------------------------------------------------------------------------------- */

void world_init(struct world *world, struct sim_random *random, struct arena *arena)
{
    *world = (struct world){.random = random, .arena = arena};
    world->workspaces = chance(world, 80) ? 1 : 2;
    world->likes_channels = chance(world, 25);
    world->next_number = 20;
    for (int w = 1; w <= world->workspaces; w++) {
        int queues = 1 + below(world, 4);
        int workflows = below(world, 3) + (chance(world, 90) ? 1 : 0);
        int workers = 1 + below(world, 6);
        make_workspace(world, w);
        for (int i = 0; i < (int)ARRAY_LEN(activity_names); i++)
            make_activity(world, w, i);
        for (int i = 0; i < (int)ARRAY_LEN(channel_names); i++)
            make_channel(world, w, i);
        for (int i = 0; i < queues; i++)
            make_queue(world, w, i);
        for (int i = 0; i < workflows; i++)
            make_workflow(world, w, i);
        for (int i = 0; i < workers; i++)
            make_worker(world, w, i, true, true, true);
    }
}

void world_fini(struct world *world)
{
    free(world->things);
    free(world->words);
}

static struct world_thing *pick(struct world *world, enum engine_command_kind kind, int workspace)
{
    struct world_thing *found[MAX_THINGS];
    size_t count = 0;
    struct sid workspace_sid = numbered("WS", workspace, 0);
    for (size_t i = 0; i < world->thing_count && count < MAX_THINGS; i++) {
        struct world_thing *thing = &world->things[i];
        struct sid sid = store_subject(&thing->command);
        if (thing->command.kind == kind && !thing->is_deleted &&
            memcmp(sid.text + 2, workspace_sid.text + 2, 16) == 0)
            found[count++] = thing;
    }
    return count == 0 ? NULL : found[below(world, count)];
}

static int number_of(const struct world_thing *thing)
{
    unsigned number = 0;
    struct sid sid = store_subject(&thing->command);
    int parts = sscanf(sid.text + 18, "%16x", &number);
    INVARIANT(parts == 1);
    return (int)number;
}

static void change_worker(struct world *world, int workspace)
{
    const struct world_thing *worker = pick(world, ENGINE_PUT_WORKER, workspace);
    if (worker == NULL || (chance(world, 12) && world->thing_count < MAX_THINGS)) {
        make_worker(world, workspace, world->next_number++, true, true, true);
        return;
    }
    int what = below(world, 10);
    make_worker(world, workspace, number_of(worker), what < 6, what == 6 || what == 7, what >= 8);
}

static void change_seldom(struct world *world, int workspace)
{
    static const struct {
        enum engine_command_kind put;
        enum engine_command_kind deletion;
    } deletions[] = {
        {ENGINE_PUT_WORKER,   ENGINE_DELETE_WORKER  },
        {ENGINE_PUT_WORKER,   ENGINE_DELETE_WORKER  },
        {ENGINE_PUT_QUEUE,    ENGINE_DELETE_QUEUE   },
        {ENGINE_PUT_WORKFLOW, ENGINE_DELETE_WORKFLOW},
        {ENGINE_PUT_ACTIVITY, ENGINE_DELETE_ACTIVITY},
        {ENGINE_PUT_CHANNEL,  ENGINE_DELETE_CHANNEL }
    };
    struct sid workspace_sid = numbered("WS", workspace, 0);
    struct world_thing *whole = thing_of(world, &workspace_sid);
    int what = below(world, 10);
    if (whole->is_deleted)
        return; /* nothing comes back */
    if (workspace == 2 && chance(world, 10)) {
        removed(world, whole, ENGINE_DELETE_WORKSPACE, &workspace_sid);
    } else if (what < 2) {
        make_workspace(world, workspace);
    } else if (what < 4) {
        make_activity(world, workspace, number_of(pick(world, ENGINE_PUT_ACTIVITY, workspace)));
    } else if (what < 6) {
        make_channel(world, workspace, number_of(pick(world, ENGINE_PUT_CHANNEL, workspace)));
    } else {
        size_t row = (size_t)below(world, ARRAY_LEN(deletions));
        struct world_thing *thing = pick(world, deletions[row].put, workspace);
        bool is_needed =
            deletions[row].put == ENGINE_PUT_ACTIVITY || deletions[row].put == ENGINE_PUT_CHANNEL;
        if (thing == NULL || (is_needed && number_of(thing) < 2))
            return;
        removed(world, thing, deletions[row].deletion, &workspace_sid);
    }
}

void world_change(struct world *world)
{
    int workspace = 1 + below(world, (size_t)world->workspaces);
    int what = below(world, 100);
    if (what < 65) {
        change_worker(world, workspace);
    } else if (what < 80) {
        const struct world_thing *queue = pick(world, ENGINE_PUT_QUEUE, workspace);
        if (queue != NULL)
            make_queue(world, workspace, number_of(queue));
        else
            make_queue(world, workspace, world->next_number++);
    } else if (what < 92) {
        const struct world_thing *workflow = pick(world, ENGINE_PUT_WORKFLOW, workspace);
        if (workflow != NULL)
            make_workflow(world, workspace, number_of(workflow));
        else
            make_workflow(world, workspace, world->next_number++);
    } else {
        change_seldom(world, workspace);
    }
}

/* --- the bus ------------------------------------------------------------------------------- */

const struct world_word *world_deliver(struct world *world)
{
    if (world->word_count == 0)
        return NULL;
    size_t window = world->word_count < 4 ? world->word_count : 4;
    size_t at = chance(world, 75) ? 0 : (size_t)below(world, window);
    return &world->words[at];
}

void world_ack(struct world *world, const struct engine_command *command, int64_t version)
{
    struct sid sid = store_subject(command);
    for (size_t i = 0; i < world->word_count; i++) {
        struct sid other = store_subject(&world->words[i].command);
        if (world->words[i].version != version || memcmp(sid.text, other.text, SID_LEN) != 0)
            continue;
        world->word_count--;
        memmove(&world->words[i], &world->words[i + 1],
                (world->word_count - i) * sizeof *world->words);
        return;
    }
}

void world_again(struct world *world, const struct world_word *word)
{
    tell(world, &word->command, word->version);
}

/* Unless somebody moved the worker since. */
void world_hear(struct world *world, const struct store_event *event)
{
    if (!sid_is_set(&event->wanted_activity_sid))
        return;
    struct world_thing *worker = thing_of(world, &event->worker_sid);
    if (worker == NULL || worker->is_deleted || worker->version != event->worker_version)
        return;
    struct engine_command command = worker->command;
    command.worker.activity_sid = event->wanted_activity_sid;
    command.worker.reject_pending = false;
    put(world, &command);
}

static int workspace_of(const struct sid *sid)
{
    unsigned number = 0;
    int parts = sscanf(sid->text + 2, "%16x", &number);
    INVARIANT(parts == 1);
    return (int)number;
}

/* --- for callers ---------------------------------------------------------------------------- */

struct sid world_workspace(struct world *world)
{
    return numbered("WS", 1 + below(world, (size_t)world->workspaces), 0);
}

const struct world_thing *world_pick(struct world *world, enum engine_command_kind kind,
                                     const struct sid *workspace_sid)
{
    return pick(world, kind, workspace_of(workspace_sid));
}

struct str world_task_attributes(struct world *world, const struct sid *workspace_sid)
{
    const struct world_thing *worker = world_pick(world, ENGINE_PUT_WORKER, workspace_sid);
    struct sid agent = {{0}};
    if (worker != NULL)
        agent = store_subject(&worker->command);
    if (chance(world, 5))
        return STR("{}");
    return text(world,
                "{\"kind\":%d,\"lang\":\"l%d\",\"level\":%d,\"team\":%d,\"vip\":%d,"
                "\"agent\":\"%sgent %d\",\"agent_sid\":\"%s\"}",
                below(world, 4), below(world, 4), below(world, 5), below(world, 2), below(world, 2),
                chance(world, 80) ? "a" : "A", below(world, 7), agent.text);
}
