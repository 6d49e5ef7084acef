/*
 * A compiled expression's parts, for those who judge or translate expressions instead of evaluating
 * them. Views into the expression; refuses to change anything.
 */
#pragma once

#include "expr/expr.h"

enum expr_tree_type { EXPR_TREE_NONE, EXPR_TREE_AND, EXPR_TREE_OR, EXPR_TREE_NOT, EXPR_TREE_TEST };

enum expr_tree_op {
    EXPR_OP_NONE,
    EXPR_OP_EQ,
    EXPR_OP_NE,
    EXPR_OP_LT,
    EXPR_OP_LE,
    EXPR_OP_GT,
    EXPR_OP_GE,
    EXPR_OP_CONTAINS,     /* substring */
    EXPR_OP_CONTAINS_ANY, /* substring, or membership when the left side is an array */
    EXPR_OP_HAS,
    EXPR_OP_STARTS_WITH,
    EXPR_OP_ENDS_WITH,
    EXPR_OP_MATCHES,
    EXPR_OP_IN,
    EXPR_OP_NOT_IN,
};

enum expr_operand_type {
    EXPR_OPERAND_NONE,
    EXPR_OPERAND_VALUE,   /* value */
    EXPR_OPERAND_NAME,    /* slot, path */
    EXPR_OPERAND_LIST,    /* count elements: expr_tree_element */
    EXPR_OPERAND_PATTERN, /* value: its text */
};

struct expr_operand {
    enum expr_operand_type type;
    struct expr_value value;
    enum expr_slot slot;
    struct str path; /* without the root */
    size_t count;
    uint32_t index; /* expr's own */
};

#define EXPR_TREE_END UINT32_MAX

struct expr_tree_node {
    enum expr_tree_type type;
    enum expr_tree_op op; /* of a test */
    bool is_truth;        /* a name alone: "x" for "x == true" */
    struct expr_operand a;
    struct expr_operand b;
    uint32_t first_child; /* of AND, OR (at least two), NOT (one); EXPR_TREE_END: none */
    uint32_t next;        /* sibling; EXPR_TREE_END: the last one */
};

uint32_t expr_tree_root(const struct expr *expr);
struct expr_tree_node expr_tree_at(const struct expr *expr, uint32_t index);
struct expr_operand expr_tree_element(const struct expr *expr, const struct expr_operand *list,
                                      size_t index);

/* What one test comes to. The node must be a test. */
bool expr_tree_test(const struct expr *expr, uint32_t index, const struct expr_env *env);

/* A number's value when the text is one, as evaluation reads it. */
bool expr_text_number(struct str text, struct expr_value *out_number);

/* <0, 0, >0, exactly; both must be numbers. */
int expr_number_cmp(struct expr_value a, struct expr_value b);

/* A name as an expression has it (expr_operand.path). **Ownership:** the caller's; expr_path_free.
 */
struct expr_path *expr_path_of(enum expr_slot slot, struct str path);

/* Calls fn for the value of the name, or for each element when it is an array; not for what is
 * missing. Returns the value's kind. The name's slot must have a record. */
typedef void (*expr_each_fn)(void *ctx, const struct expr_value *value);
enum expr_kind expr_path_each(const struct expr_path *path, const struct expr_env *env,
                              expr_each_fn fn, void *ctx);
