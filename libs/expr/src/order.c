/* order_by lists and single names. */
#include "expr/anchor.h"
#include "expr/tree.h"
#include "expr_int.h"

#include <stdlib.h>

#include "base/alloc.h"

struct clause {
    struct expr *name; /* holds just the one path */
    bool is_descending;
};

struct expr_order {
    struct clause clauses[EXPR_ORDER_MAX_CLAUSES];
    size_t count;
};

struct expr_path {
    struct expr *name;
};

static const struct operand the_name = {.type = OPERAND_PATH, .index = 0};

/* Takes a direction off the end of a clause; ascending when there is none. */
static bool take_direction(struct str *clause)
{
    static const char *const words[] = {"asc", "desc"};
    for (size_t i = 0; i < 2; i++) {
        struct str word = str_from(words[i]);
        if (clause->len <= word.len)
            continue;
        struct str tail = {.ptr = clause->ptr + clause->len - word.len, .len = word.len};
        char before = tail.ptr[-1];
        if (!str_eq_nocase(tail, word) ||
            (before != ' ' && before != '\t' && before != '\n' && before != '\r'))
            continue;
        clause->len -= word.len;
        *clause = str_trim(*clause);
        return i == 1;
    }
    return false;
}

static enum err_code add_clause(struct expr_order *order, struct str text, struct str clause,
                                const struct expr_context *context, struct err *err)
{
    struct clause *to = &order->clauses[order->count];
    struct str trimmed = str_trim(clause);
    size_t offset =
        trimmed.len == 0 ? (size_t)(clause.ptr - text.ptr) : (size_t)(trimmed.ptr - text.ptr);
    offset = str_utf8_count((struct str){.ptr = text.ptr, .len = offset});
    to->is_descending = take_direction(&trimmed);
    enum err_code code = expr_name_compile(trimmed, offset, context, &to->name, err);
    if (code == ERR_OK)
        order->count++;
    return code;
}

enum err_code expr_order_compile(struct str text, const struct expr_context *context,
                                 struct expr_order **out_order, struct err *err)
{
    struct str rest = text.ptr == NULL ? STR("") : text;
    if (!str_is_utf8(rest))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "EXPRESSION_INVALID",
                       "The order is not valid UTF-8.");
    struct expr_order *order = xcalloc(1, sizeof *order);
    enum err_code code = ERR_OK;
    text = rest;
    while (code == ERR_OK && rest.ptr != NULL) {
        struct str clause = str_split(&rest, ',');
        if (order->count == EXPR_ORDER_MAX_CLAUSES)
            code = ERR_SET(err, ERR_INVALID_ARGUMENT, "EXPRESSION_TOO_LARGE",
                           "The order has more than %d clauses; make it shorter.",
                           EXPR_ORDER_MAX_CLAUSES);
        else
            code = add_clause(order, text, clause, context, err);
    }
    if (code != ERR_OK) {
        expr_order_free(order);
        return code;
    }
    *out_order = order;
    return ERR_OK;
}

void expr_order_free(struct expr_order *order)
{
    if (order == NULL)
        return;
    for (size_t i = 0; i < order->count; i++)
        expr_free(order->clauses[i].name);
    free(order);
}

bool expr_order_key(const struct expr_order *order, const struct expr_env *env,
                    struct expr_order_key *out_key)
{
    struct expr_order_key key = {0};
    for (size_t i = 0; i < order->count; i++) {
        struct expr_value scratch;
        const struct expr_value *value =
            operand_value(order->clauses[i].name, the_name, env, &scratch);
        if (value->kind == EXPR_KIND_I64)
            key.values[i] = value->as.i64;
        else if (value->kind == EXPR_KIND_NONE)
            key.missing_mask |= 1U << i;
        else
            return false;
    }
    *out_key = key;
    return true;
}

int expr_order_compare(const struct expr_order *order, const struct expr_order_key *a,
                       const struct expr_order_key *b)
{
    for (size_t i = 0; i < order->count; i++) {
        bool is_a_missing = (a->missing_mask >> i & 1) != 0;
        bool is_b_missing = (b->missing_mask >> i & 1) != 0;
        if (is_a_missing != is_b_missing)
            return is_a_missing ? 1 : -1;
        if (a->values[i] != b->values[i])
            return (a->values[i] < b->values[i]) == order->clauses[i].is_descending ? 1 : -1;
    }
    return 0;
}

size_t expr_order_name_count(const struct expr_order *order)
{
    return order->count;
}

struct expr_name expr_order_name_at(const struct expr_order *order, size_t index)
{
    return expr_name_at(order->clauses[index].name, 0);
}

enum err_code expr_path_compile(struct str text, const struct expr_context *context,
                                struct expr_path **out_path, struct err *err)
{
    struct expr *name = NULL;
    enum err_code code = expr_name_compile(text, 0, context, &name, err);
    if (code != ERR_OK)
        return code;
    *out_path = xcalloc(1, sizeof **out_path);
    (*out_path)->name = name;
    return ERR_OK;
}

void expr_path_free(struct expr_path *path)
{
    if (path == NULL)
        return;
    expr_free(path->name);
    free(path);
}

struct expr_value expr_path_get(const struct expr_path *path, const struct expr_env *env)
{
    struct expr_value scratch;
    return *operand_value(path->name, the_name, env, &scratch);
}

struct expr_path *expr_path_new(struct str path)
{
    struct expr_path *made = NULL;
    struct err err;
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "worker.%.*s", STR_ARG(path));
    if (expr_path_compile(buf_str(&text), &expr_context_target, &made, &err) != ERR_OK)
        made = NULL;
    buf_fini(&text);
    return made;
}

const struct expr_value *path_value(const struct expr_path *path, const struct expr_env *env,
                                    struct expr_value *scratch)
{
    return operand_value(path->name, the_name, env, scratch);
}

struct expr_path *expr_path_of(enum expr_slot slot, struct str path)
{
    struct expr_path *made = xcalloc(1, sizeof *made);
    made->name = xcalloc(1, sizeof *made->name);
    made->name->text = xstr_dup(path);
    made->name->text_len = path.len;
    (void)expr_add_path(made->name, slot, (struct str){made->name->text, path.len}, 0);
    return made;
}

enum expr_kind expr_path_each(const struct expr_path *path, const struct expr_env *env,
                              expr_each_fn fn, void *ctx)
{
    struct expr_value scratch;
    const struct expr_value *value = operand_value(path->name, the_name, env, &scratch);
    enum expr_kind kind = (enum expr_kind)value->kind;
    if (kind != EXPR_KIND_ARRAY) {
        if (kind != EXPR_KIND_NONE)
            fn(ctx, value);
        return kind;
    }
    const struct expr_value *element = array_first(value);
    for (uint32_t left = value->len; left > 0; left--) {
        fn(ctx, element);
        element = array_next(element);
    }
    return kind;
}
