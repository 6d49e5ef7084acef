/* Two replicas, and the one that owns the shard is killed. */
#include "chaos_fixture.h"
#include "suite.h"

/* One replica is killed whenever it owns the shard and the other is ready: ten times. */
static void test_owner(void)
{
    chaos_check((struct chaos_options){
        .replicas = 2,
        .shards = 1,
        .load_ms = 90000,
        .creators = 2,
        .agents = 3,
        .workers = 8,
        .create_pause_ms = 80,
        .fault_every_ms = 500,
        .faults = FAULT_KILL_OWNER,
        .fault_count = 10,
    });
}

static const struct test_case cases[] = {
    {"with the owner of two killed ten times nothing is lost or double", test_owner},
};

int main(int argc, char **argv)
{
    return suite_main("chaos owner", CHAOS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
