/*
 * The text is a cursor from outside: what is taken gives the same cursor content again. And it is
 * the last key of a page: the cursor made of it leads back to it, for this list and no other.
 */
#include <string.h>

#include "base/macros.h"
#include "fuzz.h"
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
    if (size > 0 && size <= KEY_MAX_BYTES && str_is_utf8(text))
        key_run(arena, cursor);
    return 0;
}
