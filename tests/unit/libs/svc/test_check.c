#include "svc/check.h"

#include "svc/mask.h"
#include "svc/wire.h"
#include "testing.h"

static void test_text(void)
{
    static const struct {
        const char *value;
        size_t min;
        const char *reason; /* NULL: fine */
    } rows[] = {
        {"a",                                1, NULL            },
        {"",                                 0, NULL            },
        {"",                                 1, "FIELD_REQUIRED"},
        {NULL,                               1, "FIELD_REQUIRED"},
        {"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 1, NULL            }, /* characters, not bytes */
        {"abcde",                            1, "INVALID_LENGTH"},
        {"a\nb",                             1, "INVALID_TEXT"  },
        {"a\x7F",                            1, "INVALID_TEXT"  },
        {"\xFF",                             1, "INVALID_TEXT"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {.code = ERR_OK};
        enum err_code code = check_text("name", rows[i].value, rows[i].min, 4, &err);
        CHECK_I64(code, rows[i].reason == NULL ? ERR_OK : ERR_INVALID_ARGUMENT);
        CHECK_TEXT(rows[i].reason == NULL ? "" : err.reason,
                   rows[i].reason == NULL ? "" : rows[i].reason);
        CHECK_TEXT(err.field, rows[i].reason == NULL ? "" : "name");
    }
}

static void test_sid(void)
{
    static const struct {
        const char *value;
        const char *reason;
    } rows[] = {
        {"WK0123456789abcdef0123456789ABCDEF",  NULL            },
        {"",                                    "FIELD_REQUIRED"},
        {NULL,                                  "FIELD_REQUIRED"},
        {"WQ0123456789abcdef0123456789abcdef",  "INVALID_SID"   },
        {"WK0123456789abcdef0123456789abcde",   "INVALID_SID"   },
        {"WK0123456789abcdef0123456789abcdef0", "INVALID_SID"   },
        {"WK0123456789abcdef0123456789abcdeg",  "INVALID_SID"   },
        {"wk0123456789abcdef0123456789abcdef",  "INVALID_SID"   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {.code = ERR_OK};
        bool is_fine = check_sid("sid", rows[i].value, "WK", &err) == ERR_OK;
        CHECK_I64(is_fine, rows[i].reason == NULL);
        if (!is_fine && rows[i].reason != NULL)
            CHECK_TEXT(err.reason, rows[i].reason);
    }
    CHECK_I64(check_optional_sid("sid", "", "WK", NULL), ERR_OK);
    CHECK_I64(check_optional_sid("sid", "x", "WK", NULL), ERR_INVALID_ARGUMENT);
}

static void test_url(void)
{
    static const struct {
        const char *value;
        bool is_fine;
    } rows[] = {
        {"",                  true },
        {NULL,                true },
        {"http://a",          true },
        {"https://a.b/c?d#e", true },
        {"ftp://a",           false},
        {"http://",           false},
        {"http:///a",         false},
        {"https://?a",        false},
        {"http://a b",        false},
        {"http://a\nb",       false},
        {"a.b/c",             false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_I64(check_optional_url("url", rows[i].value, NULL) == ERR_OK, rows[i].is_fine);
    char text[2060] = "http://";
    memset(text + 7, 'a', 2041);
    CHECK_I64(check_optional_url("url", text, NULL), ERR_OK);
    text[2048] = 'a';
    CHECK_I64(check_optional_url("url", text, NULL), ERR_INVALID_ARGUMENT);
}

static void test_range_and_version(void)
{
    struct err err = {.code = ERR_OK};
    CHECK_I64(check_range("n", 1, 1, 5, &err), ERR_OK);
    CHECK_I64(check_range("n", 5, 1, 5, &err), ERR_OK);
    CHECK_I64(check_range("n", 6, 1, 5, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.detail, "n is 6; it must be 1 to 5");
    CHECK_I64(check_version(false, 7, 2, &err), ERR_OK);
    CHECK_I64(check_version(true, 2, 2, &err), ERR_OK);
    CHECK_I64(check_version(true, 0, 2, &err), ERR_ABORTED);
    CHECK_TEXT(err.reason, "VERSION_MISMATCH");
}

static void test_mask(void)
{
    static const char *const allowed[] = {"friendly_name", "attributes"};
    static char name[] = "friendly_name";
    static char camel[] = "friendlyName";
    char *paths[] = {name, camel};
    Google__Protobuf__FieldMask mask;
    google__protobuf__field_mask__init(&mask);
    struct err err = {.code = ERR_OK};
    CHECK_I64(mask_check(NULL, allowed, 2, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "EMPTY_UPDATE");
    CHECK_I64(mask_check(&mask, allowed, 2, &err), ERR_INVALID_ARGUMENT);
    mask.paths = paths;
    mask.n_paths = 1;
    CHECK_I64(mask_check(&mask, allowed, 2, &err), ERR_OK);
    CHECK(mask_has(&mask, "friendly_name"));
    CHECK(!mask_has(&mask, "attributes"));
    CHECK(!mask_has(NULL, "attributes"));
    mask.n_paths = 2;
    CHECK_I64(mask_check(&mask, allowed, 2, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "FIELD_NOT_UPDATABLE");
    CHECK_TEXT(err.field, "friendlyName");
    CHECK_TEXT(err.detail, "friendlyName cannot be changed; these can: friendly_name, attributes");
}

static void test_times(void)
{
    static const int64_t times[] = {1,
                                    999999,
                                    1000000,
                                    1767323045250001,
                                    -1,
                                    -1000000,
                                    -1500000,
                                    -62135596800000000,
                                    253402300799999999};
    struct arena *arena = arena_new(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const Google__Protobuf__Timestamp *time = wire_time(arena, times[i]);
        REQUIRE(time != NULL);
        CHECK(time->nanos >= 0 && time->nanos < 1000000000);
        CHECK_I64(wire_time_us(time), times[i]);
    }
    CHECK(wire_time(arena, 0) == NULL);
    CHECK_I64(wire_time_us(NULL), 0);
    Google__Protobuf__Timestamp wild; /* from outside: no overflow */
    google__protobuf__timestamp__init(&wild);
    wild.seconds = INT64_MAX;
    wild.nanos = INT32_MAX;
    CHECK(wire_time_us(&wild) > 0);
    wild.seconds = INT64_MIN;
    wild.nanos = INT32_MIN;
    CHECK(wire_time_us(&wild) < 0);
    CHECK_TEXT(wire_text(arena, NULL), "");
    CHECK_TEXT(wire_text(arena, "x"), "x");
    arena_free(arena);
    struct arena *full = arena_new(8);
    (void)arena_alloc(full, 64);
    CHECK(wire_time(full, 5) == NULL);
    CHECK(wire_text(full, "long enough not to fit") == NULL);
    arena_free(full);
}

static const struct test_case cases[] = {
    {"a text has characters within bounds and none of control",     test_text             },
    {"a SID has its prefix and 32 hex digits",                      test_sid              },
    {"a URL is http or https, with a host, and short",              test_url              },
    {"ranges are inclusive; a wrong version is told both",          test_range_and_version},
    {"a mask names allowed fields in proto spelling",               test_mask             },
    {"times go to the wire and back, and bad ones do not overflow", test_times            },
};

int main(int argc, char **argv)
{
    return testing_main("svc checks", cases, ARRAY_LEN(cases), argc, argv);
}
