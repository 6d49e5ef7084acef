/*
 * Time zones: the local clock of a place at a moment, and the moment of a local time. The data is
 * the system's (package tzdata, read when a zone is made), so that it is as
 * new as the system is. A zone is immutable: any number of threads may read it.
 * Refuses what is no IANA name. Knows 1970 to 2199; a moment outside has the offset of the nearer
 * end. No leap seconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define HOURS_ZONE_NAME_MAX 64 /* bytes */

struct hours_zone;

/* What clock and calendar of a place say. */
struct hours_local {
    int32_t year;
    int32_t month;    /* 1..12 */
    int32_t day;      /* 1..31 */
    int32_t hour;     /* 0..23 */
    int32_t minute;   /* 0..59 */
    int32_t second;   /* 0..59 */
    int32_t weekday;  /* 1 Monday .. 7 Sunday */
    int32_t offset_s; /* east of UTC */
    int32_t date;     /* days since 1970-01-01 of that calendar */
};

/* name: "America/Chicago". *out is the caller's. Errors: INVALID_ARGUMENT INVALID_TIME_ZONE
 * (time_zone). */
enum err_code hours_zone_new(const char *name, struct hours_zone **out, struct err *err) MUST_CHECK;
void hours_zone_free(struct hours_zone *zone); /* NULL is allowed */

/* Whether hours_zone_new would take it. */
bool hours_zone_is_known(const char *name);

const char *hours_zone_name(const struct hours_zone *zone);

/* Some ten nanoseconds. */
void hours_zone_local(const struct hours_zone *zone, int64_t at_us, struct hours_local *out);

/* When the clock shows second_of_day (0 to 86400) of the date: the first time where it does so
 * twice; where it never does, the moment at which it jumps over it. */
int64_t hours_zone_moment(const struct hours_zone *zone, int32_t date, int32_t second_of_day);

/* Days since 1970-01-01 of a day of the calendar, and back (which leaves hour to offset_s alone).
 */
int32_t hours_date(int32_t year, int32_t month, int32_t day);
void hours_date_parts(int32_t date, struct hours_local *out);

/* "YYYY-MM-DD" of 1970 to 2199 that the calendar has. */
bool hours_date_parse(struct str text, int32_t *out_date);

#define HOURS_LOCAL_TEXT_SIZE 32 /* "2026-11-27T09:30:00-06:00" and its NUL, rounded up */

/* ISO 8601 with the offset (to the second where it has seconds). Returns out. */
char *hours_local_text(const struct hours_local *local, char out[HOURS_LOCAL_TEXT_SIZE]);
