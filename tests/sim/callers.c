#include "callers.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "store.h"
#include "world.h"

enum { DAY_S = 86400 };

static int below(struct world *world, size_t limit)
{
    return sim_below(world->random, limit);
}

static bool chance(struct world *world, int percent)
{
    return sim_chance(world->random, percent);
}

/* One of those in this state, now and then any; NULL when there is none. */
static const struct store_reservation *pick_offer(const struct store *store, struct world *world,
                                                  enum reservation_state state)
{
    const struct store_reservation *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < store->reservation_count; i++) {
        const struct store_reservation *offer = store->reservations[i];
        if (offer->row.state == state && !offer->task->is_purged && below(world, ++count) == 0)
            found = offer;
    }
    if (!chance(world, 10) || store->reservation_count == 0)
        return found;
    return store->reservations[below(world, store->reservation_count)];
}

static const struct store_task *pick_task(const struct store *store, struct world *world,
                                          enum task_state state)
{
    const struct store_task *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < store->task_count; i++) {
        const struct store_task *task = store->tasks[i];
        if (task->row.state == state && !task->is_purged && below(world, ++count) == 0)
            found = task;
    }
    if (!chance(world, 10) || store->task_count == 0)
        return found;
    return store->tasks[below(world, store->task_count)];
}

static struct sid sid_of(const struct world_thing *thing)
{
    static const struct sid none;
    return thing == NULL ? none : store_subject(&thing->command);
}

/* --- creating ------------------------------------------------------------------------------ */

static void choose_way(struct world *world, struct engine_create *create)
{
    const struct sid *workspace = &create->workspace_sid;
    int way = below(world, 100);
    if (way < 50) {
        create->workflow_sid = sid_of(world_pick(world, ENGINE_PUT_WORKFLOW, workspace));
    } else if (way < 60) {
        create->queue_sid = sid_of(world_pick(world, ENGINE_PUT_QUEUE, workspace));
    } else if (way < 75) {
        create->routing_target = sid_of(world_pick(world, ENGINE_PUT_WORKER, workspace));
        create->has_ignore_capacity = chance(world, 60);
        create->ignore_capacity = chance(world, 30);
    } else if (way < 82) {
        create->routing_target = sid_of(world_pick(world, ENGINE_PUT_QUEUE, workspace));
    } else if (way < 88) {
        create->routing_target = sid_of(world_pick(world, ENGINE_PUT_WORKFLOW, workspace));
        create->has_ignore_capacity = chance(world, 10);
        create->ignore_capacity = true;
    }
}

static void choose_create(struct world *world, struct engine_create *create, int64_t now_us)
{
    static const char *const channels[] = {"default", "default", "voice", "chat", "nowhere"};
    *create = (struct engine_create){.workspace_sid = world_workspace(world)};
    choose_way(world, create);
    create->attributes = world_task_attributes(world, &create->workspace_sid);
    if (chance(world, 50))
        create->channel = str_from(channels[below(world, ARRAY_LEN(channels))]);
    create->has_priority = chance(world, 40);
    create->priority = below(world, 4);
    create->has_timeout = chance(world, 60);
    create->timeout_s = chance(world, 90) ? 1 + below(world, 300) : 1 + below(world, 3 * DAY_S);
    if (chance(world, 20))
        create->virtual_start_us = now_us - below(world, 600) * US_PER_S;
    if (chance(world, 3))
        create->virtual_start_us = now_us + 5 * US_PER_S;
    if (chance(world, 30))
        create->call_id = STR("call");
}

/* --- the rest ------------------------------------------------------------------------------ */

static bool choose_update(const struct store *store, struct world *world,
                          struct engine_update *update, int64_t now_us)
{
    const struct store_task *task =
        pick_task(store, world, chance(world, 70) ? TASK_PENDING : TASK_RESERVED);
    *update = (struct engine_update){.workspace_sid = world_workspace(world)};
    if (task == NULL)
        return false;
    update->sid = task->row.sid;
    update->workspace_sid = task->row.workspace_sid;
    update->expected_version = chance(world, 10) ? task->row.version : 0;
    update->has_attributes = chance(world, 50);
    update->attributes = world_task_attributes(world, &task->row.workspace_sid);
    update->has_priority = chance(world, 40);
    update->priority = below(world, 5);
    update->has_channel = chance(world, 15);
    update->channel = chance(world, 50) ? STR("voice") : STR("default");
    update->has_virtual_start = chance(world, 30);
    update->virtual_start_us = now_us - below(world, 900) * US_PER_S;
    return true;
}

/* Something for every instruction. */
static const char instruction_data[] =
    "{\"accept\":\"true\",\"url\":\"https://localhost/\",\"to\":\"+15550101\","
    "\"from\":\"+15550100\",\"call_sid\":\"CA00000000000000000000000000000001\","
    "\"timeout\":\"20\",\"post_work_activity_sid\":\"WA00000000000000010000000000000001\"}";

static bool act_on_offer(const struct store *store, struct world *world,
                         struct engine_command *command, enum reservation_state state)
{
    const struct store_reservation *offer = pick_offer(store, world, state);
    struct engine_action *action = &command->action;
    *action = (struct engine_action){.workspace_sid = world_workspace(world)};
    if (offer == NULL)
        return false;
    action->sid = offer->row.sid;
    action->workspace_sid = offer->row.workspace_sid;
    action->expected_version = chance(world, 8) ? offer->row.version : 0;
    action->reason = STR("asked");
    if (command->kind == ENGINE_WRAP_UP_RESERVATION && chance(world, 40))
        action->timeout_s = 1 + below(world, 60);
    if (command->kind == ENGINE_ACCEPT_RESERVATION && chance(world, 30)) {
        action->instruction = STR("accept");
        action->instruction_data = STR("{}");
    }
    if (command->kind == ENGINE_INSTRUCT_RESERVATION) {
        static const char *const instructions[] = {"accept",     "reject",  "redirect", "call",
                                                   "conference", "dequeue", "none"};
        action->instruction = str_from(instructions[below(world, ARRAY_LEN(instructions))]);
        action->instruction_data = str_from(instruction_data);
    }
    if (command->kind == ENGINE_REJECT_RESERVATION && chance(world, 40))
        action->activity_sid =
            sid_of(world_pick(world, ENGINE_PUT_ACTIVITY, &action->workspace_sid));
    return true;
}

static bool act_on_task(const struct store *store, struct world *world,
                        struct engine_command *command, enum task_state state)
{
    const struct store_task *task = pick_task(store, world, state);
    struct engine_action *action = &command->action;
    *action = (struct engine_action){.workspace_sid = world_workspace(world)};
    if (task == NULL)
        return false;
    action->sid = task->row.sid;
    action->workspace_sid = task->row.workspace_sid;
    action->expected_version = chance(world, 8) ? task->row.version : 0;
    action->reason = chance(world, 95) ? STR("asked") : STR(" ");
    if (command->kind == ENGINE_WRAP_UP_TASK && chance(world, 40))
        action->timeout_s = 1 + below(world, 60);
    return true;
}

struct engine_command callers_choose(struct store *store, struct world *world, int64_t now_us)
{
    static const struct {
        int percent;
        enum engine_command_kind kind;
        int state; /* of what it acts on */
    } choices[] = {
        {28, ENGINE_CREATE_TASK,          0                   },
        {22, ENGINE_ACCEPT_RESERVATION,   RESERVATION_PENDING },
        {2,  ENGINE_INSTRUCT_RESERVATION, RESERVATION_PENDING },
        {9,  ENGINE_REJECT_RESERVATION,   RESERVATION_PENDING },
        {3,  ENGINE_CANCEL_RESERVATION,   RESERVATION_PENDING },
        {4,  ENGINE_WRAP_UP_RESERVATION,  RESERVATION_ACCEPTED},
        {7,  ENGINE_COMPLETE_RESERVATION, RESERVATION_ACCEPTED},
        {9,  ENGINE_UPDATE_TASK,          0                   },
        {3,  ENGINE_CANCEL_TASK,          TASK_PENDING        },
        {2,  ENGINE_CANCEL_TASK,          TASK_RESERVED       },
        {3,  ENGINE_WRAP_UP_TASK,         TASK_ASSIGNED       },
        {3,  ENGINE_COMPLETE_TASK,        TASK_ASSIGNED       },
        {2,  ENGINE_COMPLETE_TASK,        TASK_WRAPPING       },
        {1,  ENGINE_DELETE_TASK,          TASK_PENDING        },
        {1,  ENGINE_DELETE_TASK,          TASK_RESERVED       },
        {1,  ENGINE_DELETE_TASK,          TASK_ASSIGNED       },
    };
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    int left = below(world, 100);
    size_t at = 0;
    while (at + 1 < ARRAY_LEN(choices) && left >= choices[at].percent)
        left -= choices[at++].percent;
    command.kind = choices[at].kind;
    bool is_chosen = false;
    if (command.kind == ENGINE_UPDATE_TASK)
        is_chosen = choose_update(store, world, &command.update, now_us);
    else if (command.kind >= ENGINE_ACCEPT_RESERVATION)
        is_chosen = act_on_offer(store, world, &command, (enum reservation_state)choices[at].state);
    else if (command.kind != ENGINE_CREATE_TASK)
        is_chosen = act_on_task(store, world, &command, (enum task_state)choices[at].state);
    if (is_chosen || (command.kind != ENGINE_CREATE_TASK && chance(world, 10)))
        return command;
    command = (struct engine_command){.kind = ENGINE_CREATE_TASK}; /* there is nothing to act on */
    choose_create(world, &command.create, now_us);
    return command;
}
