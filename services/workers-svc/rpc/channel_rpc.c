#include "channel_rpc.h"

#include <string.h>

#include "access.h"
#include "outbox/outbox.h"
#include "rpc/client.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "worker_events.h"
#include "worker_store.h"
#include "workers.h"

typedef Taskrouter__Workers__V1__WorkerChannel wire_channel;

static enum err_code reply_with(struct call *call, const struct worker_channel *channel,
                                wire_channel **out_reply, struct err *err)
{
    wire_channel *wire = channel_to_wire(call->arena, channel);
    if (wire == NULL)
        return no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

/*
 * A workspace this young has no channels here yet: queues-svc, who makes them, is asked, so that a
 * worker's channels can be used the moment it was created.
 */
static enum err_code fetch_task_channels(struct workers *workers, struct db_conn *conn,
                                         struct call *call, const char *workspace_sid,
                                         struct err *err)
{
    Taskrouter__Queues__V1__ListTaskChannelsRequest *request =
        PB_NEW(call->arena, taskrouter__queues__v1__list_task_channels_request);
    char *sid = arena_strdup(call->arena, workspace_sid);
    if (request == NULL || sid == NULL)
        return no_room(err);
    request->workspace_sid = sid;
    request->page_size = PAGE_SIZE_MAX;
    Taskrouter__Queues__V1__ListTaskChannelsResponse *reply = NULL;
    enum err_code code = RPC_CALL(workers->host.as_service[PEER_QUEUES], call,
                                  "/taskrouter.queues.v1.Queues/ListTaskChannels", &request->base,
                                  taskrouter__queues__v1__list_task_channels_response, &reply, err);
    for (size_t i = 0; code == ERR_OK && i < reply->n_items; i++)
        code = task_channel_copy_store_put(conn, call,
                                           &(struct task_channel_copy){
                                               .sid = reply->items[i]->sid,
                                               .workspace_sid = reply->items[i]->workspace_sid,
                                               .unique_name = reply->items[i]->unique_name,
                                               .version = reply->items[i]->version,
                                           },
                                           err);
    return code;
}

static enum err_code load(struct workers *workers, struct db_conn *conn, struct call *call,
                          const char *workspace_sid, const char *worker_sid,
                          struct worker_channel **out, size_t *out_count, struct err *err)
{
    enum err_code code = worker_channel_store_list(conn, call, worker_sid, out, out_count, err);
    if (code != ERR_OK || *out_count > 0)
        return code;
    code = fetch_task_channels(workers, conn, call, workspace_sid, err);
    if (code != ERR_OK)
        return code;
    return worker_channel_store_list(conn, call, worker_sid, out, out_count, err);
}

/* key: WC SID, TC SID or the task channel's unique name. */
static struct worker_channel *find(struct worker_channel *channels, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(channels[i].sid, key) == 0 || strcmp(channels[i].task_channel_sid, key) == 0 ||
            strcmp(channels[i].task_channel_unique_name, key) == 0)
            return &channels[i];
    }
    return NULL;
}

static enum err_code not_found(const char *key, const char *worker_sid, struct err *err)
{
    return ERR_FIELD(err, ERR_NOT_FOUND, "CHANNEL_NOT_FOUND", "channel",
                     "worker %s has no channel %s", worker_sid, key);
}

enum err_code channel_rpc_list(void *app, struct call *call,
                               const Taskrouter__Workers__V1__ListWorkerChannelsRequest *request,
                               Taskrouter__Workers__V1__ListWorkerChannelsResponse **out_reply,
                               struct err *err)
{
    struct workers *workers = app;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    struct worker worker;
    struct worker_channel *channels = NULL;
    size_t count = 0;
    enum err_code code = check_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = worker_store_get(conn, call, workspace.sid, request->worker_sid, &worker, err);
    if (code == ERR_OK)
        code = load(workers, conn, call, workspace.sid, worker.sid, &channels, &count, err);
    if (code != ERR_OK)
        return code;
    /* a worker has few channels: all of them are one page */
    Taskrouter__Workers__V1__ListWorkerChannelsResponse *reply =
        PB_NEW(call->arena, taskrouter__workers__v1__list_worker_channels_response);
    wire_channel **wires = ARENA_ARRAY(call->arena, wire_channel *, count);
    if (reply == NULL || wires == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++)
        wires[i] = channel_to_wire(call->arena, &channels[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code channel_rpc_get(void *app, struct call *call,
                              const Taskrouter__Workers__V1__GetWorkerChannelRequest *request,
                              wire_channel **out_reply, struct err *err)
{
    struct workers *workers = app;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    struct worker worker;
    struct worker_channel *channels = NULL;
    size_t count = 0;
    enum err_code code = check_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = worker_store_get(conn, call, workspace.sid, request->worker_sid, &worker, err);
    if (code == ERR_OK)
        code = load(workers, conn, call, workspace.sid, worker.sid, &channels, &count, err);
    if (code != ERR_OK)
        return code;
    const struct worker_channel *channel = find(channels, count, request->channel);
    if (channel == NULL)
        return not_found(request->channel, worker.sid, err);
    return reply_with(call, channel, out_reply, err);
}

struct update_context {
    struct workers *workers;
    const Taskrouter__Workers__V1__UpdateWorkerChannelRequest *request;
    struct worker_channel channel; /* out: as it is now */
};

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Workers__V1__UpdateWorkerChannelRequest *request = update->request;
    struct workspace workspace;
    struct worker worker;
    struct worker_channel *channels = NULL;
    size_t count = 0;
    enum err_code code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = worker_store_lock(conn, call, workspace.sid, request->worker_sid, &worker, err);
    if (code == ERR_OK)
        code = load(update->workers, conn, call, workspace.sid, worker.sid, &channels, &count, err);
    if (code != ERR_OK)
        return code;
    const struct worker_channel *found = find(channels, count, request->channel);
    if (found == NULL)
        return not_found(request->channel, worker.sid, err);
    code = check_version(request->_expected_version_case != 0, request->expected_version,
                         found->version, err);
    if (code != ERR_OK)
        return code;
    update->channel = *found;
    if (request->_capacity_case != 0)
        update->channel.configured_capacity = request->capacity;
    if (request->_available_case != 0)
        update->channel.available = request->available;
    code = worker_channel_check(&update->channel, err);
    if (code == ERR_OK)
        code = worker_channel_store_put(conn, call, &update->channel, err);
    if (code == ERR_OK) /* consumers see a newer worker */
        code = worker_store_update(conn, call, &worker, err);
    bool is_resized = found->configured_capacity != update->channel.configured_capacity;
    bool is_switched = found->available != update->channel.available;
    if (code == ERR_OK && is_resized)
        code = worker_event_append(
            conn, call, &worker,
            &(struct worker_change){.type = "worker.capacity.update", .channel_before = found},
            err);
    if (code == ERR_OK && (is_switched || !is_resized))
        code = worker_event_append(
            conn, call, &worker,
            &(struct worker_change){.type = "worker.channel.availability.update",
                                    .channel_before = found},
            err);
    return code;
}

enum err_code channel_rpc_update(void *app, struct call *call,
                                 const Taskrouter__Workers__V1__UpdateWorkerChannelRequest *request,
                                 wire_channel **out_reply, struct err *err)
{
    struct workers *workers = app;
    if (request->_capacity_case == 0 && request->_available_case == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EMPTY_UPDATE", "capacity",
                         "nothing to change; give capacity or available");
    struct update_context update = {.workers = workers, .request = request};
    enum err_code code = check_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return reply_with(call, &update.channel, out_reply, err);
}

/* ---- export ---- */

static enum err_code send_page(struct db_conn *conn, struct call *call, const struct worker *rows,
                               size_t count, struct rpc_stream *stream, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        struct arena_mark mark = arena_mark(call->arena);
        struct worker_channel *channels = NULL;
        size_t channel_count = 0;
        code = worker_channel_store_list(conn, call, rows[i].sid, &channels, &channel_count, err);
        Taskrouter__Workers__V1__Worker *wire =
            code != ERR_OK ? NULL : worker_to_wire(call->arena, &rows[i], channels, channel_count);
        if (code == ERR_OK)
            code = wire == NULL ? no_room(err) : rpc_stream_send(stream, &wire->base, err);
        arena_rewind(call->arena, mark);
    }
    return code;
}

enum err_code worker_rpc_export(void *app, struct call *call,
                                const Taskrouter__Workers__V1__ExportWorkersRequest *request,
                                struct rpc_stream *stream, struct err *err)
{
    struct workers *workers = app;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    enum err_code code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    char after[64] = ""; /* a SID; longer text is not one and is refused below */
    if (code == ERR_OK)
        code = check_optional_sid("after_sid", request->after_sid, "WK", err);
    if (code != ERR_OK)
        return code;
    memcpy(after, request->after_sid, strlen(request->after_sid) + 1);
    size_t count = PAGE_SIZE_MAX;
    while (code == ERR_OK && count == PAGE_SIZE_MAX) {
        struct arena_mark mark = arena_mark(call->arena);
        struct worker_filter filter = {
            .workspace_sid = workspace.sid,
            .friendly_name = "",
            .activity_sid = "",
            .activity_name = "",
            .after = after,
            .limit = PAGE_SIZE_MAX,
        };
        struct worker *rows = NULL;
        count = 0;
        code = worker_store_list(conn, call, &filter, &rows, &count, err);
        if (code == ERR_OK)
            code = send_page(conn, call, rows, count, stream, err);
        if (code == ERR_OK && count > 0)
            memcpy(after, rows[count - 1].sid, strlen(rows[count - 1].sid) + 1);
        arena_rewind(call->arena, mark);
    }
    return code;
}
