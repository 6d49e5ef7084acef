#include "rules/rules.h"

#include <stdio.h>

#include "testing.h"

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define ROUTE(to) .type = RULE_ACTION_ROUTE_TO_QUEUE, .target = S(to)

static const struct rule_action to_a[] = {{ROUTE("WQa")}};
static const struct rule_action to_b[] = {{ROUTE("WQb")}};

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

#define RULE(sid, priority, condition, actions)                                                    \
    rule_of((sid), (priority), (condition), (actions), ARRAY_LEN(actions))

struct bed {
    struct err err;
    struct rule_set *set;
    struct arena *arena;
    struct expr_record *task;
    struct rule_facts facts;
    struct rule_outcome out;
    struct rule_trace *rows;
    size_t row_count;
};

/* Decides, and checks that the trace comes to the same. */
static void decide(struct bed *bed)
{
    struct rule_outcome traced;
    CHECK_I64(rule_set_decide(bed->set, &bed->facts, bed->arena, &bed->out, &bed->err), ERR_OK);
    CHECK_I64(rule_set_trace(bed->set, &bed->facts, bed->arena, &traced, &bed->rows,
                             &bed->row_count, &bed->err),
              ERR_OK);
    CHECK_I64(bed->row_count, rule_set_count(bed->set));
    CHECK(str_eq(traced.target, bed->out.target) && str_eq(traced.attributes, bed->out.attributes));
    CHECK(traced.priority == bed->out.priority && traced.timeout_s == bed->out.timeout_s &&
          traced.voice_count == bed->out.voice_count && traced.destination == bed->out.destination);
    CHECK_I64(traced.rule_count, bed->out.rule_count);
}

static void bed_init(struct bed *bed, const struct rule_def *rules, size_t count, const char *task)
{
    *bed = (struct bed){.arena = arena_new((size_t)4 << 20), .task = record_of(task)};
    CHECK_I64(rule_set_new(rules, count, &bed->set, &bed->err), ERR_OK);
    bed->facts.records[EXPR_SLOT_TASK] = bed->task;
    decide(bed);
}

static void bed_fini(struct bed *bed)
{
    rule_set_free(bed->set);
    expr_record_free(bed->task);
    arena_free(bed->arena);
}

static void the_first_rule_by_priority_then_age_decides(void)
{
    struct rule_def rules[] = {
        RULE("RR1", 5, "", to_a),
        RULE("RR3", 9, "task.attributes.type == 'call'", to_b),
        RULE("RR2", 9, "task.attributes.type == 'call'", to_a),
        RULE("RR4", 9, "task.attributes.type == 'mail'", to_a),
    };
    struct bed bed;
    bed_init(&bed, rules, ARRAY_LEN(rules), "{\"type\":\"call\"}");
    CHECK_STR(bed.out.target, "WQa"); /* RR2: as old, the lesser SID */
    CHECK_I64(bed.out.destination, RULE_ACTION_ROUTE_TO_QUEUE);
    CHECK_I64(bed.out.rule_count, 1);
    CHECK_STR(rule_set_at(bed.set, bed.out.rules[0].rule)->sid, "RR2");
    CHECK_I64(bed.out.rules[0].action_mask, 1);
    bed_fini(&bed);
    rules[2].created_at_us = 2;
    bed_init(&bed, rules, ARRAY_LEN(rules), "{\"type\":\"call\"}");
    CHECK_STR(bed.out.target, "WQb");
    bed_fini(&bed);
    rules[1].created_at_us = 0; /* a draft is the youngest */
    bed_init(&bed, rules, ARRAY_LEN(rules), "{\"type\":\"call\"}");
    CHECK_STR(bed.out.target, "WQa");
    CHECK_I64(rule_set_find(bed.set, STR("RR3")), 2);
    CHECK_I64(rule_set_find(bed.set, STR("RR9")), -1);
    bed_fini(&bed);
    bed_init(&bed, rules, ARRAY_LEN(rules), "{\"type\":\"fax\"}");
    CHECK_STR(rule_set_at(bed.set, bed.out.rules[0].rule)->sid, "RR1");
    bed_fini(&bed);
    bed_init(&bed, NULL, 0, "{}");
    CHECK(bed.out.rule_count == 0 && bed.out.destination == RULE_ACTION_NONE);
    CHECK(!rule_set_has_enabled(bed.set));
    bed_fini(&bed);
}

static void all_actions_of_a_rule_take_effect_in_order(void)
{
    static const struct rule_action actions[] = {
        {.type = RULE_ACTION_PLAY_MESSAGE,                                  .message = S("Hello")},
        {ROUTE("WQa"),                                                      .has_priority = true,  .priority = 70},
        {.type = RULE_ACTION_SET_TIMEOUT,                                                                 .has_timeout = true,                                                        .timeout_s = 30},
        {.type = RULE_ACTION_ADD_ATTRIBUTES,
         .attributes = S("{\"a\":{\"b\":[1, 2.5]},\"q\\\"\":\"\\u00e9\"}")               },
        {.type = RULE_ACTION_VOICEMAIL, .message = S("Speak")      },
    };
    const struct rule_def rules[] = {RULE("RR1", 1, "", actions), RULE("RR2", 0, "", to_b)};
    struct bed bed;
    bed_init(&bed, rules, ARRAY_LEN(rules), "{}");
    CHECK_STR(bed.out.target, "WQa");
    CHECK(bed.out.has_priority && bed.out.priority == 70);
    CHECK(bed.out.has_timeout && bed.out.timeout_s == 30);
    CHECK_STR(bed.out.attributes, "{\"a\":{\"b\":[1,2.5]},\"q\\\"\":\"\xC3\xA9\"}");
    REQUIRE(bed.out.voice_count == 2);
    CHECK_I64(bed.out.voice[0].type, RULE_ACTION_PLAY_MESSAGE);
    CHECK_STR(bed.out.voice[1].message, "Speak");
    CHECK_I64(bed.out.voice[1].action, 4);
    CHECK_I64(bed.out.rule_count, 1);
    CHECK_I64(bed.out.rules[0].action_mask, 31);
    bed_fini(&bed);
}

static void continue_lets_later_rules_add_but_not_overwrite(void)
{
    static const struct rule_action first[] = {
        {ROUTE("WQa")                      },
        {.type = RULE_ACTION_ADD_ATTRIBUTES, .attributes = S("{\"a\":1,\"b\":1}")},
        {.type = RULE_ACTION_CONTINUE                                 },
    };
    static const struct rule_action second[] = {
        {ROUTE("WQb"),                       .has_timeout = true, .timeout_s = 9}, /* in part */
        {.type = RULE_ACTION_ADD_ATTRIBUTES,                    .attributes = S("{\"b\":2,\"c\":2}")},
        {.type = RULE_ACTION_SET_PRIORITY, .has_priority = true, .priority = 3},
        {.type = RULE_ACTION_HANG_UP                                 },
        {.type = RULE_ACTION_CONTINUE             },
    };
    static const struct rule_action third[] = {
        {.type = RULE_ACTION_SET_PRIORITY, .has_priority = true, .priority = 4},
        {.type = RULE_ACTION_TRANSFER,                   .target = S("+15125550100")},
        {.type = RULE_ACTION_PLAY_MESSAGE,     .message = S("late")},
        {.type = RULE_ACTION_ADD_ATTRIBUTES,                                .attributes = S("{\"a\":3}")},
        {ROUTE("WQc")       },
    };
    const struct rule_def rules[] = {RULE("RR1", 9, "", first), RULE("RR2", 8, "", second),
                                     RULE("RR3", 7, "", third), RULE("RR4", 6, "", to_b)};
    struct bed bed;
    bed_init(&bed, rules, ARRAY_LEN(rules), "{}");
    CHECK_STR(bed.out.target, "WQa");
    CHECK_STR(bed.out.attributes, "{\"a\":1,\"b\":1,\"c\":2}");
    CHECK_I64(bed.out.priority, 3);
    CHECK_I64(bed.out.timeout_s, 9);
    REQUIRE(bed.out.voice_count == 1);
    CHECK_I64(bed.out.voice[0].type, RULE_ACTION_HANG_UP);
    REQUIRE(bed.out.rule_count == 3);
    CHECK_I64(bed.out.rules[0].action_mask, 7);
    CHECK_I64(bed.out.rules[1].action_mask, 31);
    CHECK_I64(bed.out.rules[2].action_mask, 0);
    CHECK_I64(bed.rows[2].result, RULE_RESULT_MATCHED);
    CHECK_I64(bed.rows[3].result, RULE_RESULT_NOT_REACHED);
    bed_fini(&bed);
}

static void a_trace_has_a_row_with_reasons_for_every_rule(void)
{
    struct rule_def rules[] = {
        RULE("off", 9, "", to_a),
        RULE("later", 8, "", to_a),
        RULE("over", 7, "", to_a),
        RULE("broken", 6, "time.hour <", to_a),
        RULE("no", 5, "task.attributes.type == 'mail' OR time.hour < 8", to_a),
        RULE("yes", 4, "task.attributes.type == 'call'", to_b),
        RULE("unreached", 3, "task.attributes.type == 'call'", to_a),
    };
    static const enum rule_result want[] = {RULE_RESULT_DISABLED,      RULE_RESULT_NOT_VALID_NOW,
                                            RULE_RESULT_NOT_VALID_NOW, RULE_RESULT_BROKEN,
                                            RULE_RESULT_NOT_MATCHED,   RULE_RESULT_MATCHED,
                                            RULE_RESULT_NOT_REACHED};
    struct bed bed;
    rules[0].is_enabled = false;
    rules[1].valid_from_us = 101;
    rules[2].valid_until_us = 100;
    bed_init(&bed, rules, ARRAY_LEN(rules), "{\"type\":\"call\"}");
    bed.facts.now_us = 100;
    struct expr_record *time = rule_time_record(
        &(struct rule_moment){.year = 2026, .month = 3, .day = 8, .hour = 8, .weekday = 7});
    bed.facts.records[EXPR_SLOT_TIME] = time;
    decide(&bed);
    CHECK_STR(bed.out.target, "WQb");
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        CHECK_I64(bed.rows[i].result, want[i]);
        CHECK_I64(bed.rows[i].rule, i);
    }
    CHECK(str_find(bed.rows[3].note, STR("At column 12")) >= 0);
    REQUIRE(bed.rows[4].condition.row_count == 3);
    CHECK_STR(bed.rows[4].condition.rows[2].text, "time.hour < 8");
    CHECK_STR(bed.rows[4].condition.rows[2].left, "8");
    CHECK_I64(bed.rows[6].condition.row_count, 0);
    bed.facts.now_us = 101; /* from is inclusive, until exclusive */
    decide(&bed);
    CHECK_I64(bed.rows[1].result, RULE_RESULT_MATCHED);
    bed.facts.now_us = 99;
    decide(&bed);
    CHECK_I64(bed.rows[2].result, RULE_RESULT_MATCHED);
    expr_record_free(time);
    bed_fini(&bed);
}

static void all_parts_of_a_local_time_have_names(void)
{
    static const struct rule_def rules[] = {
        {.sid = S("RR1"),
         .is_enabled = true,
         .condition = S("time.hour == 7 AND time.minute == 5 AND time.weekday == 7 AND "
                        "time.day_name == 'sunday' AND time.date == '2026-03-08' AND time.time == "
                        "'07:05' AND time.day == 8 AND time.month == 3 AND time.year == 2026"),
         .actions = to_a,
         .action_count = 1}
    };
    struct bed bed;
    bed_init(&bed, rules, 1, "{}");
    CHECK_I64(bed.out.rule_count, 0);
    struct expr_record *time = rule_time_record(&(struct rule_moment){
        .year = 2026, .month = 3, .day = 8, .hour = 7, .minute = 5, .weekday = 7});
    bed.facts.records[EXPR_SLOT_TIME] = time;
    decide(&bed);
    CHECK_I64(bed.out.rule_count, 1);
    expr_record_free(time);
    bed_fini(&bed);
}

/* The set-up guide's three rules, typed in as they are. */
static void the_guides_rules_decide_as_they_say(void)
{
    static const struct rule_action emergency[] = {
        {ROUTE("emergency"), .has_priority = true, .priority = 100}
    };
    static const struct rule_action support[] = {
        {ROUTE("support"), .has_priority = true, .priority = 75}
    };
    static const struct rule_action voicemail[] = {{ROUTE("voicemail")}};
    const struct rule_def rules[] = {
        RULE("RR1", 100, "task.attributes.keywords contains \"emergency\"", emergency),
        RULE("RR2", 75, "task.attributes.customer_type == \"vip\"", support),
        RULE("RR3", 50, "time.hour < 8 OR time.hour > 18", voicemail),
    };
    static const struct {
        const char *task;
        int hour;
        const char *target;
        int64_t priority;
    } rows[] = {
        {"{\"keywords\":[\"gas\",\"emergency\"],\"customer_type\":\"vip\"}", 3,  "emergency", 100},
        {"{\"keywords\":[\"gas\"],\"customer_type\":\"vip\"}",               3,  "support",   75 },
        {"{\"keywords\":[],\"customer_type\":\"VIP\"}",                      7,  "voicemail", 0  },
        {"{\"keywords\":[\"emergencyexit\"]}",                               8,  "",          0  },
        {"{}",                                                               7,  "voicemail", 0  },
        {"{}",                                                               8,  "",          0  },
        {"{}",                                                               18, "",          0  },
        {"{}",                                                               19, "voicemail", 0  },
        {"{}",                                                               0,  "voicemail", 0  },
        {"{}",                                                               23, "voicemail", 0  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed bed;
        bed_init(&bed, rules, ARRAY_LEN(rules), rows[i].task);
        struct expr_record *time = rule_time_record(&(struct rule_moment){.year = 2026,
                                                                          .month = 11,
                                                                          .day = 27,
                                                                          .hour = rows[i].hour,
                                                                          .minute = 59,
                                                                          .weekday = 5});
        bed.facts.records[EXPR_SLOT_TIME] = time;
        decide(&bed);
        CHECK_STR(bed.out.target, rows[i].target);
        CHECK_I64(bed.out.priority, rows[i].priority);
        expr_record_free(time);
        bed_fini(&bed);
    }
}

static bool resolve_queue(void *ctx, size_t rule, enum expr_slot slot, struct str name,
                          struct expr_value *out_value)
{
    const struct bed *bed = ctx;
    bool is_a = str_eq_text(rule_set_queue_of(bed->set, rule), "WQa");
    CHECK(slot == EXPR_SLOT_QUEUE && str_eq_text(name, "waiting"));
    *out_value = expr_value_i64(is_a ? 10 : 0);
    return true;
}

static void numbers_are_those_of_the_queue_that_the_rule_names(void)
{
    static const struct rule_def rules[] = {
        {.sid = S("RR1"),
         .priority = 2,
         .is_enabled = true,
         .condition = S("queue.waiting < 5"),
         .actions = to_a,
         .action_count = 1},
        {.sid = S("RR2"),
         .priority = 1,
         .is_enabled = true,
         .condition = S("queue.waiting < 5"),
         .actions = to_b,
         .action_count = 1},
    };
    struct bed bed;
    bed_init(&bed, rules, 2, "{}");
    CHECK_I64(bed.out.rule_count, 0); /* nobody knows: null */
    bed.facts.resolve = resolve_queue;
    bed.facts.resolve_ctx = &bed;
    decide(&bed);
    CHECK_STR(bed.out.target, "WQb");
    CHECK(rule_set_uses(bed.set, EXPR_SLOT_QUEUE) && !rule_set_uses(bed.set, EXPR_SLOT_WORKERS));
    CHECK(rule_set_rule_uses(bed.set, 1, EXPR_SLOT_QUEUE));
    bed_fini(&bed);
}

static void patterns_share_a_budget_and_the_trace_tells(void)
{
    static const char slow[] = "task.attributes.t MATCHES '^(a+)+$'";
    struct rule_def rules[14];
    struct bed bed;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        rules[i] = RULE("RR1", 5, slow, to_a);
    rules[12].condition = STR("task.attributes.u MATCHES 'aaab$'");
    rules[12].priority = 4;
    rules[13].condition = STR("task.attributes.u == 'aaab'");
    rules[13].priority = 3;
    rules[13].actions = to_b;
    bed_init(&bed, rules, ARRAY_LEN(rules),
             "{\"t\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\",\"u\":\"aaab\"}");
    CHECK_STR(bed.out.target, "WQb"); /* the steps of rule 12 are used up */
    CHECK_I64(bed.rows[0].result, RULE_RESULT_NOT_MATCHED);
    CHECK(bed.rows[0].note.len > 0 && bed.rows[12].note.len > 0 && bed.rows[13].note.len == 0);
    CHECK(bed.rows[0].condition.rows[0].has_given_up);
    CHECK(!bed.rows[12].condition.is_true);
    bed_fini(&bed);
}

static void sets_and_arenas_are_bounded(void)
{
    struct err err = {0};
    struct rule_set *set = NULL;
    struct rule_outcome out;
    struct rule_trace *rows = NULL;
    size_t count = 0;
    static const struct rule_action adds[] = {
        {.type = RULE_ACTION_ADD_ATTRIBUTES, .attributes = S("{\"a\":1}")},
        {.type = RULE_ACTION_HANG_UP                                 }
    };
    const struct rule_def rule = RULE("RR1", 1, "", adds);
    const struct rule_facts facts = {0};
    CHECK_I64(rule_set_new(&rule, RULE_MAX_RULES + 1, &set, &err), ERR_RESOURCE_EXHAUSTED);
    REQUIRE(rule_set_new(&rule, 1, &set, &err) == ERR_OK);
    for (size_t room = 8; room < 20000; room += 1024) {
        struct arena *arena = arena_new(room);
        enum err_code code = rule_set_decide(set, &facts, arena, &out, &err);
        CHECK(code == ERR_RESOURCE_EXHAUSTED || (code == ERR_OK && out.voice_count == 1));
        arena_free(arena);
        arena = arena_new(room);
        code = rule_set_trace(set, &facts, arena, &out, &rows, &count, &err);
        CHECK(code == ERR_RESOURCE_EXHAUSTED || (code == ERR_OK && count == 1));
        arena_free(arena);
    }
    rule_set_free(set);
}

static void attributes_are_merged_by_name(void)
{
    static const struct {
        const char *own;
        const char *added;
        bool replaces;
        const char *want;
    } rows[] = {
        {"{\"a\":1,\"b\":{\"x\":1}}",    "{\"b\":2,\"c\":3}",   true,  "{\"a\":1,\"b\":2,\"c\":3}"  },
        {"{\"a\":1,\"b\":{\"x\":1}}",    "{\"b\":2,\"c\":3}",   false,
         "{\"a\":1,\"b\":{\"x\":1},\"c\":3}"                                                        },
        {"",                             "{\"c\":3}",           true,  "{\"c\":3}"                  },
        {"{\"a\":1}",                    "",                    true,  "{\"a\":1}"                  },
        {"{\"a\":1,\"a\":2}",            "",                    true,  "{\"a\":2}"                  },
 /* Written anew, whichever way they were read. */
        {"{ \"a\" : 1 }",                "{\"b\": [1, 2]}",     true,  "{\"a\":1,\"b\":[1,2]}"      },
        {"{\"b\":1,\"a\":2}",            "{\"c\":3,\"b\":0.8}", true,  "{\"b\":0.8,\"a\":2,\"c\":3}"},
        {"{\"a\":\"\\u00e9\",\"n\":-0}", "{\"b\":1.50}",        true,
         "{\"a\":\"\xC3\xA9\",\"n\":0,\"b\":1.5}"                                                   },
        {"{\"\\u0061\":1}",              "{\"a\":2}",           true,  "{\"a\":2}"                  },
        {"{\"o\":{\"x\":1,\"x\":2}}",    "{}",                  true,  "{\"o\":{\"x\":2}}"          },
        {"{\"a\":1}",                    "{\"a\":2,\"a\":3}",   true,  "{\"a\":3}"                  },
        {"{\"a\":\"\xC3\"}",             "{}",                  true,  NULL                         },
        {"{\"a\":01}",                   "{}",                  true,  NULL                         },
        {"[]",                           "{\"c\":3}",           true,  NULL                         },
        {"{}",                           "3",                   true,  NULL                         },
    };
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        buf_clear(&out);
        enum err_code code = rule_attributes_merge(str_from(rows[i].own), str_from(rows[i].added),
                                                   rows[i].replaces, &out, &err);
        CHECK_I64(code, rows[i].want != NULL ? ERR_OK : ERR_INVALID_ARGUMENT);
        CHECK_STR(buf_str(&out), rows[i].want != NULL ? rows[i].want : "");
    }
    buf_fini(&out);
}

static const struct test_case cases[] = {
    {"the first rule by priority, then age decides",       the_first_rule_by_priority_then_age_decides},
    {"all actions of a rule take effect in order",         all_actions_of_a_rule_take_effect_in_order },
    {"CONTINUE lets later rules add, but not overwrite",
     continue_lets_later_rules_add_but_not_overwrite                                                  },
    {"a trace has a row with reasons for every rule",
     a_trace_has_a_row_with_reasons_for_every_rule                                                    },
    {"all parts of a local time have names",               all_parts_of_a_local_time_have_names       },
    {"the guide's rules decide as they say",               the_guides_rules_decide_as_they_say        },
    {"numbers are those of the queue that the rule names",
     numbers_are_those_of_the_queue_that_the_rule_names                                               },
    {"patterns share a budget and the trace tells",        patterns_share_a_budget_and_the_trace_tells},
    {"sets and arenas are bounded",                        sets_and_arenas_are_bounded                },
    {"attributes are merged by name",                      attributes_are_merged_by_name              },
};

int main(int argc, char **argv)
{
    return testing_main("decide", cases, ARRAY_LEN(cases), argc, argv);
}
