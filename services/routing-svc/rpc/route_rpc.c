#include "route_rpc.h"

#include "expr/record.h"
#include "queue_check.h"
#include "routing.h"
#include "svc/check.h"
#include "svc/mirror.h"
#include "svc/wire.h"
#include "workflow_store.h"

enum { ATTRIBUTES_MAX = 4096 }; /* characters, as for tasks */

enum err_code route_rpc_validate(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__ValidateWorkflowRequest *request,
                                 Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct routing *routing = app;
    struct workspace_copy workspace;
    AUTO(workflow_doc_cleanup) struct workflow_doc *doc = NULL;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = workflow_parse(str_from(request->configuration), &doc, err);
    return code == ERR_OK ? queue_check(routing, call, workspace.sid, doc, err) : code;
}

/* The workflow named, or the workspace's only one. */
static enum err_code find_workflow(struct routing *routing, struct call *call,
                                   const char *workspace_sid, const char *sid, struct workflow *out,
                                   struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = check_optional_sid("workflow_sid", sid, "WW", err);
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    if (sid[0] != '\0')
        return workflow_store_get(conn, call, workspace_sid, sid, out, err);
    struct workflow *items = NULL;
    size_t count = 0;
    bool is_cut = false; /* two fit, however long they are */
    code = workflow_store_list(conn, call, workspace_sid, "", 2, NULL, NULL, &items, &count,
                               &is_cut, err);
    if (code != ERR_OK)
        return code;
    if (count != 1)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "workflow_sid",
                         "workflowSid is required because the workspace has %s workflow",
                         count == 0 ? "no" : "more than one");
    *out = items[0];
    return ERR_OK;
}

static Taskrouter__Routing__V1__RouteTarget *target_to_wire(struct arena *arena,
                                                            const struct workflow_target *target)
{
    Taskrouter__Routing__V1__RouteTarget *wire =
        PB_NEW(arena, taskrouter__routing__v1__route_target);
    if (wire == NULL)
        return NULL;
    wire->queue_sid = arena_str_dup(arena, target->queue);
    if (target->has_priority) {
        wire->_priority_case = TASKROUTER__ROUTING__V1__ROUTE_TARGET___PRIORITY_PRIORITY;
        wire->priority = target->priority;
    }
    if (target->has_timeout) {
        wire->_timeout_s_case = TASKROUTER__ROUTING__V1__ROUTE_TARGET___TIMEOUT_S_TIMEOUT_S;
        wire->timeout_s = target->timeout_s;
    }
    wire->expression = arena_str_dup(arena, target->expression_text);
    wire->order_by = arena_str_dup(arena, target->order_by_text);
    wire->skip_if = arena_str_dup(arena, target->skip_if_text);
    return wire;
}

static enum err_code fill_route(struct call *call, const struct workflow *workflow,
                                const struct workflow_doc *doc, int32_t index,
                                Taskrouter__Routing__V1__RouteResponse **out_reply, struct err *err)
{
    const struct workflow_filter *filter = index >= 0 ? &doc->filters[index] : &doc->default_filter;
    Taskrouter__Routing__V1__RouteResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__route_response);
    Taskrouter__Routing__V1__RouteTarget **targets =
        ARENA_ARRAY(call->arena, Taskrouter__Routing__V1__RouteTarget *, filter->target_count);
    if (reply == NULL || targets == NULL)
        return call_no_room(err);
    reply->workflow_sid = wire_text(call->arena, workflow->sid);
    reply->configuration_version = workflow->configuration_version;
    reply->filter_index = index;
    reply->filter_name = arena_str_dup(call->arena, filter->name);
    for (size_t i = 0; i < filter->target_count; i++)
        targets[i] = target_to_wire(call->arena, &filter->targets[i]);
    reply->targets = targets;
    reply->n_targets = filter->target_count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

static enum err_code parse_attributes(const char *attributes, struct expr_record **out,
                                      struct err *err)
{
    struct str text = attributes[0] == '\0' ? STR("{}") : str_from(attributes);
    struct err cause = {.code = ERR_OK};
    if (str_utf8_count(text) > ATTRIBUTES_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ATTRIBUTES_TOO_LONG", "attributes",
                         "attributes has %zu characters; it may have at most %d",
                         str_utf8_count(text), ATTRIBUTES_MAX);
    enum err_code code = expr_record_new(text, out, &cause);
    if (code == ERR_OK)
        return ERR_OK;
    return ERR_FIELD(err, code, "INVALID_ATTRIBUTES", "attributes",
                     "attributes must be a JSON object: %s", cause.detail);
}

/* Twilio's own documents are stored unread, and it may know what we do not. */
static enum err_code parse_stored(const struct workflow *workflow, struct workflow_doc **out_doc,
                                  struct err *err)
{
    struct err cause = {.code = ERR_OK};
    enum err_code code = workflow_parse(str_from(workflow->configuration), out_doc, &cause);
    if (code != ERR_INVALID_ARGUMENT) {
        *err = cause;
        return code;
    }
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "DOCUMENT_UNREADABLE",
                   "the document of workflow %s cannot be followed here: %.300s", workflow->sid,
                   cause.detail);
}

enum err_code route_document(struct routing *routing, struct call *call, const char *workspace_sid,
                             const char *workflow_sid, bool is_mirrored, struct workflow *out,
                             struct workflow_doc **out_doc, struct err *err)
{
    enum err_code code =
        mirror_missing(find_workflow(routing, call, workspace_sid, workflow_sid, out, err),
                       is_mirrored, "--workflows", err);
    return code == ERR_OK ? parse_stored(out, out_doc, err) : code;
}

enum err_code route_find(struct routing *routing, struct call *call, const char *workspace_sid,
                         const char *workflow_sid, const char *attributes, bool is_mirrored,
                         Taskrouter__Routing__V1__RouteResponse **out_reply, struct err *err)
{
    return route_find_from(routing, call, workspace_sid, workflow_sid, attributes, is_mirrored, 0,
                           out_reply, err);
}

enum err_code route_find_from(struct routing *routing, struct call *call, const char *workspace_sid,
                              const char *workflow_sid, const char *attributes, bool is_mirrored,
                              int32_t from, Taskrouter__Routing__V1__RouteResponse **out_reply,
                              struct err *err)
{
    struct workflow workflow;
    AUTO(workflow_doc_cleanup) struct workflow_doc *doc = NULL;
    enum err_code code = route_document(routing, call, workspace_sid, workflow_sid, is_mirrored,
                                        &workflow, &doc, err);
    struct expr_record *record = NULL;
    if (code == ERR_OK)
        code = parse_attributes(attributes, &record, err);
    if (code != ERR_OK)
        return code;
    int32_t index = workflow_doc_match(doc, record, from);
    expr_record_free(record);
    if (index < 0 && !doc->has_default)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "NO_TARGET",
                       "no filter of workflow %s matches these attributes and it has no default "
                       "filter; add one",
                       workflow.sid);
    return fill_route(call, &workflow, doc, index, out_reply, err);
}

enum err_code route_rpc_route(void *app, struct call *call,
                              const Taskrouter__Routing__V1__RouteRequest *request,
                              Taskrouter__Routing__V1__RouteResponse **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    return code == ERR_OK ? route_find(routing, call, workspace.sid, request->workflow_sid,
                                       request->attributes, workspace.is_mirrored, out_reply, err)
                          : code;
}
