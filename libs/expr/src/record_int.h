/* How records lie in memory, for the evaluator's inner loop. */
#pragma once

#include <string.h>

#include "base/hash.h"
#include "expr/record.h"

/* Where an entry hangs; eight bytes, so that a plain name is compared at once. */
struct entry_place {
    uint16_t key_len;
    uint16_t parent;  /* entry index */
    bool is_element;  /* of an array */
    bool is_dead;     /* a later duplicate of its key won */
    uint16_t padding; /* zero */
};

/* One JSON value with its place in the document. Entry 0 is the root object. */
struct entry {
    struct expr_value value; /* first: a pointer to the value is a pointer to its entry */
    uint32_t path_hash;      /* of all keys from the root */
    uint32_t key_off;        /* into the text; for array elements their index */
    struct entry_place place;
};

struct expr_field {
    char *name;
    uint32_t len;
    uint32_t hash; /* as a path's */
    uint64_t bit;  /* see path_bit */
};

struct field_value {
    const struct expr_field *field;
    struct expr_value value;
    char *text;      /* own heap block of a text; kept when the kind changes; NULL = none yet */
    size_t capacity; /* of that block */
};

struct expr_record {
    const char *text;            /* the JSON, a NUL, then texts that had escapes, decoded */
    const struct entry *entries; /* parents before children */
    const uint16_t *slots;       /* open addressing by path hash; 0 = free */
    uint32_t slot_mask;
    uint32_t json_len;
    uint64_t field_bits; /* of the fields set, so that most look-ups skip them */
    struct field_value *fields;
    uint32_t field_count;
    uint32_t field_capacity;
    size_t bytes;
};

/* One step of a name. */
struct path_part {
    struct str name; /* empty for an index */
    uint32_t index;
    bool is_index;
};

struct path {
    struct path_part *parts; /* own */
    uint32_t part_count;
    uint32_t hash;
    uint64_t bit;
    struct str name;          /* canonical text without the root */
    bool is_plain;            /* one key: the name is the key */
    struct entry_place place; /* what a plain name's entry must say */
    size_t column;
    unsigned slot; /* enum expr_slot */
};

#define PATH_HASH_ROOT UINT32_C(0x9747B28C)

static inline uint32_t text_hash(struct str text)
{
    return (uint32_t)(hash_quick(text.ptr, text.len) >> 16);
}

static inline uint32_t path_hash_step(uint32_t parent, uint32_t step)
{
    uint64_t mixed = ((uint64_t)parent << 32 | step) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 29);
}

static inline uint32_t path_hash_index(uint32_t parent, uint32_t index)
{
    return path_hash_step(parent, ~index);
}

/* One of 64 bits for the first step of a name. */
static inline uint64_t path_bit(struct str first)
{
    return UINT64_C(1) << (text_hash(first) & 63);
}

/* memcmp() == 0 without the call: names and words are short. */
static inline bool is_same_bytes(const char *a, const char *b, size_t len)
{
    uint64_t x = 0;
    uint64_t y = 0;
    if (len > 16)
        return memcmp(a, b, len) == 0;
    if (len >= 8) {
        uint64_t p = 0;
        uint64_t q = 0;
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        memcpy(&p, a + len - 8, 8);
        memcpy(&q, b + len - 8, 8);
        return ((x ^ y) | (p ^ q)) == 0;
    }
    if (len >= 4) {
        uint32_t p[2];
        uint32_t q[2];
        memcpy(&p[0], a, 4);
        memcpy(&p[1], a + len - 4, 4);
        memcpy(&q[0], b, 4);
        memcpy(&q[1], b + len - 4, 4);
        return ((p[0] ^ q[0]) | (p[1] ^ q[1])) == 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

static inline bool entry_is_at(const struct expr_record *record, const struct entry *entry,
                               const struct path *path)
{
    if (path->is_plain)
        return memcmp(&entry->place, &path->place, sizeof path->place) == 0 &&
               is_same_bytes(record->text + entry->key_off, path->name.ptr, path->name.len);
    for (uint32_t i = path->part_count; i-- > 0;) {
        const struct path_part *part = &path->parts[i];
        if (entry->place.is_dead || entry->place.is_element != part->is_index ||
            entry == record->entries)
            return false;
        if (part->is_index) {
            if (entry->key_off != part->index)
                return false;
        } else if (entry->place.key_len != part->name.len ||
                   !is_same_bytes(record->text + entry->key_off, part->name.ptr, part->name.len)) {
            return false;
        }
        entry = &record->entries[entry->place.parent];
    }
    return entry == record->entries;
}

const struct expr_value *record_find_field(const struct expr_record *record,
                                           const struct path *path);

/* The value, or NULL when missing. */
static inline const struct expr_value *record_find(const struct expr_record *record,
                                                   const struct path *path)
{
    if ((record->field_bits & path->bit) != 0) {
        const struct expr_value *field = record_find_field(record, path);
        if (field != NULL)
            return field;
    }
    uint32_t at = path->hash & record->slot_mask;
    for (uint16_t index = record->slots[at]; index != 0; index = record->slots[at]) {
        const struct entry *entry = &record->entries[index];
        if (entry->path_hash == path->hash && entry_is_at(record, entry, path))
            return &entry->value;
        at = (at + 1) & record->slot_mask;
    }
    return NULL;
}

/* First element of a record's array (or its end), and the one after an element. */
static inline const struct expr_value *array_first(const struct expr_value *array)
{
    const struct entry *entry = (const struct entry *)(const void *)array;
    return &entry[1].value;
}

static inline const struct expr_value *array_next(const struct expr_value *element)
{
    if (element->kind == EXPR_KIND_ARRAY || element->kind == EXPR_KIND_OBJECT)
        return element->as.end;
    const struct entry *entry = (const struct entry *)(const void *)element;
    return &entry[1].value;
}

/* JSON pieces shared with the expression reader. */

/* Decodes one escape behind a backslash: *at is on the character after it and moves on. Returns
 * the code point, or -1 (unknown), -2 (lone surrogate). */
int32_t escape_decode(const char **at, const char *end);

/* Appends a code point as UTF-8; returns its length. */
size_t utf8_put(uint32_t point, char out[4]);

/* Integers stay integers, also "1.0"; false when the number is outside a double. */
bool number_parse(struct str text, struct expr_value *out);
