#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "doc.h"
#include "doc_parts.h"
#include "yaml/ydoc.h"

enum { LIST_MAX_BYTES = 256, SHOWN_MAX = 60, FILE_VERSION = 1 };

static int shown_len(struct str text)
{
    return text.len < SHOWN_MAX ? (int)text.len : SHOWN_MAX;
}

static void list_add(char list[LIST_MAX_BYTES], const char *name)
{
    size_t len = strlen(list);
    (void)snprintf(list + len, LIST_MAX_BYTES - len, "%s%s", len > 0 ? ", " : "", name);
}

static enum err_code fail_type(const struct ydoc_node *node, const char *name, const char *wanted,
                               struct err *err)
{
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID", "line %d: %s must be %s, not %s",
                   node->line, name, wanted, ydoc_kind_name(node->kind));
}

static enum err_code fail_key(int line, struct str key, const char *where, const char *known,
                              struct err *err)
{
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID",
                   "line %d: \"%.*s\" is not known in %s; known: %s", line, shown_len(key), key.ptr,
                   where, known);
}

/* ---- fields ---- */

/* As written, quoted or not: a name may be 7 or true. */
static json_t *text_read(const struct ydoc_node *node)
{
    if (node->kind == YDOC_LIST || node->kind == YDOC_MAP)
        return NULL;
    if (node->kind == YDOC_NULL)
        return json_string("");
    return json_stringn(node->text.ptr, node->text.len);
}

static json_t *texts_read(const struct ydoc_node *node)
{
    json_t *out = node->kind == YDOC_LIST || node->kind == YDOC_NULL ? json_array() : NULL;
    for (size_t i = 0; out != NULL && i < node->count; i++) {
        json_t *text = text_read(node->items[i]);
        if (text != NULL && json_array_append_new(out, text) == 0)
            continue;
        json_decref(out);
        out = NULL;
    }
    return out;
}

/* As the API writes it, whatever the zone it was written in. */
static json_t *time_read(const struct ydoc_node *node)
{
    int64_t at_us = 0;
    char text[CLOCK_TEXT_SIZE];
    if (node->kind == YDOC_NULL || (node->kind == YDOC_TEXT && node->text.len == 0))
        return json_string("");
    if (node->kind != YDOC_TEXT || !parse_time(node->text, &at_us))
        return NULL;
    if (at_us % US_PER_S != 0)
        return json_stringn(node->text.ptr, node->text.len);
    return json_string(clock_format_s(at_us, text));
}

static json_t *order_read(const struct ydoc_node *node)
{
    static const char *const orders[] = {"FIFO", "LIFO"};
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        if (node->kind == YDOC_TEXT && str_eq_nocase(node->text, str_from(orders[i])))
            return json_string(orders[i]);
    }
    return NULL;
}

/* Every name of a queue in a routing document, with its line. */
static void queues_find(struct doc *doc, const struct ydoc_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct ydoc_node *item = node->items[i];
        if (node->kind == YDOC_MAP && str_eq_text(node->keys[i], "queue") &&
            item->kind == YDOC_TEXT)
            doc_ref_add(doc, DOC_QUEUES, item->text.ptr, item->line);
        else
            queues_find(doc, item);
    }
}

static json_t *value_read(struct doc *doc, const struct doc_field *field,
                          const struct ydoc_node *node, const char **out_wanted, struct err *err)
{
    json_t *value = NULL;
    switch (field->type) {
    case DOC_TEXT:
        *out_wanted = "a text";
        return text_read(node);
    case DOC_FLAG:
        *out_wanted = "true or false";
        return node->kind == YDOC_BOOL ? json_boolean(node->number) : NULL;
    case DOC_NUMBER:
        *out_wanted = "a whole number";
        return node->kind == YDOC_INT ? json_integer(node->number) : NULL;
    case DOC_ORDER:
        *out_wanted = "FIFO or LIFO";
        return order_read(node);
    case DOC_ACTIVITY:
        *out_wanted = "the name of an activity";
        value = text_read(node);
        if (value != NULL && json_string_length(value) > 0)
            doc_ref_add(doc, DOC_ACTIVITIES, json_string_value(value), node->line);
        return value;
    case DOC_ROUTING:
        *out_wanted = "a map with task_routing";
        if (node->kind != YDOC_MAP)
            return NULL;
        queues_find(doc, node);
        return ydoc_json(node);
    case DOC_REAL:
        *out_wanted = "a number";
        return node->kind == YDOC_INT    ? json_real((double)node->number)
               : node->kind == YDOC_REAL ? json_real(node->real)
                                         : NULL;
    case DOC_TIME:
        *out_wanted = "a time such as 2026-12-31T18:00:00Z";
        return time_read(node);
    case DOC_TEXTS:
        *out_wanted = "a list of texts";
        return texts_read(node);
    case DOC_QUEUE_NAMES:
        return parts_queues_read(doc, node, err);
    case DOC_ACTIONS:
        return parts_actions_read(doc, node, err);
    case DOC_WEEK:
        return parts_week_read(node, err);
    case DOC_HOLIDAYS:
        return parts_holidays_read(node, err);
    case DOC_SPECIALS:
        return parts_specials_read(node, err);
    case DOC_NONE:
        break;
    }
    return NULL;
}

static enum err_code fail_field(const struct doc_section *section, int line, struct str key,
                                struct err *err)
{
    char known[LIST_MAX_BYTES] = "";
    char where[64];
    for (size_t i = 0; i < section->field_count; i++)
        list_add(known, section->fields[i].name);
    if (section->fields != doc_sections[DOC_WORKSPACE].fields)
        list_add(known, "sid");
    (void)snprintf(where, sizeof where, "%s %s",
                   strchr("aeiou", section->noun[0]) != NULL ? "an" : "a", section->noun);
    return fail_key(line, key, where, known, err);
}

static enum err_code field_read(struct doc *doc, const struct doc_section *section,
                                const struct ydoc_node *map, size_t at, json_t *fields,
                                struct err *err)
{
    const struct doc_field *field = doc_field_of(section, map->keys[at]);
    const char *wanted = "";
    if (field == NULL)
        return fail_field(section, map->key_lines[at], map->keys[at], err);
    json_t *value = value_read(doc, field, map->items[at], &wanted, err);
    if (value == NULL && wanted[0] == '\0')
        return err->code;
    if (value == NULL)
        return fail_type(map->items[at], field->name, wanted, err);
    (void)json_object_set_new(fields, field->name, value);
    return ERR_OK;
}

/* ---- items ---- */

static enum err_code sid_read(const struct doc_section *section, const struct ydoc_node *node,
                              const char **out, struct err *err)
{
    if (node->kind != YDOC_TEXT || !parse_is_sid(node->text, section->sid_prefix))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID",
                       "line %d: sid must be %s and 32 hexadecimal digits", node->line,
                       section->sid_prefix);
    *out = node->text.ptr;
    return ERR_OK;
}

static enum err_code fail_twice(const struct doc *doc, enum doc_kind kind, const char *key,
                                int line, struct err *err)
{
    const struct doc_item *first = doc_find(doc, kind, key);
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID",
                   "line %d: the %s \"%.*s\" is there twice, first in line %d; keep one of them",
                   line, doc_sections[kind].noun, shown_len(str_from(key)), key,
                   first != NULL ? first->line : 0);
}

static enum err_code item_read(struct doc *doc, enum doc_kind kind, const struct ydoc_node *node,
                               struct err *err)
{
    const struct doc_section *section = &doc_sections[kind];
    const char *sid = NULL;
    enum err_code code = ERR_OK;
    if (node->kind != YDOC_MAP)
        return fail_type(node, kind == DOC_WORKSPACE ? "workspace" : "what is listed here",
                         "a map of fields", err);
    json_t *fields = doc_keep(doc->arena, json_object());
    for (size_t i = 0; i < node->count && code == ERR_OK; i++) {
        if (kind != DOC_WORKSPACE && str_eq_text(node->keys[i], "sid"))
            code = sid_read(section, node->items[i], &sid, err);
        else
            code = field_read(doc, section, node, i, fields, err);
    }
    if (code != ERR_OK)
        return code;
    const char *key = doc_key_from(json_object_get(fields, section->fields[0].name));
    if (kind != DOC_WORKSPACE && (key == NULL || key[0] == '\0'))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID", "line %d: %s %s needs a %s",
                       node->line, strchr("aeiou", section->noun[0]) != NULL ? "an" : "a",
                       section->noun, section->fields[0].name);
    struct doc_item *item = doc_add(doc, kind, key != NULL ? key : "", fields);
    if (item == NULL)
        return fail_twice(doc, kind, key != NULL ? key : "", node->line, err);
    item->line = node->line;
    item->sid = sid;
    return ERR_OK;
}

static enum err_code section_read(struct doc *doc, enum doc_kind kind, const struct ydoc_node *node,
                                  struct err *err)
{
    enum err_code code = ERR_OK;
    doc->lists[kind].is_there = node->kind != YDOC_NULL;
    if (node->kind == YDOC_NULL)
        return ERR_OK;
    if (kind == DOC_WORKSPACE)
        return item_read(doc, kind, node, err);
    if (node->kind != YDOC_LIST)
        return fail_type(node, doc_sections[kind].name, "a list", err);
    for (size_t i = 0; i < node->count && code == ERR_OK; i++)
        code = item_read(doc, kind, node->items[i], err);
    return code;
}

/* ---- the whole ---- */

static enum err_code fail_top(int line, struct str key, struct err *err)
{
    char known[LIST_MAX_BYTES] = "version, prune";
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++)
        list_add(known, doc_sections[kind].name);
    return fail_key(line, key, "the file", known, err);
}

static enum err_code top_read(struct doc *doc, const struct ydoc_node *root, size_t at,
                              struct err *err)
{
    const struct ydoc_node *node = root->items[at];
    struct str key = root->keys[at];
    if (str_eq_text(key, "version")) {
        if (node->kind == YDOC_INT && node->number == FILE_VERSION)
            return ERR_OK;
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID",
                       "line %d: version must be %d; this is what is read here", node->line,
                       FILE_VERSION);
    }
    if (str_eq_text(key, "prune")) {
        doc->prunes = node->kind == YDOC_BOOL && node->number != 0;
        return node->kind == YDOC_BOOL ? ERR_OK : fail_type(node, "prune", "true or false", err);
    }
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++) {
        if (str_eq_text(key, doc_sections[kind].name))
            return section_read(doc, (enum doc_kind)kind, node, err);
    }
    return fail_top(root->key_lines[at], key, err);
}

enum err_code doc_read(struct doc *doc, struct str text, struct err *err)
{
    struct ydoc_node *root = NULL;
    enum err_code code = ydoc_parse(doc->arena, text, NULL, &root, err);
    if (code != ERR_OK)
        return code;
    if (root->kind == YDOC_NULL)
        return ERR_OK;
    if (root->kind != YDOC_MAP)
        return fail_type(root, "the file", "a map of sections", err);
    for (size_t i = 0; i < root->count && code == ERR_OK; i++)
        code = top_read(doc, root, i, err);
    return code;
}
