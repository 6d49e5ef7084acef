#include "pbjson/pbjson.h"

#include <stdio.h>

#include "jx/writer.h"
#include "taskrouter/events/v1/events.pb-c.h"
#include "taskrouter/routing/v1/rules.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "testing.h"

enum { ARENA_BYTES = 1 << 20 };

typedef Taskrouter__Tasks__V1__Task Task;
typedef Taskrouter__Tasks__V1__CreateTaskRequest CreateTask;
typedef Taskrouter__Tasks__V1__UpdateTaskRequest UpdateTask;
typedef Taskrouter__Tasks__V1__ListTasksRequest ListTasks;

#define CREATE (&taskrouter__tasks__v1__create_task_request__descriptor)
#define UPDATE (&taskrouter__tasks__v1__update_task_request__descriptor)
#define LIST   (&taskrouter__tasks__v1__list_tasks_request__descriptor)

static void a_reply_in_rest_form_has_every_field(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    char sid[] = "WR1";
    Taskrouter__Tasks__V1__Reservation msg;
    taskrouter__tasks__v1__reservation__init(&msg);
    Google__Protobuf__Timestamp created;
    google__protobuf__timestamp__init(&created);
    created.seconds = 1795379220;
    msg.sid = sid;
    msg.version = INT64_C(9007199254740993);
    msg.reservation_status = TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_ACCEPTED;
    msg.date_created = &created;
    struct str text = {0};
    struct err err = {0};
    CHECK(pbjson_text(&msg.base, &pbjson_rest, arena, &text, &err) == ERR_OK);
    CHECK_STR(text, "{\"sid\":\"WR1\",\"accountSid\":\"\",\"workspaceSid\":\"\",\"taskSid\":\"\","
                    "\"workerSid\":\"\",\"workerName\":\"\",\"reservationStatus\":\"accepted\","
                    "\"version\":9007199254740993,\"timeout\":0,"
                    "\"dateCreated\":\"2026-11-22T20:27:00Z\",\"dateUpdated\":null,"
                    "\"taskQueueSid\":\"\",\"workflowSid\":\"\",\"instruction\":\"\","
                    "\"instructionData\":null}");
    CHECK(pbjson_text(&msg.base, &pbjson_canonical, arena, &text, &err) == ERR_OK);
    CHECK_STR(text, "{\"sid\":\"WR1\",\"reservationStatus\":\"RESERVATION_STATUS_ACCEPTED\","
                    "\"version\":\"9007199254740993\",\"dateCreated\":\"2026-11-22T20:27:00Z\"}");
    arena_free(arena);
}

static void task_orders_are_upper_case_and_hidden_fields_are_not_there(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    struct buf out;
    buf_init(&out, 0);
    Taskrouter__Workers__V1__Workspace workspace;
    taskrouter__workers__v1__workspace__init(&workspace);
    workspace.prioritize_queue_order = TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_LIFO;
    CHECK(pbjson_encode(&workspace.base, &pbjson_rest, &out, &err) == ERR_OK);
    CHECK(strstr(out.data, "\"prioritizeQueueOrder\":\"LIFO\"") != NULL);
    CHECK(strstr(out.data, "\"provider\":null") != NULL);
    buf_clear(&out);
    Taskrouter__Workers__V1__Worker worker;
    taskrouter__workers__v1__worker__init(&worker);
    CHECK(pbjson_encode(&worker.base, &pbjson_rest, &out, &err) == ERR_OK);
    CHECK(strstr(out.data, "channels") == NULL);
    buf_fini(&out);
    arena_free(arena);
}

static void camel_case_only_refuses_proto_names(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct pbjson_options options = pbjson_rest;
    struct err err = {0};
    ProtobufCMessage *msg = NULL;
    options.flags |= PBJSON_CAMEL_ONLY;
    CHECK(pbjson_decode(STR("{\"workflowSid\":\"a\"}"), CREATE, &options, arena, &msg, NULL,
                        &err) == ERR_OK);
    CHECK(pbjson_decode(STR("{\"workflow_sid\":\"a\"}"), CREATE, &options, arena, &msg, NULL,
                        &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "FIELD_UNKNOWN");
    CHECK_TEXT(err.field, "workflow_sid");
    arena_free(arena);
}

static void json_texts_are_embedded_in_rest_form_only(void)
{
    static const struct {
        const char *text;
        const char *rest;
        const char *canonical;
    } rows[] = {
        {"{\"b\": 1, \"a\": 2}", "{\"attributes\":{\"b\": 1, \"a\": 2}}",
         "{\"attributes\":\"{\\\"b\\\": 1, \\\"a\\\": 2}\"}"                                                 },
        {"{\"b\": ",             "{\"attributes\":\"{\\\"b\\\": \"}",     "{\"attributes\":\"{\\\"b\\\": \"}"},
        {"[1]",                  "{\"attributes\":\"[1]\"}",              "{\"attributes\":\"[1]\"}"         },
    };
    static const char *const texts[] = {"attributes", NULL};
    static const struct pbjson_options embedded = {.json_text_fields = texts};
    struct arena *arena = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CreateTask msg;
        struct str text = {0};
        taskrouter__tasks__v1__create_task_request__init(&msg);
        msg.attributes = arena_strdup(arena, rows[i].text);
        CHECK(pbjson_text(&msg.base, &embedded, arena, &text, NULL) == ERR_OK);
        CHECK_STR(text, rows[i].rest);
        CHECK(pbjson_text(&msg.base, &pbjson_canonical, arena, &text, NULL) == ERR_OK);
        CHECK_STR(text, rows[i].canonical);
    }
    arena_free(arena);
}

static void an_array_in_a_text_field_is_embedded(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    ProtobufCMessage *msg = NULL;
    struct str text = {0};
    enum err_code code = pbjson_decode(
        STR("{\"conditions\":[{\"type\":\"time\"}],\"actions\":[{\"type\":\"hangup\"},"
            "{\"type\":\"hang_up\"}]}"),
        &taskrouter__routing__v1__rule__descriptor, &pbjson_rest, arena, &msg, NULL, &err);
    REQUIRE(code == ERR_OK);
    const Taskrouter__Routing__V1__Rule *rule = (const void *)msg;
    CHECK_TEXT(rule->conditions, "[{\"type\":\"time\"}]");
    CHECK_I64(rule->actions[0]->type,
              TASKROUTER__ROUTING__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_HANG_UP);
    CHECK_I64(rule->actions[1]->type, rule->actions[0]->type);
    static const char *const arrays[] = {"conditions", NULL};
    static const struct pbjson_options embedded = {.flags = PBJSON_ENUM_SHORT,
                                                   .json_array_fields = arrays};
    CHECK(pbjson_text(msg, &embedded, arena, &text, NULL) == ERR_OK);
    CHECK_STR(text, "{\"conditions\":[{\"type\":\"time\"}],\"actions\":[{\"type\":\"hang_up\"},"
                    "{\"type\":\"hang_up\"}]}");
    CHECK(pbjson_decode(STR("{\"conditions\":{}}"), &taskrouter__routing__v1__rule__descriptor,
                        &pbjson_rest, arena, &msg, NULL, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "conditions");
    arena_free(arena);
}

static void a_request_is_read_with_presence_and_mask(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    ProtobufCMessage *msg = NULL;
    struct pbjson_mask mask = {0};
    enum err_code code =
        pbjson_decode(STR("{\"attributes\": {\"z\": 1, \"a\": [1.5, \"\\u00e9\"]}, \"priority\": 0,"
                          " \"task_channel\": \"voice\", \"timeout\": null,"
                          " \"virtualStartTime\": \"2026-11-22T21:27:00.5+01:00\"}"),
                      CREATE, &pbjson_rest, arena, &msg, &mask, &err);
    REQUIRE(code == ERR_OK);
    const CreateTask *task = (const void *)msg;
    CHECK_TEXT(task->attributes, "{\"z\":1,\"a\":[1.5,\"\xC3\xA9\"]}");
    CHECK_I64(task->_priority_case, TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___PRIORITY_PRIORITY);
    CHECK_I64(task->priority, 0);
    CHECK_I64(task->_timeout_case, 0);
    CHECK_I64(task->_ignore_capacity_case, 0);
    CHECK_TEXT(task->task_channel, "voice");
    CHECK_TEXT(task->routing_target, "");
    CHECK_I64(task->virtual_start_time->seconds, 1795379220);
    CHECK_I64(task->virtual_start_time->nanos, 500000000);
    REQUIRE(mask.count == 5);
    CHECK_TEXT(mask.paths[0], "attributes");
    CHECK_TEXT(mask.paths[2], "task_channel");
    CHECK_TEXT(mask.paths[3], "timeout");
    CHECK_TEXT(mask.paths[4], "virtual_start_time");
    arena_free(arena);
}

static void enums_are_read_in_every_spelling(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    ProtobufCMessage *msg = NULL;
    struct err err = {0};
    REQUIRE(pbjson_decode(STR("{\"assignmentStatus\": [\"Pending\", \"TASK_STATUS_RESERVED\","
                              " \"task_status_completed\"]}"),
                          LIST, &pbjson_rest, arena, &msg, NULL, &err) == ERR_OK);
    const ListTasks *list = (const void *)msg;
    REQUIRE(list->n_assignment_status == 3);
    CHECK_I64(list->assignment_status[0], 1);
    CHECK_I64(list->assignment_status[1], 2);
    CHECK_I64(list->assignment_status[2], 5);
    arena_free(arena);
}

static void a_field_mask_travels_in_camel_case(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    ProtobufCMessage *msg = NULL;
    struct str text = {0};
    struct err err = {0};
    REQUIRE(pbjson_decode(STR("{\"updateMask\": \"taskQueueSid,attributes\"}"), UPDATE,
                          &pbjson_canonical, arena, &msg, NULL, &err) == ERR_OK);
    const UpdateTask *update = (const void *)msg;
    REQUIRE(update->update_mask->n_paths == 2);
    CHECK_TEXT(update->update_mask->paths[0], "task_queue_sid");
    CHECK(pbjson_text(msg, &pbjson_canonical, arena, &text, &err) == ERR_OK);
    CHECK_STR(text, "{\"updateMask\":\"taskQueueSid,attributes\"}");
    arena_free(arena);
}

struct refusal {
    const ProtobufCMessageDescriptor *const type;
    const char *json;
    const char *reason;
    const char *field;
    const char *detail;
};

static void what_is_wrong_is_named(void)
{
    static const struct refusal rows[] = {
        {CREATE, "{\"attributs\": {}}",                                   "FIELD_UNKNOWN", "attributs",
         "attributs is not a field that can be set here; allowed: workspaceSid, attributes, "
         "workflowSid, taskQueueSid, routingTarget, ignoreCapacity, taskChannel, priority, "
         "timeout, virtualStartTime, idempotencyKey, callId, decided, "
         "rules"                                                                                                                                                          },
        {CREATE, "{\"attributes\": 7}",                                   "FIELD_TYPE",    "attributes",
         "attributes must be an object, or a string that holds one, not a number"                                                                                         },
        {CREATE, "{\"priority\": \"5\"}",                                 "FIELD_TYPE",    "priority",
         "priority must be a whole number, not a string"                                                                                                                  },
        {CREATE, "{\"priority\": 1.5}",                                   "FIELD_TYPE",    "priority",
         "priority must be a whole number"                                                                                                                                },
        {CREATE, "{\"priority\": 1e300}",                                 "FIELD_RANGE",   "priority",
         "priority must be from -9223372036854775808 to 9223372036854775807"                                                                                              },
        {CREATE, "{\"ignoreCapacity\": 1}",                               "FIELD_TYPE",    "ignoreCapacity",
         "ignoreCapacity must be true or false, not a number"                                                                                                             },
        {CREATE, "{\"taskChannel\": []}",                                 "FIELD_TYPE",    "taskChannel",
         "taskChannel must be a string, not an array"                                                                                                                     },
        {CREATE, "{\"virtualStartTime\": \"now\"}",                       "FIELD_VALUE",   "virtualStartTime",
         "virtualStartTime must be a time such as \"2026-11-22T20:27:00Z\""                                                                                               },
        {CREATE, "{\"virtualStartTime\": \"0001-01-01T00:00:00+01:00\"}", "FIELD_RANGE",
         "virtualStartTime",                                                                                      "virtualStartTime must be a time in the years 1 to 9999"},
        {CREATE, "{\"taskChannel\": \"a\", \"task_channel\": \"b\"}",     "FIELD_TWICE",   "task_channel",
         "task_channel is given twice, in two spellings; keep one of them"                                                                                                },
        {CREATE, "[]",                                                    "FIELD_TYPE",    "",                    "the request body must be an object, not an array"      },
        {CREATE, "{\"priority\": 1,}",                                    "JSON_INVALID",  "",
         "the JSON is not valid at line 1, column 16: a key, a value, a comma or a bracket is "
         "missing or misplaced here"                                                                                                                                      },
        {UPDATE, "{\"task\": {\"assignmentStatus\": \"done\"}}",          "FIELD_VALUE",
         "task.assignmentStatus",                                                                                 "task.assignmentStatus must be one of: pending, reserved, assigned, wrapping, completed, "
         "canceled"                                                                                                                      },
        {UPDATE, "{\"task\": {\"frobnicate\": 1}}",                       "FIELD_UNKNOWN", "task.frobnicate",     NULL                                                    },
        {UPDATE, "{\"task\": \"x\"}",                                     "FIELD_TYPE",    "task",                "task must be an object, not a string"                  },
        {LIST,   "{\"assignmentStatus\": \"pending\"}",                   "FIELD_TYPE",    "assignmentStatus",
         "assignmentStatus must be an array, not a string"                                                                                                                },
        {LIST,   "{\"assignmentStatus\": [\"pending\", null]}",           "FIELD_VALUE",   "assignmentStatus[1]",
         NULL                                                                                                                                                             },
        {LIST,   "{\"pageSize\": 2147483648}",                            "FIELD_RANGE",   "pageSize",
         "pageSize must be from -2147483648 to 2147483647"                                                                                                                },
    };
    struct arena *arena = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        ProtobufCMessage *msg = NULL;
        CHECK(pbjson_decode(str_from(rows[i].json), rows[i].type, &pbjson_rest, arena, &msg, NULL,
                            &err) == ERR_INVALID_ARGUMENT);
        CHECK(msg == NULL);
        CHECK_TEXT(err.reason, rows[i].reason);
        CHECK_TEXT(err.field, rows[i].field);
        if (rows[i].detail != NULL)
            CHECK_TEXT(err.detail, rows[i].detail);
    }
    arena_free(arena);
}

static void only_allowed_fields_may_be_set(void)
{
    static const char *const allowed[] = {"attributes", "priority", NULL};
    struct pbjson_options options = pbjson_rest;
    options.allowed_fields = allowed;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    ProtobufCMessage *msg = NULL;
    CHECK(pbjson_decode(STR("{\"priority\": 5}"), CREATE, &options, arena, &msg, NULL, &err) ==
          ERR_OK);
    CHECK(pbjson_decode(STR("{\"callId\": \"x\"}"), CREATE, &options, arena, &msg, NULL, &err) ==
          ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail,
               "callId is not a field that can be set here; allowed: attributes, priority");
    arena_free(arena);
}

static void a_consumer_skips_what_is_newer(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    ProtobufCMessage *msg = NULL;
    CHECK(pbjson_decode(STR("{\"task\": {\"sid\": \"WT1\", \"colour\": {\"deep\": [1]},"
                            " \"assignmentStatus\": \"TASK_STATUS_PAUSED\", \"age\": \"12\"},"
                            " \"extra\": null}"),
                        &taskrouter__events__v1__task_event__descriptor, &pbjson_event, arena, &msg,
                        NULL, &err) == ERR_OK);
    REQUIRE(msg != NULL);
    const Taskrouter__Events__V1__TaskEvent *event = (const void *)msg;
    CHECK_TEXT(event->task->sid, "WT1");
    CHECK_I64(event->task->assignment_status, 0);
    CHECK_I64(event->task->age, 12);
    arena_free(arena);
}

static void a_full_arena_is_resource_exhausted(void)
{
    static const char json[] =
        "{\"task\":{\"sid\":\"WT1\",\"attributes\":{\"a\":1},\"dateCreated\":"
        "\"2026-11-22T20:27:00Z\"},\"updateMask\":\"attributes\"}";
    bool has_succeeded = false;
    for (size_t bytes = 16; bytes < 8192 && !has_succeeded; bytes += 16) {
        struct arena *arena = arena_new(bytes);
        struct err err = {0};
        ProtobufCMessage *msg = NULL;
        enum err_code code =
            pbjson_decode(str_from(json), UPDATE, &pbjson_rest, arena, &msg, NULL, &err);
        has_succeeded = code == ERR_OK;
        CHECK(has_succeeded || code == ERR_RESOURCE_EXHAUSTED);
        arena_free(arena);
    }
    CHECK(has_succeeded);
}

static void a_full_buffer_and_a_wild_time_are_errors(void)
{
    Task task;
    taskrouter__tasks__v1__task__init(&task);
    struct buf out;
    struct err err = {0};
    buf_init(&out, 20);
    CHECK(pbjson_encode(&task.base, &pbjson_rest, &out, &err) == ERR_RESOURCE_EXHAUSTED);
    buf_fini(&out);
    Google__Protobuf__Timestamp time;
    google__protobuf__timestamp__init(&time);
    time.seconds = INT64_MAX;
    task.date_created = &time;
    buf_init(&out, 0);
    CHECK(pbjson_encode(&task.base, &pbjson_rest, &out, &err) == ERR_INTERNAL);
    buf_fini(&out);
}

static void bad_utf8_is_found_wherever_it_is(void)
{
    char good[] = "caf\xC3\xA9";
    char bad[] = "caf\xE9";
    Taskrouter__Workers__V1__Worker worker;
    Taskrouter__Workers__V1__WorkerChannel channel;
    Taskrouter__Workers__V1__WorkerChannel *channels[] = {&channel};
    taskrouter__workers__v1__worker__init(&worker);
    taskrouter__workers__v1__worker_channel__init(&channel);
    worker.friendly_name = good;
    worker.n_channels = 1;
    worker.channels = channels;
    struct err err = {0};
    CHECK(pbjson_check_text(&worker.base, &err) == ERR_OK);
    channel.task_channel_unique_name = bad;
    CHECK(pbjson_check_text(&worker.base, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "channels.task_channel_unique_name");
}

static void names_convert_both_ways(void)
{
    char out[64];
    CHECK_TEXT(pbjson_camel("task_queue.friendly_name", out, sizeof out), "taskQueue.friendlyName");
    CHECK_TEXT(pbjson_camel("sid", out, 3), "si");
    const ProtobufCEnumDescriptor *status = &taskrouter__tasks__v1__reservation_status__descriptor;
    CHECK_TEXT(pbjson_enum_short(status, 4, out, sizeof out), "timeout");
    CHECK_TEXT(pbjson_enum_short(status, 99, out, sizeof out), "99");
    int value = 0;
    CHECK(pbjson_enum_from(status, STR("RESCINDED"), &value));
    CHECK_I64(value, 6);
    CHECK(!pbjson_enum_from(status, STR("STATUS_PENDING"), &value));
}

static const struct test_case cases[] = {
    {"a reply in REST form has every field",                       a_reply_in_rest_form_has_every_field     },
    {"task orders are in upper case, hidden fields are not there",
     task_orders_are_upper_case_and_hidden_fields_are_not_there                                             },
    {"camelCase only refuses proto names",                         camel_case_only_refuses_proto_names      },
    {"JSON texts are embedded in REST form only",                  json_texts_are_embedded_in_rest_form_only},
    {"an array in a text field is embedded",                       an_array_in_a_text_field_is_embedded     },
    {"a request is read with presence and mask",                   a_request_is_read_with_presence_and_mask },
    {"enums are read in every spelling",                           enums_are_read_in_every_spelling         },
    {"a field mask travels in camelCase",                          a_field_mask_travels_in_camel_case       },
    {"what is wrong is named",                                     what_is_wrong_is_named                   },
    {"only allowed fields may be set",                             only_allowed_fields_may_be_set           },
    {"a consumer skips what is newer",                             a_consumer_skips_what_is_newer           },
    {"a full arena is RESOURCE_EXHAUSTED at every size",           a_full_arena_is_resource_exhausted       },
    {"a full buffer and a wild time are errors",                   a_full_buffer_and_a_wild_time_are_errors },
    {"bad UTF-8 is found wherever it is",                          bad_utf8_is_found_wherever_it_is         },
    {"names convert both ways",                                    names_convert_both_ways                  },
};

int main(int argc, char **argv)
{
    return testing_main("pbjson", cases, ARRAY_LEN(cases), argc, argv);
}
