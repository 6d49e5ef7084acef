#include "event_rows.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "jx/writer.h"
#include "message_fields.h"
#include "pbjson/pbjson.h"
#include "rpc/pb.h"
#include "svc/mirror.h"
#include "svc/wire.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum { NAME_MAX_BYTES = 128, SECONDS_MIN = 946684800 /* 2000 */ };

#define SECONDS_MAX INT64_C(4102444800) /* 2100 */

/* ---- values ---- */

static char *text_of(struct arena *arena, const struct event_form *form, const char *name)
{
    return wire_text(arena, event_param(form, name));
}

/* "" for what is no SID with that prefix. */
static char *sid_of(struct arena *arena, const struct event_form *form, const char *name,
                    const char *prefix)
{
    const char *sid = event_param(form, name);
    return wire_text(arena, parse_is_sid(str_from(sid), prefix) ? sid : "");
}

static int64_t number_of(const struct event_form *form, const char *name)
{
    int64_t number = 0;
    (void)parse_i64(str_from(event_param(form, name)), 0, INT64_MAX, &number);
    return number;
}

/* Times are epoch seconds; RFC 3339 is read too. Absent or neither: NULL. */
static Google__Protobuf__Timestamp *time_of(struct arena *arena, const struct event_form *form,
                                            const char *name)
{
    int64_t at = 0;
    struct str text = str_from(event_param(form, name));
    if (parse_i64(text, SECONDS_MIN, SECONDS_MAX, &at))
        return wire_time(arena, at * US_PER_S);
    return parse_time(text, &at) ? wire_time(arena, at) : NULL;
}

/* As REST writes dates. */
static Google__Protobuf__Timestamp *second_of(struct arena *arena, const struct event_form *form)
{
    return wire_time(arena, form->at_us / US_PER_S * US_PER_S);
}

/* ---- tasks and reservations ---- */

static Taskrouter__Tasks__V1__TaskStatus task_status(const struct event_form *form)
{
    int value = 0;
    const char *text = event_param(form, "TaskAssignmentStatus");
    if (text[0] == '\0' ||
        !pbjson_enum_from(&taskrouter__tasks__v1__task_status__descriptor, str_from(text), &value))
        value = TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_UNSPECIFIED;
    return (Taskrouter__Tasks__V1__TaskStatus)value;
}

static const char *task_reason(const struct event_form *form)
{
    static const char *const keys[] = {"TaskCanceledReason", "TaskCompletedReason", "Reason"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (event_param(form, keys[i])[0] != '\0')
            return event_param(form, keys[i]);
    return "";
}

/* Whoever accepts a reservation has the task. */
static bool has_task(const struct event_form *form)
{
    switch (form->kind.status) {
    case TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_ACCEPTED:
    case TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_WRAPPING:
    case TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_COMPLETED:
        return true;
    default:
        return false;
    }
}

static void task_places(struct arena *arena, const struct event_form *form,
                        Taskrouter__Tasks__V1__Task *task)
{
    const char *target = event_param(form, "TaskRoutingTarget");
    task->task_queue_sid = sid_of(arena, form, "TaskQueueSid", "WQ");
    task->task_queue_name = text_of(arena, form, "TaskQueueName");
    task->task_channel_sid = sid_of(arena, form, "TaskChannelSid", "TC");
    task->task_channel_unique_name = text_of(arena, form, "TaskChannelUniqueName");
    task->workflow_sid = sid_of(arena, form, "WorkflowSid", "WW");
    task->workflow_name = text_of(arena, form, "WorkflowName");
    task->routing_target = wire_text(arena, parse_is_sid(str_from(target), NULL) ? target : "");
    task->worker_sid =
        has_task(form) ? sid_of(arena, form, "WorkerSid", "WK") : wire_text(arena, "");
}

Taskrouter__Tasks__V1__Task *event_task(struct arena *arena, const struct event_form *form)
{
    Taskrouter__Tasks__V1__TaskStatus status = task_status(form);
    Taskrouter__Tasks__V1__Task *task = PB_NEW(arena, taskrouter__tasks__v1__task);
    bool ignores = false;
    const char *sid = event_param(form, "TaskSid");
    if (task == NULL || status == TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_UNSPECIFIED ||
        !parse_is_sid(str_from(sid), "WT"))
        return NULL;
    task->sid = wire_text(arena, sid);
    task->account_sid = wire_text(arena, form->account_sid);
    task->workspace_sid = wire_text(arena, form->workspace_sid);
    task->attributes = text_of(arena, form, "TaskAttributes");
    task->assignment_status = status;
    task->priority = number_of(form, "TaskPriority");
    task->reason = wire_text(arena, task_reason(form));
    task->timeout = number_of(form, "TaskTimeout");
    task_places(arena, form, task);
    (void)parse_bool(str_from(event_param(form, "TaskIgnoreCapacity")), &ignores);
    task->ignore_capacity = ignores;
    task->date_created = time_of(arena, form, "TaskDateCreated");
    task->date_updated = second_of(arena, form);
    task->task_queue_entered_date = time_of(arena, form, "TaskQueueEnteredDate");
    task->virtual_start_time = time_of(arena, form, "TaskVirtualStartTime");
    return arena_is_exhausted(arena) ? NULL : task;
}

Taskrouter__Tasks__V1__Reservation *event_reservation(struct arena *arena,
                                                      const struct event_form *form)
{
    bool is_one = form->kind.resource == TWILIO_RESERVATION &&
                  form->kind.status !=
                      TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_UNSPECIFIED &&
                  parse_is_sid(str_from(event_param(form, "WorkerSid")), "WK") &&
                  form->resource_sid[0] != '\0';
    Taskrouter__Tasks__V1__Reservation *reservation =
        is_one ? PB_NEW(arena, taskrouter__tasks__v1__reservation) : NULL;
    if (reservation == NULL)
        return NULL;
    reservation->sid = wire_text(arena, form->resource_sid);
    reservation->account_sid = wire_text(arena, form->account_sid);
    reservation->workspace_sid = wire_text(arena, form->workspace_sid);
    reservation->task_sid = sid_of(arena, form, "TaskSid", "WT");
    reservation->worker_sid = sid_of(arena, form, "WorkerSid", "WK");
    reservation->worker_name = text_of(arena, form, "WorkerName");
    reservation->reservation_status = form->kind.status;
    reservation->timeout = number_of(form, "ReservationTimeout");
    if (strcmp(form->type, "reservation.created") == 0)
        reservation->date_created = second_of(arena, form);
    reservation->date_updated = second_of(arena, form);
    reservation->task_queue_sid = sid_of(arena, form, "TaskQueueSid", "WQ");
    reservation->workflow_sid = sid_of(arena, form, "WorkflowSid", "WW");
    return arena_is_exhausted(arena) ? NULL : reservation;
}

/* ---- the log ---- */

/* Said of every event beside its data. */
static bool is_common(const char *name)
{
    static const char *const common[] = {
        "EventType",        "AccountSid",   "WorkspaceSid", "WorkspaceName",
        "EventDescription", "ResourceType", "ResourceSid",  "Sid",
        "OperatingUnitSid", "Timestamp",    "TimestampMs",
    };
    for (size_t i = 0; i < ARRAY_LEN(common); i++)
        if (strcmp(name, common[i]) == 0)
            return true;
    return false;
}

/* "TaskQueueSid" is "task_queue_sid"; no two names become the same. False for what is no such name.
 */
static bool snake(const char *pascal, char out[NAME_MAX_BYTES])
{
    size_t len = 0;
    if (pascal[0] < 'A' || pascal[0] > 'Z')
        return false;
    for (const char *c = pascal; *c != '\0'; c++) {
        bool is_capital = *c >= 'A' && *c <= 'Z';
        bool is_other = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if ((!is_capital && !is_other) || len + 2 >= NAME_MAX_BYTES)
            return false;
        if (is_capital && len > 0)
            out[len++] = '_';
        out[len] = *c;
        if (is_capital)
            out[len] = (char)(*c - 'A' + 'a');
        len++;
    }
    out[len] = '\0';
    return true;
}

static bool is_first(const struct event_form *form, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(form->params[i]->name, form->params[index]->name) == 0)
            return false;
    return true;
}

static char *event_data(struct arena *arena, const struct event_form *form)
{
    char name[NAME_MAX_BYTES];
    struct buf text;
    struct jx_writer w;
    buf_init(&text, 0);
    jx_writer_init(&w, &text);
    jx_object_begin(&w);
    for (size_t i = 0; i < form->param_count; i++) {
        if (!is_common(form->params[i]->name) && is_first(form, i) &&
            snake(form->params[i]->name, name))
            jx_put_text(&w, name, form->params[i]->value);
    }
    jx_object_end(&w);
    char *copy = jx_writer_finish(&w, NULL) == ERR_OK ? arena_str_dup(arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return copy;
}

Taskrouter__Tasks__V1__Event *event_entry(struct arena *arena, const struct event_form *form)
{
    Taskrouter__Tasks__V1__Event *event = PB_NEW(arena, taskrouter__tasks__v1__event);
    if (event == NULL)
        return NULL;
    bool is_of_reservation =
        form->kind.resource == TWILIO_RESERVATION && form->resource_sid[0] != '\0';
    event->sid = wire_text(arena, form->sid);
    event->account_sid = wire_text(arena, form->account_sid);
    event->workspace_sid = wire_text(arena, form->workspace_sid);
    event->event_type = wire_text(arena, form->type);
    event->event_date = wire_time(arena, form->at_us);
    event->description = text_of(arena, form, "EventDescription");
    event->event_data = event_data(arena, form);
    event->actor_type = wire_text(arena, "system");
    event->resource_type = wire_text(arena, is_of_reservation ? "reservation" : "task");
    event->resource_sid = is_of_reservation ? wire_text(arena, form->resource_sid)
                                            : sid_of(arena, form, "TaskSid", "WT");
    event->resource_version =
        number_of(form, is_of_reservation ? "ReservationVersion" : "TaskVersion");
    event->source = wire_text(arena, "twilio");
    return event->event_data == NULL || arena_is_exhausted(arena) ? NULL : event;
}

/* ---- other resources ---- */

/* Which parameter says which field. */
struct overlay_row {
    const char *param;
    const char *field;
    bool is_bool;
    bool is_json;
};

#define ROWS_MAX 5

static const struct overlay_row overlays[TWILIO_RESOURCE_COUNT][ROWS_MAX] = {
    [TWILIO_ACTIVITY] = {{"ActivityName", "friendly_name", false, false},
                         {"ActivityAvailable", "available", true, false}        },
    [TWILIO_WORKER] = {{"WorkerName", "friendly_name", false, false},
                         {"WorkerAttributes", "attributes", false, true},
                         {"WorkerActivitySid", "activity_sid", false, false},
                         {"WorkerActivityName", "activity_name", false, false}},
    [TWILIO_WORKER_CHANNEL] = {{"WorkerChannelAvailable", "available", true, false}},
    [TWILIO_TASK_CHANNEL] = {{"TaskChannelName", "friendly_name", false, false},
                         {"TaskChannelUniqueName", "unique_name", false, false},
                         {"TaskChannelOptimizedRouting", "channel_optimized_routing", true,
                              false}},
    [TWILIO_TASK_QUEUE] = {{"TaskQueueName", "friendly_name", false, false},
                         {"TaskQueueTargetExpression", "target_workers", false, false}   },
};

bool event_is_complete(const struct event_form *form)
{
    const struct overlay_row *row = overlays[form->kind.resource];
    if (!form->kind.is_creation || row->param == NULL)
        return false;
    for (; row < overlays[form->kind.resource] + ROWS_MAX && row->param != NULL; row++)
        if (event_param(form, row->param)[0] == '\0')
            return false;
    return true;
}

ProtobufCMessage *event_new(struct arena *arena, const struct event_form *form)
{
    static const ProtobufCMessageDescriptor *const types[TWILIO_RESOURCE_COUNT] = {
        [TWILIO_ACTIVITY] = &taskrouter__workers__v1__activity__descriptor,
        [TWILIO_WORKER] = &taskrouter__workers__v1__worker__descriptor,
        [TWILIO_TASK_CHANNEL] = &taskrouter__queues__v1__task_channel__descriptor,
    };
    const ProtobufCMessageDescriptor *type = types[form->kind.resource];
    return type == NULL ? NULL : pb_new(arena, type);
}

/* True when it differed. */
static bool field_overlay(struct arena *arena, const struct event_form *form,
                          const struct overlay_row *row, ProtobufCMessage *resource)
{
    const char *value = event_param(form, row->param);
    bool flag = false;
    if (value[0] == '\0')
        return false;
    if (row->is_bool) {
        if (!parse_bool(str_from(value), &flag) || field_bool(resource, row->field) == flag)
            return false;
        field_bool_set(resource, row->field, flag);
        return true;
    }
    const char *ours = field_text(resource, row->field);
    bool is_same =
        row->is_json ? mirror_json_eq(str_from(ours), str_from(value)) : strcmp(ours, value) == 0;
    if (!is_same)
        field_text_set(resource, row->field, wire_text(arena, value));
    return !is_same;
}

/* Of a worker channel the event's own resource is the worker. */
static enum twilio_resource resource_of(const struct event_form *form)
{
    return form->kind.action == EVENT_CHANNEL ? TWILIO_WORKER_CHANNEL : form->kind.resource;
}

bool event_overlay(struct arena *arena, const struct event_form *form, ProtobufCMessage *resource)
{
    const struct overlay_row *row = overlays[resource_of(form)];
    bool is_new = field_text(resource, "sid")[0] == '\0';
    bool is_changed = is_new;
    const char *activity_before = field_text(resource, "activity_sid");
    if (is_new) {
        field_text_set(resource, "sid", wire_text(arena, form->resource_sid));
        field_text_set(resource, "account_sid", wire_text(arena, form->account_sid));
        field_text_set(resource, "workspace_sid", wire_text(arena, form->workspace_sid));
        field_message_set(resource, "date_created", (ProtobufCMessage *)second_of(arena, form));
    }
    for (size_t i = 0; i < ROWS_MAX && row[i].param != NULL; i++)
        is_changed = field_overlay(arena, form, &row[i], resource) || is_changed;
    if (strcmp(activity_before, field_text(resource, "activity_sid")) != 0)
        field_message_set(resource, "date_status_changed",
                          (ProtobufCMessage *)second_of(arena, form));
    if (is_changed)
        field_message_set(resource, "date_updated", (ProtobufCMessage *)second_of(arena, form));
    return is_changed;
}
