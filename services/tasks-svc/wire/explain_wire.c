#include "explain_wire.h"

#include "rpc/pb.h"
#include "svc/wire.h"
#include "task_wire.h"

#define OBSTACLE(name) TASKROUTER__TASKS__V1__OBSTACLE__OBSTACLE_##name

static const Taskrouter__Tasks__V1__Obstacle obstacles[EXPLAIN_OBSTACLE_COUNT] = {
    [EXPLAIN_NONE] = OBSTACLE(UNSPECIFIED),
#define X(name, text) [EXPLAIN_##name] = OBSTACLE(name),
    EXPLAIN_OBSTACLES(X)
#undef X
};

enum explain_obstacle obstacle_from_wire(Taskrouter__Tasks__V1__Obstacle obstacle)
{
    for (int i = EXPLAIN_NONE + 1; i < EXPLAIN_OBSTACLE_COUNT; i++) {
        if (obstacles[i] == obstacle)
            return (enum explain_obstacle)i;
    }
    return EXPLAIN_NONE;
}

static char *copy(struct arena *arena, struct str text)
{
    return text.len == 0 ? arena_strdup(arena, "") : arena_str_dup(arena, text);
}

static Google__Protobuf__Timestamp *end_time(struct arena *arena, int64_t at_us)
{
    return at_us == INT64_MAX ? NULL : wire_time(arena, at_us);
}

/* A list of messages; the caller fills the places. NULL: none, or the arena is exhausted. */
#define NEW_LIST(arena, Type, count)                                                               \
    ((count) == 0 ? NULL : ARENA_ARRAY((arena), Taskrouter__Tasks__V1__##Type *, (count)))

static Taskrouter__Tasks__V1__Clause *clause_to_wire(struct arena *arena,
                                                     const struct explain_clause *clause)
{
    if (clause->text.len == 0)
        return NULL;
    Taskrouter__Tasks__V1__Clause *wire = PB_NEW(arena, taskrouter__tasks__v1__clause);
    if (wire == NULL)
        return NULL;
    wire->text = copy(arena, clause->text);
    wire->column_first = (int32_t)clause->column_first;
    wire->column_last = (int32_t)clause->column_last;
    wire->op = arena_strdup(arena, clause->op);
    wire->left = copy(arena, clause->left);
    wire->right = copy(arena, clause->right);
    return wire;
}

static Taskrouter__Tasks__V1__WaitingPosition *position_to_wire(struct arena *arena,
                                                                const struct explain_place *place)
{
    if (place->position == 0)
        return NULL;
    Taskrouter__Tasks__V1__WaitingPosition *wire =
        PB_NEW(arena, taskrouter__tasks__v1__waiting_position);
    if (wire == NULL)
        return NULL;
    wire->position = (int64_t)place->position;
    wire->waiting = (int64_t)place->waiting;
    wire->exact = place->is_exact;
    return wire;
}

static Taskrouter__Tasks__V1__FilterExplanation *filter_to_wire(struct arena *arena,
                                                                const struct explain_filter *filter)
{
    Taskrouter__Tasks__V1__FilterExplanation *wire =
        PB_NEW(arena, taskrouter__tasks__v1__filter_explanation);
    if (wire == NULL)
        return NULL;
    wire->index = filter->index;
    wire->name = copy(arena, filter->name);
    wire->expression = copy(arena, filter->expression);
    wire->matches = filter->is_match;
    wire->current = filter->is_current;
    wire->failed = clause_to_wire(arena, &filter->clause);
    return wire;
}

static Taskrouter__Tasks__V1__TargetExplanation *target_to_wire(struct arena *arena,
                                                                const struct explain_target *target)
{
    Taskrouter__Tasks__V1__TargetExplanation *wire =
        PB_NEW(arena, taskrouter__tasks__v1__target_explanation);
    if (wire == NULL)
        return NULL;
    wire->index = target->index;
    wire->task_queue_sid = arena_strdup(arena, target->queue_sid.text);
    wire->task_queue_name = copy(arena, target->queue_name);
    wire->task_queue_missing = target->is_queue_missing;
    if (target->has_priority) {
        wire->_priority_case = TASKROUTER__TASKS__V1__TARGET_EXPLANATION___PRIORITY_PRIORITY;
        wire->priority = target->priority;
    }
    if (target->has_timeout) {
        wire->_timeout_case = TASKROUTER__TASKS__V1__TARGET_EXPLANATION___TIMEOUT_TIMEOUT;
        wire->timeout = target->timeout_s;
    }
    wire->date_deadline = end_time(arena, target->deadline_us);
    wire->expression = copy(arena, target->expression);
    wire->order_by = copy(arena, target->order_by);
    wire->skip_if = copy(arena, target->skip_if);
    wire->would_skip = target->would_skip;
    wire->known_worker = copy(arena, target->known_worker);
    wire->current = target->is_current;
    wire->over = target->is_over;
    wire->members = (int64_t)target->members;
    wire->available = (int64_t)target->available;
    wire->position = position_to_wire(arena, &target->place);
    return wire;
}

static Taskrouter__Tasks__V1__KnownWorkerExplanation *
known_to_wire(struct arena *arena, const struct explain_known *known)
{
    if (!known->is_asked)
        return NULL;
    Taskrouter__Tasks__V1__KnownWorkerExplanation *wire =
        PB_NEW(arena, taskrouter__tasks__v1__known_worker_explanation);
    if (wire == NULL)
        return NULL;
    wire->path = copy(arena, known->path);
    wire->value = copy(arena, known->value);
    wire->worker_sid = arena_strdup(arena, known->worker_sid.text);
    wire->code = known->code;
    wire->text = copy(arena, known->text);
    return wire;
}

static void fill_obstacles(struct arena *arena, unsigned mask,
                           Taskrouter__Tasks__V1__CandidateExplanation *wire)
{
    Taskrouter__Tasks__V1__Obstacle *list =
        ARENA_ARRAY(arena, Taskrouter__Tasks__V1__Obstacle, EXPLAIN_OBSTACLE_COUNT);
    for (int i = EXPLAIN_NONE + 1; list != NULL && i < EXPLAIN_OBSTACLE_COUNT; i++) {
        if ((mask >> i & 1U) != 0)
            list[wire->n_obstacles++] = obstacles[i];
    }
    wire->obstacles = list;
}

static Taskrouter__Tasks__V1__CandidateExplanation *
candidate_to_wire(struct arena *arena, const struct explain_candidate *candidate)
{
    Taskrouter__Tasks__V1__CandidateExplanation *wire =
        PB_NEW(arena, taskrouter__tasks__v1__candidate_explanation);
    if (wire == NULL)
        return NULL;
    wire->worker_sid = arena_strdup(arena, candidate->sid.text);
    wire->worker_name = copy(arena, candidate->name);
    wire->obstacle = obstacles[candidate->obstacle];
    fill_obstacles(arena, candidate->obstacles, wire);
    wire->activity_name = copy(arena, candidate->activity_name);
    wire->capacity = candidate->capacity;
    wire->consumed = candidate->consumed;
    wire->pending = candidate->pending;
    wire->failed = clause_to_wire(arena, &candidate->clause);
    wire->earlier_status = reservation_status_to_wire(candidate->earlier);
    wire->earlier_date = wire_time(arena, candidate->earlier_at_us);
    return wire;
}

static Taskrouter__Tasks__V1__EstimatedWait *wait_to_wire(struct arena *arena,
                                                          const struct explain_wait *wait)
{
    static const char *const trusts[] = {"", "low", "medium", "high"};
    if (wait->window_s == 0)
        return NULL;
    Taskrouter__Tasks__V1__EstimatedWait *wire =
        PB_NEW(arena, taskrouter__tasks__v1__estimated_wait);
    if (wire == NULL)
        return NULL;
    if (wait->is_known) {
        wire->_seconds_case = TASKROUTER__TASKS__V1__ESTIMATED_WAIT___SECONDS_SECONDS;
        wire->seconds = wait->seconds;
    }
    wire->confidence = arena_strdup(arena, trusts[wait->trust]);
    wire->accepted = wait->accepted;
    wire->window = wait->window_s;
    wire->average_wait = wait->average_wait_s;
    return wire;
}

static void fill_workers(struct arena *arena, const struct explain_task *task,
                         Taskrouter__Tasks__V1__TaskExplanation *wire)
{
    wire->workers = (int64_t)task->workers;
    wire->looked_at = (int64_t)task->looked_at;
    wire->qualified = (int64_t)task->qualified;
    wire->obstacles = NEW_LIST(arena, ObstacleCount, EXPLAIN_OBSTACLE_COUNT);
    for (int i = EXPLAIN_NONE + 1; wire->obstacles != NULL && i < EXPLAIN_OBSTACLE_COUNT; i++) {
        if (task->counts[i] == 0)
            continue;
        Taskrouter__Tasks__V1__ObstacleCount *count =
            PB_NEW(arena, taskrouter__tasks__v1__obstacle_count);
        if (count == NULL)
            return;
        count->obstacle = obstacles[i];
        count->workers = (int64_t)task->counts[i];
        wire->obstacles[wire->n_obstacles++] = count;
    }
    wire->clauses = NEW_LIST(arena, ClauseCount, task->clause_count);
    for (size_t i = 0; wire->clauses != NULL && i < task->clause_count; i++) {
        Taskrouter__Tasks__V1__ClauseCount *count =
            PB_NEW(arena, taskrouter__tasks__v1__clause_count);
        if (count == NULL)
            return;
        count->of_queue = task->clauses[i].is_of_queue;
        count->text = copy(arena, task->clauses[i].text);
        count->column = (int32_t)task->clauses[i].column;
        count->workers = (int64_t)task->clauses[i].workers;
        wire->clauses[wire->n_clauses++] = count;
    }
    wire->candidates = NEW_LIST(arena, CandidateExplanation, task->candidate_count);
    for (size_t i = 0; wire->candidates != NULL && i < task->candidate_count; i++)
        wire->candidates[wire->n_candidates++] = candidate_to_wire(arena, &task->candidates[i]);
}

static void fill_step(struct arena *arena, const struct explain_task *task,
                      Taskrouter__Tasks__V1__TaskExplanation *wire)
{
    bool is_waiting = task->row.state == TASK_PENDING || task->row.state == TASK_RESERVED;
    wire->date_expires = end_time(arena, task->expires_at_us);
    if (is_waiting)
        wire->date_step_ends = end_time(arena, task->row.step_deadline_us);
    wire->current_workflow_version = task->current_workflow_version;
    wire->filter_name = copy(arena, task->filter_name);
    wire->filters = NEW_LIST(arena, FilterExplanation, task->filter_count);
    for (size_t i = 0; wire->filters != NULL && i < task->filter_count; i++)
        wire->filters[wire->n_filters++] = filter_to_wire(arena, &task->filters[i]);
    wire->filters_left_out = (int32_t)task->filters_left_out;
    wire->targets = NEW_LIST(arena, TargetExplanation, task->target_count);
    for (size_t i = 0; wire->targets != NULL && i < task->target_count; i++)
        wire->targets[wire->n_targets++] = target_to_wire(arena, &task->targets[i]);
    wire->targets_left_out = (int32_t)task->targets_left_out;
    wire->known_worker = known_to_wire(arena, &task->known);
}

Taskrouter__Tasks__V1__TaskExplanation *task_explanation_to_wire(struct arena *arena,
                                                                 const struct explain_task *task)
{
    Taskrouter__Tasks__V1__TaskExplanation *wire =
        PB_NEW(arena, taskrouter__tasks__v1__task_explanation);
    if (wire == NULL)
        return NULL;
    wire->summary = copy(arena, task->summary);
    wire->task = task_to_wire(arena, &task->row, task->now_us);
    fill_step(arena, task, wire);
    fill_workers(arena, task, wire);
    wire->same_position = position_to_wire(arena, &task->same);
    wire->queue_position = position_to_wire(arena, &task->place);
    wire->competing_position = position_to_wire(arena, &task->competing);
    wire->estimated_wait = wait_to_wire(arena, &task->wait);
    wire->reservations = NEW_LIST(arena, Reservation, task->offer_count);
    for (size_t i = 0; wire->reservations != NULL && i < task->offer_count; i++)
        wire->reservations[wire->n_reservations++] =
            reservation_to_wire(arena, &task->offers[i].row);
    return arena_is_exhausted(arena) ? NULL : wire;
}
