#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/macros.h"

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    int failed = clock_gettime(id, &ts);
    INVARIANT(failed == 0);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static char *put_char(char *at, char c)
{
    *at = c;
    return at + 1;
}

static char *put_digits(char *at, int value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

static char *format(int64_t at_us, int has_fraction, char out[CLOCK_TEXT_SIZE])
{
    int64_t seconds = at_us / US_PER_S;
    int64_t fraction = at_us % US_PER_S;
    if (fraction < 0) {
        fraction += US_PER_S;
        seconds--;
    }
    time_t t = (time_t)seconds;
    struct tm tm;
    if (gmtime_r(&t, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 8099) {
        (void)snprintf(out, CLOCK_TEXT_SIZE, "1970-01-01T00:00:00Z");
        return out;
    }
    /* By hand: every event has several times, and printf takes ten times as long. */
    char *at = put_digits(out, tm.tm_year + 1900, 4);
    at = put_digits(put_char(at, '-'), tm.tm_mon + 1, 2);
    at = put_digits(put_char(at, '-'), tm.tm_mday, 2);
    at = put_digits(put_char(at, 'T'), tm.tm_hour, 2);
    at = put_digits(put_char(at, ':'), tm.tm_min, 2);
    at = put_digits(put_char(at, ':'), tm.tm_sec, 2);
    if (has_fraction)
        at = put_digits(put_char(at, '.'), (int)fraction, 6);
    *put_char(at, 'Z') = '\0';
    return out;
}

char *clock_format_s(int64_t at_us, char out[CLOCK_TEXT_SIZE])
{
    return format(at_us, 0, out);
}

char *clock_format_us(int64_t at_us, char out[CLOCK_TEXT_SIZE])
{
    return format(at_us, 1, out);
}
