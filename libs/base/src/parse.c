#include "base/parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool parse_u64(struct str text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value))
            return false;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

bool parse_i64(struct str text, int64_t min, int64_t max, int64_t *out)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        text.ptr++;
        text.len--;
    }
    uint64_t magnitude = 0;
    if (!parse_u64(text, (uint64_t)INT64_MAX + (is_negative ? 1U : 0U), &magnitude))
        return false;
    int64_t value = is_negative ? (int64_t)(0U - magnitude) : (int64_t)magnitude;
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

/* True for [-]digits[.digits][(e|E)[+-]digits]. */
static bool is_decimal(struct str t)
{
    size_t i = 0;
    if (i < t.len && (t.ptr[i] == '-' || t.ptr[i] == '+'))
        i++;
    size_t digits = 0;
    for (; i < t.len && is_digit(t.ptr[i]); i++)
        digits++;
    if (digits == 0)
        return false;
    if (i < t.len && t.ptr[i] == '.') {
        i++;
        digits = 0;
        for (; i < t.len && is_digit(t.ptr[i]); i++)
            digits++;
        if (digits == 0)
            return false;
    }
    if (i < t.len && (t.ptr[i] == 'e' || t.ptr[i] == 'E')) {
        i++;
        if (i < t.len && (t.ptr[i] == '-' || t.ptr[i] == '+'))
            i++;
        digits = 0;
        for (; i < t.len && is_digit(t.ptr[i]); i++)
            digits++;
        if (digits == 0)
            return false;
    }
    return i == t.len;
}

bool parse_double(struct str text, double *out)
{
    char copy[64]; /* longest useful decimal; longer text is refused */
    if (text.len >= sizeof copy || !is_decimal(text))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    double value = strtod(copy, NULL); /* processes run in the C locale */
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

bool parse_bool(struct str text, bool *out)
{
    static const char *const yes[] = {"true", "1", "yes"};
    static const char *const no[] = {"false", "0", "no"};
    for (size_t i = 0; i < 3; i++) {
        if (str_eq_nocase(text, str_from(yes[i]))) {
            *out = true;
            return true;
        }
        if (str_eq_nocase(text, str_from(no[i]))) {
            *out = false;
            return true;
        }
    }
    return false;
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool parse_is_sid(struct str text, const char *prefix)
{
    if (text.len != 34)
        return false;
    for (size_t i = 0; i < 2; i++) {
        char c = text.ptr[i];
        if (prefix == NULL ? (c < 'A' || c > 'Z') : c != prefix[i])
            return false;
    }
    for (size_t i = 2; i < text.len; i++) {
        if (!is_hex(text.ptr[i]))
            return false;
    }
    return true;
}

static bool fixed_digits(struct str t, size_t at, size_t count, int *out)
{
    int value = 0;
    if (at + count > t.len)
        return false;
    for (size_t i = at; i < at + count; i++) {
        if (!is_digit(t.ptr[i]))
            return false;
        value = value * 10 + (t.ptr[i] - '0');
    }
    *out = value;
    return true;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counting from March so that the leap
 * day ends the year. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

bool parse_time(struct str t, int64_t *out_at_us)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (t.len < 20 || !fixed_digits(t, 0, 4, &year) || t.ptr[4] != '-' ||
        !fixed_digits(t, 5, 2, &month) || t.ptr[7] != '-' || !fixed_digits(t, 8, 2, &day) ||
        (t.ptr[10] != 'T' && t.ptr[10] != 't' && t.ptr[10] != ' ') ||
        !fixed_digits(t, 11, 2, &hour) || t.ptr[13] != ':' || !fixed_digits(t, 14, 2, &minute) ||
        t.ptr[16] != ':' || !fixed_digits(t, 17, 2, &second))
        return false;
    if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60)
        return false;
    int last_day = month_days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
    if (day < 1 || day > last_day)
        return false;
    size_t i = 19;
    int64_t fraction_us = 0;
    if (t.ptr[i] == '.') {
        int64_t scale = 100000;
        size_t digits = 0;
        for (i++; i < t.len && is_digit(t.ptr[i]); i++, digits++) {
            fraction_us += scale * (t.ptr[i] - '0');
            scale /= 10;
        }
        if (digits == 0 || digits > 9)
            return false;
    }
    int64_t offset_s = 0;
    if (i < t.len && (t.ptr[i] == 'Z' || t.ptr[i] == 'z')) {
        i++;
    } else if (i < t.len && (t.ptr[i] == '+' || t.ptr[i] == '-')) {
        int offset_hour = 0;
        int offset_minute = 0;
        if (!fixed_digits(t, i + 1, 2, &offset_hour) || i + 3 >= t.len || t.ptr[i + 3] != ':' ||
            !fixed_digits(t, i + 4, 2, &offset_minute) || offset_hour > 23 || offset_minute > 59)
            return false;
        offset_s = (offset_hour * INT64_C(60) + offset_minute) * 60;
        if (t.ptr[i] == '-')
            offset_s = -offset_s;
        i += 6;
    } else {
        return false;
    }
    if (i != t.len)
        return false;
    int64_t seconds = days_from_date(year, month, day) * 86400 + hour * INT64_C(3600) +
                      minute * INT64_C(60) + second;
    *out_at_us = (seconds - offset_s) * US_PER_S + fraction_us;
    return true;
}
