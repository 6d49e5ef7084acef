/*
 * Time as statistics cut it: minutes, hours and days of UTC, and how a range is read as few of them
 * as possible. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Stored by number. */
enum stat_level {
    STAT_LEVEL_NONE,
    STAT_MINUTE,
    STAT_HOUR,
    STAT_DAY,
    STAT_LEVEL_COUNT,
};

int64_t stat_level_us(enum stat_level level);
int64_t stat_floor(int64_t at_us, int64_t unit_us);
int64_t stat_ceil(int64_t at_us, int64_t unit_us);

/* Rows of one level, from_us up to but not to_us. */
struct stat_piece {
    enum stat_level level;
    int64_t from_us;
    int64_t to_us;
};

enum { STAT_PIECES_MAX = 5 };

/* Covers the range, which begins and ends at whole minutes, with nothing coarser than that level.
 * Returns how many pieces; in order of time. */
size_t stat_pieces(int64_t start_us, int64_t end_us, enum stat_level coarsest,
                   struct stat_piece out[STAT_PIECES_MAX]);
