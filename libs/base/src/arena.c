#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Blocks double from the first size up to the largest; a larger request gets a block of its own. */
enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *older;
    size_t capacity;
    size_t used;
    _Alignas(ALIGNMENT) char bytes[];
};

struct arena_defer_node {
    struct arena_defer_node *older;
    void (*fn)(void *ptr);
    void *ptr;
};

struct arena {
    struct arena_block *newest;
    struct arena_defer_node *defers;
    size_t max_bytes;
    size_t total; /* bytes handed out, rounded to the alignment */
    bool is_exhausted;
};

struct arena *arena_new(size_t max_bytes)
{
    INVARIANT(max_bytes > 0);
    struct arena *arena = xcalloc(1, sizeof *arena);
    arena->max_bytes = max_bytes;
    return arena;
}

static void run_defers(struct arena *arena, const struct arena_defer_node *until)
{
    while (arena->defers != until) {
        struct arena_defer_node *node = arena->defers;
        arena->defers = node->older;
        node->fn(node->ptr);
    }
}

static void free_blocks(struct arena *arena, const struct arena_block *until)
{
    while (arena->newest != until) {
        struct arena_block *block = arena->newest;
        arena->newest = block->older;
        free(block);
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    run_defers(arena, NULL);
    free_blocks(arena, NULL);
    free(arena);
}

void arena_cleanup(struct arena **arena)
{
    arena_free(*arena);
}

void arena_reset(struct arena *arena)
{
    run_defers(arena, NULL);
    /* The newest is the largest but for single large requests: what it held once it will hold. */
    struct arena_block *kept = arena->newest;
    if (kept != NULL) {
        arena->newest = kept->older;
        free_blocks(arena, NULL);
        kept->older = NULL;
        kept->used = 0;
        arena->newest = kept;
    }
    arena->total = 0;
    arena->is_exhausted = false;
}

static __attribute__((noinline)) struct arena_block *add_block(struct arena *arena, size_t at_least)
{
    size_t capacity = arena->newest == NULL ? FIRST_BLOCK : arena->newest->capacity * 2;
    if (capacity > LARGEST_BLOCK)
        capacity = LARGEST_BLOCK;
#ifdef TR_SANITIZE
    capacity = at_least; /* one heap block an allocation, so that the sanitizer sees overruns */
#endif
    if (capacity < at_least)
        capacity = at_least;
    struct arena_block *block = malloc(sizeof *block + capacity);
    INVARIANT(block != NULL);
    block->capacity = capacity;
    block->used = 0;
    block->older = arena->newest;
    arena->newest = block;
    return block;
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t wanted = size == 0 ? 1 : size;
    size_t rounded = 0;
    if (arena->is_exhausted || __builtin_add_overflow(wanted, ALIGNMENT - 1, &rounded) ||
        (rounded & ~(size_t)(ALIGNMENT - 1)) > arena->max_bytes - arena->total) {
        arena->is_exhausted = true;
        return NULL;
    }
    rounded &= ~(size_t)(ALIGNMENT - 1);
#ifndef TR_SANITIZE
    wanted = rounded;
#endif
    struct arena_block *block = arena->newest;
    if (block == NULL || block->capacity - block->used < wanted)
        block = add_block(arena, wanted);
    void *p = block->bytes + block->used;
    block->used += wanted;
    arena->total += rounded;
#ifdef TR_SANITIZE
    block->used = block->capacity; /* never share a block between allocations */
#endif
    return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *p = arena_take(arena, size);
    if (p != NULL)
        memset(p, 0, size == 0 ? 1 : size);
    return p;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        arena->is_exhausted = true;
        return NULL;
    }
    return arena_alloc(arena, bytes);
}

bool arena_is_exhausted(const struct arena *arena)
{
    return arena->is_exhausted;
}

size_t arena_used(const struct arena *arena)
{
    return arena->total;
}

char *arena_str_dup(struct arena *arena, struct str text)
{
    if (text.len == SIZE_MAX) {
        arena->is_exhausted = true;
        return NULL;
    }
    char *copy = arena_alloc(arena, text.len + 1);
    if (copy != NULL && text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_str_dup(arena, str_from(text));
}

struct str arena_str(struct arena *arena, struct str text)
{
    char *copy = arena_str_dup(arena, text);
    return (struct str){copy, copy == NULL ? 0 : text.len};
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    INVARIANT(len >= 0);
    char *text = arena_alloc(arena, (size_t)len + 1);
    if (text != NULL)
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){
        .block = arena->newest,
        .used = arena->newest == NULL ? 0 : arena->newest->used,
        .total = arena->total,
        .defers = arena->defers,
    };
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    run_defers(arena, mark.defers);
    free_blocks(arena, mark.block);
    if (arena->newest != NULL)
        arena->newest->used = mark.used;
    arena->total = mark.total;
}

void arena_defer(struct arena *arena, void (*fn)(void *ptr), void *ptr)
{
    struct arena_defer_node *node = arena_alloc(arena, sizeof *node);
    if (node == NULL) { /* no room to remember it: release now rather than never */
        fn(ptr);
        return;
    }
    node->fn = fn;
    node->ptr = ptr;
    node->older = arena->defers;
    arena->defers = node;
}
