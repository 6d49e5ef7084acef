#include "jx/jx.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "jx/plain.h"

enum { DEEPEST = 60 }; /* below JX_WRITER_DEPTH, so that whatever was read can be written */

struct position {
    size_t line;
    size_t column; /* code points from 1 */
};

static void set_allocation(void)
{
    json_set_alloc_funcs(malloc, free);
    json_object_seed(0); /* from the kernel; here, so that no two threads race for it */
}

/* jansson's allocator and hash seed are process-wide: set once, before the first value exists. */
static void prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_allocation);
}

void jx_cleanup(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static unsigned depth_limit(unsigned max_depth)
{
    if (max_depth == 0)
        return JX_MAX_DEPTH;
    return max_depth < DEEPEST ? max_depth : DEEPEST;
}

static struct position position_of(struct str text, size_t offset)
{
    struct position at = {1, 1};
    for (size_t i = 0; i < offset; i++) {
        if (text.ptr[i] == '\n')
            at = (struct position){at.line + 1, 1};
        else if (((unsigned char)text.ptr[i] & 0xC0U) != 0x80U)
            at.column++;
    }
    return at;
}

/* jansson recurses, so depth is judged before it sees the text. Up to the first syntax error this
 * counts exactly; behind one it does not matter. */
static bool is_too_deep(struct str text, unsigned max_depth, size_t *out_offset)
{
    unsigned depth = 0;
    bool is_in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                is_in_string = false;
        } else if (c == '"') {
            is_in_string = true;
        } else if (c == '{' || c == '[') {
            *out_offset = i;
            if (++depth > max_depth)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* What to change, per kind of error; jansson's own text quotes the input and stays inside. */
static const char *advice(const json_error_t *problem)
{
    switch (json_error_code(problem)) {
    case json_error_premature_end_of_input:
        return "it ends too early; close the open object, array or string";
    case json_error_end_of_input_expected:
        return "there is more text after the JSON value; send one value only";
    case json_error_invalid_utf8:
        return "these bytes are not UTF-8; send UTF-8 text";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "\\u0000 is not allowed in text; remove it";
    case json_error_duplicate_key:
        return "a key is given twice in one object; keep one of them";
    case json_error_numeric_overflow:
        return "the number does not fit into 64 bits; send it as a string";
    default:
        return "a key, a value, a comma or a bracket is missing or misplaced here";
    }
}

static enum err_code parse(struct str text, const struct jx_limits *limits, const char *field,
                           json_t **out, struct err *err)
{
    static const struct jx_limits defaults = {0};
    const char *what = field == NULL ? "the JSON" : field;
    if (limits == NULL)
        limits = &defaults;
    size_t max_bytes = limits->max_bytes == 0 ? JX_MAX_BYTES : limits->max_bytes;
    if (text.len > max_bytes)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_TOO_LARGE", field,
                         "%s has %zu bytes; at most %zu are allowed", what, text.len, max_bytes);
    if (str_trim(text).len == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_INVALID", field,
                         "%s is empty (line 1, column 1); send a JSON value", what);
    /* jansson takes a NUL byte outside a string for the end of the text. */
    const char *nul = memchr(text.ptr, '\0', text.len);
    if (nul != NULL) {
        struct position at = position_of(text, (size_t)(nul - text.ptr));
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_INVALID", field,
                         "%s is not valid at line %zu, column %zu: there is a NUL byte; remove it",
                         what, at.line, at.column);
    }
    size_t offset = 0;
    unsigned max_depth = depth_limit(limits->max_depth);
    if (is_too_deep(text, max_depth, &offset)) {
        struct position at = position_of(text, offset);
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_TOO_DEEP", field,
                         "%s is nested too deeply at line %zu, column %zu; at most %u levels are "
                         "allowed",
                         what, at.line, at.column, max_depth);
    }
    prepare();
    json_error_t problem;
    size_t flags = JSON_DECODE_ANY | (limits->allows_duplicates ? 0U : JSON_REJECT_DUPLICATES);
    json_t *value = json_loadb(text.ptr, text.len, flags, &problem);
    if (value == NULL) {
        if (json_error_code(&problem) == json_error_out_of_memory)
            return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "OUT_OF_MEMORY",
                           "there is not enough memory to read %s", what);
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_INVALID", field,
                         "%s is not valid at line %d, column %d: %s", what, problem.line,
                         problem.column, advice(&problem));
    }
    *out = value;
    return ERR_OK;
}

static enum err_code parse_object(struct str text, const struct jx_limits *limits,
                                  const char *field, json_t **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *value = NULL;
    enum err_code code = parse(text, limits, field, &value, err);
    if (code != ERR_OK)
        return code;
    if (!json_is_object(value))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "JSON_INVALID", field,
                         "%s must be an object such as {\"key\": \"value\"}, not %s",
                         field == NULL ? "the JSON" : field, jx_type_name(value));
    *out = TAKE(value);
    return ERR_OK;
}

enum err_code jx_parse(struct str text, const struct jx_limits *limits, json_t **out,
                       struct err *err)
{
    return parse(text, limits, NULL, out, err);
}

enum err_code jx_parse_object(struct str text, const struct jx_limits *limits, json_t **out,
                              struct err *err)
{
    return parse_object(text, limits, NULL, out, err);
}

enum err_code jx_check_object_text(struct str text, size_t max_chars, const char *field,
                                   struct err *err)
{
    size_t chars = str_utf8_count(text);
    if (chars > max_chars)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TEXT_TOO_LONG", field,
                         "%s has %zu characters; at most %zu are allowed", field, chars, max_chars);
    struct jx_plain plain;
    if (jx_plain_read(text, &plain))
        return ERR_OK; /* as nearly all are: no tree is built only to be thrown away */
    AUTO(jx_cleanup) json_t *value = NULL;
    struct jx_limits limits = {.max_bytes = max_chars * 4 + 1}; /* 4: longest UTF-8 sequence */
    return parse_object(text, &limits, field, &value, err);
}

const char *jx_type_name(const json_t *value)
{
    if (value == NULL)
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    }
    return "nothing";
}

json_t *jx_get(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

const char *jx_get_text(const json_t *object, const char *key, const char *otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

int64_t jx_get_i64(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

bool jx_get_bool(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static enum err_code wrong_type(const json_t *value, const char *key, const char *wanted,
                                struct err *err)
{
    if (value == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_MISSING", key,
                         "%s is missing; it must be %s", key, wanted);
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_TYPE", key, "%s must be %s, not %s", key,
                     wanted, jx_type_name(value));
}

enum err_code jx_need_text(const json_t *object, const char *key, const char **out, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return wrong_type(value, key, "a string", err);
    *out = json_string_value(value);
    return ERR_OK;
}

enum err_code jx_need_i64(const json_t *object, const char *key, int64_t min, int64_t max,
                          int64_t *out, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        return wrong_type(value, key, "a whole number", err);
    int64_t number = (int64_t)json_integer_value(value);
    if (number < min || number > max)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_RANGE", key,
                         "%s must be from %lld to %lld", key, (long long)min, (long long)max);
    *out = number;
    return ERR_OK;
}

enum err_code jx_need_bool(const json_t *object, const char *key, bool *out, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        return wrong_type(value, key, "true or false", err);
    *out = json_is_true(value);
    return ERR_OK;
}

enum err_code jx_need_object(const json_t *object, const char *key, json_t **out, struct err *err)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_object(value))
        return wrong_type(value, key, "an object", err);
    *out = value;
    return ERR_OK;
}

enum err_code jx_need_array(const json_t *object, const char *key, json_t **out, struct err *err)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_array(value))
        return wrong_type(value, key, "an array", err);
    *out = value;
    return ERR_OK;
}

enum err_code jx_need_time(const json_t *object, const char *key, int64_t *out_at_us,
                           struct err *err)
{
    static const char *const wanted = "a time such as \"2026-11-22T20:27:00Z\"";
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return wrong_type(value, key, wanted, err);
    struct str text = {json_string_value(value), json_string_length(value)};
    if (!parse_time(text, out_at_us))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_VALUE", key, "%s must be %s", key,
                         wanted);
    return ERR_OK;
}
