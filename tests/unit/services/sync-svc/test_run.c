#include "run.h"

#include "testing.h"

static void test_states(void)
{
    for (int i = RUN_STATE_NONE; i < RUN_STATE_COUNT; i++)
        CHECK_I64(run_state_from(str_from(run_state_name((enum run_state)i))), i);
    CHECK_I64(run_state_from(STR("running")), RUN_STATE_NONE);
    CHECK_TEXT(run_state_name((enum run_state)99), "");
}

static void test_outcome(void)
{
    enum { W = KIND_STATE_WAITING, D = KIND_STATE_DONE, F = KIND_STATE_FAILED };
    static const struct {
        int workspace;
        int queues;
        int links;
        int conflicts; /* of queues */
        int unclear;   /* conflicts of links */
        enum run_state want;
    } rows[] = {
        {D, D, D, 0, 0, RUN_STATE_CLEAN  },
        {D, D, D, 0, 3, RUN_STATE_CLEAN  },
        {D, D, D, 1, 0, RUN_STATE_PARTIAL},
        {D, F, D, 0, 0, RUN_STATE_PARTIAL},
        {D, D, F, 0, 0, RUN_STATE_PARTIAL},
        {D, D, W, 0, 0, RUN_STATE_PARTIAL},
        {D, F, F, 0, 0, RUN_STATE_FAILED },
        {F, W, W, 0, 0, RUN_STATE_FAILED },
        {F, D, D, 0, 0, RUN_STATE_FAILED },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run_kind kinds[] = {
            {.kind = KIND_WORKSPACE,                   .state = (enum kind_state)rows[i].workspace},
            { .kind = KIND_QUEUES,
             .state = (enum kind_state)rows[i].queues,
             .counts = {.conflicting = rows[i].conflicts}},
            {                                          .kind = KIND_LINKS,
             .state = (enum kind_state)rows[i].links,
             .counts = {.conflicting = rows[i].unclear}},
        };
        CHECK_I64(run_outcome(kinds, ARRAY_LEN(kinds)), rows[i].want);
    }
    struct run_kind alone = {.kind = KIND_WORKSPACE, .state = KIND_STATE_DONE};
    CHECK_I64(run_outcome(&alone, 1), RUN_STATE_CLEAN);
}

static const struct test_case cases[] = {
    {"states are stored by name and read back",               test_states },
    {"a run ends clean, partial or failed as its kinds have", test_outcome},
};

int main(int argc, char **argv)
{
    return testing_main("run", cases, ARRAY_LEN(cases), argc, argv);
}
