/*
 * A workflow's routing document: parsed, validated, compiled. Pure, so that routing-svc checks
 * documents with the very code that runs them. Unknown keys are ignored, as at Twilio; numbers may
 * be numbers or numeric strings. It does not know which queues exist: workflow_doc_queues lists
 * what is referenced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct expr;
struct expr_order;
struct expr_path;
struct expr_record;

#define WORKFLOW_DOC_MAX_BYTES   1038576
#define WORKFLOW_DOC_MAX_FILTERS 1000
#define WORKFLOW_DOC_MAX_TARGETS 1000 /* per filter */

struct workflow_target {
    struct str queue; /* WQ SID; inherited from the target before when not given */
    bool has_priority;
    int64_t priority;
    bool has_timeout;
    int64_t timeout_s;
    struct str expression_text; /* "" = none; same for those below */
    struct str order_by_text;
    struct str skip_if_text;
    struct str known_worker_text; /* attribute path, "task.…" */
    bool is_known_by_name;        /* known_worker_friendly_name */
    struct expr *expression;      /* NULL = none */
    struct expr_order *order_by;
    struct expr *skip_if;
    struct expr_path *known_worker;
};

struct workflow_filter {
    struct str name; /* filter_friendly_name, or "" */
    struct str expression_text;
    struct expr *expression; /* NULL: matches always (the default filter) */
    struct workflow_target *targets;
    size_t target_count;
};

struct workflow_doc {
    struct workflow_filter *filters;
    size_t filter_count;
    bool has_default;
    struct workflow_filter default_filter; /* one target without timeout */
    struct str *queues;                    /* referenced SIDs, each once, in order */
    size_t queue_count;
    void *memory; /* private */
};

/*
 * NULL on failure. Everything is copied. **Ownership:** the caller's; workflow_doc_free.
 * Errors: INVALID_ARGUMENT with field = the place, such as
 * "task_routing.filters[0].targets[1].queue": reason BAD_JSON, MISSING, WRONG_TYPE, BAD_SID,
 * BAD_EXPRESSION, OUT_OF_RANGE, TOO_LONG, TOO_MANY, CONFLICT.
 */
struct workflow_doc *workflow_doc_parse(struct str text, struct err *err);
void workflow_doc_free(struct workflow_doc *doc);

/* The first filter at or after `from` whose expression is true for the task; -1 when none. */
int32_t workflow_doc_match(const struct workflow_doc *doc, const struct expr_record *task,
                           int32_t from);
