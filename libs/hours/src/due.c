#include <inttypes.h>

#include "base/clock.h"
#include "schedule_int.h"

enum {
    DAY_S = 86400,
    HALF_HOUR_S = 1800,
    HOUR_S = 3600,
    VOICEMAIL_SAME_DAY_S = 15 * 3600, /* what came before is for the same business day */
    VOICEMAIL_NEXT_DAY_S = 12 * 3600,
    TEXT_NEXT_DAY_S = 9 * 3600,
};

/* The open time of a date, as moments; a closed one has is_business_day false. */
struct span {
    bool is_business_day;
    int64_t open_s;
    int64_t close_s;
};

static int64_t moment_s(const struct hours_schedule *schedule, int32_t date, int32_t second)
{
    return hours_zone_moment(schedule->zone, date, second) / US_PER_S;
}

static struct span span_of(const struct hours_schedule *schedule, int32_t date)
{
    struct span span = {.is_business_day = false};
    if (schedule_plan(schedule, date).day->count == 0)
        return span;
    int64_t end_s = moment_s(schedule, date + 1, 0);
    for (int64_t at_s = moment_s(schedule, date, 0); at_s < end_s;) {
        struct stretch stretch = schedule_stretch(schedule, at_s);
        int64_t until_s = stretch.until_s < end_s ? stretch.until_s : end_s;
        if (stretch.is_open && !span.is_business_day)
            span.open_s = at_s;
        if (stretch.is_open) {
            span.is_business_day = true;
            span.close_s = until_s;
        }
        at_s = until_s;
    }
    return span;
}

static enum err_code refuse(struct err *err)
{
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "NO_BUSINESS_HOURS",
                   "the schedule has not so much open time within %d days; open it on some day",
                   HOURS_DUE_AHEAD_DAYS);
}

/* The first business day from a date on. */
static enum err_code find_business_day(const struct hours_schedule *schedule, int32_t from,
                                       int32_t *out_date, struct span *out, struct err *err)
{
    for (int32_t date = from; date - from <= HOURS_DUE_AHEAD_DAYS; date++) {
        *out = span_of(schedule, date);
        *out_date = date;
        if (out->is_business_day)
            return ERR_OK;
    }
    return refuse(err);
}

static enum err_code add_business_time(const struct hours_schedule *schedule, int64_t at_s,
                                       int64_t seconds, int64_t *out_s, struct err *err)
{
    int64_t end_s = at_s + (int64_t)HOURS_DUE_AHEAD_DAYS * DAY_S;
    while (at_s < end_s) {
        struct stretch stretch = schedule_stretch(schedule, at_s);
        if (stretch.is_open && seconds <= stretch.until_s - at_s) {
            *out_s = at_s + seconds;
            return ERR_OK;
        }
        if (stretch.is_open)
            seconds -= stretch.until_s - at_s;
        at_s = stretch.until_s;
    }
    return refuse(err);
}

static enum err_code due_voicemail(const struct hours_schedule *schedule, int64_t at_s,
                                   int64_t *out_s, struct err *err)
{
    struct zone_clock clock;
    zone_clock(schedule->zone, at_s, &clock);
    struct span span = span_of(schedule, clock.date);
    if (span.is_business_day && clock.second < VOICEMAIL_SAME_DAY_S && at_s < span.close_s) {
        *out_s = span.close_s;
        return ERR_OK;
    }
    int32_t date = 0;
    enum err_code code = find_business_day(schedule, clock.date + 1, &date, &span, err);
    if (code != ERR_OK)
        return code;
    int64_t noon_s = moment_s(schedule, date, VOICEMAIL_NEXT_DAY_S);
    *out_s = noon_s > span.open_s && noon_s < span.close_s ? noon_s : span.close_s;
    return ERR_OK;
}

static enum err_code due_text(const struct hours_schedule *schedule, int64_t at_s, int64_t *out_s,
                              struct err *err)
{
    struct zone_clock clock;
    zone_clock(schedule->zone, at_s, &clock);
    struct span span = span_of(schedule, clock.date);
    if (span.is_business_day && at_s >= span.open_s && at_s < span.close_s)
        return add_business_time(schedule, at_s, HALF_HOUR_S, out_s, err);
    bool is_before = span.is_business_day && at_s < span.open_s;
    int32_t date = clock.date;
    enum err_code code = ERR_OK;
    if (!is_before)
        code = find_business_day(schedule, clock.date + 1, &date, &span, err);
    if (code != ERR_OK)
        return code;
    int64_t due_s = moment_s(schedule, date, TEXT_NEXT_DAY_S);
    if (due_s <= span.open_s)
        due_s = span.open_s + HALF_HOUR_S;
    *out_s = due_s < span.close_s ? due_s : span.close_s;
    return ERR_OK;
}

enum err_code hours_due(const struct hours_schedule *schedule, enum hours_due_kind kind,
                        int64_t at_us, int64_t seconds, int64_t *out_due_us, struct err *err)
{
    int64_t at_s = zone_seconds(at_us);
    int64_t due_s = 0;
    enum err_code code = ERR_OK;
    switch (kind) {
    case HOURS_DUE_VOICEMAIL:
        code = due_voicemail(schedule, at_s, &due_s, err);
        break;
    case HOURS_DUE_MISSED_CALL:
        code = add_business_time(schedule, at_s, HOUR_S, &due_s, err);
        break;
    case HOURS_DUE_TEXT:
        code = due_text(schedule, at_s, &due_s, err);
        break;
    case HOURS_DUE_SECONDS:
        if (seconds < 0 || seconds > HOURS_DUE_MAX_S)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "seconds",
                             "seconds is %" PRId64 "; it must be 0 to %d", seconds,
                             HOURS_DUE_MAX_S);
        code = add_business_time(schedule, at_s, seconds, &due_s, err);
        break;
    case HOURS_DUE_NONE:
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "kind",
                         "kind is required; give VOICEMAIL, MISSED_CALL, TEXT or SECONDS");
    }
    if (code == ERR_OK)
        *out_due_us = due_s * US_PER_S;
    return code;
}
