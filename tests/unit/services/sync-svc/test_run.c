#include "run.h"

#include "testing.h"

static void test_states(void)
{
    for (int i = RUN_STATE_NONE; i < RUN_STATE_COUNT; i++)
        CHECK_I64(run_state_from(str_from(run_state_name((enum run_state)i))), i);
    CHECK_I64(run_state_from(STR("running")), RUN_STATE_NONE);
    CHECK_TEXT(run_state_name((enum run_state)99), "");
}

static const struct test_case cases[] = {
    {"states are stored by name and read back", test_states},
};

int main(int argc, char **argv)
{
    return testing_main("run", cases, ARRAY_LEN(cases), argc, argv);
}
