/* A rule's actions as JSON text, for the database, and a rule as a JSON tree, for comparing two
 * versions of it. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "rule.h"

/* In the arena; NULL when that is exhausted. */
const char *rule_actions_write(struct arena *arena, const struct rule *rule);

/* Sets the actions of the rule from what write gave. Errors: INTERNAL for anything else;
 * RESOURCE_EXHAUSTED. */
enum err_code rule_actions_read(struct arena *arena, const char *json, struct rule *rule,
                                struct err *err) MUST_CHECK;

/* One leaf that differs. Texts are in the arena. */
struct rule_change {
    const char *field;  /* "actions[1].target" */
    const char *before; /* JSON as text; "": not there */
    const char *after;
};

/* What differs between two versions of a rule, in the order of its fields; dates, versions and
 * counters are no part of it. Errors: RESOURCE_EXHAUSTED. */
enum err_code rule_diff(struct arena *arena, const struct rule *before, const struct rule *after,
                        struct rule_change **out, size_t *out_count, struct err *err) MUST_CHECK;
