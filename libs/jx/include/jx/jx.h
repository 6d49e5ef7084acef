/*
 * JSON in: jansson behind limits. Text from outside becomes a json_t only when it is small,
 * shallow, well-formed UTF-8 and nothing but one JSON value; the error says where it is wrong.
 * Writing is in jx/writer.h. Refuses: comments, NaN, "\u0000" in strings, integers beyond 64 bits.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    JX_MAX_DEPTH = 32,         /* where a limit of 0 is given */
    JX_MAX_BYTES = 1 << 20,    /* likewise */
    JX_ATTRIBUTES_CHARS = 4096 /* code points allowed in attributes */
};

struct jx_limits {
    size_t max_bytes;       /* 0: JX_MAX_BYTES */
    unsigned max_depth;     /* nested arrays and objects; 0: JX_MAX_DEPTH; at most 60 */
    bool allows_duplicates; /* of a key in one object; the last one counts. Else refused */
};

/*
 * One JSON value of any type. limits may be NULL for the defaults.
 * Ownership: the caller's, released with json_decref or AUTO(jx_cleanup).
 * Errors: INVALID_ARGUMENT, reason JSON_INVALID (line and column in the detail), JSON_TOO_DEEP,
 * JSON_TOO_LARGE. Threads: any.
 */
enum err_code jx_parse(struct str text, const struct jx_limits *limits, json_t **out,
                       struct err *err) MUST_CHECK;

/* As jx_parse, and the value must be an object. */
enum err_code jx_parse_object(struct str text, const struct jx_limits *limits, json_t **out,
                              struct err *err) MUST_CHECK;

void jx_cleanup(json_t **json); /* AUTO(jx_cleanup) json_t *root = NULL; */

/*
 * Whether text (attributes, instruction data, ...) may be stored: a JSON object of at most
 * max_chars code points, no duplicate keys, depth at most JX_MAX_DEPTH. The text itself is kept as
 * given. field names it in the error. Errors: INVALID_ARGUMENT with that field.
 */
enum err_code jx_check_object_text(struct str text, size_t max_chars, const char *field,
                                   struct err *err) MUST_CHECK;

/* True for one well-formed JSON value with nothing around it but white space: the check without the
 * tree. max_depth as in jx_limits. Duplicate keys are not looked for. */
bool jx_is_json(struct str text, unsigned max_depth);

/* "an object", "a string", "null", ... for messages; NULL gives "nothing". */
const char *jx_type_name(const json_t *value);

/* Members of an object, with a value for "absent, null or of another type". object may be NULL. */
json_t *jx_get(const json_t *object, const char *key); /* borrowed; NULL when absent or null */
const char *jx_get_text(const json_t *object, const char *key, const char *otherwise);
int64_t jx_get_i64(const json_t *object, const char *key, int64_t otherwise);
bool jx_get_bool(const json_t *object, const char *key, bool otherwise);

/*
 * Members that must be there. The results are borrowed: they live as long as object.
 * Errors: INVALID_ARGUMENT, reason FIELD_MISSING, FIELD_TYPE or FIELD_RANGE, the key as field.
 */
enum err_code jx_need_text(const json_t *object, const char *key, const char **out,
                           struct err *err) MUST_CHECK;
enum err_code jx_need_i64(const json_t *object, const char *key, int64_t min, int64_t max,
                          int64_t *out, struct err *err) MUST_CHECK;
enum err_code jx_need_bool(const json_t *object, const char *key, bool *out,
                           struct err *err) MUST_CHECK;
enum err_code jx_need_object(const json_t *object, const char *key, json_t **out,
                             struct err *err) MUST_CHECK;
enum err_code jx_need_array(const json_t *object, const char *key, json_t **out,
                            struct err *err) MUST_CHECK;
enum err_code jx_need_time(const json_t *object, const char *key, int64_t *out_at_us,
                           struct err *err) MUST_CHECK; /* RFC 3339 text */
