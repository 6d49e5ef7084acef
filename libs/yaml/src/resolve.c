#include "resolve.h"

#include "base/macros.h"
#include "base/parse.h"

static bool is_one_of(struct str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(text, str_from(words[i])))
            return true;
    }
    return false;
}

static bool is_null(struct str text)
{
    return text.len == 0 || str_eq_text(text, "~") || str_eq_text(text, "null") ||
           str_eq_text(text, "Null") || str_eq_text(text, "NULL");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* -?(0|[1-9][0-9]*) with, for a real, a fraction or an exponent behind it. */
static enum ydoc_kind number_kind(struct str text)
{
    size_t at = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t begin = at;
    while (at < text.len && is_digit(text.ptr[at]))
        at++;
    if (at == begin || (text.ptr[begin] == '0' && at - begin > 1))
        return YDOC_TEXT;
    if (at == text.len)
        return YDOC_INT;
    size_t fraction = at + 1;
    if (text.ptr[at] == '.') {
        for (at = fraction; at < text.len && is_digit(text.ptr[at]);)
            at++;
        if (at == fraction)
            return YDOC_TEXT;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
            at++;
        size_t exponent = at;
        while (at < text.len && is_digit(text.ptr[at]))
            at++;
        if (at == exponent)
            return YDOC_TEXT;
    }
    return at == text.len ? YDOC_REAL : YDOC_TEXT;
}

bool ydoc_resolve(struct ydoc_node *scalar)
{
    static const char *const truths[] = {"true", "True", "TRUE"};
    static const char *const lies[] = {"false", "False", "FALSE"};
    if (is_null(scalar->text)) {
        scalar->kind = YDOC_NULL;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
        if (str_eq_text(scalar->text, truths[i]) || str_eq_text(scalar->text, lies[i])) {
            scalar->kind = YDOC_BOOL;
            scalar->number = str_eq_text(scalar->text, truths[i]);
            return true;
        }
    }
    scalar->kind = number_kind(scalar->text);
    if (scalar->kind == YDOC_INT)
        return parse_i64(scalar->text, INT64_MIN, INT64_MAX, &scalar->number);
    return scalar->kind != YDOC_REAL || parse_double(scalar->text, &scalar->real);
}

/* Dates, times, numbers of other bases, infinities: letters, digits and signs, and it begins like a
 * number. */
static bool is_number_like(struct str text)
{
    char first = text.ptr[0];
    if (!is_digit(first) && first != '+' && first != '-' && first != '.')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_digit(c) && !is_letter && c != '.' && c != ':' && c != '+' && c != '-' &&
            c != '_' && c != ' ')
            return false;
    }
    return true;
}

bool ydoc_needs_quotes(struct str text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on",
                                        "off",  "y",    "n",     "~",   "=",  "<<"};
    return text.len == 0 || is_one_of(text, words, ARRAY_LEN(words)) || is_number_like(text);
}
