/* Numbers and times from text: full consumption, ranges, no locale, no errno. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Optional sign and decimal digits only; false leaves *out alone. */
bool parse_i64(struct str text, int64_t min, int64_t max, int64_t *out);
bool parse_u64(struct str text, uint64_t max, uint64_t *out);

/* Decimal notation with optional fraction and exponent; finite values only. */
bool parse_double(struct str text, double *out);

/* "true", "1", "yes" / "false", "0", "no", ASCII case ignored. */
bool parse_bool(struct str text, bool *out);

/* 34 characters: the two letters of prefix and 32 hex digits. prefix NULL accepts any two capitals.
 */
bool parse_is_sid(struct str text, const char *prefix);

/*
 * RFC 3339 / ISO 8601 date and time ("2026-11-22T20:27:00Z", fraction up to nanoseconds, offset
 * required) to microseconds since 1970 UTC.
 */
bool parse_time(struct str text, int64_t *out_at_us);
