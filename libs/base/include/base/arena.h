/*
 * Request memory: allocate freely, release all at once. One owner, one thread, no global arenas.
 * The ceiling is hard: past it arena_alloc returns NULL and stays failed until arena_reset, so a
 * builder can check once at the end. Sanitizer builds give every allocation a heap block of its
 * own.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "base/str.h"

struct arena;

/* Position to rewind to; opaque. Valid until an earlier mark is rewound or the arena is reset. */
struct arena_mark {
    void *block;
    size_t used;
    size_t total;
    void *defers;
};

/* max_bytes: ceiling over everything allocated, > 0. Never NULL (malloc failure aborts). */
struct arena *arena_new(size_t max_bytes);

/* Runs what was deferred, last in first out, and frees everything. NULL is allowed. */
void arena_free(struct arena *arena);
void arena_cleanup(struct arena **arena); /* for AUTO() */

/* Like free and new, but keeps the newest block for reuse. */
void arena_reset(struct arena *arena);

/* Zeroed memory aligned for any type; NULL once the ceiling was passed. size 0 gives a valid
 * pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same without the zeroes, for what is overwritten whole at once. */
void *arena_take(struct arena *arena, size_t size);

/* count * size with overflow check. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);

#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))

/* True after any allocation failed for want of room. */
bool arena_is_exhausted(const struct arena *arena);

/* Bytes handed out so far. */
size_t arena_used(const struct arena *arena);

/* NUL-terminated copies; NULL when the arena is exhausted. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_str_dup(struct arena *arena, struct str text);
struct str arena_str(struct arena *arena, struct str text);

/* Formatted text; NULL when the arena is exhausted. */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Scratch inside loops: everything allocated since the mark is released. Deferred calls made since
 * the mark are run. */
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

/* Runs fn(ptr) when the arena is reset, rewound past here or freed. */
void arena_defer(struct arena *arena, void (*fn)(void *ptr), void *ptr);
