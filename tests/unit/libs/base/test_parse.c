#include "base/parse.h"

#include <stdint.h>

#include "base/clock.h"
#include "testing.h"

static void signed_numbers(void)
{
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {
        {"0",                    0        },
        {"-0",                   0        },
        {"+7",                   7        },
        {"007",                  7        },
        {"9223372036854775807",  INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const bad[] = {
        "",
        "-",
        "+",
        "--1",
        "1-",
        " 1",
        "1 ",
        "0x1",
        "1.0",
        "1e3",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t value = -1;
        CHECK(parse_i64(str_from(good[i].text), INT64_MIN, INT64_MAX, &value));
        CHECK_I64(value, good[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t value = 42;
        CHECK(!parse_i64(str_from(bad[i]), INT64_MIN, INT64_MAX, &value));
        CHECK_I64(value, 42);
    }
    int64_t value = 0;
    CHECK(parse_i64(STR("5"), 5, 5, &value));
    CHECK(!parse_i64(STR("4"), 5, 6, &value));
    CHECK(!parse_i64(STR("7"), 5, 6, &value));
}

static void unsigned_numbers(void)
{
    uint64_t value = 42;
    CHECK(parse_u64(STR("18446744073709551615"), UINT64_MAX, &value));
    CHECK(value == UINT64_MAX);
    CHECK(!parse_u64(STR("18446744073709551616"), UINT64_MAX, &value));
    CHECK(!parse_u64(STR("-1"), UINT64_MAX, &value));
    CHECK(!parse_u64(STR("+1"), UINT64_MAX, &value));
    CHECK(!parse_u64(STR(""), UINT64_MAX, &value));
    CHECK(!parse_u64(STR("11"), 10, &value));
    CHECK(value == UINT64_MAX);
}

static void decimals(void)
{
    static const char *const bad[] = {"",    ".",     "1.",    ".5", "1e",  "e1",   "nan",
                                      "inf", "0x1p3", "1e999", "1 ", "--1", "1.e3", "1,5"};
    double value = 0;
    CHECK(parse_double(STR("-12.5e-1"), &value) && value == -1.25);
    CHECK(parse_double(STR("0"), &value) && value == 0.0);
    CHECK(parse_double(STR("1E+2"), &value) && value == 100.0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!parse_double(str_from(bad[i]), &value));
    CHECK(!parse_double(STR("0.00000000000000000000000000000000000000000000000000000000000000001"),
                        &value)); /* longer than any useful decimal */
}

static void truth(void)
{
    bool value = false;
    CHECK(parse_bool(STR("TRUE"), &value) && value);
    CHECK(parse_bool(STR("0"), &value) && !value);
    CHECK(parse_bool(STR("Yes"), &value) && value);
    CHECK(parse_bool(STR("no"), &value) && !value);
    CHECK(!parse_bool(STR("y"), &value));
    CHECK(!parse_bool(STR(""), &value));
}

static void sids(void)
{
    CHECK(parse_is_sid(STR("WK0123456789abcdef0123456789ABCDEF"), "WK"));
    CHECK(parse_is_sid(STR("WK0123456789abcdef0123456789abcdef"), NULL));
    CHECK(!parse_is_sid(STR("WK0123456789abcdef0123456789abcdef"), "WQ"));
    CHECK(!parse_is_sid(STR("wk0123456789abcdef0123456789abcdef"), NULL));
    CHECK(!parse_is_sid(STR("WK0123456789abcdef0123456789abcdeg"), "WK"));
    CHECK(!parse_is_sid(STR("WK0123456789abcdef0123456789abcde"), "WK"));
    CHECK(!parse_is_sid(STR("WK0123456789abcdef0123456789abcdef0"), "WK"));
    CHECK(!parse_is_sid(STR(""), NULL));
}

static void good_times(void)
{
    static const struct {
        const char *text;
        int64_t want_us;
    } rows[] = {
        {"1970-01-01T00:00:00Z",           0                          },
        {"1969-12-31T23:59:59.999999Z",    -1                         },
        {"2026-11-22T20:27:00Z",           INT64_C(1795379220000000)  },
        {"2026-11-22t20:27:00z",           INT64_C(1795379220000000)  },
        {"2026-11-22 20:27:00Z",           INT64_C(1795379220000000)  },
        {"2026-11-22T21:27:00+01:00",      INT64_C(1795379220000000)  },
        {"2026-11-22T14:57:00-05:30",      INT64_C(1795379220000000)  },
        {"2026-11-23T20:26:00+23:59",      INT64_C(1795379220000000)  },
        {"2026-11-22T20:27:00.5Z",         INT64_C(1795379220500000)  },
        {"2026-11-22T20:27:00.123456789Z", INT64_C(1795379220123456)  },
        {"2000-02-29T00:00:00Z",           INT64_C(951782400000000)   },
        {"2000-03-01T00:00:00Z",           INT64_C(951868800000000)   },
        {"2024-02-29T23:59:59Z",           INT64_C(1709251199000000)  },
        {"2100-02-28T00:00:00Z",           INT64_C(4107456000000000)  },
        {"2100-03-01T00:00:00Z",           INT64_C(4107542400000000)  },
        {"2016-12-31T23:59:60Z",           INT64_C(1483228800000000)  }, /* leap second: the next one */
        {"0001-01-01T00:00:00Z",           INT64_C(-62135596800000000)},
        {"9999-12-31T23:59:59Z",           INT64_C(253402300799000000)},
        {"0000-03-01T00:00:00Z",           INT64_C(-62162035200000000)},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t at_us = 42;
        if (!CHECK(parse_time(str_from(rows[i].text), &at_us)))
            CHECK_TEXT(rows[i].text, "a good time");
        CHECK_I64(at_us, rows[i].want_us);
    }
}

static void bad_times(void)
{
    static const char *const rows[] = {
        "",
        "2026-11-22",
        "2026-11-22T20:27:00",
        "2026-11-22T20:27Z",
        "2026-11-22T20:27:00X",
        "2026-11-22T20:27:00Z ",
        " 2026-11-22T20:27:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T20:60:00Z",
        "2026-11-22T20:27:61Z",
        "2026-11-22T20:27:00.Z",
        "2026-11-22T20:27:00.1234567890Z",
        "2026-11-22T20:27:00.5",
        "2026-11-22T20:27:00+01",
        "2026-11-22T20:27:00+0100",
        "2026-11-22T20:27:00+24:00",
        "2026-11-22T20:27:00+01:60",
        "2026-11-22T20:27:00+01:0",
        "2026-11-22T20:27:00+01:000",
        "+026-11-22T20:27:00Z",
        "2026/11/22T20:27:00Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t at_us = 42;
        if (!CHECK(!parse_time(str_from(rows[i]), &at_us)))
            CHECK_TEXT(rows[i], "a bad time");
        CHECK_I64(at_us, 42);
    }
}

static void times_are_written_as_they_are_read(void)
{
    char text[CLOCK_TEXT_SIZE];
    CHECK_TEXT(clock_format_s(-1, text), "1969-12-31T23:59:59Z");
    CHECK_TEXT(clock_format_us(-1, text), "1969-12-31T23:59:59.999999Z");
    CHECK_TEXT(clock_format_s(INT64_C(-62135596800000000), text), "0001-01-01T00:00:00Z");
    CHECK_TEXT(clock_format_s(INT64_MAX, text), "1970-01-01T00:00:00Z"); /* out of range */
    uint64_t state = 7;
    for (int i = 0; i < 20000; i++) { /* steps through the years 1 to 9999 */
        state = state * UINT64_C(6364136223846793005) + 1;
        int64_t at_us =
            INT64_C(-62135596800000000) + (int64_t)(state % UINT64_C(315537897599999999));
        int64_t again = 0;
        CHECK(parse_time(str_from(clock_format_us(at_us, text)), &again));
        CHECK_I64(again, at_us);
    }
}

static void the_monotonic_clock_does_not_go_back(void)
{
    int64_t before = clock_mono_us();
    CHECK(before > 0);
    CHECK(clock_mono_us() >= before);
    CHECK(clock_now_us() > INT64_C(1700000000) * US_PER_S);
}

static const struct test_case cases[] = {
    {"signed numbers are taken whole and in range",   signed_numbers                      },
    {"unsigned numbers are taken whole and in range", unsigned_numbers                    },
    {"decimals are finite and in plain notation",     decimals                            },
    {"truth has six spellings",                       truth                               },
    {"SIDs have two capitals and 32 hex digits",      sids                                },
    {"good times give their microsecond",             good_times                          },
    {"bad times are refused",                         bad_times                           },
    {"times are written as they are read",            times_are_written_as_they_are_read  },
    {"the monotonic clock does not go back",          the_monotonic_clock_does_not_go_back},
};

int main(int argc, char **argv)
{
    return testing_main("parse", cases, ARRAY_LEN(cases), argc, argv);
}
