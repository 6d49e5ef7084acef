/*
 * Whether a call of the upstream is made again, and when. What may have been carried out is
 * repeated only where a repetition does no harm. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum retry_outcome {
    RETRY_ANSWERED, /* status says how */
    RETRY_UNSENT,   /* there was no connection: surely not carried out */
    RETRY_UNKNOWN,  /* no whole answer: carried out or not */
};

struct retry_case {
    enum retry_outcome outcome;
    int status;             /* when answered */
    int64_t retry_after_ms; /* what the upstream asked for; 0 = nothing */
    bool is_repeatable;     /* a second time changes nothing more */
    int attempts;           /* made so far, at least 1 */
    int64_t left_us;        /* until the caller's deadline */
    uint64_t chance;        /* random */
};

enum { RETRY_ATTEMPTS = 6, RETRY_FIRST_MS = 100, RETRY_LONGEST_MS = 5000 };

/* How long to wait before the next attempt; -1 = give up and tell the caller. */
int64_t retry_wait_us(const struct retry_case *c);

/* Whether the outcome says that the upstream is out of order, for the breaker. Being told to slow
 * down is not. */
bool retry_is_down(enum retry_outcome outcome, int status);
