#include "twilio_json.h"

#include <stdio.h>

#include "svc/wire.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "testing.h"

#define N32         "0123456789abcdef0123456789ABCDEF"
#define IN          "\"account_sid\":\"AC" N32 "\",\"workspace_sid\":\"WS" N32 "\","
#define DATES       "\"date_created\":\"2015-08-04T01:31:41Z\",\"date_updated\":\"2016-08-04T01:31:41Z\""
#define WORKER_HEAD "\"sid\":\"WK" N32 "\"," IN "\"friendly_name\":\"Zoë\",\"available\":true,"
#define WORKER                                                                                     \
    "{" WORKER_HEAD "\"activity_sid\":\"WA" N32 "\",\"activity_name\":\"Idle\","                   \
    "\"attributes\":\"{\\\"a\\\":[1]}\",\"date_status_changed\":\"2015-08-04T01:31:42Z\"," DATES   \
    ",\"url\":\"https://x\",\"links\":{\"channels\":\"https://x\"},\"new\":[1]}"

static struct arena *arena;
static struct err err;

static void *read_as(enum twilio_resource resource, const char *body)
{
    ProtobufCMessage *message = NULL;
    err_clear(&err);
    enum err_code code = twilio_read(arena, resource, str_from(body), &message, &err);
    CHECK(code == ERR_OK || message == NULL);
    return message;
}

static void test_worker(void)
{
    const Taskrouter__Workers__V1__Worker *worker = read_as(TWILIO_WORKER, WORKER);
    REQUIRE(worker != NULL);
    CHECK_TEXT(worker->sid, "WK" N32);
    CHECK_TEXT(worker->account_sid, "AC" N32);
    CHECK_TEXT(worker->workspace_sid, "WS" N32);
    CHECK_TEXT(worker->friendly_name, "Zoë");
    CHECK_TEXT(worker->attributes, "{\"a\":[1]}");
    CHECK_TEXT(worker->activity_sid, "WA" N32);
    CHECK_TEXT(worker->activity_name, "Idle");
    CHECK(worker->available);
    CHECK_I64(wire_time_us(worker->date_created), INT64_C(1438651901000000));
    CHECK_I64(wire_time_us(worker->date_status_changed), INT64_C(1438651902000000));
    CHECK_I64(wire_time_us(worker->date_updated), INT64_C(1470274301000000));
    CHECK_I64(worker->version, 0);
}

static void test_workspace(void)
{
    const Taskrouter__Workers__V1__Workspace *workspace =
        read_as(TWILIO_WORKSPACE,
                "{\"sid\":\"WS" N32 "\",\"account_sid\":\"AC" N32 "\",\"friendly_name\":\"N\","
                "\"default_activity_sid\":\"WA" N32 "\",\"default_activity_name\":\"Offline\","
                "\"timeout_activity_sid\":null,\"event_callback_url\":\"\","
                "\"events_filter\":null,\"multi_task_enabled\":false,"
                "\"prioritize_queue_order\":\"LIFO\"," DATES "}");
    REQUIRE(workspace != NULL);
    CHECK_TEXT(workspace->default_activity_name, "Offline");
    CHECK_TEXT(workspace->timeout_activity_sid, "");
    CHECK_TEXT(workspace->events_filter, "");
    CHECK(!workspace->multi_task_enabled);
    CHECK_I64(workspace->prioritize_queue_order,
              TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_LIFO);
    CHECK_I64(workspace->provider, TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO);
}

static void test_channels(void)
{
    const Taskrouter__Workers__V1__WorkerChannel *channel = read_as(
        TWILIO_WORKER_CHANNEL,
        "{\"sid\":\"WC" N32 "\"," IN "\"worker_sid\":\"WK" N32 "\",\"task_channel_sid\":\"TC" N32
        "\",\"task_channel_unique_name\":\"voice\",\"configured_capacity\":3,\"assigned_tasks\":0,"
        "\"available\":true,\"available_capacity_percentage\":100," DATES "}");
    REQUIRE(channel != NULL);
    CHECK_I64(channel->configured_capacity, 3);
    CHECK(channel->_assigned_tasks_case != 0 && channel->assigned_tasks == 0);
    CHECK_I64(channel->available_capacity_percentage, 100);
    const Taskrouter__Queues__V1__TaskChannel *kind =
        read_as(TWILIO_TASK_CHANNEL,
                "{\"sid\":\"TC" N32 "\"," IN "\"friendly_name\":\"Voice\","
                "\"unique_name\":\"voice\",\"channel_optimized_routing\":null," DATES "}");
    REQUIRE(kind != NULL);
    CHECK_TEXT(kind->unique_name, "voice");
    CHECK(!kind->channel_optimized_routing);
}

static void test_routing(void)
{
    const Taskrouter__Queues__V1__TaskQueue *queue =
        read_as(TWILIO_TASK_QUEUE,
                "{\"sid\":\"WQ" N32 "\"," IN "\"friendly_name\":\"Q\",\"target_workers\":null,"
                "\"task_order\":\"FIFO\",\"max_reserved_workers\":50,"
                "\"reservation_activity_sid\":\"WA" N32
                "\",\"reservation_activity_name\":\"Reserved\"," DATES "}");
    REQUIRE(queue != NULL);
    CHECK_TEXT(queue->target_workers, "");
    CHECK_TEXT(queue->reservation_activity_name, "Reserved");
    CHECK_I64(queue->max_reserved_workers, 50);
    CHECK_I64(queue->task_order, TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_FIFO);
    const Taskrouter__Routing__V1__Workflow *workflow =
        read_as(TWILIO_WORKFLOW,
                "{\"sid\":\"WW" N32 "\"," IN "\"friendly_name\":\"W\",\"configuration\":\"{}\","
                "\"assignment_callback_url\":null,\"fallback_assignment_callback_url\":\"https://"
                "f\",\"document_content_type\":\"application/json\","
                "\"task_reservation_timeout\":120," DATES "}");
    REQUIRE(workflow != NULL);
    CHECK_TEXT(workflow->configuration, "{}");
    CHECK_TEXT(workflow->assignment_callback_url, "");
    CHECK_TEXT(workflow->fallback_assignment_callback_url, "https://f");
    CHECK_I64(workflow->task_reservation_timeout, 120);
}

static void test_tasks(void)
{
    const Taskrouter__Tasks__V1__Task *task = read_as(
        TWILIO_TASK,
        "{\"sid\":\"WT" N32 "\"," IN "\"age\":25200,\"assignment_status\":\"wrapping\","
        "\"attributes\":null,\"addons\":\"{}\",\"priority\":2147483647,\"reason\":\"why\","
        "\"timeout\":60,\"task_queue_entered_date\":null,\"virtual_start_time\":"
        "\"2015-08-04T01:31:41Z\",\"task_queue_sid\":\"WQ" N32 "\",\"task_queue_friendly_name\":"
        "\"Q\",\"workflow_sid\":null,\"workflow_friendly_name\":\"W\",\"ignore_capacity\":true,"
        "\"routing_target\":\"WK" N32 "\"," DATES "}");
    REQUIRE(task != NULL);
    CHECK_I64(task->assignment_status, TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_WRAPPING);
    CHECK_TEXT(task->attributes, "{}");
    CHECK_I64(task->priority, INT32_MAX);
    CHECK_I64(task->age, 25200);
    CHECK_TEXT(task->task_queue_name, "Q");
    CHECK_TEXT(task->workflow_name, "W");
    CHECK_TEXT(task->workflow_sid, "");
    CHECK(task->task_queue_entered_date == NULL);
    CHECK(task->ignore_capacity);
    const Taskrouter__Tasks__V1__Reservation *reservation =
        read_as(TWILIO_RESERVATION,
                "{\"sid\":\"WR" N32 "\"," IN "\"task_sid\":\"WT" N32 "\",\"worker_sid\":\"WK" N32
                "\",\"worker_name\":\"Z\",\"reservation_status\":\"timeout\"," DATES "}");
    REQUIRE(reservation != NULL);
    CHECK_I64(reservation->reservation_status,
              TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_TIMEOUT);
    CHECK_TEXT(reservation->worker_name, "Z");
}

static void test_refused(void)
{
    static const struct {
        const char *body;
        const char *reason;
        const char *field;
        const char *says;
    } rows[] = {
        {"",                                                                                      "UPSTREAM_GARBLED",    "",                    ""                     },
        {"{\"sid\":\"WK" N32 "\",\"frie",                                                         "UPSTREAM_GARBLED",    "",                    ""                     },
        {"<html>Welcome</html>",                                                                  "UPSTREAM_NOT_TWILIO", "",                    "TASKROUTER_TWILIO_URL"},
        {"[1]",                                                                                   "UPSTREAM_NOT_TWILIO", "",                    ""                     },
        {"{\"status\":\"up\"}",                                                                   "UPSTREAM_NOT_TWILIO", "",                    ""                     },
        {"{\"sid\":{\"sid\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
         "\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}",                         "UPSTREAM_NOT_TWILIO", "",                    ""                     },
        {"{\"sid\":\"WT" N32 "\"}",                                                               "UPSTREAM_UNEXPECTED", "sid",
         "worker is not as documented: sid is no SID"                                                                                                                  },
        {"{\"sid\":5}",                                                                           "UPSTREAM_UNEXPECTED", "sid",                 ""                     },
        {"{\"sid\":\"WK" N32 "\"}",                                                               "UPSTREAM_UNEXPECTED", "account_sid",
         "worker WK" N32 " is not as documented: account_sid is missing"                                                                                               },
        {"{\"sid\":\"WK" N32 "\"," IN "\"friendly_name\":\"\"}",                                  "UPSTREAM_UNEXPECTED",
         "friendly_name",                                                                                                                       "is empty"             },
        {"{" WORKER_HEAD "\"activity_sid\":null}",                                                "UPSTREAM_UNEXPECTED", "activity_sid",
         "is missing"                                                                                                                                                  },
        {"{" WORKER_HEAD "\"attributes\":{}}",                                                    "UPSTREAM_UNEXPECTED", "attributes",          "an object"            },
        {"{" WORKER_HEAD "\"attributes\":\"[]\"}",                                                "UPSTREAM_UNEXPECTED", "attributes",
         "no JSON object"                                                                                                                                              },
        {"{" WORKER_HEAD "\"activity_sid\":\"WA" N32 "\",\"date_status_changed\":\"yesterday\"}",
         "UPSTREAM_UNEXPECTED",                                                                                          "date_status_changed", "no ISO 8601 time"     },
        {"{\"sid\":\"WK" N32 "\"," IN "\"friendly_name\":\"x\",\"activity_sid\":\"WA" N32
         "\",\"available\":\"true\"}",                                                   "UPSTREAM_UNEXPECTED", "available",           "a string"             },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK(read_as(TWILIO_WORKER, rows[i].body) == NULL);
        CHECK_TEXT(err.reason, rows[i].reason);
        CHECK_TEXT(err.field, rows[i].field);
        CHECK(strstr(err.detail, rows[i].says) != NULL);
    }
}

static void test_numbers_and_names(void)
{
    static const struct {
        const char *member;
        const char *says;
    } rows[] = {
        {"\"priority\":-1",                              "priority is out of its range"},
        {"\"priority\":2147483648",                      "priority is out of its range"},
        {"\"priority\":1.0",                             "priority is a number"        },
        {"\"priority\":0,\"timeout\":null",              "timeout is missing"          },
        {"\"priority\":0,\"timeout\":0,\"age\":\"old\"", "age is a string"             },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[512];
        (void)snprintf(body, sizeof body,
                       "{\"sid\":\"WT" N32 "\"," IN "\"assignment_status\":\"pending\",%s}",
                       rows[i].member);
        CHECK(read_as(TWILIO_TASK, body) == NULL);
        CHECK(strstr(err.detail, rows[i].says) != NULL);
    }
    static const char *const states[] = {"", "unspecified", "lost",
                                         "pending pending pending "
                                         "pending pending pending "
                                         "pending pending"};
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        char body[512];
        (void)snprintf(body, sizeof body,
                       "{\"sid\":\"WT" N32 "\"," IN "\"assignment_status\":\"%s\"}", states[i]);
        CHECK(read_as(TWILIO_TASK, body) == NULL);
        CHECK_TEXT(err.field, "assignment_status");
    }
}

/* ---- pages ---- */

static enum err_code read_page(const char *body, struct twilio_page *out)
{
    err_clear(&err);
    return twilio_read_page(arena, TWILIO_WORKER, str_from(body), out, &err);
}

static void test_page(void)
{
    struct twilio_page page;
    CHECK_I64(read_page("{\"meta\":{\"key\":\"workers\",\"page\":0,\"next_page_url\":"
                        "\"https://evil.example/elsewhere?PageSize=2&PageToken=PAWK1\"},"
                        "\"workers\":[" WORKER ",{\"sid\":\"WK" N32 "\",\"friendly_name\":4}]}",
                        &page),
              ERR_OK);
    CHECK_I64(page.count, 2);
    CHECK_TEXT(page.next_query, "PageSize=2&PageToken=PAWK1");
    CHECK(page.items[0].message != NULL);
    CHECK_TEXT(page.items[0].detail, "");
    CHECK(page.items[1].message == NULL);
    CHECK_TEXT(page.items[1].sid, "WK" N32);
    CHECK(strstr(page.items[1].detail, "account_sid is missing") != NULL);
    CHECK_I64(
        read_page("{\"meta\":{\"key\":\"workers\",\"next_page_url\":null},\"workers\":[]}", &page),
        ERR_OK);
    CHECK_I64(page.count, 0);
    CHECK_TEXT(page.next_query, "");
    /* A token may say how to go back over all the pages before. */
    char body[8000];
    (void)snprintf(
        body, sizeof body,
        "{\"meta\":{\"key\":\"workers\",\"next_page_url\":\"https://x/y?PageToken=%0*d\"},"
        "\"workers\":[]}",
        6144, 1);
    CHECK_I64(read_page(body, &page), ERR_OK);
    CHECK_I64(strlen(page.next_query), strlen("PageToken=") + 6144);
}

static void test_page_refused(void)
{
    static const char *const rows[][2] = {
        {"{\"meta\":{\"key\":\"workers\"},\"workers\":[",                                         "UPSTREAM_GARBLED"   },
        {"{\"meta\":{\"key\":\"tasks\"},\"tasks\":[]}",                                           "UPSTREAM_NOT_TWILIO"},
        {"{\"meta\":{\"key\":\"tasks\"},\"workers\":[]}",                                         "UPSTREAM_NOT_TWILIO"},
        {"{\"workers\":[]}",                                                                      "UPSTREAM_NOT_TWILIO"},
        {"{\"meta\":{\"key\":\"workers\"},\"workers\":{}}",                                       "UPSTREAM_NOT_TWILIO"},
        {"{\"meta\":{\"key\":\"workers\"},\"workers\":[{}]}",                                     "UPSTREAM_UNEXPECTED"},
        {"{\"meta\":{\"key\":\"workers\"},\"workers\":[null]}",                                   "UPSTREAM_UNEXPECTED"},
        {"{\"meta\":{\"key\":\"workers\",\"next_page_url\":\"https://x/y\"},\"workers\":[]}",
         "UPSTREAM_UNEXPECTED"                                                                                         },
        {"{\"meta\":{\"key\":\"workers\",\"next_page_url\":\"https://x/y?a b\"},\"workers\":[]}",
         "UPSTREAM_UNEXPECTED"                                                                                         },
        {"{\"meta\":{\"key\":\"workers\",\"next_page_url\":7},\"workers\":[]}",
         "UPSTREAM_UNEXPECTED"                                                                                         },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct twilio_page page;
        CHECK(read_page(rows[i][0], &page) != ERR_OK);
        CHECK_TEXT(err.reason, rows[i][1]);
    }
}

static void test_paths(void)
{
    CHECK_TEXT(twilio_path(arena, TWILIO_WORKSPACE, NULL, NULL, NULL), "/v1/Workspaces");
    CHECK_TEXT(twilio_path(arena, TWILIO_WORKSPACE, NULL, NULL, "WS1"), "/v1/Workspaces/WS1");
    CHECK_TEXT(twilio_path(arena, TWILIO_TASK_QUEUE, "WS1", NULL, NULL),
               "/v1/Workspaces/WS1/TaskQueues");
    CHECK_TEXT(twilio_path(arena, TWILIO_WORKER_CHANNEL, "WS1", "WK1", "WC1"),
               "/v1/Workspaces/WS1/Workers/WK1/Channels/WC1");
    CHECK_TEXT(twilio_path(arena, TWILIO_RESERVATION, "WS1", "WT1", NULL),
               "/v1/Workspaces/WS1/Tasks/WT1/Reservations");
    CHECK_TEXT(twilio_noun(TWILIO_TASK_QUEUE), "task queue");
    CHECK_TEXT(twilio_prefix(TWILIO_RESERVATION), "WR");
}

/* However little room there is, the answer is whole or a clean refusal. */
static void test_room(void)
{
    bool is_read = false;
    for (size_t bytes = 16; bytes < 8192 && !is_read; bytes += 16) {
        AUTO(arena_cleanup) struct arena *small = arena_new(bytes);
        ProtobufCMessage *message = NULL;
        err_clear(&err);
        enum err_code code = twilio_read(small, TWILIO_WORKER, STR(WORKER), &message, &err);
        CHECK(code == ERR_OK || code == ERR_RESOURCE_EXHAUSTED);
        is_read = code == ERR_OK;
    }
    CHECK(is_read);
}

static const struct test_case cases[] = {
    {"a worker is read whole",                           test_worker           },
    {"a workspace is read whole, and is Twilio's",       test_workspace        },
    {"worker channels and task channels are read whole", test_channels         },
    {"task queues and workflows are read whole",         test_routing          },
    {"tasks and reservations are read whole",            test_tasks            },
    {"what is not as documented is refused and named",   test_refused          },
    {"numbers have ranges and states have names",        test_numbers_and_names},
    {"a page has its items and the way to the next one", test_page             },
    {"a page of something else is refused",              test_page_refused     },
    {"every resource has its path",                      test_paths            },
    {"without room the answer is a refusal",             test_room             },
};

int main(int argc, char **argv)
{
    arena = arena_new(16 << 20);
    int status = testing_main("twilio json", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
