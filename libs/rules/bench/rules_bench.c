/*
 * Microseconds of processor time for what libs/rules does while a call is waiting, for the figures
 * in libs/rules/README.md. Not a test: prints, judges nothing. Arguments: number of rules (default
 * 1000), seconds per line (default 1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "rules/check.h"
#include "rules/keywords.h"

enum { CALLS = 64, CONDITION_BYTES = 160 };

static const struct rule_action to_queue[] = {
    {.type = RULE_ACTION_ROUTE_TO_QUEUE,
     .target = {"WQ00000000000000000000000000000001", 34},
     .has_priority = true,
     .priority = 50}
};

/* What a caller said, 198 characters. */
static const char said_text[] =
    "Hello, I have a question about the permit for my house, could you schedule a visit please? "
    "There is some water in the cellar, and the electrician said that the power should be off. "
    "Thanks very much!";

struct bench {
    size_t count;
    int64_t span_us;
    struct rule_def *rules;
    char (*conditions)[CONDITION_BYTES];
    struct rule_set *set;
    struct keyword_set *keywords;
    struct arena *arena;
    char tasks[CALLS][400];
    char callers[CALLS][200];
    struct expr_record *records[CALLS][EXPR_SLOT_COUNT];
    uint64_t sum; /* keeps the work from being optimised away */
};

/* Processor time, not wall time: the figures should not depend on who else is running. */
static int64_t cpu_us(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static void must(enum err_code code, const struct err *err)
{
    if (code == ERR_OK)
        return;
    (void)fprintf(stderr, "%s\n", err->detail);
    abort();
}

static struct expr_record *record_of(struct str json)
{
    struct err err = {0};
    struct expr_record *record = NULL;
    must(expr_record_new(json, &record, &err), &err);
    return record;
}

/* Kinds of rules as people write them; no call of the bench matches one but the last. */
static void mixed_condition(char *out, size_t i)
{
    static const char *const kinds[][2] = {
        {"task.attributes.department == 'none",                                              "' AND hours.open"                         },
        {"task.attributes.keywords CONTAINS 'none",                                          "'"                                        },
        {"task.attributes.customer_type == 'none",                                           "' OR caller.project_status == 'none'"     },
        {"(time.hour < 5 OR time.hour > 22) AND task.attributes.language == 'none",          "'"                                        },
        {"caller.phone STARTS_WITH '+1999",                                                  "'"                                        },
        {"task.attributes.site.level >= 1",                                                  " AND time.weekday IN [6, 7]"              },
        {"task.attributes.department IN ['x', 'y', 'none",                                   "']"                                       },
        {"task.attributes.type == 'call' AND task.attributes.vip AND task.attributes.n == ", ""                                         },
        {"line.phone == '+1512555",                                                          "' AND NOT hours.holiday"                  },
        {"task.attributes.keywords CONTAINS 'none",                                          "' OR task.attributes.department == 'none'"},
    };
    (void)snprintf(out, CONDITION_BYTES, "%s%zu%s", kinds[i % ARRAY_LEN(kinds)][0], i,
                   kinds[i % ARRAY_LEN(kinds)][1]);
}

static void pattern_condition(char *out, size_t i)
{
    (void)snprintf(out, CONDITION_BYTES, "caller.phone MATCHES '^\\+1(999|998)%03zu\\d{4}$'",
                   i % 1000);
}

static void make_set(struct bench *b, void (*condition)(char *out, size_t i))
{
    struct err err = {0};
    rule_set_free(b->set);
    for (size_t i = 0; i < b->count; i++) {
        condition(b->conditions[i], i);
        b->rules[i] = (struct rule_def){.sid = STR("RR00000000000000000000000000000001"),
                                        .name = STR("rule"),
                                        .priority = (int64_t)(i % 1000),
                                        .created_at_us = (int64_t)i + 1,
                                        .is_enabled = true,
                                        .condition = str_from(b->conditions[i]),
                                        .actions = to_queue,
                                        .action_count = ARRAY_LEN(to_queue)};
    }
    b->rules[0].condition = STR(""); /* the last one takes what is left */
    b->rules[0].created_at_us = INT64_MAX;
    must(rule_set_new(b->rules, b->count, &b->set, &err), &err);
}

static void make_calls(struct bench *b)
{
    static const char *const departments[] = {"permits", "billing", "utilities", "support"};
    for (size_t i = 0; i < CALLS; i++) {
        (void)snprintf(b->tasks[i], sizeof b->tasks[i],
                       "{\"type\":\"call\",\"call_sid\":\"CA%032zu\",\"department\":\"%s\","
                       "\"customer_type\":\"regular\",\"keywords\":[\"permit\",\"question\"],"
                       "\"language\":\"en\",\"site\":{\"level\":0},\"from\":\"+15125550%03zu\","
                       "\"to\":\"+15125559999\",\"direction\":\"inbound\"}",
                       i, departments[i % 4], i);
        (void)snprintf(b->callers[i], sizeof b->callers[i],
                       "{\"phone\":\"+15125550%03zu\",\"name\":\"Customer %zu\","
                       "\"project_status\":\"active\",\"customer_type\":\"regular\"}",
                       i, i);
        struct rule_moment moment = {.year = 2026,
                                     .month = 11,
                                     .day = 27,
                                     .hour = (int)(8 + i % 10),
                                     .minute = (int)(i % 60),
                                     .weekday = (int)(1 + i % 5)};
        b->records[i][EXPR_SLOT_TASK] = record_of(str_from(b->tasks[i]));
        b->records[i][EXPR_SLOT_CALLER] = record_of(str_from(b->callers[i]));
        b->records[i][EXPR_SLOT_TIME] = rule_time_record(&moment);
        b->records[i][EXPR_SLOT_LINE] = record_of(STR("{\"phone\":\"+15125559999\"}"));
        b->records[i][EXPR_SLOT_HOURS] = record_of(STR("{\"open\":true,\"holiday\":false}"));
        b->records[i][EXPR_SLOT_TASK_INFO] =
            record_of(STR("{\"channel\":\"voice\",\"priority\":0}"));
    }
}

/* ---- the lines ------------------------------------------------------------------------------- */

static void decide(struct bench *b, size_t round)
{
    struct err err = {0};
    struct rule_outcome out;
    struct rule_facts facts = {.now_us = 1};
    for (size_t i = 0; i < EXPR_SLOT_COUNT; i++)
        facts.records[i] = b->records[round % CALLS][i];
    arena_reset(b->arena);
    must(rule_set_decide(b->set, &facts, b->arena, &out, &err), &err);
    b->sum += out.rule_count;
}

static void must_finish(struct jx_writer *w)
{
    struct err err = {0};
    jx_object_end(w);
    must(jx_writer_finish(w, &err), &err);
}

/* The caller's record with the number that calls, and those of the line, the hours and the task. */
static void make_facts(struct bench *b, size_t call, struct str attributes,
                       struct expr_record *records[EXPR_SLOT_COUNT])
{
    struct err err = {0};
    struct jx_writer w;
    struct buf json;
    struct buf caller;
    char phone[20];
    struct rule_moment moment = {.year = 2026, .month = 11, .day = 27, .hour = 9, .weekday = 5};
    (void)snprintf(phone, sizeof phone, "+15125550%03zu", call);
    buf_init(&json, 0);
    buf_init(&caller, 0);
    jx_writer_init(&w, &json);
    jx_object_begin(&w);
    jx_put_text(&w, "phone", phone);
    must_finish(&w);
    must(rule_attributes_merge(str_from(b->callers[call]), buf_str(&json), true, &caller, &err),
         &err);
    records[EXPR_SLOT_CALLER] = record_of(buf_str(&caller));
    records[EXPR_SLOT_TASK] = record_of(attributes);
    records[EXPR_SLOT_TIME] = rule_time_record(&moment);
    records[EXPR_SLOT_LINE] = record_of(STR("{\"phone\":\"+15125559999\"}"));
    buf_clear(&json);
    jx_writer_init(&w, &json);
    jx_object_begin(&w);
    jx_put_bool(&w, "open", true);
    jx_put_bool(&w, "holiday", false);
    jx_put_text(&w, "holiday_name", "");
    must_finish(&w);
    records[EXPR_SLOT_HOURS] = record_of(buf_str(&json));
    buf_clear(&json);
    jx_writer_init(&w, &json);
    jx_object_begin(&w);
    jx_put_text(&w, "channel", "voice");
    jx_put_i64(&w, "priority", 0);
    must_finish(&w);
    records[EXPR_SLOT_TASK_INFO] = record_of(buf_str(&json));
    buf_fini(&json);
    buf_fini(&caller);
}

/* As routing-svc does it from the request's texts on (decide_task_check and decide of its
 * decide/decide.c): they are checked, keywords put in, all records made, rules asked, and what they
 * add put over the attributes. */
static void decide_whole(struct bench *b, size_t round)
{
    struct err err = {0};
    struct keyword_result found;
    struct rule_outcome out;
    struct buf merged;
    struct buf result;
    struct rule_facts facts = {.now_us = 1};
    struct expr_record *records[EXPR_SLOT_COUNT] = {0};
    const size_t call = round % CALLS;
    struct str attributes = str_from(b->tasks[call]);
    buf_init(&merged, 0);
    buf_init(&result, 0);
    arena_reset(b->arena);
    must(jx_check_object_text(attributes, JX_ATTRIBUTES_CHARS, "attributes", &err), &err);
    must(jx_check_object_text(str_from(b->callers[call]), 16384, "caller", &err), &err);
    must(keyword_set_detect(b->keywords, str_from(said_text), b->arena, &found, &err), &err);
    must(keyword_result_merge(&found, attributes, &merged, &err), &err);
    make_facts(b, call, arena_str(b->arena, buf_str(&merged)), records);
    for (size_t i = 0; i < EXPR_SLOT_COUNT; i++)
        facts.records[i] = records[i];
    must(rule_set_decide(b->set, &facts, b->arena, &out, &err), &err);
    must(rule_attributes_merge(buf_str(&merged), STR("{\"department\":\"permits\"}"), true, &result,
                               &err),
         &err);
    b->sum += out.rule_count + arena_str(b->arena, buf_str(&result)).len;
    for (size_t i = 0; i < EXPR_SLOT_COUNT; i++)
        expr_record_free(records[i]);
    buf_fini(&merged);
    buf_fini(&result);
}

static void trace(struct bench *b, size_t round)
{
    struct err err = {0};
    struct rule_outcome out;
    struct rule_trace *rows = NULL;
    size_t count = 0;
    struct rule_facts facts = {.now_us = 1};
    for (size_t i = 0; i < EXPR_SLOT_COUNT; i++)
        facts.records[i] = b->records[round % CALLS][i];
    arena_reset(b->arena);
    must(rule_set_trace(b->set, &facts, b->arena, &out, &rows, &count, &err), &err);
    b->sum += count;
}

static void detect(struct bench *b, size_t round)
{
    struct err err = {0};
    struct keyword_result found;
    (void)round;
    arena_reset(b->arena);
    must(keyword_set_detect(b->keywords, str_from(said_text), b->arena, &found, &err), &err);
    b->sum += found.match_count;
}

static void compile(struct bench *b, size_t round)
{
    struct err err = {0};
    struct rule_set *set = NULL;
    (void)round;
    must(rule_set_new(b->rules, b->count, &set, &err), &err);
    rule_set_free(set);
}

static void check(struct bench *b, size_t round)
{
    struct err err = {0};
    struct rule_finding *findings = NULL;
    size_t count = 0;
    struct rule_def rule = b->rules[1];
    (void)round;
    rule.sid = STR("");
    rule.condition = STR("task.attributes.customer_type == 'vip' AND time.hour >= 8");
    arena_reset(b->arena);
    must(rule_check(b->set, &rule, 1, b->arena, &findings, &count, &err), &err);
    b->sum += count;
}

static void line(struct bench *b, const char *what, void (*run)(struct bench *b, size_t round))
{
    size_t rounds = 0;
    int64_t start = cpu_us();
    int64_t took = 0;
    run(b, 0); /* warm */
    start = cpu_us();
    while (took < b->span_us) {
        for (size_t i = 0; i < 4; i++)
            run(b, rounds++);
        took = cpu_us() - start;
    }
    (void)printf("%-52s %12.2f us\n", what, (double)took / (double)rounds);
}

static void fini(struct bench *b)
{
    rule_set_free(b->set);
    keyword_set_free(b->keywords);
    arena_free(b->arena);
    for (size_t i = 0; i < CALLS; i++) {
        for (size_t k = 0; k < EXPR_SLOT_COUNT; k++)
            expr_record_free(b->records[i][k]);
    }
    free(b->rules);
    free(b->conditions);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    static struct bench b;
    int64_t count = 1000;
    int64_t seconds = 1;
    if ((argc > 1 && !parse_i64(str_from(argv[1]), 1, RULE_MAX_RULES, &count)) ||
        (argc > 2 && !parse_i64(str_from(argv[2]), 1, 600, &seconds))) {
        (void)fprintf(stderr, "usage: rules_bench [rules [seconds]]\n");
        return 2;
    }
    b.count = (size_t)count;
    b.span_us = seconds * US_PER_S;
    b.rules = calloc(b.count, sizeof *b.rules);
    b.conditions = calloc(b.count, sizeof *b.conditions);
    b.arena = arena_new((size_t)64 << 20);
    if (b.rules == NULL || b.conditions == NULL)
        return 1;
    must(keyword_set_new(rule_default_keywords, rule_default_keyword_count, &b.keywords, &err),
         &err);
    make_calls(&b);
    (void)printf("%zu rules; none matches before the last one\n", b.count);
    make_set(&b, mixed_condition);
    line(&b, "decision", decide);
    line(&b, "the whole path: checks, keywords, merges, records", decide_whole);
    line(&b, "trace", trace);
    line(&b, "compiling the set", compile);
    line(&b, "checking a rule against the set", check);
    make_set(&b, pattern_condition);
    line(&b, "decision where each rule is a pattern", decide);
    line(&b, "keywords in 200 characters", detect);
    fini(&b);
    return b.sum == 0 ? 1 : 0;
}
