/*
 * Why a task is where it is: its step, who was looked at and what stood in the way of each, its
 * place among those that wait, and how long that may take. Reads only, on demand, and bounded: a
 * pass over a queue's workers is made here and nowhere else. Says of other workers only what the
 * condition that failed has read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/str.h"
#include "engine/effects.h"
#include "engine/rows.h"
#include "engine/state.h"

struct arena;
struct engine;

/* Names are EXPLAIN_<first column>; what stands in a worker's way, the nearest to an offer first.
 * Of several the farthest one is named. */
#define EXPLAIN_OBSTACLES(X)                                                                       \
    X(FREE, "free")                           /* nothing: he is next */                            \
    X(OFFERED, "offered")                     /* this task, and has not answered */                \
    X(BUSY, "busy")                           /* single-tasking: with another task */              \
    X(AT_CAPACITY, "at_capacity")             /* on the task's channel */                          \
    X(OFFERED_ELSEWHERE, "offered_elsewhere") /* at capacity with an offer not yet answered */     \
    X(NO_CAPACITY, "no_capacity")             /* 0 on the task's channel */                        \
    X(CHANNEL_UNAVAILABLE, "channel_unavailable")                                                  \
    X(ACTIVITY_UNAVAILABLE, "activity_unavailable")                                                \
    X(TARGET_EXPRESSION, "target_expression") /* is false for him */                               \
    X(KNOWN_WORKER, "known_worker")           /* the step wants another one */                     \
    X(NOT_IN_QUEUE, "not_in_queue")           /* the queue's expression is false for him */

enum explain_obstacle {
    EXPLAIN_NONE,
#define X(name, text) EXPLAIN_##name,
    EXPLAIN_OBSTACLES(X)
#undef X
        EXPLAIN_OBSTACLE_COUNT,
};

const char *explain_obstacle_name(enum explain_obstacle obstacle); /* "none" for EXPLAIN_NONE */

struct explain_ask {
    struct sid sid; /* of the task */
    struct sid workspace_sid;
    struct sid worker_sid;      /* list only him; none: the nearest ones */
    enum explain_obstacle only; /* list only these; EXPLAIN_NONE: all */
    size_t limit;               /* workers listed; 0: 50, at most 200 */
    size_t max_workers;         /* workers looked at; 0: 10,000 */
};

/* A condition that was false, with its place in the source and the values it saw. */
struct explain_clause {
    struct str text; /* "" = none */
    size_t column_first;
    size_t column_last;
    const char *op;
    struct str left; /* JSON; "" for AND, OR, NOT */
    struct str right;
};

struct explain_filter {
    int32_t index; /* or FILTER_DEFAULT */
    struct str name;
    struct str expression;
    bool is_match; /* for the task's attributes as they are */
    bool is_current;
    struct explain_clause clause; /* when it is no match */
};

/* Among the tasks that wait in a queue, by its order. */
struct explain_place {
    size_t position; /* 1 = the first; 0 = it does not wait */
    size_t waiting;
    bool is_exact; /* otherwise both are lower bounds */
};

struct explain_target {
    int32_t index;
    struct sid queue_sid;
    struct str queue_name;
    bool is_queue_missing; /* deleted, or never told of */
    bool has_priority;
    int64_t priority;
    bool has_timeout;
    int64_t timeout_s;
    int64_t deadline_us; /* INT64_MAX = none; of the matched filter only */
    struct str expression;
    struct str order_by;
    struct str skip_if;
    bool would_skip; /* as things are */
    struct str known_worker;
    bool is_current;
    bool is_over;
    size_t members;             /* of the queue */
    size_t available;           /* of these, in an available activity */
    struct explain_place place; /* in this queue now; of later targets: if it came there now */
};

/* known_worker_sid or known_worker_friendly_name of the current step. */
struct explain_known {
    bool is_asked;
    struct str path;
    struct str value; /* of the attribute; "" = missing or null */
    struct sid worker_sid;
    int code; /* of Twilio's debugger: 40152, 40154, 40155; 0 = none */
    struct str text;
};

struct explain_candidate {
    struct sid sid;
    struct str name;
    struct str activity_name;
    enum explain_obstacle obstacle;
    unsigned obstacles; /* all that were looked for, 1 << enum explain_obstacle */
    int32_t capacity;
    int32_t consumed;
    int32_t pending;              /* of these, offers that he has not answered */
    struct explain_clause clause; /* of the queue's or the target's expression */
    enum reservation_state
        earlier; /* what became of his last offer of this task; NONE = no offer */
    int64_t earlier_at_us;
};

/* One part of an expression whose parts all have to be true. */
struct explain_count {
    bool is_of_queue; /* of the queue's expression, else the target's */
    struct str text;
    size_t column;
    size_t workers; /* for whom it was the first that was false */
};

struct explain_offer {
    struct reservation_row row;
};

enum explain_trust {
    EXPLAIN_TRUST_NONE,
    EXPLAIN_TRUST_LOW,
    EXPLAIN_TRUST_MEDIUM,
    EXPLAIN_TRUST_HIGH,
};

/*
 * The tasks ahead and this one, at the pace at which the queue's tasks were accepted in the last
 * 15 minutes (or since the router started). Low below 5 acceptances or when the place is not exact,
 * high from 30 on.
 */
struct explain_wait {
    bool is_known; /* false: nobody qualifies, or nothing was accepted lately */
    int64_t seconds;
    enum explain_trust trust;
    int64_t accepted; /* in the window */
    int64_t window_s;
    int64_t average_wait_s; /* of these, from creation; 0 = none */
};

struct explain_task {
    struct str summary; /* sentences for people */
    struct task_row row;
    int64_t now_us;
    int64_t expires_at_us;            /* end of its life while it is pending or reserved */
    int64_t current_workflow_version; /* of the document that new tasks get */
    struct str filter_name;
    const struct explain_filter *filters;
    size_t filter_count;
    size_t filters_left_out;
    const struct explain_target *targets; /* of the task's filter */
    size_t target_count;
    size_t targets_left_out;
    struct explain_known known;
    size_t workers;                        /* of the workspace */
    size_t looked_at;                      /* of these; fewer when there are too many */
    size_t qualified;                      /* queue, known worker and target expression are true */
    size_t counts[EXPLAIN_OBSTACLE_COUNT]; /* workers by the obstacle that is named */
    const struct explain_candidate *candidates;
    size_t candidate_count;
    const struct explain_count *clauses;
    size_t clause_count;
    struct explain_place same;      /* among the tasks that want exactly the same */
    struct explain_place place;     /* in its queue */
    struct explain_place competing; /* among all that compete for its workers, in any queue */
    struct explain_wait wait;
    const struct explain_offer *offers; /* its reservations, oldest first */
    size_t offer_count;
};

/*
 * Everything in *out lives in the arena, but the texts of rows are views into the engine.
 * Errors: NOT_FOUND TASK_NOT_FOUND, RESOURCE_EXHAUSTED.
 */
enum err_code engine_explain_task(struct engine *engine, const struct explain_ask *ask,
                                  int64_t now_us, struct arena *arena, struct explain_task *out,
                                  struct err *err) MUST_CHECK;

/* The same for a task that the engine has forgotten: what its row tells. */
enum err_code explain_task_row(const struct task_row *row, int64_t now_us, struct arena *arena,
                               struct explain_task *out, struct err *err) MUST_CHECK;

/* --- why this worker ---------------------------------------------------------------------- */

/* What decided between the worker and the one who came next. */
enum explain_decision {
    EXPLAIN_BY_NONE,  /* nothing was recorded */
    EXPLAIN_BY_ROUTE, /* routing_target: nobody was chosen */
    EXPLAIN_BY_ALONE, /* nobody else was free */
    EXPLAIN_BY_ORDER, /* order_by */
    EXPLAIN_BY_IDLE,  /* the longest without an offer */
    EXPLAIN_BY_SID,   /* equal in all: the older SID */
};

struct explain_choice {
    struct reservation_row row;       /* as it is now */
    const struct engine_offer *offer; /* NULL: not recorded */
    bool is_direct;                   /* the task's routing_target is the worker */
    int64_t last_offer_at_us;         /* his before; 0 = none, or not known any more */
    int64_t next_offer_at_us;         /* the last one of who would have been next */
    int64_t priority;                 /* of the task, when it was offered */
    int64_t virtual_start_us;
};

enum explain_decision explain_decided_by(const struct explain_choice *choice);
const char *explain_decision_name(enum explain_decision decision); /* "order_by" */
/* Sentences; NULL pointer when the arena is exhausted. */
struct str explain_choice_summary(struct arena *arena, const struct explain_choice *choice,
                                  int64_t now_us);

/* A span as people say it: "45 s", "4 min", "2 h". In the arena. */
struct str explain_span(struct arena *arena, int64_t seconds);
