/*
 * A priority queue for what mostly comes in order: timers of one length, tasks by age, workers by
 * their last offer. Whoever belongs behind the last one is appended to a list; the others go to an
 * indexed 4-ary heap beside it. So joining, leaving and being first cost no more than a list does
 * as long as things come in order, and O(log n) otherwise. The caller's function is a total order
 * (end it with something unique), then the order is the same on every run. The key is a number that
 * is never greater for who goes before; it saves looking at elements in the heap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_node {
    struct line_node *prev; /* NULL: in no line; the mark: in the heap */
    union {
        struct line_node *next;
        uintptr_t place; /* in the heap */
    };
};

/* The element around a node that may not be changed. */
#define LINE_ENTRY(node, type, member)                                                             \
    ((const type *)(const void *)((const char *)(node)-offsetof(type, member)))

typedef bool (*line_less_fn)(const struct line_node *a, const struct line_node *b);

struct line_item {
    int64_t key; /* smallest first */
    struct line_node *node;
};

struct line {
    struct line_node head; /* of the list; a ring. The line must not be moved in memory. */
    struct line_item *items;
    line_less_fn less;
    uint32_t item_count;
    uint32_t capacity;
    uint32_t count; /* list and heap */
};

void line_init(struct line *line, line_less_fn less);
void line_fini(struct line *line);

void line_insert(struct line *line, struct line_node *node, int64_t key);
void line_remove(struct line *line, struct line_node *node); /* not in it: left alone */
void line_update(struct line *line, struct line_node *node, int64_t key); /* its order changed */

/* NULL when it is empty. */
struct line_node *line_first(const struct line *line);

/* The one after the first; NULL when there is none. */
struct line_node *line_second(const struct line *line);

/*
 * How many elements go before a node, which need not be in the line. Looks at no more than *budget
 * elements and takes them off; with 0 left the count is only a lower bound.
 */
size_t line_count_before(const struct line *line, const struct line_node *node, size_t *budget);

/* Any one of them, for taking all out: in no order, but in the same one on every run. */
struct line_node *line_any(const struct line *line);

static inline bool line_has(const struct line_node *node)
{
    return node->prev != NULL;
}
