/* What went wrong once: the corners where news, time, reloading and names meet. */
#include <stdio.h>

#include "testing.h"
#include "world.h"

#define Q1           "\"WQ00000000000000000000000000000001\""
#define Q2           "\"WQ00000000000000000000000000000002\""
#define DOC(f)       "{\"task_routing\":{\"filters\":[" f "]}}"
#define FILTER(e, t) "{\"expression\":\"" e "\",\"targets\":[" t "]}"

static struct engine_command *last_config(struct world *w)
{
    return w->configs[w->config_count - 1];
}

static void put_workspace(struct world *w, bool is_single_tasking)
{
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    command.workspace = (struct engine_workspace){.sid = world_sid("WS", 1),
                                                  .account_sid = world_sid("AC", 1),
                                                  .version = w->version++,
                                                  .timeout_activity_sid = world_sid("WA", 2),
                                                  .is_single_tasking = is_single_tasking};
    CHECK_I64(world_do(w, command), ERR_OK);
}

/* Queue 1 of a single-tasking workspace: offers lead to activity 3. */
static void put_single_tasking_queue(struct world *w)
{
    put_workspace(w, true);
    world_one_queue(w);
    struct engine_command command = {.kind = ENGINE_PUT_QUEUE};
    command.queue = (struct engine_queue){.sid = world_sid("WQ", 1),
                                          .workspace_sid = world_sid("WS", 1),
                                          .version = w->version++,
                                          .target_workers = STR("1==1"),
                                          .max_reserved_workers = 1,
                                          .reservation_activity_sid = world_sid("WA", 3)};
    CHECK_I64(world_do(w, command), ERR_OK);
}

static int activity_of(struct world *w, int worker)
{
    struct sid sid = world_sid("WK", worker);
    struct engine_worker_view view;
    return engine_worker_get(w->engine, &sid, &view) ? world_number(&view.activity_sid) : 0;
}

static enum err_code drop(struct world *w, enum engine_command_kind kind, struct sid sid)
{
    struct engine_command command = {.kind = kind};
    command.ref = (struct engine_ref){sid, world_sid("WS", 1)};
    return world_do(w, command);
}

static void a_reserved_task_that_the_new_document_does_not_take_stays_on_the_old_one(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(&w, 1, 1, DOC(FILTER("a == 1", "{\"queue\":" Q1 ",\"timeout\":100}")));
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{\"a\":1}");
    world_workflow_again(&w, 1, 2, DOC(FILTER("a == 2", "{\"queue\":" Q1 "}")));
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    struct task_row row = world_task(&w, &task);
    CHECK_I64(row.workflow_version, 1);
    CHECK_I64(row.filter_index, 0);
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_wait(&w, 200); /* the offer outlasts the step */
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    world_fini(&w);
}

/* The engine comes back with document 2 only, while the task is reserved under document 1. */
static struct sid lose_document(struct world *w, const char *second)
{
    world_queue(w, 1, "1==1");
    world_queue(w, 2, "1==1");
    world_worker(w, 1, "{}", 1);
    world_workflow(w, 1, 1, DOC(FILTER("a == 1", "{\"queue\":" Q1 ",\"timeout\":100}")));
    struct engine_command *first = last_config(w);
    struct sid task = world_create(w, "{\"a\":1}");
    world_workflow(w, 1, 2, second);
    *first = *last_config(w);
    world_reload(w);
    CHECK_TEXT(world_task_state(w, &task), "reserved");
    return task;
}

static void a_reserved_task_without_its_document_is_driven_through_the_current_one(void)
{
    struct world w;
    world_init(&w);
    struct sid task = lose_document(&w, DOC(FILTER("a == 1", "{\"queue\":" Q2 "}")));
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    struct task_row row = world_task(&w, &task);
    CHECK_I64(world_number(&row.queue_sid), 2);
    world_fini(&w);
    world_init(&w);
    task = lose_document(&w, DOC(FILTER("a == 2", "{\"queue\":" Q2 "}")));
    offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &task), "canceled"); /* not waiting nowhere for ever */
    world_fini(&w);
}

static void a_renamed_worker_is_no_longer_known_by_his_old_name(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"known_worker_friendly_name\":\"task.agent\"}")));
    world_worker(&w, 1, "{}", 2);
    struct sid task = world_create(&w, "{\"agent\":\"Worker 1\"}");
    struct engine_command command = *last_config(&w);
    for (size_t i = 0; i < w.config_count; i++) {
        if (w.configs[i]->kind == ENGINE_PUT_WORKER)
            command = *w.configs[i];
    }
    command.worker.version = w.version++;
    command.worker.name = STR("Somebody else");
    command.worker.activity_sid = world_sid("WA", 1);
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_I64(world_offered_to(&w, &task), 0);
    command.worker.version = w.version++;
    command.worker.name = STR("WORKER 1");
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_fini(&w);
}

static void a_task_whose_life_is_over_is_not_offered_to_who_becomes_free_then(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct engine_create create = {.has_timeout = true, .timeout_s = 50};
    struct sid held = world_create_with(&w, &create);
    create.timeout_s = 60;
    struct sid waiting = world_create_with(&w, &create);
    (void)world_events(&w);
    world_wait(&w, 100); /* both are due, and the first one's end frees the worker */
    CHECK_TEXT(world_events(&w), "task.canceled reservation.canceled task.canceled");
    CHECK_TEXT(world_task_state(&w, &held), "canceled");
    CHECK_TEXT(world_task_state(&w, &waiting), "canceled");
    world_fini(&w);
}

static void steps_that_end_together_are_matched_by_priority(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==2");
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":10},{\"queue\":" Q2 "}")));
    world_worker(&w, 1, "{}", 1);
    struct sid low = world_create(&w, "{}");
    struct sid high = world_create_priority(&w, "{}", 9);
    world_wait(&w, 10);
    CHECK_I64(world_offered_to(&w, &high), 1);
    CHECK_I64(world_offered_to(&w, &low), 0);
    world_fini(&w);
}

static void what_ran_out_while_the_engine_was_down_is_not_offered(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 2);
    struct engine_create create = {.has_timeout = true, .timeout_s = 60};
    struct sid task = world_create_with(&w, &create);
    last_config(&w)->worker.activity_sid = world_sid("WA", 1);
    (void)world_events(&w);
    w.now_us += INT64_C(100000000);
    world_reload(&w);
    CHECK_TEXT(world_events(&w), "task.canceled");
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    world_fini(&w);
}

static void re_evaluation_needs_no_new_document(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 1, 1, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
    struct sid task = world_create(&w, "{}");
    const char *second = DOC(FILTER("1==1", "{\"queue\":" Q2 "}"));
    world_workflow(&w, 1, 2, second);
    struct task_row row = world_task(&w, &task);
    CHECK_I64(world_number(&row.queue_sid), 1);
    world_workflow_again(&w, 1, 2, second); /* the same document, told with ReEvaluateTasks */
    row = world_task(&w, &task);
    CHECK_I64(world_number(&row.queue_sid), 2);
    world_fini(&w);
}

static void old_news_does_not_bring_back_what_was_deleted(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct engine_command workflow = *w.configs[w.config_count - 1];
    struct engine_command queue = *w.configs[w.config_count - 2];
    world_worker_with(&w, 1, "{}", 1, 2, false);
    struct engine_command worker = *last_config(&w);
    struct sid held = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &held);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(drop(&w, ENGINE_DELETE_WORKER, world_sid("WK", 1)), ERR_OK);
    CHECK_I64(drop(&w, ENGINE_DELETE_QUEUE, world_sid("WQ", 1)), ERR_OK);
    CHECK_I64(drop(&w, ENGINE_DELETE_WORKFLOW, world_sid("WW", 1)), ERR_OK);
    CHECK_I64(world_do(&w, worker), ERR_OK);
    CHECK_I64(world_do(&w, queue), ERR_OK);
    CHECK_I64(world_do(&w, workflow), ERR_OK);
    CHECK_I64(engine_config_version(w.engine, &worker.worker.sid), 0);
    CHECK_I64(engine_config_version(w.engine, &queue.queue.sid), 0);
    CHECK_I64(engine_config_version(w.engine, &workflow.workflow.sid), 0);
    world_fini(&w);
}

static void a_channel_left_out_has_capacity_one_again(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker_with(&w, 1, "{}", 1, 5, false);
    struct engine_command command = *last_config(&w);
    command.worker.version = w.version++;
    command.worker.channel_count = 0;
    CHECK_I64(world_do(&w, command), ERR_OK);
    struct sid worker = world_sid("WK", 1);
    struct sid channel = world_sid("TC", 1);
    int32_t capacity = 0;
    int32_t consumed = 0;
    CHECK(engine_worker_capacity(w.engine, &worker, &channel, &capacity, &consumed));
    CHECK_I64(capacity, 1);
    world_fini(&w);
}

static void a_channel_may_be_told_after_the_workers_who_have_it(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "channel.fax.configured_capacity == 2");
    world_workflow(&w, 1, 1, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
    struct engine_worker_channel channel = {world_sid("TC", 9), 2, true};
    struct engine_command command = {.kind = ENGINE_PUT_WORKER};
    command.worker = (struct engine_worker){.sid = world_sid("WK", 1),
                                            .workspace_sid = world_sid("WS", 1),
                                            .version = w.version++,
                                            .name = STR("w"),
                                            .activity_sid = world_sid("WA", 1),
                                            .channels = &channel,
                                            .channel_count = 1};
    CHECK_I64(world_do(&w, command), ERR_OK);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &task), 0);
    command = (struct engine_command){.kind = ENGINE_PUT_CHANNEL};
    command.channel = (struct engine_channel){.sid = world_sid("TC", 9),
                                              .workspace_sid = world_sid("WS", 1),
                                              .version = w.version++,
                                              .unique_name = STR("fax")};
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_fini(&w);
}

static void a_reject_does_not_move_the_worker_to_a_deleted_activity(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(drop(&w, ENGINE_DELETE_ACTIVITY, world_sid("WA", 3)), ERR_OK);
    struct engine_command command = {.kind = ENGINE_REJECT_RESERVATION};
    command.action = (struct engine_action){.sid = world_last_offer(&w, &task),
                                            .workspace_sid = world_sid("WS", 1),
                                            .activity_sid = world_sid("WA", 3)};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.reason, "ACTIVITY_NOT_FOUND");
    CHECK_TEXT(world_task_state(&w, &task), "reserved");
    world_fini(&w);
}

static void a_timeout_beyond_time_is_never(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct engine_command command = *last_config(&w);
    command.workflow.version = w.version++;
    command.workflow.task_reservation_timeout_s = INT64_MAX;
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    world_wait(&w, 86399);
    CHECK_TEXT(world_task_state(&w, &task), "reserved");
    world_wait(&w, 1); /* the task's life still ends */
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    world_fini(&w);
}

static void a_deleted_worker_is_not_moved_any_more(void)
{
    struct world w;
    world_init(&w);
    put_single_tasking_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(activity_of(&w, 1), 3);
    CHECK_I64(drop(&w, ENGINE_DELETE_WORKER, world_sid("WK", 1)), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    CHECK(!sid_is_set(&w.overrides[0].activity_sid));
    world_fini(&w);
}

static void a_reload_remembers_where_a_single_tasking_worker_was(void)
{
    struct world w;
    world_init(&w);
    put_single_tasking_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(activity_of(&w, 1), 3);
    world_worker(&w, 1, "{}", 3); /* workers-svc has followed */
    world_reload(&w);
    CHECK_I64(activity_of(&w, 1), 3);
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &task), ERR_OK);
    CHECK_TEXT(world_reservation_state(&w, &offer), "canceled");
    CHECK_I64(activity_of(&w, 1), 1);
    world_fini(&w);
}

static void an_offer_does_not_take_back_where_a_worker_went_himself(void)
{
    struct world w;
    world_init(&w);
    put_single_tasking_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    world_worker(&w, 1, "{}", 2); /* off he goes */
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(activity_of(&w, 1), 2);
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    world_fini(&w);
}

static void an_offer_to_a_worker_who_is_gone_after_loading_is_canceled(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    w.config_count--; /* the worker */
    world_reload(&w);
    CHECK_TEXT(world_reservation_state(&w, &offer), "canceled");
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    world_worker(&w, 2, "{}", 1);
    CHECK_I64(world_offered_to(&w, &task), 2);
    world_fini(&w);
}

static void however_many_timers_are_due_a_batch_stays_bounded(void)
{
    enum { TASKS = 30000 };
    struct world w;
    struct err err;
    world_init(&w);
    world_one_queue(&w);
    for (int i = 0; i < TASKS; i++) {
        struct engine_command command = {.kind = ENGINE_CREATE_TASK};
        command.create.workspace_sid = world_sid("WS", 1);
        CHECK_I64(engine_apply(w.engine, &command, w.now_us, &w.effects, &err), ERR_OK);
        engine_effects_reset(&w.effects);
    }
    int64_t now_us = w.now_us + INT64_C(86400000000);
    size_t batches = 0;
    while (engine_next_timer_us(w.engine) <= now_us) {
        engine_tick(w.engine, now_us, &w.effects);
        CHECK(w.effects.count > 0 && w.effects.count < 50000);
        engine_effects_reset(&w.effects);
        batches++;
    }
    CHECK_I64(batches, 2);
    struct engine_stats stats;
    engine_stats_get(w.engine, &stats);
    CHECK_I64(stats.tasks_waiting, 0);
    world_fini(&w);
}

/* Every task wants something of its own of every worker. */
static void classes_kept_for_later_stay_within_bounds(void)
{
    enum { WORKERS = 300, TASKS = 600 };
    struct world w;
    struct err err;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"expression\":\"worker.level >= task.n\"}")));
    for (int i = 1; i <= WORKERS; i++)
        world_worker(&w, i, "{\"level\":10000}", 1);
    for (int i = 0; i < TASKS; i++) {
        char attributes[32];
        (void)snprintf(attributes, sizeof attributes, "{\"n\":%d}", i);
        struct engine_command command = {.kind = ENGINE_CREATE_TASK};
        command.create = (struct engine_create){.workspace_sid = world_sid("WS", 1),
                                                .attributes = str_from(attributes)};
        CHECK_I64(engine_apply(w.engine, &command, w.now_us, &w.effects, &err), ERR_OK);
        command = (struct engine_command){.kind = ENGINE_CANCEL_TASK};
        command.action = (struct engine_action){
            .sid = w.effects.subject, .workspace_sid = world_sid("WS", 1), .reason = STR("enough")};
        CHECK_I64(engine_apply(w.engine, &command, w.now_us, &w.effects, &err), ERR_OK);
        engine_effects_reset(&w.effects);
    }
    struct engine_stats stats;
    engine_stats_get(w.engine, &stats);
    CHECK(stats.idle_members > 0 && stats.idle_members <= 65536 + 32 * WORKERS);
    CHECK(stats.classes <= stats.idle_members / WORKERS + 1);
    world_fini(&w);
}

static void a_clock_that_goes_back_is_taken_as_standing_still(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_wait(&w, 100);
    int64_t latest_us = w.now_us;
    w.now_us -= INT64_C(50000000);
    struct sid task = world_create(&w, "{}");
    struct task_row row = world_task(&w, &task);
    CHECK_I64(row.created_at_us, latest_us);
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"a reserved task that the new document does not take stays on the old one",
     a_reserved_task_that_the_new_document_does_not_take_stays_on_the_old_one                                             },
    {"a reserved task without its document is driven through the current one",
     a_reserved_task_without_its_document_is_driven_through_the_current_one                                               },
    {"a renamed worker is no longer known by his old name",
     a_renamed_worker_is_no_longer_known_by_his_old_name                                                                  },
    {"a task whose life is over is not offered to who becomes free then",
     a_task_whose_life_is_over_is_not_offered_to_who_becomes_free_then                                                    },
    {"steps that end together are matched by priority",
     steps_that_end_together_are_matched_by_priority                                                                      },
    {"what ran out while the engine was down is not offered",
     what_ran_out_while_the_engine_was_down_is_not_offered                                                                },
    {"re-evaluation needs no new document",                                      re_evaluation_needs_no_new_document      },
    {"old news does not bring back what was deleted",
     old_news_does_not_bring_back_what_was_deleted                                                                        },
    {"a channel left out has capacity one again",                                a_channel_left_out_has_capacity_one_again},
    {"a channel may be told after the workers who have it",
     a_channel_may_be_told_after_the_workers_who_have_it                                                                  },
    {"a reject does not move the worker to a deleted activity",
     a_reject_does_not_move_the_worker_to_a_deleted_activity                                                              },
    {"a timeout beyond time is never",                                           a_timeout_beyond_time_is_never           },
    {"a deleted worker is not moved any more",                                   a_deleted_worker_is_not_moved_any_more   },
    {"a reload remembers where a single-tasking worker was",
     a_reload_remembers_where_a_single_tasking_worker_was                                                                 },
    {"an offer does not take back where a worker went himself",
     an_offer_does_not_take_back_where_a_worker_went_himself                                                              },
    {"an offer to a worker who is gone after loading is canceled",
     an_offer_to_a_worker_who_is_gone_after_loading_is_canceled                                                           },
    {"however many timers are due, a batch stays bounded",
     however_many_timers_are_due_a_batch_stays_bounded                                                                    },
    {"classes kept for later stay within bounds",                                classes_kept_for_later_stay_within_bounds},
    {"a clock that goes back is taken as standing still",
     a_clock_that_goes_back_is_taken_as_standing_still                                                                    },
};

int main(int argc, char **argv)
{
    return testing_main("engine edges", cases, ARRAY_LEN(cases), argc, argv);
}
