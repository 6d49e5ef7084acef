/*
 * The text is a cursor from outside: what is taken gives the same cursor content again. And it is
 * the last key of a page: the cursor made of it leads back to it, for this list and no other. And
 * it is an ordering, or the key of a row in an ordered list, which comes out as it went in.
 */
#include <string.h>

#include "base/macros.h"
#include "fuzz.h"
#include "svc/order.h"
#include "svc/page.h"

enum { ARENA_BYTES = 1 << 20, KEY_MAX_BYTES = 300 };

static void key_run(struct arena *arena, const char *key)
{
    struct err err = {0};
    struct page page;
    char *cursor = page_cursor(arena, "tq", key);
    INVARIANT(cursor != NULL);
    enum err_code code = page_from(arena, "tq", 0, cursor, &page, &err);
    INVARIANT(code == ERR_OK && strcmp(page.after, key) == 0);
    INVARIANT(page.size == PAGE_SIZE_DEFAULT);
    code = page_from(arena, "tc", 0, cursor, &page, &err);
    INVARIANT(code == ERR_INVALID_ARGUMENT);
}

static void order_run(struct arena *arena, const char *text)
{
    static const char *const names[] = {"DateCreated", "Priority", "VirtualStartTime"};
    struct err err = {0};
    struct order order;
    if (order_parse(text, "ta", names, ARRAY_LEN(names), &order, &err) == ERR_OK) {
        INVARIANT(order.count <= ARRAY_LEN(names));
        INVARIANT(strlen(order.tag) == 2 + 2 * order.count);
    } else {
        INVARIANT(err.code == ERR_INVALID_ARGUMENT && strcmp(err.field, "ordering") == 0);
    }
    for (size_t count = 0; count <= 3; count++) {
        int64_t numbers[3];
        int64_t again[3];
        const char *sid = NULL;
        if (!order_key_read(text, numbers, count, &sid))
            continue;
        char *key = order_key(arena, numbers, count, sid);
        INVARIANT(key != NULL && order_key_read(key, again, count, &sid));
        INVARIANT(count == 0 || memcmp(numbers, again, count * sizeof *numbers) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct page page;
    struct str text = {(const char *)data, size};
    if (size > 4096 || (size > 0 && memchr(data, '\0', size) != NULL))
        return 0; /* cursors come as C strings */
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    const char *cursor = arena_str_dup(arena, text);
    if (page_from(arena, "tq", 5000, cursor, &page, &err) == ERR_OK) {
        INVARIANT(page.size == PAGE_SIZE_MAX);
        INVARIANT(str_is_utf8(str_from(page.after)));
        if (page.after[0] != '\0')
            key_run(arena, page.after);
    } else {
        INVARIANT(err.code == ERR_INVALID_ARGUMENT && strcmp(err.field, "cursor") == 0);
    }
    order_run(arena, cursor);
    if (size > 0 && size <= KEY_MAX_BYTES && str_is_utf8(text))
        key_run(arena, cursor);
    return 0;
}
