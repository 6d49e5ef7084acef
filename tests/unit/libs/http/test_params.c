#include "http/params.h"

#include <stdio.h>

#include "testing.h"

static struct arena *arena;

/* "name=value;" for each pair, or the reason of the error. */
static void describe(struct str text, size_t max_count, char *out, size_t size)
{
    struct http_params params;
    struct err err = {0};
    if (http_params_decode(arena, text, max_count, &params, &err) != ERR_OK) {
        (void)snprintf(out, size, "%s", err.reason);
        return;
    }
    out[0] = '\0';
    for (size_t i = 0; i < params.count; i++) {
        size_t used = strlen(out);
        (void)snprintf(out + used, size - used, "%s=%s;", params.items[i].name.ptr,
                       params.items[i].value.ptr);
    }
}

static void queries_and_forms_are_decoded(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"",                    ""                   },
        {"&&",                  ""                   },
        {"a=1",                 "a=1;"               },
        {"a=1&b=2&a=3",         "a=1;b=2;a=3;"       },
        {"a",                   "a=;"                },
        {"=v",                  "=v;"                },
        {"a=b=c",               "a=b=c;"             },
        {"a=x+y%2Bz",           "a=x y+z;"           },
        {"%61%62=%C3%A9",       "ab=\xc3\xa9;"       },
        {"a=1%26b%3D2",         "a=1&b=2;"           },
        {"a=%",                 "BAD_ENCODING"       },
        {"a=%4",                "BAD_ENCODING"       },
        {"a=%4g",               "BAD_ENCODING"       },
        {"a=%41",               "a=A;"               },
        {"a=%00",               "BAD_ENCODING"       },
        {"a=%ff",               "BAD_ENCODING"       },
        {"a=\xc3",              "BAD_ENCODING"       },
        {"%C0%80=1",            "BAD_ENCODING"       },
        {"a=1&b=2&c=3&d=4&e=5", "TOO_MANY_PARAMETERS"},
        {"a=1&b=2&c=3&d=4&&&&", "a=1;b=2;c=3;d=4;"   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        describe(str_from(rows[i].text), 4, text, sizeof text);
        CHECK_TEXT(text, rows[i].want);
    }
}

static void a_zero_byte_in_the_raw_text_is_refused(void)
{
    char text[64];
    describe((struct str){"a=b\0c", 5}, 4, text, sizeof text);
    CHECK_TEXT(text, "BAD_ENCODING");
}

static void a_bad_value_is_refused_by_name(void)
{
    struct http_params params;
    struct err err;
    REQUIRE(http_params_decode(arena, STR("a=1&TaskSid=%00"), 8, &params, &err) != ERR_OK);
    CHECK_TEXT(err.field, "TaskSid");
    CHECK(str_find(str_from(err.detail), STR("parameter TaskSid: ")) == 0);
    /* but not by one that is no name */
    REQUIRE(http_params_decode(arena, STR("%3Cb%3E=%ff"), 8, &params, &err) != ERR_OK);
    CHECK_TEXT(err.field, "");
    CHECK(str_find(str_from(err.detail), STR("<")) < 0);
}

static void repeated_names_are_walked(void)
{
    struct http_params params;
    struct err err;
    REQUIRE(http_params_decode(arena, STR("a=1&b=2&a=3"), 8, &params, &err) == ERR_OK);
    size_t pos = 0;
    struct str value;
    CHECK(http_params_next(&params, "a", &pos, &value));
    CHECK_STR(value, "1");
    CHECK(http_params_next(&params, "a", &pos, &value));
    CHECK_STR(value, "3");
    CHECK(!http_params_next(&params, "a", &pos, &value));
    CHECK_STR(http_params_get(&params, "b"), "2");
    CHECK(!http_params_has(&params, "c"));
}

static void a_full_arena_is_reported(void)
{
    struct arena *small = arena_new(64);
    struct http_params params;
    struct err err = {0};
    enum err_code code =
        http_params_decode(small, STR("aaaaaaaaaaaaaaaa=bbbbbbbbbbbbbbbbbbbb&c"), 8, &params, &err);
    CHECK_I64(code, ERR_RESOURCE_EXHAUSTED);
    arena_free(small);
}

static void header_parameters_are_split(void)
{
    static const struct {
        const char *text;
        const char *main_part;
        const char *name;
        const char *value;
    } rows[] = {
        {"application/json",                       "application/json", NULL,       NULL            },
        {" text/html ; charset=\"utf-8\" ",        "text/html",        "charset",  "utf-8"         },
        {"a;b;c=d",                                "a",                "c",        "d"             },
        {"form-data; filename=\"x;y\\\";z\"; q=1", "form-data",        "q",        "1"             },
        {"form-data; filename=\"x;y\"",            "form-data",        "filename", "x;y"           },
        {"a; x=\"unterminated",                    "a",                "x",        "\"unterminated"},
        {"",                                       "",                 NULL,       NULL            },
        {";;;",                                    "",                 NULL,       NULL            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str main_part;
        struct http_params params;
        struct err err;
        REQUIRE(http_header_split(arena, str_from(rows[i].text), 4, &main_part, &params, &err) ==
                ERR_OK);
        CHECK_STR(main_part, rows[i].main_part);
        if (rows[i].name == NULL)
            CHECK_I64(params.count, 0);
        else
            CHECK_STR(http_params_get(&params, rows[i].name), rows[i].value);
    }
}

static void credentials_are_found(void)
{
    static const struct {
        const char *text;
        const char *token; /* NULL: refused */
    } rows[] = {
        {"Bearer abc",   "abc"},
        {"bearer   abc", "abc"},
        {"Bearer",       NULL },
        {"Bearer ",      NULL },
        {"Bearer a b",   NULL },
        {"Basic abc",    NULL },
        {"",             NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str token = {NULL, 0};
        CHECK(http_bearer_token(str_from(rows[i].text), &token) == (rows[i].token != NULL));
        if (rows[i].token != NULL)
            CHECK_STR(token, rows[i].token);
    }
    static const struct {
        const char *text;
        const char *user;
        const char *password;
    } basics[] = {
        {"Basic QUMxOnNlY3JldA==", "AC1", "secret"},
        {"basic QUMxOg",           "AC1", ""      },
        {"Basic YTpiOmM=",         "a",   "b:c"   },
        {"Basic QUMx",             NULL,  NULL    }, /* no colon */
        {"Basic A",                NULL,  NULL    },
        {"Basic !!!!",             NULL,  NULL    },
        {"Basic AAAA",             NULL,  NULL    }, /* zero bytes */
        {"Basic /zo=",             NULL,  NULL    }, /* not UTF-8 */
        {"Basic",                  NULL,  NULL    },
    };
    for (size_t i = 0; i < ARRAY_LEN(basics); i++) {
        struct str user = {NULL, 0};
        struct str password = {NULL, 0};
        bool is_good = http_basic_credentials(arena, str_from(basics[i].text), &user, &password);
        CHECK(is_good == (basics[i].user != NULL));
        if (!is_good || basics[i].user == NULL)
            continue;
        CHECK_STR(user, basics[i].user);
        CHECK_STR(password, basics[i].password);
    }
}

static const struct test_case cases[] = {
    {"queries and forms are decoded",          queries_and_forms_are_decoded         },
    {"a zero byte in the raw text is refused", a_zero_byte_in_the_raw_text_is_refused},
    {"a bad value is refused by name",         a_bad_value_is_refused_by_name        },
    {"repeated names are walked",              repeated_names_are_walked             },
    {"a full arena is reported",               a_full_arena_is_reported              },
    {"header parameters are split",            header_parameters_are_split           },
    {"credentials are found",                  credentials_are_found                 },
};

int main(int argc, char **argv)
{
    arena = arena_new(1 << 20);
    int status = testing_main("http params", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
