#include "write_ops.h"

#include <string.h>

#include "base/macros.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "message_fields.h"
#include "svc/mask.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

#define PARAMS(...) ((const struct write_param[]){__VA_ARGS__, {.field = NULL}})

#define FIELD(name_, field_)                                                                       \
    {                                                                                              \
        .name = (name_), .field = (field_)                                                         \
    }
#define KEY(name_, field_)                                                                         \
    {                                                                                              \
        .name = (name_), .field = (field_), .is_key = true                                         \
    }
#define ALWAYS(name_, field_)                                                                      \
    {                                                                                              \
        .name = (name_), .field = (field_), .how = WRITE_HOW_ALWAYS                                \
    }
#define SHOWN(name_, field_, shown_)                                                               \
    {                                                                                              \
        .name = (name_), .field = (field_), .shown = (shown_)                                      \
    }
#define BESIDE(name_, field_)                                                                      \
    {                                                                                              \
        .name = (name_), .field = (field_), .how = WRITE_HOW_BESIDE                                \
    }
#define NESTED(name_, field_)                                                                      \
    {                                                                                              \
        .name = (name_), .field = (field_), .how = WRITE_HOW_NESTED                                \
    }
#define OURS(field_)                                                                               \
    {                                                                                              \
        .field = (field_), .how = WRITE_HOW_OURS                                                   \
    }
#define REFUSED(field_)                                                                            \
    {                                                                                              \
        .field = (field_), .how = WRITE_HOW_REFUSED                                                \
    }
#define ATTRIBUTES                                                                                 \
    {                                                                                              \
        .name = "Attributes", .field = "attributes", .is_key = true, .empty = "{}"                 \
    }
/* The name of a worker says which one it is; its attributes may have changed since. */
#define WORKER_ATTRIBUTES                                                                          \
    {                                                                                              \
        .name = "Attributes", .field = "attributes", .empty = "{}"                                 \
    }

#define CREATE(area, service, method, request_, reply_, role_)                                     \
    .rpc = "/taskrouter." #area ".v1." #service "/" method, .role = ROLE_##role_,                  \
    .kind = WRITE_CREATE, .request = &taskrouter__##area##__v1__##request_##_request__descriptor,  \
    .reply = &taskrouter__##area##__v1__##reply_##__descriptor
#define UPDATE(area, service, method, request_, reply_, role_)                                     \
    .rpc = "/taskrouter." #area ".v1." #service "/" method, .role = ROLE_##role_,                  \
    .kind = WRITE_UPDATE, .request = &taskrouter__##area##__v1__##request_##_request__descriptor,  \
    .reply = &taskrouter__##area##__v1__##reply_##__descriptor, .item = #reply_, .sid = "sid"
#define DELETE(area, service, method, request_, sid_, role_)                                       \
    .rpc = "/taskrouter." #area ".v1." #service "/" method, .role = ROLE_##role_,                  \
    .kind = WRITE_DELETE, .request = &taskrouter__##area##__v1__##request_##_request__descriptor,  \
    .sid = (sid_)
#define TASK_ACTION(method, role_, value, state)                                                   \
    .rpc = "/taskrouter.tasks.v1.Tasks/" method, .role = ROLE_##role_, .kind = WRITE_ACTION,       \
    .request = &taskrouter__tasks__v1__task_action_request__descriptor,                            \
    .reply = &taskrouter__tasks__v1__task__descriptor, .sid = "sid", .resource = TWILIO_TASK,      \
    .status_param = "AssignmentStatus", .status_value = (value),                                   \
    .status_field = "assignment_status", .has_etag = true,                                         \
    .status = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_##state
#define RESERVATION_ACTION(method, role_)                                                          \
    .rpc = "/taskrouter.tasks.v1.Tasks/" method, .role = ROLE_##role_, .kind = WRITE_ACTION,       \
    .request = &taskrouter__tasks__v1__reservation_action_request__descriptor,                     \
    .reply = &taskrouter__tasks__v1__reservation__descriptor, .sid = "sid",                        \
    .resource = TWILIO_RESERVATION, .has_etag = true
#define RESERVATION_STATUS(value, state)                                                           \
    .status_param = "ReservationStatus", .status_value = (value),                                  \
    .status_field = "reservation_status",                                                          \
    .status = TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_##state

/* clang-format off */
const struct write_op write_ops[] = {
    /* ---- workspaces ---- */
    {CREATE(workers, Workers, "CreateWorkspace", create_workspace, workspace, ADMIN),
     .resource = TWILIO_WORKSPACE,
     .params = PARAMS(KEY("FriendlyName", "friendly_name"),
                      FIELD("EventCallbackUrl", "event_callback_url"),
                      FIELD("EventsFilter", "events_filter"),
                      FIELD("MultiTaskEnabled", "multi_task_enabled"),
                      FIELD("PrioritizeQueueOrder", "prioritize_queue_order"),
                      FIELD("Template", "template"), OURS("time_zone"), REFUSED("activities"))},
    {UPDATE(workers, Workers, "UpdateWorkspace", update_workspace, workspace, ADMIN),
     .resource = TWILIO_WORKSPACE,
     .params = PARAMS(FIELD("FriendlyName", "friendly_name"),
                      FIELD("EventCallbackUrl", "event_callback_url"),
                      FIELD("EventsFilter", "events_filter"),
                      FIELD("MultiTaskEnabled", "multi_task_enabled"),
                      FIELD("DefaultActivitySid", "default_activity_sid"),
                      FIELD("TimeoutActivitySid", "timeout_activity_sid"),
                      FIELD("PrioritizeQueueOrder", "prioritize_queue_order"), OURS("time_zone"))},
    {DELETE(workers, Workers, "DeleteWorkspace", delete_workspace, "sid", ADMIN),
     .resource = TWILIO_WORKSPACE},

    /* ---- activities ---- */
    {CREATE(workers, Workers, "CreateActivity", create_activity, activity, SUPERVISOR),
     .resource = TWILIO_ACTIVITY,
     .params = PARAMS(KEY("FriendlyName", "friendly_name"), ALWAYS("Available", "available"))},
    {UPDATE(workers, Workers, "UpdateActivity", update_activity, activity, SUPERVISOR),
     .resource = TWILIO_ACTIVITY,
     .params = PARAMS(FIELD("FriendlyName", "friendly_name"))},
    {DELETE(workers, Workers, "DeleteActivity", delete_activity, "sid", SUPERVISOR),
     .resource = TWILIO_ACTIVITY},

    /* ---- workers ---- */
    {CREATE(workers, Workers, "CreateWorker", create_worker, worker, SUPERVISOR),
     .resource = TWILIO_WORKER, .has_etag = true,
     .params = PARAMS(KEY("FriendlyName", "friendly_name"), WORKER_ATTRIBUTES,
                      FIELD("ActivitySid", "activity_sid"))},
    {UPDATE(workers, Workers, "UpdateWorker", update_worker, worker, AGENT),
     .resource = TWILIO_WORKER, .has_etag = true,
     .params = PARAMS(FIELD("FriendlyName", "friendly_name"), WORKER_ATTRIBUTES,
                      FIELD("ActivitySid", "activity_sid"),
                      BESIDE("RejectPendingReservations", "reject_pending_reservations"))},
    {DELETE(workers, Workers, "DeleteWorker", delete_worker, "sid", SUPERVISOR),
     .resource = TWILIO_WORKER, .has_etag = true},
    {.rpc = "/taskrouter.workers.v1.Workers/UpdateWorkerChannel", .role = ROLE_SUPERVISOR,
     .kind = WRITE_UPDATE, .resource = TWILIO_WORKER_CHANNEL, .sid = "channel",
     .request = &taskrouter__workers__v1__update_worker_channel_request__descriptor,
     .reply = &taskrouter__workers__v1__worker_channel__descriptor,
     .params = PARAMS(SHOWN("Capacity", "capacity", "configured_capacity"),
                      FIELD("Available", "available"))},

    /* ---- queues and channels ---- */
    {CREATE(queues, Queues, "CreateTaskQueue", create_task_queue, task_queue, SUPERVISOR),
     .resource = TWILIO_TASK_QUEUE,
     .params = PARAMS(KEY("FriendlyName", "friendly_name"),
                      FIELD("TargetWorkers", "target_workers"),
                      FIELD("MaxReservedWorkers", "max_reserved_workers"),
                      FIELD("TaskOrder", "task_order"),
                      FIELD("ReservationActivitySid", "reservation_activity_sid"),
                      FIELD("AssignmentActivitySid", "assignment_activity_sid"))},
    {UPDATE(queues, Queues, "UpdateTaskQueue", update_task_queue, task_queue, SUPERVISOR),
     .resource = TWILIO_TASK_QUEUE,
     .params = PARAMS(FIELD("FriendlyName", "friendly_name"),
                      FIELD("TargetWorkers", "target_workers"),
                      FIELD("MaxReservedWorkers", "max_reserved_workers"),
                      FIELD("TaskOrder", "task_order"),
                      FIELD("ReservationActivitySid", "reservation_activity_sid"),
                      FIELD("AssignmentActivitySid", "assignment_activity_sid"))},
    {DELETE(queues, Queues, "DeleteTaskQueue", delete_task_queue, "sid", SUPERVISOR),
     .resource = TWILIO_TASK_QUEUE},
    {CREATE(queues, Queues, "CreateTaskChannel", create_task_channel, task_channel, ADMIN),
     .resource = TWILIO_TASK_CHANNEL,
     .params = PARAMS(FIELD("FriendlyName", "friendly_name"), KEY("UniqueName", "unique_name"),
                      ALWAYS("ChannelOptimizedRouting", "channel_optimized_routing"))},
    {UPDATE(queues, Queues, "UpdateTaskChannel", update_task_channel, task_channel, ADMIN),
     .resource = TWILIO_TASK_CHANNEL,
     .params = PARAMS(FIELD("FriendlyName", "friendly_name"),
                      FIELD("ChannelOptimizedRouting", "channel_optimized_routing"))},
    {DELETE(queues, Queues, "DeleteTaskChannel", delete_task_channel, "channel", ADMIN),
     .resource = TWILIO_TASK_CHANNEL},

    /* ---- workflows ---- */
    {CREATE(routing, Routing, "CreateWorkflow", create_workflow, workflow, SUPERVISOR),
     .resource = TWILIO_WORKFLOW,
     .params = PARAMS(KEY("FriendlyName", "friendly_name"),
                      FIELD("Configuration", "configuration"),
                      FIELD("AssignmentCallbackUrl", "assignment_callback_url"),
                      FIELD("FallbackAssignmentCallbackUrl", "fallback_assignment_callback_url"),
                      FIELD("TaskReservationTimeout", "task_reservation_timeout"))},
    {UPDATE(routing, Routing, "UpdateWorkflow", update_workflow, workflow, SUPERVISOR),
     .resource = TWILIO_WORKFLOW,
     .params = PARAMS(FIELD("FriendlyName", "friendly_name"),
                      FIELD("Configuration", "configuration"),
                      FIELD("AssignmentCallbackUrl", "assignment_callback_url"),
                      FIELD("FallbackAssignmentCallbackUrl", "fallback_assignment_callback_url"),
                      FIELD("TaskReservationTimeout", "task_reservation_timeout"),
                      BESIDE("ReEvaluateTasks", "re_evaluate_tasks"))},
    {DELETE(routing, Routing, "DeleteWorkflow", delete_workflow, "sid", SUPERVISOR),
     .resource = TWILIO_WORKFLOW},

    /* ---- tasks ---- */
    {CREATE(tasks, Tasks, "CreateTask", create_task, task, SUPERVISOR), .resource = TWILIO_TASK,
     .has_etag = true,
     .params = PARAMS(ATTRIBUTES, KEY("WorkflowSid", "workflow_sid"),
                      FIELD("TaskQueueSid", "task_queue_sid"),
                      KEY("RoutingTarget", "routing_target"),
                      FIELD("IgnoreCapacity", "ignore_capacity"),
                      {.name = "TaskChannel", .field = "task_channel", .is_key = true, .shown = "task_channel_sid", .other = "task_channel_unique_name"},
                      FIELD("Priority", "priority"), KEY("Timeout", "timeout"),
                      KEY("VirtualStartTime", "virtual_start_time"), OURS("call_id"))},
    {UPDATE(tasks, Tasks, "UpdateTask", update_task, task, SUPERVISOR), .resource = TWILIO_TASK,
     .has_etag = true,
     .params = PARAMS(ATTRIBUTES, FIELD("Priority", "priority"),
                      {.name = "TaskChannel", .field = "task_channel_sid", .other = "task_channel_unique_name"},
                      FIELD("VirtualStartTime", "virtual_start_time"))},
    {DELETE(tasks, Tasks, "DeleteTask", delete_task, "sid", SUPERVISOR), .resource = TWILIO_TASK,
     .has_etag = true},
    {TASK_ACTION("CancelTask", SUPERVISOR, "canceled", CANCELED), .reason = "canceled",
     .params = PARAMS(FIELD("Reason", "reason"),
                      {.name = "Attributes", .field = "attributes", .how = WRITE_HOW_NESTED, .empty = "{}"},
                      NESTED("Priority", "priority"), NESTED("TaskChannel", "task_channel_sid"),
                      NESTED("TaskChannel", "task_channel_unique_name"),
                      NESTED("VirtualStartTime", "virtual_start_time"))},
    {TASK_ACTION("WrapUpTask", AGENT, "wrapping", WRAPPING),
     .params = PARAMS(FIELD("Reason", "reason"), REFUSED("timeout"))},
    {TASK_ACTION("CompleteTask", AGENT, "completed", COMPLETED), .reason = "completed",
     .params = PARAMS(FIELD("Reason", "reason"))},

    /* ---- reservations ---- */
    {RESERVATION_ACTION("AcceptReservation", AGENT), RESERVATION_STATUS("accepted", ACCEPTED),
     .params = PARAMS(OURS("instruction"), OURS("instruction_data")) },
    {RESERVATION_ACTION("RejectReservation", AGENT), RESERVATION_STATUS("rejected", REJECTED),
     .params = PARAMS(FIELD("WorkerActivitySid", "worker_activity_sid"))},
    {RESERVATION_ACTION("WrapUpReservation", AGENT), RESERVATION_STATUS("wrapping", WRAPPING),
     .params = PARAMS(REFUSED("timeout"))},
    {RESERVATION_ACTION("CompleteReservation", AGENT),
     RESERVATION_STATUS("completed", COMPLETED) },
    {RESERVATION_ACTION("CancelReservation", SUPERVISOR),
     RESERVATION_STATUS("canceled", CANCELED) },
    {RESERVATION_ACTION("InstructReservation", AGENT), .status_param = "Instruction",
     .is_once = true,
     .params = PARAMS(FIELD("WorkerActivitySid", "worker_activity_sid"))},
};
/* clang-format on */

const size_t write_op_count = ARRAY_LEN(write_ops);

const struct write_op *write_op_find(const char *rpc)
{
    for (size_t i = 0; i < write_op_count; i++) {
        if (strcmp(write_ops[i].rpc, rpc) == 0)
            return &write_ops[i];
    }
    return NULL;
}

const ProtobufCMessage *write_item(const struct write_op *op, const ProtobufCMessage *request)
{
    return op->item == NULL ? request : field_message(request, op->item);
}

const char *write_sid(const struct write_op *op, const ProtobufCMessage *request)
{
    const ProtobufCMessage *item = write_item(op, request);
    return op->sid == NULL || item == NULL ? "" : field_text(item, op->sid);
}

const char *write_workspace_sid(const struct write_op *op, const ProtobufCMessage *request)
{
    const ProtobufCMessage *item = write_item(op, request);
    if (op->resource == TWILIO_WORKSPACE)
        return write_sid(op, request);
    return item == NULL ? "" : field_text(item, "workspace_sid");
}

static bool is_zero(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)field_of(message, field) == 0;
    case PROTOBUF_C_TYPE_INT64:
        return *(const int64_t *)field_of(message, field) == 0;
    case PROTOBUF_C_TYPE_INT32:
        return *(const int32_t *)field_of(message, field) == 0;
    case PROTOBUF_C_TYPE_ENUM:
        return *(const int *)field_of(message, field) == 0;
    default:
        return false;
    }
}

const ProtobufCMessage *write_param_source(const struct write_op *op,
                                           const ProtobufCMessage *request,
                                           const struct write_param *param)
{
    if (param->how == WRITE_HOW_BESIDE)
        return request;
    return param->how == WRITE_HOW_NESTED ? field_message(request, "task")
                                          : write_item(op, request);
}

bool write_names(const struct write_op *op, const ProtobufCMessage *request,
                 const struct write_param *param)
{
    const ProtobufCMessage *from = write_param_source(op, request, param);
    const ProtobufCFieldDescriptor *field =
        from == NULL ? NULL : field_find(from->descriptor, param->field);
    if (field == NULL)
        return false;
    if (param->how == WRITE_HOW_NESTED || (op->item != NULL && param->how != WRITE_HOW_BESIDE)) {
        const ProtobufCMessage *mask = field_message(request, "update_mask");
        return mask_has((const Google__Protobuf__FieldMask *)(const void *)mask, param->field);
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        const char *base = (const void *)from;
        size_t count = 0;
        memcpy(&count, base + field->quantifier_offset, sizeof count);
        return count > 0;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && param->how != WRITE_HOW_REFUSED)
        return field_is_set(from, field);
    return param->how == WRITE_HOW_ALWAYS || (field_is_set(from, field) && !is_zero(from, field));
}

const char *write_field_of(const struct write_op *op, struct str param_name)
{
    for (const struct write_param *param = op->params; param != NULL && param->field != NULL;
         param++) {
        if (param->name != NULL && str_eq_text(param_name, param->name))
            return param->field;
    }
    return NULL;
}
