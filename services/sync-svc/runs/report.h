/* What a step of a run has found so far, on its way to the database. Private to runs/. */
#pragma once

#include "job.h"
#include "taskrouter/common/v1/mirror.pb-c.h"

/* On the stack; grows in the arena. */
struct report {
    struct job *job;
    struct arena *arena;
    enum kind kind;
    struct kind_counts counts;
    struct run_item *items;
    size_t item_count;
    size_t item_room;
    struct run_item *settled;
    size_t settled_count;
    size_t settled_room;
    struct str *seen;
    size_t seen_count;
    size_t seen_room;
};

void report_init(struct report *report, struct job *job, struct arena *arena, enum kind kind);

/* Counts it; all but UNCHANGED ones are listed. */
void report_add(struct report *report, const Taskrouter__Common__V1__MirrorResult *result);
/* One that was not asked about: a conflict that we see ourselves, or what a dry run would do. */
void report_note(struct report *report, const char *sid, const char *friendly_name,
                 enum outcome outcome, const char *detail);
/* A conflict that was reported before has become something else; UNCHANGED takes it off the list.
 */
void report_settle(struct report *report, const Taskrouter__Common__V1__MirrorResult *result);
/* Met, whatever became of it. The SID is borrowed. */
void report_seen(struct report *report, const char *sid);

/* Stores all of it and where the kind goes on, and begins anew. total: -1 = as it was. Errors:
 * those of progress_store_step; CANCELLED when the run is to stop. */
enum err_code report_store(struct report *report, const char *cursor, int64_t total,
                           struct err *err) MUST_CHECK;
