/*
 * A compiled expression: the tree (for binding, tracing) and, made from it, a flat list of tests
 * with jumps (for evaluation). Everything refers to everything by index.
 */
#pragma once

#include "expr/expr.h"
#include "pattern.h"
#include "record_int.h"

enum operand_type { OPERAND_NONE, OPERAND_CONST, OPERAND_PATH, OPERAND_LIST, OPERAND_PATTERN };

struct operand {
    enum operand_type type;
    uint32_t index; /* into consts, paths, lists or patterns */
};

/* An array literal: operands[first .. first + count - 1]. */
struct list_span {
    uint32_t first;
    uint32_t count;
};

enum test_op {
    TEST_NONE,
    TEST_EQ,
    TEST_NE,
    TEST_LT,
    TEST_LE,
    TEST_GT,
    TEST_GE,
    TEST_CONTAINS,
    TEST_CONTAINS_ANY, /* substring, or membership when the left side is an array */
    TEST_HAS,
    TEST_STARTS_WITH,
    TEST_ENDS_WITH,
    TEST_MATCHES, /* b is a pattern */
    TEST_IN,      /* tree only: a test HAS with its sides swapped */
    TEST_NOT_IN,  /* tree only: the same, negated */
    TEST_COUNT,
};

enum node_type { NODE_NONE, NODE_AND, NODE_OR, NODE_NOT, NODE_TEST };

#define NO_NODE UINT32_MAX

struct node {
    enum node_type type;
    enum test_op op;
    bool is_negated; /* tests of residuals */
    bool is_truth;   /* written as an operand alone: "x" stands for "x == true" */
    struct operand a;
    struct operand b;
    uint32_t from; /* bytes of the source */
    uint32_t to;
    uint32_t first_child;
    uint32_t last_child;
    uint32_t next;
    uint32_t prev;
};

/* Jump targets beyond the code. */
#define PC_TRUE  (UINT32_MAX - 1)
#define PC_FALSE UINT32_MAX

/* Tests of a name against a constant are most of what is asked, so they have short ways. */
enum test_way {
    WAY_GENERAL,
    WAY_TEXT_EQ,  /* the constant is a text that is no number */
    WAY_TEXT_HAS, /* the same */
    WAY_INTEGER,  /* an order or equality with an integer */
};

struct test {
    enum test_way way;
    enum test_op op;                   /* TEST_EQ .. TEST_MATCHES */
    const struct path *path;           /* short ways only: the left side */
    const struct expr_value *constant; /* short ways only: the right side */
    struct operand a;
    struct operand b;
    uint32_t if_true;
    uint32_t if_false;
};

/* A growing array; items is typed by its user. */
struct vec {
    void *items;
    size_t count;
    size_t capacity;
};

struct pattern_ref {
    struct pattern *pattern; /* own */
};

struct expr {
    char *text; /* own copy of the source or key; constants and names point into it */
    size_t text_len;
    char *decoded; /* texts that had escapes; NULL = none */
    size_t decoded_len;
    bool is_residual;
    bool is_shape;       /* its constants change: no short ways */
    struct vec consts;   /* struct expr_value */
    struct vec paths;    /* struct path, each once */
    struct vec operands; /* struct operand, of array literals */
    struct vec lists;    /* struct list_span */
    struct vec patterns; /* struct pattern_ref */
    struct vec nodes;    /* struct node */
    uint32_t root;
    struct test *code;
    uint32_t entry; /* first test, or PC_TRUE, PC_FALSE */
};

/* A zeroed item at the end. */
void *vec_add(struct vec *vec, size_t item_size);

static inline struct node *expr_node(const struct expr *expr, uint32_t index)
{
    return (struct node *)expr->nodes.items + index;
}

static inline const struct path *expr_path_at(const struct expr *expr, uint32_t index)
{
    return (const struct path *)expr->paths.items + index;
}

static inline const struct pattern *expr_pattern_at(const struct expr *expr, uint32_t index)
{
    return ((const struct pattern_ref *)expr->patterns.items)[index].pattern;
}

static inline const struct expr_value *expr_const_at(const struct expr *expr, uint32_t index)
{
    return (const struct expr_value *)expr->consts.items + index;
}

/* The same name in the same slot is added once. name must stay valid as long as the expression. */
struct operand expr_add_path(struct expr *expr, unsigned slot, struct str name, size_t column);
struct operand expr_add_const(struct expr *expr, struct expr_value value);
struct operand expr_add_pattern(struct expr *expr, struct pattern *pattern);
uint32_t expr_add_node(struct expr *expr, enum node_type type);
void expr_add_child(struct expr *expr, uint32_t parent, uint32_t child);

/* Once the tree is whole: makes the code. */
void expr_finish(struct expr *expr);

/* The value of an operand; scratch holds it when it is computed. Never NULL. A literal array gives
 * a value of kind ARRAY that only tells its kind. */
const struct expr_value *operand_value(const struct expr *expr, struct operand operand,
                                       const struct expr_env *env, struct expr_value *scratch);

/* A single name's value, likewise. */
const struct expr_value *path_value(const struct expr_path *path, const struct expr_env *env,
                                    struct expr_value *scratch);

/* One test of the tree, TEST_IN and TEST_NOT_IN included. */
bool node_test(const struct expr *expr, const struct node *node, const struct expr_env *env);

bool test_run(const struct expr *expr, enum test_op op, struct operand a, struct operand b,
              const struct expr_env *env);

/* Exact: an integer beyond 2^53 does not equal the double next to it. */
int number_cmp(const struct expr_value *a, const struct expr_value *b);

/* Column in characters, 1-based. */
size_t expr_column(const struct expr *expr, size_t byte);

/* What follows a name's root: "a.b[2]". Reads one name of a context at the start of text, which
 * must hold nothing else but white space; used by order_by and single names. Gives an expression
 * without nodes that holds the one path. */
enum err_code expr_name_compile(struct str text, size_t column_offset,
                                const struct expr_context *context, struct expr **out_expr,
                                struct err *err) MUST_CHECK;
