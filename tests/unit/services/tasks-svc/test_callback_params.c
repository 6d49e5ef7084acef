/* From an entry of the log to the parameters of a callback, and back from their JSON. */
#include "callback_params.h"

#include "base/arena.h"
#include "testing.h"

static struct event_row row_of(const char *type, const char *resource_type, const char *data)
{
    return (struct event_row){
        .seq = 7,
        .sid = "EV1",
        .account_sid = "AC1",
        .workspace_sid = "WS1",
        .type = type,
        .resource_type = resource_type,
        .resource_sid = "XX1",
        .occurred_at_us = 1700000000123456,
        .actor_sid = "US1",
        .request_id = "RQ1",
        .source = "/tasks-svc",
        .data = str_from(data),
        .extras = STR("{\"worker_attributes\":\"{}\",\"reason\":\"why\"}"),
    };
}

#define COMMON(type, resource, words)                                                              \
    "{\"EventType\":\"" type "\",\"AccountSid\":\"AC1\",\"WorkspaceSid\":\"WS1\","                 \
    "\"WorkspaceName\":\"Floor\",\"EventDescription\":\"" words "\",\"ResourceType\":\"" resource  \
    "\",\"ResourceSid\":\"XX1\",\"Sid\":\"EV1\",\"OperatingUnitSid\":\"OU1\",\"Timestamp\":"       \
    "\"1700000000\",\"TimestampMs\":"                                                              \
    "\"1700000000123\""

#define OFFER                                                                                      \
    "{\"reservation\":{\"sid\":\"WR1\",\"workerSid\":\"WK1\",\"workerName\":\"Ann\"},\"task\":{"   \
    "\"sid\":\"WT1\",\"attributes\":\"{\\\"a\\\":1}\",\"priority\":\"5\",\"age\":\"9\","           \
    "\"taskQueueSid\":\"WQ1\",\"workflowSid\":\"WW1\"}}"

static void test_event(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct str json = {NULL, 0};
    struct event_row workspace = row_of("workspace.updated", "workspace",
                                        "{\"workspace\":{\"sid\":\"WS1\",\"friendlyName\":\"x\"}}");
    REQUIRE(callback_params_event(arena, &workspace, "Floor", &json, NULL) == ERR_OK);
    CHECK_STR(json,
              COMMON("workspace.updated", "workspace",
                     "Workspace XX1 updated") ",\"WorkerAttributes\":\"{}\",\"Reason\":\"why\"}");
    struct event_row activity =
        row_of("activity.created", "activity",
               "{\"activity\":{\"sid\":\"WA1\",\"friendlyName\":\"Idle\"}}");
    REQUIRE(callback_params_event(arena, &activity, "Floor", &json, NULL) == ERR_OK);
    CHECK_STR(json,
              COMMON("activity.created", "activity",
                     "Activity XX1 created") ",\"ActivitySid\":\"WA1\",\"ActivityName\":\"Idle\","
                                             "\"ActivityAvailable\":\"false\","
                                             "\"WorkerAttributes\":\"{}\",\"Reason\":\"why\"}");
    arena_free(arena);
}

static void test_assignment(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct str json = {NULL, 0};
    struct event_row offer = row_of("reservation.created", "reservation", OFFER);
    REQUIRE(callback_params_assignment(arena, &offer, "Floor", &json, NULL) == ERR_OK);
    CHECK_STR(json, "{\"Timestamp\":\"1700000000\",\"AccountSid\":\"AC1\",\"WorkspaceSid\":\"WS1\","
                    "\"WorkspaceName\":\"Floor\",\"WorkflowSid\":\"WW1\",\"TaskQueueSid\":\"WQ1\","
                    "\"WorkerSid\":\"WK1\",\"WorkerName\":\"Ann\",\"WorkerAttributes\":\"{}\","
                    "\"TaskSid\":\"WT1\",\"TaskAttributes\":\"{\\\"a\\\":1}\",\"TaskAge\":\"9\","
                    "\"TaskPriority\":\"5\",\"TaskChannelSid\":\"\",\"TaskChannelUniqueName\":\"\","
                    "\"ReservationSid\":\"WR1\"}");
    struct twilio_param *params = NULL;
    size_t count = 0;
    REQUIRE(callback_params_read(arena, json, &params, &count, NULL) == ERR_OK);
    CHECK_I64(count, 16);
    CHECK_STR(params[10].name, "TaskAttributes");
    CHECK_STR(params[10].value, "{\"a\":1}");
    CHECK(callback_params_read(arena, STR("[1]"), &params, &count, NULL) == ERR_DATA_LOSS);
    arena_free(arena);
}

/* With any limit on the memory there is a clean error, or the whole. */
static void test_memory(void)
{
    struct event_row offer = row_of("reservation.created", "reservation", OFFER);
    for (size_t limit = 64; limit < 20000; limit += 97) {
        struct arena *arena = arena_new(limit);
        struct str json = {NULL, 0};
        struct err err = {0};
        enum err_code code = callback_params_event(arena, &offer, "Floor", &json, &err);
        CHECK(code == ERR_OK ? json.len > 0 : code == err.code);
        arena_free(arena);
    }
}

static const struct test_case cases[] = {
    {"an event has the common fields and those of its family, all texts", test_event     },
    {"an offer has the documented fields",                                test_assignment},
    {"full memory is an error",                                           test_memory    },
};

int main(int argc, char **argv)
{
    return testing_main("callback params", cases, ARRAY_LEN(cases), argc, argv);
}
