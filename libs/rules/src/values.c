/*
 * Whether one value can answer everything that a name is asked. Values are of kinds that
 * comparisons treat alike; the question is possible when it is for one kind. Whatever is not
 * understood counts as possible, so that "impossible" is always right.
 */
#include <math.h>

#include "base/macros.h"
#include "dnf.h"

enum { MAX_TRIED = 64 }; /* integers, one by one */

enum kind {
    KIND_NULL,
    KIND_TRUE,
    KIND_FALSE,
    KIND_NUMBER,
    KIND_NUMBER_TEXT, /* a text that reads as a number */
    KIND_TEXT,        /* any other text */
    KIND_ARRAY,       /* or an object */
    KIND_COUNT,
};

#define KINDS_ALL     ((1U << KIND_COUNT) - 1)
#define KINDS_NUMBER  (1U << KIND_NUMBER)
#define KINDS_WORD    (1U << KIND_TEXT)
#define KINDS_TEXT    (1U << KIND_TEXT | 1U << KIND_NUMBER_TEXT)
#define KINDS_BOOLEAN (1U << KIND_TRUE | 1U << KIND_FALSE)
#define KINDS_NULL    (1U << KIND_NULL)
#define EXACT_DOUBLE  9007199254740992.0 /* 2^53 */

/* What values a name can have. */
struct domain {
    enum expr_slot slot;
    const char *path;
    unsigned kinds;
    bool is_whole; /* its numbers are integers from low to high */
    double low;
    double high;
    const char *least; /* its texts; NULL: any */
    const char *greatest;
};

static const struct domain domains[] = {
    {EXPR_SLOT_TIME,      "hour",         KINDS_NUMBER,               true,  0,    23,           NULL,         NULL        },
    {EXPR_SLOT_TIME,      "minute",       KINDS_NUMBER,               true,  0,    59,           NULL,         NULL        },
    {EXPR_SLOT_TIME,      "weekday",      KINDS_NUMBER,               true,  1,    7,            NULL,         NULL        },
    {EXPR_SLOT_TIME,      "day",          KINDS_NUMBER,               true,  1,    31,           NULL,         NULL        },
    {EXPR_SLOT_TIME,      "month",        KINDS_NUMBER,               true,  1,    12,           NULL,         NULL        },
    {EXPR_SLOT_TIME,      "year",         KINDS_NUMBER,               true,  1970, 9999,         NULL,         NULL        },
    {EXPR_SLOT_TIME,      "day_name",     KINDS_WORD,                 false, 0,    0,            NULL,         NULL        },
    {EXPR_SLOT_TIME,      "time",         KINDS_WORD,                 false, 0,    0,            "00:00",      "23:59"     },
    {EXPR_SLOT_TIME,      "date",         KINDS_WORD,                 false, 0,    0,            "0000-00-00", "9999-99-99"},
    {EXPR_SLOT_TASK_INFO, "channel",      KINDS_TEXT,                 false, 0,    0,            NULL,         NULL        },
    {EXPR_SLOT_TASK_INFO, "priority",     KINDS_NUMBER | KINDS_NULL,  true,  0,    INT32_MAX,    NULL,         NULL        },
    {EXPR_SLOT_LINE,      "phone",        KINDS_TEXT | KINDS_NULL,    false, 0,    0,            NULL,         NULL        },
    {EXPR_SLOT_HOURS,     "open",         KINDS_BOOLEAN | KINDS_NULL, false, 0,    0,            NULL,         NULL        },
    {EXPR_SLOT_HOURS,     "holiday",      KINDS_BOOLEAN | KINDS_NULL, false, 0,    0,            NULL,         NULL        },
    {EXPR_SLOT_HOURS,     "holiday_name", KINDS_TEXT | KINDS_NULL,    false, 0,    0,            NULL,         NULL        },
    {EXPR_SLOT_QUEUE,     "waiting",      KINDS_NUMBER | KINDS_NULL,  true,  0,    EXACT_DOUBLE, NULL,         NULL        },
    {EXPR_SLOT_QUEUE,     "longest_wait", KINDS_NUMBER | KINDS_NULL,  true,  0,    EXACT_DOUBLE, NULL,         NULL        },
    {EXPR_SLOT_WORKERS,   "available",    KINDS_NUMBER | KINDS_NULL,  true,  0,    EXACT_DOUBLE, NULL,         NULL        },
    {EXPR_SLOT_WORKERS,   "total",        KINDS_NUMBER | KINDS_NULL,  true,  0,    EXACT_DOUBLE, NULL,         NULL        },
};

static const char *const day_names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};

/* The literals of one name. */
struct group {
    const struct literal *const *literals;
    size_t count;
    struct domain domain;
    struct expr_budget *budget;
};

static struct domain domain_of(const struct expr_operand *name)
{
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        if (domains[i].slot == name->slot && str_eq_text(name->path, domains[i].path))
            return domains[i];
    }
    return (struct domain){.kinds = KINDS_ALL};
}

/* ---- one value ------------------------------------------------------------------------------- */

static bool resolve(void *ctx, enum expr_slot slot, struct str name, struct expr_value *out_value)
{
    (void)slot;
    (void)name;
    *out_value = *(const struct expr_value *)ctx;
    return true;
}

/* Whether this value answers everything, asked of the evaluator itself. */
static bool answers_all(struct group *g, struct expr_value value)
{
    struct expr_env env = {.resolve = resolve, .resolve_ctx = &value, .budget = g->budget};
    for (size_t i = 0; i < g->count; i++) {
        const struct literal *literal = g->literals[i];
        bool is_true = expr_tree_test(literal->expr, literal->node, &env);
        if (is_true == literal->is_negated && !g->budget->has_given_up)
            return false;
    }
    return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* The number of a constant, where doubles hold it exactly. text_counts: also of a text. */
static bool constant_number(struct expr_value value, bool text_counts, double *out)
{
    struct expr_value number = value;
    enum expr_kind kind = expr_value_kind(value);
    if (kind == EXPR_KIND_STR &&
        (!text_counts || !expr_text_number(expr_value_text(value), &number)))
        return false;
    kind = expr_value_kind(number);
    if (kind != EXPR_KIND_I64 && kind != EXPR_KIND_F64)
        return false;
    *out = kind == EXPR_KIND_I64 ? (double)number.as.i64 : number.as.f64;
    return *out <= EXACT_DOUBLE && *out >= -EXACT_DOUBLE;
}

static bool is_number(struct expr_value value)
{
    return expr_value_kind(value) == EXPR_KIND_I64 || expr_value_kind(value) == EXPR_KIND_F64;
}

static bool is_number_text(struct expr_value value)
{
    struct expr_value number;
    return expr_value_kind(value) == EXPR_KIND_STR &&
           expr_text_number(expr_value_text(value), &number);
}

struct range {
    double low;
    double high;
    bool is_low_open;
    bool is_high_open;
};

static void cut_low(struct range *range, double at, bool is_open)
{
    if (at > range->low || (at >= range->low && is_open)) {
        range->low = at;
        range->is_low_open = is_open;
    }
}

static void cut_high(struct range *range, double at, bool is_open)
{
    if (at < range->high || (at <= range->high && is_open)) {
        range->high = at;
        range->is_high_open = is_open;
    }
}

/* x < n is to hold, or not to. */
static void cut(struct range *range, enum expr_tree_op op, bool is_false, double number)
{
    bool is_less = op == EXPR_OP_LT || op == EXPR_OP_LE;
    bool is_open = op == EXPR_OP_LT || op == EXPR_OP_GT;
    if (is_less != is_false)
        cut_high(range, number, is_open != is_false);
    else
        cut_low(range, number, is_open != is_false);
}

static bool is_order(enum expr_tree_op op)
{
    return op == EXPR_OP_LT || op == EXPR_OP_LE || op == EXPR_OP_GT || op == EXPR_OP_GE;
}

static bool range_is_empty(const struct range *range)
{
    return range->low > range->high ||
           (range->low >= range->high && (range->is_low_open || range->is_high_open));
}

/* Of integers only few are excluded one by one: a free one is looked for from below. */
static bool has_free_integer(struct group *g, const struct range *range)
{
    double low = ceil(range->low);
    double high = floor(range->high);
    if (range->is_low_open && low <= range->low)
        low += 1;
    if (range->is_high_open && high >= range->high)
        high -= 1;
    /* Both lie within the domain's bounds or at exact constants. */
    const int64_t first = (int64_t)low;
    const int64_t last = (int64_t)high;
    for (int64_t at = first; at <= last; at++) {
        if (at - first > MAX_TRIED || answers_all(g, expr_value_i64(at)))
            return true;
    }
    return false;
}

static bool asks_equality(const struct literal *literal)
{
    return ((literal->op == EXPR_OP_EQ || literal->op == EXPR_OP_IN) && !literal->is_false) ||
           (literal->op == EXPR_OP_NE && literal->is_false);
}

/* A text that reads as a number and equals a constant has the number of that constant. False: none
 * of the constants has one. */
static bool cut_equal(struct range *range, const struct literal *literal)
{
    double least = HUGE_VAL;
    double greatest = -HUGE_VAL;
    bool is_list = literal->value.type == EXPR_OPERAND_LIST;
    size_t count = is_list ? literal->value.count : 1;
    for (size_t i = 0; i < count; i++) {
        struct expr_value constant =
            is_list ? expr_tree_element(literal->expr, &literal->value, i).value
                    : literal->value.value;
        double number = 0;
        if (!is_number(constant) && !is_number_text(constant))
            continue;
        if (!constant_number(constant, true, &number))
            return true;
        least = fmin(least, number);
        greatest = fmax(greatest, number);
    }
    cut_low(range, least, false);
    cut_high(range, greatest, false);
    return least <= greatest;
}

/* Two beginnings of which neither begins the other. */
static bool prefixes_clash(const struct group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        for (size_t k = i + 1; k < g->count; k++) {
            const struct literal *a = g->literals[i];
            const struct literal *b = g->literals[k];
            if (a->op != EXPR_OP_STARTS_WITH || b->op != EXPR_OP_STARTS_WITH || a->is_false ||
                b->is_false || expr_value_kind(a->value.value) != EXPR_KIND_STR ||
                expr_value_kind(b->value.value) != EXPR_KIND_STR)
                continue;
            struct str x = expr_value_text(a->value.value);
            struct str y = expr_value_text(b->value.value);
            if (!str_starts_with(x, y) && !str_starts_with(y, x))
                return true;
        }
    }
    return false;
}

/* A test that no number answers: of an order with what has none, or of membership. is_text: nor a
 * text that reads as a number. */
static bool is_hopeless(const struct literal *literal, bool is_text)
{
    struct expr_value constant = literal->value.value;
    if (literal->is_false)
        return false;
    if (!is_order(literal->op))
        return literal->op == EXPR_OP_HAS;
    return !is_number(constant) &&
           (expr_value_kind(constant) != EXPR_KIND_STR || (!is_text && !is_number_text(constant)));
}

/* For numbers: no equality to a constant is asked for. */
static bool number_is_possible(struct group *g, bool is_text)
{
    struct range range = {.low = -HUGE_VAL, .high = HUGE_VAL};
    if (g->domain.is_whole)
        range = (struct range){.low = g->domain.low, .high = g->domain.high};
    for (size_t i = 0; i < g->count; i++) {
        const struct literal *literal = g->literals[i];
        struct expr_value constant = literal->value.value;
        double number = 0;
        bool is_known = constant_number(constant, !is_text, &number);
        if (is_order(literal->op) && is_known)
            cut(&range, literal->op, literal->is_false, number);
        else if (is_hopeless(literal, is_text) ||
                 (is_text && asks_equality(literal) && !cut_equal(&range, literal)))
            return false;
    }
    if (prefixes_clash(g))
        return false;
    if (g->domain.is_whole && !is_text)
        return has_free_integer(g, &range);
    if (!range_is_empty(&range) && range.low >= range.high && !is_text)
        return answers_all(g, expr_value_f64(range.low));
    return !range_is_empty(&range);
}

/* ---- texts ----------------------------------------------------------------------------------- */

struct text_range {
    struct str low; /* NULL: none */
    struct str high;
    bool is_low_open;
    bool is_high_open;
};

static void cut_text(struct text_range *range, enum expr_tree_op op, bool is_false, struct str text)
{
    bool is_less = op == EXPR_OP_LT || op == EXPR_OP_LE;
    bool is_open = (op == EXPR_OP_LT || op == EXPR_OP_GT) != is_false;
    struct str *end = is_less != is_false ? &range->high : &range->low;
    bool *end_is_open = is_less != is_false ? &range->is_high_open : &range->is_low_open;
    int compared = end->ptr == NULL ? 0 : str_cmp(text, *end);
    bool is_tighter = is_less != is_false ? compared < 0 : compared > 0;
    if (end->ptr == NULL || is_tighter || (compared == 0 && is_open)) {
        *end = text.ptr == NULL ? STR("") : text;
        *end_is_open = is_open;
    }
}

static bool text_range_is_empty(const struct text_range *range)
{
    if (range->low.ptr == NULL || range->high.ptr == NULL)
        return false;
    int compared = str_cmp(range->low, range->high);
    return compared > 0 || (compared == 0 && (range->is_low_open || range->is_high_open));
}

static bool text_is_possible(struct group *g, bool is_number_like)
{
    struct text_range range = {0};
    if (g->domain.least != NULL) {
        range.low = str_from(g->domain.least);
        range.high = str_from(g->domain.greatest);
    }
    for (size_t i = 0; i < g->count; i++) {
        const struct literal *literal = g->literals[i];
        struct expr_value constant = literal->value.value;
        bool is_text = expr_value_kind(constant) == EXPR_KIND_STR;
        if (literal->op == EXPR_OP_HAS && !literal->is_false)
            return false;
        if (!is_order(literal->op))
            continue;
        if (is_text)
            cut_text(&range, literal->op, literal->is_false, expr_value_text(constant));
        else if (!literal->is_false && (!is_number_like || !is_number(constant)))
            return false; /* has no order with it */
    }
    return !text_range_is_empty(&range) && !prefixes_clash(g) &&
           (!is_number_like || number_is_possible(g, true));
}

/* ---- arrays ---------------------------------------------------------------------------------- */

static bool array_is_possible(const struct group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct literal *a = g->literals[i];
        if (a->op == EXPR_OP_CONTAINS_ANY || a->op == EXPR_OP_HAS) {
            for (size_t k = i + 1; k < g->count; k++) {
                const struct literal *b = g->literals[k];
                bool is_member = b->op == EXPR_OP_CONTAINS_ANY || b->op == EXPR_OP_HAS;
                if (is_member && a->is_false != b->is_false &&
                    values_are_same(&a->value, &b->value))
                    return false;
            }
            continue;
        }
        bool is_null = expr_value_kind(a->value.value) == EXPR_KIND_NONE;
        bool is_true = a->op == EXPR_OP_NE && a->value.type == EXPR_OPERAND_VALUE && is_null;
        if (is_true == a->is_false)
            return false;
    }
    return true;
}

/* ---- equality ---------------------------------------------------------------------------------
 */

/* x == c, NOT x != c, x IN [c, …]: the value is one of a few. */
static const struct literal *find_pin(const struct group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        if (asks_equality(g->literals[i]))
            return g->literals[i];
    }
    return NULL;
}

static bool candidate_is_possible(struct group *g, enum kind kind, struct expr_value constant)
{
    struct expr_value number = constant;
    switch (kind) {
    case KIND_NUMBER:
        if (!is_number(constant) && (expr_value_kind(constant) != EXPR_KIND_STR ||
                                     !expr_text_number(expr_value_text(constant), &number)))
            return false;
        if (g->domain.is_whole) {
            double at = 0;
            if (constant_number(number, true, &at) &&
                (at < g->domain.low || at > g->domain.high || floor(at) < at))
                return false;
        }
        return answers_all(g, number);
    case KIND_NUMBER_TEXT:
        /* A number may be spelt in many ways: what its order leaves is possible. */
        return is_number(constant) ? text_is_possible(g, true)
                                   : is_number_text(constant) && answers_all(g, constant);
    case KIND_TEXT:
        return expr_value_kind(constant) == EXPR_KIND_STR && !is_number_text(constant) &&
               (g->domain.least == NULL ||
                (str_cmp(expr_value_text(constant), str_from(g->domain.least)) >= 0 &&
                 str_cmp(expr_value_text(constant), str_from(g->domain.greatest)) <= 0)) &&
               answers_all(g, constant);
    case KIND_NULL:
    case KIND_TRUE:
    case KIND_FALSE:
    case KIND_ARRAY:
    case KIND_COUNT:
        break;
    }
    return true;
}

static bool pin_is_possible(struct group *g, enum kind kind, const struct literal *pin)
{
    if (pin->value.type != EXPR_OPERAND_LIST)
        return candidate_is_possible(g, kind, pin->value.value);
    for (size_t i = 0; i < pin->value.count; i++) {
        struct expr_operand element = expr_tree_element(pin->expr, &pin->value, i);
        if (candidate_is_possible(g, kind, element.value))
            return true;
    }
    return false;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static bool weekday_is_possible(struct group *g)
{
    for (size_t i = 0; i < ARRAY_LEN(day_names); i++) {
        if (answers_all(g, expr_value_str(str_from(day_names[i]))))
            return true;
    }
    return false;
}

static bool kind_is_possible(struct group *g, enum kind kind)
{
    const struct literal *pin = find_pin(g);
    switch (kind) {
    case KIND_NULL:
        return answers_all(g, expr_value_null());
    case KIND_TRUE:
    case KIND_FALSE:
        return answers_all(g, expr_value_bool(kind == KIND_TRUE));
    case KIND_ARRAY:
        return array_is_possible(g);
    case KIND_NUMBER:
        return pin != NULL ? pin_is_possible(g, kind, pin) : number_is_possible(g, false);
    case KIND_NUMBER_TEXT:
        return pin != NULL ? pin_is_possible(g, kind, pin) : text_is_possible(g, true);
    case KIND_TEXT:
        if (g->domain.path != NULL && strcmp(g->domain.path, "day_name") == 0)
            return weekday_is_possible(g);
        return pin != NULL ? pin_is_possible(g, kind, pin) : text_is_possible(g, false);
    case KIND_COUNT:
        break;
    }
    return true;
}

bool values_are_possible(const struct literal *const *literals, size_t count,
                         struct expr_budget *budget)
{
    struct group g = {.literals = literals,
                      .count = count,
                      .domain = domain_of(&literals[0]->name),
                      .budget = budget};
    budget->has_given_up = false;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if ((g.domain.kinds & 1U << kind) != 0 && kind_is_possible(&g, (enum kind)kind))
            return true;
    }
    return false;
}
