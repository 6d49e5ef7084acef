/* jx_is_json: the grammar of RFC 8259 as a loop with one bit a level, no tree, no recursion. */
#include "jx/jx.h"

#include <string.h>

enum { DEEPEST = 60 };

struct reader {
    const char *at;
    const char *end;
};

static bool is_one_of(char c, struct str set)
{
    return memchr(set.ptr, c, set.len) != NULL;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && is_one_of(*r->at, STR(" \t\r\n")))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool take_word(struct reader *r, struct str word)
{
    if ((size_t)(r->end - r->at) < word.len || memcmp(r->at, word.ptr, word.len) != 0)
        return false;
    r->at += word.len;
    return true;
}

static bool take_digits(struct reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > start;
}

static bool take_number(struct reader *r)
{
    (void)take(r, '-');
    if (!take(r, '0') && !take_digits(r))
        return false;
    if (take(r, '.') && !take_digits(r))
        return false;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+'))
            (void)take(r, '-');
        return take_digits(r);
    }
    return true;
}

static bool take_hex4(struct reader *r)
{
    for (int i = 0; i < 4; i++, r->at++) {
        if (r->at == r->end || !is_one_of(*r->at, STR("0123456789abcdefABCDEF")))
            return false;
    }
    return true;
}

/* Surrogates need not pair up here: PostgreSQL and jansson judged the text when it came in. */
static bool take_string(struct reader *r)
{
    if (!take(r, '"'))
        return false;
    while (r->at < r->end) {
        unsigned char c = (unsigned char)*r->at++;
        if (c == '"')
            return true;
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        if (r->at == r->end)
            return false;
        char escaped = *r->at++;
        if (escaped == 'u') {
            if (!take_hex4(r))
                return false;
        } else if (!is_one_of(escaped, STR("\"\\/bfnrt"))) {
            return false;
        }
    }
    return false;
}

static bool take_scalar(struct reader *r)
{
    if (r->at == r->end)
        return false;
    switch (*r->at) {
    case '"':
        return take_string(r);
    case 't':
        return take_word(r, STR("true"));
    case 'f':
        return take_word(r, STR("false"));
    case 'n':
        return take_word(r, STR("null"));
    default:
        return take_number(r);
    }
}

static bool take_key(struct reader *r)
{
    skip_space(r);
    if (!take_string(r))
        return false;
    skip_space(r);
    return take(r, ':');
}

bool jx_is_json(struct str text, unsigned max_depth)
{
    unsigned limit = max_depth == 0 ? JX_MAX_DEPTH : max_depth < DEEPEST ? max_depth : DEEPEST;
    if (text.len == 0 || !str_is_utf8(text))
        return false;
    struct reader r = {text.ptr, text.ptr + text.len};
    uint64_t objects = 0; /* bit per level: 1 object, 0 array */
    unsigned depth = 0;
    for (;;) {
        /* A value is due. */
        skip_space(&r);
        bool is_object = take(&r, '{');
        if (is_object || take(&r, '[')) {
            if (++depth > limit)
                return false;
            objects = objects << 1 | (is_object ? 1U : 0U);
            skip_space(&r);
            if (!take(&r, is_object ? '}' : ']')) {
                if (is_object && !take_key(&r))
                    return false;
                continue;
            }
            objects >>= 1;
            depth--;
        } else if (!take_scalar(&r)) {
            return false;
        }
        /* A value is complete: close what ends here, then a comma or the end of the text. */
        for (;;) {
            skip_space(&r);
            if (depth == 0)
                return r.at == r.end;
            if (!take(&r, (objects & 1U) != 0 ? '}' : ']'))
                break;
            objects >>= 1;
            depth--;
        }
        if (!take(&r, ',') || ((objects & 1U) != 0 && !take_key(&r)))
            return false;
    }
}
