#include "sid_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/macros.h"

enum {
    FIRST_BUCKETS = 16,
    BUCKETS_PER_ELEMENT = 2,
    SPLIT_AHEAD = 8, /* whose first element is fetched while one is split; fewer than the first */
};

/* The digits are what differs: those of the prefix are the same for all. */
static uint32_t sid_hash(const struct sid *sid)
{
    uint64_t words[4];
    memcpy(words, sid->text + 2, sizeof words);
    return (uint32_t)(hash_fold(hash_fold(words[0], words[1]) ^ words[2], words[3]) >> 32);
}

static struct sid_node *node_of(const struct sid_map *map, void *element)
{
    return (struct sid_node *)(void *)((char *)element + map->node_offset);
}

static void *element_of(const struct sid_map *map, struct sid_node *node)
{
    return (char *)node - map->node_offset;
}

/* Buckets below the last power of two are split one after the other. */
static size_t bucket_of(const struct sid_map *map, uint32_t hash)
{
    size_t at = hash & (map->capacity - 1);
    return at < map->bucket_count ? at : at - map->capacity / 2;
}

void sid_map_init(struct sid_map *map, size_t node_offset)
{
    *map = (struct sid_map){.node_offset = node_offset};
}

void sid_map_fini(struct sid_map *map)
{
    /* NOLINTNEXTLINE(bugprone-multi-level-implicit-pointer-conversion): the array of pointers */
    free(map->buckets);
    *map = (struct sid_map){0};
}

void *sid_map_get(const struct sid_map *map, const struct sid *sid)
{
    if (map->count == 0)
        return NULL;
    uint32_t hash = sid_hash(sid);
    for (struct sid_node *node = map->buckets[bucket_of(map, hash)]; node != NULL;
         node = node->next) {
        if (node->hash == hash && memcmp(element_of(map, node), sid, sizeof *sid) == 0)
            return element_of(map, node);
    }
    return NULL;
}

/* One bucket more; what belongs there moves from the one that had it so far. */
static void grow(struct sid_map *map)
{
    if (map->bucket_count == map->capacity) {
        map->capacity *= 2;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
        size_t size = sizeof *map->buckets;
        map->buckets = (struct sid_node **)xrealloc((void *)map->buckets, map->capacity, size);
    }
    size_t added = map->bucket_count++;
    struct sid_node **from = &map->buckets[added - map->capacity / 2];
    struct sid_node **to = &map->buckets[added];
    __builtin_prefetch(from[SPLIT_AHEAD]);
    *to = NULL;
    while (*from != NULL) {
        struct sid_node *node = *from;
        if ((node->hash & (map->capacity - 1)) != added) {
            from = &node->next;
            continue;
        }
        *from = node->next;
        node->next = *to;
        *to = node;
    }
}

void sid_map_put(struct sid_map *map, void *element)
{
    struct sid_node *node = node_of(map, element);
    if (map->buckets == NULL) {
        map->capacity = FIRST_BUCKETS;
        map->bucket_count = FIRST_BUCKETS;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
        map->buckets = (struct sid_node **)xcalloc(FIRST_BUCKETS, sizeof *map->buckets);
    }
    while (map->count >= map->bucket_count / BUCKETS_PER_ELEMENT)
        grow(map);
    node->hash = sid_hash(element);
    struct sid_node **bucket = &map->buckets[bucket_of(map, node->hash)];
    node->next = *bucket;
    *bucket = node;
    map->count++;
}

void sid_map_fetch(const struct sid_map *map, const struct sid_node *node)
{
    __builtin_prefetch((const void *)&map->buckets[bucket_of(map, node->hash)], 1);
}

void sid_map_fetch_sid(const struct sid_map *map, const struct sid *sid)
{
    if (map->count > 0)
        __builtin_prefetch((const void *)&map->buckets[bucket_of(map, sid_hash(sid))], 1);
}

void sid_map_remove(struct sid_map *map, void *element)
{
    struct sid_node *node = node_of(map, element);
    struct sid_node **at = &map->buckets[bucket_of(map, node->hash)];
    while (*at != node) {
        INVARIANT(*at != NULL);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    map->count--;
}
