/* Kinds of what a run brings in step, in the order in which they are done, and how far each has
 * got. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* name, whether the light reconcile looks at it. */
#define KINDS(X)                                                                                   \
    X(WORKSPACE, "workspace", true) /* always */                                                   \
    X(ACTIVITIES, "activities", true)                                                              \
    X(TASK_CHANNELS, "task_channels", true)                                                        \
    X(QUEUES, "queues", true)                                                                      \
    X(WORKFLOWS, "workflows", true)                                                                \
    X(WORKERS, "workers", true)                                                                    \
    X(WORKER_CHANNELS, "worker_channels", false)                                                   \
    X(TASKS, "tasks", true) /* with their reservations */                                          \
    X(LINKS, "links", false)

/* Names are KIND_<first column>. */
enum kind {
#define X(name, text, is_light) KIND_##name,
    KINDS(X)
#undef X
        KIND_COUNT,
};

const char *kind_name(enum kind kind); /* "worker_channels" */
enum kind kind_from(struct str name);  /* KIND_COUNT when unknown */

/* A set of kinds: bit 1 << kind. */
#define KIND_BIT(kind) (1U << (unsigned)(kind))
unsigned kinds_all(bool is_light); /* the workspace included */

/* The set that was asked for by name; none: all that there are. The workspace is always in it.
 * Errors: INVALID_ARGUMENT UNKNOWN_KIND (kinds), naming it and the known ones. */
enum err_code kinds_from(const struct str *names, size_t count, bool is_light, unsigned *out,
                         struct err *err) MUST_CHECK;

enum kind_state {
    KIND_STATE_NONE,
    KIND_STATE_WAITING,
    KIND_STATE_RUNNING,
    KIND_STATE_DONE,
    KIND_STATE_FAILED,
    KIND_STATE_COUNT,
};

const char *kind_state_name(enum kind_state state);
enum kind_state kind_state_from(struct str name);

/* Each thing seen is counted once more, as what became of it; vanished ones were not seen. */
struct kind_counts {
    int64_t seen;
    int64_t created;
    int64_t updated;
    int64_t unchanged; /* with those of which we knew something later */
    int64_t vanished;
    int64_t conflicting;
    int64_t linked; /* of links: those that are new, which are updated as well */
};

struct run_kind {
    enum kind kind;
    enum kind_state state;
    struct kind_counts counts;
    int64_t total;      /* -1 = not known */
    const char *error;  /* of one that failed, else "" */
    const char *cursor; /* where it goes on; "" = at its beginning. For runs/ alone */
    int64_t started_at_us;
    int64_t ended_at_us;
};

/* What became of one thing; as numbers those of taskrouter.common.v1.MirrorOutcome. */
enum outcome {
    OUTCOME_NONE,
    OUTCOME_CREATED,
    OUTCOME_UPDATED,
    OUTCOME_UNCHANGED,
    OUTCOME_STALE,
    OUTCOME_CONFLICTING,
    OUTCOME_VANISHED,
    OUTCOME_UNKNOWN,
    OUTCOME_COUNT,
};

const char *outcome_name(enum outcome outcome); /* "CREATED"; "" for OUTCOME_NONE */
enum outcome outcome_from(struct str name);

/* Adds one thing. One that had vanished, or is not known here any more, was not seen. */
void counts_add(struct kind_counts *counts, enum outcome outcome);

/* One line of a report. Texts are borrowed. */
struct run_item {
    enum kind kind;
    const char *sid;
    const char *friendly_name;
    enum outcome outcome;
    const char *fields; /* JSON: [{"name", "ours", "theirs"}, …] */
    const char *detail;
    int64_t seq; /* its place in the run; of stored ones */
};
