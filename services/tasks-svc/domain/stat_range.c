#include "stat_range.h"

#include "base/clock.h"

int64_t stat_level_us(enum stat_level level)
{
    switch (level) {
    case STAT_MINUTE:
        return 60 * US_PER_S;
    case STAT_HOUR:
        return 3600 * US_PER_S;
    case STAT_DAY:
        return 86400 * US_PER_S;
    case STAT_LEVEL_NONE:
    case STAT_LEVEL_COUNT:
        break;
    }
    return 1;
}

int64_t stat_floor(int64_t at_us, int64_t unit_us)
{
    int64_t rest = at_us % unit_us;
    return at_us - (rest < 0 ? rest + unit_us : rest);
}

int64_t stat_ceil(int64_t at_us, int64_t unit_us)
{
    int64_t floor_us = stat_floor(at_us, unit_us);
    return floor_us == at_us ? at_us : floor_us + unit_us;
}

static size_t add_piece(int64_t from_us, int64_t to_us, enum stat_level level,
                        struct stat_piece *out, size_t count)
{
    if (from_us >= to_us)
        return count;
    out[count] = (struct stat_piece){level, from_us, to_us};
    return count + 1;
}

/* The hours of a range between, minutes around. */
static size_t add_hours(int64_t from_us, int64_t to_us, enum stat_level coarsest,
                        struct stat_piece *out, size_t count)
{
    int64_t hour_us = stat_level_us(STAT_HOUR);
    int64_t first_us = stat_ceil(from_us, hour_us);
    int64_t last_us = stat_floor(to_us, hour_us);
    if (coarsest < STAT_HOUR || first_us >= last_us)
        return add_piece(from_us, to_us, STAT_MINUTE, out, count);
    count = add_piece(from_us, first_us, STAT_MINUTE, out, count);
    count = add_piece(first_us, last_us, STAT_HOUR, out, count);
    return add_piece(last_us, to_us, STAT_MINUTE, out, count);
}

size_t stat_pieces(int64_t start_us, int64_t end_us, enum stat_level coarsest,
                   struct stat_piece out[STAT_PIECES_MAX])
{
    int64_t day_us = stat_level_us(STAT_DAY);
    int64_t first_us = stat_ceil(start_us, day_us);
    int64_t last_us = stat_floor(end_us, day_us);
    if (coarsest < STAT_DAY || first_us >= last_us)
        return add_hours(start_us, end_us, coarsest, out, 0);
    size_t count = add_hours(start_us, first_us, coarsest, out, 0);
    count = add_piece(first_us, last_us, STAT_DAY, out, count);
    return add_hours(last_us, end_us, coarsest, out, count);
}
