#include "tree.h"

#include "base/macros.h"

void tree_init(struct tree *tree, tree_less_fn less)
{
    *tree = (struct tree){.less = less};
}

static uint32_t next_rank(struct tree *tree)
{
    uint32_t x = ++tree->made * UINT32_C(0x9E3779B9);
    x = (x ^ x >> 16) * UINT32_C(0x85EBCA6B);
    x = (x ^ x >> 13) * UINT32_C(0xC2B2AE35);
    x ^= x >> 16;
    return x == 0 ? 1 : x;
}

static void sum_up(struct tree_node *node)
{
    double least = node->value;
    if (node->left != NULL && node->left->least < least)
        least = node->left->least;
    if (node->right != NULL && node->right->least < least)
        least = node->right->least;
    node->least = least;
}

/* Puts `with` (or nothing) where `node` hangs. */
static void replace(struct tree *tree, const struct tree_node *node, struct tree_node *with)
{
    if (node->parent == NULL)
        tree->root = with;
    else if (node->parent->left == node)
        node->parent->left = with;
    else
        node->parent->right = with;
    if (with != NULL)
        with->parent = node->parent;
}

/* The child takes its parent's place. */
static void rotate_up(struct tree *tree, struct tree_node *child)
{
    struct tree_node *parent = child->parent;
    replace(tree, parent, child);
    if (parent->left == child) {
        parent->left = child->right;
        if (child->right != NULL)
            child->right->parent = parent;
        child->right = parent;
    } else {
        parent->right = child->left;
        if (child->left != NULL)
            child->left->parent = parent;
        child->left = parent;
    }
    parent->parent = child;
    sum_up(parent);
    sum_up(child);
}

static bool goes_first(const struct tree *tree, const struct tree_node *a,
                       const struct tree_node *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return tree->less(a, b);
}

void tree_insert(struct tree *tree, struct tree_node *node, int64_t key, double value)
{
    INVARIANT(node->rank == 0);
    *node = (struct tree_node){.key = key, .value = value, .least = value, .rank = next_rank(tree)};
    struct tree_node *parent = NULL;
    struct tree_node **link = &tree->root;
    while (*link != NULL) {
        parent = *link;
        if (value < parent->least)
            parent->least = value;
        link = goes_first(tree, node, parent) ? &parent->left : &parent->right;
    }
    *link = node;
    node->parent = parent;
    tree->count++;
    while (node->parent != NULL && node->parent->rank < node->rank)
        rotate_up(tree, node);
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    if (node->rank == 0)
        return;
    while (node->left != NULL && node->right != NULL)
        rotate_up(tree, node->left->rank > node->right->rank ? node->left : node->right);
    struct tree_node *parent = node->parent;
    replace(tree, node, node->left != NULL ? node->left : node->right);
    for (; parent != NULL; parent = parent->parent)
        sum_up(parent);
    tree->count--;
    *node = (struct tree_node){0};
}

static struct tree_node *first_below(struct tree_node *node, double limit)
{
    if (node == NULL || node->least > limit)
        return NULL;
    for (;;) {
        if (node->left != NULL && node->left->least <= limit)
            node = node->left;
        else if (node->value <= limit)
            return node;
        else
            node = node->right; /* the least is somewhere */
    }
}

struct tree_node *tree_first(const struct tree *tree, double limit)
{
    return first_below(tree->root, limit);
}

struct tree_node *tree_next(const struct tree_node *node, double limit)
{
    struct tree_node *next = first_below(node->right, limit);
    while (next == NULL && node->parent != NULL) {
        const struct tree_node *child = node;
        node = node->parent;
        if (node->right == child)
            continue;
        if (node->value <= limit)
            return child->parent;
        next = first_below(node->right, limit);
    }
    return next;
}
