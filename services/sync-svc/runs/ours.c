#include "message_fields.h"
#include "put.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "svc/wire.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum { PAGE_ITEMS = 500 };

/* How an owner lists a resource. */
static const struct {
    const char *method;
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply;
    const char *statuses; /* the request's field: only what has not ended; NULL: all */
} rows[TWILIO_RESOURCE_COUNT] = {
    [TWILIO_ACTIVITY] = {"/taskrouter.workers.v1.Workers/ListActivities",
                         &taskrouter__workers__v1__list_activities_request__descriptor,
                         &taskrouter__workers__v1__list_activities_response__descriptor,   NULL               },
    [TWILIO_WORKER] = {"/taskrouter.workers.v1.Workers/ListWorkers",
                         &taskrouter__workers__v1__list_workers_request__descriptor,
                         &taskrouter__workers__v1__list_workers_response__descriptor,      NULL               },
    [TWILIO_TASK_QUEUE] = {"/taskrouter.queues.v1.Queues/ListTaskQueues",
                         &taskrouter__queues__v1__list_task_queues_request__descriptor,
                         &taskrouter__queues__v1__list_task_queues_response__descriptor,   NULL               },
    [TWILIO_TASK_CHANNEL] = {"/taskrouter.queues.v1.Queues/ListTaskChannels",
                         &taskrouter__queues__v1__list_task_channels_request__descriptor,
                         &taskrouter__queues__v1__list_task_channels_response__descriptor,
                         NULL                                                                                 },
    [TWILIO_WORKFLOW] = {"/taskrouter.routing.v1.Routing/ListWorkflows",
                         &taskrouter__routing__v1__list_workflows_request__descriptor,
                         &taskrouter__routing__v1__list_workflows_response__descriptor,    NULL               },
    [TWILIO_TASK] = {"/taskrouter.tasks.v1.Tasks/ListTasks",
                         &taskrouter__tasks__v1__list_tasks_request__descriptor,
                         &taskrouter__tasks__v1__list_tasks_response__descriptor,          "assignment_status"},
    [TWILIO_RESERVATION] = {"/taskrouter.tasks.v1.Tasks/ListReservations",
                         &taskrouter__tasks__v1__list_reservations_request__descriptor,
                         &taskrouter__tasks__v1__list_reservations_response__descriptor,
                         "reservation_status"                                                                 },
};

static const Taskrouter__Tasks__V1__TaskStatus live_tasks[] = {
    TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_PENDING,
    TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_RESERVED,
    TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_ASSIGNED,
    TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_WRAPPING,
};

static const Taskrouter__Tasks__V1__ReservationStatus live_reservations[] = {
    TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_PENDING,
    TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_ACCEPTED,
    TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_WRAPPING,
};

_Static_assert(sizeof live_tasks[0] == sizeof(int) && sizeof live_reservations[0] == sizeof(int),
               "an enum of protobuf-c is an int");

struct asking {
    enum twilio_resource resource;
    const char *cursor;
    ProtobufCMessage *reply;
};

/* protobuf-c's lists are not const; nothing writes to them. */
static bool set_statuses(struct arena *arena, enum twilio_resource resource,
                         ProtobufCMessage *request)
{
    bool is_task = resource == TWILIO_TASK;
    size_t count = is_task ? ARRAY_LEN(live_tasks) : ARRAY_LEN(live_reservations);
    int *statuses = ARENA_ARRAY(arena, int, count);
    if (statuses == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        statuses[i] = is_task ? (int)live_tasks[i] : (int)live_reservations[i];
    field_list_set(request, rows[resource].statuses, statuses, count);
    return true;
}

static enum err_code try_page(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct asking *asking = ctx;
    enum twilio_resource resource = asking->resource;
    ProtobufCMessage *request = pb_new(call->arena, rows[resource].request);
    if (request == NULL)
        return call_no_room(err);
    int32_t size = PAGE_ITEMS;
    void *page_size = field_at(request, field_find(request->descriptor, "page_size"));
    memcpy(page_size, &size, sizeof size);
    field_text_set(request, "workspace_sid", wire_text(call->arena, job->run.workspace_sid));
    field_text_set(request, "cursor", wire_text(call->arena, asking->cursor));
    if (rows[resource].statuses != NULL && !set_statuses(call->arena, resource, request))
        return call_no_room(err);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return rpc_call(job->options->host->as_service[mirror_owner(resource)], call,
                    rows[resource].method, request, rows[resource].reply, &asking->reply, err);
}

enum err_code ours_page(struct job *job, struct arena *arena, enum twilio_resource resource,
                        const char *cursor, struct ours *out, struct err *err)
{
    struct asking asking = {.resource = resource, .cursor = cursor};
    INVARIANT(rows[resource].method != NULL);
    enum err_code code = job_insist(job, arena, try_page, &asking, err);
    if (code != ERR_OK)
        return code;
    const ProtobufCFieldDescriptor *items = field_find(asking.reply->descriptor, "items");
    const char *base = (const char *)asking.reply;
    void *list = NULL;
    memcpy(&list, base + items->offset, sizeof list);
    memcpy(&out->count, base + items->quantifier_offset, sizeof out->count);
    out->items = list;
    out->next_cursor = field_text(asking.reply, "next_cursor");
    return ERR_OK;
}
