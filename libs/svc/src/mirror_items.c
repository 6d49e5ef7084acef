/* The items of a Put: which are written, which are not and why. */
#include <string.h>

#include "base/call.h"
#include "base/parse.h"
#include "mirror_sql.h"
#include "svc/mirror.h"
#include "svc/mirror_names.h"

bool mirror_item_is_written(const struct mirror_item *item)
{
    return item->outcome == MIRROR_CREATED || item->outcome == MIRROR_UPDATED;
}

static void conflict(struct mirror_item *item, const char *detail)
{
    item->outcome = MIRROR_CONFLICTING;
    item->detail = detail; /* NULL when the arena is exhausted, which is looked for at the end */
}

static bool came_before(const struct mirror_item *items, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(items[i].sid, items[index].sid) == 0)
            return true;
    }
    return false;
}

static bool is_another(const char *given, const char *own)
{
    return given[0] != '\0' && strcmp(given, own) != 0;
}

/* Whether it can be that resource of that workspace at all. */
static bool is_identified(struct arena *arena, const struct workspace_copy *workspace,
                          const struct mirror_kind *kind, struct mirror_item *items, size_t index)
{
    struct mirror_item *item = &items[index];
    if (!parse_is_sid(str_from(item->sid), kind->prefix))
        conflict(item, arena_printf(arena, "this is no SID of a %s", kind->noun));
    else if (came_before(items, index))
        conflict(item, "it is twice in this request");
    else if (is_another(item->workspace_sid, workspace->sid))
        conflict(item, arena_printf(arena, "it says that it belongs to workspace %.100s",
                                    item->workspace_sid));
    else if (is_another(item->account_sid, workspace->account_sid))
        conflict(item, arena_printf(arena, "it says that it belongs to account %.100s",
                                    item->account_sid));
    else if (item->row.exists && strcmp(item->row_workspace_sid, workspace->sid) != 0)
        conflict(item, arena_printf(arena, "there is a %s with this SID in workspace %s",
                                    kind->noun, item->row_workspace_sid));
    else
        return true;
    return false;
}

static void judge(struct mirror_item *item, int64_t observed_at_us)
{
    item->outcome = mirror_judge_put(&item->row, observed_at_us, &item->diff);
    item->detail = "";
    if (mirror_item_is_written(item) && item->problem != NULL)
        conflict(item, item->problem);
}

static enum err_code settle_names(struct call *call, const struct mirror_kind *kind,
                                  struct mirror_item *items, size_t count, struct err *err)
{
    struct mirror_name *names = ARENA_ARRAY(call->arena, struct mirror_name, count);
    size_t *places = ARENA_ARRAY(call->arena, size_t, count);
    size_t named = 0;
    if (names == NULL || places == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        const struct mirror_item *item = &items[i];
        bool is_known = mirror_item_is_written(item) || item->name_now[0] != '\0';
        if (item->name == NULL || !is_known || came_before(items, i))
            continue;
        places[named] = i;
        names[named++] = (struct mirror_name){
            .sid = item->sid,
            .now = item->name_now,
            .wanted = item->name_wanted,
            .holder = item->name_holder,
            .is_kept = !mirror_item_is_written(item),
        };
    }
    mirror_names_resolve(names, named);
    for (size_t i = 0; i < named; i++) {
        struct mirror_item *item = &items[places[i]];
        if (names[i].taken_by != NULL)
            conflict(item, arena_printf(call->arena, "the name \"%.200s\" is that of %s %s",
                                        item->name, kind->noun, names[i].taken_by));
    }
    return ERR_OK;
}

enum err_code mirror_items_settle(struct call *call, const struct workspace_copy *workspace,
                                  const struct mirror_kind *kind, int64_t observed_at_us,
                                  struct mirror_item *items, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (is_identified(call->arena, workspace, kind, items, i))
            judge(&items[i], observed_at_us);
    }
    enum err_code code = settle_names(call, kind, items, count, err);
    if (code == ERR_OK && arena_is_exhausted(call->arena))
        return call_no_room(err);
    return code;
}

Taskrouter__Common__V1__MirrorResults *
mirror_items_results(struct arena *arena, const struct mirror_item *items, size_t count)
{
    Taskrouter__Common__V1__MirrorResult **results =
        ARENA_ARRAY(arena, Taskrouter__Common__V1__MirrorResult *, count);
    if (results == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const struct mirror_item *item = &items[i];
        bool has_fields = item->outcome == MIRROR_UPDATED || item->outcome == MIRROR_CONFLICTING;
        results[i] = mirror_result(arena, item->sid, item->friendly_name, item->outcome,
                                   has_fields ? &item->diff : NULL, item->detail);
    }
    return mirror_results(arena, results, count);
}

/* ---- what vanished before it came ---- */

enum gone_column { GONE_SID, GONE_WORKSPACE_SID, GONE_OBSERVED_AT };

enum err_code mirror_gone_find(struct db_conn *conn, struct call *call, struct mirror_item *items,
                               size_t count, struct err *err)
{
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    struct db_result *result = NULL;
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        sids[i] = str_from(items[i].sid);
    enum err_code code =
        db_query(conn, call, &mirror_gone_get, DB_PARAMS(db_texts(sids, count)), &result, err);
    if (code != ERR_OK)
        return code;
    for (int row = 0; row < db_row_count(result); row++) {
        for (size_t i = 0; i < count; i++) {
            if (items[i].row.exists || !str_eq(sids[i], db_get_str(result, row, GONE_SID)))
                continue;
            items[i].row_workspace_sid = db_get_text(result, row, GONE_WORKSPACE_SID);
            items[i].row = (struct mirror_row){
                .exists = true,
                .is_vanished = true,
                .observed_at_us = db_get_time_us(result, row, GONE_OBSERVED_AT),
            };
        }
    }
    return ERR_OK;
}

enum err_code mirror_gone_note(struct db_conn *conn, struct call *call, const char *workspace_sid,
                               const struct str *sids, size_t count, int64_t observed_at_us,
                               struct err *err)
{
    if (count == 0)
        return ERR_OK;
    return db_query(
        conn, call, &mirror_gone_put,
        DB_PARAMS(db_texts(sids, count), db_cstr(workspace_sid), db_time_us(observed_at_us)), NULL,
        err);
}

enum err_code mirror_gone_delete_all(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, struct err *err)
{
    return db_query(conn, call, &mirror_gone_delete, DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
}
