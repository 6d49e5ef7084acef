#include "svc/wire.h"

#include "base/clock.h"

#define FIRST_SECOND (-INT64_C(62135596800)) /* 0001-01-01T00:00:00Z */
#define LAST_SECOND  INT64_C(253402300799)   /* 9999-12-31T23:59:59Z */

Google__Protobuf__Timestamp *wire_time(struct arena *arena, int64_t at_us)
{
    if (at_us == 0)
        return NULL;
    Google__Protobuf__Timestamp *time = ARENA_NEW(arena, Google__Protobuf__Timestamp);
    if (time == NULL)
        return NULL;
    google__protobuf__timestamp__init(time);
    int64_t micros = at_us % US_PER_S;
    time->seconds = at_us / US_PER_S - (micros < 0 ? 1 : 0);
    time->nanos = (int32_t)((micros < 0 ? micros + US_PER_S : micros) * 1000);
    return time;
}

int64_t wire_time_us(const Google__Protobuf__Timestamp *time)
{
    if (time == NULL)
        return 0;
    int64_t seconds = time->seconds; /* from outside: held within the years 1 to 9999 */
    if (seconds < FIRST_SECOND)
        seconds = FIRST_SECOND;
    if (seconds > LAST_SECOND)
        seconds = LAST_SECOND;
    return seconds * US_PER_S + time->nanos / 1000;
}

char *wire_text(struct arena *arena, const char *text)
{
    return arena_strdup(arena, text == NULL ? "" : text);
}
