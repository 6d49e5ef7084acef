/* An engine that was loaded from the rows and is told what another was told is where that is. */
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "engine/follow.h"
#include "engine/journal.h"
#include "testing.h"
#include "world.h"

enum { ARENA_BYTES = 1 << 20 };

struct follower {
    struct engine *engine;
    struct engine_effects effects;
    struct arena *arena;
    struct journal journal; /* of the commit in hand */
    int told;
    int refused;
};

static void follower_init(struct follower *follower, const struct world *world)
{
    *follower = (struct follower){.arena = arena_new(ARENA_BYTES)};
    engine_effects_init(&follower->effects);
    journal_init(&follower->journal, 0);
    follower->engine = world_load(world, &follower->effects);
    CHECK_I64(follower->effects.count, 0); /* the owner has come to rest */
}

static void follower_fini(struct follower *follower)
{
    engine_free(follower->engine);
    engine_effects_fini(&follower->effects);
    journal_fini(&follower->journal);
    arena_free(follower->arena);
}

static void count_told(void *ctx, const struct engine_command *command, bool is_taken)
{
    struct follower *follower = ctx;
    follower->told++;
    follower->refused += !is_taken;
    CHECK(command->kind != ENGINE_COMMAND_NONE);
}

static enum err_code follow(struct follower *follower, struct err *err)
{
    engine_effects_reset(&follower->effects);
    enum err_code code =
        engine_follow(follower->engine, buf_str(&follower->journal.bytes), follower->arena,
                      count_told, follower, &follower->effects, err);
    journal_clear(&follower->journal);
    return code;
}

/* The owner does it and commits; the journal says so. */
static void act(struct world *w, struct follower *follower, struct engine_command command)
{
    journal_put(
        &follower->journal,
        &(struct journal_entry){.kind = JOURNAL_APPLY, .now_us = w->now_us, .command = command});
    CHECK_I64(world_do(w, command), ERR_OK);
}

static struct engine_command create(int64_t priority)
{
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){.workspace_sid = world_sid("WS", 1),
                                            .attributes = STR("{}"),
                                            .has_priority = true,
                                            .priority = priority};
    return command;
}

static struct engine_command answer(enum engine_command_kind kind, const struct sid *sid)
{
    struct engine_command command = {.kind = kind};
    command.action = (struct engine_action){
        .workspace_sid = world_sid("WS", 1), .sid = *sid, .reason = STR("test")};
    return command;
}

/* Both decide the same from here: the same task to the same worker, with the same SIDs. */
static void check_same(struct world *w, struct follower *follower)
{
    struct engine_stats own;
    struct engine_stats other;
    engine_stats_get(w->engine, &own);
    engine_stats_get(follower->engine, &other);
    CHECK_I64(other.tasks, own.tasks);
    CHECK_I64(other.tasks_waiting, own.tasks_waiting);
    CHECK_I64(other.reservations_open, own.reservations_open);
    CHECK_I64(other.timers, own.timers);
    for (size_t i = 0; i < w->task_count; i++) {
        struct task_row row;
        REQUIRE(engine_task_get(follower->engine, &w->tasks[i]->sid, &row));
        CHECK_I64(row.state, w->tasks[i]->state);
        CHECK_I64(row.version, w->tasks[i]->version);
        CHECK_I64(row.updated_at_us, w->tasks[i]->updated_at_us);
    }
    CHECK_I64(engine_next_timer_us(follower->engine), engine_next_timer_us(w->engine));
}

static void a_follower_is_where_the_owner_is(void)
{
    struct world w;
    struct follower follower;
    world_init(&w);
    world_one_queue(&w);
    struct sid waiting = world_create_priority(&w, "{}", 1);
    world_worker(&w, 1, "{}", 2);
    follower_init(&follower, &w);
    act(&w, &follower, create(5));
    act(&w, &follower, create(0));
    REQUIRE(follow(&follower, NULL) == ERR_OK);
    CHECK_I64(follower.effects.event_count, 8);
    check_same(&w, &follower);
    /* One of the snapshot ends, one of later does; a commit by time alone. */
    act(&w, &follower, answer(ENGINE_CANCEL_TASK, &waiting));
    REQUIRE(follow(&follower, NULL) == ERR_OK);
    check_same(&w, &follower);
    world_wait(&w, 400); /* the canceled one is purged */
    journal_put(&follower.journal,
                &(struct journal_entry){.kind = JOURNAL_TICK, .now_us = w.now_us});
    REQUIRE(follow(&follower, NULL) == ERR_OK);
    check_same(&w, &follower);
    CHECK_TEXT(world_task_state(&w, &waiting), "gone");
    CHECK(follower.told == 3 && follower.refused == 0);
    follower_fini(&follower);
    world_fini(&w);
}

static void offers_follow_too(void)
{
    struct world w;
    struct follower follower;
    world_init(&w);
    world_one_queue(&w);
    struct sid first = world_create(&w, "{}");
    world_worker(&w, 1, "{}", 1);
    struct sid offer = world_last_offer(&w, &first);
    follower_init(&follower, &w);
    act(&w, &follower, create(0));
    act(&w, &follower, answer(ENGINE_ACCEPT_RESERVATION, &offer));
    REQUIRE(follow(&follower, NULL) == ERR_OK);
    check_same(&w, &follower);
    act(&w, &follower, answer(ENGINE_COMPLETE_TASK, &first));
    REQUIRE(follow(&follower, NULL) == ERR_OK);
    check_same(&w, &follower);
    struct reservation_row row;
    struct sid next = w.reservations[w.reservation_count - 1]->sid;
    REQUIRE(engine_reservation_get(follower.engine, &next, &row));
    CHECK_I64(row.state, RESERVATION_PENDING);
    follower_fini(&follower);
    world_fini(&w);
}

/* One that missed a commit refuses what the owner took, or decides otherwise: who feeds it sees. */
static void a_missed_commit_shows(void)
{
    struct world w;
    struct follower follower;
    world_init(&w);
    world_one_queue(&w);
    follower_init(&follower, &w);
    act(&w, &follower, create(0));
    journal_clear(&follower.journal); /* missed */
    struct sid task = w.tasks[0]->sid;
    act(&w, &follower, answer(ENGINE_CANCEL_TASK, &task));
    REQUIRE(follow(&follower, NULL) == ERR_OK);
    CHECK_I64(follower.refused, 1);
    CHECK_I64(follower.effects.event_count, 0);
    follower_fini(&follower);
    world_fini(&w);
}

static void a_load_in_the_journal_ends_it(void)
{
    struct world w;
    struct follower follower;
    struct err err = {0};
    world_init(&w);
    follower_init(&follower, &w);
    journal_put(&follower.journal, &(struct journal_entry){.kind = JOURNAL_LOAD, .seed = 1});
    CHECK_I64(follow(&follower, &err), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "FOLLOW_RELOADED");
    CHECK_I64(engine_follow(follower.engine, STR("\x01\x7f"), follower.arena, NULL, NULL,
                            &follower.effects, &err),
              ERR_INVALID_ARGUMENT);
    follower_fini(&follower);
    world_fini(&w);
}

/* What an engine says of the offer's worker when the task is completed. */
static struct str name_told(struct follower *follower, const struct world *w,
                            const struct sid *task_sid)
{
    struct str name = STR("nothing told");
    struct engine_command command = answer(ENGINE_COMPLETE_TASK, task_sid);
    engine_effects_reset(&follower->effects);
    CHECK_I64(engine_apply(follower->engine, &command, w->now_us, &follower->effects, NULL),
              ERR_OK);
    for (const struct engine_effect *effect = follower->effects.first; effect != NULL;
         effect = effect->next) {
        if (effect->kind == ENGINE_EVENT && effect->event->reservation != NULL)
            name = effect->event->reservation->worker_name;
    }
    return name;
}

/* The rows do not know the name, so a replay that loads where it takes over does not either. */
static void who_was_deleted_has_no_name_after_a_take_over(void)
{
    struct world w;
    struct follower follower;
    world_init(&w);
    world_one_queue(&w);
    struct sid task = world_create(&w, "{}");
    world_worker(&w, 1, "{}", 1);
    struct sid offer = world_last_offer(&w, &task);
    follower_init(&follower, &w);
    act(&w, &follower, answer(ENGINE_ACCEPT_RESERVATION, &offer));
    struct engine_command removal = {.kind = ENGINE_DELETE_WORKER};
    removal.ref = (struct engine_ref){world_sid("WK", 1), world_sid("WS", 1)};
    act(&w, &follower, removal);
    REQUIRE(follow(&follower, NULL) == ERR_OK);
    engine_follow_end(follower.engine);
    CHECK_STR(name_told(&follower, &w, &task), "");
    follower_fini(&follower);
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"a follower is where the owner is",              a_follower_is_where_the_owner_is},
    {"offers follow, too",                            offers_follow_too               },
    {"a missed commit shows",                         a_missed_commit_shows           },
    {"a load in the journal ends it",                 a_load_in_the_journal_ends_it   },
    {"who was deleted has no name after a take-over",
     who_was_deleted_has_no_name_after_a_take_over                                    },
};

int main(int argc, char **argv)
{
    return testing_main("engine follow", cases, ARRAY_LEN(cases), argc, argv);
}
