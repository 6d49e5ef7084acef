#include "expr/tree.h"

#include <assert.h>

#include "base/macros.h"
#include "expr_int.h"

static_assert((int)EXPR_OP_EQ == (int)TEST_EQ && (int)EXPR_OP_NE == (int)TEST_NE &&
                  (int)EXPR_OP_LT == (int)TEST_LT && (int)EXPR_OP_LE == (int)TEST_LE &&
                  (int)EXPR_OP_GT == (int)TEST_GT && (int)EXPR_OP_GE == (int)TEST_GE &&
                  (int)EXPR_OP_CONTAINS == (int)TEST_CONTAINS &&
                  (int)EXPR_OP_CONTAINS_ANY == (int)TEST_CONTAINS_ANY &&
                  (int)EXPR_OP_HAS == (int)TEST_HAS &&
                  (int)EXPR_OP_STARTS_WITH == (int)TEST_STARTS_WITH &&
                  (int)EXPR_OP_ENDS_WITH == (int)TEST_ENDS_WITH &&
                  (int)EXPR_OP_MATCHES == (int)TEST_MATCHES && (int)EXPR_OP_IN == (int)TEST_IN &&
                  (int)EXPR_OP_NOT_IN == (int)TEST_NOT_IN,
              "the public operators are the private ones");
static_assert((int)EXPR_TREE_AND == (int)NODE_AND && (int)EXPR_TREE_OR == (int)NODE_OR &&
                  (int)EXPR_TREE_NOT == (int)NODE_NOT && (int)EXPR_TREE_TEST == (int)NODE_TEST,
              "the public types are the private ones");
static_assert(EXPR_TREE_END == NO_NODE, "the end is no node");

static struct expr_operand operand_of(const struct expr *expr, struct operand operand)
{
    struct expr_operand out = {.value = expr_value_null(), .index = operand.index};
    switch (operand.type) {
    case OPERAND_NONE:
        break;
    case OPERAND_CONST:
        out.type = EXPR_OPERAND_VALUE;
        out.value = *expr_const_at(expr, operand.index);
        break;
    case OPERAND_PATH:
        out.type = EXPR_OPERAND_NAME;
        out.slot = (enum expr_slot)expr_path_at(expr, operand.index)->slot;
        out.path = expr_path_at(expr, operand.index)->name;
        break;
    case OPERAND_LIST:
        out.type = EXPR_OPERAND_LIST;
        out.count = ((const struct list_span *)expr->lists.items)[operand.index].count;
        break;
    case OPERAND_PATTERN:
        out.type = EXPR_OPERAND_PATTERN;
        out.value = *pattern_value(expr_pattern_at(expr, operand.index));
        break;
    }
    return out;
}

uint32_t expr_tree_root(const struct expr *expr)
{
    return expr->root;
}

struct expr_tree_node expr_tree_at(const struct expr *expr, uint32_t index)
{
    INVARIANT(index < expr->nodes.count);
    const struct node *node = expr_node(expr, index);
    return (struct expr_tree_node){.type = (enum expr_tree_type)node->type,
                                   .op = (enum expr_tree_op)node->op,
                                   .is_truth = node->is_truth,
                                   .a = operand_of(expr, node->a),
                                   .b = operand_of(expr, node->b),
                                   .first_child = node->first_child,
                                   .next = node->next};
}

struct expr_operand expr_tree_element(const struct expr *expr, const struct expr_operand *list,
                                      size_t index)
{
    INVARIANT(list->type == EXPR_OPERAND_LIST && index < list->count);
    struct list_span span = ((const struct list_span *)expr->lists.items)[list->index];
    return operand_of(expr, ((const struct operand *)expr->operands.items)[span.first + index]);
}

bool expr_tree_test(const struct expr *expr, uint32_t index, const struct expr_env *env)
{
    INVARIANT(index < expr->nodes.count && expr_node(expr, index)->type == NODE_TEST);
    return node_test(expr, expr_node(expr, index), env);
}

bool expr_text_number(struct str text, struct expr_value *out_number)
{
    return number_parse(text, out_number);
}

int expr_number_cmp(struct expr_value a, struct expr_value b)
{
    return number_cmp(&a, &b);
}
