/*
 * Opening times: a week is a map of days to lists of "08:00-18:00"; a day that is not there is
 * closed. A holiday is closed unless it has hours of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/map.h"
#include "doc.h"
#include "doc_parts.h"
#include "jx/jx.h"
#include "plan.h"
#include "yaml/ydoc.h"

static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                   "friday", "saturday", "sunday"};

/* ---- slots ---- */

static int by_text(const void *left, const void *right)
{
    const json_t *const *a = left;
    const json_t *const *b = right;
    return strcmp(json_string_value(*a), json_string_value(*b));
}

/* Takes the reference. */
static json_t *list_sorted(json_t *list, int (*compare)(const void *left, const void *right))
{
    size_t count = json_array_size(list);
    json_t **items = calloc(count + 1, sizeof(json_t *));
    json_t *out = json_array();
    INVARIANT(items != NULL);
    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(list, i);
    if (count > 0)
        qsort(items, count, sizeof(json_t *), compare);
    for (size_t i = 0; i < count; i++)
        (void)json_array_append(out, items[i]);
    free(items);
    json_decref(list);
    return out;
}

static json_t *slots_sorted(json_t *slots)
{
    return list_sorted(slots, by_text);
}

/* Of a day or a holiday of the suite. */
static json_t *slots_shown(const json_t *raw)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *slot = NULL;
    if (!jx_get_bool(raw, "isOpen", false))
        return out;
    json_array_foreach(jx_get(raw, "timeSlots"), index, slot)
    {
        (void)json_array_append_new(out, json_sprintf("%s-%s", jx_get_text(slot, "start", ""),
                                                      jx_get_text(slot, "end", "")));
    }
    return slots_sorted(out);
}

static bool is_time(const char *at)
{
    return at[0] >= '0' && at[0] <= '2' && at[1] >= '0' && at[1] <= '9' && at[2] == ':' &&
           at[3] >= '0' && at[3] <= '5' && at[4] >= '0' && at[4] <= '9';
}

static bool slot_read(const struct ydoc_node *node, json_t *out)
{
    enum { SLOT_LEN = 11 };
    const char *text = node->text.ptr;
    if (node->kind != YDOC_TEXT || node->text.len != SLOT_LEN || !is_time(text) || text[5] != '-' ||
        !is_time(text + 6))
        return false;
    (void)json_array_append_new(out, json_string(text));
    return true;
}

static json_t *fail_slot(const struct ydoc_node *node, struct err *err)
{
    (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID",
                  "line %d: hours are a list of times such as \"08:00-18:00\"; [] is closed",
                  node->line);
    return NULL;
}

/* A list, or one text. */
static json_t *slots_read(const struct ydoc_node *node, struct err *err)
{
    json_t *out = json_array();
    bool is_good = node->kind == YDOC_LIST || node->kind == YDOC_NULL || slot_read(node, out);
    const struct ydoc_node *bad = node;
    for (size_t i = 0; i < node->count && node->kind == YDOC_LIST && is_good; i++) {
        bad = node->items[i];
        is_good = slot_read(bad, out);
    }
    if (is_good)
        return slots_sorted(out);
    json_decref(out);
    return fail_slot(bad, err);
}

static json_t *slots_rest(const json_t *slots)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *slot = NULL;
    json_array_foreach(slots, index, slot)
    {
        const char *text = json_string_value(slot);
        (void)json_array_append_new(
            out, json_pack("{s:s%, s:s}", "start", text, (size_t)5, "end", text + 6));
    }
    return out;
}

/* ---- weeks ---- */

json_t *parts_week_shown(const json_t *raw)
{
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        json_t *slots = slots_shown(jx_get(raw, days[i]));
        if (json_array_size(slots) > 0)
            (void)json_object_set(out, days[i], slots);
        json_decref(slots);
    }
    return out;
}

static json_t *fail_map(const struct ydoc_node *node, const char *what, struct err *err)
{
    (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID", "line %d: %s, not %s", node->line,
                  what, ydoc_kind_name(node->kind));
    return NULL;
}

static bool is_day(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        if (strcmp(days[i], name) == 0)
            return true;
    }
    return false;
}

json_t *parts_week_read(const struct ydoc_node *node, struct err *err)
{
    if (node->kind == YDOC_NULL)
        return json_object();
    if (node->kind != YDOC_MAP)
        return fail_map(node, "a week is a map of days to hours", err);
    json_t *out = json_object();
    for (size_t i = 0; i < node->count; i++) {
        const char *day = node->keys[i].ptr;
        json_t *slots = NULL;
        if (!is_day(day))
            (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID",
                          "line %d: the days are monday, tuesday, wednesday, thursday, friday, "
                          "saturday, sunday",
                          node->key_lines[i]);
        else
            slots = slots_read(node->items[i], err);
        if (slots == NULL) {
            json_decref(out);
            return NULL;
        }
        if (json_array_size(slots) > 0)
            (void)json_object_set(out, day, slots);
        json_decref(slots);
    }
    return out;
}

json_t *parts_week_rest(const json_t *week)
{
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        const json_t *slots = json_object_get(week, days[i]);
        if (slots != NULL)
            (void)json_object_set_new(
                out, days[i], json_pack("{s:b, s:o}", "isOpen", 1, "timeSlots", slots_rest(slots)));
    }
    return out;
}

/* ---- holidays and special hours ---- */

/* A member of the file's form: its name there and at the suite. */
struct member {
    const char *name;
    const char *rest;
    bool is_required;
};

static const struct member holiday_members[] = {
    {"date", "date", true},
    {"name", "name", true},
};

static const struct member special_members[] = {
    {"from",  "startDate", true},
    {"until", "endDate",   true},
    {"name",  "name",      true},
};

/* What stands beside these: the hours of a holiday, the week of special hours. */
struct dated {
    const char *noun;
    const struct member *members;
    size_t count;
    const char *hours; /* "hours" or "weekly" */
    json_t *(*read)(const struct ydoc_node *node, struct err *err);
};

static const struct dated holiday = {"a holiday", holiday_members, ARRAY_LEN(holiday_members),
                                     "hours", slots_read};
static const struct dated special = {"special hours", special_members, ARRAY_LEN(special_members),
                                     "weekly", parts_week_read};

static int by_date(const void *left, const void *right)
{
    const json_t *const *a = left;
    const json_t *const *b = right;
    const char *first = jx_get_text(*a, "date", jx_get_text(*a, "from", ""));
    return strcmp(first, jx_get_text(*b, "date", jx_get_text(*b, "from", "")));
}

static json_t *dated_shown(const struct dated *kind, const json_t *raw)
{
    json_t *out = json_object();
    for (size_t i = 0; i < kind->count; i++) {
        const char *text = jx_get_text(raw, kind->members[i].rest, "");
        if (kind->members[i].is_required || text[0] != '\0')
            (void)json_object_set_new(out, kind->members[i].name, json_string(text));
    }
    json_t *hours = kind == &holiday ? slots_shown(raw) : parts_week_shown(jx_get(raw, "schedule"));
    if (json_array_size(hours) + json_object_size(hours) > 0)
        (void)json_object_set(out, kind->hours, hours);
    json_decref(hours);
    return out;
}

static json_t *list_shown(const struct dated *kind, const json_t *raw)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(raw, index, item)
    {
        (void)json_array_append_new(out, dated_shown(kind, item));
    }
    return list_sorted(out, by_date);
}

json_t *parts_holidays_shown(const json_t *raw)
{
    return list_shown(&holiday, raw);
}

json_t *parts_specials_shown(const json_t *raw)
{
    return list_shown(&special, raw);
}

static bool dated_key_read(const struct dated *kind, const struct ydoc_node *map, size_t at,
                           json_t *out, struct err *err)
{
    const char *name = map->keys[at].ptr;
    const struct ydoc_node *node = map->items[at];
    if (strcmp(name, kind->hours) == 0) {
        json_t *hours = kind->read(node, err);
        if (hours == NULL)
            return false;
        if (json_array_size(hours) + json_object_size(hours) > 0)
            (void)json_object_set(out, name, hours);
        json_decref(hours);
        return true;
    }
    for (size_t i = 0; i < kind->count; i++) {
        if (strcmp(name, kind->members[i].name) != 0)
            continue;
        if (node->kind == YDOC_LIST || node->kind == YDOC_MAP || node->kind == YDOC_NULL)
            return fail_map(node, "a text is due here", err) != NULL;
        return json_object_set_new(out, name, json_stringn(node->text.ptr, node->text.len)) == 0;
    }
    (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID",
                  "line %d: \"%.60s\" is not known in %s; known: name, %s, %s", map->key_lines[at],
                  name, kind->noun, kind == &holiday ? "date" : "from, until", kind->hours);
    return false;
}

static json_t *dated_read(const struct dated *kind, const struct ydoc_node *node, struct err *err)
{
    if (node->kind != YDOC_MAP)
        return fail_map(node, "a map of fields is due here", err);
    json_t *out = json_object();
    bool is_good = true;
    for (size_t i = 0; i < node->count && is_good; i++)
        is_good = dated_key_read(kind, node, i, out, err);
    for (size_t i = 0; i < kind->count && is_good; i++) {
        is_good =
            !kind->members[i].is_required || json_object_get(out, kind->members[i].name) != NULL;
        if (!is_good)
            (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID", "line %d: %s needs %s",
                          node->line, kind->noun, kind->members[i].name);
    }
    if (is_good)
        return out;
    json_decref(out);
    return NULL;
}

static json_t *list_read(const struct dated *kind, const struct ydoc_node *node, struct err *err)
{
    if (node->kind != YDOC_LIST && node->kind != YDOC_NULL)
        return fail_map(node, "a list is due here", err);
    json_t *out = json_array();
    for (size_t i = 0; i < node->count; i++) {
        json_t *item = dated_read(kind, node->items[i], err);
        if (item == NULL) {
            json_decref(out);
            return NULL;
        }
        (void)json_array_append_new(out, item);
    }
    return list_sorted(out, by_date);
}

json_t *parts_holidays_read(const struct ydoc_node *node, struct err *err)
{
    return list_read(&holiday, node, err);
}

json_t *parts_specials_read(const struct ydoc_node *node, struct err *err)
{
    return list_read(&special, node, err);
}

static json_t *dated_rest(const struct dated *kind, const json_t *item)
{
    json_t *out = json_object();
    const json_t *hours = json_object_get(item, kind->hours);
    for (size_t i = 0; i < kind->count; i++)
        (void)json_object_set_new(out, kind->members[i].rest,
                                  json_string(jx_get_text(item, kind->members[i].name, "")));
    if (kind == &special)
        (void)json_object_set_new(out, "schedule", parts_week_rest(hours));
    else if (hours != NULL)
        (void)json_object_update_new(
            out, json_pack("{s:b, s:o}", "isOpen", 1, "timeSlots", slots_rest(hours)));
    return out;
}

static json_t *list_rest(const struct dated *kind, const json_t *list)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(list, index, item)
    {
        (void)json_array_append_new(out, dated_rest(kind, item));
    }
    return out;
}

json_t *parts_holidays_rest(const json_t *holidays)
{
    return list_rest(&holiday, holidays);
}

json_t *parts_specials_rest(const json_t *specials)
{
    return list_rest(&special, specials);
}

/* ---- queues ---- */

json_t *parts_queues_shown(const json_t *raw, const struct map *names)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *sid = NULL;
    json_array_foreach(raw, index, sid)
    {
        const char *name = map_get(names, str_from(json_string_value(sid)));
        (void)json_array_append_new(out, name != NULL ? json_string(name) : json_incref(sid));
    }
    return slots_sorted(out);
}

json_t *parts_queues_read(struct doc *doc, const struct ydoc_node *node, struct err *err)
{
    if (node->kind != YDOC_LIST && node->kind != YDOC_NULL)
        return fail_map(node, "a list of names is due here", err);
    json_t *out = json_array();
    for (size_t i = 0; i < node->count; i++) {
        const struct ydoc_node *item = node->items[i];
        if (item->kind == YDOC_LIST || item->kind == YDOC_MAP || item->kind == YDOC_NULL) {
            json_decref(out);
            return fail_map(item, "a queue's name is due here", err);
        }
        doc_ref_add(doc, DOC_QUEUES, item->text.ptr, item->line);
        (void)json_array_append_new(out, json_stringn(item->text.ptr, item->text.len));
    }
    return slots_sorted(out);
}

json_t *parts_queues_rest(const struct plan *plan, const json_t *queues)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *name = NULL;
    json_array_foreach(queues, index, name)
    {
        const char *sid = plan_sid_of(plan, DOC_QUEUES, json_string_value(name));
        (void)json_array_append_new(out, sid != NULL ? json_string(sid) : json_incref(name));
    }
    return out;
}

void parts_queues_map(json_t *queues, json_t *(*visit)(void *ctx, const char *name), void *ctx)
{
    size_t index = 0;
    json_t *name = NULL;
    json_array_foreach(queues, index, name)
    {
        json_t *other = visit(ctx, json_string_value(name));
        if (other != NULL)
            (void)json_array_set_new(queues, index, other);
    }
    json_t *sorted = slots_sorted(json_copy(queues));
    (void)json_array_clear(queues);
    (void)json_array_extend(queues, sorted);
    json_decref(sorted);
}
