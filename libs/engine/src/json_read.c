#include "json_read.h"

#include "base/arena.h"
#include "base/parse.h"

enum { JSON_READ_MAX_DEPTH = 32 };

struct json_reader {
    struct arena *arena;
    struct str text;
    size_t at;
    const char *wanted; /* what was expected at `at`; NULL = no error so far */
};

static struct json_read_node *json_read_value(struct json_reader *reader, int depth);

static void json_read_space(struct json_reader *reader)
{
    while (reader->at < reader->text.len) {
        char c = reader->text.ptr[reader->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        reader->at++;
    }
}

static char json_read_peek(const struct json_reader *reader)
{
    if (reader->at >= reader->text.len)
        return '\0';
    return reader->text.ptr[reader->at];
}

static void *json_read_fail(struct json_reader *reader, const char *wanted)
{
    if (reader->wanted == NULL)
        reader->wanted = wanted;
    return NULL;
}

static bool json_read_word(struct json_reader *reader, struct str word)
{
    struct str rest = {.ptr = reader->text.ptr + reader->at, .len = reader->text.len - reader->at};
    if (!str_starts_with(rest, word))
        return false;
    reader->at += word.len;
    return true;
}

static bool json_read_hex4(struct json_reader *reader, unsigned *out_code)
{
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        char c = json_read_peek(reader);
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10U;
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10U;
        else
            return false;
        code = code * 16U + digit;
        reader->at++;
    }
    *out_code = code;
    return true;
}

static size_t json_read_put_utf8(char *out, unsigned code)
{
    if (code < 0x80U) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800U) {
        out[0] = (char)(0xC0U | (code >> 6));
        out[1] = (char)(0x80U | (code & 0x3FU));
        return 2;
    }
    if (code < 0x10000U) {
        out[0] = (char)(0xE0U | (code >> 12));
        out[1] = (char)(0x80U | ((code >> 6) & 0x3FU));
        out[2] = (char)(0x80U | (code & 0x3FU));
        return 3;
    }
    out[0] = (char)(0xF0U | (code >> 18));
    out[1] = (char)(0x80U | ((code >> 12) & 0x3FU));
    out[2] = (char)(0x80U | ((code >> 6) & 0x3FU));
    out[3] = (char)(0x80U | (code & 0x3FU));
    return 4;
}

/* Behind "\u"; surrogates must come in pairs, NUL is refused. */
static bool json_read_unicode(struct json_reader *reader, unsigned *out_code)
{
    unsigned code;
    if (!json_read_hex4(reader, &code) || code == 0)
        return false;
    if (code >= 0xDC00U && code <= 0xDFFFU)
        return false;
    if (code >= 0xD800U && code <= 0xDBFFU) {
        unsigned low;
        if (!json_read_word(reader, STR("\\u")) || !json_read_hex4(reader, &low) || low < 0xDC00U ||
            low > 0xDFFFU)
            return false;
        code = 0x10000U + ((code - 0xD800U) << 10) + (low - 0xDC00U);
    }
    *out_code = code;
    return true;
}

static char json_read_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '"':
    case '\\':
    case '/':
        return c;
    default:
        return '\0';
    }
}

/* At the opening quote. The decoded text is never longer than the source. */
static bool json_read_string(struct json_reader *reader, struct str *out_text)
{
    reader->at++;
    size_t end = reader->at;
    while (end < reader->text.len && reader->text.ptr[end] != '"')
        end += reader->text.ptr[end] == '\\' ? 2 : 1;
    if (end >= reader->text.len)
        return json_read_fail(reader, "a closing quote") != NULL;
    char *out = arena_alloc(reader->arena, end - reader->at + 1);
    if (out == NULL)
        return false;
    size_t len = 0;
    while (reader->at < end) {
        char c = reader->text.ptr[reader->at];
        if ((unsigned char)c < 0x20U)
            return json_read_fail(reader, "an escape instead of a control character") != NULL;
        reader->at++;
        if (c != '\\') {
            out[len++] = c;
            continue;
        }
        c = json_read_peek(reader);
        reader->at++;
        unsigned code = 0;
        if (c == 'u') {
            if (!json_read_unicode(reader, &code))
                return json_read_fail(reader, "four hex digits of a character") != NULL;
            len += json_read_put_utf8(out + len, code);
            continue;
        }
        c = json_read_escape(c);
        if (c == '\0')
            return json_read_fail(reader, "a known escape") != NULL;
        out[len++] = c;
    }
    reader->at = end + 1;
    *out_text = (struct str){.ptr = out, .len = len};
    return true;
}

static bool json_read_number(struct json_reader *reader, struct json_read_node *node)
{
    size_t start = reader->at;
    while (reader->at < reader->text.len) {
        char c = reader->text.ptr[reader->at];
        if (!((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'))
            break;
        reader->at++;
    }
    node->kind = JSON_READ_NUMBER;
    node->text = (struct str){.ptr = reader->text.ptr + start, .len = reader->at - start};
    double ignored;
    bool leads = node->text.len > 0 && node->text.ptr[0] != '+' && node->text.ptr[0] != '.';
    if (leads && parse_double(node->text, &ignored))
        return true;
    reader->at = start;
    return json_read_fail(reader, "a value") != NULL;
}

/* At the opening bracket of an array or object. */
static bool json_read_children(struct json_reader *reader, struct json_read_node *node, int depth)
{
    bool is_object = node->kind == JSON_READ_OBJECT;
    char close = is_object ? '}' : ']';
    struct json_read_node **tail = &node->first;
    reader->at++;
    json_read_space(reader);
    if (json_read_peek(reader) == close) {
        reader->at++;
        return true;
    }
    for (;;) {
        struct str key = {0};
        json_read_space(reader);
        if (is_object) {
            if (json_read_peek(reader) != '"')
                return json_read_fail(reader, "a key in quotes") != NULL;
            if (!json_read_string(reader, &key))
                return false;
            json_read_space(reader);
            if (json_read_peek(reader) != ':')
                return json_read_fail(reader, "':'") != NULL;
            reader->at++;
        }
        struct json_read_node *child = json_read_value(reader, depth + 1);
        if (child == NULL)
            return false;
        child->key = key;
        *tail = child;
        tail = &child->next;
        node->count++;
        json_read_space(reader);
        char c = json_read_peek(reader);
        if (c != ',' && c != close)
            return json_read_fail(reader, is_object ? "',' or '}'" : "',' or ']'") != NULL;
        reader->at++;
        if (c == close)
            return true;
    }
}

static struct json_read_node *json_read_value(struct json_reader *reader, int depth)
{
    json_read_space(reader);
    if (depth > JSON_READ_MAX_DEPTH)
        return json_read_fail(reader, "at most 32 levels of nesting");
    struct json_read_node *node = ARENA_NEW(reader->arena, struct json_read_node);
    if (node == NULL)
        return NULL;
    char c = json_read_peek(reader);
    bool is_ok = true;
    if (c == '{' || c == '[') {
        node->kind = c == '{' ? JSON_READ_OBJECT : JSON_READ_ARRAY;
        is_ok = json_read_children(reader, node, depth);
    } else if (c == '"') {
        node->kind = JSON_READ_STRING;
        is_ok = json_read_string(reader, &node->text);
    } else if (json_read_word(reader, STR("true")) || json_read_word(reader, STR("false"))) {
        node->kind = JSON_READ_BOOL;
        node->is_true = c == 't';
    } else if (json_read_word(reader, STR("null"))) {
        node->kind = JSON_READ_NULL;
    } else {
        is_ok = json_read_number(reader, node);
    }
    return is_ok ? node : NULL;
}

static void json_read_report(const struct json_reader *reader, const char *wanted, struct err *err)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < reader->at && i < reader->text.len; i++) {
        column++;
        if (reader->text.ptr[i] == '\n') {
            line++;
            column = 1;
        }
    }
    (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_JSON",
                  "the text is not JSON: line %zu, column %zu: expected %s", line, column, wanted);
}

struct json_read_node *json_read(struct arena *arena, struct str text, struct err *err)
{
    struct json_reader reader = {.arena = arena, .text = text};
    if (!str_is_utf8(text)) {
        (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_JSON", "the text is not UTF-8");
        return NULL;
    }
    struct json_read_node *root = json_read_value(&reader, 1);
    json_read_space(&reader);
    if (root != NULL && reader.at < text.len)
        root = json_read_fail(&reader, "the end");
    if (root != NULL)
        return root;
    if (reader.wanted == NULL)
        (void)ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TOO_LONG", "the document is too large");
    else
        json_read_report(&reader, reader.wanted, err);
    return NULL;
}

const struct json_read_node *json_read_get(const struct json_read_node *object, const char *key)
{
    const struct json_read_node *found = NULL;
    if (object == NULL || object->kind != JSON_READ_OBJECT)
        return NULL;
    for (const struct json_read_node *node = object->first; node != NULL; node = node->next) {
        if (str_eq_text(node->key, key))
            found = node;
    }
    return found;
}
