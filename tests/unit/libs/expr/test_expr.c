#include "expr/expr.h"

#include <stdint.h>
#include <stdio.h>

#include "base/macros.h"
#include "testing.h"

static const char worker_json[] =
    "{\"department\":\"permits\",\"skills\":[\"permits\",\"utilities\",7],\"level\":3,"
    "\"ratio\":2.5,\"tech\":\"6\",\"name\":\"\xC3\x89milie O'Brien\",\"vip\":true,\"gone\":null,"
    "\"big\":9223372036854775807,\"empty\":[],\"site\":{\"city\":\"Austin\",\"floors\":[{\"no\":4},"
    "\"b\",\"c\"]},\"dup\":{\"old\":1},\"dup\":{\"new\":2},\"esc\\u0061pe\":\"tab\\t\\u20ac\","
    "\"sid\":\"from json\",\"neg\":-2}";

static struct expr_record *record_of(const char *json)
{
    struct err err = {0};
    struct expr_record *record = NULL;
    if (expr_record_new(str_from(json), &record, &err) != ERR_OK)
        (void)printf("\n    record: %s\n", err.detail);
    return record;
}

/* 1, 0, or -1 with the message when it does not compile. */
static int ask(const char *text, const struct expr_context *context, const struct expr_env *env)
{
    struct err err = {0};
    struct expr *expr = NULL;
    if (expr_compile(str_from(text), context, &expr, &err) != ERR_OK) {
        (void)printf("\n    %s: %s", text, err.detail);
        return -1;
    }
    int result = expr_eval(expr, env) ? 1 : 0;
    expr_free(expr);
    return result;
}

struct row {
    const char *text;
    int want;
};

static void check_rows(const struct row *rows, size_t count, const struct expr_context *context,
                       const struct expr_env *env)
{
    for (size_t i = 0; i < count; i++) {
        int got = ask(rows[i].text, context, env);
        if (got != rows[i].want)
            (void)printf("\n    %s is %d", rows[i].text, got);
        CHECK_I64(got, rows[i].want);
    }
}

static void twilio_operators_follow_the_reference(void)
{
    static const struct row rows[] = {
        {"1==1",                                                              1},
        {"1 = 2",                                                             0},
        {"department == 'permits' AND skills HAS 'utilities' AND level >= 3", 1},
        {"department = \"permits\"",                                          1},
        {"department != 'permits'",                                           0},
        {"department <> 'billing'",                                           1},
        {"Department == 'permits'",                                           0},
        {"level > 2 and level < 4 AND level <= 3 aNd level >= 3",             1},
        {"level > 3 OR level < 3",                                            0},
        {"3 <= level",                                                        1},
        {"4 <= level",                                                        0},
        {"3 == level",                                                        1},
        {"level == 3.0",                                                      1},
        {"ratio == 2.5 AND ratio > 2 AND ratio < 3",                          1},
        {"neg == -2 AND neg < -1",                                            1},
        {"big == 9223372036854775807",                                        1},
        {"big == 9223372036854775808.0",                                      0},
        {"tech > 5",                                                          1},
        {"tech == 6",                                                         1},
        {"tech == 6.0",                                                       1},
        {"'6' == 6",                                                          1},
        {"tech == '6.0'",                                                     0},
        {"department > 5",                                                    0},
        {"department == 5",                                                   0},
        {"department != 5",                                                   1},
        {"department < 'q'",                                                  1},
        {"skills HAS 7",                                                      1},
        {"skills HAS '7'",                                                    1},
        {"skills >- 'permits'",                                               1},
        {"skills HAS 'x'",                                                    0},
        {"empty HAS null",                                                    0},
        {"department HAS 'permits'",                                          0},
        {"skills == 'permits'",                                               0},
        {"skills != 'permits'",                                               0},
        {"skills CONTAINS 'permits'",                                         0},
        {"department CONTAINS 'mit'",                                         1},
        {"department contains 'MIT'",                                         0},
        {"level CONTAINS 3",                                                  1},
        {"vip CONTAINS 'true'",                                               0},
        {"'utilities' IN skills",                                             1},
        {"'utilities' <- skills",                                             1},
        {"'zoning' IN skills",                                                0},
        {"'zoning' NOT IN skills",                                            1},
        {"'permits' not in skills",                                           0},
        {"department IN ['billing', 'permits']",                              1},
        {"department IN []",                                                  0},
        {"department IN['permits']",                                          1},
        {"department IN 'permits'",                                           0},
        {"['a', department] HAS 'permits'",                                   1},
        {"skills IN [skills]",                                                0},
        {"NOT level == 3",                                                    0},
        {"NOT (level == 4) AND NOT NOT vip == true",                          1},
        {"level == 4 OR level == 3 AND vip == false",                         0},
        {"(level == 4 OR level == 3) AND vip == true",                        1},
        {"missing == null",                                                   1},
        {"missing != null",                                                   0},
        {"gone == NULL",                                                      1},
        {"skills != null",                                                    1},
        {"skills == null",                                                    0},
        {"site != null",                                                      1},
        {"site == site",                                                      0},
        {"missing > 1",                                                       0},
        {"missing < 1",                                                       0},
        {"missing <= null",                                                   0},
        {"missing != 'x'",                                                    1},
        {"missing HAS 'x'",                                                   0},
        {"'x' NOT IN missing",                                                1},
        {"vip == true",                                                       1},
        {"vip == 'true'",                                                     0},
        {"vip > false",                                                       0},
        {"site.city == 'Austin'",                                             1},
        {"site.floors[0].no == 4",                                            1},
        {"site.floors[2] == 'c'",                                             1},
        {"site.floors[3] == null",                                            1},
        {"site.floors HAS 'b'",                                               1},
        {"skills[1] == 'utilities'",                                          1},
        {"dup.old == null AND dup.new == 2",                                  1},
        {"escape == 'tab\\t\\u20ac'",                                         1},
        {"name CONTAINS '\xC3\x89m' AND name CONTAINS 'O\\'Brien'",           1},
        {"worker.level == 3",                                                 1},
    };
    struct expr_record *worker = record_of(worker_json);
    struct expr_env env = {.records[EXPR_SLOT_WORKER] = worker};
    check_rows(rows, ARRAY_LEN(rows), &expr_context_queue, &env);
    expr_record_free(worker);
}

static bool resolve(void *ctx, enum expr_slot slot, struct str name, struct expr_value *out)
{
    int64_t *hour = ctx;
    if (slot == EXPR_SLOT_TIME && str_eq(name, STR("hour")))
        *out = expr_value_i64(*hour);
    else if (slot == EXPR_SLOT_HOURS && str_eq(name, STR("open")))
        *out = expr_value_bool(true);
    else if (slot == EXPR_SLOT_WORKERS && str_eq(name, STR("available")))
        *out = expr_value_i64(0);
    else
        return false;
    return true;
}

static void rules_know_membership_bare_truth_and_computed_names(void)
{
    static const struct row rows[] = {
        {"task.attributes.keywords contains \"emergency\"", 1},
        {"task.attributes.keywords contains \"fire\"",      0},
        {"task.attributes.customer_type == \"vip\"",        1},
        {"task.attributes.customer_type contains \"ip\"",   1},
        {"time.hour < 8 OR time.hour > 18",                 1},
        {"time.minute > 0",                                 0},
        {"hours.open",                                      1},
        {"not hours.open",                                  0},
        {"hours.open AND true",                             1},
        {"caller.phone",                                    0},
        {"task.channel == null",                            1},
    };
    int64_t hour = 19;
    struct expr_record *task =
        record_of("{\"keywords\":[\"emergency\"],\"customer_type\":\"vip\"}");
    struct expr_env env = {
        .records[EXPR_SLOT_TASK] = task, .resolve = resolve, .resolve_ctx = &hour};
    check_rows(rows, ARRAY_LEN(rows), &expr_context_rule, &env);
    CHECK_I64(ask("workers.available == 0", &expr_context_skip, &env), 1);
    CHECK_I64(ask("workers.WA0123 > 0", &expr_context_skip, &env), 0);
    CHECK_I64(
        ask("customer_type == 'vip' AND task.customer_type == 'vip'", &expr_context_filter, &env),
        1);
    expr_record_free(task);
}

static void errors_tell_the_column_and_what_was_expected(void)
{
    static const struct {
        const char *text;
        const struct expr_context *context;
        const char *want;
    } rows[] = {
        {"",                          &expr_context_queue,
         "At column 1 expected a condition (a name, value, NOT or '('), but found the end."                          },
        {"level",                     &expr_context_queue,
         "At column 6 expected an operator (==, !=, <, <=, >, >=, CONTAINS, HAS, IN or NOT IN), "
         "but "
         "found the end."                                                                                            },
        {"level >=",                  &expr_context_queue,
         "At column 9 expected a name, string, number, array, true, false or null, but found the "
         "end."                                                                                                      },
        {"a == '\xC3\xA9\xC3\xA9' b", &expr_context_queue,
         "At column 11 expected AND, OR or the end, but found \"b\"."                                                },
        {"(a == 1",                   &expr_context_queue,  "At column 8 expected AND, OR or ')', but found the end."},
        {"my-skill == 1",             &expr_context_queue,
         "At column 3 expected an operator behind the name (names cannot hold a hyphen), but found "
         "\"-skill\"."                                                                                               },
        {"a == 'x",                   &expr_context_queue,
         "At column 6 expected a closing single quote for the string here, but found \"'x\"."                        },
        {"a <-1",                     &expr_context_queue,
         "At column 3 expected a space before the minus, or a space behind \"<-\" (IN) and \">-\" "
         "(HAS), but found \"<-1\"."                                                                                 },
        {"a[x] == 1",                 &expr_context_queue,
         "At column 3 expected an index from 0 to 65535, but found \"x]\"."                                          },
        {"a IN ['x' 'y']",            &expr_context_queue,
         "At column 11 expected ',' or ']' in the array, but found \"'y']\"."                                        },
        {"a NOT HAS 'y'",             &expr_context_queue,
         "At column 7 expected IN behind NOT, but found \"HAS\"."                                                    },
        {"level == 1",                &expr_context_target,
         "At column 1 expected a name that begins with task. or worker., but found \"level\"."                       },
        {"a == 1 && b == 1",          &expr_context_queue,
         "At column 8 expected AND, OR or the end, but found \"&&\"."                                                },
        {"a == 1.x",                  &expr_context_queue,
         "At column 8 expected a digit behind the decimal point, but found \"x\"."                                   },
        {"a == \xFF",                 &expr_context_queue,  "The expression is not valid UTF-8."                     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct expr *expr = NULL;
        CHECK_I64(expr_compile(str_from(rows[i].text), rows[i].context, &expr, &err),
                  ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.detail, rows[i].want);
        CHECK(expr == NULL);
        expr_free(expr);
    }
}

static void known_names_of_a_root_are_enforced(void)
{
    static const char *const known[] = {"hour", "weekday", NULL};
    static const struct expr_root roots[] = {
        {.name = "time", .slot = EXPR_SLOT_TIME, .known = known}
    };
    const struct expr_context context = {.roots = roots, .root_count = 1};
    struct err err = {0};
    struct expr *expr = NULL;
    CHECK_I64(expr_compile(STR("time.hours > 3"), &context, &expr, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail,
               "At column 1 expected one of time.hour, time.weekday, but found \"time.hours\".");
}

static void limits_refuse_what_is_too_large(void)
{
    struct expr_context context = expr_context_queue;
    struct err err = {0};
    struct expr *expr = NULL;
    context.max_bytes = 10;
    CHECK_I64(expr_compile(STR("level == 100"), &context, &expr, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "EXPRESSION_TOO_LARGE");
    context.max_bytes = 0;
    context.max_nodes = 3;
    CHECK_I64(expr_compile(STR("a == 1 AND b == 2"), &context, &expr, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "EXPRESSION_TOO_LARGE");
    context.max_nodes = 0;
    context.max_depth = 2;
    CHECK_I64(expr_compile(STR("((a == 1))"), &context, &expr, &err), ERR_OK);
    expr_free(expr);
    CHECK_I64(expr_compile(STR("(((a == 1)))"), &context, &expr, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "EXPRESSION_TOO_LARGE");
}

static void names_constants_and_uses_are_listed(void)
{
    struct err err = {0};
    struct expr *expr = NULL;
    REQUIRE(expr_compile(STR("worker.level > 1 AND task.lang IN worker.langs OR worker.level > 5"),
                         &expr_context_target, &expr, &err) == ERR_OK);
    CHECK_I64(expr_name_count(expr), 3);
    CHECK_STR(expr_name_at(expr, 0).path, "level");
    CHECK_I64(expr_name_at(expr, 1).slot, EXPR_SLOT_TASK);
    CHECK_I64(expr_name_at(expr, 1).column, 22);
    CHECK_STR(expr_name_at(expr, 2).path, "langs");
    CHECK(expr_uses(expr, EXPR_SLOT_TASK) && !expr_uses(expr, EXPR_SLOT_WORKERS));
    CHECK_I64(expr_constant(expr), EXPR_OPEN);
    expr_free(expr);
    REQUIRE(expr_compile(STR("1==1 OR level > 2"), &expr_context_queue, &expr, &err) == ERR_OK);
    CHECK_I64(expr_constant(expr), EXPR_TRUE);
    expr_free(expr);
}

static void a_trace_shows_every_part_without_short_cuts(void)
{
    struct err err = {0};
    struct expr *expr = NULL;
    struct expr_trace trace;
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct expr_record *worker = record_of(worker_json);
    const struct expr_env env = {.records[EXPR_SLOT_WORKER] = worker};
    REQUIRE(expr_compile(STR("level > 9 AND (skills HAS 'permits' OR NOT site == null)"),
                         &expr_context_queue, &expr, &err) == ERR_OK);
    REQUIRE(expr_trace(expr, &env, arena, &trace, &err) == ERR_OK);
    CHECK(!trace.is_true);
    REQUIRE(trace.row_count == 6);
    CHECK_TEXT(trace.rows[0].op, "AND");
    CHECK_STR(trace.rows[1].text, "level > 9");
    CHECK_STR(trace.rows[1].left, "3");
    CHECK_STR(trace.rows[1].right, "9");
    CHECK(!trace.rows[1].is_true);
    CHECK_I64(trace.rows[1].column_first, 1);
    CHECK_I64(trace.rows[1].column_last, 9);
    CHECK_TEXT(trace.rows[2].op, "OR");
    CHECK_I64(trace.rows[2].column_first, 16);
    CHECK(trace.rows[2].is_true);
    CHECK_TEXT(trace.rows[3].op, "HAS");
    CHECK_I64(trace.rows[3].depth, 2);
    CHECK_STR(trace.rows[3].left, "[\"permits\", \"utilities\", 7]");
    CHECK_TEXT(trace.rows[4].op, "NOT");
    CHECK_STR(trace.rows[5].left, "{…}");
    struct arena *small = arena_new(16);
    CHECK_I64(expr_trace(expr, &env, small, &trace, &err), ERR_RESOURCE_EXHAUSTED);
    arena_free(small);
    expr_free(expr);
    expr_record_free(worker);
}

static void orders_compare_integers_and_put_missing_last(void)
{
    static const char *const jsons[] = {"{\"level\":2,\"seniority\":5}",
                                        "{\"level\":2,\"seniority\":3}", "{\"level\":7}", "{}"};
    static const size_t want[] = {2, 1, 0, 3};
    struct err err = {0};
    struct expr_order *order = NULL;
    struct expr_order_key keys[4];
    REQUIRE(expr_order_compile(STR("worker.level DESC, worker.seniority asc"), &expr_context_target,
                               &order, &err) == ERR_OK);
    CHECK_I64(expr_order_name_count(order), 2);
    CHECK_STR(expr_order_name_at(order, 1).path, "seniority");
    for (size_t i = 0; i < 4; i++) {
        struct expr_record *record = record_of(jsons[i]);
        const struct expr_env env = {.records[EXPR_SLOT_WORKER] = record};
        CHECK(expr_order_key(order, &env, &keys[i]));
        expr_record_free(record);
    }
    for (size_t i = 0; i + 1 < 4; i++)
        CHECK(expr_order_compare(order, &keys[want[i]], &keys[want[i + 1]]) < 0);
    CHECK_I64(expr_order_compare(order, &keys[0], &keys[0]), 0);
    struct expr_record *odd = record_of("{\"level\":\"high\"}");
    const struct expr_env env = {.records[EXPR_SLOT_WORKER] = odd};
    CHECK(!expr_order_key(order, &env, &keys[0]));
    expr_record_free(odd);
    expr_order_free(order);
    order = NULL;
    CHECK_I64(expr_order_compile(STR("worker.level DESC, worker.x UP"), &expr_context_target,
                                 &order, &err),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail, "At column 29 expected nothing behind the name, but found \"UP\".");
    CHECK_I64(expr_order_compile(STR(""), &expr_context_target, &order, &err),
              ERR_INVALID_ARGUMENT);
}

static void a_single_name_gives_the_value_of_a_record(void)
{
    struct err err = {0};
    struct expr_path *path = NULL;
    struct expr_record *task = record_of("{\"last\":{\"sid\":\"WK1\"}}");
    const struct expr_env env = {.records[EXPR_SLOT_TASK] = task};
    REQUIRE(expr_path_compile(STR("task.last.sid"), &expr_context_target, &path, &err) == ERR_OK);
    CHECK_STR(expr_value_text(expr_path_get(path, &env)), "WK1");
    expr_path_free(path);
    REQUIRE(expr_path_compile(STR(" task.nope "), &expr_context_target, &path, &err) == ERR_OK);
    CHECK_I64(expr_value_kind(expr_path_get(path, &env)), EXPR_KIND_NONE);
    expr_path_free(path);
    CHECK(expr_path_compile(STR("task.a == 1"), &expr_context_target, &path, &err) != ERR_OK);
    expr_record_free(task);
}

static const struct test_case cases[] = {
    {"Twilio operators follow the reference",                twilio_operators_follow_the_reference       },
    {"rules know membership, bare truth and computed names",
     rules_know_membership_bare_truth_and_computed_names                                                 },
    {"errors tell the column and what was expected",         errors_tell_the_column_and_what_was_expected},
    {"known names of a root are enforced",                   known_names_of_a_root_are_enforced          },
    {"limits refuse what is too large",                      limits_refuse_what_is_too_large             },
    {"names, constants and uses are listed",                 names_constants_and_uses_are_listed         },
    {"a trace shows every part without short-cuts",          a_trace_shows_every_part_without_short_cuts },
    {"orders compare integers and put missing last",         orders_compare_integers_and_put_missing_last},
    {"a single name gives the value of a record",            a_single_name_gives_the_value_of_a_record   },
};

int main(int argc, char **argv)
{
    return testing_main("expr", cases, ARRAY_LEN(cases), argc, argv);
}
