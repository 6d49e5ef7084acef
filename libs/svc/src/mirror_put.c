#include "svc/mirror_put.h"

#include <string.h>

#include "base/call.h"
#include "base/parse.h"
#include "db/db.h"
#include "outbox/outbox.h"
#include "svc/host.h"

void mirror_put_item(struct mirror_put *put, struct call *call, size_t index,
                     const struct mirror_said *said)
{
    struct mirror_item *item = &put->items[index];
    *item = (struct mirror_item){
        .sid = said->sid,
        .friendly_name = said->friendly_name,
        .account_sid = said->account_sid,
        .workspace_sid = said->workspace_sid,
        .problem = said->problem,
        .name = said->name,
        .name_now = "",
    };
    mirror_diff_init(&item->diff, call->arena);
}

/* ---- what we have under these SIDs and names ---- */

static void match(struct mirror_put *put, const struct mirror_stored *stored)
{
    bool is_here = strcmp(stored->workspace_sid, put->workspace->sid) == 0;
    for (size_t i = 0; i < put->count; i++) {
        struct mirror_item *item = &put->items[i];
        if (strcmp(item->sid, stored->sid) != 0)
            continue;
        item->row = (struct mirror_row){true, stored->is_vanished, stored->observed_at_us};
        item->row_workspace_sid = stored->workspace_sid;
        if (!is_here)
            continue;
        item->name_now = stored->name_key;
        put->keeper->meet(put, i, stored->row);
    }
}

static enum err_code look_up(struct mirror_put *put, struct db_conn *conn, struct call *call,
                             struct err *err)
{
    const struct mirror_keeper *keeper = put->keeper;
    struct str *texts = ARENA_ARRAY(call->arena, struct str, put->count);
    struct mirror_stored *stored = NULL;
    const char **keys = NULL;
    const char **holders = NULL;
    size_t count = 0;
    if (texts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++)
        texts[i] = str_from(put->items[i].sid);
    enum err_code code = keeper->find(conn, call, texts, put->count, &stored, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        match(put, &stored[i]);
    if (code == ERR_OK)
        code = mirror_gone_find(conn, call, put->items, put->count, err);
    for (size_t i = 0; i < put->count; i++)
        texts[i] = str_from(put->items[i].name);
    if (code == ERR_OK)
        code =
            keeper->names(conn, call, put->workspace->sid, texts, put->count, &keys, &holders, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        put->items[i].name_wanted = keys != NULL ? keys[i] : put->items[i].name;
        put->items[i].name_holder = holders[i];
    }
    return code;
}

/* ---- writing ---- */

/* Names are taken away first: some may be swapped. */
static enum err_code park(const struct mirror_put *put, struct db_conn *conn, struct call *call,
                          struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, put->count);
    size_t count = 0;
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        const struct mirror_item *item = &put->items[i];
        if (mirror_item_is_written(item) && item->name_now[0] != '\0' &&
            strcmp(item->name_now, item->name_wanted) != 0)
            sids[count++] = str_from(item->sid);
    }
    return count == 0 ? ERR_OK : put->keeper->park(conn, call, sids, count, err);
}

static enum err_code write_all(struct mirror_put *put, struct db_conn *conn, struct call *call,
                               struct err *err)
{
    size_t *same = ARENA_ARRAY(call->arena, size_t, put->count);
    size_t same_count = 0;
    if (same == NULL)
        return call_no_room(err);
    enum err_code code = park(put, conn, call, err);
    for (size_t i = 0; i < put->count && code == ERR_OK; i++) {
        if (mirror_item_is_written(&put->items[i]))
            code = put->keeper->write(put, conn, call, i, err);
        else if (put->items[i].outcome == MIRROR_UNCHANGED)
            same[same_count++] = i;
    }
    return code == ERR_OK && same_count > 0
               ? put->keeper->observe(put, conn, call, same, same_count, err)
               : code;
}

static enum err_code put_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct mirror_put *put = ctx;
    put->items = ARENA_ARRAY(call->arena, struct mirror_item, put->count);
    if (put->items == NULL)
        return call_no_room(err);
    enum err_code code = workspaces_lock(conn, call, put->workspace->sid, err);
    if (code == ERR_OK)
        code = put->keeper->take_in(put, call, err);
    if (code == ERR_OK)
        code = look_up(put, conn, call, err);
    if (code == ERR_OK)
        code = mirror_items_settle(call, put->workspace, &put->keeper->kind, put->observed_at_us,
                                   put->items, put->count, err);
    if (code == ERR_OK && !put->is_dry_run)
        code = write_all(put, conn, call, err);
    if (code != ERR_OK)
        return code;
    put->reply = mirror_items_results(call->arena, put->items, put->count);
    return put->reply == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code mirror_put_run(struct host *host, const struct workspaces *workspaces,
                             struct call *call, struct mirror_put *put,
                             Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err)
{
    struct workspace_copy workspace;
    put->workspace = &workspace;
    enum err_code code =
        mirror_require_mirrored(workspaces, call, put->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = mirror_check_request(put->count, put->observed_at, &put->observed_at_us, err);
    if (code == ERR_OK)
        code = db_tx_run(host->pool, call, put_tx, put, err);
    put->workspace = NULL;
    if (code != ERR_OK)
        return code;
    outbox_wake(host->outbox);
    *out_reply = put->reply;
    return ERR_OK;
}

/* ---- vanishing ---- */

/* One SID of a Vanish. */
struct gone {
    mirror_outcome outcome;
    const char *friendly_name;
    const char *detail;
};

static const struct mirror_keeper *keeper_of(const struct mirror_vanish *vanish, const char *sid)
{
    for (size_t i = 0; i < vanish->keeper_count; i++) {
        if (parse_is_sid(str_from(sid), vanish->keepers[i]->kind.prefix))
            return vanish->keepers[i];
    }
    return NULL;
}

static const char *not_a_sid(const struct mirror_vanish *vanish, struct arena *arena)
{
    const char *text = "this is no SID of a";
    for (size_t i = 0; i < vanish->keeper_count && text != NULL; i++)
        text = arena_printf(arena, "%s%s %s", text, i == 0 ? "" : " or",
                            vanish->keepers[i]->kind.noun);
    return text == NULL ? "" : text;
}

/* No tombstone can be made of what we never had: the SID is remembered. */
static enum err_code judge(const struct mirror_vanish *vanish, struct db_conn *conn,
                           struct call *call, const char *sid, const struct mirror_row *row,
                           struct gone *gone, struct err *err)
{
    gone->outcome = mirror_judge_vanish(row, vanish->observed_at_us);
    if (row->exists || vanish->is_dry_run)
        return ERR_OK;
    struct str text = str_from(sid);
    return mirror_gone_note(conn, call, vanish->workspace->sid, &text, 1, vanish->observed_at_us,
                            err);
}

static enum err_code vanish_one(const struct mirror_vanish *vanish, struct db_conn *conn,
                                struct call *call, const char *sid, struct gone *gone,
                                struct err *err)
{
    const struct mirror_keeper *keeper = keeper_of(vanish, sid);
    struct str text = str_from(sid);
    struct mirror_stored *stored = NULL;
    size_t count = 0;
    *gone = (struct gone){.outcome = MIRROR_UNKNOWN, .friendly_name = "", .detail = ""};
    if (keeper == NULL) {
        gone->outcome = MIRROR_CONFLICTING;
        gone->detail = not_a_sid(vanish, call->arena);
        return ERR_OK;
    }
    enum err_code code = keeper->find(conn, call, &text, 1, &stored, &count, err);
    if (code != ERR_OK)
        return code;
    bool is_ours = count > 0 && strcmp(stored[0].workspace_sid, vanish->workspace->sid) == 0;
    if (count > 0 && !is_ours)
        return ERR_OK; /* unknown here */
    struct mirror_row row = {.exists = false};
    if (is_ours) {
        row = (struct mirror_row){true, stored[0].is_vanished, stored[0].observed_at_us};
        gone->friendly_name = stored[0].friendly_name;
    }
    code = judge(vanish, conn, call, sid, &row, gone, err);
    bool is_written = code == ERR_OK && gone->outcome == MIRROR_VANISHED && !vanish->is_dry_run;
    return is_written ? keeper->vanish(conn, call, stored[0].row, vanish->observed_at_us, err)
                      : code;
}

static enum err_code vanish_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct mirror_vanish *vanish = ctx;
    Taskrouter__Common__V1__MirrorResult **results =
        ARENA_ARRAY(call->arena, Taskrouter__Common__V1__MirrorResult *, vanish->count);
    if (results == NULL)
        return call_no_room(err);
    enum err_code code = workspaces_lock(conn, call, vanish->workspace->sid, err);
    for (size_t i = 0; i < vanish->count && code == ERR_OK; i++) {
        const char *sid = vanish->sids[i];
        struct gone gone;
        code = vanish_one(vanish, conn, call, sid, &gone, err);
        if (code == ERR_OK)
            results[i] = mirror_result(call->arena, sid, gone.friendly_name, gone.outcome, NULL,
                                       gone.detail);
    }
    if (code != ERR_OK)
        return code;
    vanish->reply = mirror_results(call->arena, results, vanish->count);
    return vanish->reply == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code mirror_vanish_run(struct host *host, const struct workspaces *workspaces,
                                struct call *call, struct mirror_vanish *vanish,
                                Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err)
{
    struct workspace_copy workspace;
    vanish->workspace = &workspace;
    enum err_code code =
        mirror_require_mirrored(workspaces, call, vanish->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code =
            mirror_check_request(vanish->count, vanish->observed_at, &vanish->observed_at_us, err);
    if (code == ERR_OK)
        code = db_tx_run(host->pool, call, vanish_tx, vanish, err);
    vanish->workspace = NULL;
    if (code != ERR_OK)
        return code;
    outbox_wake(host->outbox);
    *out_reply = vanish->reply;
    return ERR_OK;
}
