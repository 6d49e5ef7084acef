/* queues-svc: lists by ordering, worker and activity; the activities that queues name. */
#include "suite.h"

#define Q SUITE_QUEUES
#define W SUITE_WORKERS

static const char *activity(const char *workspace_sid, const char *name)
{
    return at(suite_ok(&suite_viewer, W, "ListActivities",
                       "{'workspaceSid':'%s','friendlyName':'%s'}", workspace_sid, name),
              "items.0.sid");
}

/* The names on all pages of the list, one after another. */
static const char *names(const char *ws, const char *filter)
{
    const char *text = "";
    const char *cursor = "";
    int pages = 0;
    do {
        const json_t *page = suite_ok(&suite_viewer, Q, "ListTaskQueues",
                                      "{'workspaceSid':'%s','cursor':'%s'%s}", ws, cursor, filter);
        for (int i = 0; i < at_i64(page, "items"); i++)
            text = suite_text("%s%s", text, at(page, suite_text("items.%d.friendlyName", i)));
        cursor = at(page, "nextCursor");
    } while (cursor[0] != '\0' && ++pages < 100);
    return text;
}

static void test_ordering(void)
{
    const char *ws = suite_workspace();
    const char *sids[5];
    for (int i = 0; i < 5; i++)
        sids[i] = at(suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                              "{'workspaceSid':'%s','friendlyName':'%c'}", ws, 'A' + i),
                     "sid");
    (void)suite_ok(&suite_supervisor, Q, "UpdateTaskQueue",
                   "{'taskQueue':{'workspaceSid':'%s','sid':'%s','maxReservedWorkers':2},"
                   "'updateMask':'maxReservedWorkers'}",
                   ws, sids[1]);
    CHECK_TEXT(names(ws, ""), "ABCDE");
    CHECK_TEXT(names(ws, ",'pageSize':2,'ordering':'DateUpdated:asc'"), "ACDEB");
    CHECK_TEXT(names(ws, ",'pageSize':2,'ordering':'DateUpdated:desc'"), "BEDCA");
    CHECK_TEXT(names(ws, ",'pageSize':1,'ordering':'DateUpdated:desc',"
                         "'evaluateWorkerAttributes':'{}'"),
               "BEDCA");
    CHECK(suite_refused(&suite_viewer, Q, "INVALID_ARGUMENT INVALID_ORDERING ordering",
                        "ListTaskQueues", "{'workspaceSid':'%s','ordering':'DateUpdated:up'}", ws));
    CHECK(suite_refused(&suite_viewer, Q, "INVALID_ARGUMENT INVALID_CURSOR cursor",
                        "ListTaskQueues", "{'workspaceSid':'%s','cursor':'dHEwLTox'}", ws));
}

static void test_worker(void)
{
    const char *ws = suite_workspace();
    const char *worker = at(suite_ok(&suite_supervisor, W, "CreateWorker",
                                     "{'workspaceSid':'%s','friendlyName':'Ann','attributes':"
                                     "'{`level`:4}'}",
                                     ws),
                            "sid");
    static const char *const targets[] = {"level > 3", "level > 4", "friendly_name == `Ann`", "",
                                          "activity_name == `Offline`"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        (void)suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                       "{'workspaceSid':'%s','friendlyName':'%c','targetWorkers':'%s'}", ws,
                       'A' + (int)i, targets[i]);
    CHECK_TEXT(names(ws, suite_text(",'workerSid':'%s'", worker)), "ACE");
    CHECK_TEXT(names(ws, suite_text(",'workerSid':'%s','pageSize':1", worker)), "ACE");
    CHECK_TEXT(names(ws, ",'evaluateWorkerAttributes':'{`level`:9}'"), "AB");
    CHECK_TEXT(
        names(ws, suite_text(",'workerSid':'%s','evaluateWorkerAttributes':'{`level`:9}'", worker)),
        "A");
    CHECK_TEXT(names(ws, ",'workerSid':'WK00000000000000000000000000000001'"), "");
    CHECK(suite_refused(&suite_viewer, Q, "INVALID_ARGUMENT INVALID_SID worker_sid",
                        "ListTaskQueues", "{'workspaceSid':'%s','workerSid':'x'}", ws));
}

static bool is_renamed(const void *ctx)
{
    const char *const *keys = ctx;
    return strcmp(at(suite_ok(&suite_viewer, Q, "GetTaskQueue", "{'workspaceSid':'%s','sid':'%s'}",
                              keys[0], keys[1]),
                     "reservationActivityName"),
                  "Ringing") == 0;
}

static void test_activities(void)
{
    const char *ws = suite_workspace();
    const char *reserved = at(suite_ok(&suite_supervisor, W, "CreateActivity",
                                       "{'workspaceSid':'%s','friendlyName':'Reserved'}", ws),
                              "sid");
    const char *offline = activity(ws, "Offline");
    const json_t *made = suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                                  "{'workspaceSid':'%s','friendlyName':'Q',"
                                  "'reservationActivitySid':'%s','assignmentActivitySid':'%s'}",
                                  ws, reserved, offline);
    CHECK_TEXT(at(made, "reservationActivityName"), "Reserved");
    CHECK_TEXT(at(made, "assignmentActivityName"), "Offline");
    CHECK(json_equal(made, suite_ok(&suite_viewer, Q, "GetTaskQueue",
                                    "{'workspaceSid':'%s','sid':'%s'}", ws, at(made, "sid"))));
    CHECK_TEXT(names(ws, suite_text(",'activitySid':'%s'", offline)), "Q");
    CHECK_TEXT(names(ws, suite_text(",'activitySid':'%s'", activity(ws, "Available"))), "");
    CHECK(suite_refused(&suite_supervisor, W, "FAILED_PRECONDITION ACTIVITY_IN_USE : Q",
                        "DeleteActivity", "{'workspaceSid':'%s','sid':'%s'}", ws, reserved));
    (void)suite_ok(&suite_supervisor, W, "UpdateActivity",
                   "{'activity':{'workspaceSid':'%s','sid':'%s','friendlyName':'Ringing'},"
                   "'updateMask':'friendlyName'}",
                   ws, reserved);
    const char *keys[] = {ws, at(made, "sid")};
    CHECK(suite_until(is_renamed, keys, 20000));
    const json_t *now = suite_ok(&suite_supervisor, Q, "UpdateTaskQueue",
                                 "{'taskQueue':{'workspaceSid':'%s','sid':'%s'},'updateMask':"
                                 "'reservationActivitySid'}",
                                 ws, at(made, "sid"));
    CHECK_TEXT(at(now, "reservationActivityName"), "");
    CHECK_TEXT(at(now, "assignmentActivityName"), "Offline");
    (void)suite_ok(&suite_supervisor, W, "DeleteActivity", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   reserved);
    CHECK(suite_refused(&suite_supervisor, Q,
                        "INVALID_ARGUMENT ACTIVITY_NOT_FOUND assignment_activity_sid",
                        "UpdateTaskQueue",
                        "{'taskQueue':{'workspaceSid':'%s','sid':'%s','assignmentActivitySid':"
                        "'%s'},'updateMask':'assignmentActivitySid'}",
                        ws, at(made, "sid"), reserved));
}

static void test_single_tasking(void)
{
    const char *ws = at(suite_ok(&suite_admin, W, "CreateWorkspace",
                                 "{'friendlyName':'Single','multiTaskEnabled':false}"),
                        "sid");
    CHECK(suite_refused(&suite_supervisor, Q,
                        "INVALID_ARGUMENT ACTIVITY_REQUIRED reservation_activity_sid : "
                        "Activity Sids cannot be empty",
                        "CreateTaskQueue", "{'workspaceSid':'%s','friendlyName':'Q'}", ws));
    const char *sid = activity(ws, "Unavailable");
    const json_t *made = suite_ok(&suite_supervisor, Q, "CreateTaskQueue",
                                  "{'workspaceSid':'%s','friendlyName':'Q',"
                                  "'reservationActivitySid':'%s','assignmentActivitySid':'%s'}",
                                  ws, sid, sid);
    CHECK(suite_refused(&suite_supervisor, Q,
                        "INVALID_ARGUMENT ACTIVITY_REQUIRED reservation_activity_sid",
                        "UpdateTaskQueue",
                        "{'taskQueue':{'workspaceSid':'%s','sid':'%s'},'updateMask':"
                        "'reservationActivitySid'}",
                        ws, at(made, "sid")));
}

static void test_indexes(void)
{
    const char *ws = suite_workspace();
    const char *file = "store/queue_store.sql";
    const char *stop = "'WQ00000000000000000000000000000fff'";
    CHECK(cluster_sql(suite_cluster(),
                      suite_text("insert into queues.task_queue (sid, account_sid, workspace_sid, "
                                 "friendly_name, target_workers, max_reserved_workers, task_order, "
                                 "created_at, updated_at) select 'WQ' || lpad(to_hex(g), 32, '0'), "
                                 "'%s', '%s', 'N' || g, '1==1', 1, 'FIFO', now(), now() from "
                                 "generate_series(1, 5000) g; analyze queues.task_queue",
                                 ACCOUNT, ws)));
    CHECK(suite_uses_index("queues", false, file, "queue_list",
                           suite_text("'%s', %s, 51, null, null, null", ws, stop),
                           "Index Scan using task_queue_"));
    CHECK(suite_uses_index("queues", false, file, "queue_list",
                           suite_text("'%s', '', 51, 'n17', null, null", ws),
                           "task_queue_friendly_name"));
    CHECK(suite_uses_index("queues", false, file, "queue_list",
                           suite_text("'%s', '', 51, null, 'WA1', null", ws),
                           "task_queue_by_activity"));
    CHECK(suite_uses_index("queues", false, file, "queue_list_by_updated",
                           suite_text("'%s', %s, 51, null, null, now()", ws, stop),
                           "task_queue_by_updated"));
    CHECK(suite_uses_index("queues", false, file, "queue_list_by_updated_desc",
                           suite_text("'%s', '', 51, null, null, null", ws),
                           "Backward using task_queue_by_updated"));
}

static const struct test_case cases[] = {
    {"queues are ordered by their last update, page by page",         test_ordering      },
    {"the queues of a worker are those whose expression matches him", test_worker        },
    {"a queue shows and holds the activities that it names",          test_activities    },
    {"without multitasking a queue needs both activities",            test_single_tasking},
    {"every list has an index",                                       test_indexes       },
};

int main(int argc, char **argv)
{
    return suite_main("queues-svc lists", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
