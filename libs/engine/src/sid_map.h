/*
 * Elements by their SID, which each begins with. Chained through the elements themselves, so that a
 * look-up touches a bucket and the element; grows by a bucket or two at a time (linear hashing), so
 * that no insertion waits for a million others to be moved. What is behind the end of a SID must be
 * zero.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"

struct sid_node {
    struct sid_node *next;
    uint32_t hash;
};

struct sid_map {
    struct sid_node **buckets;
    size_t bucket_count;
    size_t capacity; /* of buckets; power of two */
    size_t count;
    size_t node_offset; /* in the element */
};

void sid_map_init(struct sid_map *map, size_t node_offset);
void sid_map_fini(struct sid_map *map);

void *sid_map_get(const struct sid_map *map, const struct sid *sid); /* NULL when absent */
void sid_map_put(struct sid_map *map, void *element);                /* must not be there yet */
void sid_map_fetch(const struct sid_map *map, const struct sid_node *node); /* into the cache */
void sid_map_fetch_sid(const struct sid_map *map, const struct sid *sid);   /* its place alone */
void sid_map_remove(struct sid_map *map, void *element);                    /* must be there */
