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
    /* strftime's %Y does not pad years before 1000 to the four digits that ISO 8601 wants. */
    (void)snprintf(out, CLOCK_TEXT_SIZE, "%04d", tm.tm_year + 1900);
    size_t n = 4 + strftime(out + 4, CLOCK_TEXT_SIZE - 4, "-%m-%dT%H:%M:%S", &tm);
    if (has_fraction)
        (void)snprintf(out + n, CLOCK_TEXT_SIZE - n, ".%06dZ", (int)fraction);
    else
        (void)snprintf(out + n, CLOCK_TEXT_SIZE - n, "Z");
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
