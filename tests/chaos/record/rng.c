#include "run_int.h"

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

int rng_below(struct rng *rng, int limit)
{
    return limit <= 1 ? 0 : (int)(rng_next(rng) % (uint64_t)limit);
}

bool rng_hits(struct rng *rng, int percent)
{
    return rng_below(rng, 100) < percent;
}
