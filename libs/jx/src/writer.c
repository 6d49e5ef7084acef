#include "jx/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"

void jx_writer_init(struct jx_writer *w, struct buf *out)
{
    *w = (struct jx_writer){.out = out};
}

void jx_writer_fail(struct jx_writer *w)
{
    w->has_failed = true;
}

enum err_code jx_writer_finish(const struct jx_writer *w, struct err *err)
{
    if (buf_failed(w->out))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "JSON_TOO_LARGE",
                       "the reply would be larger than %zu bytes; ask for less at a time",
                       w->out->max_bytes);
    if (w->has_failed || !w->is_done)
        return ERR_SET(err, ERR_INTERNAL, "JSON_INCOMPLETE", "a JSON document was not built right");
    return ERR_OK;
}

static uint64_t level_bit(const struct jx_writer *w)
{
    return UINT64_C(1) << (w->depth - 1);
}

static bool is_in_object(const struct jx_writer *w)
{
    return w->depth > 0 && (w->objects & level_bit(w)) != 0;
}

static void write_comma(struct jx_writer *w)
{
    if ((w->has_items & level_bit(w)) != 0)
        buf_char(w->out, ',');
    w->has_items |= level_bit(w);
}

/* True when a value may be written here; the comma in front of it is written. */
static bool value_begins(struct jx_writer *w)
{
    if (w->is_done || (is_in_object(w) && !w->has_key))
        w->has_failed = true;
    if (w->has_failed)
        return false;
    if (w->depth > 0 && !w->has_key)
        write_comma(w);
    w->has_key = false;
    return true;
}

static void value_ends(struct jx_writer *w)
{
    w->is_done = w->depth == 0;
}

static void begin(struct jx_writer *w, bool is_object)
{
    if (!value_begins(w))
        return;
    if (w->depth == JX_WRITER_DEPTH) {
        w->has_failed = true;
        return;
    }
    w->depth++;
    w->has_items &= ~level_bit(w);
    w->objects = is_object ? w->objects | level_bit(w) : w->objects & ~level_bit(w);
    buf_char(w->out, is_object ? '{' : '[');
}

static void end(struct jx_writer *w, bool is_object)
{
    if (w->depth == 0 || w->has_key || is_in_object(w) != is_object)
        w->has_failed = true;
    if (w->has_failed)
        return;
    w->depth--;
    buf_char(w->out, is_object ? '}' : ']');
    value_ends(w);
}

void jx_object_begin(struct jx_writer *w)
{
    begin(w, true);
}

void jx_object_end(struct jx_writer *w)
{
    end(w, true);
}

void jx_array_begin(struct jx_writer *w)
{
    begin(w, false);
}

void jx_array_end(struct jx_writer *w)
{
    end(w, false);
}

void jx_key_str(struct jx_writer *w, struct str key)
{
    if (!is_in_object(w) || w->has_key)
        w->has_failed = true;
    if (w->has_failed)
        return;
    write_comma(w);
    jx_quote(w->out, key);
    buf_char(w->out, ':');
    w->has_key = true;
}

void jx_key(struct jx_writer *w, const char *key)
{
    jx_key_str(w, str_from(key));
}

/* Letter of the two-character escape, or 0. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void write_escaped(struct buf *out, struct str text)
{
    size_t start = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_append(out, text.ptr + start, i - start);
        start = i + 1;
        char letter = short_escape(c);
        if (letter != 0) {
            buf_char(out, '\\');
            buf_char(out, letter);
        } else {
            buf_printf(out, "\\u%04x", c);
        }
    }
    if (start < text.len)
        buf_append(out, text.ptr + start, text.len - start);
}

/* Bytes of the well-formed sequence at the start of text, or 0. */
static size_t sequence_len(struct str text)
{
    for (size_t len = 1; len <= 4 && len <= text.len; len++) {
        if (str_is_utf8((struct str){text.ptr, len}))
            return len;
    }
    return 0;
}

static void write_repaired(struct buf *out, struct str text)
{
    while (text.len > 0) {
        size_t len = sequence_len(text);
        if (len == 0)
            buf_text(out, "\xEF\xBF\xBD");
        else
            write_escaped(out, (struct str){text.ptr, len});
        text.ptr += len == 0 ? 1 : len;
        text.len -= len == 0 ? 1 : len;
    }
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The top bit of every byte that is not plain, and sometimes of the byte above such a one. */
static uint64_t odd_bytes(uint64_t eight)
{
    uint64_t controls = eight - EACH_BYTE(0x20);
    uint64_t quotes = (eight ^ EACH_BYTE('"')) - EACH_BYTE(1);
    uint64_t slashes = (eight ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    return (eight | controls | quotes | slashes) & EACH_BYTE(0x80);
}

/* ASCII that needs no escape, which is nearly everything: eight bytes at a time. */
static bool is_plain(struct str text)
{
    unsigned char odd = 0;
    size_t i = 0;
    for (; i + 8 <= text.len; i += 8) {
        uint64_t eight = 0;
        memcpy(&eight, text.ptr + i, sizeof eight);
        if (odd_bytes(eight) != 0)
            return false;
    }
    for (; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        odd |= (unsigned char)(c < 0x20) | (c >= 0x80) | (c == '"') | (c == '\\');
    }
    return odd == 0;
}

void jx_quote(struct buf *out, struct str text)
{
    buf_char(out, '"');
    if (is_plain(text))
        buf_append(out, text.ptr, text.len);
    else if (str_is_utf8(text))
        write_escaped(out, text);
    else
        write_repaired(out, text);
    buf_char(out, '"');
}

void jx_str(struct jx_writer *w, struct str text)
{
    if (!value_begins(w))
        return;
    jx_quote(w->out, text);
    value_ends(w);
}

void jx_text(struct jx_writer *w, const char *text)
{
    if (text == NULL)
        jx_null(w);
    else
        jx_str(w, str_from(text));
}

void jx_i64(struct jx_writer *w, int64_t value)
{
    if (!value_begins(w))
        return;
    buf_i64(w->out, value);
    value_ends(w);
}

void jx_u64(struct jx_writer *w, uint64_t value)
{
    if (!value_begins(w))
        return;
    buf_u64(w->out, value);
    value_ends(w);
}

void jx_double(struct jx_writer *w, double value)
{
    char text[40]; /* sign, 17 digits, point, exponent, ".0" */
    if (!isfinite(value)) {
        jx_null(w);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        double again = 0;
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (parse_double(str_from(text), &again) && again == value)
            break;
    }
    const char *fraction = strpbrk(text, ".e") == NULL ? ".0" : ""; /* so that it stays a real */
    if (!value_begins(w))
        return;
    buf_text(w->out, text);
    buf_text(w->out, fraction);
    value_ends(w);
}

void jx_bool(struct jx_writer *w, bool value)
{
    jx_raw(w, value ? STR("true") : STR("false"));
}

void jx_null(struct jx_writer *w)
{
    jx_raw(w, STR("null"));
}

void jx_raw(struct jx_writer *w, struct str json)
{
    if (json.len == 0)
        w->has_failed = true;
    if (!value_begins(w))
        return;
    buf_str_append(w->out, json);
    value_ends(w);
}

void jx_time_s(struct jx_writer *w, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    jx_text(w, clock_format_s(at_us, text));
}

void jx_time_us(struct jx_writer *w, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    jx_text(w, clock_format_us(at_us, text));
}

void jx_time(struct jx_writer *w, int64_t at_us)
{
    if (at_us % US_PER_S == 0)
        jx_time_s(w, at_us);
    else
        jx_time_us(w, at_us);
}

/* Recursion ends at JX_WRITER_DEPTH: begin() fails there and nothing below is visited. */
void jx_value(struct jx_writer *w, json_t *value)
{
    if (w->has_failed)
        return;
    if (value == NULL) {
        jx_null(w);
        return;
    }
    const char *key = NULL;
    json_t *item = NULL;
    size_t index = 0;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        jx_object_begin(w);
        if (!w->has_failed) {
            json_object_foreach(value, key, item)
            {
                jx_key(w, key);
                jx_value(w, item);
            }
        }
        jx_object_end(w);
        break;
    case JSON_ARRAY:
        jx_array_begin(w);
        if (!w->has_failed) {
            json_array_foreach(value, index, item)
            {
                jx_value(w, item);
            }
        }
        jx_array_end(w);
        break;
    case JSON_STRING:
        jx_str(w, (struct str){json_string_value(value), json_string_length(value)});
        break;
    case JSON_INTEGER:
        jx_i64(w, (int64_t)json_integer_value(value));
        break;
    case JSON_REAL:
        jx_double(w, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        jx_bool(w, json_is_true(value));
        break;
    case JSON_NULL:
        jx_null(w);
        break;
    }
}

void jx_put_str(struct jx_writer *w, const char *key, struct str text)
{
    jx_key(w, key);
    jx_str(w, text);
}

void jx_put_text(struct jx_writer *w, const char *key, const char *text)
{
    jx_key(w, key);
    jx_text(w, text);
}

void jx_put_i64(struct jx_writer *w, const char *key, int64_t value)
{
    jx_key(w, key);
    jx_i64(w, value);
}

void jx_put_bool(struct jx_writer *w, const char *key, bool value)
{
    jx_key(w, key);
    jx_bool(w, value);
}

void jx_put_null(struct jx_writer *w, const char *key)
{
    jx_key(w, key);
    jx_null(w);
}

void jx_put_raw(struct jx_writer *w, const char *key, struct str json)
{
    jx_key(w, key);
    jx_raw(w, json);
}

void jx_put_time_s(struct jx_writer *w, const char *key, int64_t at_us)
{
    jx_key(w, key);
    jx_time_s(w, at_us);
}

void jx_put_time_us(struct jx_writer *w, const char *key, int64_t at_us)
{
    jx_key(w, key);
    jx_time_us(w, at_us);
}
