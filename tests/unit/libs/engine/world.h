/*
 * A small world around an engine for tests: short commands, SIDs from numbers, the events as text,
 * and a "database" of the rows that the effects wrote, from which the engine can be loaded again.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "engine/engine.h"

enum { WORLD_MAX_ROWS = 20000 };

struct world {
    struct engine *engine;
    struct engine_config config;
    struct engine_effects effects;
    int64_t now_us;
    int64_t version; /* of the next config row */
    struct arena *arena;
    struct engine_command *configs[4096]; /* replayed on reload */
    size_t config_count;
    struct task_row *tasks[WORLD_MAX_ROWS]; /* live rows */
    size_t task_count;
    struct reservation_row *reservations[WORLD_MAX_ROWS];
    size_t reservation_count;
    struct worker_override_row overrides[64];
    size_t override_count;
    int64_t event_sequence;
    int64_t row_sequence; /* the highest of any row ever written */
    struct buf events;    /* names since the last world_events, space-separated */
    struct buf dump;      /* every effect in full, as text */
    bool keeps_dump;
    struct err err; /* of the last command */
};

/* "WK" and 7 give the SID WK000…007. */
struct sid world_sid(const char *prefix, int number);
int world_number(const struct sid *sid); /* back again */

/* An engine with workspace 1, activities 1 Available, 2 Offline (where time-outs lead), 3 Break,
 * channels 1 default and 2 voice; loading is over. */
void world_init(struct world *world);
void world_init_with(struct world *world, const struct engine_config *config);
void world_fini(struct world *world);

/* Another engine, loaded from the rows; what came due is in *out. */
struct engine *world_load(const struct world *world, struct engine_effects *out);

/* Throws the engine away and loads it again from the rows. */
void world_reload(struct world *world);

enum err_code world_do(struct world *world, struct engine_command command);
void world_wait(struct world *world, int64_t seconds); /* time passes, timers run */

void world_queue(struct world *world, int queue, const char *target);
void world_queue_with(struct world *world, int queue, const char *target, int max_reserved,
                      bool is_lifo);
void world_worker(struct world *world, int worker, const char *attributes, int activity);
void world_worker_with(struct world *world, int worker, const char *attributes, int activity,
                       int capacity, bool reject_pending);
void world_workflow(struct world *world, int workflow, int document, const char *text);
void world_workflow_again(struct world *world, int workflow, int document, const char *text);
void world_one_queue(struct world *world); /* queue 1 for all, workflow 1 leading there */

struct sid world_create(struct world *world, const char *attributes); /* to the only workflow */
struct sid world_create_with(struct world *world, const struct engine_create *create);
struct sid world_create_priority(struct world *world, const char *attributes, int64_t priority);

enum err_code world_act(struct world *world, enum engine_command_kind kind, const struct sid *sid);
enum err_code world_update(struct world *world, const struct sid *task, const char *attributes);

/* Names of the events since the last call. */
const char *world_events(struct world *world);
const char *world_task_state(struct world *world, const struct sid *task); /* "gone" */
const char *world_reservation_state(struct world *world, const struct sid *reservation);

/* The index-th reservation of a task, oldest first; zero when there are fewer. */
struct sid world_offer(struct world *world, const struct sid *task, int index);
struct sid world_last_offer(struct world *world, const struct sid *task);
/* The worker who holds the task's last reservation; 0 = nobody. */
int world_offered_to(struct world *world, const struct sid *task);
struct task_row world_task(struct world *world, const struct sid *task);
