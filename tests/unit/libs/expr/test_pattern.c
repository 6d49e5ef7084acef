#include "expr/expr.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "testing.h"

static const char task_json[] =
    "{\"phone\":\"+15125550100\",\"n\":1234,\"real\":2.5,\"name\":\"\xC3\x89milie O'Brien\","
    "\"list\":[\"abc\"],\"flag\":true,\"empty\":\"\",\"path\":\"a/b\\\\c\","
    "\"evil\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}";

static struct expr_record *record_of(struct str json)
{
    struct err err = {0};
    struct expr_record *record = NULL;
    if (expr_record_new(json, &record, &err) != ERR_OK)
        (void)printf("\n    record: %s\n", err.detail);
    return record;
}

static struct expr *expr_of(const char *text)
{
    struct err err = {0};
    struct expr *expr = NULL;
    if (expr_compile(str_from(text), &expr_context_rule, &expr, &err) != ERR_OK)
        (void)printf("\n    %s: %s\n", text, err.detail);
    return expr;
}

struct row {
    const char *text;
    int want;
};

static const struct row rows[] = {
    {"task.attributes.phone STARTS_WITH '+1512'",                             1},
    {"task.attributes.phone starts_with '512'",                               0},
    {"task.attributes.phone ENDS_WITH '0100'",                                1},
    {"task.attributes.phone ends_with 'x0100'",                               0},
    {"task.attributes.n STARTS_WITH 12 AND task.attributes.n ENDS_WITH '34'", 1},
    {"task.attributes.list STARTS_WITH 'a'",                                  0},
    {"task.attributes.gone ENDS_WITH ''",                                     0},
    {"NOT task.attributes.gone ENDS_WITH ''",                                 1},
    {"task.attributes.empty STARTS_WITH ''",                                  1},
    {"'abc' STARTS_WITH 'ab'",                                                1},
    {"task.attributes.phone MATCHES '^\\+1(512|737)\\d{7}$'",                 1},
    {"task.attributes.phone MATCHES '^\\+1(210|830)\\d{7}$'",                 0},
    {"task.attributes.phone MATCHES \"555\"",                                 1},
    {"task.attributes.n MATCHES '^12'",                                       1},
    {"task.attributes.real MATCHES '^2\\.5$'",                                1},
    {"task.attributes.flag MATCHES 'true'",                                   0},
    {"task.attributes.list MATCHES 'abc'",                                    0},
    {"task.attributes.gone MATCHES '.*'",                                     0},
    {"NOT task.attributes.gone MATCHES '.*'",                                 1},
    {"task.attributes.empty MATCHES '^$'",                                    1},
    {"task.attributes.name MATCHES '(?i)^\xC3\xA9mi'",                        1},
    {"task.attributes.name MATCHES '^.milie'",                                1},
    {"task.attributes.name MATCHES 'O\\'Brien'",                              1},
    {"task.attributes.name MATCHES \"O'Brien\"",                              1},
    {"task.attributes.path MATCHES 'b\\\\c'",                                 1},
    {"'abc' MATCHES '^a' AND NOT 'abc' MATCHES '^b'",                         1},
    {"task.attributes.phone MATCHES ''",                                      1},
};

static void patterns_beginnings_and_ends_are_tested(void)
{
    struct expr_record *task = record_of(str_from(task_json));
    const struct expr_env env = {.records[EXPR_SLOT_TASK] = task};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct expr *expr = expr_of(rows[i].text);
        REQUIRE(expr != NULL);
        if (expr_eval(expr, &env) != (rows[i].want == 1))
            (void)printf("\n    %s\n", rows[i].text);
        CHECK_I64(expr_eval(expr, &env), rows[i].want);
        expr_free(expr);
    }
    expr_record_free(task);
}

static void what_is_bound_means_the_same(void)
{
    struct expr_record *task = record_of(str_from(task_json));
    const struct expr_env env = {.records[EXPR_SLOT_TASK] = task};
    struct buf key;
    buf_init(&key, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct expr *expr = expr_of(rows[i].text);
        REQUIRE(expr != NULL);
        CHECK_I64(expr_bind(expr, &env, EXPR_BIT(EXPR_SLOT_TASK), &key),
                  rows[i].want == 1 ? EXPR_TRUE : EXPR_FALSE);
        buf_clear(&key);
        if (expr_bind(expr, NULL, 0, &key) == EXPR_OPEN) {
            struct expr *residual = expr_residual_new(buf_str(&key));
            REQUIRE(residual != NULL);
            CHECK_I64(expr_eval(residual, &env), rows[i].want);
            expr_free(residual);
        }
        expr_free(expr);
    }
    buf_fini(&key);
    expr_record_free(task);
}

static void only_rules_have_these_words(void)
{
    struct err err = {0};
    struct expr *expr = NULL;
    struct expr_record *worker = record_of(STR("{\"matches\":\"x\",\"starts_with\":1}"));
    const struct expr_env env = {.records[EXPR_SLOT_WORKER] = worker};
    CHECK(expr_compile(STR("a MATCHES 'x'"), &expr_context_queue, &expr, &err) != ERR_OK);
    CHECK(expr_compile(STR("a STARTS_WITH 'x'"), &expr_context_filter, &expr, &err) != ERR_OK);
    REQUIRE(expr_compile(STR("matches == 'x' AND starts_with == 1"), &expr_context_queue, &expr,
                         &err) == ERR_OK);
    CHECK(expr_eval(expr, &env));
    expr_free(expr);
    expr_record_free(worker);
}

static void faults_tell_the_column(void)
{
    static const struct {
        const char *text;
        const char *want;
    } faults[] = {
        {"task.channel MATCHES 'a(b'",
         "At column 26 the pattern is not valid: missing closing parenthesis."                                         },
        {"task.channel MATCHES '\xC3\xA9*+*'",
         "At column 26 the pattern is not valid: quantifier does not follow a repeatable item."                        },
        {"task.channel MATCHES '\\C'",
         "At column 25 the pattern is not valid: using \\C is disabled by the application."                            },
        {"task.channel MATCHES '(abcdefghijklmnop){300}'",
         "At column 23 the pattern is not valid: its repeated parts make it too large."                                },
        {"task.channel MATCHES task.priority",
         "At column 22 expected a quoted pattern, but found \"task.priority\"."                                        },
        {"task.channel MATCHES 5",                         "At column 22 expected a quoted pattern, but found \"5\"."  },
        {"task.channel MATCHES",                           "At column 21 expected a quoted pattern, but found the end."},
        {"task.channel MATCHES 'a\\'",
         "At column 22 expected a closing quote for the pattern here, but found \"'a\\'\"."                            },
        {"time.hours > 5",
         "At column 1 expected one of time.hour, time.minute, time.weekday, time.day_name, "
         "time.date, time.time, time.day, time.month, time.year, but found \"time.hours\"."                            },
        {"workers.idle > 5",
         "At column 1 expected one of workers.available, workers.total, but found "
         "\"workers.idle\"."                                                                                           },
    };
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct err err = {0};
        struct expr *expr = NULL;
        CHECK(expr_compile(str_from(faults[i].text), &expr_context_rule, &expr, &err) != ERR_OK);
        CHECK_TEXT(err.detail, faults[i].want);
        expr_free(expr);
    }
}

static void size_and_number_of_patterns_are_bounded(void)
{
    struct err err = {0};
    struct expr *expr = NULL;
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < EXPR_PATTERN_MAX_COUNT; i++)
        buf_printf(&text, "%stask.channel MATCHES 'a'", i == 0 ? "" : " OR ");
    CHECK_I64(expr_compile(buf_str(&text), &expr_context_rule, &expr, &err), ERR_OK);
    expr_free(expr);
    buf_text(&text, " OR task.channel MATCHES 'a'");
    CHECK(expr_compile(buf_str(&text), &expr_context_rule, &expr, &err) != ERR_OK);
    CHECK_TEXT(err.reason, "EXPRESSION_TOO_LARGE");
    buf_clear(&text);
    buf_text(&text, "task.channel MATCHES '");
    for (int i = 0; i < EXPR_PATTERN_MAX_BYTES; i++)
        buf_char(&text, 'a');
    buf_char(&text, '\'');
    CHECK_I64(expr_compile(buf_str(&text), &expr_context_rule, &expr, &err), ERR_OK);
    expr_free(expr);
    text.data[text.len - 1] = 'a';
    buf_char(&text, '\'');
    CHECK(expr_compile(buf_str(&text), &expr_context_rule, &expr, &err) != ERR_OK);
    buf_fini(&text);
}

static void a_pattern_without_end_gives_up_and_says_so(void)
{
    struct err err = {0};
    struct expr_trace trace = {0};
    struct expr_budget budget = {.steps_left = 10 * EXPR_PATTERN_STEPS};
    struct arena *arena = arena_new(1 << 16);
    struct expr_record *task = record_of(str_from(task_json));
    struct expr_env env = {.records[EXPR_SLOT_TASK] = task, .budget = &budget};
    struct expr *expr = expr_of("task.attributes.evil MATCHES '^(a+)+$'");
    CHECK(!expr_eval(expr, &env));
    CHECK(budget.has_given_up);
    CHECK_I64(budget.steps_left, 9 * EXPR_PATTERN_STEPS);
    REQUIRE(expr_trace(expr, &env, arena, &trace, &err) == ERR_OK);
    CHECK(!trace.is_true && trace.rows[0].has_given_up);
    CHECK_TEXT(trace.rows[0].op, "MATCHES");
    CHECK_STR(trace.rows[0].right, "\"^(a+)+$\"");
    CHECK_I64(budget.steps_left, 9 * EXPR_PATTERN_STEPS); /* a trace has its own */
    expr_free(expr);
    budget = (struct expr_budget){.steps_left = 3};
    expr = expr_of("task.attributes.phone MATCHES '0100$'");
    CHECK(!expr_eval(expr, &env));
    CHECK(budget.has_given_up && budget.steps_left == 0);
    env.budget = NULL;
    CHECK(expr_eval(expr, &env));
    expr_free(expr);
    expr_record_free(task);
    arena_free(arena);
}

/* Work is counted over the whole text, not for each place where a match may begin. */
static void long_texts_do_not_multiply_the_steps(void)
{
    struct buf json;
    struct expr_budget budget = {.steps_left = EXPR_PATTERN_STEPS};
    buf_init(&json, 0);
    buf_text(&json, "{\"t\":\"");
    for (int i = 0; i < EXPR_PATTERN_MAX_TEXT; i++)
        buf_char(&json, 'a');
    buf_text(&json, "\",\"longer\":\"a");
    for (int i = 0; i < EXPR_PATTERN_MAX_TEXT; i++)
        buf_char(&json, 'a');
    buf_text(&json, "\"}");
    struct expr_record *task = record_of(buf_str(&json));
    struct expr_env env = {.records[EXPR_SLOT_TASK] = task, .budget = &budget};
    struct expr *slow = expr_of("task.attributes.t MATCHES '.*.*.*.*[bc]'");
    struct expr *quick = expr_of("task.attributes.t MATCHES 'aaa'");
    struct expr *longer = expr_of("task.attributes.longer MATCHES 'aaa'");
    CHECK(expr_eval(quick, &env) && !budget.has_given_up);
    CHECK(!expr_eval(longer, &env) && budget.has_given_up);
    budget = (struct expr_budget){.steps_left = EXPR_PATTERN_STEPS};
    CHECK(!expr_eval(slow, &env));
    CHECK(budget.has_given_up && budget.steps_left == 0);
    expr_free(slow);
    expr_free(quick);
    expr_free(longer);
    expr_record_free(task);
    buf_fini(&json);
}

struct asker {
    const struct expr *expr;
    const struct expr_env *env;
    int found;
};

static void *ask_often(void *ctx)
{
    struct asker *asker = ctx;
    for (int i = 0; i < 500; i++)
        asker->found += expr_eval(asker->expr, asker->env) ? 1 : 0;
    return NULL;
}

static void threads_share_a_pattern(void)
{
    struct expr_record *task = record_of(str_from(task_json));
    const struct expr_env env = {.records[EXPR_SLOT_TASK] = task};
    struct expr *expr = expr_of("task.attributes.phone MATCHES '^(.)(\\d)(\\d{3})+\\d$'");
    struct asker askers[4];
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        askers[i] = (struct asker){.expr = expr, .env = &env};
        REQUIRE(pthread_create(&threads[i], NULL, ask_often, &askers[i]) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_I64(askers[i].found, 500);
    }
    expr_free(expr);
    expr_record_free(task);
}

static const struct test_case cases[] = {
    {"patterns, beginnings and ends are tested",   patterns_beginnings_and_ends_are_tested   },
    {"what is bound means the same",               what_is_bound_means_the_same              },
    {"only rules have these words",                only_rules_have_these_words               },
    {"faults tell the column",                     faults_tell_the_column                    },
    {"size and number of patterns are bounded",    size_and_number_of_patterns_are_bounded   },
    {"a pattern without end gives up and says so", a_pattern_without_end_gives_up_and_says_so},
    {"long texts do not multiply the steps",       long_texts_do_not_multiply_the_steps      },
    {"threads share a pattern",                    threads_share_a_pattern                   },
};

int main(int argc, char **argv)
{
    return testing_main("pattern", cases, ARRAY_LEN(cases), argc, argv);
}
