/*
 * A fresh engine that is fed with the journals of committed batches, in order. It keeps the rows
 * that come out, because where the shard was loaded again it has to be loaded from them too.
 */
#pragma once

#include "engine/effects.h"
#include "engine/engine.h"
#include "store.h"

struct replay {
    struct engine_config config; /* but for the seed, which the journal has */
    struct store store;
    struct engine *engine; /* NULL until the first load */
    struct engine_effects effects;
    struct arena *arena;
    uint64_t entries, loads;
};

void replay_init(struct replay *replay, const struct engine_config *config);
void replay_fini(struct replay *replay);

/*
 * Runs one batch; its effects are in replay->effects until the next.
 * **Errors:** those of the journal; FAILED_PRECONDITION REPLAY_NO_START when it does not begin with
 * a load.
 */
enum err_code replay_batch(struct replay *replay, struct str journal, struct err *err) MUST_CHECK;
