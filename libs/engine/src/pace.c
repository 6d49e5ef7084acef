/* How fast a queue's tasks are accepted: counts of the last minutes, for explanations only. */
#include "base/clock.h"
#include "engine_int.h"

#define MINUTE_US (60 * US_PER_S)

/* Forgets the minutes that have passed. */
static void pace_move(struct pace *pace, int64_t minute)
{
    if (minute - pace->minute >= PACE_MINUTES)
        *pace = (struct pace){.minute = minute};
    while (pace->minute < minute) {
        pace->minute++;
        pace->accepted[pace->minute % PACE_MINUTES] = 0;
        pace->waited_s[pace->minute % PACE_MINUTES] = 0;
    }
}

void pace_note(struct pace *pace, int64_t now_us, int64_t waited_us)
{
    pace_move(pace, now_us / MINUTE_US);
    pace->accepted[pace->minute % PACE_MINUTES]++;
    pace->waited_s[pace->minute % PACE_MINUTES] += waited_us / US_PER_S;
}

void pace_sum(const struct pace *pace, int64_t now_us, int64_t *out_accepted, int64_t *out_waited_s)
{
    struct pace copy = *pace;
    *out_accepted = 0;
    *out_waited_s = 0;
    pace_move(&copy, now_us / MINUTE_US);
    for (int i = 0; i < PACE_MINUTES; i++) {
        *out_accepted += copy.accepted[i];
        *out_waited_s += copy.waited_s[i];
    }
}
