/*
 * Partial evaluation. The residual is written straight into its canonical bytes: negations pushed
 * down to the tests, constants folded away, junctions flattened, their parts sorted and made
 * unique.
 *
 *   key     := junction | test
 *   junction:= ('A' | 'O') count:u32 { size:u32 key }        AND, OR; at least two parts
 *   test    := 'T' op:u8 is_negated:u8 operand operand
 *   operand := 'n' | 't' | 'f' | 'i' i64 | 'd' f64 | 's' text | 'p' slot:u8 text
 *            | 'l' count:u32 { size:u32 operand }
 *   text    := size:u32 bytes
 *
 * Numbers are big-endian, so that the bytes are the same on every machine.
 */
#include "expr/anchor.h"
#include "expr_int.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Most junctions are small: they are sorted on the stack. */
enum { FEW_PARTS = 8, FEW_BYTES = 512 };

enum { MAX_KEY_DEPTH = 600 }; /* nesting of a source is bounded by 128 levels of two junctions */

struct binder {
    const struct expr *expr;
    const struct expr_env *env;
    unsigned known_mask;
    struct buf *out;
    struct vec parts; /* struct part; a stack shared by the junctions being written */
};

struct part {
    size_t from; /* in the output */
    size_t len;
};

/* An operand as far as it is known. */
struct side {
    struct operand operand;
    const struct expr_value *value; /* NULL: not known yet */
    struct expr_value scratch;
};

/* ---- writing --------------------------------------------------------------------------------- */

static void put_u32(struct buf *out, size_t value)
{
    const unsigned char bytes[] = {value >> 24 & 0xFF, value >> 16 & 0xFF, value >> 8 & 0xFF,
                                   value & 0xFF};
    buf_append(out, bytes, sizeof bytes);
}

static void put_u64(struct buf *out, uint64_t value)
{
    put_u32(out, (size_t)(value >> 32));
    put_u32(out, (size_t)(value & 0xFFFFFFFFU));
}

static void put_text(struct buf *out, struct str text)
{
    put_u32(out, text.len);
    buf_str_append(out, text);
}

static void put_scalar(struct buf *out, const struct expr_value *value)
{
    uint64_t bits = 0;
    switch ((enum expr_kind)value->kind) {
    case EXPR_KIND_BOOL:
        buf_char(out, value->as.i64 != 0 ? 't' : 'f');
        return;
    case EXPR_KIND_I64:
        buf_char(out, 'i');
        put_u64(out, (uint64_t)value->as.i64);
        return;
    case EXPR_KIND_F64:
        buf_char(out, 'd');
        memcpy(&bits, &value->as.f64, sizeof bits);
        put_u64(out, bits);
        return;
    case EXPR_KIND_STR:
        buf_char(out, 's');
        put_text(out, expr_value_text(*value));
        return;
    case EXPR_KIND_NONE:
    case EXPR_KIND_ARRAY:
    case EXPR_KIND_OBJECT:
    case EXPR_KIND_COUNT:
        break;
    }
    buf_char(out, 'n');
}

static void patch_u32(struct buf *out, size_t at, size_t value)
{
    if (buf_failed(out))
        return;
    for (size_t i = 0; i < 4; i++)
        out->data[at + i] = (char)(value >> (24 - 8 * i) & 0xFF);
}

static void truncate_to(struct buf *out, size_t len)
{
    if (buf_failed(out))
        return;
    out->len = len;
    if (out->data != NULL)
        out->data[len] = '\0';
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void sort_parts(struct str *parts, size_t count)
{
    if (count > FEW_PARTS) {
        qsort(parts, count, sizeof *parts, by_bytes);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct str part = parts[i];
        size_t at = i;
        for (; at > 0 && str_cmp(part, parts[at - 1]) < 0; at--)
            parts[at] = parts[at - 1];
        parts[at] = part;
    }
}

/* Replaces what was written since start by a header (room for tag and count included by the
 * caller) and the parts pushed since base, sorted, each once. Returns how many are left. */
static size_t settle_parts(struct binder *b, size_t start, size_t base, char tag)
{
    size_t count = b->parts.count - base;
    b->parts.count = base;
    if (buf_failed(b->out) || count == 0)
        return count;
    const struct part *only = (const struct part *)b->parts.items + base;
    if (count == 1 && only->from == start) { /* nothing to sort */
        truncate_to(b->out, start + only->len);
        return 1;
    }
    size_t len = b->out->len - start;
    char few_bytes[FEW_BYTES];
    struct str few_parts[FEW_PARTS];
    char *copy = len <= sizeof few_bytes ? few_bytes : xcalloc(len, 1);
    struct str *sorted = count <= FEW_PARTS ? few_parts : xcalloc(count, sizeof *sorted);
    memcpy(copy, b->out->data + start, len);
    for (size_t i = 0; i < count; i++) {
        struct part part = ((const struct part *)b->parts.items)[base + i];
        sorted[i] = (struct str){.ptr = copy + (part.from - start), .len = part.len};
    }
    sort_parts(sorted, count);
    truncate_to(b->out, start);
    buf_char(b->out, tag);
    put_u32(b->out, 0);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && str_eq(sorted[i], sorted[i - 1]))
            continue;
        put_text(b->out, sorted[i]);
        kept++;
    }
    if (kept == 1) {
        truncate_to(b->out, start);
        buf_str_append(b->out, sorted[0]);
    } else {
        patch_u32(b->out, start + 1, kept);
    }
    if (copy != few_bytes)
        free(copy);
    if (sorted != few_parts)
        free(sorted);
    return kept;
}

static void push_part(struct binder *b, size_t from, size_t len)
{
    struct part *part = vec_add(&b->parts, sizeof *part);
    *part = (struct part){.from = from, .len = len};
}

/* ---- operands -------------------------------------------------------------------------------- */

static bool is_known(const struct binder *b, struct operand operand)
{
    return operand.type != OPERAND_PATH ||
           (b->known_mask & EXPR_BIT(expr_path_at(b->expr, operand.index)->slot)) != 0;
}

/* A literal array counts as known: that it is an array is all that scalar operators ask. */
static void look_at(struct binder *b, struct operand operand, struct side *out)
{
    *out = (struct side){.operand = operand};
    if (is_known(b, operand))
        out->value = operand_value(b->expr, operand, b->env, &out->scratch);
}

static struct side side_null(void)
{
    static const struct expr_value null_value = {.kind = EXPR_KIND_NONE};
    return (struct side){.operand = {.type = OPERAND_CONST}, .value = &null_value};
}

static bool is_container(const struct side *side)
{
    return side->value != NULL &&
           (side->value->kind == EXPR_KIND_ARRAY || side->value->kind == EXPR_KIND_OBJECT);
}

/* Null, true and false have no order and hold no text. */
static bool is_orderless(const struct side *side)
{
    return side->value != NULL &&
           (side->value->kind == EXPR_KIND_NONE || side->value->kind == EXPR_KIND_BOOL);
}

static void put_operand(struct binder *b, const struct side *side)
{
    if (side->value != NULL) {
        put_scalar(b->out, side->value);
        return;
    }
    const struct path *path = expr_path_at(b->expr, side->operand.index);
    buf_char(b->out, 'p');
    buf_char(b->out, (char)path->slot);
    put_text(b->out, path->name);
}

/* One element of an array; elements that are containers equal nothing and are left out. */
static void put_element(struct binder *b, const struct side *side)
{
    if (is_container(side))
        return;
    size_t from = b->out->len;
    put_operand(b, side);
    push_part(b, from, b->out->len - from);
}

/* The elements as a list, or the element itself when there is just one. Returns their number. */
static size_t put_elements(struct binder *b, const struct side *array)
{
    size_t start = b->out->len;
    size_t base = b->parts.count;
    if (array->operand.type == OPERAND_LIST) {
        struct list_span span =
            ((const struct list_span *)b->expr->lists.items)[array->operand.index];
        for (uint32_t i = 0; i < span.count; i++) {
            struct side element;
            look_at(b, ((const struct operand *)b->expr->operands.items)[span.first + i], &element);
            put_element(b, &element);
        }
    } else {
        const struct expr_value *value = array_first(array->value);
        for (uint32_t left = array->value->len; left > 0; left--) {
            struct side element = {.value = value};
            put_element(b, &element);
            value = array_next(value);
        }
    }
    return settle_parts(b, start, base, 'l');
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void put_test_head(struct binder *b, enum test_op op, bool is_negated)
{
    const char head[] = {'T', (char)op, is_negated ? 1 : 0};
    buf_append(b->out, head, sizeof head);
}

static enum test_op mirrored(enum test_op op)
{
    switch (op) {
    case TEST_LT:
        return TEST_GT;
    case TEST_LE:
        return TEST_GE;
    case TEST_GT:
        return TEST_LT;
    case TEST_GE:
        return TEST_LE;
    case TEST_EQ:
    case TEST_NE:
        return op;
    case TEST_NONE:
    case TEST_CONTAINS:
    case TEST_CONTAINS_ANY:
    case TEST_HAS:
    case TEST_STARTS_WITH:
    case TEST_ENDS_WITH:
    case TEST_MATCHES:
    case TEST_IN:
    case TEST_NOT_IN:
    case TEST_COUNT:
        break;
    }
    return TEST_NONE;
}

/* True when the sides should change places: names before values, then by their own order. */
static bool is_backward(const struct binder *b, const struct side *left, const struct side *right)
{
    if (left->value != NULL || right->value != NULL)
        return left->value != NULL;
    const struct path *a = expr_path_at(b->expr, left->operand.index);
    const struct path *c = expr_path_at(b->expr, right->operand.index);
    return a->slot != c->slot ? a->slot > c->slot : str_cmp(a->name, c->name) > 0;
}

static void put_plain_test(struct binder *b, enum test_op op, bool is_negated,
                           const struct side *left, const struct side *right)
{
    enum test_op turned = mirrored(op);
    if (turned != TEST_NONE && is_backward(b, left, right)) {
        const struct side *swap = left;
        left = right;
        right = swap;
        op = turned;
    }
    put_test_head(b, op, is_negated);
    put_operand(b, left);
    put_operand(b, right);
}

/* array HAS value, at least one of them open. False: it can never be true. */
static bool put_has(struct binder *b, bool is_negated, const struct side *array,
                    const struct side *value)
{
    if (is_container(value))
        return false;
    if (array->value == NULL) {
        put_plain_test(b, TEST_HAS, is_negated, array, value);
        return true;
    }
    if (array->value->kind != EXPR_KIND_ARRAY)
        return false;
    size_t start = b->out->len;
    put_test_head(b, TEST_HAS, is_negated);
    size_t count = put_elements(b, array);
    if (count == 0) {
        truncate_to(b->out, start);
        return false;
    }
    if (count > 1) {
        put_operand(b, value);
        return true;
    }
    /* Membership in one element is equality: rewrite as the test that says so, with sides in
     * canonical order. The element may itself be a name, so it is found again by its index. */
    struct side element = {.value = array->value};
    if (array->operand.type != OPERAND_LIST) {
        element.value = array_first(array->value);
        for (uint32_t left = array->value->len; left > 1 && is_container(&element); left--)
            element.value = array_next(element.value);
    } else {
        struct list_span span =
            ((const struct list_span *)b->expr->lists.items)[array->operand.index];
        for (uint32_t i = 0; i < span.count && is_container(&element); i++)
            look_at(b, ((const struct operand *)b->expr->operands.items)[span.first + i], &element);
    }
    truncate_to(b->out, start);
    put_plain_test(b, TEST_EQ, is_negated, value, &element);
    return true;
}

/* At least one side open. False: it can never be true; nothing was written then. */
static bool put_open_test(struct binder *b, enum test_op op, bool is_negated, struct side *left,
                          struct side *right)
{
    bool has_container = is_container(left) || is_container(right);
    bool has_orderless = is_orderless(left) || is_orderless(right);
    struct side nothing = side_null();
    switch (op) {
    case TEST_HAS:
        return put_has(b, is_negated, left, right);
    case TEST_CONTAINS_ANY:
        if (left->value != NULL && left->value->kind == EXPR_KIND_ARRAY)
            return put_has(b, is_negated, left, right);
        if (is_container(right) || is_container(left) || is_orderless(left))
            return false;
        if (left->value != NULL)
            op = TEST_CONTAINS;
        break;
    case TEST_NE:
        /* An array differs from null and from nothing else. */
        if (has_container) {
            put_plain_test(b, TEST_EQ, is_negated, is_container(left) ? right : left, &nothing);
            return true;
        }
        break;
    case TEST_EQ:
        if (has_container)
            return false;
        break;
    case TEST_CONTAINS:
    case TEST_STARTS_WITH:
    case TEST_ENDS_WITH:
    case TEST_MATCHES:
    case TEST_LT:
    case TEST_LE:
    case TEST_GT:
    case TEST_GE:
        if (has_container || has_orderless)
            return false;
        break;
    case TEST_NONE:
    case TEST_IN:
    case TEST_NOT_IN:
    case TEST_COUNT:
        return false;
    }
    put_plain_test(b, op, is_negated, left, right);
    return true;
}

static bool is_list_known(const struct binder *b, struct operand operand)
{
    if (operand.type != OPERAND_LIST)
        return is_known(b, operand);
    struct list_span span = ((const struct list_span *)b->expr->lists.items)[operand.index];
    for (uint32_t i = 0; i < span.count; i++) {
        if (!is_known(b, ((const struct operand *)b->expr->operands.items)[span.first + i]))
            return false;
    }
    return true;
}

static enum expr_verdict verdict_of(bool is_true)
{
    return is_true ? EXPR_TRUE : EXPR_FALSE;
}

static enum expr_verdict bind_test(struct binder *b, const struct node *node, bool is_negated)
{
    if (is_list_known(b, node->a) && is_list_known(b, node->b))
        return verdict_of(node_test(b->expr, node, b->env) != is_negated);
    enum test_op op = node->op;
    struct operand a = node->a;
    struct operand c = node->b;
    is_negated = is_negated != node->is_negated;
    if (op == TEST_IN || op == TEST_NOT_IN) {
        is_negated = is_negated != (op == TEST_NOT_IN);
        op = TEST_HAS;
        a = node->b;
        c = node->a;
    }
    struct side left;
    struct side right;
    look_at(b, a, &left);
    look_at(b, c, &right);
    if (left.value != NULL && right.value != NULL && op != TEST_HAS && op != TEST_CONTAINS_ANY)
        return verdict_of(test_run(b->expr, op, a, c, b->env) != is_negated);
    return put_open_test(b, op, is_negated, &left, &right) ? EXPR_OPEN : verdict_of(is_negated);
}

/* ---- junctions ------------------------------------------------------------------------------- */

static size_t get_u32(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* Takes what was written since from as one part, or, when it is a junction of the same kind, its
 * parts. */
static void push_flat(struct binder *b, size_t from, char tag)
{
    if (buf_failed(b->out))
        return;
    if (b->out->data[from] != tag) {
        push_part(b, from, b->out->len - from);
        return;
    }
    size_t count = get_u32(b->out->data + from + 1);
    size_t at = from + 5;
    for (size_t i = 0; i < count; i++) {
        size_t len = get_u32(b->out->data + at);
        push_part(b, at + 4, len);
        at += 4 + len;
    }
}

static enum expr_verdict bind_node(struct binder *b, uint32_t index, bool is_negated)
{
    const struct node *node = expr_node(b->expr, index);
    if (node->type == NODE_NOT)
        return bind_node(b, node->first_child, !is_negated);
    if (node->type == NODE_TEST)
        return bind_test(b, node, is_negated);
    bool is_and = (node->type == NODE_AND) != is_negated;
    char tag = is_and ? 'A' : 'O';
    size_t start = b->out->len;
    size_t base = b->parts.count;
    for (uint32_t child = node->first_child; child != NO_NODE;
         child = expr_node(b->expr, child)->next) {
        size_t from = b->out->len;
        enum expr_verdict verdict = bind_node(b, child, is_negated);
        if (verdict == EXPR_OPEN) {
            push_flat(b, from, tag);
        } else if (verdict == verdict_of(!is_and)) {
            b->parts.count = base;
            truncate_to(b->out, start);
            return verdict;
        }
    }
    return settle_parts(b, start, base, tag) == 0 && !buf_failed(b->out) ? verdict_of(is_and)
                                                                         : EXPR_OPEN;
}

enum expr_verdict expr_bind(const struct expr *expr, const struct expr_env *env,
                            unsigned known_mask, struct buf *key)
{
    static const struct expr_env nothing = {0};
    if (expr->entry == PC_TRUE || expr->entry == PC_FALSE)
        return verdict_of(expr->entry == PC_TRUE);
    struct binder binder = {
        .expr = expr, .env = env != NULL ? env : &nothing, .known_mask = known_mask, .out = key};
    enum expr_verdict verdict = bind_node(&binder, expr->root, false);
    free(binder.parts.items);
    return verdict;
}

/* ---- binding apart ------------------------------------------------------------------------------
 */

struct apart {
    struct binder kept;
    struct binder loose;
    expr_keep_fn keep;
    void *ctx;
};

static bool operand_mentions(const struct expr *expr, struct operand operand, unsigned mask)
{
    if (operand.type == OPERAND_PATH)
        return (mask & EXPR_BIT(expr_path_at(expr, operand.index)->slot)) != 0;
    if (operand.type != OPERAND_LIST)
        return false;
    struct list_span span = ((const struct list_span *)expr->lists.items)[operand.index];
    for (uint32_t i = 0; i < span.count; i++) {
        if (operand_mentions(expr, ((const struct operand *)expr->operands.items)[span.first + i],
                             mask))
            return true;
    }
    return false;
}

static bool node_mentions(const struct expr *expr, uint32_t index, unsigned mask)
{
    const struct node *node = expr_node(expr, index);
    if (node->type == NODE_TEST)
        return operand_mentions(expr, node->a, mask) || operand_mentions(expr, node->b, mask);
    for (uint32_t child = node->first_child; child != NO_NODE; child = expr_node(expr, child)->next)
        if (node_mentions(expr, child, mask))
            return true;
    return false;
}

/* Sorts the parts of one condition, which begins at from, into the two residuals. */
static void part_apart(struct apart *a, uint32_t index, size_t from)
{
    const struct buf *out = a->kept.out;
    size_t base = a->kept.parts.count;
    push_flat(&a->kept, from, 'A');
    if (buf_failed(out) || !node_mentions(a->kept.expr, index, a->kept.known_mask))
        return;
    struct part *parts = a->kept.parts.items;
    size_t count = a->kept.parts.count;
    a->kept.parts.count = base;
    for (size_t i = base; i < count; i++) {
        struct str bytes = {.ptr = out->data + parts[i].from, .len = parts[i].len};
        if (a->keep(a->ctx, bytes)) {
            parts[a->kept.parts.count++] = parts[i];
            continue;
        }
        size_t at = a->loose.out->len;
        buf_str_append(a->loose.out, bytes);
        push_part(&a->loose, at, bytes.len);
    }
}

static enum expr_verdict bind_apart(struct apart *a, uint32_t index, bool is_negated)
{
    const struct node *node = expr_node(a->kept.expr, index);
    if (node->type == NODE_NOT)
        return bind_apart(a, node->first_child, !is_negated);
    bool is_junction = node->type == NODE_AND || node->type == NODE_OR;
    if (is_junction && (node->type == NODE_AND) != is_negated) {
        for (uint32_t child = node->first_child; child != NO_NODE;
             child = expr_node(a->kept.expr, child)->next) {
            if (bind_apart(a, child, is_negated) == EXPR_FALSE)
                return EXPR_FALSE;
        }
        return EXPR_OPEN;
    }
    size_t from = a->kept.out->len;
    enum expr_verdict verdict = bind_node(&a->kept, index, is_negated);
    if (verdict == EXPR_OPEN)
        part_apart(a, index, from);
    return verdict;
}

enum expr_verdict expr_bind_apart(const struct expr *expr, const struct expr_env *env,
                                  unsigned known_mask, expr_keep_fn keep, void *ctx,
                                  struct buf *key, struct buf *loose)
{
    if (expr->entry == PC_TRUE || expr->entry == PC_FALSE)
        return verdict_of(expr->entry == PC_TRUE);
    struct apart a = {
        .kept = {.expr = expr, .env = env, .known_mask = known_mask, .out = key  },
        .loose = {.expr = expr, .env = env, .known_mask = known_mask, .out = loose},
        .keep = keep,
        .ctx = ctx
    };
    size_t key_start = key->len;
    size_t loose_start = loose->len;
    enum expr_verdict verdict = bind_apart(&a, expr->root, false);
    if (verdict == EXPR_FALSE)
        a.kept.parts.count = a.loose.parts.count = 0;
    if (settle_parts(&a.kept, key_start, 0, 'A') == 0)
        truncate_to(key, key_start);
    if (settle_parts(&a.loose, loose_start, 0, 'A') == 0)
        truncate_to(loose, loose_start);
    free(a.kept.parts.items);
    free(a.loose.parts.items);
    bool is_open =
        key->len > key_start || loose->len > loose_start || buf_failed(key) || buf_failed(loose);
    return verdict == EXPR_FALSE ? EXPR_FALSE : is_open ? EXPR_OPEN : EXPR_TRUE;
}

/* ---- reading a key --------------------------------------------------------------------------- */

struct key_reader {
    struct expr *expr;
    const char *at;
    const char *end;
    bool is_bad;
};

static unsigned char take_byte(struct key_reader *r)
{
    if (r->at == r->end) {
        r->is_bad = true;
        return 0;
    }
    return (unsigned char)*r->at++;
}

static size_t take_u32(struct key_reader *r)
{
    if (r->end - r->at < 4) {
        r->is_bad = true;
        return 0;
    }
    r->at += 4;
    return get_u32(r->at - 4);
}

static struct str take_text(struct key_reader *r)
{
    size_t len = take_u32(r);
    if (r->is_bad || (size_t)(r->end - r->at) < len) {
        r->is_bad = true;
        return (struct str){.ptr = "", .len = 0};
    }
    r->at += len;
    return (struct str){.ptr = r->at - len, .len = len};
}

/* "a.b[2]", as the expression reader would have left it. */
static bool is_name(struct str name)
{
    bool wants_word = true;
    size_t at = 0;
    while (at < name.len) {
        char c = name.ptr[at++];
        size_t from = at;
        if (wants_word) {
            if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '$')
                return false;
            while (at < name.len && name.ptr[at] != '.' && name.ptr[at] != '[')
                at++;
            wants_word = false;
        } else if (c == '[') {
            while (at < name.len && name.ptr[at] >= '0' && name.ptr[at] <= '9')
                at++;
            if (at == from || at - from > 5 || at == name.len || name.ptr[at++] != ']')
                return false;
        } else if (c == '.') {
            wants_word = true;
        } else {
            return false;
        }
    }
    return !wants_word;
}

static struct operand take_operand(struct key_reader *r, bool is_element)
{
    struct expr *expr = r->expr;
    unsigned char tag = take_byte(r);
    struct expr_value value = expr_value_null();
    uint64_t bits = 0;
    switch (tag) {
    case 'n':
        break;
    case 't':
    case 'f':
        value = expr_value_bool(tag == 't');
        break;
    case 'i':
    case 'd':
        bits = (uint64_t)take_u32(r) << 32;
        bits |= take_u32(r);
        if (tag == 'i') {
            value = expr_value_i64((int64_t)bits);
        } else {
            double real = 0;
            memcpy(&real, &bits, sizeof real);
            r->is_bad = r->is_bad || !(real - real == 0); /* neither infinite nor NaN */
            value = expr_value_f64(r->is_bad ? 0 : real);
        }
        break;
    case 's': {
        struct str text = take_text(r);
        r->is_bad = r->is_bad || text.len >= 1U << 28;
        if (!r->is_bad)
            value = expr_value_str(text);
        break;
    }
    case 'p': {
        unsigned slot = take_byte(r);
        struct str name = take_text(r);
        r->is_bad = r->is_bad || slot >= EXPR_SLOT_COUNT || !is_name(name);
        if (!r->is_bad)
            return expr_add_path(expr, slot, name, 0);
        break;
    }
    case 'l': {
        size_t count = take_u32(r);
        struct vec items = {0};
        r->is_bad = r->is_bad || is_element; /* lists hold scalars and names only */
        for (size_t i = 0; i < count && !r->is_bad; i++) {
            size_t size = take_u32(r);
            const char *from = r->at;
            struct operand item = take_operand(r, true);
            r->is_bad = r->is_bad || (size_t)(r->at - from) != size;
            *(struct operand *)vec_add(&items, sizeof item) = item;
        }
        struct list_span span = {.first = (uint32_t)expr->operands.count,
                                 .count = (uint32_t)items.count};
        for (uint32_t i = 0; i < span.count; i++)
            *(struct operand *)vec_add(&expr->operands, sizeof(struct operand)) =
                ((const struct operand *)items.items)[i];
        *(struct list_span *)vec_add(&expr->lists, sizeof span) = span;
        free(items.items);
        return (struct operand){.type = OPERAND_LIST, .index = (uint32_t)expr->lists.count - 1};
    }
    default:
        r->is_bad = true;
        break;
    }
    return expr_add_const(expr, value);
}

/* What stands behind MATCHES becomes a pattern again. */
static struct operand take_pattern(struct key_reader *r)
{
    struct pattern_fault fault;
    struct operand text = take_operand(r, false);
    struct expr_value value =
        text.type == OPERAND_CONST ? *expr_const_at(r->expr, text.index) : expr_value_null();
    bool is_full = r->expr->patterns.count == EXPR_PATTERN_MAX_COUNT;
    /* The constants of a shape change, patterns cannot. */
    if (r->is_bad || value.kind != EXPR_KIND_STR || is_full || r->expr->is_shape) {
        r->is_bad = true;
        return text;
    }
    struct pattern *pattern = pattern_new(expr_value_text(value), &fault);
    r->is_bad = pattern == NULL;
    return pattern == NULL ? text : expr_add_pattern(r->expr, pattern);
}

static uint32_t take_node(struct key_reader *r, size_t depth)
{
    unsigned char tag = take_byte(r);
    if (tag == 'T') {
        uint32_t self = expr_add_node(r->expr, NODE_TEST);
        unsigned char op = take_byte(r);
        unsigned char is_negated = take_byte(r);
        struct operand a = take_operand(r, false);
        struct operand c = op == TEST_MATCHES ? take_pattern(r) : take_operand(r, false);
        struct node *node = expr_node(r->expr, self);
        r->is_bad = r->is_bad || op < TEST_EQ || op > TEST_MATCHES || is_negated > 1;
        node->op = r->is_bad ? TEST_EQ : (enum test_op)op;
        node->is_negated = is_negated == 1;
        node->a = a;
        node->b = c;
        return self;
    }
    size_t count = take_u32(r);
    uint32_t self = expr_add_node(r->expr, tag == 'A' ? NODE_AND : NODE_OR);
    r->is_bad = r->is_bad || (tag != 'A' && tag != 'O') || count == 0 || depth >= MAX_KEY_DEPTH;
    for (size_t i = 0; i < count && !r->is_bad; i++) {
        size_t size = take_u32(r);
        const char *from = r->at;
        uint32_t child = take_node(r, depth + 1);
        expr_add_child(r->expr, self, child);
        r->is_bad = r->is_bad || (size_t)(r->at - from) != size;
    }
    return self;
}

static struct expr *residual_new(struct str key, bool is_shape)
{
    struct expr *expr = xcalloc(1, sizeof *expr);
    expr->is_shape = is_shape;
    expr->text = xstr_dup(key);
    expr->text_len = key.len;
    expr->is_residual = true;
    struct key_reader reader = {.expr = expr, .at = expr->text, .end = expr->text + key.len};
    expr->root = take_node(&reader, 0);
    if (reader.is_bad || reader.at != reader.end) {
        expr_free(expr);
        return NULL;
    }
    expr_finish(expr);
    return expr;
}

struct expr *expr_residual_new(struct str key)
{
    return residual_new(key, false);
}

struct expr *expr_shape_new(struct str key)
{
    return residual_new(key, true);
}
