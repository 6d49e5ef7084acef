/* Schedules at random, in zones of every kind, compared with the C library's clock minute by
 * minute. */
#include "hours/hours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "clock_oracle.h"
#include "testing.h"

enum {
    MINUTE_S = 60,
    DAY_S = 86400,
    DAYS_OF_WEEK = 7,
    ROUNDS = 40,         /* of a zone */
    AHEAD_S = 3 * DAY_S, /* in which every minute is looked at */
    HOLIDAYS = 2,
    YEAR_FIRST = 2024,
    YEARS = 16, /* beyond what zone files list */
};

struct fixture {
    struct hours_slot_def slots[DAYS_OF_WEEK + HOLIDAYS + DAYS_OF_WEEK][2];
    char texts[DAYS_OF_WEEK + HOLIDAYS + DAYS_OF_WEEK][2][2][8];
    char dates[HOLIDAYS + 2][16];
    struct hours_holiday_def holidays[HOLIDAYS];
    struct hours_special_def special;
    struct hours_def def;
};

static uint64_t seed = 7;

static uint32_t below(uint32_t end)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % end);
}

static void put_time(char *out, size_t size, int32_t minute)
{
    (void)snprintf(out, size, "%02d:%02d", (int)minute / 60, (int)minute % 60);
}

/* Up to two slots, mostly in the night, where clocks are changed. */
static struct hours_day_def random_day(struct fixture *fixture, size_t n)
{
    int32_t edges[4];
    int32_t range = below(2) == 0 ? 6 * 60 : 24 * 60;
    edges[0] = (int32_t)below(3) * 30;
    for (size_t i = 1; i < ARRAY_LEN(edges); i++)
        edges[i] = edges[i - 1] + 15 * (int32_t)(1 + below((uint32_t)range / 60));
    if (below(4) == 0)
        edges[3] = 24 * 60;
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        if (edges[i * 2 + 1] > 24 * 60 || edges[i * 2] >= edges[i * 2 + 1])
            break;
        put_time(fixture->texts[n][i][0], sizeof fixture->texts[n][i][0], edges[i * 2]);
        put_time(fixture->texts[n][i][1], sizeof fixture->texts[n][i][1], edges[i * 2 + 1]);
        fixture->slots[n][i] =
            (struct hours_slot_def){fixture->texts[n][i][0], fixture->texts[n][i][1]};
        count = i + 1;
    }
    return (struct hours_day_def){
        .is_open = count > 0 && below(5) != 0, .slots = fixture->slots[n], .slot_count = count};
}

static void put_date(char *out, size_t size, int32_t date)
{
    struct hours_local local;
    hours_date_parts(date, &local);
    (void)snprintf(out, size, "%04d-%02d-%02d", local.year, local.month, local.day);
}

/* Around date: holidays on and after it, special hours over some days. */
static void fill(struct fixture *fixture, const char *zone, int32_t date)
{
    size_t n = 0;
    fixture->def = (struct hours_def){.time_zone = zone};
    for (size_t i = 0; i < DAYS_OF_WEEK; i++)
        fixture->def.week.days[i] = random_day(fixture, n++);
    for (size_t i = 0; i < HOLIDAYS; i++) {
        put_date(fixture->dates[i], sizeof fixture->dates[i], date + (int32_t)i * 2);
        fixture->holidays[i] =
            (struct hours_holiday_def){"holiday", fixture->dates[i], random_day(fixture, n++)};
    }
    for (size_t i = 0; i < DAYS_OF_WEEK; i++)
        fixture->special.week.days[i] = random_day(fixture, n++);
    put_date(fixture->dates[2], sizeof fixture->dates[2], date - 1);
    put_date(fixture->dates[3], sizeof fixture->dates[3], date + (int32_t)below(3));
    fixture->special.name = "special";
    fixture->special.start_date = fixture->dates[2];
    fixture->special.end_date = fixture->dates[3];
    fixture->def.holidays = fixture->holidays;
    fixture->def.holiday_count = below(2) * HOLIDAYS;
    fixture->def.specials = &fixture->special;
    fixture->def.special_count = below(2);
}

/* What the definition says of a time of the clock: texts compare as times and dates do. */
static bool oracle_is_open(const struct hours_def *def, int64_t at_s)
{
    struct tm local = oracle_local(at_s);
    char date[16];
    char now[8];
    (void)strftime(date, sizeof date, "%Y-%m-%d", &local);
    put_time(now, sizeof now, local.tm_hour * 60 + local.tm_min);
    size_t weekday = (size_t)(local.tm_wday + 6) % DAYS_OF_WEEK;
    const struct hours_day_def *day = &def->week.days[weekday];
    for (size_t i = 0; i < def->special_count; i++) {
        if (strcmp(def->specials[i].start_date, date) <= 0 &&
            strcmp(date, def->specials[i].end_date) <= 0)
            day = &def->specials[i].week.days[weekday];
    }
    for (size_t i = 0; i < def->holiday_count; i++) {
        if (strcmp(def->holidays[i].date, date) == 0)
            day = &def->holidays[i].day;
    }
    for (size_t i = 0; i < day->slot_count && day->is_open; i++) {
        if (strcmp(day->slots[i].start, now) <= 0 && strcmp(now, day->slots[i].end) < 0)
            return true;
    }
    return false;
}

/* Walks every minute; all changes of clocks and hours are at full minutes in these years. */
static bool agrees(const struct hours_schedule *schedule, const struct hours_def *def, int64_t at_s,
                   int64_t seconds)
{
    int64_t open_us = 0;
    int64_t close_us = 0;
    int64_t due_us = 0;
    struct err err;
    struct hours_state state;
    bool has_due =
        hours_due(schedule, HOURS_DUE_SECONDS, at_s * US_PER_S, seconds, &due_us, &err) == ERR_OK;
    bool was_open = oracle_is_open(def, at_s);
    int64_t want_open_s = 0;
    int64_t want_close_s = 0;
    int64_t want_due_s = 0;
    int64_t passed_s = 0;
    hours_next(schedule, at_s * US_PER_S, &open_us, &close_us);
    for (int64_t t = at_s; t < at_s + AHEAD_S; t += MINUTE_S) {
        bool now = oracle_is_open(def, t);
        hours_at(schedule, t * US_PER_S, &state);
        if (state.is_open != now)
            return false;
        if (now && !was_open && want_open_s == 0)
            want_open_s = t;
        if (!now && was_open && want_close_s == 0)
            want_close_s = t;
        if (now && want_due_s == 0 && seconds - passed_s <= MINUTE_S)
            want_due_s = t + seconds - passed_s;
        passed_s += now ? MINUTE_S : 0;
        was_open = now;
    }
    int64_t end_us = (at_s + AHEAD_S) * US_PER_S;
    bool is_open_right =
        want_open_s != 0 ? open_us == want_open_s * US_PER_S : open_us == 0 || open_us >= end_us;
    bool is_close_right = want_close_s != 0 ? close_us == want_close_s * US_PER_S
                                            : close_us == 0 || close_us >= end_us;
    bool is_due_right =
        want_due_s != 0 ? has_due && due_us == want_due_s * US_PER_S : !has_due || due_us >= end_us;
    return is_open_right && is_close_right && is_due_right;
}

/* The second at which the offset changes next, or a moment at random. */
static int64_t interesting_s(int64_t from_s)
{
    for (int64_t t = from_s; t < from_s + 366 * INT64_C(86400); t += DAY_S) {
        if (oracle_offset_s(t) != oracle_offset_s(t + DAY_S))
            return t;
    }
    return from_s;
}

static void check_zone(const char *zone)
{
    oracle_zone(zone);
    for (size_t round = 0; round < ROUNDS; round++) {
        struct fixture fixture = {.def = {.holiday_count = 0}};
        int64_t from_s = ((int64_t)hours_date(YEAR_FIRST, 1, 1) + below(YEARS * 365)) * DAY_S;
        int64_t at_s = interesting_s(from_s) - (int64_t)below(2 * 24 * 60) * MINUTE_S;
        struct hours_schedule *schedule = NULL;
        struct err err = {.code = ERR_OK};
        fill(&fixture, zone, (int32_t)(at_s / DAY_S) + 1);
        if (hours_schedule_new(&fixture.def, &schedule, &err) != ERR_OK)
            (void)fprintf(stderr, "%s: %s\n", err.field, err.detail);
        REQUIRE(schedule != NULL);
        bool is_good = agrees(schedule, &fixture.def, at_s, (int64_t)below(12 * 3600));
        hours_schedule_free(schedule);
        if (!is_good)
            (void)fprintf(stderr, "%s from %lld, round %zu\n", zone, (long long)at_s, round);
        REQUIRE(is_good);
    }
}

static void new_york(void)
{
    check_zone("America/New_York");
}

static void chicago(void)
{
    check_zone("America/Chicago");
}

static void berlin(void)
{
    check_zone("Europe/Berlin");
}

static void lord_howe(void)
{
    check_zone("Australia/Lord_Howe");
}

static void kathmandu(void)
{
    check_zone("Asia/Kathmandu");
}

static void phoenix(void)
{
    check_zone("America/Phoenix");
}

/* Negative summer time, changes at midnight, changes of 15 minutes' zones, twice in a month. */
static void odd_ones(void)
{
    static const char *const zones[] = {"Europe/Dublin",     "America/Havana", "Pacific/Chatham",
                                        "Africa/Casablanca", "Asia/Beirut",    "America/Nuuk"};
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        check_zone(zones[i]);
}

static const struct test_case cases[] = {
    {"New York as the C library's clock has it",  new_york },
    {"Chicago as the C library's clock has it",   chicago  },
    {"Berlin as the C library's clock has it",    berlin   },
    {"Lord Howe as the C library's clock has it", lord_howe},
    {"Kathmandu as the C library's clock has it", kathmandu},
    {"Phoenix as the C library's clock has it",   phoenix  },
    {"so are odd ones",                           odd_ones },
};

int main(int argc, char **argv)
{
    return testing_main("clocks", cases, ARRAY_LEN(cases), argc, argv);
}
