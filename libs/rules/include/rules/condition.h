/*
 * Conditions of rules as text and as the flat list of the earlier platform:
 * [{"type": …, "operator": …, "value": …, "field": …}], joined by AND. The text is what counts; the
 * list is a way to write and read it. The table of types and operators is in libs/rules/README.md.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/str.h"

enum {
    RULE_MAX_CONDITION_BYTES = 8192,
    RULE_MAX_FLAT_BYTES = 16384,
    RULE_MAX_FLAT_ROWS = 64,
    RULE_MAX_FLAT_VALUES = 200, /* of an in or not_in list */
};

/* Whether the text is a condition; empty is ("always"). Errors: as expr_compile, field
 * "condition". */
enum err_code rule_condition_check(struct str text, struct err *err) MUST_CHECK;

/*
 * Appends the list as a condition's text; nothing for [] . Errors: INVALID_ARGUMENT, JSON_INVALID
 * and so on or CONDITION_INVALID, the field being "conditions" or "conditions[2].operator".
 */
enum err_code rule_flat_to_text(struct str json, struct buf *out, struct err *err) MUST_CHECK;

/* Appends the list that the text is the same as; false when there is none (nothing is appended
 * then). The list translates to a text that means the same. */
bool rule_text_to_flat(struct str text, struct buf *out);

/* What to show as the flat form of a stored rule: the list as it was written (stored; may be empty)
 * when the condition is still its translation, else rule_text_to_flat. False: none. */
bool rule_flat_read(struct str stored, struct str condition, struct buf *out);
