/*
 * A process of tasks-svc, as far as it matters here: the engine, the epoch of its lease, the keys
 * and tombs it remembers; and one batch: what it asked the engine, and the commit, which refuses a
 * stale epoch and checks everything else.
 */
#pragma once

#include "check.h"
#include "engine/journal.h"
#include "store.h"

struct process {
    struct engine *engine;
    struct engine_effects effects; /* of the batch in hand */
    int64_t epoch;
    int64_t now_us; /* the engine's: never goes back */
    struct store_key *keys;
    size_t key_count, key_capacity;
    size_t stored_keys;     /* of these, what is in the store */
    struct sim_call *calls; /* of the batch in hand */
    size_t call_count, call_capacity;
    struct journal journal; /* of the batch in hand */
};

/* Takes the lease and loads; what came due is committed, and checked. */
struct process *process_new(struct store *store, struct check *check, int64_t now_us);
/* Takes the lease and goes on with an engine that is where the owner before ended (heir.h); that
 * and its effects are the process's from then on. */
struct process *process_take_over(struct store *store, struct check *check, struct engine *engine,
                                  const struct engine_effects *effects, int64_t now_us);
void process_free(struct process *process);

void process_begin(struct process *process, int64_t now_us); /* a batch; runs the timers */
/* One more command of the batch. key 0: none. False: a repeat, which is answered by *out_subject
 * without the engine. */
bool process_apply(struct process *process, const struct store *store,
                   const struct engine_command *command, int64_t version, uint64_t key,
                   struct sid *out_subject);
/* False: the lease is another's, nothing was written. */
bool process_commit(struct process *process, struct store *store, struct check *check);

/* Another engine loaded from the rows; what that had as effects is in *effects. */
struct engine *process_load(const struct store *store, const struct engine_config *config,
                            int64_t now_us, struct engine_effects *effects);
