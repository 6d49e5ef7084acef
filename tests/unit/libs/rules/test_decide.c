#include "rules/rules.h"

#include <stdio.h>

#include "base/macros.h"
#include "testing.h"

enum { MAX_RULES = 8 };

static const struct rule_action queue_a[] = {
    {.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = {"WQa", 3}}
};
static const struct rule_action queue_b[] = {
    {.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = {"WQb", 3}}
};

static struct expr_record *record_of(const char *json)
{
    struct err err = {0};
    struct expr_record *record = NULL;
    if (expr_record_new(str_from(json), &record, &err) != ERR_OK)
        (void)printf("\n    record: %s\n", err.detail);
    return record;
}

static struct rule_def rule_of(const char *sid, int64_t priority, const char *condition,
                               const struct rule_action *actions, size_t count)
{
    return (struct rule_def){.sid = str_from(sid),
                             .name = str_from(sid),
                             .priority = priority,
                             .created_at_us = 1,
                             .is_enabled = true,
                             .condition = str_from(condition),
                             .actions = actions,
                             .action_count = count};
}

static void the_first_rule_by_priority_decides(void)
{
    const struct rule_def rules[] = {
        rule_of("RR1", 5, "task.attributes.type == 'call'", queue_a, ARRAY_LEN(queue_a)),
        rule_of("RR2", 9, "task.attributes.type == 'call'", queue_b, ARRAY_LEN(queue_b)),
    };
    struct err err = {0};
    struct rule_set *set = NULL;
    struct rule_outcome out;
    struct arena *arena = arena_new(1 << 20);
    struct expr_record *task = record_of("{\"type\":\"call\"}");
    struct rule_facts facts = {.records[EXPR_SLOT_TASK] = task};
    CHECK_I64(rule_set_new(rules, ARRAY_LEN(rules), &set, &err), ERR_OK);
    CHECK_I64(rule_set_decide(set, &facts, arena, &out, &err), ERR_OK);
    CHECK(str_eq_text(out.target, "WQb"));
    CHECK_I64(out.rule_count, 1);
    rule_set_free(set);
    expr_record_free(task);
    arena_free(arena);
}

static const struct test_case cases[] = {
    {"the first rule by priority decides", the_first_rule_by_priority_decides},
};

int main(int argc, char **argv)
{
    return testing_main("rules", cases, ARRAY_LEN(cases), argc, argv);
}
