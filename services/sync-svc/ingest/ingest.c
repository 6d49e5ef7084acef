#include "ingest.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "event_rows.h"
#include "ingest_int.h"
#include "log/log.h"
#include "message_fields.h"
#include "mirror.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/mirror.pb-c.h"

#define APPLY "/taskrouter.tasks.v1.Mirror/Apply"

#define OUTCOME(name) TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_##name

typedef Taskrouter__Common__V1__MirrorOutcome ingest_outcome;

struct ingest *ingest_new(const struct ingest_options *options)
{
    struct ingest *ingest = xcalloc(1, sizeof *ingest);
    ingest->options = *options;
    ingest->known = known_new();
    return ingest;
}

void ingest_free(struct ingest *ingest)
{
    if (ingest == NULL)
        return;
    known_free(ingest->known);
    free(ingest);
}

/* ---- results ---- */

/* What is told of an event. */
struct told {
    ingest_outcome outcome;
    const char *detail;
};

static void tell(struct told *told, const ingest_result *result)
{
    if (result == NULL) {
        told->outcome = OUTCOME(STALE);
        told->detail = "Twilio has it no more";
        return;
    }
    told->outcome = result->outcome;
    told->detail = result->detail;
}

/* ---- tasks and reservations ---- */

/* What the event speaks of beside its task. */
static enum err_code ensure_mentioned(struct ingesting *in, struct err *err)
{
    static const struct {
        const char *param;
        enum twilio_resource resource;
    } rows[] = {
        {"WorkflowSid",    TWILIO_WORKFLOW    },
        {"TaskQueueSid",   TWILIO_TASK_QUEUE  },
        {"TaskChannelSid", TWILIO_TASK_CHANNEL},
        {"WorkerSid",      TWILIO_WORKER      },
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows) && code == ERR_OK; i++) {
        const char *sid = event_param(in->form, rows[i].param);
        if (parse_is_sid(str_from(sid), twilio_prefix(rows[i].resource)))
            code = ingest_ensure(in, rows[i].resource, sid, err);
    }
    return code;
}

static enum err_code apply(struct ingesting *in, Taskrouter__Tasks__V1__ApplyRequest *request,
                           struct told *told, struct err *err)
{
    struct call *call = in->call;
    Taskrouter__Common__V1__MirrorResults *reply = NULL;
    request->workspace_sid = wire_text(call->arena, in->form->workspace_sid);
    request->event = event_entry(call->arena, in->form);
    request->observed_at = wire_time(call->arena, in->form->at_us);
    if (request->event == NULL || arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code =
        RPC_CALL(in->ingest->options.host->as_service[PEER_TASKS], call, APPLY, &request->base,
                 taskrouter__common__v1__mirror_results, &reply, err);
    if (code != ERR_OK)
        return code;
    *told = (struct told){OUTCOME(UNCHANGED), "only the event was stored"};
    if (reply->n_items > 0) /* the reservation where there is one, else the task */
        tell(told, reply->items[reply->n_items - 1]);
    if (told->outcome == OUTCOME(CONFLICTING))
        LOG_WARN(call, "an event's task or reservation cannot be stored",
                 LOG_STR("event", in->form->sid), LOG_STR("detail", told->detail));
    return ERR_OK;
}

static enum err_code do_log(struct ingesting *in, struct told *told, struct err *err)
{
    const struct event_form *form = in->form;
    struct arena *arena = in->call->arena;
    const char *task_sid = event_param(form, "TaskSid");
    bool has_task = parse_is_sid(str_from(task_sid), "WT");
    Taskrouter__Tasks__V1__ApplyRequest *request =
        PB_NEW(arena, taskrouter__tasks__v1__apply_request);
    if (request == NULL)
        return call_no_room(err);
    enum err_code code = ensure_mentioned(in, err);
    if (code == ERR_OK && has_task && !form->kind.is_creation)
        code = ingest_ensure(in, TWILIO_TASK, task_sid, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Tasks__V1__Task *task = event_task(arena, form);
    Taskrouter__Tasks__V1__Reservation *reservation = event_reservation(arena, form);
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    request->tasks = &task;
    request->n_tasks = task != NULL;
    request->reservations = &reservation;
    request->n_reservations = reservation != NULL;
    code = apply(in, request, told, err);
    if (code == ERR_OK && has_task)
        known_add(in->ingest->known, task_sid);
    return code;
}

static enum err_code do_deleted(struct ingesting *in, struct told *told, struct err *err)
{
    struct arena *arena = in->call->arena;
    Taskrouter__Tasks__V1__ApplyRequest *request =
        PB_NEW(arena, taskrouter__tasks__v1__apply_request);
    char *sid = wire_text(arena, in->form->resource_sid);
    if (request == NULL || sid == NULL)
        return call_no_room(err);
    request->deleted_sids = &sid;
    request->n_deleted_sids = 1;
    return apply(in, request, told, err);
}

/* ---- the others ---- */

static enum err_code do_fetch(struct ingesting *in, struct told *told, struct err *err)
{
    ingest_result *result = NULL;
    enum err_code code =
        ingest_fetch(in, in->form->kind.resource, in->form->resource_sid, &result, err);
    if (code == ERR_OK)
        tell(told, result);
    return code;
}

/* What a worker's row or an event of one refers to is stored before it. */
static enum err_code ensure_activity(struct ingesting *in, struct err *err)
{
    const char *sid = event_param(in->form, "WorkerActivitySid");
    if (in->form->kind.resource != TWILIO_WORKER || !parse_is_sid(str_from(sid), "WA"))
        return ERR_OK;
    return ingest_ensure(in, TWILIO_ACTIVITY, sid, err);
}

/* A new worker's channels are not in its event. */
static enum err_code channels_of_new(struct ingesting *in, struct err *err)
{
    ingest_result *unused = NULL;
    if (in->form->kind.resource != TWILIO_WORKER || !in->form->kind.is_creation)
        return ERR_OK;
    return ingest_fetch_channels(in, in->form->resource_sid, &unused, err);
}

static enum err_code do_overlay(struct ingesting *in, struct told *told, struct err *err)
{
    const struct event_form *form = in->form;
    ProtobufCMessage *item = NULL;
    ingest_result *result = NULL;
    enum err_code code = ingest_ours(in, form->kind.resource, NULL, form->resource_sid, &item, err);
    if (code == ERR_OK && item == NULL && !event_is_complete(form))
        return do_fetch(in, told, err);
    if (code == ERR_OK)
        code = ensure_activity(in, err);
    if (code == ERR_OK && item == NULL)
        item = event_new(in->call->arena, form);
    if (code == ERR_OK && item == NULL)
        code = call_no_room(err);
    if (code != ERR_OK)
        return code;
    (void)event_overlay(in->call->arena, form, item);
    if (arena_is_exhausted(in->call->arena))
        return call_no_room(err);
    code = ingest_put(in, form->kind.resource, item, form->at_us, &result, err);
    if (code == ERR_OK)
        tell(told, result);
    return code == ERR_OK ? channels_of_new(in, err) : code;
}

static enum err_code do_channels(struct ingesting *in, struct told *told, struct err *err)
{
    ingest_result *result = NULL;
    enum err_code code = ingest_ensure(in, TWILIO_WORKER, in->form->resource_sid, err);
    if (code == ERR_OK)
        code = ingest_fetch_channels(in, in->form->resource_sid, &result, err);
    if (code == ERR_OK)
        tell(told, result);
    return code;
}

static enum err_code do_channel(struct ingesting *in, struct told *told, struct err *err)
{
    const struct event_form *form = in->form;
    const char *channel = event_param(form, "TaskChannelSid");
    ProtobufCMessage *item = NULL;
    ingest_result *result = NULL;
    bool is_said = parse_is_sid(str_from(channel), "TC") &&
                   event_param(form, "WorkerChannelAvailable")[0] != '\0';
    enum err_code code = ERR_OK;
    if (is_said)
        code = ingest_ours(in, TWILIO_WORKER_CHANNEL, form->resource_sid, channel, &item, err);
    if (code != ERR_OK)
        return code;
    if (item == NULL)
        return do_channels(in, told, err);
    (void)event_overlay(in->call->arena, form, item);
    code = ingest_put(in, TWILIO_WORKER_CHANNEL, item, form->at_us, &result, err);
    if (code == ERR_OK)
        tell(told, result);
    return code;
}

static enum err_code do_vanish(struct ingesting *in, struct told *told, struct err *err)
{
    ingest_result **results = NULL;
    const struct mirror_gone gone = {
        .resource = in->form->kind.resource,
        .workspace_sid = in->form->workspace_sid,
        .sids = &in->form->resource_sid,
        .count = 1,
        .observed_at_us = in->form->at_us,
    };
    enum err_code code = mirror_vanish(in->ingest->options.host, in->call, &gone, &results, err);
    if (code == ERR_OK)
        tell(told, results[0]);
    return code;
}

/* ---- the event ---- */

static enum err_code act(struct ingesting *in, struct told *told, struct err *err)
{
    switch (in->form->kind.action) {
    case EVENT_LOG:
        return do_log(in, told, err);
    case EVENT_DELETED:
        return do_deleted(in, told, err);
    case EVENT_OVERLAY:
        return do_overlay(in, told, err);
    case EVENT_FETCH:
        return do_fetch(in, told, err);
    case EVENT_CHANNELS:
        return do_channels(in, told, err);
    case EVENT_CHANNEL:
        return do_channel(in, told, err);
    case EVENT_VANISH:
        return do_vanish(in, told, err);
    case EVENT_NONE:
        break;
    }
    *told = (struct told){OUTCOME(IGNORED), "events of this type are not known here"};
    return ERR_OK;
}

/* Whether the event is of a workspace that is mirrored here; *told says why not. */
static enum err_code is_ours(struct ingesting *in, bool *out_is_ours, struct told *told,
                             struct err *err)
{
    struct workspace_copy workspace;
    enum err_code code = workspaces_require(in->ingest->options.workspaces, in->call,
                                            in->form->workspace_sid, &workspace, err);
    *out_is_ours = false;
    told->outcome = OUTCOME(IGNORED);
    if (code == ERR_NOT_FOUND) {
        err_clear(err);
        told->detail = "the workspace is not mirrored here; taskrouter sync --all begins that";
        return ERR_OK;
    }
    if (code != ERR_OK)
        return code;
    if (!workspace.is_mirrored)
        told->detail = "the workspace is routed here, not by Twilio";
    else if (!str_eq_text(str_from(workspace.account_sid), in->form->account_sid))
        told->detail = "the event is of another account than the workspace";
    else
        *out_is_ours = true;
    return ERR_OK;
}

enum err_code ingest_apply(struct ingest *ingest, struct call *call,
                           const Taskrouter__Sync__V1__ApplyWebhookRequest *request,
                           Taskrouter__Sync__V1__ApplyWebhookResponse **out_reply, struct err *err)
{
    struct event_form form;
    struct told told = {OUTCOME(IGNORED), ""};
    struct ingesting in = {.ingest = ingest, .call = call, .form = &form};
    bool is_mirrored = false;
    enum err_code code = event_form_read(call->arena, request, &form, err);
    if (code == ERR_OK)
        code = is_ours(&in, &is_mirrored, &told, err);
    if (code == ERR_OK && is_mirrored)
        code = act(&in, &told, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Sync__V1__ApplyWebhookResponse *reply =
        PB_NEW(call->arena, taskrouter__sync__v1__apply_webhook_response);
    if (reply == NULL)
        return call_no_room(err);
    reply->outcome = told.outcome;
    reply->detail = wire_text(call->arena, told.detail);
    reply->fetched = in.has_asked;
    *out_reply = reply;
    return reply->detail == NULL ? call_no_room(err) : ERR_OK;
}
