#include "rules/rules.h"

#include <stdio.h>

#include "testing.h"

/* decide() looks rules up, trace() tries them all: they must agree. */

enum { RULES = 200, ROUNDS = 300, CONDITION_BYTES = 256 };

static const struct rule_action add_to_it[] = {
    {.type = RULE_ACTION_ADD_ATTRIBUTES, .attributes = {"{\"a\":1}", 7}},
    {.type = RULE_ACTION_CONTINUE                                 }
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static const char *one_of(const char *const *texts, size_t count, uint64_t *state)
{
    return texts[next_random(state) % count];
}

static void put_test(struct buf *out, uint64_t *state)
{
    static const char *const names[] = {"task.attributes.x", "task.attributes.y", "caller.z",
                                        "task.channel",      "line.phone",        "queue.waiting"};
    static const char *const values[] = {"'a'", "'b'", "'ab'", "'1'", "1", "true", "null"};
    static const char *const ops[] = {"==", "CONTAINS", "HAS", "!=", "STARTS_WITH"};
    const char *name = one_of(names, ARRAY_LEN(names), state);
    const char *value = one_of(values, ARRAY_LEN(values), state);
    const char *other = one_of(values, ARRAY_LEN(values), state);
    switch (next_random(state) % 5) {
    case 0:
        buf_printf(out, "%s IN [%s, %s]", name, value, other);
        return;
    case 1:
        buf_printf(out, "%s %s %s", value, one_of((const char *const[]){"==", "IN"}, 2, state),
                   name);
        return;
    default:
        buf_printf(out, "%s %s %s", name, one_of(ops, ARRAY_LEN(ops), state), value);
    }
}

static void put_condition(struct buf *out, uint64_t *state)
{
    size_t count = 1 + next_random(state) % 3;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_text(out, next_random(state) % 3 == 0 ? " OR " : " AND ");
        if (next_random(state) % 6 == 0)
            buf_text(out, "NOT ");
        put_test(out, state);
    }
}

static struct expr_record *random_record(uint64_t *state)
{
    static const char *const values[] = {
        "\"a\"", "\"b\"", "\"ab\"",        "\"1\"",      "1",        "true",
        "null",  "[]",    "[\"a\",\"b\"]", "[1,\"ab\"]", "{\"a\":1}"};
    struct err err = {0};
    struct expr_record *record = NULL;
    char json[256];
    (void)snprintf(json, sizeof json, "{\"x\":%s,\"y\":%s,\"z\":%s,\"channel\":\"a\"}",
                   one_of(values, ARRAY_LEN(values), state),
                   one_of(values, ARRAY_LEN(values), state),
                   one_of(values, ARRAY_LEN(values), state));
    CHECK_I64(expr_record_new(str_from(json), &record, &err), ERR_OK);
    return record;
}

static bool resolve(void *ctx, size_t rule, enum expr_slot slot, struct str name,
                    struct expr_value *out_value)
{
    (void)ctx;
    (void)name;
    if (slot == EXPR_SLOT_QUEUE) {
        *out_value = rule % 2 == 0 ? expr_value_str(STR("a")) : expr_value_i64(1);
        return true;
    }
    *out_value = expr_value_str(STR("ab"));
    return slot == EXPR_SLOT_LINE;
}

struct bed {
    uint64_t state;
    struct buf conditions[RULES];
    struct rule_def rules[RULES];
    struct rule_set *set;
};

static void bed_init(struct bed *bed)
{
    struct err err = {0};
    *bed = (struct bed){.state = 11};
    for (size_t i = 0; i < RULES; i++) {
        buf_init(&bed->conditions[i], CONDITION_BYTES);
        put_condition(&bed->conditions[i], &bed->state);
        bed->rules[i] = (struct rule_def){.sid = STR("RR1"),
                                          .priority = (int64_t)i,
                                          .is_enabled = i % 17 != 0,
                                          .condition = buf_str(&bed->conditions[i]),
                                          .actions = add_to_it,
                                          .action_count = ARRAY_LEN(add_to_it)};
    }
    bed->rules[20].condition = STR("");
    bed->rules[21].condition = STR("broken (");
    bed->rules[22].valid_until_us = 1;
    CHECK_I64(rule_set_new(bed->rules, RULES, &bed->set, &err), ERR_OK);
}

static size_t compare(struct bed *bed, const struct rule_facts *facts)
{
    struct err err = {0};
    struct rule_outcome quick;
    struct rule_outcome slow;
    struct rule_trace *rows = NULL;
    size_t count = 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new((size_t)16 << 20);
    CHECK_I64(rule_set_decide(bed->set, facts, arena, &quick, &err), ERR_OK);
    CHECK_I64(rule_set_trace(bed->set, facts, arena, &slow, &rows, &count, &err), ERR_OK);
    CHECK_I64(quick.rule_count, slow.rule_count);
    for (size_t i = 0; i < quick.rule_count && i < slow.rule_count; i++)
        CHECK_I64(quick.rules[i].rule, slow.rules[i].rule);
    return quick.rule_count;
}

static void no_rule_that_matches_is_left_out(void)
{
    static struct bed bed;
    size_t matched = 0;
    bed_init(&bed);
    for (int i = 0; i < ROUNDS; i++) {
        struct rule_facts facts = {.now_us = 5};
        struct expr_record *record = random_record(&bed.state);
        struct expr_record *other = random_record(&bed.state);
        facts.records[EXPR_SLOT_TASK] = record;
        facts.records[EXPR_SLOT_CALLER] = i % 3 == 0 ? NULL : other;
        facts.records[EXPR_SLOT_TASK_INFO] = other;
        facts.resolve = i % 2 == 0 ? resolve : NULL;
        matched += compare(&bed, &facts);
        expr_record_free(record);
        expr_record_free(other);
    }
    CHECK(matched > (size_t)ROUNDS * 10); /* not for want of matches */
    rule_set_free(bed.set);
    for (size_t i = 0; i < RULES; i++)
        buf_fini(&bed.conditions[i]);
}

/* More names than the index has room for. */
static void many_names_are_no_matter(void)
{
    enum { COUNT = 100 };
    static char conditions[COUNT][64];
    static struct rule_def rules[COUNT];
    struct err err = {0};
    struct rule_set *set = NULL;
    struct rule_outcome out;
    struct buf json;
    struct expr_record *task = NULL;
    AUTO(arena_cleanup) struct arena *arena = arena_new((size_t)16 << 20);
    buf_init(&json, 0);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(conditions[i], sizeof conditions[i], "task.attributes.n%d == 'v'", i);
        rules[i] = (struct rule_def){.sid = STR("RR1"),
                                     .is_enabled = true,
                                     .condition = str_from(conditions[i]),
                                     .actions = add_to_it,
                                     .action_count = ARRAY_LEN(add_to_it)};
        buf_printf(&json, "%s\"n%d\":\"v\"", i == 0 ? "{" : ",", i);
    }
    buf_char(&json, '}');
    REQUIRE(expr_record_new(buf_str(&json), &task, &err) == ERR_OK);
    REQUIRE(rule_set_new(rules, COUNT, &set, &err) == ERR_OK);
    const struct rule_facts facts = {.records[EXPR_SLOT_TASK] = task};
    CHECK_I64(rule_set_decide(set, &facts, arena, &out, &err), ERR_OK);
    CHECK_I64(out.rule_count, COUNT);
    rule_set_free(set);
    expr_record_free(task);
    buf_fini(&json);
}

static const struct test_case cases[] = {
    {"no rule that matches is left out", no_rule_that_matches_is_left_out},
    {"many names are no matter",         many_names_are_no_matter        },
};

int main(int argc, char **argv)
{
    return testing_main("index", cases, ARRAY_LEN(cases), argc, argv);
}
