#include "hours/hours.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"

static struct err err;

/* Until the next call. */
static const struct hours_slot_def *slot(const char *start, const char *end)
{
    static struct hours_slot_def one;
    one = (struct hours_slot_def){.start = start, .end = end};
    return &one;
}

/* A week whose Wednesday has these slots. */
static void check_slots(const struct hours_slot_def *slots, size_t count, const char *field,
                        const char *reason)
{
    struct hours_def def = {
        .time_zone = "UTC",
        .week.days[2] = {.is_open = true, .slots = slots, .slot_count = count},
    };
    err_clear(&err);
    CHECK(hours_schedule_new(&def, NULL, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, reason);
    CHECK_TEXT(err.field, field);
    def.week.days[2].is_open = false; /* what is closed is read as well */
    if (count > 0)
        CHECK(hours_schedule_new(&def, NULL, &err) == ERR_INVALID_ARGUMENT);
}

static void times_are_hours_and_minutes(void)
{
    static const char *const bad[] = {"",      "8:00",   "08:0",  "08:000", "24:01", "25:00",
                                      "08:60", "08.00",  "0800",  "-1:00",  "+8:00", "08:00 ",
                                      " 8:00", "08:00Z", "aa:bb", "0x:00",  "24:00x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        check_slots(slot(bad[i], "18:00"), 1, "weekly_schedule.wednesday.time_slots[0].start",
                    "INVALID_TIME");
        check_slots(slot("00:00", bad[i]), 1, "weekly_schedule.wednesday.time_slots[0].end",
                    "INVALID_TIME");
    }
    check_slots(slot("24:00", "24:00"), 1, "weekly_schedule.wednesday.time_slots[0].start",
                "INVALID_TIME");
}

static void a_slot_ends_after_it_starts(void)
{
    check_slots(slot("08:00", "08:00"), 1, "weekly_schedule.wednesday.time_slots[0]",
                "INVALID_SLOT");
    check_slots(slot("22:00", "06:00"), 1, "weekly_schedule.wednesday.time_slots[0]",
                "INVALID_SLOT");
    CHECK(strstr(err.detail, "midnight") != NULL);
}

static void slots_that_overlap_are_named(void)
{
    static const struct hours_slot_def slots[] = {
        {"13:00", "18:00"},
        {"08:00", "12:00"},
        {"11:59", "13:00"},
    };
    check_slots(slots, ARRAY_LEN(slots), "weekly_schedule.wednesday.time_slots[2]",
                "SLOTS_OVERLAP");
    CHECK(strstr(err.detail, "08:00-12:00") != NULL);
    CHECK(strstr(err.detail, "11:59-13:00") != NULL);
    static const struct hours_slot_def within[] = {
        {"08:00", "18:00"},
        {"09:00", "10:00"},
    };
    check_slots(within, ARRAY_LEN(within), "weekly_schedule.wednesday.time_slots[1]",
                "SLOTS_OVERLAP");
    static const struct hours_slot_def same[] = {
        {"08:00", "18:00"},
        {"08:00", "18:00"},
    };
    check_slots(same, ARRAY_LEN(same), "weekly_schedule.wednesday.time_slots[1]", "SLOTS_OVERLAP");
}

static void counts_have_limits(void)
{
    struct hours_slot_def slots[HOURS_SLOTS_MAX + 1];
    static char texts[HOURS_SLOTS_MAX + 1][2][6];
    for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
        (void)snprintf(texts[i][0], sizeof texts[i][0], "%02u:00", (unsigned)i % 24);
        (void)snprintf(texts[i][1], sizeof texts[i][1], "%02u:30", (unsigned)i % 24);
        slots[i] = (struct hours_slot_def){texts[i][0], texts[i][1]};
    }
    check_slots(slots, ARRAY_LEN(slots), "weekly_schedule.wednesday.time_slots", "TOO_MANY");
    check_slots(NULL, 0, "weekly_schedule.wednesday.time_slots", "NO_SLOTS");
    struct hours_def def = {.time_zone = "UTC", .holiday_count = HOURS_HOLIDAYS_MAX + 1};
    CHECK(hours_schedule_new(&def, NULL, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "holidays");
    def = (struct hours_def){.time_zone = "UTC", .special_count = HOURS_SPECIALS_MAX + 1};
    CHECK(hours_schedule_new(&def, NULL, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "special_hours");
}

static void check_holidays(const struct hours_holiday_def *holidays, size_t count,
                           const char *field, const char *reason)
{
    struct hours_def def = {.time_zone = "UTC", .holidays = holidays, .holiday_count = count};
    err_clear(&err);
    CHECK(hours_schedule_new(&def, NULL, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, reason);
    CHECK_TEXT(err.field, field);
}

static void a_date_has_one_holiday(void)
{
    static const struct hours_holiday_def twice[] = {
        {"Christmas", "2026-12-25", {.is_open = false}},
        {"New Year",  "2027-01-01", {.is_open = false}},
        {"Noel",      "2026-12-25", {.is_open = false}},
    };
    check_holidays(twice, ARRAY_LEN(twice), "holidays[2]", "HOLIDAYS_OVERLAP");
    CHECK(strstr(err.detail, "Christmas") != NULL && strstr(err.detail, "Noel") != NULL);
    static const struct hours_holiday_def no_leap[] = {
        {"Leap", "2027-02-29", {.is_open = false}}
    };
    check_holidays(no_leap, 1, "holidays[0].date", "INVALID_DATE");
    static const struct hours_holiday_def unnamed[] = {
        {" ", "2027-02-28", {.is_open = false}}
    };
    check_holidays(unnamed, 1, "holidays[0].name", "INVALID_NAME");
    static const struct hours_holiday_def no_slots[] = {
        {"Eve", "2027-02-28", {.is_open = true}}
    };
    check_holidays(no_slots, 1, "holidays[0].time_slots", "NO_SLOTS");
}

static void check_specials(const struct hours_special_def *specials, size_t count,
                           const char *field, const char *reason)
{
    struct hours_def def = {.time_zone = "UTC", .specials = specials, .special_count = count};
    err_clear(&err);
    CHECK(hours_schedule_new(&def, NULL, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, reason);
    CHECK_TEXT(err.field, field);
}

static void special_hours_share_no_day(void)
{
    static const struct hours_special_def rows[][2] = {
        {{.name = "A", .start_date = "2026-06-01", .end_date = "2026-06-10"},
         {.name = "B", .start_date = "2026-06-10", .end_date = "2026-06-20"}},
        {{.name = "A", .start_date = "2026-06-10", .end_date = "2026-06-20"},
         {.name = "B", .start_date = "2026-06-01", .end_date = "2026-06-10"}},
        {{.name = "A", .start_date = "2026-06-01", .end_date = "2026-06-30"},
         {.name = "B", .start_date = "2026-06-10", .end_date = "2026-06-10"}},
        {{.name = "A", .start_date = "2026-06-10", .end_date = "2026-06-10"},
         {.name = "B", .start_date = "2026-06-01", .end_date = "2026-06-30"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        check_specials(rows[i], 2, "special_hours[1]", "SPECIALS_OVERLAP");
        CHECK(strstr(err.detail, "\"A\"") != NULL && strstr(err.detail, "\"B\"") != NULL);
    }
    static const struct hours_special_def apart[] = {
        {.name = "C", .start_date = "2026-06-21", .end_date = "2026-06-21"},
        {.name = "A", .start_date = "2026-06-01", .end_date = "2026-06-10"},
        {.name = "B", .start_date = "2026-06-11", .end_date = "2026-06-20"},
    };
    struct hours_def def = {.time_zone = "UTC", .specials = apart, .special_count = 3};
    CHECK(hours_schedule_new(&def, NULL, &err) == ERR_OK);
    static const struct hours_special_def backwards[] = {
        {.name = "A", .start_date = "2026-06-02", .end_date = "2026-06-01"},
    };
    check_specials(backwards, 1, "special_hours[0]", "INVALID_RANGE");
    const struct hours_special_def deep[] = {
        {.name = "A",
         .start_date = "2026-06-01",
         .end_date = "2026-06-01",
         .week.days[6] = {.is_open = true, .slots = slot("09:00", "9:30"), .slot_count = 1}},
    };
    check_specials(deep, 1, "special_hours[0].schedule.sunday.time_slots[0].end", "INVALID_TIME");
}

static void the_zone_must_be_known(void)
{
    struct hours_def def = {.time_zone = "CST"};
    err_clear(&err);
    CHECK(hours_schedule_new(&def, NULL, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "INVALID_TIME_ZONE");
    CHECK_TEXT(err.field, "time_zone");
}

static const struct test_case cases[] = {
    {"times are hours and minutes",  times_are_hours_and_minutes },
    {"a slot ends after it starts",  a_slot_ends_after_it_starts },
    {"slots that overlap are named", slots_that_overlap_are_named},
    {"counts have limits",           counts_have_limits          },
    {"a date has one holiday",       a_date_has_one_holiday      },
    {"special hours share no day",   special_hours_share_no_day  },
    {"the zone must be known",       the_zone_must_be_known      },
};

int main(int argc, char **argv)
{
    return testing_main("refusals", cases, ARRAY_LEN(cases), argc, argv);
}
