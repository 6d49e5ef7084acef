/* Which queue, which worker, which task: workflows and matching. */
#include "testing.h"
#include "world.h"

#define Q1           "\"WQ00000000000000000000000000000001\""
#define Q2           "\"WQ00000000000000000000000000000002\""
#define Q3           "\"WQ00000000000000000000000000000003\""
#define DOC(f)       "{\"task_routing\":{\"filters\":[" f "]}}"
#define DOC_D(f, d)  "{\"task_routing\":{\"filters\":[" f "],\"default_filter\":{" d "}}}"
#define FILTER(e, t) "{\"filter_friendly_name\":\"f\",\"expression\":\"" e "\",\"targets\":[" t "]}"

static int queue_of(struct world *w, const struct sid *task)
{
    struct task_row row = world_task(w, task);
    return world_number(&row.queue_sid);
}

static long long priority_of(struct world *w, const struct sid *task)
{
    return (long long)world_task(w, task).priority;
}

static void the_first_filter_that_is_true_takes_the_task(void)
{
    struct world w;
    world_init(&w);
    world_workflow(
        &w, 1, 1,
        DOC_D(
            FILTER("task.department == 'permits'", "{\"queue\":" Q1 ",\"priority\":50}") "," FILTER(
                "department == 'emergency'", "{\"queue\":" Q2 ",\"priority\":\"100\"}"),
            "\"queue\":" Q3));
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "1==1");
    world_queue(&w, 3, "1==1");
    struct sid permits = world_create(&w, "{\"department\":\"permits\"}");
    struct sid emergency = world_create(&w, "{\"department\":\"emergency\"}");
    struct sid other = world_create_priority(&w, "{\"department\":\"x\"}", 7);
    CHECK_I64(queue_of(&w, &permits), 1);
    CHECK_I64(priority_of(&w, &permits), 50);
    CHECK_I64(queue_of(&w, &emergency), 2);
    CHECK_I64(priority_of(&w, &emergency), 100);
    CHECK_I64(queue_of(&w, &other), 3);
    CHECK_I64(priority_of(&w, &other), 7);
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_offered_to(&w, &emergency), 1);
    world_fini(&w);
}

static void a_task_that_no_filter_takes_is_refused(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(&w, 1, 1, DOC(FILTER("a == 1", "{\"queue\":" Q1 "}")));
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){.workspace_sid = world_sid("WS", 1)};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.reason, "NO_TARGET");
    struct sid task = world_create(&w, "{\"a\":1}");
    CHECK_I64(world_update(&w, &task, "{\"a\":2}"), ERR_INVALID_ARGUMENT);
    world_fini(&w);
}

static void targets_follow_each_other_by_cumulative_timeouts(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":10},{\"queue\":" Q2
                                      ",\"timeout\":\"10\",\"priority\":3},{\"timeout\":5}")));
    struct sid task = world_create(&w, "{}");
    (void)world_events(&w);
    world_wait(&w, 10);
    CHECK_TEXT(world_events(&w), "task-queue.timeout workflow.target-matched task-queue.moved "
                                 "task-queue.entered");
    CHECK_I64(queue_of(&w, &task), 2);
    CHECK_I64(priority_of(&w, &task), 3);
    world_wait(&w, 10);
    CHECK_TEXT(world_events(&w), "task-queue.timeout workflow.target-matched");
    world_wait(&w, 5);
    CHECK_TEXT(world_events(&w), "task-queue.timeout workflow.timeout task.canceled");
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    world_fini(&w);
}

static void after_the_last_timeout_the_next_matching_filter_goes_on_but_not_the_default(void)
{
    struct world w;
    world_init(&w);
    for (int i = 1; i <= 3; i++)
        world_queue(&w, i, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC_D(FILTER("a == 1", "{\"queue\":" Q1 ",\"timeout\":10}") "," FILTER(
                  "a == 2", "{\"queue\":" Q3 "}") "," FILTER("a == 1",
                                                             "{\"queue\":" Q2 ",\"timeout\":10}"),
              "\"queue\":" Q3));
    struct sid task = world_create(&w, "{\"a\":1}");
    world_wait(&w, 10);
    CHECK_I64(queue_of(&w, &task), 2);
    world_wait(&w, 9);
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    world_wait(&w, 1);
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    world_fini(&w);
}

static void after_a_failed_offer_the_task_stays_in_its_step_while_there_is_time(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":100},{\"queue\":" Q2 "}")));
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    world_wait(&w, 50);
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(queue_of(&w, &task), 1);
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_wait(&w, 60); /* the step's time passes while the offer is open */
    CHECK_TEXT(world_task_state(&w, &task), "reserved");
    CHECK_I64(queue_of(&w, &task), 1);
    offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(queue_of(&w, &task), 2);
    world_fini(&w);
}

static void skip_if_leaves_a_step_only_when_nobody_could_be_reserved(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "team == 1");
    world_queue(&w, 2, "team == 2");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("1==1", "{\"queue\":" Q1
                           ",\"skip_if\":\"workers.available == 0\"},{\"queue\":" Q2 "}")));
    struct sid skipped = world_create(&w, "{}");
    CHECK_I64(queue_of(&w, &skipped), 2);
    CHECK_TEXT(world_events(&w),
               "task.created workflow.entered workflow.target-matched task-queue.entered "
               "workflow.target-matched task-queue.moved task-queue.entered");
    world_worker(&w, 1, "{\"team\":1}", 1);
    struct sid served = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &served), 1);
    struct sid waits = world_create(&w, "{}"); /* one is available, though busy */
    CHECK_I64(queue_of(&w, &waits), 1);
    world_fini(&w);
}

static void skipping_out_of_the_last_filter_allows_the_default(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 3, "1==1");
    const char *filter =
        DOC_D(FILTER("1==1", "{\"queue\":" Q1 ",\"skip_if\":\"1==1\"}"), "\"queue\":" Q3);
    world_workflow(&w, 1, 1, filter);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(queue_of(&w, &task), 3);
    world_workflow(&w, 1, 2, DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"skip_if\":\"1==1\"}")));
    (void)world_events(&w);
    task = world_create(&w, "{}");
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    CHECK(strstr(world_events(&w), "workflow.skipped task.canceled") != NULL);
    world_fini(&w);
}

static void the_target_expression_compares_task_and_worker(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"expression\":\"task.lang IN worker.langs\"}")));
    world_worker(&w, 1, "{\"langs\":[\"en\"]}", 1);
    world_worker(&w, 2, "{\"langs\":[\"de\",\"fr\"]}", 1);
    struct sid french = world_create(&w, "{\"lang\":\"fr\"}");
    struct sid czech = world_create(&w, "{\"lang\":\"cs\"}");
    struct sid english = world_create(&w, "{\"lang\":\"en\"}");
    CHECK_I64(world_offered_to(&w, &french), 2);
    CHECK_I64(world_offered_to(&w, &czech), 0);
    CHECK_I64(world_offered_to(&w, &english), 1); /* not blocked by the one before */
    world_worker(&w, 3, "{\"langs\":[]}", 1);
    CHECK_I64(world_offered_to(&w, &czech), 0);
    world_worker(&w, 3, "{\"langs\":[\"cs\"]}", 1);
    CHECK_I64(world_offered_to(&w, &czech), 3);
    world_fini(&w);
}

static void the_class_follows_the_workers_activity_and_channel_use(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("1==1", "{\"queue\":" Q1
                           ",\"expression\":\"worker.channel.default.assigned_tasks == 0 AND "
                           "worker.activity_name == 'Available'\"}")));
    world_worker_with(&w, 1, "{}", 2, 3, false);
    struct sid first = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &first), 0);
    world_worker_with(&w, 1, "{}", 1, 3, false);
    CHECK_I64(world_offered_to(&w, &first), 1);
    struct sid offer = world_offer(&w, &first, 0);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    struct sid second = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &second), 0);
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &first), ERR_OK);
    CHECK_I64(world_offered_to(&w, &second), 1);
    world_fini(&w);
}

static void order_by_comes_before_idle_time(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"order_by\":\"worker.level DESC\"}")));
    world_worker(&w, 1, "{}", 1);
    world_worker(&w, 2, "{\"level\":3}", 1);
    world_worker(&w, 3, "{\"level\":5}", 1);
    static const int want[] = {3, 2, 1};
    for (int i = 0; i < 3; i++) {
        struct sid task = world_create(&w, "{}");
        CHECK_I64(world_offered_to(&w, &task), want[i]);
        CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &task), ERR_OK);
        world_worker(&w, want[i], "{}", 3);
    }
    for (int i = 0; i < 3; i++)
        world_worker(&w, want[i], want[i] == 2 ? "{\"level\":\"high\"}" : "{\"level\":1}", 1);
    struct sid task = world_create(&w, "{}"); /* a text: the order is ignored */
    CHECK_I64(world_offered_to(&w, &task), 3);
    world_fini(&w);
}

static void the_worker_longest_without_an_offer_goes_first(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    for (int i = 1; i <= 3; i++)
        world_worker(&w, i, "{}", 1);
    for (int i = 0; i < 9; i++) {
        struct sid task = world_create(&w, "{}");
        CHECK_I64(world_offered_to(&w, &task), i % 3 + 1);
        CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &task), ERR_OK);
    }
    world_fini(&w);
}

static void priority_goes_before_age_and_age_before_arrival(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct sid young = world_create(&w, "{}");
    struct engine_create create = {.virtual_start_us = w.now_us - 1000000};
    struct sid old = world_create_with(&w, &create);
    struct sid urgent = world_create_priority(&w, "{}", 1);
    const struct sid *want[] = {&urgent, &old, &young};
    world_worker_with(&w, 1, "{}", 1, 1, false);
    for (int i = 0; i < 3; i++) {
        CHECK_I64(world_offered_to(&w, want[i]), 1);
        CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, want[i]), ERR_OK);
    }
    world_fini(&w);
}

static void a_lifo_queue_takes_the_newest_and_ignores_priority(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_queue_with(&w, 1, "1==1", 1, true);
    struct sid first = world_create_priority(&w, "{}", 9);
    world_wait(&w, 1);
    struct sid second = world_create(&w, "{}");
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_offered_to(&w, &second), 1);
    CHECK_I64(world_offered_to(&w, &first), 0);
    world_fini(&w);
}

static void a_queue_with_an_empty_target_matches_nobody(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_queue(&w, 1, "");
    world_worker(&w, 1, "{\"a\":1}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &task), 0);
    world_queue(&w, 1, "a == 2");
    CHECK_I64(world_offered_to(&w, &task), 0);
    world_queue(&w, 1, "a == 1 AND sid == 'WK00000000000000000000000000000001'");
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_fini(&w);
}

static void capacity_counts_per_worker_and_channel(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker_with(&w, 1, "{}", 1, 2, false);
    struct sid tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &tasks[0]), 1);
    CHECK_I64(world_offered_to(&w, &tasks[1]), 1);
    CHECK_I64(world_offered_to(&w, &tasks[2]), 0);
    struct engine_create create = {.channel = STR("voice")};
    struct sid call = world_create_with(&w, &create);
    CHECK_I64(world_offered_to(&w, &call), 1);
    world_worker_with(&w, 1, "{}", 1, 0, false); /* lowered: what is there stays */
    CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &tasks[0]), ERR_OK);
    CHECK_I64(world_offered_to(&w, &tasks[2]), 0);
    CHECK_TEXT(world_task_state(&w, &tasks[1]), "reserved");
    world_worker_with(&w, 1, "{}", 1, 2, false);
    CHECK_I64(world_offered_to(&w, &tasks[2]), 1);
    world_fini(&w);
}

static void a_known_worker_alone_is_asked(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("k == 1", "{\"queue\":" Q1 ",\"known_worker_sid\":\"task.agent\"}") "," FILTER(
            "k == 2", "{\"queue\":" Q1 ",\"known_worker_friendly_name\":\"task.agent\"}")));
    world_worker(&w, 1, "{}", 1);
    world_worker(&w, 2, "{}", 1);
    struct sid by_sid =
        world_create(&w, "{\"k\":1,\"agent\":\"WK00000000000000000000000000000002\"}");
    CHECK_I64(world_offered_to(&w, &by_sid), 2);
    struct sid nobody = world_create(&w, "{\"k\":1}");
    CHECK_I64(world_offered_to(&w, &nobody), 0);
    struct sid later =
        world_create(&w, "{\"k\":1,\"agent\":\"WK00000000000000000000000000000003\"}");
    struct sid by_name = world_create(&w, "{\"k\":2,\"agent\":\"worker 1\"}");
    CHECK_I64(world_offered_to(&w, &by_name), 1);
    world_worker(&w, 3, "{}", 1);
    CHECK_I64(world_offered_to(&w, &later), 3);
    world_fini(&w);
}

static void a_task_may_be_routed_to_a_worker_or_a_queue_directly(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_worker(&w, 1, "{}", 2); /* offline */
    struct engine_create create = {.routing_target = world_sid("WK", 1)};
    struct sid forced = world_create_with(&w, &create);
    CHECK_TEXT(world_events(&w), "task.created reservation.created");
    CHECK_I64(world_offered_to(&w, &forced), 1);
    create.has_ignore_capacity = true;
    struct sid polite = world_create_with(&w, &create);
    CHECK_I64(world_offered_to(&w, &polite), 0);
    create = (struct engine_create){.routing_target = world_sid("WQ", 1)};
    struct sid queued = world_create_with(&w, &create);
    CHECK_TEXT(world_events(&w), "task.created task.created task-queue.entered");
    CHECK_I64(queue_of(&w, &queued), 1);
    struct sid offer = world_offer(&w, &forced, 0);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &forced), ERR_OK);
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_offered_to(&w, &polite), 1);
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){.workspace_sid = world_sid("WS", 1),
                                            .routing_target = world_sid("WQ", 1),
                                            .has_ignore_capacity = true,
                                            .ignore_capacity = true};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.field, "ignore_capacity");
    world_fini(&w);
}

static void new_attributes_drive_a_pending_task_anew(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 1, 1,
                   DOC_D(FILTER("a == 1", "{\"queue\":" Q1 ",\"priority\":1}"), "\"queue\":" Q2));
    struct sid task = world_create(&w, "{\"a\":1}");
    (void)world_events(&w);
    CHECK_I64(world_update(&w, &task, "{\"a\":1,\"b\":2}"), ERR_OK);
    CHECK_TEXT(world_events(&w), "task.updated");
    CHECK_I64(world_update(&w, &task, "{\"a\":2}"), ERR_OK);
    CHECK_TEXT(world_events(&w),
               "task.updated workflow.target-matched task-queue.moved task-queue.entered");
    CHECK_I64(queue_of(&w, &task), 2);
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_update(&w, &task, "{\"a\":1}"), ERR_OK); /* reserved: later */
    CHECK_I64(queue_of(&w, &task), 2);
    world_reload(&w);
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(queue_of(&w, &task), 1);
    world_fini(&w);
}

static void a_new_priority_moves_a_task_ahead(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct sid first = world_create(&w, "{}");
    struct sid second = world_create(&w, "{}");
    struct engine_command command = {.kind = ENGINE_UPDATE_TASK};
    command.update = (struct engine_update){
        .sid = second, .workspace_sid = world_sid("WS", 1), .has_priority = true, .priority = 5};
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_offered_to(&w, &second), 1);
    CHECK_I64(world_offered_to(&w, &first), 0);
    world_fini(&w);
}

static void waiting_tasks_keep_their_document_unless_re_evaluated(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":10},{\"queue\":" Q1 "}")));
    struct sid old = world_create(&w, "{}");
    world_workflow(&w, 1, 2, DOC(FILTER("1==1", "{\"queue\":" Q2 "}")));
    struct sid fresh = world_create(&w, "{}");
    CHECK_I64(queue_of(&w, &old), 1);
    CHECK_I64(queue_of(&w, &fresh), 2);
    struct engine_stats stats;
    engine_stats_get(w.engine, &stats);
    CHECK_I64(stats.documents, 2);
    world_reload(&w);
    world_wait(&w, 10);
    struct task_row row = world_task(&w, &old);
    CHECK_I64(row.workflow_version, 1);
    CHECK_I64(row.target_index, 1);
    world_workflow_again(&w, 1, 3, DOC(FILTER("1==1", "{\"queue\":" Q2 ",\"priority\":4}")));
    CHECK_I64(queue_of(&w, &old), 2);
    CHECK_I64(priority_of(&w, &old), 4);
    engine_stats_get(w.engine, &stats);
    CHECK_I64(stats.documents, 1);
    world_fini(&w);
}

static void between_fifo_and_lifo_queues_the_workspace_decides(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue_with(&w, 2, "1==1", 1, true);
    struct engine_create create = {.routing_target = world_sid("WQ", 2)};
    struct sid lifo = world_create_with(&w, &create);
    create.routing_target = world_sid("WQ", 1);
    struct sid fifo = world_create_with(&w, &create);
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_offered_to(&w, &fifo), 1);
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    command.workspace = (struct engine_workspace){.sid = world_sid("WS", 1),
                                                  .account_sid = world_sid("AC", 1),
                                                  .version = w.version++,
                                                  .timeout_activity_sid = world_sid("WA", 2),
                                                  .is_lifo_first = true};
    CHECK_I64(world_do(&w, command), ERR_OK);
    struct sid more = world_create_with(&w, &create);
    CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &fifo), ERR_OK);
    CHECK_I64(world_offered_to(&w, &lifo), 1);
    CHECK_I64(world_offered_to(&w, &more), 0);
    world_fini(&w);
}

static void single_tasking_moves_the_worker_through_the_queues_activities(void)
{
    struct world w;
    world_init(&w);
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    command.workspace = (struct engine_workspace){.sid = world_sid("WS", 1),
                                                  .account_sid = world_sid("AC", 1),
                                                  .version = w.version++,
                                                  .timeout_activity_sid = world_sid("WA", 2),
                                                  .is_single_tasking = true};
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_one_queue(&w);
    command = (struct engine_command){.kind = ENGINE_PUT_QUEUE};
    command.queue = (struct engine_queue){.sid = world_sid("WQ", 1),
                                          .workspace_sid = world_sid("WS", 1),
                                          .version = w.version++,
                                          .target_workers = STR("1==1"),
                                          .max_reserved_workers = 1,
                                          .reservation_activity_sid = world_sid("WA", 3),
                                          .assignment_activity_sid = world_sid("WA", 2)};
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_worker_with(&w, 1, "{}", 1, 5, false);
    struct sid task = world_create(&w, "{}");
    struct sid worker = world_sid("WK", 1);
    struct engine_worker_view view;
    CHECK(engine_worker_get(w.engine, &worker, &view));
    CHECK_I64(world_number(&view.activity_sid), 3);
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_offered_to(&w, &task), 1); /* restored, and asked again */
    offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK(engine_worker_get(w.engine, &worker, &view));
    CHECK_I64(world_number(&view.activity_sid), 2);
    world_fini(&w);
}

static void channel_optimized_routing_has_an_idle_clock_per_channel(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker_with(&w, 1, "{}", 1, 5, false);
    world_worker_with(&w, 2, "{}", 1, 5, false);
    struct engine_create voice = {.channel = STR("voice")};
    struct sid task = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &task), 1);
    struct engine_command command = {.kind = ENGINE_PUT_CHANNEL};
    command.channel = (struct engine_channel){.sid = world_sid("TC", 2),
                                              .workspace_sid = world_sid("WS", 1),
                                              .version = w.version++,
                                              .unique_name = STR("voice"),
                                              .is_optimized = true};
    CHECK_I64(world_do(&w, command), ERR_OK);
    struct sid call = world_create_with(&w, &voice);
    CHECK_I64(world_offered_to(&w, &call), 1); /* neither has had a call */
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"the first filter that is true takes the task",                                 the_first_filter_that_is_true_takes_the_task},
    {"a task that no filter takes is refused",                                       a_task_that_no_filter_takes_is_refused      },
    {"targets follow each other by cumulative timeouts",
     targets_follow_each_other_by_cumulative_timeouts                                                                            },
    {"after the last timeout the next matching filter goes on, but not the default",
     after_the_last_timeout_the_next_matching_filter_goes_on_but_not_the_default                                                 },
    {"after a failed offer the task stays in its step while there is time",
     after_a_failed_offer_the_task_stays_in_its_step_while_there_is_time                                                         },
    {"skip_if leaves a step only when nobody could be reserved",
     skip_if_leaves_a_step_only_when_nobody_could_be_reserved                                                                    },
    {"skipping out of the last filter allows the default",
     skipping_out_of_the_last_filter_allows_the_default                                                                          },
    {"the target expression compares task and worker",
     the_target_expression_compares_task_and_worker                                                                              },
    {"the class follows the worker's activity and channel use",
     the_class_follows_the_workers_activity_and_channel_use                                                                      },
    {"order_by comes before idle time",                                              order_by_comes_before_idle_time             },
    {"the worker longest without an offer goes first",
     the_worker_longest_without_an_offer_goes_first                                                                              },
    {"priority goes before age and age before arrival",
     priority_goes_before_age_and_age_before_arrival                                                                             },
    {"a LIFO queue takes the newest and ignores priority",
     a_lifo_queue_takes_the_newest_and_ignores_priority                                                                          },
    {"a queue with an empty target matches nobody",                                  a_queue_with_an_empty_target_matches_nobody },
    {"capacity counts per worker and channel",                                       capacity_counts_per_worker_and_channel      },
    {"a known worker alone is asked",                                                a_known_worker_alone_is_asked               },
    {"a task may be routed to a worker or a queue directly",
     a_task_may_be_routed_to_a_worker_or_a_queue_directly                                                                        },
    {"new attributes drive a pending task anew",                                     new_attributes_drive_a_pending_task_anew    },
    {"a new priority moves a task ahead",                                            a_new_priority_moves_a_task_ahead           },
    {"waiting tasks keep their document unless re-evaluated",
     waiting_tasks_keep_their_document_unless_re_evaluated                                                                       },
    {"between FIFO and LIFO queues the workspace decides",
     between_fifo_and_lifo_queues_the_workspace_decides                                                                          },
    {"single-tasking moves the worker through the queue's activities",
     single_tasking_moves_the_worker_through_the_queues_activities                                                               },
    {"channel-optimized routing has an idle clock per channel",
     channel_optimized_routing_has_an_idle_clock_per_channel                                                                     },
};

int main(int argc, char **argv)
{
    return testing_main("engine route", cases, ARRAY_LEN(cases), argc, argv);
}
