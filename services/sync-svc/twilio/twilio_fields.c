#include "twilio_fields.h"

#include <stddef.h>

#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

/* Bounds of what is taken in. The owners know the rules of each field; these keep an answer from
 * filling memory with what no rule allows. */
enum {
    NAME_CHARS = 512,
    URL_CHARS = 4096,
    EVENTS_CHARS = 8192,
    EXPRESSION_CHARS = 65536,
    ATTRIBUTES_CHARS = 4096,
    ADDONS_CHARS = 65536,
    REASON_CHARS = 8192,
    DOCUMENT_CHARS = 1 << 20,
    SECONDS_DAY = 86400,
};

/* clang-format off */
#define SID(key, prefix)          {key, key, TWILIO_TYPE_SID, true, prefix, 0, 0}
#define SID_OR_NULL(key, prefix)  {key, key, TWILIO_TYPE_SID, false, prefix, 0, 0}
#define TEXT(key, max)            {key, key, TWILIO_TYPE_TEXT, false, NULL, 0, max}
#define TEXT_AS(key, name, max)   {key, name, TWILIO_TYPE_TEXT, false, NULL, 0, max}
#define NEED_TEXT(key, max)       {key, key, TWILIO_TYPE_TEXT, true, NULL, 0, max}
#define OBJECT(key, max)          {key, key, TWILIO_TYPE_OBJECT, false, NULL, 0, max}
#define BOOL(key)                 {key, key, TWILIO_TYPE_BOOL, true, NULL, 0, 0}
#define BOOL_OR_NULL(key)         {key, key, TWILIO_TYPE_BOOL, false, NULL, 0, 0}
#define INT(key, min, max)        {key, key, TWILIO_TYPE_INT, true, NULL, min, max}
#define INT_OR_NULL(key, min, max) {key, key, TWILIO_TYPE_INT, false, NULL, min, max}
#define DATE(key)                 {key, key, TWILIO_TYPE_DATE, false, NULL, 0, 0}
#define ENUM(key, before)         {key, key, TWILIO_TYPE_ENUM, true, before, 0, 0}
#define ENUM_OR_NULL(key, before) {key, key, TWILIO_TYPE_ENUM, false, before, 0, 0}
#define END                       {NULL, NULL, TWILIO_TYPE_TEXT, false, NULL, 0, 0}
#define DATES                     DATE("date_created"), DATE("date_updated")
#define WITHIN                    SID("account_sid", "AC"), SID("workspace_sid", "WS")

static const struct twilio_field workspace[] = {
    SID("sid", "WS"), SID("account_sid", "AC"), NEED_TEXT("friendly_name", NAME_CHARS),
    SID_OR_NULL("default_activity_sid", "WA"), TEXT("default_activity_name", NAME_CHARS),
    SID_OR_NULL("timeout_activity_sid", "WA"), TEXT("timeout_activity_name", NAME_CHARS),
    TEXT("event_callback_url", URL_CHARS), TEXT("events_filter", EVENTS_CHARS),
    BOOL("multi_task_enabled"), ENUM_OR_NULL("prioritize_queue_order", "QUEUE_ORDER_"), DATES, END,
};

static const struct twilio_field activity[] = {
    SID("sid", "WA"), WITHIN, NEED_TEXT("friendly_name", NAME_CHARS), BOOL("available"), DATES, END,
};

static const struct twilio_field worker[] = {
    SID("sid", "WK"), WITHIN, NEED_TEXT("friendly_name", NAME_CHARS),
    OBJECT("attributes", ATTRIBUTES_CHARS), SID("activity_sid", "WA"),
    TEXT("activity_name", NAME_CHARS), BOOL("available"), DATE("date_status_changed"), DATES, END,
};

static const struct twilio_field worker_channel[] = {
    SID("sid", "WC"), WITHIN, SID("worker_sid", "WK"), SID("task_channel_sid", "TC"),
    NEED_TEXT("task_channel_unique_name", NAME_CHARS), INT("configured_capacity", 0, INT32_MAX),
    BOOL("available"), INT_OR_NULL("assigned_tasks", 0, INT32_MAX),
    INT_OR_NULL("available_capacity_percentage", 0, 100), DATES, END,
};

static const struct twilio_field task_queue[] = {
    SID("sid", "WQ"), WITHIN, NEED_TEXT("friendly_name", NAME_CHARS),
    TEXT("target_workers", EXPRESSION_CHARS), INT("max_reserved_workers", 1, INT32_MAX),
    ENUM("task_order", "TASK_ORDER_"), SID_OR_NULL("reservation_activity_sid", "WA"),
    TEXT("reservation_activity_name", NAME_CHARS), SID_OR_NULL("assignment_activity_sid", "WA"),
    TEXT("assignment_activity_name", NAME_CHARS), DATES, END,
};

static const struct twilio_field task_channel[] = {
    SID("sid", "TC"), WITHIN, NEED_TEXT("friendly_name", NAME_CHARS),
    NEED_TEXT("unique_name", NAME_CHARS), BOOL_OR_NULL("channel_optimized_routing"), DATES, END,
};

static const struct twilio_field workflow[] = {
    SID("sid", "WW"), WITHIN, NEED_TEXT("friendly_name", NAME_CHARS),
    NEED_TEXT("configuration", DOCUMENT_CHARS), TEXT("assignment_callback_url", URL_CHARS),
    TEXT("fallback_assignment_callback_url", URL_CHARS),
    INT("task_reservation_timeout", 0, SECONDS_DAY), DATES, END,
};

static const struct twilio_field task[] = {
    SID("sid", "WT"), WITHIN, OBJECT("attributes", ATTRIBUTES_CHARS),
    ENUM("assignment_status", "TASK_STATUS_"), INT("priority", 0, INT32_MAX),
    TEXT("reason", REASON_CHARS), INT("timeout", 0, INT32_MAX),
    SID_OR_NULL("task_queue_sid", "WQ"),
    TEXT_AS("task_queue_friendly_name", "task_queue_name", NAME_CHARS),
    SID_OR_NULL("task_channel_sid", "TC"), TEXT("task_channel_unique_name", NAME_CHARS),
    SID_OR_NULL("workflow_sid", "WW"),
    TEXT_AS("workflow_friendly_name", "workflow_name", NAME_CHARS), BOOL_OR_NULL("ignore_capacity"),
    TEXT("routing_target", NAME_CHARS), DATE("task_queue_entered_date"),
    DATE("virtual_start_time"), INT_OR_NULL("age", 0, INT64_MAX), OBJECT("addons", ADDONS_CHARS),
    DATES, END,
};

static const struct twilio_field reservation[] = {
    SID("sid", "WR"), WITHIN, SID("task_sid", "WT"), SID("worker_sid", "WK"),
    TEXT("worker_name", NAME_CHARS), ENUM("reservation_status", "RESERVATION_STATUS_"), DATES, END,
};

const struct twilio_table twilio_tables[TWILIO_RESOURCE_COUNT] = {
    [TWILIO_WORKSPACE] = {"workspace", "WS", NULL, NULL, "workspaces",
                          &taskrouter__workers__v1__workspace__descriptor, workspace},
    [TWILIO_ACTIVITY] = {"activity", "WA", "Activities", NULL, "activities",
                         &taskrouter__workers__v1__activity__descriptor, activity},
    [TWILIO_WORKER] = {"worker", "WK", "Workers", NULL, "workers",
                       &taskrouter__workers__v1__worker__descriptor, worker},
    [TWILIO_WORKER_CHANNEL] = {"worker channel", "WC", "Channels", "Workers", "channels",
                               &taskrouter__workers__v1__worker_channel__descriptor,
                               worker_channel},
    [TWILIO_TASK_QUEUE] = {"task queue", "WQ", "TaskQueues", NULL, "task_queues",
                           &taskrouter__queues__v1__task_queue__descriptor, task_queue},
    [TWILIO_TASK_CHANNEL] = {"task channel", "TC", "TaskChannels", NULL, "channels",
                             &taskrouter__queues__v1__task_channel__descriptor, task_channel},
    [TWILIO_WORKFLOW] = {"workflow", "WW", "Workflows", NULL, "workflows",
                         &taskrouter__routing__v1__workflow__descriptor, workflow},
    [TWILIO_TASK] = {"task", "WT", "Tasks", NULL, "tasks",
                     &taskrouter__tasks__v1__task__descriptor, task},
    [TWILIO_RESERVATION] = {"reservation", "WR", "Reservations", "Tasks", "reservations",
                            &taskrouter__tasks__v1__reservation__descriptor, reservation},
};
/* clang-format on */
