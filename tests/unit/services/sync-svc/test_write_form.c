/* What each write of ours becomes at Twilio, and what Twilio's answers mean to it. */
#include "write_form.h"

#include <stdio.h>

#include "pbjson/pbjson.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "testing.h"

#define WS "WS00000000000000000000000000000001"
#define WA "WA00000000000000000000000000000001"
#define WK "WK00000000000000000000000000000001"
#define WQ "WQ00000000000000000000000000000001"
#define WW "WW00000000000000000000000000000001"
#define TC "TC00000000000000000000000000000001"
#define WC "WC00000000000000000000000000000001"
#define WT "WT00000000000000000000000000000001"
#define WR "WR00000000000000000000000000000001"
#define CA "CA00000000000000000000000000000001"

#define W "/taskrouter.workers.v1.Workers/"
#define Q "/taskrouter.queues.v1.Queues/"
#define R "/taskrouter.routing.v1.Routing/"
#define T "/taskrouter.tasks.v1.Tasks/"

#define BELOW "/v1/Workspaces/" WS

static struct arena *arena;
static struct err err;

/* 'Single quotes' stand for double ones, `back quotes` for \". */
static ProtobufCMessage *message_of(const ProtobufCMessageDescriptor *type, const char *json)
{
    static const struct pbjson_options options = {.flags = PBJSON_SNAKE_CASE | PBJSON_INT64_NUMBER |
                                                           PBJSON_ENUM_SHORT};
    struct buf text;
    ProtobufCMessage *message = NULL;
    buf_init(&text, 0);
    for (; *json != '\0'; json++) {
        if (*json == '`')
            buf_char(&text, '\\');
        buf_char(&text, *json == '\'' || *json == '`' ? '"' : *json);
    }
    enum err_code code = pbjson_decode(buf_str(&text), type, &options, arena, &message, NULL, &err);
    if (code != ERR_OK)
        (void)fprintf(stderr, "bad request in the test: %s: %s\n", text.data, err.detail);
    INVARIANT(code == ERR_OK);
    buf_fini(&text);
    return message;
}

/* "path form", or "CODE REASON field". */
static const char *made(const char *rpc, const char *json, const char *parent_sid)
{
    const struct write_op *op = write_op_find(rpc);
    struct write_form form;
    struct buf out;
    INVARIANT(op != NULL);
    const ProtobufCMessage *request = message_of(op->request, json);
    err_clear(&err);
    if (write_form_make(arena, op, request, parent_sid, &form, &err) != ERR_OK)
        return arena_printf(arena, "%s %s %s", err_code_name(err.code), err.reason, err.field);
    buf_init(&out, 0);
    buf_text(&out, form.path);
    buf_char(&out, ' ');
    for (size_t i = 0; i < form.count; i++)
        buf_printf(&out, "%s%.*s=%.*s", i > 0 ? "&" : "", STR_ARG(form.params[i].name),
                   STR_ARG(form.params[i].value));
    const char *text = arena_str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

struct row {
    const char *rpc;
    const char *request;
    const char *want;
};

/* One row a write. */
/* clang-format off */
static const struct row rows[] = {
    {W "CreateWorkspace", "{'friendly_name':'Permits','event_callback_url':'https://a.b/c','events_filter':'task.created',"
     "'multi_task_enabled':false,'prioritize_queue_order':'lifo','provider':'twilio','time_zone':'Europe/Berlin','template':'FIFO','idempotency_key':'k'}",
     "/v1/Workspaces FriendlyName=Permits&EventCallbackUrl=https://a.b/c&EventsFilter=task.created&MultiTaskEnabled=false&PrioritizeQueueOrder=LIFO&Template=FIFO"},
    {W "CreateWorkspace", "{'friendly_name':'Permits'}", "/v1/Workspaces FriendlyName=Permits"},
    {W "CreateWorkspace", "{'friendly_name':'P','activities':[{'friendly_name':'a'}]}", "INVALID_ARGUMENT NOT_AT_TWILIO activities"},
    {W "UpdateWorkspace", "{'workspace':{'sid':'" WS "','friendly_name':'New','event_callback_url':'','default_activity_sid':'" WA "','timeout_activity_sid':'" WA "','multi_task_enabled':true,'prioritize_queue_order':'fifo','events_filter':'x'},"
     "'update_mask':'friendlyName,eventCallbackUrl,eventsFilter,defaultActivitySid,timeoutActivitySid,multiTaskEnabled,prioritizeQueueOrder'}",
     BELOW " FriendlyName=New&EventCallbackUrl=&EventsFilter=x&MultiTaskEnabled=true&DefaultActivitySid=" WA "&TimeoutActivitySid=" WA "&PrioritizeQueueOrder=FIFO"},
    {W "UpdateWorkspace", "{'workspace':{'sid':'" WS "','time_zone':'Asia/Tokyo'},'update_mask':'timeZone'}", BELOW " "},
    {W "UpdateWorkspace", "{'workspace':{'sid':'" WS "'},'update_mask':'prioritizeQueueOrder'}", "INVALID_ARGUMENT FIELD_REQUIRED prioritize_queue_order"},
    {W "UpdateWorkspace", "{'update_mask':'friendlyName'}", "INVALID_ARGUMENT FIELD_REQUIRED workspace"},
    {W "DeleteWorkspace", "{'sid':'" WS "','expected_version':3}", BELOW " "},

    {W "CreateActivity", "{'workspace_sid':'" WS "','friendly_name':'Lunch'}", BELOW "/Activities FriendlyName=Lunch&Available=false"},
    {W "CreateActivity", "{'workspace_sid':'" WS "','friendly_name':'In','available':true}", BELOW "/Activities FriendlyName=In&Available=true"},
    {W "UpdateActivity", "{'activity':{'workspace_sid':'" WS "','sid':'" WA "','friendly_name':'Out'},'update_mask':'friendlyName'}", BELOW "/Activities/" WA " FriendlyName=Out"},
    {W "UpdateActivity", "{'activity':{'workspace_sid':'" WS "','sid':'" WA "'},'update_mask':'available'}", "INVALID_ARGUMENT FIELD_NOT_UPDATABLE available"},
    {W "DeleteActivity", "{'workspace_sid':'" WS "','sid':'" WA "'}", BELOW "/Activities/" WA " "},

    {W "CreateWorker", "{'workspace_sid':'" WS "','friendly_name':'Zoë & Co','attributes':'{`a`:1}','activity_sid':'" WA "'}",
     BELOW "/Workers FriendlyName=Zoë & Co&Attributes={\"a\":1}&ActivitySid=" WA},
    {W "CreateWorker", "{'workspace_sid':'" WS "','friendly_name':'Z'}", BELOW "/Workers FriendlyName=Z"},
    {W "UpdateWorker", "{'worker':{'workspace_sid':'" WS "','sid':'" WK "','friendly_name':'Z','attributes':'','activity_sid':'" WA "'},"
     "'update_mask':'activitySid,attributes','reject_pending_reservations':true}",
     BELOW "/Workers/" WK " Attributes={}&ActivitySid=" WA "&RejectPendingReservations=true"},
    {W "UpdateWorker", "{'worker':{'workspace_sid':'" WS "','sid':'" WK "'},'update_mask':''}", "INVALID_ARGUMENT EMPTY_UPDATE update_mask"},
    {W "UpdateWorker", "{'worker':{'workspace_sid':'" WS "','sid':'../x'},'update_mask':'attributes'}", "INVALID_ARGUMENT INVALID_SID sid"},
    {W "DeleteWorker", "{'workspace_sid':'" WS "','sid':'" WK "'}", BELOW "/Workers/" WK " "},
    {W "UpdateWorkerChannel", "{'workspace_sid':'" WS "','worker_sid':'" WK "','channel':'voice','capacity':0,'available':false}", BELOW "/Workers/" WK "/Channels/voice Capacity=0&Available=false"},
    {W "UpdateWorkerChannel", "{'workspace_sid':'" WS "','worker_sid':'" WK "','channel':'" WC "','available':true}", BELOW "/Workers/" WK "/Channels/" WC " Available=true"},
    {W "UpdateWorkerChannel", "{'workspace_sid':'" WS "','worker_sid':'" WK "','channel':'voice'}", "INVALID_ARGUMENT EMPTY_UPDATE update_mask"},
    {W "UpdateWorkerChannel", "{'workspace_sid':'" WS "','worker_sid':'" WK "','channel':'a/b','capacity':1}", "INVALID_ARGUMENT INVALID_SID channel"},
    {W "UpdateWorkerChannel", "{'workspace_sid':'" WS "','worker_sid':'x','channel':'voice','capacity':1}", "INVALID_ARGUMENT INVALID_SID worker_sid"},

    {Q "CreateTaskQueue", "{'workspace_sid':'" WS "','friendly_name':'Q','target_workers':'','max_reserved_workers':2,'task_order':'lifo','reservation_activity_sid':'" WA "','assignment_activity_sid':'" WA "'}",
     BELOW "/TaskQueues FriendlyName=Q&TargetWorkers=&MaxReservedWorkers=2&TaskOrder=LIFO&ReservationActivitySid=" WA "&AssignmentActivitySid=" WA},
    {Q "CreateTaskQueue", "{'workspace_sid':'" WS "','friendly_name':'Q'}", BELOW "/TaskQueues FriendlyName=Q"},
    {Q "UpdateTaskQueue", "{'task_queue':{'workspace_sid':'" WS "','sid':'" WQ "','target_workers':'1==1','task_order':'fifo','max_reserved_workers':1,'reservation_activity_sid':''},"
     "'update_mask':'targetWorkers,taskOrder,maxReservedWorkers,reservationActivitySid'}",
     BELOW "/TaskQueues/" WQ " TargetWorkers=1==1&MaxReservedWorkers=1&TaskOrder=FIFO&ReservationActivitySid="},
    {Q "DeleteTaskQueue", "{'workspace_sid':'" WS "','sid':'" WQ "'}", BELOW "/TaskQueues/" WQ " "},
    {Q "CreateTaskChannel", "{'workspace_sid':'" WS "','friendly_name':'Fax','unique_name':'fax'}", BELOW "/TaskChannels FriendlyName=Fax&UniqueName=fax&ChannelOptimizedRouting=false"},
    {Q "UpdateTaskChannel", "{'task_channel':{'workspace_sid':'" WS "','sid':'fax','friendly_name':'F','channel_optimized_routing':true},'update_mask':'friendlyName,channelOptimizedRouting'}",
     BELOW "/TaskChannels/fax FriendlyName=F&ChannelOptimizedRouting=true"},
    {Q "DeleteTaskChannel", "{'workspace_sid':'" WS "','channel':'" TC "'}", BELOW "/TaskChannels/" TC " "},

    {R "CreateWorkflow", "{'workspace_sid':'" WS "','friendly_name':'W','configuration':'{}','assignment_callback_url':'https://a.b','fallback_assignment_callback_url':'https://a.c','task_reservation_timeout':30}",
     BELOW "/Workflows FriendlyName=W&Configuration={}&AssignmentCallbackUrl=https://a.b&FallbackAssignmentCallbackUrl=https://a.c&TaskReservationTimeout=30"},
    {R "UpdateWorkflow", "{'workflow':{'workspace_sid':'" WS "','sid':'" WW "','assignment_callback_url':''},'update_mask':'assignmentCallbackUrl','re_evaluate_tasks':true}",
     BELOW "/Workflows/" WW " AssignmentCallbackUrl=&ReEvaluateTasks=true"},
    {R "UpdateWorkflow", "{'workflow':{'workspace_sid':'" WS "','sid':'" WW "'},'re_evaluate_tasks':true}", BELOW "/Workflows/" WW " ReEvaluateTasks=true"},
    {R "DeleteWorkflow", "{'workspace_sid':'" WS "','sid':'" WW "'}", BELOW "/Workflows/" WW " "},

    {T "CreateTask", "{'workspace_sid':'" WS "','attributes':'{`k`:`v`}','workflow_sid':'" WW "','task_queue_sid':'" WQ "','routing_target':'" WK "','ignore_capacity':false,"
     "'task_channel':'voice','priority':0,'timeout':60,'virtual_start_time':'2026-11-22T20:27:00.5Z','call_id':'CL1','idempotency_key':'k'}",
     BELOW "/Tasks Attributes={\"k\":\"v\"}&WorkflowSid=" WW "&TaskQueueSid=" WQ "&RoutingTarget=" WK "&IgnoreCapacity=false&TaskChannel=voice&Priority=0&Timeout=60&VirtualStartTime=2026-11-22T20:27:00Z"},
    {T "CreateTask", "{'workspace_sid':'" WS "'}", BELOW "/Tasks "},
    {T "UpdateTask", "{'task':{'workspace_sid':'" WS "','sid':'" WT "','attributes':'','priority':5,'task_channel_sid':'sms'},'update_mask':'attributes,priority,taskChannelSid'}",
     BELOW "/Tasks/" WT " Attributes={}&Priority=5&TaskChannel=sms"},
    {T "UpdateTask", "{'task':{'workspace_sid':'" WS "','sid':'" WT "'},'update_mask':'virtualStartTime'}", "INVALID_ARGUMENT FIELD_REQUIRED virtual_start_time"},
    {T "DeleteTask", "{'workspace_sid':'" WS "','sid':'" WT "'}", BELOW "/Tasks/" WT " "},
    {T "CancelTask", "{'workspace_sid':'" WS "','sid':'" WT "','reason':'hung up'}", BELOW "/Tasks/" WT " AssignmentStatus=canceled&Reason=hung up"},
    {T "CancelTask", "{'workspace_sid':'" WS "','sid':'" WT "'}", BELOW "/Tasks/" WT " AssignmentStatus=canceled&Reason=canceled"},
    {T "CancelTask", "{'workspace_sid':'" WS "','sid':'" WT "','reason':'x','task':{'attributes':'{`a`:1}','priority':3,'task_channel_unique_name':'sms'},'update_mask':'attributes,priority,taskChannelUniqueName'}",
     BELOW "/Tasks/" WT " AssignmentStatus=canceled&Reason=x&Attributes={\"a\":1}&Priority=3&TaskChannel=sms"},
    {T "CancelTask", "{'workspace_sid':'" WS "','sid':'" WT "','reason':'x','task':{'attributes':'{`a`:1}'}}", BELOW "/Tasks/" WT " AssignmentStatus=canceled&Reason=x"},
    {T "WrapUpTask", "{'workspace_sid':'" WS "','sid':'" WT "'}", BELOW "/Tasks/" WT " AssignmentStatus=wrapping"},
    {T "WrapUpTask", "{'workspace_sid':'" WS "','sid':'" WT "','timeout':0}", BELOW "/Tasks/" WT " AssignmentStatus=wrapping"},
    {T "WrapUpTask", "{'workspace_sid':'" WS "','sid':'" WT "','timeout':10}", "INVALID_ARGUMENT NOT_AT_TWILIO timeout"},
    {T "CompleteTask", "{'workspace_sid':'" WS "','sid':'" WT "'}", BELOW "/Tasks/" WT " AssignmentStatus=completed&Reason=completed"},

    {T "AcceptReservation", "{'workspace_sid':'" WS "','sid':'" WR "','instruction':'call','instruction_data':'{`CallFrom`:`+1`}'}", BELOW "/Tasks/" WT "/Reservations/" WR " ReservationStatus=accepted"},
    {T "RejectReservation", "{'workspace_sid':'" WS "','sid':'" WR "','worker_activity_sid':'" WA "','reason':'busy'}", BELOW "/Tasks/" WT "/Reservations/" WR " ReservationStatus=rejected&WorkerActivitySid=" WA},
    {T "WrapUpReservation", "{'workspace_sid':'" WS "','sid':'" WR "'}", BELOW "/Tasks/" WT "/Reservations/" WR " ReservationStatus=wrapping"},
    {T "CompleteReservation", "{'workspace_sid':'" WS "','sid':'" WR "'}", BELOW "/Tasks/" WT "/Reservations/" WR " ReservationStatus=completed"},
    {T "CancelReservation", "{'workspace_sid':'" WS "','sid':'" WR "'}", BELOW "/Tasks/" WT "/Reservations/" WR " ReservationStatus=canceled"},
    {T "InstructReservation", "{'workspace_sid':'" WS "','sid':'" WR "','instruction':'conference','instruction_data':'{`from`:`+1`,`Timeout`:20,`Muted`:true,`StatusCallbackEvent`:`ringing,answered`,"
     "`ConferenceStatusCallbackEvent`:[`start`,`end`],`ReservationStatus`:`accepted`,`to`:null}'}",
     BELOW "/Tasks/" WT "/Reservations/" WR " Instruction=conference&From=+1&Timeout=20&Muted=true&StatusCallbackEvent=ringing&StatusCallbackEvent=answered"
     "&ConferenceStatusCallbackEvent=start&ConferenceStatusCallbackEvent=end"},
    {T "InstructReservation", "{'workspace_sid':'" WS "','sid':'" WR "','instruction':'reject','worker_activity_sid':'" WA "','instruction_data':'{`WorkerActivitySid`:`" WA "`}'}",
     BELOW "/Tasks/" WT "/Reservations/" WR " Instruction=reject&WorkerActivitySid=" WA},
    {T "InstructReservation", "{'workspace_sid':'" WS "','sid':'" WR "','instruction':'redirect','instruction_data':'{`RedirectCallSid`:`" CA "`,`url`:`https://a.b`,`RedirectUrl`:`https://c.d`}'}",
     BELOW "/Tasks/" WT "/Reservations/" WR " Instruction=redirect&RedirectCallSid=" CA "&RedirectUrl=https://c.d"},
    {T "InstructReservation", "{'workspace_sid':'" WS "','sid':'" WR "','instruction':'dance'}", "INVALID_ARGUMENT INSTRUCTION_UNKNOWN instruction"},
    {T "InstructReservation", "{'workspace_sid':'" WS "','sid':'" WR "','instruction':'call'}", "INVALID_ARGUMENT CALL_FROM instruction_data"},
    {T "InstructReservation", "{'workspace_sid':'x','sid':'" WR "','instruction':'accept'}", "INVALID_ARGUMENT INVALID_SID workspace_sid"},
};
/* clang-format on */

static void test_forms(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_TEXT(made(rows[i].rpc, rows[i].request, WT), rows[i].want);
}

static void test_every_write_has_a_row(void)
{
    for (size_t i = 0; i < write_op_count; i++) {
        bool is_there = false;
        for (size_t j = 0; j < ARRAY_LEN(rows); j++)
            is_there = is_there || strcmp(rows[j].rpc, write_ops[i].rpc) == 0;
        if (!is_there)
            (void)fprintf(stderr, "no row of %s\n", write_ops[i].rpc);
        CHECK(is_there);
        CHECK(write_op_find(write_ops[i].rpc) == &write_ops[i]);
    }
    CHECK(write_op_find(W "GetWorker") == NULL);
}

static bool shows(const char *rpc, const char *request, const char *resource)
{
    const struct write_op *op = write_op_find(rpc);
    const ProtobufCMessageDescriptor *type =
        op->reply != NULL ? op->reply : &taskrouter__workers__v1__worker__descriptor;
    return write_shows(arena, op, message_of(op->request, request), message_of(type, resource));
}

static void test_shows(void)
{
#define UPDATE_WORKER                                                                              \
    "{'worker':{'attributes':'{`a`: 1, `b`:[2]}','activity_sid':'" WA                              \
    "'},'update_mask':'attributes,activitySid'}"
    CHECK(shows(W "UpdateWorker", UPDATE_WORKER,
                "{'attributes':'{`b`:[2],`a`:1}','activity_sid':'" WA "'}"));
    CHECK(!shows(W "UpdateWorker", UPDATE_WORKER,
                 "{'attributes':'{`b`:[2],`a`:1}','activity_sid':'" WK "'}"));
    CHECK(!shows(W "UpdateWorker", UPDATE_WORKER,
                 "{'attributes':'{`b`:[3],`a`:1}','activity_sid':'" WA "'}"));
    CHECK(shows(W "UpdateWorkerChannel", "{'capacity':0}",
                "{'configured_capacity':0,'available':true}"));
    CHECK(!shows(W "UpdateWorkerChannel", "{'capacity':2}", "{'configured_capacity':1}"));
    CHECK(shows(T "UpdateTask",
                "{'task':{'task_channel_sid':'sms'},'update_mask':'taskChannelSid'}",
                "{'task_channel_sid':'" TC "','task_channel_unique_name':'sms'}"));
    CHECK(shows(T "CompleteTask", "{}", "{'assignment_status':'completed'}"));
    CHECK(!shows(T "CompleteTask", "{}", "{'assignment_status':'wrapping'}"));
    CHECK(shows(T "AcceptReservation", "{}", "{'reservation_status':'accepted'}"));
    CHECK(!shows(T "InstructReservation", "{'instruction':'accept'}",
                 "{'reservation_status':'accepted'}"));
    CHECK(!shows(W "DeleteWorker", "{}", "{}"));
    CHECK(shows(Q "UpdateTaskQueue",
                "{'task_queue':{'task_order':'lifo'},'update_mask':'taskOrder'}",
                "{'task_order':'lifo'}"));
}

/* What is made may have moved on since: it is known by what does not change. */
static void test_shows_created(void)
{
    CHECK(shows(W "CreateWorker", "{'friendly_name':'Jane','activity_sid':'" WA "'}",
                "{'friendly_name':'Jane','activity_sid':'" WK "'}"));
    CHECK(!shows(W "CreateWorker", "{'friendly_name':'Jane'}", "{'friendly_name':'Joe'}"));
    CHECK(shows(T "CreateTask", "{'attributes':'{`a`:1}','task_channel':'sms','priority':3}",
                "{'attributes':'{ `a` : 1 }','task_channel_unique_name':'sms','priority':9}"));
    CHECK(!shows(T "CreateTask", "{'attributes':'{`a`:1}','task_channel':'sms'}",
                 "{'attributes':'{`a`:1}','task_channel_unique_name':'chat'}"));
    CHECK(shows(T "CreateTask", "{}", "{'attributes':'{}'}"));
    CHECK(!shows(T "CreateTask", "{}", "{'attributes':'{`a`:1}'}"));
    CHECK(!shows(T "CreateTask", "{'workflow_sid':'" WW "'}", "{'attributes':'{}'}"));
    CHECK(!shows(T "CreateTask", "{'timeout':5}", "{'attributes':'{}','timeout':6}"));
}

static void test_ours(void)
{
    const struct write_op *op = write_op_find(T "CreateTask");
    Taskrouter__Tasks__V1__Task *task =
        (void *)message_of(&taskrouter__tasks__v1__task__descriptor, "{'sid':'" WT "'}");
    write_add_ours(arena, op, message_of(op->request, "{'call_id':'CL1'}"), &task->base);
    CHECK_TEXT(task->call_id, "CL1");
    op = write_op_find(W "UpdateWorkspace");
    Taskrouter__Workers__V1__Workspace *workspace =
        (void *)message_of(&taskrouter__workers__v1__workspace__descriptor, "{}");
    write_add_ours(arena, op,
                   message_of(op->request,
                              "{'workspace':{'time_zone':'Asia/Tokyo'},'update_mask':'timeZone'}"),
                   &workspace->base);
    CHECK_TEXT(workspace->time_zone, "Asia/Tokyo");
    op = write_op_find(T "AcceptReservation");
    Taskrouter__Tasks__V1__Reservation *reservation =
        (void *)message_of(&taskrouter__tasks__v1__reservation__descriptor, "{}");
    write_add_ours(arena, op,
                   message_of(op->request,
                              "{'instruction':'conference','instruction_data':'{`From`:`+1`,"
                              "`SipAuthPassword`:`secret`}'}"),
                   &reservation->base);
    CHECK_TEXT(reservation->instruction, "conference");
    CHECK_TEXT(reservation->instruction_data, "{\"from\":\"+1\"}");
}

static void test_refusals(void)
{
    static const struct {
        const char *rpc;
        int status;
        const char *message;
        const char *want;
    } cases[] = {
        {W "CreateWorker",      400, "Invalid parameter FriendlyName: too long",
         "INVALID_ARGUMENT UPSTREAM_REFUSED friendly_name"                                                                                    },
        {W "CreateWorker",      400, "no",                                                        "INVALID_ARGUMENT UPSTREAM_REFUSED "        },
        {W "CreateWorker",      409, "taken",                                                     "ALREADY_EXISTS UPSTREAM_REFUSED "          },
        {W "UpdateWorker",      404, "gone",                                                      "NOT_FOUND UPSTREAM_NOT_FOUND "             },
        {W "UpdateWorker",      412, "changed",                                                   "ABORTED VERSION_MISMATCH "                 },
        {T "CancelTask",        400, "Cannot cancel task because it is not pending or reserved.",
         "FAILED_PRECONDITION UPSTREAM_REFUSED "                                                                                              },
        {T "CancelTask",        400, "Missing parameter Reason",
         "INVALID_ARGUMENT UPSTREAM_REFUSED reason"                                                                                           },
        {T "CompleteTask",      409, "not modifiable",                                            "FAILED_PRECONDITION UPSTREAM_REFUSED "     },
        {T "AcceptReservation", 410, "rescinded",                                                 "FAILED_PRECONDITION RESERVATION_RESCINDED "},
        {T "CreateTask",        413, "",                                                          "INVALID_ARGUMENT UPSTREAM_REFUSED "        },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        err_clear(&err);
        (void)write_refusal(write_op_find(cases[i].rpc), cases[i].status, 20001, cases[i].message,
                            &err);
        const char *is =
            arena_printf(arena, "%s %s %s", err_code_name(err.code), err.reason, err.field);
        CHECK_TEXT(is, cases[i].want);
        CHECK(strstr(err.detail, cases[i].message) != NULL);
        CHECK(strstr(err.detail, "20001") != NULL);
    }
}

static const struct test_case cases[] = {
    {"every write becomes its request of Twilio's, or is refused with the field's name",
     test_forms                                                                                                    },
    {"every write is tried here",                                                        test_every_write_has_a_row},
    {"a resource shows that an update or action was carried out",                        test_shows                },
    {"a resource is known as the one that was made",                                     test_shows_created        },
    {"what only our row has is added to what Twilio says",                               test_ours                 },
    {"refusals of Twilio's get our codes and fields",                                    test_refusals             },
};

int main(int argc, char **argv)
{
    arena = arena_new(64 << 20);
    int status = testing_main("write_form", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
