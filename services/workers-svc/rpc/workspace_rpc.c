#include "workspace_rpc.h"

#include <string.h>

#include "access.h"
#include "activity_store.h"
#include "base/ids.h"
#include "limit_store.h"
#include "outbox/outbox.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/mirror.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "svc/workspaces.h"
#include "template_peer.h"
#include "worker_events.h"
#include "workers.h"
#include "workspace_store.h"

#define LIST_TAG "ws"

enum { ACTIVITIES_MAX = 100 }; /* Twilio's limit per workspace */

typedef Taskrouter__Workers__V1__Workspace wire_workspace;

static enum err_code reply_with(struct call *call, const struct workspace *item,
                                wire_workspace **out_reply, struct err *err)
{
    wire_workspace *wire = workspace_to_wire(call->arena, item);
    if (wire == NULL)
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

static enum provider provider_from_wire(Taskrouter__Workers__V1__Provider provider)
{
    switch (provider) {
    case TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_UNSPECIFIED:
    case TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_LOCAL:
        return PROVIDER_LOCAL;
    case TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO:
        return PROVIDER_TWILIO;
    default: /* peers may be newer */
        return PROVIDER_NONE;
    }
}

/* ---- create ---- */

struct create_context {
    const Taskrouter__Workers__V1__CreateWorkspaceRequest *request;
    int64_t limit; /* of workspaces of the account; 0 = none */
    struct workspace workspace;
    struct activity *activities; /* the first is default and timeout activity */
    size_t activity_count;
};

/* The database would say so too, but not that the fault is in this request. */
static enum err_code check_distinct(const struct create_context *create, struct err *err)
{
    for (size_t i = 1; i < create->activity_count; i++) {
        struct str name = str_from(create->activities[i].friendly_name);
        for (size_t j = 0; j < i; j++) {
            if (str_eq_nocase(name, str_from(create->activities[j].friendly_name)))
                return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "DUPLICATE_NAME", "activities",
                                 "activities names \"%.*s\" twice; give each its own friendlyName",
                                 STR_ARG(name));
        }
    }
    return ERR_OK;
}

/* The activities that the request names, else the usual three. */
static enum err_code plan_activities(struct call *call, struct create_context *create,
                                     struct err *err)
{
    const Taskrouter__Workers__V1__CreateWorkspaceRequest *request = create->request;
    bool is_custom = request->n_activities > 0;
    if (request->n_activities > ACTIVITIES_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "activities",
                         "activities has %zu entries; a workspace may have at most %d",
                         request->n_activities, ACTIVITIES_MAX);
    create->activity_count = is_custom ? request->n_activities : ACTIVITY_DEFAULT_COUNT;
    create->activities = ARENA_ARRAY(call->arena, struct activity, create->activity_count);
    for (size_t i = 0; i < create->activity_count && create->activities != NULL; i++) {
        struct sid sid = sid_new("WA");
        create->activities[i] = (struct activity){
            .sid = arena_strdup(call->arena, sid.text),
            .account_sid = create->workspace.account_sid,
            .workspace_sid = create->workspace.sid,
            .friendly_name = is_custom ? request->activities[i]->friendly_name
                                       : activity_defaults[i].friendly_name,
            .available =
                is_custom ? request->activities[i]->available : activity_defaults[i].available,
        };
        enum err_code code = activity_check(&create->activities[i], err);
        if (code != ERR_OK)
            return err_wrap(err, "activities[%zu]", i);
    }
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code = check_distinct(create, err);
    if (code != ERR_OK)
        return code;
    /* Offline where there is one: a new worker must not get work unasked */
    const struct activity *first = &create->activities[0];
    for (size_t i = 0; i < create->activity_count; i++) {
        if (strcmp(create->activities[i].friendly_name, "Offline") == 0)
            first = &create->activities[i];
    }
    create->workspace.default_activity_sid = first->sid;
    create->workspace.default_activity_name = first->friendly_name;
    create->workspace.timeout_activity_sid = first->sid;
    create->workspace.timeout_activity_name = first->friendly_name;
    return ERR_OK;
}

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    enum err_code code = limit_store_check(conn, call, WORKERS_LIMIT_WORKSPACES, create->limit,
                                           create->workspace.account_sid, err);
    if (code == ERR_OK)
        code = workspace_store_insert(conn, call, &create->workspace, err);
    if (code == ERR_OK)
        code =
            workspace_event_append(conn, call, "workspace.created", &create->workspace, false, err);
    for (size_t i = 0; i < create->activity_count && code == ERR_OK; i++) {
        code = activity_store_insert(conn, call, &create->activities[i], err);
        if (code == ERR_OK)
            code = activity_event_append(conn, call, "activity.created", &create->activities[i],
                                         false, err);
    }
    wire_workspace *reply = NULL;
    if (code == ERR_OK)
        code = reply_with(call, &create->workspace, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

static enum err_code check_create(const struct create_context *create, struct err *err)
{
    const Taskrouter__Workers__V1__CreateWorkspaceRequest *request = create->request;
    if (create->workspace.account_sid[0] == '\0')
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "NO_ACCOUNT",
                       "a workspace belongs to an account; call with a token that has one");
    const char *name = create->workspace.template_name;
    if (strcmp(name, "NONE") != 0 && strcmp(name, "FIFO") != 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TEMPLATE", "template",
                         "template must be NONE or FIFO");
    enum err_code code = check_optional_url("event_callback_url", request->event_callback_url, err);
    if (code == ERR_OK)
        code = workspace_check(&create->workspace, err);
    return code == ERR_OK ? workspace_check_events(&create->workspace, err) : code;
}

enum err_code workspace_rpc_create(void *app, struct call *call,
                                   const Taskrouter__Workers__V1__CreateWorkspaceRequest *request,
                                   wire_workspace **out_reply, struct err *err)
{
    struct workers *workers = app;
    if (call->who.workspace_sid[0] != '\0')
        return ERR_SET(err, ERR_PERMISSION_DENIED, "WORKSPACE_ONLY",
                       "this token is for workspace %s only; use one for the account",
                       call->who.workspace_sid);
    struct sid sid = sid_new("WS");
    bool has_order = request->prioritize_queue_order !=
                     TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_UNSPECIFIED;
    struct create_context create = {
        .request = request,
        .limit = workers->settings->limit_workspaces,
        .workspace =
            {
                        .sid = sid.text,
                        .account_sid = call->who.account_sid,
                        .friendly_name = request->friendly_name,
                        .provider = provider_from_wire(request->provider),
                        .event_callback_url = request->event_callback_url,
                        .events_filter = request->events_filter,
                        .multi_task_enabled =
                    request->_multi_task_enabled_case == 0 || request->multi_task_enabled,
                        .prioritize_queue_order =
                    has_order ? queue_order_from_wire(request->prioritize_queue_order)
                              : QUEUE_ORDER_FIFO,
                        .time_zone = request->time_zone[0] == '\0' ? "UTC" : request->time_zone,
                        .template_name = request->template_[0] == '\0' ? "NONE" : request->template_,
                        },
    };
    enum err_code code = check_create(&create, err);
    if (code == ERR_OK)
        code = plan_activities(call, &create, err);
    if (code == ERR_OK && create.workspace.provider == PROVIDER_TWILIO)
        return mirror_refuse(request->friendly_name, err);
    struct repeat repeat = {
        .method = "CreateWorkspace",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__workers__v1__workspace__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(workers->host.pool, call, &repeat, make, &create, &reply, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    *out_reply = (wire_workspace *)(void *)reply;
    if (strcmp((*out_reply)->template_, "FIFO") == 0)
        template_await(workers, call, (*out_reply)->sid);
    return ERR_OK;
}

/* ---- get and list ---- */

enum err_code workspace_rpc_get(void *app, struct call *call,
                                const Taskrouter__Workers__V1__GetWorkspaceRequest *request,
                                wire_workspace **out_reply, struct err *err)
{
    struct workers *workers = app;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    enum err_code code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->sid, &workspace, err);
    return code == ERR_OK ? reply_with(call, &workspace, out_reply, err) : code;
}

static enum err_code fill_list(struct call *call, struct workspace *items, size_t count,
                               size_t limit,
                               Taskrouter__Workers__V1__ListWorkspacesResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Workers__V1__ListWorkspacesResponse *reply =
        PB_NEW(call->arena, taskrouter__workers__v1__list_workspaces_response);
    wire_workspace **wires = ARENA_ARRAY(call->arena, wire_workspace *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > limit) {
        count = limit;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = workspace_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code workspace_rpc_list(void *app, struct call *call,
                                 const Taskrouter__Workers__V1__ListWorkspacesRequest *request,
                                 Taskrouter__Workers__V1__ListWorkspacesResponse **out_reply,
                                 struct err *err)
{
    struct workers *workers = app;
    struct page page;
    enum err_code code =
        page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(workers->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    if (call->who.role != ROLE_SERVICE && call->who.account_sid[0] == '\0')
        return ERR_SET(err, ERR_PERMISSION_DENIED, "NO_ACCOUNT",
                       "the caller belongs to no account; use a token that has one");
    struct workspace_filter filter = {
        .account_sid = call->who.account_sid,
        .only_sid = call->who.workspace_sid,
        .friendly_name = request->friendly_name,
        .after = page.after,
        .limit = (size_t)page.size + 1, /* one more tells whether there is a next page */
    };
    struct workspace *items = NULL;
    size_t count = 0;
    code = workspace_store_list(conn, call, &filter, &items, &count, err);
    return code == ERR_OK ? fill_list(call, items, count, (size_t)page.size, out_reply, err) : code;
}

/* ---- update and delete ---- */

static const char *const updatable[] = {
    "friendly_name",        "event_callback_url",     "events_filter", "default_activity_sid",
    "timeout_activity_sid", "prioritize_queue_order", "time_zone",     "multi_task_enabled",
};

struct update_context {
    const Taskrouter__Workers__V1__UpdateWorkspaceRequest *request;
    struct workspace workspace; /* out: as it is now */
};

static void apply_mask(struct workspace *workspace,
                       const Taskrouter__Workers__V1__UpdateWorkspaceRequest *request)
{
    const wire_workspace *wanted = request->workspace;
    const Google__Protobuf__FieldMask *mask = request->update_mask;
    if (mask_has(mask, "friendly_name"))
        workspace->friendly_name = wanted->friendly_name;
    if (mask_has(mask, "event_callback_url"))
        workspace->event_callback_url = wanted->event_callback_url;
    if (mask_has(mask, "events_filter"))
        workspace->events_filter = wanted->events_filter;
    if (mask_has(mask, "prioritize_queue_order"))
        workspace->prioritize_queue_order = queue_order_from_wire(wanted->prioritize_queue_order);
    if (mask_has(mask, "time_zone"))
        workspace->time_zone = wanted->time_zone;
    if (mask_has(mask, "multi_task_enabled"))
        workspace->multi_task_enabled = wanted->multi_task_enabled;
}

/* An activity that the mask names must be one of this workspace. */
static enum err_code apply_activity(struct db_conn *conn, struct call *call,
                                    const Google__Protobuf__FieldMask *mask, const char *field,
                                    const char *wanted_sid, const struct workspace *workspace,
                                    const char **sid, const char **name, struct err *err)
{
    if (!mask_has(mask, field))
        return ERR_OK;
    enum err_code code = check_sid(field, wanted_sid, "WA", err);
    if (code != ERR_OK || workspace->provider == PROVIDER_TWILIO)
        return code; /* Twilio may have one that we do not know yet */
    struct activity activity;
    code = activity_store_get(conn, call, workspace->sid, wanted_sid, &activity, err);
    if (code == ERR_NOT_FOUND)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ACTIVITY_NOT_FOUND", field,
                         "%s: there is no activity %s in workspace %s", field, wanted_sid,
                         workspace->sid);
    if (code != ERR_OK)
        return code;
    *sid = activity.sid;
    *name = activity.friendly_name;
    return ERR_OK;
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Workers__V1__UpdateWorkspaceRequest *request = update->request;
    struct workspace *workspace = &update->workspace;
    enum err_code code = access_workspace_lock(conn, call, request->workspace->sid, workspace, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             workspace->version, err);
    if (code != ERR_OK)
        return code;
    if (mask_has(request->update_mask, "multi_task_enabled") &&
        !request->workspace->multi_task_enabled && workspace->multi_task_enabled)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "MULTI_TASK_FIXED", "multi_task_enabled",
                         "multiTaskEnabled cannot be switched off again; create another workspace "
                         "instead");
    apply_mask(workspace, request);
    code = apply_activity(conn, call, request->update_mask, "default_activity_sid",
                          request->workspace->default_activity_sid, workspace,
                          &workspace->default_activity_sid, &workspace->default_activity_name, err);
    if (code == ERR_OK)
        code = apply_activity(conn, call, request->update_mask, "timeout_activity_sid",
                              request->workspace->timeout_activity_sid, workspace,
                              &workspace->timeout_activity_sid, &workspace->timeout_activity_name,
                              err);
    if (code == ERR_OK)
        code = check_optional_url("event_callback_url", workspace->event_callback_url, err);
    if (code == ERR_OK)
        code = workspace_check(workspace, err);
    if (code == ERR_OK)
        code = access_local(workspace, err);
    if (code == ERR_OK && mask_has(request->update_mask, "events_filter"))
        code = workspace_check_events(workspace, err);
    if (code == ERR_OK)
        code = workspace_store_update(conn, call, workspace, err);
    if (code != ERR_OK)
        return code;
    return workspace_event_append(conn, call, "workspace.updated", workspace, false, err);
}

enum err_code workspace_rpc_update(void *app, struct call *call,
                                   const Taskrouter__Workers__V1__UpdateWorkspaceRequest *request,
                                   wire_workspace **out_reply, struct err *err)
{
    struct workers *workers = app;
    if (request->workspace == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "workspace",
                         "workspace is required; give it with its sid");
    struct update_context update = {.request = request};
    enum err_code code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return reply_with(call, &update.workspace, out_reply, err);
}

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const Taskrouter__Workers__V1__DeleteWorkspaceRequest *request = ctx;
    struct workspace workspace;
    enum err_code code = access_workspace_lock(conn, call, request->sid, &workspace, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             workspace.version, err);
    if (code == ERR_OK)
        code = access_local(&workspace, err);
    if (code == ERR_OK)
        code = workspace_store_delete(conn, call, workspace.sid, err);
    if (code != ERR_OK)
        return code;
    workspace.version++; /* newer than every event before */
    return workspace_event_append(conn, call, "workspace.deleted", &workspace, true, err);
}

enum err_code workspace_rpc_delete(void *app, struct call *call,
                                   const Taskrouter__Workers__V1__DeleteWorkspaceRequest *request,
                                   Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct workers *workers = app;
    Taskrouter__Workers__V1__DeleteWorkspaceRequest copy = *request;
    enum err_code code = db_tx_run(workers->host.pool, call, delete_tx, &copy, err);
    if (code == ERR_OK)
        outbox_wake(workers->host.outbox);
    return code;
}
