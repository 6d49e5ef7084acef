#include "twilio_render.h"

#include <string.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "testing.h"
#include "twilio_ops.h"
#include "twilio_views.h"

#define BASE "https://host/v1"

/* protobuf-c's texts are not const; nothing writes to them. */
static char *borrowed(const char *text)
{
    union {
        const char *from;
        char *to;
    } either = {.from = text};
    return either.to;
}

static const char *item_text(struct buf *out, const struct twilio_view *view,
                             const ProtobufCMessage *message)
{
    struct jx_writer w;
    struct err err = {0};
    buf_init(out, 0);
    jx_writer_init(&w, out);
    twilio_render_item(&w, view, BASE, message);
    CHECK_I64(jx_writer_finish(&w, &err), ERR_OK);
    return out->data;
}

static void an_empty_task_has_every_key(void)
{
    Taskrouter__Tasks__V1__Task task;
    taskrouter__tasks__v1__task__init(&task);
    struct buf out;
    CHECK_TEXT(
        item_text(&out, &twilio_view_task, &task.base),
        "{\"account_sid\":\"\",\"sid\":\"\",\"workspace_sid\":\"\",\"age\":0,"
        "\"assignment_status\":null,\"attributes\":\"{}\",\"addons\":\"{}\",\"priority\":0,"
        "\"reason\":null,\"timeout\":0,\"date_created\":null,\"date_updated\":null,"
        "\"task_queue_entered_date\":null,\"virtual_start_time\":null,\"task_queue_sid\":null,"
        "\"task_queue_friendly_name\":null,\"task_channel_sid\":null,"
        "\"task_channel_unique_name\":null,\"workflow_sid\":null,\"workflow_friendly_name\":null,"
        "\"ignore_capacity\":false,\"routing_target\":null,\"url\":null,\"links\":{"
        "\"task_queue\":null,\"workflow\":null,\"workspace\":null,\"reservations\":null}}");
    buf_fini(&out);
}

static void a_task_shows_what_it_has(void)
{
    Taskrouter__Tasks__V1__Task task;
    taskrouter__tasks__v1__task__init(&task);
    Google__Protobuf__Timestamp created;
    google__protobuf__timestamp__init(&created);
    AUTO(jx_cleanup) json_t *root = NULL;
    struct err err = {0};
    struct buf out;
    created.seconds = 1438651901;
    created.nanos = 999999999;
    task.sid = borrowed("WT1");
    task.workspace_sid = borrowed("WS1");
    task.attributes = borrowed("{\"a\":\"\xc3\xa9\"}");
    task.assignment_status = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_WRAPPING;
    task.priority = INT32_MAX;
    task.date_created = &created;
    task.workflow_sid = borrowed("WW1");
    task.workflow_name = borrowed("Main");
    (void)item_text(&out, &twilio_view_task, &task.base);
    CHECK_I64(jx_parse_object(buf_str(&out), NULL, &root, &err), ERR_OK);
    CHECK_TEXT(jx_get_text(root, "attributes", ""), "{\"a\":\"\xc3\xa9\"}");
    CHECK_TEXT(jx_get_text(root, "assignment_status", ""), "wrapping");
    CHECK_I64(jx_get_i64(root, "priority", 0), INT32_MAX);
    CHECK_TEXT(jx_get_text(root, "date_created", ""), "2015-08-04T01:31:41Z");
    CHECK_TEXT(jx_get_text(root, "workflow_friendly_name", ""), "Main");
    CHECK_TEXT(jx_get_text(root, "url", ""), BASE "/Workspaces/WS1/Tasks/WT1");
    CHECK_TEXT(jx_get_text(jx_get(root, "links"), "workflow", ""),
               BASE "/Workspaces/WS1/Workflows/WW1");
    CHECK(json_is_null(json_object_get(jx_get(root, "links"), "task_queue")));
    buf_fini(&out);
}

static void events_lead_to_their_resources(void)
{
#define N32 "00000000000000000000000000000001"
    static const struct {
        const char *resource;
        const char *data;
        const char *url; /* behind BASE; "" is null */
    } rows[] = {
        {"WK" N32,        "{}",                           "/Workspaces/WS" N32 "/Workers/WK" N32},
        {"WS" N32,        "{}",                           "/Workspaces/WS" N32                  },
        {"WR" N32,        "{\"task_sid\":\"WT" N32 "\"}",
         "/Workspaces/WS" N32 "/Tasks/WT" N32 "/Reservations/WR" N32                            },
        {"WR" N32,        "{}",                           ""                                    },
        {"WR" N32,        "no JSON",                      ""                                    },
        {"XX" N32,        "{}",                           ""                                    },
        {"service:tasks", "{}",                           ""                                    },
        {"",              "",                             ""                                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        Taskrouter__Tasks__V1__Event event;
        taskrouter__tasks__v1__event__init(&event);
        AUTO(jx_cleanup) json_t *root = NULL;
        struct err err = {0};
        struct buf out;
        event.workspace_sid = borrowed("WS" N32);
        event.resource_sid = borrowed(rows[i].resource);
        event.event_data = borrowed(rows[i].data);
        (void)item_text(&out, &twilio_view_event, &event.base);
        CHECK_I64(jx_parse_object(buf_str(&out), NULL, &root, &err), ERR_OK);
        buf_fini(&out);
        const char *url = jx_get_text(root, "resource_url", "");
        CHECK_TEXT(url[0] == '\0' ? "" : url + strlen(BASE), rows[i].url);
        bool is_object = rows[i].data[0] == '{';
        CHECK(json_is_object(json_object_get(root, "event_data")) == is_object);
    }
}

static const struct twilio_op *op_named(const char *name)
{
    for (size_t i = 0; i < twilio_op_count; i++) {
        if (strcmp(twilio_ops[i].name, name) == 0)
            return &twilio_ops[i];
    }
    return NULL;
}

static json_t *report_of(const char *op, const Taskrouter__Tasks__V1__StatisticsReport *report)
{
    struct jx_writer w;
    struct err err = {0};
    struct buf out;
    json_t *root = NULL;
    buf_init(&out, 0);
    jx_writer_init(&w, &out);
    twilio_render_report(&w, op_named(op), BASE "/x", &report->base);
    CHECK_I64(jx_writer_finish(&w, &err), ERR_OK);
    CHECK_I64(jx_parse_object(buf_str(&out), NULL, &root, &err), ERR_OK);
    buf_fini(&out);
    return root;
}

static bool has_exactly(const json_t *object, const char *keys)
{
    struct str rest = str_from(keys);
    size_t count = 0;
    while (rest.ptr != NULL) {
        struct str key = str_split(&rest, ' ');
        if (json_object_getn(object, key.ptr, key.len) == NULL) {
            fprintf(stderr, "no %.*s\n", STR_ARG(key));
            return false;
        }
        count++;
    }
    return count == json_object_size(object);
}

#define IDS "account_sid workspace_sid url"
#define COUNTS                                                                                     \
    "start_time end_time reservations_created reservations_accepted reservations_rejected "        \
    "reservations_timed_out reservations_canceled reservations_rescinded"
#define TASK_COUNTS                                                                                \
    "avg_task_acceptance_time wait_duration_until_accepted wait_duration_until_canceled "          \
    "split_by_wait_time tasks_canceled tasks_completed tasks_deleted tasks_moved"
#define WAITING                                                                                    \
    "longest_task_waiting_age longest_task_waiting_sid tasks_by_priority tasks_by_status "         \
    "total_tasks"

/* The vendor's schemas, key by key. */
static void statistics_have_the_keys_of_their_schema(void)
{
    static const struct {
        const char *op;
        const char *keys;
    } rows[] = {
        {"FetchWorkspaceStatistics",           IDS " realtime cumulative"                          },
        {"FetchWorkspaceRealTimeStatistics",   IDS " " WAITING " activity_statistics total_workers"},
        {"FetchWorkspaceCumulativeStatistics",
         IDS " " COUNTS " " TASK_COUNTS " tasks_created tasks_timed_out_in_workflow"               },
        {"FetchTaskQueueStatistics",           IDS " task_queue_sid realtime cumulative"           },
        {"FetchTaskQueueRealTimeStatistics",
         IDS " task_queue_sid " WAITING " activity_statistics longest_relative_task_age_in_queue "
             "longest_relative_task_sid_in_queue total_available_workers total_eligible_workers"   },
        {"FetchTaskQueueCumulativeStatistics",
         IDS " task_queue_sid " COUNTS " " TASK_COUNTS
             " tasks_entered wait_duration_in_queue_until_accepted"                                },
        {"FetchWorkflowStatistics",            IDS " workflow_sid realtime cumulative"             },
        {"FetchWorkflowRealTimeStatistics",    IDS " workflow_sid " WAITING                        },
        {"FetchWorkflowCumulativeStatistics",
         IDS " workflow_sid " COUNTS " " TASK_COUNTS " tasks_entered tasks_timed_out_in_workflow"  },
        {"FetchWorkerStatistics",              IDS " realtime cumulative"                          },
        {"FetchWorkersRealTimeStatistics",     IDS " activity_statistics total_workers"            },
        {"FetchWorkersCumulativeStatistics",   IDS " " COUNTS " activity_durations"                },
        {"FetchWorkerInstanceStatistics",      IDS " worker_sid cumulative"                        },
    };
    Taskrouter__Tasks__V1__StatisticsReport report;
    taskrouter__tasks__v1__statistics_report__init(&report);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(jx_cleanup) json_t *root = report_of(rows[i].op, &report);
        CHECK(has_exactly(root, rows[i].keys));
    }
}

static void averages_are_whole_in_the_flat_form(void)
{
    Taskrouter__Tasks__V1__StatisticsReport report;
    taskrouter__tasks__v1__statistics_report__init(&report);
    Taskrouter__Tasks__V1__CumulativeStatistics sums;
    taskrouter__tasks__v1__cumulative_statistics__init(&sums);
    sums.avg_task_acceptance_time = 2.75;
    report.cumulative = &sums;
    AUTO(jx_cleanup) json_t *flat = report_of("FetchWorkflowCumulativeStatistics", &report);
    AUTO(jx_cleanup) json_t *both = report_of("FetchWorkflowStatistics", &report);
    CHECK_I64(jx_get_i64(flat, "avg_task_acceptance_time", -1), 2);
    CHECK(json_real_value(jx_get(jx_get(both, "cumulative"), "avg_task_acceptance_time")) == 2.75);
}

static const struct test_case cases[] = {
    {"an empty task has every key",              an_empty_task_has_every_key             },
    {"a task shows what it has",                 a_task_shows_what_it_has                },
    {"events lead to their resources",           events_lead_to_their_resources          },
    {"statistics have the keys of their schema", statistics_have_the_keys_of_their_schema},
    {"averages are whole in the flat form",      averages_are_whole_in_the_flat_form     },
};

int main(int argc, char **argv)
{
    return testing_main("twilio render", cases, ARRAY_LEN(cases), argc, argv);
}
