#include "twilio_params.h"

#include <string.h>

#include "pbjson/pbjson.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "testing.h"
#include "twilio_ops.h"

#define WS "WS00000000000000000000000000000001"
#define WT "WT00000000000000000000000000000002"
#define WR "WR00000000000000000000000000000003"
#define WK "WK00000000000000000000000000000004"
#define WA "WA00000000000000000000000000000005"

static struct arena *arena;
static struct err err;

static const struct twilio_op *op_named(const char *name)
{
    for (size_t i = 0; i < twilio_op_count; i++) {
        if (strcmp(twilio_ops[i].name, name) == 0)
            return &twilio_ops[i];
    }
    return NULL;
}

static const struct http_param path_items[] = {
    {{"WorkspaceSid", 12}, {WS, 34}},
    {{"TaskSid", 7},       {WT, 34}},
    {{"WorkerSid", 9},     {WK, 34}},
};

/* What becomes of a form or query. sid: of {Sid}; NULL: none. */
static enum err_code read_as(const char *name, const char *sid, const char *form,
                             struct twilio_request *out)
{
    struct http_param items[4];
    struct http_params path = {items, 4};
    struct http_params given = {NULL, 0};
    const struct twilio_op *op = op_named(name);
    INVARIANT(op != NULL);
    memcpy(items, path_items, sizeof path_items);
    items[3] = (struct http_param){STR("Sid"), str_from(sid == NULL ? "" : sid)};
    INVARIANT(http_params_decode(arena, str_from(form), 100, &given, &err) == ERR_OK);
    struct twilio_input input = {.path = &path, .given = &given, .page_size = 50, .cursor = ""};
    memset(out, 0, sizeof *out);
    err_clear(&err);
    return twilio_request_read(op, &input, arena, out, &err);
}

/* The message as the canonical JSON. */
static const char *shown(const ProtobufCMessage *message)
{
    struct str text = {"(none)", 6};
    if (message != NULL)
        INVARIANT(pbjson_text(message, &pbjson_canonical, arena, &text, &err) == ERR_OK);
    return text.ptr;
}

static void check_main(const char *op, const char *sid, const char *form, const char *want)
{
    struct twilio_request request;
    CHECK_I64(read_as(op, sid, form, &request), ERR_OK);
    CHECK_TEXT(err.detail, "");
    CHECK_TEXT(shown(request.main), want);
}

static void check_refused(const char *op, const char *sid, const char *form, const char *param)
{
    struct twilio_request request;
    CHECK_I64(read_as(op, sid, form, &request), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, param);
    CHECK(strstr(err.detail, param) != NULL);
}

static void values_are_read(void)
{
    check_main("CreateActivity", NULL, "FriendlyName=a+b%20%C3%A9&Available=YES&x=y",
               "{\"workspaceSid\":\"" WS
               "\",\"friendlyName\":\"a b \xc3\xa9\",\"available\":true}");
    check_main("CreateActivity", NULL, "FriendlyName=a&Available=on",
               "{\"workspaceSid\":\"" WS "\",\"friendlyName\":\"a\"}");
    check_main("CreateTask", NULL,
               "Priority=7&Timeout=600&IgnoreCapacity=1&RoutingTarget=" WK
               "&VirtualStartTime=2020-02-03",
               "{\"workspaceSid\":\"" WS "\",\"routingTarget\":\"" WK
               "\",\"ignoreCapacity\":true,\"priority\":\"7\",\"timeout\":\"600\","
               "\"virtualStartTime\":\"2020-02-03T00:00:00Z\"}");
    check_main("ListTask", NULL, "AssignmentStatus=pending,reserved&AssignmentStatus=assigned",
               "{\"workspaceSid\":\"" WS "\",\"pageSize\":50,\"assignmentStatus\":["
               "\"TASK_STATUS_PENDING\",\"TASK_STATUS_RESERVED\",\"TASK_STATUS_ASSIGNED\"]}");
    check_main("FetchWorkspaceStatistics", NULL, "SplitByWaitTime=5%2C+10&Minutes=30",
               "{\"workspaceSid\":\"" WS
               "\",\"minutes\":\"30\",\"splitByWaitTime\":[\"5\",\"10\"]}");
    check_main("FetchWorkersRealTimeStatistics", NULL, "",
               "{\"workspaceSid\":\"" WS "\",\"part\":\"STATISTICS_PART_REALTIME\"}");
    /* the last of several counts */
    check_main("CreateTask", NULL, "Priority=7&Priority=8",
               "{\"workspaceSid\":\"" WS "\",\"priority\":\"8\"}");
}

static void empty_clears_texts_only(void)
{
    check_main("UpdateWorker", WK, "Attributes=&ActivitySid=",
               "{\"worker\":{\"sid\":\"" WK "\",\"workspaceSid\":\"" WS
               "\"},\"updateMask\":\"activitySid,attributes\"}");
    check_main("UpdateTask", WT, "Priority=&VirtualStartTime=", "(none)");
    check_main("CreateWorker", NULL, "FriendlyName=A&ActivitySid=",
               "{\"workspaceSid\":\"" WS "\",\"friendlyName\":\"A\"}");
    check_main("ListWorker", NULL,
               "ActivitySid=&Available=", "{\"workspaceSid\":\"" WS "\",\"pageSize\":50}");
    check_refused("CreateWorker", NULL, "FriendlyName=", "FriendlyName");
}

static void wrong_ones_are_named(void)
{
    check_refused("CreateWorker", NULL, "", "FriendlyName");
    check_refused("CreateTask", NULL, "Priority=high", "Priority");
    check_refused("CreateTask", NULL, "Priority=99999999999999999999", "Priority");
    check_refused("UpdateWorkerChannel", "voice", "Capacity=99999999999", "Capacity");
    check_refused("CreateTask", NULL, "VirtualStartTime=2020-13-01", "VirtualStartTime");
    check_refused("CreateTask", NULL, "RoutingTarget=" WA, "RoutingTarget");
    check_refused("CreateTask", NULL, "WorkflowSid=WW1", "WorkflowSid");
    check_refused("ListTask", NULL, "AssignmentStatus=pending,lost", "AssignmentStatus");
    check_refused("ListTask", NULL, "AssignmentStatus=unspecified", "AssignmentStatus");
    check_refused("CreateTaskQueue", NULL, "FriendlyName=Q&MaxReservedWorkers=0",
                  "MaxReservedWorkers");
    check_refused("UpdateWorkflow", "WW00000000000000000000000000000001",
                  "TaskReservationTimeout=0", "TaskReservationTimeout");
    check_refused("CreateTaskQueue", NULL, "FriendlyName=Q&MaxReservedWorkers=0",
                  "MaxReservedWorkers");
    check_refused("UpdateWorkflow", "WW00000000000000000000000000000001",
                  "TaskReservationTimeout=0", "TaskReservationTimeout");
    check_refused("CreateTaskQueue", NULL, "FriendlyName=Q&TaskOrder=LILO", "TaskOrder");
    check_refused("FetchWorkspaceStatistics", NULL, "SplitByWaitTime=5,five", "SplitByWaitTime");
    check_refused("UpdateTask", WT, "AssignmentStatus=reserved", "AssignmentStatus");
    check_refused("UpdateTask", WT, "AssignmentStatus=completed", "Reason");
    check_refused("UpdateTask", WT, "AssignmentStatus=wrapping&Priority=1", "Priority");
    check_refused("UpdateTaskReservation", WR, "ReservationStatus=accepted&Instruction=accept",
                  "Instruction");
    check_refused("UpdateTaskReservation", WR, "WorkerActivitySid=WK1", "WorkerActivitySid");
    check_refused("UpdateTaskReservation", WR, "ReservationStatus=accepted&Timeout=x", "Timeout");
    check_refused("UpdateTaskReservation", WR, "Instruction=conference&MaxParticipants=1",
                  "MaxParticipants");
    check_refused("UpdateTaskReservation", WR, "Instruction=dequeue&DequeueRecord=maybe",
                  "DequeueRecord");
}

static void paths_that_cannot_be_are_not_found(void)
{
    struct twilio_request request;
    CHECK_I64(read_as("FetchWorker", "WT00000000000000000000000000000004", "", &request),
              ERR_NOT_FOUND);
    CHECK_I64(read_as("FetchWorker", "WK0", "", &request), ERR_NOT_FOUND);
    CHECK_I64(read_as("FetchTaskChannel", "voice", "", &request), ERR_OK);
}

static void actions_are_chosen(void)
{
    struct twilio_request request;
    CHECK_I64(
        read_as("UpdateTask", WT, "AssignmentStatus=canceled&Reason=r&Attributes=%7B%7D", &request),
        ERR_OK);
    CHECK_TEXT(shown(request.main), "{\"task\":{\"sid\":\"" WT "\",\"workspaceSid\":\"" WS
                                    "\",\"attributes\":\"{}\"},\"updateMask\":\"attributes\"}");
    CHECK_TEXT(request.action->call.rpc, "/taskrouter.tasks.v1.Tasks/CancelTask");
    CHECK_TEXT(shown(request.action_request),
               "{\"workspaceSid\":\"" WS "\",\"sid\":\"" WT "\",\"reason\":\"r\"}");
    CHECK_I64(read_as("UpdateWorkerReservation", WR,
                      "ReservationStatus=rejected&WorkerActivitySid=" WA "&CallTo=ignored",
                      &request),
              ERR_OK);
    CHECK(request.main == NULL);
    CHECK_TEXT(shown(request.action_request),
               "{\"workspaceSid\":\"" WS "\",\"sid\":\"" WR "\",\"workerActivitySid\":\"" WA "\"}");
}

static void instructions_carry_their_family(void)
{
    struct twilio_request request;
    CHECK_I64(read_as("UpdateTaskReservation", WR,
                      "Instruction=conference&From=%2B1555&Record=true&MaxParticipants=3&"
                      "StatusCallbackEvent=initiated&StatusCallbackEvent=answered&Muted=",
                      &request),
              ERR_OK);
    const Taskrouter__Tasks__V1__ReservationActionRequest *made =
        (const void *)request.action_request;
    CHECK_TEXT(made->instruction, "conference");
    CHECK_TEXT(made->instruction_data, "{\"From\":\"+1555\",\"Record\":true,\"MaxParticipants\":3,"
                                       "\"StatusCallbackEvent\":\"initiated,answered\"}");
    CHECK_I64(read_as("UpdateTaskReservation", WR, "Instruction=accept", &request), ERR_OK);
    made = (const void *)request.action_request;
    CHECK_TEXT(made->instruction_data, "");
}

static void dates_have_forms(void)
{
    static const struct {
        const char *text;
        int64_t at_us; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:01Z",          1000000},
        {"1970-01-01T01:00:00+01:00",     0      },
        {"1970-01-01",                    0      },
        {"1970-01-01T00:00:02",           2000000},
        {" 1970-01-01 ",                  0      },
        {"",                              -1     },
        {"0000-02-01",                    -1     },
        {"9999-12-31T23:59:59-01:00",     -1     },
        {"0001-01-01T00:00:00+01:00",     -1     },
        {"now",                           -1     },
        {"1970-01-01T25:00:00Z",          -1     },
        {"Thu, 01 Jan 1970 00:00:00 GMT", -1     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t at_us = -1;
        CHECK(twilio_date(str_from(rows[i].text), &at_us) == (rows[i].at_us >= 0));
        CHECK_I64(at_us, rows[i].at_us);
    }
}

static void bulk_wants_queues(void)
{
    static const struct {
        const char *body;
        bool is_good;
    } rows[] = {
        {"{\"queueSids\":[\"WQ00000000000000000000000000000001\"]}", true },
        {"{\"QueueSids\":[\"WQ00000000000000000000000000000001\"]}", true },
        {"{\"queueSids\":\"WQ00000000000000000000000000000001\"}",   false},
        {"{\"queueSids\":[7]}",                                      false},
        {"{\"queueSids\":[\"WQ0\"]}",                                false},
        {"",                                                         false},
    };
    const struct twilio_op *op = op_named("CreateTaskQueueBulkRealTimeStatistics");
    struct http_params path = {path_items, 1};
    struct http_params nothing = {NULL, 0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct twilio_request request;
        struct twilio_input input = {
            .path = &path, .given = &nothing, .body = str_from(rows[i].body), .cursor = ""};
        enum err_code code = twilio_request_read(op, &input, arena, &request, &err);
        CHECK_I64(code, rows[i].is_good ? ERR_OK : ERR_INVALID_ARGUMENT);
    }
}

static void versions_are_expected(void)
{
    struct http_param items[4];
    struct http_params path = {items, 4};
    struct http_param name = {STR("FriendlyName"), STR("B")};
    struct http_params given = {&name, 1};
    struct twilio_request request;
    memcpy(items, path_items, sizeof path_items);
    items[3] = (struct http_param){STR("Sid"), STR(WK)};
    struct twilio_input input = {
        .path = &path, .given = &given, .cursor = "", .has_version = true, .version = 0};
    CHECK_I64(twilio_request_read(op_named("UpdateWorker"), &input, arena, &request, &err), ERR_OK);
    CHECK_TEXT(shown(request.main), "{\"worker\":{\"sid\":\"" WK "\",\"workspaceSid\":\"" WS
                                    "\",\"friendlyName\":\"B\"},\"updateMask\":\"friendlyName\","
                                    "\"expectedVersion\":\"0\"}");
}

static const struct test_case cases[] = {
    {"values become fields of their kind",                   values_are_read                   },
    {"what is empty clears a text, and is absent elsewhere", empty_clears_texts_only           },
    {"what is wrong is refused by name",                     wrong_ones_are_named              },
    {"a path that cannot be is not found",                   paths_that_cannot_be_are_not_found},
    {"a status chooses what is done",                        actions_are_chosen                },
    {"an instruction carries its family",                    instructions_carry_their_family   },
    {"dates come in several forms",                          dates_have_forms                  },
    {"the bulk body names queues",                           bulk_wants_queues                 },
    {"version 0 is expected too",                            versions_are_expected             },
};

int main(int argc, char **argv)
{
    arena = arena_new(64 << 20);
    int status = testing_main("twilio params", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
