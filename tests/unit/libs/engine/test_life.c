/* One task from POST to the end, and every way out of it. */
#include "testing.h"
#include "world.h"

#define ENTER "task.created workflow.entered workflow.target-matched task-queue.entered"

static void a_task_travels_from_creation_to_completed(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{\"a\":1}");
    CHECK_TEXT(world_events(&w), ENTER " reservation.created");
    CHECK_TEXT(world_task_state(&w, &task), "reserved");
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_TEXT(world_events(&w), "reservation.accepted");
    CHECK_TEXT(world_task_state(&w, &task), "assigned");
    CHECK_TEXT(world_reservation_state(&w, &offer), "accepted");
    struct task_row row = world_task(&w, &task);
    CHECK_I64(world_number(&row.worker_sid), 1);
    CHECK_I64(world_act(&w, ENGINE_WRAP_UP_TASK, &task), ERR_OK);
    CHECK_TEXT(world_events(&w), "task.wrapup reservation.wrapup");
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &task), ERR_OK);
    CHECK_TEXT(world_events(&w), "task.completed reservation.completed");
    CHECK_TEXT(world_task_state(&w, &task), "completed");
    world_wait(&w, 299);
    CHECK_TEXT(world_task_state(&w, &task), "completed");
    world_wait(&w, 1);
    CHECK_TEXT(world_task_state(&w, &task), "gone");
    CHECK_TEXT(world_events(&w), "");
    CHECK_I64(w.task_count, 0);
    world_fini(&w);
}

static void a_completed_task_frees_the_worker_for_the_next(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid first = world_create(&w, "{}");
    struct sid second = world_create(&w, "{}");
    CHECK_TEXT(world_task_state(&w, &second), "pending");
    struct sid offer = world_offer(&w, &first, 0);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &second), "pending");
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_RESERVATION, &offer), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &first), "completed");
    CHECK_I64(world_offered_to(&w, &second), 1);
    world_fini(&w);
}

static void a_reservation_wrapped_up_wraps_its_task(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_WRAP_UP_RESERVATION, &offer), ERR_FAILED_PRECONDITION);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_act(&w, ENGINE_WRAP_UP_RESERVATION, &offer), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &task), "wrapping");
    CHECK_TEXT(world_reservation_state(&w, &offer), "wrapping");
    world_fini(&w);
}

static void a_rejected_reservation_returns_the_task_to_the_next_worker(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    world_worker(&w, 2, "{}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &task), 1);
    (void)world_events(&w);
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    CHECK_TEXT(world_events(&w), "reservation.rejected reservation.created");
    CHECK_TEXT(world_reservation_state(&w, &offer), "rejected");
    CHECK_I64(world_offered_to(&w, &task), 2);
    struct task_row row = world_task(&w, &task);
    CHECK_I64(row.assignment_count, 2);
    world_fini(&w);
}

static void the_only_worker_is_offered_again_what_he_rejected(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_fini(&w);
}

static void a_reject_may_move_the_worker_to_an_activity(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct engine_command command = {.kind = ENGINE_REJECT_RESERVATION};
    command.action = (struct engine_action){.sid = world_offer(&w, &task, 0),
                                            .workspace_sid = world_sid("WS", 1),
                                            .activity_sid = world_sid("WA", 99)};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.field, "worker_activity_sid");
    command.action.activity_sid = world_sid("WA", 3);
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    CHECK_I64(w.override_count, 1);
    struct engine_worker_view view;
    struct sid worker = world_sid("WK", 1);
    CHECK(engine_worker_get(w.engine, &worker, &view));
    CHECK(!view.is_available);
    CHECK_I64(world_number(&view.activity_sid), 3);
    world_fini(&w);
}

static void an_unanswered_reservation_moves_the_worker_to_the_timeout_activity(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    (void)world_events(&w);
    world_wait(&w, 119);
    CHECK_TEXT(world_task_state(&w, &task), "reserved");
    world_wait(&w, 1);
    CHECK_TEXT(world_events(&w), "reservation.timeout");
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    struct sid worker = world_sid("WK", 1);
    struct engine_worker_view view;
    CHECK(engine_worker_get(w.engine, &worker, &view));
    CHECK_I64(world_number(&view.activity_sid), 2);
    CHECK_I64(world_number(&w.overrides[0].activity_sid), 2);
    /* The worker's own service has the last word. */
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_offered_to(&w, &task), 1);
    CHECK(!sid_is_set(&w.overrides[0].activity_sid));
    world_fini(&w);
}

static void tell_status(struct world *w, int activity, int64_t status_changed_us)
{
    struct engine_command command = {.kind = ENGINE_PUT_WORKER};
    command.worker = (struct engine_worker){.sid = world_sid("WK", 1),
                                            .workspace_sid = world_sid("WS", 1),
                                            .version = w->version++,
                                            .name = STR("Worker 1"),
                                            .attributes = STR("{}"),
                                            .activity_sid = world_sid("WA", activity),
                                            .status_changed_us = status_changed_us};
    CHECK_I64(world_do(w, command), ERR_OK);
}

/* He is Available in it, from before the router moved him; of two moves the later one counts. */
static void another_change_of_the_worker_does_not_bring_him_back(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    world_wait(&w, 120);
    int64_t moved_us = w.now_us;
    CHECK_I64(world_number(&w.overrides[0].activity_sid), 2);
    tell_status(&w, 1, moved_us - 1);
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    world_reload(&w);
    struct sid worker = world_sid("WK", 1);
    struct engine_worker_view view;
    CHECK(engine_worker_get(w.engine, &worker, &view));
    CHECK_I64(world_number(&view.activity_sid), 2);
    world_wait(&w, 1);
    tell_status(&w, 1, moved_us - 1); /* the time of the move is remembered with it */
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    tell_status(&w, 1, moved_us);
    CHECK_I64(world_offered_to(&w, &task), 1);
    CHECK(!sid_is_set(&w.overrides[0].activity_sid));
    world_fini(&w);
}

static void the_first_accept_wins_and_the_others_are_rescinded(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_queue_with(&w, 1, "1==1", 3, false);
    for (int i = 1; i <= 4; i++)
        world_worker(&w, i, "{}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_TEXT(world_events(&w),
               ENTER " reservation.created reservation.created reservation.created");
    struct sid first = world_offer(&w, &task, 0);
    struct sid second = world_offer(&w, &task, 1);
    struct task_row row = world_task(&w, &task);
    CHECK_I64(row.assignment_count, 1);
    CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &first), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &task), "reserved");
    (void)world_events(&w);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &second), ERR_OK);
    CHECK_TEXT(world_events(&w), "reservation.accepted reservation.rescinded");
    struct sid third = world_offer(&w, &task, 2);
    CHECK_TEXT(world_reservation_state(&w, &third), "rescinded");
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &third), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(w.err.reason, "RESERVATION_RESCINDED");
    world_fini(&w);
}

static void refusals_use_the_known_texts(void)
{
    struct world w;
    char want[256];
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_WRAP_UP_TASK, &task), ERR_FAILED_PRECONDITION);
    CHECK(strstr(w.err.detail, "because it's not currently assigned") != NULL);
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &task), ERR_FAILED_PRECONDITION);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_FAILED_PRECONDITION);
    (void)snprintf(want, sizeof want,
                   "Reservation %s is already in state [accepted] and cannot be updated to "
                   "[accepted]",
                   offer.text);
    CHECK_TEXT(w.err.detail, want);
    CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &task), ERR_FAILED_PRECONDITION);
    CHECK(strstr(w.err.detail, "because it is not pending or reserved.") != NULL);
    struct sid nobody = world_sid("WR", 99);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &nobody), ERR_NOT_FOUND);
    struct engine_command command = {.kind = ENGINE_COMPLETE_TASK};
    command.action = (struct engine_action){
        .sid = task, .workspace_sid = world_sid("WS", 1), .expected_version = 1};
    CHECK_I64(world_do(&w, command), ERR_ABORTED);
    CHECK_TEXT(w.err.reason, "VERSION_MISMATCH");
    command.action.expected_version = 0;
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.field, "reason");
    command.action.workspace_sid = world_sid("WS", 2);
    CHECK_I64(world_do(&w, command), ERR_NOT_FOUND);
    world_fini(&w);
}

static void a_refused_command_has_no_effects(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create =
        (struct engine_create){.workspace_sid = world_sid("WS", 1), .attributes = STR("[1]")};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.field, "attributes");
    command.create.attributes = STR("{}");
    command.create.has_priority = true;
    command.create.priority = -1;
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.field, "priority");
    command.create.has_priority = false;
    command.create.workflow_sid = world_sid("WW", 9);
    CHECK_I64(world_do(&w, command), ERR_NOT_FOUND);
    command.create.workflow_sid = (struct sid){{0}};
    command.create.channel = STR("fax");
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.field, "task_channel");
    command.create.channel = STR("voice");
    command.create.virtual_start_us = w.now_us + 1;
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.field, "virtual_start_time");
    CHECK_TEXT(world_events(&w), "");
    CHECK_I64(w.task_count, 0);
    world_fini(&w);
}

static void a_canceled_task_cancels_its_offers(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid next = world_create(&w, "{}");
    struct sid offer = world_offer(&w, &task, 0);
    (void)world_events(&w);
    CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &task), ERR_OK);
    CHECK_TEXT(world_events(&w), "task.canceled reservation.canceled reservation.created");
    CHECK_TEXT(world_reservation_state(&w, &offer), "canceled");
    CHECK_I64(world_offered_to(&w, &next), 1);
    world_fini(&w);
}

static void a_task_changes_as_it_is_canceled_or_not_at_all(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid next = world_create(&w, "{}");
    struct sid offer = world_offer(&w, &task, 0);
    struct engine_command command = {.kind = ENGINE_CANCEL_TASK_WITH};
    command.update = (struct engine_update){
        .sid = task,
        .workspace_sid = world_sid("WS", 1),
        .has_attributes = true,
        .attributes = STR("{\"n\":"),
        .reason = STR("gone"),
    };
    (void)world_events(&w);
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    command.update.attributes = STR("{\"n\":2}");
    command.update.reason = STR(" ");
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(world_events(&w), "");
    CHECK_TEXT(world_task_state(&w, &task), "reserved");
    CHECK_STR(world_task(&w, &task).attributes, "{}");
    command.update.reason = STR("gone");
    command.update.has_priority = true;
    command.update.priority = 7;
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_TEXT(world_events(&w),
               "task.updated task.canceled reservation.canceled reservation.created");
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    CHECK_STR(world_task(&w, &task).attributes, "{\"n\":2}");
    CHECK_STR(world_task(&w, &task).reason, "gone");
    CHECK_I64(world_task(&w, &task).priority, 7);
    CHECK_TEXT(world_reservation_state(&w, &offer), "canceled");
    CHECK_I64(world_offered_to(&w, &next), 1);
    command.update.sid = next;
    offer = world_last_offer(&w, &next);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_do(&w, command), ERR_FAILED_PRECONDITION);
    CHECK_STR(world_task(&w, &next).attributes, "{}");
    struct sid waiting = world_create(&w, "{}"); /* out of its line, by its old priority */
    command.update.sid = waiting;
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &waiting), "canceled");
    world_fini(&w);
}

static void a_deleted_task_is_gone_and_frees_its_worker(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_offer(&w, &task, 0);
    struct sid next = world_create(&w, "{}");
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    (void)world_events(&w);
    CHECK_I64(world_act(&w, ENGINE_DELETE_TASK, &task), ERR_OK);
    CHECK_TEXT(world_events(&w), "task.deleted reservation.canceled reservation.created");
    CHECK_TEXT(world_task_state(&w, &task), "gone");
    CHECK_I64(world_offered_to(&w, &next), 1);
    world_fini(&w);
}

static void a_task_lives_no_longer_than_its_timeout(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct engine_create create = {.has_timeout = true, .timeout_s = 60};
    struct sid waiting = world_create_with(&w, &create);
    world_wait(&w, 30);
    world_worker(&w, 1, "{}", 1);
    CHECK_TEXT(world_task_state(&w, &waiting), "reserved");
    (void)world_events(&w);
    world_wait(&w, 30);
    CHECK_TEXT(world_events(&w), "task.canceled reservation.canceled");
    struct task_row row = world_task(&w, &waiting);
    CHECK_STR(row.reason, "Task TTL Exceeded");
    world_fini(&w);
}

static void a_task_assigned_for_a_day_is_cleaned_up(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_offer(&w, &task, 0);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    (void)world_events(&w);
    world_wait(&w, 86400);
    CHECK_TEXT(world_events(&w), "task.system-deleted reservation.canceled");
    CHECK_TEXT(world_task_state(&w, &task), "gone");
    struct sid next = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &next), 1);
    world_fini(&w);
}

static void too_many_assignments_cancel_the_task(void)
{
    struct world w;
    struct engine_config config = {.seed = 1, .max_assignment_count = 3};
    world_init_with(&w, &config);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    for (int i = 0; i < 3; i++) {
        struct sid offer = world_offer(&w, &task, i);
        CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
    }
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    struct task_row row = world_task(&w, &task);
    CHECK_STR(row.reason, "Task TTL Exceeded or Max assignment count exceeded");
    world_fini(&w);
}

static void a_worker_going_unavailable_keeps_or_rejects_what_is_pending(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    world_worker(&w, 1, "{}", 3);
    CHECK_TEXT(world_task_state(&w, &task), "reserved");
    (void)world_events(&w);
    world_worker_with(&w, 1, "{}", 3, 1, true);
    CHECK_TEXT(world_events(&w), "reservation.rejected");
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    world_fini(&w);
}

static void a_deleted_worker_gives_back_what_is_pending(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker_with(&w, 1, "{}", 1, 2, false);
    struct sid kept = world_create(&w, "{}");
    struct sid given_back = world_create(&w, "{}");
    struct sid offer = world_offer(&w, &kept, 0);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    struct engine_command command = {.kind = ENGINE_DELETE_WORKER};
    command.ref = (struct engine_ref){world_sid("WK", 1), world_sid("WS", 1)};
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &kept), "assigned");
    CHECK_TEXT(world_task_state(&w, &given_back), "pending");
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &kept), ERR_OK);
    world_worker(&w, 2, "{}", 1);
    CHECK_I64(world_offered_to(&w, &given_back), 2);
    world_fini(&w);
}

static void a_deleted_workspace_takes_its_tasks_along(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    (void)world_create(&w, "{}");
    struct engine_command command = {.kind = ENGINE_DELETE_WORKSPACE};
    command.ref = (struct engine_ref){world_sid("WS", 1), world_sid("WS", 1)};
    CHECK_I64(world_do(&w, command), ERR_OK);
    CHECK_TEXT(world_task_state(&w, &task), "gone");
    CHECK_I64(w.task_count, 0);
    struct engine_stats stats;
    engine_stats_get(w.engine, &stats);
    CHECK_I64(stats.workers, 0);
    CHECK_I64(stats.reservations_open, 0);
    world_fini(&w);
}

static enum err_code wrap_up(struct world *w, enum engine_command_kind kind, const struct sid *sid,
                             int64_t timeout_s)
{
    struct engine_command command = {.kind = kind};
    command.action = (struct engine_action){
        .sid = *sid, .workspace_sid = world_sid("WS", 1), .timeout_s = timeout_s};
    return world_do(w, command);
}

static void a_wrap_up_with_a_timeout_completes_by_itself(void)
{
    static const enum engine_command_kind kinds[] = {ENGINE_WRAP_UP_TASK,
                                                     ENGINE_WRAP_UP_RESERVATION};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        world_one_queue(&w);
        world_worker(&w, 1, "{}", 1);
        struct sid task = world_create(&w, "{}");
        struct sid offer = world_last_offer(&w, &task);
        const struct sid *subject = i == 0 ? &task : &offer;
        CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
        CHECK_I64(wrap_up(&w, kinds[i], subject, 86401), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(w.err.field, "timeout");
        CHECK_I64(wrap_up(&w, kinds[i], subject, 30), ERR_OK);
        struct sid next = world_create(&w, "{}");
        (void)world_events(&w);
        world_wait(&w, 29);
        world_reload(&w);
        CHECK_TEXT(world_task_state(&w, &task), "wrapping");
        world_wait(&w, 1);
        CHECK_TEXT(world_events(&w), "task.completed reservation.completed reservation.created");
        CHECK_TEXT(world_task_state(&w, &task), "completed");
        CHECK_STR(world_task(&w, &task).reason, "Wrap-up timed out");
        CHECK_I64(world_offered_to(&w, &next), 1);
        world_fini(&w);
    }
}

static void a_wrap_up_without_a_timeout_lasts(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(wrap_up(&w, ENGINE_WRAP_UP_TASK, &task, 0), ERR_OK);
    world_reload(&w);
    world_wait(&w, 86399); /* a second before the clean-up of what was assigned */
    CHECK_TEXT(world_task_state(&w, &task), "wrapping");
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"a task travels from creation to completed",                          a_task_travels_from_creation_to_completed   },
    {"a completed task frees the worker for the next",
     a_completed_task_frees_the_worker_for_the_next                                                                    },
    {"a reservation wrapped up wraps its task",                            a_reservation_wrapped_up_wraps_its_task     },
    {"a rejected reservation returns the task to the next worker",
     a_rejected_reservation_returns_the_task_to_the_next_worker                                                        },
    {"the only worker is offered again what he rejected",
     the_only_worker_is_offered_again_what_he_rejected                                                                 },
    {"a reject may move the worker to an activity",                        a_reject_may_move_the_worker_to_an_activity },
    {"an unanswered reservation moves the worker to the timeout activity",
     an_unanswered_reservation_moves_the_worker_to_the_timeout_activity                                                },
    {"another change of the worker does not bring him back",
     another_change_of_the_worker_does_not_bring_him_back                                                              },
    {"the first accept wins and the others are rescinded",
     the_first_accept_wins_and_the_others_are_rescinded                                                                },
    {"refusals use the known texts",                                       refusals_use_the_known_texts                },
    {"a refused command has no effects",                                   a_refused_command_has_no_effects            },
    {"a task changes as it is canceled, or not at all",
     a_task_changes_as_it_is_canceled_or_not_at_all                                                                    },
    {"a canceled task cancels its offers",                                 a_canceled_task_cancels_its_offers          },
    {"a deleted task is gone and frees its worker",                        a_deleted_task_is_gone_and_frees_its_worker },
    {"a task lives no longer than its timeout",                            a_task_lives_no_longer_than_its_timeout     },
    {"a task assigned for a day is cleaned up",                            a_task_assigned_for_a_day_is_cleaned_up     },
    {"too many assignments cancel the task",                               too_many_assignments_cancel_the_task        },
    {"a worker going unavailable keeps or rejects what is pending",
     a_worker_going_unavailable_keeps_or_rejects_what_is_pending                                                       },
    {"a deleted worker gives back what is pending",                        a_deleted_worker_gives_back_what_is_pending },
    {"a deleted workspace takes its tasks along",                          a_deleted_workspace_takes_its_tasks_along   },
    {"a wrap-up with a timeout completes by itself",                       a_wrap_up_with_a_timeout_completes_by_itself},
    {"a wrap-up without a timeout lasts",                                  a_wrap_up_without_a_timeout_lasts           },
};

int main(int argc, char **argv)
{
    return testing_main("engine life", cases, ARRAY_LEN(cases), argc, argv);
}
