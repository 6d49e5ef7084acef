#include "worker.h"

#include "testing.h"

static void test_attributes(void)
{
    static const struct {
        const char *attributes;
        const char *reason; /* NULL: fine */
    } rows[] = {
        {"{}",                                                           NULL                },
        {"{\"skills\":[\"a\"],\"n\":{\"m\":1.5},\"x\":null,\"y\":true}", NULL                },
        {"",                                                             "INVALID_ATTRIBUTES"},
        {"null",                                                         "INVALID_ATTRIBUTES"},
        {"[]",                                                           "INVALID_ATTRIBUTES"},
        {"\"a\"",                                                        "INVALID_ATTRIBUTES"},
        {"{\"a\":}",                                                     "INVALID_ATTRIBUTES"},
        {"{\"a\":1} x",                                                  "INVALID_ATTRIBUTES"},
        {"{\"a\":1,\"a\":2}",                                            NULL                },
        {"{'a':1}",                                                      "INVALID_ATTRIBUTES"},
        {"{\"a\":\"\xFF\"}",                                             "INVALID_ATTRIBUTES"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct worker worker = {.friendly_name = "Ann", .attributes = rows[i].attributes};
        struct err err = {.code = ERR_OK};
        bool is_fine = worker_check(&worker, &err) == ERR_OK;
        if (!CHECK(is_fine == (rows[i].reason == NULL)))
            (void)CHECK_TEXT(rows[i].attributes, "");
        if (!is_fine) {
            CHECK_TEXT(err.reason, rows[i].reason);
            CHECK_TEXT(err.field, "attributes");
        }
    }
}

static void test_length(void)
{
    char text[2 * 4100];
    for (int chars = WORKER_ATTRIBUTES_MAX; chars <= WORKER_ATTRIBUTES_MAX + 1; chars++) {
        size_t len = 6;
        memcpy(text, "{\"a\":\"", len);
        for (int i = 0; i < chars - 8; i++) {
            text[len++] = '\xC3'; /* e with an acute accent: two bytes, one character */
            text[len++] = '\xA9';
        }
        memcpy(text + len, "\"}", 3);
        struct worker worker = {.friendly_name = "Ann", .attributes = text};
        struct err err = {.code = ERR_OK};
        enum err_code code = worker_check(&worker, &err);
        CHECK_I64(code, chars == WORKER_ATTRIBUTES_MAX ? ERR_OK : ERR_INVALID_ARGUMENT);
        if (code != ERR_OK)
            CHECK_TEXT(err.reason, "ATTRIBUTES_TOO_LONG");
    }
}

static void test_names(void)
{
    struct worker worker = {.friendly_name = " ", .attributes = "{}"};
    struct err err = {.code = ERR_OK};
    CHECK_I64(worker_check(&worker, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "friendly_name");
}

static void test_capacity(void)
{
    static const struct {
        int32_t capacity;
        bool is_fine;
    } rows[] = {
        {0,         true },
        {50,        true },
        {51,        false},
        {-1,        false},
        {INT32_MIN, false}
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct worker_channel channel = {.configured_capacity = rows[i].capacity};
        CHECK_I64(worker_channel_check(&channel, NULL) == ERR_OK, rows[i].is_fine);
    }
}

static const struct test_case cases[] = {
    {"attributes are one JSON object",                                test_attributes},
    {"attributes have at most 4096 characters, whatever their bytes", test_length    },
    {"a worker has a name",                                           test_names     },
    {"a channel takes 0 to 50 tasks",                                 test_capacity  },
};

int main(int argc, char **argv)
{
    return testing_main("worker", cases, ARRAY_LEN(cases), argc, argv);
}
