#include "rule_input.h"

#include <string.h>

#include "base/clock.h"
#include "rpc/pb.h"
#include "rule_targets.h"
#include "rules/condition.h"
#include "svc/wire.h"

static enum err_code translate(struct call *call, const char *conditions, const char **out,
                               struct err *err)
{
    AUTO(buf_fini) struct buf text = {0};
    buf_init(&text, 0);
    enum err_code code = rule_flat_to_text(str_from(conditions), &text, err);
    if (code != ERR_OK)
        return code;
    *out = arena_str_dup(call->arena, buf_str(&text));
    return *out == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code rule_input_condition(struct call *call, const char *condition, const char *conditions,
                                   struct rule *rule, struct err *err)
{
    const char *translated = NULL;
    if (conditions[0] == '\0') {
        rule->condition = condition;
        rule->conditions = "";
        return ERR_OK;
    }
    enum err_code code = translate(call, conditions, &translated, err);
    if (code != ERR_OK)
        return code;
    if (condition[0] != '\0' && strcmp(condition, translated) != 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CONDITIONS_DIFFER", "conditions",
                         "condition and conditions are both given and differ: conditions mean "
                         "%.300s; give one of them",
                         translated[0] == '\0' ? "always" : translated);
    rule->condition = translated;
    rule->conditions = conditions;
    return ERR_OK;
}

static struct rule_action action_from(const Taskrouter__Routing__V1__RuleAction *wire)
{
    return (struct rule_action){
        .type = wire->type > 0 && wire->type < (int)RULE_ACTION_COUNT
                    ? (enum rule_action_type)wire->type
                    : RULE_ACTION_NONE,
        .target = str_from(wire->target),
        .attributes = str_from(wire->attributes),
        .message = str_from(wire->message),
        .has_priority = wire->_priority_case != 0,
        .has_timeout = wire->_timeout_case != 0,
        .priority = wire->priority,
        .timeout_s = wire->timeout,
    };
}

enum err_code rule_input_actions(struct routing *routing, struct call *call,
                                 const char *workspace_sid,
                                 Taskrouter__Routing__V1__RuleAction *const *wires, size_t count,
                                 struct rule *rule, struct err *err)
{
    if (count > RULE_MAX_ACTIONS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "actions",
                         "actions has %zu entries; it may have at most %d", count,
                         RULE_MAX_ACTIONS);
    struct rule_action *actions = ARENA_ARRAY(call->arena, struct rule_action, count);
    const char **names = ARENA_ARRAY(call->arena, const char *, count);
    if (actions == NULL || names == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        actions[i] = action_from(wires[i]);
    enum err_code code = rule_actions_check(actions, count, err);
    if (code == ERR_OK)
        code = rule_targets_resolve(routing, call, workspace_sid, actions, names, count, err);
    if (code != ERR_OK)
        return code;
    rule->actions = actions;
    rule->target_names = names;
    rule->action_count = count;
    return ERR_OK;
}

enum err_code rule_input_labels(struct call *call, char *const *labels, size_t count,
                                struct rule *rule, struct err *err)
{
    struct str *texts = ARENA_ARRAY(call->arena, struct str, count);
    if (texts == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        texts[i] = str_from(labels[i]);
    rule->labels = texts;
    rule->label_count = count;
    return ERR_OK;
}

enum err_code rule_input_draft(struct routing *routing, struct call *call,
                               const struct snapshot *snapshot,
                               const Taskrouter__Routing__V1__Rule *wire, struct rule *out,
                               struct err *err)
{
    const struct rule *stored = snapshot_rule(snapshot, str_from(wire->sid));
    if (wire->sid[0] != '\0' && stored == NULL)
        return ERR_FIELD(err, ERR_NOT_FOUND, "RULE_NOT_FOUND", "sid",
                         "there is no rule %.40s in workspace %s", wire->sid,
                         snapshot->workspace_sid);
    *out = (struct rule){
        .sid = wire->sid,
        .account_sid = snapshot->account_sid,
        .workspace_sid = snapshot->workspace_sid,
        .name = wire->name[0] == '\0' ? "draft" : wire->name,
        .description = wire->description,
        .priority = wire->priority,
        .is_enabled = wire->enabled,
        .valid_from_us = wire_time_us(wire->valid_from),
        .valid_until_us = wire_time_us(wire->valid_until),
        .version = stored == NULL ? 0 : stored->version,
        .created_at_us = stored == NULL ? 0 : stored->created_at_us,
    };
    enum err_code code = rule_input_condition(call, wire->condition, wire->conditions, out, err);
    if (code == ERR_OK)
        code = rule_input_labels(call, wire->labels, wire->n_labels, out, err);
    if (code == ERR_OK)
        code = rule_check_fields(out, err);
    if (code == ERR_OK)
        code = rule_input_actions(routing, call, snapshot->workspace_sid, wire->actions,
                                  wire->n_actions, out, err);
    return code;
}

enum err_code rule_input_judge(struct call *call, const struct snapshot *snapshot,
                               const struct rule *rule, struct rule_finding **out_findings,
                               size_t *out_count, struct err *err)
{
    struct rule_def def = rule_to_def(rule);
    enum err_code code = rule_check_fields(rule, err);
    return code == ERR_OK ? rule_check(snapshot->set, &def, clock_now_us(), call->arena,
                                       out_findings, out_count, err)
                          : code;
}

static Taskrouter__Routing__V1__RuleWarning *warning_to_wire(struct arena *arena,
                                                             const struct rule_finding *finding)
{
    Taskrouter__Routing__V1__RuleWarning *wire =
        PB_NEW(arena, taskrouter__routing__v1__rule_warning);
    char **sids = ARENA_ARRAY(arena, char *, finding->other_count);
    if (wire == NULL || sids == NULL)
        return NULL;
    for (size_t i = 0; i < finding->other_count; i++)
        sids[i] = arena_str_dup(arena, finding->other_sids[i]);
    wire->code = wire_text(arena, rule_finding_name(finding->type));
    wire->message = arena_str_dup(arena, finding->message);
    wire->rule_sids = sids;
    wire->n_rule_sids = finding->other_count;
    return arena_is_exhausted(arena) ? NULL : wire;
}

bool rule_warnings_to_wire(struct arena *arena, const struct rule_finding *findings, size_t count,
                           Taskrouter__Routing__V1__RuleWarning ***out, size_t *out_count)
{
    Taskrouter__Routing__V1__RuleWarning **wires =
        ARENA_ARRAY(arena, Taskrouter__Routing__V1__RuleWarning *, count);
    if (wires == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        wires[i] = warning_to_wire(arena, &findings[i]);
    *out = wires;
    *out_count = count;
    return !arena_is_exhausted(arena);
}
