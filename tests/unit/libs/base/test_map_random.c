/* The map against a model too simple to be wrong: an array indexed by key number. */
#include <stdint.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/map.h"
#include "testing.h"

enum { KEYS = 200, STEPS = 60000, VALUES = 16 };

static char keys[KEYS][12];
static char values[VALUES];

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static bool agrees(const struct map *map, char *const model[KEYS])
{
    size_t count = 0;
    for (int i = 0; i < KEYS; i++) {
        count += model[i] != NULL;
        if (map_get(map, str_from(keys[i])) != model[i])
            return false;
    }
    for (size_t i = 0; i < map->count; i++) { /* what iteration shows is what look-up gives */
        if (map_get(map, map->entries[i].key) != map->entries[i].value)
            return false;
    }
    return count == map->count;
}

static void any_sequence_agrees_with_the_model(void)
{
    for (uint32_t seed = 1; seed <= 5; seed++) {
        char *model[KEYS] = {NULL};
        uint32_t state = seed;
        struct map map;
        map_init(&map);
        for (int step = 0; step < STEPS; step++) {
            uint32_t key = next(&state) % KEYS;
            uint32_t action = next(&state) % 1000;
            /* Waves of growing and shrinking, and a rare clear. */
            uint32_t puts = (step / 5000) % 2 == 0 ? 700 : 300;
            void *was = model[key];
            if (action == 0) {
                map_clear(&map);
                memset(model, 0, sizeof model);
            } else if (action < puts) {
                char *value = &values[next(&state) % VALUES];
                CHECK(map_put(&map, str_from(keys[key]), value) == was);
                model[key] = value;
            } else {
                CHECK(map_remove(&map, str_from(keys[key])) == was);
                model[key] = NULL;
            }
            if (step % 100 == 0)
                CHECK(agrees(&map, model));
        }
        CHECK(agrees(&map, model));
        map_fini(&map);
    }
}

static void the_same_operations_give_the_same_order(void)
{
    struct map a;
    struct map b;
    map_init(&a);
    map_init(&b);
    for (int i = 0; i < KEYS; i++) {
        CHECK(map_put(&a, str_from(keys[i]), &values[0]) == NULL);
        CHECK(map_put(&b, str_from(keys[i]), &values[0]) == NULL);
        CHECK_STR(a.entries[i].key, keys[i]); /* insertion order */
    }
    CHECK(map_remove(&a, str_from(keys[3])) != NULL);
    CHECK(map_remove(&b, str_from(keys[3])) != NULL);
    CHECK_STR(a.entries[3].key, keys[KEYS - 1]); /* the last took the freed place */
    for (size_t i = 0; i < a.count; i++)
        CHECK(str_eq(a.entries[i].key, b.entries[i].key));
    map_fini(&a);
    map_fini(&b);
}

static void an_empty_map_and_an_empty_key_are_fine(void)
{
    struct map map;
    map_init(&map);
    CHECK(map_get(&map, STR("x")) == NULL);
    CHECK(map_remove(&map, STR("x")) == NULL);
    map_clear(&map);
    CHECK(map_put(&map, (struct str){NULL, 0}, &values[0]) == NULL);
    CHECK(map_get(&map, STR("")) == &values[0]);
    map_fini(&map);
}

static void hashes_depend_on_every_byte_and_the_length(void)
{
    static const char zeros[20];
    for (size_t len = 0; len < sizeof zeros; len++) {
        CHECK(hash_bytes(zeros, len) != hash_bytes(zeros, len + 1));
        for (size_t i = 0; i < len; i++) {
            char bytes[20] = {0};
            bytes[i] = 1;
            CHECK(hash_bytes(bytes, len) != hash_bytes(zeros, len));
        }
    }
}

static void quick_hashes_depend_on_every_byte_and_the_length(void)
{
    static const char zeros[40];
    for (size_t len = 0; len < sizeof zeros; len++) {
        uint64_t of_zeros = hash_quick(zeros, len);
        CHECK(of_zeros != hash_quick(zeros, len + 1));
        for (size_t i = 0; i < len; i++) {
            char bytes[40] = {0};
            bytes[i] = 1;
            uint64_t of_one = hash_quick(bytes, len);
            CHECK(of_one != of_zeros);
            CHECK((uint32_t)of_one != (uint32_t)of_zeros); /* tables take a part of it */
            CHECK(of_one >> 32 != of_zeros >> 32);
        }
    }
}

/* The seeds of tasks-svc's SIDs are such hashes: another function would be another shard. */
static void hashes_stay_what_they_were(void)
{
    static const char text[] = "WT018bcfecedc801eca97faa12f9d4f09d-and-more";
    static const struct {
        size_t len;
        uint64_t hash;
    } was[] = {
        {0,  UINT64_C(0xa6f2fdd9e0621480)},
        {1,  UINT64_C(0x26c4625f2220d305)},
        {2,  UINT64_C(0x5f4e8871d63a845c)},
        {3,  UINT64_C(0x2cc897cb3db76bc5)},
        {4,  UINT64_C(0xdb31ca6b0d7e0232)},
        {5,  UINT64_C(0xefc1671103820b90)},
        {6,  UINT64_C(0x4f728ea2e3145bdf)},
        {7,  UINT64_C(0x43c01d88ca7f95ae)},
        {8,  UINT64_C(0x8a95cd893a7d4f56)},
        {9,  UINT64_C(0xca5ae68a4e6fa129)},
        {15, UINT64_C(0x6bcbc74bf4936446)},
        {16, UINT64_C(0x44db150c401138e9)},
        {17, UINT64_C(0xc204481557d303b1)},
        {31, UINT64_C(0x115a35b49b03cee2)},
        {34, UINT64_C(0xf67664da280ef23c)},
        {43, UINT64_C(0x766a055a58522d23)},
    };
    for (size_t i = 0; i < ARRAY_LEN(was); i++)
        CHECK(hash_bytes(text, was[i].len) == was[i].hash);
}

static const struct test_case cases[] = {
    {"any sequence agrees with the model",               any_sequence_agrees_with_the_model        },
    {"the same operations give the same order",          the_same_operations_give_the_same_order   },
    {"an empty map and an empty key are fine",           an_empty_map_and_an_empty_key_are_fine    },
    {"hashes stay what they were",                       hashes_stay_what_they_were                },
    {"hashes depend on every byte and the length",       hashes_depend_on_every_byte_and_the_length},
    {"quick hashes depend on every byte and the length",
     quick_hashes_depend_on_every_byte_and_the_length                                              },
};

int main(int argc, char **argv)
{
    for (int i = 0; i < KEYS; i++)
        (void)snprintf(keys[i], sizeof keys[i], "k%d", i * 7919);
    return testing_main("map against a model", cases, ARRAY_LEN(cases), argc, argv);
}
