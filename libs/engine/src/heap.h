/*
 * An indexed 4-ary heap: the node lives in the element and knows its place, so that any element can
 * be moved or removed in O(log n). The main key is a number kept beside the pointer, so that most
 * comparisons touch no element; the caller's function decides between equal keys. Equal elements
 * must not exist (end it with something unique), then the order is the same on every run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint32_t place; /* position + 1; 0 = not in a heap */
};

/* The element around a node that may not be changed. */
#define HEAP_ENTRY(node, type, member)                                                             \
    ((const type *)(const void *)((const char *)(node)-offsetof(type, member)))

typedef bool (*heap_less_fn)(const struct heap_node *a, const struct heap_node *b);

struct heap_item {
    int64_t key; /* smallest first */
    struct heap_node *node;
};

struct heap {
    struct heap_item *items;
    uint32_t count;
    uint32_t capacity;
    heap_less_fn less;
};

void heap_init(struct heap *heap, heap_less_fn less);
void heap_fini(struct heap *heap);

void heap_insert(struct heap *heap, struct heap_node *node, int64_t key);
void heap_remove(struct heap *heap, struct heap_node *node); /* not in it: left alone */
void heap_update(struct heap *heap, struct heap_node *node, int64_t key); /* its order changed */

static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count == 0 ? NULL : heap->items[0].node;
}

static inline bool heap_has(const struct heap_node *node)
{
    return node->place != 0;
}
