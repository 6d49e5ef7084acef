/* Rows of the reference's sections 5 to 9 and of the README's choices, where the other tests would
 * not notice the half of a rule: each case fails when one condition of the engine is left out. */
#include "base/clock.h"
#include "engine/explain.h"
#include "testing.h"
#include "world.h"

#define Q1           "\"WQ00000000000000000000000000000001\""
#define Q2           "\"WQ00000000000000000000000000000002\""
#define Q3           "\"WQ00000000000000000000000000000003\""
#define DOC(f)       "{\"task_routing\":{\"filters\":[" f "]}}"
#define FILTER(e, t) "{\"expression\":\"" e "\",\"targets\":[" t "]}"
#define SKIP_IF(c)                                                                                 \
    DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"skip_if\":\"" c "\"},{\"queue\":" Q2 "}"))

static int queue_of(struct world *w, const struct sid *task)
{
    struct task_row row = world_task(w, task);
    return world_number(&row.queue_sid);
}

/* Queues 1 to 3 that take everybody, workflow 1 with this document. */
static void world_route(struct world *w, const char *text)
{
    world_init(w);
    for (int i = 1; i <= 3; i++)
        world_queue(w, i, "1==1");
    world_workflow(w, 1, 1, text);
}

static void tell_single_tasking(struct world *w, bool is_single_tasking)
{
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    command.workspace = (struct engine_workspace){.sid = world_sid("WS", 1),
                                                  .version = w->version++,
                                                  .timeout_activity_sid = world_sid("WA", 2),
                                                  .is_single_tasking = is_single_tasking};
    CHECK_I64(world_do(w, command), ERR_OK);
}

static int activity_of(struct world *w, int worker)
{
    struct engine_worker_view view;
    struct sid sid = world_sid("WK", worker);
    return CHECK(engine_worker_get(w->engine, &sid, &view)) ? world_number(&view.activity_sid) : 0;
}

static int64_t life_of_step(struct world *w, const struct sid *task)
{
    struct task_row row = world_task(w, task);
    return (row.step_deadline_us - row.created_at_us) / US_PER_S;
}

/* --- skip_if ------------------------------------------------------------------------------- */

static void skip_if_counts_the_queues_members_by_activity(void)
{
    static const struct {
        const char *document;
        int queue; /* where the task waits: 1 = the condition is false */
    } waits[] = {
        {SKIP_IF("workers.available == 0"),                              2},
        {SKIP_IF("workers.available > 0"),                               1},
        {SKIP_IF("workers.unavailable == 3"),                            2},
        {SKIP_IF("workers.unavailable > 3"),                             1},
        {SKIP_IF("workers.WA00000000000000000000000000000002 == 1"),     2},
        {SKIP_IF("workers.WA00000000000000000000000000000003 == 2"),     2},
        {SKIP_IF("workers.WA00000000000000000000000000000003 > 2"),      1},
        {SKIP_IF("workers.WA00000000000000000000000000000099 == 0"),     2}, /* unknown: none */
        {SKIP_IF("workers.available == 0 AND workers.unavailable == 0"), 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        struct world w;
        world_init(&w);
        world_queue(&w, 1, "team == 1");
        world_queue(&w, 2, "team == 3");
        world_workflow(&w, 1, 1, waits[i].document);
        world_worker(&w, 1, "{\"team\":1}", 2);
        world_worker(&w, 2, "{\"team\":1}", 3);
        world_worker(&w, 3, "{\"team\":1}", 3);
        world_worker(&w, 4, "{\"team\":2}", 1); /* available, in another queue */
        struct sid task = world_create(&w, "{}");
        CHECK_I64(queue_of(&w, &task), waits[i].queue);
        world_fini(&w);
    }
}

static void skip_if_is_looked_at_again_when_an_offer_ends(void)
{
    struct world w;
    world_route(&w,
                DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":100,\"skip_if\":\"workers."
                                   "available == 0\"}") "," FILTER("1==1", "{\"queue\":" Q2
                                                                           ",\"timeout\":10}")));
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(life_of_step(&w, &task), 100);
    world_wait(&w, 5);
    world_worker_with(&w, 1, "{}", 3, 1, true); /* he rejects it by leaving: nobody is left */
    CHECK_I64(queue_of(&w, &task), 2);
    CHECK_I64(life_of_step(&w, &task),
              15); /* the filter before ended at 5 s, when it was skipped */
    world_fini(&w);
}

/* --- clocks and priorities ----------------------------------------------------------------- */

static void new_attributes_keep_the_clock_of_the_filter_they_stay_in(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("a == 1", "{\"queue\":" Q1 ",\"timeout\":10}") "," FILTER(
                        "1==1", "{\"queue\":" Q2 ",\"timeout\":20},{\"queue\":" Q3 "}")));
    struct sid task = world_create(&w, "{\"a\":1}");
    world_wait(&w, 10);
    CHECK_I64(life_of_step(&w, &task), 30);
    world_wait(&w, 5);
    CHECK_I64(world_update(&w, &task, "{\"a\":2}"), ERR_OK);
    CHECK_I64(queue_of(&w, &task), 2);
    CHECK_I64(life_of_step(&w, &task), 30);
    world_wait(&w, 15);
    CHECK_I64(queue_of(&w, &task), 3);
    world_fini(&w);
}

static void a_step_sets_its_priority_when_it_is_entered_only(void)
{
    struct world w;
    world_route(&w,
                DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":10,\"priority\":7},{\"queue\":" Q2
                                   ",\"priority\":8}")));
    struct sid task = world_create(&w, "{}");
    struct engine_command command = {.kind = ENGINE_UPDATE_TASK};
    command.update = (struct engine_update){
        .sid = task, .workspace_sid = world_sid("WS", 1), .has_priority = true, .priority = 3};
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_I64(world_update(&w, &task, "{\"b\":1}"), ERR_OK); /* driven anew, into the same step */
    CHECK_I64(world_task(&w, &task).priority, 3);
    world_wait(&w, 10);
    CHECK_I64(world_task(&w, &task).priority, 8);
    world_fini(&w);
}

static void a_wrapping_task_is_cleaned_up_a_day_after_it_was_assigned(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    world_wait(&w, 3600);
    CHECK_I64(world_act(&w, ENGINE_WRAP_UP_TASK, &task), ERR_OK);
    CHECK_STR(world_task(&w, &task).reason, "test"); /* what the wrap-up gave */
    world_wait(&w, 86400 - 3600 - 1);
    CHECK_TEXT(world_task_state(&w, &task), "wrapping");
    (void)world_events(&w);
    world_wait(&w, 1);
    CHECK_TEXT(world_task_state(&w, &task), "gone");
    CHECK_TEXT(world_events(&w), "task.system-deleted reservation.canceled");
    world_fini(&w);
}

/* --- workers ------------------------------------------------------------------------------- */

static void assigned_tasks_counts_what_was_accepted_and_not_what_is_offered(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"expression\":"
                                      "\"worker.channel.default.assigned_tasks == 0\"}")));
    world_worker_with(&w, 1, "{}", 1, 3, false);
    struct sid first = world_create(&w, "{}");
    struct sid second = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &second), 1); /* the first one is only offered */
    struct sid offer = world_last_offer(&w, &first);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    struct sid third = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &third), 0);
    CHECK_I64(world_act(&w, ENGINE_WRAP_UP_TASK, &first), ERR_OK);
    CHECK_I64(world_offered_to(&w, &third), 0); /* wrapping is still his */
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &first), ERR_OK);
    CHECK_I64(world_offered_to(&w, &third), 1);
    world_fini(&w);
}

static void pending_offers_are_rejected_only_by_going_where_nobody_is_available(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    world_worker_with(&w, 1, "{\"a\":1}", 1, 1, true); /* still available */
    CHECK_TEXT(world_reservation_state(&w, &offer), "pending");
    world_worker_with(&w, 1, "{\"a\":1}", 3, 1, true);
    CHECK_TEXT(world_reservation_state(&w, &offer), "rejected");
    world_fini(&w);
}

/* Queue 1 with the activities of single-tasking: 4 while offered, 5 while assigned. */
static void world_single(struct world *w)
{
    world_init(w);
    for (int i = 4; i <= 5; i++) {
        struct engine_command activity = {.kind = ENGINE_PUT_ACTIVITY};
        activity.activity = (struct engine_activity){.sid = world_sid("WA", i),
                                                     .workspace_sid = world_sid("WS", 1),
                                                     .version = w->version++,
                                                     .name = STR("taken")};
        CHECK_I64(world_do(w, activity), ERR_OK);
    }
    tell_single_tasking(w, true);
    world_one_queue(w);
    struct engine_command command = {.kind = ENGINE_PUT_QUEUE};
    command.queue = (struct engine_queue){.sid = world_sid("WQ", 1),
                                          .workspace_sid = world_sid("WS", 1),
                                          .version = w->version++,
                                          .target_workers = STR("1==1"),
                                          .max_reserved_workers = 1,
                                          .reservation_activity_sid = world_sid("WA", 4),
                                          .assignment_activity_sid = world_sid("WA", 5)};
    CHECK_I64(world_do(w, command), ERR_OK);
}

static void who_leaves_with_his_offers_rejected_stays_where_he_went(void)
{
    struct world w;
    world_single(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(activity_of(&w, 1), 4);
    world_worker_with(&w, 1, "{}", 4, 1, true); /* told to be where the offer put him: so he is */
    CHECK_TEXT(world_reservation_state(&w, &offer), "rejected");
    CHECK_I64(activity_of(&w, 1), 4);
    CHECK_TEXT(world_task_state(&w, &task), "pending"); /* not offered to him again */
    world_fini(&w);
}

static void a_workspace_that_becomes_multitasking_uses_all_capacity_at_once(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    tell_single_tasking(&w, true);
    world_worker_with(&w, 1, "{}", 1, 3, false);
    struct sid first = world_create(&w, "{}");
    struct sid second = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &first), 1);
    CHECK_I64(world_offered_to(&w, &second), 0);
    tell_single_tasking(&w, false);
    CHECK_I64(world_offered_to(&w, &second), 1);
    world_fini(&w);
}

/* --- documents ----------------------------------------------------------------------------- */

static void re_evaluation_reaches_a_reserved_task_when_its_offer_ends(void)
{
    for (int is_reloaded = 0; is_reloaded < 2; is_reloaded++) {
        struct world w;
        world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
        world_worker(&w, 1, "{}", 1);
        struct sid task = world_create(&w, "{}");
        struct sid offer = world_last_offer(&w, &task);
        world_workflow_again(&w, 1, 2, DOC(FILTER("1==1", "{\"queue\":" Q2 ",\"priority\":4}")));
        CHECK_TEXT(world_reservation_state(&w, &offer), "pending");
        CHECK_I64(queue_of(&w, &task), 1);
        if (is_reloaded == 1)
            world_reload(&w);
        CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
        CHECK_I64(queue_of(&w, &task), 2);
        CHECK_I64(world_task(&w, &task).workflow_version, 2);
        CHECK_I64(world_task(&w, &task).priority, 4);
        world_fini(&w);
    }
}

/* --- known workers ------------------------------------------------------------------------- */

static void events_tell_a_known_worker_however_he_was_named(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"known_worker_friendly_name\":\"task.who\"}")));
    world_worker(&w, 1, "{}", 1);
    world_worker(&w, 2, "{}", 1);
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){.workspace_sid = world_sid("WS", 1),
                                            .attributes = STR("{\"who\":\"WORKER 2\"}")};
    CHECK_I64(engine_apply(w.engine, &command, w.now_us, &w.effects, &w.err), ERR_OK);
    int told = 0;
    for (const struct engine_effect *e = w.effects.first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_EVENT &&
            world_number(&engine_event_more(e->event)->known_worker_sid) == 2)
            told++;
    }
    CHECK_I64(told, 2); /* workflow.target-matched and reservation.created */
    world_fini(&w);
}

/* --- what names what ----------------------------------------------------------------------- */

static void a_renamed_activity_changes_who_qualifies_by_its_name(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "activity_name == 'Desk'");
    world_queue(&w, 2, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("q == 1", "{\"queue\":" Q1 "}") "," FILTER(
            "1==1", "{\"queue\":" Q2 ",\"expression\":\"worker.activity_name == 'Desk'\"}")));
    world_worker_with(&w, 1, "{}", 1, 2, false);
    struct sid by_queue = world_create(&w, "{\"q\":1}");
    struct sid by_target = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &by_queue) + world_offered_to(&w, &by_target), 0);
    struct engine_command command = {.kind = ENGINE_PUT_ACTIVITY};
    command.activity = (struct engine_activity){.sid = world_sid("WA", 1),
                                                .workspace_sid = world_sid("WS", 1),
                                                .version = w.version++,
                                                .name = STR("Desk"),
                                                .is_available = true};
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_I64(world_offered_to(&w, &by_queue), 1);
    CHECK_I64(world_offered_to(&w, &by_target), 1);
    world_fini(&w);
}

static void a_queue_named_beside_a_workflow_must_be_there(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){.workspace_sid = world_sid("WS", 1),
                                            .workflow_sid = world_sid("WW", 1),
                                            .queue_sid = world_sid("WQ", 9)};
    CHECK_I64(world_do(&w, command), ERR_NOT_FOUND);
    CHECK_TEXT(w.err.reason, "QUEUE_NOT_FOUND");
    command.create.queue_sid = world_sid("WQ", 1);
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_fini(&w);
}

static void a_deleted_workflow_does_not_count_as_one_to_choose_from(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_queue(&w, 2, "1==1");
    world_workflow(&w, 2, 1, DOC(FILTER("1==1", "{\"queue\":" Q2 "}")));
    struct engine_command command = {.kind = ENGINE_DELETE_WORKFLOW};
    command.ref = (struct engine_ref){world_sid("WW", 1), world_sid("WS", 1)};
    CHECK_I64(world_do(&w, command), ERR_OK);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(queue_of(&w, &task), 2);
    world_fini(&w);
}

static void nobody_is_moved_to_an_activity_of_another_workspace(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct engine_command command = {.kind = ENGINE_PUT_ACTIVITY};
    command.activity = (struct engine_activity){.sid = world_sid("WA", 9),
                                                .workspace_sid = world_sid("WS", 2),
                                                .version = 1,
                                                .name = STR("Elsewhere")};
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    command = (struct engine_command){.kind = ENGINE_REJECT_RESERVATION};
    command.action = (struct engine_action){
        .sid = offer, .workspace_sid = world_sid("WS", 1), .activity_sid = world_sid("WA", 9)};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.reason, "ACTIVITY_NOT_FOUND");
    CHECK_TEXT(world_reservation_state(&w, &offer), "pending");
    world_fini(&w);
}

/* --- explanations -------------------------------------------------------------------------- */

static void steps_that_are_over_and_places_to_come_are_told(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("late == 1", "{\"queue\":" Q3 "}") "," FILTER(
                        "1==1", "{\"queue\":" Q1 ",\"timeout\":10},{\"queue\":" Q2
                                ",\"timeout\":10},{\"queue\":" Q3 ",\"priority\":5}")));
    struct sid task = world_create(&w, "{}");
    (void)world_create_priority(&w, "{\"late\":1}", 3); /* waits in queue 3 before and behind it */
    (void)world_create_priority(&w, "{\"late\":1}", 7);
    world_wait(&w, 10);
    struct explain_ask ask = {.sid = task, .workspace_sid = world_sid("WS", 1)};
    struct explain_task told;
    CHECK_I64(engine_explain_task(w.engine, &ask, w.now_us, w.arena, &told, &w.err), ERR_OK);
    REQUIRE(told.target_count == 3);
    CHECK(told.targets[0].is_over && !told.targets[1].is_over && !told.targets[2].is_over);
    CHECK(told.targets[1].is_current);
    CHECK_I64(told.targets[2].place.position, 2); /* by the priority that it will have */
    world_fini(&w);
}

/* --- words that come late ------------------------------------------------------------------ */

/* Two events may speak of one version, and processes that share the bus may turn them around. */
static void a_late_word_still_rejects_what_is_pending(void)
{
    for (int age = 0; age < 2; age++) {
        struct world w;
        world_init(&w);
        world_one_queue(&w);
        world_worker(&w, 1, "{}", 1);
        struct sid task = world_create(&w, "{}");
        struct sid offer = world_last_offer(&w, &task);
        world_worker(&w, 1, "{\"a\":1}", 3);
        CHECK_TEXT(world_reservation_state(&w, &offer), "pending");
        struct engine_command late = *w.configs[w.config_count - 1];
        late.worker.version -= age;
        late.worker.attributes = STR("{\"a\":0}");
        late.worker.reject_pending = true;
        CHECK_I64(world_do(&w, late), ERR_OK);
        CHECK_TEXT(world_reservation_state(&w, &offer), "rejected");
        CHECK_TEXT(world_task_state(&w, &task), "pending");
        world_fini(&w);
    }
}

static void a_late_word_rejects_nothing_of_who_is_available_again(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 3);
    struct engine_command late = *w.configs[w.config_count - 1];
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    late.worker.reject_pending = true;
    CHECK_I64(world_do(&w, late), ERR_OK);
    CHECK_TEXT(world_reservation_state(&w, &offer), "pending");
    world_fini(&w);
}

static void a_late_word_still_re_evaluates_to_the_document_it_brought(void)
{
    for (int is_current = 0; is_current < 2; is_current++) {
        struct world w;
        world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
        struct sid task = world_create(&w, "{}");
        world_workflow(&w, 1, 2, DOC(FILTER("1==1", "{\"queue\":" Q2 "}")));
        struct engine_command late = *w.configs[w.config_count - 1];
        if (is_current == 0)
            world_workflow(&w, 1, 3, DOC(FILTER("1==1", "{\"queue\":" Q3 "}")));
        CHECK_I64(queue_of(&w, &task), 1);
        late.workflow.re_evaluate_tasks = true;
        CHECK_I64(world_do(&w, late), ERR_OK);
        CHECK_I64(queue_of(&w, &task), is_current == 1 ? 2 : 1);
        world_fini(&w);
    }
}

static const struct test_case cases[] = {
    {"skip_if counts the queue's members by activity",
     skip_if_counts_the_queues_members_by_activity                                                                   },
    {"skip_if is looked at again when an offer ends",
     skip_if_is_looked_at_again_when_an_offer_ends                                                                   },
    {"new attributes keep the clock of the filter they stay in",
     new_attributes_keep_the_clock_of_the_filter_they_stay_in                                                        },
    {"a step sets its priority when it is entered only",
     a_step_sets_its_priority_when_it_is_entered_only                                                                },
    {"a wrapping task is cleaned up a day after it was assigned",
     a_wrapping_task_is_cleaned_up_a_day_after_it_was_assigned                                                       },
    {"assigned_tasks counts what was accepted and not what is offered",
     assigned_tasks_counts_what_was_accepted_and_not_what_is_offered                                                 },
    {"pending offers are rejected only by going where nobody is available",
     pending_offers_are_rejected_only_by_going_where_nobody_is_available                                             },
    {"who leaves with his offers rejected stays where he went",
     who_leaves_with_his_offers_rejected_stays_where_he_went                                                         },
    {"a workspace that becomes multitasking uses all capacity at once",
     a_workspace_that_becomes_multitasking_uses_all_capacity_at_once                                                 },
    {"re-evaluation reaches a reserved task when its offer ends",
     re_evaluation_reaches_a_reserved_task_when_its_offer_ends                                                       },
    {"a late word still rejects what is pending",                           a_late_word_still_rejects_what_is_pending},
    {"a late word rejects nothing of who is available again",
     a_late_word_rejects_nothing_of_who_is_available_again                                                           },
    {"a late word still re-evaluates to the document it brought",
     a_late_word_still_re_evaluates_to_the_document_it_brought                                                       },
    {"events tell a known worker however he was named",
     events_tell_a_known_worker_however_he_was_named                                                                 },
    {"a renamed activity changes who qualifies by its name",
     a_renamed_activity_changes_who_qualifies_by_its_name                                                            },
    {"a queue named beside a workflow must be there",
     a_queue_named_beside_a_workflow_must_be_there                                                                   },
    {"a deleted workflow does not count as one to choose from",
     a_deleted_workflow_does_not_count_as_one_to_choose_from                                                         },
    {"nobody is moved to an activity of another workspace",
     nobody_is_moved_to_an_activity_of_another_workspace                                                             },
    {"steps that are over and places to come are told",
     steps_that_are_over_and_places_to_come_are_told                                                                 },
};

int main(int argc, char **argv)
{
    return testing_main("engine, finer points", cases, ARRAY_LEN(cases), argc, argv);
}
