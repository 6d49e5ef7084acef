#include "decide_wire.h"

#include "base/clock.h"
#include "hours/hours.h"
#include "rpc/pb.h"
#include "rule_events.h"
#include "svc/wire.h"

typedef Taskrouter__Routing__V1__Decision wire_decision;
typedef Taskrouter__Routing__V1__RuleAction wire_action;

struct decide_task decide_task_from(const Taskrouter__Routing__V1__DecideRequest *request)
{
    return (struct decide_task){
        .attributes = str_from(request->attributes),
        .task_channel = request->task_channel,
        .has_priority = request->_priority_case != 0,
        .priority = request->priority,
        .text = str_from(request->text),
        .caller_phone = request->caller_phone,
        .called_phone = request->called_phone,
        .caller = str_from(request->caller),
        .at_us = request->at == NULL ? clock_now_us() : wire_time_us(request->at),
    };
}

static Taskrouter__Routing__V1__KeywordMatch *match_to_wire(struct arena *arena,
                                                            const struct keyword_match *match)
{
    Taskrouter__Routing__V1__KeywordMatch *wire =
        PB_NEW(arena, taskrouter__routing__v1__keyword_match);
    if (wire == NULL)
        return NULL;
    wire->keyword_sid = arena_str_dup(arena, match->sid);
    wire->phrase = arena_str_dup(arena, match->phrase);
    wire->position = (int32_t)match->position;
    wire->department = arena_str_dup(arena, match->department);
    wire->priority = arena_str_dup(arena, match->priority);
    wire->confidence = match->confidence;
    return wire;
}

Taskrouter__Routing__V1__DetectKeywordsResponse *
keywords_to_wire(struct arena *arena, const struct keyword_result *result)
{
    Taskrouter__Routing__V1__DetectKeywordsResponse *wire =
        PB_NEW(arena, taskrouter__routing__v1__detect_keywords_response);
    char **phrases = ARENA_ARRAY(arena, char *, result->phrase_count);
    Taskrouter__Routing__V1__KeywordMatch **matches =
        ARENA_ARRAY(arena, Taskrouter__Routing__V1__KeywordMatch *, result->match_count);
    if (wire == NULL || phrases == NULL || matches == NULL)
        return NULL;
    for (size_t i = 0; i < result->phrase_count; i++)
        phrases[i] = arena_str_dup(arena, result->phrases[i]);
    for (size_t i = 0; i < result->match_count; i++)
        matches[i] = match_to_wire(arena, &result->matches[i]);
    wire->keywords = phrases;
    wire->n_keywords = result->phrase_count;
    wire->matches = matches;
    wire->n_matches = result->match_count;
    wire->department = arena_str_dup(arena, result->department);
    wire->priority = arena_str_dup(arena, result->priority);
    wire->confidence = result->confidence;
    return arena_is_exhausted(arena) ? NULL : wire;
}

/* The rule of the set's place as it is stored, or NULL for a draft: it knows targets' names. */
static const char *target_name(const struct snapshot *snapshot, const struct rule_def *def,
                               size_t action)
{
    const struct rule *rule = snapshot_rule(snapshot, def->sid);
    if (rule == NULL || action >= rule->action_count ||
        !str_eq(rule->actions[action].target, def->actions[action].target))
        return "";
    return rule->target_names[action];
}

wire_action **rule_actions_applied(struct arena *arena, const struct snapshot *snapshot,
                                   const struct rule_def *def, uint32_t mask, size_t *out_count)
{
    wire_action **wires = ARENA_ARRAY(arena, wire_action *, def->action_count);
    size_t count = 0;
    for (size_t i = 0; wires != NULL && i < def->action_count; i++) {
        if ((mask & (UINT32_C(1) << i)) != 0)
            wires[count++] =
                rule_action_to_wire(arena, &def->actions[i], target_name(snapshot, def, i));
    }
    *out_count = count;
    return wires;
}

static Taskrouter__Routing__V1__AppliedRule *applied_to_wire(struct arena *arena,
                                                             const struct snapshot *snapshot,
                                                             const struct rule_set *set,
                                                             const struct rule_applied *applied)
{
    const struct rule_def *def = rule_set_at(set, applied->rule);
    Taskrouter__Routing__V1__AppliedRule *wire =
        PB_NEW(arena, taskrouter__routing__v1__applied_rule);
    if (wire == NULL)
        return NULL;
    wire->sid = arena_str_dup(arena, def->sid);
    wire->name = arena_str_dup(arena, def->name);
    wire->version = def->version;
    wire->actions =
        rule_actions_applied(arena, snapshot, def, applied->action_mask, &wire->n_actions);
    return wire;
}

static bool put_rules(struct arena *arena, const struct snapshot *snapshot,
                      const struct rule_set *set, const struct rule_outcome *outcome,
                      wire_decision *wire)
{
    wire->rules = ARENA_ARRAY(arena, Taskrouter__Routing__V1__AppliedRule *, outcome->rule_count);
    wire->voice = ARENA_ARRAY(arena, wire_action *, outcome->voice_count);
    if (wire->rules == NULL || wire->voice == NULL)
        return false;
    for (size_t i = 0; i < outcome->rule_count; i++)
        wire->rules[i] = applied_to_wire(arena, snapshot, set, &outcome->rules[i]);
    for (size_t i = 0; i < outcome->voice_count; i++) {
        struct rule_action action = {.type = outcome->voice[i].type,
                                     .target = outcome->voice[i].target,
                                     .message = outcome->voice[i].message};
        wire->voice[i] = rule_action_to_wire(arena, &action, "");
    }
    wire->n_rules = outcome->rule_count;
    wire->n_voice = outcome->voice_count;
    return !arena_is_exhausted(arena);
}

static void put_outcome(struct arena *arena, const struct rule_outcome *outcome,
                        wire_decision *wire)
{
    char *target = arena_str_dup(arena, outcome->target);
    if (outcome->destination == RULE_ACTION_ROUTE_TO_QUEUE)
        wire->task_queue_sid = target;
    else if (outcome->destination == RULE_ACTION_ROUTE_TO_WORKER)
        wire->worker_sid = target;
    else if (outcome->destination == RULE_ACTION_ROUTE_TO_WORKFLOW)
        wire->workflow_sid = target;
    if (outcome->has_priority) {
        wire->_priority_case = TASKROUTER__ROUTING__V1__DECISION___PRIORITY_PRIORITY;
        wire->priority = outcome->priority;
    }
    if (outcome->has_timeout) {
        wire->_timeout_case = TASKROUTER__ROUTING__V1__DECISION___TIMEOUT_TIMEOUT;
        wire->timeout = outcome->timeout_s;
    }
}

static Taskrouter__Routing__V1__HoursState *
hours_to_wire(struct arena *arena, const struct decide_task *task, const struct decision *decision)
{
    Taskrouter__Routing__V1__HoursState *wire = PB_NEW(arena, taskrouter__routing__v1__hours_state);
    if (wire == NULL)
        return NULL;
    char local[HOURS_LOCAL_TEXT_SIZE];
    int64_t open_us = 0;
    int64_t close_us = 0;
    const struct snapshot_schedule *schedule = decision->schedule;
    hours_next(schedule->compiled, task->at_us, &open_us, &close_us);
    wire->schedule_sid = wire_text(arena, schedule->sid);
    wire->schedule_name = wire_text(arena, schedule->name);
    wire->time_zone = wire_text(arena, hours_zone_name(hours_schedule_zone(schedule->compiled)));
    wire->local_time = wire_text(arena, hours_local_text(&decision->hours.local, local));
    wire->is_open = decision->hours.is_open;
    wire->is_holiday = decision->hours.is_holiday;
    wire->holiday_name = wire_text(arena, decision->hours.holiday_name);
    wire->special_name = wire_text(arena, decision->hours.special_name);
    wire->next_open = wire_time(arena, open_us);
    wire->next_close = wire_time(arena, close_us);
    return wire;
}

wire_decision *decision_to_wire(struct arena *arena, const struct snapshot *snapshot,
                                const struct rule_set *set, const struct decide_task *task,
                                const struct decision *decision)
{
    wire_decision *wire = PB_NEW(arena, taskrouter__routing__v1__decision);
    if (wire == NULL || !put_rules(arena, snapshot, set, &decision->outcome, wire))
        return NULL;
    put_outcome(arena, &decision->outcome, wire);
    wire->attributes = arena_str_dup(arena, decision->attributes);
    wire->keywords = keywords_to_wire(arena, &decision->keywords);
    wire->hours = hours_to_wire(arena, task, decision);
    wire->has_rules = rule_set_has_enabled(set);
    return arena_is_exhausted(arena) ? NULL : wire;
}
