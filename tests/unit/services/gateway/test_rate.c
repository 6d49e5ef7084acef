/* Rate limits: what is let through in which time, and what the headers are made of. */
#include <stdio.h>

#include "base/clock.h"
#include "rate.h"
#include "testing.h"

#define ONE "AC00000000000000000000000000000001"
#define TWO "AC00000000000000000000000000000002"
#define NOW (INT64_C(1000) * US_PER_S)

static struct rate_answer answer;

static int let_through(struct rate *rate, const char *account, enum rate_class class, int64_t at_us)
{
    int count = 0;
    for (int i = 0; i < 1000; i++) {
        rate_take_at(rate, account, class, at_us, &answer);
        if (answer.is_refused)
            return count;
        count++;
    }
    return count;
}

static void test_off(void)
{
    static const int64_t none[RATE_CLASS_COUNT] = {0};
    struct rate *rate = rate_new(none);
    CHECK_I64(let_through(rate, ONE, RATE_CREATE_TASK, NOW), 1000);
    CHECK(!answer.is_limited && answer.limit == 0 && answer.config[0] == '\0');
    rate_free(rate);
}

static void test_window(void)
{
    static const int64_t limits[RATE_CLASS_COUNT] = {[RATE_GENERAL] = 3};
    struct rate *rate = rate_new(limits);
    rate_take_at(rate, ONE, RATE_GENERAL, NOW, &answer);
    CHECK(answer.is_limited && !answer.is_refused);
    CHECK_I64(answer.limit, 30);
    CHECK_I64(answer.remaining, 29);
    CHECK_TEXT(answer.config, "3 per second, averaged over 10 s");
    CHECK_I64(let_through(rate, ONE, RATE_GENERAL, NOW), 29);
    CHECK_I64(answer.remaining, 0);
    CHECK_I64(answer.retry_after_s, 1);
    CHECK_I64(let_through(rate, ONE, RATE_GENERAL, NOW + US_PER_S), 3);
    CHECK_I64(let_through(rate, ONE, RATE_GENERAL, NOW + US_PER_S + US_PER_S / 2), 1);
    CHECK_I64(let_through(rate, ONE, RATE_GENERAL, NOW + 100 * US_PER_S), 30);
    CHECK_I64(let_through(rate, TWO, RATE_GENERAL, NOW), 30); /* nobody pays for another */
    rate_free(rate);
}

static void test_classes(void)
{
    static const int64_t limits[RATE_CLASS_COUNT] = {[RATE_GENERAL] = 5, [RATE_EVALUATE_TASKS] = 3};
    struct rate *rate = rate_new(limits);
    CHECK_I64(let_through(rate, ONE, RATE_EVALUATE_TASKS, NOW), 30);
    CHECK_TEXT(answer.config, "3 per second, averaged over 10 s");
    CHECK_I64(let_through(rate, ONE, RATE_TARGET_WORKERS, NOW), 20); /* what is left of all */
    CHECK_TEXT(answer.config, "5 per second, averaged over 10 s");
    CHECK_I64(let_through(rate, ONE, RATE_EVALUATE_TASKS, NOW), 0);
    rate_free(rate);
}

static void test_many_accounts(void)
{
    static const int64_t limits[RATE_CLASS_COUNT] = {[RATE_GENERAL] = 1};
    struct rate *rate = rate_new(limits);
    char account[64];
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(account, sizeof account, "AC%032d", i);
        rate_take_at(rate, account, RATE_GENERAL, NOW, &answer);
        CHECK(!answer.is_refused);
    }
    rate_free(rate);
}

static const struct test_case cases[] = {
    {"off",                            test_off          },
    {"averaged over ten seconds",      test_window       },
    {"a class has its own and counts", test_classes      },
    {"more accounts than are kept",    test_many_accounts},
};

int main(int argc, char **argv)
{
    return testing_main("rate", cases, ARRAY_LEN(cases), argc, argv);
}
