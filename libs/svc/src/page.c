#include "svc/page.h"

#include <string.h>

#include "base/buf.h"
#include "base/call.h"
#include "base/str.h"
#include "crypt/crypt.h"

enum { CURSOR_MAX_BYTES = 512 };

static enum err_code bad_cursor(struct err *err)
{
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                     "cursor is not one that this list gave out; begin again without it");
}

enum err_code page_from(struct arena *arena, const char *tag, int32_t size, const char *cursor,
                        struct page *out, struct err *err)
{
    if (size < 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "page_size",
                         "page_size is %d; it must be 1 to %d", (int)size, PAGE_SIZE_MAX);
    struct page page = {.size = size == 0 ? PAGE_SIZE_DEFAULT : size, .after = ""};
    if (page.size > PAGE_SIZE_MAX)
        page.size = PAGE_SIZE_MAX;
    if (cursor != NULL && cursor[0] != '\0') {
        struct buf text;
        buf_init(&text, CURSOR_MAX_BYTES);
        bool is_ours = crypt_base64url_decode(str_from(cursor), &text, NULL) == ERR_OK;
        struct str rest = buf_str(&text);
        is_ours = is_ours && str_eq_text(str_split(&rest, ':'), tag) && rest.len > 0 &&
                  str_is_utf8(rest) && memchr(rest.ptr, '\0', rest.len) == NULL;
        page.after = is_ours ? arena_str_dup(arena, rest) : NULL;
        buf_fini(&text);
        if (!is_ours)
            return bad_cursor(err);
        if (page.after == NULL)
            return call_no_room(err);
    }
    *out = page;
    return ERR_OK;
}

char *page_cursor(struct arena *arena, const char *tag, const char *last_key)
{
    char *plain = arena_printf(arena, "%s:%s", tag, last_key);
    if (plain == NULL)
        return NULL;
    struct buf text;
    buf_init(&text, 0);
    crypt_base64url(&text, plain, strlen(plain));
    char *cursor = arena_str_dup(arena, buf_str(&text));
    buf_fini(&text);
    return cursor;
}
