/*
 * A circuit breaker: after several failures in a row the upstream is left alone for a while, then
 * one call finds out for all whether it is back. Pure: the time comes in.
 *
 *   closed --failures--> open --time--> probing --success--> closed
 *                          ^-----------------------failure--'
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    BREAKER_FAILURES = 5, /* in a row, that open it */
    BREAKER_FIRST_MS = 500,
    BREAKER_LONGEST_MS = 30000, /* the pause doubles up to this */
};

struct breaker {
    int failures;          /* in a row */
    int openings;          /* in a row */
    bool is_probing;       /* one call is out to look */
    int64_t open_until_us; /* 0 = closed */
};

enum breaker_say {
    BREAKER_GO,
    BREAKER_WAIT, /* do not call; breaker_wait_us says how long */
};

/* Whether a call may be made now. A caller that may must tell the outcome with breaker_note or
 * breaker_forget. */
enum breaker_say breaker_ask(struct breaker *breaker, int64_t now_us);

/* How long until a call may be tried again, at least 1. */
int64_t breaker_wait_us(const struct breaker *breaker, int64_t now_us);

/* is_up: the upstream answered in its senses, whatever it said. True when this opened or closed it.
 */
bool breaker_note(struct breaker *breaker, bool is_up, int64_t now_us);

/* The call was not made after all, or says nothing about the upstream. */
void breaker_forget(struct breaker *breaker);

bool breaker_is_open(const struct breaker *breaker);
