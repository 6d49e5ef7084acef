/*
 * The other services: they own workspaces, activities, channels, queues, workflows and workers,
 * change them at random, and tell of each change with a new version over a bus that may deliver
 * twice and out of order. It knows nothing of the router but the log that it reads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "engine/command.h"
#include "random.h"

struct store_event;

/* One word on the bus; gone when it was acknowledged. */
struct world_word {
    struct engine_command command;
    int64_t version;
};

/* A resource as its owner has it. */
struct world_thing {
    struct engine_command command; /* the last put */
    int64_t version;
    bool is_deleted;
};

struct world {
    struct sim_random *random;
    struct arena *arena;
    struct world_thing *things;
    size_t thing_count, thing_capacity;
    struct world_word *words; /* not yet acknowledged, oldest first */
    size_t word_count, word_capacity;
    int workspaces;
    bool likes_channels; /* expressions often read channel use */
    int next_number;     /* of queues, workflows and workers made later */
    int64_t now_us;
};

void world_init(struct world *world, struct sim_random *random, struct arena *arena);
void world_fini(struct world *world);

/* Something changes, or is made, or deleted. */
void world_change(struct world *world);

/* A word to deliver, most often an early one; NULL when there is none. It stays until acked. */
const struct world_word *world_deliver(struct world *world);
void world_ack(struct world *world, const struct engine_command *command, int64_t version);

void world_again(struct world *world, const struct world_word *word); /* comes later */

/* workers-svc hears where the router moved a worker. */
void world_hear(struct world *world, const struct store_event *event);

/* A living thing of a kind (ENGINE_PUT_…) in a workspace, or NULL. */
const struct world_thing *world_pick(struct world *world, enum engine_command_kind kind,
                                     const struct sid *workspace_sid);
struct sid world_workspace(struct world *world);
struct str world_task_attributes(struct world *world, const struct sid *workspace_sid);
