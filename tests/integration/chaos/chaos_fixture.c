#include "chaos_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ids.h"
#include "base/parse.h"
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

void chaos_check(struct chaos_options options)
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
