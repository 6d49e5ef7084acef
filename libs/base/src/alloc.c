#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    INVARIANT(p != NULL);
    return p;
}

void *xrealloc(void *ptr, size_t count, size_t size)
{
    size_t bytes = 0;
    bool has_overflowed = __builtin_mul_overflow(count, size, &bytes);
    INVARIANT(!has_overflowed);
    void *p = realloc(ptr, bytes == 0 ? 1 : bytes);
    INVARIANT(p != NULL);
    return p;
}

char *xstrdup(const char *text)
{
    return text == NULL ? NULL : xstr_dup(str_from(text));
}

char *xstr_dup(struct str text)
{
    char *copy = xcalloc(text.len + 1, 1);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}
