/* Text becomes the flat list, where it has that shape. Whatever is found is translated back and
 * compared, so that a list never says something else than its text. */
#include "rules/condition.h"

#include <stdlib.h>

#include "expr/tree.h"
#include "flat_int.h"
#include "jx/writer.h"

enum { MAX_DEPTH = 16 };

struct reader {
    const struct expr *expr;
    struct jx_writer out;
    struct buf bytes;
    size_t row_count;
    /* The parts joined by AND. */
    struct expr_tree_node parts[2 * RULE_MAX_FLAT_ROWS]; /* a range takes two */
    size_t part_count;
};

static bool collect(struct reader *r, uint32_t index, size_t depth)
{
    struct expr_tree_node node = expr_tree_at(r->expr, index);
    if (node.type == EXPR_TREE_AND && depth < MAX_DEPTH) {
        for (uint32_t child = node.first_child; child != EXPR_TREE_END;
             child = expr_tree_at(r->expr, child).next) {
            if (!collect(r, child, depth + 1))
                return false;
        }
        return true;
    }
    if (r->part_count == sizeof r->parts / sizeof r->parts[0])
        return false;
    r->parts[r->part_count++] = node;
    return true;
}

/* ---- names and values ------------------------------------------------------------------------ */

static bool is_time_path(const struct expr_operand *name, const char *path)
{
    return name->slot == EXPR_SLOT_TIME && str_eq_text(name->path, path);
}

/* The type, and the field or "". */
static const char *type_of(const struct expr_operand *name, struct str *out_field,
                           bool *out_is_list)
{
    for (size_t i = 0; i < flat_name_count; i++) {
        const struct flat_name *row = &flat_names[i];
        if (row->slot != name->slot || (row->path != NULL && !str_eq_text(name->path, row->path)))
            continue;
        *out_field = row->path == NULL ? name->path : str_from(row->field);
        *out_is_list = row->is_list;
        return row->type;
    }
    return NULL;
}

static void put_value(struct jx_writer *out, struct expr_value value)
{
    switch (expr_value_kind(value)) {
    case EXPR_KIND_BOOL:
        jx_bool(out, value.as.i64 != 0);
        return;
    case EXPR_KIND_I64:
        jx_i64(out, value.as.i64);
        return;
    case EXPR_KIND_F64:
        jx_double(out, value.as.f64);
        return;
    case EXPR_KIND_STR:
        jx_str(out, expr_value_text(value));
        return;
    case EXPR_KIND_NONE:
    case EXPR_KIND_ARRAY:
    case EXPR_KIND_OBJECT:
    case EXPR_KIND_COUNT:
        break;
    }
    jx_null(out);
}

/* Hours and "HH:MM" need no field. */
static bool needs_no_field(const struct expr_operand *name, struct expr_value value)
{
    char clock[6];
    return (is_time_path(name, "hour") && expr_value_kind(value) == EXPR_KIND_I64) ||
           (is_time_path(name, "time") && flat_clock(expr_value_text(value), clock));
}

static bool begin_row(struct reader *r, const struct expr_operand *name, const char *op,
                      struct expr_value value, struct str *out_field, bool *out_is_list)
{
    const char *type = type_of(name, out_field, out_is_list);
    if (type == NULL || r->row_count == RULE_MAX_FLAT_ROWS)
        return false;
    if (needs_no_field(name, value))
        *out_field = STR("");
    r->row_count++;
    jx_object_begin(&r->out);
    jx_put_text(&r->out, "type", type);
    jx_put_text(&r->out, "operator", op);
    jx_key(&r->out, "value");
    return true;
}

static bool end_row(struct reader *r, struct str field)
{
    if (field.len > 0)
        jx_put_str(&r->out, "field", field);
    jx_object_end(&r->out);
    return true;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static bool is_simple(const struct expr_tree_node *node)
{
    return node->type == EXPR_TREE_TEST && node->a.type == EXPR_OPERAND_NAME &&
           (node->b.type == EXPR_OPERAND_VALUE || node->b.type == EXPR_OPERAND_PATTERN);
}

static bool is_same_name(const struct expr_operand *a, const struct expr_operand *b)
{
    return a->slot == b->slot && str_eq(a->path, b->path);
}

static const char *op_of(enum expr_tree_op op)
{
    switch (op) {
    case EXPR_OP_EQ:
        return "equals";
    case EXPR_OP_CONTAINS_ANY:
        return "contains";
    case EXPR_OP_STARTS_WITH:
        return "starts_with";
    case EXPR_OP_ENDS_WITH:
        return "ends_with";
    case EXPR_OP_MATCHES:
        return "regex";
    case EXPR_OP_GT:
        return "greater_than";
    case EXPR_OP_LT:
        return "less_than";
    case EXPR_OP_IN:
        return "in";
    case EXPR_OP_NOT_IN:
        return "not_in";
    case EXPR_OP_NONE:
    case EXPR_OP_NE:
    case EXPR_OP_LE:
    case EXPR_OP_GE:
    case EXPR_OP_CONTAINS:
    case EXPR_OP_HAS:
        break;
    }
    return NULL;
}

static bool put_single(struct reader *r, const struct expr_tree_node *node)
{
    struct str field;
    bool is_list = false;
    const char *op = op_of(node->op);
    if (op == NULL || !is_simple(node) || node->op == EXPR_OP_IN || node->op == EXPR_OP_NOT_IN ||
        !begin_row(r, &node->a, op, node->b.value, &field, &is_list))
        return false;
    put_value(&r->out, node->b.value);
    return end_row(r, field);
}

static bool put_list(struct reader *r, const struct expr_tree_node *node)
{
    struct str field;
    bool is_list = false;
    if (node->type != EXPR_TREE_TEST || (node->op != EXPR_OP_IN && node->op != EXPR_OP_NOT_IN) ||
        node->a.type != EXPR_OPERAND_NAME || node->b.type != EXPR_OPERAND_LIST ||
        node->b.count == 0 ||
        !begin_row(r, &node->a, op_of(node->op), expr_tree_element(r->expr, &node->b, 0).value,
                   &field, &is_list))
        return false;
    jx_array_begin(&r->out);
    for (size_t i = 0; i < node->b.count; i++) {
        struct expr_operand element = expr_tree_element(r->expr, &node->b, i);
        if (element.type != EXPR_OPERAND_VALUE)
            return false;
        put_value(&r->out, element.value);
    }
    jx_array_end(&r->out);
    return end_row(r, field);
}

/* x >= a AND x <= b, or with OR where a range goes round. */
static bool put_range(struct reader *r, const struct expr_tree_node *low,
                      const struct expr_tree_node *high)
{
    struct str field;
    bool is_list = false;
    if (!is_simple(low) || !is_simple(high) || low->op != EXPR_OP_GE || high->op != EXPR_OP_LE ||
        !is_same_name(&low->a, &high->a) ||
        !begin_row(r, &low->a, "between", low->b.value, &field, &is_list))
        return false;
    jx_array_begin(&r->out);
    put_value(&r->out, low->b.value);
    put_value(&r->out, high->b.value);
    jx_array_end(&r->out);
    return end_row(r, field);
}

/* x CONTAINS a OR x CONTAINS b, of a name that holds an array. */
static bool put_members(struct reader *r, const struct expr_tree_node *first, bool is_negated)
{
    struct str field;
    bool is_list = false;
    if (!is_simple(first) ||
        !begin_row(r, &first->a, is_negated ? "not_in" : "in", first->b.value, &field, &is_list) ||
        !is_list)
        return false;
    jx_array_begin(&r->out);
    for (struct expr_tree_node node = *first;; node = expr_tree_at(r->expr, node.next)) {
        if (!is_simple(&node) || node.op != EXPR_OP_CONTAINS_ANY ||
            !is_same_name(&node.a, &first->a))
            return false;
        put_value(&r->out, node.b.value);
        if (node.next == EXPR_TREE_END)
            break;
    }
    jx_array_end(&r->out);
    return end_row(r, field);
}

static bool put_or(struct reader *r, const struct expr_tree_node *node, bool is_negated)
{
    struct expr_tree_node first = expr_tree_at(r->expr, node->first_child);
    struct expr_tree_node second = expr_tree_at(r->expr, first.next);
    bool is_pair = second.next == EXPR_TREE_END;
    if (!is_negated && is_pair && first.type == EXPR_TREE_TEST && first.op == EXPR_OP_GE)
        return put_range(r, &first, &second);
    return put_members(r, &first, is_negated);
}

static bool put_part(struct reader *r, const struct expr_tree_node *node)
{
    if (node->type == EXPR_TREE_OR)
        return put_or(r, node, false);
    if (node->type == EXPR_TREE_TEST)
        return node->b.type == EXPR_OPERAND_LIST ? put_list(r, node) : put_single(r, node);
    if (node->type != EXPR_TREE_NOT)
        return false;
    struct expr_tree_node inner = expr_tree_at(r->expr, node->first_child);
    if (inner.type == EXPR_TREE_OR)
        return put_or(r, &inner, true);
    inner.next = EXPR_TREE_END;
    return inner.type == EXPR_TREE_TEST && put_members(r, &inner, true);
}

static bool put_parts(struct reader *r)
{
    for (size_t i = 0; i < r->part_count; i++) {
        const struct expr_tree_node *part = &r->parts[i];
        bool has_next = i + 1 < r->part_count;
        if (part->type == EXPR_TREE_TEST && part->op == EXPR_OP_GE) {
            if (!has_next || !put_range(r, part, part + 1))
                return false;
            i++;
        } else if (!put_part(r, part)) {
            return false;
        }
    }
    return true;
}

/* ---- the same meaning ------------------------------------------------------------------------ */

static bool canonical(const struct expr *expr, struct buf *out)
{
    enum expr_verdict verdict = expr_bind(expr, NULL, 0, out);
    buf_char(out, (char)('0' + (int)verdict));
    return !buf_failed(out);
}

static bool means_the_same(const struct expr *expr, struct str flat)
{
    struct err err = {0};
    struct expr *other = NULL;
    struct buf text;
    struct buf a;
    struct buf b;
    buf_init(&text, RULE_MAX_CONDITION_BYTES);
    buf_init(&a, 0);
    buf_init(&b, 0);
    bool is_same = rule_flat_to_text(flat, &text, &err) == ERR_OK &&
                   expr_compile(buf_str(&text), &expr_context_rule, &other, &err) == ERR_OK &&
                   canonical(expr, &a) && canonical(other, &b) && str_eq(buf_str(&a), buf_str(&b));
    expr_free(other);
    buf_fini(&text);
    buf_fini(&a);
    buf_fini(&b);
    return is_same;
}

bool rule_text_to_flat(struct str text, struct buf *out)
{
    struct err err = {0};
    struct expr *expr = NULL;
    if (str_trim(text).len == 0) {
        buf_text(out, "[]");
        return true;
    }
    if (expr_compile(text, &expr_context_rule, &expr, &err) != ERR_OK)
        return false;
    struct reader r = {.expr = expr};
    buf_init(&r.bytes, RULE_MAX_FLAT_BYTES);
    jx_writer_init(&r.out, &r.bytes);
    jx_array_begin(&r.out);
    bool is_flat = collect(&r, expr_tree_root(expr), 0) && put_parts(&r);
    jx_array_end(&r.out);
    is_flat = is_flat && jx_writer_finish(&r.out, &err) == ERR_OK &&
              means_the_same(expr, buf_str(&r.bytes));
    if (is_flat)
        buf_str_append(out, buf_str(&r.bytes));
    buf_fini(&r.bytes);
    expr_free(expr);
    return is_flat;
}

bool rule_flat_read(struct str stored, struct str condition, struct buf *out)
{
    struct err err = {0};
    struct buf text;
    buf_init(&text, RULE_MAX_CONDITION_BYTES);
    bool is_its = str_trim(stored).len > 0 && rule_flat_to_text(stored, &text, &err) == ERR_OK &&
                  str_eq(buf_str(&text), condition);
    buf_fini(&text);
    if (!is_its)
        return rule_text_to_flat(condition, out);
    buf_str_append(out, stored);
    return true;
}
