#include "route_trace.h"

#include "decide_wire.h"
#include "route_rpc.h"
#include "route_walk.h"
#include "rpc/pb.h"
#include "rule_events.h"
#include "svc/wire.h"

typedef Taskrouter__Routing__V1__RouteTrace wire_trace;

#define OUTCOME(name) TASKROUTER__ROUTING__V1__RULE_OUTCOME__RULE_OUTCOME_##name

static Taskrouter__Routing__V1__RuleOutcome outcome_of(enum rule_result result)
{
    switch (result) {
    case RULE_RESULT_NONE:
        return OUTCOME(UNSPECIFIED);
    case RULE_RESULT_MATCHED:
        return OUTCOME(MATCHED);
    case RULE_RESULT_NOT_MATCHED:
    case RULE_RESULT_BROKEN: /* the note says so */
        return OUTCOME(NOT_MATCHED);
    case RULE_RESULT_DISABLED:
        return OUTCOME(DISABLED);
    case RULE_RESULT_NOT_VALID_NOW:
        return OUTCOME(NOT_VALID_NOW);
    case RULE_RESULT_NOT_REACHED:
        return OUTCOME(NOT_REACHED);
    }
    return OUTCOME(UNSPECIFIED);
}

static Taskrouter__Routing__V1__RuleClause *clause_to_wire(struct arena *arena,
                                                           const struct expr_trace_row *row)
{
    Taskrouter__Routing__V1__RuleClause *wire = PB_NEW(arena, taskrouter__routing__v1__rule_clause);
    if (wire == NULL)
        return NULL;
    wire->depth = (int32_t)row->depth;
    wire->column_first = (int32_t)row->column_first;
    wire->column_last = (int32_t)row->column_last;
    wire->op = wire_text(arena, row->op);
    wire->text = arena_str_dup(arena, row->text);
    wire->left = arena_str_dup(arena, row->left);
    wire->right = arena_str_dup(arena, row->right);
    wire->is_true = row->is_true;
    return wire;
}

static Taskrouter__Routing__V1__RuleTrace *rule_to_trace(struct arena *arena,
                                                         const struct snapshot *snapshot,
                                                         const struct rule_set *set,
                                                         const struct rule_trace *row)
{
    const struct rule_def *def = rule_set_at(set, row->rule);
    Taskrouter__Routing__V1__RuleTrace *wire = PB_NEW(arena, taskrouter__routing__v1__rule_trace);
    size_t count = row->condition.row_count;
    if (wire == NULL)
        return NULL;
    wire->clauses = ARENA_ARRAY(arena, Taskrouter__Routing__V1__RuleClause *, count);
    if (wire->clauses == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        wire->clauses[i] = clause_to_wire(arena, &row->condition.rows[i]);
    wire->n_clauses = count;
    wire->sid = arena_str_dup(arena, def->sid);
    wire->name = arena_str_dup(arena, def->name);
    wire->priority = def->priority;
    wire->outcome = outcome_of(row->result);
    wire->actions = rule_actions_applied(arena, snapshot, def, row->action_mask, &wire->n_actions);
    wire->note = arena_str_dup(arena, row->note);
    return wire;
}

static bool put_rules(struct arena *arena, const struct snapshot *snapshot,
                      const struct rule_set *set, const struct decision *decision, wire_trace *wire)
{
    wire->rules = ARENA_ARRAY(arena, Taskrouter__Routing__V1__RuleTrace *, decision->trace_count);
    if (wire->rules == NULL)
        return false;
    for (size_t i = 0; i < decision->trace_count; i++)
        wire->rules[i] = rule_to_trace(arena, snapshot, set, &decision->trace[i]);
    wire->n_rules = decision->trace_count;
    return !arena_is_exhausted(arena);
}

/* Where no rule chose a queue or a worker: the workflow that one chose, or the only one. */
static void find_step(struct routing *routing, struct call *call, const struct snapshot *snapshot,
                      wire_trace *wire)
{
    const Taskrouter__Routing__V1__Decision *decision = wire->decision;
    struct err err = {.code = ERR_OK};
    if (decision->task_queue_sid[0] != '\0') {
        wire->task_queue_sid = wire_text(call->arena, decision->task_queue_sid);
        wire->workflow_note = wire_text(call->arena, "a rule chose the queue");
        return;
    }
    if (decision->worker_sid[0] != '\0') {
        wire->workflow_note = wire_text(call->arena, "a rule chose the worker");
        return;
    }
    if (route_find(routing, call, snapshot->workspace_sid, decision->workflow_sid,
                   decision->attributes, snapshot->is_mirrored, &wire->workflow, &err) != ERR_OK) {
        wire->workflow = NULL;
        wire->workflow_note = wire_text(call->arena, err.detail);
        return;
    }
}

static void find_workers(struct routing *routing, struct call *call,
                         const struct snapshot *snapshot, const char *task_channel,
                         wire_trace *wire)
{
    struct route_look *look = route_look_new(routing, call, snapshot, task_channel);
    if (look == NULL)
        return;
    if (wire->workflow != NULL)
        route_walk(routing, call, snapshot, look, wire);
    else if (wire->task_queue_sid[0] != '\0' || wire->decision->worker_sid[0] != '\0')
        (void)route_look_at(look, wire->task_queue_sid, NULL, wire);
}

enum err_code route_trace(struct routing *routing, struct call *call,
                          const struct snapshot *snapshot, const struct rule_set *set,
                          const struct decide_task *task, wire_trace **out, struct err *err)
{
    struct decision decision;
    enum err_code code = decide_trace(routing, snapshot, set, call, task, &decision, err);
    if (code != ERR_OK)
        return code;
    decide_check_worker(routing, call, snapshot, &decision);
    wire_trace *wire = PB_NEW(call->arena, taskrouter__routing__v1__route_trace);
    char **notes = ARENA_ARRAY(call->arena, char *, ROUTE_NOTES_MAX);
    if (wire == NULL || notes == NULL || !put_rules(call->arena, snapshot, set, &decision, wire))
        return call_no_room(err);
    wire->notes = notes;
    wire->decision = decision_to_wire(call->arena, snapshot, set, task, &decision);
    if (wire->decision == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < decision.note_count; i++)
        route_note(call->arena, wire, decision.notes[i]);
    find_step(routing, call, snapshot, wire);
    find_workers(routing, call, snapshot, task->task_channel, wire);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out = wire;
    return ERR_OK;
}
