/* Twilio's dialect: workflows, tasks, reservations, events and statistics, as a program sees them
 * that routes its work with them. */
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

enum { WAIT_MS = 20000 };

static const char *queue;
static const char *workflow;
static const char *available;
static const char *alice; /* workers */
static const char *bob;

static const char *activity_sid(const char *name)
{
    struct reply found = get(text("%s/Activities?FriendlyName=%s", home, name));
    return at(found.body, "activities.0.sid");
}

static const char *document(void)
{
    return form_text(
        text("{\"task_routing\":{\"filters\":[],\"default_filter\":{\"queue\":\"%s\"}}}", queue));
}

/* A queue for all, a workflow that leads there, and two workers, of whom nobody is available. */
static void in_office(void)
{
    in_workspace();
    if (queue != NULL)
        return;
    queue = at(post(text("%s/TaskQueues", home), "FriendlyName=All").body, "sid");
    struct reply made =
        post(text("%s/Workflows", home), text("FriendlyName=Main&Configuration=%s", document()));
    CHECK_I64(made.status, 201);
    workflow = at(made.body, "sid");
    available = activity_sid("Available");
    alice = at(post(text("%s/Workers", home), "FriendlyName=Alice").body, "sid");
    bob = at(post(text("%s/Workers", home), "FriendlyName=Bob").body, "sid");
}

static const char *task_new(const char *more)
{
    struct reply made = post(text("%s/Tasks", home), text("WorkflowSid=%s%s", workflow, more));
    CHECK_I64(made.status, 201);
    return at(made.body, "sid");
}

static const char *task_path(const char *sid)
{
    return text("%s/Tasks/%s", home, sid);
}

struct offer {
    const char *task;
    const char *status; /* of reservations */
    const char *sid;
};

static bool is_offered(void *ctx)
{
    struct offer *offer = ctx;
    struct reply found =
        get(text("%s/Reservations?ReservationStatus=%s", task_path(offer->task), offer->status));
    offer->sid = at(found.body, "reservations.0.sid");
    return offer->sid[0] != '\0';
}

/* The task's pending reservation. */
static const char *offer_of(const char *task)
{
    struct offer offer = {.task = task, .status = "pending", .sid = ""};
    CHECK(until(is_offered, &offer, WAIT_MS));
    return offer.sid;
}

static void move(const char *worker, const char *activity)
{
    CHECK_I64(post(text("%s/Workers/%s", home, worker), text("ActivitySid=%s", activity)).status,
              200);
}

static void test_workflow(void)
{
    in_office();
    const char *path = text("%s/Workflows/%s", home, workflow);
    struct reply got = get(path);
    CHECK_TEXT(at(got.body, "document_content_type"), "application/json");
    CHECK_I64(at_i64(got.body, "task_reservation_timeout"), 120);
    CHECK(is_null(got.body, "assignment_callback_url"));
    CHECK(is_null(got.body, "fallback_assignment_callback_url"));
    CHECK(strstr(at(got.body, "configuration"), queue) != NULL);
    CHECK_TEXT(at(got.body, "links.real_time_statistics"),
               text("http://test%s/RealTimeStatistics", path));
    CHECK_I64((long long)json_object_size(got.body), 13);
    struct reply changed =
        post(path, "TaskReservationTimeout=60&AssignmentCallbackUrl=https%3A%2F%2Fexample.com%2Fa");
    CHECK_I64(at_i64(changed.body, "task_reservation_timeout"), 60);
    CHECK_TEXT(at(changed.body, "assignment_callback_url"), "https://example.com/a");
    changed = post(path, "AssignmentCallbackUrl=");
    CHECK(is_null(changed.body, "assignment_callback_url"));
    CHECK_I64(post(path, "ReEvaluateTasks=true").status, 200);
    CHECK_I64(post(path, text("Configuration=%s&ReEvaluateTasks=true", document())).status, 200);
    struct reply bad = post(path, "Configuration=%7B");
    CHECK(is_error(&bad, 400, 20001, "Configuration"));
    bad = post(path, form_text("Configuration={\"task_routing\":{\"filters\":[]}}"));
    bad = post(
        path, text("Configuration=%s", form_text("{\"task_routing\":{\"default_filter\":{\"queue\":"
                                                 "\"WQ00000000000000000000000000000000\"}}}")));
    CHECK(is_error(&bad, 400, 20001, "WQ00000000000000000000000000000000"));
    CHECK_I64(at_i64(get(text("%s/Workflows?FriendlyName=Main", home)).body, "workflows"), 1);
}

static void test_task(void)
{
    in_office();
    struct reply made = post(text("%s/Tasks", home),
                             text("WorkflowSid=%s&Attributes=%s&Priority=5&Timeout=600&"
                                  "TaskChannel=sms&VirtualStartTime=2020-01-02T03%%3A04%%3A05Z",
                                  workflow, form_text("{\"b\": 1, \"a\":\"é\"}")));
    CHECK_I64(made.status, 201);
    CHECK_TEXT(at(made.body, "attributes"), "{\"b\": 1, \"a\":\"é\"}");
    CHECK_TEXT(at(made.body, "assignment_status"), "pending");
    CHECK_I64(at_i64(made.body, "priority"), 5);
    CHECK_I64(at_i64(made.body, "timeout"), 600);
    CHECK_I64(at_i64(made.body, "ignore_capacity"), 0);
    CHECK_TEXT(at(made.body, "task_channel_unique_name"), "sms");
    CHECK_TEXT(at(made.body, "task_queue_sid"), queue);
    CHECK_TEXT(at(made.body, "task_queue_friendly_name"), "All");
    CHECK_TEXT(at(made.body, "workflow_friendly_name"), "Main");
    CHECK_TEXT(at(made.body, "virtual_start_time"), "2020-01-02T03:04:05Z");
    CHECK_TEXT(at(made.body, "addons"), "{}");
    CHECK(is_null(made.body, "reason"));
    CHECK(is_null(made.body, "routing_target"));
    CHECK_I64((long long)strlen(at(made.body, "task_queue_entered_date")), 20);
    CHECK_I64((long long)json_object_size(made.body), 24);
    const char *path = task_path(at(made.body, "sid"));
    CHECK_TEXT(at(made.body, "links.reservations"), text("http://test%s/Reservations", path));

    struct reply changed =
        ask_form(BASIC, "POST", path, text("If-Match: %s\r\n", header_of(&made, "ETag")),
                 "Priority=7&Attributes=%7B%7D");
    CHECK_I64(changed.status, 200);
    CHECK_I64(at_i64(changed.body, "priority"), 7);
    CHECK_TEXT(at(changed.body, "attributes"), "{}");
    CHECK_TEXT(get(path).text, changed.text);
    struct reply stale =
        ask_form(BASIC, "POST", path, "If-Match: 1\r\n", "AssignmentStatus=canceled&Reason=gone");
    CHECK(is_error(&stale, 412, 20412, ""));

    struct reply bad = post(path, "AssignmentStatus=completed&Reason=done");
    CHECK(is_error(&bad, 400, 20001, "Cannot complete task"));
    bad = post(path, "AssignmentStatus=wrapping&Reason=x");
    CHECK(is_error(&bad, 400, 20001,
                   text("Cannot wrap up a task %s in workspace %s for account " ACCOUNT
                        " because it's not currently assigned",
                        at(made.body, "sid"), workspace)));
    bad = post(path, "AssignmentStatus=canceled");
    CHECK(is_error(&bad, 400, 20001, "Missing required parameter Reason"));
    bad = post(path, "AssignmentStatus=pending");
    CHECK(is_error(&bad, 400, 20001, "AssignmentStatus"));
    bad = post(path, "AssignmentStatus=completed&Reason=x&Attributes=%7B%7D");
    CHECK(is_error(&bad, 400, 20001, "Attributes"));
    struct reply ended =
        post(path, "AssignmentStatus=canceled&Reason=not%20needed&Attributes=%7B%22n%22%3A2%7D");
    CHECK_I64(ended.status, 200);
    CHECK_TEXT(at(ended.body, "assignment_status"), "canceled");
    CHECK_TEXT(at(ended.body, "reason"), "not needed");
    CHECK_TEXT(at(ended.body, "attributes"), "{\"n\":2}");
    bad = post(path, "AssignmentStatus=canceled&Reason=again");
    CHECK(is_error(&bad, 400, 20001,
                   text("Cannot cancel task %s in workspace %s for account " ACCOUNT
                        " because it is not pending or reserved.",
                        at(made.body, "sid"), workspace)));
}

static void test_task_lists(void)
{
    in_office();
    const char *list = text("%s/Tasks", home);
    const char *first = task_new("&Priority=21&Attributes=%7B%22foo%22%3A%22bar%22%7D");
    const char *second = task_new("&Priority=22");
    struct reply found = get(text("%s?Priority=21", list));
    CHECK_I64(at_i64(found.body, "tasks"), 1);
    CHECK_TEXT(at(found.body, "tasks.0.sid"), first);
    CHECK(strncmp(header_of(&found, "ETag"), "W/\"", 3) == 0);
    found = get(text("%s?EvaluateTaskAttributes=foo%%3D%%3D%%27bar%%27&PageSize=1", list));
    CHECK_I64(at_i64(found.body, "tasks"), 1);
    CHECK_TEXT(at(found.body, "tasks.0.sid"), first);
    found = get(text("%s?Ordering=Priority%%3Adesc&PageSize=1", list));
    CHECK_TEXT(at(found.body, "tasks.0.sid"), second);
    found = get(text("%s?Ordering=Priority%%3Adesc%%2CDateCreated%%3Aasc&PageSize=2", list));
    CHECK_TEXT(at(found.body, "tasks.1.sid"), first);
    CHECK_I64(at_i64(get(text("%s?HasAddons=true", list)).body, "tasks"), 0);
    found = get(text("%s?Ordering=Size%%3Aasc", list));
    CHECK(is_error(&found, 400, 20001, "Ordering"));
    found = get(text("%s?Ordering=DateCreated%%3Aasc%%2CVirtualStartTime%%3Aasc", list));
    CHECK(is_error(&found, 400, 20001, "Ordering"));
    found = get(text("%s?AssignmentStatus=pending%%2Creserved&AssignmentStatus=assigned", list));
    CHECK(at_i64(found.body, "tasks") >= 2);
    CHECK_TEXT(at(found.body, "meta.url"),
               text("http://test%s?AssignmentStatus=pending%%2Creserved&AssignmentStatus=assigned&"
                    "PageSize=50&Page=0",
                    list));
    CHECK_I64(at_i64(get(text("%s?AssignmentStatus=completed", list)).body, "tasks"), 0);
    found = get(text("%s?AssignmentStatus=lost", list));
    CHECK(is_error(&found, 400, 20001, "AssignmentStatus"));
    CHECK_I64(drop(task_path(first)).status, 204);
    struct reply gone = get(task_path(first));
    CHECK(is_error(&gone, 404, 20404, first));
    CHECK_I64(drop(task_path(second)).status, 204);
}

static void test_reservation(void)
{
    in_office();
    const char *task = task_new("");
    move(alice, available);
    const char *sid = offer_of(task);
    const char *path = text("%s/Reservations/%s", task_path(task), sid);
    const char *worker_path = text("%s/Workers/%s/Reservations/%s", home, alice, sid);
    struct reply got = get(path);
    CHECK_TEXT(at(got.body, "reservation_status"), "pending");
    CHECK_TEXT(at(got.body, "worker_sid"), alice);
    CHECK_TEXT(at(got.body, "worker_name"), "Alice");
    CHECK_TEXT(at(got.body, "task_sid"), task);
    CHECK_TEXT(at(got.body, "links.worker"), text("http://test%s/Workers/%s", home, alice));
    CHECK_I64((long long)json_object_size(got.body), 11);
    CHECK_TEXT(at(get(worker_path).body, "url"), text("http://test%s", worker_path));
    struct reply other = get(text("%s/Workers/%s/Reservations/%s", home, bob, sid));
    CHECK(is_error(&other, 404, 20404, sid));
    other =
        post(text("%s/Workers/%s/Reservations/%s", home, bob, sid), "ReservationStatus=accepted");
    CHECK(is_error(&other, 404, 20404, sid));
    CHECK_TEXT(post(path, NULL).text, got.text);

    struct reply bad = post(path, "ReservationStatus=timeout");
    CHECK(is_error(&bad, 400, 20001, "ReservationStatus"));
    bad = post(path, "ReservationStatus=accepted&Instruction=accept");
    CHECK(is_error(&bad, 400, 20001, "Instruction"));
    bad = post(path, "Instruction=call&CallFrom=%2B15550100");
    CHECK(is_error(&bad, 400, 20001, "CallUrl"));
    bad = post(path, "Instruction=call&CallTimeout=long");
    CHECK(is_error(&bad, 400, 20001, "CallTimeout"));
    bad = post(path, "Instruction=conference&Region=moon");
    CHECK(is_error(&bad, 400, 20001, "Region"));
    bad = post(path, "Instruction=dance");
    CHECK(is_error(&bad, 400, 20001, "Instruction"));
    bad = ask_form(BASIC, "POST", path, "If-Match: 7\r\n", "ReservationStatus=accepted");
    CHECK(is_error(&bad, 412, 20412, ""));
    struct reply taken =
        ask_form(BASIC, "POST", path, text("If-Match: %s\r\n", header_of(&got, "ETag")),
                 "ReservationStatus=accepted");
    CHECK_I64(taken.status, 200);
    CHECK_TEXT(at(taken.body, "reservation_status"), "accepted");
    bad = post(worker_path, "ReservationStatus=accepted");
    CHECK(is_error(&bad, 400, 20001,
                   text("Reservation %s is already in state [accepted] and cannot be updated to "
                        "[accepted]",
                        sid)));
    CHECK_TEXT(at(get(task_path(task)).body, "assignment_status"), "assigned");
    CHECK_I64(
        at_i64(get(text("%s/Workers/%s/Reservations?ReservationStatus=accepted", home, alice)).body,
               "reservations"),
        1);
    struct reply wrapped = post(task_path(task), "AssignmentStatus=wrapping&Reason=over");
    CHECK_TEXT(at(wrapped.body, "assignment_status"), "wrapping");
    struct reply done = post(task_path(task), "AssignmentStatus=completed&Reason=solved");
    CHECK_TEXT(at(done.body, "assignment_status"), "completed");
    CHECK_TEXT(at(get(path).body, "reservation_status"), "completed");
}

static void test_reject(void)
{
    in_office();
    const char *task = task_new("");
    const char *sid = offer_of(task);
    const char *path = text("%s/Workers/%s/Reservations/%s", home, alice, sid);
    struct reply bad = post(path, "ReservationStatus=rejected&WorkerActivitySid=WQ1");
    CHECK(is_error(&bad, 400, 20001, "WorkerActivitySid"));
    struct reply no = post(
        path, text("ReservationStatus=rejected&WorkerActivitySid=%s", activity_sid("Offline")));
    CHECK_I64(no.status, 200);
    CHECK_TEXT(at(no.body, "reservation_status"), "rejected");
    CHECK_I64(drop(task_path(task)).status, 204);
    struct reply gone = get(text("%s/Reservations", task_path(task)));
    CHECK(is_error(&gone, 404, 20404, "/Reservations was not found"));
}

static void test_direct(void)
{
    in_office();
    struct reply made =
        post(text("%s/Tasks", home),
             text("WorkflowSid=%s&RoutingTarget=%s&IgnoreCapacity=true", workflow, bob));
    CHECK_I64(made.status, 201);
    CHECK_TEXT(at(made.body, "routing_target"), bob);
    CHECK_I64(at_i64(made.body, "ignore_capacity"), 1);
    const char *task = at(made.body, "sid");
    struct reply found = get(text("%s/Tasks?RoutingTarget=%s", home, bob));
    CHECK_I64(at_i64(found.body, "tasks"), 1);
    CHECK_TEXT(at(found.body, "tasks.0.sid"), task);
    const char *path = text("%s/Reservations/%s", task_path(task), offer_of(task));
    struct reply called = post(path, "Instruction=call&CallFrom=%2B15550100&CallTo=%2B15550101&"
                                     "CallUrl=https%3A%2F%2Fexample.com%2Fx&CallAccept=true");
    CHECK_I64(called.status, 200);
    CHECK_TEXT(at(called.body, "reservation_status"), "accepted");
    CHECK_I64(post(path, "ReservationStatus=completed").status, 200);
    struct reply bad =
        post(text("%s/Tasks", home), "WorkflowSid=WW00000000000000000000000000000000");
    CHECK(is_error(&bad, 400, 20001, "WorkflowSid"));
    bad = post(text("%s/Tasks", home), "RoutingTarget=WA00000000000000000000000000000000");
    CHECK(is_error(&bad, 400, 20001, "RoutingTarget"));
    bad = post(text("%s/Tasks", home), "Priority=-1");
    CHECK(is_error(&bad, 400, 20001, "Priority"));
    bad = post(text("%s/Tasks", home), "VirtualStartTime=soon");
    CHECK(is_error(&bad, 400, 20001, "VirtualStartTime"));
    bad = post(text("%s/Tasks", home), "TaskChannel=smoke");
    CHECK(is_error(&bad, 400, 20001, "TaskChannel"));
    bad = post(text("%s/Tasks", home), "Attributes=%5B1%5D");
    CHECK(is_error(&bad, 400, 20001, "Attributes"));
}

/* A task with two offers; what the router has not heard of yet, it hears of in time. */
static bool is_offered_twice(void *ctx)
{
    const char **task = ctx;
    *task = task_new("");
    (void)offer_of(*task);
    if (at_i64(get(text("%s/Reservations", task_path(*task))).body, "reservations") == 2)
        return true;
    CHECK_I64(drop(task_path(*task)).status, 204);
    return false;
}

static void test_rescinded(void)
{
    const char *task = "";
    in_office();
    CHECK_I64(post(text("%s/TaskQueues/%s", home, queue), "MaxReservedWorkers=2").status, 200);
    move(alice, available);
    move(bob, available);
    REQUIRE(until(is_offered_twice, &task, WAIT_MS));
    const char *list = text("%s/Reservations", task_path(task));
    struct reply both = get(list);
    const char *first = text("%s/%s", list, at(both.body, "reservations.0.sid"));
    const char *second = text("%s/%s", list, at(both.body, "reservations.1.sid"));
    CHECK_I64(post(first, "ReservationStatus=accepted").status, 200);
    struct reply late = post(second, "ReservationStatus=accepted");
    CHECK(is_error(&late, 410, 20410, "already in state [rescinded]"));
    CHECK_TEXT(at(get(second).body, "reservation_status"), "rescinded");
    struct reply bad =
        post(task_path(task), "AssignmentStatus=canceled&Reason=x&Attributes=%7B%7D");
    CHECK(is_error(&bad, 400, 20001, "Cannot cancel task"));
    CHECK_I64(post(task_path(task), "AssignmentStatus=completed&Reason=x").status, 200);
    CHECK_I64(post(text("%s/TaskQueues/%s", home, queue), "MaxReservedWorkers=1").status, 200);
    move(alice, activity_sid("Offline"));
    move(bob, activity_sid("Offline"));
}

static void test_membership(void)
{
    in_office();
    struct reply found = get(text("%s/Workers?TaskQueueSid=%s", home, queue));
    CHECK_I64(at_i64(found.body, "workers"), 2);
    found = get(text("%s/Workers?TaskQueueName=All&FriendlyName=Bob", home));
    CHECK_I64(at_i64(found.body, "workers"), 1);
    CHECK_TEXT(at(found.body, "workers.0.sid"), bob);
    found = get(text("%s/Workers?TargetWorkersExpression=friendly_name%%3D%%3D%%27Alice%%27&"
                     "PageSize=1",
                     home));
    CHECK_TEXT(at(found.body, "workers.0.sid"), alice);
    found = get(text("%s/TaskQueues?WorkerSid=%s", home, alice));
    CHECK_TEXT(at(found.body, "task_queues.0.sid"), queue);
    found = get(
        text("%s/TaskQueues?EvaluateWorkerAttributes=%%7B%%7D&Ordering=DateUpdated%%3Adesc", home));
    CHECK_TEXT(at(found.body, "task_queues.0.sid"), queue);
    found = get(text("%s/Workers?Ordering=Size%%3Aasc", home));
    CHECK(is_error(&found, 400, 20001, "Ordering"));
    found = get(text("%s/Workers?Ordering=DateStatusChanged%%3Adesc", home));
    CHECK_I64(at_i64(found.body, "workers"), 2);
    found = get(text("%s/TaskQueues?EvaluateWorkerAttributes=%%7B", home));
    CHECK(is_error(&found, 400, 20001, "EvaluateWorkerAttributes"));
}

static bool has_channels(void *ctx)
{
    struct reply found = get(ctx);
    return at_i64(found.body, "channels") >= 5;
}

static void test_channels(void)
{
    in_office();
    char list[256];
    (void)snprintf(list, sizeof list, "%s/Workers/%s/Channels", home, bob);
    CHECK(until(has_channels, list, WAIT_MS));
    struct reply changed = post(text("%s/chat", list), "Capacity=4&Available=true");
    CHECK_I64(changed.status, 200);
    CHECK_I64(at_i64(changed.body, "configured_capacity"), 4);
    CHECK_TEXT(at(changed.body, "task_channel_unique_name"), "chat");
    CHECK_I64(at_i64(changed.body, "available"), 1);
    CHECK_I64((long long)json_object_size(changed.body), 13);
    CHECK(json_object_get(changed.body, "links") == NULL);
    CHECK_TEXT(at(get(text("%s/%s", list, at(changed.body, "sid"))).body, "sid"),
               at(changed.body, "sid"));
    CHECK_TEXT(at(get(text("%s/%s", list, at(changed.body, "task_channel_sid"))).body, "sid"),
               at(changed.body, "sid"));
    changed = post(text("%s/chat", list), "Available=no");
    CHECK_I64(at_i64(changed.body, "available"), 0);
    CHECK_I64(at_i64(changed.body, "configured_capacity"), 4);
    struct reply bad = post(text("%s/chat", list), "Capacity=-1");
    CHECK(is_error(&bad, 400, 20001, "Capacity"));
    bad = post(text("%s/smoke", list), "Capacity=1");
    CHECK(is_error(&bad, 404, 20404, "/Channels/smoke was not found"));
}

static void test_events(void)
{
    in_office();
    const char *task = task_new("");
    struct reply found = get(text("%s/Events?TaskSid=%s", home, task));
    CHECK_I64(found.status, 200);
    CHECK(at_i64(found.body, "events") >= 1);
    found = get(text("%s/Events?TaskSid=%s&EventType=task.created&Minutes=5", home, task));
    CHECK_I64(at_i64(found.body, "events"), 1);
    const json_t *event = json_array_get(json_object_get(found.body, "events"), 0);
    CHECK_TEXT(at(event, "event_data.task_sid"), task);
    CHECK_TEXT(at(event, "resource_sid"), task);
    CHECK_TEXT(at(event, "resource_url"), text("http://test%s/Tasks/%s", home, task));
    CHECK(at_i64(event, "event_date_ms") > 1700000000000);
    CHECK_I64((long long)json_object_size(event), 17);
    struct reply one = get(text("%s/Events/%s", home, at(event, "sid")));
    CHECK_TEXT(at(one.body, "url"), text("http://test%s/Events/%s", home, at(event, "sid")));
    CHECK_I64(
        at_i64(get(text("%s/Events?EndDate=2020-01-01T00%%3A00%%3A00Z", home)).body, "events"), 0);
    CHECK_I64(at_i64(get(text("%s/Events?Sid=%s", home, at(event, "sid"))).body, "events"), 1);
    CHECK_I64(
        at_i64(get(text("%s/Events?TaskSid=%s&TaskChannel=voice", home, task)).body, "events"), 0);
    struct reply bad = get(text("%s/Events?Minutes=x", home));
    CHECK(is_error(&bad, 400, 20001, "Minutes"));
    bad = get(text("%s/Events?StartDate=yesterday", home));
    CHECK(is_error(&bad, 400, 20001, "StartDate"));
    CHECK_I64(drop(task_path(task)).status, 204);
}

static void test_statistics(void)
{
    static const struct {
        const char *path;
        const char *member;  /* of now, where there are such */
        const char *counted; /* of the past */
    } rows[] = {
        {"/Statistics",                         "realtime.tasks_by_status.pending",
         "cumulative.split_by_wait_time.5.below.tasks_canceled"                                                            },
        {"/RealTimeStatistics",                 "total_workers",                      NULL                                 },
        {"/CumulativeStatistics",               NULL,                                 "tasks_created"                      },
        {"/TaskQueues/%s/Statistics",           "realtime.total_eligible_workers",
         "cumulative.tasks_entered"                                                                                        },
        {"/TaskQueues/%s/RealTimeStatistics",   "longest_relative_task_age_in_queue", NULL                                 },
        {"/TaskQueues/%s/CumulativeStatistics", NULL,                                 "avg_task_acceptance_time"           },
        {"/Workflows/%s/Statistics",            "realtime.total_tasks",
         "cumulative.tasks_timed_out_in_workflow"                                                                          },
        {"/Workflows/%s/RealTimeStatistics",    "longest_task_waiting_age",           NULL                                 },
        {"/Workflows/%s/CumulativeStatistics",  NULL,                                 "wait_duration_until_accepted.total" },
        {"/Workers/Statistics",                 "realtime.total_workers",             "cumulative.reservations_created"    },
        {"/Workers/RealTimeStatistics",         "activity_statistics.0.workers",      NULL                                 },
        {"/Workers/CumulativeStatistics",       NULL,                                 "activity_durations.0.total"         },
        {"/Workers/%s/Statistics",              NULL,                                 "cumulative.activity_durations.0.min"},
    };
    in_office();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool is_queue = strstr(rows[i].path, "TaskQueues") != NULL;
        bool is_workflow = strstr(rows[i].path, "Workflows") != NULL;
        const char *sid = is_queue ? queue : is_workflow ? workflow : alice;
        const char *rest = strstr(rows[i].path, "%s");
        const char *path = rest == NULL ? text("%s%s", home, rows[i].path)
                                        : text("%s%.*s%s%s", home, (int)(rest - rows[i].path),
                                               rows[i].path, sid, rest + 2);
        struct reply got = get(text("%s?SplitByWaitTime=5%%2C10&Minutes=30", path));
        CHECK_I64(got.status, 200);
        CHECK_TEXT(at(got.body, "url"), text("http://test%s", path));
        CHECK_TEXT(at(got.body, "workspace_sid"), workspace);
        if (rows[i].member != NULL)
            CHECK(at_i64(got.body, rows[i].member) >= 0);
        if (rows[i].counted != NULL)
            CHECK(at_i64(got.body, rows[i].counted) >= 0);
    }
    struct reply all = get(text("%s/TaskQueues/Statistics?FriendlyName=All", home));
    CHECK_I64(at_i64(all.body, "task_queues_statistics"), 1);
    CHECK_TEXT(at(all.body, "meta.key"), "task_queues_statistics");
    CHECK_TEXT(at(all.body, "task_queues_statistics.0.task_queue_sid"), queue);
    CHECK(json_object_get(json_array_get(json_object_get(all.body, "task_queues_statistics"), 0),
                          "url") == NULL);
    struct reply bad = get(text("%s/Statistics?StartDate=2010-01-01T00%%3A00%%3A00Z", home));
    CHECK(is_error(&bad, 400, 14241, "StartDate"));
    bad = get(text("%s/Statistics?SplitByWaitTime=5%%2Cx", home));
    CHECK(is_error(&bad, 400, 20001, "SplitByWaitTime"));
    bad = get(text("%s/TaskQueues/WQ00000000000000000000000000000000/Statistics", home));
    CHECK(is_error(&bad, 404, 20404, "/Statistics was not found"));
}

static struct reply bulk(const char *body)
{
    return ask(BASIC, "POST", text("/%s/TaskQueues/RealTimeStatistics", home), NULL, body);
}

static void test_bulk(void)
{
    in_office();
    struct reply got =
        bulk(text("{'queueSids':['%s','WQ00000000000000000000000000000000']}", queue));
    CHECK_I64(got.status, 200);
    CHECK_I64(at_i64(got.body, "task_queue_response_count"), 2);
    CHECK_TEXT(at(got.body, "task_queue_data.0.task_queue_sid"), queue);
    CHECK_I64(at_i64(got.body, "task_queue_data.0.total_eligible_workers"), 2);
    CHECK_I64(at_i64(got.body, "task_queue_data.1.total_eligible_workers"), 0);
    CHECK_TEXT(at(got.body, "account_sid"), ACCOUNT);
    CHECK_I64(bulk(text("{'QueueSids':['%s']}", queue)).status, 200);
    static const char *const bad[] = {"{}", "{'queueSids':[]}", "{'queueSids':['WK1']}", "[]", "{"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        got = bulk(bad[i]);
        CHECK(is_error(&got, 400, 20001, "QueueSids"));
    }
}

/* 1 per second, averaged over 10: the eleventh within a second or so is one too many. */
/* The router was told of nothing yet, nor will be for a while. */
static void test_statistics_at_once(void)
{
    in_office();
    cluster_pause(cluster, CLUSTER_NATS);
    const char *new_queue =
        at(post(text("%s/TaskQueues", home), "FriendlyName=Newborn").body, "sid");
    const char *new_workflow = at(
        post(text("%s/Workflows", home), text("FriendlyName=Newborn&Configuration=%s", document()))
            .body,
        "sid");
    const char *new_worker = at(post(text("%s/Workers", home), "FriendlyName=Newborn").body, "sid");
    const char *const paths[] = {
        text("%s/TaskQueues/%s/Statistics", home, new_queue),
        text("%s/TaskQueues/%s/RealTimeStatistics", home, new_queue),
        text("%s/Workflows/%s/CumulativeStatistics", home, new_workflow),
        text("%s/Workers/%s/Statistics", home, new_worker),
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        CHECK_I64(get(paths[i]).status, 200);
    struct reply none =
        get(text("%s/TaskQueues/WQ00000000000000000000000000000001/Statistics", home));
    CHECK_I64(none.status, 404);
    cluster_resume(cluster, CLUSTER_NATS);
    CHECK_I64(drop(text("%s/Workflows/%s", home, new_workflow)).status, 204);
    CHECK_I64(drop(text("%s/TaskQueues/%s", home, new_queue)).status, 204);
    CHECK_I64(drop(text("%s/Workers/%s", home, new_worker)).status, 204);
}

static void test_rate(void)
{
    struct reply got = {0};
    in_office();
    for (int i = 0; i < 100 && got.status != 429; i++)
        got = bulk(text("{'queueSids':['%s']}", queue));
    CHECK(is_error(&got, 429, 20429, "Too Many Requests"));
    CHECK_TEXT(header_of(&got, "X-Rate-Limit-Limit"), "10");
    CHECK_TEXT(header_of(&got, "X-Rate-Limit-Remaining"), "0");
    CHECK(strstr(header_of(&got, "X-Rate-Limit-Config"), "per second") != NULL);
    CHECK(header_of(&got, "Retry-After")[0] != '\0');
    got = get(text("%s/Statistics", home));
    CHECK_I64(got.status, 200);
    CHECK_TEXT(header_of(&got, "X-Rate-Limit-Config"), "unlimited");
}

static void test_origins(void)
{
    in_office();
    struct reply got = ask_form(BASIC, "GET", home, "Origin: https://console.example\r\n", NULL);
    CHECK_TEXT(header_of(&got, "Access-Control-Allow-Origin"), "https://console.example");
    got = ask_form(BASIC, "GET", home, "Origin: https://a.example\r\n", NULL);
    CHECK_TEXT(header_of(&got, "Access-Control-Allow-Origin"), "");
    got = ask_form(NULL, "OPTIONS", home, "Origin: https://console.example\r\n", NULL);
    CHECK_I64(got.status, 204);
    CHECK_TEXT(header_of(&got, "Access-Control-Allow-Origin"), "https://console.example");
}

static bool has_audit(void *ctx)
{
    const char *sql = text("select count(distinct (action, outcome)) from gateway.audit_log where "
                           "workspace_sid = '%s' and "
                           "path like '/v1/%%' and (action, outcome) in (('CreateTask', 'OK'), "
                           "('CancelTask', 'TASK_STATE'), ('AcceptReservation', 'OK'), "
                           "('UpdateWorkflow', 'OK'))",
                           (const char *)ctx);
    char value[64] = "";
    return cluster_sql_value(cluster, sql, value, sizeof value) && atoi(value) >= 4;
}

/* A form on another site's page, in a browser that knows the password. */
static void test_cross_site(void)
{
    in_workspace();
    const char *path = text("%s/Activities", home);
    static const char *const foreign[] = {
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\nOrigin: https://other.test\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        struct reply refused = ask_form(BASIC, "POST", path, foreign[i], "FriendlyName=Forged");
        CHECK(is_error(&refused, 403, 20403, "TASKROUTER_CORS_ORIGINS"));
        refused = ask(BASIC, "POST", "/activities", foreign[i], "{'friendlyName':'Forged'}");
        CHECK_I64(refused.status, 403);
        CHECK_I64(ask_form(BASIC, "GET", path, foreign[i], NULL).status, 200);
    }
    CHECK_I64(at_i64(get(text("%s?FriendlyName=Forged", path)).body, "activities"), 0);
    struct reply made = ask_form(BASIC, "POST", path,
                                 "Sec-Fetch-Site: cross-site\r\n"
                                 "Origin: https://console.example\r\n",
                                 "FriendlyName=Console");
    CHECK_I64(made.status, 201);
    made = ask_form(BASIC, "POST", path, "Sec-Fetch-Site: same-origin\r\n", "FriendlyName=Own");
    CHECK_I64(made.status, 201);
    /* nobody adds a Bearer token by itself */
    made = ask_form(BOOTSTRAP, "POST", path, foreign[0], "FriendlyName=Token");
    CHECK_I64(made.status, 201);
}

static void test_audit(void)
{
    char sid[64];
    in_office();
    (void)snprintf(sid, sizeof sid, "%s", workspace);
    CHECK(until(has_audit, sid, WAIT_MS));
}

/* Single-tasking: a queue says where workers go. */
static void test_single_tasking(void)
{
    struct reply made = post("/v1/Workspaces", "FriendlyName=Single&MultiTaskEnabled=false");
    CHECK_I64(made.status, 201);
    CHECK_I64(at_i64(made.body, "multi_task_enabled"), 0);
    const char *path = text("/v1/Workspaces/%s", at(made.body, "sid"));
    struct reply bad = post(text("%s/TaskQueues", path), "FriendlyName=Q");
    CHECK(is_error(&bad, 400, 20001, "Activity Sids cannot be empty"));
    struct reply found = get(text("%s/Activities?FriendlyName=Offline", path));
    const char *sid = at(found.body, "activities.0.sid");
    struct reply good =
        post(text("%s/TaskQueues", path), text("FriendlyName=Q&ReservationActivitySid=%s&"
                                               "AssignmentActivitySid=%s",
                                               sid, sid));
    CHECK_I64(good.status, 201);
    CHECK_TEXT(at(good.body, "reservation_activity_name"), "Offline");
    CHECK_TEXT(at(good.body, "assignment_activity_sid"), sid);
    CHECK_TEXT(at(good.body, "links.reservation_activity"),
               text("http://test%s/Activities/%s", path, sid));
    CHECK_I64(post(path, "MultiTaskEnabled=true").status, 200);
    bad = post(path, "MultiTaskEnabled=false");
    CHECK(is_error(&bad, 400, 20001, "MultiTaskEnabled"));
    CHECK_I64(drop(path).status, 204);
}

static void test_in_use(void)
{
    in_office();
    const char *task = task_new("&Priority=1");
    struct reply kept = drop(text("%s/Workflows/%s", home, workflow));
    CHECK(is_error(&kept, 400, 20001, workflow));
    kept = drop(text("%s/TaskQueues/%s", home, queue));
    CHECK(is_error(&kept, 400, 20001, queue));
    CHECK_I64(drop(task_path(task)).status, 204);
}

static const struct test_case cases[] = {
    {"a workflow is made, changed and refused",           test_workflow          },
    {"a task lives, and dies in Twilio's words",          test_task              },
    {"tasks are found by what they are",                  test_task_lists        },
    {"a reservation is accepted, and its task completed", test_reservation       },
    {"a reservation is rejected",                         test_reject            },
    {"a task goes straight to a worker, who is called",   test_direct            },
    {"of two offers the later answer is gone",            test_rescinded         },
    {"workers of queues, and queues of workers",          test_membership        },
    {"a worker's channels",                               test_channels          },
    {"events tell what happened",                         test_events            },
    {"statistics in all their shapes",                    test_statistics        },
    {"statistics of several queues at once",              test_bulk              },
    {"statistics of what was made an instant ago",        test_statistics_at_once},
    {"too much is said to be too much",                   test_rate              },
    {"only the origins of the settings may read",         test_origins           },
    {"another site's page changes nothing with Basic",    test_cross_site        },
    {"changes are in the audit log",                      test_audit             },
    {"a single-tasking workspace wants activities",       test_single_tasking    },
    {"what is in use stays",                              test_in_use            },
};

int main(int argc, char **argv)
{
    static const char *const env[] = {"TASKROUTER_RATE_BULK_STATISTICS=1",
                                      "TASKROUTER_CORS_ORIGINS=https://console.example", NULL};
    return fixture_all_main("gateway dialect tasks", env, cases, ARRAY_LEN(cases), argc, argv);
}
