/*
 * Checks of request fields that every service makes in the same words: length, kind of SID, range,
 * URL. Each refuses with INVALID_ARGUMENT, names the field, and says in one sentence what to
 * change.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Characters are code points. min_chars 0 allows empty text. Control characters are refused. */
enum err_code check_text(const char *field, const char *value, size_t min_chars, size_t max_chars,
                         struct err *err) MUST_CHECK;

/* A SID with the prefix ("WK"); empty is refused. */
enum err_code check_sid(const char *field, const char *value, const char *prefix,
                        struct err *err) MUST_CHECK;

/* The same, or empty. */
enum err_code check_optional_sid(const char *field, const char *value, const char *prefix,
                                 struct err *err) MUST_CHECK;

enum err_code check_range(const char *field, int64_t value, int64_t min, int64_t max,
                          struct err *err) MUST_CHECK;

/* Empty, or an absolute http or https URL of at most 2048 characters with a host. */
enum err_code check_optional_url(const char *field, const char *value, struct err *err) MUST_CHECK;

/* The caller's expected version, when given, against the row's: ABORTED, reason VERSION_MISMATCH.
 */
enum err_code check_version(bool has_expected, int64_t expected, int64_t actual,
                            struct err *err) MUST_CHECK;
