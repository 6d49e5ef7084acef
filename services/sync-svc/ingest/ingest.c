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

static void tell(struct ingest_told *told, const ingest_result *result)
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

/* What an event speaks of beside its task. */
static const struct {
    const char *param;
    enum twilio_resource resource;
} mentions[] = {
    {"WorkflowSid",    TWILIO_WORKFLOW    },
    {"TaskQueueSid",   TWILIO_TASK_QUEUE  },
    {"TaskChannelSid", TWILIO_TASK_CHANNEL},
    {"WorkerSid",      TWILIO_WORKER      },
};

/* "": it does not. */
static const char *mentioned(const struct event_form *form, size_t index)
{
    const char *sid = event_param(form, mentions[index].param);
    return parse_is_sid(str_from(sid), twilio_prefix(mentions[index].resource)) ? sid : "";
}

static enum err_code ensure_mentioned(struct ingesting *in, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(mentions) && code == ERR_OK; i++)
        code = ingest_ensure(in, mentions[i].resource, mentioned(in->form, i), err);
    return code;
}

/* What goes with the rows. */
static enum err_code request_fill(struct ingesting *in,
                                  Taskrouter__Tasks__V1__ApplyRequest *request, struct err *err)
{
    struct arena *arena = in->call->arena;
    request->workspace_sid = wire_text(arena, in->form->workspace_sid);
    request->event = event_entry(arena, in->form);
    request->observed_at = wire_time(arena, in->form->at_us);
    return request->event == NULL || arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code log_rows(struct ingesting *in, Taskrouter__Tasks__V1__ApplyRequest *request,
                              struct err *err)
{
    struct arena *arena = in->call->arena;
    Taskrouter__Tasks__V1__Task **task = ARENA_NEW(arena, Taskrouter__Tasks__V1__Task *);
    Taskrouter__Tasks__V1__Reservation **reservation =
        ARENA_NEW(arena, Taskrouter__Tasks__V1__Reservation *);
    if (task == NULL || reservation == NULL)
        return call_no_room(err);
    *task = event_task(arena, in->form);
    *reservation = event_reservation(arena, in->form);
    request->tasks = task;
    request->n_tasks = *task != NULL;
    request->reservations = reservation;
    request->n_reservations = *reservation != NULL;
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code deleted_sid(struct ingesting *in, Taskrouter__Tasks__V1__ApplyRequest *request,
                                 struct err *err)
{
    char **sid = ARENA_NEW(in->call->arena, char *);
    if (sid == NULL)
        return call_no_room(err);
    *sid = wire_text(in->call->arena, in->form->resource_sid);
    request->deleted_sids = sid;
    request->n_deleted_sids = 1;
    return *sid == NULL ? call_no_room(err) : ERR_OK;
}

static const char *task_of(const struct event_form *form)
{
    const char *sid = event_param(form, "TaskSid");
    return parse_is_sid(str_from(sid), "WT") ? sid : "";
}

enum err_code ingest_apply_request(struct ingesting *in, Taskrouter__Tasks__V1__ApplyRequest **out,
                                   struct err *err)
{
    Taskrouter__Tasks__V1__ApplyRequest *request =
        PB_NEW(in->call->arena, taskrouter__tasks__v1__apply_request);
    if (request == NULL)
        return call_no_room(err);
    enum err_code code = in->form->kind.action == EVENT_DELETED ? deleted_sid(in, request, err)
                                                                : log_rows(in, request, err);
    if (code == ERR_OK)
        code = request_fill(in, request, err);
    *out = request;
    return code;
}

void ingest_applied(struct ingesting *in, const Taskrouter__Common__V1__MirrorResults *results,
                    struct ingest_told *told)
{
    *told = (struct ingest_told){OUTCOME(UNCHANGED), "only the event was stored"};
    if (results->n_items > 0) /* the reservation where there is one, else the task */
        tell(told, results->items[results->n_items - 1]);
    if (told->outcome == OUTCOME(CONFLICTING))
        LOG_WARN(in->call, "an event's task or reservation cannot be stored",
                 LOG_STR("event", in->form->sid), LOG_STR("detail", told->detail));
    if (in->form->kind.action == EVENT_LOG && task_of(in->form)[0] != '\0')
        known_add(in->ingest->known, task_of(in->form));
}

bool ingest_needs_nobody(struct ingesting *in, const struct map *tasks)
{
    const struct event_form *form = in->form;
    const char *task = task_of(form);
    if (form->kind.action == EVENT_DELETED)
        return true;
    if (form->kind.action != EVENT_LOG)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(mentions); i++) {
        const char *sid = mentioned(form, i);
        if (sid[0] != '\0' && !known_has(in->ingest->known, sid))
            return false;
    }
    return task[0] == '\0' || form->kind.is_creation || map_get(tasks, str_from(task)) != NULL ||
           known_has(in->ingest->known, task);
}

static enum err_code do_apply(struct ingesting *in, struct ingest_told *told, struct err *err)
{
    Taskrouter__Tasks__V1__ApplyRequest *request = NULL;
    Taskrouter__Common__V1__MirrorResults *reply = NULL;
    enum err_code code = ingest_apply_request(in, &request, err);
    if (code == ERR_OK)
        code = RPC_CALL(in->ingest->options.host->as_service[PEER_TASKS], in->call, APPLY,
                        &request->base, taskrouter__common__v1__mirror_results, &reply, err);
    if (code == ERR_OK)
        ingest_applied(in, reply, told);
    return code;
}

static enum err_code do_log(struct ingesting *in, struct ingest_told *told, struct err *err)
{
    enum err_code code = ensure_mentioned(in, err);
    if (code == ERR_OK && !in->form->kind.is_creation)
        code = ingest_ensure(in, TWILIO_TASK, task_of(in->form), err);
    return code == ERR_OK ? do_apply(in, told, err) : code;
}

/* ---- the others ---- */

static enum err_code do_fetch(struct ingesting *in, struct ingest_told *told, struct err *err)
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

static enum err_code do_overlay(struct ingesting *in, struct ingest_told *told, struct err *err)
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

static enum err_code do_channels(struct ingesting *in, struct ingest_told *told, struct err *err)
{
    ingest_result *result = NULL;
    enum err_code code = ingest_ensure(in, TWILIO_WORKER, in->form->resource_sid, err);
    if (code == ERR_OK)
        code = ingest_fetch_channels(in, in->form->resource_sid, &result, err);
    if (code == ERR_OK)
        tell(told, result);
    return code;
}

static enum err_code do_channel(struct ingesting *in, struct ingest_told *told, struct err *err)
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

static enum err_code do_vanish(struct ingesting *in, struct ingest_told *told, struct err *err)
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

enum err_code ingest_act(struct ingesting *in, struct ingest_told *told, struct err *err)
{
    switch (in->form->kind.action) {
    case EVENT_LOG:
        return do_log(in, told, err);
    case EVENT_DELETED:
        return do_apply(in, told, err);
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
    *told = (struct ingest_told){OUTCOME(IGNORED), "events of this type are not known here"};
    return ERR_OK;
}

enum err_code ingest_is_ours(struct ingesting *in, bool *out_is_ours, struct ingest_told *told,
                             struct err *err)
{
    struct workspace_copy workspace;
    enum err_code code = workspaces_require(in->ingest->options.workspaces, in->call,
                                            in->form->workspace_sid, &workspace, err);
    *out_is_ours = false;
    *told = (struct ingest_told){OUTCOME(IGNORED), ""};
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

Taskrouter__Sync__V1__ApplyWebhookResponse *ingest_reply(const struct ingesting *in,
                                                         const struct ingest_told *told)
{
    Taskrouter__Sync__V1__ApplyWebhookResponse *reply =
        PB_NEW(in->call->arena, taskrouter__sync__v1__apply_webhook_response);
    if (reply == NULL)
        return NULL;
    reply->outcome = told->outcome;
    reply->detail = wire_text(in->call->arena, told->detail);
    reply->fetched = in->has_asked;
    return reply->detail == NULL ? NULL : reply;
}

enum err_code ingest_apply(struct ingest *ingest, struct call *call,
                           const Taskrouter__Sync__V1__ApplyWebhookRequest *request,
                           Taskrouter__Sync__V1__ApplyWebhookResponse **out_reply, struct err *err)
{
    struct event_form form;
    struct ingest_told told = {OUTCOME(IGNORED), ""};
    struct ingesting in = {.ingest = ingest, .call = call, .form = &form};
    bool is_mirrored = false;
    enum err_code code = event_form_read(call->arena, request, &form, err);
    if (code == ERR_OK)
        code = ingest_is_ours(&in, &is_mirrored, &told, err);
    if (code == ERR_OK && is_mirrored)
        code = ingest_act(&in, &told, err);
    if (code != ERR_OK)
        return code;
    *out_reply = ingest_reply(&in, &told);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}
