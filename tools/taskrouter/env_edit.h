/* A .env file whose other lines stay as they are. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct env_line {
    const char *key;
    const char *value; /* without quotes, blanks or '#' */
};

/* Appends the text with the lines in it: where a key has a line, that line's value is replaced (the
 * last line, which is the one that counts; others of the key are taken out); else a line is added.
 */
void env_edit_text(struct str text, const struct env_line *lines, size_t count, struct buf *out);

/* The file, replaced in one step; made, readable by its owner alone, where it is not there.
 * Errors: FAILED_PRECONDITION. */
enum err_code env_edit_file(const char *path, const struct env_line *lines, size_t count,
                            struct err *err) MUST_CHECK;
