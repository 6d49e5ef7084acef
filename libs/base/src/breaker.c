#include "base/breaker.h"

#include "base/clock.h"

bool breaker_is_open(const struct breaker *breaker)
{
    return breaker->open_until_us != 0;
}

enum breaker_say breaker_ask(struct breaker *breaker, int64_t now_us)
{
    if (!breaker_is_open(breaker))
        return BREAKER_GO;
    if (breaker->is_probing || now_us < breaker->open_until_us)
        return BREAKER_WAIT;
    breaker->is_probing = true;
    return BREAKER_GO;
}

int64_t breaker_wait_us(const struct breaker *breaker, int64_t now_us)
{
    int64_t left_us = breaker->open_until_us - now_us;
    if (breaker->is_probing && left_us < BREAKER_FIRST_MS * US_PER_MS)
        left_us = BREAKER_FIRST_MS * US_PER_MS;
    return left_us < 1 ? 1 : left_us;
}

static int64_t pause_us(int openings)
{
    int64_t pause_ms = BREAKER_FIRST_MS;
    for (int i = 1; i < openings && pause_ms < BREAKER_LONGEST_MS; i++)
        pause_ms *= 2;
    return (pause_ms < BREAKER_LONGEST_MS ? pause_ms : BREAKER_LONGEST_MS) * US_PER_MS;
}

bool breaker_note(struct breaker *breaker, bool is_up, int64_t now_us)
{
    bool was_open = breaker_is_open(breaker);
    if (is_up) {
        *breaker = (struct breaker){0};
        return was_open;
    }
    if (was_open && !breaker->is_probing) /* sent before it opened: known already */
        return false;
    breaker->failures++;
    if (!was_open && breaker->failures < BREAKER_FAILURES)
        return false;
    breaker->is_probing = false;
    breaker->openings++;
    breaker->open_until_us = now_us + pause_us(breaker->openings);
    return !was_open;
}

void breaker_forget(struct breaker *breaker)
{
    breaker->is_probing = false;
}
