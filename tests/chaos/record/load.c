/* The actors: who creates tasks, who works on them, and who changes the workers meanwhile. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "run_int.h"

enum {
    KEY_SIZE = 48,
    RETRY_MS = 50,
    IDLE_MS = 25,
    CONFIG_MS = 120,
    PAGE = 60,
    TRIES_MAX = 2000, /* of one create; about a minute and a half of nothing but refusals */
    CAPACITY_MAX = 4,
    SKILLS = 3,
};

static const char *const skills[SKILLS] = {"red", "green", "blue"};

/* ---- creators ---- */

static void create_one(struct actor *actor, int n)
{
    struct run *run = actor->run;
    const char *skill = skills[rng_below(&actor->rng, SKILLS)];
    int priority = rng_below(&actor->rng, 3);
    bool has_skill = rng_hits(&actor->rng, 60);
    /* Until answered: the same key, so that it is the same task. */
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        arena_reset(actor->arena);
        const char *key = arena_printf(actor->arena, "task-%d-%d", actor->number, n);
        struct result made = actor_change(
            actor, SUITE_TASKS, "CreateTask", (struct about){.key = key},
            "{'workspaceSid':'%s','workflowSid':'%s','attributes':'{`key`:`%s`,`skill`:`%s`}',"
            "'priority':%d,'idempotencyKey':'%s'}",
            actor->scene->world.workspace, actor->scene->world.workflow, key,
            has_skill ? skill : "", priority, key);
        if (made.outcome == OUTCOME_OK)
            return;
        process_sleep_ms(RETRY_MS);
        if (made.outcome == OUTCOME_UNKNOWN && !run_flag(&run->is_loading) &&
            rng_hits(&actor->rng, 2))
            return; /* a client that gives up: either is right */
    }
}

void *creator_main(void *ctx)
{
    struct actor *actor = ctx;
    for (int n = 0; run_flag(&actor->run->is_loading); n++) {
        create_one(actor, n);
        int pause = actor->run->options->create_pause_ms;
        process_sleep_ms(pause / 2 + rng_below(&actor->rng, pause + 1));
    }
    return NULL;
}

/* ---- agents ---- */

static struct result act(struct actor *actor, const char *method, const char *sid,
                         const char *extra)
{
    return actor_change(actor, SUITE_TASKS, method, (struct about){.subject = sid},
                        "{'workspaceSid':'%s','sid':'%s'%s}", actor->scene->world.workspace, sid,
                        extra);
}

/* With a key, and again until there is an answer. */
static void act_surely(struct actor *actor, const char *method, const char *sid)
{
    for (int tries = 0; tries < TRIES_MAX && !run_flag(&actor->run->is_ending); tries++) {
        char key[KEY_SIZE * 2];
        (void)snprintf(key, sizeof key, "%s-%s", method, sid);
        struct result done =
            actor_change(actor, SUITE_TASKS, method, (struct about){.key = key, .subject = sid},
                         "{'workspaceSid':'%s','sid':'%s','idempotencyKey':'%s'}",
                         actor->scene->world.workspace, sid, key);
        if (done.outcome != OUTCOME_UNKNOWN)
            return;
        process_sleep_ms(RETRY_MS);
    }
}

static void on_offer(struct actor *actor, const char *sid, const char *task_sid)
{
    struct run *run = actor->run;
    bool is_loading = run_flag(&run->is_loading);
    int dice = is_loading ? rng_below(&actor->rng, 100) : 0;
    /* Some are never answered, whoever looks at them: the SID decides. */
    if (is_loading && hash_bytes(sid, strlen(sid)) % 100 < 6)
        return;
    if (dice < 60)
        (void)act(actor, "AcceptReservation", sid, "");
    else if (dice < 80)
        act_surely(actor, "AcceptReservation", sid);
    else if (dice < 88)
        (void)act(actor, "RejectReservation", sid, "");
    else if (dice < 91)
        (void)act(
            actor, "RejectReservation", sid,
            arena_printf(actor->arena, ",'workerActivitySid':'%s'", actor->scene->world.offline));
    else if (dice < 94)
        (void)act(actor, "CancelTask", task_sid, ",'reason':'no more'");
    else if (dice < 96)
        (void)act(actor, "DeleteTask", task_sid, "");
    else if (dice < 98)
        (void)actor_change(
            actor, SUITE_TASKS, "UpdateTask", (struct about){.subject = task_sid},
            "{'task':{'workspaceSid':'%s','sid':'%s','priority':%d},'updateMask':'priority'}",
            actor->scene->world.workspace, task_sid, rng_below(&actor->rng, 9));
}

static void on_accepted(struct actor *actor, const char *sid, const char *task_sid)
{
    int dice = rng_below(&actor->rng, 100);
    if (dice < 30)
        (void)act(actor, "CompleteTask", task_sid, ",'reason':'done'");
    else if (dice < 50)
        act_surely(actor, "CompleteReservation", sid);
    else if (dice < 70)
        (void)act(actor, "WrapUpReservation", sid, "");
    else if (dice < 80)
        (void)act(actor, "WrapUpTask", task_sid, ",'reason':'notes'");
    else if (dice < 82)
        (void)act(actor, "DeleteTask", task_sid, "");
    else if (dice < 92) /* what was acknowledged is read by everybody */
        (void)actor_change(actor, SUITE_TASKS, "GetTask", (struct about){.subject = task_sid},
                           "{'workspaceSid':'%s','sid':'%s'}", actor->scene->world.workspace,
                           task_sid);
}

static void on_wrapping(struct actor *actor, const char *sid, const char *task_sid)
{
    if (rng_hits(&actor->rng, 50))
        (void)act(actor, "CompleteReservation", sid, "");
    else
        act_surely(actor, "CompleteTask", task_sid);
}

static void answer_all(struct actor *actor, const json_t *items)
{
    for (size_t i = 0; i < json_array_size(items) && !run_flag(&actor->run->is_ending); i++) {
        const json_t *item = json_array_get(items, i);
        const char *status = at(item, "reservationStatus");
        const char *sid = at(item, "sid");
        const char *task_sid = at(item, "taskSid");
        if (strcmp(status, "pending") == 0)
            on_offer(actor, sid, task_sid);
        else if (strcmp(status, "accepted") == 0)
            on_accepted(actor, sid, task_sid);
        else if (strcmp(status, "wrapping") == 0)
            on_wrapping(actor, sid, task_sid);
    }
}

/* Agents share their workers: two may answer one offer. */
void *agent_main(void *ctx)
{
    struct actor *actor = ctx;
    const struct world *world = &actor->scene->world;
    while (!run_flag(&actor->run->is_ending)) {
        arena_reset(actor->arena);
        const char *worker = world->workers[rng_below(&actor->rng, world->worker_count)];
        struct result found =
            actor_read(actor, SUITE_TASKS, "ListReservations",
                       "{'workspaceSid':'%s','workerSid':'%s','pageSize':%d,'reservationStatus':"
                       "['pending','accepted','wrapping']}",
                       world->workspace, worker, PAGE);
        if (found.outcome == OUTCOME_OK)
            answer_all(actor, json_object_get(found.body, "items"));
        process_sleep_ms(found.outcome == OUTCOME_OK ? IDLE_MS : RETRY_MS);
    }
    return NULL;
}

/* ---- who changes the workers ---- */

static struct result set_activity(struct actor *actor, const char *worker, const char *activity)
{
    return actor_change(
        actor, SUITE_WORKERS, "UpdateWorker", (struct about){.subject = worker},
        "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s'},'updateMask':'activitySid',"
        "'rejectPendingReservations':%s}",
        actor->scene->world.workspace, worker, activity,
        rng_hits(&actor->rng, 30) ? "true" : "false");
}

static struct result set_capacity(struct actor *actor, const char *worker, int capacity)
{
    return actor_change(actor, SUITE_WORKERS, "UpdateWorkerChannel",
                        (struct about){.subject = worker},
                        "{'workspaceSid':'%s','workerSid':'%s','channel':'default','capacity':%d}",
                        actor->scene->world.workspace, worker, capacity);
}

static void change_something(struct actor *actor)
{
    const struct world *world = &actor->scene->world;
    const char *worker = world->workers[rng_below(&actor->rng, world->worker_count)];
    int dice = rng_below(&actor->rng, 100);
    if (dice < 45) /* the router moves the silent ones away: most often back */
        (void)set_activity(actor, worker, world->available);
    else if (dice < 55)
        (void)set_activity(actor, worker, world->offline);
    else if (dice < 75)
        (void)set_capacity(actor, worker, rng_below(&actor->rng, CAPACITY_MAX + 1));
    else if (dice < 90)
        (void)actor_change(
            actor, SUITE_WORKERS, "UpdateWorker", (struct about){.subject = worker},
            "{'worker':{'workspaceSid':'%s','sid':'%s','attributes':'{`skill`:`%s`}'},"
            "'updateMask':'attributes'}",
            world->workspace, worker, skills[rng_below(&actor->rng, SKILLS)]);
    else
        (void)actor_change(
            actor, SUITE_QUEUES, "UpdateTaskQueue", (struct about){.subject = world->queues[0]},
            "{'taskQueue':{'workspaceSid':'%s','sid':'%s','targetWorkers':'skill != `%s`'},"
            "'updateMask':'targetWorkers'}",
            world->workspace, world->queues[0],
            rng_hits(&actor->rng, 70) ? "none" : skills[rng_below(&actor->rng, SKILLS)]);
}

/* Everybody free for everything, so that all tasks can end; true when all was taken. */
static bool open_up(struct actor *actor)
{
    const struct world *world = &actor->scene->world;
    bool is_done = true;
    for (int i = 0; i < world->worker_count; i++) {
        arena_reset(actor->arena);
        bool is_open =
            set_activity(actor, world->workers[i], world->available).outcome == OUTCOME_OK;
        is_open =
            set_capacity(actor, world->workers[i], CAPACITY_MAX).outcome == OUTCOME_OK && is_open;
        is_done = is_done && is_open;
    }
    struct result queue = actor_change(
        actor, SUITE_QUEUES, "UpdateTaskQueue", (struct about){.subject = world->queues[0]},
        "{'taskQueue':{'workspaceSid':'%s','sid':'%s','targetWorkers':'1==1'},"
        "'updateMask':'targetWorkers'}",
        world->workspace, world->queues[0]);
    return is_done && queue.outcome == OUTCOME_OK;
}

void *config_main(void *ctx)
{
    struct actor *actor = ctx;
    while (run_flag(&actor->run->is_loading)) {
        arena_reset(actor->arena);
        change_something(actor);
        process_sleep_ms(CONFIG_MS / 2 + rng_below(&actor->rng, CONFIG_MS));
    }
    /* Again and again: who does not answer in time is moved to the offline activity. */
    while (!run_flag(&actor->run->is_ending)) {
        bool is_done = open_up(actor);
        process_sleep_ms(is_done ? 1000 : RETRY_MS);
    }
    return NULL;
}
