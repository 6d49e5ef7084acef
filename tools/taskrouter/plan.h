/*
 * What would have to be done to the suite so that it is as a document says: creations, changes and
 * deletions, in an order in which they can be done. Pure: reads and writes nothing.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/map.h"

struct cli;
struct doc;
struct doc_item;

enum plan_action {
    PLAN_NONE,
    PLAN_CREATE,
    PLAN_CHANGE,
    PLAN_DELETE,
};

enum plan_state {
    PLAN_WAITING,
    PLAN_DONE,
    PLAN_FAILED,
};

struct plan_step {
    enum plan_action action;
    enum plan_state state;
    struct doc_item *wanted;  /* NULL: PLAN_DELETE */
    struct doc_item *current; /* NULL: PLAN_CREATE */
    json_t *fields;           /* names that differ, in the order of the section */
    json_t *differences;      /* [{"field": path, "old": value, "new": value}, …] */
    json_t *moves;            /* what becomes of waiting tasks (moves.h), or NULL */
};

struct plan {
    struct doc *wanted;
    struct doc *current;
    struct plan_step *steps;
    size_t count;
    size_t counts[PLAN_DELETE + 1]; /* by action */
    json_t *kept;     /* ["queue \"X\"", …]: there, not in the document, not deleted */
    struct map names; /* SID to name, as it will be */
};

/*
 * deletes: what the document's sections lack is deleted (default channels stay). Everything lives
 * in the arena of the documents; current's items are rendered.
 * Errors: INVALID_ARGUMENT for names that nothing has, SIDs that are not there, and fields that
 * cannot be changed; the detail says the line of the file.
 */
enum err_code plan_make(struct doc *wanted, struct doc *current, bool deletes, struct plan **out,
                        struct err *err) MUST_CHECK;

/* The SID of what has the name once the plan is done; NULL while it is not there yet. */
const char *plan_sid_of(const struct plan *plan, int kind, const char *name);

/* Whether the name will be that of something of the kind. */
bool plan_has(const struct plan *plan, int kind, const char *name);
