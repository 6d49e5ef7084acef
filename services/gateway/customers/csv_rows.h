/*
 * CSV as people export it (RFC 4180 and what spreadsheets make of it), by libcsv: quotes, line
 * breaks within them, a byte order mark; comma, semicolon or tab, whichever the header line has
 * first. Refuses what is malformed, saying where. Knows no columns.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { CSV_COLUMNS_MAX = 64, CSV_ROWS_MAX = 10000, CSV_FIELD_BYTES_MAX = 8 << 10 };

struct csv_row {
    const struct str *fields; /* in the arena, NUL-terminated, trimmed */
    size_t count;
    int64_t line; /* on which it begins, from 1 */
};

/* For each row, the header too. What it returns ends the reading. */
typedef enum err_code csv_row_fn(void *ctx, const struct csv_row *row, struct err *err);

/* Errors: INVALID_ARGUMENT CSV_INVALID naming the line; RESOURCE_EXHAUSTED; fn's. */
enum err_code csv_read(struct str text, struct arena *arena, csv_row_fn *fn, void *ctx,
                       struct err *err) MUST_CHECK;
