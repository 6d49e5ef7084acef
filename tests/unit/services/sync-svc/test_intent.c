#include "intent.h"

#include "base/clock.h"
#include "testing.h"

static void test_names(void)
{
    for (int i = INTENT_NONE + 1; i < INTENT_STATE_COUNT; i++)
        CHECK_I64(intent_state_from(str_from(intent_state_name((enum intent_state)i))), i);
    CHECK_I64(intent_state_from(STR("")), INTENT_NONE);
    CHECK_I64(intent_state_from(STR("open")), INTENT_NONE);
}

static void test_wait(void)
{
    CHECK_I64(intent_wait_ms(0), 1000);
    CHECK_I64(intent_wait_ms(1), 1000);
    CHECK_I64(intent_wait_ms(2), 2000);
    CHECK_I64(intent_wait_ms(6), 32000);
    CHECK_I64(intent_wait_ms(7), 60000);
    CHECK_I64(intent_wait_ms(1000000), 60000);
}

static void test_settled(void)
{
    struct intent intent = {.created_at_us = 50 * US_PER_S,
                            .hope_from_us = 100 * US_PER_S, /* it was taken up again */
                            .sent_at_us = 200 * US_PER_S};
    CHECK(!intent_is_settled(&intent, 15000, 215 * US_PER_S - 1));
    CHECK(intent_is_settled(&intent, 15000, 215 * US_PER_S));
    CHECK(!intent_is_past_hope(&intent, (100 + 86400) * US_PER_S - 1));
    CHECK(intent_is_past_hope(&intent, (100 + 86400) * US_PER_S));
}

static const struct test_case cases[] = {
    {"every state has its name",                                                       test_names},
    {"looks come slower and slower",                                                   test_wait },
    {"what is not there after a while will not come, and after a day nobody can tell",
     test_settled                                                                                },
};

int main(int argc, char **argv)
{
    return testing_main("intent", cases, ARRAY_LEN(cases), argc, argv);
}
