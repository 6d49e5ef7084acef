/*
 * Name-value lists from outside: query strings, form bodies, header parameters, path segments.
 * Everything is decoded into an arena, checked as UTF-8 and limited in number; names may repeat.
 * Refuses control bytes smuggled in as %00 and malformed %XX rather than guessing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Texts are NUL-terminated behind their length and never NULL. */
struct http_param {
    struct str name;
    struct str value;
};

struct http_params {
    const struct http_param *items; /* in the order sent */
    size_t count;
};

/*
 * Decodes "a=1&b=x+y&a=%C3%A9": '+' is a space, %XX a byte, "name" alone has the value "".
 * max_count bounds the pairs. Errors: INVALID_ARGUMENT with reason BAD_ENCODING or
 * TOO_MANY_PARAMETERS; RESOURCE_EXHAUSTED when the arena is full.
 */
enum err_code http_params_decode(struct arena *arena, struct str text, size_t max_count,
                                 struct http_params *out, struct err *err) MUST_CHECK;

/*
 * Decodes %XX of one path segment ('+' stays). Errors: BAD_ENCODING for malformed escapes, text
 * that is not UTF-8 and control characters.
 */
enum err_code http_segment_decode(struct arena *arena, struct str raw, struct str *out,
                                  struct err *err) MUST_CHECK;

/* The first value of the name; {NULL, 0} when absent. Names are compared as they are. */
struct str http_params_get(const struct http_params *params, const char *name);
bool http_params_has(const struct http_params *params, const char *name);

/* All values of a name: start with *pos = 0, call until false. */
bool http_params_next(const struct http_params *params, const char *name, size_t *pos,
                      struct str *out_value);

/*
 * A header value with parameters, such as `application/json; charset="utf-8"`: *out_main is the
 * part before the first ';' without white space around it. Views into value, quotes removed but
 * backslash escapes kept. Malformed parameters are skipped; at most max_count are taken.
 */
enum err_code http_header_split(struct arena *arena, struct str value, size_t max_count,
                                struct str *out_main, struct http_params *out_params,
                                struct err *err) MUST_CHECK;

/*
 * The credentials of an Authorization header: `Bearer <token>` (scheme compared without case).
 * False when the scheme is another or the token is empty.
 */
bool http_bearer_token(struct str authorization, struct str *out_token);

/* User and password of `Basic <base64>`, decoded into the arena. False when malformed. */
bool http_basic_credentials(struct arena *arena, struct str authorization, struct str *out_user,
                            struct str *out_password);
