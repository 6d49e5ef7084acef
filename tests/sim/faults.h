/*
 * Deliberate bugs (README.md has the list). Those of the engine are in libs/engine/src, as
 * MUTATED(n); those of the model of the shell are here. All of them are compiled in only with
 * ENGINE_MUTATIONS, and one at a time is switched on.
 */
#pragma once

#include <stdbool.h>

enum fault {
    FAULT_NONE,
    FAULT_FIRST_OF_SHELL = 20,
    FAULT_NO_FENCE = FAULT_FIRST_OF_SHELL, /* a stale epoch may commit */
    FAULT_LOST_OVERRIDE,                   /* recovery forgets where the router moved workers */
    FAULT_EVENTS_AGAIN,                    /* recovery uses the last event's number again */
    FAULT_LOST_KEY,                        /* the idempotency key is not in the transaction */
    FAULT_MISSED_COMMIT,                   /* a successor that prepares misses the last commit */
};

#ifdef ENGINE_MUTATIONS
extern int engine_mutation;
#define FAULT(n) (engine_mutation == (int)(n))
#else
#define FAULT(n) false
#endif
