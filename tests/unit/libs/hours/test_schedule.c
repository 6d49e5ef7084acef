#include "hours/hours.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "testing.h"

enum { DAYS_OF_WEEK = 7 };

#define SLOTS(...)                                                                                 \
    .is_open = true, .slots = (const struct hours_slot_def[]){__VA_ARGS__},                        \
    .slot_count =                                                                                  \
        sizeof((const struct hours_slot_def[]){__VA_ARGS__}) / sizeof(struct hours_slot_def)
#define OPEN(from, to)                                                                             \
    {                                                                                              \
        SLOTS({from, to})                                                                          \
    }
#define WORKDAYS(day)                                                                              \
    {                                                                                              \
        day, day, day, day, day                                                                    \
    }

static struct err err;

static struct hours_schedule *schedule_of(const struct hours_def *def)
{
    struct hours_schedule *schedule = NULL;
    err_clear(&err);
    if (hours_schedule_new(def, &schedule, &err) != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", err.field, err.detail);
        return NULL;
    }
    return schedule;
}

static int64_t at(const char *text)
{
    int64_t at_us = 0;
    CHECK(parse_time(str_from(text), &at_us));
    return at_us;
}

static bool is_open(const struct hours_schedule *schedule, const char *when)
{
    struct hours_state state;
    hours_at(schedule, at(when), &state);
    return state.is_open;
}

static char *time_text(int64_t at_us, char out[CLOCK_TEXT_SIZE])
{
    out[0] = '\0';
    return at_us == 0 ? out : clock_format_s(at_us, out);
}

static void check_next(const struct hours_schedule *schedule, const char *when, const char *open,
                       const char *close)
{
    int64_t open_us = -1;
    int64_t close_us = -1;
    char text[CLOCK_TEXT_SIZE];
    hours_next(schedule, at(when), &open_us, &close_us);
    CHECK_TEXT(time_text(open_us, text), open);
    CHECK_TEXT(time_text(close_us, text), close);
}

static void check_due(const struct hours_schedule *schedule, enum hours_due_kind kind,
                      int64_t seconds, const char *when, const char *want)
{
    int64_t due_us = 0;
    char text[CLOCK_TEXT_SIZE];
    CHECK(hours_due(schedule, kind, at(when), seconds, &due_us, &err) == ERR_OK);
    if (strcmp(time_text(due_us, text), want) != 0)
        (void)fprintf(stderr, "kind %d at %s\n", (int)kind, when);
    CHECK_TEXT(text, want);
}

/* The support line of the dossier: Monday to Friday 08:00 to 18:00, Chicago. */
static const struct hours_def support = {
    .time_zone = "America/Chicago",
    .week.days = WORKDAYS(OPEN("08:00", "18:00")),
};

static void open_ends_at_the_minute(void)
{
    struct hours_schedule *schedule = schedule_of(&support);
    REQUIRE(schedule != NULL);
    CHECK(!is_open(schedule, "2026-11-27T07:59:59.999999-06:00"));
    CHECK(is_open(schedule, "2026-11-27T08:00:00-06:00"));
    CHECK(is_open(schedule, "2026-11-27T17:59:59.999999-06:00"));
    CHECK(!is_open(schedule, "2026-11-27T18:00:00-06:00"));
    CHECK(!is_open(schedule, "2026-11-28T12:00:00-06:00")); /* Saturday */
    check_next(schedule, "2026-11-27T08:00:00-06:00", "2026-11-30T14:00:00Z",
               "2026-11-28T00:00:00Z");
    check_next(schedule, "2026-11-27T18:00:00-06:00", "2026-11-30T14:00:00Z",
               "2026-12-01T00:00:00Z");
    check_next(schedule, "2026-11-30T07:59:59-06:00", "2026-11-30T14:00:00Z",
               "2026-12-01T00:00:00Z");
    hours_schedule_free(schedule);
}

static void slots_that_touch_are_one(void)
{
    const struct hours_def def = {
        .time_zone = "UTC",
        .week.days =
            {
                        {SLOTS({"12:00", "18:00"}, {"08:00", "12:00"}, {"22:00", "24:00"})},
                        OPEN("00:00", "02:00"),
                        },
    };
    struct hours_schedule *schedule = schedule_of(&def);
    REQUIRE(schedule != NULL);
    check_next(schedule, "2026-11-30T09:00:00Z", "2026-11-30T22:00:00Z", "2026-11-30T18:00:00Z");
    check_next(schedule, "2026-11-30T23:00:00Z", "2026-12-07T08:00:00Z", "2026-12-01T02:00:00Z");
    CHECK(is_open(schedule, "2026-11-30T23:59:59Z"));
    CHECK(is_open(schedule, "2026-12-01T00:00:00Z"));
    hours_schedule_free(schedule);
}

static void always_open_never_changes(void)
{
    struct hours_schedule *schedule = NULL;
    struct hours_def never = {.time_zone = "UTC"};
    REQUIRE(hours_schedule_new_always("America/New_York", &schedule, &err) == ERR_OK);
    CHECK(is_open(schedule, "2026-03-08T07:00:00Z"));
    check_next(schedule, "2026-03-07T07:00:00Z", "", "");
    check_due(schedule, HOURS_DUE_MISSED_CALL, 0, "2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z");
    hours_schedule_free(schedule);
    schedule = schedule_of(&never);
    REQUIRE(schedule != NULL);
    CHECK(!is_open(schedule, "2026-03-08T07:00:00Z"));
    check_next(schedule, "2026-03-07T07:00:00Z", "", "");
    hours_schedule_free(schedule);
    CHECK(hours_schedule_new_always("Nowhere", &schedule, &err) == ERR_INVALID_ARGUMENT);
}

static void a_holiday_goes_before_special_hours_before_the_week(void)
{
    struct hours_def def = support;
    const struct hours_holiday_def holidays[] = {
        {"Silvester", "2026-12-31", OPEN("09:00", "12:00")},
        {"Christmas",           "2026-12-25",             {.is_open = false}  },
    };
    const struct hours_special_def specials[] = {
        {"Stocktaking",       "2027-01-11", "2027-01-11", {.days = {OPEN("06:00", "07:00")}}},
        {"Between the years",
         "2026-12-24",                      "2027-01-01",
         {.days = WORKDAYS(OPEN("10:00", "14:00"))}                                         },
    };
    def.holidays = holidays;
    def.holiday_count = ARRAY_LEN(holidays);
    def.specials = specials;
    def.special_count = ARRAY_LEN(specials);
    static const struct {
        const char *at;
        bool is_open;
        const char *holiday;
        const char *special;
    } rows[] = {
        {"2026-12-23T17:00:00-06:00", true,  "",          ""                 },
        {"2026-12-24T09:00:00-06:00", false, "",          "Between the years"},
        {"2026-12-24T10:00:00-06:00", true,  "",          "Between the years"},
        {"2026-12-25T11:00:00-06:00", false, "Christmas", ""                 },
        {"2026-12-28T13:59:59-06:00", true,  "",          "Between the years"},
        {"2026-12-31T09:30:00-06:00", true,  "Silvester", ""                 },
        {"2026-12-31T13:00:00-06:00", false, "Silvester", ""                 },
        {"2027-01-01T23:59:59-06:00", false, "",          "Between the years"},
        {"2027-01-04T08:00:00-06:00", true,  "",          ""                 },
        {"2027-01-11T06:30:00-06:00", true,  "",          "Stocktaking"      },
        {"2027-01-11T09:00:00-06:00", false, "",          "Stocktaking"      },
        {"2027-01-12T09:00:00-06:00", true,  "",          ""                 },
    };
    struct hours_schedule *schedule = schedule_of(&def);
    REQUIRE(schedule != NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hours_state state;
        hours_at(schedule, at(rows[i].at), &state);
        CHECK(state.is_open == rows[i].is_open);
        CHECK(state.is_holiday == (rows[i].holiday[0] != '\0'));
        CHECK_TEXT(state.holiday_name, rows[i].holiday);
        CHECK_TEXT(state.special_name, rows[i].special);
    }
    check_next(schedule, "2026-12-24T15:00:00-06:00", "2026-12-28T16:00:00Z",
               "2026-12-28T20:00:00Z");
    hours_schedule_free(schedule);
}

static void the_leap_day_is_a_day(void)
{
    struct hours_def def = support;
    const struct hours_holiday_def holiday = {"Leap day", "2028-02-29", {.is_open = false}};
    def.holidays = &holiday;
    def.holiday_count = 1;
    struct hours_schedule *schedule = schedule_of(&def);
    REQUIRE(schedule != NULL);
    check_next(schedule, "2028-02-28T17:00:00-06:00", "2028-03-01T14:00:00Z",
               "2028-02-29T00:00:00Z");
    CHECK(is_open(schedule, "2024-02-29T12:00:00-06:00"));
    hours_schedule_free(schedule);
}

/* One slot on every day, and what becomes of it on a day on which the clock is changed. */
static void both_daylight_saving_days_are_right(void)
{
    static const struct {
        const char *zone;
        const char *start;
        const char *end;
        const char *after;
        const char *open; /* the next change to open, and to closed */
        const char *close;
    } rows[] = {
  /* spring: there is no 02:00 to 03:00 */
        {"America/New_York",    "02:00", "03:00", "2026-03-07T12:00:00Z", "2026-03-09T06:00:00Z",
         "2026-03-09T07:00:00Z"                                                                     },
        {"America/New_York",    "01:30", "03:30", "2026-03-08T05:00:00Z", "2026-03-08T06:30:00Z",
         "2026-03-08T07:30:00Z"                                                                     },
        {"America/New_York",    "02:30", "04:00", "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z",
         "2026-03-08T08:00:00Z"                                                                     },
        {"America/Chicago",     "00:00", "24:00", "2026-03-07T12:00:00Z", "",                     ""},
        {"Europe/Berlin",       "02:15", "02:45", "2026-03-28T12:00:00Z", "2026-03-30T00:15:00Z",
         "2026-03-30T00:45:00Z"                                                                     },
 /* autumn: 01:00 to 02:00 comes twice */
        {"America/New_York",    "01:00", "02:00", "2026-11-01T04:00:00Z", "2026-11-01T05:00:00Z",
         "2026-11-01T07:00:00Z"                                                                     },
        {"America/New_York",    "00:30", "01:30", "2026-11-01T04:00:00Z", "2026-11-01T04:30:00Z",
         "2026-11-01T05:30:00Z"                                                                     },
        {"America/New_York",    "00:30", "01:30", "2026-11-01T05:45:00Z", "2026-11-01T06:00:00Z",
         "2026-11-01T06:30:00Z"                                                                     },
        {"Europe/Berlin",       "02:00", "03:00", "2026-10-24T22:00:00Z", "2026-10-25T00:00:00Z",
         "2026-10-25T02:00:00Z"                                                                     },
        {"America/Chicago",     "08:00", "18:00", "2026-11-01T06:00:00Z", "2026-11-01T14:00:00Z",
         "2026-11-02T00:00:00Z"                                                                     },
 /* half an hour */
        {"Australia/Lord_Howe", "02:00", "02:30", "2026-10-03T00:00:00Z", "2026-10-04T15:00:00Z",
         "2026-10-04T15:30:00Z"                                                                     },
        {"Australia/Lord_Howe", "01:30", "02:00", "2026-04-04T14:00:00Z", "2026-04-04T14:30:00Z",
         "2026-04-04T15:30:00Z"                                                                     },
 /* none at all */
        {"Asia/Kathmandu",      "09:00", "17:00", "2026-03-08T00:00:00Z", "2026-03-08T03:15:00Z",
         "2026-03-08T11:15:00Z"                                                                     },
        {"America/Phoenix",     "08:00", "18:00", "2026-03-08T10:00:00Z", "2026-03-08T15:00:00Z",
         "2026-03-09T01:00:00Z"                                                                     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hours_slot_def slot = {rows[i].start, rows[i].end};
        struct hours_def def = {.time_zone = rows[i].zone};
        for (size_t day = 0; day < DAYS_OF_WEEK; day++)
            def.week.days[day] =
                (struct hours_day_def){.is_open = true, .slots = &slot, .slot_count = 1};
        struct hours_schedule *schedule = schedule_of(&def);
        REQUIRE(schedule != NULL);
        check_next(schedule, rows[i].after, rows[i].open, rows[i].close);
        hours_schedule_free(schedule);
    }
}

static void business_time_is_counted_in_real_seconds(void)
{
    const struct hours_def night = {
        .time_zone = "America/New_York", .week.days[6] = OPEN("00:00", "04:00"), /* Sunday */
    };
    struct hours_schedule *schedule = schedule_of(&night);
    REQUIRE(schedule != NULL);
    /* three hours in spring, five in autumn */
    check_due(schedule, HOURS_DUE_SECONDS, 3 * 3600, "2026-03-08T05:00:00Z",
              "2026-03-08T08:00:00Z");
    check_due(schedule, HOURS_DUE_SECONDS, 3 * 3600 + 1, "2026-03-08T05:00:00Z",
              "2026-03-15T04:00:01Z");
    check_due(schedule, HOURS_DUE_SECONDS, 5 * 3600, "2026-11-01T04:00:00Z",
              "2026-11-01T09:00:00Z");
    check_due(schedule, HOURS_DUE_SECONDS, 4 * 3600, "2026-11-08T05:00:00Z",
              "2026-11-08T09:00:00Z");
    check_due(schedule, HOURS_DUE_SECONDS, 0, "2026-11-08T05:30:00Z", "2026-11-08T05:30:00Z");
    check_due(schedule, HOURS_DUE_SECONDS, 0, "2026-11-07T05:30:00Z", "2026-11-08T05:00:00Z");
    hours_schedule_free(schedule);
}

static void due_times_are_the_promised_ones(void)
{
    static const struct {
        enum hours_due_kind kind;
        const char *at;
        const char *want;
    } rows[] = {
  /* Friday before 15:00, at it, and after it; Saturday; before the opening; Monday */
        {HOURS_DUE_VOICEMAIL,   "2026-11-20T14:59:59-06:00", "2026-11-21T00:00:00Z"},
        {HOURS_DUE_VOICEMAIL,   "2026-11-20T15:00:00-06:00", "2026-11-23T18:00:00Z"},
        {HOURS_DUE_VOICEMAIL,   "2026-11-21T10:00:00-06:00", "2026-11-23T18:00:00Z"},
        {HOURS_DUE_VOICEMAIL,   "2026-11-23T05:00:00-06:00", "2026-11-24T00:00:00Z"},
 /* Thanksgiving is closed; Friday opens 13:00 to 16:00 */
        {HOURS_DUE_VOICEMAIL,   "2026-11-25T16:00:00-06:00", "2026-11-27T22:00:00Z"},
        {HOURS_DUE_MISSED_CALL, "2026-11-20T10:00:00-06:00", "2026-11-20T17:00:00Z"},
        {HOURS_DUE_MISSED_CALL, "2026-11-20T17:30:00-06:00", "2026-11-23T14:30:00Z"},
        {HOURS_DUE_MISSED_CALL, "2026-11-22T17:30:00-06:00", "2026-11-23T15:00:00Z"},
        {HOURS_DUE_TEXT,        "2026-11-20T10:00:00-06:00", "2026-11-20T16:30:00Z"},
        {HOURS_DUE_TEXT,        "2026-11-20T17:45:00-06:00", "2026-11-23T14:15:00Z"},
        {HOURS_DUE_TEXT,        "2026-11-20T18:00:00-06:00", "2026-11-23T15:00:00Z"},
        {HOURS_DUE_TEXT,        "2026-11-23T06:00:00-06:00", "2026-11-23T15:00:00Z"},
        {HOURS_DUE_TEXT,        "2026-11-26T10:00:00-06:00", "2026-11-27T19:30:00Z"},
 /* the clock is changed on the Sunday between */
        {HOURS_DUE_VOICEMAIL,   "2026-10-30T16:00:00-05:00", "2026-11-02T18:00:00Z"},
        {HOURS_DUE_TEXT,        "2026-03-06T19:00:00-06:00", "2026-03-09T14:00:00Z"},
    };
    const struct hours_holiday_def holidays[] = {
        {"Thanksgiving", "2026-11-26", {.is_open = false}},
        { "The day after",  "2026-11-27", OPEN("13:00",           "16:00")},
    };
    struct hours_def def = support;
    def.holidays = holidays;
    def.holiday_count = ARRAY_LEN(holidays);
    struct hours_schedule *schedule = schedule_of(&def);
    REQUIRE(schedule != NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_due(schedule, rows[i].kind, 0, rows[i].at, rows[i].want);
    hours_schedule_free(schedule);
}

/* Open in the early morning only, and with a break at noon. */
static void due_times_stay_within_the_day(void)
{
    const struct hours_def def = {
        .time_zone = "UTC",
        .week.days =
            {
                        OPEN("06:00", "08:00"),
                        {SLOTS({"08:00", "12:00"}, {"13:00", "17:00"})},
                        OPEN("12:00", "17:00"),
                        },
    };
    struct hours_schedule *schedule = schedule_of(&def);
    REQUIRE(schedule != NULL);
    check_due(schedule, HOURS_DUE_VOICEMAIL, 0, "2026-11-29T10:00:00Z", "2026-11-30T08:00:00Z");
    check_due(schedule, HOURS_DUE_VOICEMAIL, 0, "2026-11-30T09:00:00Z", "2026-12-01T12:00:00Z");
    check_due(schedule, HOURS_DUE_VOICEMAIL, 0, "2026-12-01T12:30:00Z", "2026-12-01T17:00:00Z");
    check_due(schedule, HOURS_DUE_VOICEMAIL, 0, "2026-12-01T16:00:00Z", "2026-12-02T17:00:00Z");
    check_due(schedule, HOURS_DUE_TEXT, 0, "2026-11-29T10:00:00Z", "2026-11-30T08:00:00Z");
    check_due(schedule, HOURS_DUE_TEXT, 0, "2026-12-01T12:30:00Z", "2026-12-01T13:30:00Z");
    check_due(schedule, HOURS_DUE_TEXT, 0, "2026-12-01T11:45:00Z", "2026-12-01T13:15:00Z");
    check_due(schedule, HOURS_DUE_TEXT, 0, "2026-12-02T11:00:00Z", "2026-12-02T12:30:00Z");
    hours_schedule_free(schedule);
}

static void what_is_never_due_is_refused(void)
{
    const struct hours_def never = {.time_zone = "UTC"};
    const struct hours_def minute = {.time_zone = "UTC", .week.days[0] = OPEN("12:00", "12:01")};
    static const enum hours_due_kind kinds[] = {HOURS_DUE_VOICEMAIL, HOURS_DUE_MISSED_CALL,
                                                HOURS_DUE_TEXT, HOURS_DUE_SECONDS};
    struct hours_schedule *schedule = schedule_of(&never);
    int64_t due_us = 0;
    REQUIRE(schedule != NULL);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        CHECK(hours_due(schedule, kinds[i], at("2026-12-01T00:00:00Z"), 1, &due_us, &err) ==
              ERR_FAILED_PRECONDITION);
        CHECK_TEXT(err.reason, "NO_BUSINESS_HOURS");
    }
    CHECK(hours_due(schedule, HOURS_DUE_NONE, 0, 0, &due_us, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "kind");
    hours_schedule_free(schedule);
    schedule = schedule_of(&minute);
    REQUIRE(schedule != NULL);
    CHECK(hours_due(schedule, HOURS_DUE_SECONDS, 0, HOURS_DUE_MAX_S, &due_us, &err) ==
          ERR_FAILED_PRECONDITION);
    CHECK(hours_due(schedule, HOURS_DUE_SECONDS, 0, HOURS_DUE_MAX_S + 1, &due_us, &err) ==
          ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "seconds");
    CHECK(hours_due(schedule, HOURS_DUE_SECONDS, 0, -1, &due_us, &err) == ERR_INVALID_ARGUMENT);
    hours_schedule_free(schedule);
}

static const struct test_case cases[] = {
    {"open ends at the minute",                             open_ends_at_the_minute                 },
    {"slots that touch are one",                            slots_that_touch_are_one                },
    {"always open never changes",                           always_open_never_changes               },
    {"a holiday goes before special hours before the week",
     a_holiday_goes_before_special_hours_before_the_week                                            },
    {"the leap day is a day",                               the_leap_day_is_a_day                   },
    {"both daylight saving days are right",                 both_daylight_saving_days_are_right     },
    {"business time is counted in real seconds",            business_time_is_counted_in_real_seconds},
    {"due times are the promised ones",                     due_times_are_the_promised_ones         },
    {"due times stay within the day",                       due_times_stay_within_the_day           },
    {"what is never due is refused",                        what_is_never_due_is_refused            },
};

int main(int argc, char **argv)
{
    return testing_main("schedule", cases, ARRAY_LEN(cases), argc, argv);
}
