/* The files of tzdata (RFC 9636, "TZif"), as a list of the moments at which a zone's offset
 * changes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    TZIF_BYTES_MAX = 64 << 10,
    TZIF_CHANGES_MAX = 4096,
    TZIF_YEAR_FIRST = 1970,
    TZIF_YEAR_END = 2200,      /* the first that is not covered */
    TZIF_OFFSET_MAX_S = 93599, /* 25:59:59, as the format has it */
};

struct tzif_changes {
    int64_t *at_s;     /* since 1970 UTC, ascending; the first is INT64_MIN */
    int32_t *offset_s; /* from then on, east of UTC */
    size_t count;      /* 1 or more */
};

/* Reads a file's bytes. False when they are none of such a file; nothing to free then. */
bool tzif_parse(struct str bytes, struct tzif_changes *out);
void tzif_changes_fini(struct tzif_changes *changes);

/* Appends unless the offset stays as it is, or the list is full. */
void tzif_changes_add(struct tzif_changes *changes, int64_t at_s, int32_t offset_s);
