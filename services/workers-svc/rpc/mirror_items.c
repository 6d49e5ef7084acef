#include "mirror_items.h"

#include <string.h>

#include "access.h"
#include "svc/wire.h"
#include "workers.h"

enum err_code put_from(struct put *put, struct workers *workers, struct call *call,
                       const char *workspace_sid, size_t count,
                       const Google__Protobuf__Timestamp *observed_at, bool is_dry_run,
                       struct err *err)
{
    *put = (struct put){
        .workers = workers,
        .call = call,
        .workspace_sid = workspace_sid,
        .is_dry_run = is_dry_run,
        .count = count,
    };
    return mirror_check_request(count, observed_at, &put->observed_at_us, err);
}

enum err_code put_begin(struct put *put, struct db_conn *conn, struct err *err)
{
    enum err_code code =
        put->is_dry_run
            ? access_workspace(conn, put->call, put->workspace_sid, &put->workspace, err)
            : access_workspace_lock(conn, put->call, put->workspace_sid, &put->workspace, err);
    if (code == ERR_OK)
        code = mirror_check_mirrored(put->workspace.sid, put->workspace.provider == PROVIDER_TWILIO,
                                     err);
    return code == ERR_OK ? put_new_items(put, err) : code;
}

enum err_code put_new_items(struct put *put, struct err *err)
{
    put->items = ARENA_ARRAY(put->call->arena, struct mirror_item, put->count);
    if (put->items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        put->items[i] = (struct mirror_item){
            .sid = "",
            .friendly_name = "",
            .account_sid = "",
            .workspace_sid = "",
            .row_workspace_sid = "",
            .name_now = "",
            .name_wanted = "",
            .name_holder = "",
            .detail = "",
        };
        mirror_diff_init(&put->items[i].diff, put->call->arena);
    }
    return ERR_OK;
}

void put_found(struct put *put, struct mirror_item *item, const struct mirror_found *found,
               const char *row_workspace_sid)
{
    bool is_here = found->exists && strcmp(row_workspace_sid, put->workspace.sid) == 0;
    item->row = (struct mirror_row){
        .exists = found->exists,
        .is_vanished = found->is_vanished,
        .observed_at_us = found->observed_at_us,
    };
    item->row_workspace_sid = row_workspace_sid;
    item->name = item->friendly_name;
    item->name_now = is_here && !found->is_vanished ? found->name_key : "";
    item->name_wanted = found->wanted_key;
    item->name_holder = found->holder_sid;
}

enum err_code put_settle(struct put *put, struct db_conn *conn, const struct mirror_kind *kind,
                         struct err *err)
{
    const struct workspace_copy workspace = {
        .sid = put->workspace.sid,
        .account_sid = put->workspace.account_sid,
    };
    enum err_code code = mirror_gone_find(conn, put->call, put->items, put->count, err);
    if (code != ERR_OK)
        return code;
    return mirror_items_settle(put->call, &workspace, kind, put->observed_at_us, put->items,
                               put->count, err);
}

enum err_code put_renamed(const struct put *put, struct str **out_sids, size_t *out_count,
                          struct err *err)
{
    struct str *sids = ARENA_ARRAY(put->call->arena, struct str, put->count);
    if (sids == NULL)
        return call_no_room(err);
    size_t count = 0;
    for (size_t i = 0; i < put->count; i++) {
        const struct mirror_item *item = &put->items[i];
        if (mirror_item_is_written(item) && item->name_now[0] != '\0' &&
            strcmp(item->name_now, item->name_wanted) != 0)
            sids[count++] = str_from(item->sid);
    }
    *out_sids = sids;
    *out_count = count;
    return ERR_OK;
}

bool put_is_stored(const struct mirror_item *item)
{
    return mirror_item_is_written(item) || item->outcome == MIRROR_UNCHANGED;
}

int64_t put_date(const struct put *put, const Google__Protobuf__Timestamp *theirs, int64_t ours_us)
{
    int64_t theirs_us = wire_time_us(theirs);
    if (theirs_us > 0)
        return theirs_us;
    return ours_us > 0 ? ours_us : put->observed_at_us;
}

const char *put_detail(const struct put *put, const struct err *cause)
{
    const char *detail = arena_strdup(put->call->arena, cause->detail);
    return detail == NULL ? "" : detail; /* whoever makes the reply finds the arena exhausted */
}

enum err_code put_reply(const struct put *put, Taskrouter__Common__V1__MirrorResults **out_reply,
                        struct err *err)
{
    *out_reply = mirror_items_results(put->call->arena, put->items, put->count);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}
