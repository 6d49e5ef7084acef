/* QuickBase's records API: what is asked and how its answers are read. */
#include <jansson.h>
#include <stdio.h>

#include "jx/jx.h"
#include "quickbase_query.h"
#include "testing.h"

enum { ARENA_BYTES = 32 << 10 };

static const struct quickbase_fields fields = {
    .phone = 148, .coordinator = 346, .project_status = 255, .name = 6, .customer_type = 9};

static struct arena *arena;

static enum err_code read_reply(const char *reply, struct customer *out, bool *out_found,
                                struct err *err)
{
    arena_free(arena);
    arena = arena_new(ARENA_BYTES);
    return quickbase_read(str_from(reply), &fields, "+15125550100", arena, out, out_found, err);
}

static void test_query(void)
{
    struct buf body;
    AUTO(jx_cleanup) json_t *root = NULL;
    buf_init(&body, 0);
    quickbase_query(&body, "bqx7xre7a", &fields, "+15125550100");
    REQUIRE(jx_parse_object(buf_str(&body), NULL, &root, NULL) == ERR_OK);
    CHECK_TEXT(jx_get_text(root, "from", ""), "bqx7xre7a");
    CHECK_TEXT(jx_get_text(root, "where", ""),
               "{148.EX.'+15125550100'}OR{148.EX.'15125550100'}OR{148.EX.'5125550100'}OR"
               "{148.EX.'(512) 555-0100'}OR{148.EX.'512-555-0100'}OR{148.EX.'512.555.0100'}OR"
               "{148.EX.'1-512-555-0100'}OR{148.EX.'+1 (512) 555-0100'}");
    const json_t *select = jx_get(root, "select");
    CHECK_I64(json_array_size(select), 6); /* those that there are, and the record's id */
    CHECK_I64(json_integer_value(json_array_get(select, 0)), 3);
    buf_clear(&body);
    quickbase_quote(&body, STR("O'Neil\\'}OR{3.GT.'0"));
    CHECK_STR(buf_str(&body), "'O\\'Neil\\\\\\'}OR{3.GT.\\'0'");
    buf_fini(&body);
}

static void test_rows(void)
{
    struct customer c;
    bool is_found = false;
    struct err err = {0};
    REQUIRE(read_reply("{\"data\":[{\"3\":{\"value\":17},\"6\":{\"value\":\" Ann\\nO'Neil \"},"
                       "\"148\":{\"value\":\"(512) 555-0100\"},\"255\":{\"value\":\"PRE_PTO\"},"
                       "\"9\":{\"value\":[\"vip\",\"old\"]},\"346\":{\"value\":{\"email\":"
                       "\"Bo@Example.com\",\"id\":\"123.ab\",\"name\":\"Bo\"}}}],\"fields\":[]}",
                       &c, &is_found, &err) == ERR_OK);
    REQUIRE(is_found);
    CHECK_TEXT(c.external_id, "17");
    CHECK_TEXT(c.name, "Ann O'Neil");
    CHECK_TEXT(c.customer_type, "vip");
    CHECK_TEXT(c.project_status, "PRE_PTO");
    CHECK_TEXT(c.coordinator_email, "Bo@Example.com");
    CHECK_TEXT(c.coordinator_quickbase_id, "123.ab");
    CHECK_TEXT(c.phones[0], "+15125550100");
    CHECK_TEXT(c.attributes, "{}");
    CHECK_TEXT(c.organization, "");
    /* A coordinator written as text is an address or an id. */
    REQUIRE(read_reply("{\"data\":[{\"346\":{\"value\":\"bo@example.com\"}}]}", &c, &is_found,
                       &err) == ERR_OK);
    CHECK_TEXT(c.coordinator_email, "bo@example.com");
    REQUIRE(read_reply("{\"data\":[{\"346\":{\"value\":42}}]}", &c, &is_found, &err) == ERR_OK);
    CHECK_TEXT(c.coordinator_quickbase_id, "42");
    /* Of several, one that somebody looks after. */
    REQUIRE(read_reply("{\"data\":[{\"3\":{\"value\":1},\"346\":{\"value\":\"\"}},{\"3\":{\"value\""
                       ":2},\"346\":{\"value\":\"b@c.de\"}},{\"3\":{\"value\":3}}]}",
                       &c, &is_found, &err) == ERR_OK);
    CHECK_TEXT(c.external_id, "2");
    REQUIRE(read_reply("{\"data\":[]}", &c, &is_found, &err) == ERR_OK);
    CHECK(!is_found);
}

static void test_nonsense(void)
{
    static const char *const replies[] = {
        "",
        "nonsense",
        "[]",
        "{}",
        "{\"data\":{}}",
        "{\"data\":[1]}",
        "{\"data\":[null]}",
        "{\"data\":\"x\"}",
        "<html>",
        "{\"data\":[{}]",
    };
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct customer c;
        bool is_found = false;
        struct err err = {0};
        CHECK_I64(read_reply(replies[i], &c, &is_found, &err), ERR_UNAVAILABLE);
        CHECK_TEXT(err.reason, "QUICKBASE_ANSWER");
    }
}

static void test_long(void)
{
    struct buf reply;
    struct customer c;
    bool is_found = false;
    buf_init(&reply, 0);
    buf_text(&reply, "{\"data\":[{\"6\":{\"value\":\"");
    for (int i = 0; i < 1000; i++)
        buf_text(&reply, "\xC3\xA9");
    buf_text(&reply, "\"}}]}");
    REQUIRE(read_reply(reply.data, &c, &is_found, NULL) == ERR_OK);
    CHECK_I64(str_utf8_count(str_from(c.name)), CUSTOMER_TEXT_MAX);
    CHECK(str_is_utf8(str_from(c.name)));
    buf_fini(&reply);
    arena_free(TAKE(arena));
}

static const struct test_case cases[] = {
    {"one query has every spelling of the number, and nothing ends its quotes", test_query   },
    {"a row becomes a customer, whatever its fields' types",                    test_rows    },
    {"what is not as documented is refused, not guessed",                       test_nonsense},
    {"a text is cut between characters",                                        test_long    },
};

int main(int argc, char **argv)
{
    return testing_main("quickbase", cases, ARRAY_LEN(cases), argc, argv);
}
