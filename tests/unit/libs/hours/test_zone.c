#include "hours/zone.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "clock_oracle.h"
#include "testing.h"

enum { DAY_S = 86400, STEP_S = 29 * DAY_S + 12345 };

static struct err err;

static struct hours_zone *zone_of(const char *name)
{
    struct hours_zone *zone = NULL;
    err_clear(&err);
    return hours_zone_new(name, &zone, &err) == ERR_OK ? zone : NULL;
}

static bool is_same(const struct hours_zone *zone, int64_t at_s)
{
    struct hours_local ours;
    struct tm theirs = oracle_local(at_s);
    hours_zone_local(zone, at_s * US_PER_S + 999999, &ours);
    bool is_equal = ours.year == theirs.tm_year + 1900 && ours.month == theirs.tm_mon + 1 &&
                    ours.day == theirs.tm_mday && ours.hour == theirs.tm_hour &&
                    ours.minute == theirs.tm_min && ours.second == theirs.tm_sec &&
                    ours.weekday % 7 == theirs.tm_wday && ours.offset_s == oracle_offset_s(at_s) &&
                    ours.date == hours_date(ours.year, ours.month, ours.day);
    if (!is_equal)
        (void)fprintf(stderr, "%s at %lld: ours %d-%d-%d %d:%d:%d weekday %d, %d s\n",
                      hours_zone_name(zone), (long long)at_s, ours.year, ours.month, ours.day,
                      ours.hour, ours.minute, ours.second, ours.weekday, ours.offset_s);
    return is_equal;
}

/* The second from which the C library has another offset than at from_s. */
static int64_t find_change(int64_t from_s, int64_t until_s)
{
    int64_t offset_s = oracle_offset_s(from_s);
    while (until_s - from_s > 1) {
        int64_t middle_s = from_s + (until_s - from_s) / 2;
        if (oracle_offset_s(middle_s) == offset_s)
            from_s = middle_s;
        else
            until_s = middle_s;
    }
    return until_s;
}

static bool agrees(const char *name)
{
    struct hours_zone *zone = zone_of(name);
    const int64_t end_s = (int64_t)hours_date(2120, 1, 1) * DAY_S;
    bool is_good = zone != NULL;
    oracle_zone(name);
    for (int64_t at_s = 0; at_s < end_s && is_good; at_s += STEP_S) {
        is_good = is_same(zone, at_s);
        if (!is_good || oracle_offset_s(at_s) == oracle_offset_s(at_s + STEP_S))
            continue;
        int64_t change_s = find_change(at_s, at_s + STEP_S);
        is_good = is_same(zone, change_s - 1) && is_same(zone, change_s);
    }
    hours_zone_free(zone);
    return is_good;
}

static void every_zone_is_as_the_c_library_has_it(void)
{
    char **names = oracle_zone_names();
    size_t count = 0;
    size_t good = 0;
    for (; names[count] != NULL; count++) {
        bool is_good = agrees(names[count]);
        if (!is_good)
            (void)fprintf(stderr, "%s differs\n", names[count]);
        good += is_good ? 1 : 0;
    }
    oracle_zone_names_free(names);
    CHECK(count > 300); /* the machine has its tzdata */
    CHECK_I64(good, count);
}

static void a_moment_is_found_from_the_clock(void)
{
    static const struct {
        const char *zone;
        const char *date;
        int32_t second;
        const char *want;
    } rows[] = {
        {"America/New_York",    "2026-07-01", 9 * 3600,        "2026-07-01T13:00:00Z"},
        {"America/New_York",    "2026-12-01", 9 * 3600,        "2026-12-01T14:00:00Z"},
 /* 02:00 to 03:00 is missing */
        {"America/New_York",    "2026-03-08", 2 * 3600,        "2026-03-08T07:00:00Z"},
        {"America/New_York",    "2026-03-08", 2 * 3600 + 1800, "2026-03-08T07:00:00Z"},
        {"America/New_York",    "2026-03-08", 3 * 3600,        "2026-03-08T07:00:00Z"},
 /* 01:00 to 02:00 comes twice: the first */
        {"America/New_York",    "2026-11-01", 3600,            "2026-11-01T05:00:00Z"},
        {"America/New_York",    "2026-11-01", 2 * 3600,        "2026-11-01T07:00:00Z"},
        {"America/New_York",    "2026-11-01", DAY_S,           "2026-11-02T05:00:00Z"},
        {"Europe/Berlin",       "2026-03-29", 2 * 3600 + 60,   "2026-03-29T01:00:00Z"},
        {"Europe/Berlin",       "2026-10-25", 2 * 3600,        "2026-10-25T00:00:00Z"},
 /* half an hour of summer time */
        {"Australia/Lord_Howe", "2026-10-04", 2 * 3600 + 900,  "2026-10-03T15:30:00Z"},
        {"Australia/Lord_Howe", "2026-04-05", 3600 + 1800,     "2026-04-04T14:30:00Z"},
        {"Asia/Kathmandu",      "2026-01-01", 0,               "2025-12-31T18:15:00Z"},
        {"America/Phoenix",     "2026-07-01", 8 * 3600,        "2026-07-01T15:00:00Z"},
 /* Mexico has no summer time since 2022 */
        {"America/Mexico_City", "2026-07-01", 8 * 3600,        "2026-07-01T14:00:00Z"},
 /* Samoa had no such day */
        {"Pacific/Apia",        "2011-12-30", 12 * 3600,       "2011-12-30T10:00:00Z"},
        {"UTC",                 "2024-02-29", 1,               "2024-02-29T00:00:01Z"},
        {"Europe/Dublin",       "2150-07-01", 0,               "2150-06-30T23:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hours_zone *zone = zone_of(rows[i].zone);
        int32_t date = 0;
        char text[CLOCK_TEXT_SIZE] = "";
        CHECK(hours_date_parse(str_from(rows[i].date), &date));
        if (zone != NULL)
            clock_format_s(hours_zone_moment(zone, date, rows[i].second), text);
        CHECK_TEXT(text, rows[i].want);
        hours_zone_free(zone);
    }
}

static void what_is_no_zone_is_refused(void)
{
    static const char *const bad[] = {
        "",
        "Mars/Olympus",
        "america/new_york",
        "America",
        "America/",
        "/America/New_York",
        "America//New_York",
        "../zoneinfo/UTC",
        "America/../UTC",
        "right/UTC",
        "posix/UTC",
        "tzdata.zi",
        "UTC ",
        "+05:00",
        "EST5EDT4,M3.2.0,M11.1.0",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    static const char *const good[] = {"UTC", "Etc/UTC", "Etc/GMT+5", "America/Indiana/Knox",
                                       "America/Port-au-Prince"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(zone_of(bad[i]) == NULL);
        CHECK(err.code == ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "INVALID_TIME_ZONE");
        CHECK_TEXT(err.field, "time_zone");
        CHECK(!hours_zone_is_known(bad[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        CHECK(hours_zone_is_known(good[i]));
}

static void dates_are_those_of_the_calendar(void)
{
    static const char *const bad[] = {
        "",           "2026-02-29", "2100-02-29",  "2026-13-01", "2026-00-10", "2026-04-31",
        "2026-04-00", "1969-12-31", "2200-01-01",  "2026-4-01",  "2026/04/01", "2026-+4-01",
        "2026-04-+1", "+026-04-01", "2026-04-01x", " 2026-04-1",
    };
    int32_t date = -1;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!hours_date_parse(str_from(bad[i]), &date));
    CHECK_I64(date, -1);
    CHECK(hours_date_parse(STR("1970-01-01"), &date) && date == 0);
    CHECK(hours_date_parse(STR("2024-02-29"), &date) && date == hours_date(2024, 3, 1) - 1);
    CHECK(hours_date_parse(STR("2000-02-29"), &date) && date == hours_date(2000, 2, 28) + 1);
    CHECK(hours_date_parse(STR("2199-12-31"), &date));
}

static void local_time_is_written_with_its_offset(void)
{
    static const struct {
        const char *zone;
        const char *at;
        const char *want;
    } rows[] = {
        {"UTC",              "2026-11-27T10:00:00Z", "2026-11-27T10:00:00+00:00"   },
        {"America/Chicago",  "2026-11-27T10:00:00Z", "2026-11-27T04:00:00-06:00"   },
        {"Asia/Kathmandu",   "2026-11-27T20:00:00Z", "2026-11-28T01:45:00+05:45"   },
        {"America/St_Johns", "2026-01-01T00:00:00Z", "2025-12-31T20:30:00-03:30"   },
        {"Africa/Monrovia",  "1970-06-01T12:00:00Z", "1970-06-01T11:15:30-00:44:30"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hours_zone *zone = zone_of(rows[i].zone);
        struct hours_local local;
        char text[HOURS_LOCAL_TEXT_SIZE];
        int64_t at_us = 0;
        REQUIRE(zone != NULL && parse_time(str_from(rows[i].at), &at_us));
        hours_zone_local(zone, at_us, &local);
        CHECK_TEXT(hours_local_text(&local, text), rows[i].want);
        hours_zone_free(zone);
    }
}

static void any_moment_has_a_local_time(void)
{
    static const int64_t rows[] = {INT64_MIN, -1, 0, INT64_C(7258118400000000), INT64_MAX};
    struct hours_zone *zone = zone_of("America/New_York");
    struct hours_local local = {.year = 0};
    REQUIRE(zone != NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        hours_zone_local(zone, rows[i], &local);
        CHECK(local.month >= 1 && local.month <= 12 && local.weekday >= 1 && local.weekday <= 7);
    }
    hours_zone_local(zone, -1, &local);
    CHECK(local.year == 1969 && local.hour == 18 && local.second == 59);
    hours_zone_free(zone);
}

static const struct test_case cases[] = {
    {"every zone is as the C library has it", every_zone_is_as_the_c_library_has_it},
    {"a moment is found from the clock",      a_moment_is_found_from_the_clock     },
    {"what is no zone is refused",            what_is_no_zone_is_refused           },
    {"dates are those of the calendar",       dates_are_those_of_the_calendar      },
    {"local time is written with its offset", local_time_is_written_with_its_offset},
    {"any moment has a local time",           any_moment_has_a_local_time          },
};

int main(int argc, char **argv)
{
    return testing_main("zone", cases, ARRAY_LEN(cases), argc, argv);
}
