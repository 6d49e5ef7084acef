#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
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
    uint64_t tail = 0;
    if (len > 0)
        memcpy(&tail, at, len);
    return mix(hash, tail);
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

/* Slot of the key, or the free slot where it would go. */
static size_t find_slot(const struct map *map, struct str key, uint64_t hash)
{
    size_t at = (size_t)hash & (map->slot_count - 1);
    while (map->slots[at] != 0) {
        const struct map_entry *entry = &map->entries[map->slots[at] - 1];
        if (entry->hash == hash && str_eq(entry->key, key))
            return at;
        at = (at + 1) & (map->slot_count - 1);
    }
    return at;
}

static void grow(struct map *map)
{
    map->slot_count = map->slot_count == 0 ? FIRST_SLOTS : map->slot_count * 2;
    free(map->slots);
    map->slots = xcalloc(map->slot_count, sizeof *map->slots);
    map->capacity = map->slot_count / 4 * 3;
    map->entries = xrealloc(map->entries, map->capacity, sizeof *map->entries);
    for (size_t i = 0; i < map->count; i++) {
        size_t at = find_slot(map, map->entries[i].key, map->entries[i].hash);
        map->slots[at] = (uint32_t)(i + 1);
    }
}

void *map_get(const struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    size_t at = find_slot(map, key, hash_bytes(key.ptr, key.len));
    return map->slots[at] == 0 ? NULL : map->entries[map->slots[at] - 1].value;
}

void *map_put(struct map *map, struct str key, void *value)
{
    INVARIANT(value != NULL);
    if (map->count == map->capacity)
        grow(map);
    uint64_t hash = hash_bytes(key.ptr, key.len);
    size_t at = find_slot(map, key, hash);
    if (map->slots[at] != 0) {
        struct map_entry *entry = &map->entries[map->slots[at] - 1];
        void *old = entry->value;
        entry->key = key;
        entry->value = value;
        return old;
    }
    INVARIANT(map->count < UINT32_MAX - 1);
    map->entries[map->count] = (struct map_entry){key, value, hash};
    map->count++;
    map->slots[at] = (uint32_t)map->count;
    return NULL;
}

/* Closes the gap at a freed slot so that probing still finds what lies behind it. */
static void close_gap(struct map *map, size_t gap)
{
    size_t mask = map->slot_count - 1;
    size_t at = (gap + 1) & mask;
    while (map->slots[at] != 0) {
        size_t home = (size_t)map->entries[map->slots[at] - 1].hash & mask;
        bool may_move = ((at - home) & mask) >= ((at - gap) & mask);
        if (may_move) {
            map->slots[gap] = map->slots[at];
            map->slots[at] = 0;
            gap = at;
        }
        at = (at + 1) & mask;
    }
}

void *map_remove(struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    size_t at = find_slot(map, key, hash_bytes(key.ptr, key.len));
    if (map->slots[at] == 0)
        return NULL;
    size_t index = map->slots[at] - 1;
    void *old = map->entries[index].value;
    map->slots[at] = 0;
    close_gap(map, at);
    size_t last = map->count - 1;
    if (index != last) {
        size_t moved = find_slot(map, map->entries[last].key, map->entries[last].hash);
        map->slots[moved] = (uint32_t)(index + 1);
        map->entries[index] = map->entries[last];
    }
    map->count = last;
    return old;
}
