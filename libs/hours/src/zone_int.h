/* What schedules ask of zones, in seconds. */
#pragma once

#include <stdint.h>

#include "hours/zone.h"

struct zone_clock {
    int32_t date;   /* of the local calendar, days since 1970-01-01 */
    int32_t second; /* of the local day */
    int32_t offset_s;
    int64_t until_s; /* when the offset changes next; INT64_MAX: never */
};

void zone_clock(const struct hours_zone *zone, int64_t at_s, struct zone_clock *out);

/* Microseconds to seconds, downwards. */
int64_t zone_seconds(int64_t at_us);
