#include "pace.h"

#include "base/clock.h"
#include "testing.h"

#define BEGIN (INT64_C(1000) * US_PER_S)

static void test_burst(void)
{
    struct pace pace;
    pace_init(&pace, 10, 3, BEGIN);
    for (int i = 0; i < 3; i++)
        CHECK_I64(pace_take(&pace, BEGIN, 0), 0);
    CHECK_I64(pace_take(&pace, BEGIN, 0), -1);
    CHECK_I64(pace_take(&pace, BEGIN, US_PER_S), 100 * US_PER_MS);
    CHECK_I64(pace_take(&pace, BEGIN, US_PER_S), 200 * US_PER_MS);
}

static void test_refusal_takes_nothing(void)
{
    struct pace pace;
    pace_init(&pace, 10, 1, BEGIN);
    CHECK_I64(pace_take(&pace, BEGIN, 0), 0);
    for (int i = 0; i < 100; i++)
        CHECK_I64(pace_take(&pace, BEGIN, 50 * US_PER_MS), -1);
    CHECK_I64(pace_take(&pace, BEGIN + 100 * US_PER_MS, 0), 0);
}

static void test_quiet(void)
{
    struct pace pace;
    pace_init(&pace, 10, 2, BEGIN);
    int64_t later = BEGIN + 3600 * US_PER_S; /* an hour of rest is worth no more than the burst */
    CHECK_I64(pace_take(&pace, later, 0), 0);
    CHECK_I64(pace_take(&pace, later, 0), 0);
    CHECK_I64(pace_take(&pace, later, 0), -1);
}

static void test_rest(void)
{
    struct pace pace;
    pace_init(&pace, 10, 5, BEGIN);
    pace_rest(&pace, BEGIN + 2 * US_PER_S);
    CHECK_I64(pace_take(&pace, BEGIN, US_PER_S), -1);
    CHECK_I64(pace_take(&pace, BEGIN, 3 * US_PER_S), 2 * US_PER_S);
    pace_rest(&pace, BEGIN); /* the past changes nothing */
    CHECK_I64(pace_take(&pace, BEGIN, 3 * US_PER_S), 2 * US_PER_S + 100 * US_PER_MS);
}

static const struct test_case cases[] = {
    {"a burst goes at once, the rest at the rate",    test_burst                },
    {"a call that cannot wait takes nobody's turn",   test_refusal_takes_nothing},
    {"a quiet time is made up for by the burst only", test_quiet                },
    {"a rest that the upstream asks for is kept",     test_rest                 },
};

int main(int argc, char **argv)
{
    return testing_main("pace", cases, ARRAY_LEN(cases), argc, argv);
}
