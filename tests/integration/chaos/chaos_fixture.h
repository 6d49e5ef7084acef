/* A run and its verdict as a test. TR_CHAOS_SEED repeats the choices of a run. */
#pragma once

#include "chaos.h"

#define CHAOS_SET                                                                                  \
    (SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES) | SUITE_BIT(SUITE_ROUTING) |               \
     SUITE_BIT(SUITE_TASKS))

/* Runs and checks; prints the seed and the verdict, and keeps the history when it is bad. Once per
 * program: the log is to be the run's alone. */
void chaos_check(struct chaos_options options);
