#include "text_pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void text_pool_init(struct text_pool *texts)
{
    for (size_t i = 0; i < TEXT_SIZES; i++)
        pool_init(&texts->sizes[i], (i + 1) * TEXT_STEP);
}

void text_pool_fini(struct text_pool *texts)
{
    for (size_t i = 0; i < TEXT_SIZES; i++)
        pool_fini(&texts->sizes[i]);
}

/* NULL: too long for any, or the sanitizers want to see each. */
static struct pool *text_pool_for(struct text_pool *texts, size_t len)
{
#ifdef TR_SANITIZE
    (void)texts;
    (void)len;
    return NULL;
#else
    size_t at = len / TEXT_STEP; /* with the NUL */
    return at < TEXT_SIZES ? &texts->sizes[at] : NULL;
#endif
}

void text_pool_clear(struct text_pool *texts, struct str *slot)
{
    if (slot->ptr == NULL)
        return;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): ours, made below; const for readers */
    void *memory = (void *)(uintptr_t)slot->ptr;
    struct pool *pool = text_pool_for(texts, slot->len);
    if (pool != NULL)
        pool_give(pool, memory);
    else
        free(memory);
    *slot = (struct str){0};
}

void text_pool_set(struct text_pool *texts, struct str *slot, struct str value)
{
    char *copy = NULL;
    if (value.len > 0) {
        struct pool *pool = text_pool_for(texts, value.len);
        copy = pool != NULL ? pool_take_any(pool) : xrealloc(NULL, 1, value.len + 1);
        memcpy(copy, value.ptr, value.len);
        copy[value.len] = '\0';
    }
    text_pool_clear(texts, slot);
    *slot = (struct str){.ptr = copy, .len = value.len};
}
