/* A short run under every fault, and its verdict. TR_CHAOS_SEED repeats the choices of a run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ids.h"
#include "base/parse.h"
#include "chaos.h"
#include "history_check.h"
#include "suite.h"

static uint64_t seed_of_run(void)
{
    uint64_t seed = 0;
    const char *given = getenv("TR_CHAOS_SEED"); /* NOLINT(concurrency-mt-unsafe): one thread yet */
    if (given == NULL || !parse_u64(str_from(given), UINT32_MAX, &seed)) {
        uint32_t random = 0;
        random_bytes(&random, sizeof random);
        seed = random;
    }
    return seed;
}

static void check_run(struct chaos_options options)
{
    const char *path = suite_text("%s/history.jsonl", cluster_dir(suite_cluster()));
    options.history_path = path;
    options.seed = seed_of_run();
    (void)printf("\n    TR_CHAOS_SEED=%llu ", (unsigned long long)options.seed);
    CHECK(chaos_run(&options));
    (void)printf("\n");
    bool is_good = history_check_file(path, stdout);
    CHECK(is_good);
    const char *kept = suite_text("/tmp/chaos-%llu.jsonl", (unsigned long long)options.seed);
    if (!is_good && rename(path, kept) == 0)
        (void)printf("    history: %s\n", kept);
}

static void test_one_replica(void)
{
    check_run((struct chaos_options){
        .replicas = 1,
        .load_ms = 9000,
        .creators = 3,
        .agents = 3,
        .workers = 8,
        .create_pause_ms = 60,
        .fault_every_ms = 1200,
        .faults = FAULT_ALL,
    });
}

static const struct test_case cases[] = {
    {"with everything killed in turn nothing is lost, double, missing or out of order",
     test_one_replica},
};

int main(int argc, char **argv)
{
    return suite_main("chaos",
                      SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES) |
                          SUITE_BIT(SUITE_ROUTING) | SUITE_BIT(SUITE_TASKS),
                      cases, ARRAY_LEN(cases), argc, argv);
}
