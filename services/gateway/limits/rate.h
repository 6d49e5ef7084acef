/*
 * How many requests an account may make, by class of operation: a token bucket each, filled at the
 * configured rate and as large as ten seconds of it. Off unless configured. Counts within this
 * process only: several gateways let through as many times as much. Threads: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate;

enum rate_class {
    RATE_GENERAL, /* every request; the others count as one of these as well */
    RATE_CREATE_TASK,
    RATE_TARGET_WORKERS,   /* Workers?TargetWorkersExpression */
    RATE_EVALUATE_TASKS,   /* Tasks?EvaluateTaskAttributes */
    RATE_EVALUATE_WORKERS, /* TaskQueues?EvaluateWorkerAttributes */
    RATE_BULK_STATISTICS,
    RATE_CLASS_COUNT,
};

enum { RATE_WINDOW_S = 10, RATE_CONFIG_SIZE = 48 };

/* Of the bucket that allows the least. */
struct rate_answer {
    bool is_limited; /* false: no limit is configured, the rest is zero */
    bool is_refused; /* the request is over the limit and was not counted */
    int64_t limit;   /* requests in RATE_WINDOW_S */
    int64_t remaining;
    char config[RATE_CONFIG_SIZE]; /* "3 per second, averaged over 10 s" */
    int retry_after_s;             /* at least 1 when refused */
};

/* per_second: 0 = no limit. Never NULL. */
struct rate *rate_new(const int64_t per_second[RATE_CLASS_COUNT]);
void rate_free(struct rate *rate); /* NULL is allowed */

/* Counts one request of the account. */
void rate_take(struct rate *rate, const char *account_sid, enum rate_class class,
               struct rate_answer *out);

/* The same at a given monotonic time, for tests. */
void rate_take_at(struct rate *rate, const char *account_sid, enum rate_class class,
                  int64_t now_mono_us, struct rate_answer *out);
