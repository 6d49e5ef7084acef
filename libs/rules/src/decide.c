/* What becomes of a task: the first rule that matches, and those that it lets add to it. */
#include "rules/rules.h"

#include "rules_int.h"

enum {
    MAX_ATTRIBUTES = 512, /* collected by one decision */
    TABLE_SIZE = 1024,    /* of their names; a power of two */
    MAX_VOICE = 32,
    /* Of the patterns of all rules together: some tens of milliseconds at the very worst. */
    PATTERN_STEPS = 10 * EXPR_PATTERN_STEPS,
};

/* One decision under way. */
struct decision {
    const struct rule_set *set;
    const struct rule_facts *facts;
    struct arena *arena;
    struct rule_outcome *out;
    struct expr_env env;
    struct expr_budget budget;
    size_t rule; /* being tried */
    const struct rule_attribute **attributes;
    size_t attribute_count;
    uint16_t *table; /* index + 1 of an attribute, by hash */
    struct rule_voice *voice;
    bool is_call_ended;
    struct rule_applied *applied;
    size_t applied_capacity;
};

static bool resolve(void *ctx, enum expr_slot slot, struct str name, struct expr_value *out_value)
{
    const struct decision *d = ctx;
    return d->facts->resolve != NULL &&
           d->facts->resolve(d->facts->resolve_ctx, d->rule, slot, name, out_value);
}

static void start(struct decision *d, const struct rule_set *set, const struct rule_facts *facts,
                  struct arena *arena, struct rule_outcome *out)
{
    *out = (struct rule_outcome){0};
    *d = (struct decision){.set = set, .facts = facts, .arena = arena, .out = out};
    for (size_t i = 0; i < EXPR_SLOT_COUNT; i++)
        d->env.records[i] = facts->records[i];
    d->env.resolve = resolve;
    d->env.resolve_ctx = d;
    d->budget.steps_left = PATTERN_STEPS;
    d->env.budget = &d->budget;
}

/* ---- effects --------------------------------------------------------------------------------- */

/* False when an earlier one has the name, or there are too many. */
static bool add_attribute(struct decision *d, const struct rule_attribute *attribute)
{
    if (d->table == NULL) {
        d->table = ARENA_ARRAY(d->arena, uint16_t, TABLE_SIZE);
        d->attributes = ARENA_ARRAY(d->arena, const struct rule_attribute *, MAX_ATTRIBUTES);
    }
    if (d->table == NULL || d->attributes == NULL)
        return false; /* the arena says so at the end */
    uint32_t at = attribute->hash & (TABLE_SIZE - 1);
    for (; d->table[at] != 0; at = (at + 1) & (TABLE_SIZE - 1)) {
        if (str_eq(d->attributes[d->table[at] - 1]->key, attribute->key))
            return false;
    }
    if (d->attribute_count == MAX_ATTRIBUTES)
        return false;
    d->attributes[d->attribute_count++] = attribute;
    d->table[at] = (uint16_t)d->attribute_count;
    return true;
}

/* The fields that any action may carry. */
static bool apply_fields(struct decision *d, const struct rule_made *rule, size_t index)
{
    const struct rule_action *action = &rule->def.actions[index];
    bool has_effect = false;
    if (action->has_priority && !d->out->has_priority) {
        d->out->has_priority = has_effect = true;
        d->out->priority = action->priority;
    }
    if (action->has_timeout && !d->out->has_timeout) {
        d->out->has_timeout = has_effect = true;
        d->out->timeout_s = action->timeout_s;
    }
    for (size_t i = 0; i < rule->attribute_counts[index]; i++) {
        if (add_attribute(d, &rule->attributes[index][i]))
            has_effect = true;
    }
    return has_effect;
}

static bool apply_voice(struct decision *d, const struct rule_action *action, size_t index)
{
    if (d->is_call_ended || d->out->voice_count == MAX_VOICE)
        return false;
    if (d->voice == NULL)
        d->voice = ARENA_ARRAY(d->arena, struct rule_voice, MAX_VOICE);
    if (d->voice == NULL)
        return false;
    d->voice[d->out->voice_count++] = (struct rule_voice){.rule = d->rule,
                                                          .action = index,
                                                          .type = action->type,
                                                          .target = action->target,
                                                          .message = action->message};
    d->out->voice = d->voice;
    d->is_call_ended = action->type != RULE_ACTION_PLAY_MESSAGE;
    return true;
}

static bool apply_action(struct decision *d, const struct rule_made *rule, size_t index)
{
    const struct rule_action *action = &rule->def.actions[index];
    switch (action->type) {
    case RULE_ACTION_ROUTE_TO_QUEUE:
    case RULE_ACTION_ROUTE_TO_WORKER:
    case RULE_ACTION_ROUTE_TO_WORKFLOW:
        if (d->out->destination != RULE_ACTION_NONE)
            return false;
        d->out->destination = action->type;
        d->out->target = action->target;
        return true;
    case RULE_ACTION_VOICEMAIL:
    case RULE_ACTION_PLAY_MESSAGE:
    case RULE_ACTION_TRANSFER:
    case RULE_ACTION_HANG_UP:
        return apply_voice(d, action, index);
    case RULE_ACTION_CONTINUE:
        return true;
    case RULE_ACTION_NONE:
    case RULE_ACTION_SET_PRIORITY:
    case RULE_ACTION_ADD_ATTRIBUTES:
    case RULE_ACTION_SET_TIMEOUT:
    case RULE_ACTION_COUNT:
        break;
    }
    return false;
}

static uint32_t apply(struct decision *d, const struct rule_made *rule)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < rule->def.action_count; i++) {
        bool has_effect = apply_action(d, rule, i);
        if (apply_fields(d, rule, i))
            has_effect = true;
        if (has_effect)
            mask |= UINT32_C(1) << i;
    }
    return mask;
}

static void note_applied(struct decision *d, uint32_t mask)
{
    if (d->out->rule_count == d->applied_capacity) {
        size_t capacity = d->applied_capacity == 0 ? 8 : d->applied_capacity * 2;
        struct rule_applied *grown = ARENA_ARRAY(d->arena, struct rule_applied, capacity);
        if (grown == NULL)
            return;
        for (size_t i = 0; i < d->out->rule_count; i++)
            grown[i] = d->applied[i];
        d->applied = grown;
        d->applied_capacity = capacity;
    }
    d->applied[d->out->rule_count++] = (struct rule_applied){.rule = d->rule, .action_mask = mask};
    d->out->rules = d->applied;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool is_valid_at(const struct rule_def *def, int64_t now_us)
{
    return (def->valid_from_us == 0 || now_us >= def->valid_from_us) &&
           (def->valid_until_us == 0 || now_us < def->valid_until_us);
}

static enum err_code finish(struct decision *d, struct err *err)
{
    if (d->attribute_count > 0) {
        struct buf buf;
        buf_init(&buf, 0);
        for (size_t i = 0; i < d->attribute_count; i++) {
            buf_char(&buf, i == 0 ? '{' : ',');
            buf_str_append(&buf, d->attributes[i]->key);
            buf_char(&buf, ':');
            buf_str_append(&buf, d->attributes[i]->json);
        }
        buf_char(&buf, '}');
        d->out->attributes = arena_str(d->arena, buf_str(&buf));
        buf_fini(&buf);
    }
    if (arena_is_exhausted(d->arena))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "DECISION_TOO_LARGE",
                       "The decision does not fit the request's memory; fewer rules must apply.");
    return ERR_OK;
}

/* True: an end. */
static bool try_rule(struct decision *d, size_t index)
{
    const struct rule_made *rule = &d->set->rules[index];
    d->rule = index;
    if (!is_valid_at(&rule->def, d->facts->now_us) ||
        (rule->expr != NULL && !expr_eval(rule->expr, &d->env)))
        return false;
    note_applied(d, apply(d, rule));
    return !rule->has_continue;
}

enum err_code rule_set_decide(const struct rule_set *set, const struct rule_facts *facts,
                              struct arena *arena, struct rule_outcome *out, struct err *err)
{
    struct decision d;
    uint64_t bits[INDEX_WORDS];
    start(&d, set, facts, arena, out);
    rule_index_find(set->index, &d.env, bits);
    for (size_t word = 0; word * 64 < set->count; word++) {
        for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
            if (try_rule(&d, word * 64 + (size_t)__builtin_ctzll(left)))
                return finish(&d, err);
        }
    }
    return finish(&d, err);
}

/* ---- the same, with reasons ------------------------------------------------------------------ */

static enum err_code trace_rule(struct decision *d, const struct rule_made *rule, bool is_ended,
                                struct rule_trace *row, struct err *err)
{
    if (!rule->def.is_enabled || rule->is_broken || is_ended ||
        !is_valid_at(&rule->def, d->facts->now_us)) {
        row->result = !rule->def.is_enabled ? RULE_RESULT_DISABLED
                      : rule->is_broken     ? RULE_RESULT_BROKEN
                      : is_ended            ? RULE_RESULT_NOT_REACHED
                                            : RULE_RESULT_NOT_VALID_NOW;
        row->note = rule->why;
        return ERR_OK;
    }
    row->result = RULE_RESULT_MATCHED;
    if (rule->expr != NULL) {
        /* The decision's own answer: the trace's patterns have more steps than are left. */
        d->budget.has_given_up = false;
        bool is_true = expr_eval(rule->expr, &d->env);
        enum err_code code = expr_trace(rule->expr, &d->env, d->arena, &row->condition, err);
        if (code != ERR_OK)
            return code;
        row->condition.is_true = is_true;
        row->result = is_true ? RULE_RESULT_MATCHED : RULE_RESULT_NOT_MATCHED;
        if (d->budget.has_given_up)
            row->note = STR("A pattern was given up and counts as not found: it takes too many "
                            "steps on this text, or the text is too long.");
    }
    if (row->result == RULE_RESULT_MATCHED) {
        row->action_mask = apply(d, rule);
        note_applied(d, row->action_mask);
    }
    return ERR_OK;
}

enum err_code rule_set_trace(const struct rule_set *set, const struct rule_facts *facts,
                             struct arena *arena, struct rule_outcome *out_outcome,
                             struct rule_trace **out_rows, size_t *out_count, struct err *err)
{
    struct decision d;
    bool is_ended = false;
    enum err_code code = ERR_OK;
    start(&d, set, facts, arena, out_outcome);
    struct rule_trace *rows = ARENA_ARRAY(arena, struct rule_trace, set->count);
    for (size_t i = 0; i < set->count && rows != NULL && code == ERR_OK; i++) {
        d.rule = rows[i].rule = i;
        code = trace_rule(&d, &set->rules[i], is_ended, &rows[i], err);
        if (rows[i].result == RULE_RESULT_MATCHED && !set->rules[i].has_continue)
            is_ended = true;
    }
    if (code == ERR_OK)
        code = finish(&d, err);
    if (code != ERR_OK)
        return code;
    *out_rows = rows;
    *out_count = set->count;
    return ERR_OK;
}
