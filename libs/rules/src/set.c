/* Rules as they are stored become a set that can be asked. */
#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "rules_int.h"

/* Bounds above what saving admits: a set is made of stored rules. */
#define SET_MAX_BYTES ((size_t)1 << 30)

static const char *const action_names[RULE_ACTION_COUNT] = {
    [RULE_ACTION_NONE] = "none",
    [RULE_ACTION_ROUTE_TO_QUEUE] = "route_to_queue",
    [RULE_ACTION_ROUTE_TO_WORKER] = "route_to_worker",
    [RULE_ACTION_ROUTE_TO_WORKFLOW] = "route_to_workflow",
    [RULE_ACTION_SET_PRIORITY] = "set_priority",
    [RULE_ACTION_ADD_ATTRIBUTES] = "add_attributes",
    [RULE_ACTION_SET_TIMEOUT] = "set_timeout",
    [RULE_ACTION_VOICEMAIL] = "voicemail",
    [RULE_ACTION_PLAY_MESSAGE] = "play_message",
    [RULE_ACTION_TRANSFER] = "transfer",
    [RULE_ACTION_HANG_UP] = "hang_up",
    [RULE_ACTION_CONTINUE] = "continue",
};

const char *rule_action_name(enum rule_action_type type)
{
    return type > RULE_ACTION_NONE && type < RULE_ACTION_COUNT ? action_names[type] : "none";
}

static void copy_actions(struct rule_set *set, struct rule_made *rule)
{
    size_t count = rule->def.action_count;
    struct rule_action *actions = ARENA_ARRAY(set->arena, struct rule_action, count);
    for (size_t i = 0; i < count; i++) {
        actions[i] = rule->def.actions[i];
        actions[i].target = arena_str(set->arena, actions[i].target);
        actions[i].attributes = arena_str(set->arena, actions[i].attributes);
        actions[i].message = arena_str(set->arena, actions[i].message);
        if (actions[i].type == RULE_ACTION_ROUTE_TO_QUEUE && rule->queue.len == 0)
            rule->queue = actions[i].target;
        if (actions[i].type == RULE_ACTION_CONTINUE)
            rule->has_continue = true;
    }
    rule->def.actions = actions;
}

/* The members of one action's object; none when it is no object. */
static size_t read_attributes(struct arena *arena, struct str text, struct rule_attribute **out)
{
    AUTO(jx_cleanup) json_t *object = NULL;
    if (text.len == 0 || jx_parse_object(text, NULL, &object, NULL) != ERR_OK)
        return 0;
    struct rule_attribute *list =
        ARENA_ARRAY(arena, struct rule_attribute, json_object_size(object));
    const char *key = NULL;
    json_t *value = NULL;
    size_t count = 0;
    struct buf buf;
    buf_init(&buf, 0);
    json_object_foreach(object, key, value)
    {
        struct jx_writer writer;
        buf_clear(&buf);
        jx_quote(&buf, str_from(key));
        list[count].key = arena_str(arena, buf_str(&buf));
        list[count].hash = (uint32_t)hash_quick(list[count].key.ptr, list[count].key.len);
        buf_clear(&buf);
        jx_writer_init(&writer, &buf);
        jx_value(&writer, value);
        list[count++].json = arena_str(arena, buf_str(&buf));
    }
    buf_fini(&buf);
    *out = list;
    return count;
}

static void compile_condition(struct rule_set *set, struct rule_made *rule)
{
    struct err err = {0};
    if (str_trim(rule->def.condition).len == 0)
        return;
    if (expr_compile(rule->def.condition, &expr_context_rule, &rule->expr, &err) == ERR_OK)
        return;
    rule->expr = NULL;
    rule->is_broken = true;
    rule->why = arena_str(set->arena, str_from(err.detail));
}

static void make_rule(struct rule_set *set, struct rule_made *rule, const struct rule_def *def)
{
    rule->def = *def;
    rule->def.sid = arena_str(set->arena, def->sid);
    rule->def.name = arena_str(set->arena, def->name);
    rule->def.condition = arena_str(set->arena, def->condition);
    if (rule->def.action_count > RULE_MAX_ACTIONS)
        rule->def.action_count = RULE_MAX_ACTIONS;
    copy_actions(set, rule);
    rule->attributes = ARENA_ARRAY(set->arena, struct rule_attribute *, rule->def.action_count);
    rule->attribute_counts = ARENA_ARRAY(set->arena, size_t, rule->def.action_count);
    for (size_t i = 0; i < rule->def.action_count; i++)
        rule->attribute_counts[i] =
            read_attributes(set->arena, rule->def.actions[i].attributes, &rule->attributes[i]);
    compile_condition(set, rule);
}

int rule_order(const struct rule_def *x, const struct rule_def *y)
{
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    int64_t x_age = x->created_at_us == 0 ? INT64_MAX : x->created_at_us;
    int64_t y_age = y->created_at_us == 0 ? INT64_MAX : y->created_at_us;
    if (x_age != y_age)
        return x_age < y_age ? -1 : 1;
    return str_cmp(x->sid, y->sid);
}

static int by_order(const void *a, const void *b)
{
    return rule_order(a, b);
}

enum err_code rule_set_new(const struct rule_def *rules, size_t count, struct rule_set **out,
                           struct err *err)
{
    if (count > RULE_MAX_RULES)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "RULES_TOO_MANY",
                       "There are %zu rules; at most %d can be used.", count, RULE_MAX_RULES);
    struct rule_set *set = xcalloc(1, sizeof *set);
    struct rule_def *sorted = xcalloc(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = rules[i];
    qsort(sorted, count, sizeof *sorted, by_order);
    set->arena = arena_new(SET_MAX_BYTES);
    set->rules = xcalloc(count + 1, sizeof *set->rules);
    set->count = count;
    for (size_t i = 0; i < count; i++) {
        struct rule_made *rule = &set->rules[i];
        make_rule(set, rule, &sorted[i]);
        if (!rule->def.is_enabled)
            continue;
        set->has_enabled = true;
        for (unsigned slot = 0; rule->expr != NULL && slot < EXPR_SLOT_COUNT; slot++) {
            if (expr_uses(rule->expr, (enum expr_slot)slot))
                set->slots |= EXPR_BIT(slot);
        }
    }
    set->index = rule_index_new(set->rules, count);
    free(sorted);
    INVARIANT(!arena_is_exhausted(set->arena));
    *out = set;
    return ERR_OK;
}

void rule_set_free(struct rule_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        expr_free(set->rules[i].expr);
    free(set->rules);
    rule_index_free(set->index);
    arena_free(set->arena);
    free(set);
}

size_t rule_set_count(const struct rule_set *set)
{
    return set->count;
}

const struct rule_def *rule_set_at(const struct rule_set *set, size_t rule)
{
    INVARIANT(rule < set->count);
    return &set->rules[rule].def;
}

ptrdiff_t rule_set_find(const struct rule_set *set, struct str sid)
{
    for (size_t i = 0; i < set->count; i++) {
        if (sid.len > 0 && str_eq(set->rules[i].def.sid, sid))
            return (ptrdiff_t)i;
    }
    return -1;
}

bool rule_set_has_enabled(const struct rule_set *set)
{
    return set->has_enabled;
}

bool rule_set_uses(const struct rule_set *set, enum expr_slot slot)
{
    return (set->slots & EXPR_BIT(slot)) != 0;
}

bool rule_set_rule_uses(const struct rule_set *set, size_t rule, enum expr_slot slot)
{
    INVARIANT(rule < set->count);
    return set->rules[rule].expr != NULL && expr_uses(set->rules[rule].expr, slot);
}

struct str rule_set_queue_of(const struct rule_set *set, size_t rule)
{
    INVARIANT(rule < set->count);
    return set->rules[rule].queue;
}

struct expr_record *rule_time_record(const struct rule_moment *moment)
{
    static const char *const days[] = {"",         "monday", "tuesday",  "wednesday",
                                       "thursday", "friday", "saturday", "sunday"};
    struct expr_record *record = NULL;
    char json[256];
    INVARIANT(moment->weekday >= 1 && moment->weekday <= 7);
    (void)snprintf(json, sizeof json,
                   "{\"year\":%d,\"month\":%d,\"day\":%d,\"hour\":%d,\"minute\":%d,\"weekday\":%d,"
                   "\"day_name\":\"%s\",\"date\":\"%04d-%02d-%02d\",\"time\":\"%02d:%02d\"}",
                   moment->year, moment->month, moment->day, moment->hour, moment->minute,
                   moment->weekday, days[moment->weekday], moment->year, moment->month, moment->day,
                   moment->hour, moment->minute);
    enum err_code code = expr_record_new(str_from(json), &record, NULL);
    INVARIANT(code == ERR_OK);
    return record;
}
