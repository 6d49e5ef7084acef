/* What the simulator found (tests/sim): each case failed before its fix. */
#include "testing.h"
#include "world.h"

#define Q1           "\"WQ00000000000000000000000000000001\""
#define DOC(f)       "{\"task_routing\":{\"filters\":[" f "]}}"
#define FILTER(e, t) "{\"expression\":\"" e "\",\"targets\":[" t "]}"

static void put_break(struct world *w, bool is_available)
{
    struct engine_command command = {.kind = ENGINE_PUT_ACTIVITY};
    command.activity = (struct engine_activity){.sid = world_sid("WA", 3),
                                                .workspace_sid = world_sid("WS", 1),
                                                .version = w->version++,
                                                .name = STR("Break"),
                                                .is_available = is_available};
    CHECK_I64(world_do(w, command), ERR_OK);
}

static struct sid create_in(struct world *w, int queue, int64_t priority)
{
    struct engine_create create = {.workspace_sid = world_sid("WS", 1),
                                   .queue_sid = world_sid("WQ", queue),
                                   .has_priority = true,
                                   .priority = priority};
    return world_create_with(w, &create);
}

static void of_those_who_become_free_together_each_gets_what_goes_first_for_him(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "level > 0");
    world_queue(&w, 2, "team == 1");
    world_worker(&w, 1, "{\"level\":1}", 1);
    struct sid first = create_in(&w, 1, 0);
    struct sid offer = world_last_offer(&w, &first);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_RESERVATION, &offer), ERR_OK);
    world_worker(&w, 1, "{\"level\":1}", 3);
    world_worker(&w, 2, "{\"level\":1,\"team\":1}", 3);
    struct sid low = create_in(&w, 1, 1);
    struct sid high = create_in(&w, 2, 5);
    put_break(&w, true);
    /* Worker 2 never had an offer, so he goes first for both tasks; he is wanted more by one. */
    CHECK_I64(world_offered_to(&w, &high), 2);
    CHECK_I64(world_offered_to(&w, &low), 1);
    world_fini(&w);
}

static void a_step_that_only_ends_at_another_time_is_written(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("kind == 1", "{\"queue\":" Q1 ",\"timeout\":10}") "," FILTER(
                       "kind >= 1", "{\"queue\":" Q1 ",\"timeout\":60}")));
    struct sid task = world_create(&w, "{\"kind\":2}");
    world_wait(&w, 20);
    CHECK_I64(world_update(&w, &task, "{\"kind\":1}"), ERR_OK);
    struct task_row before = world_task(&w, &task);
    world_reload(&w);
    struct task_row after = world_task(&w, &task);
    CHECK_I64(before.filter_index, 1);
    CHECK_I64(before.filter_base_us, before.created_at_us + INT64_C(10000000));
    CHECK_I64(after.filter_base_us, before.filter_base_us);
    CHECK_I64(after.step_deadline_us, before.step_deadline_us);
    world_fini(&w);
}

static void a_worker_who_joins_a_queue_late_has_channel_fields(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "team == 1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1 == 1", "{\"queue\":" Q1 ",\"expression\":"
                                        "\"worker.channel.default.assigned_tasks < 1\"}")));
    world_worker(&w, 1, "{\"team\":0}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &task), 0);
    world_queue(&w, 1, "1==1");
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"of those who become free together each gets what goes first for him",
     of_those_who_become_free_together_each_gets_what_goes_first_for_him},
    {"a step that only ends at another time is written",
     a_step_that_only_ends_at_another_time_is_written                   },
    {"a worker who joins a queue late has channel fields",
     a_worker_who_joins_a_queue_late_has_channel_fields                 },
};

int main(int argc, char **argv)
{
    return testing_main("engine found", cases, ARRAY_LEN(cases), argc, argv);
}
