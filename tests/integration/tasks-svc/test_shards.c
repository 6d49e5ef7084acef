/* tasks-svc: several shards, divided among the processes that there are. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tasks_fixture.h"

enum { SHARDS = 4, WORKSPACES = 6, START_MS = 30000, EVEN_MS = 20000, TAKEOVER_MS = 2000 };

struct twin {
    struct process *process;
    const char *grpc;
};

static struct twin twin_start(void)
{
    const char *http = "";
    struct twin twin = {.process = suite_start_twin(SUITE_TASKS, NULL, &http)};
    twin.grpc = suite_twin_grpc();
    CHECK(process_wait_ready(twin.process, http, START_MS));
    return twin;
}

static int64_t owned_by(const char *grpc)
{
    return suite_count("select count(*) from tasks.shard_lease where address = '%s' and "
                       "expires_at > clock_timestamp()",
                       grpc);
}

static bool is_even(const void *ctx)
{
    const struct twin *twin = ctx;
    return owned_by(twin->grpc) == SHARDS / 2 &&
           suite_count("select count(*) from tasks.shard_lease where expires_at > "
                       "clock_timestamp()") == SHARDS;
}

/* Each workspace through this process, wherever its shard is. */
static void use_all(const struct place *places, const char *grpc)
{
    suite_direct(SUITE_TASKS, grpc);
    for (int i = 0; i < WORKSPACES; i++)
        CHECK(task_new(&places[i], "{}")[0] != '\0');
    suite_direct(SUITE_TASKS, NULL);
}

static void test_divide(void)
{
    struct place places[WORKSPACES];
    for (int i = 0; i < WORKSPACES; i++)
        places[i] = place_new(0);
    CHECK(suite_count("select count(distinct shard) from tasks.config_copy") > 1);
    struct twin twin = twin_start();
    CHECK(suite_until(is_even, &twin, EVEN_MS));
    use_all(places, twin.grpc);
    use_all(places, NULL);
    /* What other services tell reaches the owner, whichever process hears it. */
    for (int i = 0; i < WORKSPACES; i++)
        CHECK(place_worker(&places[i], "ada", 3)[0] != '\0');
    int64_t began = clock_mono_us();
    process_signal(twin.process, SIGKILL);
    (void)process_wait_exit(twin.process, 5000);
    use_all(places, NULL);
    int64_t gap_ms = (clock_mono_us() - began) / US_PER_MS;
    (void)fprintf(stderr, "half of the shards taken over, all served after %lld ms\n",
                  (long long)gap_ms);
    CHECK(gap_ms <= TAKEOVER_MS);
    CHECK_I64(owned_by(twin.grpc), 0);
    process_free(twin.process);
    CHECK_I64(suite_count("select count(*) from tasks.task"), 3 * WORKSPACES);
    for (int i = 0; i < WORKSPACES; i++)
        CHECK_I64(log_count(&places[i], "task.created").events, 3);
}

static const struct test_case cases[] = {
    {"two processes have two shards each, and one follows the other", test_divide},
};

int main(int argc, char **argv)
{
    if (setenv("TASKROUTER_TASKS_SHARDS", "4", 1) != 0)
        return 1;
    return suite_main("tasks shards", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
