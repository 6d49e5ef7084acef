/* PutActivities. */
#include <string.h>

#include "activity.h"
#include "mirror_items.h"
#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "svc/wire.h"
#include "worker_events.h"
#include "workers.h"

struct activities {
    const Taskrouter__Workers__V1__PutActivitiesRequest *request;
    struct put put;
    struct activity *wanted; /* as the request has them; with version and dates once judged */
    struct activity *rows;   /* as they are stored */
    struct str *parked;
    size_t parked_count;
};

/* ---- judging ---- */

static void check(struct activities *all, size_t i)
{
    const Taskrouter__Workers__V1__Activity *wire = all->request->items[i];
    struct put_item *item = &all->put.items[i];
    item->sid = wire->sid;
    item->name = wire->friendly_name;
    all->wanted[i] = (struct activity){
        .sid = wire->sid,
        .account_sid = all->put.workspace.account_sid,
        .workspace_sid = all->put.workspace.sid,
        .friendly_name = wire->friendly_name,
        .available = wire->available,
    };
    struct err cause = {.code = ERR_OK};
    put_check_ids(&all->put, i, "WA", wire->account_sid, wire->workspace_sid);
    if (put_is_open(item) && activity_check(&all->wanted[i], &cause) != ERR_OK)
        put_refuse(&all->put, item, "%s", cause.detail);
}

static enum err_code look_up(struct activities *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    struct str *sids = ARENA_ARRAY(put->call->arena, struct str, put->count);
    struct str *names = ARENA_ARRAY(put->call->arena, struct str, put->count);
    all->rows = ARENA_ARRAY(put->call->arena, struct activity, put->count);
    if (sids == NULL || names == NULL || all->rows == NULL)
        return call_no_room(err);
    size_t count = 0;
    for (size_t i = 0; i < put->count; i++) {
        if (!put_is_open(&put->items[i]))
            continue;
        sids[count] = str_from(all->wanted[i].sid);
        names[count++] = str_from(all->wanted[i].friendly_name);
    }
    struct activity *rows = NULL;
    struct mirror_found *found = NULL;
    enum err_code code = mirror_activity_store_find(conn, put->call, put->workspace.sid, sids,
                                                    names, count, &rows, &found, err);
    size_t next = 0;
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        if (!put_is_open(&put->items[i]))
            continue;
        all->rows[i] = rows[next];
        put->items[i].found = &found[next++];
    }
    return code;
}

static void judge(struct activities *all, size_t i)
{
    const Taskrouter__Workers__V1__Activity *wire = all->request->items[i];
    struct put_item *item = &all->put.items[i];
    struct activity *wanted = &all->wanted[i];
    const struct activity *row = &all->rows[i];
    if (item->found == NULL)
        return;
    mirror_diff_text(&item->diff, "friendly_name", row->friendly_name, wanted->friendly_name);
    mirror_diff_bool(&item->diff, "available", row->available, wanted->available);
    put_judge(&all->put, item, row->workspace_sid);
    wanted->version = row->version + (put_is_change(item) ? 1 : 0);
    wanted->created_at_us = put_date(&all->put, wire->date_created, row->created_at_us);
    wanted->updated_at_us =
        put_date(&all->put, wire->date_updated, put_is_change(item) ? 0 : row->updated_at_us);
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
        mirror_outcome outcome = put->items[i].outcome;
        if (put_is_change(&put->items[i]) || outcome == MIRROR_UNCHANGED)
            items[count++] = &all->wanted[i];
        if (put_is_change(&put->items[i]))
            news[news_count++] = (struct activity_news){
                .activity = &all->wanted[i],
                .type = outcome == MIRROR_CREATED ? "activity.created" : "activity.updated",
            };
    }
    enum err_code code = ERR_OK;
    if (all->parked_count > 0)
        code = mirror_activity_store_park(conn, put->call, all->parked, all->parked_count, err);
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
        check(all, i);
    code = look_up(all, conn, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++)
        judge(all, i);
    if (code == ERR_OK)
        code = put_resolve_names(put, &all->parked, &all->parked_count, err);
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
