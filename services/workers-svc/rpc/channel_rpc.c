#include "channel_rpc.h"

#include <string.h>

#include "access.h"
#include "base/ids.h"
#include "load_peer.h"
#include "outbox/outbox.h"
#include "queue_peer.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "worker_events.h"
#include "worker_store.h"
#include "workers.h"

#define LIST_TAG "wc"

enum { EXPORT_PAGE = 250 }; /* workers read at once, each with up to 4 KiB of attributes */

typedef Taskrouter__Workers__V1__WorkerChannel wire_channel;

static enum err_code reply_with(struct call *call, const struct worker_channel *channel,
                                wire_channel **out_reply, struct err *err)
{
    wire_channel *wire = channel_to_wire(call->arena, channel);
    if (wire == NULL)
        return call_no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

static enum err_code list_channels(struct db_conn *conn, struct call *call, const char *worker_sid,
                                   struct worker_channel **out, size_t *out_count, struct err *err)
{
    const struct str sid = str_from(worker_sid);
    return worker_channel_store_list(conn, call, &sid, 1, out, out_count, err);
}

static enum err_code load(struct workers *workers, struct call *call, const char *workspace_sid,
                          const char *worker_sid, struct worker_channel **out, size_t *out_count,
                          struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    struct worker worker;
    enum err_code code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_worker(conn, call, &workspace, worker_sid, &worker, err);
    if (code == ERR_OK)
        code = list_channels(conn, call, worker.sid, out, out_count, err);
    return code;
}

/* key: WC SID, TC SID or the task channel's unique name. NULL when there is none. */
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

static enum err_code fill_list(struct call *call, const struct worker_channel *items, size_t count,
                               const struct page *page,
                               Taskrouter__Workers__V1__ListWorkerChannelsResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Workers__V1__ListWorkerChannelsResponse *reply =
        PB_NEW(call->arena, taskrouter__workers__v1__list_worker_channels_response);
    wire_channel **wires = ARENA_ARRAY(call->arena, wire_channel *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    reply->items = wires;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].task_channel_sid, page->after) <= 0)
            continue;
        if (reply->n_items == (size_t)page->size) {
            reply->next_cursor =
                page_cursor(call->arena, LIST_TAG, wires[reply->n_items - 1]->task_channel_sid);
            break;
        }
        wires[reply->n_items] = channel_to_wire(call->arena, &items[i]);
        if (wires[reply->n_items++] == NULL)
            break;
    }
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code channel_rpc_list(void *app, struct call *call,
                               const Taskrouter__Workers__V1__ListWorkerChannelsRequest *request,
                               Taskrouter__Workers__V1__ListWorkerChannelsResponse **out_reply,
                               struct err *err)
{
    struct workers *workers = app;
    struct page page;
    struct worker_channel *channels = NULL;
    size_t count = 0;
    enum err_code code = check_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = load(workers, call, request->workspace_sid, request->worker_sid, &channels, &count,
                    err);
    if (code == ERR_OK && count == 0) {
        code = queue_peer_fetch_channels(workers, call, request->workspace_sid, err);
        if (code == ERR_OK)
            code = load(workers, call, request->workspace_sid, request->worker_sid, &channels,
                        &count, err);
    }
    if (code != ERR_OK)
        return code;
    load_peer_fill(workers, call, request->workspace_sid, channels, count);
    return fill_list(call, channels, count, &page, out_reply, err);
}

enum err_code channel_rpc_get(void *app, struct call *call,
                              const Taskrouter__Workers__V1__GetWorkerChannelRequest *request,
                              wire_channel **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct worker_channel *channels = NULL;
    size_t count = 0;
    enum err_code code = check_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = load(workers, call, request->workspace_sid, request->worker_sid, &channels, &count,
                    err);
    if (code == ERR_OK && find(channels, count, request->channel) == NULL) {
        code = queue_peer_fetch_channels(workers, call, request->workspace_sid, err);
        if (code == ERR_OK)
            code = load(workers, call, request->workspace_sid, request->worker_sid, &channels,
                        &count, err);
    }
    if (code != ERR_OK)
        return code;
    struct worker_channel *channel = find(channels, count, request->channel);
    if (channel == NULL)
        return not_found(request->channel, request->worker_sid, err);
    load_peer_fill(workers, call, request->workspace_sid, channel, 1);
    return reply_with(call, channel, out_reply, err);
}

struct update_context {
    const Taskrouter__Workers__V1__UpdateWorkerChannelRequest *request;
    bool is_unknown;               /* out: no such channel as far as known here */
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
    update->is_unknown = false;
    enum err_code code = access_workspace(conn, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = access_worker_lock(conn, call, &workspace, request->worker_sid, &worker, err);
    if (code == ERR_OK)
        code = list_channels(conn, call, worker.sid, &channels, &count, err);
    if (code != ERR_OK)
        return code;
    const struct worker_channel *found = find(channels, count, request->channel);
    update->is_unknown = found == NULL;
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
        code = access_local(&workspace, err);
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
    struct update_context update = {.request = request};
    enum err_code code = check_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, update_tx, &update, err);
    if (code == ERR_NOT_FOUND && update.is_unknown) {
        code = queue_peer_fetch_channels(workers, call, request->workspace_sid, err);
        if (code == ERR_OK)
            code = db_tx_run(workers->host.pool, call, update_tx, &update, err);
    }
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    load_peer_fill(workers, call, request->workspace_sid, &update.channel, 1);
    return reply_with(call, &update.channel, out_reply, err);
}

/* ---- export ---- */

/* One page, read with a connection that is given back before anything is sent: a slow reader keeps
 * nobody from the database. */
static enum err_code read_page(struct workers *workers, struct call *call,
                               const char *workspace_sid, const char *after,
                               struct worker **out_rows, size_t *out_count,
                               struct worker_channel **out_channels, size_t *out_channel_count,
                               struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct workspace workspace;
    struct worker_filter filter = {
        .workspace_sid = workspace_sid,
        .friendly_name = "",
        .activity_sid = "",
        .activity_name = "",
        .after = after,
        .limit = EXPORT_PAGE,
    };
    enum err_code code = db_acquire(workers->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = access_workspace(conn, call, workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = worker_store_list(conn, call, &filter, out_rows, out_count, err);
    if (code != ERR_OK)
        return code;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, *out_count);
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < *out_count; i++)
        sids[i] = str_from((*out_rows)[i].sid);
    return worker_channel_store_list(conn, call, sids, *out_count, out_channels, out_channel_count,
                                     err);
}

/* Channels come in the order of the workers. */
static enum err_code send_page(struct call *call, const struct worker *rows, size_t count,
                               const struct worker_channel *channels, size_t channel_count,
                               struct rpc_stream *stream, struct err *err)
{
    enum err_code code = ERR_OK;
    size_t next = 0;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        size_t first = next;
        while (next < channel_count && strcmp(channels[next].worker_sid, rows[i].sid) == 0)
            next++;
        struct arena_mark mark = arena_mark(call->arena);
        Taskrouter__Workers__V1__Worker *wire =
            worker_to_wire(call->arena, &rows[i], &channels[first], next - first);
        code = wire == NULL ? call_no_room(err) : rpc_stream_send(stream, &wire->base, err);
        arena_rewind(call->arena, mark);
    }
    return code;
}

enum err_code worker_rpc_export(void *app, struct call *call,
                                const Taskrouter__Workers__V1__ExportWorkersRequest *request,
                                struct rpc_stream *stream, struct err *err)
{
    struct workers *workers = app;
    struct sid after = {""};
    enum err_code code = check_optional_sid("after_sid", request->after_sid, "WK", err);
    if (code == ERR_OK)
        after = sid_from(str_from(request->after_sid));
    size_t count = EXPORT_PAGE;
    while (code == ERR_OK && count == EXPORT_PAGE) {
        struct arena_mark mark = arena_mark(call->arena);
        struct worker *rows = NULL;
        struct worker_channel *channels = NULL;
        size_t channel_count = 0;
        count = 0;
        code = read_page(workers, call, request->workspace_sid, after.text, &rows, &count,
                         &channels, &channel_count, err);
        if (code == ERR_OK)
            code = send_page(call, rows, count, channels, channel_count, stream, err);
        if (code == ERR_OK && count > 0)
            after = sid_from(str_from(rows[count - 1].sid));
        arena_rewind(call->arena, mark);
    }
    return code;
}
