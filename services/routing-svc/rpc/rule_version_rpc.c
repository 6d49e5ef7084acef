#include <inttypes.h>

#include "base/parse.h"
#include "limit_store.h"
#include "routing.h"
#include "rule_events.h"
#include "rule_input.h"
#include "rule_json.h"
#include "rule_rpc.h"
#include "rule_save.h"
#include "rule_store.h"
#include "rule_targets.h"
#include "snapshots.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"

#define VERSION_TAG "rv"

typedef Taskrouter__Routing__V1__RuleVersion wire_version;

/* ---- list ---- */

static wire_version *version_to_wire(struct arena *arena, const struct rule_version *version)
{
    wire_version *wire = PB_NEW(arena, taskrouter__routing__v1__rule_version);
    if (wire == NULL)
        return NULL;
    wire->rule_sid = wire_text(arena, version->rule.sid);
    wire->version = version->rule.version;
    wire->rule = rule_to_wire(arena, &version->rule);
    wire->author_sid = wire_text(arena, version->author_sid);
    wire->author_type = wire_text(arena, version->author_type);
    wire->comment = wire_text(arena, version->comment);
    wire->date_created = wire_time(arena, version->created_at_us);
    wire->is_deletion = version->is_deletion;
    return arena_is_exhausted(arena) ? NULL : wire;
}

static enum err_code fill_list(struct call *call, const struct rule_version *items, size_t count,
                               size_t limit,
                               Taskrouter__Routing__V1__ListRuleVersionsResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Routing__V1__ListRuleVersionsResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__list_rule_versions_response);
    wire_version **wires = ARENA_ARRAY(call->arena, wire_version *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > limit) {
        count = limit;
        char *last = arena_printf(call->arena, "%" PRId64, items[count - 1].rule.version);
        reply->next_cursor = last == NULL ? NULL : page_cursor(call->arena, VERSION_TAG, last);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = version_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

static enum err_code before_of(const struct page *page, int64_t *out, struct err *err)
{
    *out = INT64_MAX;
    if (page->after[0] == '\0' || parse_i64(str_from(page->after), 1, INT64_MAX, out))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                     "cursor is not one that this list gave out; begin again without it");
}

enum err_code rule_rpc_versions(void *app, struct call *call,
                                const Taskrouter__Routing__V1__ListRuleVersionsRequest *request,
                                Taskrouter__Routing__V1__ListRuleVersionsResponse **out_reply,
                                struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct page page;
    int64_t before = INT64_MAX;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "RR", err);
    if (code == ERR_OK)
        code = page_from(call->arena, VERSION_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = before_of(&page, &before, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    struct rule_version newest;
    struct rule_version *items = NULL;
    size_t count = 0;
    if (code == ERR_OK) /* whether there is such a rule */
        code = rule_version_store_get(conn, call, workspace.sid, request->sid, 0, &newest, err);
    if (code == ERR_OK)
        code = rule_version_store_list(conn, call, workspace.sid, request->sid, before,
                                       (size_t)page.size + 1, &items, &count, err);
    return code == ERR_OK ? fill_list(call, items, count, (size_t)page.size, out_reply, err) : code;
}

/* ---- diff ---- */

/* The two versions, in this order; of the first version ever the one before is an empty rule. */
static enum err_code read_pair(struct routing *routing, struct call *call,
                               const char *workspace_sid,
                               const Taskrouter__Routing__V1__DiffRuleVersionsRequest *request,
                               struct rule_version *before, struct rule_version *after,
                               struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct rule_version *items = NULL;
    size_t count = 0;
    enum err_code code = db_acquire(routing->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = rule_version_store_get(conn, call, workspace_sid, request->sid, request->to_version,
                                      after, err);
    if (code != ERR_OK)
        return code;
    if (request->from_version != 0)
        return rule_version_store_get(conn, call, workspace_sid, request->sid,
                                      request->from_version, before, err);
    code = rule_version_store_list(conn, call, workspace_sid, request->sid, after->rule.version, 1,
                                   &items, &count, err);
    if (code == ERR_OK && count == 1)
        *before = items[0];
    return code;
}

static enum err_code fill_diff(struct call *call, const struct rule_version *before,
                               const struct rule_version *after,
                               Taskrouter__Routing__V1__DiffRuleVersionsResponse **out_reply,
                               struct err *err)
{
    struct rule_change *changes = NULL;
    size_t count = 0;
    enum err_code code = rule_diff(call->arena, &before->rule, &after->rule, &changes, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Routing__V1__DiffRuleVersionsResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__diff_rule_versions_response);
    Taskrouter__Routing__V1__FieldChange **wires =
        ARENA_ARRAY(call->arena, Taskrouter__Routing__V1__FieldChange *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        wires[i] = PB_NEW(call->arena, taskrouter__routing__v1__field_change);
        if (wires[i] == NULL)
            return call_no_room(err);
        wires[i]->field = wire_text(call->arena, changes[i].field);
        wires[i]->before = wire_text(call->arena, changes[i].before);
        wires[i]->after = wire_text(call->arena, changes[i].after);
    }
    reply->from_version = before->rule.version;
    reply->to_version = after->rule.version;
    reply->changes = wires;
    reply->n_changes = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code rule_rpc_diff(void *app, struct call *call,
                            const Taskrouter__Routing__V1__DiffRuleVersionsRequest *request,
                            Taskrouter__Routing__V1__DiffRuleVersionsResponse **out_reply,
                            struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct rule_version before = {
        .rule = {.sid = "", .name = "", .description = "", .condition = "", .conditions = ""}
    };
    struct rule_version after;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "RR", err);
    if (code == ERR_OK)
        code = check_range("from_version", request->from_version, 0, INT64_MAX - 1, err);
    if (code == ERR_OK)
        code = check_range("to_version", request->to_version, 0, INT64_MAX - 1, err);
    if (code == ERR_OK)
        code = read_pair(routing, call, workspace.sid, request, &before, &after, err);
    return code == ERR_OK ? fill_diff(call, &before, &after, out_reply, err) : code;
}

/* ---- roll back ---- */

struct roll_back_context {
    const Taskrouter__Routing__V1__RollBackRuleRequest *request;
    const struct snapshot *snapshot;
    int64_t limit;
    struct rule old;  /* as it is to be */
    struct rule rule; /* out */
    struct rule_finding *findings;
    size_t finding_count;
};

/* The rule as it was becomes one that is new in its place: dates, version and counters stay. */
static void take_over(struct rule *rule, const struct rule *old)
{
    rule->name = old->name;
    rule->description = old->description;
    rule->priority = old->priority;
    rule->is_enabled = old->is_enabled;
    rule->condition = old->condition;
    rule->conditions = old->conditions;
    rule->actions = old->actions;
    rule->target_names = old->target_names;
    rule->action_count = old->action_count;
    rule->valid_from_us = old->valid_from_us;
    rule->valid_until_us = old->valid_until_us;
    rule->labels = old->labels;
    rule->label_count = old->label_count;
}

/* A deleted rule: its newest version is its deletion. */
static enum err_code revive(struct db_conn *conn, struct call *call, struct roll_back_context *back,
                            const struct rule_note *note, struct err *err)
{
    struct rule_version newest;
    struct rule *rule = &back->rule;
    enum err_code code =
        rule_version_store_get(conn, call, back->old.workspace_sid, back->old.sid, 0, &newest, err);
    if (code == ERR_OK)
        code = check_version(back->request->_expected_version_case != 0,
                             back->request->expected_version, newest.rule.version, err);
    if (code == ERR_OK)
        code = limit_store_check(conn, call, ROUTING_LIMIT_RULES, back->limit,
                                 back->old.workspace_sid, err);
    if (code != ERR_OK)
        return code;
    *rule = newest.rule;
    take_over(rule, &back->old);
    rule->version = newest.rule.version + 1;
    code = rule_store_insert(conn, call, rule, note, err);
    return code == ERR_OK ? rule_event_append(conn, call, rule, "routing-rule.created", false, err)
                          : code;
}

static enum err_code change(struct db_conn *conn, struct call *call, struct roll_back_context *back,
                            const struct rule_note *note, struct err *err)
{
    struct rule *rule = &back->rule;
    enum err_code code = check_version(back->request->_expected_version_case != 0,
                                       back->request->expected_version, rule->version, err);
    if (code != ERR_OK)
        return code;
    take_over(rule, &back->old);
    code = rule_store_update(conn, call, rule, note, err);
    return code == ERR_OK ? rule_event_append(conn, call, rule, "routing-rule.updated", false, err)
                          : code;
}

static enum err_code roll_back_tx(struct db_conn *conn, struct call *call, void *ctx,
                                  struct err *err)
{
    struct roll_back_context *back = ctx;
    const char *comment = back->request->comment;
    char *otherwise = arena_printf(call->arena, "as version %" PRId64, back->request->to_version);
    struct rule_note note = {.comment = comment[0] == '\0' ? otherwise : comment};
    if (otherwise == NULL)
        return call_no_room(err);
    enum err_code code = workspaces_hold(conn, call, back->old.workspace_sid, err);
    if (code == ERR_OK)
        code = rule_hold_workflows(conn, call, &back->old, err);
    if (code != ERR_OK)
        return code;
    code = rule_store_lock(conn, call, back->old.workspace_sid, back->old.sid, &back->rule, err);
    if (code == ERR_OK)
        return change(conn, call, back, &note, err);
    if (code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return revive(conn, call, back, &note, err);
}

/* The version, with targets that still exist. */
static enum err_code read_old(struct routing *routing, struct call *call, const char *workspace_sid,
                              const Taskrouter__Routing__V1__RollBackRuleRequest *request,
                              struct rule *out, struct err *err)
{
    struct rule_version old;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(routing->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = rule_version_store_get(conn, call, workspace_sid, request->sid, request->to_version,
                                      &old, err);
    if (code != ERR_OK)
        return code;
    *out = old.rule;
    return ERR_OK;
}

static enum err_code prepare(struct routing *routing, struct call *call, const char *workspace_sid,
                             struct roll_back_context *back, struct err *err)
{
    enum err_code code = read_old(routing, call, workspace_sid, back->request, &back->old, err);
    if (code != ERR_OK)
        return code;
    const struct rule *old = &back->old;
    struct rule_action *actions = ARENA_ARRAY(call->arena, struct rule_action, old->action_count);
    if (actions == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < old->action_count; i++)
        actions[i] = old->actions[i];
    back->old.actions = actions;
    code = rule_targets_resolve(routing, call, workspace_sid, actions, back->old.target_names,
                                old->action_count, err);
    return code == ERR_OK ? rule_input_judge(call, back->snapshot, &back->old, &back->findings,
                                             &back->finding_count, err)
                          : code;
}

enum err_code rule_rpc_roll_back(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__RollBackRuleRequest *request,
                                 Taskrouter__Routing__V1__Rule **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct snapshot *snapshot = NULL;
    enum err_code code =
        snapshots_get(routing->snapshots, call, request->workspace_sid, &snapshot, err);
    if (code != ERR_OK)
        return code;
    struct roll_back_context back = {
        .request = request, .snapshot = snapshot, .limit = routing->settings->limit_rules};
    code = check_sid("sid", request->sid, "RR", err);
    if (code == ERR_OK)
        code = check_range("to_version", request->to_version, 1, INT64_MAX - 1, err);
    if (code == ERR_OK)
        code = rule_check_comment(request->comment, err);
    if (code == ERR_OK)
        code = prepare(routing, call, snapshot->workspace_sid, &back, err);
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, roll_back_tx, &back, err);
    if (code == ERR_OK) {
        rule_saved(routing, request->workspace_sid);
        code = rule_reply(call, &back.rule, back.findings, back.finding_count, out_reply, err);
    }
    snapshots_release(routing->snapshots, snapshot);
    return code;
}
