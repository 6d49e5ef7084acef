/* The history as the rules see it, and how they report. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/macros.h"
#include "base/map.h"
#include "history_check.h"

#define TASKS_SOURCE "/tasks-svc"

enum outcome { OUTCOME_OPEN, OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_UNKNOWN };

/* A growing array of pointers. */
struct vec {
    void **items;
    size_t count;
    size_t capacity;
};

void vec_add(struct vec *vec, void *item);
void vec_fini(struct vec *vec);

/* One attempt; texts are "" when absent, numbers 0. */
struct call_rec {
    size_t line;
    size_t end_line; /* 0: none */
    int64_t begun_us;
    int64_t ended_us; /* INT64_MAX: nobody was told an end */
    enum outcome outcome;
    const char *method;
    const char *rid;
    const char *key;     /* idempotency */
    const char *subject; /* SID in the request */
    const char *sid;     /* of the reply, as the next three */
    const char *status;
    const char *task;
    const char *worker;
    int64_t version;
    const struct event_rec *effect; /* the event in the log that this very call caused */
    const struct event_rec *second; /* one more of the same kind: already too many */
};

/* All attempts with one key, or the only one without. */
struct op_rec {
    const struct method_row *row;
    struct vec calls;
    const struct event_rec *effect;
    const struct call_rec *ok; /* the first that was acknowledged; NULL: none */
    int64_t begun_us;          /* of the first */
    int64_t ended_us;          /* when it was first acknowledged; INT64_MAX: never */
};

/* An event from the log, WatchEvents or JetStream. */
struct event_rec {
    size_t line;
    int64_t t_us;
    int64_t q; /* place in the log */
    int64_t v;
    int64_t tv; /* version of the task */
    int64_t wv; /* of the worker */
    int64_t cap;
    int64_t at_us;
    int64_t n; /* place in the stream */
    int64_t h;
    const char *sid;
    const char *type;
    const char *r;
    const char *src;
    const char *rid;
    const char *task;
    const char *status;
    const char *channel;
    const char *res;
    const char *res_status;
    const char *worker;
    const char *key;
    bool is_bad;
    bool is_resume; /* of WatchEvents: begins anew behind q */
    bool has_cap;
};

/* What was left of a task or reservation. */
struct left_rec {
    size_t line;
    const char *sid;
    const char *status;
    const char *task;
    int64_t version;
    bool is_gone;
};

enum task_stage {
    STAGE_NONE,
    STAGE_PENDING,
    STAGE_RESERVED,
    STAGE_ASSIGNED,
    STAGE_WRAPPING,
    STAGE_COMPLETED,
    STAGE_CANCELED,
};

/* A task or reservation as the log tells it, up to where the replay is. */
struct thing {
    const char *sid;
    bool is_task;
    enum task_stage stage; /* of a task */
    const char *status;    /* of a reservation */
    bool is_gone;          /* deleted or cleaned up */
    int64_t version;
    int64_t releases; /* versions without an event of their own: back to pending */
    int open_offers;  /* of a task: pending reservations */
    const struct event_rec *created;
    const struct event_rec *accepted; /* of a task: the reservation that holds it */
    const struct event_rec *last;
    const char *task; /* of a reservation */
    const char *slot; /* of a reservation: worker and channel */
    const struct left_rec *left;
    struct vec ops;   /* struct op_rec on this task */
    struct vec reads; /* struct call_rec: GetTask */
};

/* What a method does to the log. */
struct method_row {
    const char *method;
    const char *event; /* the one event that it causes */
    bool is_task;      /* subject is a task; else a reservation */
};

struct checker {
    struct arena *arena;
    struct str text;
    struct str *lines; /* from 1 */
    size_t line_count;

    struct vec calls; /* as they began */
    struct vec ends;  /* the same as they ended */
    struct map calls_by_id;
    struct map calls_by_rid;
    struct vec ops;
    struct vec log;
    struct map log_by_sid;
    struct map others; /* sequences that other workspaces have in the log, as text */
    struct vec watch;
    struct vec live;
    struct vec durable;
    struct vec left;
    struct vec faults; /* struct note */
    struct vec deaths;
    struct map things;
    bool has_meta;
    bool is_complete; /* the run came to its end and read everything */
    bool is_drained;
    size_t drain_line;
    int64_t load_us; /* when the load began and ended; 0 = it did not */
    int64_t heal_us;

    const struct rule *rule; /* the one that is running */
    struct buf *out;
    const char *first_broken;
    size_t broken_here; /* violations of the running rule */
    size_t broken;
};

struct note {
    size_t line;
    int64_t t_us;
    const char *what;
    const char *who;
};

struct rule {
    const char *name;
    const char *says;
    bool needs_end; /* only with a history that came to its end */
    void (*run)(struct checker *checker);
};

extern const struct rule check_rules[];
extern const size_t check_rule_count;

/* ---- report.c ---- */

/* A violation, with the lines that show it (0 = none). */
void blame(struct checker *checker, size_t line, size_t other_line, const char *format, ...)
    PRINTF_LIKE(4, 5);
void report_figures(struct checker *checker);

/* ---- load.c ---- */

/* Reads the lines and ties calls, operations and events together. Blames what is not readable. */
void history_load(struct checker *checker);

const struct method_row *method_row(const char *method);
struct thing *thing_of(struct checker *checker, const char *sid); /* NULL when unknown */
bool is_same(const char *a, const char *b);
/* The sequence that comes next in the workspace's own part of the log. */
int64_t next_sequence(struct checker *checker, int64_t after);
bool is_own(const struct event_rec *event); /* the router's, not another service's */

/* ---- rules_log.c ---- */

void rule_log_order(struct checker *checker);
void rule_states(struct checker *checker); /* also brings things up to the end of the log */
void rule_versions(struct checker *checker);
void rule_one_worker(struct checker *checker);
void rule_capacity(struct checker *checker);

/* ---- rules_calls.c ---- */

void rule_acknowledged(struct checker *checker);
void rule_once(struct checker *checker);
void rule_refused(struct checker *checker);
void rule_one_effect(struct checker *checker);
void rule_real_time(struct checker *checker);
void rule_reads(struct checker *checker);
void rule_accepts(struct checker *checker);

/* ---- rules_feeds.c ---- */

void rule_bus_complete(struct checker *checker);
void rule_bus_order(struct checker *checker);
void rule_bus_committed(struct checker *checker);
void rule_watch(struct checker *checker);
void rule_config_heard(struct checker *checker);
void rule_left(struct checker *checker);
void rule_ended(struct checker *checker);
void rule_alive(struct checker *checker);
