#include "twilio_ops.h"

#include <string.h>

#include "base/macros.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "twilio_views.h"

#define WORKSPACES TWILIO_PREFIX "/Workspaces"
#define BELOW      WORKSPACES "/{WorkspaceSid}"

/* The method of an area with the types of its request and reply: RPC(workers, WORKERS, Workers,
 * GetWorker, get_worker, worker). */
#define RPC(area, peer_, service, method_, request_, reply_)                                       \
    {                                                                                              \
        PEER_##peer_, "/taskrouter." #area ".v1." #service "/" #method_,                           \
            &taskrouter__##area##__v1__##request_##_request__descriptor,                           \
            &taskrouter__##area##__v1__##reply_##__descriptor                                      \
    }

#define RPC_VOID(area, peer_, service, method_, request_)                                          \
    {                                                                                              \
        PEER_##peer_, "/taskrouter." #area ".v1." #service "/" #method_,                           \
            &taskrouter__##area##__v1__##request_##_request__descriptor, NULL                      \
    }

#define LIST(name_, path_)                                                                         \
    .name = (name_), .method = HTTP_GET, .pattern = (path_), .kind = TWILIO_LIST,                  \
    .role = ROLE_VIEWER
#define FETCH(name_, path_)                                                                        \
    .name = (name_), .method = HTTP_GET, .pattern = (path_), .kind = TWILIO_FETCH,                 \
    .role = ROLE_VIEWER
#define CREATE(name_, path_, role_)                                                                \
    .name = (name_), .method = HTTP_POST, .pattern = (path_), .kind = TWILIO_CREATE,               \
    .role = ROLE_##role_
#define UPDATE(name_, path_, role_)                                                                \
    .name = (name_), .method = HTTP_POST, .pattern = (path_), .kind = TWILIO_UPDATE,               \
    .role = ROLE_##role_
#define DELETE(name_, path_, role_)                                                                \
    .name = (name_), .method = HTTP_DELETE, .pattern = (path_), .kind = TWILIO_DELETE,             \
    .role = ROLE_##role_

#define PARAMS(...)  .params = ((const struct twilio_op_param[]){__VA_ARGS__, {.name = NULL}})
#define PATH(...)    .path = ((const struct twilio_path[]){__VA_ARGS__, {.name = NULL}})
#define ACTIONS(...) .actions = ((const struct twilio_action[]){__VA_ARGS__, {.param = NULL}})

/* Parameters of the item or request. */
#define TEXT(name_, field_)                                                                        \
    {                                                                                              \
        .name = (name_), .type = TWILIO_TEXT, .field = (field_)                                    \
    }
#define NEEDED(name_, field_)                                                                      \
    {                                                                                              \
        .name = (name_), .type = TWILIO_TEXT, .field = (field_), .is_required = true               \
    }
#define SID(name_, field_, words_)                                                                 \
    {                                                                                              \
        .name = (name_), .type = TWILIO_SID, .field = (field_), .words = (words_)                  \
    }
#define BOOL(name_, field_)                                                                        \
    {                                                                                              \
        .name = (name_), .type = TWILIO_BOOL, .field = (field_)                                    \
    }
#define INT(name_, field_)                                                                         \
    {                                                                                              \
        .name = (name_), .type = TWILIO_INT, .field = (field_)                                     \
    }
/* Where 0 would count as absent. */
#define RANGED(name_, field_, min_, max_)                                                          \
    {                                                                                              \
        .name = (name_), .type = TWILIO_INT, .field = (field_), .min = (min_), .max = (max_)       \
    }
#define DATE(name_, field_)                                                                        \
    {                                                                                              \
        .name = (name_), .type = TWILIO_DATE, .field = (field_)                                    \
    }
#define ENUM(name_, field_, words_)                                                                \
    {                                                                                              \
        .name = (name_), .type = TWILIO_ENUM, .field = (field_), .words = (words_)                 \
    }
#define ENUMS(name_, field_, words_)                                                               \
    {                                                                                              \
        .name = (name_), .type = TWILIO_ENUMS, .field = (field_), .words = (words_)                \
    }
#define INTS(name_, field_)                                                                        \
    {                                                                                              \
        .name = (name_), .type = TWILIO_INTS, .field = (field_)                                    \
    }
#define BESIDE(name_, type_, field_)                                                               \
    {                                                                                              \
        .name = (name_), .type = TWILIO_##type_, .field = (field_), .target = TWILIO_OF_REQUEST    \
    }
#define FIELD_OF_ACTION(name_, type_, field_, words_)                                              \
    {                                                                                              \
        .name = (name_), .type = TWILIO_##type_, .field = (field_), .target = TWILIO_OF_ACTION,    \
        .words = (words_)                                                                          \
    }
#define SELECTS(name_)                                                                             \
    {                                                                                              \
        .name = (name_), .type = TWILIO_WORD                                                       \
    }

/* Members of an instruction. */
#define DATA(name_, type_)                                                                         \
    {                                                                                              \
        .name = (name_), .type = TWILIO_##type_, .target = TWILIO_OF_DATA                          \
    }
#define DATA_OF(name_, type_, words_)                                                              \
    {                                                                                              \
        .name = (name_), .type = TWILIO_##type_, .target = TWILIO_OF_DATA, .words = (words_)       \
    }
#define DATA_INT(name_, min_, max_)                                                                \
    {                                                                                              \
        .name = (name_), .type = TWILIO_INT, .target = TWILIO_OF_DATA, .min = (min_),              \
        .max = (max_)                                                                              \
    }

#define ORDERS        "FIFO,LIFO"
#define TASK_STATUSES "pending,reserved,assigned,wrapping,completed,canceled"
#define RESERVATION_STATUSES                                                                       \
    "pending,accepted,rejected,timeout,canceled,rescinded,wrapping,completed"
#define CALL_EVENTS       "initiated,ringing,answered,completed"
#define CONFERENCE_EVENTS "start,end,join,leave,mute,hold,speaker"
#define METHODS           "GET,POST"
#define RECORDS           "record-from-answer,do-not-record"

/* clang-format off */
#define RESERVATION_PARAMS                                                                         \
    SELECTS("ReservationStatus"), SELECTS("Instruction"),                                          \
    FIELD_OF_ACTION("WorkerActivitySid", SID, "worker_activity_sid", "WA"),                        \
    DATA_OF("WorkerActivitySid", SID, "WA"),                                                       \
    DATA("DequeueTo", TEXT), DATA("DequeueFrom", TEXT),                                            \
    DATA_OF("DequeueRecord", CHOICE, RECORDS), DATA_INT("DequeueTimeout", 1, 999),                 \
    DATA("DequeueStatusCallbackUrl", TEXT),                                                        \
    DATA_OF("DequeueStatusCallbackEvent", CHOICES, CALL_EVENTS),                                   \
    DATA_OF("DequeuePostWorkActivitySid", SID, "WA"),                                              \
    DATA("CallTo", TEXT), DATA("CallFrom", TEXT), DATA("CallUrl", TEXT),                           \
    DATA_OF("CallRecord", CHOICE, RECORDS), DATA_INT("CallTimeout", 1, 999),                       \
    DATA("CallStatusCallbackUrl", TEXT), DATA("CallAccept", BOOL),                                 \
    DATA_OF("RedirectCallSid", SID, "CA"), DATA("RedirectUrl", TEXT),                              \
    DATA("RedirectAccept", BOOL),                                                                  \
    DATA("To", TEXT), DATA("From", TEXT), DATA_INT("Timeout", 1, 999), DATA("Record", BOOL),       \
    DATA("Muted", BOOL), DATA_OF("Beep", CHOICE, "true,false,onEnter,onExit"),                     \
    DATA("StartConferenceOnEnter", BOOL), DATA("EndConferenceOnExit", BOOL),                       \
    DATA("EndConferenceOnCustomerExit", BOOL), DATA("BeepOnCustomerEntrance", BOOL),               \
    DATA("WaitUrl", TEXT), DATA_OF("WaitMethod", CHOICE, METHODS), DATA("EarlyMedia", BOOL),       \
    DATA_INT("MaxParticipants", 2, 250), DATA("StatusCallback", TEXT),                             \
    DATA_OF("StatusCallbackMethod", CHOICE, METHODS),                                              \
    DATA_OF("StatusCallbackEvent", CHOICES, CALL_EVENTS),                                          \
    DATA("ConferenceStatusCallback", TEXT),                                                        \
    DATA_OF("ConferenceStatusCallbackMethod", CHOICE, METHODS),                                    \
    DATA_OF("ConferenceStatusCallbackEvent", CHOICES, CONFERENCE_EVENTS),                          \
    DATA_OF("ConferenceRecord", CHOICE, "true,false,record-from-start,do-not-record"),             \
    DATA_OF("ConferenceTrim", CHOICE, "trim-silence,do-not-trim"),                                 \
    DATA_OF("RecordingChannels", CHOICE, "mono,dual"),                                             \
    DATA("RecordingStatusCallback", TEXT),                                                         \
    DATA_OF("RecordingStatusCallbackMethod", CHOICE, METHODS),                                     \
    DATA("ConferenceRecordingStatusCallback", TEXT),                                               \
    DATA_OF("ConferenceRecordingStatusCallbackMethod", CHOICE, METHODS),                           \
    DATA_OF("Region", CHOICE, "us1,us2,ie1,de1,sg1,br1,au1,jp1"),                                  \
    DATA("SipAuthUsername", TEXT), DATA("SipAuthPassword", TEXT),                                  \
    DATA_OF("JitterBufferSize", CHOICE, "small,medium,large,off"),                                 \
    DATA_OF("PostWorkActivitySid", SID, "WA")

#define RESERVATION_ACTIONS                                                                        \
    ACTIONS({"ReservationStatus", "accepted", NULL, NULL, false,                                                \
             RPC(tasks, TASKS, Tasks, AcceptReservation, reservation_action, reservation), false}, \
            {"ReservationStatus", "rejected", NULL, NULL, false,                                                \
             RPC(tasks, TASKS, Tasks, RejectReservation, reservation_action, reservation), false}, \
            {"ReservationStatus", "wrapping", NULL, NULL, false,                                                \
             RPC(tasks, TASKS, Tasks, WrapUpReservation, reservation_action, reservation), false}, \
            {"ReservationStatus", "completed", NULL, NULL, false,                                               \
             RPC(tasks, TASKS, Tasks, CompleteReservation, reservation_action, reservation),       \
             false},                                                                               \
            {"Instruction", NULL, "instruction", NULL, false,                                                   \
             RPC(tasks, TASKS, Tasks, InstructReservation, reservation_action, reservation),       \
             false})

#define RANGE                                                                                      \
    INT("Minutes", "minutes"), DATE("StartDate", "start_date"), DATE("EndDate", "end_date"),       \
    TEXT("TaskChannel", "task_channel")
#define SPLIT INTS("SplitByWaitTime", "split_by_wait_time")

#define STATISTICS(method_)                                                                        \
    .call = RPC(tasks, TASKS, Statistics, method_, statistics, statistics_report)
#define REALTIME   .part = TASKROUTER__TASKS__V1__STATISTICS_PART__STATISTICS_PART_REALTIME
#define CUMULATIVE .part = TASKROUTER__TASKS__V1__STATISTICS_PART__STATISTICS_PART_CUMULATIVE

static const struct twilio_call get_task = RPC(tasks, TASKS, Tasks, GetTask, get_task, task);
static const struct twilio_call get_worker =
    RPC(workers, WORKERS, Workers, GetWorker, get_worker, worker);

const struct twilio_op twilio_ops[] = {
    /* ---- workspaces ---- */
    {LIST("ListWorkspace", WORKSPACES), .view = &twilio_view_workspace, .key = "workspaces",
     .call = RPC(workers, WORKERS, Workers, ListWorkspaces, list_workspaces,
                 list_workspaces_response),
     PARAMS(TEXT("FriendlyName", "friendly_name"))},
    {CREATE("CreateWorkspace", WORKSPACES, ADMIN), .changes_workspaces = true, .view = &twilio_view_workspace,
     .call = RPC(workers, WORKERS, Workers, CreateWorkspace, create_workspace, workspace),
     PARAMS(NEEDED("FriendlyName", "friendly_name"), TEXT("EventCallbackUrl", "event_callback_url"),
            TEXT("EventsFilter", "events_filter"), BOOL("MultiTaskEnabled", "multi_task_enabled"),
            TEXT("Template", "template"), ENUM("PrioritizeQueueOrder", "prioritize_queue_order", ORDERS))},
    {FETCH("FetchWorkspace", WORKSPACES "/{Sid}"), .view = &twilio_view_workspace,
     PATH({"Sid", "WS", "sid", NULL}),
     .call = RPC(workers, WORKERS, Workers, GetWorkspace, get_workspace, workspace)},
    {UPDATE("UpdateWorkspace", WORKSPACES "/{Sid}", ADMIN), .view = &twilio_view_workspace,
     PATH({"Sid", "WS", "sid", NULL}), .nested = "workspace",
     .call = RPC(workers, WORKERS, Workers, UpdateWorkspace, update_workspace, workspace),
     PARAMS(TEXT("FriendlyName", "friendly_name"), TEXT("EventCallbackUrl", "event_callback_url"),
            TEXT("EventsFilter", "events_filter"), BOOL("MultiTaskEnabled", "multi_task_enabled"),
            SID("DefaultActivitySid", "default_activity_sid", "WA"),
            SID("TimeoutActivitySid", "timeout_activity_sid", "WA"),
            ENUM("PrioritizeQueueOrder", "prioritize_queue_order", ORDERS))},
    {DELETE("DeleteWorkspace", WORKSPACES "/{Sid}", ADMIN), .changes_workspaces = true, PATH({"Sid", "WS", "sid", NULL}),
     .call = RPC_VOID(workers, WORKERS, Workers, DeleteWorkspace, delete_workspace)},

    /* ---- activities ---- */
    {LIST("ListActivity", BELOW "/Activities"), .view = &twilio_view_activity, .key = "activities",
     .call = RPC(workers, WORKERS, Workers, ListActivities, list_activities,
                 list_activities_response),
     PARAMS(TEXT("FriendlyName", "friendly_name"), BOOL("Available", "available"))},
    {CREATE("CreateActivity", BELOW "/Activities", SUPERVISOR), .view = &twilio_view_activity,
     .call = RPC(workers, WORKERS, Workers, CreateActivity, create_activity, activity),
     PARAMS(NEEDED("FriendlyName", "friendly_name"), BOOL("Available", "available"))},
    {FETCH("FetchActivity", BELOW "/Activities/{Sid}"), .view = &twilio_view_activity,
     PATH({"Sid", "WA", "sid", NULL}),
     .call = RPC(workers, WORKERS, Workers, GetActivity, get_activity, activity)},
    {UPDATE("UpdateActivity", BELOW "/Activities/{Sid}", SUPERVISOR),
     .view = &twilio_view_activity, PATH({"Sid", "WA", "sid", NULL}), .nested = "activity",
     .call = RPC(workers, WORKERS, Workers, UpdateActivity, update_activity, activity),
     PARAMS(TEXT("FriendlyName", "friendly_name"))},
    {DELETE("DeleteActivity", BELOW "/Activities/{Sid}", SUPERVISOR),
     PATH({"Sid", "WA", "sid", NULL}),
     .call = RPC_VOID(workers, WORKERS, Workers, DeleteActivity, delete_activity)},

    /* ---- task channels ---- */
    {LIST("ListTaskChannel", BELOW "/TaskChannels"), .view = &twilio_view_task_channel,
     .key = "channels",
     .call = RPC(queues, QUEUES, Queues, ListTaskChannels, list_task_channels,
                 list_task_channels_response)},
    {CREATE("CreateTaskChannel", BELOW "/TaskChannels", ADMIN), .view = &twilio_view_task_channel,
     .call = RPC(queues, QUEUES, Queues, CreateTaskChannel, create_task_channel, task_channel),
     PARAMS(NEEDED("FriendlyName", "friendly_name"), NEEDED("UniqueName", "unique_name"),
            BOOL("ChannelOptimizedRouting", "channel_optimized_routing"))},
    {FETCH("FetchTaskChannel", BELOW "/TaskChannels/{Sid}"), .view = &twilio_view_task_channel,
     PATH({"Sid", NULL, "channel", NULL}),
     .call = RPC(queues, QUEUES, Queues, GetTaskChannel, get_task_channel, task_channel)},
    {UPDATE("UpdateTaskChannel", BELOW "/TaskChannels/{Sid}", ADMIN),
     .view = &twilio_view_task_channel, PATH({"Sid", NULL, "sid", NULL}), .nested = "task_channel",
     .call = RPC(queues, QUEUES, Queues, UpdateTaskChannel, update_task_channel, task_channel),
     PARAMS(TEXT("FriendlyName", "friendly_name"),
            BOOL("ChannelOptimizedRouting", "channel_optimized_routing"))},
    {DELETE("DeleteTaskChannel", BELOW "/TaskChannels/{Sid}", ADMIN),
     PATH({"Sid", NULL, "channel", NULL}),
     .call = RPC_VOID(queues, QUEUES, Queues, DeleteTaskChannel, delete_task_channel)},

    /* ---- workers ---- */
    {LIST("ListWorker", BELOW "/Workers"), .rate = RATE_TARGET_WORKERS,
     .rate_param = "TargetWorkersExpression", .view = &twilio_view_worker, .key = "workers",
     .has_etag = true,
     .call = RPC(workers, WORKERS, Workers, ListWorkers, list_workers, list_workers_response),
     PARAMS(TEXT("ActivityName", "activity_name"), SID("ActivitySid", "activity_sid", "WA"),
            BOOL("Available", "available"), TEXT("FriendlyName", "friendly_name"),
            TEXT("TargetWorkersExpression", "target_workers_expression"),
            TEXT("TaskQueueName", "task_queue_name"), SID("TaskQueueSid", "task_queue_sid", "WQ"),
            TEXT("Ordering", "ordering"))},
    {CREATE("CreateWorker", BELOW "/Workers", SUPERVISOR), .view = &twilio_view_worker,
     .has_etag = true,
     .call = RPC(workers, WORKERS, Workers, CreateWorker, create_worker, worker),
     PARAMS(NEEDED("FriendlyName", "friendly_name"), SID("ActivitySid", "activity_sid", "WA"),
            TEXT("Attributes", "attributes"))},
    {FETCH("FetchWorker", BELOW "/Workers/{Sid}"), .view = &twilio_view_worker, .has_etag = true,
     PATH({"Sid", "WK", "sid", NULL}),
     .call = RPC(workers, WORKERS, Workers, GetWorker, get_worker, worker)},
    {UPDATE("UpdateWorker", BELOW "/Workers/{Sid}", AGENT), .view = &twilio_view_worker,
     .has_etag = true, PATH({"Sid", "WK", "sid", NULL}), .nested = "worker",
     .call = RPC(workers, WORKERS, Workers, UpdateWorker, update_worker, worker),
     PARAMS(TEXT("FriendlyName", "friendly_name"), SID("ActivitySid", "activity_sid", "WA"),
            TEXT("Attributes", "attributes"),
            BESIDE("RejectPendingReservations", BOOL, "reject_pending_reservations"))},
    {DELETE("DeleteWorker", BELOW "/Workers/{Sid}", SUPERVISOR), .has_etag = true,
     PATH({"Sid", "WK", "sid", NULL}),
     .call = RPC_VOID(workers, WORKERS, Workers, DeleteWorker, delete_worker)},

    /* ---- worker channels ---- */
    {LIST("ListWorkerChannel", BELOW "/Workers/{WorkerSid}/Channels"),
     .view = &twilio_view_worker_channel, .key = "channels",
     PATH({"WorkerSid", "WK", "worker_sid", NULL}),
     .call = RPC(workers, WORKERS, Workers, ListWorkerChannels, list_worker_channels,
                 list_worker_channels_response),
     .parent = &get_worker, .parent_field = "sid"},
    {FETCH("FetchWorkerChannel", BELOW "/Workers/{WorkerSid}/Channels/{Sid}"),
     .view = &twilio_view_worker_channel,
     PATH({"WorkerSid", "WK", "worker_sid", NULL}, {"Sid", NULL, "channel", NULL}),
     .call = RPC(workers, WORKERS, Workers, GetWorkerChannel, get_worker_channel, worker_channel)},
    {UPDATE("UpdateWorkerChannel", BELOW "/Workers/{WorkerSid}/Channels/{Sid}", SUPERVISOR),
     .view = &twilio_view_worker_channel,
     PATH({"WorkerSid", "WK", "worker_sid", NULL}, {"Sid", NULL, "channel", NULL}),
     .call = RPC(workers, WORKERS, Workers, UpdateWorkerChannel, update_worker_channel,
                 worker_channel),
     PARAMS(INT("Capacity", "capacity"), BOOL("Available", "available"))},

    /* ---- task queues ---- */
    {LIST("ListTaskQueue", BELOW "/TaskQueues"), .rate = RATE_EVALUATE_WORKERS,
     .rate_param = "EvaluateWorkerAttributes", .view = &twilio_view_task_queue,
     .key = "task_queues",
     .call = RPC(queues, QUEUES, Queues, ListTaskQueues, list_task_queues,
                 list_task_queues_response),
     PARAMS(TEXT("FriendlyName", "friendly_name"),
            TEXT("EvaluateWorkerAttributes", "evaluate_worker_attributes"),
            SID("WorkerSid", "worker_sid", "WK"), TEXT("Ordering", "ordering"))},
    {CREATE("CreateTaskQueue", BELOW "/TaskQueues", SUPERVISOR), .view = &twilio_view_task_queue,
     .call = RPC(queues, QUEUES, Queues, CreateTaskQueue, create_task_queue, task_queue),
     PARAMS(NEEDED("FriendlyName", "friendly_name"), TEXT("TargetWorkers", "target_workers"),
            RANGED("MaxReservedWorkers", "max_reserved_workers", 1, 50), ENUM("TaskOrder", "task_order", ORDERS),
            SID("ReservationActivitySid", "reservation_activity_sid", "WA"),
            SID("AssignmentActivitySid", "assignment_activity_sid", "WA"))},
    {FETCH("FetchTaskQueue", BELOW "/TaskQueues/{Sid}"), .view = &twilio_view_task_queue,
     PATH({"Sid", "WQ", "sid", NULL}),
     .call = RPC(queues, QUEUES, Queues, GetTaskQueue, get_task_queue, task_queue)},
    {UPDATE("UpdateTaskQueue", BELOW "/TaskQueues/{Sid}", SUPERVISOR),
     .view = &twilio_view_task_queue, PATH({"Sid", "WQ", "sid", NULL}), .nested = "task_queue",
     .call = RPC(queues, QUEUES, Queues, UpdateTaskQueue, update_task_queue, task_queue),
     PARAMS(TEXT("FriendlyName", "friendly_name"), TEXT("TargetWorkers", "target_workers"),
            RANGED("MaxReservedWorkers", "max_reserved_workers", 1, 50), ENUM("TaskOrder", "task_order", ORDERS),
            SID("ReservationActivitySid", "reservation_activity_sid", "WA"),
            SID("AssignmentActivitySid", "assignment_activity_sid", "WA"))},
    {DELETE("DeleteTaskQueue", BELOW "/TaskQueues/{Sid}", SUPERVISOR),
     PATH({"Sid", "WQ", "sid", NULL}),
     .call = RPC_VOID(queues, QUEUES, Queues, DeleteTaskQueue, delete_task_queue)},

    /* ---- workflows ---- */
    {LIST("ListWorkflow", BELOW "/Workflows"), .view = &twilio_view_workflow, .key = "workflows",
     .call = RPC(routing, ROUTING, Routing, ListWorkflows, list_workflows,
                 list_workflows_response),
     PARAMS(TEXT("FriendlyName", "friendly_name"))},
    {CREATE("CreateWorkflow", BELOW "/Workflows", SUPERVISOR), .view = &twilio_view_workflow,
     .has_large_body = true,
     .call = RPC(routing, ROUTING, Routing, CreateWorkflow, create_workflow, workflow),
     PARAMS(NEEDED("FriendlyName", "friendly_name"), NEEDED("Configuration", "configuration"),
            TEXT("AssignmentCallbackUrl", "assignment_callback_url"),
            TEXT("FallbackAssignmentCallbackUrl", "fallback_assignment_callback_url"),
            RANGED("TaskReservationTimeout", "task_reservation_timeout", 1, 86400))},
    {FETCH("FetchWorkflow", BELOW "/Workflows/{Sid}"), .view = &twilio_view_workflow,
     PATH({"Sid", "WW", "sid", NULL}),
     .call = RPC(routing, ROUTING, Routing, GetWorkflow, get_workflow, workflow)},
    {UPDATE("UpdateWorkflow", BELOW "/Workflows/{Sid}", SUPERVISOR),
     .view = &twilio_view_workflow, .has_large_body = true, PATH({"Sid", "WW", "sid", NULL}),
     .nested = "workflow", .beside_suffices = true,
     .call = RPC(routing, ROUTING, Routing, UpdateWorkflow, update_workflow, workflow),
     PARAMS(TEXT("FriendlyName", "friendly_name"), TEXT("Configuration", "configuration"),
            TEXT("AssignmentCallbackUrl", "assignment_callback_url"),
            TEXT("FallbackAssignmentCallbackUrl", "fallback_assignment_callback_url"),
            RANGED("TaskReservationTimeout", "task_reservation_timeout", 1, 86400),
            BESIDE("ReEvaluateTasks", BOOL, "re_evaluate_tasks"))},
    {DELETE("DeleteWorkflow", BELOW "/Workflows/{Sid}", SUPERVISOR),
     PATH({"Sid", "WW", "sid", NULL}),
     .call = RPC_VOID(routing, ROUTING, Routing, DeleteWorkflow, delete_workflow)},

    /* ---- tasks ---- */
    {LIST("ListTask", BELOW "/Tasks"), .rate = RATE_EVALUATE_TASKS,
     .rate_param = "EvaluateTaskAttributes", .view = &twilio_view_task, .key = "tasks", .has_etag = true,
     .call = RPC(tasks, TASKS, Tasks, ListTasks, list_tasks, list_tasks_response),
     PARAMS(INT("Priority", "priority"), ENUMS("AssignmentStatus", "assignment_status", TASK_STATUSES),
            SID("WorkflowSid", "workflow_sid", "WW"), TEXT("WorkflowName", "workflow_name"),
            SID("TaskQueueSid", "task_queue_sid", "WQ"),
            TEXT("TaskQueueName", "task_queue_name"),
            TEXT("EvaluateTaskAttributes", "evaluate_task_attributes"),
            SID("RoutingTarget", "routing_target", "WK,WQ,WW"), TEXT("Ordering", "ordering"),
            BOOL("HasAddons", "has_addons"))},
    {CREATE("CreateTask", BELOW "/Tasks", SUPERVISOR), .rate = RATE_CREATE_TASK, .view = &twilio_view_task, .has_etag = true,
     .call = RPC(tasks, TASKS, Tasks, CreateTask, create_task, task),
     PARAMS(TEXT("Attributes", "attributes"), SID("WorkflowSid", "workflow_sid", "WW"),
            SID("TaskQueueSid", "task_queue_sid", "WQ"),
            SID("RoutingTarget", "routing_target", "WK,WQ,WW"),
            BOOL("IgnoreCapacity", "ignore_capacity"), TEXT("TaskChannel", "task_channel"),
            INT("Priority", "priority"), INT("Timeout", "timeout"),
            DATE("VirtualStartTime", "virtual_start_time"))},
    {FETCH("FetchTask", BELOW "/Tasks/{Sid}"), .view = &twilio_view_task, .has_etag = true,
     PATH({"Sid", "WT", "sid", NULL}), .call = RPC(tasks, TASKS, Tasks, GetTask, get_task, task)},
    {UPDATE("UpdateTask", BELOW "/Tasks/{Sid}", AGENT), .view = &twilio_view_task,
     .has_etag = true, PATH({"Sid", "WT", "sid", NULL}), .nested = "task",
     .call = RPC(tasks, TASKS, Tasks, UpdateTask, update_task, task),
     PARAMS(TEXT("Attributes", "attributes"), INT("Priority", "priority"),
            TEXT("TaskChannel", "task_channel_sid"),
            DATE("VirtualStartTime", "virtual_start_time"), SELECTS("AssignmentStatus"),
            FIELD_OF_ACTION("Reason", TEXT, "reason", NULL)),
     ACTIONS({"AssignmentStatus", "canceled", NULL, "Reason", true, RPC(tasks, TASKS, Tasks, CancelTask, task_action, task), false},
             {"AssignmentStatus", "wrapping", NULL, NULL, false, RPC(tasks, TASKS, Tasks, WrapUpTask, task_action, task), true},
             {"AssignmentStatus", "completed", NULL, "Reason", false, RPC(tasks, TASKS, Tasks, CompleteTask, task_action, task), true})},
    {DELETE("DeleteTask", BELOW "/Tasks/{Sid}", SUPERVISOR), .has_etag = true,
     PATH({"Sid", "WT", "sid", NULL}),
     .call = RPC_VOID(tasks, TASKS, Tasks, DeleteTask, delete_task)},

    /* ---- reservations ---- */
    {LIST("ListTaskReservation", BELOW "/Tasks/{TaskSid}/Reservations"),
     .view = &twilio_view_task_reservation, .key = "reservations", .has_etag = true,
     PATH({"TaskSid", "WT", "task_sid", NULL}), .parent = &get_task, .parent_field = "sid",
     .call = RPC(tasks, TASKS, Tasks, ListReservations, list_reservations,
                 list_reservations_response),
     PARAMS(ENUMS("ReservationStatus", "reservation_status", RESERVATION_STATUSES),
            SID("WorkerSid", "worker_sid", "WK"))},
    {FETCH("FetchTaskReservation", BELOW "/Tasks/{TaskSid}/Reservations/{Sid}"),
     .view = &twilio_view_task_reservation, .has_etag = true,
     PATH({"TaskSid", "WT", NULL, "task_sid"}, {"Sid", "WR", "sid", NULL}),
     .call = RPC(tasks, TASKS, Tasks, GetReservation, get_reservation, reservation)},
    {UPDATE("UpdateTaskReservation", BELOW "/Tasks/{TaskSid}/Reservations/{Sid}", AGENT),
     .view = &twilio_view_task_reservation, .has_etag = true,
     PATH({"TaskSid", "WT", NULL, "task_sid"}, {"Sid", "WR", "sid", NULL}),
     RESERVATION_ACTIONS,
     PARAMS(RESERVATION_PARAMS, DATA("Supervisor", TEXT),
            DATA_OF("SupervisorMode", CHOICE, "monitor,whisper,barge"))},
    {LIST("ListWorkerReservation", BELOW "/Workers/{WorkerSid}/Reservations"),
     .view = &twilio_view_worker_reservation, .key = "reservations", .has_etag = true,
     PATH({"WorkerSid", "WK", "worker_sid", NULL}), .parent = &get_worker, .parent_field = "sid",
     .call = RPC(tasks, TASKS, Tasks, ListReservations, list_reservations,
                 list_reservations_response),
     PARAMS(ENUMS("ReservationStatus", "reservation_status", RESERVATION_STATUSES))},
    {FETCH("FetchWorkerReservation", BELOW "/Workers/{WorkerSid}/Reservations/{Sid}"),
     .view = &twilio_view_worker_reservation, .has_etag = true,
     PATH({"WorkerSid", "WK", NULL, "worker_sid"}, {"Sid", "WR", "sid", NULL}),
     .call = RPC(tasks, TASKS, Tasks, GetReservation, get_reservation, reservation)},
    {UPDATE("UpdateWorkerReservation", BELOW "/Workers/{WorkerSid}/Reservations/{Sid}", AGENT),
     .view = &twilio_view_worker_reservation, .has_etag = true,
     PATH({"WorkerSid", "WK", NULL, "worker_sid"}, {"Sid", "WR", "sid", NULL}),
     RESERVATION_ACTIONS, PARAMS(RESERVATION_PARAMS)},

    /* ---- events ---- */
    {LIST("ListEvent", BELOW "/Events"), .view = &twilio_view_event, .key = "events",
     .newest_first = true,
     .call = RPC(tasks, TASKS, Tasks, ListEvents, list_events, list_events_response),
     PARAMS({.name = "Minutes", .type = TWILIO_INT, .field = "minutes", .min = 1, .max = INT32_MAX,
             .otherwise = "15", .unless = "StartDate"},
            DATE("StartDate", "start_date"), DATE("EndDate", "end_date"),
            TEXT("EventType", "event_type"), SID("Sid", "sid", "EV"),
            TEXT("TaskChannel", "task_channel"), SID("TaskSid", "task_sid", "WT"),
            SID("WorkerSid", "worker_sid", "WK"), SID("ReservationSid", "reservation_sid", "WR"),
            SID("TaskQueueSid", "task_queue_sid", "WQ"),
            SID("WorkflowSid", "workflow_sid", "WW"))},
    {FETCH("FetchEvent", BELOW "/Events/{Sid}"), .view = &twilio_view_event,
     PATH({"Sid", "EV", "sid", NULL}),
     .call = RPC(tasks, TASKS, Tasks, GetEvent, get_event, event)},

    /* ---- statistics ---- */
    {FETCH("FetchWorkspaceStatistics", BELOW "/Statistics"), .view = &twilio_view_workspace_stats,
     STATISTICS(GetWorkspaceStatistics), PARAMS(RANGE, SPLIT)},
    {FETCH("FetchWorkspaceRealTimeStatistics", BELOW "/RealTimeStatistics"),
     .view = &twilio_view_workspace_stats, REALTIME, STATISTICS(GetWorkspaceStatistics),
     PARAMS(TEXT("TaskChannel", "task_channel"))},
    {FETCH("FetchWorkspaceCumulativeStatistics", BELOW "/CumulativeStatistics"),
     .view = &twilio_view_workspace_stats, CUMULATIVE, STATISTICS(GetWorkspaceStatistics),
     PARAMS(RANGE, SPLIT)},
    {LIST("ListTaskQueuesStatistics", BELOW "/TaskQueues/Statistics"),
     .view = &twilio_view_queue_stats, .key = "task_queues_statistics",
     .call = RPC(tasks, TASKS, Statistics, ListQueueStatistics, list_queue_statistics,
                 list_queue_statistics_response),
     PARAMS(RANGE, SPLIT, TEXT("FriendlyName", "friendly_name"))},
    {.name = "CreateTaskQueueBulkRealTimeStatistics", .method = HTTP_POST,
     .pattern = BELOW "/TaskQueues/RealTimeStatistics", .kind = TWILIO_BULK, .role = ROLE_VIEWER,
     .rate = RATE_BULK_STATISTICS,
     .view = &twilio_view_queue_stats, REALTIME,
     .call = RPC(tasks, TASKS, Statistics, ListQueueStatistics, list_queue_statistics,
                 list_queue_statistics_response)},
    {FETCH("FetchTaskQueueStatistics", BELOW "/TaskQueues/{TaskQueueSid}/Statistics"),
     .view = &twilio_view_queue_stats, PATH({"TaskQueueSid", "WQ", "sid", NULL}),
     STATISTICS(GetQueueStatistics), PARAMS(RANGE, SPLIT)},
    {FETCH("FetchTaskQueueRealTimeStatistics",
           BELOW "/TaskQueues/{TaskQueueSid}/RealTimeStatistics"),
     .view = &twilio_view_queue_stats, PATH({"TaskQueueSid", "WQ", "sid", NULL}), REALTIME,
     STATISTICS(GetQueueStatistics), PARAMS(TEXT("TaskChannel", "task_channel"))},
    {FETCH("FetchTaskQueueCumulativeStatistics",
           BELOW "/TaskQueues/{TaskQueueSid}/CumulativeStatistics"),
     .view = &twilio_view_queue_stats, PATH({"TaskQueueSid", "WQ", "sid", NULL}), CUMULATIVE,
     STATISTICS(GetQueueStatistics), PARAMS(RANGE, SPLIT)},
    {FETCH("FetchWorkerStatistics", BELOW "/Workers/Statistics"),
     .view = &twilio_view_workers_stats, STATISTICS(GetWorkersStatistics),
     PARAMS(RANGE, SID("TaskQueueSid", "task_queue_sid", "WQ"),
            TEXT("TaskQueueName", "task_queue_name"), TEXT("FriendlyName", "friendly_name"))},
    {FETCH("FetchWorkersRealTimeStatistics", BELOW "/Workers/RealTimeStatistics"),
     .view = &twilio_view_workers_stats, REALTIME, STATISTICS(GetWorkersStatistics),
     PARAMS(TEXT("TaskChannel", "task_channel"))},
    {FETCH("FetchWorkersCumulativeStatistics", BELOW "/Workers/CumulativeStatistics"),
     .view = &twilio_view_workers_stats, CUMULATIVE, STATISTICS(GetWorkersStatistics),
     PARAMS(RANGE)},
    {FETCH("FetchWorkerInstanceStatistics", BELOW "/Workers/{WorkerSid}/Statistics"),
     .view = &twilio_view_worker_stats, PATH({"WorkerSid", "WK", "sid", NULL}),
     STATISTICS(GetWorkerStatistics), PARAMS(RANGE)},
    {FETCH("FetchWorkflowStatistics", BELOW "/Workflows/{WorkflowSid}/Statistics"),
     .view = &twilio_view_workflow_stats, PATH({"WorkflowSid", "WW", "sid", NULL}),
     STATISTICS(GetWorkflowStatistics), PARAMS(RANGE, SPLIT)},
    {FETCH("FetchWorkflowRealTimeStatistics", BELOW "/Workflows/{WorkflowSid}/RealTimeStatistics"),
     .view = &twilio_view_workflow_stats, PATH({"WorkflowSid", "WW", "sid", NULL}), REALTIME,
     STATISTICS(GetWorkflowStatistics), PARAMS(TEXT("TaskChannel", "task_channel"))},
    {FETCH("FetchWorkflowCumulativeStatistics",
           BELOW "/Workflows/{WorkflowSid}/CumulativeStatistics"),
     .view = &twilio_view_workflow_stats, PATH({"WorkflowSid", "WW", "sid", NULL}), CUMULATIVE,
     STATISTICS(GetWorkflowStatistics), PARAMS(RANGE, SPLIT)},
};
/* clang-format on */

const size_t twilio_op_count = ARRAY_LEN(twilio_ops);

const struct twilio_op *twilio_op_find(enum http_method method, const char *pattern)
{
    for (size_t i = 0; i < twilio_op_count; i++) {
        if (twilio_ops[i].method == method && strcmp(twilio_ops[i].pattern, pattern) == 0)
            return &twilio_ops[i];
    }
    return NULL;
}

bool twilio_is_change(const struct twilio_op *op)
{
    return op->kind == TWILIO_CREATE || op->kind == TWILIO_UPDATE || op->kind == TWILIO_DELETE;
}

const ProtobufCFieldDescriptor *twilio_field(const ProtobufCMessageDescriptor *type,
                                             const char *name)
{
    return type == NULL ? NULL : protobuf_c_message_descriptor_get_field_by_name(type, name);
}

const ProtobufCMessageDescriptor *twilio_item_type(const struct twilio_op *op)
{
    if (op->nested == NULL)
        return op->call.request;
    const ProtobufCFieldDescriptor *field = twilio_field(op->call.request, op->nested);
    INVARIANT(field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE);
    return field->descriptor;
}

const struct twilio_op_param *twilio_param_named(const struct twilio_op *op, struct str name)
{
    for (const struct twilio_op_param *param = op->params; param != NULL && param->name != NULL;
         param++) {
        if (str_eq_text(name, param->name))
            return param;
    }
    return NULL;
}

bool twilio_words_have(const char *words, struct str word)
{
    struct str rest = str_from(words);
    while (rest.ptr != NULL) {
        if (str_eq(str_split(&rest, ','), word))
            return true;
    }
    return false;
}
