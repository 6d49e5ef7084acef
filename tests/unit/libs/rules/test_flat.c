#include "rules/condition.h"

#include <stdio.h>

#include "expr/expr.h"
#include "jx/jx.h"
#include "testing.h"

static const struct {
    const char *flat;
    const char *text;
    const char *back; /* NULL: as flat */
} pairs[] = {
    {"[{\"type\":\"keyword\",\"operator\":\"contains\",\"value\":\"emergency\"}]",
     "task.attributes.keywords CONTAINS \"emergency\"",                                                                                                                       NULL                                                                                       },
    {"[{\"type\":\"keyword\",\"operator\":\"equals\",\"value\":\"gas\"}]",
     "task.attributes.keywords CONTAINS \"gas\"",                                                                                                                             "[{\"type\":\"keyword\",\"operator\":\"contains\",\"value\":\"gas\"}]"                     },
    {"[{\"type\":\"keyword\",\"operator\":\"in\",\"value\":[\"gas\",\"water\"]}]",
     "(task.attributes.keywords CONTAINS \"gas\" OR task.attributes.keywords CONTAINS \"water\")",                                                                            NULL                                                                                       },
    {"[{\"type\":\"keyword\",\"operator\":\"not_in\",\"value\":[\"gas\",\"water\"]}]",
     "NOT (task.attributes.keywords CONTAINS \"gas\" OR task.attributes.keywords CONTAINS "
     "\"water\")",                                                                                                                                                            NULL                                                                                       },
    {"[{\"type\":\"skill\",\"operator\":\"not_in\",\"value\":[\"gas\"]}]",
     "NOT task.attributes.skills CONTAINS \"gas\"",                                                                                                                           NULL                                                                                       },
    {"[{\"type\":\"time\",\"operator\":\"less_than\",\"value\":8}]",                                 "time.hour < 8",                                                         NULL                                                                                       },
    {"[{\"type\":\"time\",\"operator\":\"less_than\",\"value\":\"8\"}]",                             "time.hour < 8",
     "[{\"type\":\"time\",\"operator\":\"less_than\",\"value\":8}]"                                                                                                                                                                                                      },
    {"[{\"type\":\"time\",\"operator\":\"between\",\"value\":[\"09:00\",\"17:00\"]}]",
     "time.time >= \"09:00\" AND time.time <= \"17:00\"",                                                                                                                     NULL                                                                                       },
    {"[{\"type\":\"time\",\"operator\":\"between\",\"value\":\"9:00-17:00\"}]",
     "time.time >= \"09:00\" AND time.time <= \"17:00\"",                                                                                                                     "[{\"type\":\"time\",\"operator\":\"between\",\"value\":[\"09:00\",\"17:00\"]}]"           },
    {"[{\"type\":\"time\",\"operator\":\"between\",\"value\":[\"22:00\",\"06:00\"]}]",
     "(time.time >= \"22:00\" OR time.time <= \"06:00\")",                                                                                                                    NULL                                                                                       },
    {"[{\"type\":\"time\",\"operator\":\"equals\",\"value\":\"Monday\",\"field\":\"weekday\"}]",
     "time.day_name == \"monday\"",                                                                                                                                           "[{\"type\":\"time\",\"operator\":\"equals\",\"value\":\"monday\",\"field\":\"day_name\"}]"},
    {"[{\"type\":\"time\",\"operator\":\"in\",\"value\":[\"saturday\",\"sunday\"]}]",
     "time.day_name IN [\"saturday\", \"sunday\"]",                                                                                                                           "[{\"type\":\"time\",\"operator\":\"in\",\"value\":[\"saturday\",\"sunday\"],\"field\":\"day_"
     "name\"}]"                                                                                                                                                                                                       },
    {"[{\"type\":\"time\",\"operator\":\"greater_than\",\"value\":5,\"field\":\"weekday\"}]",
     "time.weekday > 5",                                                                                                                                                      NULL                                                                                       },
    {"[{\"type\":\"customer\",\"operator\":\"equals\",\"value\":\"vip\"}]",
     "caller.customer_type == \"vip\"",                                                                                                                                       NULL                                                                                       },
    {"[{\"type\":\"customer\",\"operator\":\"starts_with\",\"value\":\"A\",\"field\":\"name\"}]",
     "caller.name STARTS_WITH \"A\"",                                                                                                                                         NULL                                                                                       },
    {"[{\"type\":\"phone\",\"operator\":\"regex\",\"value\":\"^\\\\+1512\\\\d{7}$\"}]",
     "caller.phone MATCHES \"^\\+1512\\d{7}$\"",                                                                                                                              NULL                                                                                       },
    {"[{\"type\":\"phone\",\"operator\":\"equals\",\"value\":\"+15125550100\",\"field\":\"line\"}]",
     "line.phone == \"+15125550100\"",                                                                                                                                        NULL                                                                                       },
    {"[{\"type\":\"department\",\"operator\":\"in\",\"value\":\"permits, billing\"}]",
     "task.attributes.department IN [\"permits\", \"billing\"]",                                                                                                              "[{\"type\":\"department\",\"operator\":\"in\",\"value\":[\"permits\",\"billing\"]}]"      },
    {"[{\"type\":\"department\",\"operator\":\"not_in\",\"value\":[\"permits\"]}]",
     "task.attributes.department NOT IN [\"permits\"]",                                                                                                                       NULL                                                                                       },
    {"[{\"type\":\"priority\",\"operator\":\"equals\",\"value\":\"high\"}]",
     "task.attributes.priority == \"high\"",                                                                                                                                  NULL                                                                                       },
    {"[{\"type\":\"attribute\",\"operator\":\"between\",\"value\":[1,2.5],\"field\":\"site.level\"}"
     "]",                                                                                       "task.attributes.site.level >= 1 AND task.attributes.site.level <= 2.5", NULL                                                                                       },
    {"[{\"type\":\"attribute\",\"operator\":\"greater_than\",\"value\":\"10\",\"field\":\"n\"}]",
     "task.attributes.n > 10",                                                                                                                                                "[{\"type\":\"attribute\",\"operator\":\"greater_than\",\"value\":10,\"field\":\"n\"}]"    },
    {"[{\"type\":\"hours\",\"operator\":\"equals\",\"value\":false}]",                               "hours.open == false",                                                   NULL                                                                                       },
    {"[{\"type\":\"hours\",\"operator\":\"equals\",\"value\":\"true\",\"field\":\"holiday\"}]",
     "hours.holiday == true",                                                                                                                                                 "[{\"type\":\"hours\",\"operator\":\"equals\",\"value\":true,\"field\":\"holiday\"}]"      },
    {"[{\"type\":\"queue\",\"operator\":\"greater_than\",\"value\":5}]",                             "queue.waiting > 5",                                                     NULL                                                                                       },
    {"[{\"type\":\"worker\",\"operator\":\"less_than\",\"value\":1,\"field\":\"total\"}]",
     "workers.total < 1",                                                                                                                                                     NULL                                                                                       },
    {"[{\"type\":\"language\",\"operator\":\"ends_with\",\"value\":\"\xC3\xA9\\\"\\\\'\\n\"}]",
     "task.attributes.language ENDS_WITH \"\xC3\xA9\\\"\\\\'\\u000a\"",                                                                                                       NULL                                                                                       },
    {"[{\"type\":\"attribute\",\"operator\":\"regex\",\"value\":\"a\\\"b'c\\\\'d\",\"field\":\"x\"}"
     "]",                                                                                       "task.attributes.x MATCHES 'a\"b\\'c\\'d'",
     "[{\"type\":\"attribute\",\"operator\":\"regex\",\"value\":\"a\\\"b\\\\'c\\\\'d\",\"field\":"
     "\"x\"}]"                                                                                                                                                                                                                                                           },
    {"[{\"type\":\"department\",\"operator\":\"equals\",\"value\":\"permits\"},{\"type\":\"time\","
     "\"operator\":\"between\",\"value\":[8,18]},{\"type\":\"worker\",\"operator\":\"greater_"
     "than\",\"value\":0}]",                                                                    "task.attributes.department == \"permits\" AND time.hour >= 8 AND time.hour <= 18 AND "
     "workers.available > 0",                                                                                                                NULL                                                                                       },
    {"[]",                                                                                           "",                                                                      NULL                                                                                       },
};

static void the_flat_list_is_translated_and_read_back(void)
{
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct err err = {0};
        buf_clear(&out);
        CHECK_I64(rule_flat_to_text(str_from(pairs[i].flat), &out, &err), ERR_OK);
        CHECK_TEXT(err.detail, "");
        CHECK_STR(buf_str(&out), pairs[i].text);
        CHECK_I64(rule_condition_check(str_from(pairs[i].text), &err), ERR_OK);
        buf_clear(&out);
        CHECK(rule_text_to_flat(str_from(pairs[i].text), &out));
        CHECK_STR(buf_str(&out), pairs[i].back != NULL ? pairs[i].back : pairs[i].flat);
    }
    buf_fini(&out);
}

static void only_conditions_of_that_shape_have_a_list(void)
{
    static const char *const texts[] = {
        "time.hour < 8 OR time.hour > 18",
        "NOT hours.open",
        "task.attributes.a != 1",
        "task.attributes.a >= 1",
        "task.attributes.a <= 1 AND task.attributes.a >= 0",
        "task.attributes.a >= 2 AND task.attributes.a <= 1",
        "task.attributes.a >= 2 OR task.attributes.a <= 1",
        "task.attributes.keywords HAS 'x'",
        "task.attributes.keywords == 'x'",
        "task.attributes.a CONTAINS 'x' OR task.attributes.a CONTAINS 'y'",
        "task.attributes.a == task.attributes.b",
        "task.attributes.a == null",
        "'x' == task.attributes.a OR 1 == 2",
        "task.attributes.a IN [task.attributes.b]",
        "task.attributes.a IN []",
        "task.channel == 'voice'",
        "task.attributes.n > '10'",
        "1 == 1",
        "not an expression",
    };
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CHECK(!rule_text_to_flat(str_from(texts[i]), &out));
        CHECK_STR(buf_str(&out), "");
    }
    buf_fini(&out);
}

#define ROW(fields) "[{" fields "}]"

static void faults_name_the_row_and_its_member(void)
{
    static const struct {
        const char *flat;
        const char *field;
    } rows[] = {
        {"",                                                                                         "conditions"            },
        {"{}",                                                                                       "conditions"            },
        {"[",                                                                                        "conditions"            },
        {"[1]",                                                                                      "conditions[0]"         },
        {ROW("\"type\":\"phone\",\"operator\":\"equals\",\"value\":\"x\",\"not\":true"),
         "conditions[0]"                                                                                                     },
        {ROW("\"operator\":\"equals\",\"value\":\"x\""),                                             "conditions[0].type"    },
        {ROW("\"type\":\"moon\",\"operator\":\"equals\",\"value\":\"x\""),                           "conditions[0].type"    },
        {ROW("\"type\":\"phone\",\"operator\":\"like\",\"value\":\"x\""),                            "conditions[0].operator"},
        {ROW("\"type\":\"phone\",\"operator\":\"equals\""),                                          "conditions[0].value"   },
        {ROW("\"type\":\"phone\",\"operator\":\"equals\",\"value\":[\"x\"]"),
         "conditions[0].value"                                                                                               },
        {ROW("\"type\":\"phone\",\"operator\":\"equals\",\"value\":{}"),                             "conditions[0].value"   },
        {ROW("\"type\":\"phone\",\"operator\":\"in\",\"value\":[]"),                                 "conditions[0].value"   },
        {ROW("\"type\":\"phone\",\"operator\":\"in\",\"value\":\"a,,b\""),                           "conditions[0].value"   },
        {ROW("\"type\":\"phone\",\"operator\":\"in\",\"value\":[[1]]"),                              "conditions[0].value"   },
        {ROW("\"type\":\"phone\",\"operator\":\"regex\",\"value\":\"a(b\""),                         "conditions[0].value"   },
        {ROW("\"type\":\"phone\",\"operator\":\"regex\",\"value\":\"a\\\\\""),
         "conditions[0].value"                                                                                               },
        {ROW("\"type\":\"phone\",\"operator\":\"regex\",\"value\":5"),                               "conditions[0].value"   },
        {ROW("\"type\":\"phone\",\"operator\":\"equals\",\"value\":\"x\",\"field\":\"y\""),
         "conditions[0].field"                                                                                               },
        {ROW("\"type\":\"attribute\",\"operator\":\"equals\",\"value\":\"x\""),
         "conditions[0].field"                                                                                               },
        {ROW("\"type\":\"attribute\",\"operator\":\"equals\",\"value\":1,\"field\":\"a b\""),
         "conditions[0].field"                                                                                               },
        {ROW("\"type\":\"attribute\",\"operator\":\"equals\",\"value\":1,\"field\":\"a == 1 OR "
             "b\""),
         "conditions[0].field"                                                                                               },
        {ROW("\"type\":\"attribute\",\"operator\":\"between\",\"value\":[2,1],\"field\":\"a\""),
         "conditions[0].value"                                                                                               },
        {ROW("\"type\":\"attribute\",\"operator\":\"between\",\"value\":[1,\"x\"],\"field\":\"a\""),
         "conditions[0].value"                                                                                               },
        {ROW("\"type\":\"attribute\",\"operator\":\"equals\",\"value\":1e300,\"field\":\"a\""),
         "conditions[0].value"                                                                                               },
        {ROW("\"type\":\"time\",\"operator\":\"equals\",\"value\":\"noon\""),
         "conditions[0].value"                                                                                               },
        {ROW("\"type\":\"time\",\"operator\":\"between\",\"value\":[8,\"18:00\"]"),
         "conditions[0].value"                                                                                               },
        {ROW("\"type\":\"time\",\"operator\":\"equals\",\"value\":\"x\",\"field\":\"weekday\""),
         "conditions[0].value"                                                                                               },
        {"[{\"type\":\"phone\",\"operator\":\"equals\",\"value\":\"x\"},{}]",
         "conditions[1].operator"                                                                                            },
    };
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = {0};
        if (rule_flat_to_text(str_from(rows[i].flat), &out, &err) == ERR_OK)
            (void)printf("\n    %s\n", rows[i].flat);
        CHECK_I64(err.code, ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.field, rows[i].field);
        CHECK_STR(buf_str(&out), "");
    }
    buf_fini(&out);
}

static void a_fault_of_a_pattern_says_what_it_is(void)
{
    struct err err = {0};
    struct buf out;
    buf_init(&out, 0);
    CHECK(rule_flat_to_text(STR(ROW("\"type\":\"phone\",\"operator\":\"regex\",\"value\":\"a(b\"")),
                            &out, &err) != ERR_OK);
    CHECK_TEXT(err.detail, "Condition 1: the pattern is not valid: missing closing parenthesis.");
    buf_fini(&out);
}

/* However values are written, they stay values. */
static void values_cannot_leave_their_quotes(void)
{
    static const char *const values[] = {
        "\\\" OR 1 == 1 OR \\\"",   "' OR 1 == 1 OR '",        "\\\\\\\" OR 1 == 1 OR \\\\\\\"",
        "\\\"' OR 1 == 1 OR '\\\"", "\\\\' OR \\\" OR 1 == 1",
    };
    static const char *const operators[] = {"equals", "contains", "regex", "in", "starts_with"};
    struct expr_env nothing = {0};
    struct buf json;
    struct buf out;
    buf_init(&json, 0);
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (size_t k = 0; k < sizeof operators / sizeof operators[0]; k++) {
            struct err err = {0};
            struct expr *expr = NULL;
            buf_clear(&json);
            buf_clear(&out);
            buf_printf(&json, "[{\"type\":\"phone\",\"operator\":\"%s\",\"value\":\"%s\"}]",
                       operators[k], values[i]);
            if (rule_flat_to_text(buf_str(&json), &out, &err) != ERR_OK)
                continue;
            REQUIRE(expr_compile(buf_str(&out), &expr_context_rule, &expr, &err) == ERR_OK);
            CHECK(!expr_eval(expr, &nothing));
            CHECK_I64(expr_name_count(expr), 1);
            expr_free(expr);
        }
    }
    buf_fini(&json);
    buf_fini(&out);
}

static void what_was_written_flat_is_read_back_as_it_was(void)
{
    static const char written[] =
        "[ {\"operator\":\"less_than\", \"type\":\"time\", \"value\":\"8\"} ]";
    struct buf out;
    buf_init(&out, 0);
    CHECK(rule_flat_read(str_from(written), STR("time.hour < 8"), &out));
    CHECK_STR(buf_str(&out), written);
    buf_clear(&out);
    CHECK(rule_flat_read(str_from(written), STR("time.hour < 9"), &out));
    CHECK_STR(buf_str(&out), "[{\"type\":\"time\",\"operator\":\"less_than\",\"value\":9}]");
    buf_clear(&out);
    CHECK(!rule_flat_read(str_from(written), STR("time.hour < 8 OR hours.open"), &out));
    CHECK(rule_flat_read(STR(""), STR("hours.open"), &out));
    CHECK_STR(buf_str(&out), "[{\"type\":\"hours\",\"operator\":\"equals\",\"value\":true}]");
    buf_fini(&out);
}

static void lists_are_bounded(void)
{
    struct err err = {0};
    struct buf json;
    struct buf out;
    buf_init(&json, 0);
    buf_init(&out, 0);
    for (int i = 0; i <= RULE_MAX_FLAT_ROWS; i++)
        buf_printf(&json, "%c{\"type\":\"phone\",\"operator\":\"equals\",\"value\":\"x\"}",
                   i == 0 ? '[' : ',');
    buf_char(&json, ']');
    CHECK(rule_flat_to_text(buf_str(&json), &out, &err) != ERR_OK);
    CHECK_TEXT(err.field, "conditions");
    buf_clear(&json);
    buf_text(&json, "[{\"type\":\"phone\",\"operator\":\"in\",\"value\":[");
    for (int i = 0; i <= RULE_MAX_FLAT_VALUES; i++)
        buf_printf(&json, "%s%d", i == 0 ? "" : ",", i);
    buf_text(&json, "]}]");
    CHECK(rule_flat_to_text(buf_str(&json), &out, &err) != ERR_OK);
    CHECK_TEXT(err.field, "conditions[0].value");
    buf_fini(&json);
    buf_fini(&out);
}

static void a_malformed_condition_is_refused_with_its_column(void)
{
    struct err err = {0};
    CHECK_I64(rule_condition_check(STR("time.hour <"), &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "condition");
    CHECK_TEXT(err.reason, "EXPRESSION_INVALID");
    CHECK(strstr(err.detail, "At column 12") != NULL);
    CHECK_I64(rule_condition_check(STR("  "), &err), ERR_OK);
}

static const struct test_case cases[] = {
    {"the flat list is translated and read back",        the_flat_list_is_translated_and_read_back   },
    {"only conditions of that shape have a list",        only_conditions_of_that_shape_have_a_list   },
    {"faults name the row and its member",               faults_name_the_row_and_its_member          },
    {"a fault of a pattern says what it is",             a_fault_of_a_pattern_says_what_it_is        },
    {"values cannot leave their quotes",                 values_cannot_leave_their_quotes            },
    {"what was written flat is read back as it was",     what_was_written_flat_is_read_back_as_it_was},
    {"lists are bounded",                                lists_are_bounded                           },
    {"a malformed condition is refused with its column",
     a_malformed_condition_is_refused_with_its_column                                                },
};

int main(int argc, char **argv)
{
    return testing_main("flat", cases, ARRAY_LEN(cases), argc, argv);
}
