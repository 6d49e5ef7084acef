/*
 * Where the time of operations went on tasks-svc's shards between two readings of its /metrics:
 * taskrouter_shard_phase_seconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PHASES_MAX = 8, PHASE_BUCKETS_MAX = 32 };

struct phase {
    char name[24];
    double sum_s;
    int64_t count;
    double bounds_s[PHASE_BUCKETS_MAX]; /* of the buckets; HUGE_VAL for the last */
    int64_t counts[PHASE_BUCKETS_MAX];  /* cumulative, as Prometheus has them */
    size_t bucket_count;
};

struct phases {
    struct phase phases[PHASES_MAX];
    size_t count;
};

/* False when the metrics cannot be read. address: "host:port" of tasks-svc's HTTP. */
bool phases_read(const char *address, struct phases *out);

/* What happened since before; *phase is of after. */
struct phase phase_since(const struct phases *before, const struct phase *phase);

/* The bound of the bucket that this share (0..1) of the observations lies below, in ms. */
double phase_quantile_ms(const struct phase *phase, double share);
