/*
 * An ordered tree whose elements also carry a number, for asking "the first, in order, whose number
 * is at most this": each node knows the least number below it, so whole branches are passed over. A
 * treap: its shape comes from a counter of its own, never from addresses. Keys are compared first,
 * the caller's function (a total order together with the key) decides between equal ones.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    struct tree_node *left;
    struct tree_node *right;
    struct tree_node *parent;
    int64_t key;
    double value;
    double least;  /* of the values from here down */
    uint32_t rank; /* 0 = in no tree; a parent's is not below its children's */
};

typedef bool (*tree_less_fn)(const struct tree_node *a, const struct tree_node *b);

struct tree {
    struct tree_node *root;
    tree_less_fn less;
    uint32_t count;
    uint32_t made; /* for ranks */
};

/* The element around a node that may not be changed. */
#define TREE_ENTRY(node, type, member)                                                             \
    ((const type *)(const void *)((const char *)(node)-offsetof(type, member)))

void tree_init(struct tree *tree, tree_less_fn less);

void tree_insert(struct tree *tree, struct tree_node *node, int64_t key, double value);
void tree_remove(struct tree *tree, struct tree_node *node); /* not in it: left alone */

/* In order, those whose value is at most the limit; NULL at the end. */
struct tree_node *tree_first(const struct tree *tree, double limit);
struct tree_node *tree_next(const struct tree_node *node, double limit);

static inline bool tree_has(const struct tree_node *node)
{
    return node->rank != 0;
}
