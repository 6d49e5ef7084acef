#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { DEFAULT_MAX_BYTES = 64 << 20, FIRST_CAPACITY = 256 };

void buf_init(struct buf *buf, size_t max_bytes)
{
    *buf = (struct buf){.max_bytes = max_bytes == 0 ? DEFAULT_MAX_BYTES : max_bytes};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    size_t max_bytes = buf->max_bytes;
    *buf = (struct buf){.max_bytes = max_bytes};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->has_failed = false;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

bool buf_failed(const struct buf *buf)
{
    return buf->has_failed;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data, buf->len};
}

/* Room without asking: the common case, kept small. */
static bool has_room(const struct buf *buf, size_t extra)
{
    return !buf->has_failed && extra < buf->capacity && buf->len < buf->capacity - extra &&
           buf->capacity <= buf->max_bytes;
}

bool buf_reserve(struct buf *buf, size_t extra)
{
    if (buf->max_bytes == 0)
        buf->max_bytes = DEFAULT_MAX_BYTES;
    if (buf->has_failed || extra > buf->max_bytes || buf->len > buf->max_bytes - extra) {
        buf->has_failed = true;
        return false;
    }
    size_t needed = buf->len + extra + 1;
    if (needed <= buf->capacity)
        return true;
    size_t capacity = buf->capacity == 0 ? FIRST_CAPACITY : buf->capacity;
    while (capacity < needed)
        capacity *= 2;
    buf->data = xrealloc(buf->data, capacity, 1);
    buf->capacity = capacity;
    return true;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (!has_room(buf, len) && !buf_reserve(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_str_append(struct buf *buf, struct str text)
{
    buf_append(buf, text.ptr, text.len);
}

void buf_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
    if (!has_room(buf, 1) && !buf_reserve(buf, 1))
        return;
    buf->data[buf->len++] = c;
    buf->data[buf->len] = '\0';
}

void buf_i64(struct buf *buf, int64_t value)
{
    if (value < 0)
        buf_char(buf, '-');
    buf_u64(buf, value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value);
}

void buf_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_append(buf, digits + at, sizeof digits - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || !buf_reserve(buf, (size_t)len)) {
        buf->has_failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

char *buf_take(struct buf *buf)
{
    if (buf->has_failed)
        return NULL;
    char *data = buf->data;
    size_t max_bytes = buf->max_bytes;
    *buf = (struct buf){.max_bytes = max_bytes};
    return data;
}
