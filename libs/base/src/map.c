#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/macros.h"

enum { FIRST_SLOTS = 16 };

/* wyhash-like mixing of 8-byte words; constants are odd 64-bit primes' neighbours, any would do. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    a ^= b;
    a *= UINT64_C(0x9E3779B97F4A7C15);
    a ^= a >> 32;
    a *= UINT64_C(0xD6E8FEB86659FD93);
    return a ^ (a >> 29);
}

/* The bytes that fill no word, zeroes behind them. Read as the end of a whole word where there is
 * one: a copy of unknown length costs more than all the rest. */
static uint64_t last_bytes(const unsigned char *start, const unsigned char *at, size_t len)
{
    uint64_t tail = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (at != start && len > 0) {
        memcpy(&tail, at + len - 8, 8);
        return tail >> (64 - 8 * len);
    }
#endif
    if (len > 0)
        memcpy(&tail, at, len);
    return tail;
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t hash = mix(UINT64_C(0x2545F4914F6CDD1D), len);
    while (len >= 8) {
        uint64_t word = 0;
        memcpy(&word, at, 8);
        hash = mix(hash, word);
        at += 8;
        len -= 8;
    }
    return mix(hash, last_bytes(bytes, at, len));
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_fini(struct map *map)
{
    free(map->entries);
    free(map->slots);
    *map = (struct map){0};
}

void map_clear(struct map *map)
{
    map->count = 0;
    if (map->slots != NULL)
        memset(map->slots, 0, map->slot_count * sizeof *map->slots);
}

/* What a slot holds of the hash: enough for its home and, but for one probe in thousands, to know
 * another key without looking at its entry. */
static uint32_t slot_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* Slot of the key, or the free slot where it would go. */
static size_t find_slot(const struct map *map, struct str key, uint64_t hash)
{
    size_t mask = map->slot_count - 1;
    uint32_t tag = slot_tag(hash);
    size_t at = tag & mask;
    while (map->slots[at].entry != 0) {
        if (map->slots[at].tag == tag) {
            const struct map_entry *entry = &map->entries[map->slots[at].entry - 1];
            if (entry->hash == hash && str_eq(entry->key, key))
                break;
        }
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(struct map *map)
{
    struct map_slot *old = map->slots;
    size_t old_count = map->slot_count;
    map->slot_count = old_count == 0 ? FIRST_SLOTS : old_count * 2;
    INVARIANT(map->slot_count <= (size_t)UINT32_MAX + 1); /* a tag must reach every home */
    map->slots = xcalloc(map->slot_count, sizeof *map->slots);
    map->capacity = map->slot_count / 4 * 3;
    map->entries = xrealloc(map->entries, map->capacity, sizeof *map->entries);
    size_t mask = map->slot_count - 1;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].entry == 0)
            continue;
        size_t at = old[i].tag & mask;
        while (map->slots[at].entry != 0)
            at = (at + 1) & mask;
        map->slots[at] = old[i];
    }
    free(old);
}

void *map_get(const struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    uint32_t entry = map->slots[find_slot(map, key, hash_quick(key.ptr, key.len))].entry;
    return entry == 0 ? NULL : map->entries[entry - 1].value;
}

void *map_put(struct map *map, struct str key, void *value)
{
    INVARIANT(value != NULL);
    if (map->count == map->capacity)
        grow(map);
    uint64_t hash = hash_quick(key.ptr, key.len);
    struct map_slot *slot = &map->slots[find_slot(map, key, hash)];
    if (slot->entry != 0) {
        struct map_entry *entry = &map->entries[slot->entry - 1];
        void *old = entry->value;
        entry->key = key;
        entry->value = value;
        return old;
    }
    INVARIANT(map->count < UINT32_MAX - 1);
    map->entries[map->count] = (struct map_entry){key, value, hash};
    map->count++;
    *slot = (struct map_slot){slot_tag(hash), (uint32_t)map->count};
    return NULL;
}

/* Closes the gap at a freed slot so that probing still finds what lies behind it. */
static void close_gap(struct map *map, size_t gap)
{
    size_t mask = map->slot_count - 1;
    size_t at = (gap + 1) & mask;
    while (map->slots[at].entry != 0) {
        size_t home = map->slots[at].tag & mask;
        bool may_move = ((at - home) & mask) >= ((at - gap) & mask);
        if (may_move) {
            map->slots[gap] = map->slots[at];
            map->slots[at].entry = 0;
            gap = at;
        }
        at = (at + 1) & mask;
    }
}

/* The last entry takes the place of one that went. */
static void move_last(struct map *map, size_t index)
{
    const struct map_entry *last = &map->entries[map->count - 1];
    size_t mask = map->slot_count - 1;
    size_t at = slot_tag(last->hash) & mask;
    while (map->slots[at].entry != (uint32_t)map->count)
        at = (at + 1) & mask;
    map->slots[at].entry = (uint32_t)(index + 1);
    map->entries[index] = *last;
}

void *map_remove(struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    size_t at = find_slot(map, key, hash_quick(key.ptr, key.len));
    if (map->slots[at].entry == 0)
        return NULL;
    size_t index = map->slots[at].entry - 1;
    void *old = map->entries[index].value;
    map->slots[at].entry = 0;
    close_gap(map, at);
    if (index != map->count - 1)
        move_last(map, index);
    map->count--;
    return old;
}
