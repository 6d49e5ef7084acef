/*
 * A hash map from byte-string keys to pointers, open addressing, for in-memory look-ups.
 * Keys are not copied: they must live as long as the entry (usually a field of the value).
 * Iteration order is the insertion order as long as nothing was removed; after a removal the last
 * entry takes the freed place. It depends on the operations alone, never on addresses or seeds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_entry {
    struct str key;
    void *value;
    uint64_t hash;
};

struct map_slot {
    uint32_t tag;   /* of the hash, so that probing past other keys stays within the slots */
    uint32_t entry; /* index + 1 into entries; 0 = free */
};

struct map {
    struct map_entry *entries; /* dense, 0..count-1 */
    struct map_slot *slots;    /* open addressing; as many as a power of two */
    size_t count;
    size_t capacity;
    size_t slot_count;
};

void map_init(struct map *map);
void map_fini(struct map *map); /* values are not freed */

void *map_get(const struct map *map, struct str key); /* NULL when absent */

/* Inserts or replaces; returns the value that was there, or NULL. On replacing, the new key view is
 * kept. value must not be NULL. */
void *map_put(struct map *map, struct str key, void *value);

void *map_remove(struct map *map, struct str key); /* the value that was there, or NULL */
void map_clear(struct map *map);

/* 64-bit hash of bytes; the same everywhere and for ever, not for untrusted flooding-sensitive use.
 * (Tables in memory have a quicker one: base/hash.h.) */
uint64_t hash_bytes(const void *bytes, size_t len);
