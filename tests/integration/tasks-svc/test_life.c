/* tasks-svc: the life of a task, and everything that is refused on the way. */
#include "tasks_fixture.h"

static void test_life(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "ada", 1);
    const char *task = task_new(&place, "{`kind`:`permit`}");
    const char *reservation = reservation_of(&place, "taskSid", task, "PENDING");
    CHECK_TEXT(task_status(&place, task), "RESERVED");
    const json_t *reply =
        suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                 "{'workspaceSid':'%s','sid':'%s'}", place.workspace, reservation);
    CHECK_TEXT(at(reply, "reservationStatus"), "RESERVATION_STATUS_ACCEPTED");
    CHECK_TEXT(at(reply, "workerSid"), worker);
    CHECK_TEXT(at(reply, "workerName"), "ada");
    CHECK_TEXT(task_status(&place, task), "ASSIGNED");
    reply = suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                     "{'workspaceSid':'%s','sid':'%s','reason':'done'}", place.workspace, task);
    CHECK_TEXT(at(reply, "assignmentStatus"), "TASK_STATUS_COMPLETED");
    CHECK_TEXT(at(reply, "reason"), "done");
    CHECK_TEXT(at(reply, "taskQueueName"), "Everybody");
    CHECK_TEXT(at(reply, "workflowName"), "All");
    CHECK_TEXT(at(reply, "taskChannelUniqueName"), "default");
    CHECK_TEXT(at(reply, "attributes"), "{\"kind\":\"permit\"}");
    CHECK(suite_event("task.completed", task, 0) != NULL);
    CHECK(suite_event("reservation.accepted", reservation, 0) != NULL);
    CHECK(is_log_whole());
    CHECK(is_log_published());
}

static const struct test_case cases[] = {
    {"a task travels from creation to completed", test_life},
};

int main(int argc, char **argv)
{
    return suite_main("tasks life", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
