/* Callbacks of workflows and workspaces, with an application that answers as it is told. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "receiver.h"
#include "tasks_fixture.h"

#define JSON "application/json"

enum { WAIT_MS = 15000 };

/* ---- places with URLs ---- */

static void set_workflow_urls(const struct place *place, const char *path, const char *fallback)
{
    const char *url = suite_text("%s", receiver_url(path));
    const char *fallback_url = fallback == NULL ? "" : suite_text("%s", receiver_url(fallback));
    (void)place_heard(
        suite_ok(&suite_admin, SUITE_ROUTING, "UpdateWorkflow",
                 "{'workflow':{'workspaceSid':'%s','sid':'%s','assignmentCallbackUrl':'%s',"
                 "'fallbackAssignmentCallbackUrl':'%s'},'updateMask':"
                 "'assignmentCallbackUrl,fallbackAssignmentCallbackUrl'}",
                 place->workspace, place->workflow, url, fallback_url));
}

static void set_event_url(const struct place *place, const char *url, const char *filter)
{
    (void)place_heard(suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorkspace",
                               "{'workspace':{'sid':'%s','eventCallbackUrl':'%s','eventsFilter':"
                               "'%s'},'updateMask':'eventCallbackUrl,eventsFilter'}",
                               place->workspace, url, filter));
}

/* ---- the outbox ---- */

struct state_ctx {
    const char *where;
    const char *state;
};

static bool is_in_state(const void *ctx)
{
    const struct state_ctx *want = ctx;
    return suite_count("select count(*) from tasks.callback where %s and state = '%s'", want->where,
                       want->state) > 0;
}

static bool waits_for_state(const char *where, const char *state)
{
    const struct state_ctx ctx = {where, state};
    bool is_so = suite_until(is_in_state, &ctx, WAIT_MS);
    if (!is_so)
        (void)fprintf(stderr, "no callback is %s where %s\n", state, where);
    return CHECK(is_so);
}

static const json_t *callback_of(const struct place *place, const char *filter)
{
    const json_t *list = suite_ok(&suite_supervisor, SUITE_TASKS, "ListCallbacks",
                                  "{'workspaceSid':'%s',%s}", place->workspace, filter);
    CHECK(at_i64(list, "items") >= 1);
    return suite_ok(&suite_supervisor, SUITE_TASKS, "GetCallback",
                    "{'workspaceSid':'%s','sid':'%s'}", place->workspace, at(list, "items.0.sid"));
}

/* ---- answers to assignments ---- */

struct answer_row {
    const char *type;
    const char *body;
    const char *reservation; /* its state afterwards */
    const char *instruction; /* recorded on it */
    int64_t alert_code;
};

/* clang-format off: one answer a line */
static const struct answer_row answer_rows[] = {
    {NULL,                              "",                                                                                      "PENDING",  "",           0    },
    {JSON,                              "{}",                                                                                    "PENDING",  "",           0    },
    {"application/json; charset=utf-8", "{\"instruction\":\"accept\"}",                                                          "ACCEPTED", "accept",     0    },
    {JSON,                              "{\"instruction\":\"reject\"}",                                                          "REJECTED", "",           0    },
    {JSON,                              "{\"other\":1}",                                                                         "PENDING",  "",           40005},
    {"text/plain",                      "{\"instruction\":\"accept\"}",                                                          "PENDING",  "",           40000},
    {JSON,                              "instruction: accept",                                                                   "PENDING",  "",           40001},
    {JSON,                              "\"{\\\"instruction\\\":\\\"accept\\\"}\"",                                              "PENDING",  "",           40001},
    {JSON,                              "{\"instruction\":\"dance\"}",                                                           "PENDING",  "",           55555},
    {JSON,                              "{\"instruction\":\"reject\",\"activity_sid\":\"WA1\"}",                                 "PENDING",  "",           40100},
    {JSON,                              "{\"instruction\":\"call\",\"to\":\"+15550001\",\"url\":\"https://a.example/\"}",
     "PENDING",                                                                                                                              "",           40111},
    {JSON,                              "{\"instruction\":\"call\",\"from\":\"+15550002\",\"to\":\"+15550001\"}",                "PENDING",  "",
     40112                                                                                                                                                      },
    {JSON,
     "{\"instruction\":\"call\",\"from\":\"+15550002\",\"to\":\"+15550001\",\"url\":\"https://"
     "a.example/\"}",                                                                                                            "PENDING",  "call",       0    },
    {JSON,
     "{\"instruction\":\"call\",\"from\":\"+15550002\",\"to\":\"+15550001\",\"url\":\"https://"
     "a.example/\",\"accept\":true}",                                                                                            "ACCEPTED", "call",       0    },
    {JSON,                              "{\"instruction\":\"redirect\",\"call_sid\":\"CA00000000000000000000000000000001\"}",
     "PENDING",                                                                                                                              "",           40120},
    {JSON,
     "{\"instruction\":\"redirect\",\"call_sid\":\"CA00000000000000000000000000000001\",\"url\":"
     "\"https://a.example/\",\"accept\":true}",                                                                                  "ACCEPTED", "redirect",   0    },
    {JSON,                              "{\"instruction\":\"dequeue\",\"from\":\"+15550002\",\"to\":\"+15550001\"}",             "PENDING",
     "dequeue",                                                                                                                                            0    },
    {JSON,                              "{\"instruction\":\"conference\",\"from\":\"+15550002\",\"to\":\"+15550001\"}",
     "PENDING",                                                                                                                              "conference", 0    },
    {JSON,                              "{\"instruction\":\"supervise\",\"supervisor\":\"WK00000000000000000000000000000001\"}",
     "PENDING",                                                                                                                              "",           40146},
};
/* clang-format on */

static void check_answer(const struct answer_row *row, int index)
{
    const char *path = suite_text("/answer/%d", index);
    receiver_answers(path,
                     (struct receiver_reply){.status = 200, .type = row->type, .body = row->body});
    struct place place = place_new(0);
    set_workflow_urls(&place, path, NULL);
    const char *worker = place_worker(&place, "Ann", 1);
    const char *task =
        task_new(&place, "{`call_sid`:`CA00000000000000000000000000000001`,`from`:`+15550003`}");
    REQUIRE(receiver_waits(path, 1));
    bool is_rejected = strcmp(row->reservation, "REJECTED") == 0;
    (void)waits_for_state(suite_text("task_sid = '%s'", task), "delivered");
    const char *sid = receiver_param(path, 0, "ReservationSid");
    const json_t *reservation = suite_ok(&suite_viewer, SUITE_TASKS, "GetReservation",
                                         "{'workspaceSid':'%s','sid':'%s'}", place.workspace, sid);
    const json_t *callback = callback_of(&place, "'kind':'CALLBACK_KIND_ASSIGNMENT'");
    bool is_right =
        CHECK_TEXT(at(reservation, "reservationStatus") + strlen("RESERVATION_STATUS_"),
                   row->reservation) &
        CHECK_TEXT(at(reservation, "instruction"), row->instruction) &
        (is_rejected || CHECK_I64(at_i64(callback, "alertCode"), row->alert_code)) &
        CHECK((row->alert_code != 0) == (at(callback, "alert")[0] != '\0') || is_rejected) &
        CHECK_TEXT(receiver_param(path, 0, "WorkerSid"), worker) &
        CHECK(receiver_is_signed(path, 0));
    if (!is_right)
        (void)fprintf(stderr, "answer %d: %s (%s)\n", index, row->body, at(callback, "alert"));
    (void)suite_ok(&suite_supervisor, SUITE_WORKERS, "UpdateWorker",
                   "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s'},'updateMask':"
                   "'activitySid'}",
                   place.workspace, worker, place.offline); /* no offer after the reject */
}

static void test_answers(void)
{
    for (size_t i = 0; i < ARRAY_LEN(answer_rows); i++)
        check_answer(&answer_rows[i], (int)i);
}

static void test_parameters(void)
{
    static const char *const names[] = {
        "Timestamp",      "AccountSid", "WorkspaceSid", "WorkspaceName",    "WorkflowSid",
        "TaskQueueSid",   "WorkerSid",  "WorkerName",   "WorkerAttributes", "TaskSid",
        "TaskAttributes", "TaskAge",    "TaskPriority", "ReservationSid",
    };
    receiver_answers("/parameters", (struct receiver_reply){.status = 200});
    struct place place = place_new(0);
    set_workflow_urls(&place, "/parameters", NULL);
    const char *worker = place_worker(&place, "Zoë", 1);
    const char *task = task_new(&place, "{`name`:`東京 & co`}");
    REQUIRE(receiver_waits("/parameters", 1));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!CHECK(receiver_param("/parameters", 0, names[i])[0] != '\0'))
            (void)fprintf(stderr, "%s\n", names[i]);
    }
    CHECK_TEXT(receiver_param("/parameters", 0, "AccountSid"), ACCOUNT);
    CHECK_TEXT(receiver_param("/parameters", 0, "WorkspaceSid"), place.workspace);
    CHECK_TEXT(receiver_param("/parameters", 0, "WorkflowSid"), place.workflow);
    CHECK_TEXT(receiver_param("/parameters", 0, "TaskQueueSid"), place.queue);
    CHECK_TEXT(receiver_param("/parameters", 0, "WorkerSid"), worker);
    CHECK_TEXT(receiver_param("/parameters", 0, "WorkerName"), "Zoë");
    CHECK_TEXT(receiver_param("/parameters", 0, "WorkerAttributes"), "{}");
    CHECK_TEXT(receiver_param("/parameters", 0, "TaskSid"), task);
    CHECK_TEXT(receiver_param("/parameters", 0, "TaskAttributes"), "{\"name\":\"東京 & co\"}");
    CHECK_TEXT(receiver_param("/parameters", 0, "TaskPriority"), "0");
    CHECK_TEXT(receiver_param("/parameters", 0, "ReservationSid"),
               reservation_of(&place, "taskSid", task, "PENDING"));
    CHECK(receiver_is_signed("/parameters", 0));
}

static void test_fallback(void)
{
    receiver_answers("/primary", (struct receiver_reply){.status = 500});
    receiver_answers("/fallback", (struct receiver_reply){.status = 200,
                                                          .type = JSON,
                                                          .body = "{\"instruction\":\"accept\"}"});
    struct place place = place_new(0);
    set_workflow_urls(&place, "/primary", "/fallback");
    (void)place_worker(&place, "Ann", 1);
    const char *task = task_new(&place, "{}");
    CHECK(reservation_of(&place, "taskSid", task, "ACCEPTED")[0] != '\0');
    CHECK_I64(receiver_count("/primary"), 1);
    CHECK_I64(receiver_count("/fallback"), 1);
    CHECK_TEXT(receiver_param("/fallback", 0, "ReservationSid"),
               receiver_param("/primary", 0, "ReservationSid"));
    CHECK_TEXT(receiver_param("/fallback", 0, "TaskSid"), task);
    CHECK(receiver_is_signed("/fallback", 0));
    (void)waits_for_state(suite_text("task_sid = '%s'", task), "delivered");
}

/* The first is too slow, the fallback says no. */
static void test_both_fail(void)
{
    receiver_answers("/slow", (struct receiver_reply){.status = 200,
                                                      .type = JSON,
                                                      .body = "{\"instruction\":\"accept\"}",
                                                      .delay_ms = 3000});
    receiver_answers("/broken", (struct receiver_reply){.status = 404, .body = "gone"});
    struct place place = place_new(0);
    set_workflow_urls(&place, "/slow", "/broken");
    (void)place_worker(&place, "Ann", 1);
    const char *task = task_new(&place, "{}");
    const char *sid = reservation_of(&place, "taskSid", task, "CANCELED");
    CHECK_TEXT(receiver_param("/broken", 0, "ReservationSid"), sid);
    (void)waits_for_state(suite_text("reservation_sid = '%s'", sid), "dead");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'enough'}", place.workspace, task);
    const char *dead =
        at(suite_ok(&suite_supervisor, SUITE_TASKS, "ListCallbacks",
                    "{'workspaceSid':'%s','state':'CALLBACK_STATE_DEAD'}", place.workspace),
           "items.0.sid");
    const json_t *callback = suite_ok(&suite_supervisor, SUITE_TASKS, "GetCallback",
                                      "{'workspaceSid':'%s','sid':'%s'}", place.workspace, dead);
    CHECK_I64(at_i64(callback, "lastStatus"), 404);
    CHECK_TEXT(at(callback, "lastBody"), "gone");
    CHECK(at(callback, "alert")[0] != '\0');
    (void)suite_refused(&suite_admin, SUITE_TASKS, "FAILED_PRECONDITION CALLBACK_STATE",
                        "ResendCallback", "{'workspaceSid':'%s','sid':'%s'}", place.workspace,
                        dead);
}

/* One request at a time per URL here: the second offer ends before its turn. */
static void test_dropped(void)
{
    receiver_answers("/turns", (struct receiver_reply){.status = 200, .body = ""});
    receiver_hold("/turns", true);
    struct place place = place_new(0);
    set_workflow_urls(&place, "/turns", NULL);
    (void)place_worker(&place, "Ann", 2);
    (void)task_new(&place, "{}");
    REQUIRE(receiver_waits("/turns", 1));
    const char *second = task_new(&place, "{}");
    (void)waits_for_state(suite_text("task_sid = '%s'", second), "waiting");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'enough'}", place.workspace, second);
    receiver_hold("/turns", false);
    (void)waits_for_state(suite_text("task_sid = '%s'", second), "dropped");
    CHECK_I64(receiver_count("/turns"), 1);
}

/* ---- events ---- */

static void test_events(void)
{
    static const char *const names[] = {
        "EventType",
        "AccountSid",
        "WorkspaceSid",
        "WorkspaceName",
        "EventDescription",
        "ResourceType",
        "ResourceSid",
        "Sid",
        "Timestamp",
        "TimestampMs",
        "TaskSid",
        "TaskAttributes",
        "TaskAge",
        "TaskPriority",
        "TaskAssignmentStatus",
        "TaskVersion",
        "TaskDateCreated",
        "TaskQueueSid",
        "TaskQueueName",
        "TaskQueueEnteredDate",
        "TaskChannelSid",
        "WorkflowSid",
        "WorkflowName",
        "TaskChannelUniqueName",
        "ReservationSid",
        "ReservationVersion",
        "TaskQueueTargetExpression",
        "WorkerSid",
        "WorkerName",
        "WorkerAttributes",
        "WorkerVersion",
        "WorkerActivitySid",
        "WorkerActivityName",
    };
    static const char *const life[] = {
        "task.created",          "workflow.entered",    "workflow.target-matched",
        "task-queue.entered",    "reservation.created", "reservation.accepted",
        "reservation.completed",
    };
    struct place place = place_new(0);
    set_event_url(&place, suite_text("%s", receiver_url("/events")), "");
    (void)place_worker(&place, "Ann", 1);
    const char *task = task_new(&place, "{`type`:`support`}");
    const char *sid = reservation_of(&place, "taskSid", task, "PENDING");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", place.workspace, sid);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CompleteTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'done'}", place.workspace, task);
    (void)waits_for_state(
        suite_text("task_sid = '%s' and event_type = 'reservation.completed'", task), "delivered");
    int next = 0; /* of life: all come in this order */
    int offer = -1;
    for (int i = 0; i < receiver_count("/events"); i++) {
        const char *type = receiver_param("/events", i, "EventType");
        CHECK(receiver_is_signed("/events", i));
        CHECK_TEXT(receiver_param("/events", i, "WorkspaceSid"), place.workspace);
        if (next < (int)ARRAY_LEN(life) && strcmp(type, life[next]) == 0)
            next++;
        if (strcmp(type, "reservation.created") == 0)
            offer = i;
    }
    if (!CHECK_I64(next, ARRAY_LEN(life)))
        (void)fprintf(stderr, "no %s in its place\n", life[next]);
    REQUIRE(offer >= 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        /* a queue that matches everybody has no expression to tell */
        bool may_be_empty = strcmp(names[i], "TaskQueueTargetExpression") == 0;
        if (!CHECK(receiver_param("/events", offer, names[i])[0] != '\0' || may_be_empty))
            (void)fprintf(stderr, "%s\n", names[i]);
    }
    CHECK_TEXT(receiver_param("/events", offer, "ResourceType"), "reservation");
    CHECK_TEXT(receiver_param("/events", offer, "ResourceSid"), sid);
    CHECK_TEXT(receiver_param("/events", offer, "TaskAttributes"), "{\"type\":\"support\"}");
    CHECK_I64(receiver_count_with("/events", "EventType", "worker.created"), 1);
    CHECK_I64(receiver_count_with("/events", "EventType", "reservation.instructed"), 0);
}

static void test_filter(void)
{
    struct place place = place_new(0);
    set_event_url(&place, suite_text("%s", receiver_url("/filter")), "task.created, task.canceled");
    const char *task = task_new(&place, "{}");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'enough'}", place.workspace, task);
    REQUIRE(receiver_waits("/filter", 2));
    CHECK_TEXT(receiver_param("/filter", 0, "EventType"), "task.created");
    CHECK_TEXT(receiver_param("/filter", 1, "EventType"), "task.canceled");
    CHECK_TEXT(receiver_param("/filter", 1, "TaskCanceledReason"), "enough");
    set_event_url(&place, "", "");
    (void)task_new(&place, "{}");
    CHECK_I64(suite_count("select count(*) from tasks.callback where workspace_sid = '%s'",
                          place.workspace),
              2);
    CHECK_I64(receiver_count("/filter"), 2);
}

/* Of one task the later waits for the earlier, which fails twice; another task's goes its way. */
static void test_order(void)
{
    receiver_answers("/order",
                     (struct receiver_reply){.status = 503, .body = "not now", .times = 2});
    receiver_hold("/order", true);
    struct place place = place_new(0);
    set_event_url(&place, suite_text("%s", receiver_url("/order")), "task.created,task.canceled");
    const char *task = task_new(&place, "{}");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'enough'}", place.workspace, task);
    const char *canceled = suite_text("task_sid = '%s' and event_type = 'task.canceled'", task);
    REQUIRE(receiver_waits("/order", 1));
    (void)waits_for_state(canceled, "queued");
    receiver_hold("/order", false);
    (void)waits_for_state(canceled, "delivered");
    REQUIRE(receiver_waits("/order", 4));
    for (int i = 0; i < 3; i++) {
        CHECK_TEXT(receiver_param("/order", i, "EventType"), "task.created");
        CHECK_TEXT(receiver_param("/order", i, "Sid"), receiver_param("/order", 0, "Sid"));
        CHECK_TEXT(receiver_key("/order", i), receiver_key("/order", 0));
    }
    CHECK_TEXT(receiver_param("/order", 3, "EventType"), "task.canceled");
    CHECK_I64(receiver_count("/order"), 4);
    const json_t *callback = callback_of(&place, suite_text("'taskSid':'%s'", task));
    CHECK_TEXT(at(callback, "eventType"), "task.canceled");
    CHECK_I64(at_i64(callback, "attempts"), 1);
    CHECK_I64(at_i64(callback, "lastStatus"), 204);
    CHECK_I64(suite_count("select attempts from tasks.callback where task_sid = '%s' and "
                          "event_type = 'task.created'",
                          task),
              3);
}

static void test_dead(void)
{
    receiver_answers(
        "/dead", (struct receiver_reply){.status = 400, .type = "text/plain", .body = "no thanks"});
    struct place place = place_new(0);
    set_event_url(&place, suite_text("%s", receiver_url("/dead")), "task.created");
    for (int i = 0; i < 3; i++)
        (void)task_new(&place, "{}");
    CHECK(suite_until(is_in_state,
                      &(const struct state_ctx){
                          suite_text("workspace_sid = '%s' and (select count(*) from "
                                     "tasks.callback d where d.workspace_sid = '%s' and d.state = "
                                     "'dead') = 3",
                                     place.workspace, place.workspace),
                          "dead"},
                      WAIT_MS));
    CHECK_I64(receiver_count("/dead"), 3 * 4);
    const json_t *list =
        suite_ok(&suite_supervisor, SUITE_TASKS, "ListCallbacks",
                 "{'workspaceSid':'%s','pageSize':2,'state':'CALLBACK_STATE_DEAD','url':'%s'}",
                 place.workspace, receiver_url("/dead"));
    CHECK_I64(at_i64(list, "items"), 2);
    const json_t *rest =
        suite_ok(&suite_supervisor, SUITE_TASKS, "ListCallbacks",
                 "{'workspaceSid':'%s','pageSize':2,'state':'CALLBACK_STATE_DEAD','cursor':'%s'}",
                 place.workspace, at(list, "nextCursor"));
    CHECK_I64(at_i64(rest, "items"), 1);
    CHECK_TEXT(at(rest, "nextCursor"), "");
    const char *sid = at(list, "items.0.sid");
    CHECK_I64(at_i64(list, "items.0.attempts"), 4);
    CHECK_I64(at_i64(list, "items.0.lastStatus"), 400);
    CHECK_TEXT(at(list, "items.0.lastBody"), "no thanks");
    CHECK_TEXT(at(list, "items.0.lastError"), "the answer's status was 400");
    (void)suite_refused(&suite_agent, SUITE_TASKS, "PERMISSION_DENIED ROLE_TOO_LOW",
                        "ListCallbacks", "{'workspaceSid':'%s'}", place.workspace);
    (void)suite_refused(&suite_supervisor, SUITE_TASKS, "PERMISSION_DENIED ROLE_TOO_LOW",
                        "ResendCallback", "{'workspaceSid':'%s','sid':'%s'}", place.workspace, sid);
    (void)suite_refused(&suite_stranger, SUITE_TASKS, "NOT_FOUND WORKSPACE_NOT_FOUND",
                        "GetCallback", "{'workspaceSid':'%s','sid':'%s'}", place.workspace, sid);
    receiver_answers("/dead", (struct receiver_reply){.status = 204});
    (void)suite_ok(&suite_admin, SUITE_TASKS, "ResendCallback", "{'workspaceSid':'%s','sid':'%s'}",
                   place.workspace, sid);
    (void)waits_for_state(suite_text("sid = '%s'", sid), "delivered");
    CHECK_I64(at_i64(suite_ok(&suite_admin, SUITE_TASKS, "ResendDeadCallbacks",
                              "{'workspaceSid':'%s'}", place.workspace),
                     "count"),
              2);
    (void)receiver_waits("/dead", 3 * 4 + 3);
    (void)suite_refused(&suite_admin, SUITE_TASKS, "FAILED_PRECONDITION CALLBACK_STATE",
                        "ResendCallback", "{'workspaceSid':'%s','sid':'%s'}", place.workspace, sid);
}

static bool are_both_dead(const void *ctx)
{
    return suite_count("select count(*) from tasks.callback where workspace_sid = '%s' and state = "
                       "'dead'",
                       (const char *)ctx) == 2;
}

/* Those about one task line up again, even when the first has to be tried twice. */
static void test_resend_order(void)
{
    receiver_answers("/lineup", (struct receiver_reply){.status = 400});
    struct place place = place_new(0);
    set_event_url(&place, suite_text("%s", receiver_url("/lineup")), "task.created,task.canceled");
    const char *task = task_new(&place, "{}");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask",
                   "{'workspaceSid':'%s','sid':'%s','reason':'enough'}", place.workspace, task);
    CHECK(suite_until(are_both_dead, place.workspace, WAIT_MS));
    CHECK_I64(receiver_count("/lineup"), 8);
    receiver_answers("/lineup", (struct receiver_reply){.status = 500, .times = 1});
    const json_t *sent = suite_ok(&suite_admin, SUITE_TASKS, "ResendDeadCallbacks",
                                  "{'workspaceSid':'%s'}", place.workspace);
    CHECK_I64(at_i64(sent, "count"), 2);
    CHECK(receiver_waits("/lineup", 11));
    CHECK_TEXT(receiver_param("/lineup", 8, "EventType"), "task.created");
    CHECK_TEXT(receiver_param("/lineup", 9, "EventType"), "task.created");
    CHECK_TEXT(receiver_param("/lineup", 10, "EventType"), "task.canceled");
}

/* A receiver that is down is left alone, and others do not wait for it. */
static void test_starve(void)
{
    struct place down = place_new(0);
    struct place up = place_new(0);
    set_event_url(&down, "http://127.0.0.1:1/", "task.created");
    set_event_url(&up, suite_text("%s", receiver_url("/up")), "task.created");
    for (int i = 0; i < 30; i++)
        (void)task_new(&down, "{}");
    int64_t began = clock_mono_us();
    for (int i = 0; i < 10; i++)
        (void)task_new(&up, "{}");
    CHECK(receiver_waits("/up", 10));
    CHECK(clock_mono_us() - began < 5 * US_PER_S);
    CHECK(suite_count("select sum(attempts) from tasks.callback where workspace_sid = '%s'",
                      down.workspace) < 30);
}

static bool is_reached(const void *ctx)
{
    return suite_call(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s'}",
                      (const char *)ctx)
               .code == ERR_OK;
}

static void restart_with(const struct place *place, const char *name, const char *value)
{
    (void)setenv(name, value, 1);
    CHECK_I64(process_terminate(suite_process(SUITE_TASKS), 10000), 0);
    CHECK(suite_restart(SUITE_TASKS));
    CHECK(suite_until(is_reached, place->workspace, WAIT_MS));
}

static void test_private(void)
{
    struct place place = place_new(0);
    restart_with(&place, "TASKROUTER_CALLBACK_ALLOW_PRIVATE", "false");
    set_event_url(&place, suite_text("%s", receiver_url("/private")), "task.created");
    const char *task = task_new(&place, "{}");
    (void)waits_for_state(suite_text("task_sid = '%s'", task), "dead");
    CHECK_I64(receiver_count("/private"), 0);
    const json_t *callback = callback_of(&place, "'state':'CALLBACK_STATE_DEAD'");
    CHECK_TEXT(at(callback, "lastError"), "the address is private and may not be called");
    CHECK_I64(at_i64(callback, "attempts"), 1);
    restart_with(&place, "TASKROUTER_CALLBACK_ALLOW_PRIVATE", "true");
}

/* ---- kill -9 ---- */

/* And waits until the client's channel has connected again. */
static void kill_and_restart(const struct place *place)
{
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    CHECK(suite_restart(SUITE_TASKS));
    CHECK(suite_until(is_reached, place->workspace, WAIT_MS));
}

static void test_killed_while_sending(void)
{
    receiver_answers("/kill/events", (struct receiver_reply){.status = 204});
    receiver_answers("/kill/assign",
                     (struct receiver_reply){
                         .status = 200, .type = JSON, .body = "{\"instruction\":\"accept\"}"});
    receiver_hold("/kill/events", true);
    receiver_hold("/kill/assign", true);
    struct place place = place_new(0);
    set_workflow_urls(&place, "/kill/assign", NULL);
    set_event_url(&place, suite_text("%s", receiver_url("/kill/events")), "task.created");
    (void)place_worker(&place, "Ann", 1);
    const char *task = task_new(&place, "{}");
    REQUIRE(receiver_waits("/kill/events", 1) && receiver_waits("/kill/assign", 1));
    kill_and_restart(&place);
    receiver_hold("/kill/events", false);
    receiver_hold("/kill/assign", false);
    (void)receiver_waits("/kill/events", 2);
    (void)receiver_waits("/kill/assign", 2);
    CHECK_TEXT(receiver_param("/kill/events", 1, "Sid"), receiver_param("/kill/events", 0, "Sid"));
    CHECK_TEXT(receiver_param("/kill/assign", 1, "ReservationSid"),
               receiver_param("/kill/assign", 0, "ReservationSid"));
    CHECK(reservation_of(&place, "taskSid", task, "ACCEPTED")[0] != '\0');
    (void)waits_for_state(suite_text("task_sid = '%s' and kind = 'event'", task), "delivered");
    (void)waits_for_state(suite_text("task_sid = '%s' and kind = 'assignment'", task), "delivered");
    CHECK_I64(log_count(&place, "reservation.accepted").events, 1);
}

/* The owner dies while it sends; another process goes on at once. */
static void test_taken_over(void)
{
    const char *http = NULL;
    struct process *twin = suite_start_twin(SUITE_TASKS, NULL, &http);
    CHECK(process_wait_ready(twin, http, 2 * WAIT_MS));
    receiver_hold("/twin", true);
    struct place place = place_new(0);
    set_event_url(&place, suite_text("%s", receiver_url("/twin")), "task.created");
    const char *task = task_new(&place, "{}");
    bool is_sent = receiver_waits("/twin", 1);
    process_signal(suite_process(SUITE_TASKS), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    receiver_hold("/twin", false);
    if (is_sent)
        (void)waits_for_state(suite_text("task_sid = '%s'", task), "delivered");
    CHECK_I64(receiver_count("/twin"), 2);
    CHECK_TEXT(receiver_param("/twin", receiver_count("/twin") - 1, "Sid"),
               receiver_param("/twin", 0, "Sid"));
    CHECK(suite_restart(SUITE_TASKS));
    CHECK_I64(process_terminate(twin, 10000), 0);
    process_free(twin);
    CHECK(suite_until(is_reached, place.workspace, WAIT_MS));
}

static bool is_outbox_empty(const void *ctx)
{
    return suite_count("select count(*) from tasks.callback where workspace_sid = '%s' and state "
                       "in ('queued', 'waiting', 'sending')",
                       (const char *)ctx) == 0 &&
           suite_count("select (select max(last_seq) from tasks.event_batch) - max(seq) from "
                       "tasks.callback_cursor") == 0;
}

/* Killed at any moment: every event is told, under one key, in order per task. */
static void test_killed_under_load(void)
{
    enum { TASKS = 90, KILLS = 3 };
    struct place place = place_new(0);
    set_event_url(&place, suite_text("%s", receiver_url("/load")), "task.created,task.canceled");
    int created = 0;
    const char *sids[TASKS];
    for (int kills = 0; created < TASKS; created++) {
        sids[created] = task_new(&place, "{}");
        (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask",
                       "{'workspaceSid':'%s','sid':'%s','reason':'enough'}", place.workspace,
                       sids[created]);
        if (created % (TASKS / KILLS) == TASKS / KILLS - 1 && kills++ < KILLS)
            kill_and_restart(&place);
    }
    CHECK(suite_until(is_outbox_empty, place.workspace, 2 * WAIT_MS));
    for (int i = 0; i < TASKS; i++) {
        int created_at = -1;
        int canceled_at = -1;
        CHECK(receiver_count_with("/load", "TaskSid", sids[i]) >= 2);
        for (int n = 0; n < receiver_count("/load"); n++) {
            if (strcmp(receiver_param("/load", n, "TaskSid"), sids[i]) != 0)
                continue;
            bool is_created = strcmp(receiver_param("/load", n, "EventType"), "task.created") == 0;
            if (is_created && created_at < 0)
                created_at = n;
            if (!is_created && canceled_at < 0)
                canceled_at = n;
        }
        CHECK(created_at >= 0 && created_at < canceled_at);
    }
    CHECK_I64(suite_count("select count(*) from tasks.callback where workspace_sid = '%s' and "
                          "state = 'delivered'",
                          place.workspace),
              2 * TASKS);
}

static const struct test_case cases[] = {
    {"every answer to an assignment callback does what the table says",       test_answers          },
    {"an assignment callback has the documented parameters",                  test_parameters       },
    {"the fallback is asked with the same parameters",                        test_fallback         },
    {"when both fail the reservation is canceled",                            test_both_fail        },
    {"an offer that ended before its turn is not sent",                       test_dropped          },
    {"every event of a task's life comes, signed, with its parameters",       test_events           },
    {"a filter lets through what it names, and no URL gets nothing",          test_filter           },
    {"what happens to a task is told in order, however often it is tried",    test_order            },
    {"the dead can be listed, looked at and sent again",                      test_dead             },
    {"the dead about one task are sent again in their order",                 test_resend_order     },
    {"a receiver that is down does not keep others waiting",                  test_starve           },
    {"a private address is refused",                                          test_private          },
    {"killed while sending: sent again under the same key, carried out once",
     test_killed_while_sending                                                                      },
    {"killed beside another process: that one sends it again",                test_taken_over       },
    {"killed under load: every event is told in order, none is missing",      test_killed_under_load},
};

int main(int argc, char **argv)
{
    (void)setenv("TASKROUTER_CALLBACK_ALLOW_PRIVATE", "true", 1);
    (void)setenv("TASKROUTER_CALLBACK_TRANSFERS", "4", 1);
    (void)setenv("TASKROUTER_CALLBACK_ATTEMPTS", "4", 1);
    (void)setenv("TASKROUTER_CALLBACK_BACKOFF", "50ms", 1);
    (void)setenv("TASKROUTER_CALLBACK_ASSIGNMENT_TIMEOUT", "700ms", 1);
    (void)setenv("TASKROUTER_ACCOUNT_SID", ACCOUNT, 1);
    (void)setenv("TASKROUTER_AUTH_TOKEN", RECEIVER_TOKEN, 1);
    receiver_start();
    int status = suite_main("tasks callbacks", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
    receiver_stop();
    return status;
}
