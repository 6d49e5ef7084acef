#include "jx/plain.h"

#include <string.h>

enum {
    MEMBERS_INSIDE = 16, /* of objects below the first */
    DEEPEST = 4,
    MOST_DIGITS = 15, /* a double gives all of them back */
    SMALL_ZEROS = 4,  /* decimals behind "0.0" from which on exponents are written */
};

struct reader {
    const char *at;
    const char *end;
    unsigned depth;
    bool has_space; /* below the first level */
};

static void skip_space(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
    if (r->depth > 1 && r->at > from)
        r->has_space = true;
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

static bool take_string(struct reader *r, struct str *out)
{
    if (!take(r, '"'))
        return false;
    const char *from = r->at;
    while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (unsigned char)*r->at >= 0x20)
        r->at++;
    *out = (struct str){.ptr = from, .len = (size_t)(r->at - from)};
    return take(r, '"');
}

static size_t take_digits(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return (size_t)(r->at - from);
}

/* One that the writer would write in the same way; behind it the caller finds exponents. */
static bool take_number(struct reader *r)
{
    bool is_negative = take(r, '-');
    const char *first = r->at;
    size_t whole = take_digits(r);
    if (whole == 0 || whole > MOST_DIGITS || (whole > 1 && *first == '0'))
        return false;
    if (!take(r, '.'))
        return !is_negative || *first != '0';
    const char *decimals = r->at;
    size_t count = take_digits(r);
    bool has_end_zero = count > 1 && r->at[-1] == '0';
    if (count == 0 || has_end_zero || whole + count > MOST_DIGITS)
        return false;
    return *first != '0' || *decimals != '0' || count <= SMALL_ZEROS;
}

static bool take_object(struct reader *r, struct jx_member *members, size_t most, size_t *count);
static bool take_array(struct reader *r);

static bool take_value(struct reader *r)
{
    struct str text;
    struct jx_member inside[MEMBERS_INSIDE];
    size_t count = 0;
    if (r->at == r->end)
        return false;
    switch (*r->at) {
    case '"':
        return take_string(r, &text);
    case '{':
        return take_object(r, inside, MEMBERS_INSIDE, &count);
    case '[':
        return take_array(r);
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

static bool has_key(const struct jx_member *members, size_t count, struct str key)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(members[i].key, key))
            return true;
    }
    return false;
}

static bool take_member(struct reader *r, struct jx_member *members, size_t count)
{
    struct str key;
    if (!take_string(r, &key) || has_key(members, count, key))
        return false;
    skip_space(r);
    if (!take(r, ':'))
        return false;
    skip_space(r);
    const char *from = r->at;
    if (!take_value(r))
        return false;
    members[count].key = key;
    members[count].value = (struct str){.ptr = from, .len = (size_t)(r->at - from)};
    return true;
}

static bool take_object(struct reader *r, struct jx_member *members, size_t most, size_t *count)
{
    if (!take(r, '{') || ++r->depth > DEEPEST)
        return false;
    *count = 0;
    skip_space(r);
    bool is_more = !take(r, '}');
    while (is_more) {
        if (*count == most || !take_member(r, members, *count))
            return false;
        *count += 1;
        skip_space(r);
        is_more = take(r, ',');
        if (!is_more && !take(r, '}'))
            return false;
        if (is_more)
            skip_space(r);
    }
    r->depth--;
    return true;
}

static bool take_array(struct reader *r)
{
    if (!take(r, '[') || ++r->depth > DEEPEST)
        return false;
    skip_space(r);
    bool is_more = !take(r, ']');
    while (is_more) {
        if (!take_value(r))
            return false;
        skip_space(r);
        is_more = take(r, ',');
        if (!is_more && !take(r, ']'))
            return false;
        if (is_more)
            skip_space(r);
    }
    r->depth--;
    return true;
}

bool jx_plain_read(struct str text, struct jx_plain *out)
{
    if (text.len == 0 || !str_is_utf8(text))
        return false;
    struct reader r = {.at = text.ptr, .end = text.ptr + text.len};
    skip_space(&r);
    if (!take_object(&r, out->members, JX_PLAIN_MEMBERS, &out->count))
        return false;
    skip_space(&r);
    out->is_compact = !r.has_space;
    return r.at == r.end;
}
