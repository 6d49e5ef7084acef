#include "doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "doc_parts.h"
#include "jx/jx.h"
#include "yaml/ydoc.h"

static const struct doc_field workspace_fields[] = {
    {"name",                   "friendlyName",         DOC_TEXT,     false},
    {"time_zone",              "timeZone",             DOC_TEXT,     false},
    {"event_callback_url",     "eventCallbackUrl",     DOC_TEXT,     false},
    {"events_filter",          "eventsFilter",         DOC_TEXT,     false},
    {"multi_task",             "multiTaskEnabled",     DOC_FLAG,     false},
    {"prioritize_queue_order", "prioritizeQueueOrder", DOC_ORDER,    false},
    {"default_activity",       "defaultActivitySid",   DOC_ACTIVITY, false},
    {"timeout_activity",       "timeoutActivitySid",   DOC_ACTIVITY, false},
};

static const struct doc_field channel_fields[] = {
    {"unique_name",       "uniqueName",              DOC_TEXT, true },
    {"name",              "friendlyName",            DOC_TEXT, false},
    {"optimized_routing", "channelOptimizedRouting", DOC_FLAG, false},
};

static const struct doc_field activity_fields[] = {
    {"name",      "friendlyName", DOC_TEXT, false},
    {"available", "available",    DOC_FLAG, true },
};

static const struct doc_field queue_fields[] = {
    {"name",                 "friendlyName",           DOC_TEXT,     false},
    {"target_workers",       "targetWorkers",          DOC_TEXT,     false},
    {"max_reserved_workers", "maxReservedWorkers",     DOC_NUMBER,   false},
    {"task_order",           "taskOrder",              DOC_ORDER,    false},
    {"reservation_activity", "reservationActivitySid", DOC_ACTIVITY, false},
    {"assignment_activity",  "assignmentActivitySid",  DOC_ACTIVITY, false},
};

static const struct doc_field workflow_fields[] = {
    {"name",                             "friendlyName",                  DOC_TEXT,    false},
    {"task_reservation_timeout",         "taskReservationTimeout",        DOC_NUMBER,  false},
    {"assignment_callback_url",          "assignmentCallbackUrl",         DOC_TEXT,    false},
    {"fallback_assignment_callback_url", "fallbackAssignmentCallbackUrl", DOC_TEXT,    false},
    {"configuration",                    "configuration",                 DOC_ROUTING, false},
};

static const struct doc_field hours_fields[] = {
    {"name",          "name",           DOC_TEXT,        false},
    {"time_zone",     "timeZone",       DOC_TEXT,        false},
    {"weekly",        "weeklySchedule", DOC_WEEK,        false},
    {"holidays",      "holidays",       DOC_HOLIDAYS,    false},
    {"special",       "specialHours",   DOC_SPECIALS,    false},
    {"default",       "isDefault",      DOC_FLAG,        false},
    {"queues",        "taskQueueSids",  DOC_QUEUE_NAMES, false},
    {"phone_numbers", "phoneNumbers",   DOC_TEXTS,       false},
};

static const struct doc_field keyword_fields[] = {
    {"phrases",     "phrases",     DOC_TEXTS, false},
    {"department",  "department",  DOC_TEXT,  false},
    {"priority",    "priority",    DOC_TEXT,  false},
    {"confidence",  "confidence",  DOC_REAL,  false},
    {"enabled",     "enabled",     DOC_FLAG,  false},
    {"description", "description", DOC_TEXT,  false},
};

static const struct doc_field rule_fields[] = {
    {"name",        "name",        DOC_TEXT,    false},
    {"description", "description", DOC_TEXT,    false},
    {"priority",    "priority",    DOC_NUMBER,  false},
    {"enabled",     "enabled",     DOC_FLAG,    false},
    {"condition",   "condition",   DOC_TEXT,    false},
    {"actions",     "actions",     DOC_ACTIONS, false},
    {"valid_from",  "validFrom",   DOC_TIME,    false},
    {"valid_until", "validUntil",  DOC_TIME,    false},
    {"labels",      "labels",      DOC_TEXTS,   false},
};

#define FIELDS(rows) .fields = (rows), .field_count = ARRAY_LEN(rows)

const struct doc_section doc_sections[DOC_KIND_COUNT] = {
    [DOC_WORKSPACE] = {.name = "workspace",
                       .noun = "workspace",
                       .path = "/workspaces",
                       .sid_prefix = "WS",
                       FIELDS(workspace_fields)},
    [DOC_CHANNELS] = {.name = "channels",
                       .noun = "channel",
                       .path = "/channels",
                       .sid_prefix = "TC",
                       FIELDS(channel_fields)  },
    [DOC_ACTIVITIES] = {.name = "activities",
                       .noun = "activity",
                       .path = "/activities",
                       .sid_prefix = "WA",
                       FIELDS(activity_fields) },
    [DOC_QUEUES] = {.name = "queues",
                       .noun = "queue",
                       .path = "/queues",
                       .sid_prefix = "WQ",
                       FIELDS(queue_fields)    },
    [DOC_WORKFLOWS] = {.name = "workflows",
                       .noun = "workflow",
                       .path = "/workflows",
                       .sid_prefix = "WW",
                       FIELDS(workflow_fields) },
    [DOC_HOURS] = {.name = "hours",
                       .noun = "schedule",
                       .path = "/hours",
                       .sid_prefix = "BH",
                       FIELDS(hours_fields)    },
    [DOC_KEYWORDS] = {.name = "keywords",
                       .noun = "keyword",
                       .path = "/keywords",
                       .sid_prefix = "KY",
                       FIELDS(keyword_fields)  },
    [DOC_RULES] = {.name = "rules",
                       .noun = "rule",
                       .path = "/rules",
                       .sid_prefix = "RR",
                       FIELDS(rule_fields)     },
};

static void map_drop(void *map)
{
    map_fini(map);
}

struct doc *doc_new(struct arena *arena)
{
    struct doc *doc = ARENA_NEW(arena, struct doc);
    INVARIANT(doc != NULL);
    doc->arena = arena;
    for (int i = 0; i < DOC_KIND_COUNT; i++) {
        map_init(&doc->lists[i].by_key);
        arena_defer(arena, map_drop, &doc->lists[i].by_key);
    }
    return doc;
}

static void value_drop(void *value)
{
    json_decref(value);
}

json_t *doc_keep(struct arena *arena, json_t *value)
{
    INVARIANT(value != NULL);
    arena_defer(arena, value_drop, value);
    return value;
}

static void *array_grow(struct arena *arena, void *items, size_t size, size_t *capacity)
{
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = arena_calloc(arena, wanted, size);
    INVARIANT(grown != NULL); /* the arena is large, and what is read is bounded */
    if (*capacity > 0)
        memcpy(grown, items, *capacity * size);
    *capacity = wanted;
    return grown;
}

struct doc_item *doc_add(struct doc *doc, enum doc_kind kind, const char *key, json_t *fields)
{
    struct doc_list *list = &doc->lists[kind];
    if (map_get(&list->by_key, str_from(key)) != NULL)
        return NULL;
    if (list->count == list->capacity)
        list->items =
            array_grow(doc->arena, list->items, sizeof(struct doc_item *), &list->capacity);
    struct doc_item *item = ARENA_NEW(doc->arena, struct doc_item);
    INVARIANT(item != NULL);
    item->kind = kind;
    item->key = arena_strdup(doc->arena, key);
    item->fields = fields != NULL ? doc_keep(doc->arena, json_incref(fields)) : NULL;
    list->items[list->count++] = item;
    list->is_there = true;
    (void)map_put(&list->by_key, str_from(item->key), item);
    return item;
}

void doc_ref_add(struct doc *doc, enum doc_kind kind, const char *name, int line)
{
    if (doc->ref_count == doc->ref_capacity)
        doc->refs = array_grow(doc->arena, doc->refs, sizeof(struct doc_ref), &doc->ref_capacity);
    doc->refs[doc->ref_count++] = (struct doc_ref){kind, arena_strdup(doc->arena, name), line};
}

struct doc_item *doc_find(const struct doc *doc, enum doc_kind kind, const char *key)
{
    return map_get(&doc->lists[kind].by_key, str_from(key));
}

const struct doc_field *doc_field_of(const struct doc_section *section, struct str name)
{
    for (size_t i = 0; i < section->field_count; i++) {
        if (str_eq_text(name, section->fields[i].name))
            return &section->fields[i];
    }
    return NULL;
}

const char *doc_key_from(const json_t *first)
{
    return json_string_value(json_is_array(first) ? json_array_get(first, 0) : first);
}

void doc_queues_map(json_t *routing, doc_queue_fn visit, void *ctx)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t index = 0;
    json_array_foreach(routing, index, value)
    {
        doc_queues_map(value, visit, ctx);
    }

    json_object_foreach(routing, key, value)
    {
        json_t *other = strcmp(key, "queue") == 0 && json_is_string(value)
                            ? visit(ctx, json_string_value(value))
                            : NULL;
        if (other != NULL)
            (void)json_object_set_new(routing, key, other);
        else
            doc_queues_map(value, visit, ctx);
    }
}

/* ---- from the suite ---- */

static json_t *name_of(void *ctx, const char *sid)
{
    const char *name = map_get(ctx, str_from(sid));
    return name != NULL ? json_string(name) : NULL;
}

static json_t *field_from_rest(const struct doc_field *field, const json_t *raw,
                               const struct map *names)
{
    json_t *value = jx_get(raw, field->rest);
    union {
        const struct map *shared;
        void *ctx; /* name_of only looks */
    } looked = {names};
    switch (field->type) {
    case DOC_ACTIVITY: {
        json_t *name = value != NULL ? name_of(looked.ctx, json_string_value(value)) : NULL;
        if (name != NULL)
            return name;
        break;
    }
    case DOC_ROUTING: {
        json_t *copy = value != NULL ? json_deep_copy(value) : json_object();
        doc_queues_map(copy, name_of, looked.ctx);
        return copy;
    }
    case DOC_FLAG:
        return json_boolean(json_is_true(value));
    case DOC_NUMBER:
        return json_integer(json_integer_value(value));
    case DOC_REAL:
        return json_real(json_number_value(value));
    case DOC_TEXTS:
        return value != NULL ? json_incref(value) : json_array();
    case DOC_QUEUE_NAMES:
        return parts_queues_shown(value, names);
    case DOC_ACTIONS:
        return parts_actions_shown(value, names);
    case DOC_WEEK:
        return parts_week_shown(value);
    case DOC_HOLIDAYS:
        return parts_holidays_shown(value);
    case DOC_SPECIALS:
        return parts_specials_shown(value);
    case DOC_NONE:
    case DOC_TEXT:
    case DOC_TIME:
    case DOC_ORDER:
        break;
    }
    return value != NULL ? json_incref(value) : json_string("");
}

void doc_render(struct doc *doc, const struct map *names)
{
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++) {
        const struct doc_section *section = &doc_sections[kind];
        for (size_t i = 0; i < doc->lists[kind].count; i++) {
            struct doc_item *item = doc->lists[kind].items[i];
            item->fields = doc_keep(doc->arena, json_object());
            for (size_t k = 0; k < section->field_count; k++)
                (void)json_object_set_new(item->fields, section->fields[k].name,
                                          field_from_rest(&section->fields[k], item->raw, names));
        }
    }
}

void doc_names(const struct doc *doc, struct map *out)
{
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++) {
        for (size_t i = 0; i < doc->lists[kind].count; i++) {
            struct doc_item *item = doc->lists[kind].items[i];
            union {
                const char *shared;
                void *value; /* maps give it back as it came */
            } key = {item->key};
            if (item->sid != NULL)
                (void)map_put(out, str_from(item->sid), key.value);
        }
    }
}

/* ---- to a file ---- */

static int by_key(const void *left, const void *right)
{
    const struct doc_item *const *a = left;
    const struct doc_item *const *b = right;
    return str_cmp(str_from((*a)->key), str_from((*b)->key));
}

static json_t *item_shown(const struct doc_item *item, bool with_sids)
{
    json_t *shown = json_object();
    const struct doc_section *section = &doc_sections[item->kind];
    for (size_t i = 0; i < section->field_count; i++) {
        (void)json_object_set(shown, section->fields[i].name,
                              json_object_get(item->fields, section->fields[i].name));
        if (i == 0 && with_sids && item->sid != NULL && item->kind != DOC_WORKSPACE)
            (void)json_object_set_new(shown, "sid", json_string(item->sid));
    }
    return shown;
}

static json_t *section_shown(const struct doc_list *list, enum doc_kind kind, bool with_sids)
{
    if (kind == DOC_WORKSPACE)
        return list->count > 0 ? item_shown(list->items[0], with_sids) : json_object();
    json_t *shown = json_array();
    for (size_t i = 0; i < list->count; i++)
        (void)json_array_append_new(shown, item_shown(list->items[i], with_sids));
    return shown;
}

enum err_code doc_write(struct doc *doc, const char *heading, bool with_sids, struct buf *out,
                        struct err *err)
{
    buf_text(out, heading);
    buf_text(out, "version: 1\n");
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++) {
        struct doc_list *list = &doc->lists[kind];
        AUTO(jx_cleanup) json_t *part = json_object();
        if (list->count > 0)
            qsort(list->items, list->count, sizeof(struct doc_item *), by_key);
        (void)json_object_set_new(part, doc_sections[kind].name,
                                  section_shown(list, (enum doc_kind)kind, with_sids));
        buf_char(out, '\n');
        enum err_code code = ydoc_write(out, part, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}
