#include "expr_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parse.h"

void *vec_add(struct vec *vec, size_t item_size)
{
    if (vec->count == vec->capacity) {
        vec->capacity = vec->capacity == 0 ? 4 : vec->capacity * 2;
        vec->items = xrealloc(vec->items, vec->capacity, item_size);
    }
    void *item = (char *)vec->items + vec->count++ * item_size;
    memset(item, 0, item_size);
    return item;
}

/* Splits "a.b[2]" (known to be well formed) and hashes it. parts NULL: only counts. */
static uint32_t split_name(struct str name, struct path_part *parts, uint32_t *out_hash)
{
    uint32_t count = 0;
    uint32_t hash = PATH_HASH_ROOT;
    size_t at = 0;
    while (at < name.len) {
        struct path_part part = {0};
        size_t from = at;
        if (name.ptr[at] == '[') {
            part.is_index = true;
            for (at++; name.ptr[at] != ']'; at++)
                part.index = part.index * 10 + (uint32_t)(name.ptr[at] - '0');
            at++;
            hash = path_hash_index(hash, part.index);
        } else {
            while (at < name.len && name.ptr[at] != '.' && name.ptr[at] != '[')
                at++;
            part.name = (struct str){.ptr = name.ptr + from, .len = at - from};
            hash = path_hash_step(hash, text_hash(part.name));
        }
        if (at < name.len && name.ptr[at] == '.')
            at++;
        if (parts != NULL)
            parts[count] = part;
        count++;
    }
    *out_hash = hash;
    return count;
}

struct operand expr_add_path(struct expr *expr, unsigned slot, struct str name, size_t column)
{
    uint32_t hash = 0;
    uint32_t part_count = split_name(name, NULL, &hash);
    for (uint32_t i = 0; i < expr->paths.count; i++) {
        const struct path *known = expr_path_at(expr, i);
        if (known->hash == hash && known->slot == slot && str_eq(known->name, name))
            return (struct operand){.type = OPERAND_PATH, .index = i};
    }
    struct path_part *parts = xcalloc(part_count, sizeof *parts);
    (void)split_name(name, parts, &hash);
    struct path *path = vec_add(&expr->paths, sizeof *path);
    *path = (struct path){.parts = parts,
                          .part_count = part_count,
                          .hash = hash,
                          .bit = path_bit(parts[0].name),
                          .name = name,
                          .is_plain = part_count == 1 && name.len <= UINT16_MAX,
                          .place.key_len = (uint16_t)name.len,
                          .column = column,
                          .slot = slot};
    return (struct operand){.type = OPERAND_PATH, .index = (uint32_t)expr->paths.count - 1};
}

struct operand expr_add_const(struct expr *expr, struct expr_value value)
{
    struct expr_value *item = vec_add(&expr->consts, sizeof *item);
    *item = value;
    return (struct operand){.type = OPERAND_CONST, .index = (uint32_t)expr->consts.count - 1};
}

struct operand expr_add_pattern(struct expr *expr, struct pattern *pattern)
{
    struct pattern_ref *item = vec_add(&expr->patterns, sizeof *item);
    item->pattern = pattern;
    return (struct operand){.type = OPERAND_PATTERN, .index = (uint32_t)expr->patterns.count - 1};
}

uint32_t expr_add_node(struct expr *expr, enum node_type type)
{
    struct node *node = vec_add(&expr->nodes, sizeof *node);
    node->type = type;
    node->first_child = node->last_child = node->next = node->prev = NO_NODE;
    return (uint32_t)expr->nodes.count - 1;
}

void expr_add_child(struct expr *expr, uint32_t parent, uint32_t child)
{
    struct node *node = expr_node(expr, parent);
    expr_node(expr, child)->prev = node->last_child;
    if (node->last_child == NO_NODE)
        node->first_child = child;
    else
        expr_node(expr, node->last_child)->next = child;
    node->last_child = child;
}

/* ---- code ------------------------------------------------------------------------------------ */

static bool is_fixed(const struct expr *expr, struct operand operand)
{
    if (operand.type == OPERAND_CONST || operand.type == OPERAND_PATTERN)
        return true;
    if (operand.type != OPERAND_LIST)
        return false;
    struct list_span span = ((const struct list_span *)expr->lists.items)[operand.index];
    for (uint32_t i = 0; i < span.count; i++) {
        if (((const struct operand *)expr->operands.items)[span.first + i].type == OPERAND_PATH)
            return false;
    }
    return true;
}

/* A short way where there is one; a constant on the left is mirrored to the right first. */
static void shorten(const struct expr *expr, struct test *test)
{
    static const enum test_op mirrored[TEST_COUNT] = {
        [TEST_EQ] = TEST_EQ, [TEST_LT] = TEST_GT, [TEST_LE] = TEST_GE,
        [TEST_GT] = TEST_LT, [TEST_GE] = TEST_LE,
    };
    if (test->a.type == OPERAND_CONST && mirrored[test->op] != TEST_NONE) {
        struct operand constant = test->a;
        test->a = test->b;
        test->b = constant;
        test->op = mirrored[test->op];
    }
    if (test->a.type != OPERAND_PATH || test->b.type != OPERAND_CONST || expr->is_shape)
        return;
    const struct expr_value *constant = expr_const_at(expr, test->b.index);
    struct expr_value number;
    test->path = expr_path_at(expr, test->a.index);
    test->constant = constant;
    if (constant->kind == EXPR_KIND_I64 && mirrored[test->op] != TEST_NONE)
        test->way = WAY_INTEGER;
    if (constant->kind != EXPR_KIND_STR || number_parse(expr_value_text(*constant), &number))
        return;
    if (test->op == TEST_EQ)
        test->way = WAY_TEXT_EQ;
    else if (test->op == TEST_HAS)
        test->way = WAY_TEXT_HAS;
}

/* Code is filled from the end of the array downward, so that every target exists when it is
 * jumped to. Returns where the node's code starts. */
static uint32_t emit(struct expr *expr, uint32_t index, uint32_t if_true, uint32_t if_false,
                     uint32_t *top)
{
    static const struct expr_env nothing = {0};
    const struct node *node = expr_node(expr, index);
    if (if_true == if_false)
        return if_true;
    switch (node->type) {
    case NODE_NONE:
        break;
    case NODE_NOT:
        return emit(expr, node->first_child, if_false, if_true, top);
    case NODE_AND:
        for (uint32_t child = node->last_child; child != NO_NODE;
             child = expr_node(expr, child)->prev)
            if_true = emit(expr, child, if_true, if_false, top);
        return if_true;
    case NODE_OR:
        for (uint32_t child = node->last_child; child != NO_NODE;
             child = expr_node(expr, child)->prev)
            if_false = emit(expr, child, if_true, if_false, top);
        return if_false;
    case NODE_TEST:
        if (is_fixed(expr, node->a) && is_fixed(expr, node->b))
            return node_test(expr, node, &nothing) ? if_true : if_false;
        bool is_swapped = node->op == TEST_IN || node->op == TEST_NOT_IN;
        bool is_negated = node->is_negated != (node->op == TEST_NOT_IN);
        expr->code[--*top] = (struct test){.op = is_swapped ? TEST_HAS : node->op,
                                           .a = is_swapped ? node->b : node->a,
                                           .b = is_swapped ? node->a : node->b,
                                           .if_true = is_negated ? if_false : if_true,
                                           .if_false = is_negated ? if_true : if_false};
        shorten(expr, &expr->code[*top]);
        return *top;
    }
    return if_false;
}

void expr_finish(struct expr *expr)
{
    uint32_t top = (uint32_t)expr->nodes.count;
    expr->code = xcalloc(expr->nodes.count, sizeof *expr->code);
    expr->entry = emit(expr, expr->root, PC_TRUE, PC_FALSE, &top);
}

/* ---- values ---------------------------------------------------------------------------------- */

static const struct expr_value null_value = {.kind = EXPR_KIND_NONE};
static const struct expr_value list_value = {.kind = EXPR_KIND_ARRAY};

static const struct expr_value *computed_value(const struct path *path, const struct expr_env *env,
                                               struct expr_value *scratch)
{
    if (env->resolve == NULL)
        return &null_value;
    *scratch = expr_value_null();
    if (!env->resolve(env->resolve_ctx, (enum expr_slot)path->slot, path->name, scratch))
        return &null_value;
    /* Arrays are read in place, in records only. */
    bool is_scalar = scratch->kind != EXPR_KIND_ARRAY && scratch->kind != EXPR_KIND_OBJECT;
    return is_scalar ? scratch : &null_value;
}

static inline const struct expr_value *value_of(const struct expr *expr, struct operand operand,
                                                const struct expr_env *env,
                                                struct expr_value *scratch)
{
    if (operand.type == OPERAND_CONST)
        return expr_const_at(expr, operand.index);
    if (operand.type != OPERAND_PATH)
        return operand.type == OPERAND_PATTERN ? pattern_value(expr_pattern_at(expr, operand.index))
                                               : &list_value;
    const struct path *path = expr_path_at(expr, operand.index);
    const struct expr_record *record = env->records[path->slot];
    if (record == NULL)
        return computed_value(path, env, scratch);
    const struct expr_value *value = record_find(record, path);
    return value != NULL ? value : &null_value;
}

const struct expr_value *operand_value(const struct expr *expr, struct operand operand,
                                       const struct expr_env *env, struct expr_value *scratch)
{
    return value_of(expr, operand, env, scratch);
}

static inline bool is_container(const struct expr_value *value)
{
    return value->kind == EXPR_KIND_ARRAY || value->kind == EXPR_KIND_OBJECT;
}

static inline bool is_number(const struct expr_value *value)
{
    return value->kind == EXPR_KIND_I64 || value->kind == EXPR_KIND_F64;
}

enum sequence { SEQUENCE_NONE, SEQUENCE_LESS, SEQUENCE_SAME, SEQUENCE_MORE };

static enum sequence sequence_of(int compared)
{
    return compared < 0 ? SEQUENCE_LESS : compared > 0 ? SEQUENCE_MORE : SEQUENCE_SAME;
}

/* Exact: an integer beyond 2^53 does not equal the double next to it. */
int number_cmp(const struct expr_value *a, const struct expr_value *b)
{
    if (a->kind == EXPR_KIND_I64 && b->kind == EXPR_KIND_I64)
        return (a->as.i64 > b->as.i64) - (a->as.i64 < b->as.i64);
    if (a->kind == EXPR_KIND_F64 && b->kind == EXPR_KIND_F64)
        return (a->as.f64 > b->as.f64) - (a->as.f64 < b->as.f64);
    if (a->kind == EXPR_KIND_F64)
        return -number_cmp(b, a);
    double real = b->as.f64;
    if (real >= 9223372036854775808.0)
        return -1;
    if (real < -9223372036854775808.0)
        return 1;
    int64_t whole = (int64_t)real; /* towards zero */
    if (a->as.i64 != whole)
        return a->as.i64 < whole ? -1 : 1;
    double rest = real - (double)whole;
    return (rest < 0) - (rest > 0);
}

/* Where a stands to b; SEQUENCE_NONE when they cannot be compared. */
static enum sequence sequence(const struct expr_value *a, const struct expr_value *b)
{
    struct expr_value parsed;
    if (is_number(a) && is_number(b))
        return sequence_of(number_cmp(a, b));
    if (a->kind == EXPR_KIND_STR && b->kind == EXPR_KIND_STR)
        return sequence_of(str_cmp(expr_value_text(*a), expr_value_text(*b)));
    if (is_number(a) && b->kind == EXPR_KIND_STR && number_parse(expr_value_text(*b), &parsed))
        return sequence_of(number_cmp(a, &parsed));
    if (is_number(b) && a->kind == EXPR_KIND_STR && number_parse(expr_value_text(*a), &parsed))
        return sequence_of(number_cmp(&parsed, b));
    return SEQUENCE_NONE;
}

static inline bool is_same_text(const struct expr_value *a, const struct expr_value *b)
{
    return a->hash == b->hash && a->len == b->len && is_same_bytes(a->as.text, b->as.text, a->len);
}

/* Equality of scalars; containers equal nothing. */
static inline bool is_equal(const struct expr_value *a, const struct expr_value *b)
{
    if (a->kind == b->kind) {
        switch (a->kind) {
        case EXPR_KIND_STR:
            return is_same_text(a, b);
        case EXPR_KIND_NONE:
            return true;
        case EXPR_KIND_BOOL:
        case EXPR_KIND_I64:
            return a->as.i64 == b->as.i64;
        case EXPR_KIND_F64:
            return number_cmp(a, b) == 0;
        default:
            return false;
        }
    }
    if ((is_number(a) || is_number(b)) && !is_container(a) && !is_container(b))
        return sequence(a, b) == SEQUENCE_SAME;
    return false;
}

static bool is_different(const struct expr_value *a, const struct expr_value *b)
{
    if (is_container(a) || is_container(b))
        return a->kind == EXPR_KIND_NONE || b->kind == EXPR_KIND_NONE;
    return !is_equal(a, b);
}

#define NUMBER_TEXT_SIZE 40 /* "-1.2345678901234567e-308" and a NUL, rounded up */

static bool scalar_text(const struct expr_value *value, char room[NUMBER_TEXT_SIZE],
                        struct str *out)
{
    if (value->kind == EXPR_KIND_STR) {
        *out = expr_value_text(*value);
        return true;
    }
    if (!is_number(value))
        return false;
    int len = value->kind == EXPR_KIND_I64
                  ? snprintf(room, NUMBER_TEXT_SIZE, "%lld", (long long)value->as.i64)
                  : snprintf(room, NUMBER_TEXT_SIZE, "%.15g", value->as.f64);
    *out = (struct str){.ptr = room, .len = (size_t)len};
    return true;
}

static bool contains(const struct expr_value *a, const struct expr_value *b)
{
    char room_a[NUMBER_TEXT_SIZE];
    char room_b[NUMBER_TEXT_SIZE];
    struct str hay = {0};
    struct str needle = {0};
    return scalar_text(a, room_a, &hay) && scalar_text(b, room_b, &needle) &&
           str_find(hay, needle) >= 0;
}

static bool begins_or_ends(enum test_op op, const struct expr_value *a, const struct expr_value *b)
{
    char room_a[NUMBER_TEXT_SIZE];
    char room_b[NUMBER_TEXT_SIZE];
    struct str whole = {0};
    struct str part = {0};
    if (!scalar_text(a, room_a, &whole) || !scalar_text(b, room_b, &part))
        return false;
    return op == TEST_STARTS_WITH ? str_starts_with(whole, part) : str_ends_with(whole, part);
}

static bool matches(const struct pattern *pattern, const struct expr_value *value,
                    const struct expr_env *env)
{
    char room[NUMBER_TEXT_SIZE];
    struct str text = {0};
    return scalar_text(value, room, &text) && pattern_test(pattern, text, env->budget);
}

static bool has(const struct expr *expr, struct operand operand, const struct expr_value *array,
                const struct expr_value *value, const struct expr_env *env)
{
    if (array->kind != EXPR_KIND_ARRAY || is_container(value))
        return false;
    if (operand.type == OPERAND_LIST) {
        struct expr_value scratch;
        struct list_span span = ((const struct list_span *)expr->lists.items)[operand.index];
        const struct operand *items = expr->operands.items; /* NULL when all lists are empty */
        for (uint32_t i = 0; i < span.count; i++) {
            if (is_equal(value_of(expr, items[span.first + i], env, &scratch), value))
                return true;
        }
        return false;
    }
    const struct expr_value *element = array_first(array);
    if (value->kind == EXPR_KIND_STR) {
        for (uint32_t left = array->len; left > 0; left--) {
            if (element->hash == value->hash && is_equal(element, value))
                return true;
            /* A number may equal a text without having its hash. */
            if (is_number(element) && is_equal(element, value))
                return true;
            element = array_next(element);
        }
        return false;
    }
    for (uint32_t left = array->len; left > 0; left--) {
        if (is_equal(element, value))
            return true;
        element = array_next(element);
    }
    return false;
}

static inline bool run(const struct expr *expr, enum test_op op, struct operand a, struct operand b,
                       const struct expr_env *env)
{
    struct expr_value scratch_a;
    struct expr_value scratch_b;
    const struct expr_value *left = value_of(expr, a, env, &scratch_a);
    const struct expr_value *right = value_of(expr, b, env, &scratch_b);
    enum sequence order = SEQUENCE_NONE;
    switch (op) {
    case TEST_EQ:
        return is_equal(left, right);
    case TEST_NE:
        return is_different(left, right);
    case TEST_HAS:
        return has(expr, a, left, right, env);
    case TEST_CONTAINS:
        return contains(left, right);
    case TEST_CONTAINS_ANY:
        return left->kind == EXPR_KIND_ARRAY ? has(expr, a, left, right, env)
                                             : contains(left, right);
    case TEST_STARTS_WITH:
    case TEST_ENDS_WITH:
        return begins_or_ends(op, left, right);
    case TEST_MATCHES:
        return matches(expr_pattern_at(expr, b.index), left, env);
    case TEST_LT:
        return sequence(left, right) == SEQUENCE_LESS;
    case TEST_LE:
        order = sequence(left, right);
        return order == SEQUENCE_LESS || order == SEQUENCE_SAME;
    case TEST_GT:
        return sequence(left, right) == SEQUENCE_MORE;
    case TEST_GE:
        order = sequence(left, right);
        return order == SEQUENCE_MORE || order == SEQUENCE_SAME;
    case TEST_IN:
        return has(expr, b, right, left, env);
    case TEST_NOT_IN:
        return !has(expr, b, right, left, env);
    case TEST_NONE:
    case TEST_COUNT:
        break;
    }
    return false;
}

bool test_run(const struct expr *expr, enum test_op op, struct operand a, struct operand b,
              const struct expr_env *env)
{
    return run(expr, op, a, b, env);
}

bool node_test(const struct expr *expr, const struct node *node, const struct expr_env *env)
{
    return run(expr, node->op, node->a, node->b, env) != node->is_negated;
}

static __attribute__((noinline)) bool run_general(const struct expr *expr, const struct test *test,
                                                  const struct expr_env *env)
{
    return run(expr, test->op, test->a, test->b, env);
}

static inline bool has_text(const struct expr_value *array, const struct expr_value *text)
{
    if (array->kind != EXPR_KIND_ARRAY)
        return false;
    const struct expr_value *element = array_first(array);
    for (uint32_t left = array->len; left > 0; left--) {
        if (element->kind == EXPR_KIND_STR && is_same_text(element, text))
            return true;
        element = array_next(element);
    }
    return false;
}

static inline bool compare_integers(enum test_op op, int64_t a, int64_t b)
{
    switch (op) {
    case TEST_EQ:
        return a == b;
    case TEST_LT:
        return a < b;
    case TEST_LE:
        return a <= b;
    case TEST_GT:
        return a > b;
    default: /* the only one left: see shorten() */
        return a >= b;
    }
}

/* Only what has no computed value and no coercion is decided here. */
static inline bool run_test(const struct expr *expr, const struct test *test,
                            const struct expr_env *env)
{
    if (test->way == WAY_GENERAL)
        return run_general(expr, test, env);
    const struct expr_record *record = env->records[test->path->slot];
    if (record == NULL)
        return run_general(expr, test, env);
    const struct expr_value *value = record_find(record, test->path);
    if (value == NULL)
        return false; /* null equals no constant of these ways, has no order and no elements */
    if (test->way == WAY_TEXT_EQ)
        return value->kind == EXPR_KIND_STR && is_same_text(value, test->constant);
    if (test->way == WAY_TEXT_HAS)
        return has_text(value, test->constant);
    if (value->kind == EXPR_KIND_I64)
        return compare_integers(test->op, value->as.i64, test->constant->as.i64);
    return run_general(expr, test, env);
}

bool expr_eval(const struct expr *expr, const struct expr_env *env)
{
    uint32_t at = expr->entry;
    while (at < PC_TRUE) {
        const struct test *test = &expr->code[at];
        at = run_test(expr, test, env) ? test->if_true : test->if_false;
    }
    return at == PC_TRUE;
}

/* ---- the rest of the object ------------------------------------------------------------------ */

void expr_free(struct expr *expr)
{
    if (expr == NULL)
        return;
    for (uint32_t i = 0; i < expr->paths.count; i++)
        free(expr_path_at(expr, i)->parts);
    for (uint32_t i = 0; i < expr->patterns.count; i++)
        pattern_free(((const struct pattern_ref *)expr->patterns.items)[i].pattern);
    free(expr->patterns.items);
    free(expr->text);
    free(expr->decoded);
    free(expr->consts.items);
    free(expr->paths.items);
    free(expr->operands.items);
    free(expr->lists.items);
    free(expr->nodes.items);
    free(expr->code);
    free(expr);
}

struct str expr_text(const struct expr *expr)
{
    return expr->is_residual ? (struct str){.ptr = "", .len = 0}
                             : (struct str){.ptr = expr->text, .len = expr->text_len};
}

enum expr_verdict expr_constant(const struct expr *expr)
{
    return expr->entry == PC_TRUE ? EXPR_TRUE : expr->entry == PC_FALSE ? EXPR_FALSE : EXPR_OPEN;
}

size_t expr_name_count(const struct expr *expr)
{
    return expr->paths.count;
}

struct expr_name expr_name_at(const struct expr *expr, size_t index)
{
    const struct path *path = expr_path_at(expr, (uint32_t)index);
    return (struct expr_name){
        .slot = (enum expr_slot)path->slot, .path = path->name, .column = path->column};
}

bool expr_uses(const struct expr *expr, enum expr_slot slot)
{
    for (uint32_t i = 0; i < expr->paths.count; i++) {
        if (expr_path_at(expr, i)->slot == (unsigned)slot)
            return true;
    }
    return false;
}

size_t expr_column(const struct expr *expr, size_t byte)
{
    return str_utf8_count((struct str){.ptr = expr->text, .len = byte}) + 1;
}
