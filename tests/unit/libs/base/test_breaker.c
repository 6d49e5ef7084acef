#include "base/breaker.h"

#include "base/clock.h"
#include "testing.h"

#define BEGIN (INT64_C(1000) * US_PER_S)

static struct breaker opened(void)
{
    struct breaker breaker = {0};
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        CHECK_I64(breaker_ask(&breaker, BEGIN), BREAKER_GO);
        CHECK_I64(breaker_note(&breaker, false, BEGIN), i == BREAKER_FAILURES - 1);
    }
    CHECK(breaker_is_open(&breaker));
    return breaker;
}

static void test_opens(void)
{
    struct breaker breaker = {0};
    for (int i = 0; i < 100; i++) { /* never so many in a row */
        CHECK(!breaker_note(&breaker, i % BREAKER_FAILURES == 0, BEGIN));
        CHECK_I64(breaker_ask(&breaker, BEGIN), BREAKER_GO);
    }
    breaker = opened();
    CHECK_I64(breaker_ask(&breaker, BEGIN), BREAKER_WAIT);
    CHECK_I64(breaker_wait_us(&breaker, BEGIN), BREAKER_FIRST_MS * US_PER_MS);
}

static void test_probe(void)
{
    struct breaker breaker = opened();
    int64_t now = BEGIN + BREAKER_FIRST_MS * US_PER_MS;
    CHECK_I64(breaker_ask(&breaker, now), BREAKER_GO);
    CHECK_I64(breaker_ask(&breaker, now), BREAKER_WAIT); /* one finds out for all */
    CHECK(breaker_wait_us(&breaker, now) > 0);
    CHECK(breaker_note(&breaker, true, now));
    CHECK_I64(breaker_ask(&breaker, now), BREAKER_GO);
    CHECK_I64(breaker_ask(&breaker, now), BREAKER_GO);
}

static void test_forgotten_probe(void)
{
    struct breaker breaker = opened();
    int64_t now = BEGIN + BREAKER_FIRST_MS * US_PER_MS;
    CHECK_I64(breaker_ask(&breaker, now), BREAKER_GO);
    breaker_forget(&breaker);
    CHECK_I64(breaker_ask(&breaker, now), BREAKER_GO);
}

static void test_doubles(void)
{
    struct breaker breaker = opened();
    int64_t now = BEGIN;
    int64_t before = 0;
    for (int i = 0; i < 20; i++) {
        int64_t pause = breaker_wait_us(&breaker, now);
        CHECK(pause == 2 * before || before == 0 || pause == BREAKER_LONGEST_MS * US_PER_MS);
        before = pause;
        now += pause;
        CHECK_I64(breaker_ask(&breaker, now), BREAKER_GO);
        CHECK(!breaker_note(&breaker, false, now));
    }
    CHECK_I64(before, BREAKER_LONGEST_MS * US_PER_MS);
}

/* Calls that were out when it opened say nothing new, and close nothing by failing. */
static void test_late(void)
{
    struct breaker breaker = opened();
    int64_t until = breaker.open_until_us;
    for (int i = 0; i < 10; i++)
        CHECK(!breaker_note(&breaker, false, BEGIN + i));
    CHECK_I64(breaker.open_until_us, until);
    CHECK(breaker_note(&breaker, true, BEGIN + 20)); /* but a success is one */
}

static const struct test_case cases[] = {
    {"it opens after failures in a row only",         test_opens          },
    {"one call finds out for all",                    test_probe          },
    {"a probe that was not made leaves room for one", test_forgotten_probe},
    {"the pause doubles up to its bound",             test_doubles        },
    {"what comes late opens it no longer",            test_late           },
};

int main(int argc, char **argv)
{
    return testing_main("breaker", cases, ARRAY_LEN(cases), argc, argv);
}
