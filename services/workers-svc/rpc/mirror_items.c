#include "mirror_items.h"

#include <string.h>

#include "access.h"
#include "base/parse.h"
#include "svc/check.h"
#include "svc/mirror_names.h"
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
    put->items = ARENA_ARRAY(put->call->arena, struct put_item, put->count);
    if (put->items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        put->items[i] = (struct put_item){.sid = "", .name = "", .detail = ""};
        mirror_diff_init(&put->items[i].diff, put->call->arena);
    }
    return ERR_OK;
}

void put_refuse(struct put *put, struct put_item *item, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *detail = arena_vprintf(put->call->arena, format, args);
    va_end(args);
    item->outcome = MIRROR_CONFLICTING;
    item->detail = detail == NULL ? "" : detail; /* the reply finds the arena exhausted */
}

void put_check_ids(struct put *put, size_t index, const char *prefix, const char *account_sid,
                   const char *workspace_sid)
{
    struct put_item *item = &put->items[index];
    if (!parse_is_sid(str_from(item->sid), prefix)) {
        put_refuse(put, item, "its SID must be %s followed by 32 hexadecimal digits", prefix);
        return;
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(put->items[i].sid, item->sid) == 0) {
            put_refuse(put, item, "%s is twice in this request", item->sid);
            return;
        }
    }
    if (account_sid[0] != '\0' && strcmp(account_sid, put->workspace.account_sid) != 0)
        put_refuse(put, item, "it belongs to account %s, its workspace to %s", account_sid,
                   put->workspace.account_sid);
    else if (workspace_sid[0] != '\0' && strcmp(workspace_sid, put->workspace.sid) != 0)
        put_refuse(put, item, "it belongs to workspace %s, not to %s", workspace_sid,
                   put->workspace.sid);
}

void put_judge(struct put *put, struct put_item *item, const char *row_workspace_sid)
{
    const struct mirror_found *found = item->found;
    if (found->exists && strcmp(row_workspace_sid, put->workspace.sid) != 0) {
        put_refuse(put, item, "it belongs to workspace %s here, not to %s", row_workspace_sid,
                   put->workspace.sid);
        return;
    }
    struct mirror_row row = {
        .exists = found->exists,
        .is_vanished = found->is_vanished,
        .observed_at_us = found->observed_at_us,
    };
    bool came_too_late = !found->exists && put->observed_at_us < found->observed_at_us;
    item->outcome =
        came_too_late ? MIRROR_STALE : mirror_judge_put(&row, put->observed_at_us, &item->diff);
}

/* ---- names ---- */

/* The items that were looked up, as names. */
static size_t fill_names(const struct put *put, struct mirror_name *names, struct put_item **items)
{
    size_t count = 0;
    for (size_t i = 0; i < put->count; i++) {
        struct put_item *item = &put->items[i];
        if (item->found == NULL)
            continue;
        bool is_live = item->found->exists && !item->found->is_vanished;
        items[count] = item;
        names[count++] = (struct mirror_name){
            .sid = item->sid,
            .now = is_live ? item->found->name_key : "",
            .wanted = item->found->wanted_key,
            .holder = item->found->holder_sid,
            .is_kept = !put_is_change(item),
        };
    }
    return count;
}

enum err_code put_resolve_names(struct put *put, struct str **out_parked, size_t *out_parked_count,
                                struct err *err)
{
    struct arena *arena = put->call->arena;
    struct mirror_name *names = ARENA_ARRAY(arena, struct mirror_name, put->count);
    struct put_item **items = ARENA_ARRAY(arena, struct put_item *, put->count);
    struct str *parked = ARENA_ARRAY(arena, struct str, put->count);
    if (names == NULL || items == NULL || parked == NULL)
        return call_no_room(err);
    size_t count = fill_names(put, names, items);
    mirror_names_resolve(names, count);
    size_t parked_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_renamed = strcmp(names[i].now, names[i].wanted) != 0;
        if (names[i].taken_by != NULL)
            put_refuse(put, items[i], "the name \"%s\" is that of %s", items[i]->name,
                       names[i].taken_by);
        else if (put_is_change(items[i]) && is_renamed && names[i].now[0] != '\0')
            parked[parked_count++] = str_from(items[i]->sid);
    }
    *out_parked = parked;
    *out_parked_count = parked_count;
    return ERR_OK;
}

/* ---- reply ---- */

int64_t put_date(const struct put *put, const Google__Protobuf__Timestamp *theirs, int64_t ours_us)
{
    int64_t theirs_us = wire_time_us(theirs);
    if (theirs_us > 0)
        return theirs_us;
    return ours_us > 0 ? ours_us : put->observed_at_us;
}

enum err_code put_reply(const struct put *put, Taskrouter__Common__V1__MirrorResults **out_reply,
                        struct err *err)
{
    struct arena *arena = put->call->arena;
    Taskrouter__Common__V1__MirrorResult **items =
        ARENA_ARRAY(arena, Taskrouter__Common__V1__MirrorResult *, put->count);
    for (size_t i = 0; i < put->count && items != NULL; i++) {
        const struct put_item *item = &put->items[i];
        bool shows_diff = item->outcome == MIRROR_UPDATED || item->outcome == MIRROR_CONFLICTING;
        items[i] = mirror_result(arena, item->sid, item->name, item->outcome,
                                 shows_diff ? &item->diff : NULL, item->detail);
    }
    *out_reply = items == NULL ? NULL : mirror_results(arena, items, put->count);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}
