/* Canonical residuals taken apart; their form is at the top of bind.c. */
#include "expr/anchor.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "expr_int.h"

#define WHOLE_DOUBLES 9223372036854775808.0

struct walker {
    const unsigned char *at;
    const unsigned char *end;
};

static size_t take_u32(struct walker *w)
{
    INVARIANT(w->end - w->at >= 4);
    w->at += 4;
    return (size_t)w->at[-4] << 24 | (size_t)w->at[-3] << 16 | (size_t)w->at[-2] << 8 | w->at[-1];
}

static struct str take_bytes(struct walker *w, size_t len)
{
    INVARIANT((size_t)(w->end - w->at) >= len);
    w->at += len;
    return (struct str){.ptr = (const char *)w->at - len, .len = len};
}

static struct walker walker_of(struct str key)
{
    const unsigned char *at = (const unsigned char *)key.ptr;
    return (struct walker){.at = at, .end = at + key.len};
}

/* The next operand's bytes. */
static struct str take_operand(struct walker *w)
{
    const char *from = (const char *)w->at;
    unsigned char tag = *w->at++;
    if (tag == 'i' || tag == 'd') {
        (void)take_bytes(w, 8);
    } else if (tag == 's') {
        (void)take_bytes(w, take_u32(w));
    } else if (tag == 'p') {
        w->at++;
        (void)take_bytes(w, take_u32(w));
    } else if (tag == 'l') {
        for (size_t count = take_u32(w); count > 0; count--)
            (void)take_bytes(w, take_u32(w));
    }
    return (struct str){.ptr = from, .len = (size_t)((const char *)w->at - from)};
}

void expr_each_part(struct str key, expr_part_fn fn, void *ctx)
{
    struct walker w = walker_of(key);
    if (key.len == 0)
        return;
    if (key.ptr[0] != 'A') {
        fn(ctx, key);
        return;
    }
    w.at++;
    for (size_t count = take_u32(&w); count > 0; count--)
        fn(ctx, take_bytes(&w, take_u32(&w)));
}

/* --- walking over everything ----------------------------------------------------------------- */

/* Called for each operand that is no list; gets its bytes and what led up to it. */
typedef void (*operand_fn)(void *ctx, struct str operand);
typedef void (*other_fn)(void *ctx, struct str bytes);

struct visitor {
    operand_fn on_operand;
    other_fn on_other; /* NULL: not asked; tags and counts between operands */
    void *ctx;
};

static void visit_other(const struct visitor *v, const unsigned char *from, const struct walker *w)
{
    if (v->on_other != NULL)
        v->on_other(v->ctx, (struct str){.ptr = (const char *)from, .len = (size_t)(w->at - from)});
}

static void visit_operand(const struct visitor *v, struct walker *w)
{
    if (*w->at != 'l') {
        v->on_operand(v->ctx, take_operand(w));
        return;
    }
    const unsigned char *from = w->at++;
    size_t count = take_u32(w);
    visit_other(v, from, w);
    for (; count > 0; count--) {
        (void)take_u32(w);
        v->on_operand(v->ctx, take_operand(w));
    }
}

static void visit(const struct visitor *v, struct walker *w)
{
    const unsigned char *from = w->at;
    if (*w->at == 'T') {
        (void)take_bytes(w, 3);
        visit_other(v, from, w);
        visit_operand(v, w);
        visit_operand(v, w);
        return;
    }
    w->at++;
    size_t count = take_u32(w);
    visit_other(v, from, w);
    for (; count > 0; count--) {
        (void)take_u32(w);
        visit(v, w);
    }
}

static struct str operand_path(struct str operand)
{
    return operand.ptr[0] == 'p' ? (struct str){operand.ptr + 6, operand.len - 6} : STR("");
}

struct reads {
    struct str prefix;
    bool is_found;
};

static void reads_operand(void *ctx, struct str operand)
{
    struct reads *reads = ctx;
    if (operand.ptr[0] == 'p' && str_starts_with(operand_path(operand), reads->prefix))
        reads->is_found = true;
}

bool expr_part_reads(struct str part, struct str prefix)
{
    struct reads reads = {.prefix = prefix};
    struct visitor v = {.on_operand = reads_operand, .ctx = &reads};
    struct walker w = walker_of(part);
    visit(&v, &w);
    return reads.is_found;
}

/* --- anchors ------------------------------------------------------------------------------------
 */

/* The two sides of a test that is not negated. */
static bool take_test(struct str part, enum test_op *out_op, struct str *out_a, struct str *out_b)
{
    if (part.len < 3 || part.ptr[0] != 'T' || part.ptr[2] != 0)
        return false;
    *out_op = (enum test_op)part.ptr[1];
    struct walker w = walker_of((struct str){part.ptr + 3, part.len - 3});
    *out_a = take_operand(&w);
    *out_b = take_operand(&w);
    return true;
}

static bool is_worker_path(struct str operand)
{
    return operand.ptr[0] == 'p' && operand.ptr[1] == EXPR_SLOT_WORKER;
}

static bool is_constant(struct str operand)
{
    return operand.ptr[0] != 'p' && operand.ptr[0] != 'l';
}

bool expr_part_anchor(struct str part, struct expr_anchor *out)
{
    enum test_op op = TEST_NONE;
    struct str a;
    struct str b;
    if (!take_test(part, &op, &a, &b) || (op != TEST_EQ && op != TEST_HAS))
        return false;
    if (is_worker_path(a) && is_constant(b)) {
        out->path = operand_path(a);
        out->is_element = op == TEST_HAS;
        out->count = 1;
        out->values[0] = b;
        return true;
    }
    if (op != TEST_HAS || a.ptr[0] != 'l' || !is_worker_path(b))
        return false;
    struct walker w = walker_of((struct str){a.ptr + 1, a.len - 1});
    size_t count = take_u32(&w);
    out->path = operand_path(b);
    out->is_element = false;
    out->count = 0;
    for (; count > 0; count--) {
        struct str value = take_bytes(&w, take_u32(&w));
        if (out->count == EXPR_ANCHOR_MAX_VALUES || !is_constant(value))
            return false;
        out->values[out->count++] = value;
    }
    return true;
}

/* The value of a canonical constant; texts are views. */
static struct expr_value constant_value(struct str operand)
{
    struct walker w = walker_of(operand);
    unsigned char tag = *w.at++;
    uint64_t bits = 0;
    double real = 0;
    switch (tag) {
    case 't':
    case 'f':
        return expr_value_bool(tag == 't');
    case 'i':
    case 'd':
        bits = (uint64_t)take_u32(&w) << 32;
        bits |= take_u32(&w);
        if (tag == 'i')
            return expr_value_i64((int64_t)bits);
        memcpy(&real, &bits, sizeof real);
        return expr_value_f64(real);
    case 's': {
        size_t len = take_u32(&w);
        return expr_value_str(take_bytes(&w, len));
    }
    default:
        return expr_value_null();
    }
}

/* Numbers, and texts that are numbers, by their value; other texts by their bytes. */
static void put_value(struct buf *out, struct expr_value value)
{
    struct expr_value number;
    if (value.kind == EXPR_KIND_STR && number_parse(expr_value_text(value), &number))
        value = number;
    if (value.kind == EXPR_KIND_F64 && value.as.f64 >= -WHOLE_DOUBLES &&
        value.as.f64 < WHOLE_DOUBLES && trunc(value.as.f64) == value.as.f64)
        value = expr_value_i64((int64_t)value.as.f64);
    if (value.kind == EXPR_KIND_STR) {
        struct str text = expr_value_text(value);
        uint32_t len = (uint32_t)text.len;
        buf_char(out, 's');
        buf_append(out, &len, sizeof len);
        buf_str_append(out, text);
    } else if (value.kind == EXPR_KIND_BOOL) {
        buf_char(out, value.as.i64 != 0 ? 't' : 'f');
    } else if (value.kind == EXPR_KIND_NONE) {
        buf_char(out, 'n');
    } else {
        buf_char(out, value.kind == EXPR_KIND_I64 ? 'i' : 'd');
        buf_append(out, &value.as, sizeof value.as.i64);
    }
}

void expr_anchor_value(struct str value, struct buf *out)
{
    put_value(out, constant_value(value));
}

static void tell_value(const struct expr_value *value, struct buf *scratch, expr_value_fn fn,
                       void *ctx)
{
    if (value->kind == EXPR_KIND_ARRAY || value->kind == EXPR_KIND_OBJECT)
        return; /* equal to nothing */
    buf_clear(scratch);
    put_value(scratch, *value);
    fn(ctx, buf_str(scratch));
}

void expr_path_values(const struct expr_path *path, const struct expr_env *env, bool is_element,
                      struct buf *scratch, expr_value_fn fn, void *ctx)
{
    struct expr_value computed;
    const struct expr_value *value = path_value(path, env, &computed);
    if (!is_element) {
        tell_value(value, scratch, fn, ctx);
        return;
    }
    if (value->kind != EXPR_KIND_ARRAY)
        return;
    const struct expr_value *element = array_first(value);
    for (uint32_t left = value->len; left > 0; left--) {
        tell_value(element, scratch, fn, ctx);
        element = array_next(element);
    }
}

/* --- ranges --------------------------------------------------------------------------------------
 */

static bool as_number(struct expr_value value, double *out)
{
    struct expr_value number = value;
    if (value.kind == EXPR_KIND_STR && !number_parse(expr_value_text(value), &number))
        return false;
    if (number.kind != EXPR_KIND_I64 && number.kind != EXPR_KIND_F64)
        return false;
    *out = number.kind == EXPR_KIND_I64 ? (double)number.as.i64 : number.as.f64;
    return true;
}

bool expr_part_range(struct str part, struct expr_range *out)
{
    enum test_op op = TEST_NONE;
    struct str a;
    struct str b;
    if (!take_test(part, &op, &a, &b) || op < TEST_LT || op > TEST_GE || !is_worker_path(a) ||
        (b.ptr[0] != 'i' && b.ptr[0] != 'd'))
        return false;
    out->path = operand_path(a);
    out->is_at_most = op == TEST_LT || op == TEST_LE;
    return as_number(constant_value(b), &out->bound);
}

bool expr_path_number(const struct expr_path *path, const struct expr_env *env, double *out_number)
{
    struct expr_value computed;
    return as_number(*path_value(path, env, &computed), out_number);
}

/* --- shapes --------------------------------------------------------------------------------------
 */

static void shape_operand(void *ctx, struct str operand)
{
    struct buf *out = ctx;
    if (operand.ptr[0] == 'p')
        buf_str_append(out, operand);
    else
        buf_char(out, operand.ptr[0]);
}

static void shape_other(void *ctx, struct str bytes)
{
    buf_str_append(ctx, bytes);
}

void expr_shape(struct str key, struct buf *out)
{
    struct visitor v = {.on_operand = shape_operand, .on_other = shape_other, .ctx = out};
    struct walker w = walker_of(key);
    if (key.len > 0)
        visit(&v, &w);
}

struct expr_constants {
    size_t bytes; /* of the block */
    size_t count;
    struct expr_value values[];
};

struct filling {
    struct expr_constants *to; /* NULL: only counts */
    size_t count;
    size_t text_len;
    char *text;
};

static void fill_operand(void *ctx, struct str operand)
{
    struct filling *filling = ctx;
    if (!is_constant(operand))
        return;
    struct expr_value value = constant_value(operand);
    if (filling->to != NULL && value.kind == EXPR_KIND_STR) {
        if (value.len > 0)
            memcpy(filling->text + filling->text_len, value.as.text, value.len);
        value.as.text = filling->text + filling->text_len;
    }
    if (value.kind == EXPR_KIND_STR)
        filling->text_len += value.len;
    if (filling->to != NULL)
        filling->to->values[filling->count] = value;
    filling->count++;
}

struct expr_constants *expr_constants_new(struct str key)
{
    struct filling filling = {0};
    struct visitor v = {.on_operand = fill_operand, .ctx = &filling};
    struct walker w = walker_of(key);
    visit(&v, &w);
    size_t bytes = sizeof(struct expr_constants) + filling.count * sizeof(struct expr_value) +
                   filling.text_len;
    struct expr_constants *constants = xcalloc(1, bytes);
    constants->bytes = bytes;
    constants->count = filling.count;
    filling =
        (struct filling){.to = constants, .text = (char *)(constants->values + filling.count)};
    w = walker_of(key);
    visit(&v, &w);
    return constants;
}

size_t expr_constants_bytes(const struct expr_constants *constants)
{
    return constants->bytes;
}

bool expr_eval_with(const struct expr *shape, const struct expr_constants *constants,
                    const struct expr_env *env)
{
    struct expr with = *shape;
    INVARIANT(shape->is_shape && with.consts.count == constants->count);
    union { /* read only: evaluation changes nothing */
        const struct expr_value *values;
        void *items;
    } view = {.values = constants->values};
    with.consts.items = view.items;
    return expr_eval(&with, env);
}
