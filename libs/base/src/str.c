#include "base/str.h"

#include <stdint.h>

struct str str_from(const char *text)
{
    return text == NULL ? (struct str){NULL, 0} : (struct str){text, strlen(text)};
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_text(struct str a, const char *text)
{
    return str_eq(a, str_from(text));
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

ptrdiff_t str_find(struct str haystack, struct str needle)
{
    if (needle.len == 0)
        return 0;
    const char *at = haystack.ptr;
    size_t left = haystack.len;
    while (left >= needle.len) {
        const char *hit = memchr(at, needle.ptr[0], left - needle.len + 1);
        if (hit == NULL)
            return -1;
        if (memcmp(hit, needle.ptr, needle.len) == 0)
            return hit - haystack.ptr;
        left -= (size_t)(hit - at) + 1;
        at = hit + 1;
    }
    return -1;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct str str_split(struct str *rest, char separator)
{
    struct str head = *rest;
    const char *at = head.len == 0 ? NULL : memchr(head.ptr, separator, head.len);
    if (at == NULL) {
        *rest = (struct str){NULL, 0};
        return head;
    }
    head.len = (size_t)(at - head.ptr);
    rest->ptr = at + 1;
    rest->len -= head.len + 1;
    return head;
}

/* Length of the well-formed sequence at s (RFC 3629 table), 0 when there is none. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    unsigned char c = s[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || left < len)
        return 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (c == 0xE0)
        low = 0xA0;
    else if (c == 0xED)
        high = 0x9F;
    else if (c == 0xF0)
        low = 0x90;
    else if (c == 0xF4)
        high = 0x8F;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    }
    return len;
}

#define HIGH_BITS UINT64_C(0x8080808080808080)

static uint64_t eight_bytes(const void *at)
{
    uint64_t word = 0;
    memcpy(&word, at, sizeof word);
    return word;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.ptr;
    size_t left = s.len;
    while (left > 0) {
        if (left >= 32 &&
            ((eight_bytes(at) | eight_bytes(at + 8) | eight_bytes(at + 16) | eight_bytes(at + 24)) &
             HIGH_BITS) == 0) { /* most text is plain */
            at += 32;
            left -= 32;
            continue;
        }
        if (left >= 8 && (eight_bytes(at) & HIGH_BITS) == 0) {
            at += 8;
            left -= 8;
            continue;
        }
        size_t len = utf8_sequence(at, left);
        if (len == 0)
            return false;
        at += len;
        left -= len;
    }
    return true;
}

size_t str_utf8_count(struct str s)
{
    size_t count = 0;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t word = eight_bytes(s.ptr + i); /* those inside a character begin with 10 */
        count += 8 - (size_t)__builtin_popcountll(word & ~(word << 1) & HIGH_BITS);
    }
    for (; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0U) != 0x80U;
    return count;
}
