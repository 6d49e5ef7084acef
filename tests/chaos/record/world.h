/* The workspace that a run routes in. */
#pragma once

#include "run_int.h"

/* Two queues, a workflow through both, workers of three skills. False when something is missing. */
bool world_make(struct world *world, int workers, uint64_t seed);
