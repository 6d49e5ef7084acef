#include "rule_rpc.h"

#include <inttypes.h>

#include "base/ids.h"
#include "limit_store.h"
#include "routing.h"
#include "rule_events.h"
#include "rule_input.h"
#include "rule_save.h"
#include "rule_store.h"
#include "snapshots.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/order.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "svc/wire.h"

#define LIST_TAG "rr"

typedef Taskrouter__Routing__V1__Rule wire_rule;

/* What a rule is judged against, and what was found. */
struct judging {
    struct routing *routing;
    struct snapshot *snapshot;
    struct rule_finding *findings;
    size_t finding_count;
};

static void judging_cleanup(struct judging *judging)
{
    if (judging->snapshot != NULL)
        snapshots_release(judging->routing->snapshots, judging->snapshot);
}

static enum err_code judge(struct judging *judging, struct call *call, const struct rule *rule,
                           struct err *err)
{
    return rule_input_judge(call, judging->snapshot, rule, &judging->findings,
                            &judging->finding_count, err);
}

/* ---- create ---- */

struct create_context {
    const Taskrouter__Routing__V1__CreateRuleRequest *request;
    int64_t limit;
    struct rule rule;
    const struct judging *judging;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    struct rule *rule = &create->rule;
    rule->version = 0; /* the transaction may run again */
    rule->created_at_us = 0;
    enum err_code code = workspaces_hold(conn, call, rule->workspace_sid, err);
    if (code == ERR_OK)
        code = limit_store_check(conn, call, ROUTING_LIMIT_RULES, create->limit,
                                 rule->workspace_sid, err);
    if (code == ERR_OK)
        code = rule_hold_workflows(conn, call, rule, err);
    if (code == ERR_OK)
        code = rule_store_insert(conn, call, rule,
                                 &(struct rule_note){.comment = create->request->comment}, err);
    if (code == ERR_OK)
        code = rule_event_append(conn, call, rule, "routing-rule.created", false, err);
    wire_rule *reply = NULL;
    if (code == ERR_OK)
        code = rule_reply(call, rule, create->judging->findings, create->judging->finding_count,
                          &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

static enum err_code rule_from_request(struct routing *routing, struct call *call,
                                       const Taskrouter__Routing__V1__CreateRuleRequest *request,
                                       struct rule *rule, struct err *err)
{
    enum err_code code =
        rule_input_condition(call, request->condition, request->conditions, rule, err);
    if (code == ERR_OK)
        code = rule_input_labels(call, request->labels, request->n_labels, rule, err);
    if (code == ERR_OK)
        code = rule_check_fields(rule, err);
    if (code == ERR_OK)
        code = rule_check_comment(request->comment, err);
    if (code == ERR_OK)
        code = rule_input_actions(routing, call, rule->workspace_sid, request->actions,
                                  request->n_actions, rule, err);
    return code;
}

enum err_code rule_rpc_create(void *app, struct call *call,
                              const Taskrouter__Routing__V1__CreateRuleRequest *request,
                              wire_rule **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    AUTO(judging_cleanup) struct judging judging = {.routing = routing};
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    struct sid sid = sid_new("RR");
    struct create_context create = {
        .request = request,
        .limit = routing->settings->limit_rules,
        .rule =
            {
                   .sid = sid.text,
                   .account_sid = workspace.account_sid,
                   .workspace_sid = workspace.sid,
                   .name = request->name,
                   .description = request->description,
                   .priority = request->priority,
                   .is_enabled = request->_enabled_case == 0 || request->enabled,
                   .valid_from_us = wire_time_us(request->valid_from),
                   .valid_until_us = wire_time_us(request->valid_until),
                   },
        .judging = &judging,
    };
    code = rule_from_request(routing, call, request, &create.rule, err);
    if (code == ERR_OK)
        code = snapshots_get(routing->snapshots, call, workspace.sid, &judging.snapshot, err);
    if (code == ERR_OK)
        code = judge(&judging, call, &create.rule, err);
    struct repeat repeat = {
        .method = "CreateRule",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__routing__v1__rule__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(routing->host.pool, call, &repeat, make, &create, &reply, err);
    if (code != ERR_OK)
        return code;
    rule_saved(routing, workspace.sid);
    *out_reply = (wire_rule *)(void *)reply;
    return ERR_OK;
}

/* ---- get and list ---- */

enum err_code rule_rpc_get(void *app, struct call *call,
                           const Taskrouter__Routing__V1__GetRuleRequest *request,
                           wire_rule **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct rule rule;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "RR", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = rule_store_get(conn, call, workspace.sid, request->sid, &rule, err);
    return code == ERR_OK ? rule_reply(call, &rule, NULL, 0, out_reply, err) : code;
}

static enum err_code place_of(const struct page *page, struct rule_place *out, struct err *err)
{
    int64_t numbers[2];
    *out = rule_place_first();
    if (page->after[0] == '\0')
        return ERR_OK;
    if (!order_key_read(page->after, numbers, ARRAY_LEN(numbers), &out->sid))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                         "cursor is not one that this list gave out; begin again without it");
    out->priority = numbers[0];
    out->created_at_us = numbers[1];
    return ERR_OK;
}

static enum err_code check_filter(const Taskrouter__Routing__V1__ListRulesRequest *request,
                                  struct rule_filter *out, struct err *err)
{
    *out = (struct rule_filter){
        .has_enabled = request->_enabled_case != 0,
        .is_enabled = request->enabled,
        .label = request->label,
        .task_queue_sid = request->task_queue_sid,
        .workflow_sid = request->workflow_sid,
    };
    enum err_code code = check_optional_sid("task_queue_sid", request->task_queue_sid, "WQ", err);
    return code == ERR_OK ? check_optional_sid("workflow_sid", request->workflow_sid, "WW", err)
                          : code;
}

static enum err_code fill_list(struct call *call, const struct rule *items, size_t count,
                               size_t limit, Taskrouter__Routing__V1__ListRulesResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Routing__V1__ListRulesResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__list_rules_response);
    wire_rule **wires = ARENA_ARRAY(call->arena, wire_rule *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > limit) {
        count = limit;
        const struct rule *last = &items[count - 1];
        int64_t numbers[] = {last->priority, last->created_at_us};
        const char *key = order_key(call->arena, numbers, ARRAY_LEN(numbers), last->sid);
        reply->next_cursor = key == NULL ? NULL : page_cursor(call->arena, LIST_TAG, key);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = rule_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code rule_rpc_list(void *app, struct call *call,
                            const Taskrouter__Routing__V1__ListRulesRequest *request,
                            Taskrouter__Routing__V1__ListRulesResponse **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct page page;
    struct rule_place after;
    struct rule_filter filter;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = place_of(&page, &after, err);
    if (code == ERR_OK)
        code = check_filter(request, &filter, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    struct rule *items = NULL;
    size_t count = 0;
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = rule_store_list(conn, call, workspace.sid, &after, (size_t)page.size + 1, &filter,
                               &items, &count, err);
    return code == ERR_OK ? fill_list(call, items, count, (size_t)page.size, out_reply, err) : code;
}

/* ---- update and delete ---- */

static const char *const updatable[] = {
    "name",       "description", "priority",   "enabled",     "condition",
    "conditions", "actions",     "valid_from", "valid_until", "labels",
};

struct update_context {
    const Taskrouter__Routing__V1__UpdateRuleRequest *request;
    const char *workspace_sid;
    struct judging *judging;
    struct rule wanted; /* its actions are checked; nothing else is filled */
    struct rule rule;   /* out: as it is now */
};

static enum err_code apply_condition(struct call *call, struct update_context *update,
                                     struct err *err)
{
    const Google__Protobuf__FieldMask *mask = update->request->update_mask;
    const wire_rule *wanted = update->request->rule;
    bool has_text = mask_has(mask, "condition");
    bool has_flat = mask_has(mask, "conditions");
    if (!has_text && !has_flat)
        return ERR_OK;
    /* both, one of them empty: the other one counts */
    return rule_input_condition(call, has_text ? wanted->condition : "",
                                has_flat ? wanted->conditions : "", &update->rule, err);
}

static enum err_code apply_mask(struct call *call, struct update_context *update, struct err *err)
{
    const wire_rule *wanted = update->request->rule;
    const Google__Protobuf__FieldMask *mask = update->request->update_mask;
    struct rule *rule = &update->rule;
    if (mask_has(mask, "name"))
        rule->name = wanted->name;
    if (mask_has(mask, "description"))
        rule->description = wanted->description;
    if (mask_has(mask, "priority"))
        rule->priority = wanted->priority;
    if (mask_has(mask, "enabled"))
        rule->is_enabled = wanted->enabled;
    if (mask_has(mask, "valid_from"))
        rule->valid_from_us = wire_time_us(wanted->valid_from);
    if (mask_has(mask, "valid_until"))
        rule->valid_until_us = wire_time_us(wanted->valid_until);
    if (mask_has(mask, "actions")) {
        rule->actions = update->wanted.actions;
        rule->target_names = update->wanted.target_names;
        rule->action_count = update->wanted.action_count;
    }
    enum err_code code = apply_condition(call, update, err);
    if (code == ERR_OK && mask_has(mask, "labels"))
        code = rule_input_labels(call, wanted->labels, wanted->n_labels, rule, err);
    return code;
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Routing__V1__UpdateRuleRequest *request = update->request;
    enum err_code code =
        rule_store_lock(conn, call, update->workspace_sid, request->rule->sid, &update->rule, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             update->rule.version, err);
    if (code == ERR_OK)
        code = apply_mask(call, update, err);
    if (code == ERR_OK)
        code = judge(update->judging, call, &update->rule, err);
    if (code == ERR_OK)
        code = rule_hold_workflows(conn, call, &update->rule, err);
    if (code == ERR_OK)
        code = rule_store_update(conn, call, &update->rule,
                                 &(struct rule_note){.comment = request->comment}, err);
    return code == ERR_OK
               ? rule_event_append(conn, call, &update->rule, "routing-rule.updated", false, err)
               : code;
}

enum err_code rule_rpc_update(void *app, struct call *call,
                              const Taskrouter__Routing__V1__UpdateRuleRequest *request,
                              wire_rule **out_reply, struct err *err)
{
    struct routing *routing = app;
    if (request->rule == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "rule",
                         "rule is required; give it with workspace_sid and sid");
    struct workspace_copy workspace;
    AUTO(judging_cleanup) struct judging judging = {.routing = routing};
    enum err_code code = workspaces_require(&routing->workspaces, call,
                                            request->rule->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->rule->sid, "RR", err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code == ERR_OK)
        code = rule_check_comment(request->comment, err);
    struct update_context update = {
        .request = request, .workspace_sid = workspace.sid, .judging = &judging};
    if (code == ERR_OK && mask_has(request->update_mask, "actions"))
        code = rule_input_actions(routing, call, workspace.sid, request->rule->actions,
                                  request->rule->n_actions, &update.wanted, err);
    if (code == ERR_OK)
        code = snapshots_get(routing->snapshots, call, workspace.sid, &judging.snapshot, err);
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    rule_saved(routing, workspace.sid);
    return rule_reply(call, &update.rule, judging.findings, judging.finding_count, out_reply, err);
}

struct delete_context {
    const Taskrouter__Routing__V1__DeleteRuleRequest *request;
    const char *workspace_sid;
};

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct delete_context *removal = ctx;
    struct rule rule;
    enum err_code code =
        rule_store_lock(conn, call, removal->workspace_sid, removal->request->sid, &rule, err);
    if (code == ERR_OK)
        code = check_version(removal->request->_expected_version_case != 0,
                             removal->request->expected_version, rule.version, err);
    if (code == ERR_OK)
        code = rule_store_delete(conn, call, &rule, err);
    return code == ERR_OK ? rule_event_append(conn, call, &rule, "routing-rule.deleted", true, err)
                          : code;
}

enum err_code rule_rpc_delete(void *app, struct call *call,
                              const Taskrouter__Routing__V1__DeleteRuleRequest *request,
                              Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "RR", err);
    struct delete_context removal = {request, workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, delete_tx, &removal, err);
    if (code == ERR_OK)
        rule_saved(routing, workspace.sid);
    return code;
}

/* ---- validate ---- */

static enum err_code validated(struct call *call, const struct rule *rule,
                               const struct judging *judging,
                               Taskrouter__Routing__V1__ValidateRuleResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Routing__V1__ValidateRuleResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__validate_rule_response);
    wire_rule *wire = rule_to_wire(call->arena, rule);
    if (reply == NULL || wire == NULL ||
        !rule_warnings_to_wire(call->arena, judging->findings, judging->finding_count,
                               &reply->warnings, &reply->n_warnings))
        return call_no_room(err);
    reply->condition = wire->condition;
    reply->conditions = wire->conditions;
    *out_reply = reply;
    return ERR_OK;
}

enum err_code rule_rpc_validate(void *app, struct call *call,
                                const Taskrouter__Routing__V1__ValidateRuleRequest *request,
                                Taskrouter__Routing__V1__ValidateRuleResponse **out_reply,
                                struct err *err)
{
    struct routing *routing = app;
    AUTO(judging_cleanup) struct judging judging = {.routing = routing};
    struct rule rule;
    if (request->rule == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "rule",
                         "rule is required; give the rule that is to be looked at");
    enum err_code code =
        snapshots_get(routing->snapshots, call, request->workspace_sid, &judging.snapshot, err);
    if (code == ERR_OK)
        code = check_optional_sid("sid", request->rule->sid, "RR", err);
    if (code == ERR_OK)
        code = rule_input_draft(routing, call, judging.snapshot, request->rule, &rule, err);
    if (code == ERR_OK)
        code = judge(&judging, call, &rule, err);
    return code == ERR_OK ? validated(call, &rule, &judging, out_reply, err) : code;
}
