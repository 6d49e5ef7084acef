/* PutActivities. */
#include "activity.h"
#include "mirror_items.h"
#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "worker_events.h"
#include "workers.h"

struct activities {
    const Taskrouter__Workers__V1__PutActivitiesRequest *request;
    struct put put;
    struct activity *wanted; /* as the request has them; with version and dates once judged */
    struct activity *rows;   /* as they are stored */
};

/* ---- judging ---- */

static const struct mirror_kind kind = {.prefix = "WA", .noun = "activity"};

static void read_item(struct activities *all, size_t i)
{
    const Taskrouter__Workers__V1__Activity *wire = all->request->items[i];
    struct mirror_item *item = &all->put.items[i];
    struct err cause = {.code = ERR_OK};
    item->sid = wire->sid;
    item->friendly_name = wire->friendly_name;
    item->account_sid = wire->account_sid;
    item->workspace_sid = wire->workspace_sid;
    all->wanted[i] = (struct activity){
        .sid = wire->sid,
        .account_sid = all->put.workspace.account_sid,
        .workspace_sid = all->put.workspace.sid,
        .friendly_name = wire->friendly_name,
        .available = wire->available,
    };
    if (activity_check(&all->wanted[i], &cause) != ERR_OK)
        item->problem = put_detail(&all->put, &cause);
}

static enum err_code look_up(struct activities *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    struct str *sids = ARENA_ARRAY(put->call->arena, struct str, put->count);
    struct str *names = ARENA_ARRAY(put->call->arena, struct str, put->count);
    if (sids == NULL || names == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        sids[i] = str_from(all->wanted[i].sid);
        names[i] = str_from(all->wanted[i].friendly_name);
    }
    struct mirror_found *found = NULL;
    enum err_code code = mirror_activity_store_find(conn, put->call, put->workspace.sid, sids,
                                                    names, put->count, &all->rows, &found, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        struct mirror_item *item = &put->items[i];
        const struct activity *row = &all->rows[i];
        put_found(put, item, &found[i], row->workspace_sid);
        mirror_diff_text(&item->diff, "friendly_name", row->friendly_name, item->friendly_name);
        mirror_diff_bool(&item->diff, "available", row->available, all->wanted[i].available);
    }
    return code;
}

static void fill(struct activities *all, size_t i)
{
    const Taskrouter__Workers__V1__Activity *wire = all->request->items[i];
    const struct activity *row = &all->rows[i];
    struct activity *wanted = &all->wanted[i];
    bool is_change = mirror_item_is_written(&all->put.items[i]);
    wanted->version = row->version + (is_change ? 1 : 0);
    wanted->created_at_us = put_date(&all->put, wire->date_created, row->created_at_us);
    wanted->updated_at_us =
        put_date(&all->put, wire->date_updated, is_change ? 0 : row->updated_at_us);
}

/* ---- writing ---- */

static enum err_code write(struct activities *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    struct arena *arena = put->call->arena;
    const struct activity **items = ARENA_ARRAY(arena, const struct activity *, put->count);
    struct activity_news *news = ARENA_ARRAY(arena, struct activity_news, put->count);
    if (items == NULL || news == NULL)
        return call_no_room(err);
    size_t count = 0;
    size_t news_count = 0;
    for (size_t i = 0; i < put->count; i++) {
        bool is_new = put->items[i].outcome == MIRROR_CREATED;
        if (put_is_stored(&put->items[i]))
            items[count++] = &all->wanted[i];
        if (mirror_item_is_written(&put->items[i]))
            news[news_count++] = (struct activity_news){
                .activity = &all->wanted[i],
                .type = is_new ? "activity.created" : "activity.updated",
            };
    }
    struct str *renamed = NULL;
    size_t renamed_count = 0;
    enum err_code code = put_renamed(put, &renamed, &renamed_count, err);
    if (code == ERR_OK && renamed_count > 0)
        code = mirror_activity_store_park(conn, put->call, renamed, renamed_count, err);
    if (code == ERR_OK && count > 0)
        code = mirror_activity_store_put(conn, put->call, items, count, put->observed_at_us, err);
    if (code == ERR_OK)
        code = activity_events_append(conn, put->call, news, news_count, err);
    return code;
}

static enum err_code put_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct activities *all = ctx;
    struct put *put = &all->put;
    enum err_code code = put_begin(put, conn, err);
    if (code != ERR_OK)
        return code;
    all->wanted = ARENA_ARRAY(call->arena, struct activity, put->count);
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

enum err_code
mirror_rpc_put_activities(void *app, struct call *call,
                          const Taskrouter__Workers__V1__PutActivitiesRequest *request,
                          Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct activities all = {.request = request};
    enum err_code code = put_from(&all.put, workers, call, request->workspace_sid, request->n_items,
                                  request->observed_at, request->dry_run, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, put_tx, &all, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return put_reply(&all.put, out_reply, err);
}
