#include "http/params.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static enum err_code arena_full(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs more memory than one request may use; send less at once");
}

/* Decodes %XX, and '+' when asked for. A zero byte is never accepted: the texts are C strings too.
 */
static enum err_code decode(struct arena *arena, struct str raw, bool plus_is_space,
                            struct str *out, struct err *err)
{
    char *text = arena_alloc(arena, raw.len + 1);
    if (text == NULL)
        return arena_full(err);
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c == '%') {
            bool is_whole = raw.len - i > 2;
            int high = is_whole ? hex_value(raw.ptr[i + 1]) : -1;
            int low = is_whole ? hex_value(raw.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_ENCODING",
                               "a '%%' must be followed by two hexadecimal digits");
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0')
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_ENCODING",
                           "a zero byte (%%00) is not allowed");
        text[len++] = c;
    }
    text[len] = '\0';
    *out = (struct str){text, len};
    if (!str_is_utf8(*out))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_ENCODING", "the text must be UTF-8");
    return ERR_OK;
}

/* Says which parameter it was, if it has a name to be shown. */
static enum err_code name_add(struct str name, enum err_code code, struct err *err)
{
    if (err == NULL || name.len == 0 || name.len >= sizeof err->field)
        return code;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_plain)
            return code;
    }
    (void)err_wrap(err, "parameter %.*s", STR_ARG(name));
    memcpy(err->field, name.ptr, name.len);
    err->field[name.len] = '\0';
    return code;
}

static size_t pair_count(struct str text)
{
    size_t count = 0;
    struct str rest = text;
    while (rest.ptr != NULL)
        count += str_split(&rest, '&').len > 0;
    return count;
}

enum err_code http_params_decode(struct arena *arena, struct str text, size_t max_count,
                                 struct http_params *out, struct err *err)
{
    size_t count = pair_count(text);
    if (count > max_count)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "TOO_MANY_PARAMETERS",
                       "%zu parameters were sent; at most %zu are allowed", count, max_count);
    struct http_param *items = ARENA_ARRAY(arena, struct http_param, count);
    if (items == NULL)
        return arena_full(err);
    size_t used = 0;
    struct str rest = text;
    while (rest.ptr != NULL) {
        struct str pair = str_split(&rest, '&');
        if (pair.len == 0)
            continue;
        struct str value = pair;
        struct str name = str_split(&value, '=');
        enum err_code code = decode(arena, name, true, &items[used].name, err);
        if (code != ERR_OK)
            return code;
        code = decode(arena, value, true, &items[used].value, err);
        if (code != ERR_OK)
            return name_add(items[used].name, code, err);
        used++;
    }
    *out = (struct http_params){items, used};
    return ERR_OK;
}

enum err_code http_segment_decode(struct arena *arena, struct str raw, struct str *out,
                                  struct err *err)
{
    struct str decoded = {NULL, 0};
    enum err_code code = decode(arena, raw, false, &decoded, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < decoded.len; i++) {
        unsigned char c = (unsigned char)decoded.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_ENCODING",
                           "a path must not contain control characters");
    }
    *out = decoded;
    return ERR_OK;
}

struct str http_params_get(const struct http_params *params, const char *name)
{
    size_t pos = 0;
    struct str value = {NULL, 0};
    (void)http_params_next(params, name, &pos, &value);
    return value;
}

bool http_params_has(const struct http_params *params, const char *name)
{
    return http_params_get(params, name).ptr != NULL;
}

bool http_params_next(const struct http_params *params, const char *name, size_t *pos,
                      struct str *out_value)
{
    for (; *pos < params->count; (*pos)++) {
        const struct http_param *item = &params->items[*pos];
        if (!str_eq_text(item->name, name))
            continue;
        *out_value = item->value;
        (*pos)++;
        return true;
    }
    return false;
}

/* The part of *rest before the next ';' outside quotes; *rest becomes what follows, or {NULL, 0}.
 */
static struct str take_part(struct str *rest)
{
    bool in_quotes = false;
    size_t i = 0;
    for (; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (in_quotes && c == '\\')
            i += i + 1 < rest->len;
        else if (c == '"')
            in_quotes = !in_quotes;
        else if (c == ';' && !in_quotes)
            break;
    }
    struct str part = {rest->ptr, i};
    if (i < rest->len)
        *rest = (struct str){rest->ptr + i + 1, rest->len - i - 1};
    else
        *rest = (struct str){NULL, 0};
    return part;
}

static struct str unquote(struct str text)
{
    if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"')
        return (struct str){text.ptr + 1, text.len - 2};
    return text;
}

enum err_code http_header_split(struct arena *arena, struct str value, size_t max_count,
                                struct str *out_main, struct http_params *out_params,
                                struct err *err)
{
    struct http_param *items = ARENA_ARRAY(arena, struct http_param, max_count);
    if (items == NULL)
        return arena_full(err);
    struct str rest = value;
    struct str main_part = str_trim(take_part(&rest));
    size_t used = 0;
    while (rest.ptr != NULL && used < max_count) {
        struct str text = take_part(&rest);
        struct str name = str_split(&text, '=');
        name = str_trim(name);
        if (name.len == 0 || text.ptr == NULL)
            continue;
        items[used].name = arena_str(arena, name);
        items[used].value = arena_str(arena, unquote(str_trim(text)));
        used++;
    }
    if (arena_is_exhausted(arena))
        return arena_full(err);
    *out_main = main_part;
    *out_params = (struct http_params){items, used};
    return ERR_OK;
}

/* What follows the scheme, without white space around it; {NULL, 0} when the scheme is another. */
static struct str after_scheme(struct str authorization, struct str scheme)
{
    struct str rest = str_trim(authorization);
    struct str first = str_split(&rest, ' ');
    if (!str_eq_nocase(first, scheme) || rest.ptr == NULL)
        return (struct str){NULL, 0};
    return str_trim(rest);
}

bool http_bearer_token(struct str authorization, struct str *out_token)
{
    struct str token = after_scheme(authorization, STR("Bearer"));
    if (token.len == 0 || memchr(token.ptr, ' ', token.len) != NULL)
        return false;
    *out_token = token;
    return true;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

bool http_basic_credentials(struct arena *arena, struct str authorization, struct str *out_user,
                            struct str *out_password)
{
    struct str code = after_scheme(authorization, STR("Basic"));
    if (code.len == 0)
        return false;
    for (int padding = 0; padding < 2 && code.len > 0 && code.ptr[code.len - 1] == '='; padding++)
        code.len--;
    char *text = arena_alloc(arena, code.len + 1); /* decoded text is shorter */
    if (text == NULL || code.len % 4 == 1)
        return false;
    size_t len = 0;
    unsigned bits = 0;
    int bit_count = 0;
    for (size_t i = 0; i < code.len; i++) {
        int value = base64_value(code.ptr[i]);
        if (value < 0)
            return false;
        bits = ((bits << 6) | (unsigned)value) & 0xffffU;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        char byte = (char)(unsigned char)((bits >> bit_count) & 0xffU);
        if (byte == '\0')
            return false;
        text[len++] = byte;
    }
    text[len] = '\0';
    char *colon = memchr(text, ':', len);
    if (colon == NULL)
        return false;
    *colon = '\0'; /* so that the user is NUL-terminated as well */
    *out_user = (struct str){text, (size_t)(colon - text)};
    *out_password = (struct str){colon + 1, len - out_user->len - 1};
    return str_is_utf8(*out_user) && str_is_utf8(*out_password);
}
