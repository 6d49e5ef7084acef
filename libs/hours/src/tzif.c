#include "tzif.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "hours/zone.h"
#include "posix_rule.h"

enum {
    HEADER_BYTES = 44,
    COUNTS_AT = 20,
    TYPE_BYTES = 6,
    TYPES_MAX = 256,
    DAY_S = 86400,
};

struct header {
    uint32_t ut_count;
    uint32_t standard_count;
    uint32_t leap_count;
    uint32_t time_count;
    uint32_t type_count;
    uint32_t char_count;
};

static uint32_t be32(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t be64(const char *at)
{
    return (int64_t)((uint64_t)be32(at) << 32 | be32(at + 4));
}

static bool take(struct str *rest, size_t bytes, const char **out)
{
    if (rest->len < bytes)
        return false;
    *out = rest->ptr;
    rest->ptr += bytes;
    rest->len -= bytes;
    return true;
}

static bool take_header(struct str *rest, struct header *out)
{
    const char *at = NULL;
    if (!take(rest, HEADER_BYTES, &at) || memcmp(at, "TZif", 4) != 0 || at[4] < '2')
        return false;
    at += COUNTS_AT;
    *out = (struct header){be32(at),      be32(at + 4),  be32(at + 8),
                           be32(at + 12), be32(at + 16), be32(at + 20)};
    return out->ut_count <= TYPES_MAX && out->standard_count <= TYPES_MAX &&
           out->leap_count <= TZIF_BYTES_MAX && out->time_count <= TZIF_CHANGES_MAX / 2 &&
           out->type_count >= 1 && out->type_count <= TYPES_MAX &&
           out->char_count <= TZIF_BYTES_MAX;
}

/* Of the times, with the indexes of types behind them; the rest of the block is skipped. */
struct block {
    const char *times;
    const char *indexes;
    const char *types;
};

static bool take_block(struct str *rest, const struct header *header, size_t time_bytes,
                       struct block *out)
{
    const char *tail = NULL;
    return take(rest, header->time_count * time_bytes, &out->times) &&
           take(rest, header->time_count, &out->indexes) &&
           take(rest, (size_t)header->type_count * TYPE_BYTES, &out->types) &&
           take(rest,
                header->char_count + (size_t)header->leap_count * (time_bytes + 4) +
                    header->standard_count + header->ut_count,
                &tail);
}

static bool offset_of(const struct block *block, const struct header *header, uint32_t type,
                      int32_t *out)
{
    if (type >= header->type_count)
        return false;
    int64_t offset_s = (int32_t)be32(block->types + (size_t)type * TYPE_BYTES);
    if (offset_s < -TZIF_OFFSET_MAX_S || offset_s > TZIF_OFFSET_MAX_S)
        return false;
    *out = (int32_t)offset_s;
    return true;
}

void tzif_changes_add(struct tzif_changes *changes, int64_t at_s, int32_t offset_s)
{
    size_t last = changes->count - 1;
    if (changes->at_s[last] == at_s && last > 0) { /* the later word counts */
        changes->count--;
        last--;
    }
    if (changes->offset_s[last] == offset_s || changes->count == TZIF_CHANGES_MAX)
        return;
    changes->at_s[changes->count] = at_s;
    changes->offset_s[changes->count] = offset_s;
    changes->count++;
}

/* Those of the listed moments that lie in our years; what was before them is the first offset. */
static bool read_changes(const struct block *block, const struct header *header,
                         struct tzif_changes *changes, int64_t *out_last_s)
{
    const int64_t first_s = 0;
    const int64_t end_s = (int64_t)hours_date(TZIF_YEAR_END, 1, 1) * DAY_S;
    int64_t before_s = INT64_MIN;
    changes->at_s[0] = INT64_MIN;
    changes->count = 1;
    if (!offset_of(block, header, 0, &changes->offset_s[0]))
        return false;
    *out_last_s = first_s;
    for (uint32_t i = 0; i < header->time_count; i++) {
        int64_t at_s = be64(block->times + (size_t)i * 8);
        int32_t offset_s = 0;
        if ((i > 0 && at_s <= before_s) ||
            !offset_of(block, header, (unsigned char)block->indexes[i], &offset_s))
            return false;
        before_s = at_s;
        if (at_s <= first_s)
            changes->offset_s[0] = offset_s;
        else if (at_s < end_s)
            tzif_changes_add(changes, at_s, offset_s);
        if (at_s > *out_last_s)
            *out_last_s = at_s;
    }
    return true;
}

static void shrink(struct tzif_changes *changes)
{
    changes->at_s = xrealloc(changes->at_s, changes->count, sizeof *changes->at_s);
    changes->offset_s = xrealloc(changes->offset_s, changes->count, sizeof *changes->offset_s);
}

bool tzif_parse(struct str bytes, struct tzif_changes *out)
{
    struct header header;
    struct block block;
    const char *newline = NULL;
    if (bytes.len > TZIF_BYTES_MAX || !take_header(&bytes, &header) ||
        !take_block(&bytes, &header, 4, &block) || !take_header(&bytes, &header) ||
        !take_block(&bytes, &header, 8, &block) || !take(&bytes, 1, &newline) || *newline != '\n')
        return false;
    struct str footer = str_split(&bytes, '\n');
    if (bytes.ptr == NULL)
        return false;
    struct tzif_changes changes = {
        .at_s = xcalloc(TZIF_CHANGES_MAX, sizeof *changes.at_s),
        .offset_s = xcalloc(TZIF_CHANGES_MAX, sizeof *changes.offset_s),
    };
    int64_t last_s = 0;
    if (!read_changes(&block, &header, &changes, &last_s) ||
        (footer.len > 0 && !posix_rule_extend(footer, last_s, &changes))) {
        tzif_changes_fini(&changes);
        return false;
    }
    shrink(&changes);
    *out = changes;
    return true;
}

void tzif_changes_fini(struct tzif_changes *changes)
{
    free(changes->at_s);
    free(changes->offset_s);
    *changes = (struct tzif_changes){.count = 0};
}
