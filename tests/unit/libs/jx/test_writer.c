#include "jx/writer.h"

#include <math.h>
#include <stdio.h>

#include "jx/jx.h"
#include "testing.h"

static void values_nest_with_commas_in_place(void)
{
    struct buf out;
    struct jx_writer w;
    buf_init(&out, 0);
    jx_writer_init(&w, &out);
    jx_object_begin(&w);
    jx_put_text(&w, "t", "x");
    jx_put_text(&w, "none", NULL);
    jx_put_i64(&w, "i", INT64_MIN);
    jx_key(&w, "list");
    jx_array_begin(&w);
    jx_u64(&w, UINT64_MAX);
    jx_bool(&w, false);
    jx_array_begin(&w);
    jx_array_end(&w);
    jx_object_begin(&w);
    jx_object_end(&w);
    jx_null(&w);
    jx_array_end(&w);
    jx_put_raw(&w, "raw", STR("{\"a\": 1}"));
    jx_put_bool(&w, "b", true);
    jx_put_null(&w, "n");
    jx_put_str(&w, "s", STR("y"));
    jx_put_time_s(&w, "at", 0);
    jx_put_time_us(&w, "at_us", 1);
    jx_key(&w, "at_either");
    jx_time(&w, 1000000);
    jx_object_end(&w);
    CHECK(jx_writer_finish(&w, NULL) == ERR_OK);
    CHECK_STR(buf_str(&out),
              "{\"t\":\"x\",\"none\":null,\"i\":-9223372036854775808,"
              "\"list\":[18446744073709551615,false,[],{},null],\"raw\":{\"a\": 1},\"b\":true,"
              "\"n\":null,\"s\":\"y\",\"at\":\"1970-01-01T00:00:00Z\","
              "\"at_us\":\"1970-01-01T00:00:00.000001Z\",\"at_either\":\"1970-01-01T00:00:01Z\"}");
    buf_fini(&out);
}

static void strings_are_escaped_and_repaired(void)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        {{"", 0},                "\"\""                         },
        {{"\"\\/\b\f\n\r\t", 8}, "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
        {{"\0\x01\x1f\x7f", 4},  "\"\\u0000\\u0001\\u001f\x7f\""},
        {{"caf\xC3\xA9", 5},     "\"caf\xC3\xA9\""              },
        {{"a\xFF\"b", 4},        "\"a\xEF\xBF\xBD\\\"b\""       },
        {{"\xE2\x82", 2},        "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        {{"\xC3\xA9\xC3", 3},    "\"\xC3\xA9\xEF\xBF\xBD\""     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        buf_init(&out, 0);
        jx_quote(&out, rows[i].text);
        CHECK_STR(buf_str(&out), rows[i].want);
        buf_fini(&out);
    }
}

static void doubles_are_short_and_read_back(void)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        {0.1,               "0.1"                  },
        {1.0,               "1.0"                  },
        {-2.5,              "-2.5"                 },
        {1e300,             "1e+300"               },
        {1.0 / 3,           "0.3333333333333333"   },
        {5e-324,            "4.94065645841247e-324"},
        {(double)NAN,       "null"                 },
        {-(double)INFINITY, "null"                 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        struct jx_writer w;
        buf_init(&out, 0);
        jx_writer_init(&w, &out);
        jx_double(&w, rows[i].value);
        CHECK(jx_writer_finish(&w, NULL) == ERR_OK);
        CHECK_STR(buf_str(&out), rows[i].want);
        buf_fini(&out);
    }
}

static void a_parsed_value_is_written_as_it_was(void)
{
    static const char text[] =
        "{\"z\":[1,2.5,0.1,\"\xC3\xA9\\n\",{}],\"a\":{\"b\":null},\"t\":true}";
    struct buf out;
    struct jx_writer w;
    AUTO(jx_cleanup) json_t *value = NULL;
    REQUIRE(jx_parse(str_from(text), NULL, &value, NULL) == ERR_OK);
    buf_init(&out, 0);
    jx_writer_init(&w, &out);
    jx_value(&w, value);
    CHECK(jx_writer_finish(&w, NULL) == ERR_OK);
    CHECK_STR(buf_str(&out), text);
    buf_fini(&out);
}

static void value_without_key(struct jx_writer *w)
{
    jx_object_begin(w);
    jx_i64(w, 1);
    jx_object_end(w);
}

static void key_in_array(struct jx_writer *w)
{
    jx_array_begin(w);
    jx_key(w, "k");
    jx_array_end(w);
}

static void key_without_value(struct jx_writer *w)
{
    jx_object_begin(w);
    jx_key(w, "k");
    jx_object_end(w);
}

static void wrong_end(struct jx_writer *w)
{
    jx_object_begin(w);
    jx_array_end(w);
}

static void end_too_many(struct jx_writer *w)
{
    jx_array_end(w);
}

static void two_values(struct jx_writer *w)
{
    jx_null(w);
    jx_null(w);
}

static void not_closed(struct jx_writer *w)
{
    jx_array_begin(w);
}

static void nothing(struct jx_writer *w)
{
    (void)w;
}

static void empty_raw(struct jx_writer *w)
{
    jx_raw(w, STR(""));
}

static void too_deep(struct jx_writer *w)
{
    for (int i = 0; i <= JX_WRITER_DEPTH; i++)
        jx_array_begin(w);
    for (int i = 0; i <= JX_WRITER_DEPTH; i++)
        jx_array_end(w);
}

static void misuse_fails_instead_of_writing_bad_json(void)
{
    static void (*const misuses[])(struct jx_writer *) = {
        value_without_key, key_in_array, key_without_value, wrong_end, end_too_many,
        two_values,        not_closed,   nothing,           empty_raw, too_deep,
    };
    for (size_t i = 0; i < ARRAY_LEN(misuses); i++) {
        struct buf out;
        struct jx_writer w;
        struct err err = {0};
        buf_init(&out, 0);
        jx_writer_init(&w, &out);
        misuses[i](&w);
        CHECK(jx_writer_finish(&w, &err) == ERR_INTERNAL);
        buf_fini(&out);
    }
}

static void the_deepest_allowed_nesting_is_written(void)
{
    struct buf out;
    struct jx_writer w;
    buf_init(&out, 0);
    jx_writer_init(&w, &out);
    for (int i = 0; i < JX_WRITER_DEPTH; i++)
        jx_array_begin(&w);
    for (int i = 0; i < JX_WRITER_DEPTH; i++)
        jx_array_end(&w);
    CHECK(jx_writer_finish(&w, NULL) == ERR_OK);
    CHECK_I64(out.len, 2 * JX_WRITER_DEPTH);
    buf_fini(&out);
}

static void a_full_buffer_is_resource_exhausted(void)
{
    struct buf out;
    struct jx_writer w;
    struct err err = {0};
    buf_init(&out, 10);
    jx_writer_init(&w, &out);
    jx_text(&w, "more than ten bytes");
    CHECK(jx_writer_finish(&w, &err) == ERR_RESOURCE_EXHAUSTED);
    buf_fini(&out);
}

static const struct test_case cases[] = {
    {"values nest with commas in place",               values_nest_with_commas_in_place        },
    {"strings are escaped, and repaired if not UTF-8", strings_are_escaped_and_repaired        },
    {"doubles are short and read back",                doubles_are_short_and_read_back         },
    {"a parsed value is written as it was",            a_parsed_value_is_written_as_it_was     },
    {"misuse fails instead of writing bad JSON",       misuse_fails_instead_of_writing_bad_json},
    {"the deepest allowed nesting is written",         the_deepest_allowed_nesting_is_written  },
    {"a full buffer is RESOURCE_EXHAUSTED",            a_full_buffer_is_resource_exhausted     },
};

int main(int argc, char **argv)
{
    return testing_main("jx writer", cases, ARRAY_LEN(cases), argc, argv);
}
