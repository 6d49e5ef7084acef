/*
 * Business hours: whether a schedule is open at a moment, when that ends, and when so much business
 * time has passed. Pure: no clock of its own. A compiled schedule is immutable; any number of
 * threads may read it.
 *
 * Open is a question to the local clock: the schedule is open at a moment when the clock of its
 * zone then shows a time inside a slot of that date. So a slot that the clock jumps over in spring
 * is empty, and one that it shows twice in autumn is open twice. A date follows its holiday, else
 * the special hours that include it, else the weekly schedule. Business time is counted in real
 * seconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "hours/zone.h"

enum {
    HOURS_SLOTS_MAX = 12, /* of a day */
    HOURS_HOLIDAYS_MAX = 366,
    HOURS_SPECIALS_MAX = 52,
    HOURS_NAME_MAX = 128,        /* characters */
    HOURS_AHEAD_DAYS = 400,      /* how far hours_next looks */
    HOURS_DUE_AHEAD_DAYS = 1830, /* and hours_due */
    HOURS_DUE_MAX_S = 30 * 86400,
};

/* ---- as people write it; texts never NULL ---- */

struct hours_slot_def {
    const char *start; /* "HH:MM", 00:00 to 23:59 */
    const char *end;   /* likewise, or "24:00" */
};

struct hours_day_def {
    bool is_open; /* false: closed, whatever the slots say */
    const struct hours_slot_def *slots;
    size_t slot_count;
};

struct hours_week_def {
    struct hours_day_def days[7]; /* from Monday; all zero: closed */
};

struct hours_holiday_def {
    const char *name;
    const char *date; /* "YYYY-MM-DD" */
    struct hours_day_def day;
};

struct hours_special_def {
    const char *name;
    const char *start_date; /* both included */
    const char *end_date;
    struct hours_week_def week;
};

struct hours_def {
    const char *time_zone; /* IANA name, not empty */
    struct hours_week_def week;
    const struct hours_holiday_def *holidays;
    size_t holiday_count;
    const struct hours_special_def *specials;
    size_t special_count;
};

/* ---- compiled ---- */

struct hours_schedule;

/*
 * Checks the definition and compiles it (which copies what it needs). *out is the caller's; NULL
 * for out: only checks. Errors: INVALID_ARGUMENT with the place as field, as in
 * "weekly_schedule.monday.time_slots[1].end", "holidays[3].date" or "special_hours[0].schedule.
 * sunday.time_slots[0]": INVALID_TIME_ZONE, INVALID_TIME, INVALID_DATE, INVALID_SLOT (ends before
 * it starts), NO_SLOTS (open without any), SLOTS_OVERLAP, HOLIDAYS_OVERLAP, SPECIALS_OVERLAP (the
 * detail names both), INVALID_RANGE, INVALID_NAME, TOO_MANY.
 */
enum err_code hours_schedule_new(const struct hours_def *def, struct hours_schedule **out,
                                 struct err *err) MUST_CHECK;

/* Open at any time: where there is no schedule. Errors: INVALID_TIME_ZONE. */
enum err_code hours_schedule_new_always(const char *time_zone, struct hours_schedule **out,
                                        struct err *err) MUST_CHECK;
void hours_schedule_free(struct hours_schedule *schedule); /* NULL is allowed */

const struct hours_zone *hours_schedule_zone(const struct hours_schedule *schedule);

struct hours_state {
    struct hours_local local;
    bool is_open;
    bool is_holiday;          /* the date is one, open or not */
    const char *holiday_name; /* "" on other days; kept by the schedule, so is the next */
    const char *special_name; /* of the special hours that the date follows, or "" */
};

/* Some hundred nanoseconds. */
void hours_at(const struct hours_schedule *schedule, int64_t at_us, struct hours_state *out);

/* The next change to open and the next one to closed after the moment; 0: none within
 * HOURS_AHEAD_DAYS. Slots that touch are one, over midnight too. Some ten microseconds at worst. */
void hours_next(const struct hours_schedule *schedule, int64_t at_us, int64_t *out_next_open_us,
                int64_t *out_next_close_us);

/* ---- due times ---- */

enum hours_due_kind {
    HOURS_DUE_NONE,
    /* Before 15:00 of a business day that has open time left: its close. Else of the next business
     * day 12:00, or its close where it is not open around then. */
    HOURS_DUE_VOICEMAIL,
    HOURS_DUE_MISSED_CALL, /* an hour of business time */
    /* From a day's first opening to its last close: half an hour of business time. Else the next
     * 09:00 of a business day, or half an hour after its opening where that is later, or its close
     * where that is sooner. */
    HOURS_DUE_TEXT,
    HOURS_DUE_SECONDS, /* so many seconds of business time; 0: the moment, or the next opening */
};

/*
 * When something that came at a moment has to be done. A business day is a date with open time.
 * seconds: of HOURS_DUE_SECONDS, 0 to HOURS_DUE_MAX_S.
 * Errors: FAILED_PRECONDITION NO_BUSINESS_HOURS: not so much open time within
 * HOURS_DUE_AHEAD_DAYS; INVALID_ARGUMENT OUT_OF_RANGE (seconds), FIELD_REQUIRED (kind).
 */
enum err_code hours_due(const struct hours_schedule *schedule, enum hours_due_kind kind,
                        int64_t at_us, int64_t seconds, int64_t *out_due_us,
                        struct err *err) MUST_CHECK;
