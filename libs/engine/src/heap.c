#include "heap.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"

enum { HEAP_WIDTH = 4, HEAP_FIRST_CAPACITY = 8 };

static void heap_set(struct heap *heap, uint32_t at, struct heap_item item)
{
    heap->items[at] = item;
    item.node->place = at + 1;
}

static bool heap_goes_first(const struct heap *heap, struct heap_item a, struct heap_item b)
{
    if (a.key != b.key)
        return a.key < b.key;
    return heap->less(a.node, b.node);
}

static void heap_up(struct heap *heap, uint32_t at, struct heap_item item)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / HEAP_WIDTH;
        if (!heap_goes_first(heap, item, heap->items[parent]))
            break;
        heap_set(heap, at, heap->items[parent]);
        at = parent;
    }
    heap_set(heap, at, item);
}

static void heap_down(struct heap *heap, uint32_t at, struct heap_item item)
{
    for (;;) {
        uint32_t first = at * HEAP_WIDTH + 1;
        if (first >= heap->count)
            break;
        uint32_t end = first + HEAP_WIDTH < heap->count ? first + HEAP_WIDTH : heap->count;
        uint32_t best = first;
        for (uint32_t i = first + 1; i < end; i++) {
            if (heap_goes_first(heap, heap->items[i], heap->items[best]))
                best = i;
        }
        if (!heap_goes_first(heap, heap->items[best], item))
            break;
        heap_set(heap, at, heap->items[best]);
        at = best;
    }
    heap_set(heap, at, item);
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

void heap_insert(struct heap *heap, struct heap_node *node, int64_t key)
{
    INVARIANT(node->place == 0);
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? HEAP_FIRST_CAPACITY : heap->capacity * 2;
        heap->items = xrealloc(heap->items, heap->capacity, sizeof *heap->items);
    }
    heap->count++;
    heap_up(heap, heap->count - 1, (struct heap_item){key, node});
}

static void heap_move(struct heap *heap, uint32_t at, struct heap_item item)
{
    if (at > 0 && heap_goes_first(heap, item, heap->items[(at - 1) / HEAP_WIDTH]))
        heap_up(heap, at, item);
    else
        heap_down(heap, at, item);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0)
        return;
    uint32_t at = node->place - 1;
    INVARIANT(at < heap->count && heap->items[at].node == node);
    heap->count--;
    node->place = 0;
    if (at < heap->count)
        heap_move(heap, at, heap->items[heap->count]);
}

void heap_update(struct heap *heap, struct heap_node *node, int64_t key)
{
    heap_move(heap, node->place - 1, (struct heap_item){key, node});
}
