#include "schedule_int.h"

#include "base/clock.h"

enum { DAY_S = 86400 };

const struct hours_zone *hours_schedule_zone(const struct hours_schedule *schedule)
{
    return schedule->zone;
}

static const struct holiday *find_holiday(const struct hours_schedule *schedule, int32_t date)
{
    size_t low = 0;
    size_t high = schedule->holiday_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (schedule->holidays[middle].date < date)
            low = middle + 1;
        else
            high = middle;
    }
    return low < schedule->holiday_count && schedule->holidays[low].date == date
               ? &schedule->holidays[low]
               : NULL;
}

/* They do not overlap, so the first one that ends on the date or later is the only candidate. */
static const struct special *find_special(const struct hours_schedule *schedule, int32_t date)
{
    size_t low = 0;
    size_t high = schedule->special_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (schedule->specials[middle].end_date < date)
            low = middle + 1;
        else
            high = middle;
    }
    return low < schedule->special_count && schedule->specials[low].start_date <= date
               ? &schedule->specials[low]
               : NULL;
}

static size_t weekday_from_monday(int32_t date)
{
    return (size_t)((date % 7 + 7 + 3) % 7); /* 1970-01-01 was a Thursday */
}

struct plan schedule_plan(const struct hours_schedule *schedule, int32_t date)
{
    struct plan plan = {.holiday = find_holiday(schedule, date)};
    if (plan.holiday != NULL) {
        plan.day = &plan.holiday->day;
        return plan;
    }
    plan.special = find_special(schedule, date);
    const struct week *week = plan.special != NULL ? &plan.special->week : &schedule->week;
    plan.day = &week->days[weekday_from_monday(date)];
    return plan;
}

/* *out_edge_s: the second of the day at which that ends, if the clock gets there. */
static bool day_is_open(const struct hours_schedule *schedule, const struct day *day,
                        int32_t second, int32_t *out_edge_s)
{
    const struct slot *slots = schedule->slots + day->first;
    for (size_t i = 0; i < day->count; i++) {
        if (second < slots[i].start_s) {
            *out_edge_s = slots[i].start_s;
            return false;
        }
        if (second < slots[i].end_s) {
            *out_edge_s = slots[i].end_s;
            return true;
        }
    }
    *out_edge_s = DAY_S;
    return false;
}

struct stretch schedule_stretch(const struct hours_schedule *schedule, int64_t at_s)
{
    struct zone_clock clock;
    int32_t edge_s = 0;
    zone_clock(schedule->zone, at_s, &clock);
    struct plan plan = schedule_plan(schedule, clock.date);
    struct stretch stretch = {
        .is_open = day_is_open(schedule, plan.day, clock.second, &edge_s),
        .until_s = at_s + (edge_s - clock.second),
    };
    if (stretch.until_s > clock.until_s)
        stretch.until_s = clock.until_s;
    return stretch;
}

void hours_at(const struct hours_schedule *schedule, int64_t at_us, struct hours_state *out)
{
    int32_t edge_s = 0;
    hours_zone_local(schedule->zone, at_us, &out->local);
    struct plan plan = schedule_plan(schedule, out->local.date);
    out->is_holiday = plan.holiday != NULL;
    out->holiday_name = plan.holiday != NULL ? plan.holiday->name : "";
    out->special_name = plan.special != NULL ? plan.special->name : "";
    out->is_open =
        day_is_open(schedule, plan.day,
                    (out->local.hour * 60 + out->local.minute) * 60 + out->local.second, &edge_s);
}

void hours_next(const struct hours_schedule *schedule, int64_t at_us, int64_t *out_next_open_us,
                int64_t *out_next_close_us)
{
    int64_t at_s = zone_seconds(at_us);
    int64_t end_s = at_s + (int64_t)HOURS_AHEAD_DAYS * DAY_S;
    int64_t open_s = 0;
    int64_t close_s = 0;
    struct stretch now = schedule_stretch(schedule, at_s);
    while (now.until_s <= end_s && (open_s == 0 || close_s == 0)) {
        struct stretch next = schedule_stretch(schedule, now.until_s);
        if (next.is_open && !now.is_open && open_s == 0)
            open_s = now.until_s;
        if (!next.is_open && now.is_open && close_s == 0)
            close_s = now.until_s;
        now = next;
    }
    *out_next_open_us = open_s * US_PER_S;
    *out_next_close_us = close_s * US_PER_S;
}
