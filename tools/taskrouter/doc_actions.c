/*
 * Actions of rules: a map each, whose first key is the action and what it takes, such as
 * "route_to_queue: Emergency Queue"; the other members of an action may stand beside it.
 */
#include <string.h>

#include "base/macros.h"
#include "base/map.h"
#include "doc.h"
#include "doc_parts.h"
#include "jx/jx.h"
#include "plan.h"
#include "yaml/ydoc.h"

enum { ACTIONS_MAX = 16, KNOWN_MAX_BYTES = 256 };

struct action {
    const char *name;
    const char *takes; /* the member that stands behind the name; NULL: true */
    int target;        /* enum doc_kind of a target by name, -1: of something else */
};

static const struct action actions[] = {
    {"route_to_queue",    "target",     DOC_QUEUES   },
    {"route_to_worker",   "target",     -1           },
    {"route_to_workflow", "target",     DOC_WORKFLOWS},
    {"set_priority",      "priority",   -1           },
    {"add_attributes",    "attributes", -1           },
    {"set_timeout",       "timeout",    -1           },
    {"voicemail",         "message",    -1           },
    {"play_message",      "message",    -1           },
    {"transfer",          "target",     -1           },
    {"hang_up",           "message",    -1           },
    {"continue",          NULL,         -1           },
};

static const char *const members[] = {"target", "priority", "timeout", "attributes", "message"};

static const struct action *action_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

/* The key of a map that is an action. */
static const struct action *action_of(const json_t *map)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (json_object_get(map, actions[i].name) != NULL)
            return &actions[i];
    }
    return NULL;
}

/* ---- of the suite ---- */

static json_t *target_shown(const struct action *action, const json_t *raw, const struct map *names)
{
    const char *target = jx_get_text(raw, "target", "");
    const char *name = action->target < 0 ? NULL : map_get(names, str_from(target));
    if (name == NULL && strcmp(action->name, "route_to_worker") == 0)
        name = jx_get_text(raw, "targetName", "");
    return json_string(name != NULL && name[0] != '\0' ? name : target);
}

static bool is_empty(const json_t *value)
{
    return value == NULL || (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

static json_t *action_shown(const json_t *raw, const struct map *names)
{
    const char *type = jx_get_text(raw, "type", "");
    const struct action *action = action_find(type);
    json_t *shown = json_object();
    if (action == NULL) /* a later version's: as it is */
        (void)json_object_set_new(shown, type, json_true());
    if (action == NULL)
        return shown;
    json_t *taken = action->takes == NULL ? NULL : jx_get(raw, action->takes);
    if (action->takes == NULL)
        taken = json_true();
    else if (strcmp(action->takes, "target") == 0)
        taken = target_shown(action, raw, names);
    else
        taken = taken != NULL ? json_incref(taken) : json_string("");
    (void)json_object_set_new(shown, type, taken);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_t *value = jx_get(raw, members[i]);
        bool is_taken = action->takes != NULL && strcmp(action->takes, members[i]) == 0;
        if (!is_taken && !is_empty(value))
            (void)json_object_set(shown, members[i], value);
    }
    return shown;
}

json_t *parts_actions_shown(const json_t *raw, const struct map *names)
{
    json_t *shown = json_array();
    size_t index = 0;
    json_t *action = NULL;
    json_array_foreach(raw, index, action)
    {
        (void)json_array_append_new(shown, action_shown(action, names));
    }
    return shown;
}

/* ---- of a file ---- */

static json_t *fail_action(int line, const char *what, struct err *err)
{
    char known[KNOWN_MAX_BYTES] = "";
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i > 0 ? ", " : "",
                                actions[i].name);
    (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID",
                  "line %d: %s; an action is a map with one of %s, and beside it target, priority, "
                  "timeout, attributes, message",
                  line, what, known);
    return NULL;
}

static json_t *fail_member(const struct ydoc_node *node, const char *name, const char *wanted,
                           struct err *err)
{
    (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_INVALID", "line %d: %s must be %s, not %s",
                  node->line, name, wanted, ydoc_kind_name(node->kind));
    return NULL;
}

/* name: how the file calls it; member: what it is; NULL: only true. */
static json_t *member_read(const struct ydoc_node *node, const char *name, const char *member,
                           struct err *err)
{
    if (member == NULL)
        return node->kind == YDOC_BOOL && node->number != 0 ? json_true()
                                                            : fail_member(node, name, "true", err);
    if (strcmp(member, "attributes") == 0)
        return node->kind == YDOC_MAP ? ydoc_json(node) : fail_member(node, name, "a map", err);
    if (strcmp(member, "priority") == 0 || strcmp(member, "timeout") == 0)
        return node->kind == YDOC_INT ? json_integer(node->number)
                                      : fail_member(node, name, "a whole number", err);
    if (node->kind == YDOC_NULL)
        return json_string("");
    if (node->kind == YDOC_LIST || node->kind == YDOC_MAP)
        return fail_member(node, name, "a text", err);
    return json_stringn(node->text.ptr, node->text.len);
}

static bool is_member(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (strcmp(members[i], name) == 0)
            return true;
    }
    return false;
}

static bool key_read(struct doc *doc, const struct ydoc_node *map, size_t at, json_t *out,
                     struct err *err)
{
    const char *name = map->keys[at].ptr;
    const struct ydoc_node *node = map->items[at];
    const struct action *action = action_find(name);
    if (action == NULL && !is_member(name))
        return fail_action(map->key_lines[at], "there is no such action", err) != NULL;
    if (action != NULL && action_of(out) != NULL)
        return fail_action(map->key_lines[at], "two actions in one", err) != NULL;
    json_t *value = member_read(node, name, action != NULL ? action->takes : name, err);
    if (value == NULL)
        return false;
    if (action != NULL && action->target >= 0)
        doc_ref_add(doc, (enum doc_kind)action->target, json_string_value(value), node->line);
    return json_object_set_new(out, name, value) == 0;
}

static json_t *action_read(struct doc *doc, const struct ydoc_node *node, struct err *err)
{
    if (node->kind != YDOC_MAP)
        return fail_action(node->line, "this is none", err);
    json_t *out = json_object();
    bool is_good = true;
    for (size_t i = 0; i < node->count && is_good; i++)
        is_good = key_read(doc, node, i, out, err);
    if (is_good && action_of(out) == NULL)
        is_good = fail_action(node->line, "which one is missing", err) != NULL;
    if (is_good)
        return out;
    json_decref(out);
    return NULL;
}

json_t *parts_actions_read(struct doc *doc, const struct ydoc_node *node, struct err *err)
{
    if (node->kind != YDOC_LIST)
        return fail_member(node, "actions", "a list", err);
    if (node->count > ACTIONS_MAX)
        return fail_action(node->line, "more than 16 actions", err);
    json_t *out = json_array();
    for (size_t i = 0; i < node->count; i++) {
        json_t *action = action_read(doc, node->items[i], err);
        if (action == NULL) {
            json_decref(out);
            return NULL;
        }
        (void)json_array_append_new(out, action);
    }
    return out;
}

/* ---- for the suite ---- */

static json_t *action_rest(const struct plan *plan, const json_t *map)
{
    const struct action *action = action_of(map);
    json_t *out = json_object();
    if (action == NULL)
        return out;
    (void)json_object_set_new(out, "type", json_string(action->name));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        (void)json_object_set(out, members[i], json_object_get(map, members[i]));
    json_t *taken = json_object_get(map, action->name);
    const char *sid =
        action->target < 0 ? NULL : plan_sid_of(plan, action->target, json_string_value(taken));
    if (sid != NULL)
        (void)json_object_set_new(out, action->takes, json_string(sid));
    else if (action->takes != NULL)
        (void)json_object_set(out, action->takes, taken);
    return out;
}

json_t *parts_actions_rest(const struct plan *plan, const json_t *list)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *map = NULL;
    json_array_foreach(list, index, map)
    {
        (void)json_array_append_new(out, action_rest(plan, map));
    }
    return out;
}

void parts_actions_map(json_t *list, json_t *(*visit)(void *ctx, const char *name), void *ctx)
{
    size_t index = 0;
    json_t *map = NULL;
    json_array_foreach(list, index, map)
    {
        const struct action *action = action_of(map);
        const json_t *target =
            action == NULL || action->target < 0 ? NULL : json_object_get(map, action->name);
        json_t *other = json_is_string(target) ? visit(ctx, json_string_value(target)) : NULL;
        if (other != NULL)
            (void)json_object_set_new(map, action->name, other);
    }
}
