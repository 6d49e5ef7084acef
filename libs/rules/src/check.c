/* What can be said of a rule before it is stored. */
#include "rules/check.h"

#include "rules/condition.h"

static const char *const finding_names[] = {
    [RULE_FINDING_NONE] = "",
    [RULE_FINDING_ALWAYS_TRUE] = "ALWAYS_TRUE",
    [RULE_FINDING_UNREACHABLE] = "UNREACHABLE",
    [RULE_FINDING_HIDES] = "HIDES",
    [RULE_FINDING_OVERLAPS] = "OVERLAPS",
    [RULE_FINDING_NEVER_VALID] = "NEVER_VALID",
    [RULE_FINDING_NOT_JUDGED] = "NOT_JUDGED",
};

const char *rule_finding_name(enum rule_finding_type type)
{
    return type < sizeof finding_names / sizeof finding_names[0] ? finding_names[type] : "";
}

enum err_code rule_check(const struct rule_set *set, const struct rule_def *rule, int64_t now_us,
                         struct arena *arena, struct rule_finding **out_findings, size_t *out_count,
                         struct err *err)
{
    (void)set;
    (void)now_us;
    enum err_code code = rule_condition_check(rule->condition, err);
    if (code == ERR_OK)
        code = rule_actions_check(rule->actions, rule->action_count, err);
    if (code != ERR_OK)
        return code;
    *out_findings = ARENA_ARRAY(arena, struct rule_finding, 1);
    *out_count = 0;
    return ERR_OK;
}
