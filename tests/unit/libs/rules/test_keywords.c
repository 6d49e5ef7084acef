#include "rules/keywords.h"

#include <stdio.h>

#include "testing.h"

#define ONE(phrase_list, dept, how, sure)                                                          \
    {                                                                                              \
        .sid = {"KY" dept, sizeof("KY" dept) - 1}, .phrases = (phrase_list),                       \
        .phrase_count = ARRAY_LEN(phrase_list), .department = {dept, sizeof(dept) - 1},            \
        .priority = {how, sizeof(how) - 1}, .confidence = (sure), .is_enabled = true               \
    }

static struct keyword_set *set_of(const struct keyword_def *defs, size_t count)
{
    struct err err = {0};
    struct keyword_set *set = NULL;
    CHECK_I64(keyword_set_new(defs, count, &set, &err), ERR_OK);
    return set;
}

static void the_guides_departments_are_found(void)
{
    static const struct {
        const char *text;
        const char *department;
        const char *priority;
        const char *first;
    } rows[] = {
        {"I have a question about my permit",                   "permits",    "normal", "question"  },
        {"there is an EMERGENCY at my house",                   "emergency",  "urgent", "emergency" },
        {"the inspection of my meeting room",                   "permits",    "high",   "inspection"},
        {"I smell gas, please help!",                           "utilities",  "urgent", "gas"       },
        {"bill",                                                "billing",    "normal", "bill"      },
        {"Two power outages today",                             "utilities",  "urgent", "power"     },
        {"could we schedule a visit?",                          "scheduling", "normal", "schedule"  },
 /* what the table's search within words found falsely */
        {"a coffee in Las Vegas under the billboard, decoding", "",           "",       NULL        },
        {"an emergencyexit",                                    "",           "",       NULL        },
        {"",                                                    "",           "",       NULL        },
        {" ... !? ",                                            "",           "",       NULL        },
    };
    struct keyword_set *set = set_of(rule_default_keywords, rule_default_keyword_count);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct keyword_result out;
        AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
        CHECK_I64(keyword_set_detect(set, str_from(rows[i].text), arena, &out, &err), ERR_OK);
        CHECK_STR(out.department, rows[i].department);
        CHECK_STR(out.priority, rows[i].priority);
        CHECK_I64(out.match_count > 0, rows[i].first != NULL);
        if (out.match_count > 0)
            CHECK_STR(out.matches[0].phrase, rows[i].first);
        CHECK(out.confidence <= 1.0 && (out.match_count > 0) == (out.confidence > 0));
        CHECK(!out.is_cut);
    }
    keyword_set_free(set);
    for (size_t i = 0; i < rule_default_keyword_count; i++)
        CHECK_I64(keyword_check(&rule_default_keywords[i], NULL), ERR_OK);
}

/* "n": found. */
static bool is_found(const char *phrase, const char *text, size_t *out_position)
{
    const struct str phrases[] = {str_from(phrase)};
    const struct keyword_def def = ONE(phrases, "d", "normal", 0.5);
    struct err err = {0};
    struct keyword_result out;
    struct keyword_set *set = set_of(&def, 1);
    struct arena *arena = arena_new(1 << 20);
    CHECK_I64(keyword_set_detect(set, str_from(text), arena, &out, &err), ERR_OK);
    bool is_there = out.match_count > 0;
    *out_position = is_there ? out.matches[0].position : 0;
    arena_free(arena);
    keyword_set_free(set);
    return is_there;
}

static void words_equal_whatever_case_accents_and_form(void)
{
    static const struct {
        const char *phrase;
        const char *text;
        int position; /* -1: not found */
    } rows[] = {
        {"caf\xC3\xA9",                      "the CAFE",                                         4 },
        {"cafe",                             "x Caf\xC3\x89!",                                   2 },
        {"cafe",                             "\xC3\xA9 cafe\xCC\x81",                            2 }, /* combining */
        {"stra\xC3\x9F"
         "e",                       "STRASSE",                                          0 },
        {"STRASSE",
         "stra\xC3\x9F"
         "e",                                                                                    0 },
        {"\xCE\xBF\xCE\xB4\xCF\x8C\xCF\x82", "\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3",
         0                                                                                         }, /* final sigma */
        {"fire",                             "\xEF\xAC\x81re",                                   0 }, /* the ligature fi */
        {"gas",                              "\xEF\xBC\xA7\xEF\xBC\xA1\xEF\xBC\xB3",             0 }, /* full width */
        {"emergency",                        "emer\xC2\xADgency",                                0 }, /* soft hyphen */
        {"\xD0\xB9\xD0\xBE\xD0\xB4",         "\xD0\x99\xD0\x9E\xD0\x94",                         0 },
        {"\xE7\x81\xAB\xE4\xBA\x8B",         "\xE6\x9C\x89\xE7\x81\xAB\xE4\xBA\x8B\xE4\xBA\x86",
         1                                                                                         }, /* no gaps */
        {"gas leak",                         "a gas--leak",                                      2 },
        {"gas leak",                         "gas\n\tleak",                                      0 },
        {"gas leak",                         "gas and leak",                                     -1},
        {"gas leak",                         "gasleak",                                          -1},
        {"fee",                              "coffee feedback fees",                             -1},
        {"fee",                              "the fee.",                                         4 },
        {"911",                              "call #911!",                                       6 },
        {"a b c d e f g h",                  "x a b c d e f g h i",                              2 },
        {"cafe",                             "\xC3\xA9\xC3\xA9 \xF0\x9F\x98\x80 cafe",           5 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t position = 0;
        bool is_there = is_found(rows[i].phrase, rows[i].text, &position);
        if (is_there != (rows[i].position >= 0))
            (void)printf("\n    %s in %s\n", rows[i].phrase, rows[i].text);
        CHECK_I64(is_there ? (int)position : -1, rows[i].position);
    }
}

static void the_surest_match_decides(void)
{
    static const struct str gas[] = {
        {"gas", 3}
    };
    static const struct str leak[] = {
        {"gas leak", 8},
        {"Leak",     4},
        {"LEAK",     4}
    };
    static const struct str bill[] = {
        {"gas bill", 8},
        {"water",    5}
    };
    static const struct str tea[] = {
        {"tea",   3},
        {"water", 5}
    };
    const struct keyword_def defs[] = {
        ONE(gas, "a", "low", 0.9), ONE(leak, "b", "urgent", 0.7), ONE(bill, "c", "high", 0.7),
        ONE(tea, "d", "high", 0.0), /* 0.8 */
    };
    static const struct {
        const char *text;
        const char *department;
        size_t matches;
    } rows[] = {
        {"gas",                   "a", 1},
        {"a gas leak",            "b", 1}, /* "gas" and "leak" lie within */
        {"a leak of gas",         "a", 2},
        {"gas bill, leak",        "b", 2}, /* as sure: the more urgent */
        {"leak, gas bill",        "b", 2},
        {"water",                 "d", 2},
        {"leak leak LEAK",        "b", 3},
        {"gas leak gas bill tea", "d", 3},
    };
    struct keyword_set *set = set_of(defs, ARRAY_LEN(defs));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct keyword_result out;
        AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
        CHECK_I64(keyword_set_detect(set, str_from(rows[i].text), arena, &out, &err), ERR_OK);
        CHECK_STR(out.department, rows[i].department);
        CHECK_I64(out.match_count, rows[i].matches);
        if (i == 5) {
            CHECK_I64(out.phrase_count, 1);
            CHECK_STR(out.matches[0].sid, "KYc");
            CHECK_I64(out.matches[1].keyword, 3);
        }
        if (i == 6)
            CHECK_I64(out.phrase_count, 1);
    }
    keyword_set_free(set);
}

static void what_is_not_enabled_or_not_valid_is_left_out(void)
{
    static const struct str good[] = {
        {"gas", 3}
    };
    static const struct str bad[] = {
        {"gas", 3},
        {"...", 3}
    };
    struct keyword_def defs[] = {ONE(good, "a", "low", 0.9), ONE(bad, "b", "low", 1.0),
                                 ONE(good, "c", "whatever", 1.0), ONE(good, "d", "low", 1.5)};
    struct err err = {0};
    struct keyword_result out;
    struct arena *arena = arena_new(1 << 20);
    struct keyword_set *set = set_of(defs, ARRAY_LEN(defs));
    CHECK_I64(keyword_set_detect(set, STR("gas"), arena, &out, &err), ERR_OK);
    CHECK_I64(out.match_count, 1);
    CHECK_STR(out.department, "a");
    keyword_set_free(set);
    defs[0].is_enabled = false;
    set = set_of(defs, ARRAY_LEN(defs));
    CHECK_I64(keyword_set_detect(set, STR("gas"), arena, &out, &err), ERR_OK);
    CHECK_I64(out.match_count, 0);
    keyword_set_free(set);
    set = set_of(NULL, 0);
    CHECK_I64(keyword_set_detect(set, STR("gas"), arena, &out, &err), ERR_OK);
    CHECK_I64(out.match_count, 0);
    keyword_set_free(set);
    CHECK_I64(keyword_set_new(defs, KEYWORD_MAX_DEFS + 1, &set, &err), ERR_RESOURCE_EXHAUSTED);
    arena_free(arena);
}

static void checks_name_the_field(void)
{
    static const char long_word[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const struct str good[] = {
        {"gas", 3}
    };
    static const struct str empty[] = {
        {"gas", 3},
        {NULL,  0}
    };
    static const struct str nine[] = {
        {"a b c d e f g h i", 17}
    };
    static const struct str lengthy[] = {
        {long_word, sizeof long_word - 1}
    };
    static const struct str broken[] = {
        {"\xFF", 1}
    };
    static const struct str control[] = {
        {"a\0b", 3}
    };
    const struct {
        struct keyword_def def;
        const char *field;
    } rows[] = {
        {{.department = {"a", 1}}, "phrases"},
        { ONE(empty,   "a",   "low", 1), "phrases[1]"},
        {                   ONE(nine,    "a",   "low", 1), "phrases[0]"},
        {                   ONE(lengthy, "a",   "low", 1), "phrases[0]"},
        {                   ONE(broken,  "a",   "low", 1), "phrases[0]"},
        {                   ONE(control, "a",   "low", 1), "phrases[0]"},
        {                   ONE(good,    "a\n", "low", 1), "department"},
        {                   ONE(good,    "",    "low", 1), "department"},
        {                   ONE(good,    "a",   "high!", 1), "priority"},
        {                     ONE(good,    "a",   "high", 1.01), "confidence"},
        {                ONE(good,    "a",   "high", -0.1), "confidence"},
        {                ONE(good,    "a",   "high", 0.0 / 0.0), "confidence"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        CHECK_I64(keyword_check(&rows[i].def, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.field, rows[i].field);
    }
}

static void long_texts_and_many_matches_are_cut(void)
{
    static const struct str gas[] = {
        {"gas", 3}
    };
    const struct keyword_def def = ONE(gas, "a", "low", 0.9);
    struct err err = {0};
    struct keyword_result out;
    struct buf text;
    struct arena *arena = arena_new((size_t)8 << 20);
    struct arena *small = arena_new(1000);
    struct keyword_set *set = set_of(&def, 1);
    buf_init(&text, 0);
    for (int i = 0; i < KEYWORD_MAX_TEXT_CHARS; i++)
        buf_char(&text, ' ');
    buf_text(&text, "gas");
    CHECK_I64(keyword_set_detect(set, buf_str(&text), arena, &out, &err), ERR_OK);
    CHECK(out.is_cut && out.match_count == 0);
    buf_clear(&text);
    for (int i = 0; i <= KEYWORD_MAX_MATCHES; i++)
        buf_text(&text, "gas ");
    CHECK_I64(keyword_set_detect(set, buf_str(&text), arena, &out, &err), ERR_OK);
    CHECK(out.is_cut && out.match_count == KEYWORD_MAX_MATCHES && out.phrase_count == 1);
    CHECK_I64(keyword_set_detect(set, STR("\xFF"), arena, &out, &err), ERR_INVALID_ARGUMENT);
    CHECK_I64(keyword_set_detect(set, buf_str(&text), small, &out, &err), ERR_RESOURCE_EXHAUSTED);
    buf_fini(&text);
    keyword_set_free(set);
    arena_free(small);
    arena_free(arena);
}

static void what_was_found_is_put_into_the_attributes(void)
{
    static const struct {
        const char *text;
        const char *attributes;
        const char *want;
    } rows[] = {
        {"gas gas water", "{\"a\":1}",
         "{\"a\":1,\"keywords\":[\"gas\",\"water\"],\"department\":\"utilities\",\"confidence\":1."
         "0}"                                                                           },
        {"a permit",      "{\"department\":\"mine\",\"keywords\":[\"x\"]}",
         "{\"department\":\"mine\",\"keywords\":[\"x\"],\"confidence\":0.8}"            },
        {"a permit",      "",
         "{\"keywords\":[\"permit\"],\"department\":\"permits\",\"confidence\":0.8}"    },
        {"nothing",       "{\"a\": 1}",                                     "{\"a\": 1}"},
        {"nothing",       "",                                               "{}"        },
    };
    struct keyword_set *set = set_of(rule_default_keywords, rule_default_keyword_count);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct keyword_result found;
        struct buf out;
        AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
        buf_init(&out, 0);
        CHECK_I64(keyword_set_detect(set, str_from(rows[i].text), arena, &found, &err), ERR_OK);
        CHECK_I64(keyword_result_merge(&found, str_from(rows[i].attributes), &out, &err), ERR_OK);
        CHECK_STR(buf_str(&out), rows[i].want);
        buf_clear(&out);
        if (found.match_count > 0)
            CHECK(keyword_result_merge(&found, STR("[]"), &out, &err) != ERR_OK);
        buf_fini(&out);
    }
    keyword_set_free(set);
}

static const struct test_case cases[] = {
    {"the guide's departments are found",            the_guides_departments_are_found            },
    {"words equal whatever case, accents and form",  words_equal_whatever_case_accents_and_form  },
    {"the surest match decides",                     the_surest_match_decides                    },
    {"what is not enabled or not valid is left out", what_is_not_enabled_or_not_valid_is_left_out},
    {"checks name the field",                        checks_name_the_field                       },
    {"long texts and many matches are cut",          long_texts_and_many_matches_are_cut         },
    {"what was found is put into the attributes",    what_was_found_is_put_into_the_attributes   },
};

int main(int argc, char **argv)
{
    return testing_main("keywords", cases, ARRAY_LEN(cases), argc, argv);
}
