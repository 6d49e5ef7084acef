#include "plan.h"

#include <string.h>

#include "base/macros.h"
#include "doc.h"
#include "doc_parts.h"
#include "jx/jx.h"

enum { PATH_MAX_BYTES = 512, DIFFERENCES_MAX = 1000 };

/* ---- differences ---- */

static void difference_add(json_t *out, const char *path, json_t *old, json_t *new)
{
    if (json_array_size(out) < DIFFERENCES_MAX)
        (void)json_array_append_new(
            out, json_pack("{s:s, s:O?, s:O?}", "field", path, "old", old, "new", new));
}

static void values_compare(struct arena *arena, const char *path, json_t *old, json_t *new,
                           json_t *out)
{
    size_t index = 0;
    const char *key = NULL;
    json_t *value = NULL;
    if (old != NULL && new != NULL && json_equal(old, new))
        return;
    if (json_is_object(old) && json_is_object(new)) {
        json_object_foreach(new, key, value)
        {
            values_compare(arena, arena_printf(arena, "%s.%s", path, key),
                           json_object_get(old, key), value, out);
        }
        json_object_foreach(old, key, value)
        {
            if (json_object_get(new, key) == NULL)
                difference_add(out, arena_printf(arena, "%s.%s", path, key), value, NULL);
        }
        return;
    }
    if (json_is_array(old) && json_is_array(new)) {
        json_array_foreach(new, index, value)
        {
            values_compare(arena, arena_printf(arena, "%s[%zu]", path, index),
                           json_array_get(old, index), value, out);
        }
        for (index = json_array_size(new); index < json_array_size(old); index++)
            difference_add(out, arena_printf(arena, "%s[%zu]", path, index),
                           json_array_get(old, index), NULL);
        return;
    }
    difference_add(out, path, old, new);
}

/* What of the wanted item differs; fixed fields may not. */
static enum err_code item_compare(const struct plan *plan, struct plan_step *step, struct err *err)
{
    const struct doc_section *section = &doc_sections[step->wanted->kind];
    for (size_t i = 0; i < section->field_count; i++) {
        const struct doc_field *field = &section->fields[i];
        json_t *new = json_object_get(step->wanted->fields, field->name);
        json_t *old =
            step->current != NULL ? json_object_get(step->current->fields, field->name) : NULL;
        if (new == NULL || (old != NULL && json_equal(old, new)))
            continue;
        if (step->current != NULL && field->is_fixed)
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "FIELD_FIXED",
                           "line %d: %s of the %s \"%s\" cannot be changed; make another one, and "
                           "delete this one when nothing uses it",
                           step->wanted->line, field->name, section->noun, step->wanted->key);
        (void)json_array_append_new(step->fields, json_string(field->name));
        values_compare(plan->wanted->arena, field->name, old, new, step->differences);
    }
    return ERR_OK;
}

/* ---- matching ---- */

static struct plan_step *step_add(struct plan *plan, enum plan_action action,
                                  struct doc_item *wanted, struct doc_item *current)
{
    struct arena *arena = plan->wanted->arena;
    struct plan_step *step = &plan->steps[plan->count++];
    step->action = action;
    step->wanted = wanted;
    step->current = current;
    step->fields = doc_keep(arena, json_array());
    step->differences = doc_keep(arena, json_array());
    return step;
}

static struct doc_item *by_sid(const struct doc_list *list, const char *sid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->sid, sid) == 0)
            return list->items[i];
    }
    return NULL;
}

/* *out: the one of the suite that the wanted item is, or NULL. */
static enum err_code match(const struct plan *plan, struct doc_item *wanted, struct doc_item **out,
                           struct err *err)
{
    const struct doc_list *list = &plan->current->lists[wanted->kind];
    *out = NULL;
    if (wanted->kind == DOC_WORKSPACE) {
        *out = list->items[0];
        return ERR_OK;
    }
    if (wanted->sid == NULL) {
        *out = doc_find(plan->current, wanted->kind, wanted->key);
        return ERR_OK;
    }
    *out = by_sid(list, wanted->sid);
    if (*out == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "SID_UNKNOWN",
                       "line %d: there is no %s %s in this workspace; leave sid out to find it by "
                       "its name",
                       wanted->line, doc_sections[wanted->kind].noun, wanted->sid);
    return ERR_OK;
}

/* Which wanted item each one of the suite is (map from SID), and the names as they will be. */
static enum err_code match_all(struct plan *plan, struct map *matched, struct err *err)
{
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++) {
        const struct doc_list *list = &plan->wanted->lists[kind];
        for (size_t i = 0; i < list->count; i++) {
            struct doc_item *wanted = list->items[i];
            struct doc_item *current = NULL;
            enum err_code code = match(plan, wanted, &current, err);
            if (code != ERR_OK)
                return code;
            if (current == NULL)
                continue;
            if (map_put(matched, str_from(current->sid), wanted) != NULL)
                return ERR_SET(err, ERR_INVALID_ARGUMENT, "ITEM_TWICE",
                               "line %d: the %s \"%s\" is another item's too, by its sid; keep one "
                               "of them",
                               wanted->line, doc_sections[kind].noun, wanted->key);
            wanted->sid = current->sid;
            wanted->version = current->version;
            if (kind != DOC_WORKSPACE) {
                char *name = arena_strdup(plan->wanted->arena, wanted->key);
                (void)map_put(&plan->names, str_from(current->sid), name);
            }
        }
    }
    return ERR_OK;
}

/* A reference that is a SID, where nothing has it as its name, becomes the name. */
static json_t *name_of_sid(void *ctx, const char *text)
{
    const struct plan *plan = ctx;
    bool is_name = doc_find(plan->wanted, DOC_QUEUES, text) != NULL ||
                   doc_find(plan->current, DOC_QUEUES, text) != NULL ||
                   doc_find(plan->wanted, DOC_ACTIVITIES, text) != NULL ||
                   doc_find(plan->current, DOC_ACTIVITIES, text) != NULL ||
                   doc_find(plan->wanted, DOC_WORKFLOWS, text) != NULL ||
                   doc_find(plan->current, DOC_WORKFLOWS, text) != NULL;
    const char *name = is_name ? NULL : map_get(&plan->names, str_from(text));
    return name != NULL ? json_string(name) : NULL;
}

static void sids_resolve(struct plan *plan)
{
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++) {
        const struct doc_section *section = &doc_sections[kind];
        const struct doc_list *list = &plan->wanted->lists[kind];
        for (size_t i = 0; i < list->count * section->field_count; i++) {
            const struct doc_field *field = &section->fields[i % section->field_count];
            json_t *fields = list->items[i / section->field_count]->fields;
            json_t *value = json_object_get(fields, field->name);
            json_t *name = NULL;
            if (field->type == DOC_ROUTING)
                doc_queues_map(value, name_of_sid, plan);
            else if (field->type == DOC_ACTIONS)
                parts_actions_map(value, name_of_sid, plan);
            else if (field->type == DOC_QUEUE_NAMES)
                parts_queues_map(value, name_of_sid, plan);
            else if (field->type == DOC_ACTIVITY && json_is_string(value))
                name = name_of_sid(plan, json_string_value(value));
            if (name != NULL)
                (void)json_object_set_new(fields, field->name, name);
        }
    }
}

/* ---- order ---- */

static const enum doc_kind order[] = {DOC_CHANNELS, DOC_ACTIVITIES, DOC_QUEUES, DOC_WORKFLOWS,
                                      DOC_HOURS,    DOC_KEYWORDS,   DOC_RULES,  DOC_WORKSPACE};

static enum err_code write_add(struct plan *plan, const struct map *matched,
                               struct doc_item *wanted, struct err *err)
{
    struct doc_item *current = NULL;
    if (wanted->sid != NULL && map_get(matched, str_from(wanted->sid)) == wanted)
        current = by_sid(&plan->current->lists[wanted->kind], wanted->sid);
    struct plan_step *step =
        step_add(plan, current != NULL ? PLAN_CHANGE : PLAN_CREATE, wanted, current);
    enum err_code code = item_compare(plan, step, err);
    if (code == ERR_OK && step->action == PLAN_CHANGE && json_array_size(step->fields) == 0)
        plan->count--; /* nothing to do */
    return code;
}

/* One schedule at most is the default: the one that was gives it up first. */
static bool is_default_schedule(const struct doc_item *item)
{
    return item->kind == DOC_HOURS && json_is_true(json_object_get(item->fields, "default"));
}

static enum err_code writes_add(struct plan *plan, const struct map *matched, enum doc_kind kind,
                                struct err *err)
{
    const struct doc_list *list = &plan->wanted->lists[kind];
    for (size_t i = 0; i < list->count * 2; i++) {
        struct doc_item *wanted = list->items[i % list->count];
        if (is_default_schedule(wanted) != (i >= list->count))
            continue;
        enum err_code code = write_add(plan, matched, wanted, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static bool is_default_channel(const struct doc_item *item)
{
    static const char *const names[] = {"default", "voice", "chat", "sms", "video"};
    for (size_t i = 0; i < ARRAY_LEN(names) && item->kind == DOC_CHANNELS; i++) {
        if (strcmp(item->key, names[i]) == 0)
            return true;
    }
    return false;
}

static void deletions_add(struct plan *plan, const struct map *matched, enum doc_kind kind,
                          bool deletes)
{
    const struct doc_list *list = &plan->current->lists[kind];
    if (kind == DOC_WORKSPACE || !plan->wanted->lists[kind].is_there)
        return;
    for (size_t i = 0; i < list->count; i++) {
        struct doc_item *item = list->items[i];
        if (map_get(matched, str_from(item->sid)) != NULL || is_default_channel(item))
            continue;
        if (deletes)
            (void)step_add(plan, PLAN_DELETE, NULL, item);
        else
            (void)json_array_append_new(
                plan->kept, json_sprintf("%s \"%s\"", doc_sections[kind].noun, item->key));
    }
}

/* What is referred to first, deletions last and backwards; but those of schedules, which nothing
 * refers to, first, so that others may take over whom they were for. */
static enum err_code steps_add(struct plan *plan, const struct map *matched, bool deletes,
                               struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < ARRAY_LEN(order) && code == ERR_OK; k++) {
        if (order[k] == DOC_HOURS)
            deletions_add(plan, matched, DOC_HOURS, deletes);
        code = writes_add(plan, matched, order[k], err);
    }
    for (size_t k = ARRAY_LEN(order); k-- > 0 && code == ERR_OK;) {
        if (order[k] != DOC_HOURS)
            deletions_add(plan, matched, order[k], deletes);
    }
    return code;
}

/* ---- references ---- */

const char *plan_sid_of(const struct plan *plan, int kind, const char *name)
{
    const struct doc_item *item = doc_find(plan->wanted, (enum doc_kind)kind, name);
    if (item != NULL)
        return item->sid;
    item = doc_find(plan->current, (enum doc_kind)kind, name);
    if (item == NULL)
        return NULL;
    const char *later = map_get(&plan->names, str_from(item->sid));
    return later == NULL || strcmp(later, name) == 0 ? item->sid : NULL; /* else renamed */
}

bool plan_has(const struct plan *plan, int kind, const char *name)
{
    return doc_find(plan->wanted, (enum doc_kind)kind, name) != NULL ||
           plan_sid_of(plan, kind, name) != NULL;
}

static bool is_deleted(const struct plan *plan, int kind, const char *name)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->action == PLAN_DELETE && (int)step->current->kind == kind &&
            strcmp(step->current->key, name) == 0)
            return doc_find(plan->wanted, (enum doc_kind)kind, name) == NULL;
    }
    return false;
}

/* A text that is the SID of something in the suite without a name there is taken as it is. */
static bool is_raw_sid(const struct doc_ref *ref)
{
    const char *prefix = doc_sections[ref->kind].sid_prefix;
    return strncmp(ref->name, prefix, 2) == 0 && strlen(ref->name) == 34 &&
           strspn(ref->name + 2, "0123456789abcdef") == 32;
}

static enum err_code refs_check(const struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->wanted->ref_count; i++) {
        const struct doc_ref *ref = &plan->wanted->refs[i];
        const char *noun = doc_sections[ref->kind].noun;
        if (is_deleted(plan, (int)ref->kind, ref->name))
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "NAME_DELETED",
                           "line %d: the %s \"%s\" would be deleted, because the file does not "
                           "have it; add it, or name another one",
                           ref->line, noun, ref->name);
        if (!plan_has(plan, (int)ref->kind, ref->name) && !is_raw_sid(ref))
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "NAME_UNKNOWN",
                           "line %d: there is no %s \"%s\", in the file or in the workspace; add "
                           "it, or name another one",
                           ref->line, noun, ref->name);
    }
    return ERR_OK;
}

/* ---- the whole ---- */

static void names_drop(void *names)
{
    map_fini(names);
}

enum err_code plan_make(struct doc *wanted, struct doc *current, bool deletes, struct plan **out,
                        struct err *err)
{
    struct arena *arena = wanted->arena;
    struct plan *plan = ARENA_NEW(arena, struct plan);
    struct map matched;
    size_t room = 1;
    INVARIANT(plan != NULL);
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++)
        room += wanted->lists[kind].count + current->lists[kind].count;
    plan->wanted = wanted;
    plan->current = current;
    plan->steps = ARENA_ARRAY(arena, struct plan_step, room);
    plan->kept = doc_keep(arena, json_array());
    INVARIANT(plan->steps != NULL);
    map_init(&plan->names);
    arena_defer(arena, names_drop, &plan->names);
    map_init(&matched);
    doc_names(current, &plan->names);
    enum err_code code = match_all(plan, &matched, err);
    if (code == ERR_OK) {
        doc_render(current, &plan->names);
        sids_resolve(plan);
        code = steps_add(plan, &matched, deletes || wanted->prunes, err);
    }
    if (code == ERR_OK)
        code = refs_check(plan, err);
    map_fini(&matched);
    for (size_t i = 0; i < plan->count; i++)
        plan->counts[plan->steps[i].action]++;
    if (code == ERR_OK)
        *out = plan;
    return code;
}
