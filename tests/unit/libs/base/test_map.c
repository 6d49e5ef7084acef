#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

enum { KEYS = 500 };
static char keys[KEYS][16];

static void entries_survive_growth_and_removal_of_others(void)
{
    struct map map;
    map_init(&map);
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "key-%d", i);
        CHECK(map_put(&map, str_from(keys[i]), keys[i]) == NULL);
    }
    for (int i = 0; i < KEYS; i += 3)
        CHECK(map_remove(&map, str_from(keys[i])) == keys[i]);
    for (int i = 0; i < KEYS; i++)
        CHECK(map_get(&map, str_from(keys[i])) == (i % 3 == 0 ? NULL : keys[i]));
    CHECK_I64(map.count, KEYS - (KEYS + 2) / 3);
    map_fini(&map);
}

static void putting_a_key_again_returns_the_old_value(void)
{
    struct map map;
    map_init(&map);
    char a = 'a';
    char b = 'b';
    CHECK(map_put(&map, STR("k"), &a) == NULL);
    CHECK(map_put(&map, STR("k"), &b) == &a);
    CHECK(map_get(&map, STR("k")) == &b);
    CHECK(map_remove(&map, STR("absent")) == NULL);
    map_fini(&map);
}

static const struct test_case cases[] = {
    {"entries survive growth and the removal of others",
     entries_survive_growth_and_removal_of_others                                                 },
    {"putting a key again returns the old value",        putting_a_key_again_returns_the_old_value},
};

int main(int argc, char **argv)
{
    return testing_main("map", cases, ARRAY_LEN(cases), argc, argv);
}
