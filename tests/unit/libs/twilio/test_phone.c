/* Phone numbers, as they are written, to E.164. */
#include <stdio.h>

#include "base/macros.h"
#include "testing.h"
#include "twilio/phone.h"

struct example {
    const char *text;
    const char *region;
    const char *e164; /* NULL: no number */
    const char *extension;
};

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct example *e = &examples[i];
        struct phone phone;
        enum phone_kind kind = phone_parse(str_from(e->text), e->region, &phone);
        bool is_right = CHECK_I64(kind, e->e164 == NULL ? PHONE_NONE : PHONE_NUMBER);
        is_right &= CHECK_I64(phone.kind, kind) != 0;
        is_right &= CHECK_TEXT(phone.e164, e->e164 == NULL ? "" : e->e164) != 0;
        is_right &= CHECK_TEXT(phone.extension, e->extension == NULL ? "" : e->extension) != 0;
        if (!is_right)
            (void)printf("  \"%s\" in %s\n", e->text, e->region);
    }
}

static void numbers_of_north_america(void)
{
    static const struct example examples[] = {
        {"+15125550100",               "US", "+15125550100", NULL  },
        {"5125550100",                 "US", "+15125550100", NULL  },
        {"15125550100",                "US", "+15125550100", NULL  },
        {"(512) 555-0100",             "US", "+15125550100", NULL  },
        {"512-555-0100",               "US", "+15125550100", NULL  },
        {"512.555.0100",               "CA", "+15125550100", NULL  },
        {"512/555 0100",               "US", "+15125550100", NULL  },
        {"1-512-555-0100",             "US", "+15125550100", NULL  },
        {"+1 (512) 555-0100",          "US", "+15125550100", NULL  },
        {"  +1 512\xC2\xA0"
         "555\xE2\x80\x91"
         "0100 ",             "US", "+15125550100", NULL  },
        {"tel:+1-512-555-0100",        "US", "+15125550100", NULL  },
        {"tel:+15125550100;ext=42",    "US", "+15125550100", "42"  },
        {"(512) 555-0100 x7",          "US", "+15125550100", "7"   },
        {"512-555-0100 ext. 1234",     "US", "+15125550100", "1234"},
        {"512-555-0100 Extension: 12", "US", "+15125550100", "12"  },
        {"5125550100#99",              "US", "+15125550100", "99"  },
        {"5125550100,,3",              "US", NULL,           NULL  },
        {"5125550100",                 "XX", "+15125550100", NULL  }, /* as the United States */
    };
    check(examples, ARRAY_LEN(examples));
}

static void numbers_from_abroad(void)
{
    static const struct example examples[] = {
        {"+44 (0)20 7946 0958",  "US", "+442079460958",    NULL},
        {"011 49 30 901820",     "US", "+4930901820",      NULL},
        {"0049 30 901820",       "US", "+4930901820",      NULL},
        {"020 7946 0958",        "GB", "+442079460958",    NULL},
        {"442079460958",         "GB", "+442079460958",    NULL},
        {"00 1 512 555 0100",    "GB", "+15125550100",     NULL},
        {"030 901820",           "DE", "+4930901820",      NULL},
        {"0151/23456789",        "DE", "+4915123456789",   NULL},
        {"55 1234 5678",         "MX", "+525512345678",    NULL},
        {"0011 44 20 7946 0958", "AU", "+442079460958",    NULL},
        {"02 1234 5678",         "IT", "+390212345678",    NULL},
        {"+390612345678",        "US", "+390612345678",    NULL},
        {"+123456789012345",     "US", NULL,               NULL}, /* country 1 has ten digits */
        {"+882123456789012",     "US", "+882123456789012", NULL},
        {"+8821234567890123",    "US", NULL,               NULL}, /* sixteen */
    };
    check(examples, ARRAY_LEN(examples));
}

static void what_is_no_number(void)
{
    static const struct example examples[] = {
        {"",                                                                         "US", NULL, NULL},
        {"+",                                                                        "US", NULL, NULL},
        {"()",                                                                       "US", NULL, NULL},
        {"555-0100",                                                                 "US", NULL, NULL}, /* where? */
        {"1125550100",                                                               "US", NULL, NULL}, /* no area code begins with 1 */
        {"5121550100",                                                               "US", NULL, NULL}, /* no exchange does */
        {"51255501000",                                                              "US", NULL, NULL}, /* one digit too many, not Peru */
        {"+1512555010",                                                              "US", NULL, NULL},
        {"+0151234567",                                                              "US", NULL, NULL},
        {"++15125550100",                                                            "US", NULL, NULL},
        {"1+5125550100",                                                             "US", NULL, NULL},
        {"512-555-0100 ext",                                                         "US", NULL, NULL},
        {"x7",                                                                       "US", NULL, NULL},
        {"512-555-CALL",                                                             "US", NULL, NULL},
        {"5125550100; drop",                                                         "US", NULL, NULL},
        {"911",                                                                      "US", NULL, NULL},
        {"12345",                                                                    "US", NULL, NULL}, /* a short code */
        {"512555010\xff",                                                            "US", NULL, NULL},
        {"011",                                                                      "US", NULL, NULL},
        {"00",                                                                       "GB", NULL, NULL},
        {"5125550100 x1234567890123",                                                "US", NULL, NULL},
        {"123456789012345678901234567890",                                           "US", NULL, NULL},
        {"5 1 2 5 5 5 0 1 0 0                                                    1", "US", NULL,
         NULL                                                                                        },
    };
    check(examples, ARRAY_LEN(examples));
    struct phone phone;
    CHECK_I64(phone_parse((struct str){NULL, 0}, "US", &phone), PHONE_NONE);
}

static void withheld_numbers_and_addresses(void)
{
    struct phone phone;
    CHECK_I64(phone_parse(STR("Anonymous"), "US", &phone), PHONE_ANONYMOUS);
    CHECK_I64(phone_parse(STR("+266696687"), "US", &phone), PHONE_ANONYMOUS);
    CHECK_I64(phone_parse(STR("RESTRICTED"), "US", &phone), PHONE_ANONYMOUS);
    CHECK_I64(phone_parse(STR("+7378742833"), "US", &phone), PHONE_ANONYMOUS);
    CHECK_TEXT(phone.e164, "");
    CHECK_I64(phone_parse(STR("sip:ann@example.com"), "US", &phone), PHONE_ADDRESS);
    CHECK_I64(phone_parse(STR("client:ann"), "US", &phone), PHONE_ADDRESS);
    CHECK(phone_region_is_known(STR("US")));
    CHECK(phone_region_is_known(STR("DE")));
    CHECK(!phone_region_is_known(STR("us")));
    CHECK(!phone_region_is_known(STR("")));
}

static void every_format_reads_back(void)
{
    static const char *const numbers[] = {"+15125550100", "+442079460958", "+4930901820",
                                          "+525512345678", "+85212345678"};
    static const char *const homes[] = {"US", "GB", "DE", "MX", "US"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char formats[PHONE_FORMATS_MAX][PHONE_FORMAT_SIZE];
        size_t count = phone_formats(numbers[i], formats);
        CHECK(count >= 3);
        CHECK_TEXT(formats[0], numbers[i]);
        for (size_t k = 0; k < count; k++) {
            struct phone phone;
            bool is_bare = i == 4 && k == 1; /* digits of a country that is not home */
            CHECK_I64(phone_parse(str_from(formats[k]), homes[i], &phone),
                      is_bare ? PHONE_NONE : PHONE_NUMBER);
            CHECK_TEXT(phone.e164, is_bare ? "" : numbers[i]);
        }
    }
    char formats[PHONE_FORMATS_MAX][PHONE_FORMAT_SIZE];
    CHECK_I64(phone_formats("+15125550100", formats), PHONE_FORMATS_MAX);
    CHECK_TEXT(formats[3], "(512) 555-0100");
    CHECK_I64(phone_formats("", formats), 0);
}

static const struct test_case cases[] = {
    {"numbers of North America in all their spellings",    numbers_of_north_america      },
    {"numbers from abroad, and at home elsewhere",         numbers_from_abroad           },
    {"what is no number is refused, not guessed",          what_is_no_number             },
    {"withheld numbers and addresses are told apart",      withheld_numbers_and_addresses},
    {"every format of a number reads back as that number", every_format_reads_back       },
};

int main(int argc, char **argv)
{
    return testing_main("phone", cases, ARRAY_LEN(cases), argc, argv);
}
