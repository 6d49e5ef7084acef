#include "heap.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"

enum { HEAP_WIDTH = 4, HEAP_FIRST_CAPACITY = 8 };

static void heap_set(struct heap *heap, uint32_t at, struct heap_node *node)
{
    heap->items[at] = node;
    node->place = at + 1;
}

static void heap_up(struct heap *heap, uint32_t at)
{
    struct heap_node *node = heap->items[at];
    while (at > 0) {
        uint32_t parent = (at - 1) / HEAP_WIDTH;
        if (!heap->less(node, heap->items[parent]))
            break;
        heap_set(heap, at, heap->items[parent]);
        at = parent;
    }
    heap_set(heap, at, node);
}

static void heap_down(struct heap *heap, uint32_t at)
{
    struct heap_node *node = heap->items[at];
    for (;;) {
        uint32_t first = at * HEAP_WIDTH + 1;
        if (first >= heap->count)
            break;
        uint32_t end = first + HEAP_WIDTH < heap->count ? first + HEAP_WIDTH : heap->count;
        uint32_t best = first;
        for (uint32_t i = first + 1; i < end; i++) {
            if (heap->less(heap->items[i], heap->items[best]))
                best = i;
        }
        if (!heap->less(heap->items[best], node))
            break;
        heap_set(heap, at, heap->items[best]);
        at = best;
    }
    heap_set(heap, at, node);
}

void heap_init(struct heap *heap, heap_less_fn less)
{
    *heap = (struct heap){.less = less};
}

void heap_fini(struct heap *heap)
{
    free(heap->items);
    *heap = (struct heap){0};
}

void heap_insert(struct heap *heap, struct heap_node *node)
{
    INVARIANT(node->place == 0);
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? HEAP_FIRST_CAPACITY : heap->capacity * 2;
        heap->items =
            (struct heap_node **)xrealloc(heap->items, heap->capacity, sizeof *heap->items);
    }
    heap->items[heap->count] = node;
    heap->count++;
    heap_up(heap, heap->count - 1);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0)
        return;
    uint32_t at = node->place - 1;
    INVARIANT(at < heap->count && heap->items[at] == node);
    heap->count--;
    struct heap_node *moved = heap->items[heap->count];
    node->place = 0;
    if (moved == node)
        return;
    heap_set(heap, at, moved);
    heap_update(heap, moved);
}

void heap_update(struct heap *heap, struct heap_node *node)
{
    uint32_t at = node->place - 1;
    if (at > 0 && heap->less(node, heap->items[(at - 1) / HEAP_WIDTH]))
        heap_up(heap, at);
    else
        heap_down(heap, at);
}
