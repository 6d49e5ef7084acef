#include "pace.h"

#include "base/clock.h"

void pace_init(struct pace *pace, int64_t rate, int64_t burst, int64_t now_us)
{
    pace->interval_us = US_PER_S / rate;
    pace->burst_us = (burst - 1) * pace->interval_us;
    pace->next_us = now_us - pace->burst_us;
}

int64_t pace_take(struct pace *pace, int64_t now_us, int64_t max_wait_us)
{
    if (pace->next_us < now_us - pace->burst_us)
        pace->next_us = now_us - pace->burst_us;
    int64_t wait_us = pace->next_us > now_us ? pace->next_us - now_us : 0;
    if (wait_us > max_wait_us)
        return -1;
    pace->next_us += pace->interval_us;
    return wait_us;
}

void pace_rest(struct pace *pace, int64_t until_us)
{
    if (pace->next_us < until_us)
        pace->next_us = until_us;
}
