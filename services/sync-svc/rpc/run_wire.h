/* Runs and their items as messages. */
#pragma once

#include "base/arena.h"
#include "run.h"
#include "taskrouter/sync/v1/sync.pb-c.h"

/* NULL when the arena is exhausted. */
Taskrouter__Sync__V1__Run *run_to_wire(struct arena *arena, const struct run *run);
Taskrouter__Sync__V1__RunItem *run_item_to_wire(struct arena *arena, const struct run_item *item);
