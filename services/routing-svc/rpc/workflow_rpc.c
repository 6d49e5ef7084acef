#include "workflow_rpc.h"

#include <inttypes.h>
#include <string.h>

#include "base/ids.h"
#include "base/parse.h"
#include "limit_store.h"
#include "outbox/outbox.h"
#include "queue_check.h"
#include "routing.h"
#include "routing_events.h"
#include "rule_store.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/mirror.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "svc/usage.h"
#include "svc/wire.h"
#include "workflow_store.h"

#define LIST_TAG    "ww"
#define VERSION_TAG "wv"

typedef Taskrouter__Routing__V1__Workflow wire_workflow;

static enum err_code reply_with(struct call *call, const struct workflow *workflow,
                                wire_workflow **out_reply, struct err *err)
{
    wire_workflow *wire = workflow_to_wire(call->arena, workflow);
    if (wire == NULL)
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

/* All but the document. */
static enum err_code check_fields(const struct workflow *workflow, struct err *err)
{
    enum err_code code = workflow_check(workflow, err);
    if (code == ERR_OK)
        code =
            check_optional_url("assignment_callback_url", workflow->assignment_callback_url, err);
    if (code == ERR_OK)
        code = check_optional_url("fallback_assignment_callback_url",
                                  workflow->fallback_assignment_callback_url, err);
    return code;
}

static enum err_code check_document(struct routing *routing, struct call *call,
                                    const char *workspace_sid, const char *configuration,
                                    struct err *err)
{
    AUTO(workflow_doc_cleanup) struct workflow_doc *doc = NULL;
    enum err_code code = workflow_parse(str_from(configuration), &doc, err);
    return code == ERR_OK ? queue_check(routing, call, workspace_sid, doc, err) : code;
}

/* ---- create ---- */

struct create_context {
    int64_t limit; /* of workflows in the workspace; 0 = none */
    struct workflow workflow;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    enum err_code code = workspaces_hold(conn, call, create->workflow.workspace_sid, err);
    if (code == ERR_OK)
        code = limit_store_check(conn, call, ROUTING_LIMIT_WORKFLOWS, create->limit,
                                 create->workflow.workspace_sid, err);
    if (code == ERR_OK)
        code = workflow_store_insert(conn, call, &create->workflow, err);
    if (code == ERR_OK)
        code = workflow_event_append(conn, call, &create->workflow,
                                     &(struct workflow_change){.type = "workflow.created"}, err);
    wire_workflow *reply = NULL;
    if (code == ERR_OK)
        code = reply_with(call, &create->workflow, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

enum err_code workflow_rpc_create(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__CreateWorkflowRequest *request,
                                  wire_workflow **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        mirror_require_local(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    struct sid sid = sid_new("WW");
    struct create_context create = {
        .limit = routing->settings->limit_workflows,
        .workflow =
            {
                       .sid = sid.text,
                       .account_sid = workspace.account_sid,
                       .workspace_sid = workspace.sid,
                       .friendly_name = request->friendly_name,
                       .configuration = request->configuration,
                       .assignment_callback_url = request->assignment_callback_url,
                       .fallback_assignment_callback_url = request->fallback_assignment_callback_url,
                       .task_reservation_timeout_s = request->task_reservation_timeout == 0
                                                  ? WORKFLOW_RESERVATION_DEFAULT
                                                  : request->task_reservation_timeout,
                       },
    };
    code = check_fields(&create.workflow, err);
    if (code == ERR_OK)
        code = check_document(routing, call, workspace.sid, request->configuration, err);
    struct repeat repeat = {
        .method = "CreateWorkflow",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__routing__v1__workflow__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(routing->host.pool, call, &repeat, make, &create, &reply, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(routing->host.outbox);
    *out_reply = (wire_workflow *)(void *)reply;
    return ERR_OK;
}

/* ---- get and list ---- */

enum err_code workflow_rpc_get(void *app, struct call *call,
                               const Taskrouter__Routing__V1__GetWorkflowRequest *request,
                               wire_workflow **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace = {.is_mirrored = false};
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WW", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    struct workflow workflow;
    if (code == ERR_OK)
        code = workflow_store_get(conn, call, workspace.sid, request->sid, &workflow, err);
    return code == ERR_OK ? reply_with(call, &workflow, out_reply, err)
                          : mirror_missing(code, workspace.is_mirrored, "--workflows", err);
}

enum err_code workflow_rpc_list(void *app, struct call *call,
                                const Taskrouter__Routing__V1__ListWorkflowsRequest *request,
                                Taskrouter__Routing__V1__ListWorkflowsResponse **out_reply,
                                struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct page page;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = check_optional_sid("task_queue_sid", request->task_queue_sid, "WQ", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    struct workflow *items = NULL;
    size_t count = 0;
    bool is_cut = false;
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = workflow_store_list(conn, call, workspace.sid, page.after, (size_t)page.size + 1,
                                   request->friendly_name, request->task_queue_sid, &items, &count,
                                   &is_cut, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Routing__V1__ListWorkflowsResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__list_workflows_response);
    wire_workflow **wires = ARENA_ARRAY(call->arena, wire_workflow *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > (size_t)page.size || is_cut) {
        count = count > (size_t)page.size ? (size_t)page.size : count;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = workflow_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

static enum err_code
fill_versions(struct call *call, const char *workflow_sid, const struct workflow_version *items,
              size_t count, size_t limit, bool is_cut,
              Taskrouter__Routing__V1__ListWorkflowVersionsResponse **out_reply, struct err *err)
{
    Taskrouter__Routing__V1__ListWorkflowVersionsResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__list_workflow_versions_response);
    Taskrouter__Routing__V1__WorkflowVersion **wires =
        ARENA_ARRAY(call->arena, Taskrouter__Routing__V1__WorkflowVersion *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > limit || is_cut) {
        count = count > limit ? limit : count;
        char *last = arena_printf(call->arena, "%" PRId64, items[count - 1].configuration_version);
        reply->next_cursor = last == NULL ? NULL : page_cursor(call->arena, VERSION_TAG, last);
    }
    for (size_t i = 0; i < count; i++) {
        wires[i] = PB_NEW(call->arena, taskrouter__routing__v1__workflow_version);
        if (wires[i] == NULL)
            return call_no_room(err);
        wires[i]->workflow_sid = wire_text(call->arena, workflow_sid);
        wires[i]->configuration_version = items[i].configuration_version;
        wires[i]->configuration = wire_text(call->arena, items[i].configuration);
        wires[i]->author_sid = wire_text(call->arena, items[i].author_sid);
        wires[i]->date_created = wire_time(call->arena, items[i].created_at_us);
    }
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code
workflow_rpc_versions(void *app, struct call *call,
                      const Taskrouter__Routing__V1__ListWorkflowVersionsRequest *request,
                      Taskrouter__Routing__V1__ListWorkflowVersionsResponse **out_reply,
                      struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace = {.is_mirrored = false};
    struct page page;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WW", err);
    if (code == ERR_OK)
        code = page_from(call->arena, VERSION_TAG, request->page_size, request->cursor, &page, err);
    if (code != ERR_OK)
        return code;
    int64_t before = INT64_MAX;
    if (page.after[0] != '\0' && !parse_i64(str_from(page.after), 1, INT64_MAX, &before))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                         "cursor is not one that this list gave out; begin again without it");
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workflow workflow = {.sid = ""};
    struct workflow_version *items = NULL;
    size_t count = 0;
    bool is_cut = false;
    code = db_acquire(routing->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = workflow_store_get(conn, call, workspace.sid, request->sid, &workflow, err);
    if (code == ERR_OK)
        code = workflow_version_store_list(conn, call, workflow.sid, before, (size_t)page.size + 1,
                                           &items, &count, &is_cut, err);
    return code == ERR_OK ? fill_versions(call, workflow.sid, items, count, (size_t)page.size,
                                          is_cut, out_reply, err)
                          : mirror_missing(code, workspace.is_mirrored, "--workflows", err);
}

/* ---- update and delete ---- */

static const char *const updatable[] = {
    "friendly_name",
    "configuration",
    "assignment_callback_url",
    "fallback_assignment_callback_url",
    "task_reservation_timeout",
};

struct update_context {
    const Taskrouter__Routing__V1__UpdateWorkflowRequest *request;
    const char *workspace_sid;
    struct workflow workflow; /* out: as it is now */
};

static void apply_mask(struct workflow *workflow,
                       const Taskrouter__Routing__V1__UpdateWorkflowRequest *request)
{
    const wire_workflow *wanted = request->workflow;
    const Google__Protobuf__FieldMask *mask = request->update_mask;
    if (mask_has(mask, "friendly_name"))
        workflow->friendly_name = wanted->friendly_name;
    if (mask_has(mask, "configuration"))
        workflow->configuration = wanted->configuration;
    if (mask_has(mask, "assignment_callback_url"))
        workflow->assignment_callback_url = wanted->assignment_callback_url;
    if (mask_has(mask, "fallback_assignment_callback_url"))
        workflow->fallback_assignment_callback_url = wanted->fallback_assignment_callback_url;
    if (mask_has(mask, "task_reservation_timeout"))
        workflow->task_reservation_timeout_s = wanted->task_reservation_timeout;
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Routing__V1__UpdateWorkflowRequest *request = update->request;
    enum err_code code = workflow_store_lock(conn, call, update->workspace_sid,
                                             request->workflow->sid, &update->workflow, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             update->workflow.version, err);
    if (code != ERR_OK)
        return code;
    const char *old_document = update->workflow.configuration;
    apply_mask(&update->workflow, request);
    code = check_fields(&update->workflow, err);
    bool has_new_document = strcmp(old_document, update->workflow.configuration) != 0;
    if (code == ERR_OK)
        code = workflow_store_update(conn, call, &update->workflow, has_new_document, err);
    if (code != ERR_OK)
        return code;
    return workflow_event_append(conn, call, &update->workflow,
                                 &(struct workflow_change){
                                     .type = "workflow.updated",
                                     .re_evaluate_tasks = request->re_evaluate_tasks,
                                 },
                                 err);
}

/* Running the tasks through the document as it is changes no field. */
static enum err_code
update_mask_check(const Taskrouter__Routing__V1__UpdateWorkflowRequest *request, struct err *err)
{
    if (request->re_evaluate_tasks &&
        (request->update_mask == NULL || request->update_mask->n_paths == 0))
        return ERR_OK;
    return mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
}

enum err_code workflow_rpc_update(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__UpdateWorkflowRequest *request,
                                  wire_workflow **out_reply, struct err *err)
{
    struct routing *routing = app;
    if (request->workflow == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "workflow",
                         "workflow is required; give it with workspace_sid and sid");
    struct workspace_copy workspace;
    enum err_code code = mirror_require_local(&routing->workspaces, call,
                                              request->workflow->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->workflow->sid, "WW", err);
    if (code == ERR_OK)
        code = update_mask_check(request, err);
    if (code == ERR_OK && mask_has(request->update_mask, "configuration"))
        code = check_document(routing, call, workspace.sid, request->workflow->configuration, err);
    struct update_context update = {.request = request, .workspace_sid = workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(routing->host.outbox);
    return reply_with(call, &update.workflow, out_reply, err);
}

struct delete_context {
    const Taskrouter__Routing__V1__DeleteWorkflowRequest *request;
    const char *workspace_sid;
};

/* A rule that names it would send tasks nowhere. */
static enum err_code check_rules(struct db_conn *conn, struct call *call,
                                 const struct workflow *workflow, struct err *err)
{
    const char *rule = NULL;
    enum err_code code =
        rule_store_naming(conn, call, workflow->workspace_sid, workflow->sid, &rule, err);
    if (code != ERR_OK || rule == NULL)
        return code;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "WORKFLOW_IN_RULE",
                   "workflow %s is named by the routing rule %s; change or delete the rule first",
                   workflow->sid, rule);
}

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct delete_context *removal = ctx;
    struct workflow workflow;
    enum err_code code = workflow_store_lock(conn, call, removal->workspace_sid,
                                             removal->request->sid, &workflow, err);
    if (code == ERR_OK)
        code = check_version(removal->request->_expected_version_case != 0,
                             removal->request->expected_version, workflow.version, err);
    if (code == ERR_OK)
        code = check_rules(conn, call, &workflow, err);
    if (code == ERR_OK)
        code = workflow_store_delete(conn, call, workflow.sid, err);
    if (code != ERR_OK)
        return code;
    workflow.version++; /* newer than every event before */
    return workflow_event_append(
        conn, call, &workflow,
        &(struct workflow_change){.type = "workflow.deleted", .is_deleted = true}, err);
}

/* Before others are asked about it. */
static enum err_code require_workflow(struct routing *routing, struct call *call,
                                      const char *workspace_sid, const char *sid, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workflow workflow;
    enum err_code code = db_acquire(routing->host.pool, call, &conn, err);
    return code == ERR_OK ? workflow_store_get(conn, call, workspace_sid, sid, &workflow, err)
                          : code;
}

enum err_code workflow_rpc_delete(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__DeleteWorkflowRequest *request,
                                  Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        mirror_require_local(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WW", err);
    if (code == ERR_OK)
        code = require_workflow(routing, call, workspace.sid, request->sid, err);
    if (code == ERR_OK)
        code = usage_check_tasks(routing->host.as_service[PEER_TASKS], call, workspace.sid, "",
                                 request->sid, err);
    struct delete_context removal = {request, workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, delete_tx, &removal, err);
    if (code == ERR_OK)
        outbox_wake(routing->host.outbox);
    return code;
}
