#include "snapshot.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "keyword_store.h"
#include "queue_copy_store.h"
#include "rules/rules.h"
#include "schedule_events.h"
#include "schedule_store.h"

enum {
    ARENA_BYTES = 256 << 20,
    SCHEDULES_MAX = 1000, /* of a workspace; more do not count */
};

static enum err_code load_rules(struct snapshot *snapshot, struct db_conn *conn, struct call *call,
                                struct err *err)
{
    struct rule *rules = NULL;
    struct rule_place first = rule_place_first();
    enum err_code code = rule_store_list(
        conn, call, snapshot->workspace_sid, &first, RULE_MAX_RULES,
        &(struct rule_filter){.label = "", .task_queue_sid = "", .workflow_sid = ""}, &rules,
        &snapshot->rule_count, err);
    if (code != ERR_OK)
        return code;
    struct rule_def *defs = ARENA_ARRAY(call->arena, struct rule_def, snapshot->rule_count);
    if (defs == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < snapshot->rule_count; i++)
        defs[i] = rule_to_def(&rules[i]);
    snapshot->rules = rules;
    return rule_set_new(defs, snapshot->rule_count, &snapshot->set, err);
}

static enum err_code load_keywords(struct snapshot *snapshot, struct db_conn *conn,
                                   struct call *call, struct err *err)
{
    struct keyword *items = NULL;
    enum err_code code =
        keyword_store_list(conn, call, snapshot->workspace_sid, "", KEYWORD_MAX_DEFS, "", &items,
                           &snapshot->keyword_count, err);
    if (code != ERR_OK)
        return code;
    struct keyword_def *defs =
        ARENA_ARRAY(call->arena, struct keyword_def, snapshot->keyword_count);
    if (defs == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < snapshot->keyword_count; i++)
        defs[i] = keyword_to_def(&items[i]);
    return keyword_set_new(defs, snapshot->keyword_count, &snapshot->keywords, err);
}

static enum err_code load_gone(struct snapshot *snapshot, struct db_conn *conn, struct call *call,
                               struct err *err)
{
    size_t named = 0;
    for (size_t i = 0; i < snapshot->rule_count; i++)
        named += snapshot->rules[i].action_count;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, named);
    if (sids == NULL)
        return call_no_room(err);
    size_t count = 0;
    for (size_t i = 0; i < snapshot->rule_count; i++) {
        const struct rule *rule = &snapshot->rules[i];
        for (size_t k = 0; k < rule->action_count; k++) {
            if (rule->actions[k].type == RULE_ACTION_ROUTE_TO_QUEUE)
                sids[count++] = rule->actions[k].target;
        }
    }
    return queue_copy_store_gone(conn, call, sids, count, &snapshot->gone, &snapshot->gone_count,
                                 err);
}

/* Copies what is kept; one that does not compile, which saving refuses, is left out. */
static enum err_code add_schedule(struct snapshot *snapshot, struct call *scratch,
                                  const struct schedule *row, const char *time_zone,
                                  struct err *err)
{
    struct snapshot_schedule *schedule = &snapshot->schedules[snapshot->schedule_count];
    struct str *lines = ARENA_ARRAY(snapshot->arena, struct str, row->line_count);
    struct err cause = {.code = ERR_OK};
    if (lines == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < row->line_count; i++)
        lines[i] = arena_str(snapshot->arena, row->lines[i]);
    *schedule = (struct snapshot_schedule){
        .sid = arena_strdup(snapshot->arena, row->sid),
        .name = arena_strdup(snapshot->arena, row->name),
        .lines = lines,
        .line_count = row->line_count,
        .is_default = row->is_default,
    };
    if (schedule_compile(scratch, row, time_zone, &schedule->compiled, &cause) == ERR_OK)
        snapshot->schedule_count++;
    return arena_is_exhausted(snapshot->arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code load_hours(struct snapshot *snapshot, struct db_conn *conn,
                                const struct call *call, const char *time_zone, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct call scratch = *call;
    struct schedule *rows = NULL;
    size_t count = 0;
    bool is_cut = true;
    const char *after = "";
    scratch.arena = arena;
    snapshot->always = (struct snapshot_schedule){.sid = "", .name = ""};
    snapshot->schedules = ARENA_ARRAY(snapshot->arena, struct snapshot_schedule, SCHEDULES_MAX);
    if (snapshot->schedules == NULL)
        return call_no_room(err);
    enum err_code code = hours_schedule_new_always(time_zone, &snapshot->always.compiled, err);
    while (code == ERR_OK && is_cut) {
        code = schedule_store_list(conn, &scratch, snapshot->workspace_sid, after, SCHEDULES_MAX,
                                   &rows, &count, &is_cut, err);
        is_cut = is_cut && count > 0;
        for (size_t i = 0; code == ERR_OK && i < count && snapshot->schedule_count < SCHEDULES_MAX;
             i++)
            code = add_schedule(snapshot, &scratch, &rows[i], time_zone, err);
        after = count > 0 && code == ERR_OK ? rows[count - 1].sid : after;
    }
    return code;
}

enum err_code snapshot_load(struct db_conn *conn, const struct call *call,
                            const char *workspace_sid, const struct decision_revision *revision,
                            const char *time_zone, struct snapshot **out, struct err *err)
{
    struct snapshot *snapshot = xcalloc(1, sizeof *snapshot);
    struct call own = *call;
    snapshot->arena = arena_new(ARENA_BYTES);
    own.arena = snapshot->arena;
    snapshot->workspace_sid = arena_strdup(own.arena, workspace_sid);
    snapshot->account_sid = arena_strdup(own.arena, revision->account_sid);
    snapshot->is_mirrored = revision->is_mirrored;
    snapshot->revision = revision->revision;
    enum err_code code = load_rules(snapshot, conn, &own, err);
    if (code == ERR_OK)
        code = load_keywords(snapshot, conn, &own, err);
    if (code == ERR_OK)
        code = load_gone(snapshot, conn, &own, err);
    if (code == ERR_OK)
        code = load_hours(snapshot, conn, &own, time_zone, err);
    if (code != ERR_OK) {
        snapshot_free(snapshot);
        return code;
    }
    *out = snapshot;
    return ERR_OK;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    rule_set_free(snapshot->set);
    keyword_set_free(snapshot->keywords);
    for (size_t i = 0; i < snapshot->schedule_count; i++)
        hours_schedule_free(snapshot->schedules[i].compiled);
    hours_schedule_free(snapshot->always.compiled);
    arena_free(snapshot->arena);
    free(snapshot);
}

bool snapshot_is_gone(const struct snapshot *snapshot, struct str target)
{
    for (size_t i = 0; i < snapshot->gone_count; i++) {
        if (str_eq(snapshot->gone[i], target))
            return true;
    }
    return false;
}

const struct snapshot_schedule *snapshot_schedule(const struct snapshot *snapshot,
                                                  const char *phone_number)
{
    const struct snapshot_schedule *found = &snapshot->always;
    struct str wanted = str_from(phone_number);
    for (size_t i = 0; i < snapshot->schedule_count; i++) {
        const struct snapshot_schedule *schedule = &snapshot->schedules[i];
        for (size_t k = 0; k < schedule->line_count && wanted.len > 0; k++) {
            if (str_eq(schedule->lines[k], wanted))
                return schedule;
        }
        if (schedule->is_default)
            found = schedule;
    }
    return found;
}

const struct rule *snapshot_rule(const struct snapshot *snapshot, struct str sid)
{
    ptrdiff_t place = sid.len == 0 ? -1 : rule_set_find(snapshot->set, sid);
    if (place < 0)
        return NULL;
    const struct rule *rule = &snapshot->rules[place];
    if (str_eq_text(sid, rule->sid))
        return rule;
    for (size_t i = 0; i < snapshot->rule_count; i++) {
        if (str_eq_text(sid, snapshot->rules[i].sid))
            return &snapshot->rules[i];
    }
    return NULL;
}
