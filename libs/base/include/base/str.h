/*
 * A view of bytes with a length. Never owns; whoever made the bytes says how long they live.
 * Text is UTF-8 unless a comment says otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *ptr; /* NULL only when len is 0 */
    size_t len;      /* bytes */
};

/* A view of a string literal. */
#define STR(literal) ((struct str){.ptr = "" literal, .len = sizeof(literal) - 1})

/* For printf's "%.*s": STR_ARG(view). */
#define STR_ARG(s) (int)(s).len, ((s).ptr == NULL ? "" : (s).ptr)

/* View of a NUL-terminated string; NULL gives the empty view. */
struct str str_from(const char *text);

bool str_eq(struct str a, struct str b);
bool str_eq_text(struct str a, const char *text);

/* ASCII letters compare without case; other bytes as they are. */
bool str_eq_nocase(struct str a, struct str b);

/* memcmp order, then the shorter first; <0, 0, >0. */
int str_cmp(struct str a, struct str b);

bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);

/* Position of needle, or -1. An empty needle is found at 0. */
ptrdiff_t str_find(struct str haystack, struct str needle);

/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);

/*
 * Takes the part before the next separator off *rest and returns it; *rest becomes what follows.
 * When no separator is left, returns all of it and sets *rest to {NULL, 0}. Loop while rest.ptr.
 */
struct str str_split(struct str *rest, char separator);

/* True for well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF). */
bool str_is_utf8(struct str s);

/* Number of code points in well-formed UTF-8. */
size_t str_utf8_count(struct str s);
