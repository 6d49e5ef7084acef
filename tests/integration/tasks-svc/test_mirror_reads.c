/* tasks-svc: what is asked of a workspace that Twilio routes, and who may write there. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "mirror_fixture.h"

enum { TASKS = 12, PAGE = 5, WAIT_MS = 20000 };

/* ---- lists ---- */

/* Later ones have smaller SIDs, some the same time. */
static void fill(const char *ws)
{
    for (int i = 0; i < TASKS; i++) {
        const char *sid = suite_text("WT%02x%030x", 200 - i, i);
        const char *state = i % 3 == 0 ? "ASSIGNED" : "PENDING";
        const char *dates =
            suite_text(",'priority':%d,'dateCreated':'2026-01-02T03:%02d:00Z'", i % 2, i / 2);
        const char *task = suite_text("{'sid':'%s','assignmentStatus':'TASK_STATUS_%s',"
                                      "'attributes':'{`n`:%d}','taskQueueSid':'" QUEUE "'%s}",
                                      sid, state, i, dates);
        (void)apply(ws, "30:00", suite_text("'tasks':[%s]", task));
    }
}

/* Walks the list by pages; the tasks' numbers as text. */
static const char *numbers(const char *ws, const char *more)
{
    const char *text = "";
    const char *cursor = "";
    do {
        const json_t *page =
            suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                     "{'workspaceSid':'%s','pageSize':%d,'cursor':'%s'%s}", ws, PAGE, cursor, more);
        for (int64_t i = 0; i < at_i64(page, "items"); i++) {
            const char *json = at(page, suite_text("items.%lld.attributes", (long long)i));
            int number = (int)strtol(json + strcspn(json, "0123456789"), NULL, 10);
            text = suite_text("%s%d ", text, number);
        }
        cursor = at(page, "nextCursor");
    } while (cursor[0] != '\0');
    return text;
}

static void lists_go_by_the_date_not_by_the_sid(void)
{
    const char *ws = mirrored_workspace();
    fill(ws);
    /* of one time: by SID, where the later one is smaller */
    CHECK_TEXT(numbers(ws, ""), "1 0 3 2 5 4 7 6 9 8 11 10 ");
    CHECK_TEXT(numbers(ws, ",'ordering':'DateCreated:asc'"), "1 0 3 2 5 4 7 6 9 8 11 10 ");
    CHECK_TEXT(numbers(ws, ",'ordering':'DateCreated:desc'"), "10 11 8 9 6 7 4 5 2 3 0 1 ");
    CHECK_TEXT(numbers(ws, ",'ordering':'Priority:desc,DateCreated:asc'"),
               "1 3 5 7 9 11 0 2 4 6 8 10 ");
    CHECK_TEXT(numbers(ws, ",'ordering':'Priority:asc,DateCreated:desc'"),
               "10 8 6 4 2 0 11 9 7 5 3 1 ");
    CHECK_TEXT(numbers(ws, ",'assignmentStatus':['TASK_STATUS_ASSIGNED']"), "0 3 6 9 ");
    CHECK_TEXT(numbers(ws, ",'evaluateTaskAttributes':'n > 6'"), "7 9 8 11 10 ");
    CHECK_TEXT(numbers(ws, ",'ordering':'DateCreated:desc','evaluateTaskAttributes':'n == 4'"),
               "4 ");
    CHECK(suite_uses_index("tasks", false, "store/task_order.sql", "task_scan_created",
                           suite_text("'%s', '', 250, null, null, null, null, null, null, null, "
                                      "null",
                                      ws),
                           "using task_mirror_by_created"));
}

/* ---- now ---- */

static int world; /* of the case: whose SIDs are its own */

static const char *id(const char *prefix, int number)
{
    return suite_text("%sfd%04x%026x", prefix, world, number);
}

static const char *offer_json(int number, const char *status)
{
    return suite_text("{'sid':'%s','taskSid':'%s','workerSid':'%s','timeout':120,"
                      "'reservationStatus':'RESERVATION_STATUS_%s'}",
                      id("WR", number), id("WT", number), id("WK", 1), status);
}

static const char *case_task(int number, const char *status, const char *more)
{
    return suite_text("{'sid':'%s','assignmentStatus':'TASK_STATUS_%s','attributes':'{}',"
                      "'taskQueueSid':'%s','taskChannelSid':'%s','dateCreated':"
                      "'2026-01-02T03:00:00Z'%s}",
                      id("WT", number), status, id("WQ", 1), id("TC", 1), more);
}

/* One assigned, one offered, one waiting. */
static void hand_out(const char *ws)
{
    (void)apply(ws, "30:00",
                suite_text("'tasks':[%s,%s,%s],'reservations':[%s,%s]",
                           case_task(1, "ASSIGNED", ""), case_task(2, "RESERVED", ",'priority':7"),
                           case_task(3, "PENDING", ""), offer_json(1, "ACCEPTED"),
                           offer_json(2, "PENDING")));
}

static bool is_heard(const void *ctx)
{
    return suite_count("select count(*) from tasks.config_copy where workspace_sid = '%s' and kind "
                       "in ('worker', 'queue', 'activity')",
                       (const char *)ctx) == 3;
}

static void tell_config(const char *ws)
{
    const char *common =
        suite_text("'workspaceSid':'%s','accountSid':'" ACCOUNT "','version':'1'", ws);
    CHECK(suite_publish("activity.created", ws, id("WA", 1), 1, 0,
                        "{'activity':{'sid':'%s','friendlyName':'Here','available':true,%s}}",
                        id("WA", 1), common));
    CHECK(suite_publish("task-queue.created", ws, id("WQ", 1), 1, 0,
                        "{'taskQueue':{'sid':'%s','friendlyName':'Permits','targetWorkers':'1==1',"
                        "%s}}",
                        id("WQ", 1), common));
    CHECK(suite_publish("worker.created", ws, id("WK", 1), 1, 0,
                        "{'worker':{'sid':'%s','friendlyName':'Ann','attributes':'{}',"
                        "'activitySid':'%s','channels':[{'taskChannelSid':'%s',"
                        "'configuredCapacity':4,'available':true}],%s}}",
                        id("WK", 1), id("WA", 1), id("TC", 1), common));
    CHECK(suite_until(is_heard, ws, WAIT_MS));
}

static void what_goes_on_now_is_told_from_the_rows(void)
{
    const char *ws = mirrored_workspace();
    world++;
    tell_config(ws);
    hand_out(ws);
    const json_t *loads = suite_ok(&suite_viewer, SUITE_TASKS, "ListWorkerLoads",
                                   "{'workspaceSid':'%s','workerSids':['%s']}", ws, id("WK", 1));
    CHECK_I64(at_i64(loads, "items"), 1);
    CHECK_TEXT(at(loads, "items.0.taskChannelSid"), id("TC", 1));
    CHECK_I64(at_i64(loads, "items.0.configuredCapacity"), 4);
    CHECK_I64(at_i64(loads, "items.0.assignedTasks"), 1);
    CHECK_I64(at_i64(loads, "items.0.consumedCapacity"), 2);
    CHECK_I64(at_i64(loads, "items.0.availableCapacityPercentage"), 50);
    const json_t *all = suite_ok(&suite_viewer, SUITE_TASKS, "GetWorkspaceStatistics",
                                 "{'workspaceSid':'%s','part':'STATISTICS_PART_REALTIME'}", ws);
    CHECK_I64(at_i64(all, "realtime.totalTasks"), 3);
    CHECK_I64(at_i64(all, "realtime.totalWorkers"), 1);
    const json_t *queue = suite_ok(&suite_viewer, SUITE_TASKS, "GetQueueStatistics",
                                   "{'workspaceSid':'%s','sid':'%s'}", ws, id("WQ", 1));
    CHECK_I64(at_i64(queue, "realtime.totalTasks"), 3);
    CHECK_I64(at_i64(queue, "realtime.totalEligibleWorkers"), 1);
    CHECK_I64(at_i64(queue, "realtime.totalAvailableWorkers"), 1);
    CHECK_TEXT(at(queue, "realtime.longestTaskWaitingSid"), id("WT", 2));
    CHECK(suite_uses_index("tasks", false, "store/mirror_store.sql", "mirror_loads",
                           suite_text("'%s', array['%s']", ws, id("WK", 1)),
                           "using reservation_mirror_open"));
}

static void explanations_say_whose_work_it_is(void)
{
    const char *ws = mirrored_workspace();
    const char *task = "WTfd000000000000000000000000000011";
    const char *offer = "WRfd000000000000000000000000000011";
    (void)apply(ws, "30:00",
                suite_text("'tasks':[%s],'reservations':[%s],'event':{'sid':"
                           "'EVe10000000000000000000000000000e1','eventType':"
                           "'workflow.target-matched','eventDate':'2026-01-02T03:30:00Z',"
                           "'resourceType':'task','resourceSid':'%s','eventData':"
                           "'{`workflow_filter_name`:`Urgent`}'}",
                           task_json(task, "RESERVED", ",'taskQueueName':'Permits'"),
                           reservation_json(offer, task, "PENDING"), task));
    const json_t *why = suite_ok(&suite_viewer, SUITE_TASKS, "ExplainTask",
                                 "{'workspaceSid':'%s','sid':'%s'}", ws, task);
    const char *summary = at(why, "summary");
    CHECK(strstr(summary, "Twilio routes this workspace") != NULL);
    CHECK(strstr(summary, "reserved") != NULL);
    CHECK(strstr(summary, "filter Urgent") != NULL);
    CHECK(strstr(summary, "workflow.target-matched of 2026-01-02T03:30:00Z") != NULL);
    CHECK_I64(at_i64(why, "reservations"), 1);
    why = suite_ok(&suite_viewer, SUITE_TASKS, "ExplainReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", ws, offer);
    CHECK(strstr(at(why, "summary"), "Twilio routes this workspace") != NULL);
}

/* ---- writes ---- */

static void writes_go_on_to_who_asks_twilio(void)
{
    const char *ws = mirrored_workspace();
    world++;
    hand_out(ws);
    struct identity agent = suite_agent;
    agent.worker_sid = id("WK", 1);
    const char *own = suite_text("{'workspaceSid':'%s','sid':'%s'}", ws, id("WR", 2));
    static const char *const methods[] = {"AcceptReservation", "RejectReservation",
                                          "CompleteReservation", "InstructReservation"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        CHECK(suite_refused(&agent, SUITE_TASKS, "UNAVAILABLE MIRRORED", methods[i], "%s", own));
        CHECK(suite_refused(&suite_agent, SUITE_TASKS, "PERMISSION_DENIED NOT_YOURS", methods[i],
                            "%s", own));
        CHECK(suite_refused(&agent, SUITE_TASKS, "NOT_FOUND RESERVATION_NOT_FOUND", methods[i],
                            "{'workspaceSid':'%s','sid':'%s'}", ws, id("WR", 99)));
    }
    CHECK(suite_refused(&agent, SUITE_TASKS, "UNAVAILABLE MIRRORED", "CompleteTask",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, id("WT", 1)));
    CHECK(suite_refused(&agent, SUITE_TASKS, "PERMISSION_DENIED NOT_YOURS", "CompleteTask",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, id("WT", 3)));
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "PERMISSION_DENIED ROLE_TOO_LOW", "CreateTask",
                        "{'workspaceSid':'%s'}", ws));
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "UNAVAILABLE MIRRORED", "CreateTask",
                        "{'workspaceSid':'%s','attributes':'{}'}", ws));
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "UNAVAILABLE MIRRORED", "DeleteTask",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, id("WT", 1)));
    CHECK_I64(events_of(ws, ",'eventType':'task.created'"), 0);
}

/* ---- the router ---- */

static void nothing_of_it_is_in_the_router(void)
{
    const char *ws = mirrored_workspace();
    world++;
    int64_t logged = suite_count("select sum(length(journal)) from tasks.event_batch");
    tell_config(ws);
    hand_out(ws);
    /* Told to the table and the history alone: the journal has ticks of some bytes. */
    CHECK(suite_count("select sum(length(journal)) from tasks.event_batch") - logged < 200);
    CHECK_I64(suite_count("select count(*) from tasks.config_copy where workspace_sid = '%s'", ws),
              4);
    (void)kill(process_pid(suite_process(SUITE_TASKS)), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    REQUIRE(suite_restart(SUITE_TASKS));
    CHECK_I64(suite_count("select count(*) from tasks.task where workspace_sid = '%s' and "
                          "sequence = 0",
                          ws),
              3);
    /* It would have been let go, offered, or timed out by now. */
    const json_t *task = suite_ok(&suite_viewer, SUITE_TASKS, "GetTask",
                                  "{'workspaceSid':'%s','sid':'%s'}", ws, id("WT", 2));
    CHECK_TEXT(at(task, "assignmentStatus"), "TASK_STATUS_RESERVED");
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "UNAVAILABLE MIRRORED", "CreateTask",
                        "{'workspaceSid':'%s'}", ws)); /* known to be mirrored after a load, too */
}

static bool has_left(const void *ctx)
{
    return suite_count(
               "select count(*) from tasks.task where workspace_sid = '%s' and purged_at is "
               "not null",
               (const char *)ctx) == 1;
}

static void ended_tasks_leave_the_lists(void)
{
    const char *ws = mirrored_workspace();
    (void)apply(ws, "30:00",
                suite_text("'tasks':[%s,%s]",
                           task_json("WTfd000000000000000000000000000021", "COMPLETED",
                                     ",'dateUpdated':'2026-01-02T03:29:00Z'"),
                           task_json("WTfd000000000000000000000000000022", "PENDING", "")));
    CHECK(suite_until(has_left, ws, WAIT_MS)); /* its five minutes were over long ago */
    const json_t *list =
        suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s'}", ws);
    CHECK_I64(at_i64(list, "items"), 1);
    const json_t *late = apply(
        ws, "31:00",
        suite_text("'tasks':[%s]", task_json("WTfd000000000000000000000000000021", "PENDING", "")));
    CHECK_TEXT(OUTCOME(late, "items.0.outcome"), "STALE");
}

static const struct test_case cases[] = {
    {"lists go by the date, not by the SID",   lists_go_by_the_date_not_by_the_sid   },
    {"what goes on now is told from the rows", what_goes_on_now_is_told_from_the_rows},
    {"explanations say whose work it is",      explanations_say_whose_work_it_is     },
    {"writes go on to who asks Twilio",        writes_go_on_to_who_asks_twilio       },
    {"nothing of it is in the router",         nothing_of_it_is_in_the_router        },
    {"ended tasks leave the lists",            ended_tasks_leave_the_lists           },
};

int main(int argc, char **argv)
{
    return suite_main("tasks mirror reads", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
