/*
 * What can be said of a rule before it is stored: that it can never match, always does, never gets
 * its turn, or takes turns with another one by chance. Conditions are compared in disjunctive form,
 * bounded; beyond the bound a finding says that nothing was judged.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/str.h"
#include "rules/rules.h"

enum rule_finding_type {
    RULE_FINDING_NONE,
    RULE_FINDING_ALWAYS_TRUE, /* a condition that is there and matches whatever comes */
    RULE_FINDING_UNREACHABLE, /* an earlier one without CONTINUE matches whenever it does */
    RULE_FINDING_HIDES,       /* the converse: the later ones that it makes unreachable */
    RULE_FINDING_OVERLAPS,    /* same priority, both may match, other effects */
    RULE_FINDING_NEVER_VALID, /* valid_until is past */
    RULE_FINDING_NOT_JUDGED,  /* too large to be compared with others */
};

/* "ALWAYS_TRUE" and so on, for RuleWarning.code. */
const char *rule_finding_name(enum rule_finding_type type);

/* In the arena. */
struct rule_finding {
    enum rule_finding_type type;
    struct str message;           /* a sentence that names the rules */
    const struct str *other_sids; /* of the others concerned; at most RULE_FINDING_MAX_OTHERS */
    size_t other_count;
};

enum { RULE_FINDING_MAX_OTHERS = 20 };

/*
 * Judges the rule as if it stood in the set (in the place of the one of its SID, if any). Errors:
 * INVALID_ARGUMENT: what rule_condition_check and rule_actions_check say; CONDITION_NEVER_TRUE
 * (field "condition"); VALIDITY_INVALID (field "valid_until") when it ends before it begins;
 * priority out of range; RESOURCE_EXHAUSTED when the arena is full.
 */
enum err_code rule_check(const struct rule_set *set, const struct rule_def *rule, int64_t now_us,
                         struct arena *arena, struct rule_finding **out_findings, size_t *out_count,
                         struct err *err) MUST_CHECK;
