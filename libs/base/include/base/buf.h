/*
 * A growing byte buffer with a limit. Fails stickily: append freely, check buf_failed once.
 * The bytes are always NUL-terminated behind the length, so buf.data is a C string.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/str.h"

struct buf {
    char *data;       /* NULL until the first append */
    size_t len;       /* bytes, without the NUL */
    size_t capacity;  /* bytes allocated */
    size_t max_bytes; /* limit on len; appending past it sets failed */
    bool has_failed;
};

/* max_bytes 0 means 64 MiB. */
void buf_init(struct buf *buf, size_t max_bytes);
void buf_fini(struct buf *buf); /* frees; the struct may be used again after buf_init */

/* Empties without freeing and forgets a failure. */
void buf_clear(struct buf *buf);

bool buf_failed(const struct buf *buf);
struct str buf_str(const struct buf *buf); /* valid until the next append */

void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_str_append(struct buf *buf, struct str text);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_i64(struct buf *buf, int64_t value);
void buf_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Makes room for extra bytes; false when that passes the limit. */
bool buf_reserve(struct buf *buf, size_t extra);

/* The heap block (NUL-terminated), now the caller's to free(); the buffer is empty afterwards.
 * NULL when the buffer failed or nothing was appended. */
char *buf_take(struct buf *buf);
