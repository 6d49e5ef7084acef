/* PutWorkers. */
#include <string.h>

#include "mirror_items.h"
#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "svc/check.h"
#include "worker.h"
#include "worker_events.h"
#include "workers.h"

struct putting {
    const Taskrouter__Workers__V1__PutWorkersRequest *request;
    struct put put;
    struct worker *wanted; /* as the request has them; with version and dates once judged */
    struct mirror_worker_found *found; /* beside them */
};

/* ---- judging ---- */

static const struct mirror_kind kind = {.prefix = "WK", .noun = "worker"};

static void read_item(struct putting *all, size_t i)
{
    const Taskrouter__Workers__V1__Worker *wire = all->request->items[i];
    struct mirror_item *item = &all->put.items[i];
    struct err cause = {.code = ERR_OK};
    item->sid = wire->sid;
    item->friendly_name = wire->friendly_name;
    item->account_sid = wire->account_sid;
    item->workspace_sid = wire->workspace_sid;
    all->wanted[i] = (struct worker){
        .sid = wire->sid,
        .account_sid = all->put.workspace.account_sid,
        .workspace_sid = all->put.workspace.sid,
        .friendly_name = wire->friendly_name,
        .attributes = wire->attributes[0] == '\0' ? "{}" : wire->attributes,
        .activity_sid = wire->activity_sid,
        .activity_name = "",
        .user_sid = "",
    };
    if (worker_check(&all->wanted[i], &cause) != ERR_OK ||
        check_sid("activity_sid", wire->activity_sid, "WA", &cause) != ERR_OK)
        item->problem = put_detail(&all->put, &cause);
}

/* What the database knows to be wrong. A worker stays in an activity that is a tombstone by now,
 * but is not moved to one. */
static const char *problem_of(const struct put *put, const struct mirror_worker_found *found,
                              const char *activity_sid)
{
    bool stays = found->base.exists && strcmp(found->row.activity_sid, activity_sid) == 0;
    if (!found->attributes_storable)
        return "attributes holds a number or text that cannot be stored";
    if (found->has_activity || stays)
        return NULL;
    return arena_printf(put->call->arena, "activity %s is %s; activities come first", activity_sid,
                        found->activity_vanished ? "no longer there" : "not known here yet");
}

static enum err_code look_up(struct putting *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    const struct worker **wanted = ARENA_ARRAY(put->call->arena, const struct worker *, put->count);
    if (wanted == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++)
        wanted[i] = &all->wanted[i];
    enum err_code code = mirror_worker_store_find(conn, put->call, put->workspace.sid, wanted,
                                                  put->count, &all->found, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        struct mirror_item *item = &put->items[i];
        const struct worker *row = &all->found[i].row;
        put_found(put, item, &all->found[i].base, row->workspace_sid);
        mirror_diff_text(&item->diff, "friendly_name", row->friendly_name, item->friendly_name);
        mirror_diff_json(&item->diff, "attributes", row->attributes, wanted[i]->attributes);
        mirror_diff_text(&item->diff, "activity_sid", row->activity_sid, wanted[i]->activity_sid);
        if (item->problem == NULL)
            item->problem = problem_of(put, &all->found[i], wanted[i]->activity_sid);
    }
    return code;
}

static void fill(struct putting *all, size_t i)
{
    const Taskrouter__Workers__V1__Worker *wire = all->request->items[i];
    const struct mirror_worker_found *found = &all->found[i];
    const struct worker *row = &found->row;
    struct worker *wanted = &all->wanted[i];
    bool is_change = mirror_item_is_written(&all->put.items[i]);
    bool is_moved = strcmp(row->activity_sid, wanted->activity_sid) != 0;
    if (!is_change)
        wanted->attributes = row->attributes; /* the same value, maybe written in another way */
    wanted->activity_name = found->activity_name;
    wanted->available = found->activity_available;
    wanted->user_sid = row->user_sid;
    wanted->version = row->version + (is_change ? 1 : 0);
    wanted->created_at_us = put_date(&all->put, wire->date_created, row->created_at_us);
    wanted->status_changed_at_us =
        put_date(&all->put, wire->date_status_changed, is_moved ? 0 : row->status_changed_at_us);
    wanted->updated_at_us =
        put_date(&all->put, wire->date_updated, is_change ? 0 : row->updated_at_us);
}

/* ---- writing ---- */

/* What happened to one, as one or two events. */
static size_t tell(const struct putting *all, size_t i, struct worker_news *news)
{
    const struct worker *worker = &all->wanted[i];
    const struct worker *row = &all->found[i].row;
    if (all->put.items[i].outcome == MIRROR_CREATED) {
        news[0] = (struct worker_news){worker, {.type = "worker.created"}};
        return 1;
    }
    const struct mirror_diff *diff = &all->put.items[i].diff;
    bool is_moved = strcmp(row->activity_sid, worker->activity_sid) != 0;
    size_t count = 0;
    if (is_moved)
        news[count++] = (struct worker_news){
            worker, {.type = "worker.activity.update", .before = row}
        };
    if (diff->count > (is_moved ? 1 : 0))
        news[count++] = (struct worker_news){worker, {.type = "worker.attributes.update"}};
    return count;
}

static enum err_code write(struct putting *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    struct arena *arena = put->call->arena;
    const struct worker **items = ARENA_ARRAY(arena, const struct worker *, put->count);
    struct worker_news *news = ARENA_ARRAY(arena, struct worker_news, 2 * put->count);
    if (items == NULL || news == NULL)
        return call_no_room(err);
    size_t count = 0;
    size_t news_count = 0;
    for (size_t i = 0; i < put->count; i++) {
        if (put_is_stored(&put->items[i]))
            items[count++] = &all->wanted[i];
        if (mirror_item_is_written(&put->items[i]))
            news_count += tell(all, i, &news[news_count]);
    }
    struct str *renamed = NULL;
    size_t renamed_count = 0;
    enum err_code code = put_renamed(put, &renamed, &renamed_count, err);
    if (code == ERR_OK && renamed_count > 0)
        code = mirror_worker_store_park(conn, put->call, renamed, renamed_count, err);
    if (code == ERR_OK && count > 0)
        code = mirror_worker_store_put(conn, put->call, items, count, put->observed_at_us, err);
    if (code == ERR_OK)
        code = worker_events_append(conn, put->call, news, news_count, err);
    return code;
}

static enum err_code put_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct putting *all = ctx;
    struct put *put = &all->put;
    enum err_code code = put_begin(put, conn, err);
    if (code != ERR_OK)
        return code;
    all->wanted = ARENA_ARRAY(call->arena, struct worker, put->count);
    if (all->wanted == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++)
        read_item(all, i);
    code = look_up(all, conn, err);
    if (code == ERR_OK)
        code = put_settle(put, conn, &kind, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++)
        fill(all, i);
    if (code == ERR_OK && !put->is_dry_run)
        code = write(all, conn, err);
    return code;
}

enum err_code mirror_rpc_put_workers(void *app, struct call *call,
                                     const Taskrouter__Workers__V1__PutWorkersRequest *request,
                                     Taskrouter__Common__V1__MirrorResults **out_reply,
                                     struct err *err)
{
    struct workers *workers = app;
    struct putting all = {.request = request};
    enum err_code code = put_from(&all.put, workers, call, request->workspace_sid, request->n_items,
                                  request->observed_at, request->dry_run, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, put_tx, &all, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return put_reply(&all.put, out_reply, err);
}
