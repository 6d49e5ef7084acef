#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/name.h"
#include "base/parse.h"
#include "schedule_int.h"

enum { PATH_SIZE = 64, TIME_LEN = 5, DAY_S = 86400 };

static const char *const weekday_names[7] = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
};

static enum err_code check_count(const char *path, size_t count, size_t max, struct err *err)
{
    if (count <= max)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", path,
                     "%s has %zu entries; it may have at most %zu", path, count, max);
}

static enum err_code check_name(const char *path, const char *name, struct err *err)
{
    if (name_is_good(str_from(name), HOURS_NAME_MAX))
        return ERR_OK;
    char field[PATH_SIZE];
    (void)snprintf(field, sizeof field, "%s.name", path);
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_NAME", field,
                     "%s must have 1 to %d characters, not all of them spaces, none a control "
                     "character",
                     field, HOURS_NAME_MAX);
}

static enum err_code parse_date(const char *path, const char *member, const char *text,
                                int32_t *out, struct err *err)
{
    if (hours_date_parse(str_from(text), out))
        return ERR_OK;
    char field[PATH_SIZE];
    (void)snprintf(field, sizeof field, "%s.%s", path, member);
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_DATE", field,
                     "%s is \"%.32s\"; it must be a day of 1970 to 2199 as YYYY-MM-DD", field,
                     text);
}

/* ---- slots ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool time_parse(const char *text, int32_t *out_s)
{
    if (strlen(text) != TIME_LEN || !is_digit(text[0]) || !is_digit(text[1]) || text[2] != ':' ||
        !is_digit(text[3]) || !is_digit(text[4]))
        return false;
    int32_t hour = (text[0] - '0') * 10 + text[1] - '0';
    int32_t minute = (text[3] - '0') * 10 + text[4] - '0';
    *out_s = (hour * 60 + minute) * 60;
    return minute < 60 && *out_s <= DAY_S;
}

static enum err_code refuse_time(const char *path, const char *member, const char *text,
                                 struct err *err)
{
    char field[PATH_SIZE];
    (void)snprintf(field, sizeof field, "%s.%s", path, member);
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TIME", field,
                     "%s is \"%.32s\"; it must be a time as HH:MM, 00:00 to %s", field, text,
                     strcmp(member, "end") == 0 ? "24:00" : "23:59");
}

static enum err_code parse_slot(const char *path, const struct hours_slot_def *def,
                                struct slot *out, struct err *err)
{
    if (!time_parse(def->start, &out->start_s) || out->start_s == DAY_S)
        return refuse_time(path, "start", def->start, err);
    if (!time_parse(def->end, &out->end_s))
        return refuse_time(path, "end", def->end, err);
    if (out->start_s < out->end_s)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SLOT", path,
                     "%s is %s-%s; it must end after it starts, and one that passes midnight is "
                     "two: until 24:00, and from 00:00 of the next day",
                     path, def->start, def->end);
}

static enum err_code check_apart(const char *path, const char *day_path,
                                 const struct hours_day_def *def, const struct slot *slots,
                                 size_t last, struct err *err)
{
    for (size_t i = 0; i < last; i++) {
        if (slots[i].start_s >= slots[last].end_s || slots[last].start_s >= slots[i].end_s)
            continue;
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "SLOTS_OVERLAP", path,
                         "%s: the slots %s-%s and %s-%s overlap; make them one, or move one",
                         day_path, def->slots[i].start, def->slots[i].end, def->slots[last].start,
                         def->slots[last].end);
    }
    return ERR_OK;
}

static int by_start(const void *a, const void *b)
{
    const struct slot *left = a;
    const struct slot *right = b;
    return left->start_s < right->start_s ? -1 : left->start_s > right->start_s ? 1 : 0;
}

static void keep_slots(struct hours_schedule *schedule, struct slot *slots, size_t count,
                       struct day *out)
{
    if (schedule->slot_count + count > schedule->slot_capacity) {
        schedule->slot_capacity = (schedule->slot_count + count) * 2;
        schedule->slots =
            xrealloc(schedule->slots, schedule->slot_capacity, sizeof *schedule->slots);
    }
    qsort(slots, count, sizeof *slots, by_start);
    *out = (struct day){.first = schedule->slot_count, .count = count};
    memcpy(schedule->slots + schedule->slot_count, slots, count * sizeof *slots);
    schedule->slot_count += count;
}

/* The slots of a closed day are checked too: it may be opened by a word. */
static enum err_code compile_day(struct hours_schedule *schedule, const char *path,
                                 const struct hours_day_def *def, struct day *out, struct err *err)
{
    struct slot slots[HOURS_SLOTS_MAX];
    char field[PATH_SIZE];
    (void)snprintf(field, sizeof field, "%s.time_slots", path);
    enum err_code code = check_count(field, def->slot_count, HOURS_SLOTS_MAX, err);
    for (size_t i = 0; i < def->slot_count && code == ERR_OK; i++) {
        (void)snprintf(field, sizeof field, "%s.time_slots[%zu]", path, i);
        code = parse_slot(field, &def->slots[i], &slots[i], err);
        if (code == ERR_OK)
            code = check_apart(field, path, def, slots, i, err);
    }
    if (code != ERR_OK)
        return code;
    if (def->is_open && def->slot_count == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "NO_SLOTS", field,
                         "%s is open and has no time slots; give it some, such as 00:00-24:00, or "
                         "close it",
                         path);
    if (def->is_open)
        keep_slots(schedule, slots, def->slot_count, out);
    return ERR_OK;
}

static enum err_code compile_week(struct hours_schedule *schedule, const char *path,
                                  const struct hours_week_def *def, struct week *out,
                                  struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(def->days) && code == ERR_OK; i++) {
        char field[PATH_SIZE];
        (void)snprintf(field, sizeof field, "%s.%s", path, weekday_names[i]);
        code = compile_day(schedule, field, &def->days[i], &out->days[i], err);
    }
    return code;
}

/* ---- holidays and special hours ---- */

/* Puts the last one at its place; its place in *out_at. */
static bool insert_holiday(struct hours_schedule *schedule, const struct holiday *holiday,
                           const char **out_other)
{
    size_t at = schedule->holiday_count;
    while (at > 0 && schedule->holidays[at - 1].date >= holiday->date)
        at--;
    if (at < schedule->holiday_count && schedule->holidays[at].date == holiday->date) {
        *out_other = schedule->holidays[at].name;
        return false;
    }
    memmove(schedule->holidays + at + 1, schedule->holidays + at,
            (schedule->holiday_count - at) * sizeof *holiday);
    schedule->holidays[at] = *holiday;
    schedule->holiday_count++;
    return true;
}

static enum err_code compile_holiday(struct hours_schedule *schedule, size_t i,
                                     const struct hours_holiday_def *def, struct err *err)
{
    char path[PATH_SIZE];
    struct holiday holiday = {.name = NULL};
    (void)snprintf(path, sizeof path, "holidays[%zu]", i);
    enum err_code code = check_name(path, def->name, err);
    if (code == ERR_OK)
        code = parse_date(path, "date", def->date, &holiday.date, err);
    if (code == ERR_OK)
        code = compile_day(schedule, path, &def->day, &holiday.day, err);
    if (code != ERR_OK)
        return code;
    const char *other = NULL;
    holiday.name = xstrdup(def->name);
    if (insert_holiday(schedule, &holiday, &other))
        return ERR_OK;
    free(holiday.name);
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "HOLIDAYS_OVERLAP", path,
                     "the holidays \"%s\" and \"%s\" are both on %s; keep one of them", other,
                     def->name, def->date);
}

static bool insert_special(struct hours_schedule *schedule, const struct special *special,
                           const char **out_other)
{
    size_t at = schedule->special_count;
    while (at > 0 && schedule->specials[at - 1].start_date > special->start_date)
        at--;
    for (size_t i = at > 0 ? at - 1 : 0; i < schedule->special_count && i <= at; i++) {
        const struct special *other = &schedule->specials[i];
        if (other->start_date > special->end_date || special->start_date > other->end_date)
            continue;
        *out_other = other->name;
        return false;
    }
    memmove(schedule->specials + at + 1, schedule->specials + at,
            (schedule->special_count - at) * sizeof *special);
    schedule->specials[at] = *special;
    schedule->special_count++;
    return true;
}

static enum err_code compile_special(struct hours_schedule *schedule, size_t i,
                                     const struct hours_special_def *def, struct err *err)
{
    char path[PATH_SIZE];
    char week_path[PATH_SIZE];
    struct special special = {.name = NULL};
    (void)snprintf(path, sizeof path, "special_hours[%zu]", i);
    (void)snprintf(week_path, sizeof week_path, "special_hours[%zu].schedule", i);
    enum err_code code = check_name(path, def->name, err);
    if (code == ERR_OK)
        code = parse_date(path, "start_date", def->start_date, &special.start_date, err);
    if (code == ERR_OK)
        code = parse_date(path, "end_date", def->end_date, &special.end_date, err);
    if (code == ERR_OK && special.end_date < special.start_date)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_RANGE", path,
                         "%s is from %s to %s; it must not end before it starts", path,
                         def->start_date, def->end_date);
    if (code == ERR_OK)
        code = compile_week(schedule, week_path, &def->week, &special.week, err);
    if (code != ERR_OK)
        return code;
    const char *other = NULL;
    special.name = xstrdup(def->name);
    if (insert_special(schedule, &special, &other))
        return ERR_OK;
    free(special.name);
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "SPECIALS_OVERLAP", path,
                     "the special hours \"%s\" and \"%s\" (%s to %s) have days in common; shorten "
                     "one of them",
                     other, def->name, def->start_date, def->end_date);
}

/* ---- the whole ---- */

static enum err_code compile(struct hours_schedule *schedule, const struct hours_def *def,
                             struct err *err)
{
    enum err_code code = hours_zone_new(def->time_zone, &schedule->zone, err);
    if (code == ERR_OK)
        code = check_count("holidays", def->holiday_count, HOURS_HOLIDAYS_MAX, err);
    if (code == ERR_OK)
        code = check_count("special_hours", def->special_count, HOURS_SPECIALS_MAX, err);
    if (code == ERR_OK)
        code = compile_week(schedule, "weekly_schedule", &def->week, &schedule->week, err);
    if (code != ERR_OK)
        return code;
    schedule->holidays = xcalloc(def->holiday_count + 1, sizeof *schedule->holidays);
    schedule->specials = xcalloc(def->special_count + 1, sizeof *schedule->specials);
    for (size_t i = 0; i < def->holiday_count && code == ERR_OK; i++)
        code = compile_holiday(schedule, i, &def->holidays[i], err);
    for (size_t i = 0; i < def->special_count && code == ERR_OK; i++)
        code = compile_special(schedule, i, &def->specials[i], err);
    return code;
}

enum err_code hours_schedule_new(const struct hours_def *def, struct hours_schedule **out,
                                 struct err *err)
{
    struct hours_schedule *schedule = xcalloc(1, sizeof *schedule);
    enum err_code code = compile(schedule, def, err);
    if (code != ERR_OK || out == NULL)
        hours_schedule_free(schedule);
    else
        *out = schedule;
    return code;
}

enum err_code hours_schedule_new_always(const char *time_zone, struct hours_schedule **out,
                                        struct err *err)
{
    static const struct hours_slot_def all_day = {.start = "00:00", .end = "24:00"};
    struct hours_def def = {.time_zone = time_zone};
    for (size_t i = 0; i < ARRAY_LEN(def.week.days); i++)
        def.week.days[i] =
            (struct hours_day_def){.is_open = true, .slots = &all_day, .slot_count = 1};
    return hours_schedule_new(&def, out, err);
}

void hours_schedule_free(struct hours_schedule *schedule)
{
    if (schedule == NULL)
        return;
    for (size_t i = 0; i < schedule->holiday_count; i++)
        free(schedule->holidays[i].name);
    for (size_t i = 0; i < schedule->special_count; i++)
        free(schedule->specials[i].name);
    free(schedule->holidays);
    free(schedule->specials);
    free(schedule->slots);
    hours_zone_free(schedule->zone);
    free(schedule);
}
