/* What changes while tasks wait: queues, workers, channels, the tasks themselves. */
#include "base/clock.h"
#include "testing.h"
#include "world.h"

/* Worker 1 busy, two tasks waiting behind him. */
static void world_waiting(struct world *w, struct sid tasks[3])
{
    world_init(w);
    world_one_queue(w);
    world_worker(w, 1, "{}", 1);
    for (int i = 0; i < 3; i++) {
        tasks[i] = world_create(w, "{}");
        world_wait(w, 1);
    }
    CHECK_I64(world_offered_to(w, &tasks[0]), 1);
}

/* Worker 1 is done with the first task. */
static void world_finish(struct world *w, const struct sid *task)
{
    struct sid offer = world_last_offer(w, task);
    CHECK_I64(world_act(w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_act(w, ENGINE_COMPLETE_TASK, task), ERR_OK);
}

static void a_queue_that_becomes_lifo_turns_its_waiting_tasks_around(void)
{
    for (int is_lifo = 0; is_lifo < 2; is_lifo++) {
        struct world w;
        struct sid tasks[3];
        world_waiting(&w, tasks);
        world_queue_with(&w, 1, "1==1", 1, true);
        if (is_lifo == 0)
            world_queue_with(&w, 1, "1==1", 1, false); /* and back again */
        world_finish(&w, &tasks[0]);
        CHECK_I64(world_offered_to(&w, &tasks[is_lifo ? 2 : 1]), 1);
        CHECK_I64(world_offered_to(&w, &tasks[is_lifo ? 1 : 2]), 0);
        world_fini(&w);
    }
}

static void a_queue_that_takes_more_workers_gives_them_what_waits(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_queue(&w, 1, "team == 1");
    world_worker(&w, 1, "{\"team\":2}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &task), 0);
    world_queue(&w, 1, "team == 2");
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_fini(&w);
}

static void more_reserved_workers_count_from_the_next_offer_on(void)
{
    struct world w;
    struct sid tasks[3];
    world_waiting(&w, tasks);
    world_queue_with(&w, 1, "1==1", 2, false);
    world_worker(&w, 2, "{}", 1);
    struct sid second = world_offer(&w, &tasks[0], 1);
    CHECK(!sid_is_set(&second)); /* the first one is offered already, to one */
    CHECK_I64(world_offered_to(&w, &tasks[1]), 2);
    world_finish(&w, &tasks[0]);
    struct sid offer = world_last_offer(&w, &tasks[1]);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_offered_to(&w, &tasks[2]), 1);
    world_fini(&w);
}

static void a_virtual_start_moves_a_waiting_task(void)
{
    struct world w;
    struct sid tasks[3];
    world_waiting(&w, tasks);
    struct engine_command command = {.kind = ENGINE_UPDATE_TASK};
    command.update = (struct engine_update){.sid = tasks[2],
                                            .workspace_sid = world_sid("WS", 1),
                                            .has_virtual_start = true,
                                            .virtual_start_us = w.now_us + 1};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.field, "virtual_start_time");
    command.update.virtual_start_us = w.now_us - 60 * US_PER_S;
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_finish(&w, &tasks[0]);
    CHECK_I64(world_offered_to(&w, &tasks[2]), 1);
    world_fini(&w);
}

static void another_channel_looks_at_that_channels_capacity(void)
{
    struct world w;
    struct sid tasks[3];
    world_waiting(&w, tasks);
    struct engine_command command = {.kind = ENGINE_UPDATE_TASK};
    command.update = (struct engine_update){.sid = tasks[2],
                                            .workspace_sid = world_sid("WS", 1),
                                            .has_channel = true,
                                            .channel = STR("voice")};
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_I64(world_offered_to(&w, &tasks[2]), 1); /* voice is free */
    command.update.channel = STR("default");
    CHECK_I64(world_do(&w, command), ERR_FAILED_PRECONDITION); /* reserved by now */
    world_fini(&w);
}

static void capacity_lowered_below_use_keeps_what_runs(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker_with(&w, 1, "{}", 1, 2, false);
    struct sid first = world_create(&w, "{}");
    struct sid second = world_create(&w, "{}");
    struct sid third = world_create(&w, "{}");
    world_worker_with(&w, 1, "{}", 1, 1, false);
    CHECK_I64(world_offered_to(&w, &first), 1);
    CHECK_I64(world_offered_to(&w, &second), 1);
    world_finish(&w, &first);
    CHECK_I64(world_offered_to(&w, &third), 0); /* one runs, and one is what he has */
    world_worker_with(&w, 1, "{}", 1, 0, false);
    world_finish(&w, &second);
    CHECK_I64(world_offered_to(&w, &third), 0);
    world_worker_with(&w, 1, "{}", 1, 1, false);
    CHECK_I64(world_offered_to(&w, &third), 1);
    world_fini(&w);
}

static void a_worker_in_a_deleted_activity_stays_as_he_is(void)
{
    struct world w;
    struct sid tasks[3];
    world_waiting(&w, tasks);
    struct engine_command command = {.kind = ENGINE_DELETE_ACTIVITY};
    command.ref = (struct engine_ref){world_sid("WA", 1), world_sid("WS", 1)};
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_I64(world_offered_to(&w, &tasks[0]), 1);
    world_finish(&w, &tasks[0]);
    CHECK_I64(world_offered_to(&w, &tasks[1]), 1); /* as available as he was */
    struct sid offer = world_last_offer(&w, &tasks[1]);
    command = (struct engine_command){.kind = ENGINE_REJECT_RESERVATION};
    command.action = (struct engine_action){
        .sid = offer, .workspace_sid = world_sid("WS", 1), .activity_sid = world_sid("WA", 1)};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT); /* nobody can be moved there */
    world_fini(&w);
}

static void nobody_is_moved_to_a_deleted_activity(void)
{
    struct world w;
    struct sid tasks[3];
    world_waiting(&w, tasks);
    struct engine_command command = {.kind = ENGINE_DELETE_ACTIVITY};
    command.ref = (struct engine_ref){world_sid("WA", 2), world_sid("WS", 1)};
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_wait(&w, 130); /* the offer times out; he is not moved, so the task is his again */
    struct sid again = world_offer(&w, &tasks[0], 1);
    CHECK_TEXT(world_reservation_state(&w, &again), "pending");
    CHECK_I64(world_offered_to(&w, &tasks[0]), 1);
    world_fini(&w);
}

static void idle_clocks_follow_the_channel_as_it_is_now(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct engine_create voice = {.channel = STR("voice")};
    world_worker_with(&w, 1, "{}", 1, 9, false);
    (void)world_create(&w, "{}"); /* on the default channel, to 1 */
    world_worker_with(&w, 2, "{}", 2, 9, false);
    world_worker_with(&w, 2, "{}", 1, 9, false);
    (void)world_create(&w, "{}"); /* to 2, who never had one */
    (void)world_create(&w, "{}"); /* to 1 again: 2 would be next */
    struct engine_command command = {.kind = ENGINE_PUT_CHANNEL};
    command.channel = (struct engine_channel){.sid = world_sid("TC", 2),
                                              .workspace_sid = world_sid("WS", 1),
                                              .version = w.version++,
                                              .unique_name = STR("voice"),
                                              .is_optimized = true};
    CHECK_I64(world_do(&w, command), ERR_OK);
    struct sid task = world_create_with(&w, &voice); /* neither had voice: the older SID */
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_fini(&w);
}

static void tell_workspace(struct world *w, bool is_mirrored)
{
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    command.workspace = (struct engine_workspace){
        .sid = world_sid("WS", 1), .version = 1000 + w->version++, .is_mirrored = is_mirrored};
    CHECK_I64(world_do(w, command), ERR_OK);
}

static void nothing_of_a_mirrored_workspace_is_kept(void)
{
    struct world w;
    struct sid tasks[3];
    world_waiting(&w, tasks);
    tell_workspace(&w, true);
    struct sid workspace = world_sid("WS", 1);
    CHECK(engine_is_mirrored(w.engine, &workspace));
    CHECK_TEXT(world_task_state(&w, &tasks[1]), "gone"); /* what came before we knew */
    world_queue(&w, 7, "1==1");
    world_worker(&w, 7, "{}", 1);
    world_workflow(&w, 7, 1, "{}");
    struct sid put[] = {world_sid("WQ", 7), world_sid("WK", 7), world_sid("WW", 7)};
    for (size_t i = 0; i < ARRAY_LEN(put); i++)
        CHECK_I64(engine_config_version(w.engine, &put[i]), 0);
    struct engine_command create = {.kind = ENGINE_CREATE_TASK};
    create.create.workspace_sid = workspace;
    CHECK_I64(world_do(&w, create), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(w.err.reason, "MIRRORED");
    CHECK_I64(engine_next_timer_us(w.engine), INT64_MAX);
    struct sid other = world_sid("WS", 2);
    CHECK(!engine_is_mirrored(w.engine, &other));
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"a queue that becomes LIFO turns its waiting tasks around",
     a_queue_that_becomes_lifo_turns_its_waiting_tasks_around                                               },
    {"a queue that takes more workers gives them what waits",
     a_queue_that_takes_more_workers_gives_them_what_waits                                                  },
    {"more reserved workers count from the next offer on",
     more_reserved_workers_count_from_the_next_offer_on                                                     },
    {"a virtual start moves a waiting task",                     a_virtual_start_moves_a_waiting_task       },
    {"another channel looks at that channel's capacity",
     another_channel_looks_at_that_channels_capacity                                                        },
    {"capacity lowered below use keeps what runs",               capacity_lowered_below_use_keeps_what_runs },
    {"a worker in a deleted activity stays as he is",
     a_worker_in_a_deleted_activity_stays_as_he_is                                                          },
    {"nobody is moved to a deleted activity",                    nobody_is_moved_to_a_deleted_activity      },
    {"idle clocks follow the channel as it is now",              idle_clocks_follow_the_channel_as_it_is_now},
    {"nothing of a mirrored workspace is kept",                  nothing_of_a_mirrored_workspace_is_kept    },
};

int main(int argc, char **argv)
{
    return testing_main("engine changes", cases, ARRAY_LEN(cases), argc, argv);
}
