#include "intent.h"

#include "base/clock.h"

#define HOPE_US (INT64_C(24) * 3600 * US_PER_S)

static const char *const names[INTENT_STATE_COUNT] = {
    [INTENT_NONE] = "",     [INTENT_OPEN] = "OPEN",     [INTENT_ANSWERED] = "ANSWERED",
    [INTENT_DONE] = "DONE", [INTENT_UNDONE] = "UNDONE", [INTENT_GIVEN_UP] = "GIVEN_UP",
};

const char *intent_state_name(enum intent_state state)
{
    return names[state];
}

enum intent_state intent_state_from(struct str name)
{
    for (int i = INTENT_NONE + 1; i < INTENT_STATE_COUNT; i++) {
        if (str_eq_text(name, names[i]))
            return (enum intent_state)i;
    }
    return INTENT_NONE;
}

int64_t intent_wait_ms(int64_t looks)
{
    int64_t wait_ms = INTENT_LOOK_FIRST_MS;
    for (int64_t i = 1; i < looks && wait_ms < INTENT_LOOK_LONGEST_MS; i++)
        wait_ms *= 2;
    return wait_ms < INTENT_LOOK_LONGEST_MS ? wait_ms : INTENT_LOOK_LONGEST_MS;
}

bool intent_is_settled(const struct intent *intent, int64_t settle_ms, int64_t now_us)
{
    return now_us - intent->sent_at_us >= settle_ms * US_PER_MS;
}

bool intent_is_past_hope(const struct intent *intent, int64_t now_us)
{
    return now_us - intent->hope_from_us >= HOPE_US;
}
