/* A routing rule as it is stored, and what must hold for one beside what libs/rules checks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "rules/rules.h"

#define RULE_NAME_MAX        128 /* characters; so are the next */
#define RULE_DESCRIPTION_MAX 1000
#define RULE_LABELS_MAX      20 /* of a rule */
#define RULE_LABEL_MAX       64
#define RULE_COMMENT_MAX     500

/* Texts are borrowed. */
struct rule {
    const char *sid;
    const char *account_sid;
    const char *workspace_sid;
    const char *name;
    const char *description;
    int64_t priority;
    bool is_enabled;
    const char *condition;             /* "": always */
    const char *conditions;            /* the flat list, as it was written; "": it was not */
    const struct rule_action *actions; /* targets are SIDs where they are ours */
    const char **target_names; /* of each action: the friendly name, when it was saved, or "" */
    size_t action_count;
    int64_t valid_from_us; /* 0: none; so the next */
    int64_t valid_until_us;
    const struct str *labels;
    size_t label_count;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t match_count;        /* as flushed; so the next */
    int64_t last_matched_at_us; /* 0: never */
};

/* One of the versions that a rule has had; the rule's counters are 0. */
struct rule_version {
    struct rule rule;
    int64_t created_at_us;
    bool is_deletion;
    const char *author_sid;
    const char *author_type;
    const char *comment;
};

/* Name, description, labels, validity; the rest is rule_check's. Errors: INVALID_ARGUMENT naming
 * the field. */
enum err_code rule_check_fields(const struct rule *rule, struct err *err) MUST_CHECK;

/* For libs/rules; views into the rule. */
struct rule_def rule_to_def(const struct rule *rule);

/* Whether an action's target is one of ours: a queue, a worker or a workflow. */
bool rule_action_has_our_target(enum rule_action_type type);

/* "WQ", "WK", "WW" of such an action. */
const char *rule_action_prefix(enum rule_action_type type);
