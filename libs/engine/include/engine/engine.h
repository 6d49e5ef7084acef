/*
 * The router as a pure state machine: commands and the time in, effects out. It does no I/O, reads
 * no clock, draws randomness only from the seed it is given, and keeps its own timer queue; the
 * same commands at the same times give the same effects to the byte. It refuses to know about wire
 * formats, storage, or who may ask for what.
 *
 * Matching never passes over all workers or all tasks: waiting tasks are grouped into classes
 * (queue, channel, residual predicate, order), and each class keeps its eligible free workers in
 * order.
 *
 * Life: engine_new -> config commands and engine_load_* (tasks, then reservations) ->
 * engine_load_done -> engine_apply / engine_tick. Threads: one owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/str.h"
#include "engine/command.h"
#include "engine/effects.h"
#include "engine/rows.h"

struct arena;
struct engine;

/* Zeroes mean the defaults given. */
struct engine_config {
    uint64_t seed;                  /* of SIDs; keep the same for the shard's whole life */
    int64_t default_task_timeout_s; /* 86400 */
    int64_t assigned_cleanup_s;     /* 86400 */
    int64_t terminal_purge_s;       /* 300 */
    int32_t max_assignment_count;   /* 1000 */
    int32_t max_idle_classes;       /* 4096: classes without tasks kept for the next one */
};

struct engine *engine_new(const struct engine_config *config); /* NULL: defaults, seed 0 */
void engine_free(struct engine *engine);

/*
 * Runs one command at now_us (times may repeat; an earlier time than before counts as the latest
 * one). Due timers are run first, so that a command finds the world of its time, but no further
 * than to some 20,000 effects in a batch: the rest waits for the next one (engine_next_timer_us has
 * passed then). A refused command has no effects of its own. out_effects is appended to.
 * Errors: INVALID_ARGUMENT with field; NOT_FOUND WORKSPACE_/TASK_/RESERVATION_/WORKFLOW_/QUEUE_/
 * WORKER_/CHANNEL_NOT_FOUND; ABORTED VERSION_MISMATCH; FAILED_PRECONDITION with reason
 * TASK_STATE, RESERVATION_STATE, RESERVATION_RESCINDED (HTTP 410), NO_TARGET (no filter matches and
 * no default), LOADING, MIRRORED (create in a mirrored workspace). Details use Twilio's texts where
 * these are known.
 */
enum err_code engine_apply(struct engine *engine, const struct engine_command *command,
                           int64_t now_us, struct engine_effects *out_effects,
                           struct err *err) MUST_CHECK;

/* Runs the timers that are due. */
void engine_tick(struct engine *engine, int64_t now_us, struct engine_effects *out_effects);

/* When engine_tick has something to do next; INT64_MAX = nothing planned. */
int64_t engine_next_timer_us(const struct engine *engine);

/* --- Loading: in this order, before engine_load_done; config by engine_apply before all, but a
 * workflow's older documents need only be there before the tasks that entered them. --- */

/* Where the counters stood: the last event's sequence, the highest sequence of any task or
 * reservation ever made. Rows loaded later raise the second one themselves. */
void engine_load_counters(struct engine *engine, int64_t event_sequence, int64_t row_sequence);

/* Live tasks (terminal ones up to their purge too). Its workflow document's version should have
 * been put before; a task whose document is missing is driven through the current one.
 * Errors: INVALID_ARGUMENT for rows that no engine wrote; ALREADY_EXISTS. */
enum err_code engine_load_task(struct engine *engine, const struct task_row *row,
                               struct err *err) MUST_CHECK;

/* Such a task comes soon: only quicker, never needed. */
void engine_load_task_ahead(const struct engine *engine, const struct sid *sid);

/* All reservations of loaded tasks, in any order. */
enum err_code engine_load_reservation(struct engine *engine, const struct reservation_row *row,
                                      struct err *err) MUST_CHECK;

/* The highest reservation sequence of a worker on a channel, finished ones included. */
void engine_load_worker_idle(struct engine *engine, const struct sid *worker_sid,
                             const struct sid *channel_sid, int64_t reservation_sequence);

void engine_load_worker_override(struct engine *engine, const struct worker_override_row *row);

/* Rebuilds timers and goes on matching. A fresh engine needs it too. */
void engine_load_done(struct engine *engine, int64_t now_us, struct engine_effects *out_effects);

/* --- Reads: never change anything. Texts are views into the engine, valid until its next call. */

bool engine_task_get(const struct engine *engine, const struct sid *sid, struct task_row *out_row);
bool engine_reservation_get(const struct engine *engine, const struct sid *sid,
                            struct reservation_row *out_row);

/* A worker's open reservations (pending, accepted, wrapping), oldest first; stops when fn returns
 * false. */
typedef bool (*engine_reservation_fn)(void *context, const struct reservation_row *row);
void engine_worker_reservations(const struct engine *engine, const struct sid *worker_sid,
                                engine_reservation_fn fn, void *context);
void engine_task_reservations(const struct engine *engine, const struct sid *task_sid,
                              engine_reservation_fn fn, void *context);

typedef bool (*engine_task_fn)(void *context, const struct task_row *row);
void engine_tasks(const struct engine *engine, engine_task_fn fn, void *context); /* tests, dumps */

/* Whether the engine knows the thing, and which version (0 = not): WS, WA, TC, WQ, WW, WK. */
int64_t engine_config_version(const struct engine *engine, const struct sid *sid);
/* Whether it was ever put; a deleted one, too. */
bool engine_has_workflow(const struct engine *engine, const struct sid *sid);

/* Tasks of a workspace in all states, ended ones up to their purge too. */
size_t engine_workspace_task_count(const struct engine *engine, const struct sid *workspace_sid);

/* A workspace that somebody else routes (engine_workspace.is_mirrored): what is told of anything in
 * it is passed over, and creating tasks is refused. */
bool engine_is_mirrored(const struct engine *engine, const struct sid *workspace_sid);

/* Tasks not yet ended in a queue or controlled by a workflow: what forbids deleting it. */
size_t engine_queue_task_count(const struct engine *engine, const struct sid *queue_sid);
size_t engine_workflow_task_count(const struct engine *engine, const struct sid *workflow_sid);

/* A worker as the engine sees it now. */
struct engine_worker_view {
    struct sid activity_sid; /* overridden or told */
    bool is_available;
    int64_t version;
    int32_t open_reservations;
};
bool engine_worker_get(const struct engine *engine, const struct sid *worker_sid,
                       struct engine_worker_view *out_view);
/* Capacity of a worker on a channel and what is consumed; false when the worker is unknown. */
bool engine_worker_capacity(const struct engine *engine, const struct sid *worker_sid,
                            const struct sid *channel_sid, int32_t *out_capacity,
                            int32_t *out_consumed);

struct engine_stats {
    size_t workspaces, workers, queues, workflows, documents;
    size_t tasks, tasks_waiting, reservations_open;
    size_t classes, timers;
    size_t idle_members; /* workers in classes without tasks, which are kept for the next one */
    uint64_t reservations_made, events_made;
};
void engine_stats_get(const struct engine *engine, struct engine_stats *out_stats);
