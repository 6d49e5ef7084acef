#include "routes.h"

#include <string.h>

#include "base/macros.h"
#include "pbjson/pbjson.h"
#include "taskrouter/directory/v1/directory.pb-c.h"
#include "taskrouter/directory/v1/webhooks.pb-c.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/sync/v1/sync.pb-c.h"
#include "taskrouter/tasks/v1/callbacks.pb-c.h"
#include "taskrouter/tasks/v1/explain.pb-c.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PAGED       "page_size", "cursor"

/* Two calls of Twilio's API, retries among them. */
enum { CHECK_BUDGET_MS = 20000 };

/* The method of an area, with the types of its request and reply: RPC(workers, WORKERS, Workers,
 * GetWorker, get_worker, worker). */
#define RPC(area, peer_, service, method_, request_, reply_)                                       \
    .peer = PEER_##peer_, .rpc = "/taskrouter." #area ".v1." #service "/" #method_,                \
    .request = &taskrouter__##area##__v1__##request_##_request__descriptor,                        \
    .reply = &taskrouter__##area##__v1__##reply_##__descriptor

/* The same where nothing comes back. */
#define RPC_VOID(area, peer_, service, method_, request_)                                          \
    .peer = PEER_##peer_, .rpc = "/taskrouter." #area ".v1." #service "/" #method_,                \
    .request = &taskrouter__##area##__v1__##request_##_request__descriptor

#define LIST(path, role_)                                                                          \
    .method = HTTP_GET, .pattern = REST_PREFIX path, .kind = REST_LIST, .role = ROLE_##role_
#define GET(path, role_)                                                                           \
    .method = HTTP_GET, .pattern = REST_PREFIX path, .kind = REST_GET, .role = ROLE_##role_
#define CREATE(path, role_)                                                                        \
    .method = HTTP_POST, .pattern = REST_PREFIX path, .kind = REST_CREATE, .role = ROLE_##role_
#define UPDATE(path, role_)                                                                        \
    .method = HTTP_PATCH, .pattern = REST_PREFIX path, .kind = REST_UPDATE, .role = ROLE_##role_
#define DELETE(path, role_)                                                                        \
    .method = HTTP_DELETE, .pattern = REST_PREFIX path, .kind = REST_DELETE, .role = ROLE_##role_
#define ACTION(path, role_)                                                                        \
    .method = HTTP_POST, .pattern = REST_PREFIX path, .kind = REST_ACTION, .role = ROLE_##role_
#define CHECK(path, role_)                                                                         \
    .method = HTTP_POST, .pattern = REST_PREFIX path, .kind = REST_CHECK, .role = ROLE_##role_

#define WEBHOOK(path, webhook_, operation_, summary_)                                              \
    {                                                                                              \
        .method = HTTP_POST, .pattern = "/api" path, .kind = REST_WEBHOOK, .role = ROLE_NONE,      \
        .webhook = WEBHOOK_##webhook_, .tag = "webhooks", .operation = (operation_),               \
        .summary = (summary_)                                                                      \
    }

/* One route a block; the macros read as columns. */
/* clang-format off */
const struct rest_route rest_routes[] = {
    /* ---- workspaces ---- */
    {LIST("/workspaces", VIEWER), .tag = "workspaces", .summary = "List workspaces",
     RPC(workers, WORKERS, Workers, ListWorkspaces, list_workspaces, list_workspaces_response),
     .query = FIELDS(PAGED, "friendly_name")},
    {CREATE("/workspaces", ADMIN), .tag = "workspaces", .summary = "Create a workspace",
     RPC(workers, WORKERS, Workers, CreateWorkspace, create_workspace, workspace),
     .body = FIELDS("friendly_name", "event_callback_url", "events_filter", "multi_task_enabled",
         "prioritize_queue_order", "provider", "time_zone", "template", "activities"),
     .changes_workspaces = true},
    {GET("/workspaces/{sid}", VIEWER), .tag = "workspaces", .summary = "Get a workspace",
     RPC(workers, WORKERS, Workers, GetWorkspace, get_workspace, workspace)},
    {UPDATE("/workspaces/{sid}", ADMIN), .tag = "workspaces", .summary = "Change a workspace",
     RPC(workers, WORKERS, Workers, UpdateWorkspace, update_workspace, workspace),
     .nested = "workspace",
     .body = FIELDS("friendly_name", "event_callback_url", "events_filter",
         "default_activity_sid", "timeout_activity_sid", "multi_task_enabled",
         "prioritize_queue_order", "time_zone")},
    {DELETE("/workspaces/{sid}", ADMIN), .tag = "workspaces", .summary = "Delete a workspace",
     RPC_VOID(workers, WORKERS, Workers, DeleteWorkspace, delete_workspace),
     .changes_workspaces = true},

    /* ---- activities ---- */
    {LIST("/activities", VIEWER), .tag = "activities", .summary = "List activities",
     RPC(workers, WORKERS, Workers, ListActivities, list_activities, list_activities_response),
     .query = FIELDS(PAGED, "friendly_name", "available")},
    {CREATE("/activities", SUPERVISOR), .tag = "activities", .summary = "Create an activity",
     RPC(workers, WORKERS, Workers, CreateActivity, create_activity, activity),
     .body = FIELDS("friendly_name", "available")},
    {GET("/activities/{sid}", VIEWER), .tag = "activities", .summary = "Get an activity",
     RPC(workers, WORKERS, Workers, GetActivity, get_activity, activity)},
    {UPDATE("/activities/{sid}", SUPERVISOR), .tag = "activities", .summary = "Rename an activity",
     RPC(workers, WORKERS, Workers, UpdateActivity, update_activity, activity),
     .nested = "activity", .body = FIELDS("friendly_name")},
    {DELETE("/activities/{sid}", SUPERVISOR), .tag = "activities", .summary = "Delete an activity",
     RPC_VOID(workers, WORKERS, Workers, DeleteActivity, delete_activity)},

    /* ---- workers ---- */
    {LIST("/workers", VIEWER), .tag = "workers", .summary = "List workers",
     RPC(workers, WORKERS, Workers, ListWorkers, list_workers, list_workers_response),
     .query = FIELDS(PAGED, "friendly_name", "activity_sid", "activity_name", "available",
         "target_workers_expression", "task_queue_sid", "task_queue_name", "ordering",
         "user_sid")},
    {CREATE("/workers", SUPERVISOR), .tag = "workers", .summary = "Create a worker",
     RPC(workers, WORKERS, Workers, CreateWorker, create_worker, worker),
     .body = FIELDS("friendly_name", "attributes", "activity_sid")},
    {GET("/workers/{sid}", VIEWER), .tag = "workers", .summary = "Get a worker",
     RPC(workers, WORKERS, Workers, GetWorker, get_worker, worker)},
    {UPDATE("/workers/{sid}", AGENT), .tag = "workers",
     .summary = "Change a worker; an agent only its own",
     RPC(workers, WORKERS, Workers, UpdateWorker, update_worker, worker), .nested = "worker",
     .body = FIELDS("friendly_name", "attributes", "activity_sid"),
     .body_more = FIELDS("reject_pending_reservations"), .is_own_worker = true},
    {DELETE("/workers/{sid}", SUPERVISOR), .tag = "workers", .summary = "Delete a worker",
     RPC_VOID(workers, WORKERS, Workers, DeleteWorker, delete_worker)},
    {ACTION("/workers/{sid}/user", SUPERVISOR), .tag = "workers",
     .summary = "Link a worker to the user that it is",
     RPC(workers, WORKERS, Workers, LinkWorker, link_worker, worker),
     .body = FIELDS("user_sid", "replace")},
    {DELETE("/workers/{sid}/user", SUPERVISOR), .tag = "workers",
     .summary = "Unlink a worker from its user",
     RPC(workers, WORKERS, Workers, UnlinkWorker, unlink_worker, worker)},
    {LIST("/workers/{workerSid}/channels", VIEWER), .tag = "workers",
     .summary = "List a worker's channels with their capacities",
     RPC(workers, WORKERS, Workers, ListWorkerChannels, list_worker_channels,
         list_worker_channels_response), .query = FIELDS(PAGED)},
    {GET("/workers/{workerSid}/channels/{channel}", VIEWER), .tag = "workers",
     .summary = "Get a worker's channel by its SID, the task channel's SID or unique name",
     RPC(workers, WORKERS, Workers, GetWorkerChannel, get_worker_channel, worker_channel)},
    {UPDATE("/workers/{workerSid}/channels/{channel}", SUPERVISOR), .tag = "workers",
     .summary = "Change a worker's capacity on a channel",
     RPC(workers, WORKERS, Workers, UpdateWorkerChannel, update_worker_channel, worker_channel),
     .body = FIELDS("capacity", "available")},

    /* ---- queues and channels ---- */
    {LIST("/queues", VIEWER), .tag = "queues", .summary = "List task queues",
     RPC(queues, QUEUES, Queues, ListTaskQueues, list_task_queues, list_task_queues_response),
     .query = FIELDS(PAGED, "friendly_name", "evaluate_worker_attributes", "worker_sid",
         "activity_sid", "ordering")},
    {CREATE("/queues", SUPERVISOR), .tag = "queues", .summary = "Create a task queue",
     RPC(queues, QUEUES, Queues, CreateTaskQueue, create_task_queue, task_queue),
     .body = FIELDS("friendly_name", "target_workers", "max_reserved_workers", "task_order",
         "reservation_activity_sid", "assignment_activity_sid")},
    {GET("/queues/{sid}", VIEWER), .tag = "queues", .summary = "Get a task queue",
     RPC(queues, QUEUES, Queues, GetTaskQueue, get_task_queue, task_queue)},
    {UPDATE("/queues/{sid}", SUPERVISOR), .tag = "queues", .summary = "Change a task queue",
     RPC(queues, QUEUES, Queues, UpdateTaskQueue, update_task_queue, task_queue),
     .nested = "task_queue",
     .body = FIELDS("friendly_name", "target_workers", "max_reserved_workers", "task_order",
         "reservation_activity_sid", "assignment_activity_sid")},
    {DELETE("/queues/{sid}", SUPERVISOR), .tag = "queues", .summary = "Delete a task queue",
     RPC_VOID(queues, QUEUES, Queues, DeleteTaskQueue, delete_task_queue)},
    {LIST("/channels", VIEWER), .tag = "channels", .summary = "List task channels",
     RPC(queues, QUEUES, Queues, ListTaskChannels, list_task_channels, list_task_channels_response),
     .query = FIELDS(PAGED)},
    {CREATE("/channels", ADMIN), .tag = "channels", .summary = "Create a task channel",
     RPC(queues, QUEUES, Queues, CreateTaskChannel, create_task_channel, task_channel),
     .body = FIELDS("friendly_name", "unique_name", "channel_optimized_routing")},
    {GET("/channels/{sid}", VIEWER), .tag = "channels",
     .summary = "Get a task channel by SID or unique name", .key = "channel",
     RPC(queues, QUEUES, Queues, GetTaskChannel, get_task_channel, task_channel)},
    {UPDATE("/channels/{sid}", ADMIN), .tag = "channels", .summary = "Change a task channel",
     RPC(queues, QUEUES, Queues, UpdateTaskChannel, update_task_channel, task_channel),
     .nested = "task_channel", .body = FIELDS("friendly_name", "channel_optimized_routing")},
    {DELETE("/channels/{sid}", ADMIN), .tag = "channels", .summary = "Delete a task channel",
     .key = "channel", RPC_VOID(queues, QUEUES, Queues, DeleteTaskChannel, delete_task_channel)},

    /* ---- workflows and routing ---- */
    {LIST("/workflows", VIEWER), .tag = "workflows", .summary = "List workflows",
     RPC(routing, ROUTING, Routing, ListWorkflows, list_workflows, list_workflows_response),
     .query = FIELDS(PAGED, "friendly_name", "task_queue_sid")},
    {CREATE("/workflows", SUPERVISOR), .tag = "workflows", .summary = "Create a workflow",
     RPC(routing, ROUTING, Routing, CreateWorkflow, create_workflow, workflow),
     .body = FIELDS("friendly_name", "configuration", "assignment_callback_url",
         "fallback_assignment_callback_url", "task_reservation_timeout"), .has_large_body = true},
    {GET("/workflows/{sid}", VIEWER), .tag = "workflows", .summary = "Get a workflow",
     RPC(routing, ROUTING, Routing, GetWorkflow, get_workflow, workflow)},
    {UPDATE("/workflows/{sid}", SUPERVISOR), .tag = "workflows", .summary = "Change a workflow",
     RPC(routing, ROUTING, Routing, UpdateWorkflow, update_workflow, workflow),
     .nested = "workflow",
     .body = FIELDS("friendly_name", "configuration", "assignment_callback_url",
         "fallback_assignment_callback_url", "task_reservation_timeout"),
     .body_more = FIELDS("re_evaluate_tasks"), .has_large_body = true},
    {DELETE("/workflows/{sid}", SUPERVISOR), .tag = "workflows", .summary = "Delete a workflow",
     RPC_VOID(routing, ROUTING, Routing, DeleteWorkflow, delete_workflow)},
    {LIST("/workflows/{sid}/versions", VIEWER), .tag = "workflows",
     .summary = "List the documents a workflow has had, newest first",
     RPC(routing, ROUTING, Routing, ListWorkflowVersions, list_workflow_versions,
         list_workflow_versions_response), .query = FIELDS(PAGED)},
    {CHECK("/workflows/validate", VIEWER), .tag = "workflows",
     .summary = "Check a workflow's configuration without storing it",
     RPC_VOID(routing, ROUTING, Routing, ValidateWorkflow, validate_workflow),
     .body = FIELDS("configuration"), .has_large_body = true},
    {CHECK("/route", VIEWER), .tag = "workflows",
     .summary = "Say which filter and targets a task would get",
     RPC(routing, ROUTING, Routing, Route, route, route_response),
     .body = FIELDS("workflow_sid", "attributes")},

    /* ---- tasks ---- */
    {LIST("/tasks", VIEWER), .tag = "tasks", .summary = "List tasks",
     RPC(tasks, TASKS, Tasks, ListTasks, list_tasks, list_tasks_response),
     .query = FIELDS(PAGED, "assignment_status", "workflow_sid", "workflow_name",
         "task_queue_sid", "task_queue_name", "priority", "worker_sid", "task_channel",
         "evaluate_task_attributes", "routing_target", "ordering", "has_addons")},
    {CREATE("/tasks", SUPERVISOR), .tag = "tasks", .summary = "Create a task",
     RPC(tasks, TASKS, Tasks, CreateTask, create_task, task),
     .body = FIELDS("attributes", "workflow_sid", "task_queue_sid", "routing_target",
         "ignore_capacity", "task_channel", "priority", "timeout", "virtual_start_time",
         "call_id")},
    {GET("/tasks/{sid}", VIEWER), .tag = "tasks", .summary = "Get a task",
     RPC(tasks, TASKS, Tasks, GetTask, get_task, task)},
    {UPDATE("/tasks/{sid}", SUPERVISOR), .tag = "tasks", .summary = "Change a task",
     RPC(tasks, TASKS, Tasks, UpdateTask, update_task, task), .nested = "task",
     .body = FIELDS("attributes", "priority", "task_channel_sid", "virtual_start_time")},
    {DELETE("/tasks/{sid}", SUPERVISOR), .tag = "tasks", .summary = "Delete a task",
     RPC_VOID(tasks, TASKS, Tasks, DeleteTask, delete_task)},
    {ACTION("/tasks/{sid}/cancel", SUPERVISOR), .tag = "tasks",
     .summary = "Cancel a task that is pending or reserved",
     RPC(tasks, TASKS, Tasks, CancelTask, task_action, task), .reason = "canceled",
     .body = FIELDS("reason")},
    {ACTION("/tasks/{sid}/wrapup", AGENT), .tag = "tasks",
     .summary = "Move an assigned task to wrapping",
     RPC(tasks, TASKS, Tasks, WrapUpTask, task_action, task), .reason = "wrapping up",
     .body = FIELDS("reason", "timeout")},
    {ACTION("/tasks/{sid}/complete", AGENT), .tag = "tasks",
     .summary = "Complete a task that is assigned or wrapping",
     RPC(tasks, TASKS, Tasks, CompleteTask, task_action, task), .reason = "completed",
     .body = FIELDS("reason")},
    {GET("/tasks/{sid}/explain", VIEWER), .tag = "tasks",
     .summary = "Say why a task is not assigned, or what became of it",
     RPC(tasks, TASKS, Explain, ExplainTask, explain_task, task_explanation),
     .query = FIELDS("worker_sid", "obstacle", "limit")},
    {LIST("/tasks/{taskSid}/reservations", VIEWER), .tag = "reservations",
     .summary = "List a task's reservations", .operation = "listTaskReservations",
     RPC(tasks, TASKS, Tasks, ListReservations, list_reservations, list_reservations_response),
     .query = FIELDS(PAGED, "worker_sid", "reservation_status")},

    /* ---- reservations ---- */
    {LIST("/reservations", VIEWER), .tag = "reservations", .summary = "List reservations",
     RPC(tasks, TASKS, Tasks, ListReservations, list_reservations, list_reservations_response),
     .query = FIELDS(PAGED, "task_sid", "worker_sid", "reservation_status")},
    {GET("/reservations/{sid}", VIEWER), .tag = "reservations", .summary = "Get a reservation",
     RPC(tasks, TASKS, Tasks, GetReservation, get_reservation, reservation)},
    {GET("/reservations/{sid}/explain", VIEWER), .tag = "reservations",
     .summary = "Say why this worker was asked",
     RPC(tasks, TASKS, Explain, ExplainReservation, explain_reservation,
         reservation_explanation)},
    {ACTION("/reservations/{sid}/accept", AGENT), .tag = "reservations",
     .summary = "Accept a reservation: the task is assigned to its worker",
     RPC(tasks, TASKS, Tasks, AcceptReservation, reservation_action, reservation),
     .body = FIELDS("instruction", "instruction_data")},
    {ACTION("/reservations/{sid}/reject", AGENT), .tag = "reservations",
     .summary = "Reject a reservation: the task is offered to another worker",
     RPC(tasks, TASKS, Tasks, RejectReservation, reservation_action, reservation),
     .body = FIELDS("worker_activity_sid", "reason")},
    {ACTION("/reservations/{sid}/cancel", SUPERVISOR), .tag = "reservations",
     .summary = "Cancel a pending reservation: the task is free again",
     RPC(tasks, TASKS, Tasks, CancelReservation, reservation_action, reservation),
     .body = FIELDS("reason")},
    {ACTION("/reservations/{sid}/instruct", AGENT), .tag = "reservations",
     .summary = "Give a reservation an instruction: accept, reject, dequeue, call, redirect, "
         "conference or supervise",
     RPC(tasks, TASKS, Tasks, InstructReservation, reservation_action, reservation),
     .body = FIELDS("instruction", "instruction_data")},
    {ACTION("/reservations/{sid}/wrapup", AGENT), .tag = "reservations",
     .summary = "Move an accepted reservation to wrapping",
     RPC(tasks, TASKS, Tasks, WrapUpReservation, reservation_action, reservation),
     .body = FIELDS("timeout")},
    {ACTION("/reservations/{sid}/complete", AGENT), .tag = "reservations",
     .summary = "Complete a reservation, and its task when it is the last",
     RPC(tasks, TASKS, Tasks, CompleteReservation, reservation_action, reservation)},

    /* ---- events ---- */
    {LIST("/events", VIEWER), .tag = "events", .summary = "List events of the log",
     RPC(tasks, TASKS, Tasks, ListEvents, list_events, list_events_response),
     .query = FIELDS(PAGED, "event_type", "task_sid", "worker_sid", "reservation_sid",
         "task_queue_sid", "workflow_sid", "start_date", "end_date", "newest_first", "sid",
         "task_channel", "minutes")},
    {GET("/events/{sid}", VIEWER), .tag = "events", .summary = "Get an event",
     RPC(tasks, TASKS, Tasks, GetEvent, get_event, event)},
    {.method = HTTP_GET, .pattern = REST_PREFIX "/stream", .kind = REST_STREAM, .role = ROLE_VIEWER,
     .tag = "events", .operation = "streamEvents",
     .summary = "Live events; an agent sees those of its own worker"},

    /* ---- statistics ---- */
    {GET("/statistics/workspace", VIEWER), .tag = "statistics",
     .summary = "Statistics of the workspace, of now and of a range",
     RPC(tasks, TASKS, Statistics, GetWorkspaceStatistics, statistics, statistics_report),
     .query = FIELDS("part", "minutes", "start_date", "end_date", "task_channel",
         "split_by_wait_time")},
    {LIST("/statistics/queues", VIEWER), .tag = "statistics",
     .summary = "Statistics of the task queues, or of those named",
     RPC(tasks, TASKS, Statistics, ListQueueStatistics, list_queue_statistics,
         list_queue_statistics_response),
     .query = FIELDS(PAGED, "friendly_name", "task_queue_sids", "part", "minutes", "start_date",
         "end_date", "task_channel", "split_by_wait_time")},
    {GET("/statistics/queues/{sid}", VIEWER), .tag = "statistics",
     .summary = "Statistics of a task queue",
     RPC(tasks, TASKS, Statistics, GetQueueStatistics, statistics, statistics_report),
     .query = FIELDS("part", "minutes", "start_date", "end_date", "task_channel",
         "split_by_wait_time")},
    {GET("/statistics/workflows/{sid}", VIEWER), .tag = "statistics",
     .summary = "Statistics of a workflow",
     RPC(tasks, TASKS, Statistics, GetWorkflowStatistics, statistics, statistics_report),
     .query = FIELDS("part", "minutes", "start_date", "end_date", "task_channel",
         "split_by_wait_time")},
    {GET("/statistics/workers", VIEWER), .tag = "statistics",
     .summary = "Statistics of all workers, or of those in a queue or by a name",
     RPC(tasks, TASKS, Statistics, GetWorkersStatistics, statistics, statistics_report),
     .query = FIELDS("part", "minutes", "start_date", "end_date", "task_channel", "task_queue_sid",
         "task_queue_name", "friendly_name")},
    {GET("/statistics/workers/{sid}", VIEWER), .tag = "statistics",
     .summary = "Statistics of a worker over a range",
     RPC(tasks, TASKS, Statistics, GetWorkerStatistics, statistics, statistics_report),
     .query = FIELDS("minutes", "start_date", "end_date", "task_channel")},
    {GET("/statistics/series", VIEWER), .tag = "statistics",
     .summary = "Statistics per interval, of the workspace or of one queue, workflow or worker",
     RPC(tasks, TASKS, Statistics, GetStatisticsSeries, statistics_series, statistics_series),
     .query = FIELDS("sid", "interval", "minutes", "start_date", "end_date", "task_channel",
         "split_by_wait_time")},
    /* ---- callbacks ---- */
    {LIST("/callbacks", SUPERVISOR), .tag = "callbacks",
     .summary = "List callbacks to the URLs of workspaces and workflows, newest first",
     RPC(tasks, TASKS, Callbacks, ListCallbacks, list_callbacks, list_callbacks_response),
     .query = FIELDS(PAGED, "state", "kind", "url", "task_sid")},
    {GET("/callbacks/{sid}", SUPERVISOR), .tag = "callbacks",
     .summary = "Get a callback, with what was sent and answered",
     RPC(tasks, TASKS, Callbacks, GetCallback, get_callback, callback)},
    {ACTION("/callbacks/{sid}/resend", ADMIN), .tag = "callbacks",
     .summary = "Send a dead event callback again",
     RPC(tasks, TASKS, Callbacks, ResendCallback, resend_callback, callback)},
    {ACTION("/callbacks/resend-dead", ADMIN), .tag = "callbacks",
     .summary = "Send all dead event callbacks of the workspace again",
     RPC(tasks, TASKS, Callbacks, ResendDeadCallbacks, resend_dead_callbacks,
         resend_dead_callbacks_response)},

    /* ---- sync with Twilio ---- */
    {LIST("/sync/runs", VIEWER), .tag = "sync", .summary = "List runs of the sync, newest first",
     RPC(sync, SYNC, Sync, ListRuns, list_runs, list_runs_response), .query = FIELDS(PAGED)},
    {CREATE("/sync/runs", SUPERVISOR), .tag = "sync",
     .summary = "Begin a run, which goes on whoever listens; without a workspace of the configured one",
     RPC(sync, SYNC, Sync, StartRun, start_run, run), .operation = "startRun",
     .body = FIELDS("kinds", "dry_run", "light", "cause"), .may_lack_workspace = true},
    {GET("/sync/runs/{sid}", VIEWER), .tag = "sync", .summary = "Get a run with its progress",
     RPC(sync, SYNC, Sync, GetRun, get_run, run)},
    {LIST("/sync/runs/{sid}/items", VIEWER), .tag = "sync",
     .summary = "List what a run did not find unchanged, with the fields that differ",
     RPC(sync, SYNC, Sync, ListRunItems, list_run_items, list_run_items_response),
     .query = FIELDS(PAGED, "kind", "outcome")},
    {ACTION("/sync/runs/{sid}/cancel", SUPERVISOR), .tag = "sync", .summary = "End a run early",
     RPC(sync, SYNC, Sync, CancelRun, cancel_run, run)},
    {GET("/sync/check", SUPERVISOR), .tag = "sync",
     .summary = "Say whether Twilio can be reached with what is configured, or what to mend",
     RPC(sync, SYNC, Sync, CheckUpstream, check_upstream, check_upstream_response),
     .may_lack_workspace = true, .budget_ms = CHECK_BUDGET_MS},

    /* ---- webhooks ---- */
    WEBHOOK("/webhooks/taskrouter", EVENT, "receiveEvent", "Event of the Twilio workspace"),
    WEBHOOK("/webhooks/assignment", ASSIGNMENT, "receiveAssignment",
            "Assignment callback of a Twilio workflow"),
    WEBHOOK("/webhooks/voice", VOICE, "receiveCall", "Incoming call"),
    WEBHOOK("/webhooks/voice/status", VOICE_STATUS, "receiveCallStatus", "Status of a call"),
    WEBHOOK("/webhooks/voice/recording", RECORDING, "receiveRecording", "Status of a recording"),
    WEBHOOK("/webhooks/voice/transcription", TRANSCRIPTION, "receiveTranscription",
            "Transcription of a recording"),
    WEBHOOK("/webhooks/sms", SMS, "receiveMessage", "Incoming message"),
    WEBHOOK("/webhooks/twilio/voice", VOICE, "receiveCallFormer", "As /api/webhooks/voice"),
    WEBHOOK("/webhooks/twilio/status", VOICE_STATUS, "receiveCallStatusFormer",
            "As /api/webhooks/voice/status"),
    WEBHOOK("/webhooks/twilio/recording", RECORDING, "receiveRecordingFormer",
            "As /api/webhooks/voice/recording"),
    WEBHOOK("/webhooks/twilio/transcription", TRANSCRIPTION, "receiveTranscriptionFormer",
            "As /api/webhooks/voice/transcription"),
    WEBHOOK("/webhooks/twilio/sms", SMS, "receiveMessageFormer", "As /api/webhooks/sms"),
    WEBHOOK("/webhooks/twilio/message-status", MESSAGE_STATUS, "receiveMessageStatus",
            "Status of a message"),
    {LIST("/webhooks", ADMIN), .tag = "webhooks",
     .summary = "List received webhooks, newest first; state=dead: those that could not be applied",
     RPC(directory, GATEWAY, Webhooks, ListWebhooks, list_webhooks, list_webhooks_response),
     .query = FIELDS(PAGED, "state", "kind")},
    {GET("/webhooks/summary", ADMIN), .tag = "webhooks",
     .summary = "Say how many webhooks wait, are dead, came and were refused",
     RPC(directory, GATEWAY, Webhooks, GetWebhookSummary, get_webhook_summary, webhook_summary)},
    {GET("/webhooks/{sid}", ADMIN), .tag = "webhooks", .summary = "Get a received webhook",
     RPC(directory, GATEWAY, Webhooks, GetWebhook, get_webhook, webhook)},
    {ACTION("/webhooks/{sid}/replay", ADMIN), .tag = "webhooks",
     .summary = "Apply a dead webhook again",
     RPC(directory, GATEWAY, Webhooks, ReplayWebhook, replay_webhook, webhook)},
    {ACTION("/webhooks/replay-dead", ADMIN), .tag = "webhooks",
     .summary = "Apply all dead webhooks again",
     RPC(directory, GATEWAY, Webhooks, ReplayDeadWebhooks, replay_dead_webhooks,
         replay_dead_webhooks_response)},

    /* ---- tokens and users ---- */
    {LIST("/tokens", ADMIN), .tag = "tokens", .summary = "List API tokens",
     RPC(directory, GATEWAY, Directory, ListTokens, list_tokens, list_tokens_response),
     .query = FIELDS(PAGED)},
    {CREATE("/tokens", ADMIN), .tag = "tokens",
     .summary = "Create an API token; its secret is shown this once",
     RPC(directory, GATEWAY, Directory, CreateToken, create_token, create_token_response),
     .body = FIELDS("friendly_name", "role", "worker_sid", "workspace_sid", "user_sid", "ttl_s")},
    {DELETE("/tokens/{sid}", ADMIN), .tag = "tokens", .summary = "Revoke an API token",
     RPC_VOID(directory, GATEWAY, Directory, RevokeToken, revoke_token)},
    {LIST("/accounts", ADMIN), .tag = "accounts",
     .summary = "List accounts: the owner of the installation all, others their own",
     RPC(directory, GATEWAY, Directory, ListAccounts, list_accounts, list_accounts_response),
     .query = FIELDS(PAGED)},
    {CREATE("/accounts", ADMIN), .tag = "accounts",
     .summary = "Create an account; its auth token is shown this once",
     RPC(directory, GATEWAY, Directory, CreateAccount, create_account, account_secret),
     .body = FIELDS("friendly_name")},
    {GET("/accounts/{sid}", ADMIN), .tag = "accounts", .summary = "Get an account",
     RPC(directory, GATEWAY, Directory, GetAccount, get_account, account)},
    {UPDATE("/accounts/{sid}", ADMIN), .tag = "accounts",
     .summary = "Rename an account; the owner may suspend others",
     RPC(directory, GATEWAY, Directory, UpdateAccount, update_account, account),
     .body = FIELDS("friendly_name", "suspended")},
    {ACTION("/accounts/{sid}/secondary-auth-token", ADMIN), .tag = "accounts",
     .summary = "Make a secondary auth token, accepted beside the primary one and shown this once",
     RPC(directory, GATEWAY, Directory, CreateSecondaryAuthToken, account_action, account_secret)},
    {ACTION("/accounts/{sid}/secondary-auth-token/promote", ADMIN), .tag = "accounts",
     .summary = "Make the secondary auth token the primary one, which ends",
     RPC(directory, GATEWAY, Directory, PromoteSecondaryAuthToken, account_action, account)},
    {ACTION("/accounts/{sid}/secondary-auth-token/drop", ADMIN), .tag = "accounts",
     .summary = "End the secondary auth token",
     RPC(directory, GATEWAY, Directory, DeleteSecondaryAuthToken, account_action, account)},
    {LIST("/keys", ADMIN), .tag = "keys", .summary = "List API keys",
     RPC(directory, GATEWAY, Directory, ListKeys, list_keys, list_keys_response),
     .query = FIELDS(PAGED, "account_sid")},
    {CREATE("/keys", ADMIN), .tag = "keys",
     .summary = "Create an API key, user and password of HTTP Basic; its secret is shown this once",
     RPC(directory, GATEWAY, Directory, CreateKey, create_key, key_secret),
     .body = FIELDS("friendly_name", "role", "account_sid")},
    {DELETE("/keys/{sid}", ADMIN), .tag = "keys", .summary = "Revoke an API key",
     RPC_VOID(directory, GATEWAY, Directory, RevokeKey, revoke_key)},
    {LIST("/users", SUPERVISOR), .tag = "users", .summary = "List users",
     RPC(directory, GATEWAY, Directory, ListUsers, list_users, list_users_response),
     .query = FIELDS(PAGED)},
    {CREATE("/users", ADMIN), .tag = "users", .summary = "Create a user",
     RPC(directory, GATEWAY, Directory, CreateUser, create_user, user),
     .body = FIELDS("email", "name", "role", "department", "quickbase_user_id")},
    {GET("/users/{sid}", SUPERVISOR), .tag = "users", .summary = "Get a user",
     RPC(directory, GATEWAY, Directory, GetUser, get_user, user)},
    {.method = HTTP_GET, .pattern = "/api/openapi.json", .kind = REST_DOCUMENT, .role = ROLE_NONE,
     .tag = "documents", .operation = "getOpenapi", .summary = "This document"},
};
/* clang-format on */

const size_t rest_route_count = ARRAY_LEN(rest_routes);

bool rest_is_change(const struct rest_route *row)
{
    return row->kind == REST_CREATE || row->kind == REST_UPDATE || row->kind == REST_DELETE ||
           row->kind == REST_ACTION;
}

const ProtobufCFieldDescriptor *rest_field(const ProtobufCMessageDescriptor *type, const char *name)
{
    return type == NULL ? NULL : protobuf_c_message_descriptor_get_field_by_name(type, name);
}

const ProtobufCMessageDescriptor *rest_item_type(const struct rest_route *row)
{
    if (row->nested == NULL)
        return row->request;
    const ProtobufCFieldDescriptor *field = rest_field(row->request, row->nested);
    INVARIANT(field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE);
    return field->descriptor;
}

/* Tokens name a workspace too, but as a restriction that may be absent. */
bool rest_has_workspace(const struct rest_route *row)
{
    return row->rpc != NULL && row->peer != PEER_GATEWAY &&
           rest_field(rest_item_type(row), "workspace_sid") != NULL;
}

const ProtobufCFieldDescriptor *rest_path_field(const struct rest_route *row, struct str param)
{
    char camel[64];
    const ProtobufCMessageDescriptor *type = rest_item_type(row);
    if (str_eq_text(param, "sid"))
        return rest_field(type, row->key != NULL ? row->key : "sid");
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (str_eq_text(param, pbjson_camel(type->fields[i].name, camel, sizeof camel)))
            return &type->fields[i];
    }
    return NULL;
}
