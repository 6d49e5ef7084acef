/*
 * Things of one size, made and freed all the time: cut from larger blocks and used again, the last
 * one freed first, while it is still in the cache. Blocks are kept until the end. Sanitizer builds
 * take each from the heap, so that use after free is caught.
 */
#pragma once

#include <stddef.h>

struct pool_block;

struct pool {
    size_t size; /* of one */
    void *free;
    struct pool_block *blocks;
    size_t left; /* in the newest block */
};

void pool_init(struct pool *pool, size_t size);
void pool_fini(struct pool *pool); /* all must be back */

void *pool_take(struct pool *pool);     /* zeroed; never NULL */
void *pool_take_any(struct pool *pool); /* whatever it holds */
void pool_give(struct pool *pool, void *thing);
