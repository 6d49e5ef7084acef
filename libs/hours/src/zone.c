#include "hours/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "tzif.h"
#include "zone_int.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"

enum { DAY_S = 86400, DATE_TEXT_LEN = 10 };

struct hours_zone {
    char name[HOURS_ZONE_NAME_MAX + 1];
    struct tzif_changes changes;
};

/* ---- the calendar ---- */

/* Years are counted from March here, so that the leap day is the last of its year. */
enum { DAYS_OF_400_YEARS = 146097, DAYS_TO_1970 = 719468 /* since 0000-03-01 */ };

static int64_t floor_div(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return value % by < 0 ? quotient - 1 : quotient;
}

int32_t hours_date(int32_t year, int32_t month, int32_t day)
{
    int32_t march_year = month > 2 ? year : year - 1;
    int32_t march_month = month > 2 ? month - 3 : month + 9;
    int32_t leap_days = (int32_t)(floor_div(march_year, 4) - floor_div(march_year, 100) +
                                  floor_div(march_year, 400));
    return march_year * 365 + leap_days + (march_month * 153 + 2) / 5 + day - 1 - DAYS_TO_1970;
}

void hours_date_parts(int32_t date, struct hours_local *out)
{
    int64_t days = (int64_t)date + DAYS_TO_1970;
    int32_t era = (int32_t)floor_div(days, DAYS_OF_400_YEARS);
    int32_t rest = (int32_t)(days - (int64_t)era * DAYS_OF_400_YEARS);
    int32_t of_era = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    int32_t of_year = rest - (of_era * 365 + of_era / 4 - of_era / 100);
    int32_t march_month = (of_year * 5 + 2) / 153;
    out->day = of_year - (march_month * 153 + 2) / 5 + 1;
    out->month = march_month < 10 ? march_month + 3 : march_month - 9;
    out->year = era * 400 + of_era + (out->month <= 2 ? 1 : 0);
    out->weekday = (int32_t)((date % 7 + 7 + 3) % 7) + 1; /* 1970-01-01 was a Thursday */
    out->date = date;
}

bool hours_date_parse(struct str text, int32_t *out_date)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    if (text.len != DATE_TEXT_LEN || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        !parse_i64((struct str){text.ptr, 4}, TZIF_YEAR_FIRST, TZIF_YEAR_END - 1, &year) ||
        text.ptr[5] == '+' || text.ptr[8] == '+' ||
        !parse_i64((struct str){text.ptr + 5, 2}, 1, 12, &month) ||
        !parse_i64((struct str){text.ptr + 8, 2}, 1, 31, &day))
        return false;
    struct hours_local back;
    int32_t date = hours_date((int32_t)year, (int32_t)month, (int32_t)day);
    hours_date_parts(date, &back);
    if (back.day != day) /* 30 February is 1 or 2 March */
        return false;
    *out_date = date;
    return true;
}

/* ---- zones ---- */

/* Parts that begin with a capital: neither "right/…", whose clocks have leap seconds, nor a way out
 * of the folder. */
static bool is_zone_name(const char *name)
{
    bool is_begin = true;
    size_t len = strlen(name);
    if (len == 0 || len > HOURS_ZONE_NAME_MAX || name[len - 1] == '/')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool is_capital = c >= 'A' && c <= 'Z';
        bool is_other = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
                        c == '-' || c == '/';
        if (!is_capital && (is_begin || !is_other))
            return false;
        is_begin = c == '/';
    }
    return true;
}

/* The whole file; false when there is none or it is too long. */
static bool read_file(const char *name, char *bytes, size_t *out_len)
{
    char path[sizeof ZONE_FOLDER + HOURS_ZONE_NAME_MAX];
    (void)snprintf(path, sizeof path, "%s%s", ZONE_FOLDER, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t len = 0;
    ssize_t got = 0;
    while (len <= TZIF_BYTES_MAX && (got = read(fd, bytes + len, TZIF_BYTES_MAX + 1 - len)) > 0)
        len += (size_t)got;
    close(fd);
    *out_len = len;
    return got == 0 && len <= TZIF_BYTES_MAX;
}

/* UTC needs no file. */
static void make_utc(struct tzif_changes *changes)
{
    *changes = (struct tzif_changes){
        .at_s = xcalloc(1, sizeof *changes->at_s),
        .offset_s = xcalloc(1, sizeof *changes->offset_s),
        .count = 1,
    };
    changes->at_s[0] = INT64_MIN;
}

static bool load(const char *name, struct tzif_changes *out)
{
    if (!is_zone_name(name))
        return false;
    if (strcmp(name, "UTC") == 0) {
        make_utc(out);
        return true;
    }
    char *bytes = xcalloc(1, TZIF_BYTES_MAX + 1);
    size_t len = 0;
    bool is_good = read_file(name, bytes, &len) && tzif_parse((struct str){bytes, len}, out);
    free(bytes);
    return is_good;
}

enum err_code hours_zone_new(const char *name, struct hours_zone **out, struct err *err)
{
    struct tzif_changes changes;
    if (!load(name, &changes))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TIME_ZONE", "time_zone",
                         "\"%.64s\" is no time zone that is known here; give an IANA name such as "
                         "America/Chicago",
                         name);
    struct hours_zone *zone = xcalloc(1, sizeof *zone);
    zone->changes = changes;
    memcpy(zone->name, name, strlen(name));
    *out = zone;
    return ERR_OK;
}

void hours_zone_free(struct hours_zone *zone)
{
    if (zone == NULL)
        return;
    tzif_changes_fini(&zone->changes);
    free(zone);
}

bool hours_zone_is_known(const char *name)
{
    struct tzif_changes changes;
    if (!load(name, &changes))
        return false;
    tzif_changes_fini(&changes);
    return true;
}

const char *hours_zone_name(const struct hours_zone *zone)
{
    return zone->name;
}

/* The last change that is not after the moment. */
static size_t find(const struct hours_zone *zone, int64_t at_s)
{
    size_t low = 0; /* at_s[low] <= at_s */
    size_t high = zone->changes.count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes.at_s[middle] <= at_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void zone_clock(const struct hours_zone *zone, int64_t at_s, struct zone_clock *out)
{
    size_t i = find(zone, at_s);
    int64_t local_s = at_s + zone->changes.offset_s[i];
    out->offset_s = zone->changes.offset_s[i];
    out->date = (int32_t)floor_div(local_s, DAY_S);
    out->second = (int32_t)(local_s - (int64_t)out->date * DAY_S);
    out->until_s = i + 1 < zone->changes.count ? zone->changes.at_s[i + 1] : INT64_MAX;
}

int64_t zone_seconds(int64_t at_us)
{
    return floor_div(at_us, US_PER_S);
}

void hours_zone_local(const struct hours_zone *zone, int64_t at_us, struct hours_local *out)
{
    struct zone_clock clock;
    zone_clock(zone, zone_seconds(at_us), &clock);
    hours_date_parts(clock.date, out);
    out->hour = clock.second / 3600;
    out->minute = clock.second / 60 % 60;
    out->second = clock.second % 60;
    out->offset_s = clock.offset_s;
}

int64_t hours_zone_moment(const struct hours_zone *zone, int32_t date, int32_t second_of_day)
{
    int64_t local_s = (int64_t)date * DAY_S + second_of_day;
    size_t i = find(zone, local_s - 2 * DAY_S); /* offsets are less than two days */
    for (;; i++) {
        int64_t begin_s = zone->changes.at_s[i];
        int64_t end_s = i + 1 < zone->changes.count ? zone->changes.at_s[i + 1] : INT64_MAX;
        int64_t at_s = local_s - zone->changes.offset_s[i];
        if (at_s < end_s) /* shown under this offset, or jumped over when it began */
            return (at_s > begin_s ? at_s : begin_s) * US_PER_S;
    }
}

char *hours_local_text(const struct hours_local *local, char out[HOURS_LOCAL_TEXT_SIZE])
{
    int32_t east = local->offset_s < 0 ? -local->offset_s : local->offset_s;
    int len = snprintf(out, HOURS_LOCAL_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d",
                       local->year, local->month, local->day, local->hour, local->minute,
                       local->second, local->offset_s < 0 ? '-' : '+', east / 3600, east / 60 % 60);
    if (east % 60 != 0 && len > 0 && len < HOURS_LOCAL_TEXT_SIZE - 4)
        (void)snprintf(out + len, HOURS_LOCAL_TEXT_SIZE - (size_t)len, ":%02d", east % 60);
    return out;
}
