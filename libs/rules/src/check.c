/* What can be said of a rule before it is stored. */
#include "rules/check.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "dnf.h"
#include "rules/condition.h"
#include "rules_int.h"

enum {
    SCRATCH_BYTES = 64 << 20, /* for disjunctive forms, of one rule at a time */
    JUDGE_STEPS = 4000000,    /* some tenths of a second at the very worst */
    PATTERN_STEPS = 5 * EXPR_PATTERN_STEPS,
    NAMED_RULES = 3, /* in a sentence */
};

static const char *const finding_names[] = {
    [RULE_FINDING_NONE] = "",
    [RULE_FINDING_ALWAYS_TRUE] = "ALWAYS_TRUE",
    [RULE_FINDING_UNREACHABLE] = "UNREACHABLE",
    [RULE_FINDING_HIDES] = "HIDES",
    [RULE_FINDING_OVERLAPS] = "OVERLAPS",
    [RULE_FINDING_NEVER_VALID] = "NEVER_VALID",
    [RULE_FINDING_NOT_JUDGED] = "NOT_JUDGED",
};
enum { FINDING_COUNT = sizeof finding_names / sizeof finding_names[0] };

const char *rule_finding_name(enum rule_finding_type type)
{
    return (size_t)type < FINDING_COUNT ? finding_names[type] : "";
}

/* The others that a finding is about. */
struct pile {
    struct str sids[RULE_FINDING_MAX_OTHERS];
    size_t sid_count;
    struct str names[NAMED_RULES];
    size_t count; /* all of them */
};

struct checker {
    const struct rule_set *set;
    const struct rule_def *rule;
    struct rule_def placed; /* the rule with the age of the one that it replaces */
    struct expr *expr;      /* NULL: always */
    struct arena *arena;    /* the caller's */
    struct arena *scratch;
    struct judge judge;
    struct dnf own;
    struct dnf negated;
    bool is_judged; /* own and negated are there */
    struct rule_finding findings[FINDING_COUNT];
    size_t count;
};

/* ---- the rule alone -------------------------------------------------------------------------- */

static enum err_code check_fields(const struct rule_def *rule, struct err *err)
{
    enum err_code code = rule_condition_check(rule->condition, err);
    if (code == ERR_OK && (rule->priority < 0 || rule->priority > RULE_MAX_PRIORITY))
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PRIORITY_INVALID", "priority",
                         "The priority is a number from 0 to %d.", RULE_MAX_PRIORITY);
    if (code == ERR_OK)
        code = rule_actions_check(rule->actions, rule->action_count, err);
    if (code == ERR_OK && rule->valid_from_us != 0 && rule->valid_until_us != 0 &&
        rule->valid_until_us <= rule->valid_from_us)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "VALIDITY_INVALID", "valid_until",
                         "The rule ends before it begins; valid_until must be after valid_from.");
    return code;
}

static enum err_code refuse_never_true(const struct checker *c, struct err *err)
{
    static const char *const roots[EXPR_SLOT_COUNT] = {
        [EXPR_SLOT_TASK] = "task.attributes.",
        [EXPR_SLOT_WORKER] = "worker.",
        [EXPR_SLOT_WORKERS] = "workers.",
        [EXPR_SLOT_TIME] = "time.",
        [EXPR_SLOT_CALLER] = "caller.",
        [EXPR_SLOT_HOURS] = "hours.",
        [EXPR_SLOT_QUEUE] = "queue.",
        [EXPR_SLOT_TASK_INFO] = "task.",
        [EXPR_SLOT_LINE] = "line.",
    };
    const struct literal *blamed = c->judge.blamed;
    if (blamed == NULL || !blamed->is_simple)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CONDITION_NEVER_TRUE", "condition",
                         "The condition can never be true; it contradicts itself.");
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CONDITION_NEVER_TRUE", "condition",
                     "The condition can never be true: no value of %s%.*s is what it asks for.",
                     roots[blamed->name.slot], STR_ARG(blamed->name.path));
}

/* ---- findings -------------------------------------------------------------------------------- */

static void pile_add(struct pile *pile, const struct rule_def *rule)
{
    if (pile->sid_count < RULE_FINDING_MAX_OTHERS)
        pile->sids[pile->sid_count++] = rule->sid;
    if (pile->count < NAMED_RULES)
        pile->names[pile->count] = rule->name;
    pile->count++;
}

/* before "A", "B" and 2 more after */
static struct str sentence(struct checker *c, const char *before, const struct pile *pile,
                           const char *after)
{
    struct buf text;
    buf_init(&text, 0);
    buf_text(&text, before);
    for (size_t i = 0; pile != NULL && i < pile->count && i < NAMED_RULES; i++) {
        bool is_last = i + 1 == pile->count;
        buf_printf(&text, "%s\"%.*s\"",
                   i == 0    ? ""
                   : is_last ? " and "
                             : ", ",
                   STR_ARG(pile->names[i]));
    }
    if (pile != NULL && pile->count > NAMED_RULES)
        buf_printf(&text, " and %zu more", pile->count - NAMED_RULES);
    buf_text(&text, after);
    struct str out = arena_str(c->arena, buf_str(&text));
    buf_fini(&text);
    return out;
}

static void find(struct checker *c, enum rule_finding_type type, const struct pile *pile,
                 struct str message)
{
    struct rule_finding *finding = &c->findings[c->count++];
    *finding = (struct rule_finding){.type = type, .message = message};
    if (pile == NULL)
        return;
    struct str *sids = ARENA_ARRAY(c->arena, struct str, pile->sid_count);
    for (size_t i = 0; sids != NULL && i < pile->sid_count; i++)
        sids[i] = arena_str(c->arena, pile->sids[i]);
    finding->other_sids = sids;
    finding->other_count = sids == NULL ? 0 : pile->sid_count;
}

/* ---- the rule among others ------------------------------------------------------------------- */

static bool is_earlier(const struct rule_def *a, const struct rule_def *b)
{
    return rule_order(a, b) < 0;
}

/* Whenever b is valid, a is. */
static bool covers(const struct rule_def *a, const struct rule_def *b)
{
    return (a->valid_from_us == 0 ||
            (b->valid_from_us != 0 && a->valid_from_us <= b->valid_from_us)) &&
           (a->valid_until_us == 0 ||
            (b->valid_until_us != 0 && a->valid_until_us >= b->valid_until_us));
}

static bool meet(const struct rule_def *a, const struct rule_def *b)
{
    return (a->valid_until_us == 0 || b->valid_from_us < a->valid_until_us) &&
           (b->valid_until_us == 0 || a->valid_from_us < b->valid_until_us);
}

static bool has_continue(const struct rule_def *rule)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        if (rule->actions[i].type == RULE_ACTION_CONTINUE)
            return true;
    }
    return false;
}

/* What a rule sets that another one may set otherwise. */
struct effect {
    const struct rule_action *destination;
    const struct rule_action *end; /* of the call */
    const struct rule_action *priority;
    const struct rule_action *timeout;
};

static struct effect effect_of(const struct rule_def *rule)
{
    struct effect effect = {0};
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct rule_action *action = &rule->actions[i];
        bool is_route = action->type >= RULE_ACTION_ROUTE_TO_QUEUE &&
                        action->type <= RULE_ACTION_ROUTE_TO_WORKFLOW;
        bool is_end = action->type == RULE_ACTION_VOICEMAIL ||
                      action->type == RULE_ACTION_TRANSFER || action->type == RULE_ACTION_HANG_UP;
        if (is_route && effect.destination == NULL)
            effect.destination = action;
        if (is_end && effect.end == NULL)
            effect.end = action;
        if (action->has_priority && effect.priority == NULL)
            effect.priority = action;
        if (action->has_timeout && effect.timeout == NULL)
            effect.timeout = action;
    }
    return effect;
}

static bool differs(const struct rule_action *a, const struct rule_action *b)
{
    return a != NULL && b != NULL && (a->type != b->type || !str_eq(a->target, b->target));
}

static bool actions_are_same(const struct rule_action *a, const struct rule_action *b)
{
    return a->type == b->type && str_eq(a->target, b->target) && str_eq(a->message, b->message) &&
           str_eq(a->attributes, b->attributes) && a->has_priority == b->has_priority &&
           a->has_timeout == b->has_timeout && (!a->has_priority || a->priority == b->priority) &&
           (!a->has_timeout || a->timeout_s == b->timeout_s);
}

/* Whether it matters which of the two comes first. */
static bool effects_clash(const struct rule_def *first, const struct rule_def *second)
{
    if (has_continue(first)) {
        struct effect a = effect_of(first);
        struct effect b = effect_of(second);
        return differs(a.destination, b.destination) || differs(a.end, b.end) ||
               (a.priority != NULL && b.priority != NULL &&
                a.priority->priority != b.priority->priority) ||
               (a.timeout != NULL && b.timeout != NULL &&
                a.timeout->timeout_s != b.timeout->timeout_s);
    }
    if (first->action_count != second->action_count)
        return true;
    for (size_t i = 0; i < first->action_count; i++) {
        if (!actions_are_same(&first->actions[i], &second->actions[i]))
            return true;
    }
    return false;
}

static enum rule_finding_type compare(struct checker *c, const struct rule_made *other)
{
    struct dnf own;
    struct dnf negated;
    bool is_first = is_earlier(&c->placed, &other->def);
    const struct rule_def *first = is_first ? &c->placed : &other->def;
    const struct rule_def *second = is_first ? &other->def : &c->placed;
    bool may_hide = !has_continue(first) && covers(first, second);
    bool may_overlap =
        first->priority == second->priority && meet(first, second) && effects_clash(first, second);
    if (!may_hide && !may_overlap)
        return RULE_FINDING_NONE;
    if (!dnf_new(other->expr, false, c->scratch, &own) ||
        !dnf_new(other->expr, true, c->scratch, &negated))
        return RULE_FINDING_NOT_JUDGED;
    bool is_hidden = may_hide && !dnfs_are_possible(&c->judge, is_first ? &own : &c->own,
                                                    is_first ? &c->negated : &negated);
    bool is_both = !is_hidden && may_overlap && dnfs_are_possible(&c->judge, &own, &c->own);
    if (c->judge.is_exhausted)
        return RULE_FINDING_NOT_JUDGED;
    if (is_hidden)
        return is_first ? RULE_FINDING_HIDES : RULE_FINDING_UNREACHABLE;
    return is_both ? RULE_FINDING_OVERLAPS : RULE_FINDING_NONE;
}

static void compare_all(struct checker *c)
{
    struct pile piles[FINDING_COUNT] = {0};
    for (size_t i = 0; i < c->set->count; i++) {
        const struct rule_made *other = &c->set->rules[i];
        bool is_itself = c->rule->sid.len > 0 && str_eq(other->def.sid, c->rule->sid);
        if (is_itself || !other->def.is_enabled || other->is_broken)
            continue;
        struct arena_mark mark = arena_mark(c->scratch);
        enum rule_finding_type type = compare(c, other);
        arena_rewind(c->scratch, mark);
        if (type != RULE_FINDING_NONE)
            pile_add(&piles[type], &other->def);
    }
    const struct pile *hidden_by = &piles[RULE_FINDING_UNREACHABLE];
    const struct pile *hides = &piles[RULE_FINDING_HIDES];
    const struct pile *overlaps = &piles[RULE_FINDING_OVERLAPS];
    const struct pile *unjudged = &piles[RULE_FINDING_NOT_JUDGED];
    char before[512];
    (void)snprintf(before, sizeof before, "Rule \"%.*s\" and ", STR_ARG(c->rule->name));
    if (hidden_by->count > 0)
        find(c, RULE_FINDING_UNREACHABLE, hidden_by,
             sentence(c, "The rule is never reached: whenever it matches, ", hidden_by,
                      " matched before and ended the evaluation."));
    if (hides->count > 0)
        find(c, RULE_FINDING_HIDES, hides,
             sentence(c, "The rule matches whenever later ones do, so these are never reached: ",
                      hides, "."));
    if (overlaps->count > 0)
        find(c, RULE_FINDING_OVERLAPS, overlaps,
             sentence(c, before, overlaps,
                      " have the same priority, may match the same task and differ in what they "
                      "do; the older one comes first."));
    if (unjudged->count > 0)
        find(c, RULE_FINDING_NOT_JUDGED, unjudged,
             sentence(c, "Not compared, because the conditions are too large: ", unjudged, "."));
}

/* ---- public ---------------------------------------------------------------------------------- */

static enum err_code judge_alone(struct checker *c, int64_t now_us, struct err *err)
{
    bool has_condition = c->expr != NULL;
    c->is_judged = dnf_new(c->expr, false, c->scratch, &c->own);
    if (c->is_judged && has_condition && !dnfs_are_possible(&c->judge, &c->own, NULL))
        return refuse_never_true(c, err);
    if (c->rule->valid_until_us != 0 && c->rule->valid_until_us <= now_us)
        find(c, RULE_FINDING_NEVER_VALID, NULL,
             STR("The rule never applies any more: valid_until is past."));
    if (!c->rule->is_enabled)
        return ERR_OK;
    c->is_judged = c->is_judged && dnf_new(c->expr, true, c->scratch, &c->negated);
    if (!c->is_judged)
        find(c, RULE_FINDING_NOT_JUDGED, NULL,
             STR("The condition is too large to be compared with other rules' or judged itself."));
    else if (has_condition && !dnfs_are_possible(&c->judge, &c->negated, NULL))
        find(c, RULE_FINDING_ALWAYS_TRUE, NULL,
             STR("The condition is always true; leave it empty if the rule is for every task."));
    return ERR_OK;
}

static enum err_code run(struct checker *c, int64_t now_us, struct err *err)
{
    enum err_code code = judge_alone(c, now_us, err);
    bool is_dead = c->rule->valid_until_us != 0 && c->rule->valid_until_us <= now_us;
    if (code == ERR_OK && c->rule->is_enabled && c->is_judged && !is_dead)
        compare_all(c);
    if (code == ERR_OK && arena_is_exhausted(c->arena))
        code = ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "FINDINGS_TOO_LARGE",
                       "The findings do not fit the request's memory.");
    return code;
}

enum err_code rule_check(const struct rule_set *set, const struct rule_def *rule, int64_t now_us,
                         struct arena *arena, struct rule_finding **out_findings, size_t *out_count,
                         struct err *err)
{
    struct checker c = {
        .set = set,
        .rule = rule,
        .placed = *rule,
        .arena = arena,
        .judge = {.steps_left = JUDGE_STEPS, .patterns = {.steps_left = PATTERN_STEPS}}
    };
    enum err_code code = check_fields(rule, err);
    if (code == ERR_OK && str_trim(rule->condition).len > 0)
        code = expr_compile(rule->condition, &expr_context_rule, &c.expr, err);
    if (code != ERR_OK)
        return code;
    ptrdiff_t stored = rule_set_find(set, rule->sid);
    if (stored >= 0 && rule->created_at_us == 0)
        c.placed.created_at_us = rule_set_at(set, (size_t)stored)->created_at_us;
    c.scratch = arena_new(SCRATCH_BYTES);
    code = run(&c, now_us, err);
    struct rule_finding *findings = ARENA_ARRAY(arena, struct rule_finding, c.count);
    for (size_t i = 0; findings != NULL && i < c.count; i++)
        findings[i] = c.findings[i];
    arena_free(c.scratch);
    expr_free(c.expr);
    if (code != ERR_OK)
        return code;
    *out_findings = findings;
    *out_count = findings == NULL ? 0 : c.count;
    return ERR_OK;
}
