/* Conditions in disjunctive form, and whether one of its terms can be true. */
#pragma once

#include "base/arena.h"
#include "expr/tree.h"

enum {
    DNF_MAX_TERMS = 64,
    DNF_MAX_LITERALS = 128, /* of a term */
};

/* One test that is to be true, or false. Where it asks one name about constants, name, op and value
 * say so with the name in front; else it is only compared with others of its kind. */
struct literal {
    const struct expr *expr;
    uint32_t node;
    bool is_negated; /* the node's test is to be false */
    bool is_simple;
    bool is_false; /* op is to be false */
    enum expr_tree_op op;
    struct expr_operand name;
    struct expr_operand value; /* VALUE, PATTERN, or a LIST of values for IN */
};

/* Joined by AND; without literals: true. */
struct term {
    const struct literal **literals;
    size_t count;
};

/* Joined by OR; without terms: false. */
struct dnf {
    struct term *terms;
    size_t count;
};

/* Of the condition (NULL: always true) or of its negation, in the arena. False when it is too large
 * to be judged. */
bool dnf_new(const struct expr *expr, bool is_negated, struct arena *arena, struct dnf *out);

/* Work left for judging; past it everything counts as possible. */
struct judge {
    size_t steps_left;
    struct expr_budget patterns; /* for values that are held against patterns */
    bool is_exhausted;
    const struct literal *blamed; /* of the last term that is impossible; NULL: none */
};

/* False only when both terms together contradict themselves. b may be NULL. */
bool terms_are_possible(struct judge *judge, const struct term *a, const struct term *b);

/* False only when no term of a can be true together with one of b. b may be NULL. */
bool dnfs_are_possible(struct judge *judge, const struct dnf *a, const struct dnf *b);

/* Whether both ask the same of the same. */
bool literals_are_same(const struct literal *a, const struct literal *b);
bool values_are_same(const struct expr_operand *a, const struct expr_operand *b);

/* What one name is asked: all simple, all of that name. False only when no value answers them all;
 * true also when the budget is used up. */
bool values_are_possible(const struct literal *const *literals, size_t count,
                         struct expr_budget *budget);
