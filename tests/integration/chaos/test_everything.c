/* A short run of one replica in which everything is killed in turn. */
#include "chaos_fixture.h"
#include "suite.h"

static void test_one_replica(void)
{
    chaos_check((struct chaos_options){
        .replicas = 1,
        .shards = 1,
        .load_ms = 8000,
        .creators = 3,
        .agents = 3,
        .workers = 8,
        .create_pause_ms = 60,
        .fault_every_ms = 1000,
        .faults = FAULT_ALL,
    });
}

static const struct test_case cases[] = {
    {"with everything killed in turn nothing is lost, double, missing or out of order",
     test_one_replica},
};

int main(int argc, char **argv)
{
    return suite_main("chaos everything", CHAOS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
