/* Anchors as JSON, for a database that knows containment. Canonical operands: see bind.c. */
#include "expr/anchor.h"
#include "expr_int.h"

enum { MAX_STEPS = 64 };

static void put_json_text(struct buf *out, struct str text)
{
    static const char hex[] = "0123456789abcdef";
    buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            buf_char(out, '\\');
        if (c >= 0x20) {
            buf_char(out, (char)c);
        } else {
            buf_text(out, "\\u00");
            buf_char(out, hex[c >> 4]);
            buf_char(out, hex[c & 0xF]);
        }
    }
    buf_char(out, '"');
}

/* The text of a canonical constant; false when it is none. */
static bool constant_text(struct str value, struct str *out)
{
    enum { HEAD = 5 }; /* tag and length */
    if (value.len < HEAD || value.ptr[0] != 's')
        return false;
    *out = (struct str){value.ptr + HEAD, value.len - HEAD};
    return true;
}

/* Numbers have many spellings, and a text that is a number equals them all: no containment. */
static bool is_one_spelling(struct str value)
{
    struct expr_value number;
    struct str text;
    if (constant_text(value, &text))
        return !number_parse(text, &number);
    return value.len == 1 && (value.ptr[0] == 't' || value.ptr[0] == 'f');
}

/* "{"a":{"b":[" for a.b[7], with what closes it, last first. False when it is too deep. */
static bool open_path(struct str path, struct buf *out, char closers[static MAX_STEPS],
                      size_t *out_count)
{
    size_t count = 0;
    for (size_t i = 0; i < path.len; count++) {
        if (count == MAX_STEPS)
            return false;
        size_t from = i;
        bool is_index = path.ptr[i] == '[';
        do {
            i++;
        } while (i < path.len && path.ptr[i] != '.' && path.ptr[i] != '[');
        closers[count] = is_index ? ']' : '}';
        buf_char(out, is_index ? '[' : '{');
        if (!is_index) {
            put_json_text(out, (struct str){path.ptr + from, i - from});
            buf_char(out, ':');
        }
        if (i < path.len && path.ptr[i] == '.')
            i++;
    }
    *out_count = count;
    return true;
}

bool expr_anchor_json(const struct expr_anchor *anchor, size_t index, struct buf *out)
{
    char closers[MAX_STEPS];
    size_t count = 0;
    struct str value = anchor->values[index];
    if (!is_one_spelling(value) || !open_path(anchor->path, out, closers, &count))
        return false;
    struct str text;
    if (anchor->is_element)
        buf_char(out, '[');
    if (constant_text(value, &text))
        put_json_text(out, text);
    else
        buf_text(out, value.ptr[0] == 't' ? "true" : "false");
    if (anchor->is_element)
        buf_char(out, ']');
    while (count > 0)
        buf_char(out, closers[--count]);
    return !buf_failed(out);
}
