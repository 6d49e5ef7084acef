#include "expr/record.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "expr/expr.h"
#include "testing.h"

static enum err_code try(struct str json, struct expr_record **out, struct err *err)
{
    *out = NULL;
    struct err looked = {.code = ERR_OK};
    enum err_code code = expr_record_new(json, out, err);
    CHECK_I64(expr_record_check(json, &looked), code);
    CHECK(code == ERR_OK ||
          (strcmp(looked.reason, err->reason) == 0 && strcmp(looked.detail, err->detail) == 0));
    return code;
}

static void strict_json_is_required(void)
{
    static const struct {
        const char *json;
        const char *want; /* NULL: accepted */
    } rows[] = {
        {"{}",                                          NULL                               },
        {" { \"a\" : [ 1 , -0.5e+3 , null ] } \n",      NULL                               },
        {"{\"a\":\"\\ud83d\\ude00\\/\"}",               NULL                               },
        {"{\"a\":{},\"b\":[]}",                         NULL                               },
        {"",                                            "column 1 expected '{'"            },
        {"[]",                                          "column 1 expected '{'"            },
        {"{\"a\":1,}",                                  "column 8 expected a key"          },
        {"{\"a\":[1,]}",                                "column 9 expected a value"        },
        {"{\"a\" 1}",                                   "column 6 expected ':'"            },
        {"{\"\xC3\xA9\":tru}",                          "column 6 expected a value"        },
        {"{\"a\":1 \"b\":2}",                           "column 8 expected ',' or '}'"     },
        {"{\"a\":01}",                                  "column 7 expected ',' or '}'"     },
        {"{\"a\":1.}",                                  "column 8 expected a digit"        },
        {"{\"a\":1e999}",                               "column 6 expected a number that"  },
        {"{\"a\":\"x}",                                 "column 9 expected a closing quote"},
        {"{\"a\":\"\n\"}",                              "no control character"             },
        {"{\"a\":\"\\ud83d\"}",                         "complete pair"                    },
        {"{\"a\":\"\\u0000\"}",                         "no \\u0000"                       },
        {"{\"a\":\"\\x\"}",                             "one of the escapes"               },
        {"{\"a\":1} x",                                 "nothing behind the closing '}'"   },
        {"{'a':1}",                                     "a key in double quotes"           },
        {"{\"a\":\"\xC0\x80\"}",                        "not valid UTF-8"                  },
        {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]", "nested deeper than 32"            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct expr_record *record = NULL;
        enum err_code code = try(str_from(rows[i].json), &record, &err);
        CHECK_I64(code, rows[i].want == NULL ? ERR_OK : ERR_INVALID_ARGUMENT);
        if (!CHECK(rows[i].want == NULL || strstr(err.detail, rows[i].want) != NULL))
            (void)printf("\n    %s: %s", rows[i].json, err.detail);
        if (record != NULL)
            CHECK_STR(expr_record_json(record), rows[i].json);
        expr_record_free(record);
    }
}

static void size_is_limited(void)
{
    struct err err = {0};
    struct expr_record *record = NULL;
    struct buf json;
    buf_init(&json, 0);
    buf_text(&json, "{\"a\":[1");
    for (int i = 0; i < EXPR_JSON_MAX_VALUES; i++)
        buf_text(&json, ",1");
    buf_text(&json, "]}");
    CHECK_I64(try(buf_str(&json), &record, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "JSON_TOO_LARGE");
    for (int i = 0; i < EXPR_JSON_MAX_BYTES; i++)
        buf_char(&json, ' ');
    CHECK_I64(try(buf_str(&json), &record, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "JSON_TOO_LARGE");
    buf_fini(&json);
}

static bool is_true(const char *text, const struct expr_record *worker)
{
    struct err err = {0};
    struct expr *expr = NULL;
    const struct expr_env env = {.records[EXPR_SLOT_WORKER] = worker};
    INVARIANT(expr_compile(str_from(text), &expr_context_queue, &expr, &err) == ERR_OK);
    bool result = expr_eval(expr, &env);
    expr_free(expr);
    return result;
}

static void fields_hide_attributes_until_unset(void)
{
    struct err err = {0};
    struct expr_record *record = NULL;
    struct expr_record *next = NULL;
    struct expr_field *sid = expr_field_new(STR("sid"));
    struct expr_field *load = expr_field_new(STR("channel.voice.assigned_tasks"));
    REQUIRE(try(STR("{\"sid\":\"x\",\"channel\":{\"voice\":{\"note\":1}}}"), &record, &err) ==
            ERR_OK);
    REQUIRE(try(STR("{\"level\":4}"), &next, &err) == ERR_OK);
    CHECK(is_true("sid == 'x'", record));
    expr_record_set_str(record, sid, STR("WK1"));
    expr_record_set_i64(record, load, 2);
    CHECK(is_true("sid == 'WK1' AND channel.voice.assigned_tasks == 2", record));
    CHECK(is_true("channel.voice.note == 1 AND worker.channel.voice.assigned_tasks < 3", record));
    expr_record_set_str(record, sid, STR("a longer text than before"));
    expr_record_set_bool(record, load, true);
    CHECK(is_true("sid CONTAINS 'longer' AND channel.voice.assigned_tasks == true", record));
    expr_record_set_i64(record, sid, 5);
    CHECK(is_true("sid == 5", record));
    size_t before = expr_record_bytes(next);
    expr_record_move_fields(record, next);
    CHECK(expr_record_bytes(next) > before);
    CHECK(is_true("sid == 5 AND level == 4", next));
    CHECK(is_true("sid == 'x' AND channel.voice.assigned_tasks == null", record));
    expr_record_unset(next, sid);
    CHECK(is_true("sid == null AND channel.voice.assigned_tasks == true", next));
    expr_record_free(record);
    expr_record_free(next);
    expr_field_free(sid);
    expr_field_free(load);
}

static void many_keys_are_all_found(void)
{
    struct err err = {0};
    struct expr_record *record = NULL;
    struct buf json;
    buf_init(&json, 0);
    for (int i = 0; i < 2000; i++)
        buf_printf(&json, "%s\"key%d\":{\"v\":[%d,\"t%d\"]}", i == 0 ? "{" : ",", i, i, i);
    buf_char(&json, '}');
    REQUIRE(try(buf_str(&json), &record, &err) == ERR_OK);
    for (int i = 0; i < 2000; i += 37) {
        char text[128];
        (void)snprintf(text, sizeof text,
                       "key%d.v[0] == %d AND key%d.v[1] == 't%d' AND key%d.v HAS 't%d'", i, i, i, i,
                       i, i);
        CHECK(is_true(text, record));
    }
    CHECK(is_true("key2000 == null AND key1.w == null AND key1.v[2] == null", record));
    expr_record_free(record);
    buf_fini(&json);
}

static const struct test_case cases[] = {
    {"strict JSON is required",            strict_json_is_required           },
    {"size is limited",                    size_is_limited                   },
    {"fields hide attributes until unset", fields_hide_attributes_until_unset},
    {"many keys are all found",            many_keys_are_all_found           },
};

int main(int argc, char **argv)
{
    return testing_main("expr record", cases, ARRAY_LEN(cases), argc, argv);
}
