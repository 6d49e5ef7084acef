/* Text to tree: one token of look-ahead, recursive descent, depth and size bounded. */
#include "expr_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"

enum {
    DEFAULT_MAX_BYTES = 8192,
    DEFAULT_MAX_NODES = 1024,
    DEFAULT_MAX_DEPTH = 32,
    HARD_MAX_BYTES = 1 << 20,
    HARD_MAX_NODES = 4096,
    HARD_MAX_DEPTH = 128,
    MAX_INDEX = 65535,
};

enum token_type {
    TOKEN_NONE,
    TOKEN_END,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_LIST_OPEN,
    TOKEN_LIST_CLOSE,
    TOKEN_COMMA,
    TOKEN_VALUE, /* string, number, true, false, null */
    TOKEN_NAME,
    TOKEN_TEST,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_OTHER, /* belongs to no expression; whoever meets it says what it expected */
};

struct token {
    enum token_type type;
    enum test_op op;
    struct expr_value value;
    uint32_t from;
    uint32_t to;
};

struct parser {
    struct expr *expr;
    const struct expr_context *context;
    struct err *err;
    struct token token; /* not yet consumed */
    uint32_t last_to;   /* end of the token consumed last */
    uint32_t at;        /* end of token */
    size_t column_offset;
    size_t units; /* nodes and operands so far */
    size_t max_units;
    size_t depth;
    size_t max_depth;
};

static const struct {
    const char *word;
    enum token_type type;
    enum test_op op;
} words[] = {
    {"and",         TOKEN_AND,   TEST_NONE       },
    {"or",          TOKEN_OR,    TEST_NONE       },
    {"not",         TOKEN_NOT,   TEST_NONE       },
    {"in",          TOKEN_TEST,  TEST_IN         },
    {"has",         TOKEN_TEST,  TEST_HAS        },
    {"contains",    TOKEN_TEST,  TEST_CONTAINS   },
    {"starts_with", TOKEN_TEST,  TEST_STARTS_WITH},
    {"ends_with",   TOKEN_TEST,  TEST_ENDS_WITH  },
    {"matches",     TOKEN_TEST,  TEST_MATCHES    },
    {"true",        TOKEN_VALUE, TEST_NONE       },
    {"false",       TOKEN_VALUE, TEST_NONE       },
    {"null",        TOKEN_VALUE, TEST_NONE       },
};

/* Longest first: "<=" before "<". */
static const struct {
    const char *text;
    enum test_op op;
} signs[] = {
    {"==", TEST_EQ },
    {"!=", TEST_NE },
    {"<>", TEST_NE },
    {"<=", TEST_LE },
    {">=", TEST_GE },
    {"<-", TEST_IN },
    {">-", TEST_HAS},
    {"=",  TEST_EQ },
    {"<",  TEST_LT },
    {">",  TEST_GT },
};

#define EXPECTED_OPERAND "a name, string, number, array, true, false or null"

/* ---- errors ---------------------------------------------------------------------------------- */

static enum err_code refuse_at(struct parser *p, size_t byte, const char *expected,
                               const char *found)
{
    return ERR_SET(p->err, ERR_INVALID_ARGUMENT, "EXPRESSION_INVALID",
                   "At column %zu expected %s, but found %s.",
                   expr_column(p->expr, byte) + p->column_offset, expected, found);
}

/* What stands at the byte, for people: up to 24 characters of the word there. */
static enum err_code refuse(struct parser *p, size_t byte, const char *expected)
{
    char found[128];
    struct str rest = {.ptr = p->expr->text + byte, .len = p->expr->text_len - byte};
    size_t len = 0;
    size_t characters = 0;
    while (len < rest.len && (len == 0 || (rest.ptr[len] != ' ' && characters < 24))) {
        characters++;
        for (len++; len < rest.len && ((unsigned char)rest.ptr[len] & 0xC0) == 0x80;)
            len++;
    }
    if (len == 0)
        return refuse_at(p, byte, expected, "the end");
    (void)snprintf(found, sizeof found, "\"%.*s\"", (int)len, rest.ptr);
    return refuse_at(p, byte, expected, found);
}

static enum err_code refuse_size(struct parser *p, const char *what, size_t limit)
{
    return ERR_SET(p->err, ERR_INVALID_ARGUMENT, "EXPRESSION_TOO_LARGE",
                   "The expression has more than %zu %s; make it shorter.", limit, what);
}

static enum err_code count_unit(struct parser *p)
{
    return ++p->units > p->max_units ? refuse_size(p, "conditions and operands", p->max_units)
                                     : ERR_OK;
}

static enum err_code enter(struct parser *p)
{
    return ++p->depth > p->max_depth ? refuse_size(p, "levels of nesting", p->max_depth) : ERR_OK;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static char byte_at(const struct parser *p, uint32_t at)
{
    if (at >= p->expr->text_len)
        return '\0';
    return p->expr->text[at];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static uint32_t skip_name_part(const struct parser *p, uint32_t at)
{
    while (is_name_start(byte_at(p, at)) || is_digit(byte_at(p, at)))
        at++;
    return at;
}

static struct str span_text(const struct parser *p, uint32_t from, uint32_t to)
{
    return (struct str){.ptr = p->expr->text + from, .len = to - from};
}

static enum err_code read_string(struct parser *p)
{
    struct expr *expr = p->expr;
    uint32_t from = p->at;
    char quote = byte_at(p, p->at++);
    bool has_escape = false;
    const char *at = expr->text + p->at;
    const char *end = expr->text + expr->text_len;
    const char *first = at;
    char *to = NULL;
    char *decoded = NULL;
    for (; at < end && *at != quote;) {
        if (*at != '\\') {
            if (has_escape)
                *to++ = *at;
            at++;
            continue;
        }
        if (!has_escape) {
            has_escape = true;
            if (expr->decoded == NULL)
                expr->decoded = xcalloc(expr->text_len, 1);
            decoded = to = expr->decoded + expr->decoded_len;
            memcpy(to, first, (size_t)(at - first));
            to += at - first;
        }
        size_t escape = (size_t)(at - expr->text);
        at++;
        if (at < end && *at == '\'') {
            *to++ = *at++;
            continue;
        }
        int32_t point = escape_decode(&at, end);
        if (point <= 0)
            return refuse(p, escape,
                          "one of the escapes \\\\ \\' \\\" \\/ \\b \\f \\n \\r \\t \\uXXXX");
        char bytes[4];
        size_t len = utf8_put((uint32_t)point, bytes);
        memcpy(to, bytes, len);
        to += len;
    }
    if (at == end)
        return refuse(p, from,
                      quote == '\'' ? "a closing single quote for the string here"
                                    : "a closing double quote for the string here");
    struct str text = {.ptr = first, .len = (size_t)(at - first)};
    if (has_escape) {
        text = (struct str){.ptr = decoded, .len = (size_t)(to - decoded)};
        expr->decoded_len += text.len;
    }
    p->at = (uint32_t)(at - expr->text) + 1;
    p->token.type = TOKEN_VALUE;
    p->token.value = expr_value_str(text);
    return ERR_OK;
}

static enum err_code read_number(struct parser *p)
{
    uint32_t from = p->at;
    if (byte_at(p, p->at) == '-')
        p->at++;
    while (is_digit(byte_at(p, p->at)))
        p->at++;
    if (byte_at(p, p->at) == '.') {
        p->at++;
        if (!is_digit(byte_at(p, p->at)))
            return refuse(p, p->at, "a digit behind the decimal point");
        while (is_digit(byte_at(p, p->at)))
            p->at++;
    }
    if (is_name_start(byte_at(p, p->at)) || byte_at(p, p->at) == '.')
        return refuse(p, from, "a plain number");
    if (!number_parse(span_text(p, from, p->at), &p->token.value))
        return refuse(p, from, "a number of at most 63 characters");
    p->token.type = TOKEN_VALUE;
    return ERR_OK;
}

static enum err_code read_index(struct parser *p)
{
    uint32_t from = ++p->at;
    uint32_t index = 0;
    while (is_digit(byte_at(p, p->at)) && p->at - from < 5)
        index = index * 10 + (uint32_t)(byte_at(p, p->at++) - '0');
    if (p->at == from || index > MAX_INDEX || (p->at - from > 1 && byte_at(p, from) == '0') ||
        is_digit(byte_at(p, p->at)))
        return refuse(p, from, "an index from 0 to 65535");
    if (byte_at(p, p->at) != ']')
        return refuse(p, p->at, "']' behind the index");
    p->at++;
    return ERR_OK;
}

static bool read_word(struct parser *p, uint32_t to)
{
    struct str text = span_text(p, p->at, to);
    bool has_text_tests = (p->context->flags & EXPR_TEXT_TESTS) != 0;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        bool is_text_test = words[i].op >= TEST_STARTS_WITH && words[i].op <= TEST_MATCHES;
        if (!str_eq_nocase(text, str_from(words[i].word)) || (is_text_test && !has_text_tests))
            continue;
        p->token.type = words[i].type;
        p->token.op = words[i].op;
        if (text.len == 4 && words[i].type == TOKEN_VALUE)
            p->token.value = words[i].word[0] == 't' ? expr_value_bool(true) : expr_value_null();
        else if (words[i].type == TOKEN_VALUE)
            p->token.value = expr_value_bool(false);
        p->at = to;
        return true;
    }
    return false;
}

static enum err_code read_name(struct parser *p)
{
    uint32_t to = skip_name_part(p, p->at);
    if (byte_at(p, to) != '.' && read_word(p, to))
        return ERR_OK;
    p->token.type = TOKEN_NAME;
    p->at = to;
    for (;;) {
        enum err_code code = ERR_OK;
        if (byte_at(p, p->at) == '[') {
            code = read_index(p);
            if (code != ERR_OK)
                return code;
        } else if (byte_at(p, p->at) == '.') {
            to = skip_name_part(p, p->at + 1);
            if (!is_name_start(byte_at(p, p->at + 1)))
                return refuse(p, p->at + 1, "a name behind the '.'");
            p->at = to;
        } else {
            break;
        }
    }
    if (is_name_start(byte_at(p, p->at)) || is_digit(byte_at(p, p->at)))
        return refuse(p, p->at, "'.' or an operator behind the index");
    if (byte_at(p, p->at) == '-' && is_name_start(byte_at(p, p->at + 1)))
        return refuse(p, p->at, "an operator behind the name (names cannot hold a hyphen)");
    return ERR_OK;
}

static enum err_code read_sign(struct parser *p)
{
    struct str rest = {.ptr = p->expr->text + p->at, .len = p->expr->text_len - p->at};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        struct str sign = str_from(signs[i].text);
        if (!str_starts_with(rest, sign))
            continue;
        uint32_t to = p->at + (uint32_t)sign.len;
        /* "x <-1" would silently mean x IN 1. */
        if (sign.len == 2 && sign.ptr[1] == '-' && is_digit(byte_at(p, to)))
            return refuse(
                p, p->at,
                "a space before the minus, or a space behind \"<-\" (IN) and \">-\" (HAS)");
        p->token.type = TOKEN_TEST;
        p->token.op = signs[i].op;
        p->at = to;
        return ERR_OK;
    }
    p->token.type = TOKEN_OTHER;
    return ERR_OK;
}

/* What stands behind MATCHES is taken as it is: backslashes are the pattern's own, and one before
 * the quote keeps it from ending the string, which means the same quote to the pattern. */
static enum err_code read_raw_string(struct parser *p)
{
    uint32_t from = p->at;
    char quote = byte_at(p, p->at++);
    uint32_t first = p->at;
    while (p->at < p->expr->text_len && byte_at(p, p->at) != quote)
        p->at += byte_at(p, p->at) == '\\' ? 2 : 1;
    if (p->at >= p->expr->text_len)
        return refuse(p, from, "a closing quote for the pattern here");
    p->token.type = TOKEN_VALUE;
    p->token.value = expr_value_str(span_text(p, first, p->at++));
    return ERR_OK;
}

/* Replaces the token by the next one. */
static enum err_code advance(struct parser *p)
{
    static const char singles[] = "()[],";
    static const enum token_type types[] = {TOKEN_OPEN, TOKEN_CLOSE, TOKEN_LIST_OPEN,
                                            TOKEN_LIST_CLOSE, TOKEN_COMMA};
    bool is_pattern = p->token.type == TOKEN_TEST && p->token.op == TEST_MATCHES;
    p->last_to = p->token.to;
    for (char c = byte_at(p, p->at);
         p->at < p->expr->text_len && (c == ' ' || c == '\t' || c == '\n' || c == '\r');
         c = byte_at(p, p->at))
        p->at++;
    p->token = (struct token){.from = p->at};
    char c = byte_at(p, p->at);
    const char *single = c == '\0' ? NULL : strchr(singles, c);
    enum err_code code = ERR_OK;
    if (p->at >= p->expr->text_len) {
        p->token.type = TOKEN_END;
    } else if (single != NULL) {
        p->token.type = types[single - singles];
        p->at++;
    } else if (c == '\'' || c == '"') {
        code = is_pattern ? read_raw_string(p) : read_string(p);
    } else if (is_digit(c) || (c == '-' && is_digit(byte_at(p, p->at + 1)))) {
        code = read_number(p);
    } else if (is_name_start(c)) {
        code = read_name(p);
    } else {
        code = read_sign(p);
    }
    p->token.to = p->at;
    return code;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Length of the root within name, with its dot; 0 when it is not the root of it. */
static size_t root_match(const struct expr_root *root, struct str name)
{
    size_t len = strlen(root->name);
    if (name.len < len + 2 || name.ptr[len] != '.' || memcmp(name.ptr, root->name, len) != 0)
        return 0;
    return len + 1;
}

static enum err_code refuse_name(struct parser *p, size_t from)
{
    char expected[256] = "a name that begins with";
    size_t used = strlen(expected);
    for (size_t i = 0; i < p->context->root_count && used < sizeof expected - 1; i++) {
        bool is_last = i + 1 == p->context->root_count;
        int len = snprintf(expected + used, sizeof expected - used, "%s %s.",
                           i == 0    ? ""
                           : is_last ? " or"
                                     : ",",
                           p->context->roots[i].name);
        used += (size_t)len;
    }
    return refuse(p, from, expected);
}

static enum err_code check_known(struct parser *p, const struct expr_root *root, struct str name,
                                 size_t from)
{
    char expected[256] = "one of";
    size_t used = strlen(expected);
    if (root->known == NULL)
        return ERR_OK;
    for (const char *const *known = root->known; *known != NULL; known++) {
        if (str_eq_text(name, *known))
            return ERR_OK;
        if (used < sizeof expected - 1)
            used += (size_t)snprintf(expected + used, sizeof expected - used, "%s %s%s%s",
                                     known == root->known ? "" : ",", root->name,
                                     root->name[0] == '\0' ? "" : ".", *known);
    }
    return refuse(p, from, expected);
}

/* The token is a name. */
static enum err_code take_name(struct parser *p, struct operand *out)
{
    struct str full = span_text(p, p->token.from, p->token.to);
    const struct expr_root *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < p->context->root_count; i++) {
        const struct expr_root *root = &p->context->roots[i];
        size_t len = root->name[0] == '\0' ? 0 : root_match(root, full);
        if ((len > 0 && len > best_len) || (root->name[0] == '\0' && best == NULL)) {
            best = root;
            best_len = len;
        }
    }
    if (best == NULL)
        return refuse_name(p, p->token.from);
    struct str name = {.ptr = full.ptr + best_len, .len = full.len - best_len};
    enum err_code code = check_known(p, best, name, p->token.from);
    if (code != ERR_OK)
        return code;
    *out = expr_add_path(p->expr, best->slot, name,
                         expr_column(p->expr, p->token.from) + p->column_offset);
    return advance(p);
}

/* ---- grammar --------------------------------------------------------------------------------- */

static enum err_code parse_operand(struct parser *p, const char *expected, struct operand *out);

/* The token is '['. Elements are collected first, since a nested array adds its own. */
static enum err_code parse_list(struct parser *p, struct operand *out)
{
    struct vec items = {0};
    enum err_code code = enter(p);
    if (code == ERR_OK)
        code = advance(p);
    bool is_first = true;
    while (code == ERR_OK && (p->token.type != TOKEN_LIST_CLOSE || !is_first)) {
        struct operand item = {0};
        code = parse_operand(p, is_first ? "an array element or ']'" : "an array element", &item);
        if (code != ERR_OK)
            break;
        *(struct operand *)vec_add(&items, sizeof item) = item;
        is_first = false;
        if (p->token.type == TOKEN_LIST_CLOSE)
            break;
        code = p->token.type == TOKEN_COMMA ? advance(p)
                                            : refuse(p, p->token.from, "',' or ']' in the array");
    }
    if (code == ERR_OK) {
        struct list_span span = {.first = (uint32_t)p->expr->operands.count,
                                 .count = (uint32_t)items.count};
        for (uint32_t i = 0; i < span.count; i++)
            *(struct operand *)vec_add(&p->expr->operands, sizeof(struct operand)) =
                ((const struct operand *)items.items)[i];
        *(struct list_span *)vec_add(&p->expr->lists, sizeof span) = span;
        *out = (struct operand){.type = OPERAND_LIST, .index = (uint32_t)p->expr->lists.count - 1};
        p->depth--;
        code = advance(p);
    }
    free(items.items);
    return code;
}

static enum err_code parse_operand(struct parser *p, const char *expected, struct operand *out)
{
    enum err_code code = count_unit(p);
    if (code != ERR_OK)
        return code;
    if (p->token.type == TOKEN_VALUE) {
        *out = expr_add_const(p->expr, p->token.value);
        return advance(p);
    }
    if (p->token.type == TOKEN_NAME)
        return take_name(p, out);
    if (p->token.type == TOKEN_LIST_OPEN)
        return parse_list(p, out);
    return refuse(p, p->token.from, expected);
}

/* The token is what stands behind MATCHES. */
static enum err_code parse_pattern(struct parser *p, struct operand *out)
{
    struct pattern_fault fault;
    struct expr_value value = p->token.value;
    if (p->token.type != TOKEN_VALUE || value.kind != EXPR_KIND_STR)
        return refuse(p, p->token.from, "a quoted pattern");
    enum err_code code = count_unit(p);
    if (code == ERR_OK && p->expr->patterns.count == EXPR_PATTERN_MAX_COUNT)
        code = refuse_size(p, "patterns", EXPR_PATTERN_MAX_COUNT);
    if (code != ERR_OK)
        return code;
    struct pattern *pattern = pattern_new(expr_value_text(value), &fault);
    if (pattern == NULL)
        return ERR_SET(p->err, ERR_INVALID_ARGUMENT, "EXPRESSION_INVALID",
                       "At column %zu the pattern is not valid: %s.",
                       expr_column(p->expr, p->token.from + 1 + fault.at) + p->column_offset,
                       fault.why);
    *out = expr_add_pattern(p->expr, pattern);
    return advance(p);
}

/* Takes the operator; TEST_NONE when there is none. */
static enum err_code parse_test_op(struct parser *p, enum test_op *out)
{
    enum err_code code = ERR_OK;
    *out = TEST_NONE;
    if (p->token.type == TOKEN_NOT) {
        code = advance(p);
        if (code != ERR_OK)
            return code;
        if (p->token.type != TOKEN_TEST || p->token.op != TEST_IN)
            return refuse(p, p->token.from, "IN behind NOT");
        *out = TEST_NOT_IN;
        return advance(p);
    }
    if (p->token.type != TOKEN_TEST)
        return ERR_OK;
    *out = p->token.op;
    if (*out == TEST_CONTAINS && (p->context->flags & EXPR_CONTAINS_MEMBER) != 0)
        *out = TEST_CONTAINS_ANY;
    return advance(p);
}

static const char *expected_operator(const struct parser *p)
{
    return (p->context->flags & EXPR_TEXT_TESTS) == 0
               ? "an operator (==, !=, <, <=, >, >=, CONTAINS, HAS, IN or NOT IN)"
               : "an operator (==, !=, <, <=, >, >=, CONTAINS, STARTS_WITH, ENDS_WITH, MATCHES, "
                 "HAS, IN or NOT IN)";
}

static enum err_code parse_test(struct parser *p, uint32_t *out_node)
{
    struct operand a = {0};
    struct operand b = {0};
    enum test_op op = TEST_NONE;
    uint32_t from = p->token.from;
    enum err_code code = parse_operand(p, "a condition (a name, value, NOT or '(')", &a);
    if (code == ERR_OK)
        code = parse_test_op(p, &op);
    if (code != ERR_OK)
        return code;
    bool is_truth = op == TEST_NONE;
    if (is_truth) {
        if ((p->context->flags & EXPR_BARE_TRUTH) == 0 || a.type == OPERAND_LIST)
            return refuse(p, p->token.from, expected_operator(p));
        op = TEST_EQ;
        b = expr_add_const(p->expr, expr_value_bool(true));
    } else {
        code = op == TEST_MATCHES ? parse_pattern(p, &b) : parse_operand(p, EXPECTED_OPERAND, &b);
        if (code != ERR_OK)
            return code;
    }
    *out_node = expr_add_node(p->expr, NODE_TEST);
    struct node *node = expr_node(p->expr, *out_node);
    node->op = op;
    node->a = a;
    node->b = b;
    node->is_truth = is_truth;
    node->from = from;
    node->to = p->last_to;
    return ERR_OK;
}

static enum err_code parse_or(struct parser *p, uint32_t *out_node);

static enum err_code parse_unary(struct parser *p, uint32_t *out_node)
{
    uint32_t from = p->token.from;
    bool is_not = p->token.type == TOKEN_NOT;
    if (!is_not && p->token.type != TOKEN_OPEN)
        return parse_test(p, out_node);
    enum err_code code = count_unit(p);
    if (code == ERR_OK)
        code = enter(p);
    if (code == ERR_OK)
        code = advance(p);
    if (code != ERR_OK)
        return code;
    uint32_t child = NO_NODE;
    code = is_not ? parse_unary(p, &child) : parse_or(p, &child);
    if (code != ERR_OK)
        return code;
    p->depth--;
    if (is_not) {
        *out_node = expr_add_node(p->expr, NODE_NOT);
        expr_add_child(p->expr, *out_node, child);
        expr_node(p->expr, *out_node)->from = from;
        expr_node(p->expr, *out_node)->to = p->last_to;
        return ERR_OK;
    }
    if (p->token.type != TOKEN_CLOSE)
        return refuse(p, p->token.from, "AND, OR or ')'");
    *out_node = child;
    return advance(p);
}

/* What AND and OR have in common: parts joined by one word become the children of one node. */
static enum err_code parse_joined(struct parser *p, enum token_type word, enum node_type type,
                                  enum err_code (*part)(struct parser *p, uint32_t *out_node),
                                  uint32_t *out_node)
{
    uint32_t from = p->token.from;
    uint32_t child = NO_NODE;
    enum err_code code = part(p, &child);
    if (code != ERR_OK)
        return code;
    *out_node = child;
    if (p->token.type != word)
        return ERR_OK;
    *out_node = expr_add_node(p->expr, type);
    expr_add_child(p->expr, *out_node, child);
    while (p->token.type == word) {
        code = count_unit(p);
        if (code == ERR_OK)
            code = advance(p);
        if (code == ERR_OK)
            code = part(p, &child);
        if (code != ERR_OK)
            return code;
        expr_add_child(p->expr, *out_node, child);
    }
    expr_node(p->expr, *out_node)->from = from;
    expr_node(p->expr, *out_node)->to = p->last_to;
    return ERR_OK;
}

static enum err_code parse_and(struct parser *p, uint32_t *out_node)
{
    return parse_joined(p, TOKEN_AND, NODE_AND, parse_unary, out_node);
}

static enum err_code parse_or(struct parser *p, uint32_t *out_node)
{
    return parse_joined(p, TOKEN_OR, NODE_OR, parse_and, out_node);
}

/* ---- public ---------------------------------------------------------------------------------- */

static size_t limit(size_t wanted, size_t usual, size_t hard)
{
    return wanted == 0 ? usual : wanted < hard ? wanted : hard;
}

/* Makes the expression object and reads the first token. */
static enum err_code open_text(struct parser *p, struct str text)
{
    size_t max_bytes = limit(p->context->max_bytes, DEFAULT_MAX_BYTES, HARD_MAX_BYTES);
    if (text.len > max_bytes)
        return refuse_size(p, "bytes", max_bytes);
    if (!str_is_utf8(text))
        return ERR_SET(p->err, ERR_INVALID_ARGUMENT, "EXPRESSION_INVALID",
                       "The expression is not valid UTF-8.");
    p->expr = xcalloc(1, sizeof *p->expr);
    p->expr->text = xstr_dup(text);
    p->expr->text_len = text.len;
    p->max_units = limit(p->context->max_nodes, DEFAULT_MAX_NODES, HARD_MAX_NODES);
    p->max_depth = limit(p->context->max_depth, DEFAULT_MAX_DEPTH, HARD_MAX_DEPTH);
    return advance(p);
}

enum err_code expr_compile(struct str text, const struct expr_context *context,
                           struct expr **out_expr, struct err *err)
{
    struct parser parser = {.context = context, .err = err};
    enum err_code code = open_text(&parser, text);
    INVARIANT(code != ERR_OK || parser.expr != NULL);
    if (code == ERR_OK)
        code = parse_or(&parser, &parser.expr->root);
    if (code == ERR_OK && parser.token.type != TOKEN_END)
        code = refuse(&parser, parser.token.from, "AND, OR or the end");
    if (code != ERR_OK) {
        expr_free(parser.expr);
        return code;
    }
    expr_finish(parser.expr);
    *out_expr = parser.expr;
    return ERR_OK;
}

enum err_code expr_name_compile(struct str text, size_t column_offset,
                                const struct expr_context *context, struct expr **out_expr,
                                struct err *err)
{
    struct parser parser = {.context = context, .err = err, .column_offset = column_offset};
    struct operand name = {0};
    enum err_code code = open_text(&parser, text);
    INVARIANT(code != ERR_OK || parser.expr != NULL);
    if (code == ERR_OK && parser.token.type != TOKEN_NAME)
        code = refuse(&parser, parser.token.from, "a name");
    if (code == ERR_OK)
        code = take_name(&parser, &name);
    if (code == ERR_OK && parser.token.type != TOKEN_END)
        code = refuse(&parser, parser.token.from, "nothing behind the name");
    if (code != ERR_OK) {
        expr_free(parser.expr);
        return code;
    }
    *out_expr = parser.expr;
    return ERR_OK;
}
