/*
 * The texts of tasks and reservations: as many come as go, so that each size has a pool of its own
 * and freeing one touches nothing but itself. Long ones are taken from the heap.
 */
#pragma once

#include "base/str.h"
#include "pool.h"

enum { TEXT_STEP = 32, TEXT_SIZES = 16 };

struct text_pool {
    struct pool sizes[TEXT_SIZES]; /* of 1, 2, … steps */
};

void text_pool_init(struct text_pool *texts);
void text_pool_fini(struct text_pool *texts); /* all must be back */

/* Frees the old text and copies the new one, a NUL behind it; an empty one has no memory. */
void text_pool_set(struct text_pool *texts, struct str *slot, struct str value);
void text_pool_clear(struct text_pool *texts, struct str *slot);
