#include "base/name.h"

#include "testing.h"

static void test_names(void)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        {"a",                        true },
        {" On a break ",             true },
        {"Zo\xC3\xAB",               true },
        {"\xC2\xA0x",                true },
        {"\xE6\x9D\xB1\xE4\xBA\xAC", true },
        {"",                         false},
        {"   ",                      false},
        {"a\tb",                     false},
        {"a\nb",                     false},
        {"\x01",                     false},
        {"a\x7F",                    false},
        {"a\xC2\x85",                false},
        {"a\xC2\x9F",                false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_I64(name_is_good(str_from(rows[i].text), 12), rows[i].is_good);
    CHECK(name_is_good(STR("12345678"), 8));
    CHECK(!name_is_good(STR("123456789"), 8));
    CHECK(name_is_good(STR("\xC3\xAB\xC3\xAB"), 2));
}

static const struct test_case cases[] = {
    {"names have no control characters and a length", test_names},
};

int main(int argc, char **argv)
{
    return testing_main("base name", cases, ARRAY_LEN(cases), argc, argv);
}
