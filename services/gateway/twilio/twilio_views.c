#include "twilio_views.h"

#include <stddef.h>

#define TEXT(key)                                                                                  \
    {                                                                                              \
        (key), TWILIO_SHOW_TEXT, (key)                                                             \
    }
#define OPTIONAL(key)                                                                              \
    {                                                                                              \
        (key), TWILIO_SHOW_OPTIONAL, (key)                                                         \
    }
#define OBJECT(key)                                                                                \
    {                                                                                              \
        (key), TWILIO_SHOW_OBJECT, (key)                                                           \
    }
#define BOOL(key)                                                                                  \
    {                                                                                              \
        (key), TWILIO_SHOW_BOOL, (key)                                                             \
    }
#define INT(key)                                                                                   \
    {                                                                                              \
        (key), TWILIO_SHOW_INT, (key)                                                              \
    }
#define DATE(key)                                                                                  \
    {                                                                                              \
        (key), TWILIO_SHOW_DATE, (key)                                                             \
    }
#define ENUM(key)                                                                                  \
    {                                                                                              \
        (key), TWILIO_SHOW_ENUM, (key)                                                             \
    }
#define UPPER(key)                                                                                 \
    {                                                                                              \
        (key), TWILIO_SHOW_ENUM_UPPER, (key)                                                       \
    }
#define AS(key, how, from)                                                                         \
    {                                                                                              \
        (key), TWILIO_SHOW_##how, (from)                                                           \
    }
#define URL(key, path)                                                                             \
    {                                                                                              \
        (key), TWILIO_SHOW_URL, (path)                                                             \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, TWILIO_SHOW_TEXT, NULL                                                               \
    }

#define WS "/Workspaces/{workspace_sid}"

/* clang-format off */
static const struct twilio_member workspace[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("friendly_name"), DATE("date_created"),
    DATE("date_updated"), OPTIONAL("default_activity_name"), OPTIONAL("default_activity_sid"),
    OPTIONAL("timeout_activity_name"), OPTIONAL("timeout_activity_sid"),
    TEXT("event_callback_url"), OPTIONAL("events_filter"), BOOL("multi_task_enabled"),
    UPPER("prioritize_queue_order"), URL("url", "/Workspaces/{sid}"), END,
};
static const struct twilio_member workspace_links[] = {
    URL("activities", "/Workspaces/{sid}/Activities"),
    URL("statistics", "/Workspaces/{sid}/Statistics"),
    URL("real_time_statistics", "/Workspaces/{sid}/RealTimeStatistics"),
    URL("cumulative_statistics", "/Workspaces/{sid}/CumulativeStatistics"),
    URL("task_queues", "/Workspaces/{sid}/TaskQueues"), URL("tasks", "/Workspaces/{sid}/Tasks"),
    URL("workers", "/Workspaces/{sid}/Workers"), URL("workflows", "/Workspaces/{sid}/Workflows"),
    URL("task_channels", "/Workspaces/{sid}/TaskChannels"),
    URL("events", "/Workspaces/{sid}/Events"), END,
};

static const struct twilio_member to_workspace[] = {URL("workspace", WS), END};

static const struct twilio_member activity[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), TEXT("friendly_name"),
    BOOL("available"), DATE("date_created"), DATE("date_updated"),
    URL("url", WS "/Activities/{sid}"), END,
};

static const struct twilio_member task_channel[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), TEXT("friendly_name"),
    TEXT("unique_name"), BOOL("channel_optimized_routing"), DATE("date_created"),
    DATE("date_updated"), URL("url", WS "/TaskChannels/{sid}"), END,
};

static const struct twilio_member worker[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), TEXT("friendly_name"),
    OPTIONAL("activity_name"), OPTIONAL("activity_sid"), OBJECT("attributes"), BOOL("available"),
    DATE("date_created"), DATE("date_status_changed"), DATE("date_updated"),
    URL("url", WS "/Workers/{sid}"), END,
};
/* Statistics of a worker are its own; the other three are those of all workers, as at Twilio. */
static const struct twilio_member worker_links[] = {
    URL("channels", WS "/Workers/{sid}/Channels"),
    URL("worker_channels", WS "/Workers/{sid}/Channels"),
    URL("activity", WS "/Activities/{activity_sid}"), URL("workspace", WS),
    URL("statistics", WS "/Workers/Statistics"),
    URL("real_time_statistics", WS "/Workers/RealTimeStatistics"),
    URL("cumulative_statistics", WS "/Workers/CumulativeStatistics"),
    URL("worker_statistics", WS "/Workers/{sid}/Statistics"),
    URL("reservations", WS "/Workers/{sid}/Reservations"), END,
};

static const struct twilio_member worker_channel[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), TEXT("worker_sid"),
    TEXT("task_channel_sid"), TEXT("task_channel_unique_name"), INT("configured_capacity"),
    INT("assigned_tasks"), BOOL("available"), INT("available_capacity_percentage"),
    DATE("date_created"), DATE("date_updated"),
    URL("url", WS "/Workers/{worker_sid}/Channels/{sid}"), END,
};

static const struct twilio_member task_queue[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), TEXT("friendly_name"),
    TEXT("target_workers"), UPPER("task_order"), INT("max_reserved_workers"),
    OPTIONAL("reservation_activity_sid"), OPTIONAL("reservation_activity_name"),
    OPTIONAL("assignment_activity_sid"), OPTIONAL("assignment_activity_name"),
    DATE("date_created"), DATE("date_updated"), URL("url", WS "/TaskQueues/{sid}"), END,
};
static const struct twilio_member task_queue_links[] = {
    URL("assignment_activity", WS "/Activities/{assignment_activity_sid}"),
    URL("reservation_activity", WS "/Activities/{reservation_activity_sid}"),
    URL("workspace", WS), URL("statistics", WS "/TaskQueues/{sid}/Statistics"),
    URL("real_time_statistics", WS "/TaskQueues/{sid}/RealTimeStatistics"),
    URL("cumulative_statistics", WS "/TaskQueues/{sid}/CumulativeStatistics"),
    URL("list_statistics", WS "/TaskQueues/Statistics"),
    URL("bulk_real_time_statistics", WS "/TaskQueues/RealTimeStatistics"), END,
};

static const struct twilio_member workflow[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), TEXT("friendly_name"),
    OPTIONAL("assignment_callback_url"), OPTIONAL("fallback_assignment_callback_url"),
    TEXT("configuration"), AS("document_content_type", CONSTANT, "application/json"),
    INT("task_reservation_timeout"), DATE("date_created"), DATE("date_updated"),
    URL("url", WS "/Workflows/{sid}"), END,
};
static const struct twilio_member workflow_links[] = {
    URL("statistics", WS "/Workflows/{sid}/Statistics"),
    URL("real_time_statistics", WS "/Workflows/{sid}/RealTimeStatistics"),
    URL("cumulative_statistics", WS "/Workflows/{sid}/CumulativeStatistics"), END,
};

static const struct twilio_member task[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), INT("age"),
    ENUM("assignment_status"), OBJECT("attributes"), OBJECT("addons"), INT("priority"),
    OPTIONAL("reason"), INT("timeout"), DATE("date_created"), DATE("date_updated"),
    DATE("task_queue_entered_date"), DATE("virtual_start_time"), OPTIONAL("task_queue_sid"),
    AS("task_queue_friendly_name", OPTIONAL, "task_queue_name"), OPTIONAL("task_channel_sid"),
    OPTIONAL("task_channel_unique_name"), OPTIONAL("workflow_sid"),
    AS("workflow_friendly_name", OPTIONAL, "workflow_name"), BOOL("ignore_capacity"),
    OPTIONAL("routing_target"), URL("url", WS "/Tasks/{sid}"), END,
};
static const struct twilio_member task_links[] = {
    URL("task_queue", WS "/TaskQueues/{task_queue_sid}"),
    URL("workflow", WS "/Workflows/{workflow_sid}"), URL("workspace", WS),
    URL("reservations", WS "/Tasks/{sid}/Reservations"), END,
};

#define RESERVATION                                                                                \
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), TEXT("task_sid"), TEXT("worker_sid"), \
    OPTIONAL("worker_name"), ENUM("reservation_status"), DATE("date_created"), DATE("date_updated")
static const struct twilio_member task_reservation[] = {
    RESERVATION, URL("url", WS "/Tasks/{task_sid}/Reservations/{sid}"), END,
};
static const struct twilio_member worker_reservation[] = {
    RESERVATION, URL("url", WS "/Workers/{worker_sid}/Reservations/{sid}"), END,
};
static const struct twilio_member reservation_links[] = {
    URL("task", WS "/Tasks/{task_sid}"), URL("worker", WS "/Workers/{worker_sid}"),
    URL("workspace", WS), END,
};

static const struct twilio_member event[] = {
    TEXT("account_sid"), TEXT("sid"), TEXT("workspace_sid"), TEXT("event_type"),
    DATE("event_date"), AS("event_date_ms", DATE_MS, "event_date"), OPTIONAL("description"),
    AS("event_data", JSON, "event_data"), OPTIONAL("actor_type"), AS("actor_sid", SID, "actor_sid"),
    AS("actor_url", SID_URL, "actor_sid"), OPTIONAL("resource_type"),
    AS("resource_sid", SID, "resource_sid"), AS("resource_url", SID_URL, "resource_sid"),
    OPTIONAL("source"), OPTIONAL("source_ip_address"), URL("url", WS "/Events/{sid}"), END,
};
/* clang-format on */

const struct twilio_view twilio_view_workspace = {.members = workspace, .links = workspace_links};
const struct twilio_view twilio_view_activity = {.members = activity, .links = to_workspace};
const struct twilio_view twilio_view_task_channel = {.members = task_channel,
                                                     .links = to_workspace};
const struct twilio_view twilio_view_worker = {.members = worker, .links = worker_links};
const struct twilio_view twilio_view_worker_channel = {.members = worker_channel};
const struct twilio_view twilio_view_task_queue = {.members = task_queue,
                                                   .links = task_queue_links};
const struct twilio_view twilio_view_workflow = {.members = workflow, .links = workflow_links};
const struct twilio_view twilio_view_task = {.members = task, .links = task_links};
const struct twilio_view twilio_view_task_reservation = {.members = task_reservation,
                                                         .links = reservation_links};
const struct twilio_view twilio_view_worker_reservation = {.members = worker_reservation,
                                                           .links = reservation_links};
const struct twilio_view twilio_view_event = {.members = event};
const struct twilio_view twilio_view_workspace_stats = {.stats = TWILIO_STATS_WORKSPACE};
const struct twilio_view twilio_view_queue_stats = {.stats = TWILIO_STATS_QUEUE,
                                                    .sid_key = "task_queue_sid"};
const struct twilio_view twilio_view_workflow_stats = {.stats = TWILIO_STATS_WORKFLOW,
                                                       .sid_key = "workflow_sid"};
const struct twilio_view twilio_view_workers_stats = {.stats = TWILIO_STATS_WORKERS};
const struct twilio_view twilio_view_worker_stats = {.stats = TWILIO_STATS_WORKER,
                                                     .sid_key = "worker_sid"};
