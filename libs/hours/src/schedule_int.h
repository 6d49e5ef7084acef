/* A compiled schedule, and walking along it in seconds. */
#pragma once

#include "hours/hours.h"
#include "zone_int.h"

struct slot {
    int32_t start_s; /* of the local day */
    int32_t end_s;   /* up to 86400 */
};

/* Its slots, in order, apart from each other. */
struct day {
    size_t first; /* in the schedule's slots */
    size_t count; /* 0: closed */
};

struct week {
    struct day days[7]; /* from Monday */
};

struct holiday {
    int32_t date;
    char *name;
    struct day day;
};

struct special {
    int32_t start_date; /* both included */
    int32_t end_date;
    char *name;
    struct week week;
};

struct hours_schedule {
    struct hours_zone *zone;
    struct slot *slots;
    size_t slot_count;
    size_t slot_capacity;
    struct week week;
    struct holiday *holidays; /* by date */
    size_t holiday_count;
    struct special *specials; /* by start */
    size_t special_count;
};

/* What a date follows; holiday and special are NULL where it is none. */
struct plan {
    const struct day *day;
    const struct holiday *holiday;
    const struct special *special;
};

struct plan schedule_plan(const struct hours_schedule *schedule, int32_t date);

/* Whether it is open at a moment, and until when nothing can change. */
struct stretch {
    bool is_open;
    int64_t until_s; /* later than the moment */
};

struct stretch schedule_stretch(const struct hours_schedule *schedule, int64_t at_s);
