#include "channel_rpc.h"

#include "base/ids.h"
#include "channel_store.h"
#include "limit_store.h"
#include "outbox/outbox.h"
#include "queue_events.h"
#include "queues.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/mirror.h"
#include "svc/page.h"
#include "svc/repeat.h"

#define LIST_TAG "tc"

typedef Taskrouter__Queues__V1__TaskChannel wire_channel;

static enum err_code reply_with(struct call *call, const struct task_channel *channel,
                                wire_channel **out_reply, struct err *err)
{
    wire_channel *wire = channel_to_wire(call->arena, channel);
    if (wire == NULL)
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

/* A channel is named by its SID or its unique name. */
static enum err_code check_key(const char *field, const char *key, struct err *err)
{
    return check_text(field, key, 1, TASK_CHANNEL_NAME_MAX, err);
}

struct create_context {
    int64_t limit; /* of channels in the workspace; 0 = none */
    struct task_channel channel;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    enum err_code code = workspaces_hold(conn, call, create->channel.workspace_sid, err);
    if (code == ERR_OK)
        code = limit_store_check(conn, call, QUEUES_LIMIT_CHANNELS, create->limit,
                                 create->channel.workspace_sid, err);
    if (code == ERR_OK)
        code = channel_store_insert(conn, call, &create->channel, err);
    if (code == ERR_OK)
        code =
            channel_event_append(conn, call, "task-channel.created", &create->channel, false, err);
    wire_channel *reply = NULL;
    if (code == ERR_OK)
        code = reply_with(call, &create->channel, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

enum err_code channel_rpc_create(void *app, struct call *call,
                                 const Taskrouter__Queues__V1__CreateTaskChannelRequest *request,
                                 wire_channel **out_reply, struct err *err)
{
    struct queues *queues = app;
    struct workspace_copy workspace;
    enum err_code code =
        mirror_require_local(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    struct sid sid = sid_new("TC");
    struct create_context create = {
        .limit = queues->settings->limit_channels,
        .channel =
            {
                      .sid = sid.text,
                      .account_sid = workspace.account_sid,
                      .workspace_sid = workspace.sid,
                      .friendly_name = request->friendly_name,
                      .unique_name = request->unique_name,
                      .channel_optimized_routing = request->channel_optimized_routing,
                      },
    };
    code = task_channel_check(&create.channel, err);
    struct repeat repeat = {
        .method = "CreateTaskChannel",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__queues__v1__task_channel__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(queues->host.pool, call, &repeat, make, &create, &reply, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(queues->host.outbox);
    *out_reply = (wire_channel *)(void *)reply;
    return ERR_OK;
}

enum err_code channel_rpc_get(void *app, struct call *call,
                              const Taskrouter__Queues__V1__GetTaskChannelRequest *request,
                              wire_channel **out_reply, struct err *err)
{
    struct queues *queues = app;
    struct workspace_copy workspace = {.is_mirrored = false};
    enum err_code code =
        workspaces_require(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_key("channel", request->channel, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(queues->host.pool, call, &conn, err);
    struct task_channel channel;
    if (code == ERR_OK)
        code = channel_store_get(conn, call, workspace.sid, request->channel, &channel, err);
    return code == ERR_OK ? reply_with(call, &channel, out_reply, err)
                          : mirror_missing(code, workspace.is_mirrored, "--all", err);
}

enum err_code channel_rpc_list(void *app, struct call *call,
                               const Taskrouter__Queues__V1__ListTaskChannelsRequest *request,
                               Taskrouter__Queues__V1__ListTaskChannelsResponse **out_reply,
                               struct err *err)
{
    struct queues *queues = app;
    struct workspace_copy workspace;
    struct page page;
    enum err_code code =
        workspaces_require(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(queues->host.pool, call, &conn, err);
    struct task_channel *items = NULL;
    size_t count = 0;
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = channel_store_list(conn, call, workspace.sid, page.after, (size_t)page.size + 1,
                                  &items, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Queues__V1__ListTaskChannelsResponse *reply =
        PB_NEW(call->arena, taskrouter__queues__v1__list_task_channels_response);
    wire_channel **wires = ARENA_ARRAY(call->arena, wire_channel *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > (size_t)page.size) {
        count = (size_t)page.size;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = channel_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

static const char *const updatable[] = {"friendly_name", "channel_optimized_routing"};

struct update_context {
    const Taskrouter__Queues__V1__UpdateTaskChannelRequest *request;
    const char *workspace_sid;
    struct task_channel channel; /* out: as it is now */
};

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Queues__V1__UpdateTaskChannelRequest *request = update->request;
    struct task_channel *channel = &update->channel;
    enum err_code code = channel_store_lock(conn, call, update->workspace_sid,
                                            request->task_channel->sid, channel, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             channel->version, err);
    if (code != ERR_OK)
        return code;
    if (mask_has(request->update_mask, "friendly_name"))
        channel->friendly_name = request->task_channel->friendly_name;
    if (mask_has(request->update_mask, "channel_optimized_routing"))
        channel->channel_optimized_routing = request->task_channel->channel_optimized_routing;
    code = task_channel_check(channel, err);
    if (code == ERR_OK)
        code = channel_store_update(conn, call, channel, err);
    if (code != ERR_OK)
        return code;
    return channel_event_append(conn, call, "task-channel.updated", channel, false, err);
}

enum err_code channel_rpc_update(void *app, struct call *call,
                                 const Taskrouter__Queues__V1__UpdateTaskChannelRequest *request,
                                 wire_channel **out_reply, struct err *err)
{
    struct queues *queues = app;
    if (request->task_channel == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "task_channel",
                         "task_channel is required; give it with workspace_sid and sid");
    struct workspace_copy workspace;
    enum err_code code = mirror_require_local(
        &queues->workspaces, call, request->task_channel->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_key("sid", request->task_channel->sid, err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    struct update_context update = {.request = request, .workspace_sid = workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(queues->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(queues->host.outbox);
    return reply_with(call, &update.channel, out_reply, err);
}

struct delete_context {
    const Taskrouter__Queues__V1__DeleteTaskChannelRequest *request;
    const char *workspace_sid;
};

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct delete_context *removal = ctx;
    struct task_channel channel;
    enum err_code code = channel_store_lock(conn, call, removal->workspace_sid,
                                            removal->request->channel, &channel, err);
    if (code == ERR_OK)
        code = check_version(removal->request->_expected_version_case != 0,
                             removal->request->expected_version, channel.version, err);
    if (code != ERR_OK)
        return code;
    if (task_channel_is_default(channel.unique_name))
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "DEFAULT_CHANNEL",
                       "task channel %s is one that every workspace has; it cannot be deleted",
                       channel.unique_name);
    code = channel_store_delete(conn, call, channel.sid, err);
    if (code != ERR_OK)
        return code;
    channel.version++; /* newer than every event before */
    return channel_event_append(conn, call, "task-channel.deleted", &channel, true, err);
}

enum err_code channel_rpc_delete(void *app, struct call *call,
                                 const Taskrouter__Queues__V1__DeleteTaskChannelRequest *request,
                                 Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct queues *queues = app;
    struct workspace_copy workspace;
    enum err_code code =
        mirror_require_local(&queues->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_key("channel", request->channel, err);
    struct delete_context removal = {request, workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(queues->host.pool, call, delete_tx, &removal, err);
    if (code == ERR_OK)
        outbox_wake(queues->host.outbox);
    return code;
}
