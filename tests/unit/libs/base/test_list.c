#include "base/list.h"

#include "testing.h"

struct item {
    char name;
    struct list_node node;
};

static void spell(const struct list *list, char *out)
{
    for (struct list_node *at = list_first(list); at != NULL; at = list_next(list, at))
        *out++ = LIST_ENTRY(at, struct item, node)->name;
    *out = '\0';
}

static void nodes_keep_their_order(void)
{
    char text[8];
    struct list list;
    struct item a = {.name = 'a'};
    struct item b = {.name = 'b'};
    struct item c = {.name = 'c'};
    struct item d = {.name = 'd'};
    list_init(&list);
    CHECK(list_is_empty(&list));
    CHECK(list_first(&list) == NULL);
    list_append(&list, &b.node);
    list_append(&list, &d.node);
    list_prepend(&list, &a.node);
    list_insert_before(&d.node, &c.node);
    spell(&list, text);
    CHECK_TEXT(text, "abcd");
    CHECK(list_is_linked(&c.node));
    list_remove(&c.node);
    CHECK(!list_is_linked(&c.node));
    list_remove(&c.node); /* not linked: left alone */
    spell(&list, text);
    CHECK_TEXT(text, "abd");
    list_remove(&a.node);
    list_remove(&d.node);
    list_remove(&b.node);
    CHECK(list_is_empty(&list));
    list_append(&list, &c.node); /* a removed node can be linked again */
    spell(&list, text);
    CHECK_TEXT(text, "c");
}

static const struct test_case cases[] = {
    {"nodes keep their order", nodes_keep_their_order},
};

int main(int argc, char **argv)
{
    return testing_main("list", cases, ARRAY_LEN(cases), argc, argv);
}
