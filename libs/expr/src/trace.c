/* Evaluation that keeps every sub-result, for people. */
#include "expr_int.h"

enum { SHOWN_BYTES = 200, SHOWN_DEPTH = 8 };

struct tracer {
    const struct expr *expr;
    const struct expr_env *env;
    struct arena *arena;
    struct expr_trace *out;
    struct buf text; /* the value being written */
};

static const char *const op_names[TEST_COUNT] = {
    [TEST_NONE] = "",
    [TEST_EQ] = "==",
    [TEST_NE] = "!=",
    [TEST_LT] = "<",
    [TEST_LE] = "<=",
    [TEST_GT] = ">",
    [TEST_GE] = ">=",
    [TEST_CONTAINS] = "CONTAINS",
    [TEST_CONTAINS_ANY] = "CONTAINS",
    [TEST_HAS] = "HAS",
    [TEST_STARTS_WITH] = "STARTS_WITH",
    [TEST_ENDS_WITH] = "ENDS_WITH",
    [TEST_MATCHES] = "MATCHES",
    [TEST_IN] = "IN",
    [TEST_NOT_IN] = "NOT IN",
};

static void put_string(struct buf *out, struct str text)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.len && out->len <= SHOWN_BYTES; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            buf_char(out, '\\');
        if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else
            buf_char(out, (char)c);
    }
    buf_char(out, '"');
}

/* Containers inside containers beyond SHOWN_DEPTH are only hinted at. */
static void put_value(struct buf *out, const struct expr_value *value, size_t depth)
{
    switch ((enum expr_kind)value->kind) {
    case EXPR_KIND_NONE:
    case EXPR_KIND_COUNT:
        buf_text(out, "null");
        break;
    case EXPR_KIND_BOOL:
        buf_text(out, value->as.i64 != 0 ? "true" : "false");
        break;
    case EXPR_KIND_I64:
        buf_i64(out, value->as.i64);
        break;
    case EXPR_KIND_F64:
        buf_printf(out, "%.15g", value->as.f64);
        break;
    case EXPR_KIND_STR:
        put_string(out, expr_value_text(*value));
        break;
    case EXPR_KIND_OBJECT:
        buf_text(out, value->len == 0 ? "{}" : "{…}");
        break;
    case EXPR_KIND_ARRAY:
        buf_char(out, '[');
        const struct expr_value *element = array_first(value);
        for (uint32_t i = 0; i < value->len && out->len <= SHOWN_BYTES; i++) {
            if (i > 0)
                buf_text(out, ", ");
            if (depth < SHOWN_DEPTH)
                put_value(out, element, depth + 1);
            else
                buf_text(out, "…");
            element = array_next(element);
        }
        buf_char(out, ']');
        break;
    }
}

static void put_operand(struct tracer *t, struct operand operand, size_t depth)
{
    struct expr_value scratch;
    if (operand.type != OPERAND_LIST) {
        put_value(&t->text, operand_value(t->expr, operand, t->env, &scratch), depth);
        return;
    }
    struct list_span span = ((const struct list_span *)t->expr->lists.items)[operand.index];
    buf_char(&t->text, '[');
    for (uint32_t i = 0; i < span.count && t->text.len <= SHOWN_BYTES; i++) {
        if (i > 0)
            buf_text(&t->text, ", ");
        if (depth < SHOWN_DEPTH)
            put_operand(t, ((const struct operand *)t->expr->operands.items)[span.first + i],
                        depth + 1);
        else
            buf_text(&t->text, "…");
    }
    buf_char(&t->text, ']');
}

/* The value as JSON in the arena, cut at a character's end. */
static struct str shown(struct tracer *t, struct operand operand)
{
    buf_clear(&t->text);
    put_operand(t, operand, 0);
    if (t->text.len <= SHOWN_BYTES)
        return arena_str(t->arena, buf_str(&t->text));
    size_t len = SHOWN_BYTES;
    while (len > 0 && ((unsigned char)t->text.data[len] & 0xC0) == 0x80)
        len--;
    t->text.len = len;
    buf_text(&t->text, "…");
    return arena_str(t->arena, buf_str(&t->text));
}

static void trace_test(struct tracer *t, const struct node *node, struct expr_trace_row *row)
{
    struct expr_budget budget = {.steps_left = EXPR_PATTERN_STEPS};
    struct expr_env env = *t->env;
    env.budget = &budget; /* each its own: a trace has no short-cuts */
    row->op = node->is_truth ? "IS TRUE" : op_names[node->op];
    row->left = shown(t, node->a);
    row->right = shown(t, node->b);
    row->is_true = node_test(t->expr, node, &env);
    row->has_given_up = budget.has_given_up;
}

static bool trace_node(struct tracer *t, uint32_t index, size_t depth)
{
    const struct node *node = expr_node(t->expr, index);
    struct expr_trace_row *row = &t->out->rows[t->out->row_count++];
    row->depth = depth;
    row->column_first = expr_column(t->expr, node->from);
    row->column_last = expr_column(t->expr, node->to) - 1;
    row->text = arena_str(
        t->arena, (struct str){.ptr = t->expr->text + node->from, .len = node->to - node->from});
    if (node->type == NODE_TEST) {
        trace_test(t, node, row);
        return row->is_true;
    }
    bool is_any = false;
    bool is_all = true;
    for (uint32_t child = node->first_child; child != NO_NODE;
         child = expr_node(t->expr, child)->next) {
        bool is_true = trace_node(t, child, depth + 1);
        is_any = is_any || is_true;
        is_all = is_all && is_true;
    }
    row->op = node->type == NODE_AND ? "AND" : node->type == NODE_OR ? "OR" : "NOT";
    row->is_true = node->type == NODE_AND ? is_all : node->type == NODE_OR ? is_any : !is_any;
    return row->is_true;
}

enum err_code expr_trace(const struct expr *expr, const struct expr_env *env, struct arena *arena,
                         struct expr_trace *out_trace, struct err *err)
{
    if (expr->is_residual)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "EXPRESSION_WITHOUT_SOURCE",
                       "Only an expression with its source can be traced, not a residual.");
    struct expr_trace trace = {0};
    trace.rows = ARENA_ARRAY(arena, struct expr_trace_row, expr->nodes.count);
    if (trace.rows != NULL) {
        struct tracer tracer = {.expr = expr, .env = env, .arena = arena, .out = &trace};
        buf_init(&tracer.text, 0);
        trace.is_true = trace_node(&tracer, expr->root, 0);
        buf_fini(&tracer.text);
    }
    if (arena_is_exhausted(arena))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TRACE_TOO_LARGE",
                       "The trace does not fit the request's memory; shorten the expression.");
    *out_trace = trace;
    return ERR_OK;
}
