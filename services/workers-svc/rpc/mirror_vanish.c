/* Vanish: activities, workers, or the workspace itself. */
#include <string.h>

#include "base/parse.h"
#include "mirror_items.h"
#include "mirror_rpc.h"
#include "outbox/outbox.h"
#include "worker_events.h"
#include "workers.h"

struct vanishing {
    const Taskrouter__Workers__V1__VanishRequest *request;
    struct put put;
};

static bool is_open(const struct mirror_item *item)
{
    return item->outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UNSPECIFIED;
}

static void refuse(struct mirror_item *item, const char *detail)
{
    item->outcome = MIRROR_CONFLICTING;
    item->detail = detail;
}

/* The items of one kind, and what is done with them. */
struct kind {
    const char *prefix;
    size_t *index; /* among the items */
    struct str *sids;
    size_t count;
    struct str *gone; /* SIDs that vanish, or whose observation becomes a later one */
    size_t gone_count;
    struct str *unknown; /* never here */
    size_t unknown_count;
};

static enum err_code collect(const struct vanishing *all, const char *prefix, struct kind *out,
                             struct err *err)
{
    const struct put *put = &all->put;
    struct arena *arena = put->call->arena;
    *out = (struct kind){
        .prefix = prefix,
        .index = ARENA_ARRAY(arena, size_t, put->count),
        .sids = ARENA_ARRAY(arena, struct str, put->count),
        .gone = ARENA_ARRAY(arena, struct str, put->count),
        .unknown = ARENA_ARRAY(arena, struct str, put->count),
    };
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        if (!is_open(&put->items[i]) || strncmp(put->items[i].sid, prefix, 2) != 0)
            continue;
        out->index[out->count] = i;
        out->sids[out->count++] = str_from(put->items[i].sid);
    }
    return ERR_OK;
}

/* name, row_workspace_sid: of the row, when there is one. True: it becomes a tombstone. */
static bool judge(struct vanishing *all, struct kind *kind, size_t n,
                  const struct mirror_found *found, const char *name, const char *row_workspace_sid)
{
    struct put *put = &all->put;
    struct mirror_item *item = &put->items[kind->index[n]];
    bool is_here = found->exists && strcmp(row_workspace_sid, put->workspace.sid) == 0;
    struct mirror_row row = {
        .exists = is_here,
        .is_vanished = found->is_vanished,
        .observed_at_us = found->observed_at_us,
    };
    if (is_here)
        item->friendly_name = name;
    item->outcome = mirror_judge_vanish(&row, put->observed_at_us);
    bool is_later = put->observed_at_us > found->observed_at_us;
    if (item->outcome == MIRROR_VANISHED || (is_here && found->is_vanished && is_later))
        kind->gone[kind->gone_count++] = kind->sids[n];
    else if (!found->exists && is_later)
        kind->unknown[kind->unknown_count++] = kind->sids[n];
    return item->outcome == MIRROR_VANISHED;
}

static enum err_code remember(const struct vanishing *all, struct db_conn *conn,
                              const struct kind *kind, struct err *err)
{
    const struct put *put = &all->put;
    return mirror_gone_note(conn, put->call, put->workspace.sid, kind->unknown, kind->unknown_count,
                            put->observed_at_us, err);
}

/* ---- workers ---- */

static enum err_code find_workers(struct vanishing *all, struct db_conn *conn,
                                  const struct kind *kind, struct mirror_worker_found **out,
                                  struct err *err)
{
    struct call *call = all->put.call;
    struct worker *asked = ARENA_ARRAY(call->arena, struct worker, kind->count);
    const struct worker **wanted = ARENA_ARRAY(call->arena, const struct worker *, kind->count);
    if (asked == NULL || wanted == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < kind->count; i++) {
        asked[i] = (struct worker){
            .sid = kind->sids[i].ptr, .friendly_name = "", .attributes = "{}", .activity_sid = ""};
        wanted[i] = &asked[i];
    }
    return mirror_worker_store_find(conn, call, all->put.workspace.sid, wanted, kind->count, out,
                                    err);
}

static enum err_code vanish_workers(struct vanishing *all, struct db_conn *conn, struct err *err)
{
    const struct put *put = &all->put;
    struct kind kind;
    struct mirror_worker_found *found = NULL;
    enum err_code code = collect(all, "WK", &kind, err);
    if (code != ERR_OK || kind.count == 0)
        return code;
    code = find_workers(all, conn, &kind, &found, err);
    if (code != ERR_OK || found == NULL)
        return code;
    struct worker_news *news = ARENA_ARRAY(put->call->arena, struct worker_news, kind.count);
    if (code == ERR_OK && news == NULL)
        return call_no_room(err);
    size_t news_count = 0;
    for (size_t i = 0; i < kind.count && code == ERR_OK; i++) {
        struct worker *row = &found[i].row;
        if (!judge(all, &kind, i, &found[i].base, row->friendly_name, row->workspace_sid))
            continue;
        row->version++; /* newer than every event before */
        news[news_count++] = (struct worker_news){
            row, {.type = "worker.deleted", .is_deleted = true}
        };
    }
    if (code != ERR_OK || put->is_dry_run)
        return code;
    if (kind.gone_count > 0)
        code = mirror_worker_store_vanish(conn, put->call, kind.gone, kind.gone_count,
                                          put->observed_at_us, err);
    if (code == ERR_OK)
        code = remember(all, conn, &kind, err);
    return code == ERR_OK ? worker_events_append(conn, put->call, news, news_count, err) : code;
}

/* ---- activities ---- */

static enum err_code vanish_activities(struct vanishing *all, struct db_conn *conn, struct err *err)
{
    const struct put *put = &all->put;
    struct kind kind;
    struct activity *rows = NULL;
    struct mirror_found *found = NULL;
    enum err_code code = collect(all, "WA", &kind, err);
    if (code != ERR_OK || kind.count == 0)
        return code;
    struct str *names = ARENA_ARRAY(put->call->arena, struct str, kind.count); /* empty ones */
    struct activity_news *news = ARENA_ARRAY(put->call->arena, struct activity_news, kind.count);
    if (names == NULL || news == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < kind.count; i++)
        names[i] = STR("");
    code = mirror_activity_store_find(conn, put->call, put->workspace.sid, kind.sids, names,
                                      kind.count, &rows, &found, err);
    size_t news_count = 0;
    for (size_t i = 0; i < kind.count && code == ERR_OK; i++) {
        if (!judge(all, &kind, i, &found[i], rows[i].friendly_name, rows[i].workspace_sid))
            continue;
        rows[i].version++; /* newer than every event before */
        news[news_count++] = (struct activity_news){
            .activity = &rows[i], .type = "activity.deleted", .is_deleted = true};
    }
    if (code != ERR_OK || put->is_dry_run)
        return code;
    if (kind.gone_count > 0)
        code = mirror_activity_store_vanish(conn, put->call, kind.gone, kind.gone_count,
                                            put->observed_at_us, err);
    if (code == ERR_OK)
        code = remember(all, conn, &kind, err);
    return code == ERR_OK ? activity_events_append(conn, put->call, news, news_count, err) : code;
}

/* ---- the workspace ---- */

/* Its event stands for those of all that is in it, as with one that is deleted. */
static enum err_code vanish_workspace(struct vanishing *all, struct db_conn *conn, struct err *err)
{
    struct put *put = &all->put;
    struct kind kind;
    enum err_code code = collect(all, "WS", &kind, err);
    bool does_vanish = false;
    for (size_t i = 0; i < kind.count && code == ERR_OK; i++) {
        bool is_this = strcmp(kind.sids[i].ptr, put->workspace.sid) == 0;
        struct workspace row;
        struct mirror_found found = {.exists = false};
        if (is_this)
            code = mirror_workspace_store_find(conn, put->call, &put->workspace, &row, &found, err);
        if (code == ERR_OK &&
            judge(all, &kind, i, &found, put->workspace.friendly_name, put->workspace.sid))
            does_vanish = true;
    }
    if (code != ERR_OK || put->is_dry_run || !does_vanish)
        return code;
    put->workspace.version++; /* newer than every event before */
    code =
        mirror_workspace_store_vanish(conn, put->call, &put->workspace, put->observed_at_us, err);
    if (code != ERR_OK)
        return code;
    return workspace_event_append(conn, put->call, "workspace.deleted", &put->workspace, true, err);
}

/* ---- the request ---- */

static void check(struct vanishing *all, size_t i)
{
    struct mirror_item *item = &all->put.items[i];
    item->sid = all->request->sids[i];
    struct str sid = str_from(item->sid);
    if (!parse_is_sid(sid, "WA") && !parse_is_sid(sid, "WK") && !parse_is_sid(sid, "WS"))
        refuse(item, "this is no SID of an activity, a worker or a workspace");
    for (size_t j = 0; j < i && is_open(item); j++) {
        if (strcmp(all->put.items[j].sid, item->sid) == 0)
            refuse(item, "it is twice in this request");
    }
}

static enum err_code vanish_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    (void)call;
    struct vanishing *all = ctx;
    enum err_code code = put_begin(&all->put, conn, err);
    for (size_t i = 0; i < all->put.count && code == ERR_OK; i++)
        check(all, i);
    if (code == ERR_OK)
        code = vanish_workers(all, conn, err);
    if (code == ERR_OK)
        code = vanish_activities(all, conn, err);
    if (code == ERR_OK)
        code = vanish_workspace(all, conn, err);
    return code;
}

enum err_code mirror_rpc_vanish(void *app, struct call *call,
                                const Taskrouter__Workers__V1__VanishRequest *request,
                                Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err)
{
    struct workers *workers = app;
    struct vanishing all = {.request = request};
    enum err_code code = put_from(&all.put, workers, call, request->workspace_sid, request->n_sids,
                                  request->observed_at, request->dry_run, err);
    if (code == ERR_OK)
        code = db_tx_run(workers->host.pool, call, vanish_tx, &all, err);
    if (code != ERR_OK)
        return code;
    outbox_wake(workers->host.outbox);
    return put_reply(&all.put, out_reply, err);
}
