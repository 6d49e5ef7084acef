#include "dnf.h"

/* ---- literals -------------------------------------------------------------------------------- */

static enum expr_tree_op mirrored(enum expr_tree_op op)
{
    switch (op) {
    case EXPR_OP_EQ:
    case EXPR_OP_NE:
        return op;
    case EXPR_OP_LT:
        return EXPR_OP_GT;
    case EXPR_OP_LE:
        return EXPR_OP_GE;
    case EXPR_OP_GT:
        return EXPR_OP_LT;
    case EXPR_OP_GE:
        return EXPR_OP_LE;
    case EXPR_OP_IN: /* 'x' IN name */
    case EXPR_OP_NOT_IN:
        return EXPR_OP_HAS;
    case EXPR_OP_HAS: /* ['x'] HAS name */
        return EXPR_OP_IN;
    case EXPR_OP_NONE:
    case EXPR_OP_CONTAINS:
    case EXPR_OP_CONTAINS_ANY:
    case EXPR_OP_STARTS_WITH:
    case EXPR_OP_ENDS_WITH:
    case EXPR_OP_MATCHES:
        break;
    }
    return EXPR_OP_NONE;
}

static bool is_constant(const struct expr *expr, const struct expr_operand *operand)
{
    if (operand->type != EXPR_OPERAND_LIST)
        return operand->type == EXPR_OPERAND_VALUE || operand->type == EXPR_OPERAND_PATTERN;
    for (size_t i = 0; i < operand->count; i++) {
        if (expr_tree_element(expr, operand, i).type != EXPR_OPERAND_VALUE)
            return false;
    }
    return true;
}

/* Puts the name in front, where there is one name. */
static void simplify(struct literal *literal, const struct expr_tree_node *node)
{
    bool is_not_in = node->op == EXPR_OP_NOT_IN;
    literal->op = node->op;
    literal->name = node->a;
    literal->value = node->b;
    if (node->a.type != EXPR_OPERAND_NAME && mirrored(node->op) != EXPR_OP_NONE) {
        literal->op = mirrored(node->op);
        literal->name = node->b;
        literal->value = node->a;
    } else if (is_not_in) {
        literal->op = EXPR_OP_IN;
    }
    literal->is_false = literal->is_negated != is_not_in;
    bool takes_list = literal->op == EXPR_OP_IN;
    literal->is_simple = literal->name.type == EXPR_OPERAND_NAME &&
                         is_constant(literal->expr, &literal->value) &&
                         takes_list == (literal->value.type == EXPR_OPERAND_LIST);
}

static bool are_same_values(struct expr_value a, struct expr_value b)
{
    if (expr_value_kind(a) != expr_value_kind(b))
        return false;
    switch (expr_value_kind(a)) {
    case EXPR_KIND_NONE:
        return true;
    case EXPR_KIND_BOOL:
        return a.as.i64 == b.as.i64;
    case EXPR_KIND_I64:
    case EXPR_KIND_F64:
        return expr_number_cmp(a, b) == 0;
    case EXPR_KIND_STR:
        return str_eq(expr_value_text(a), expr_value_text(b));
    case EXPR_KIND_ARRAY:
    case EXPR_KIND_OBJECT:
    case EXPR_KIND_COUNT:
        break;
    }
    return false;
}

bool values_are_same(const struct expr_operand *a, const struct expr_operand *b)
{
    return a->type == b->type && a->type != EXPR_OPERAND_LIST &&
           are_same_values(a->value, b->value);
}

static bool are_same_operands(const struct literal *x, const struct expr_operand *a,
                              const struct literal *y, const struct expr_operand *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == EXPR_OPERAND_NAME)
        return a->slot == b->slot && str_eq(a->path, b->path);
    if (a->type != EXPR_OPERAND_LIST)
        return are_same_values(a->value, b->value);
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        struct expr_operand of_a = expr_tree_element(x->expr, a, i);
        struct expr_operand of_b = expr_tree_element(y->expr, b, i);
        bool is_name = of_a.type == EXPR_OPERAND_NAME && of_b.type == EXPR_OPERAND_NAME;
        bool is_same = is_name ? of_a.slot == of_b.slot && str_eq(of_a.path, of_b.path)
                               : values_are_same(&of_a, &of_b);
        if (!is_same)
            return false;
    }
    return true;
}

bool literals_are_same(const struct literal *a, const struct literal *b)
{
    return a->op == b->op && are_same_operands(a, &a->name, b, &b->name) &&
           are_same_operands(a, &a->value, b, &b->value);
}

/* ---- building -------------------------------------------------------------------------------- */

struct builder {
    const struct expr *expr;
    struct arena *arena;
};

static bool dnf_true(struct builder *b, struct dnf *out)
{
    out->terms = ARENA_ARRAY(b->arena, struct term, 1);
    out->count = 1;
    return out->terms != NULL;
}

static bool build_test(struct builder *b, uint32_t index, bool is_negated, struct dnf *out)
{
    static const struct expr_env nothing = {0};
    struct expr_tree_node node = expr_tree_at(b->expr, index);
    *out = (struct dnf){0};
    if (is_constant(b->expr, &node.a) && is_constant(b->expr, &node.b))
        return expr_tree_test(b->expr, index, &nothing) == is_negated || dnf_true(b, out);
    struct literal *literal = ARENA_NEW(b->arena, struct literal);
    if (!dnf_true(b, out) || literal == NULL)
        return false;
    *literal = (struct literal){.expr = b->expr, .node = index, .is_negated = is_negated};
    simplify(literal, &node);
    out->terms[0].literals = ARENA_ARRAY(b->arena, const struct literal *, 1);
    if (out->terms[0].literals == NULL)
        return false;
    out->terms[0].literals[0] = literal;
    out->terms[0].count = 1;
    return true;
}

static bool join(struct builder *b, struct dnf *io, const struct dnf *more)
{
    struct dnf out = {.count = io->count + more->count};
    if (out.count > DNF_MAX_TERMS)
        return false;
    out.terms = ARENA_ARRAY(b->arena, struct term, out.count);
    if (out.terms == NULL)
        return false;
    for (size_t i = 0; i < out.count; i++)
        out.terms[i] = i < io->count ? io->terms[i] : more->terms[i - io->count];
    *io = out;
    return true;
}

static bool multiply(struct builder *b, struct dnf *io, const struct dnf *by)
{
    struct dnf out = {.count = io->count * by->count};
    if (out.count > DNF_MAX_TERMS)
        return false;
    out.terms = ARENA_ARRAY(b->arena, struct term, out.count);
    for (size_t i = 0; i < out.count && out.terms != NULL; i++) {
        const struct term *x = &io->terms[i / by->count];
        const struct term *y = &by->terms[i % by->count];
        struct term *term = &out.terms[i];
        term->count = x->count + y->count;
        term->literals = ARENA_ARRAY(b->arena, const struct literal *, term->count);
        if (term->count > DNF_MAX_LITERALS || term->literals == NULL)
            return false;
        for (size_t k = 0; k < term->count; k++)
            term->literals[k] = k < x->count ? x->literals[k] : y->literals[k - x->count];
    }
    *io = out;
    return out.terms != NULL;
}

static bool build(struct builder *b, uint32_t index, bool is_negated, struct dnf *out)
{
    struct expr_tree_node node = expr_tree_at(b->expr, index);
    if (node.type == EXPR_TREE_TEST)
        return build_test(b, index, is_negated, out);
    if (node.type == EXPR_TREE_NOT)
        return build(b, node.first_child, !is_negated, out);
    bool is_and = (node.type == EXPR_TREE_AND) != is_negated;
    *out = (struct dnf){0};
    if (is_and && !dnf_true(b, out))
        return false;
    for (uint32_t child = node.first_child; child != EXPR_TREE_END;
         child = expr_tree_at(b->expr, child).next) {
        struct dnf part;
        if (!build(b, child, is_negated, &part) ||
            !(is_and ? multiply(b, out, &part) : join(b, out, &part)))
            return false;
    }
    return true;
}

bool dnf_new(const struct expr *expr, bool is_negated, struct arena *arena, struct dnf *out)
{
    struct builder b = {.expr = expr, .arena = arena};
    *out = (struct dnf){0};
    if (expr == NULL)
        return is_negated || dnf_true(&b, out);
    return build(&b, expr_tree_root(expr), is_negated, out) && !arena_is_exhausted(arena);
}

/* ---- judging --------------------------------------------------------------------------------- */

static bool is_same_name(const struct literal *a, const struct literal *b)
{
    return a->name.slot == b->name.slot && str_eq(a->name.path, b->name.path);
}

/* All literals of the first one's name are taken together; those done before are skipped. */
static bool name_is_possible(const struct literal *const *all, size_t count, size_t first,
                             struct expr_budget *budget)
{
    const struct literal *group[2 * DNF_MAX_LITERALS];
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!all[i]->is_simple || !is_same_name(all[i], all[first]))
            continue;
        if (i < first)
            return true;
        group[size++] = all[i];
    }
    return values_are_possible(group, size, budget);
}

static bool is_contradicted(const struct literal *const *all, size_t count, size_t first)
{
    for (size_t i = first + 1; i < count; i++) {
        if (all[i]->is_false != all[first]->is_false && literals_are_same(all[i], all[first]))
            return true;
    }
    return false;
}

bool terms_are_possible(struct judge *judge, const struct term *a, const struct term *b)
{
    const struct literal *all[2 * DNF_MAX_LITERALS];
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        all[count++] = a->literals[i];
    for (size_t i = 0; b != NULL && i < b->count; i++)
        all[count++] = b->literals[i];
    size_t steps = 1 + count * count;
    if (judge->steps_left < steps || judge->patterns.steps_left == 0) {
        judge->is_exhausted = true;
        return true;
    }
    judge->steps_left -= steps;
    for (size_t i = 0; i < count; i++) {
        if (is_contradicted(all, count, i) ||
            (all[i]->is_simple && !name_is_possible(all, count, i, &judge->patterns))) {
            judge->blamed = all[i];
            return false;
        }
    }
    return true;
}

bool dnfs_are_possible(struct judge *judge, const struct dnf *a, const struct dnf *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (b == NULL && terms_are_possible(judge, &a->terms[i], NULL))
            return true;
        for (size_t k = 0; b != NULL && k < b->count; k++) {
            if (terms_are_possible(judge, &a->terms[i], &b->terms[k]))
                return true;
        }
    }
    return false;
}
