#include "line.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"

enum { WIDTH = 4, FIRST_CAPACITY = 4 };

/* What prev says of a node in the heap; never written. */
static struct line_node heap_mark;

static void item_set(struct line *line, uint32_t at, struct line_item item)
{
    line->items[at] = item;
    item.node->place = at;
}

static bool item_goes_first(const struct line *line, struct line_item a, struct line_item b)
{
    if (a.key != b.key)
        return a.key < b.key;
    return line->less(a.node, b.node);
}

static void item_up(struct line *line, uint32_t at, struct line_item item)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / WIDTH;
        if (!item_goes_first(line, item, line->items[parent]))
            break;
        item_set(line, at, line->items[parent]);
        at = parent;
    }
    item_set(line, at, item);
}

static void item_down(struct line *line, uint32_t at, struct line_item item)
{
    for (;;) {
        uint32_t first = at * WIDTH + 1;
        if (first >= line->item_count)
            break;
        uint32_t end = first + WIDTH < line->item_count ? first + WIDTH : line->item_count;
        uint32_t best = first;
        for (uint32_t i = first + 1; i < end; i++) {
            if (item_goes_first(line, line->items[i], line->items[best]))
                best = i;
        }
        if (!item_goes_first(line, line->items[best], item))
            break;
        item_set(line, at, line->items[best]);
        at = best;
    }
    item_set(line, at, item);
}

static void item_move(struct line *line, uint32_t at, struct line_item item)
{
    if (at > 0 && item_goes_first(line, item, line->items[(at - 1) / WIDTH]))
        item_up(line, at, item);
    else
        item_down(line, at, item);
}

void line_init(struct line *line, line_less_fn less)
{
    *line = (struct line){.less = less};
    line->head.prev = &line->head;
    line->head.next = &line->head;
}

void line_fini(struct line *line)
{
    free(line->items);
    *line = (struct line){0};
}

void line_insert(struct line *line, struct line_node *node, int64_t key)
{
    INVARIANT(node->prev == NULL);
    struct line_node *last = line->head.prev;
    line->count++;
    if (last == &line->head || line->less(last, node)) {
        node->prev = last;
        node->next = &line->head;
        last->next = node;
        line->head.prev = node;
        return;
    }
    if (line->item_count == line->capacity) {
        line->capacity = line->capacity == 0 ? FIRST_CAPACITY : line->capacity * 2;
        line->items = xrealloc(line->items, line->capacity, sizeof *line->items);
    }
    node->prev = &heap_mark;
    line->item_count++;
    item_up(line, line->item_count - 1, (struct line_item){key, node});
}

void line_remove(struct line *line, struct line_node *node)
{
    if (node->prev == NULL)
        return;
    line->count--;
    if (node->prev != &heap_mark) {
        node->prev->next = node->next;
        node->next->prev = node->prev;
    } else {
        uint32_t at = (uint32_t)node->place;
        INVARIANT(at < line->item_count && line->items[at].node == node);
        line->item_count--;
        if (at < line->item_count)
            item_move(line, at, line->items[line->item_count]);
    }
    *node = (struct line_node){0};
}

void line_update(struct line *line, struct line_node *node, int64_t key)
{
    line_remove(line, node);
    line_insert(line, node, key);
}

struct line_node *line_first(const struct line *line)
{
    if (line->count == 0)
        return NULL;
    struct line_node *first = line->head.next;
    if (line->item_count == 0)
        return first;
    struct line_node *top = line->items[0].node;
    return first == &line->head || line->less(top, first) ? top : first;
}

static struct line_node *earlier(const struct line *line, struct line_node *a, struct line_node *b)
{
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    return line->less(a, b) ? a : b;
}

struct line_node *line_second(const struct line *line)
{
    struct line_node *first = line_first(line);
    struct line_node *best = NULL;
    if (line->count < 2)
        return NULL;
    struct line_node *in_list = line->head.next;
    if (in_list == first)
        in_list = in_list->next;
    if (in_list != &line->head)
        best = in_list;
    bool is_top = line->item_count > 0 && line->items[0].node == first;
    uint32_t end = is_top ? WIDTH + 1 : 1; /* the heap's first, or those right behind it */
    for (uint32_t i = is_top ? 1 : 0; i < end && i < line->item_count; i++)
        best = earlier(line, best, line->items[i].node);
    return best;
}

/* What is behind an element that comes later comes later too. As deep as the heap: 16 at most. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static size_t count_below(const struct line *line, uint32_t at, const struct line_node *node,
                          size_t *budget)
{
    if (at >= line->item_count || *budget == 0)
        return 0;
    --*budget;
    if (line->items[at].node == node || !line->less(line->items[at].node, node))
        return 0;
    size_t count = 1;
    for (uint32_t i = 1; i <= WIDTH; i++)
        count += count_below(line, at * WIDTH + i, node, budget);
    return count;
}

size_t line_count_before(const struct line *line, const struct line_node *node, size_t *budget)
{
    size_t count = count_below(line, 0, node, budget);
    for (const struct line_node *at = line->head.next; at != &line->head && *budget > 0;
         at = at->next) {
        --*budget;
        if (at == node || !line->less(at, node))
            break;
        count++;
    }
    return count;
}

struct line_node *line_any(const struct line *line)
{
    if (line->count == 0)
        return NULL;
    return line->item_count > 0 ? line->items[line->item_count - 1].node : line->head.next;
}
