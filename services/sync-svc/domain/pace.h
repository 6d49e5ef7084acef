/*
 * How fast the upstream may be called: a token bucket whose tokens are given out ahead of time, so
 * that callers wait in the order in which they asked. Pure: the time comes in.
 */
#pragma once

#include <stdint.h>

struct pace {
    int64_t interval_us; /* between two calls at the full rate */
    int64_t burst_us;    /* how far a quiet time may be made up for */
    int64_t next_us;     /* when the next call is due at the full rate */
};

/* rate: calls per second, 1 to 1,000,000; burst: calls that may go at once after a quiet time, at
 * least 1. */
void pace_init(struct pace *pace, int64_t rate, int64_t burst, int64_t now_us);

/* How long the caller must wait before its call: 0 = not at all; -1 = longer than max_wait_us, and
 * nothing was taken. */
int64_t pace_take(struct pace *pace, int64_t now_us, int64_t max_wait_us);

/* The upstream asked for a rest: nothing is due before that time. */
void pace_rest(struct pace *pace, int64_t until_us);
