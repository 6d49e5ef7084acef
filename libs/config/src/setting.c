#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "config_int.h"

/* A unit behind a number. */
struct suffix {
    const char *text;
    int64_t factor;
};

/* The first that fits is used for printing, so the largest come first and "" last. */
static const struct suffix durations[] = {
    {"d",  86400000},
    {"h",  3600000 },
    {"m",  60000   },
    {"s",  1000    },
    {"ms", 1       },
    {"",   1       },
};
static const struct suffix sizes[] = {
    {"GiB", 1 << 30},
    {"MiB", 1 << 20},
    {"KiB", 1 << 10},
    {"GB",  1 << 30},
    {"MB",  1 << 20},
    {"KB",  1 << 10},
    {"B",   1      },
    {"",    1      },
};

static bool is_text(enum config_type type)
{
    return type == CONFIG_STRING || type == CONFIG_URL || type == CONFIG_HOST_PORT ||
           type == CONFIG_SID || type == CONFIG_PATH;
}

static bool number_has_bounds(const struct config_setting *setting)
{
    return setting->min != 0 || setting->max != 0;
}

/* ---- What to write ---- */

static void quantity_print(int64_t value, const struct suffix *suffixes, struct buf *out)
{
    size_t i = 0;
    if (value == 0) {
        buf_char(out, '0');
        return;
    }
    while (suffixes[i].factor > 1 && value % suffixes[i].factor != 0)
        i++;
    buf_printf(out, "%lld%s", (long long)(value / suffixes[i].factor), suffixes[i].text);
}

static void number_print(const struct config_setting *setting, int64_t value, struct buf *out)
{
    if (setting->type == CONFIG_DURATION_MS)
        quantity_print(value, durations, out);
    else if (setting->type == CONFIG_BYTES)
        quantity_print(value, sizes, out);
    else
        buf_i64(out, value);
}

void setting_type(const struct config_setting *setting, struct buf *out)
{
    switch (setting->type) {
    case CONFIG_STRING:
        buf_text(out, "text");
        break;
    case CONFIG_INT:
        buf_text(out, "whole number");
        break;
    case CONFIG_BOOL:
        buf_text(out, "true or false");
        break;
    case CONFIG_DURATION_MS:
        buf_text(out, "duration");
        break;
    case CONFIG_BYTES:
        buf_text(out, "size");
        break;
    case CONFIG_URL:
        buf_printf(out, "URL (%s)", setting->choices);
        break;
    case CONFIG_HOST_PORT:
        buf_text(out, "host:port");
        break;
    case CONFIG_SID:
        buf_printf(out, "SID (%s and 32 hex digits)", setting->choices);
        break;
    case CONFIG_ENUM:
        buf_printf(out, "one of %s", setting->choices);
        break;
    case CONFIG_PATH:
        buf_text(out, "readable file");
        break;
    case CONFIG_NONE:
    case CONFIG_TYPE_COUNT:
        break;
    }
    if (is_text(setting->type)) {
        if (setting->min > 0)
            buf_printf(out, " of at least %lld bytes", (long long)setting->min);
    } else if (number_has_bounds(setting)) {
        buf_text(out, " from ");
        number_print(setting, setting->min, out);
        buf_text(out, " to ");
        number_print(setting, setting->max, out);
    }
    if (setting->unit != NULL)
        buf_printf(out, " (%s)", setting->unit);
}

static const char *example_of(const struct config_setting *setting)
{
    if (setting->default_text != NULL)
        return setting->default_text;
    switch (setting->type) {
    case CONFIG_DURATION_MS:
        return "5s";
    case CONFIG_BYTES:
        return "16MiB";
    case CONFIG_HOST_PORT:
        return "127.0.0.1:7001";
    case CONFIG_BOOL:
        return "true";
    case CONFIG_URL:
        return str_starts_with(str_from(setting->choices), STR("postgres"))
                   ? "postgresql://user:password@host:5432/taskrouter"
               : str_starts_with(str_from(setting->choices), STR("nats")) ? "nats://host:4222"
                                                                          : "https://host/path";
    default:
        return NULL;
    }
}

void setting_expected(const struct config_setting *setting, struct buf *out)
{
    buf_text(out, "write ");
    bool is_article_free = setting->type == CONFIG_ENUM || setting->type == CONFIG_BOOL;
    if (!is_article_free)
        buf_text(out, "a ");
    setting_type(setting, out);
    const char *example = example_of(setting);
    if (example != NULL && setting->type != CONFIG_ENUM && setting->type != CONFIG_BOOL)
        buf_printf(out, ", such as %s", example);
}

/* ---- Checking ---- */

static bool quantity_parse(struct str text, const struct suffix *suffixes, size_t count,
                           int64_t *out)
{
    size_t digits = 0;
    while (digits < text.len &&
           ((text.ptr[digits] >= '0' && text.ptr[digits] <= '9') || text.ptr[digits] == '-'))
        digits++;
    struct str unit = str_trim((struct str){text.ptr + digits, text.len - digits});
    int64_t number = 0;
    if (!parse_i64((struct str){text.ptr, digits}, INT64_MIN, INT64_MAX, &number))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(unit, str_from(suffixes[i].text)))
            return !__builtin_mul_overflow(number, suffixes[i].factor, out);
    }
    return false;
}

static bool enum_parse(const char *choices, struct str text, int64_t *out)
{
    struct str rest = str_from(choices);
    for (int64_t i = 1; rest.ptr != NULL; i++) {
        if (str_eq_nocase(str_trim(str_split(&rest, ',')), text)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool has_space_or_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c == 0x7f)
            return true;
    }
    return false;
}

static bool url_is_sound(const char *schemes, struct str text)
{
    ptrdiff_t at = str_find(text, STR("://"));
    if (at <= 0 || text.len <= (size_t)at + 3 || has_space_or_control(text))
        return false;
    int64_t which = 0;
    return enum_parse(schemes, (struct str){text.ptr, (size_t)at}, &which);
}

static bool host_port_is_sound(struct str text)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon < 2 || has_space_or_control(text))
        return false;
    struct str host = {text.ptr, colon - 1};
    int64_t port = 0;
    if (!parse_i64((struct str){text.ptr + colon, text.len - colon}, 0, 65535, &port))
        return false;
    bool is_bracketed = host.ptr[0] == '[' && host.ptr[host.len - 1] == ']' && host.len > 2;
    return is_bracketed || (str_find(host, STR(":")) < 0 && str_find(host, STR("/")) < 0);
}

static bool path_is_sound(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, R_OK) == 0;
}

static bool form_is_sound(const struct config_setting *setting, const char *text, int64_t *number)
{
    struct str view = str_from(text);
    bool flag = false;
    switch (setting->type) {
    case CONFIG_STRING:
        return str_is_utf8(view);
    case CONFIG_INT:
        return parse_i64(view, INT64_MIN, INT64_MAX, number);
    case CONFIG_BOOL:
        if (!parse_bool(view, &flag))
            return false;
        *number = flag;
        return true;
    case CONFIG_DURATION_MS:
        return quantity_parse(view, durations, ARRAY_LEN(durations), number);
    case CONFIG_BYTES:
        return quantity_parse(view, sizes, ARRAY_LEN(sizes), number);
    case CONFIG_URL:
        return url_is_sound(setting->choices, view);
    case CONFIG_HOST_PORT:
        return host_port_is_sound(view);
    case CONFIG_SID:
        return parse_is_sid(view, setting->choices);
    case CONFIG_ENUM:
        return enum_parse(setting->choices, view, number);
    case CONFIG_PATH:
        return path_is_sound(text);
    case CONFIG_NONE:
    case CONFIG_TYPE_COUNT:
        break;
    }
    return false;
}

static bool bounds_hold(const struct config_setting *setting, const char *text, int64_t number)
{
    if (is_text(setting->type)) {
        int64_t len = (int64_t)strlen(text);
        return len >= setting->min && len <= (setting->max > 0 ? setting->max : CONFIG_TEXT_MAX);
    }
    if (setting->type == CONFIG_BOOL || setting->type == CONFIG_ENUM || !number_has_bounds(setting))
        return true;
    return number >= setting->min && number <= setting->max;
}

/* Control characters of a wrong value must not reach the one line that reports it. */
static void quote_value(const char *text, struct buf *out)
{
    buf_char(out, '"');
    for (size_t i = 0; i < 60 && text[i] != '\0'; i++) {
        bool is_control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
        buf_append(out, is_control ? "?" : &text[i], 1);
    }
    buf_text(out, strlen(text) > 60 ? "…\"" : "\"");
}

bool setting_parse(struct arena *arena, const struct config_setting *setting, const char *text,
                   struct config_value *out, struct buf *why)
{
    int64_t number = 0;
    bool is_form_sound = form_is_sound(setting, text, &number);
    if (!is_form_sound || !bounds_hold(setting, text, number)) {
        if (setting->is_secret) {
            bool is_short = is_text(setting->type) && (int64_t)strlen(text) < setting->min;
            buf_text(why, is_short ? "is too short" : "is malformed");
        } else {
            buf_text(why, "is ");
            quote_value(text, why);
            if (setting->type == CONFIG_PATH)
                buf_text(why, ", which is not a file that can be read");
            else if (is_form_sound)
                buf_text(why, ", which is out of range");
        }
        buf_text(why, ": ");
        setting_expected(setting, why);
        return false;
    }
    out->number = number;
    out->text = is_text(setting->type) ? arena_strdup(arena, text) : NULL;
    return true;
}
