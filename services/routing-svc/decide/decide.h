/* What the rules of a snapshot make of a task: facts gathered, rules asked, what they say made
 * safe. Reads no clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "rules/keywords.h"
#include "rules/rules.h"
#include "snapshot.h"

struct routing;

enum { DECIDE_ATTRIBUTES_MAX = 4096 }; /* characters, as for tasks */

/* What is known of the task to be. Checked: decide_task_check. */
struct decide_task {
    struct str attributes; /* JSON object; empty: {} */
    const char *task_channel;
    bool has_priority;
    int64_t priority;
    struct str text; /* for keywords */
    const char *caller_phone;
    const char *called_phone;
    struct str caller; /* JSON object; empty: {} */
    int64_t at_us;
};

/* Errors: INVALID_ARGUMENT naming the field. */
enum err_code decide_task_check(const struct decide_task *task, struct err *err) MUST_CHECK;

/* Texts are in the call's arena or in the set. */
struct decision {
    struct str attributes; /* the task's, with what keywords and rules added */
    struct keyword_result keywords;
    struct rule_outcome outcome;              /* its destination is NONE where its target is gone */
    const struct snapshot_schedule *schedule; /* that applies; never NULL */
    struct hours_state hours;
    const char *notes[4]; /* what could not be asked or done, as sentences */
    size_t note_count;
    const struct rule_trace *trace; /* decide_trace only */
    size_t trace_count;
};

/* set: the snapshot's own, or one made of it with drafts. Errors: RESOURCE_EXHAUSTED. */
enum err_code decide(struct routing *routing, const struct snapshot *snapshot,
                     const struct rule_set *set, struct call *call, const struct decide_task *task,
                     struct decision *out, struct err *err) MUST_CHECK;
enum err_code decide_trace(struct routing *routing, const struct snapshot *snapshot,
                           const struct rule_set *set, struct call *call,
                           const struct decide_task *task, struct decision *out,
                           struct err *err) MUST_CHECK;

/* Takes away a worker's destination when workers-svc says that there is no such worker any more,
 * and notes it. Without an answer within FIGURES_BUDGET_MS it stays. One call; none without a
 * worker. */
void decide_check_worker(struct routing *routing, const struct call *call,
                         const struct snapshot *snapshot, struct decision *decision);
