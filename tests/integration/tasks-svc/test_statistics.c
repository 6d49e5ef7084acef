/* tasks-svc: statistics as they follow from what happens, of now and of the past. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tasks_fixture.h"

enum { COUNTED_MS = 15000, KILLS = 3, LIVES = 60 };

static bool is_counted(const void *ctx)
{
    (void)ctx;
    return suite_count("select coalesce(max(seq), 0) from tasks.stat_cursor") == log_last();
}

static const json_t *stats(const char *method, const char *format, ...) PRINTF_LIKE(2, 3);

/* The answer once everything that happened is counted. */
static const json_t *stats(const char *method, const char *format, ...)
{
    char more[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(more, sizeof more, format, args);
    va_end(args);
    CHECK(suite_until(is_counted, NULL, COUNTED_MS));
    return suite_ok(&suite_viewer, SUITE_TASKS, method, "{%s}", more);
}

static const char *task_in(const struct place *place, const char *channel, int priority)
{
    return at(suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                       "{'workspaceSid':'%s','taskChannel':'%s','priority':%d}", place->workspace,
                       channel, priority),
              "sid");
}

static void act(const struct place *place, const char *method, const char *sid, const char *more)
{
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, method, "{'workspaceSid':'%s','sid':'%s'%s}",
                   place->workspace, sid, more);
}

struct want {
    const char *path;
    int64_t value;
};

static void check_all(const json_t *body, const struct want *wants, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        int64_t is = at_i64(body, wants[i].path);
        if (is != wants[i].value)
            (void)fprintf(stderr, "%s: %s is %lld, not %lld\n", what, wants[i].path, (long long)is,
                          (long long)wants[i].value);
        CHECK_I64(is, wants[i].value);
    }
}

#define CHECK_ALL(body, ...)                                                                       \
    check_all((body), (const struct want[]){__VA_ARGS__},                                          \
              sizeof((const struct want[]){__VA_ARGS__}) / sizeof(struct want), #body)

/* ---- of now ---- */

static int64_t workers_in(const json_t *report, const char *activity)
{
    for (int64_t i = 0; i < at_i64(report, "realtime.activityStatistics"); i++) {
        const char *path = suite_text("realtime.activityStatistics.%lld", (long long)i);
        if (strcmp(at(report, suite_text("%s.sid", path)), activity) == 0)
            return at_i64(report, suite_text("%s.workers", path));
    }
    return -1;
}

static void test_now(void)
{
    struct place place = place_new(0);
    CHECK(place_heard(suite_ok(&suite_admin, SUITE_WORKERS, "GetActivity",
                               "{'workspaceSid':'%s','sid':'%s'}", place.workspace,
                               place.available)));
    const char *first = task_in(&place, "default", 0);
    const char *voice = task_in(&place, "voice", 0);
    const char *urgent = task_in(&place, "default", 5);
    const char *ws = place.workspace;
    const json_t *all =
        suite_ok(&suite_viewer, SUITE_TASKS, "GetWorkspaceStatistics", "{'workspaceSid':'%s'}", ws);
    CHECK_TEXT(at(all, "sid"), ws);
    CHECK_TEXT(at(all, "accountSid"), ACCOUNT);
    CHECK_TEXT(at(all, "realtime.longestTaskWaitingSid"), first);
    CHECK_ALL(all, {"realtime.totalTasks", 3}, {"realtime.tasksByStatus.pending", 3},
              {"realtime.tasksByPriority", 2}, {"realtime.tasksByPriority.0.priority", 0},
              {"realtime.tasksByPriority.0.tasks", 2}, {"realtime.tasksByPriority.1.priority", 5},
              {"realtime.tasksByPriority.1.tasks", 1}, {"realtime.totalWorkers", 0});
    CHECK_I64(workers_in(all, place.available), 0);
    const json_t *calls = suite_ok(&suite_viewer, SUITE_TASKS, "GetQueueStatistics",
                                   "{'workspaceSid':'%s','sid':'%s','taskChannel':'voice','part':"
                                   "'STATISTICS_PART_REALTIME'}",
                                   ws, place.queue);
    CHECK_TEXT(at(calls, "realtime.longestTaskWaitingSid"), voice);
    CHECK_TEXT(at(calls, "realtime.longestRelativeTaskSidInQueue"), voice);
    CHECK_ALL(calls, {"realtime.totalTasks", 1}, {"realtime.tasksByStatus.pending", 1});
    CHECK(json_is_null(json_object_get(calls, "cumulative")));

    const char *worker = place_worker(&place, "nora", 2);
    act(&place, "AcceptReservation", reservation_of(&place, "taskSid", urgent, "PENDING"), "");
    act(&place, "WrapUpTask", urgent, ",'reason':'x'");
    const json_t *queue = suite_ok(&suite_viewer, SUITE_TASKS, "GetQueueStatistics",
                                   "{'workspaceSid':'%s','sid':'%s'}", ws, place.queue);
    CHECK_TEXT(at(queue, "realtime.longestTaskWaitingSid"), first);
    CHECK_ALL(queue, {"realtime.tasksByStatus.reserved", 2}, {"realtime.tasksByStatus.wrapping", 1},
              {"realtime.tasksByStatus.pending", 0}, {"realtime.totalAvailableWorkers", 1},
              {"realtime.totalEligibleWorkers", 1});
    const json_t *whole =
        suite_ok(&suite_viewer, SUITE_TASKS, "GetWorkspaceStatistics", "{'workspaceSid':'%s'}", ws);
    CHECK_ALL(whole, {"realtime.totalAvailableWorkers", 1}, {"realtime.totalWorkers", 1});
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorker",
                   "{'worker':{'sid':'%s','workspaceSid':'%s','activitySid':'%s'},'updateMask':"
                   "'activitySid'}",
                   worker, ws, place.offline);
    CHECK(place_knows(&place, worker));
    queue = suite_ok(&suite_viewer, SUITE_TASKS, "GetQueueStatistics",
                     "{'workspaceSid':'%s','sid':'%s'}", ws, place.queue);
    CHECK_ALL(queue, {"realtime.totalAvailableWorkers", 0}, {"realtime.totalEligibleWorkers", 1});
    CHECK_I64(workers_in(queue, place.offline), 1);
    const json_t *flow = suite_ok(&suite_viewer, SUITE_TASKS, "GetWorkflowStatistics",
                                  "{'workspaceSid':'%s','sid':'%s'}", ws, place.workflow);
    CHECK_ALL(flow, {"realtime.totalTasks", 3}, {"realtime.activityStatistics", 0});
    const json_t *people = suite_ok(&suite_viewer, SUITE_TASKS, "GetWorkersStatistics",
                                    "{'workspaceSid':'%s','friendlyName':'Nora','taskQueueSid':"
                                    "'%s'}",
                                    ws, place.queue);
    CHECK_ALL(people, {"realtime.totalWorkers", 1}, {"realtime.totalTasks", 0});
    CHECK_I64(workers_in(people, place.offline), 1);
    people = suite_ok(&suite_viewer, SUITE_TASKS, "GetWorkersStatistics",
                      "{'workspaceSid':'%s','friendlyName':'Nobody'}", ws);
    CHECK_ALL(people, {"realtime.totalWorkers", 0});
}

/* ---- of the past ---- */

static void test_past(void)
{
    struct place place = place_new(4);
    const char *ws = place.workspace;
    const char *worker = place_worker(&place, "pat", 1);
    const char *kept = task_in(&place, "default", 0);
    const char *offer = reservation_of(&place, "taskSid", kept, "PENDING");
    act(&place, "RejectReservation", offer, "");
    act(&place, "AcceptReservation", reservation_of(&place, "taskSid", kept, "PENDING"), "");
    const char *call = task_in(&place, "voice", 0);
    act(&place, "AcceptReservation", reservation_of(&place, "taskSid", call, "PENDING"), "");
    act(&place, "DeleteTask", call, "");
    act(&place, "CompleteTask", kept, ",'reason':'done'");
    const char *missed = task_in(&place, "default", 0);
    CHECK(reservation_of(&place, "taskSid", missed, "TIMEOUT")[0] != '\0');
    act(&place, "CancelTask", missed, ",'reason':'gone'");
    const struct want wants[] = {
        {"cumulative.reservationsCreated",   4},
        {"cumulative.reservationsAccepted",  2},
        {"cumulative.reservationsRejected",  1},
        {"cumulative.reservationsTimedOut",  1},
        {"cumulative.reservationsCanceled",  1},
        {"cumulative.reservationsRescinded", 0},
        {"cumulative.tasksCanceled",         1},
        {"cumulative.tasksCompleted",        1},
        {"cumulative.tasksDeleted",          1},
        {"cumulative.tasksMoved",            0},
    };
    const json_t *all = stats("GetWorkspaceStatistics", "'workspaceSid':'%s'", ws);
    check_all(all, wants, ARRAY_LEN(wants), "workspace");
    CHECK_ALL(all, {"cumulative.tasksCreated", 3});
    const json_t *queue =
        stats("GetQueueStatistics", "'workspaceSid':'%s','sid':'%s'", ws, place.queue);
    check_all(queue, wants, ARRAY_LEN(wants), "queue");
    CHECK_ALL(queue, {"cumulative.tasksEntered", 3}, {"cumulative.tasksCreated", 0});
    const json_t *flow =
        stats("GetWorkflowStatistics", "'workspaceSid':'%s','sid':'%s'", ws, place.workflow);
    check_all(flow, wants, ARRAY_LEN(wants), "workflow");
    const json_t *people = stats("GetWorkersStatistics", "'workspaceSid':'%s'", ws);
    check_all(people, wants, 6, "workers");
    const json_t *one = stats("GetWorkerStatistics", "'workspaceSid':'%s','sid':'%s'", ws, worker);
    check_all(one, wants, 6, "worker");
    CHECK(json_is_null(json_object_get(one, "realtime")));
    const json_t *calls =
        stats("GetQueueStatistics", "'workspaceSid':'%s','sid':'%s','taskChannel':'voice'", ws,
              place.queue);
    CHECK_ALL(calls, {"cumulative.reservationsCreated", 1}, {"cumulative.reservationsAccepted", 1},
              {"cumulative.tasksDeleted", 1}, {"cumulative.tasksCanceled", 0});
    /* He was on call four seconds at least, and away since the router moved him. */
    int64_t stays = 0;
    for (int64_t i = 0; i < at_i64(one, "cumulative.activityDurations"); i++) {
        const char *path = suite_text("cumulative.activityDurations.%lld", (long long)i);
        const char *sid = at(one, suite_text("%s.sid", path));
        if (strcmp(sid, place.available) == 0)
            CHECK(at_i64(one, suite_text("%s.total", path)) >= 4);
        stays++;
    }
    CHECK(stays >= 2);
    CHECK_I64(suite_count("select count(*) from tasks.stat_span where worker_sid = '%s' and "
                          "activity_sid = '%s' and to_at = 'infinity'",
                          worker, place.offline),
              1);
}

static void test_moved(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *second = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                                     "{'workspaceSid':'%s','friendlyName':'Second'}", ws),
                            "sid");
    const json_t *flow = suite_ok(
        &suite_admin, SUITE_ROUTING, "CreateWorkflow",
        "{'workspaceSid':'%s','friendlyName':'Two','configuration':'{`task_routing`:{`filters`:[{"
        "`expression`:`1==1`,`targets`:[{`queue`:`%s`,`timeout`:1},{`queue`:`%s`,`timeout`:1}]}]}"
        "}'}",
        ws, place.queue, second);
    CHECK(place_heard(flow));
    const char *task = at(suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                   "{'workspaceSid':'%s','workflowSid':'%s'}", ws, at(flow, "sid")),
                          "sid");
    CHECK(suite_event("task.canceled", task, 0) != NULL);
    const json_t *list = stats("ListQueueStatistics", "'workspaceSid':'%s'", ws);
    CHECK_I64(at_i64(list, "items"), 2);
    for (int64_t i = 0; i < 2; i++) {
        const char *item = suite_text("items.%lld", (long long)i);
        bool is_first = strcmp(at(list, suite_text("%s.sid", item)), place.queue) == 0;
        CHECK_I64(at_i64(list, suite_text("%s.cumulative.tasksEntered", item)), 1);
        CHECK_I64(at_i64(list, suite_text("%s.cumulative.tasksMoved", item)), is_first ? 1 : 0);
        CHECK_I64(at_i64(list, suite_text("%s.cumulative.tasksCanceled", item)), is_first ? 0 : 1);
        CHECK_I64(at_i64(list, suite_text("%s.cumulative.waitDurationUntilCanceled.min", item)),
                  is_first ? 0 : 2);
    }
    const json_t *report =
        stats("GetWorkflowStatistics", "'workspaceSid':'%s','sid':'%s'", ws, at(flow, "sid"));
    CHECK_ALL(report, {"cumulative.tasksTimedOutInWorkflow", 1}, {"cumulative.tasksMoved", 1},
              {"cumulative.tasksEntered", 1});
    /* pages, names, and SIDs: unknown ones have zeros */
    list = stats("ListQueueStatistics", "'workspaceSid':'%s','pageSize':1", ws);
    CHECK_I64(at_i64(list, "items"), 1);
    list = stats("ListQueueStatistics", "'workspaceSid':'%s','pageSize':1,'cursor':'%s'", ws,
                 at(list, "nextCursor"));
    CHECK_I64(at_i64(list, "items"), 1);
    CHECK_TEXT(at(list, "nextCursor"), "");
    list = stats("ListQueueStatistics", "'workspaceSid':'%s','friendlyName':'second'", ws);
    CHECK_TEXT(at(list, "items.0.sid"), second);
    const char *unknown = "WQ00000000000000000000000000000009";
    list = stats("ListQueueStatistics", "'workspaceSid':'%s','taskQueueSids':['%s','%s','%s']", ws,
                 unknown, second, unknown);
    CHECK_I64(at_i64(list, "items"), 2);
    CHECK_TEXT(at(list, "items.0.sid"), unknown);
    CHECK_ALL(
        list, {"items.0.realtime.totalTasks", 0}, {"items.0.realtime.totalEligibleWorkers", 0},
        {"items.0.realtime.tasksByStatus.pending", 0}, {"items.1.cumulative.tasksEntered", 1});
}

/* What another workspace has is not told, by whatever name it is asked for. */
static void test_foreign(void)
{
    struct place place = place_new(0);
    struct place other = place_new(0);
    (void)place_worker(&other, "bob", 1);
    (void)task_new(&other, "{}");
    const json_t *report =
        stats("GetQueueStatistics", "'workspaceSid':'%s','sid':'%s'", other.workspace, other.queue);
    CHECK_ALL(report, {"realtime.totalTasks", 1}, {"cumulative.tasksEntered", 1});
    report = stats("ListQueueStatistics", "'workspaceSid':'%s','taskQueueSids':['%s','%s']",
                   place.workspace, other.queue, place.queue);
    CHECK_I64(at_i64(report, "items"), 2);
    CHECK_TEXT(at(report, "items.0.sid"), other.queue);
    CHECK_ALL(report, {"items.0.realtime.totalTasks", 0},
              {"items.0.realtime.totalEligibleWorkers", 0}, {"items.0.cumulative.tasksEntered", 0},
              {"items.0.cumulative.reservationsCreated", 0});
    CHECK_TEXT(at(report, "items.0.realtime.longestTaskWaitingSid"), "");
}

/* ---- nothing twice, nothing lost ---- */

static void test_crash(void)
{
    struct place place = place_new(0);
    int created = 0;
    for (int kill_no = 0; kill_no < KILLS; kill_no++) {
        for (int i = 0; i < LIVES / KILLS; i++) {
            struct answer answer = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                              "{'workspaceSid':'%s','idempotencyKey':'s-%d'}",
                                              place.workspace, created);
            if (answer.code == ERR_OK)
                created++;
            else
                process_sleep_ms(50);
        }
        process_sleep_ms(300 * kill_no); /* before, in and after a round */
        process_signal(suite_process(SUITE_TASKS), SIGKILL);
        (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
        CHECK(suite_restart(SUITE_TASKS));
    }
    int64_t until = clock_mono_us() + COUNTED_MS * US_PER_MS;
    while (suite_call(&suite_viewer, SUITE_TASKS, "GetWorkspaceStatistics", "{'workspaceSid':'%s'}",
                      place.workspace)
                   .code != ERR_OK &&
           clock_mono_us() < until)
        process_sleep_ms(50);
    CHECK(created > LIVES / 2);
    const json_t *report = stats("GetWorkspaceStatistics", "'workspaceSid':'%s'", place.workspace);
    CHECK_ALL(report, {"cumulative.tasksCreated", created}, {"realtime.totalTasks", created},
              {"realtime.tasksByStatus.pending", created});
}

/* Whoever is asked; and the successor counts on where the dead one stopped. */
static void test_replicas(void)
{
    const char *http = "";
    struct place place = place_new(0);
    struct process *twin = suite_start_twin(SUITE_TASKS, NULL, &http);
    CHECK(process_wait_ready(twin, http, 30000));
    suite_direct(SUITE_TASKS, suite_twin_grpc());
    for (int i = 0; i < 3; i++)
        (void)task_new(&place, "{}");
    const json_t *report = stats("GetWorkspaceStatistics", "'workspaceSid':'%s'", place.workspace);
    CHECK_ALL(report, {"realtime.totalTasks", 3}, {"cumulative.tasksCreated", 3});
    (void)task_new(&place, "{}");
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    (void)task_new(&place, "{}");
    report =
        stats("GetQueueStatistics", "'workspaceSid':'%s','sid':'%s'", place.workspace, place.queue);
    CHECK_ALL(report, {"realtime.totalTasks", 5}, {"cumulative.tasksEntered", 5});
    REQUIRE(suite_restart(SUITE_TASKS));
    suite_direct(SUITE_TASKS, NULL);
    CHECK_I64(process_terminate(twin, 10000), 0);
    process_free(twin);
}

/* ---- refusals ---- */

static void test_refused(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    static const struct {
        const char *more;
        const char *want;
    } rows[] = {
        {"'minutes':-1",                                                  "INVALID_ARGUMENT OUT_OF_RANGE minutes"           },
        {"'startDate':'2099-01-01T00:00:00Z'",                            "INVALID_ARGUMENT OUT_OF_RANGE start_date"        },
        {"'startDate':'2020-01-01T00:00:00Z'",                            "INVALID_ARGUMENT STATISTICS_TOO_OLD start_date"  },
        {"'taskChannel':'smoke'",                                         "INVALID_ARGUMENT CHANNEL_NOT_FOUND task_channel" },
        {"'taskChannel':'Voice'",                                         "INVALID_ARGUMENT CHANNEL_NOT_FOUND task_channel" },
        {"'splitByWaitTime':[0]",                                         "INVALID_ARGUMENT OUT_OF_RANGE split_by_wait_time"},
        {"'splitByWaitTime':[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
         "INVALID_ARGUMENT TOO_MANY split_by_wait_time"                                                                     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_viewer, SUITE_TASKS, rows[i].want, "GetWorkspaceStatistics",
                            "{'workspaceSid':'%s',%s}", ws, rows[i].more));
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "NOT_FOUND QUEUE_NOT_FOUND sid",
                        "GetQueueStatistics",
                        "{'workspaceSid':'%s','sid':'WQ00000000000000000000000000000009'}", ws));
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "INVALID_ARGUMENT INVALID_SID sid",
                        "GetQueueStatistics", "{'workspaceSid':'%s','sid':'%s'}", ws,
                        place.workflow));
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "NOT_FOUND WORKER_NOT_FOUND sid",
                        "GetWorkerStatistics",
                        "{'workspaceSid':'%s','sid':'WK00000000000000000000000000000009'}", ws));
    CHECK(suite_refused(&suite_stranger, SUITE_TASKS, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid",
                        "GetWorkspaceStatistics", "{'workspaceSid':'%s'}", ws));
    CHECK(suite_refused(
        &suite_viewer, SUITE_TASKS, "INVALID_ARGUMENT TOO_MANY interval", "GetStatisticsSeries",
        "{'workspaceSid':'%s','interval':'STATISTICS_INTERVAL_1M','minutes':20000}", ws));
}

static const struct test_case cases[] = {
    {"what is going on now, by workspace, queue, workflow and workers", test_now     },
    {"what happened is counted where it belongs",                       test_past    },
    {"a task that moves and times out counts in both queues",           test_moved   },
    {"the queues of other workspaces have zeros",                       test_foreign },
    {"killed at any moment, nothing is counted twice or lost",          test_crash   },
    {"any process answers, and counts on when it takes over",           test_replicas},
    {"what cannot be answered is refused with its field",               test_refused },
};

int main(int argc, char **argv)
{
    return suite_main("tasks statistics", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
