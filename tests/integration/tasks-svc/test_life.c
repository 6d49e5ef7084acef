/* tasks-svc: the life of a task, and everything that is refused on the way. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "suite_int.h"
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

/* ---- reservations that nobody answers ---- */

static bool is_worker_away(const void *ctx)
{
    const char *const *pair = ctx; /* worker, activity */
    return suite_count("select count(*) from workers.worker where sid = '%s' and activity_sid = "
                       "'%s'",
                       pair[0], pair[1]) == 1;
}

static void test_timeout(void)
{
    struct place place = place_new(1);
    const char *first = place_worker(&place, "first", 1);
    const char *task = task_new(&place, "{}");
    const char *offer = reservation_of(&place, "taskSid", task, "PENDING");
    const char *second = place_worker(&place, "second", 1);
    CHECK_TEXT(reservation_of(&place, "taskSid", task, "TIMEOUT"), offer);
    /* Offered again, to the other one; the first is moved to the timeout activity by workers-svc.
     */
    const json_t *again =
        suite_ok(&suite_viewer, SUITE_TASKS, "ListReservations",
                 "{'workspaceSid':'%s','workerSid':'%s'}", place.workspace, second);
    CHECK_TEXT(at(again, "items.0.taskSid"), task);
    const struct seen_event *event = suite_event("reservation.timeout", offer, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.workerActivitySid"), place.offline);
    const char *pair[] = {first, place.offline};
    CHECK(suite_until(is_worker_away, pair, 10000));
    CHECK(place_knows(&place, first));
    CHECK_I64(
        suite_count("select count(*) from tasks.worker_override where worker_sid = '%s'", first),
        0);
}

static void test_reject(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "picky", 1);
    const char *task = task_new(&place, "{}");
    const char *offer = reservation_of(&place, "taskSid", task, "PENDING");
    const json_t *rejected = suite_ok(&suite_supervisor, SUITE_TASKS, "RejectReservation",
                                      "{'workspaceSid':'%s','sid':'%s','workerActivitySid':'%s'}",
                                      place.workspace, offer, place.offline);
    CHECK_TEXT(at(rejected, "reservationStatus"), "RESERVATION_STATUS_REJECTED");
    CHECK_TEXT(task_status(&place, task), "PENDING");
    const char *pair[] = {worker, place.offline};
    CHECK(suite_until(is_worker_away, pair, 10000));
    struct answer late = suite_call(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                                    "{'workspaceSid':'%s','sid':'%s'}", place.workspace, offer);
    CHECK_I64(late.code, ERR_FAILED_PRECONDITION);
}

static void test_instructions(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *worker = place_worker(&place, "caller", 1);
    const char *task = task_new(&place, "{`call_sid`:`CA00000000000000000000000000000001`}");
    const char *offer = reservation_of(&place, "taskSid", task, "PENDING");
    const char *dequeue =
        suite_text("{'workspaceSid':'%s','sid':'%s','instruction':'dequeue','instructionData':"
                   "'{`to`:`client:caller`,`DequeuePostWorkActivitySid`:`%s`}'}",
                   ws, offer, place.offline);
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "INVALID_ARGUMENT INSTRUCTION_UNKNOWN",
                        "InstructReservation",
                        "{'workspaceSid':'%s','sid':'%s','instruction':'sing'}", ws, offer));
    const json_t *reply =
        suite_ok(&suite_supervisor, SUITE_TASKS, "InstructReservation", "%s", dequeue);
    CHECK_TEXT(at(reply, "reservationStatus"), "RESERVATION_STATUS_PENDING");
    CHECK_TEXT(at(reply, "instruction"), "dequeue");
    CHECK(suite_event("reservation.instructed", offer, 0) != NULL);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", ws, offer);
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "FAILED_PRECONDITION DEQUEUE_NOT_PENDING",
                        "InstructReservation", "%s", dequeue));
    reply = suite_ok(&suite_viewer, SUITE_TASKS, "GetReservation",
                     "{'workspaceSid':'%s','sid':'%s'}", ws, offer);
    CHECK_TEXT(
        at(reply, "instructionData"),
        suite_text("{\"to\":\"client:caller\",\"post_work_activity_sid\":\"%s\"}", place.offline));
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'done'}", ws, task);
    const char *pair[] = {worker, place.offline};
    CHECK(suite_until(is_worker_away, pair, 10000));
    CHECK(is_log_whole());
}

static void test_cancel_offer(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *worker = place_worker(&place, "asked", 1);
    const char *task = task_new(&place, "{}");
    const char *offer = reservation_of(&place, "taskSid", task, "PENDING");
    struct identity own = suite_agent;
    own.worker_sid = worker;
    const char *cancel =
        suite_text("{'workspaceSid':'%s','sid':'%s','reason':'no line'}", ws, offer);
    CHECK(suite_refused(&own, SUITE_TASKS, "PERMISSION_DENIED ROLE_TOO_LOW", "CancelReservation",
                        "%s", cancel));
    const json_t *reply =
        suite_ok(&suite_supervisor, SUITE_TASKS, "CancelReservation", "%s", cancel);
    CHECK_TEXT(at(reply, "reservationStatus"), "RESERVATION_STATUS_CANCELED");
    const char *again = reservation_of(&place, "taskSid", task, "PENDING");
    CHECK(strcmp(again, offer) != 0);
    CHECK(suite_refused(&suite_supervisor, SUITE_TASKS, "FAILED_PRECONDITION RESERVATION_STATE",
                        "CancelReservation", "%s", cancel));
}

/* ---- lists ---- */

static void test_lists(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    for (int i = 0; i < 5; i++)
        (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                       "{'workspaceSid':'%s','attributes':'{`n`:%d}','priority':%d}", ws, i, i % 2);
    const json_t *page =
        suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s','pageSize':3}", ws);
    CHECK_I64(at_i64(page, "items"), 3);
    CHECK_TEXT(at(page, "items.0.attributes"), "{\"n\":0}");
    page = suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                    "{'workspaceSid':'%s','pageSize':3,'cursor':'%s'}", ws, at(page, "nextCursor"));
    CHECK_I64(at_i64(page, "items"), 2);
    CHECK_TEXT(at(page, "nextCursor"), "");
    static const struct {
        const char *filter;
        int64_t count;
    } filters[] = {
        {"'priority':1",                                                      2},
        {"'assignmentStatus':['TASK_STATUS_PENDING','TASK_STATUS_RESERVED']", 5},
        {"'assignmentStatus':['TASK_STATUS_ASSIGNED']",                       0},
        {"'taskChannel':'default'",                                           5},
        {"'taskChannel':'voice'",                                             0},
        {"'workflowName':'all'",                                              5},
        {"'taskQueueName':'everybody'",                                       5},
        {"'taskQueueName':'nobody'",                                          0},
        {"'evaluateTaskAttributes':'n >= 3'",                                 2},
        {"'workerSid':'WK00000000000000000000000000000009'",                  0},
        {"'workflowSid':'WW00000000000000000000000000000009'",                0},
    };
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        page = suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s',%s}", ws,
                        filters[i].filter);
        CHECK_I64(at_i64(page, "items"), filters[i].count);
    }
    page = suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                    "{'workspaceSid':'%s','taskQueueSid':'%s'}", ws, place.queue);
    CHECK_I64(at_i64(page, "items"), 5);
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS,
                        "INVALID_ARGUMENT EXPRESSION_INVALID evaluate_task_attributes", "ListTasks",
                        "{'workspaceSid':'%s','evaluateTaskAttributes':'n >='}", ws));
}

/* Waiting and offered tasks come from two indexes: one list, in order, by page. */
static void test_mixed_list(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *tasks[5];
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
        tasks[i] = at(suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                               "{'workspaceSid':'%s','priority':%d}", ws, i == 3 ? 7 : 0),
                      "sid");
    (void)place_worker(&place, "lin", 2);
    CHECK(reservation_of(&place, "taskSid", tasks[3], "PENDING")[0] != '\0');
    CHECK(reservation_of(&place, "taskSid", tasks[0], "PENDING")[0] != '\0');
    const char *cursor = "";
    size_t seen = 0;
    do {
        const json_t *page = suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                                      "{'workspaceSid':'%s','taskQueueSid':'%s','pageSize':2,"
                                      "'cursor':'%s'}",
                                      ws, place.queue, cursor);
        for (int64_t i = 0; i < at_i64(page, "items") && seen < ARRAY_LEN(tasks); i++)
            CHECK_TEXT(at(page, suite_text("items.%lld.sid", (long long)i)), tasks[seen++]);
        cursor = at(page, "nextCursor");
    } while (cursor[0] != '\0' && seen < ARRAY_LEN(tasks));
    CHECK_I64((int64_t)seen, ARRAY_LEN(tasks));
    const json_t *busy =
        suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                 "{'workspaceSid':'%s','assignmentStatus':['TASK_STATUS_RESERVED'],"
                 "'taskQueueName':'everybody','taskChannel':'default'}",
                 ws);
    CHECK_I64(at_i64(busy, "items"), 2);
    CHECK_TEXT(at(busy, "items.0.sid"), tasks[0]);
    CHECK_TEXT(at(busy, "items.1.sid"), tasks[3]);
    const char *file = "store/task_store.sql";
    CHECK(suite_uses_index(
        "tasks", true, file, "task_list",
        suite_text("'%s','',50,null,null,'%s',null,null,null,null,null,null", ws, place.queue),
        "task_by_queue"));
    CHECK(suite_uses_index("tasks", true, file, "task_list",
                           suite_text("'%s','',50,null,null,null,7,null,null,null,null,null", ws),
                           "task_by_priority"));
}

static void test_events(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *worker = place_worker(&place, "eve", 1);
    const char *task = task_new(&place, "{`k`:`v`}");
    const char *reservation = reservation_of(&place, "taskSid", task, "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", ws, reservation);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'done'}", ws, task);
    const json_t *events = suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                                    "{'workspaceSid':'%s','taskSid':'%s'}", ws, task);
    CHECK_TEXT(at(events, "items.0.eventType"), "task.created");
    CHECK_TEXT(at(events, "items.0.actorSid"), suite_supervisor.actor_sid);
    CHECK_TEXT(at(events, "items.0.actorType"), "user");
    CHECK_TEXT(at(events, "items.0.source"), "/tasks-svc");
    int64_t count = at_i64(events, "items");
    CHECK_TEXT(at(events, suite_text("items.%lld.eventType", (long long)count - 1)),
               "reservation.completed");
    for (int64_t i = 1; i < count; i++)
        CHECK(at_i64(events, suite_text("items.%lld.sequence", (long long)i)) >
              at_i64(events, suite_text("items.%lld.sequence", (long long)i - 1)));
    const json_t *accepted =
        suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                 "{'workspaceSid':'%s','eventType':'reservation.accepted'}", ws);
    const char *data = at(accepted, "items.0.eventData");
    CHECK(strstr(data, "\"worker_name\":\"eve\"") != NULL);
    CHECK(strstr(data, "\"task_attributes\":\"{\\\"k\\\":\\\"v\\\"}\"") != NULL);
    CHECK(strstr(data, "\"workflow_name\":\"All\"") != NULL);
    CHECK(strstr(data, suite_text("\"reservation_sid\":\"%s\"", reservation)) != NULL);
    CHECK(strstr(data, "\"worker_activity_name\":\"On call\"") != NULL);
    /* The history holds what the other services told, under the same numbers. */
    const json_t *created = suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                                     "{'workspaceSid':'%s','workerSid':'%s'}", ws, worker);
    CHECK_TEXT(at(created, "items.0.eventType"), "worker.created");
    CHECK(strstr(at(created, "items.0.eventData"), "\"worker_name\":\"eve\"") != NULL);
    const json_t *newest = suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                                    "{'workspaceSid':'%s','taskSid':'%s','newestFirst':true,"
                                    "'pageSize':1}",
                                    ws, task);
    CHECK_TEXT(at(newest, "items.0.eventType"), "reservation.completed");
    const json_t *one = suite_ok(&suite_viewer, SUITE_TASKS, "GetEvent",
                                 "{'workspaceSid':'%s','sid':'%s'}", ws, at(newest, "items.0.sid"));
    CHECK_TEXT(at(one, "resourceSid"), reservation);
    /* Not published a second time: the watcher has come past our last event, and saw one only. */
    CHECK(suite_event("worker.created", worker, 0) != NULL);
    CHECK(suite_event("reservation.completed", reservation, 0) != NULL);
    CHECK_I64(suite_event_count("worker.created", worker), 1);
}

static void test_guide_view(void)
{
    struct place place = place_new(0);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                   "{'workspaceSid':'%s','callId':'call-1','priority':5}", place.workspace);
    CHECK_I64(suite_count("set role taskrouter_reader; set search_path = tasks, workers; "
                          "select count(*) from (select * from \"Task\" where \"callId\" is not "
                          "null order by \"createdAt\" desc limit 1) as t where "
                          "\"assignmentStatus\" = 'PENDING' and \"priority\" = 5 and "
                          "\"callId\" = 'call-1'"),
              1);
}

/* The count of a phase in the metrics; -1: not there. */
static long long phase_count(const char *page, const char *phase)
{
    const char *at =
        strstr(page, suite_text("taskrouter_shard_phase_seconds_count{phase=\"%s\"} ", phase));
    at = at == NULL ? NULL : strchr(at, '}');
    return at == NULL ? -1 : strtoll(at + 1, NULL, 10);
}

static void test_phases(void)
{
    enum { PAGE_BYTES = 4 << 20 };
    static const char *const phases[] = {"wait", "decide", "send", "commit", "answer"};
    struct place place = place_new(0);
    (void)task_new(&place, "{}");
    char *page = calloc(1, PAGE_BYTES);
    CHECK(page != NULL &&
          process_http_get(suite->http[SUITE_TASKS], "/metrics", page, PAGE_BYTES) == 200);
    for (size_t i = 0; page != NULL && i < ARRAY_LEN(phases); i++)
        CHECK(phase_count(page, phases[i]) > 0);
    free(page);
}

static int64_t entries_read(void)
{
    return suite_count("select sum(idx_tup_read) from pg_stat_user_indexes "
                       "where schemaname = 'tasks' and relname = 'task'");
}

static void change(const struct place *place, const char *task)
{
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "UpdateTask",
                   "{'task':{'workspaceSid':'%s','sid':'%s','attributes':'{}'},"
                   "'updateMask':'attributes'}",
                   place->workspace, task);
}

/* What a few changes of one task read of the table's indexes. A session tells its figures with its
 * next transaction a second later, so those of the last change are not among them. */
static int64_t read_by_changes(const struct place *place, const char *task)
{
    enum { CHANGES = 3 };
    int64_t before = entries_read();
    for (int i = 0; i < CHANGES; i++) {
        change(place, task);
        process_sleep_ms(1100);
    }
    return entries_read() - before;
}

/* For few rows PostgreSQL walks through all of them, and keeps that plan while they become many. */
static void test_plans(void)
{
    enum { FILLED = 3000, TRIES = 8, PLANNED = 8 /* the sixth plan is kept */ };
    struct place place = place_new(0);
    CHECK(cluster_sql(suite_cluster(), "alter table tasks.task set (autovacuum_enabled = off)"));
    CHECK(cluster_sql(suite_cluster(), "vacuum analyze tasks.task"));
    const char *task = task_new(&place, "{}");
    for (int i = 0; i < PLANNED; i++)
        change(&place, task);
    place_fill(&place, FILLED);
    int64_t read = FILLED;
    for (int i = 0; i < TRIES && read >= FILLED; i++)
        read = read_by_changes(&place, task);
    CHECK(read < FILLED);
    CHECK(cluster_sql(suite_cluster(), "alter table tasks.task reset (autovacuum_enabled)"));
}

/* A worker as another service's event has him; rest: ",'rejectPendingReservations':true". */
static bool tell_worker(const struct place *place, const char *type, const char *worker,
                        int64_t version, const char *rest)
{
    return suite_publish(type, place->workspace, worker, version, clock_now_us(),
                         "{'worker':{'sid':'%s','accountSid':'" ACCOUNT "','workspaceSid':'%s',"
                         "'friendlyName':'late','attributes':'{}','activitySid':'%s','version':"
                         "'%lld'}%s}",
                         worker, place->workspace, place->offline, (long long)version, rest);
}

/* Processes that share the bus may hear of a change the wrong way round: what was asked for with it
 * is done all the same. */
static void test_late_words(void)
{
    for (int age = 0; age < 2; age++) {
        struct place place = place_new(0);
        const char *worker = place_worker(&place, "late", 1);
        const char *task = task_new(&place, "{}");
        const char *offer = reservation_of(&place, "taskSid", task, "PENDING");
        CHECK(tell_worker(&place, "worker.attributes.update", worker, 50, ""));
        CHECK(tell_worker(&place, "worker.activity.update", worker, 50 - age,
                          ",'rejectPendingReservations':true"));
        CHECK_TEXT(reservation_of(&place, "taskSid", task, "REJECTED"), offer);
        CHECK_TEXT(task_status(&place, task), "PENDING");
    }
}

static const struct test_case cases[] = {
    {"a task travels from creation to completed",                         test_life        },
    {"an unanswered offer goes to the next, and moves its worker",        test_timeout     },
    {"a rejected offer returns the task and moves the worker",            test_reject      },
    {"tasks are listed by page and by every filter",                      test_lists       },
    {"lists join what waits and what is offered, in order",               test_mixed_list  },
    {"the log tells everything, in order, with Twilio's event data",      test_events      },
    {"the guide's query runs for the read-only role",                     test_guide_view  },
    {"instructions are recorded, and what comes afterwards",              test_instructions},
    {"a canceled offer frees the task",                                   test_cancel_offer},
    {"what is asked for with a change is done, however late it is heard", test_late_words  },
    {"the metrics say where the time of operations goes",                 test_phases      },
    {"changes go by the key however few tasks there were",                test_plans       },
};

int main(int argc, char **argv)
{
    return suite_main("tasks life", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
