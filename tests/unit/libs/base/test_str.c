#include "base/str.h"

#include "testing.h"

static void views_compare_by_bytes(void)
{
    struct str none = {NULL, 0};
    CHECK(str_eq(none, STR("")));
    CHECK(str_eq(str_from(NULL), none));
    CHECK(str_eq_text(STR("a"), "a"));
    CHECK(!str_eq(STR("a"), STR("ab")));
    CHECK(str_eq_nocase(STR("AbC-9"), STR("aBc-9")));
    CHECK(!str_eq_nocase(STR("["), STR("{"))); /* 32 apart, but no letters */
    CHECK(str_cmp(STR("a"), STR("b")) < 0);
    CHECK(str_cmp(STR("a"), STR("ab")) < 0);
    CHECK(str_cmp(STR("\xFF"), STR("a")) > 0);
    CHECK_I64(str_cmp(none, STR("")), 0);
}

static void parts_are_found(void)
{
    CHECK(str_starts_with(STR("abc"), STR("ab")));
    CHECK(!str_starts_with(STR("a"), STR("ab")));
    CHECK(str_starts_with(STR("a"), STR("")));
    CHECK(str_ends_with(STR("abc"), STR("bc")));
    CHECK(!str_ends_with(STR("c"), STR("bc")));
    CHECK(str_ends_with((struct str){NULL, 0}, STR("")));
    CHECK_I64(str_find(STR("aabaab"), STR("ab")), 1);
    CHECK_I64(str_find(STR("aab"), STR("b")), 2);
    CHECK_I64(str_find(STR("aaa"), STR("ab")), -1);
    CHECK_I64(str_find(STR("a"), STR("aa")), -1);
    CHECK_I64(str_find((struct str){NULL, 0}, STR("")), 0);
    CHECK_I64(str_find((struct str){NULL, 0}, STR("a")), -1);
}

static void trimming_takes_white_space_at_both_ends(void)
{
    CHECK_STR(str_trim(STR(" \t\r\n a b \v\f")), "a b");
    CHECK_STR(str_trim(STR("   ")), "");
    CHECK_STR(str_trim((struct str){NULL, 0}), "");
}

static void splitting_gives_every_part_once(void)
{
    static const char *const parts[] = {"a", "", "b", ""};
    struct str rest = STR("a,,b,");
    size_t n = 0;
    while (rest.ptr != NULL) {
        REQUIRE(n < ARRAY_LEN(parts));
        CHECK_STR(str_split(&rest, ','), parts[n]);
        n++;
    }
    CHECK_I64(n, ARRAY_LEN(parts));
    rest = STR("whole");
    CHECK_STR(str_split(&rest, ','), "whole");
    CHECK(rest.ptr == NULL);
}

/* Unicode 15, table 3-7, at its borders. */
static void utf8_is_judged_by_the_table(void)
{
    static const struct {
        const char *text;
        bool is_good;
        size_t count;
    } rows[] = {
        {"",                  true,  0},
        {"plain",             true,  5},
        {"\x7F",              true,  1},
        {"\x80",              false, 0},
        {"\xBF",              false, 0},
        {"\xC0\x80",          false, 0},
        {"\xC1\xBF",          false, 0},
        {"\xC2\x80",          true,  1},
        {"\xC2",              false, 0},
        {"\xC2\x7F",          false, 0},
        {"\xC2\xC0",          false, 0},
        {"\xDF\xBF",          true,  1},
        {"\xE0\x9F\xBF",      false, 0},
        {"\xE0\xA0\x80",      true,  1},
        {"\xE2\x82\xAC",      true,  1},
        {"\xE2\x82",          false, 0},
        {"\xE2\x82\x28",      false, 0},
        {"\xED\x9F\xBF",      true,  1},
        {"\xED\xA0\x80",      false, 0},
        {"\xED\xBF\xBF",      false, 0},
        {"\xEE\x80\x80",      true,  1},
        {"\xEF\xBF\xBF",      true,  1},
        {"\xF0\x8F\xBF\xBF",  false, 0},
        {"\xF0\x90\x80\x80",  true,  1},
        {"\xF0\x9F\x98\x80!", true,  2},
        {"\xF0\x9F\x98",      false, 0},
        {"\xF4\x8F\xBF\xBF",  true,  1},
        {"\xF4\x90\x80\x80",  false, 0},
        {"\xF5\x80\x80\x80",  false, 0},
        {"\xFE",              false, 0},
        {"\xFF",              false, 0},
        {"a\xC3\xA9z",        true,  3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_from(rows[i].text);
        if (!CHECK(str_is_utf8(text) == rows[i].is_good))
            CHECK_I64(i, -1); /* says which row */
        if (rows[i].is_good)
            CHECK_I64(str_utf8_count(text), rows[i].count);
    }
}

static const struct test_case cases[] = {
    {"views compare by bytes",                  views_compare_by_bytes                 },
    {"parts are found",                         parts_are_found                        },
    {"trimming takes white space at both ends", trimming_takes_white_space_at_both_ends},
    {"splitting gives every part once",         splitting_gives_every_part_once        },
    {"UTF-8 is judged by the table",            utf8_is_judged_by_the_table            },
};

int main(int argc, char **argv)
{
    return testing_main("str", cases, ARRAY_LEN(cases), argc, argv);
}
