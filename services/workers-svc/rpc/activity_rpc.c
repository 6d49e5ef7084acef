#include "activity_rpc.h"

#include "access.h"
#include "activity_store.h"
#include "base/ids.h"
#include "limit_store.h"
#include "outbox/outbox.h"
#include "queue_peer.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "worker_events.h"
#include "workers.h"

#define LIST_TAG "wa"

typedef Taskrouter__Workers__V1__Activity wire_activity;

static enum err_code reply_with(struct call *call, const struct activity *item,
                                wire_activity **out_reply, struct err *err)
{
    wire_activity *wire = activity_to_wire(call->arena, item);
    if (wire == NULL)
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

struct create_context {
    const Taskrouter__Workers__V1__CreateActivityRequest *request;
    int64_t limit;              /* of activities in the workspace; 0 = none */
    struct workspace workspace; /* as the transaction sees it */
    struct activity activity;
    ProtobufCMessage *reply;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    wire_activity *reply = NULL;
    create->activity.account_sid = create->workspace.account_sid;
    create->activity.workspace_sid = create->workspace.sid;
    enum err_code code = limit_store_check(conn, call, WORKERS_LIMIT_ACTIVITIES, create->limit,
                                           create->workspace.sid, err);
    if (code == ERR_OK)
        code = activity_store_insert(conn, call, &create->activity, err);
    if (code == ERR_OK)
        code = activity_event_append(conn, call, "activity.created", &create->activity, false, err);
    if (code == ERR_OK)
        code = reply_with(call, &create->activity, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

static enum err_code create_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct create_context *create = ctx;
    struct repeat repeat = {
        .method = "CreateActivity",
        .key = create->request->idempotency_key,
        .request = &create->request->base,
        .reply_type = &taskrouter__workers__v1__activity__descriptor,
    };
    enum err_code code =
        access_workspace(conn, call, create->request->workspace_sid, &create->workspace, err);
    if (code == ERR_OK)
        code = access_local(&create->workspace, err);
    return code == ERR_OK ? repeat_run(conn, call, &repeat, make, create, &create->reply, err)
                          : code;
}

enum err_code activity_rpc_create(void *app, struct call *call,
                                  const Taskrouter__Workers__V1__CreateActivityRequest *request,
                                  wire_activity **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct sid sid = sid_new("WA");
    struct create_context create = {
        .request = request,
        .limit = workers->settings->limit_activities,
        .activity =
            {
                       .sid = sid.text,
                       .friendly_name = request->friendly_name,
                       .available = request->available,
                       },
    };
    enum err_code code = activity_check(&create.activity, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, create_tx, &create, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    *out_reply = (wire_activity *)(void *)create.reply;
    return ERR_OK;
}

enum err_code activity_rpc_get(void *app, struct call *call,
                               const Taskrouter__Workers__V1__GetActivityRequest *request,
                               wire_activity **out_reply, struct err *err)
{
    struct workers *workers = app;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    struct activity activity;
    enum err_code code = check_sid("sid", request->sid, "WA", err);
    if (code == ERR_OK)
        code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_activity(conn, call, &workspace, request->sid, &activity, err);
    return code == ERR_OK ? reply_with(call, &activity, out_reply, err) : code;
}

static enum err_code fill_list(struct call *call, struct activity *items, size_t count,
                               size_t limit,
                               Taskrouter__Workers__V1__ListActivitiesResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Workers__V1__ListActivitiesResponse *reply =
        PB_NEW(call->arena, taskrouter__workers__v1__list_activities_response);
    wire_activity **wires = ARENA_ARRAY(call->arena, wire_activity *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > limit) {
        count = limit;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = activity_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code activity_rpc_list(void *app, struct call *call,
                                const Taskrouter__Workers__V1__ListActivitiesRequest *request,
                                Taskrouter__Workers__V1__ListActivitiesResponse **out_reply,
                                struct err *err)
{
    struct workers *workers = app;
    struct page page;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    enum err_code code =
        page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    bool is_available = request->available;
    struct activity_filter filter = {
        .workspace_sid = workspace.sid,
        .friendly_name = request->friendly_name,
        .available = request->_available_case != 0 ? &is_available : NULL,
        .after = page.after,
        .limit = (size_t)page.size + 1, /* one more tells whether there is a next page */
    };
    struct activity *items = NULL;
    size_t count = 0;
    code = activity_store_list(conn, call, &filter, &items, &count, err);
    return code == ERR_OK ? fill_list(call, items, count, (size_t)page.size, out_reply, err) : code;
}

static const char *const updatable[] = {"friendly_name"};

struct update_context {
    const Taskrouter__Workers__V1__UpdateActivityRequest *request;
    struct activity activity; /* out: as it is now */
};

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Workers__V1__UpdateActivityRequest *request = update->request;
    struct workspace workspace;
    enum err_code code =
        access_workspace(conn, call, request->activity->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_activity_lock(conn, call, &workspace, request->activity->sid,
                                    &update->activity, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             update->activity.version, err);
    if (code != ERR_OK)
        return code;
    update->activity.friendly_name = request->activity->friendly_name;
    code = activity_check(&update->activity, err);
    if (code == ERR_OK)
        code = access_local(&workspace, err);
    if (code == ERR_OK)
        code = activity_store_update(conn, call, &update->activity, err);
    if (code != ERR_OK)
        return code;
    return activity_event_append(conn, call, "activity.updated", &update->activity, false, err);
}

enum err_code activity_rpc_update(void *app, struct call *call,
                                  const Taskrouter__Workers__V1__UpdateActivityRequest *request,
                                  wire_activity **out_reply, struct err *err)
{
    struct workers *workers = app;
    if (request->activity == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "activity",
                         "activity is required; give it with workspace_sid and sid");
    struct update_context update = {.request = request};
    enum err_code code = check_sid("sid", request->activity->sid, "WA", err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return reply_with(call, &update.activity, out_reply, err);
}

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const Taskrouter__Workers__V1__DeleteActivityRequest *request = ctx;
    struct workspace workspace;
    struct activity activity;
    enum err_code code = /* the lock keeps others from choosing the activity meanwhile */
        access_workspace_lock(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_activity_lock(conn, call, &workspace, request->sid, &activity, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             activity.version, err);
    if (code == ERR_OK)
        code = activity_store_delete(conn, call, &activity, err);
    if (code != ERR_OK)
        return code;
    activity.version++; /* newer than every event before */
    return activity_event_append(conn, call, "activity.deleted", &activity, true, err);
}

/* Before others are asked about it. */
static enum err_code require_activity(struct workers *workers, struct call *call,
                                      const Taskrouter__Workers__V1__DeleteActivityRequest *request,
                                      struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    struct activity activity;
    enum err_code code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_activity(conn, call, &workspace, request->sid, &activity, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             activity.version, err);
    return code == ERR_OK ? access_local(&workspace, err) : code;
}

enum err_code activity_rpc_delete(void *app, struct call *call,
                                  const Taskrouter__Workers__V1__DeleteActivityRequest *request,
                                  Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct workers *workers = app;
    Taskrouter__Workers__V1__DeleteActivityRequest copy = *request;
    enum err_code code = check_sid("sid", request->sid, "WA", err);
    if (code == ERR_OK)
        code = require_activity(workers, call, request, err);
    if (code == ERR_OK)
        code = queue_peer_check_activity(workers, call, request->workspace_sid, request->sid, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, delete_tx, &copy, err);
    if (code == ERR_OK)
        outbox_wake(workers->host.outbox);
    return code;
}
