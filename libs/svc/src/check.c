#include "svc/check.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"

enum { URL_MAX = 2048 };

static bool has_control_character(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7F)
            return true;
    }
    return false;
}

enum err_code check_text(const char *field, const char *value, size_t min_chars, size_t max_chars,
                         struct err *err)
{
    struct str text = str_from(value);
    if (text.len == 0 && min_chars > 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", field,
                         "%s is required; give 1 to %zu characters", field, max_chars);
    if (!str_is_utf8(text) || has_control_character(text))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TEXT", field,
                         "%s must be plain UTF-8 text; remove control characters", field);
    size_t chars = str_utf8_count(text);
    if (chars < min_chars || chars > max_chars)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", field,
                         "%s has %zu characters; it must have %zu to %zu", field, chars, min_chars,
                         max_chars);
    return ERR_OK;
}

enum err_code check_sid(const char *field, const char *value, const char *prefix, struct err *err)
{
    if (value == NULL || value[0] == '\0')
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", field,
                         "%s is required; give a SID that begins with %s", field, prefix);
    if (!parse_is_sid(str_from(value), prefix))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", field,
                         "%s must be a SID: %s followed by 32 hexadecimal digits", field, prefix);
    return ERR_OK;
}

enum err_code check_optional_sid(const char *field, const char *value, const char *prefix,
                                 struct err *err)
{
    if (value == NULL || value[0] == '\0')
        return ERR_OK;
    return check_sid(field, value, prefix, err);
}

enum err_code check_range(const char *field, int64_t value, int64_t min, int64_t max,
                          struct err *err)
{
    if (value >= min && value <= max)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", field,
                     "%s is %" PRId64 "; it must be %" PRId64 " to %" PRId64, field, value, min,
                     max);
}

static bool is_url(struct str url)
{
    struct str rest = url;
    if (str_starts_with(rest, STR("https://")))
        rest = (struct str){rest.ptr + 8, rest.len - 8};
    else if (str_starts_with(rest, STR("http://")))
        rest = (struct str){rest.ptr + 7, rest.len - 7};
    else
        return false;
    if (rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == '?' || rest.ptr[0] == '#')
        return false;
    return memchr(url.ptr, ' ', url.len) == NULL;
}

enum err_code check_optional_url(const char *field, const char *value, struct err *err)
{
    struct str url = str_from(value);
    if (url.len == 0)
        return ERR_OK;
    if (url.len > URL_MAX || !is_url(url) || has_control_character(url))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_URL", field,
                         "%s must be an absolute http or https URL of at most %d characters", field,
                         URL_MAX);
    return ERR_OK;
}

enum err_code check_version(bool has_expected, int64_t expected, int64_t actual, struct err *err)
{
    if (!has_expected || expected == actual)
        return ERR_OK;
    return ERR_SET(err, ERR_ABORTED, "VERSION_MISMATCH",
                   "the resource is at version %" PRId64 ", not %" PRId64
                   "; read it again and repeat the change",
                   actual, expected);
}
