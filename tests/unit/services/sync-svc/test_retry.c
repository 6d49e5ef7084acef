#include "retry.h"

#include "base/clock.h"
#include "testing.h"

static int64_t wait_of(enum retry_outcome outcome, int status, bool is_repeatable)
{
    struct retry_case c = {.outcome = outcome,
                           .status = status,
                           .is_repeatable = is_repeatable,
                           .attempts = 1,
                           .left_us = 60 * US_PER_S};
    return retry_wait_us(&c);
}

static void test_table(void)
{
    static const struct {
        enum retry_outcome outcome;
        int status;
        bool repeats; /* what may be repeated */
        bool creates; /* what may not */
    } rows[] = {
        {RETRY_UNSENT,   0,   true,  true },
        {RETRY_UNKNOWN,  0,   true,  false},
        {RETRY_ANSWERED, 200, false, false},
        {RETRY_ANSWERED, 201, false, false},
        {RETRY_ANSWERED, 400, false, false},
        {RETRY_ANSWERED, 401, false, false},
        {RETRY_ANSWERED, 404, false, false},
        {RETRY_ANSWERED, 409, false, false},
        {RETRY_ANSWERED, 412, false, false},
        {RETRY_ANSWERED, 429, true,  true },
        {RETRY_ANSWERED, 500, true,  false},
        {RETRY_ANSWERED, 502, true,  false},
        {RETRY_ANSWERED, 503, true,  false},
        {RETRY_ANSWERED, 504, true,  false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_I64(wait_of(rows[i].outcome, rows[i].status, true) >= 0, rows[i].repeats);
        CHECK_I64(wait_of(rows[i].outcome, rows[i].status, false) >= 0, rows[i].creates);
    }
}

static void test_backoff(void)
{
    struct retry_case c = {.outcome = RETRY_UNSENT, .left_us = 3600 * US_PER_S};
    for (int attempts = 1; attempts < RETRY_ATTEMPTS; attempts++) {
        int64_t step_us = (INT64_C(100) << (attempts - 1)) * US_PER_MS;
        c.attempts = attempts;
        c.chance = 0;
        CHECK_I64(retry_wait_us(&c), step_us / 2);
        for (uint64_t chance = 1; chance < 1000; chance += 7) {
            c.chance = chance * UINT64_C(0x9E3779B97F4A7C15);
            CHECK(retry_wait_us(&c) >= step_us / 2 && retry_wait_us(&c) <= step_us);
        }
    }
    c.attempts = RETRY_ATTEMPTS;
    CHECK_I64(retry_wait_us(&c), -1);
}

static void test_retry_after(void)
{
    struct retry_case c = {.outcome = RETRY_ANSWERED,
                           .status = 429,
                           .retry_after_ms = 3000,
                           .attempts = 1,
                           .left_us = 10 * US_PER_S};
    CHECK_I64(retry_wait_us(&c), 3 * US_PER_S);
    c.left_us = 3 * US_PER_S; /* the caller would be gone */
    CHECK_I64(retry_wait_us(&c), -1);
    c.left_us = 0;
    c.retry_after_ms = 0;
    CHECK_I64(retry_wait_us(&c), -1);
}

static void test_down(void)
{
    CHECK(retry_is_down(RETRY_UNSENT, 0));
    CHECK(retry_is_down(RETRY_UNKNOWN, 0));
    CHECK(retry_is_down(RETRY_ANSWERED, 500));
    CHECK(!retry_is_down(RETRY_ANSWERED, 429));
    CHECK(!retry_is_down(RETRY_ANSWERED, 404));
    CHECK(!retry_is_down(RETRY_ANSWERED, 200));
}

static const struct test_case cases[] = {
    {"only what does no harm is repeated",                    test_table      },
    {"attempts are bounded, and the pauses grow with chance", test_backoff    },
    {"Retry-After is honoured within the caller's time",      test_retry_after},
    {"a limit or a refusal is no outage",                     test_down       },
};

int main(int argc, char **argv)
{
    return testing_main("retry", cases, ARRAY_LEN(cases), argc, argv);
}
