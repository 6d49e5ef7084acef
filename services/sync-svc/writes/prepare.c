#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "message_fields.h"
#include "mirror.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "svc/check.h"
#include "svc/decide.h"
#include "svc/mirror.h"
#include "svc/wire.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "writes_int.h"

static struct rpc_client *owner(const struct write *w, enum twilio_resource resource)
{
    return w->writes->options.host->as_service[mirror_owner(resource)];
}

/* ---- whose ---- */

static enum err_code fail_account(const char *account_sid, struct err *err)
{
    if (account_sid == NULL)
        return ERR_SET(
            err, ERR_FAILED_PRECONDITION, "UPSTREAM_NOT_CONFIGURED",
            "Twilio's credentials are missing: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN of "
            "sync-svc");
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "OTHER_ACCOUNT",
                   "only account %s (TWILIO_ACCOUNT_SID) can have workspaces that Twilio routes",
                   account_sid);
}

/* One that is not there yet: by its account. */
static enum err_code new_workspace(struct write *w, struct err *err)
{
    const char *account_sid = w->writes->options.account_sid;
    const Taskrouter__Workers__V1__CreateWorkspaceRequest *request = (void *)w->request;
    w->workspace_sid = "";
    w->account_sid = account_sid;
    if (account_sid == NULL ||
        (w->call->who.account_sid[0] != '\0' && strcmp(w->call->who.account_sid, account_sid) != 0))
        return fail_account(account_sid, err);
    if (request->provider != TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "NOT_MIRRORED", "provider",
                         "only workspaces with the provider twilio are made here");
    return ERR_OK;
}

static enum err_code find_workspace(struct write *w, struct err *err)
{
    struct workspace_copy workspace;
    if (w->op->resource == TWILIO_WORKSPACE && w->op->kind == WRITE_CREATE)
        return new_workspace(w, err);
    enum err_code code =
        mirror_require_mirrored(w->writes->options.workspaces, w->call,
                                write_workspace_sid(w->op, w->request), &workspace, err);
    if (code != ERR_OK)
        return code;
    w->workspace_sid = workspace.sid;
    w->account_sid = workspace.account_sid;
    return ERR_OK;
}

/* ---- an agent's own ---- */

static enum err_code fail_other(const char *what, struct err *err)
{
    return ERR_SET(err, ERR_PERMISSION_DENIED, "NOT_OWN_WORKER",
                   "an agent may change %s of its own worker only", what);
}

static enum err_code check_agent_worker(const struct write *w, struct err *err)
{
    const ProtobufCMessage *mask = field_message(w->request, "update_mask");
    const Google__Protobuf__FieldMask *names = (const void *)mask;
    if (strcmp(w->call->who.worker_sid, w->sid) != 0)
        return fail_other("the activity", err);
    for (size_t i = 0; names != NULL && i < names->n_paths; i++) {
        if (strcmp(names->paths[i], "activity_sid") != 0)
            return ERR_SET(err, ERR_PERMISSION_DENIED, "ACTIVITY_ONLY",
                           "an agent may change its activity only; ask a supervisor for the rest");
    }
    return ERR_OK;
}

/* A reservation's task is in Twilio's path; an agent's rights depend on whose the row is. */
static enum err_code find_row(struct write *w, struct err *err)
{
    ProtobufCMessage *row = NULL;
    bool is_agent = w->call->who.role == ROLE_AGENT;
    w->parent_sid = "";
    if (is_agent && w->op->resource == TWILIO_WORKER)
        return check_agent_worker(w, err);
    if (w->op->resource != TWILIO_RESERVATION && !(is_agent && w->op->resource == TWILIO_TASK))
        return ERR_OK;
    enum err_code code = check_sid("sid", w->sid, twilio_prefix(w->op->resource), err);
    if (code == ERR_OK)
        code = mirror_get(owner(w, w->op->resource), w->call, w->op->resource, w->workspace_sid, "",
                          w->sid, &row, err);
    if (code != ERR_OK)
        return code;
    if (w->op->resource == TWILIO_RESERVATION)
        w->parent_sid = field_text(row, "task_sid");
    if (is_agent && strcmp(field_text(row, "worker_sid"), w->call->who.worker_sid) != 0)
        return fail_other(w->op->resource == TWILIO_TASK ? "tasks" : "reservations", err);
    return ERR_OK;
}

/* ---- rules ---- */

/* Where a new task goes, unless the request says: asked before Twilio hears of it. */
static enum err_code ask_rules(struct write *w, struct err *err)
{
    Taskrouter__Tasks__V1__CreateTaskRequest *request = (void *)w->request;
    struct decider *decider = w->writes->options.decider;
    if (w->op->resource != TWILIO_TASK || w->op->kind != WRITE_CREATE)
        return ERR_OK;
    enum err_code code = decide_check(w->call, request, err);
    if (code == ERR_OK && decide_is_open(request) &&
        decider_has_to_ask(decider, w->workspace_sid)) {
        const Taskrouter__Routing__V1__Decision *decision = decider_ask(decider, w->call, request);
        if (decision != NULL)
            code = decide_apply(w->call, decision, request, err);
    }
    return code == ERR_OK ? decide_mark(w->call, request, err) : code;
}

/* ---- defaults ---- */

/* A task that names no workflow gets the only one, or that of the settings. Twilio says the rest.
 */
static enum err_code default_workflow(struct write *w, struct err *err)
{
    const struct writes_options *options = &w->writes->options;
    Taskrouter__Routing__V1__ListWorkflowsRequest request;
    Taskrouter__Routing__V1__ListWorkflowsResponse *reply = NULL;
    if (w->op->resource != TWILIO_TASK || w->op->kind != WRITE_CREATE ||
        field_text(w->request, "workflow_sid")[0] != '\0')
        return ERR_OK;
    if (strncmp(field_text(w->request, "routing_target"), "WW", 2) == 0)
        return ERR_OK; /* that is the workflow */
    taskrouter__routing__v1__list_workflows_request__init(&request);
    request.workspace_sid = wire_text(w->call->arena, w->workspace_sid);
    request.page_size = 2;
    if (arena_is_exhausted(w->call->arena))
        return call_no_room(err);
    enum err_code code =
        RPC_CALL(owner(w, TWILIO_WORKFLOW), w->call, "/taskrouter.routing.v1.Routing/ListWorkflows",
                 &request.base, taskrouter__routing__v1__list_workflows_response, &reply, err);
    if (code != ERR_OK)
        return code;
    if (reply->n_items == 1)
        field_text_set(w->request, "workflow_sid", reply->items[0]->sid);
    else if (options->workflow_sid != NULL && options->workspace_sid != NULL &&
             strcmp(options->workspace_sid, w->workspace_sid) == 0)
        field_text_set(w->request, "workflow_sid", options->workflow_sid);
    return ERR_OK;
}

/* ---- the record ---- */

static enum err_code pack(struct arena *arena, const ProtobufCMessage *message, struct str *out,
                          struct err *err)
{
    uint8_t *bytes = arena_alloc(arena, protobuf_c_message_get_packed_size(message));
    if (bytes == NULL)
        return call_no_room(err);
    *out = (struct str){(const char *)bytes, protobuf_c_message_pack(message, bytes)};
    return ERR_OK;
}

/* Twins look alike in it: their keys are left out. So are an instruction's parameters, which may
 * hold secrets and are never sent again. */
static enum err_code pack_record(struct write *w, struct err *err)
{
    const char *key = field_text(w->request, "idempotency_key");
    const char *data = field_text(w->request, "instruction_data");
    field_text_set(w->request, "idempotency_key", "");
    if (w->op->is_once)
        field_text_set(w->request, "instruction_data", "");
    enum err_code code = pack(w->call->arena, w->request, &w->packed, err);
    field_text_set(w->request, "idempotency_key", key);
    field_text_set(w->request, "instruction_data", data);
    return code;
}

enum err_code write_prepare(struct write *w, struct err *err)
{
    w->sid = write_sid(w->op, w->request);
    enum err_code code = write_item(w->op, w->request) == NULL
                             ? write_form_make(w->call->arena, w->op, w->request, "", &w->form, err)
                             : find_workspace(w, err);
    if (code == ERR_OK)
        code = find_row(w, err);
    if (code == ERR_OK)
        code = ask_rules(w, err);
    if (code == ERR_OK)
        code = default_workflow(w, err);
    if (code == ERR_OK)
        code = write_form_make(w->call->arena, w->op, w->request, w->parent_sid, &w->form, err);
    if (code == ERR_OK)
        code = write_find_turn(w, err);
    return code == ERR_OK ? pack_record(w, err) : code;
}

enum err_code write_recall(struct write *w, const struct intent *intent, struct err *err)
{
    w->op = write_op_find(intent->method);
    w->intent = *intent;
    if (w->op == NULL)
        return ERR_SET(err, ERR_UNIMPLEMENTED, "UNKNOWN_METHOD",
                       "a newer version of this service has recorded a write %s", intent->method);
    w->key = intent->key;
    w->account_sid = intent->account_sid;
    w->workspace_sid = intent->workspace_sid;
    w->parent_sid = intent->parent_sid;
    w->if_match = "";
    w->turn_sid = "";
    w->sid = intent->resource_sid;
    return pb_decode(w->call->arena, w->op->request, intent->request, &w->request, err);
}
