#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/macros.h"
#include "resolve.h"
#include "yaml/ydoc.h"

enum { INDENT = 2, NUMBER_SIZE = 64 };

static int take_bytes(void *ctx, unsigned char *bytes, size_t len)
{
    struct buf *out = ctx;
    buf_append(out, bytes, len);
    return !buf_failed(out);
}

/* Gives the event away, whatever happens. */
static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int is_made)
{
    return is_made == 1 && yaml_emitter_emit(emitter, event) == 1;
}

static bool scalar_write(yaml_emitter_t *emitter, struct str text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    const unsigned char *bytes = (const unsigned char *)(text.ptr == NULL ? "" : text.ptr);
    /* NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libyaml copies it */
    int is_made =
        yaml_scalar_event_initialize(&event, NULL, NULL, bytes, (int)text.len, 1, 1, style);
    return emit(emitter, &event, is_made);
}

/* Characters that YAML readers change or drop, or that would not be seen: control characters, NEL,
 * the separators of lines and paragraphs, the byte order mark and its neighbours. */
static bool is_delicate(struct str text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];
    unsigned char next = at + 1 < text.len ? (unsigned char)text.ptr[at + 1] : 0;
    return (c < ' ' && c != '\n') || c == 0x7F || c == 0xC2 || (c == 0xE2 && next == 0x80) ||
           c == 0xEF;
}

/* A text of several lines reads best as a block, unless it has blanks that a block would hide, or
 * that an editor would take away. */
static yaml_scalar_style_t style_of(struct str text)
{
    bool suits_block = text.len > 0 && text.ptr[0] != ' ' && text.ptr[0] != '\n';
    bool has_lines = false;
    char before = '\n';
    for (size_t i = 0; i < text.len; i++) {
        if (is_delicate(text, i))
            return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        bool is_break = text.ptr[i] == '\n';
        if (is_break && (before == ' ' || before == '\n'))
            suits_block = false;
        has_lines = has_lines || is_break;
        before = text.ptr[i];
    }
    if (has_lines)
        return suits_block && before != ' ' ? YAML_LITERAL_SCALAR_STYLE
                                            : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    /* plain where libyaml finds that it may be */
    return ydoc_needs_quotes(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
}

static bool text_write(yaml_emitter_t *emitter, struct str text)
{
    return scalar_write(emitter, text, style_of(text));
}

static bool plain_write(yaml_emitter_t *emitter, const char *word)
{
    return scalar_write(emitter, str_from(word), YAML_PLAIN_SCALAR_STYLE);
}

/* Shortest that reads back, and never like an integer. */
static bool real_write(yaml_emitter_t *emitter, double value)
{
    char text[NUMBER_SIZE];
    for (int digits = 15; digits <= 17; digits++) {
        double back = 0;
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (sscanf(text, "%lf", &back) == 1 && back == value) /* NOLINT(cert-err34-c): ours */
            break;
    }
    if (strpbrk(text, ".e") == NULL)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), ".0");
    return plain_write(emitter, text);
}

static bool value_write(yaml_emitter_t *emitter, json_t *value);

static bool list_write(yaml_emitter_t *emitter, json_t *list)
{
    yaml_event_t event;
    size_t index = 0;
    json_t *item = NULL;
    yaml_sequence_style_t style =
        json_array_size(list) == 0 ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE;
    if (!emit(emitter, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style)))
        return false;
    json_array_foreach(list, index, item)
    {
        if (!value_write(emitter, item))
            return false;
    }
    return emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static bool map_write(yaml_emitter_t *emitter, json_t *map)
{
    yaml_event_t event;
    const char *key = NULL;
    size_t key_len = 0;
    json_t *item = NULL;
    yaml_mapping_style_t style =
        json_object_size(map) == 0 ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE;
    if (!emit(emitter, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style)))
        return false;
    json_object_keylen_foreach(map, key, key_len, item)
    {
        if (!text_write(emitter, (struct str){key, key_len}) || !value_write(emitter, item))
            return false;
    }
    return emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static bool value_write(yaml_emitter_t *emitter, json_t *value)
{
    char number[NUMBER_SIZE];
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return map_write(emitter, value);
    case JSON_ARRAY:
        return list_write(emitter, value);
    case JSON_STRING:
        return text_write(emitter,
                          (struct str){json_string_value(value), json_string_length(value)});
    case JSON_INTEGER:
        (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return plain_write(emitter, number);
    case JSON_REAL:
        return real_write(emitter, json_real_value(value));
    case JSON_TRUE:
        return plain_write(emitter, "true");
    case JSON_FALSE:
        return plain_write(emitter, "false");
    case JSON_NULL:
        break;
    }
    return plain_write(emitter, "null");
}

static bool document_write(yaml_emitter_t *emitter, json_t *value)
{
    yaml_event_t event;
    bool is_good =
        emit(emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
        emit(emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
        value_write(emitter, value);
    return is_good && emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
           emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

enum err_code ydoc_write(struct buf *out, json_t *value, struct err *err)
{
    yaml_emitter_t emitter;
    if (yaml_emitter_initialize(&emitter) != 1)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "YAML_TOO_LARGE", "memory is short");
    yaml_emitter_set_output(&emitter, take_bytes, out);
    yaml_emitter_set_encoding(&emitter, YAML_UTF8_ENCODING);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_indent(&emitter, INDENT);
    yaml_emitter_set_width(&emitter, -1);
    bool is_good = document_write(&emitter, value);
    enum err_code code =
        is_good ? ERR_OK
                : ERR_SET(err, ERR_INTERNAL, "YAML_UNWRITABLE", "the value cannot be written: %s",
                          emitter.problem != NULL ? emitter.problem : "memory is short");
    yaml_emitter_delete(&emitter);
    return code;
}
