#include "rules/check.h"

#include <stdio.h>

#include "testing.h"

static const struct rule_action to_a[] = {
    {.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = {"WQa", 3}}
};
static const struct rule_action to_b[] = {
    {.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = {"WQb", 3}}
};
static const struct rule_action add_to_it[] = {
    {.type = RULE_ACTION_SET_PRIORITY, .has_priority = true, .priority = 5},
    {.type = RULE_ACTION_CONTINUE                  }
};
static const struct rule_action go_on_to_a[] = {
    {.type = RULE_ACTION_ROUTE_TO_QUEUE, .target = {"WQa", 3}},
    {.type = RULE_ACTION_CONTINUE                                 }
};

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

#define RULE(sid, priority, condition, actions)                                                    \
    rule_of((sid), (priority), (condition), (actions), ARRAY_LEN(actions))

struct report {
    enum err_code code;
    struct err err;
    struct arena *arena;
    struct rule_finding *findings;
    size_t count;
};

static struct report check_at(const struct rule_def *others, size_t count,
                              const struct rule_def *rule, int64_t now_us)
{
    struct report report = {.arena = arena_new(1 << 20)};
    struct rule_set *set = NULL;
    CHECK_I64(rule_set_new(others, count, &set, &report.err), ERR_OK);
    report.code =
        rule_check(set, rule, now_us, report.arena, &report.findings, &report.count, &report.err);
    rule_set_free(set);
    return report;
}

static void never_true_is_refused(void)
{
    static const char *const conditions[] = {
        "time.hour < 8 AND time.hour > 18",
        "time.hour > 23",
        "time.hour > 8 AND time.hour < 9",
        "time.hour == 25",
        "time.hour IN [24, 25]",
        "time.hour == 7.5",
        "time.weekday == 0",
        "time.hour < 8 AND time.hour > 18 OR time.minute == 60",
        "time.day_name == 'Monday'",
        "time.time > '18:00' AND time.time < '08:00'",
        "time.time == '24:00' AND time.hour == 1",
        "time.hour == 'noon'",
        "time.hour CONTAINS 'x'",
        "hours.open AND NOT hours.open",
        "hours.open == true AND hours.open == false",
        "hours.open == 'true'",
        "workers.available < 0",
        "queue.waiting > 5 AND NOT queue.waiting > 3",
        "task.attributes.a == 'x' AND task.attributes.a == 'y'",
        "task.attributes.a == 'x' AND task.attributes.a != 'x'",
        "task.attributes.a == 1 AND task.attributes.a == 2",
        "task.attributes.a == 1 AND task.attributes.a > 1",
        "task.attributes.a > 5 AND task.attributes.a < 5",
        "task.attributes.a >= 5 AND task.attributes.a < 5",
        "task.attributes.a > 'b' AND task.attributes.a < 'a'",
        "task.attributes.a IN ['x', 'y'] AND task.attributes.a == 'z'",
        "task.attributes.a IN ['x', 'y'] AND NOT task.attributes.a IN ['y', 'x']",
        "task.attributes.a NOT IN ['x'] AND task.attributes.a == 'x'",
        "task.attributes.a IN []",
        "task.attributes.a == null AND task.attributes.a != null",
        "task.attributes.a == null AND task.attributes.a CONTAINS 'x'",
        "task.attributes.k HAS 'x' AND NOT task.attributes.k HAS 'x'",
        "task.attributes.k HAS 'x' AND task.attributes.k == 'x'",
        "task.attributes.k CONTAINS 'x' AND NOT task.attributes.k CONTAINS 'x'",
        "task.attributes.p STARTS_WITH '+1512' AND task.attributes.p STARTS_WITH '+1737'",
        "task.attributes.p == 'ab' AND task.attributes.p STARTS_WITH 'b'",
        "task.attributes.p == 'ab' AND task.attributes.p MATCHES '^b'",
        "task.attributes.p MATCHES '^b' AND NOT task.attributes.p MATCHES '^b'",
        "task.attributes.a == task.attributes.b AND NOT task.attributes.a == task.attributes.b",
        "'x' == task.attributes.a AND task.attributes.a IN ['y']",
        "8 > time.hour AND 18 < time.hour",
        "1 == 2",
        "false",
        "task.attributes.a == 'x' AND (task.attributes.a == 'y' OR task.attributes.a == 'z')",
        "NOT (time.hour >= 0)",
        "task.attributes.a < true",
        "task.attributes.a > null",
    };
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        struct rule_def rule = RULE("RR1", 1, conditions[i], to_a);
        struct report report = check_at(NULL, 0, &rule, 1);
        if (report.code != ERR_INVALID_ARGUMENT)
            (void)printf("\n    %s\n", conditions[i]);
        CHECK_I64(report.code, ERR_INVALID_ARGUMENT);
        CHECK_TEXT(report.err.reason == NULL ? "" : report.err.reason, "CONDITION_NEVER_TRUE");
        CHECK_TEXT(report.err.field, "condition");
        if (i == 0)
            CHECK_TEXT(report.err.detail, "The condition can never be true: no value of time.hour "
                                          "is what it asks for.");
        arena_free(report.arena);
    }
}

static void what_may_be_true_is_not_refused(void)
{
    static const char *const conditions[] = {
        "task.attributes.keywords contains \"emergency\"",
        "task.attributes.customer_type == \"vip\"",
        "time.hour < 8 OR time.hour > 18",
        "",
        "task.attributes.a == 1 AND task.attributes.a == '1'",
        "task.attributes.a == 1 AND task.attributes.a == '1.0'",
        "task.attributes.a > 5 AND task.attributes.a < 'a'",
        "task.attributes.k HAS 'x' AND task.attributes.k HAS 'y'",
        "task.attributes.k CONTAINS 'x' AND NOT task.attributes.k HAS 'x'",
        "task.attributes.a != 'x' AND task.attributes.a != 'y'",
        "task.attributes.p STARTS_WITH '+1' AND task.attributes.p STARTS_WITH '+1512'",
        "task.attributes.a > 5 AND task.attributes.a < 6",
        "task.attributes.a >= 5 AND task.attributes.a <= 5",
        "time.hour > 8 AND time.hour < 10",
        "NOT task.attributes.a == 1 AND NOT task.attributes.a != 1",
        "task.attributes.a == task.attributes.b AND task.attributes.a != task.attributes.c",
        "task.attributes.a > 9223372036854775806 AND task.attributes.a < 9223372036854775807.5",
        "task.attributes.p MATCHES '^a' AND NOT task.attributes.p MATCHES '^b'",
        "hours.open == null",
    };
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        struct rule_def rule = RULE("RR1", 1, conditions[i], to_a);
        struct report report = check_at(NULL, 0, &rule, 1);
        CHECK_I64(report.code, ERR_OK);
        CHECK_TEXT(report.err.detail, "");
        CHECK_I64(report.count, 0);
        arena_free(report.arena);
    }
}

static void always_true_is_a_finding(void)
{
    static const struct {
        const char *condition;
        bool is_always;
    } rows[] = {
        {"time.hour >= 0",                                             true },
        {"time.hour < 12 OR time.hour >= 12",                          true },
        {"1 == 1",                                                     true },
        {"true OR task.attributes.a == 1",                             true },
        {"task.attributes.a == 1 OR NOT task.attributes.a == 1",       true },
        {"task.attributes.a == 'x' OR task.attributes.a NOT IN ['x']", true },
        {"task.attributes.a == 1 OR task.attributes.a != 1",           false}, /* an array */
        {"hours.open OR NOT hours.open",                               true },
        {"hours.open == true OR hours.open == false",                  false}, /* not known */
        {"workers.available >= 0",                                     false}, /* not known */
        {"",                                                           false}, /* on purpose */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rule_def rule = RULE("RR1", 1, rows[i].condition, to_a);
        struct report report = check_at(NULL, 0, &rule, 1);
        CHECK_I64(report.code, ERR_OK);
        CHECK_I64(report.count, rows[i].is_always);
        if (report.count > 0)
            CHECK_TEXT(rule_finding_name(report.findings[0].type), "ALWAYS_TRUE");
        arena_free(report.arena);
    }
}

static void rules_are_compared_with_each_other(void)
{
    static const char night[] = "time.hour < 8 OR time.hour > 18";
    static const struct {
        const char *other;
        const struct rule_action *other_actions;
        int64_t other_priority;
        const char *rule;
        int64_t priority;
        const char *want;
    } rows[] = {
        {"",                                       to_a,       9, "task.attributes.a == 1",           5, "UNREACHABLE"},
        {night,                                    to_a,       9, "time.hour < 6",                    5, "UNREACHABLE"},
        {night,                                    to_a,       9, "time.hour < 6 OR time.hour == 20", 5, "UNREACHABLE"},
        {night,                                    to_a,       9, "time.hour < 9",                    5, ""           },
        {night,                                    go_on_to_a, 9, "time.hour < 6",                    5, ""           },
        {"task.attributes.a IN ['x', 'y']",        to_a,       9, "task.attributes.a == 'y'",         5, "UNREACHABLE"},
        {"task.attributes.a STARTS_WITH 'x'",      to_a,       9, "task.attributes.a == 'xy'",        5,
         "UNREACHABLE"                                                                                                },
        {"task.attributes.a == task.attributes.b", to_a,       9,
         "task.attributes.a == task.attributes.b AND hours.open",                                     5, "UNREACHABLE"},
        {"time.hour < 6",                          to_a,       5, night,                              9, "HIDES"      },
        {"task.attributes.a == 1",                 to_a,       5, "",                                 9, "HIDES"      },
        {"task.attributes.a == 'x'",               to_a,       5, "task.attributes.b == 'x'",         5, "OVERLAPS"   },
        {"task.attributes.a == 'x'",               to_b,       5, "task.attributes.b == 'x'",         5, ""           },
        {"task.attributes.a == 'x'",               to_a,       6, "task.attributes.b == 'x'",         5, ""           },
        {"task.attributes.a == 'x'",               to_a,       5, "task.attributes.a == 'y'",         5, ""           },
        {"task.attributes.a == 'x'",               go_on_to_a, 5, "task.attributes.b == 'x'",         5, "OVERLAPS"   },
        {"task.attributes.a == 'x'",               add_to_it,  5, "task.attributes.b == 'x'",         5, ""           },
        {night,                                    to_a,       5, "time.hour == 7",                   5, "UNREACHABLE"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct rule_def other = rule_of(
            "RR1", rows[i].other_priority, rows[i].other, rows[i].other_actions,
            rows[i].other_actions == go_on_to_a || rows[i].other_actions == add_to_it ? 2 : 1);
        struct rule_def rule = RULE("RR2", rows[i].priority, rows[i].rule, to_b);
        struct report report = check_at(&other, 1, &rule, 1);
        CHECK_I64(report.code, ERR_OK);
        const char *got = report.count > 0 ? rule_finding_name(report.findings[0].type) : "";
        if (strcmp(got, rows[i].want) != 0)
            (void)printf("\n    %s | %s\n", rows[i].other, rows[i].rule);
        CHECK_TEXT(got, rows[i].want);
        if (report.count > 0) {
            CHECK_I64(report.findings[0].other_count, 1);
            CHECK_STR(report.findings[0].other_sids[0], "RR1");
            CHECK(str_find(report.findings[0].message, STR("\"RR1\"")) > 0);
        }
        arena_free(report.arena);
    }
}

static void an_overlap_names_both(void)
{
    const struct rule_def other = RULE("Old", 5, "task.attributes.a == 'x'", to_a);
    struct rule_def rule = RULE("New", 5, "task.attributes.b == 'x'", to_b);
    struct report report = check_at(&other, 1, &rule, 1);
    REQUIRE(report.count == 1);
    CHECK_STR(report.findings[0].message,
              "Rule \"New\" and \"Old\" have the same priority, may match the same task and differ "
              "in what they do; the older one comes first.");
    arena_free(report.arena);
}

static void what_does_not_count_is_left_out(void)
{
    struct rule_def others[] = {
        RULE("RR1", 9, "", to_a),         RULE("RR2", 9, "", to_a), RULE("RR3", 9, "", to_a),
        RULE("RR4", 9, "broken (", to_a), RULE("RR5", 9, "", to_a),
    };
    struct rule_def rule = RULE("RR5", 5, "task.attributes.a == 1", to_b);
    others[0].is_enabled = false;
    others[1].valid_until_us = 100; /* covers only a part */
    others[2].valid_from_us = 50;
    struct report report = check_at(others, ARRAY_LEN(others), &rule, 1);
    CHECK_I64(report.code, ERR_OK);
    CHECK_I64(report.count, 0); /* RR5 is the rule itself */
    arena_free(report.arena);
    rule.valid_from_us = 60;
    rule.valid_until_us = 90;
    report = check_at(others, ARRAY_LEN(others), &rule, 1);
    REQUIRE(report.count == 1);
    CHECK_TEXT(rule_finding_name(report.findings[0].type), "UNREACHABLE");
    CHECK_I64(report.findings[0].other_count, 2);
    arena_free(report.arena);
    rule.is_enabled = false;
    report = check_at(others, ARRAY_LEN(others), &rule, 1);
    CHECK_I64(report.count, 0);
    arena_free(report.arena);
}

static void validity_and_priority_are_checked(void)
{
    struct rule_def rule = RULE("RR1", 5, "", to_b);
    rule.valid_until_us = 10;
    struct report report = check_at(NULL, 0, &rule, 10);
    REQUIRE(report.count == 1);
    CHECK_TEXT(rule_finding_name(report.findings[0].type), "NEVER_VALID");
    arena_free(report.arena);
    rule.valid_from_us = 10;
    report = check_at(NULL, 0, &rule, 1);
    CHECK_I64(report.code, ERR_INVALID_ARGUMENT);
    CHECK_TEXT(report.err.field, "valid_until");
    arena_free(report.arena);
    rule = RULE("RR1", RULE_MAX_PRIORITY + 1, "", to_b);
    report = check_at(NULL, 0, &rule, 1);
    CHECK_TEXT(report.err.field, "priority");
    arena_free(report.arena);
    rule = RULE("RR1", 1, "time.hour <", to_b);
    report = check_at(NULL, 0, &rule, 1);
    CHECK_TEXT(report.err.field, "condition");
    arena_free(report.arena);
    rule = rule_of("RR1", 1, "", NULL, 0);
    report = check_at(NULL, 0, &rule, 1);
    CHECK_TEXT(report.err.field, "actions");
    arena_free(report.arena);
}

static void what_is_too_large_is_not_judged(void)
{
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < 7; i++)
        buf_printf(&text, "%s(task.attributes.a%d == 1 OR task.attributes.b%d == 1)",
                   i == 0 ? "" : " AND ", i, i);
    buf_char(&text, '\0');
    struct rule_def rule = RULE("RR1", 5, text.data, to_b);
    struct report report = check_at(NULL, 0, &rule, 1);
    CHECK_I64(report.code, ERR_OK);
    REQUIRE(report.count == 1);
    CHECK_TEXT(rule_finding_name(report.findings[0].type), "NOT_JUDGED");
    arena_free(report.arena);
    const struct rule_def other = RULE("RR2", 9, text.data, to_a);
    rule = RULE("RR1", 5, "task.attributes.a0 == 1", to_b);
    report = check_at(&other, 1, &rule, 1);
    REQUIRE(report.count == 1);
    CHECK_TEXT(rule_finding_name(report.findings[0].type), "NOT_JUDGED");
    CHECK_STR(report.findings[0].other_sids[0], "RR2");
    arena_free(report.arena);
    buf_fini(&text);
}

/* Each comparison holds the same text against a pattern without end. */
static void patterns_are_bounded_over_all_comparisons(void)
{
    enum { COUNT = 60 };
    static struct rule_def others[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        others[i] = RULE("RR1", 9, "task.attributes.x MATCHES '^(a+)+$'", to_a);
    struct rule_def rule =
        RULE("RR2", 5, "task.attributes.x == 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'", to_b);
    struct report report = check_at(others, COUNT, &rule, 1);
    CHECK_I64(report.code, ERR_OK);
    REQUIRE(report.count == 1);
    CHECK_TEXT(rule_finding_name(report.findings[0].type), "NOT_JUDGED");
    CHECK_I64(report.findings[0].other_count, RULE_FINDING_MAX_OTHERS);
    arena_free(report.arena);
}

/* ---- against evaluation ---------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void put_test(struct buf *out, uint64_t *state)
{
    static const char *const values[] = {"1",    "2",    "'1'",  "'1.0'", "'a'",
                                         "'ab'", "true", "null", "2.5"};
    static const char *const ops[] = {"==", "!=",       "<",   "<=",          ">",
                                      ">=", "CONTAINS", "HAS", "STARTS_WITH", "ENDS_WITH"};
    const char *name = next_random(state) % 2 == 0 ? "task.attributes.x" : "task.attributes.y";
    const char *value = values[next_random(state) % ARRAY_LEN(values)];
    const char *other = values[next_random(state) % ARRAY_LEN(values)];
    switch (next_random(state) % 8) {
    case 0:
        buf_printf(out, "%s IN [%s, %s]", name, value, other);
        return;
    case 1:
        buf_printf(out, "%s NOT IN [%s, %s]", name, value, other);
        return;
    case 2:
        buf_printf(out, "%s %s %s", value, ops[next_random(state) % 6], name);
        return;
    default:
        buf_printf(out, "%s %s %s", name, ops[next_random(state) % ARRAY_LEN(ops)], value);
    }
}

static void put_condition(struct buf *out, uint64_t *state, int depth)
{
    size_t count = 1 + next_random(state) % 3;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_text(out, next_random(state) % 3 == 0 ? " OR " : " AND ");
        if (next_random(state) % 4 == 0)
            buf_text(out, "NOT ");
        if (depth < 2 && next_random(state) % 3 == 0) {
            buf_char(out, '(');
            put_condition(out, state, depth + 1);
            buf_char(out, ')');
        } else {
            put_test(out, state);
        }
    }
}

static const char *const sample_values[] = {
    "null",    "true",  "false", "0",      "1",     "1.5",  "2",  "2.5", "3",         "\"1\"",
    "\"1.0\"", "\"2\"", "\"a\"", "\"ab\"", "\"b\"", "\"\"", "[]", "[1]", "[\"a\",2]", "{\"a\":1}",
};

struct samples {
    struct expr_record *records[ARRAY_LEN(sample_values) * ARRAY_LEN(sample_values)];
};

static void make_samples(struct samples *samples)
{
    const size_t count = ARRAY_LEN(sample_values);
    for (size_t i = 0; i < count * count; i++) {
        struct err err = {0};
        char json[128];
        (void)snprintf(json, sizeof json, "{\"x\":%s,\"y\":%s}", sample_values[i / count],
                       sample_values[i % count]);
        CHECK_I64(expr_record_new(str_from(json), &samples->records[i], &err), ERR_OK);
    }
}

/* How many samples satisfy a, and how many b but not a. */
static void ask_samples(const struct samples *samples, const char *a, const char *b,
                        size_t *out_true, size_t *out_b_only)
{
    struct err err = {0};
    struct expr *of_a = NULL;
    struct expr *of_b = NULL;
    *out_true = *out_b_only = 0;
    REQUIRE(expr_compile(str_from(a), &expr_context_rule, &of_a, &err) == ERR_OK);
    REQUIRE(expr_compile(str_from(b), &expr_context_rule, &of_b, &err) == ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(samples->records); i++) {
        struct expr_env env = {.records[EXPR_SLOT_TASK] = samples->records[i]};
        bool is_a = expr_eval(of_a, &env);
        *out_true += is_a ? 1 : 0;
        *out_b_only += !is_a && expr_eval(of_b, &env) ? 1 : 0;
    }
    expr_free(of_a);
    expr_free(of_b);
}

static bool has_finding(const struct report *report, enum rule_finding_type type)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->findings[i].type == type)
            return true;
    }
    return false;
}

static void judgements_hold_for_thousands_of_conditions(void)
{
    struct samples samples;
    struct buf a;
    struct buf b;
    uint64_t state = 7;
    size_t judged[3] = {0};
    buf_init(&a, 0);
    buf_init(&b, 0);
    make_samples(&samples);
    for (int i = 0; i < 1500; i++) {
        size_t true_count = 0;
        size_t b_only = 0;
        buf_clear(&a);
        buf_clear(&b);
        put_condition(&a, &state, 0);
        put_condition(&b, &state, 0);
        const struct rule_def first = RULE("A", 9, a.data, to_a);
        const struct rule_def second = RULE("B", 5, b.data, to_b);
        struct report alone = check_at(NULL, 0, &first, 1);
        struct report both = check_at(&first, 1, &second, 1);
        ask_samples(&samples, a.data, b.data, &true_count, &b_only);
        if (alone.code != ERR_OK) {
            CHECK_I64(true_count, 0);
            judged[0]++;
        }
        if (has_finding(&alone, RULE_FINDING_ALWAYS_TRUE)) {
            CHECK_I64(true_count, ARRAY_LEN(samples.records));
            judged[1]++;
        }
        if (has_finding(&both, RULE_FINDING_UNREACHABLE)) {
            CHECK_I64(b_only, 0);
            judged[2]++;
        }
        arena_free(alone.arena);
        arena_free(both.arena);
    }
    CHECK(judged[0] > 50 && judged[1] > 5 && judged[2] > 20); /* not for want of cases */
    for (size_t i = 0; i < ARRAY_LEN(samples.records); i++)
        expr_record_free(samples.records[i]);
    buf_fini(&a);
    buf_fini(&b);
}

static const struct test_case cases[] = {
    {"never true is refused",                       never_true_is_refused                      },
    {"what may be true is not refused",             what_may_be_true_is_not_refused            },
    {"always true is a finding",                    always_true_is_a_finding                   },
    {"rules are compared with each other",          rules_are_compared_with_each_other         },
    {"an overlap names both",                       an_overlap_names_both                      },
    {"what does not count is left out",             what_does_not_count_is_left_out            },
    {"validity and priority are checked",           validity_and_priority_are_checked          },
    {"what is too large is not judged",             what_is_too_large_is_not_judged            },
    {"patterns are bounded over all comparisons",   patterns_are_bounded_over_all_comparisons  },
    {"judgements hold for thousands of conditions", judgements_hold_for_thousands_of_conditions},
};

int main(int argc, char **argv)
{
    return testing_main("check", cases, ARRAY_LEN(cases), argc, argv);
}
