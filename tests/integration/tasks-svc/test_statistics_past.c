/*
 * tasks-svc: a day whose figures are known, put into the log as events of the day before yesterday
 * while the service is away, counted while it is killed, and asked for in many ways.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tasks_fixture.h"

#define ADA "WK000000000000000000000000000000a1"
#define BEA "WK000000000000000000000000000000b2"

enum { COUNTED_MS = 20000, DAY_S = 86400, HOUR_S = 3600, LOOK_MS = 50 };

/* The day, made once. */
static struct place place;
static const char *second;
static const char *voice;
static const char *basic;
static int64_t day_s; /* when it begins, in seconds since 1970 */
static json_t *told;  /* rows as in blocks from before the log was packed */

/* ---- writing it ---- */

static const char *time_text(int64_t second_of_day)
{
    char text[CLOCK_TEXT_SIZE];
    return suite_text("%s", clock_format_s((day_s + second_of_day) * US_PER_S, text));
}

static void tell_row(const char *type, int64_t at_s, int64_t version, const char *task,
                     const char *worker, const char *queue, const char *source, json_t *data)
{
    char *text = json_dumps(data, JSON_COMPACT);
    bool is_worker = strncmp(type, "worker.", 7) == 0;
    const char *sid = suite_text("EV%032zx", json_array_size(told) + 1);
    (void)json_array_append_new(
        told,
        json_pack("[s,s,s,s,s,s,I,s,s,s,s,s,I,s,s,s,s,s]", sid, ACCOUNT, place.workspace, type,
                  is_worker ? "worker" : "task", is_worker ? worker : task, (json_int_t)version,
                  task, worker, "", queue, is_worker ? "" : place.workflow,
                  (json_int_t)((day_s + at_s) * US_PER_S), "", "", source, text, "{}"));
    free(text);
    json_decref(data);
}

/* A task's time line. */
struct life {
    const char *channel;
    const char *queue;
    int64_t created_s;
    int64_t entered_s;
};

static void tell(const struct life *life, const char *type, int64_t at_s, const char *worker,
                 const char *left, const char *moves_to)
{
    const char *task = suite_text("WT%032llx", (long long)life->created_s);
    json_t *data =
        json_pack("{s:{s:s,s:s,s:s,s:s}}", "task", "attributes", "{\"taskChannelSid\":\"x\"}",
                  "taskChannelSid", life->channel, "dateCreated", time_text(life->created_s),
                  "taskQueueEnteredDate", time_text(life->entered_s));
    if (left != NULL)
        (void)json_object_set_new(data, "previousTaskQueueSid", json_string(left));
    if (moves_to != NULL)
        (void)json_object_set_new(data, "workerActivitySid", json_string(moves_to));
    tell_row(type, at_s, 1, task, worker == NULL ? "" : worker, life->queue, "/tasks-svc", data);
}

static void tell_created(const struct life *life)
{
    tell(life, "task.created", life->created_s, NULL, NULL, NULL);
    tell(life, "workflow.entered", life->created_s, NULL, NULL, NULL);
    tell(life, "task-queue.entered", life->entered_s, NULL, NULL, NULL);
}

static void tell_worker(const char *worker, const char *type, int64_t at_s, int64_t version,
                        const char *activity)
{
    tell_row(type, at_s, version, "", worker, "", "/workers-svc",
             json_pack("{s:{s:s,s:s}}", "worker", "sid", worker, "activitySid", activity));
}

static void tell_the_day(void)
{
    struct life a = {basic, place.queue, 3590, 3590};
    struct life b = {voice, place.queue, 3600, 3600};
    struct life c = {basic, place.queue, 7200, 7200};
    struct life d = {basic, place.queue, 7260, 7260};
    struct life e = {basic, place.queue, 10000, 10000};
    tell_worker(ADA, "worker.created", 0, 1, place.offline);
    tell_worker(BEA, "worker.created", 0, 1, place.available);
    /* rejected in one hour, accepted in the next */
    tell_created(&a);
    tell(&a, "reservation.created", 3591, ADA, NULL, NULL);
    tell(&a, "reservation.rejected", 3595, ADA, NULL, NULL);
    tell(&a, "reservation.created", 3595, BEA, NULL, NULL);
    tell_worker(ADA, "worker.activity.update", 3600, 2, place.available);
    tell_created(&b);
    tell(&a, "reservation.accepted", 3602, BEA, NULL, NULL);
    /* a call that moves to the second queue */
    b.queue = second;
    b.entered_s = 3630;
    tell(&b, "task-queue.moved", 3630, NULL, place.queue, NULL);
    tell(&b, "task-queue.entered", 3630, NULL, NULL, NULL);
    tell(&b, "reservation.created", 3635, ADA, NULL, NULL);
    tell(&b, "reservation.accepted", 3640, ADA, NULL, NULL);
    tell(&a, "task.completed", 3700, NULL, NULL, NULL);
    tell(&a, "reservation.completed", 3700, BEA, NULL, NULL);
    tell(&b, "task.wrapup", 3900, NULL, NULL, NULL);
    tell(&b, "reservation.wrapup", 3900, ADA, NULL, NULL);
    tell(&b, "task.completed", 4000, NULL, NULL, NULL);
    /* nobody answers: the router moves the worker, workers-svc says so later; its life ends */
    tell_created(&c);
    tell(&c, "reservation.created", 7200, ADA, NULL, NULL);
    tell(&c, "reservation.timeout", 7210, ADA, NULL, place.offline);
    tell_worker(ADA, "worker.activity.update", 7212, 3, place.offline);
    tell(&c, "task.canceled", 7225, NULL, NULL, NULL);
    tell_created(&d);
    tell(&d, "workflow.timeout", 7270, NULL, NULL, NULL);
    tell(&d, "task.canceled", 7270, NULL, NULL, NULL);
    /* two offers, one accepted; deleted then */
    tell_worker(ADA, "worker.activity.update", 10000, 4, place.available);
    tell_created(&e);
    tell(&e, "reservation.created", 10001, ADA, NULL, NULL);
    tell(&e, "reservation.created", 10001, BEA, NULL, NULL);
    tell(&e, "reservation.accepted", 10005, BEA, NULL, NULL);
    tell(&e, "reservation.rescinded", 10005, ADA, NULL, NULL);
    tell_worker(ADA, "worker.attributes.update", 10050, 3, place.offline); /* an old word */
    tell(&e, "task.deleted", 10100, NULL, NULL, NULL);
    tell(&e, "reservation.canceled", 10100, BEA, NULL, NULL);
    tell_worker(ADA, "worker.activity.update", DAY_S + HOUR_S, 5, place.offline);
}

static void know_worker(const char *sid, const char *name)
{
    (void)suite_count(
        "insert into tasks.config_copy (sid, kind, shard, account_sid, workspace_sid, "
        "name, version, document) select '%s', 'worker', shard, account_sid, "
        "workspace_sid, '%s', 9, json_build_object('sid', '%s', 'accountSid', "
        "account_sid, 'workspaceSid', workspace_sid, 'friendlyName', '%s', "
        "'activitySid', '%s', 'version', '9') from tasks.config_copy where sid = '%s' "
        "returning 1",
        sid, name, sid, name, place.available, place.workspace);
}

/* In blocks of ten, as if it had all been committed while nobody counted. */
static void put_told(void)
{
    size_t count = json_array_size(told);
    for (size_t from = 0; from < count; from += 10) {
        json_t *block = json_array();
        int64_t last = log_last();
        for (size_t i = from; i < from + 10 && i < count; i++)
            (void)json_array_append(block, json_array_get(told, i));
        char *text = json_dumps(block, JSON_COMPACT);
        CHECK_I64(suite_count("insert into tasks.event_batch (shard, last_seq, first_seq, at, "
                              "oldest_at, epoch, keys, payload) values (0, %lld, %lld, now(), "
                              "now(), 0, '{}', convert_to($json$%s$json$, 'UTF8')) returning 1",
                              (long long)(last + (int64_t)json_array_size(block)),
                              (long long)last + 1, text),
                  1);
        free(text);
        json_decref(block);
    }
}

static bool is_counted(const void *ctx)
{
    (void)ctx;
    return suite_count("select coalesce(max(seq), 0) from tasks.stat_cursor") == log_last();
}

static const char *channel_of(const char *name)
{
    return at(suite_ok(&suite_viewer, SUITE_QUEUES, "GetTaskChannel",
                       "{'workspaceSid':'%s','channel':'%s'}", place.workspace, name),
              "sid");
}

static void make_the_day(void)
{
    if (told != NULL)
        return;
    told = json_array();
    place = place_new(0);
    second = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                         "{'workspaceSid':'%s','friendlyName':'Second'}", place.workspace),
                "sid");
    voice = channel_of("voice");
    basic = channel_of("default");
    CHECK(place_heard(suite_ok(&suite_admin, SUITE_QUEUES, "GetTaskQueue",
                               "{'workspaceSid':'%s','sid':'%s'}", place.workspace, second)));
    CHECK(suite_until(is_counted, NULL, COUNTED_MS));
    day_s = (clock_now_us() / US_PER_S / DAY_S - 2) * DAY_S;
    CHECK_I64(process_terminate(suite_process(SUITE_TASKS), 10000), 0);
    know_worker(ADA, "ada");
    know_worker(BEA, "bea");
    tell_the_day();
    put_told();
    /* Killed while it counts, then left alone. */
    CHECK(suite_restart(SUITE_TASKS));
    process_sleep_ms(LOOK_MS);
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(suite_restart(SUITE_TASKS));
    CHECK(suite_until(is_counted, NULL, COUNTED_MS));
    CHECK(suite_until(is_counted, NULL, COUNTED_MS));
}

/* ---- asking ---- */

static const json_t *member(const json_t *body, const char *path)
{
    struct str rest = str_from(path);
    while (body != NULL && rest.ptr != NULL) {
        struct str part = str_split(&rest, '.');
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", (int)part.len, part.ptr);
        body = json_is_array(body) ? json_array_get(body, strtoul(name, NULL, 10))
                                   : json_object_get(body, name);
    }
    return body;
}

struct want {
    const char *path;
    double value;
};

static void check_all(const json_t *body, const struct want *wants, size_t count, int line)
{
    for (size_t i = 0; i < count; i++) {
        double is = json_number_value(member(body, wants[i].path));
        bool is_so = is - wants[i].value < 0.0005 && wants[i].value - is < 0.0005;
        if (!is_so)
            (void)fprintf(stderr, "line %d: %s is %g, not %g\n", line, wants[i].path, is,
                          wants[i].value);
        CHECK(is_so);
    }
}

#define CHECK_ALL(body, ...)                                                                       \
    check_all((body), (const struct want[]){__VA_ARGS__},                                          \
              sizeof((const struct want[]){__VA_ARGS__}) / sizeof(struct want), __LINE__)

/* The cumulative part over a stretch of the day. */
static const json_t *past(const char *method, const char *sid, int64_t from_s, int64_t to_s,
                          const char *more)
{
    const char *part =
        strcmp(method, "GetStatisticsSeries") == 0 ? "" : ",'part':'STATISTICS_PART_CUMULATIVE'";
    const json_t *reply =
        suite_ok(&suite_viewer, SUITE_TASKS, method,
                 "{'workspaceSid':'%s','sid':'%s','startDate':'%s','endDate':'%s'%s%s}",
                 place.workspace, sid, time_text(from_s), time_text(to_s), part, more);
    return part[0] == '\0' ? reply : json_object_get(reply, "cumulative");
}

static void test_tasks(void)
{
    make_the_day();
    const json_t *queue =
        past("GetQueueStatistics", place.queue, 0, DAY_S, ",'splitByWaitTime':[10,12,30]");
    CHECK_TEXT(at(queue, "startTime"), time_text(0));
    CHECK_TEXT(at(queue, "endTime"), time_text(DAY_S));
    CHECK_ALL(queue, {"reservationsCreated", 5}, {"reservationsAccepted", 2},
              {"reservationsRejected", 1}, {"reservationsTimedOut", 1}, {"reservationsCanceled", 1},
              {"reservationsRescinded", 1}, {"tasksCreated", 0}, {"tasksEntered", 5},
              {"tasksMoved", 1}, {"tasksCanceled", 2}, {"tasksCompleted", 1}, {"tasksDeleted", 1},
              {"tasksTimedOutInWorkflow", 0});
    CHECK_ALL(queue, {"avgTaskAcceptanceTime", 8.5}, {"waitDurationUntilAccepted.avg", 8.5},
              {"waitDurationUntilAccepted.min", 5}, {"waitDurationUntilAccepted.max", 12},
              {"waitDurationUntilAccepted.total", 17}, {"waitDurationUntilCanceled.avg", 17.5},
              {"waitDurationUntilCanceled.min", 10}, {"waitDurationUntilCanceled.max", 25},
              {"waitDurationUntilCanceled.total", 35},
              {"waitDurationInQueueUntilAccepted.avg", 8.5},
              {"waitDurationInQueueUntilAccepted.total", 17});
    CHECK_ALL(queue, {"splitByWaitTime.0.threshold", 10},
              {"splitByWaitTime.0.below.reservationsAccepted", 1},
              {"splitByWaitTime.0.below.tasksCanceled", 0},
              {"splitByWaitTime.0.above.reservationsAccepted", 1},
              {"splitByWaitTime.0.above.tasksCanceled", 2},
              {"splitByWaitTime.1.below.reservationsAccepted", 1},
              {"splitByWaitTime.1.below.tasksCanceled", 1},
              {"splitByWaitTime.1.above.reservationsAccepted", 1},
              {"splitByWaitTime.1.above.tasksCanceled", 1},
              {"splitByWaitTime.2.below.reservationsAccepted", 2},
              {"splitByWaitTime.2.below.tasksCanceled", 2},
              {"splitByWaitTime.2.above.reservationsAccepted", 0},
              {"splitByWaitTime.2.above.tasksCanceled", 0});
    const json_t *other = past("GetQueueStatistics", second, 0, DAY_S, "");
    CHECK_ALL(other, {"tasksEntered", 1}, {"reservationsCreated", 1}, {"reservationsAccepted", 1},
              {"tasksMoved", 0}, {"tasksCompleted", 1}, {"waitDurationUntilAccepted.total", 40},
              {"waitDurationInQueueUntilAccepted.min", 10});
    const json_t *flow = past("GetWorkflowStatistics", place.workflow, 0, DAY_S, "");
    CHECK_ALL(flow, {"tasksEntered", 5}, {"tasksTimedOutInWorkflow", 1}, {"tasksMoved", 1},
              {"reservationsCreated", 6}, {"tasksCompleted", 2});
    const json_t *all = past("GetWorkspaceStatistics", "", 0, DAY_S, "");
    CHECK_ALL(all, {"tasksCreated", 5}, {"tasksCanceled", 2}, {"tasksDeleted", 1},
              {"tasksTimedOutInWorkflow", 1}, {"reservationsAccepted", 3},
              {"waitDurationUntilAccepted.total", 57}, {"avgTaskAcceptanceTime", 19});
    const json_t *calls = past("GetWorkspaceStatistics", "", 0, DAY_S, ",'taskChannel':'voice'");
    CHECK_ALL(calls, {"tasksCreated", 1}, {"reservationsCreated", 1}, {"tasksCompleted", 1},
              {"waitDurationUntilAccepted.max", 40});
    const json_t *rest =
        past("GetWorkspaceStatistics", "", 0, DAY_S, suite_text(",'taskChannel':'%s'", basic));
    CHECK_ALL(rest, {"tasksCreated", 4}, {"reservationsCreated", 5});
}

static void test_ranges(void)
{
    make_the_day();
    /* the hour edge runs through the first task's life */
    const json_t *part = past("GetQueueStatistics", place.queue, 3540, 3600, "");
    CHECK_ALL(part, {"tasksEntered", 1}, {"reservationsCreated", 2}, {"reservationsRejected", 1},
              {"reservationsAccepted", 0});
    part = past("GetQueueStatistics", place.queue, HOUR_S, 2 * HOUR_S, "");
    CHECK_ALL(part, {"tasksEntered", 1}, {"tasksMoved", 1}, {"reservationsAccepted", 1},
              {"tasksCompleted", 1}, {"reservationsCreated", 0}, {"tasksCanceled", 0});
    part = past("GetQueueStatistics", place.queue, 2 * HOUR_S, 2 * HOUR_S + 60, "");
    CHECK_ALL(part, {"tasksEntered", 1}, {"tasksCanceled", 1},
              {"waitDurationUntilCanceled.max", 25});
    /* rounded outward to minutes */
    part = past("GetQueueStatistics", place.queue, 3599, 3601, "");
    CHECK_TEXT(at(part, "startTime"), time_text(3540));
    CHECK_TEXT(at(part, "endTime"), time_text(3660));
    CHECK_ALL(part, {"tasksEntered", 2}, {"reservationsAccepted", 1});
    /* days in the middle, hours and minutes at the edges: always the same */
    static const int64_t ranges[][2] = {
        {0,            DAY_S            },
        {-DAY_S,       2 * DAY_S        },
        {-20 * DAY_S,  DAY_S            },
        {-60,          DAY_S + 60       },
        {-HOUR_S - 60, 10200            },
        {3540,         10140            },
        {-5 * DAY_S,   10 * HOUR_S + 120},
    };
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        part = past("GetQueueStatistics", place.queue, ranges[i][0], ranges[i][1], "");
        CHECK_ALL(part, {"tasksEntered", 5}, {"tasksCanceled", 2}, {"tasksCompleted", 1},
                  {"waitDurationUntilAccepted.total", 17}, {"waitDurationUntilCanceled.min", 10});
    }
    const json_t *list = suite_ok(&suite_viewer, SUITE_TASKS, "ListQueueStatistics",
                                  "{'workspaceSid':'%s','minutes':43200}", place.workspace);
    CHECK_I64(at_i64(list, "items"), 2);
    CHECK_I64(at_i64(list, "items.0.cumulative.tasksEntered") +
                  at_i64(list, "items.1.cumulative.tasksEntered"),
              6);
}

static void test_series(void)
{
    make_the_day();
    const json_t *series = past("GetStatisticsSeries", place.queue, 0, DAY_S,
                                ",'interval':'STATISTICS_INTERVAL_1H','splitByWaitTime':[12]");
    CHECK_I64(at_i64(series, "points"), 24);
    CHECK_TEXT(at(series, "points.1.startTime"), time_text(HOUR_S));
    CHECK_TEXT(at(series, "points.1.endTime"), time_text(2 * HOUR_S));
    CHECK_ALL(series, {"points.0.tasksEntered", 1}, {"points.0.reservationsRejected", 1},
              {"points.1.reservationsAccepted", 1}, {"points.1.tasksMoved", 1},
              {"points.2.tasksCanceled", 2}, {"points.2.tasksEntered", 3},
              {"points.2.reservationsAccepted", 1},
              {"points.2.splitByWaitTime.0.below.reservationsAccepted", 1},
              {"points.1.splitByWaitTime.0.above.reservationsAccepted", 1},
              {"points.3.tasksEntered", 0}, {"points.23.tasksEntered", 0});
    series = past("GetStatisticsSeries", "", 3300, 4500, ",'interval':'STATISTICS_INTERVAL_5M'");
    CHECK_I64(at_i64(series, "points"), 4);
    CHECK_ALL(series, {"points.0.tasksCreated", 1}, {"points.1.tasksCreated", 1},
              {"points.1.tasksCompleted", 1}, {"points.2.tasksCompleted", 1});
    series =
        past("GetStatisticsSeries", BEA, -DAY_S, DAY_S + 1, ",'interval':'STATISTICS_INTERVAL_1D'");
    CHECK_I64(at_i64(series, "points"), 3);
    CHECK_ALL(series, {"points.0.reservationsCreated", 0}, {"points.1.reservationsCreated", 2},
              {"points.1.reservationsAccepted", 2}, {"points.2.reservationsCreated", 0});
}

/* ---- workers ---- */

static void check_stays(const json_t *report, const char *activity, int64_t min_s, int64_t max_s,
                        int64_t total_s, double avg_s)
{
    for (int64_t i = 0; i < at_i64(report, "activityDurations"); i++) {
        const char *path = suite_text("activityDurations.%lld", (long long)i);
        if (strcmp(at(report, suite_text("%s.sid", path)), activity) != 0)
            continue;
        CHECK_ALL(report, {suite_text("%s.min", path), (double)min_s},
                  {suite_text("%s.max", path), (double)max_s},
                  {suite_text("%s.total", path), (double)total_s},
                  {suite_text("%s.avg", path), avg_s});
        return;
    }
    CHECK(false);
}

static void test_workers(void)
{
    make_the_day();
    const json_t *ada = past("GetWorkerStatistics", ADA, 0, DAY_S, "");
    CHECK_ALL(ada, {"reservationsCreated", 4}, {"reservationsAccepted", 1},
              {"reservationsRejected", 1}, {"reservationsTimedOut", 1},
              {"reservationsRescinded", 1}, {"reservationsCanceled", 0},
              {"waitDurationUntilAccepted.total", 0});
    check_stays(ada, place.offline, 2790, 3600, 6390, 3195);
    check_stays(ada, place.available, 3610, 76400, 80010, 40005);
    /* cut at the edges */
    ada = past("GetWorkerStatistics", ADA, 3000, 7980, "");
    check_stays(ada, place.offline, 600, 770, 1370, 685);
    check_stays(ada, place.available, 3610, 3610, 3610, 3610);
    /* over whole days, one stay across midnight; and none that is not there */
    ada = past("GetWorkerStatistics", ADA, -3 * DAY_S, 2 * DAY_S, "");
    check_stays(ada, place.available, 3610, 80000, 83610, 41805);
    check_stays(ada, place.offline, 2790, DAY_S - HOUR_S, 6390 + DAY_S - HOUR_S,
                (6390.0 + DAY_S - HOUR_S) / 3);
    ada = past("GetWorkerStatistics", ADA, -3 * DAY_S, -60, "");
    check_stays(ada, place.available, 0, 0, 0, 0);
    const json_t *bea = past("GetWorkerStatistics", BEA, 0, DAY_S, "");
    CHECK_ALL(bea, {"reservationsCreated", 3 - 1}, {"reservationsAccepted", 2},
              {"reservationsCanceled", 1});
    check_stays(bea, place.available, DAY_S, DAY_S, DAY_S, DAY_S);
    const json_t *both = past("GetWorkersStatistics", "", -DAY_S, 2 * DAY_S, "");
    CHECK_ALL(both, {"reservationsCreated", 6}, {"reservationsAccepted", 3});
    check_stays(both, place.available, 3610, 2 * DAY_S, 83610 + 2 * DAY_S,
                (83610.0 + 2 * DAY_S) / 3);
    both = past("GetWorkersStatistics", "", 3000, 7980, "");
    check_stays(both, place.available, 3610, 4980, 8590, 4295);
    const json_t *named = past("GetWorkersStatistics", "", 0, DAY_S, ",'friendlyName':'BEA'");
    CHECK_ALL(named, {"reservationsCreated", 2});
    check_stays(named, place.available, DAY_S, DAY_S, DAY_S, DAY_S);
    const json_t *members = past("GetWorkersStatistics", "", -DAY_S, 2 * DAY_S,
                                 suite_text(",'taskQueueSid':'%s'", place.queue));
    CHECK_ALL(members, {"reservationsCreated", 6});
    check_stays(members, place.available, 3610, 2 * DAY_S, 83610 + 2 * DAY_S,
                (83610.0 + 2 * DAY_S) / 3);
}

/* ---- retention ---- */

static bool is_pruned(const void *ctx)
{
    (void)ctx;
    return suite_count("select count(*) from tasks.stat_bucket where sid = 'WQold'") == 2 &&
           suite_count("select count(*) from tasks.stat_span where worker_sid = 'WKold'") == 2 &&
           suite_count("select count(*) from tasks.stat_stay where sid = 'WKold'") == 1;
}

static void old_bucket(int level, int days)
{
    (void)suite_count(
        "insert into tasks.stat_bucket select 'WQold', %d, now() - interval '%d days', '', '', 0, "
        "0, "
        "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '' returning 1",
        level, days);
}

static void old_span(int days, bool is_long)
{
    (void)suite_count(
        "insert into tasks.stat_span select 'WKold', now() - interval '%d days', now() "
        "- interval '%d days' + interval '1 hour', 'WSold', 'WAold', 1, %s "
        "returning 1",
        days, days, is_long ? "true" : "false");
}

static void test_retention(void)
{
    make_the_day();
    old_bucket(1, 36); /* goes */
    old_bucket(2, 36);
    old_bucket(3, 399);
    old_bucket(2, 401); /* goes */
    old_span(36, false);
    old_span(37, true);
    old_span(402, true); /* goes, and the first */
    old_span(3, false);
    for (int days = 399; days <= 402; days += 3)
        (void)suite_count("insert into tasks.stat_stay values ('WKold', now() - interval '%d "
                          "days', 'WAold', 1, 1, 1, 1) returning 1",
                          days);
    CHECK_I64(process_terminate(suite_process(SUITE_TASKS), 10000), 0);
    CHECK(suite_restart(SUITE_TASKS)); /* prunes at its start */
    CHECK(suite_until(is_pruned, NULL, COUNTED_MS));
    /* what was there stays there */
    const json_t *queue = past("GetQueueStatistics", place.queue, 0, DAY_S, "");
    CHECK_ALL(queue, {"tasksEntered", 5}, {"tasksCompleted", 1});
    /* before what is kept by the minute, ranges go by the hour */
    const json_t *old =
        past("GetQueueStatistics", place.queue, -40 * DAY_S - 1800, -40 * DAY_S - 60, "");
    CHECK_TEXT(at(old, "startTime"), time_text(-40 * DAY_S - HOUR_S));
    CHECK_TEXT(at(old, "endTime"), time_text(-40 * DAY_S));
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS,
                        "INVALID_ARGUMENT STATISTICS_TOO_OLD start_date", "GetWorkspaceStatistics",
                        "{'workspaceSid':'%s','startDate':'%s'}", place.workspace,
                        time_text(-400 * DAY_S)));
    json_decref(told);
    told = NULL;
}

static const struct test_case cases[] = {
    {"a day's tasks are counted by queue, workflow, channel and wait", test_tasks    },
    {"ranges begin and end where they say",                            test_ranges   },
    {"a series has the same figures per interval",                     test_series   },
    {"workers' reservations and stays, cut at the range's edges",      test_workers  },
    {"what is too old goes, by the minute first",                      test_retention},
};

int main(int argc, char **argv)
{
    return suite_main("tasks statistics of the past", TASKS_SET, cases, ARRAY_LEN(cases), argc,
                      argv);
}
