/* A compiled rule set: everything in one arena that nobody writes to once the set is made. */
#pragma once

#include "index.h"
#include "rules/rules.h"

/* One member of an ADD_ATTRIBUTES object, ready to be written. */
struct rule_attribute {
    struct str key;  /* as a JSON string with its quotes */
    struct str json; /* the value */
    uint32_t hash;   /* of key */
};

struct rule_made {
    struct rule_def def;
    struct expr *expr; /* NULL: always, or broken */
    bool is_broken;
    bool has_continue;
    struct str why; /* it is broken */
    struct str queue;
    struct rule_attribute **attributes; /* by action */
    size_t *attribute_counts;
};

struct rule_set {
    struct arena *arena;
    struct rule_made *rules;
    size_t count;
    struct rule_index *index;
    bool has_enabled;
    unsigned slots; /* EXPR_BIT of what enabled rules read */
};

/* <0: x is tried before y. */
int rule_order(const struct rule_def *x, const struct rule_def *y);
