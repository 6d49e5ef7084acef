/*
 * Nanoseconds per operation of struct map with SIDs as keys, which is what the services look up by.
 * Keys are asked for in a scattered order, as requests come. Usage: map_bench [entries]...
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/parse.h"

enum { MIN_OPERATIONS = 2000000 };

struct bench {
    struct map map;
    struct sid *keys; /* twice as many as entries: the second half is never in the map */
    size_t count;
    int64_t started_us;
};

/* Our own time: the machine may be busy with others. */
static int64_t cpu_us(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return at.tv_sec * US_PER_S + at.tv_nsec / 1000;
}

static void bench_start(struct bench *bench)
{
    bench->started_us = cpu_us();
}

static double bench_ns(const struct bench *bench, size_t operations)
{
    return (double)(cpu_us() - bench->started_us) * 1000.0 / (double)operations;
}

/* The i-th key of a fixed scattered order: an odd step visits all of a power of two. */
static struct str bench_key(const struct bench *bench, size_t i, size_t base)
{
    size_t at = (i * 2654435761U + 12345) % bench->count;
    return (struct str){bench->keys[base + at].text, SID_LEN};
}

static size_t bench_get(const struct bench *bench, size_t rounds, size_t base)
{
    size_t found = 0;
    for (size_t i = 0; i < rounds * bench->count; i++)
        found += map_get(&bench->map, bench_key(bench, i, base)) != NULL;
    return found;
}

static bool bench_size(size_t count)
{
    struct bench bench = {.count = count};
    bench.keys = xcalloc(count * 2, sizeof *bench.keys);
    for (size_t i = 0; i < count * 2; i++)
        bench.keys[i] = sid_make("WT", INT64_C(1700000000000000) + (int64_t)i * 50,
                                 (uint16_t)(i & 0xFFFFU), i * UINT64_C(0x9E3779B97F4A7C15));
    size_t rounds = MIN_OPERATIONS / count + 1;
    map_init(&bench.map);
    bench_start(&bench);
    for (size_t i = 0; i < count; i++)
        (void)map_put(&bench.map, (struct str){bench.keys[i].text, SID_LEN}, &bench.keys[i]);
    double put_ns = bench_ns(&bench, count);
    bench_start(&bench);
    size_t hits = bench_get(&bench, rounds, 0);
    double hit_ns = bench_ns(&bench, rounds * count);
    bench_start(&bench);
    size_t misses = bench_get(&bench, rounds, count);
    double miss_ns = bench_ns(&bench, rounds * count);
    bench_start(&bench);
    for (size_t i = 0; i < rounds * count; i++) { /* as many live as before: churn */
        struct str key = bench_key(&bench, i, 0);
        void *value = map_remove(&bench.map, key);
        (void)map_put(&bench.map, key, value);
    }
    double churn_ns = bench_ns(&bench, rounds * count);
    (void)printf("%9zu entries: put %6.1f ns, hit %6.1f ns, miss %6.1f ns, remove and put %6.1f "
                 "ns\n",
                 count, put_ns, hit_ns, miss_ns, churn_ns);
    bool is_right = hits == rounds * count && misses == 0 && bench.map.count == count;
    map_fini(&bench.map);
    free(bench.keys);
    return is_right;
}

int main(int argc, char **argv)
{
    static const size_t usual[] = {1 << 10, 1 << 16, 1 << 20};
    for (size_t i = 0; argc < 2 && i < ARRAY_LEN(usual); i++) {
        if (!bench_size(usual[i]))
            return 1;
    }
    for (int i = 1; i < argc; i++) {
        int64_t count = 0;
        if (!parse_i64(str_from(argv[i]), 1, 1 << 26, &count) || !bench_size((size_t)count))
            return 1;
    }
    return 0;
}
