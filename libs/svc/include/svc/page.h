/*
 * Paging of lists by key: the page size within its limits, and the opaque cursor that carries the
 * last key of the page before. A cursor is bound to the list it came from by a short tag.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define PAGE_SIZE_DEFAULT 50
#define PAGE_SIZE_MAX     1000

struct page {
    int32_t size;      /* 1..PAGE_SIZE_MAX */
    const char *after; /* key after which the page begins; "" at the beginning */
};

/*
 * tag: two or three letters that name the list ("tq"). size 0 means the default; more than the
 * maximum is cut to it. Errors: INVALID_ARGUMENT for a negative size, reason INVALID_CURSOR for a
 * cursor that this list did not give out.
 */
enum err_code page_from(struct arena *arena, const char *tag, int32_t size, const char *cursor,
                        struct page *out, struct err *err) MUST_CHECK;

/* The cursor for the page that begins after last_key; NULL when the arena is exhausted. */
char *page_cursor(struct arena *arena, const char *tag, const char *last_key);
