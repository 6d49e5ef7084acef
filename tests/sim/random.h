/* The simulator's only source of chance: SplitMix64, so that a seed is a run. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_next(struct sim_random *random)
{
    uint64_t x = (random->state += UINT64_C(0x9E3779B97F4A7C15));
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* 0 .. below - 1. */
static inline int sim_below(struct sim_random *random, size_t below)
{
    return (int)(sim_next(random) % (uint64_t)below);
}

static inline bool sim_chance(struct sim_random *random, int percent)
{
    return sim_below(random, 100) < percent;
}
