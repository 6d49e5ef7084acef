/*
 * What the engine wants done: rows to write, events to publish, in order. Collected over a batch
 * of commands and ticks; the caller makes them durable in one transaction, then answers, then
 * resets. Everything pointed to lives until engine_effects_reset.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/str.h"
#include "engine/rows.h"

struct arena;

/* Names are ENGINE_EVENT_<first column>; texts are Twilio's event types. */
#define ENGINE_EVENTS(X)                                                                           \
    X(TASK_CREATED, "task.created")                                                                \
    X(TASK_UPDATED, "task.updated")                                                                \
    X(TASK_CANCELED, "task.canceled")                                                              \
    X(TASK_WRAPUP, "task.wrapup")                                                                  \
    X(TASK_COMPLETED, "task.completed")                                                            \
    X(TASK_DELETED, "task.deleted")                                                                \
    X(TASK_SYSTEM_DELETED, "task.system-deleted")                                                  \
    X(WORKFLOW_ENTERED, "workflow.entered")                                                        \
    X(WORKFLOW_TARGET_MATCHED, "workflow.target-matched")                                          \
    X(WORKFLOW_TIMEOUT, "workflow.timeout")                                                        \
    X(WORKFLOW_SKIPPED, "workflow.skipped")                                                        \
    X(TASK_QUEUE_ENTERED, "task-queue.entered")                                                    \
    X(TASK_QUEUE_TIMEOUT, "task-queue.timeout")                                                    \
    X(TASK_QUEUE_MOVED, "task-queue.moved")                                                        \
    X(RESERVATION_CREATED, "reservation.created")                                                  \
    X(RESERVATION_ACCEPTED, "reservation.accepted")                                                \
    X(RESERVATION_REJECTED, "reservation.rejected")                                                \
    X(RESERVATION_TIMEOUT, "reservation.timeout")                                                  \
    X(RESERVATION_CANCELED, "reservation.canceled")                                                \
    X(RESERVATION_RESCINDED, "reservation.rescinded")                                              \
    X(RESERVATION_WRAPUP, "reservation.wrapup")                                                    \
    X(RESERVATION_COMPLETED, "reservation.completed")                                              \
    X(RESERVATION_INSTRUCTED, "reservation.instructed") /* ours: Twilio tells nobody */

enum engine_event_type {
    ENGINE_EVENT_NONE,
#define X(name, text) ENGINE_EVENT_##name,
    ENGINE_EVENTS(X)
#undef X
        ENGINE_EVENT_COUNT,
};

const char *engine_event_name(enum engine_event_type type);

/* The worker of a reservation event, as of then. */
struct engine_worker_ref {
    struct sid sid;
    int64_t version;
    struct str name;
    struct str attributes;
    struct sid activity_sid;
    struct str activity_name;
    int32_t channel_capacity; /* of the task's channel */
    int32_t channel_consumed;
};

/* Why this worker: what was known when the offer was made, and is the same after a reload. */
struct engine_offer {
    int64_t qualified;       /* workers for whom the step's conditions were true; -1: not counted */
    int64_t free;            /* of these, free; he is one of them; -1: not counted */
    int64_t waiting;         /* tasks that wanted the same, this one included */
    int32_t rank;            /* among the free, in order: 0 = the first */
    bool is_lifo;            /* the queue's order */
    bool is_channel_clock;   /* idle time counts on the task's channel alone */
    int64_t last_sequence;   /* of his reservation before, on the clock that counts; 0 = none */
    struct str order_values; /* "level=3, seniority=none" by order_by; "" = by idle time alone */
    struct sid next_sid;     /* who would have come after him, or none */
    int64_t next_sequence;   /* his last_sequence and order_values */
    struct str next_order_values;
};

/* What only some events say; the rest of it is empty or none. */
struct engine_event_more {
    struct sid previous_queue_sid;  /* task-queue.timeout and .moved */
    struct sid known_worker_sid;    /* step restricted to one worker, or none */
    struct sid wanted_activity_sid; /* the activity the router moves the worker to, or none */
    struct str previous_queue_name;
    struct str filter_name;       /* workflow.target-matched: friendly name, or "" */
    struct str filter_expression; /* workflow.target-matched */
    struct str target_expression; /* workflow.target-matched */
    struct str instruction;       /* reservation.instructed; "" otherwise */
    struct str instruction_data;
    struct str rules; /* task.created: of the command that made it */
};

/* Kept small: a batch makes hundreds, and what fits in no cache costs more than making it. */
struct engine_event {
    struct sid sid; /* EV… */
    enum engine_event_type type;
    int64_t sequence; /* per engine, no gaps */
    int64_t at_us;
    const struct task_row *task;               /* as of then; never NULL */
    const struct reservation_row *reservation; /* NULL but for reservation events */
    const struct engine_worker_ref *worker;    /* NULL but for reservation events */
    const struct engine_offer *offer;          /* reservation.created by matching; NULL otherwise */
    const struct engine_event_more *more;      /* NULL: nothing; read by engine_event_more */
    struct str queue_expression;               /* target_workers of the task's queue */
    struct str reason;                         /* why, where there is a why */
};

/* Never NULL. */
const struct engine_event_more *engine_event_more(const struct engine_event *event);

enum engine_effect_kind {
    ENGINE_EFFECT_NONE,
    ENGINE_TASK_ROW,        /* insert (is_new) or update; once per task and batch, its last state */
    ENGINE_RESERVATION_ROW, /* likewise */
    ENGINE_WORKER_OVERRIDE, /* upsert, or delete when its activity_sid is none */
    ENGINE_EVENT,           /* append to the log */
    ENGINE_TASK_PURGED,     /* no longer live: hidden from lists, kept in history */
};

struct engine_effect {
    struct engine_effect *next;
    uint64_t tag; /* of the command that caused it first; 0 = timers */
    enum engine_effect_kind kind;
    bool is_new;  /* rows: not written before */
    bool is_gone; /* ENGINE_TASK_PURGED: deleted (API or clean-up), not just ended long ago */
    union {
        struct task_row *task;
        struct reservation_row *reservation;
        struct worker_override_row *override;
        struct engine_event *event;
        const struct sid *task_sid;
    };
};

struct engine_effects {
    struct arena *arena;
    struct engine_effect *first; /* in order */
    struct engine_effect *last;
    size_t count;
    size_t event_count;
    uint64_t batch;     /* grows with each reset; never 0 */
    struct sid subject; /* task or reservation of the last successful command */
    char *spare;        /* the engine's: taken from the arena, not used yet */
    size_t spare_bytes;
};

void engine_effects_init(struct engine_effects *effects);
void engine_effects_fini(struct engine_effects *effects);

/* Forgets everything; the memory is used again. */
void engine_effects_reset(struct engine_effects *effects);
