#include "drafts.h"

#include <stdio.h>
#include <string.h>

#include "rule_input.h"
#include "rules/condition.h"

void rule_set_cleanup(struct rule_set **set)
{
    rule_set_free(*set);
}

/* Which rules of the snapshot are left out. */
static enum err_code mark_without(const struct snapshot *snapshot, char *const *sids, size_t count,
                                  bool *is_out, struct err *err)
{
    if (count > WITHOUT_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "without_rule_sids",
                         "without_rule_sids has %zu entries; it may have at most %d", count,
                         WITHOUT_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = snapshot_rule(snapshot, str_from(sids[i]));
        if (rule == NULL)
            return ERR_FIELD(err, ERR_NOT_FOUND, "RULE_NOT_FOUND", "without_rule_sids",
                             "there is no rule %.40s in workspace %s", sids[i],
                             snapshot->workspace_sid);
        is_out[rule - snapshot->rules] = true;
    }
    return ERR_OK;
}

/* "drafts[1].condition" for "condition". */
static void name_draft(struct err *err, size_t place)
{
    char field[sizeof err->field];
    (void)snprintf(field, sizeof field, "drafts[%zu]%s%.40s", place,
                   err->field[0] == '\0' ? "" : ".", err->field);
    memcpy(err->field, field, sizeof field);
}

static enum err_code add_drafts(struct routing *routing, struct call *call,
                                const struct snapshot *snapshot,
                                Taskrouter__Routing__V1__Rule *const *drafts, size_t count,
                                bool *is_out, struct rule_def *defs, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct rule rule;
        enum err_code code = rule_input_draft(routing, call, snapshot, drafts[i], &rule, err);
        if (code == ERR_OK) {
            defs[i] = rule_to_def(&rule);
            code = rule_condition_check(defs[i].condition, err);
        }
        if (code != ERR_OK) {
            name_draft(err, i);
            return code;
        }
        const struct rule *stored = snapshot_rule(snapshot, defs[i].sid);
        if (stored != NULL)
            is_out[stored - snapshot->rules] = true;
    }
    return ERR_OK;
}

enum err_code drafts_set(struct routing *routing, struct call *call,
                         const struct snapshot *snapshot,
                         Taskrouter__Routing__V1__Rule *const *drafts, size_t draft_count,
                         char *const *without, size_t without_count, struct rule_set **out,
                         struct err *err)
{
    if (draft_count > DRAFTS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "drafts",
                         "drafts has %zu entries; it may have at most %d", draft_count, DRAFTS_MAX);
    size_t most = snapshot->rule_count + draft_count;
    struct rule_def *defs = ARENA_ARRAY(call->arena, struct rule_def, most);
    bool *is_out = ARENA_ARRAY(call->arena, bool, snapshot->rule_count);
    if (defs == NULL || is_out == NULL)
        return call_no_room(err);
    enum err_code code = mark_without(snapshot, without, without_count, is_out, err);
    if (code == ERR_OK)
        code = add_drafts(routing, call, snapshot, drafts, draft_count, is_out, defs, err);
    if (code != ERR_OK)
        return code;
    size_t count = draft_count;
    for (size_t i = 0; i < snapshot->rule_count; i++) {
        if (!is_out[i])
            defs[count++] = rule_to_def(&snapshot->rules[i]);
    }
    return rule_set_new(defs, count, out, err);
}
