#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { PER_BLOCK = 64, ALIGNMENT = 16 };

struct pool_block {
    struct pool_block *older;
    _Alignas(ALIGNMENT) char bytes[];
};

/* What a free one holds. */
struct pool_free {
    struct pool_free *next;
};

void pool_init(struct pool *pool, size_t size)
{
    *pool = (struct pool){.size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1)};
}

void pool_fini(struct pool *pool)
{
    while (pool->blocks != NULL) {
        struct pool_block *block = pool->blocks;
        pool->blocks = block->older;
        free(block);
    }
}

void *pool_take_any(struct pool *pool)
{
#ifdef TR_SANITIZE
    return xrealloc(NULL, 1, pool->size);
#else
    if (pool->free != NULL) {
        struct pool_free *thing = pool->free;
        pool->free = thing->next;
        return thing;
    }
    if (pool->left == 0) {
        struct pool_block *block = xrealloc(NULL, 1, sizeof *block + PER_BLOCK * pool->size);
        block->older = pool->blocks;
        pool->blocks = block;
        pool->left = PER_BLOCK;
    }
    pool->left--;
    return pool->blocks->bytes + pool->left * pool->size;
#endif
}

void *pool_take(struct pool *pool)
{
    return memset(pool_take_any(pool), 0, pool->size);
}

void pool_give(struct pool *pool, void *thing)
{
#ifdef TR_SANITIZE
    (void)pool;
    free(thing);
#else
    struct pool_free *now_free = thing;
    now_free->next = pool->free;
    pool->free = now_free;
#endif
}
