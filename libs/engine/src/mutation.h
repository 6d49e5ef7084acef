/*
 * Deliberate bugs, for showing that the simulator finds them (tests/sim/README.md has the list).
 * They are there only in the library that is built with ENGINE_MUTATIONS, where one at a time is
 * switched on; everywhere else MUTATED(n) is false to the compiler.
 */
#pragma once

#include <stdbool.h>

#ifdef ENGINE_MUTATIONS
extern int engine_mutation; /* tests/sim/mutations.c; 0 = none */
#define MUTATED(n) (engine_mutation == (n))
#else
#define MUTATED(n) false
#endif
