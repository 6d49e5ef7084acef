/*
 * Input: a line with a condition or a flat list, a line with another condition, the rest a task's
 * attributes (JSON). A list that translates means a condition that compiles and is read back; a
 * condition with a list means the same as its list. Both conditions become rules, which are checked
 * and decide; the trace must agree, and so must what was said of them with what they do.
 */
#include <stdlib.h>

#include "base/macros.h"
#include "fuzz.h"
#include "rules/check.h"
#include "rules/condition.h"

enum { ARENA_BYTES = 16 << 20 };

static bool is_true(struct str condition, const struct rule_facts *facts)
{
    struct err err = {0};
    struct expr *expr = NULL;
    struct expr_env env = {0};
    if (str_trim(condition).len == 0)
        return true;
    INVARIANT(condition.len <= RULE_MAX_CONDITION_BYTES);
    enum err_code code = expr_compile(condition, &expr_context_rule, &expr, &err);
    INVARIANT(code == ERR_OK);
    for (size_t i = 0; i < EXPR_SLOT_COUNT; i++)
        env.records[i] = facts->records[i];
    bool result = expr_eval(expr, &env);
    expr_free(expr);
    return result;
}

/* A condition's list says the same as the condition. */
static void try_text(struct str text, const struct rule_facts *facts)
{
    struct err err = {0};
    struct buf flat;
    struct buf back;
    buf_init(&flat, 0);
    buf_init(&back, 0);
    if (rule_condition_check(text, &err) == ERR_OK && rule_text_to_flat(text, &flat)) {
        enum err_code code = rule_flat_to_text(buf_str(&flat), &back, &err);
        INVARIANT(code == ERR_OK);
        INVARIANT(is_true(text, facts) == is_true(buf_str(&back), facts));
    }
    buf_fini(&flat);
    buf_fini(&back);
}

static void try_flat(struct str json, const struct rule_facts *facts)
{
    struct err err = {0};
    struct buf text;
    struct buf again;
    buf_init(&text, 0);
    buf_init(&again, 0);
    if (rule_flat_to_text(json, &text, &err) == ERR_OK) {
        (void)is_true(buf_str(&text), facts);
        bool is_read = rule_flat_read(json, buf_str(&text), &again);
        INVARIANT(is_read && str_eq(buf_str(&again), json));
        try_text(buf_str(&text), facts);
    } else {
        INVARIANT(err.field[0] != '\0' && err.detail[0] != '\0' && text.len == 0);
    }
    buf_fini(&text);
    buf_fini(&again);
}

static const struct rule_action to_queue[] = {
    {.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = {"WQ1", 3}}
};
static const struct rule_action to_worker[] = {
    {.type = RULE_ACTION_ROUTE_TO_WORKER, .target = {"WK1", 3}}
};

static bool has_finding(const struct rule_finding *findings, size_t count,
                        enum rule_finding_type type)
{
    for (size_t i = 0; i < count; i++) {
        if (findings[i].type == type)
            return true;
    }
    return false;
}

/* first is in the set, second is judged; then both decide. */
static void try_rules(struct str first, struct str second, const struct rule_facts *facts)
{
    struct rule_def rules[2] = {
        {.sid = STR("RR1"), .priority = 9, .is_enabled = true, .condition = first },
        {.sid = STR("RR2"), .priority = 5, .is_enabled = true, .condition = second},
    };
    struct err err = {0};
    struct rule_set *set = NULL;
    struct rule_finding *findings = NULL;
    struct rule_outcome out;
    struct rule_outcome traced;
    struct rule_trace *rows = NULL;
    size_t count = 0;
    size_t row_count = 0;
    struct arena *arena = arena_new(ARENA_BYTES);
    rules[0].actions = to_queue;
    rules[1].actions = to_worker;
    rules[0].action_count = rules[1].action_count = 1;
    enum err_code code = rule_set_new(rules, 2, &set, &err);
    INVARIANT(code == ERR_OK);
    code = rule_check(set, &rules[1], 0, arena, &findings, &count, &err);
    if (code == ERR_OK) {
        bool is_second = is_true(second, facts);
        INVARIANT(is_second || !has_finding(findings, count, RULE_FINDING_ALWAYS_TRUE));
        if (is_second && has_finding(findings, count, RULE_FINDING_UNREACHABLE))
            INVARIANT(is_true(first, facts));
    } else if (str_eq_text(str_from(err.reason), "CONDITION_NEVER_TRUE")) {
        INVARIANT(!is_true(second, facts));
    }
    code = rule_set_decide(set, facts, arena, &out, &err);
    INVARIANT(code == ERR_OK);
    if (rule_set_trace(set, facts, arena, &traced, &rows, &row_count, &err) == ERR_OK)
        INVARIANT(out.rule_count == traced.rule_count && out.destination == traced.destination &&
                  row_count == 2);
    rule_set_free(set);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct str rest = {.ptr = size == 0 ? "" : (const char *)data, .len = size};
    struct str first = str_split(&rest, '\n');
    struct str second = str_split(&rest, '\n');
    struct expr_record *task = NULL;
    struct rule_facts facts = {.now_us = 1};
    if (expr_record_new(rest, &task, &err) != ERR_OK)
        task = NULL;
    struct expr_record *time = rule_time_record(
        &(struct rule_moment){.year = 2026, .month = 3, .day = 8, .hour = 7, .weekday = 7});
    facts.records[EXPR_SLOT_TASK] = task;
    facts.records[EXPR_SLOT_CALLER] = task;
    facts.records[EXPR_SLOT_TIME] = time;
    try_flat(first, &facts);
    try_text(first, &facts);
    try_text(second, &facts);
    try_rules(first, second, &facts);
    expr_record_free(task);
    expr_record_free(time);
    return 0;
}
