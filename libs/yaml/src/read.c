#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/map.h"
#include "resolve.h"
#include "yaml/ydoc.h"

enum { SHOWN_MAX = 60 };

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    unsigned depth;
    unsigned max_depth;
    size_t nodes;
    size_t max_nodes;
    struct err *err;
};

/* Children while they come; copied into the arena at the end. */
struct children {
    struct ydoc_node **items;
    struct str *keys;
    int *key_lines;
    size_t count;
    size_t capacity;
};

static void children_fini(struct children *children)
{
    free(children->items);
    free(children->keys);
    free(children->key_lines);
}

static void children_add(struct children *children, struct ydoc_node *item, struct str key,
                         int key_line)
{
    if (children->count == children->capacity) {
        children->capacity = children->capacity == 0 ? 8 : children->capacity * 2;
        children->items = xrealloc(children->items, children->capacity, sizeof(struct ydoc_node *));
        children->keys = xrealloc(children->keys, children->capacity, sizeof(struct str));
        children->key_lines = xrealloc(children->key_lines, children->capacity, sizeof(int));
    }
    children->items[children->count] = item;
    children->keys[children->count] = key;
    children->key_lines[children->count++] = key_line;
}

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "YAML_TOO_LARGE",
                   "the file takes too much memory; make it smaller");
}

static int line_of(yaml_mark_t mark)
{
    return mark.line < INT32_MAX ? (int)mark.line + 1 : INT32_MAX;
}

static enum err_code refuse(const struct reader *reader, yaml_mark_t mark, const char *why)
{
    return ERR_SET(reader->err, ERR_INVALID_ARGUMENT, "YAML_REFUSED", "line %d: %s", line_of(mark),
                   why);
}

/* What libyaml says, where it says so. */
static enum err_code parser_failed(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    bool is_encoding = parser->error == YAML_READER_ERROR;
    int line = line_of(is_encoding ? parser->mark : parser->problem_mark);
    if (parser->error == YAML_MEMORY_ERROR)
        return no_room(reader->err);
    return ERR_SET(
        reader->err, ERR_INVALID_ARGUMENT, "YAML_INVALID", "line %d: this is not YAML: %s%s%s",
        line, parser->problem != NULL ? parser->problem : "it cannot be read",
        parser->context != NULL ? " " : "", parser->context != NULL ? parser->context : "");
}

static enum err_code next(struct reader *reader, yaml_event_t *event)
{
    memset(event, 0, sizeof *event);
    return yaml_parser_parse(&reader->parser, event) == 1 ? ERR_OK : parser_failed(reader);
}

static enum err_code node_read(struct reader *reader, const yaml_event_t *event,
                               struct ydoc_node **out);

static enum err_code marks_check(const struct reader *reader, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        anchor = event->data.alias.anchor;
        break;
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor != NULL || event->type == YAML_ALIAS_EVENT)
        return refuse(reader, event->start_mark,
                      "anchors and aliases (& and *) are not taken; write the value out, or quote "
                      "it if it is a text");
    if (tag != NULL)
        return refuse(reader, event->start_mark,
                      "tags (!) are not taken; leave it out, or quote it if it is a text");
    return ERR_OK;
}

static enum err_code scalar_read(struct reader *reader, const yaml_event_t *event,
                                 struct ydoc_node *node)
{
    const char *bytes = (const char *)event->data.scalar.value;
    struct str text = {bytes, event->data.scalar.length};
    if (memchr(bytes, '\0', text.len) != NULL)
        return refuse(reader, event->start_mark, "a text has a NUL character in it; remove it");
    node->text = (struct str){arena_str_dup(reader->arena, text), text.len};
    if (node->text.ptr == NULL)
        return no_room(reader->err);
    node->kind = YDOC_TEXT;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !ydoc_resolve(node))
        return refuse(reader, event->start_mark,
                      "the number is too large; quote it if it is a text");
    return ERR_OK;
}

static enum err_code children_keep(const struct reader *reader, const struct children *children,
                                   bool is_map, struct ydoc_node *node)
{
    size_t count = children->count;
    node->count = count;
    if (count == 0)
        return ERR_OK;
    node->items = ARENA_ARRAY(reader->arena, struct ydoc_node *, count);
    if (node->items == NULL)
        return no_room(reader->err);
    memcpy(node->items, children->items, count * sizeof(struct ydoc_node *));
    if (!is_map)
        return ERR_OK;
    node->keys = ARENA_ARRAY(reader->arena, struct str, count);
    node->key_lines = ARENA_ARRAY(reader->arena, int, count);
    if (node->keys == NULL || node->key_lines == NULL)
        return no_room(reader->err);
    memcpy(node->keys, children->keys, count * sizeof(struct str));
    memcpy(node->key_lines, children->key_lines, count * sizeof(int));
    return ERR_OK;
}

static enum err_code list_read(struct reader *reader, struct children *children)
{
    for (;;) {
        yaml_event_t event;
        struct ydoc_node *item = NULL;
        enum err_code code = next(reader, &event);
        bool is_end = code == ERR_OK && event.type == YAML_SEQUENCE_END_EVENT;
        if (code == ERR_OK && !is_end)
            code = node_read(reader, &event, &item);
        yaml_event_delete(&event);
        if (code != ERR_OK || is_end)
            return code;
        children_add(children, item, (struct str){NULL, 0}, 0);
    }
}

/* The key is not yet in seen, whose keys point into the arena. */
static enum err_code key_check(const struct reader *reader, const yaml_event_t *event,
                               const struct ydoc_node *key, struct map *seen)
{
    INVARIANT(key != NULL); /* it was read */
    bool is_scalar = key->kind != YDOC_LIST && key->kind != YDOC_MAP;
    if (!is_scalar || (key->text.len == 0 && key->kind != YDOC_TEXT))
        return refuse(reader, event->start_mark, "a key must be a word or a text");
    if (map_put(seen, key->text, reader->arena) == NULL)
        return ERR_OK;
    return ERR_SET(reader->err, ERR_INVALID_ARGUMENT, "YAML_REFUSED",
                   "line %d: the key \"%.*s\" is there twice; keep one of them",
                   line_of(event->start_mark),
                   (int)(key->text.len < SHOWN_MAX ? key->text.len : SHOWN_MAX), key->text.ptr);
}

static enum err_code pair_read(struct reader *reader, struct children *children, struct map *seen,
                               bool *out_is_end)
{
    yaml_event_t event;
    struct ydoc_node *key = NULL;
    struct ydoc_node *value = NULL;
    enum err_code code = next(reader, &event);
    *out_is_end = code == ERR_OK && event.type == YAML_MAPPING_END_EVENT;
    if (code == ERR_OK && !*out_is_end)
        code = node_read(reader, &event, &key);
    if (code == ERR_OK && !*out_is_end)
        code = key_check(reader, &event, key, seen);
    yaml_event_delete(&event);
    if (code != ERR_OK || *out_is_end)
        return code;
    code = next(reader, &event);
    if (code == ERR_OK)
        code = node_read(reader, &event, &value);
    yaml_event_delete(&event);
    if (code == ERR_OK)
        children_add(children, value, key->text, key->line);
    return code;
}

static enum err_code map_read(struct reader *reader, struct children *children)
{
    struct map seen;
    bool is_end = false;
    enum err_code code = ERR_OK;
    map_init(&seen);
    while (code == ERR_OK && !is_end)
        code = pair_read(reader, children, &seen, &is_end);
    map_fini(&seen);
    return code;
}

static enum err_code container_read(struct reader *reader, const yaml_event_t *event,
                                    struct ydoc_node *node)
{
    struct children children = {NULL, NULL, NULL, 0, 0};
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    if (++reader->depth > reader->max_depth)
        return refuse(reader, event->start_mark, "lists and maps are nested too deep");
    node->kind = is_map ? YDOC_MAP : YDOC_LIST;
    enum err_code code = is_map ? map_read(reader, &children) : list_read(reader, &children);
    if (code == ERR_OK)
        code = children_keep(reader, &children, is_map, node);
    children_fini(&children);
    reader->depth--;
    return code;
}

static enum err_code node_read(struct reader *reader, const yaml_event_t *event,
                               struct ydoc_node **out)
{
    enum err_code code = marks_check(reader, event);
    if (code == ERR_OK && ++reader->nodes > reader->max_nodes)
        code = refuse(reader, event->start_mark, "the file has too many values");
    if (code != ERR_OK)
        return code;
    struct ydoc_node *node = ARENA_NEW(reader->arena, struct ydoc_node);
    if (node == NULL)
        return no_room(reader->err);
    node->line = line_of(event->start_mark);
    code = event->type == YAML_SCALAR_EVENT ? scalar_read(reader, event, node)
                                            : container_read(reader, event, node);
    *out = node;
    return code;
}

/* Between STREAM-START and STREAM-END: at most one document. */
static enum err_code stream_read(struct reader *reader, struct ydoc_node **out)
{
    int documents = 0;
    for (;;) {
        yaml_event_t event;
        enum err_code code = next(reader, &event);
        bool is_end = code == ERR_OK && event.type == YAML_STREAM_END_EVENT;
        bool is_mark = code == ERR_OK && (event.type == YAML_STREAM_START_EVENT ||
                                          event.type == YAML_DOCUMENT_START_EVENT ||
                                          event.type == YAML_DOCUMENT_END_EVENT);
        if (code == ERR_OK && event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
            code = refuse(reader, event.start_mark, "there is a second document; keep one");
        if (code == ERR_OK && !is_end && !is_mark)
            code = node_read(reader, &event, out);
        yaml_event_delete(&event);
        if (code != ERR_OK || is_end)
            return code;
    }
}

enum err_code ydoc_parse(struct arena *arena, struct str text, const struct ydoc_limits *limits,
                         struct ydoc_node **out, struct err *err)
{
    static const struct ydoc_limits none = {0};
    const struct ydoc_limits *given = limits != NULL ? limits : &none;
    size_t max_bytes = given->max_bytes != 0 ? given->max_bytes : YDOC_MAX_BYTES;
    struct ydoc_node *root = ARENA_NEW(arena, struct ydoc_node);
    struct reader reader = {
        .arena = arena,
        .max_depth = given->max_depth != 0 ? given->max_depth : YDOC_MAX_DEPTH,
        .max_nodes = given->max_nodes != 0 ? given->max_nodes : YDOC_MAX_NODES,
        .err = err,
    };
    if (text.len > max_bytes)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "YAML_TOO_LARGE",
                       "line 1: the file has more than %zu bytes; make it smaller", max_bytes);
    if (root == NULL || yaml_parser_initialize(&reader.parser) != 1)
        return no_room(err);
    root->kind = YDOC_NULL;
    root->line = 1;
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.ptr, text.len);
    enum err_code code = stream_read(&reader, &root);
    yaml_parser_delete(&reader.parser);
    if (code == ERR_OK)
        *out = root;
    return code;
}

const char *ydoc_kind_name(enum ydoc_kind kind)
{
    switch (kind) {
    case YDOC_NONE:
    case YDOC_NULL:
    case YDOC_KIND_COUNT:
        break;
    case YDOC_BOOL:
        return "true or false";
    case YDOC_INT:
        return "a whole number";
    case YDOC_REAL:
        return "a number";
    case YDOC_TEXT:
        return "a text";
    case YDOC_LIST:
        return "a list";
    case YDOC_MAP:
        return "a map";
    }
    return "nothing";
}

const struct ydoc_node *ydoc_get(const struct ydoc_node *map, const char *key)
{
    for (size_t i = 0; map->kind == YDOC_MAP && i < map->count; i++) {
        if (str_eq_text(map->keys[i], key))
            return map->items[i];
    }
    return NULL;
}

static json_t *container_json(const struct ydoc_node *node)
{
    json_t *json = node->kind == YDOC_MAP ? json_object() : json_array();
    for (size_t i = 0; i < node->count; i++) {
        json_t *item = ydoc_json(node->items[i]);
        int failed = node->kind == YDOC_MAP
                         ? json_object_setn_new(json, node->keys[i].ptr, node->keys[i].len, item)
                         : json_array_append_new(json, item);
        if (failed != 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

json_t *ydoc_json(const struct ydoc_node *node)
{
    switch (node->kind) {
    case YDOC_BOOL:
        return json_boolean(node->number);
    case YDOC_INT:
        return json_integer(node->number);
    case YDOC_REAL:
        return json_real(node->real);
    case YDOC_TEXT:
        return json_stringn(node->text.ptr, node->text.len);
    case YDOC_LIST:
    case YDOC_MAP:
        return container_json(node);
    case YDOC_NONE:
    case YDOC_NULL:
    case YDOC_KIND_COUNT:
        break;
    }
    return json_null();
}
