#include "jx/jx.h"

#include <string.h>

#include "base/buf.h"
#include "jx/plain.h"
#include "jx/writer.h"
#include "testing.h"

static void one_value_of_any_type_is_read(void)
{
    static const char *const good[] = {"null", "1", " \"x\" ", "[]", "{\"a\":[1,2.5,true]}", "-0"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        AUTO(jx_cleanup) json_t *value = NULL;
        CHECK(jx_parse(str_from(good[i]), NULL, &value, NULL) == ERR_OK);
        CHECK(value != NULL);
    }
}

static void bad_text_is_refused_with_its_place(void)
{
    static const struct {
        const char *text;
        const char *reason;
        const char *detail; /* how it begins */
    } rows[] = {
        {"",                                       "JSON_INVALID",   "the JSON is empty (line 1, column 1)"                     },
        {" \n",                                    "JSON_INVALID",   "the JSON is empty"                                        },
        {"{\"a\":1} x",                            "JSON_INVALID",
         "the JSON is not valid at line 1, column 9: there is more text after the JSON value"                                   },
        {"{\"a\":\n 1",                            "JSON_INVALID",   "the JSON is not valid at line 2, column 2: it ends too"   },
        {"{\"a\":1,\"a\":2}",                      "JSON_INVALID",
         "the JSON is not valid at line 1, column 10: a key is given twice"                                                     },
        {"\"\xC3\x28\"",                           "JSON_INVALID",   "the JSON is not valid at line 1, column 1: these bytes"   },
        {"\"\xED\xA0\x80\"",                       "JSON_INVALID",   "the JSON is not valid at line 1"                          },
        {"\"\\u0000\"",                            "JSON_INVALID",   "the JSON is not valid at line 1, column 8: \\u0000 is"    },
        {"[9223372036854775808]",                  "JSON_INVALID",
         "the JSON is not valid at line 1, column 20: the number does not fit"                                                  },
        {"{'a': 1}",                               "JSON_INVALID",   "the JSON is not valid at line 1, column 2: a key, a value"},
        {"[1,]",                                   "JSON_INVALID",   "the JSON is not valid at line 1"                          },
        {"// no\n{}",                              "JSON_INVALID",   "the JSON is not valid at line 1"                          },
        {"[NaN]",                                  "JSON_INVALID",   "the JSON is not valid at line 1"                          },
        {"[\"\xC3\xA9\", [[[1]]]]",                "JSON_TOO_DEEP",
         "the JSON is nested too deeply at line 1, column 9; at most 3 levels"                                                  },
        {"[\"\\\"[[[[[[\", 01234567890123456789]", "JSON_TOO_LARGE",
         "the JSON has 34 bytes; at most 32 are allowed"                                                                        },
    };
    static const struct jx_limits limits = {.max_bytes = 32, .max_depth = 3};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(jx_cleanup) json_t *value = NULL;
        struct err err = {0};
        CHECK(jx_parse(str_from(rows[i].text), &limits, &value, &err) == ERR_INVALID_ARGUMENT);
        CHECK(value == NULL);
        CHECK_TEXT(err.reason, rows[i].reason);
        err.detail[strlen(rows[i].detail)] = '\0';
        CHECK_TEXT(err.detail, rows[i].detail);
    }
}

static void a_bracket_in_a_string_is_no_level(void)
{
    static const struct jx_limits limits = {.max_depth = 1};
    AUTO(jx_cleanup) json_t *value = NULL;
    CHECK(jx_parse(STR("[\"[[[{{\\\"[[\", \"]]\"]"), &limits, &value, NULL) == ERR_OK);
}

static void text_of_a_hundred_thousand_brackets_is_survived(void)
{
    struct buf text;
    struct err err = {0};
    json_t *value = NULL;
    buf_init(&text, 0);
    for (int i = 0; i < 100000; i++)
        buf_char(&text, '[');
    CHECK(jx_parse(buf_str(&text), NULL, &value, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "JSON_TOO_DEEP");
    CHECK(!jx_is_json(buf_str(&text), 0));
    buf_fini(&text);
}

/* jansson alone takes the NUL for the end and never sees what follows. */
static void nothing_hides_behind_a_nul_byte(void)
{
    struct err err = {0};
    json_t *value = NULL;
    CHECK(jx_parse((struct str){"{}\n \0{\"a\":1}", 12}, NULL, &value, &err) ==
          ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail,
               "the JSON is not valid at line 2, column 2: there is a NUL byte; remove it");
    CHECK(!jx_is_json((struct str){"1\0", 2}, 0));
}

static void duplicates_pass_where_allowed(void)
{
    static const struct jx_limits limits = {.allows_duplicates = true};
    AUTO(jx_cleanup) json_t *value = NULL;
    CHECK(jx_parse(STR("{\"a\":1,\"a\":2}"), &limits, &value, NULL) == ERR_OK);
    CHECK_I64(jx_get_i64(value, "a", 0), 2);
}

static void attributes_are_an_object_of_limited_length(void)
{
    struct err err = {0};
    CHECK(jx_check_object_text(STR("{}"), 4, "attributes", &err) == ERR_OK);
    /* Characters count, not bytes: ten of them here. */
    struct str text = STR("{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"}");
    CHECK(jx_check_object_text(text, 10, "attributes", &err) == ERR_OK);
    CHECK(jx_check_object_text(text, 9, "attributes", &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "attributes");
    CHECK_TEXT(err.detail, "attributes has 10 characters; at most 9 are allowed");
    CHECK(jx_check_object_text(STR("[1]"), 10, "attributes", &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail,
               "attributes must be an object such as {\"key\": \"value\"}, not an array");
    CHECK(jx_check_object_text(STR("{\"a\" 1}"), 10, "attributes", &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "attributes");
    CHECK(jx_check_object_text(STR(""), 10, "attributes", &err) == ERR_INVALID_ARGUMENT);
}

static void members_are_read_with_a_substitute(void)
{
    AUTO(jx_cleanup) json_t *o = NULL;
    REQUIRE(jx_parse_object(STR("{\"t\":\"x\",\"i\":7,\"b\":true,\"n\":null}"), NULL, &o, NULL) ==
            ERR_OK);
    CHECK_TEXT(jx_get_text(o, "t", "?"), "x");
    CHECK_TEXT(jx_get_text(o, "i", "?"), "?");
    CHECK_I64(jx_get_i64(o, "i", -1), 7);
    CHECK_I64(jx_get_i64(o, "t", -1), -1);
    CHECK(jx_get_bool(o, "b", false));
    CHECK(jx_get_bool(o, "absent", true));
    CHECK(jx_get(o, "n") == NULL);
    CHECK(jx_get(NULL, "n") == NULL);
    CHECK(jx_get(o, "t") != NULL);
}

static void needed_members_say_what_is_wrong(void)
{
    AUTO(jx_cleanup) json_t *o = NULL;
    const char *text = NULL;
    int64_t number = 0;
    bool flag = false;
    json_t *part = NULL;
    struct err err = {0};
    REQUIRE(jx_parse_object(STR("{\"t\":\"2026-11-22T20:27:00Z\",\"i\":7,\"b\":true,\"o\":{},"
                                "\"a\":[]}"),
                            NULL, &o, NULL) == ERR_OK);
    CHECK(jx_need_text(o, "t", &text, &err) == ERR_OK);
    CHECK(jx_need_i64(o, "i", 0, 7, &number, &err) == ERR_OK);
    CHECK(jx_need_bool(o, "b", &flag, &err) == ERR_OK);
    CHECK(jx_need_object(o, "o", &part, &err) == ERR_OK);
    CHECK(jx_need_array(o, "a", &part, &err) == ERR_OK);
    CHECK(jx_need_time(o, "t", &number, &err) == ERR_OK);
    CHECK_I64(number, INT64_C(1795379220000000));
    CHECK(jx_need_text(o, "x", &text, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail, "x is missing; it must be a string");
    CHECK(jx_need_i64(o, "i", 8, 9, &number, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail, "i must be from 8 to 9");
    CHECK_TEXT(err.field, "i");
    CHECK(jx_need_bool(o, "o", &flag, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail, "o must be true or false, not an object");
    CHECK(jx_need_object(o, "a", &part, &err) == ERR_INVALID_ARGUMENT);
    CHECK(jx_need_array(o, "b", &part, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail, "b must be an array, not a boolean");
    CHECK(jx_need_time(o, "i", &number, &err) == ERR_INVALID_ARGUMENT);
}

static void the_check_without_a_tree_agrees_with_the_parser(void)
{
    static const struct {
        const char *text;
        bool is_json;
    } rows[] = {
        {"{}",                                                         true },
        {"[]",                                                         true },
        {" [ 1 , {\"a\" : [ ] } ] ",                                   true },
        {"{\"a\":{\"b\":[1,-2.5e+3,\"\\u00e9\\n\",true,false,null]}}", true },
        {"\"\"",                                                       true },
        {"0",                                                          true },
        {"",                                                           false},
        {" ",                                                          false},
        {"{",                                                          false},
        {"{\"a\"}",                                                    false},
        {"{\"a\":}",                                                   false},
        {"{\"a\":1,}",                                                 false},
        {"{,}",                                                        false},
        {"[1,]",                                                       false},
        {"[1 2]",                                                      false},
        {"[1]]",                                                       false},
        {"{]",                                                         false},
        {"[}",                                                         false},
        {"01",                                                         false},
        {"1.",                                                         false},
        {".5",                                                         false},
        {"1e",                                                         false},
        {"+1",                                                         false},
        {"-",                                                          false},
        {"\"\t\"",                                                     false},
        {"\"\\x\"",                                                    false},
        {"\"\\u12g4\"",                                                false},
        {"\"abc",                                                      false},
        {"\"\\",                                                       false},
        {"tru",                                                        false},
        {"nulll",                                                      false},
        {"\"\xFF\"",                                                   false},
        {"{1:2}",                                                      false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(jx_cleanup) json_t *value = NULL;
        bool is_parsed = jx_parse(str_from(rows[i].text), NULL, &value, NULL) == ERR_OK;
        CHECK_I64(jx_is_json(str_from(rows[i].text), 0), rows[i].is_json);
        if (is_parsed != rows[i].is_json)
            CHECK_TEXT(rows[i].text, "the same verdict from both");
    }
    CHECK(jx_is_json(STR("[[1]]"), 2));
    CHECK(!jx_is_json(STR("[[1]]"), 1));
}

/* The members put together again are what the tree gives when it is written. */
static void check_same_as_tree(const struct jx_plain *plain, const char *text)
{
    struct buf tree;
    struct buf members;
    struct jx_writer w;
    AUTO(jx_cleanup) json_t *value = NULL;
    buf_init(&tree, 0);
    buf_init(&members, 0);
    REQUIRE(jx_parse_object(str_from(text), NULL, &value, NULL) == ERR_OK);
    jx_writer_init(&w, &tree);
    jx_value(&w, value);
    CHECK(jx_writer_finish(&w, NULL) == ERR_OK);
    jx_writer_init(&w, &members);
    jx_object_begin(&w);
    for (size_t i = 0; i < plain->count; i++) {
        jx_key_str(&w, plain->members[i].key);
        jx_raw(&w, plain->members[i].value);
    }
    jx_object_end(&w);
    CHECK(jx_writer_finish(&w, NULL) == ERR_OK);
    CHECK_STR(buf_str(&members), tree.data);
    buf_fini(&tree);
    buf_fini(&members);
}

static void plain_objects_are_read_without_a_tree(void)
{
    static const struct {
        const char *text;
        size_t count;
        bool is_compact;
    } rows[] = {
        {"{}",                                                                                    0, true },
        {" { \"a\" : 1 , \"b\" :\t\"x\"\r\n} ",                                                   2, true },
        {"{\"a\":[1,{\"a\":null}],\"\":true,\"\xC3\xA9\":false}",                                 3, true },
        {"{\"a\":0,\"b\":-7,\"c\":100000000000000,\"d\":[[[]]]}",                                 4, true },
        {"{\"a\":0.8,\"b\":0.0001,\"c\":-0.0,\"d\":100.0,\"e\":-12345.678901234,\"f\":0.123456}", 6,
         true                                                                                             },
        {"{\"a\":99999999999999.9,\"b\":0.0,\"c\":10.05}",                                        3, true },
        {"{\"a\":[1, 2]}",                                                                        1, false},
        {"{\"a\":{ }}",                                                                           1, false},
    };
    struct jx_plain plain;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        REQUIRE(jx_plain_read(str_from(rows[i].text), &plain));
        CHECK_I64((int64_t)plain.count, (int64_t)rows[i].count);
        CHECK(plain.is_compact == rows[i].is_compact);
        if (plain.is_compact)
            check_same_as_tree(&plain, rows[i].text);
    }
    REQUIRE(jx_plain_read(STR("{\"a\": {\"b\": 2} , \"c\":3}"), &plain));
    CHECK_STR(plain.members[0].key, "a");
    CHECK_STR(plain.members[0].value, "{\"b\": 2}");
    CHECK_STR(plain.members[1].value, "3");
}

/* Invalid, or valid but written in another way than it was read, or large. */
static void what_is_not_plain_goes_the_long_way(void)
{
    static const char *const texts[] = {
        "",
        " ",
        "[]",
        "1",
        "{",
        "{}x",
        "{} {}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":[1,]}",
        "{\"a\":[1}",
        "{a:1}",
        "{\"a\":nul}",
        "{\"a\":truex}",
        "{\"a\":1,\"a\":2}",
        "{\"o\":{\"a\":1,\"a\":2}}",
        "{\"o\":[{\"a\":1,\"a\":2}]}",
        "{\"a\":\"\\n\"}",
        "{\"\\u0061\":1}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\xC3\"}",
        "{\"a\":\"x}",
        "{\"a\":-0}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1.50}",
        "{\"a\":1.00}",
        "{\"a\":0.00001}",
        "{\"a\":1e2}",
        "{\"a\":1E2}",
        "{\"a\":9007199254740993}",
        "{\"a\":123456789.0123456}",
        "{\"a\":[[[[]]]]}",
    };
    struct jx_plain plain;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        CHECK(!jx_plain_read(str_from(texts[i]), &plain));
    CHECK(!jx_plain_read((struct str){"{\"a\":1}\0", 8}, &plain));
}

/* count members at the top, or inside. */
static bool reads_members(size_t count, bool is_inside)
{
    struct buf json;
    struct jx_plain plain;
    buf_init(&json, 0);
    buf_text(&json, is_inside ? "{\"in\":{" : "{");
    for (size_t i = 0; i < count; i++)
        buf_printf(&json, "%s\"k%zu\":1", i == 0 ? "" : ",", i);
    buf_text(&json, is_inside ? "}}" : "}");
    bool is_read = jx_plain_read(buf_str(&json), &plain);
    CHECK(jx_check_object_text(buf_str(&json), 4096, "attributes", NULL) == ERR_OK);
    buf_fini(&json);
    return is_read;
}

static void plain_objects_are_of_few_members(void)
{
    CHECK(reads_members(JX_PLAIN_MEMBERS, false));
    CHECK(!reads_members(JX_PLAIN_MEMBERS + 1, false));
    CHECK(reads_members(16, true));
    CHECK(!reads_members(17, true));
}

static const struct test_case cases[] = {
    {"one value of any type is read",                   one_value_of_any_type_is_read             },
    {"bad text is refused with its place",              bad_text_is_refused_with_its_place        },
    {"a bracket in a string is no level",               a_bracket_in_a_string_is_no_level         },
    {"text of a hundred thousand brackets is survived",
     text_of_a_hundred_thousand_brackets_is_survived                                              },
    {"nothing hides behind a NUL byte",                 nothing_hides_behind_a_nul_byte           },
    {"duplicate keys pass where allowed",               duplicates_pass_where_allowed             },
    {"attributes are an object of limited length",      attributes_are_an_object_of_limited_length},
    {"members are read with a substitute",              members_are_read_with_a_substitute        },
    {"needed members say what is wrong",                needed_members_say_what_is_wrong          },
    {"the check without a tree agrees with the parser",
     the_check_without_a_tree_agrees_with_the_parser                                              },
    {"plain objects are read without a tree",           plain_objects_are_read_without_a_tree     },
    {"what is not plain goes the long way",             what_is_not_plain_goes_the_long_way       },
    {"plain objects are of few members",                plain_objects_are_of_few_members          },
};

int main(int argc, char **argv)
{
    return testing_main("jx", cases, ARRAY_LEN(cases), argc, argv);
}
