/*
 * The suite's one error list and the value that carries an error upward.
 * Codes equal gRPC's numerically, so mapping to a status is the identity (asserted in libs/rpc).
 * Reporting never allocates: the text lives in the struct, so it works when memory is the problem.
 */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

/* Names are ERR_<first column>. code, http status, may the caller retry unchanged? */
#define ERR_CODES(X)                                                                               \
    X(OK, 0, 200, false)                                                                           \
    X(CANCELLED, 1, 499, false)                                                                    \
    X(UNKNOWN, 2, 500, false)                                                                      \
    X(INVALID_ARGUMENT, 3, 400, false)                                                             \
    X(DEADLINE_EXCEEDED, 4, 504, true)                                                             \
    X(NOT_FOUND, 5, 404, false)                                                                    \
    X(ALREADY_EXISTS, 6, 409, false)                                                               \
    X(PERMISSION_DENIED, 7, 403, false)                                                            \
    X(RESOURCE_EXHAUSTED, 8, 429, true)                                                            \
    X(FAILED_PRECONDITION, 9, 400, false)                                                          \
    X(ABORTED, 10, 409, true)                                                                      \
    X(OUT_OF_RANGE, 11, 400, false)                                                                \
    X(UNIMPLEMENTED, 12, 501, false)                                                               \
    X(INTERNAL, 13, 500, false)                                                                    \
    X(UNAVAILABLE, 14, 503, true)                                                                  \
    X(DATA_LOSS, 15, 500, false)                                                                   \
    X(UNAUTHENTICATED, 16, 401, false)

enum err_code {
#define X(name, code, http, retry) ERR_##name = (code),
    ERR_CODES(X)
#undef X
};

#define ERR_CODE_COUNT 17

/*
 * One error. reason: stable UPPER_CASE token for programs, a string literal. field: the request
 * field that it concerns, camelCase-free proto name such as "friendly_name"; empty when it concerns
 * none. detail: one sentence for people that says what to change. file, line: origin, for the log
 * only.
 */
struct err {
    enum err_code code;
    const char *reason;
    const char *file;
    int line;
    char field[64];
    char detail[512];
};

/*
 * Fills *err (when not NULL) and evaluates to the code, so that it can be returned.
 * reason must be a literal. The text is cut at the size of detail.
 */
#define ERR_SET(err, code, reason, ...)                                                            \
    err_set((err), (code), (reason), NULL, __FILE__, __LINE__, __VA_ARGS__)

/* The same, naming the request field that is wrong. */
#define ERR_FIELD(err, code, reason, field, ...)                                                   \
    err_set((err), (code), (reason), (field), __FILE__, __LINE__, __VA_ARGS__)

enum err_code err_set(struct err *err, enum err_code code, const char *reason, const char *field,
                      const char *file, int line, const char *format, ...) PRINTF_LIKE(7, 8) RARE;

/* Puts "context: " in front of the detail; returns the code. Only where it adds facts. */
enum err_code err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3) RARE;

/* Zeroes *err (ERR_OK, empty texts). NULL is allowed. */
void err_clear(struct err *err);

/* "NOT_FOUND" and so on; "UNKNOWN" for a number outside the list. */
const char *err_code_name(enum err_code code);

/* HTTP status of a code; 500 for a number outside the list. */
int err_http_status(enum err_code code);

/* True when the caller may send the same call again unchanged. */
bool err_is_retryable(enum err_code code);
