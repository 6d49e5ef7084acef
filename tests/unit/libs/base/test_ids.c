#include "base/ids.h"

#include "base/parse.h"
#include "testing.h"

static void new_sids_are_formed_and_in_order(void)
{
    struct sid before = sid_new("WT");
    for (int i = 0; i < 1000; i++) {
        struct sid sid = sid_new("WT");
        CHECK(parse_is_sid(str_from(sid.text), "WT"));
        CHECK(strcmp(before.text, sid.text) != 0);
        CHECK(memcmp(before.text, sid.text, 14) <= 0); /* milliseconds */
        before = sid;
    }
}

static void made_sids_show_their_parts_and_sort_by_time(void)
{
    struct sid sid =
        sid_make("WK", INT64_C(0x0123456789AB) * 1000 + 999, 0xBEEF, UINT64_C(0x0123456789ABCDEF));
    CHECK_TEXT(sid.text, "WK0123456789abbeef0123456789abcdef");
    struct sid early = sid_make("WK", 1000000, 0xFFFF, UINT64_MAX);
    struct sid late = sid_make("WK", 1001000, 0, 0);
    CHECK(strcmp(early.text, late.text) < 0);
    struct sid next = sid_make("WK", 1001000, 1, 0);
    CHECK(strcmp(late.text, next.text) < 0);
}

static void derived_sids_depend_on_scope_and_name_alone(void)
{
    struct sid a = sid_derive("TC", STR("WS1"), STR("default"));
    struct sid b = sid_derive("TC", STR("WS1"), STR("default"));
    CHECK_TEXT(a.text, b.text);
    CHECK(parse_is_sid(str_from(a.text), "TC"));
    CHECK(strcmp(a.text, sid_derive("TC", STR("WS2"), STR("default")).text) != 0);
    CHECK(strcmp(a.text, sid_derive("TC", STR("WS1"), STR("voice")).text) != 0);
    /* Both halves depend on the input. */
    CHECK(memcmp(a.text + 2, a.text + 18, 16) != 0);
}

static void copies_hold_at_most_a_sid(void)
{
    struct sid sid = sid_from(STR("WK0123456789abcdef0123456789abcdef"));
    CHECK_TEXT(sid.text, "WK0123456789abcdef0123456789abcdef");
    CHECK(sid_is_set(&sid));
    sid = sid_from(STR("WK0123456789abcdef0123456789abcdef0"));
    CHECK(!sid_is_set(&sid));
    sid = sid_from((struct str){NULL, 0});
    CHECK(!sid_is_set(&sid));
}

static void random_bytes_fill_all(void)
{
    unsigned char seen[64] = {0};
    for (int round = 0; round < 64; round++) {
        unsigned char bytes[64];
        random_bytes(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof seen; i++)
        CHECK_I64(seen[i], 0xFF);
}

static const struct test_case cases[] = {
    {"new SIDs are well-formed and in order",       new_sids_are_formed_and_in_order           },
    {"made SIDs show their parts and sort by time", made_sids_show_their_parts_and_sort_by_time},
    {"derived SIDs depend on scope and name alone", derived_sids_depend_on_scope_and_name_alone},
    {"copies hold at most a SID",                   copies_hold_at_most_a_sid                  },
    {"random bytes fill everything",                random_bytes_fill_all                      },
};

int main(int argc, char **argv)
{
    return testing_main("ids", cases, ARRAY_LEN(cases), argc, argv);
}
