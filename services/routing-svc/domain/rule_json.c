#include "rule_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "jx/jx.h"
#include "jx/writer.h"

enum {
    ACTIONS_BYTES = 1 << 20, /* 16 actions of at most some 20 kB each */
    STORED_BYTES = 2 << 20,  /* the same, spaced by the database */
    RULE_BYTES = 4 << 20,
    CHANGES_MAX = 1000,
};

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the rule needs too much memory");
}

/* ---- actions ---- */

static void put_text(struct jx_writer *w, const char *key, struct str text)
{
    if (text.len > 0)
        jx_put_str(w, key, text);
}

static void write_action(struct jx_writer *w, const struct rule_action *action, const char *name)
{
    jx_object_begin(w);
    jx_put_text(w, "type", rule_action_name(action->type));
    put_text(w, "target", action->target);
    put_text(w, "targetName", str_from(name));
    if (action->has_priority)
        jx_put_i64(w, "priority", action->priority);
    if (action->has_timeout)
        jx_put_i64(w, "timeout", action->timeout_s);
    put_text(w, "attributes", action->attributes);
    put_text(w, "message", action->message);
    jx_object_end(w);
}

static void write_actions(struct jx_writer *w, const struct rule *rule)
{
    jx_array_begin(w);
    for (size_t i = 0; i < rule->action_count; i++)
        write_action(w, &rule->actions[i], rule->target_names == NULL ? "" : rule->target_names[i]);
    jx_array_end(w);
}

const char *rule_actions_write(struct arena *arena, const struct rule *rule)
{
    AUTO(buf_fini) struct buf out = {0};
    struct jx_writer w;
    buf_init(&out, ACTIONS_BYTES);
    jx_writer_init(&w, &out);
    write_actions(&w, rule);
    struct err err = {.code = ERR_OK};
    return jx_writer_finish(&w, &err) == ERR_OK ? arena_str_dup(arena, buf_str(&out)) : NULL;
}

static enum rule_action_type type_from(const char *name)
{
    for (int type = RULE_ACTION_NONE + 1; type < RULE_ACTION_COUNT; type++) {
        if (strcmp(rule_action_name((enum rule_action_type)type), name) == 0)
            return (enum rule_action_type)type;
    }
    return RULE_ACTION_NONE;
}

static struct str text_of(struct arena *arena, const json_t *object, const char *key)
{
    return arena_str(arena, str_from(jx_get_text(object, key, "")));
}

static struct rule_action read_action(struct arena *arena, const json_t *object)
{
    return (struct rule_action){
        .type = type_from(jx_get_text(object, "type", "")),
        .target = text_of(arena, object, "target"),
        .attributes = text_of(arena, object, "attributes"),
        .message = text_of(arena, object, "message"),
        .has_priority = jx_get(object, "priority") != NULL,
        .has_timeout = jx_get(object, "timeout") != NULL,
        .priority = jx_get_i64(object, "priority", 0),
        .timeout_s = jx_get_i64(object, "timeout", 0),
    };
}

enum err_code rule_actions_read(struct arena *arena, const char *json, struct rule *rule,
                                struct err *err)
{
    AUTO(jx_cleanup) json_t *array = NULL;
    struct jx_limits limits = {.max_bytes = STORED_BYTES};
    struct err cause = {.code = ERR_OK};
    if (jx_parse(str_from(json), &limits, &array, &cause) != ERR_OK || !json_is_array(array))
        return ERR_SET(err, ERR_INTERNAL, "ROW_INVALID", "the actions of rule %s are no JSON array",
                       rule->sid);
    size_t count = json_array_size(array);
    struct rule_action *actions = ARENA_ARRAY(arena, struct rule_action, count);
    const char **names = ARENA_ARRAY(arena, const char *, count);
    if (actions == NULL || names == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        actions[i] = read_action(arena, object);
        names[i] = arena_strdup(arena, jx_get_text(object, "targetName", ""));
    }
    rule->actions = actions;
    rule->target_names = names;
    rule->action_count = count;
    return arena_is_exhausted(arena) ? no_room(err) : ERR_OK;
}

/* ---- differences ---- */

static void put_time(struct jx_writer *w, const char *key, int64_t at_us)
{
    if (at_us != 0)
        jx_put_time_us(w, key, at_us);
}

static json_t *tree_of(const struct rule *rule)
{
    AUTO(buf_fini) struct buf out = {0};
    struct jx_writer w;
    buf_init(&out, RULE_BYTES);
    jx_writer_init(&w, &out);
    jx_object_begin(&w);
    jx_put_text(&w, "name", rule->name);
    put_text(&w, "description", str_from(rule->description));
    jx_put_i64(&w, "priority", rule->priority);
    jx_put_bool(&w, "enabled", rule->is_enabled);
    put_text(&w, "condition", str_from(rule->condition));
    jx_key(&w, "actions");
    write_actions(&w, rule);
    put_time(&w, "validFrom", rule->valid_from_us);
    put_time(&w, "validUntil", rule->valid_until_us);
    jx_key(&w, "labels");
    jx_array_begin(&w);
    for (size_t i = 0; i < rule->label_count; i++)
        jx_str(&w, rule->labels[i]);
    jx_array_end(&w);
    jx_object_end(&w);
    struct err err = {.code = ERR_OK};
    json_t *tree = NULL;
    struct jx_limits limits = {.max_bytes = RULE_BYTES};
    if (jx_writer_finish(&w, &err) != ERR_OK ||
        jx_parse(buf_str(&out), &limits, &tree, &err) != ERR_OK)
        return NULL;
    return tree;
}

struct diff {
    struct arena *arena;
    struct rule_change *changes;
    size_t count;
};

static const char *value_text(struct arena *arena, const json_t *value)
{
    if (value == NULL)
        return "";
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    const char *copy = text == NULL ? NULL : arena_strdup(arena, text);
    free(text);
    return copy == NULL ? "" : copy;
}

static void note(struct diff *diff, const char *path, const json_t *before, const json_t *after)
{
    if (diff->count == CHANGES_MAX)
        return;
    diff->changes[diff->count++] = (struct rule_change){
        .field = arena_strdup(diff->arena, path),
        .before = value_text(diff->arena, before),
        .after = value_text(diff->arena, after),
    };
}

static void compare(struct diff *diff, const char *path, json_t *before, json_t *after);

static void compare_member(struct diff *diff, const char *path, const char *key,
                           const json_t *before, const json_t *after)
{
    char *below = arena_printf(diff->arena, "%s%s%s", path, path[0] == '\0' ? "" : ".", key);
    if (below != NULL)
        compare(diff, below, json_object_get(before, key), json_object_get(after, key));
}

static void compare_objects(struct diff *diff, const char *path, json_t *before, json_t *after)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(before, key, value) compare_member(diff, path, key, before, after);
    json_object_foreach(after, key, value)
    {
        if (json_object_get(before, key) == NULL)
            compare_member(diff, path, key, before, after);
    }
}

static void compare(struct diff *diff, const char *path, json_t *before, json_t *after)
{
    if (json_equal(before, after))
        return;
    if (json_is_object(before) && json_is_object(after)) {
        compare_objects(diff, path, before, after);
        return;
    }
    if (!json_is_array(before) || !json_is_array(after)) {
        note(diff, path, before, after);
        return;
    }
    size_t count = json_array_size(before);
    if (json_array_size(after) > count)
        count = json_array_size(after);
    for (size_t i = 0; i < count; i++) {
        char *below = arena_printf(diff->arena, "%s[%zu]", path, i);
        if (below != NULL)
            compare(diff, below, json_array_get(before, i), json_array_get(after, i));
    }
}

enum err_code rule_diff(struct arena *arena, const struct rule *before, const struct rule *after,
                        struct rule_change **out, size_t *out_count, struct err *err)
{
    AUTO(jx_cleanup) json_t *left = tree_of(before);
    AUTO(jx_cleanup) json_t *right = tree_of(after);
    struct diff diff = {.arena = arena,
                        .changes = ARENA_ARRAY(arena, struct rule_change, CHANGES_MAX)};
    if (left == NULL || right == NULL || diff.changes == NULL)
        return no_room(err);
    compare(&diff, "", left, right);
    if (arena_is_exhausted(arena))
        return no_room(err);
    *out = diff.changes;
    *out_count = diff.count;
    return ERR_OK;
}
