#include "posix_rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/parse.h"
#include "hours/zone.h"

enum { DAY_S = 86400, NAME_MIN = 3, RULE_HOURS_MAX = 167, OFFSET_HOURS_MAX = 24 };

enum day_kind {
    DAY_NONE,
    DAY_OF_YEAR_NO_LEAP, /* Jn: 1..365, 29 February is never counted */
    DAY_OF_YEAR,         /* n: 0..365 */
    DAY_OF_MONTH_WEEK,   /* Mm.w.d */
};

struct rule_day {
    enum day_kind kind;
    int32_t day; /* of the year, or of the week from Sunday = 0 */
    int32_t week;
    int32_t month;
    int32_t time_s; /* local, before the change */
};

struct rule {
    int32_t standard_s; /* east of UTC */
    bool has_summer;
    int32_t summer_s;
    struct rule_day begin; /* of summer time */
    struct rule_day end;
};

static bool take_char(struct str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    text->ptr++;
    text->len--;
    return true;
}

static bool take_number(struct str *text, int64_t max, int32_t *out)
{
    size_t len = 0;
    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9')
        len++;
    int64_t value = 0;
    if (len == 0 || len > 4 || !parse_i64((struct str){text->ptr, len}, 0, max, &value))
        return false;
    text->ptr += len;
    text->len -= len;
    *out = (int32_t)value;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "CST" or "<+0330>"; what it says does not matter. */
static bool take_name(struct str *text)
{
    size_t len = 0;
    if (take_char(text, '<')) {
        while (len < text->len && text->ptr[len] != '>')
            len++;
        if (len < NAME_MIN || len == text->len)
            return false;
        text->ptr += len + 1;
        text->len -= len + 1;
        return true;
    }
    while (len < text->len && is_letter(text->ptr[len]))
        len++;
    text->ptr += len;
    text->len -= len;
    return len >= NAME_MIN;
}

/* "[+-]h[h[h]][:mm[:ss]]" */
static bool take_time(struct str *text, int32_t hours_max, int32_t *out_s)
{
    int32_t sign = take_char(text, '-') ? -1 : 1;
    if (sign == 1)
        (void)take_char(text, '+');
    int32_t hours = 0;
    int32_t minutes = 0;
    int32_t seconds = 0;
    if (!take_number(text, hours_max, &hours))
        return false;
    if (take_char(text, ':')) {
        if (!take_number(text, 59, &minutes))
            return false;
        if (take_char(text, ':') && !take_number(text, 59, &seconds))
            return false;
    }
    *out_s = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_month_day(struct str *text, struct rule_day *out)
{
    out->kind = DAY_OF_MONTH_WEEK;
    return take_number(text, 12, &out->month) && out->month >= 1 && take_char(text, '.') &&
           take_number(text, 5, &out->week) && out->week >= 1 && take_char(text, '.') &&
           take_number(text, 6, &out->day);
}

static bool take_day(struct str *text, struct rule_day *out)
{
    bool is_good = false;
    if (take_char(text, 'M')) {
        is_good = take_month_day(text, out);
    } else if (take_char(text, 'J')) {
        out->kind = DAY_OF_YEAR_NO_LEAP;
        is_good = take_number(text, 365, &out->day) && out->day >= 1;
    } else {
        out->kind = DAY_OF_YEAR;
        is_good = take_number(text, 365, &out->day);
    }
    out->time_s = 2 * 3600;
    return is_good && (!take_char(text, '/') || take_time(text, RULE_HOURS_MAX, &out->time_s));
}

static bool parse_rule(struct str text, struct rule *out)
{
    int32_t west_s = 0;
    if (!take_name(&text) || !take_time(&text, OFFSET_HOURS_MAX, &west_s))
        return false;
    out->standard_s = -west_s;
    if (text.len == 0)
        return true;
    out->has_summer = true;
    out->summer_s = out->standard_s + 3600;
    if (!take_name(&text))
        return false;
    if (text.len > 0 && text.ptr[0] != ',') {
        if (!take_time(&text, OFFSET_HOURS_MAX, &west_s))
            return false;
        out->summer_s = -west_s;
    }
    return take_char(&text, ',') && take_day(&text, &out->begin) && take_char(&text, ',') &&
           take_day(&text, &out->end) && text.len == 0;
}

static int32_t weekday_from_sunday(int32_t date)
{
    int32_t weekday = (date + 4) % 7; /* 1970-01-01 was a Thursday */
    return weekday < 0 ? weekday + 7 : weekday;
}

static int32_t date_of(const struct rule_day *day, int32_t year)
{
    if (day->kind == DAY_OF_YEAR)
        return hours_date(year, 1, 1) + day->day;
    if (day->kind == DAY_OF_YEAR_NO_LEAP) { /* 60 is 1 March in every year */
        return day->day < 60 ? hours_date(year, 1, 1) + day->day - 1
                             : hours_date(year, 3, 1) + day->day - 60;
    }
    int32_t first = hours_date(year, day->month, 1);
    int32_t date = first + (day->day - weekday_from_sunday(first) + 7) % 7 + (day->week - 1) * 7;
    int32_t next_month =
        day->month == 12 ? hours_date(year + 1, 1, 1) : hours_date(year, day->month + 1, 1);
    return date >= next_month ? date - 7 : date; /* week 5: the last */
}

static int64_t moment_of(const struct rule_day *day, int32_t year, int32_t offset_before_s)
{
    return (int64_t)date_of(day, year) * DAY_S + day->time_s - offset_before_s;
}

bool posix_rule_extend(struct str text, int64_t from_s, struct tzif_changes *changes)
{
    struct rule rule = {.has_summer = false};
    if (!parse_rule(text, &rule))
        return false;
    if (!rule.has_summer) {
        tzif_changes_add(changes, from_s, rule.standard_s);
        return true;
    }
    struct hours_local local;
    hours_date_parts((int32_t)(from_s / DAY_S), &local);
    for (int32_t year = local.year - 1; year < TZIF_YEAR_END; year++) {
        int64_t begin_s = moment_of(&rule.begin, year, rule.standard_s);
        int64_t end_s = moment_of(&rule.end, year, rule.summer_s);
        bool is_north = begin_s < end_s;
        int64_t first_s = is_north ? begin_s : end_s;
        int64_t second_s = is_north ? end_s : begin_s;
        int32_t first = is_north ? rule.summer_s : rule.standard_s;
        int32_t second = is_north ? rule.standard_s : rule.summer_s;
        tzif_changes_add(changes, first_s > from_s ? first_s : from_s, first);
        tzif_changes_add(changes, second_s > from_s ? second_s : from_s, second);
    }
    return true;
}
