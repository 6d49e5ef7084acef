/* PutWorkerChannels. */
#include <string.h>

#include "mirror_items.h"
#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "queue_peer.h"
#include "svc/check.h"
#include "worker.h"
#include "worker_events.h"
#include "worker_store.h"
#include "workers.h"

struct channels {
    const Taskrouter__Workers__V1__PutWorkerChannelsRequest *request;
    struct put put;
    struct worker_channel *wanted; /* as the request has them; with version and dates once judged */
    struct mirror_channel_found *found; /* beside them */
    bool may_fetch;                     /* task channels that we have not heard of are asked for */
    bool is_fetch_needed;               /* out: nothing was done but that */
};

/* ---- judging ---- */

static const struct mirror_kind kind = {.prefix = "WC", .noun = "worker channel"};

static const char *form_problem(const struct channels *all, size_t i)
{
    const struct worker_channel *wanted = &all->wanted[i];
    struct err cause = {.code = ERR_OK};
    if (check_sid("worker_sid", wanted->worker_sid, "WK", &cause) != ERR_OK ||
        check_sid("task_channel_sid", wanted->task_channel_sid, "TC", &cause) != ERR_OK ||
        worker_channel_check(wanted, &cause) != ERR_OK)
        return put_detail(&all->put, &cause);
    for (size_t j = 0; j < i; j++) {
        if (strcmp(all->wanted[j].worker_sid, wanted->worker_sid) == 0 &&
            strcmp(all->wanted[j].task_channel_sid, wanted->task_channel_sid) == 0)
            return arena_printf(all->put.call->arena,
                                "the channel %s of worker %s is twice in this request",
                                wanted->task_channel_sid, wanted->worker_sid);
    }
    return NULL;
}

static void read_item(struct channels *all, size_t i)
{
    const Taskrouter__Workers__V1__WorkerChannel *wire = all->request->items[i];
    struct mirror_item *item = &all->put.items[i];
    item->sid = wire->sid;
    item->friendly_name = wire->task_channel_unique_name;
    item->account_sid = wire->account_sid;
    item->workspace_sid = wire->workspace_sid;
    all->wanted[i] = (struct worker_channel){
        .sid = wire->sid,
        .account_sid = all->put.workspace.account_sid,
        .workspace_sid = all->put.workspace.sid,
        .worker_sid = wire->worker_sid,
        .task_channel_sid = wire->task_channel_sid,
        .task_channel_unique_name = wire->task_channel_unique_name,
        .configured_capacity = wire->configured_capacity,
        .available = wire->available,
    };
    item->problem = form_problem(all, i);
}

static const char *problem_of(const struct put *put, const struct mirror_channel_found *found)
{
    if (!found->has_worker)
        return arena_printf(put->call->arena, "worker %s is not known here yet; workers come first",
                            found->row.worker_sid);
    if (!found->has_task_channel)
        return arena_printf(put->call->arena,
                            "task channel %s is not known here yet; task channels come first",
                            found->row.task_channel_sid);
    return NULL;
}

static void compare(struct put *put, struct mirror_item *item,
                    const struct mirror_channel_found *found, const struct worker_channel *wanted)
{
    const struct worker_channel *row = &found->row;
    item->row =
        (struct mirror_row){.exists = found->exists, .observed_at_us = found->observed_at_us};
    item->row_workspace_sid = put->workspace.sid;
    if (found->has_task_channel)
        item->friendly_name = row->task_channel_unique_name;
    if (found->exists)
        mirror_diff_text(&item->diff, "sid", row->sid, wanted->sid);
    mirror_diff_i64(&item->diff, "configured_capacity", row->configured_capacity,
                    wanted->configured_capacity);
    mirror_diff_bool(&item->diff, "available", row->available, wanted->available);
    if (item->problem == NULL)
        item->problem = problem_of(put, found);
}

static enum err_code look_up(struct channels *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    const struct worker_channel **wanted =
        ARENA_ARRAY(put->call->arena, const struct worker_channel *, put->count);
    if (wanted == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++)
        wanted[i] = &all->wanted[i];
    enum err_code code = mirror_channel_store_find(conn, put->call, put->workspace.sid, wanted,
                                                   put->count, &all->found, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        bool is_in_need = put->items[i].problem == NULL && !all->found[i].has_task_channel;
        all->is_fetch_needed = all->is_fetch_needed || (all->may_fetch && is_in_need);
        compare(put, &put->items[i], &all->found[i], wanted[i]);
    }
    return code;
}

static void fill(struct channels *all, size_t i)
{
    const Taskrouter__Workers__V1__WorkerChannel *wire = all->request->items[i];
    const struct worker_channel *row = &all->found[i].row;
    struct worker_channel *wanted = &all->wanted[i];
    bool is_change = mirror_item_is_written(&all->put.items[i]);
    wanted->task_channel_unique_name = row->task_channel_unique_name;
    wanted->version = row->version + (is_change ? 1 : 0);
    wanted->created_at_us = put_date(&all->put, wire->date_created, row->created_at_us);
    wanted->updated_at_us =
        put_date(&all->put, wire->date_updated, is_change ? 0 : row->updated_at_us);
}

/* ---- writing ---- */

/* The workers whose channels change, each once, newer by one than they were. */
static enum err_code touch(struct channels *all, struct db_conn *conn, struct worker **out_workers,
                           size_t *out_count, struct err *err)
{
    const struct put *put = &all->put;
    struct str *sids = ARENA_ARRAY(put->call->arena, struct str, put->count);
    if (sids == NULL)
        return call_no_room(err);
    size_t count = 0;
    for (size_t i = 0; i < put->count; i++) {
        struct str sid = str_from(all->wanted[i].worker_sid);
        bool is_new = mirror_item_is_written(&put->items[i]);
        for (size_t j = 0; j < count && is_new; j++)
            is_new = !str_eq(sids[j], sid);
        if (is_new)
            sids[count++] = sid;
    }
    *out_count = 0;
    if (count == 0)
        return ERR_OK;
    enum err_code code = mirror_worker_store_touch(conn, put->call, sids, count, err);
    struct worker_filter filter = {
        .workspace_sid = put->workspace.sid,
        .friendly_name = "",
        .activity_sid = "",
        .activity_name = "",
        .after = "",
        .limit = count,
        .among = sids,
        .among_count = count,
    };
    if (code == ERR_OK)
        code = worker_store_list(conn, put->call, &filter, out_workers, out_count, err);
    return code;
}

/* Channels that are new to us are told of once for each worker: they come together, as with a
 * worker who is created here. */
static size_t tell(const struct channels *all, const struct worker *worker,
                   struct worker_news *news)
{
    size_t count = 0;
    bool has_told_new = false;
    for (size_t i = 0; i < all->put.count; i++) {
        const struct mirror_item *item = &all->put.items[i];
        const struct worker_channel *row = &all->found[i].row;
        bool is_new = item->outcome == MIRROR_CREATED;
        if (!mirror_item_is_written(item) || strcmp(all->wanted[i].worker_sid, worker->sid) != 0 ||
            (is_new && has_told_new))
            continue;
        bool is_switched = !is_new && row->available != all->wanted[i].available;
        bool is_resized = row->configured_capacity != all->wanted[i].configured_capacity;
        has_told_new = has_told_new || is_new;
        if (is_resized || !is_switched)
            news[count++] = (struct worker_news){
                worker, {.type = "worker.capacity.update", .channel_before = row}
            };
        if (is_switched)
            news[count++] = (struct worker_news){
                worker, {.type = "worker.channel.availability.update", .channel_before = row}
            };
    }
    return count;
}

static enum err_code write(struct channels *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    const struct worker_channel **items =
        ARENA_ARRAY(put->call->arena, const struct worker_channel *, put->count);
    struct worker_news *news = ARENA_ARRAY(put->call->arena, struct worker_news, 2 * put->count);
    if (items == NULL || news == NULL)
        return call_no_room(err);
    size_t count = 0;
    for (size_t i = 0; i < put->count; i++) {
        if (put_is_stored(&put->items[i]))
            items[count++] = &all->wanted[i];
    }
    if (count == 0)
        return ERR_OK;
    struct worker *workers = NULL;
    size_t worker_count = 0;
    enum err_code code =
        mirror_channel_store_put(conn, put->call, items, count, put->observed_at_us, err);
    if (code == ERR_OK)
        code = touch(all, conn, &workers, &worker_count, err);
    size_t news_count = 0;
    for (size_t i = 0; i < worker_count && code == ERR_OK; i++)
        news_count += tell(all, &workers[i], &news[news_count]);
    return code == ERR_OK ? worker_events_append(conn, put->call, news, news_count, err) : code;
}

static enum err_code put_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct channels *all = ctx;
    struct put *put = &all->put;
    all->is_fetch_needed = false;
    enum err_code code = put_begin(put, conn, err);
    if (code != ERR_OK)
        return code;
    all->wanted = ARENA_ARRAY(call->arena, struct worker_channel, put->count);
    if (all->wanted == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++)
        read_item(all, i);
    code = look_up(all, conn, err);
    if (code != ERR_OK || all->is_fetch_needed)
        return code;
    code = put_settle(put, conn, &kind, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++)
        fill(all, i);
    return code == ERR_OK && !put->is_dry_run ? write(all, conn, err) : code;
}

enum err_code
mirror_rpc_put_channels(void *app, struct call *call,
                        const Taskrouter__Workers__V1__PutWorkerChannelsRequest *request,
                        Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct channels all = {.request = request, .may_fetch = true};
    enum err_code code = put_from(&all.put, workers, call, request->workspace_sid, request->n_items,
                                  request->observed_at, request->dry_run, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, put_tx, &all, err);
    if (code == ERR_OK &&
        all.is_fetch_needed) { /* no connection is held: we may be asked in turn */
        all.may_fetch = false;
        code = queue_peer_fetch_channels(workers, call, request->workspace_sid, err);
        if (code == ERR_OK)
            code = db_tx_run(workers->host.pool, call, put_tx, &all, err);
    }
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return put_reply(&all.put, out_reply, err);
}
