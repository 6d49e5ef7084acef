/* Workspaces, workers, tasks and reservations of Twilio's, changed through their owners. */
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "suite.h"
#include "twilio.h"

#define Q SUITE_QUEUES
#define R SUITE_ROUTING
#define T SUITE_TASKS
#define W SUITE_WORKERS

enum { PATIENCE_MS = 60000 };

static const char *ws; /* mirrored */
static const char *workflow;
static const char *available; /* activities */
static const char *offline;
static const char *worker; /* available */

static const char *activity_at(const char *name)
{
    const json_t *list =
        twilio_ask("GET", NULL, NULL, "/Workspaces/%s/Activities?FriendlyName=%s", ws, name);
    return suite_text("%s", at(list, "activities.0.sid"));
}

static const char *there(const char *member, const char *path)
{
    return at(twilio_ask("GET", NULL, NULL, "/Workspaces/%s/%s", ws, path), member);
}

static void adopt(void)
{
    ws = twilio_adopt();
    REQUIRE(ws[0] != '\0');
    available = activity_at("Available");
    offline = activity_at("Offline");
    const char *queue = at(suite_ok(&suite_admin, Q, "CreateTaskQueue",
                                    "{'workspaceSid':'%s','friendlyName':'All'}", ws),
                           "sid");
    workflow =
        suite_text("%s", at(suite_ok(&suite_admin, R, "CreateWorkflow",
                                     "{'workspaceSid':'%s','friendlyName':'Flow','configuration':"
                                     "'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}'}",
                                     ws, queue),
                            "sid"));
}

/* ---- workspaces ---- */

static void test_workspace_life(void)
{
    const char *name = twilio_name("Made");
    const json_t *made = suite_ok(
        &suite_admin, W, "CreateWorkspace",
        "{'friendlyName':'%s','provider':'PROVIDER_TWILIO','timeZone':'Asia/Tokyo'}", name);
    const char *sid = suite_text("%s", at(made, "sid"));
    int status = 0;
    CHECK_TEXT(at(twilio_ask("GET", NULL, &status, "/Workspaces/%s", sid), "friendly_name"), name);
    CHECK_I64(status, 200);
    CHECK_TEXT(at(made, "provider"), "PROVIDER_TWILIO");
    CHECK_TEXT(at(made, "timeZone"), "Asia/Tokyo");
    CHECK_I64(
        at_i64(suite_ok(&suite_admin, W, "ListActivities", "{'workspaceSid':'%s'}", sid), "items"),
        3);
    CHECK_I64(at_i64(suite_ok(&suite_admin, Q, "ListTaskChannels", "{'workspaceSid':'%s'}", sid),
                     "items"),
              5);
    int before = road_changes();
    CHECK_TEXT(at(suite_ok(&suite_admin, W, "UpdateWorkspace",
                           "{'workspace':{'sid':'%s','timeZone':'Europe/Rome'},'updateMask':"
                           "'timeZone'}",
                           sid),
                  "timeZone"),
               "Europe/Rome");
    CHECK_I64(road_changes(), before); /* Twilio knows no such thing */
    CHECK_TEXT(at(suite_ok(&suite_admin, W, "UpdateWorkspace",
                           "{'workspace':{'sid':'%s','eventsFilter':'task.created'},'updateMask':"
                           "'eventsFilter'}",
                           sid),
                  "timeZone"),
               "Europe/Rome");
    CHECK_TEXT(at(twilio_ask("GET", NULL, NULL, "/Workspaces/%s", sid), "events_filter"),
               "task.created");
    (void)suite_ok(&suite_admin, W, "DeleteWorkspace", "{'sid':'%s'}", sid);
    (void)twilio_ask("GET", NULL, &status, "/Workspaces/%s", sid);
    CHECK_I64(status, 404);
    CHECK(suite_call(&suite_admin, W, "GetWorkspace", "{'sid':'%s'}", sid).code == ERR_NOT_FOUND);
    CHECK(suite_refused(&suite_stranger, W, "FAILED_PRECONDITION OTHER_ACCOUNT", "CreateWorkspace",
                        "{'friendlyName':'x','provider':'PROVIDER_TWILIO'}"));
}

/* ---- workers ---- */

static void test_worker_life(void)
{
    const char *name = twilio_name("Jane");
    const json_t *made = suite_ok(&suite_supervisor, W, "CreateWorker",
                                  "{'workspaceSid':'%s','friendlyName':'%s','attributes':"
                                  "'{`skills`:[`permits`]}','activitySid':'%s'}",
                                  ws, name, offline);
    const char *sid = suite_text("%s", at(made, "sid"));
    const char *path = suite_text("Workers/%s", sid);
    long long version = (long long)at_i64(made, "version");
    CHECK_TEXT(there("friendly_name", path), name);
    made = suite_ok(&suite_supervisor, W, "UpdateWorker",
                    "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s'},'updateMask':"
                    "'activitySid','expectedVersion':%lld}",
                    ws, sid, available, version);
    CHECK_TEXT(at(made, "activityName"), "Available");
    CHECK_TEXT(there("activity_name", path), "Available");
    /* Changed behind our back: whoever goes by what we had is refused, and we have it now. */
    (void)twilio_ask("POST", "Attributes=%7B%22a%22%3A1%7D", NULL, "/Workspaces/%s/%s", ws, path);
    version = (long long)at_i64(made, "version");
    CHECK(suite_refused(&suite_supervisor, W, "ABORTED VERSION_MISMATCH", "UpdateWorker",
                        "{'worker':{'workspaceSid':'%s','sid':'%s','friendlyName':'x'},"
                        "'updateMask':'friendlyName','expectedVersion':%lld}",
                        ws, sid, version));
    CHECK_TEXT(
        at(suite_ok(&suite_viewer, W, "GetWorker", "{'workspaceSid':'%s','sid':'%s'}", ws, sid),
           "attributes"),
        "{\"a\":1}");
    (void)suite_ok(&suite_supervisor, W, "DeleteWorker", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   sid);
    CHECK_TEXT(there("sid", path), "");
}

/* An activity that was made at Twilio itself comes along with what names it. */
static void test_unknown_activity(void)
{
    const json_t *activity =
        twilio_ask("POST", "FriendlyName=Lunch", NULL, "/Workspaces/%s/Activities", ws);
    const json_t *made = suite_ok(&suite_supervisor, W, "CreateWorker",
                                  "{'workspaceSid':'%s','friendlyName':'%s','activitySid':'%s'}",
                                  ws, twilio_name("Joe"), at(activity, "sid"));
    CHECK_TEXT(at(made, "activityName"), "Lunch");
}

static void test_activity_life(void)
{
    const json_t *made =
        suite_ok(&suite_supervisor, W, "CreateActivity",
                 "{'workspaceSid':'%s','friendlyName':'Training','available':true}", ws);
    const char *sid = suite_text("%s", at(made, "sid"));
    CHECK_I64(at_i64(made, "available"), 1);
    CHECK_TEXT(at(suite_ok(&suite_supervisor, W, "UpdateActivity",
                           "{'activity':{'workspaceSid':'%s','sid':'%s','friendlyName':'Class'},"
                           "'updateMask':'friendlyName'}",
                           ws, sid),
                  "friendlyName"),
               "Class");
    CHECK_TEXT(there("friendly_name", suite_text("Activities/%s", sid)), "Class");
    (void)suite_ok(&suite_supervisor, W, "DeleteActivity", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   sid);
    CHECK_TEXT(there("sid", suite_text("Activities/%s", sid)), "");
}

static void test_worker_channel(void)
{
    worker = suite_text("%s", at(suite_ok(&suite_supervisor, W, "CreateWorker",
                                          "{'workspaceSid':'%s','friendlyName':'%s',"
                                          "'activitySid':'%s'}",
                                          ws, twilio_name("Ann"), available),
                                 "sid"));
    const json_t *channel = suite_ok(&suite_supervisor, W, "UpdateWorkerChannel",
                                     "{'workspaceSid':'%s','workerSid':'%s','channel':'default',"
                                     "'capacity':7}",
                                     ws, worker);
    CHECK_I64(at_i64(channel, "configuredCapacity"), 7);
    CHECK_I64(at_i64(twilio_ask("GET", NULL, NULL, "/Workspaces/%s/Workers/%s/Channels/default", ws,
                                worker),
                     "configured_capacity"),
              7);
}

/* ---- tasks ---- */

static const char *task_new(const char *attributes)
{
    return suite_text("%s", at(suite_ok(&suite_supervisor, T, "CreateTask",
                                        "{'workspaceSid':'%s','attributes':'%s','taskChannel':"
                                        "'voice'}",
                                        ws, attributes),
                               "sid"));
}

/* ---- rules ---- */

static const json_t *decided; /* the last task of is_decided */

/* Until sync-svc has heard that there are rules. */
static bool is_decided(const void *ctx)
{
    (void)ctx;
    decided = suite_ok(&suite_supervisor, T, "CreateTask",
                       "{'workspaceSid':'%s','attributes':'{`urgent`:true}'}", ws);
    return at_i64(decided, "priority") == 42;
}

static void test_task_of_rules(void)
{
    const char *queue =
        suite_text("%s", at(suite_ok(&suite_admin, Q, "CreateTaskQueue",
                                     "{'workspaceSid':'%s','friendlyName':'Urgent'}", ws),
                            "sid"));
    const char *rule = suite_text(
        "%s", at(suite_ok(&suite_supervisor, R, "CreateRule",
                          "{'workspaceSid':'%s','name':'Urgent','condition':"
                          "'task.attributes.urgent == true','actions':[{'type':"
                          "'RULE_ACTION_TYPE_ROUTE_TO_QUEUE','target':'%s','priority':42}]}",
                          ws, queue),
                 "sid"));
    REQUIRE(suite_until(is_decided, NULL, PATIENCE_MS));
    const char *sid = suite_text("%s", at(decided, "sid"));
    const char *path = suite_text("Tasks/%s", sid);
    const char *attributes = suite_text("{\"urgent\":true,\"routing_rules\":[\"%s\"]}", rule);
    CHECK_TEXT(at(decided, "taskQueueSid"), queue);
    CHECK_TEXT(at(decided, "attributes"), attributes);
    CHECK_TEXT(there("task_queue_sid", path), queue);
    CHECK_TEXT(there("routing_target", path), queue);
    CHECK_TEXT(there("attributes", path), attributes);
    CHECK_TEXT(
        at(suite_ok(&suite_viewer, T, "ExplainTask", "{'workspaceSid':'%s','sid':'%s'}", ws, sid),
           "rules.0.sid"),
        rule);
    /* Who names a destination is not asked. */
    const json_t *named = suite_ok(&suite_supervisor, T, "CreateTask",
                                   "{'workspaceSid':'%s','workflowSid':'%s','attributes':"
                                   "'{`urgent`:true}'}",
                                   ws, workflow);
    CHECK_I64(at_i64(named, "priority"), 0);
    (void)suite_ok(&suite_supervisor, R, "DeleteRule", "{'workspaceSid':'%s','sid':'%s'}", ws,
                   rule);
}

static void test_task_life(void)
{
    const json_t *made =
        suite_ok(&suite_supervisor, T, "CreateTask",
                 "{'workspaceSid':'%s','attributes':'{`n`:1}','taskChannel':'voice','callId':'CL1',"
                 "'idempotencyKey':'life'}",
                 ws);
    const char *sid = suite_text("%s", at(made, "sid"));
    const char *path = suite_text("Tasks/%s", sid);
    CHECK_TEXT(at(made, "workflowSid"), workflow);
    CHECK_TEXT(at(made, "callId"), "CL1");
    CHECK_TEXT(at(made, "taskChannelUniqueName"), "voice");
    CHECK_TEXT(there("workflow_sid", path), workflow);
    const json_t *again =
        suite_ok(&suite_supervisor, T, "CreateTask",
                 "{'workspaceSid':'%s','attributes':'{`n`:1}','taskChannel':'voice','callId':'CL1',"
                 "'idempotencyKey':'life'}",
                 ws);
    CHECK(json_equal(made, again) == 1);
    long long version = (long long)at_i64(made, "version");
    made = suite_ok(&suite_supervisor, T, "UpdateTask",
                    "{'task':{'workspaceSid':'%s','sid':'%s','priority':5},'updateMask':"
                    "'priority','expectedVersion':%lld}",
                    ws, sid, version);
    CHECK_I64(at_i64(made, "priority"), 5);
    CHECK_TEXT(at(made, "callId"), "CL1");
    CHECK(suite_refused(&suite_supervisor, T, "FAILED_PRECONDITION UPSTREAM_REFUSED : Twilio",
                        "CompleteTask", "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
    road_fault(ROAD_LOSE_ANSWER, 1);
    made = suite_ok(&suite_supervisor, T, "CancelTask",
                    "{'workspaceSid':'%s','sid':'%s','reason':'enough'}", ws, sid);
    CHECK_TEXT(at(made, "assignmentStatus"), "TASK_STATUS_CANCELED");
    CHECK_TEXT(at(made, "reason"), "enough");
    CHECK_TEXT(there("assignment_status", path), "canceled");
    sid = task_new("{`n`:2}");
    (void)suite_ok(&suite_supervisor, T, "DeleteTask", "{'workspaceSid':'%s','sid':'%s'}", ws, sid);
    CHECK_TEXT(there("sid", suite_text("Tasks/%s", sid)), "");
}

static bool is_settled(const void *ctx)
{
    (void)ctx;
    return suite_count("select count(*) from sync.intent where state in ('OPEN', 'ANSWERED')") == 0;
}

static int64_t tasks_there(const char *expression)
{
    return twilio_count("tasks", "/Workspaces/%s/Tasks?EvaluateTaskAttributes=%s", ws, expression);
}

static int64_t tasks_here(const char *expression)
{
    return at_i64(suite_ok(&suite_viewer, T, "ListTasks",
                           "{'workspaceSid':'%s','evaluateTaskAttributes':'%s'}", ws, expression),
                  "items");
}

/* Twins that cannot be told apart: each create that was carried out has its one task. */
static void test_lost_twins(void)
{
    for (int i = 0; i < 3; i++) {
        road_fault(ROAD_LOSE_ANSWER, 1);
        CHECK_I64(strlen(task_new("{`twin`:1}")), 34);
    }
    CHECK_I64(tasks_there("twin%3D%3D1"), 3);
    CHECK_I64(tasks_here("twin==1"), 3);
    CHECK(suite_until(is_settled, NULL, PATIENCE_MS));
}

static bool is_task_here(const void *expression)
{
    return tasks_here(expression) == 1;
}

static void test_owner_away(void)
{
    process_signal(suite_process(T), SIGKILL);
    (void)process_wait_exit(suite_process(T), 10000);
    CHECK(suite_call(&suite_supervisor, W, "CreateWorker",
                     "{'workspaceSid':'%s','friendlyName':'%s'}", ws, twilio_name("Meanwhile"))
              .code == ERR_OK);
    REQUIRE(suite_restart(T));
    const char *sid = task_new("{`back`:1}");
    CHECK_I64(strlen(sid), 34);
    CHECK(suite_until(is_task_here, "back==1", PATIENCE_MS));
}

/* ---- reservations ---- */

struct offer {
    const char *task;
    char *reservation;
};

static bool is_offered(const void *ctx)
{
    struct offer *offer = *(struct offer *const *)ctx;
    const json_t *list =
        twilio_ask("GET", NULL, NULL, "/Workspaces/%s/Tasks/%s/Reservations", ws, offer->task);
    if (at_i64(list, "reservations") < 1)
        return false;
    (void)snprintf(offer->reservation, 40, "%s", at(list, "reservations.0.sid"));
    return true;
}

/* A task that Twilio offers to the worker, and the offer known here as a webhook would tell it. */
static const char *offered(const char *attributes, char reservation[40])
{
    const char *sid = at(suite_ok(&suite_supervisor, T, "CreateTask",
                                  "{'workspaceSid':'%s','attributes':'%s','taskChannel':'default'}",
                                  ws, attributes),
                         "sid");
    struct offer offer = {suite_text("%s", sid), reservation};
    struct offer *self = &offer;
    CHECK(suite_until(is_offered, &self, PATIENCE_MS));
    (void)suite_ok(&suite_service_id, T, "Apply",
                   "{'workspaceSid':'%s','observedAt':'%s','reservations':[{'sid':'%s',"
                   "'accountSid':'" ACCOUNT "','workspaceSid':'%s','taskSid':'%s','workerSid':'%s',"
                   "'reservationStatus':'RESERVATION_STATUS_PENDING','dateCreated':'%s',"
                   "'dateUpdated':'%s'}]}",
                   ws, twilio_now(), reservation, ws, offer.task, worker, twilio_now(),
                   twilio_now());
    return offer.task;
}

static void test_reservation_life(void)
{
    char sid[40] = "";
    const char *task = offered("{`r`:1}", sid);
    const char *path = suite_text("Tasks/%s/Reservations/%s", task, sid);
    struct identity agent = suite_agent;
    CHECK(suite_call(&agent, T, "AcceptReservation", "{'workspaceSid':'%s','sid':'%s'}", ws, sid)
              .code == ERR_PERMISSION_DENIED);
    agent.worker_sid = worker;
    road_fault(ROAD_LOSE_ANSWER, 1);
    const json_t *reservation =
        suite_ok(&agent, T, "AcceptReservation",
                 "{'workspaceSid':'%s','sid':'%s','instruction':'accept','idempotencyKey':'%s'}",
                 ws, sid, sid);
    CHECK_TEXT(at(reservation, "reservationStatus"), "RESERVATION_STATUS_ACCEPTED");
    CHECK_TEXT(there("reservation_status", path), "accepted");
    CHECK(suite_refused(&agent, T, "FAILED_PRECONDITION UPSTREAM_REFUSED", "RejectReservation",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
    CHECK_TEXT(at(suite_ok(&agent, T, "WrapUpTask", "{'workspaceSid':'%s','sid':'%s'}", ws, task),
                  "assignmentStatus"),
               "TASK_STATUS_WRAPPING");
    CHECK_TEXT(at(suite_ok(&agent, T, "CompleteTask",
                           "{'workspaceSid':'%s','sid':'%s','reason':'done'}", ws, task),
                  "assignmentStatus"),
               "TASK_STATUS_COMPLETED");
    CHECK_TEXT(there("assignment_status", suite_text("Tasks/%s", task)), "completed");
}

static void test_reservation_refused(void)
{
    char sid[40] = "";
    const char *task = offered("{`r`:2}", sid);
    const json_t *reservation =
        suite_ok(&suite_supervisor, T, "InstructReservation",
                 "{'workspaceSid':'%s','sid':'%s','instruction':'reject','instructionData':"
                 "'{`WorkerActivitySid`:`%s`}'}",
                 ws, sid, offline);
    CHECK_TEXT(at(reservation, "reservationStatus"), "RESERVATION_STATUS_REJECTED");
    CHECK_TEXT(there("reservation_status", suite_text("Tasks/%s/Reservations/%s", task, sid)),
               "rejected");
    CHECK(suite_refused(&suite_supervisor, T, "INVALID_ARGUMENT INSTRUCTION_UNKNOWN instruction",
                        "InstructReservation",
                        "{'workspaceSid':'%s','sid':'%s','instruction':'dance'}", ws, sid));
}

static const struct test_case cases[] = {
    {"a workspace of Twilio's is known here",                                        adopt                   },
    {"a workspace is made at Twilio with what it is born with, changed and deleted",
     test_workspace_life                                                                                     },
    {"a worker is made, moved and deleted; who has an old version is refused",       test_worker_life        },
    {"what Twilio knows and we do not comes along",                                  test_unknown_activity   },
    {"an activity is made, renamed and deleted",                                     test_activity_life      },
    {"a worker's channel is changed",                                                test_worker_channel     },
    {"a task is made with the only workflow, changed, canceled and deleted",         test_task_life          },
    {"a task without destination goes where the rules say",                          test_task_of_rules      },
    {"creates that look alike and lost their answers have a task each",              test_lost_twins         },
    {"tasks are made again once their owner is back, and others meanwhile",          test_owner_away         },
    {"an agent accepts, wraps up and completes his own",                             test_reservation_life   },
    {"an instruction goes to Twilio",                                                test_reservation_refused},
};

int main(int argc, char **argv)
{
    twilio_start();
    (void)setenv("TASKROUTER_TWILIO_SETTLE", "2s", 1);
    int status = suite_main("task_writes", SUITE_ALL | SUITE_BIT(SUITE_TASKS), cases,
                            ARRAY_LEN(cases), argc, argv);
    twilio_stop();
    return status;
}
