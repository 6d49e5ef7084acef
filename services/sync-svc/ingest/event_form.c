#include "event_form.h"

#include <string.h>

#include "base/buf.h"
#include "base/call.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "base/parse.h"
#include "svc/wire.h"

enum { PARAMS_MAX = 512, TYPE_MAX_BYTES = 64 };

/* 2001 … 2100 */
#define STAMP_MIN_MS (INT64_C(978307200) * 1000)
#define STAMP_MAX_MS (INT64_C(4102444800) * 1000)

/* Calls instead of nested braces: the array alignment of clang-format 14 crashes on those. */
#define ROW(type_, resource_, action_, creation)                                                   \
    {                                                                                              \
        .type = (type_), .resource = TWILIO_##resource_, .action = EVENT_##action_,                \
        .is_creation = (creation)                                                                  \
    }
#define RESERVATION(type_, status_)                                                                \
    {                                                                                              \
        .type = (type_), .resource = TWILIO_RESERVATION, .action = EVENT_LOG,                      \
        .status = TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_##status_          \
    }

const struct event_kind event_kinds[] = {
    ROW("activity.created", ACTIVITY, OVERLAY, true),
    ROW("activity.updated", ACTIVITY, OVERLAY, false),
    ROW("activity.deleted", ACTIVITY, VANISH, false),
    RESERVATION("reservation.created", PENDING),
    RESERVATION("reservation.accepted", ACCEPTED),
    RESERVATION("reservation.rejected", REJECTED),
    RESERVATION("reservation.timeout", TIMEOUT),
    RESERVATION("reservation.canceled", CANCELED),
    RESERVATION("reservation.rescinded", RESCINDED),
    RESERVATION("reservation.completed", COMPLETED),
    RESERVATION("reservation.wrapup", WRAPPING),
    RESERVATION("reservation.failed", UNSPECIFIED), /* never was one */
    ROW("task.created", TASK, LOG, true),
    ROW("task.updated", TASK, LOG, false),
    ROW("task.canceled", TASK, LOG, false),
    ROW("task.wrapup", TASK, LOG, false),
    ROW("task.completed", TASK, LOG, false),
    ROW("task.deleted", TASK, DELETED, false),
    ROW("task.system-deleted", TASK, DELETED, false),
    ROW("task.transfer-initiated", TASK, LOG, false),
    ROW("task.transfer-attempt-failed", TASK, LOG, false),
    ROW("task.transfer-failed", TASK, LOG, false),
    ROW("task.transfer-canceled", TASK, LOG, false),
    ROW("task.transfer-completed", TASK, LOG, false),
    ROW("task-channel.created", TASK_CHANNEL, OVERLAY, true),
    ROW("task-channel.updated", TASK_CHANNEL, OVERLAY, false),
    ROW("task-channel.deleted", TASK_CHANNEL, VANISH, false),
    ROW("task-queue.created", TASK_QUEUE, FETCH, false),
    ROW("task-queue.deleted", TASK_QUEUE, VANISH, false),
    ROW("task-queue.expression.updated", TASK_QUEUE, OVERLAY, false),
    ROW("task-queue.entered", TASK, LOG, false),
    ROW("task-queue.timeout", TASK, LOG, false),
    ROW("task-queue.moved", TASK, LOG, false),
    ROW("worker.created", WORKER, OVERLAY, true),
    ROW("worker.activity.update", WORKER, OVERLAY, false),
    ROW("worker.attributes.update", WORKER, OVERLAY, false),
    ROW("worker.capacity.update", WORKER, CHANNELS, false),
    ROW("worker.channel.availability.update", WORKER, CHANNEL, false),
    ROW("worker.deleted", WORKER, VANISH, false),
    ROW("workflow.created", WORKFLOW, FETCH, false),
    ROW("workflow.updated", WORKFLOW, FETCH, false),
    ROW("workflow.deleted", WORKFLOW, VANISH, false),
    ROW("workflow.target-matched", TASK, LOG, false),
    ROW("workflow.entered", TASK, LOG, false),
    ROW("workflow.timeout", TASK, LOG, false),
    ROW("workflow.skipped", TASK, LOG, false),
    ROW("workspace.created", WORKSPACE, FETCH, false),
    ROW("workspace.updated", WORKSPACE, FETCH, false),
    ROW("workspace.deleted", WORKSPACE, VANISH, false),
};

const size_t event_kind_count = ARRAY_LEN(event_kinds);

/* Which parameter names the resource, and its family where the type is a new one. */
static const struct {
    const char *param;
    const char *family;
} names[TWILIO_RESOURCE_COUNT] = {
    [TWILIO_WORKSPACE] = {"WorkspaceSid",   "workspace."   },
    [TWILIO_ACTIVITY] = {"ActivitySid",    "activity."    },
    [TWILIO_WORKER] = {"WorkerSid",      "worker."      },
    [TWILIO_WORKER_CHANNEL] = {"",               NULL           },
    [TWILIO_TASK_QUEUE] = {"TaskQueueSid",   "task-queue."  },
    [TWILIO_TASK_CHANNEL] = {"TaskChannelSid", "task-channel."},
    [TWILIO_WORKFLOW] = {"WorkflowSid",    "workflow."    },
    [TWILIO_TASK] = {"TaskSid",        "task."        },
    [TWILIO_RESERVATION] = {"ReservationSid", "reservation." },
};

const char *event_param(const struct event_form *form, const char *name)
{
    for (size_t i = 0; i < form->param_count; i++)
        if (strcmp(form->params[i]->name, name) == 0)
            return form->params[i]->value;
    return "";
}

static enum err_code invalid(const char *param, const char *wanted, struct err *err)
{
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID", param, "%s must be %s", param,
                     wanted);
}

/* A new type of a family is as good as an update. Those of workflows and queues that name a task
 * are about that. */
static struct event_kind kind_of_family(const struct event_form *form)
{
    struct event_kind kind = {.type = form->type, .resource = TWILIO_RESOURCE_COUNT};
    for (int i = 0; i < TWILIO_RESOURCE_COUNT; i++) {
        if (names[i].family != NULL &&
            strncmp(form->type, names[i].family, strlen(names[i].family)) == 0)
            kind.resource = (enum twilio_resource)i;
    }
    bool has_task = parse_is_sid(str_from(event_param(form, "TaskSid")), "WT");
    if ((kind.resource == TWILIO_WORKFLOW || kind.resource == TWILIO_TASK_QUEUE) && has_task)
        kind.resource = TWILIO_TASK;
    if (kind.resource == TWILIO_TASK || kind.resource == TWILIO_RESERVATION)
        kind.action = EVENT_LOG;
    else if (kind.resource < TWILIO_RESOURCE_COUNT)
        kind.action = EVENT_FETCH;
    return kind;
}

static struct event_kind kind_of(const struct event_form *form)
{
    for (size_t i = 0; i < event_kind_count; i++)
        if (strcmp(event_kinds[i].type, form->type) == 0)
            return event_kinds[i];
    return kind_of_family(form);
}

static int64_t at_us(const struct event_form *form, const Google__Protobuf__Timestamp *received)
{
    int64_t at = 0;
    if (parse_i64(str_from(event_param(form, "TimestampMs")), STAMP_MIN_MS, STAMP_MAX_MS, &at))
        return at * US_PER_MS;
    if (parse_i64(str_from(event_param(form, "Timestamp")), STAMP_MIN_MS / 1000,
                  STAMP_MAX_MS / 1000, &at))
        return at * US_PER_S;
    return received != NULL ? wire_time_us(received) : clock_now_us();
}

static const char *resource_sid(const struct event_form *form)
{
    if (form->kind.resource >= TWILIO_RESOURCE_COUNT)
        return "";
    const char *prefix = twilio_prefix(form->kind.resource);
    const char *sid = event_param(form, names[form->kind.resource].param);
    if (!parse_is_sid(str_from(sid), prefix))
        sid = event_param(form, "ResourceSid");
    return parse_is_sid(str_from(sid), prefix) ? sid : "";
}

/* The same for the same contents. */
static const char *derived_sid(struct arena *arena, const struct event_form *form)
{
    struct buf all;
    buf_init(&all, 0);
    for (size_t i = 0; i < form->param_count; i++)
        buf_printf(&all, "%s=%s\n", form->params[i]->name, form->params[i]->value);
    struct sid sid = sid_derive("EV", str_from(form->workspace_sid), buf_str(&all));
    buf_fini(&all);
    return arena_strdup(arena, sid.text);
}

enum err_code event_form_read(struct arena *arena,
                              const Taskrouter__Sync__V1__ApplyWebhookRequest *request,
                              struct event_form *out, struct err *err)
{
    *out = (struct event_form){.params = request->parameters, .param_count = request->n_parameters};
    if (request->n_parameters > PARAMS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID", "parameters",
                         "an event has at most %d parameters", PARAMS_MAX);
    out->type = event_param(out, "EventType");
    out->account_sid = event_param(out, "AccountSid");
    out->workspace_sid = event_param(out, "WorkspaceSid");
    if (out->type[0] == '\0' || strlen(out->type) > TYPE_MAX_BYTES)
        return invalid("EventType", "an event type such as task.created", err);
    if (!parse_is_sid(str_from(out->account_sid), "AC"))
        return invalid("AccountSid", "an account's SID (AC…)", err);
    if (!parse_is_sid(str_from(out->workspace_sid), "WS"))
        return invalid("WorkspaceSid", "a workspace's SID (WS…)", err);
    out->kind = kind_of(out);
    out->at_us = at_us(out, request->received_at);
    out->resource_sid = resource_sid(out);
    if (out->kind.action != EVENT_NONE && out->resource_sid[0] == '\0' &&
        !(out->kind.resource == TWILIO_RESERVATION &&
          parse_is_sid(str_from(event_param(out, "TaskSid")), "WT")))
        return invalid(names[out->kind.resource].param, "the SID of what the event is about", err);
    out->sid = event_param(out, "Sid");
    if (!parse_is_sid(str_from(out->sid), "EV"))
        out->sid = derived_sid(arena, out);
    return out->sid == NULL ? call_no_room(err) : ERR_OK;
}
