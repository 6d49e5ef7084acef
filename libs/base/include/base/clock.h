/*
 * Time. Wall time is int64_t microseconds since 1970 UTC (_at_us); durations and deadlines are
 * monotonic microseconds (_mono_us). Reading a clock happens here only; the engine never does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define US_PER_MS INT64_C(1000)
#define US_PER_S  INT64_C(1000000)

int64_t clock_now_us(void);  /* wall */
int64_t clock_mono_us(void); /* monotonic */

#define CLOCK_TEXT_SIZE 32 /* "2026-11-22T20:27:00.123456Z" and its NUL, rounded up */

/* ISO 8601 UTC, second precision / microseconds. Returns out. */
char *clock_format_s(int64_t at_us, char out[CLOCK_TEXT_SIZE]);
char *clock_format_us(int64_t at_us, char out[CLOCK_TEXT_SIZE]);
