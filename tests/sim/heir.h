/*
 * A successor that prepares: an engine loaded from the rows as they were some commits ago, which
 * follows the owner's journals, as services/tasks-svc/shell/warm.c does it.
 */
#pragma once

#include "process.h"

struct heir {
    struct engine *engine; /* NULL: there is none */
    struct engine_effects effects;
    struct arena *arena;
    int left; /* commits until the shard is handed over */
};

void heir_init(struct heir *heir);
void heir_fini(struct heir *heir);
void heir_drop(struct heir *heir);

/* Loads; false when the rows are not where their owner has come to rest. now_us: the owner's. */
bool heir_start(struct heir *heir, const struct store *store, const struct engine_config *config,
                int64_t now_us, int commits);

/* After the owner's commit: what it decided is in heir->effects until the next. False: the owner
 * was loaded anew, there is no heir any more. */
bool heir_follow(struct heir *heir, const struct process *owner);
