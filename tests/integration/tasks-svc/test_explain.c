/* tasks-svc: why a task waits, and why this worker. */
#include <string.h>

#include "tasks_fixture.h"

static const json_t *explain_task(const struct place *place, const char *task)
{
    return suite_ok(&suite_viewer, SUITE_TASKS, "ExplainTask", "{'workspaceSid':'%s','sid':'%s'}",
                    place->workspace, task);
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void test_waiting(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *nobody = task_new(&place, "{}");
    const json_t *told = explain_task(&place, nobody);
    CHECK(begins(at(told, "summary"),
                 "No worker qualifies: queue Everybody has no members among 0 workers."));
    const char *ada = place_worker(&place, "ada", 1);
    const char *offer = reservation_of(&place, "taskSid", nobody, "PENDING");
    const char *waiting = task_new(&place, "{}");
    told = explain_task(&place, waiting);
    CHECK(begins(at(told, "summary"),
                 "No one is free: 1 worker of queue Everybody qualifies, 1 is at capacity with an "
                 "offer that they have not answered. It is number 1 of 1 waiting in the queue"));
    CHECK_TEXT(at(told, "candidates.0.workerSid"), ada);
    CHECK_TEXT(at(told, "candidates.0.obstacle"), "OBSTACLE_OFFERED_ELSEWHERE");
    CHECK_I64(at_i64(told, "candidates.0.capacity"), 1);
    CHECK_I64(at_i64(told, "queuePosition.position"), 1);
    CHECK_I64(at_i64(told, "targets"), 1);
    CHECK_TEXT(at(told, "targets.0.taskQueueSid"), place.queue);
    CHECK_TEXT(at(told, "task.sid"), waiting);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", ws, offer);
    told = explain_task(&place, waiting);
    CHECK_TEXT(at(told, "candidates.0.obstacle"), "OBSTACLE_AT_CAPACITY");
    CHECK_I64(at_i64(told, "estimatedWait.accepted"), 1);
    CHECK_TEXT(at(told, "estimatedWait.confidence"), "low");
    told = suite_ok(&suite_viewer, SUITE_TASKS, "ExplainTask",
                    "{'workspaceSid':'%s','sid':'%s','obstacle':['OBSTACLE_FREE']}", ws, waiting);
    CHECK_I64(at_i64(told, "candidates"), 0);
    CHECK_I64(at_i64(told, "lookedAt"), 1);
    told = explain_task(&place, nobody);
    CHECK(begins(at(told, "summary"), "It was accepted by ada, assigned"));
    CHECK_I64(at_i64(told, "reservations"), 1);
}

static bool is_answering(const void *workspace)
{
    return suite_call(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s'}",
                      (const char *)workspace)
               .code == ERR_OK;
}

static void test_ended(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *task = task_new(&place, "{}");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'caller hung up'}", ws, task);
    const char *summary = at(explain_task(&place, task), "summary");
    CHECK(begins(summary, "It was canceled ") && strstr(summary, ": caller hung up.") != NULL);
    /* Also when the router has forgotten it. */
    (void)suite_count("update tasks.task set purged_at = now() where sid = '%s' returning 1", task);
    process_signal(suite_process(SUITE_TASKS), 15);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 10000);
    REQUIRE(suite_restart(SUITE_TASKS));
    CHECK(suite_until(is_answering, ws, 10000)); /* the channel reconnects */
    CHECK(begins(at(explain_task(&place, task), "summary"), "It was canceled "));
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "NOT_FOUND TASK_NOT_FOUND", "ExplainTask",
                        "{'workspaceSid':'%s','sid':'WT00000000000000000000000000000009'}", ws));
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "INVALID_ARGUMENT INVALID_SID sid",
                        "ExplainTask", "{'workspaceSid':'%s','sid':'WR1'}", ws));
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "INVALID_ARGUMENT OUT_OF_RANGE limit",
                        "ExplainTask", "{'workspaceSid':'%s','sid':'%s','limit':201}", ws, task));
    CHECK(suite_refused(&suite_stranger, SUITE_TASKS, "NOT_FOUND WORKSPACE_NOT_FOUND",
                        "ExplainTask", "{'workspaceSid':'%s','sid':'%s'}", ws, task));
}

#define DECIDED                                                                                    \
    "{'workspaceSid':'%s','routingTarget':'%s','decided':true,'rules':[{'sid':'RR1','name':"       \
    "'Emergency','version':3,'actions':[{'type':'RULE_ACTION_TYPE_ROUTE_TO_QUEUE','target':"       \
    "'WQ1','targetName':'Emergency Queue'}]}]}"

/* One of our services asked the rules itself. */
static void test_rules(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "PERMISSION_DENIED SERVICES_ONLY decided",
                        "CreateTask", DECIDED, ws, place.queue));
    const json_t *task =
        suite_ok(&suite_service_id, SUITE_TASKS, "CreateTask", DECIDED, ws, place.queue);
    const char *sid = at(task, "sid");
    CHECK_TEXT(at(task, "taskQueueSid"), place.queue);
    const json_t *told = explain_task(&place, sid);
    CHECK_I64(at_i64(told, "rules"), 1);
    CHECK_TEXT(at(told, "rules.0.name"), "Emergency");
    CHECK_I64(at_i64(told, "rules.0.version"), 3);
    CHECK_TEXT(at(told, "rules.0.actions.0.targetName"), "Emergency Queue");
    const json_t *events =
        suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                 "{'workspaceSid':'%s','taskSid':'%s','eventType':'task.created'}", ws, sid);
    CHECK(strstr(at(events, "items.0.eventData"), "routing_rules") != NULL);
    CHECK_I64(at_i64(explain_task(&place, task_new(&place, "{}")), "rules"), 0);
}

static void test_reservation(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *first = place_worker(&place, "first", 1);
    const char *second = place_worker(&place, "second", 1);
    const char *task = task_new(&place, "{}");
    const char *offer = reservation_of(&place, "taskSid", task, "PENDING");
    const json_t *told = suite_ok(&suite_viewer, SUITE_TASKS, "ExplainReservation",
                                  "{'workspaceSid':'%s','sid':'%s'}", ws, offer);
    bool is_first = strcmp(at(told, "reservation.workerSid"), first) == 0;
    CHECK_I64(at_i64(told, "known"), 1);
    CHECK_I64(at_i64(told, "qualified"), 2);
    CHECK_I64(at_i64(told, "free"), 2);
    CHECK_TEXT(at(told, "nextWorkerSid"), is_first ? second : first);
    CHECK_TEXT(at(told, "decidedBy"), "sid"); /* neither had an offer before */
    CHECK(begins(at(told, "summary"),
                 suite_text("%s was number 1 of 2 free workers, of 2 who qualified: equal with %s "
                            "in all, and the older one.",
                            is_first ? "first" : "second", is_first ? second : first)));
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "RejectReservation",
                   "{'workspaceSid':'%s','sid':'%s','reason':'lunch'}", ws, offer);
    /* He comes last now, and that is why the other one is asked. */
    const char *other = reservation_of(&place, "taskSid", task, "PENDING");
    told = suite_ok(&suite_viewer, SUITE_TASKS, "ExplainReservation",
                    "{'workspaceSid':'%s','sid':'%s'}", ws, other);
    CHECK_TEXT(at(told, "decidedBy"), "idle_time");
    CHECK(strlen(at(told, "nextLastOffer")) > 0);
    CHECK_TEXT(at(told, "lastOffer"), "");
    /* The first one's explanation stays true. */
    told = suite_ok(&suite_viewer, SUITE_TASKS, "ExplainReservation",
                    "{'workspaceSid':'%s','sid':'%s'}", ws, offer);
    CHECK_TEXT(at(told, "decidedBy"), "sid");
    CHECK_I64(at_i64(told, "steps"), 2);
    CHECK_TEXT(at(told, "steps.1.eventType"), "reservation.rejected");
    CHECK_TEXT(at(told, "steps.1.reason"), "lunch");
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "NOT_FOUND RESERVATION_NOT_FOUND",
                        "ExplainReservation",
                        "{'workspaceSid':'%s','sid':'WR00000000000000000000000000000009'}", ws));
}

static const struct test_case cases[] = {
    {"a waiting task says who stands in whose way",           test_waiting    },
    {"an ended task says why, and an unknown one is unknown", test_ended      },
    {"a reservation says why this worker, also later",        test_reservation},
    {"a task that rules decided names them",                  test_rules      },
};

int main(int argc, char **argv)
{
    return suite_main("tasks explain", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
