#include "kind.h"

#include "testing.h"

static void test_names(void)
{
    for (int i = 0; i < KIND_COUNT; i++)
        CHECK_I64(kind_from(str_from(kind_name((enum kind)i))), i);
    CHECK_I64(kind_from(STR("Workers")), KIND_COUNT);
    CHECK_TEXT(kind_name(KIND_COUNT), "");
    for (int i = KIND_STATE_NONE + 1; i < KIND_STATE_COUNT; i++)
        CHECK_I64(kind_state_from(str_from(kind_state_name((enum kind_state)i))), i);
    CHECK_I64(kind_state_from(STR("done")), KIND_STATE_NONE);
    for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++)
        CHECK_I64(outcome_from(str_from(outcome_name((enum outcome)i))), i);
    CHECK_I64(outcome_from(STR("")), OUTCOME_NONE);
}

static void test_sets(void)
{
    const struct str some[] = {STR("links"), STR("workers"), STR("workers")};
    const struct str wrong[] = {STR("workers"), STR("worker")};
    const struct str heavy[] = {STR("worker_channels")};
    struct err err = {0};
    unsigned set = 0;
    CHECK_I64(kinds_from(NULL, 0, false, &set, &err), ERR_OK);
    CHECK_I64(set, (1U << KIND_COUNT) - 1);
    CHECK_I64(kinds_from(some, ARRAY_LEN(some), false, &set, &err), ERR_OK);
    CHECK_I64(set, KIND_BIT(KIND_WORKSPACE) | KIND_BIT(KIND_WORKERS) | KIND_BIT(KIND_LINKS));
    CHECK_I64(kinds_from(wrong, ARRAY_LEN(wrong), false, &set, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "UNKNOWN_KIND");
    CHECK_TEXT(err.detail, "kinds of a full run are activities, task_channels, queues, workflows, "
                           "workers, worker_channels, tasks, links; not worker");
    CHECK_I64(kinds_from(heavy, ARRAY_LEN(heavy), true, &set, &err), ERR_INVALID_ARGUMENT);
    CHECK_I64(kinds_from(NULL, 0, true, &set, &err), ERR_OK);
    CHECK(set == kinds_all(true) && (set & KIND_BIT(KIND_LINKS)) == 0);
}

static void test_counts(void)
{
    struct kind_counts counts = {0};
    for (int i = 0; i < OUTCOME_COUNT; i++)
        counts_add(&counts, (enum outcome)i);
    CHECK_I64(counts.created, 1);
    CHECK_I64(counts.updated, 1);
    CHECK_I64(counts.unchanged, 2); /* with the stale one */
    CHECK_I64(counts.conflicting, 1);
    CHECK_I64(counts.vanished, 1);
    CHECK_I64(counts.seen, 5);
}

static const struct test_case cases[] = {
    {"kinds, states and outcomes are stored by name and read back",  test_names },
    {"kinds are asked for by name, and the workspace is always one", test_sets  },
    {"everything seen is counted as what became of it",              test_counts},
};

int main(int argc, char **argv)
{
    return testing_main("kind", cases, ARRAY_LEN(cases), argc, argv);
}
