#include "engine/explain.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "engine_int.h"
#include "explain_int.h"

enum {
    DEFAULT_LISTED = 50,
    MAX_LISTED = 200,
    DEFAULT_LOOKED_AT = 10000,
    MAX_STEPS_LISTED = 50,        /* filters, targets */
    MAX_CLAUSES = 16,             /* parts of one expression */
    MAX_PLACES = 20000,           /* waiting tasks looked at for all places together */
    MAX_COMPETING_CLASSES = 1024, /* power of two */
    MAX_COMPETING_WORKERS = 64,
    FEW_ACCEPTED = 5,
    MANY_ACCEPTED = 30,
};

#define WINDOW_S ((int64_t)PACE_MINUTES * 60)

static const char *const obstacle_names[EXPLAIN_OBSTACLE_COUNT] = {[EXPLAIN_NONE] = "none",
#define X(name, text) [EXPLAIN_##name] = (text),
                                                                   EXPLAIN_OBSTACLES(X)
#undef X
};

const char *explain_obstacle_name(enum explain_obstacle obstacle)
{
    return obstacle_names[obstacle];
}

/* An expression cut into the parts that all have to be true. */
struct parts {
    struct expr *exprs[MAX_CLAUSES];
    size_t columns[MAX_CLAUSES];
    size_t failed[MAX_CLAUSES];
    size_t count;
};

struct explaining {
    struct engine *engine;
    struct arena *arena;
    const struct explain_ask *ask;
    struct explain_task *out;
    struct task *task;
    struct expr_record *record; /* the task's attributes */
    const struct workflow_target *target;
    struct queue *queue;        /* NULL: routed to a worker */
    const struct worker *known; /* the one that the step asks for; NULL = nobody fits, if asked */
    struct str known_name;
    bool wants_known;
    bool is_known_by_name;
    size_t limit;
    size_t max_workers;
    size_t place_budget;
    struct worker **nearest[EXPLAIN_OBSTACLE_COUNT];
    size_t nearest_count[EXPLAIN_OBSTACLE_COUNT];
    struct parts queue_parts;
    struct parts target_parts;
    struct worker *qualified[MAX_COMPETING_WORKERS];
    size_t qualified_count;
};

static struct str copy(struct explaining *x, struct str text)
{
    return text.len == 0 ? STR("") : arena_str(x->arena, text);
}

/* --- expressions --------------------------------------------------------------------------- */

/* The part that made the whole false: into AND as long as one of its parts is. */
static void find_clause(const struct expr_trace *trace, struct explain_clause *out)
{
    size_t at = 0;
    while (at < trace->row_count && strcmp(trace->rows[at].op, "AND") == 0) {
        size_t depth = trace->rows[at].depth;
        size_t child = at + 1;
        while (child < trace->row_count && trace->rows[child].depth > depth &&
               !(trace->rows[child].depth == depth + 1 && !trace->rows[child].is_true))
            child++;
        if (child >= trace->row_count || trace->rows[child].depth <= depth)
            break;
        at = child;
    }
    if (at >= trace->row_count)
        return;
    const struct expr_trace_row *row = &trace->rows[at];
    *out = (struct explain_clause){
        .text = row->text,
        .column_first = row->column_first,
        .column_last = row->column_last,
        .op = row->op,
        .left = row->left,
        .right = row->right,
    };
}

static void fill_clause(struct explaining *x, const struct expr *expr, const struct expr_env *env,
                        struct explain_clause *out)
{
    struct expr_trace trace;
    *out = (struct explain_clause){.text = STR(""), .op = ""};
    if (expr != NULL && expr_trace(expr, env, x->arena, &trace, NULL) == ERR_OK)
        find_clause(&trace, out);
}

static void parts_init(struct explaining *x, struct parts *parts, const struct expr *expr,
                       const struct expr_context *context)
{
    struct expr_trace trace;
    struct expr_env nothing = {0};
    if (expr == NULL || expr_trace(expr, &nothing, x->arena, &trace, NULL) != ERR_OK ||
        trace.row_count == 0)
        return;
    bool is_whole = strcmp(trace.rows[0].op, "AND") != 0;
    for (size_t i = is_whole ? 0 : 1; i < trace.row_count && parts->count < MAX_CLAUSES; i++) {
        if (trace.rows[i].depth != (is_whole ? 0U : 1U))
            continue;
        if (expr_compile(trace.rows[i].text, context, &parts->exprs[parts->count], NULL) != ERR_OK)
            continue;
        parts->columns[parts->count++] = trace.rows[i].column_first;
    }
}

static void parts_fini(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        expr_free(parts->exprs[i]);
}

static void parts_note(struct parts *parts, const struct expr_env *env)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (!expr_eval(parts->exprs[i], env)) {
            parts->failed[i]++;
            return;
        }
    }
}

/* --- the step ------------------------------------------------------------------------------ */

static void fill_filter(struct explaining *x, const struct workflow_filter *filter, int32_t index,
                        struct explain_filter *out)
{
    struct expr_env env = {.records = {[EXPR_SLOT_TASK] = x->record}};
    *out = (struct explain_filter){
        .index = index,
        .name = copy(x, filter->name),
        .expression = copy(x, filter->expression_text),
        .is_match = filter->expression == NULL || expr_eval(filter->expression, &env),
        .is_current = index == x->task->filter_index,
        .clause = {.text = STR(""), .op = ""},
    };
    if (!out->is_match)
        fill_clause(x, filter->expression, &env, &out->clause);
}

/* The filters up to the one that the task is in; all of them when it is in the default. */
static bool fill_filters(struct explaining *x)
{
    const struct workflow_doc *doc = x->task->document->doc;
    bool is_default = x->task->filter_index == FILTER_DEFAULT;
    size_t count = is_default ? doc->filter_count : (size_t)x->task->filter_index + 1;
    size_t listed = count > MAX_STEPS_LISTED ? MAX_STEPS_LISTED : count;
    struct explain_filter *filters = ARENA_ARRAY(x->arena, struct explain_filter, listed + 1);
    if (filters == NULL)
        return false;
    /* The last ones: those before the task's own are the ones that are asked about. */
    for (size_t i = 0; i < listed; i++) {
        size_t index = count - listed + i;
        fill_filter(x, &doc->filters[index], (int32_t)index, &filters[i]);
    }
    x->out->filters = filters;
    x->out->filter_count = listed;
    x->out->filters_left_out = count - listed;
    if (is_default)
        fill_filter(x, &doc->default_filter, FILTER_DEFAULT, &filters[x->out->filter_count++]);
    x->out->filter_name =
        is_default ? STR("default_filter") : copy(x, doc->filters[x->task->filter_index].name);
    return true;
}

static int64_t target_deadline(const struct workflow_filter *filter, int32_t target,
                               int64_t base_us)
{
    int64_t sum_s = 0;
    if (!filter->targets[target].has_timeout)
        return TIME_NEVER;
    for (int32_t i = 0; i <= target; i++)
        sum_s += filter->targets[i].has_timeout ? filter->targets[i].timeout_s : 0;
    return time_after(base_us, sum_s);
}

static void count_available(const struct queue *queue, struct explain_target *out)
{
    const struct list *activities = &queue->workspace->activities;
    out->members = queue->member_count;
    for (struct list_node *node = list_first(activities); node != NULL;
         node = list_next(activities, node)) {
        const struct activity *activity = LIST_ENTRY(node, struct activity, node);
        if (activity->is_available && activity->index < queue->activity_capacity)
            out->available += queue->activity_counts[activity->index];
    }
}

/* --- places -------------------------------------------------------------------------------- */

static void place_add(struct explaining *x, const struct task_class *class, const struct task *task,
                      struct explain_place *place)
{
    place->position += class_count_before(class, task, &x->place_budget);
    place->waiting += class->waiting;
}

/* Where the task is among those that wait in the queue; or would be, as it is given. */
static struct explain_place place_in(struct explaining *x, const struct queue *queue,
                                     const struct task *task)
{
    struct explain_place place = {.position = 1};
    for (struct list_node *node = list_first(&queue->classes); node != NULL && x->place_budget > 0;
         node = list_next(&queue->classes, node)) {
        const struct task_class *class = LIST_ENTRY(node, struct task_class, queue_node);
        x->place_budget--;
        if (class->waiting > 0)
            place_add(x, class, task, &place);
    }
    place.is_exact = x->place_budget > 0;
    return place;
}

struct class_set {
    const struct task_class *classes[MAX_COMPETING_CLASSES];
    size_t count;
};

/* False: it was there already, or the set is full. */
static bool class_set_add(struct class_set *set, const struct task_class *class)
{
    size_t at =
        (size_t)(hash_bytes((const void *)&class, sizeof(const void *)) % MAX_COMPETING_CLASSES);
    while (set->classes[at] != NULL && set->classes[at] != class)
        at = (at + 1) % MAX_COMPETING_CLASSES;
    if (set->classes[at] == class || set->count > MAX_COMPETING_CLASSES / 2)
        return false;
    set->classes[at] = class;
    set->count++;
    return true;
}

/* Among all that wait for one of the workers who qualify, in whatever queue. */
static struct explain_place place_competing(struct explaining *x)
{
    struct explain_place place = {.position = 1};
    struct class_set *set = ARENA_NEW(x->arena, struct class_set);
    uint32_t channel = x->task->channel->index;
    if (set == NULL)
        return place;
    for (size_t i = 0; i < x->qualified_count; i++) {
        const struct worker *worker = x->qualified[i];
        if (channel >= worker->channel_count || worker->channels[channel] == NULL)
            continue;
        const struct list *members = &worker->channels[channel]->members;
        for (struct list_node *node = list_first(members); node != NULL && x->place_budget > 0;
             node = list_next(members, node)) {
            const struct task_class *class =
                LIST_ENTRY(node, struct class_member, worker_node)->class;
            x->place_budget--;
            if (class->waiting > 0 && class_set_add(set, class))
                place_add(x, class, x->task, &place);
        }
    }
    place.is_exact = x->place_budget > 0 && set->count <= MAX_COMPETING_CLASSES / 2 &&
                     x->out->qualified <= MAX_COMPETING_WORKERS;
    return place;
}

static void fill_places(struct explaining *x)
{
    struct task *task = x->task;
    if (task->state != TASK_PENDING || task->class == NULL)
        return;
    const struct line *same = task_line(task);
    x->out->same = (struct explain_place){.position = 1, .waiting = same->count};
    x->out->same.position += line_count_before(same, &task->place, &x->place_budget);
    x->out->same.is_exact = x->place_budget > 0;
    if (x->queue == NULL)
        return;
    x->out->place = place_in(x, x->queue, task);
    x->out->competing = place_competing(x);
}

/* The nodes of a copy are in no line: comparing reads the task around them only. */
static struct explain_place
place_if_there(struct explaining *x, const struct workflow_target *target, struct queue *queue)
{
    struct task there = *x->task;
    there.queue = queue;
    there.class = NULL;
    if (target->has_priority)
        there.priority = target->priority;
    return place_in(x, queue, &there);
}

static void fill_target(struct explaining *x, const struct workflow_filter *filter, int32_t index,
                        struct explain_target *out)
{
    const struct workflow_target *target = &filter->targets[index];
    const struct task *task = x->task;
    struct queue *queue = map_get(&x->engine->queues, target->queue);
    *out = (struct explain_target){
        .index = index,
        .queue_sid = sid_from(target->queue),
        .queue_name = STR(""),
        .is_queue_missing = queue == NULL || queue->is_deleted || queue->version == 0,
        .has_priority = target->has_priority,
        .priority = target->priority,
        .has_timeout = target->has_timeout,
        .timeout_s = target->timeout_s,
        .deadline_us = target_deadline(filter, index, task->filter_base_us),
        .expression = copy(x, target->expression_text),
        .order_by = copy(x, target->order_by_text),
        .skip_if = copy(x, target->skip_if_text),
        .known_worker = copy(x, target->known_worker_text),
        .is_current = index == task->target_index,
        .is_over = index < task->target_index,
    };
    if (queue == NULL)
        return;
    out->queue_name = copy(x, queue->name);
    out->would_skip = route_would_skip(x->engine, queue, target);
    count_available(queue, out);
    if (task->state == TASK_PENDING && index > task->target_index)
        out->place = place_if_there(x, target, queue);
    else if (out->is_current)
        out->place = x->out->place;
}

static bool fill_targets(struct explaining *x)
{
    const struct workflow_doc *doc = x->task->document->doc;
    const struct workflow_filter *filter = x->task->filter_index == FILTER_DEFAULT
                                               ? &doc->default_filter
                                               : &doc->filters[x->task->filter_index];
    size_t current = (size_t)x->task->target_index;
    size_t first = current >= MAX_STEPS_LISTED ? current - MAX_STEPS_LISTED / 2 : 0;
    size_t count = filter->target_count - first;
    count = count > MAX_STEPS_LISTED ? MAX_STEPS_LISTED : count;
    struct explain_target *targets = ARENA_ARRAY(x->arena, struct explain_target, count);
    if (targets == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        fill_target(x, filter, (int32_t)(first + i), &targets[i]);
    x->out->targets = targets;
    x->out->target_count = count;
    x->out->targets_left_out = filter->target_count - count;
    return true;
}

/* --- the known worker ----------------------------------------------------------------------- */

static bool is_member(const struct queue *queue, const struct worker *worker)
{
    struct expr_env env = {.records = {[EXPR_SLOT_WORKER] = worker->record}};
    return !worker->is_deleted && !queue->is_deleted && queue->target != NULL &&
           expr_eval(queue->target, &env);
}

/* Names are known where a step asks for one. */
static const struct worker *find_by_name(const struct explaining *x, struct str name)
{
    struct known_space space;
    const struct known *known =
        map_get(&x->task->workspace->known, class_known_key(&space, true, name));
    return known == NULL ? NULL : known_worker(known);
}

static void known_fault(struct explaining *x, int code, const char *text)
{
    x->out->known.code = code;
    x->out->known.text = str_from(text);
}

static void fill_known(struct explaining *x)
{
    struct explain_known *known = &x->out->known;
    const struct workflow_target *target = x->target;
    known->text = STR("");
    if (x->task->target_worker != NULL) {
        x->wants_known = true;
        x->known = x->task->target_worker;
        return;
    }
    if (target == NULL || target->known_worker == NULL)
        return;
    x->wants_known = true;
    struct expr_env env = {.records = {[EXPR_SLOT_TASK] = x->record}};
    known->is_asked = true;
    known->path = copy(x, target->known_worker_text);
    known->value = copy(x, expr_value_text(expr_path_get(target->known_worker, &env)));
    if (known->value.len == 0) {
        known_fault(x, 40154, "the attribute is missing, null or no text: nobody fits");
        return;
    }
    x->known = target->is_known_by_name ? find_by_name(x, known->value)
                                        : map_get(&x->engine->workers, known->value);
    if (x->known == NULL || (x->known->is_deleted && x->known->workspace == x->task->workspace)) {
        x->known = NULL;
        known_fault(x, 40154, "there is no such worker");
    } else if (x->known->workspace != x->task->workspace) {
        x->known = NULL;
        known_fault(x, 40155, "that worker is of another workspace");
    } else {
        known->worker_sid = x->known->sid;
        if (x->queue == NULL || !is_member(x->queue, x->known))
            known_fault(x, 40152, "that worker is not in the step's queue");
    }
}

/* --- workers -------------------------------------------------------------------------------- */

static const struct worker_channel *slot_of(const struct worker *worker,
                                            const struct channel *channel)
{
    return channel->index < worker->channel_count ? worker->channels[channel->index] : NULL;
}

/* The worker's last reservation of this task; NULL = none. */
static const struct reservation *last_of(const struct task *task, const struct worker *worker)
{
    const struct reservation *found = NULL;
    for (struct list_node *node = list_first(&task->reservations); node != NULL;
         node = list_next(&task->reservations, node)) {
        const struct reservation *reservation = LIST_ENTRY(node, struct reservation, task_node);
        if (reservation->worker == worker)
            found = reservation;
    }
    return found;
}

static int32_t pending_of(const struct worker *worker, const struct channel *channel)
{
    const struct worker_channel *slot = slot_of(worker, channel);
    return slot == NULL ? 0 : slot->consumed - slot->accepted;
}

static unsigned capacity_obstacles(const struct explaining *x, const struct worker *worker)
{
    const struct worker_channel *slot = slot_of(worker, x->task->channel);
    int32_t capacity = slot == NULL ? 1 : slot->capacity;
    int32_t consumed = slot == NULL ? 0 : slot->consumed;
    unsigned obstacles = 0;
    if (slot != NULL && !slot->is_available)
        obstacles |= 1U << EXPLAIN_CHANNEL_UNAVAILABLE;
    if (capacity <= 0)
        obstacles |= 1U << EXPLAIN_NO_CAPACITY;
    else if (consumed >= capacity)
        obstacles |= pending_of(worker, x->task->channel) > 0 ? 1U << EXPLAIN_OFFERED_ELSEWHERE
                                                              : 1U << EXPLAIN_AT_CAPACITY;
    if (worker->workspace->is_single_tasking && worker->open_reservations > 0)
        obstacles |= 1U << EXPLAIN_BUSY;
    return obstacles;
}

/* Everything that is looked for; the expressions only where what comes before them is true. */
static unsigned obstacles_of(struct explaining *x, const struct worker *worker, bool is_in_queue)
{
    const struct task *task = x->task;
    struct expr_env env = {
        .records = {[EXPR_SLOT_TASK] = x->record, [EXPR_SLOT_WORKER] = worker->record}
    };
    unsigned obstacles = 0;
    if (!is_in_queue)
        return 1U << EXPLAIN_NOT_IN_QUEUE;
    if (x->wants_known && worker != x->known)
        obstacles |= 1U << EXPLAIN_KNOWN_WORKER;
    if (x->target != NULL && x->target->expression != NULL &&
        !expr_eval(x->target->expression, &env))
        obstacles |= 1U << EXPLAIN_TARGET_EXPRESSION;
    if (task->state == TASK_RESERVED) {
        const struct reservation *last = last_of(task, worker);
        if (last != NULL && last->state == RESERVATION_PENDING)
            return obstacles | 1U << EXPLAIN_OFFERED;
    }
    if (task->target_worker != NULL && task->ignore_capacity)
        return obstacles;
    if (worker->activity == NULL || !worker->activity->is_available)
        obstacles |= 1U << EXPLAIN_ACTIVITY_UNAVAILABLE;
    return obstacles | capacity_obstacles(x, worker);
}

/* The farthest one. */
static enum explain_obstacle named_obstacle(unsigned obstacles)
{
    for (int i = EXPLAIN_OBSTACLE_COUNT - 1; i > EXPLAIN_FREE; i--) {
        if ((obstacles >> i & 1U) != 0)
            return (enum explain_obstacle)i;
    }
    return EXPLAIN_FREE;
}

static void look_at(struct explaining *x, struct worker *worker, bool is_in_queue)
{
    enum explain_obstacle named = named_obstacle(obstacles_of(x, worker, is_in_queue));
    struct expr_env env = {
        .records = {[EXPR_SLOT_TASK] = x->record, [EXPR_SLOT_WORKER] = worker->record}
    };
    x->out->looked_at++;
    x->out->counts[named]++;
    if (named < EXPLAIN_TARGET_EXPRESSION) {
        x->out->qualified++;
        if (x->qualified_count < MAX_COMPETING_WORKERS)
            x->qualified[x->qualified_count++] = worker;
    }
    if (named == EXPLAIN_TARGET_EXPRESSION)
        parts_note(&x->target_parts, &env);
    if (named == EXPLAIN_NOT_IN_QUEUE)
        parts_note(&x->queue_parts, &env);
    bool is_asked = sid_is_set(&x->ask->worker_sid)
                        ? strcmp(worker->sid.text, x->ask->worker_sid.text) == 0
                        : x->ask->only == EXPLAIN_NONE || x->ask->only == named;
    if (is_asked && x->nearest_count[named] < x->limit)
        x->nearest[named][x->nearest_count[named]++] = worker;
}

/* The queue's members first, the others as far as the bound allows. */
static void look_at_all(struct explaining *x)
{
    if (x->queue == NULL) {
        if (x->task->target_worker != NULL && !x->task->target_worker->is_deleted)
            look_at(x, x->task->target_worker, true);
        return;
    }
    const struct list *members = &x->queue->members;
    for (struct list_node *node = list_first(members);
         node != NULL && x->out->looked_at < x->max_workers; node = list_next(members, node))
        look_at(x, LIST_ENTRY(node, struct queue_member, queue_node)->worker, true);
    const struct list *workers = &x->task->workspace->workers;
    size_t left = x->max_workers; /* members are passed over here, and cost a little too */
    for (struct list_node *node = list_first(workers);
         node != NULL && x->out->looked_at < x->max_workers && left-- > 0;
         node = list_next(workers, node)) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (!worker->is_deleted && !is_member(x->queue, worker))
            look_at(x, worker, false);
    }
}

static void fill_candidate(struct explaining *x, const struct worker *worker,
                           enum explain_obstacle named, struct explain_candidate *out)
{
    const struct worker_channel *slot = slot_of(worker, x->task->channel);
    const struct reservation *last = last_of(x->task, worker);
    struct expr_env env = {
        .records = {[EXPR_SLOT_TASK] = x->record, [EXPR_SLOT_WORKER] = worker->record}
    };
    *out = (struct explain_candidate){
        .sid = worker->sid,
        .name = copy(x, worker->name),
        .activity_name = worker->activity == NULL ? STR("") : copy(x, worker->activity->name),
        .obstacle = named,
        .obstacles = obstacles_of(x, worker, named != EXPLAIN_NOT_IN_QUEUE),
        .capacity = slot == NULL ? 1 : slot->capacity,
        .consumed = slot == NULL ? 0 : slot->consumed,
        .pending = pending_of(worker, x->task->channel),
        .clause = {.text = STR(""), .op = ""},
    };
    if (last != NULL) {
        out->earlier = last->state;
        out->earlier_at_us = last->updated_at_us;
    }
    if (named == EXPLAIN_NOT_IN_QUEUE)
        fill_clause(x, x->queue->target, &env, &out->clause);
    if (named == EXPLAIN_TARGET_EXPRESSION)
        fill_clause(x, x->target->expression, &env, &out->clause);
}

static void add_parts(struct explain_count *counts, size_t *count, const struct parts *parts,
                      bool is_of_queue)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->failed[i] == 0)
            continue;
        counts[(*count)++] = (struct explain_count){
            .is_of_queue = is_of_queue,
            .text = expr_text(parts->exprs[i]),
            .column = parts->columns[i],
            .workers = parts->failed[i],
        };
    }
}

static bool fill_clauses(struct explaining *x)
{
    size_t most = x->queue_parts.count + x->target_parts.count;
    struct explain_count *counts = ARENA_ARRAY(x->arena, struct explain_count, most);
    if (counts == NULL)
        return false;
    add_parts(counts, &x->out->clause_count, &x->target_parts, false);
    add_parts(counts, &x->out->clause_count, &x->queue_parts, true);
    for (size_t i = 0; i < x->out->clause_count; i++)
        counts[i].text = copy(x, counts[i].text);
    x->out->clauses = counts;
    return true;
}

static bool fill_candidates(struct explaining *x)
{
    struct explain_candidate *list = ARENA_ARRAY(x->arena, struct explain_candidate, x->limit);
    for (int i = EXPLAIN_FREE; i < EXPLAIN_OBSTACLE_COUNT; i++) {
        x->nearest[i] = ARENA_ARRAY(x->arena, struct worker *, x->limit);
        if (x->nearest[i] == NULL)
            return false;
    }
    if (list == NULL)
        return false;
    if (x->queue != NULL)
        parts_init(x, &x->queue_parts, x->queue->target, &expr_context_queue);
    if (x->target != NULL)
        parts_init(x, &x->target_parts, x->target->expression, &expr_context_target);
    look_at_all(x);
    /* Somebody who is asked for is looked at, however many there are. */
    struct worker *asked = map_get(&x->engine->workers, sid_str(&x->ask->worker_sid));
    if (asked != NULL && asked->workspace == x->task->workspace && !asked->is_deleted) {
        bool is_in_queue =
            x->queue == NULL ? asked == x->task->target_worker : is_member(x->queue, asked);
        enum explain_obstacle named = named_obstacle(obstacles_of(x, asked, is_in_queue));
        if (named != EXPLAIN_NOT_IN_QUEUE || x->queue != NULL)
            fill_candidate(x, asked, named, &list[x->out->candidate_count++]);
    }
    for (int i = EXPLAIN_FREE; i < EXPLAIN_OBSTACLE_COUNT && asked == NULL; i++) {
        for (size_t j = 0; j < x->nearest_count[i] && x->out->candidate_count < x->limit; j++)
            fill_candidate(x, x->nearest[i][j], (enum explain_obstacle)i,
                           &list[x->out->candidate_count++]);
    }
    x->out->candidates = list;
    return fill_clauses(x);
}

/* --- the wait ------------------------------------------------------------------------------- */

static void fill_wait(struct explaining *x)
{
    struct explain_wait *wait = &x->out->wait;
    int64_t waited_s = 0;
    if (x->queue == NULL || x->task->state != TASK_PENDING)
        return;
    pace_sum(&x->queue->pace, x->out->now_us, &wait->accepted, &waited_s);
    int64_t since_s = (x->out->now_us - x->engine->started_us) / US_PER_S;
    wait->window_s = since_s < 60 ? 60 : since_s > WINDOW_S ? WINDOW_S : since_s;
    if (wait->accepted == 0)
        return;
    wait->average_wait_s = waited_s / wait->accepted;
    if (x->out->qualified == 0 || x->out->place.position == 0)
        return;
    wait->is_known = true;
    wait->seconds = (int64_t)x->out->place.position * wait->window_s / wait->accepted;
    wait->trust = wait->accepted < FEW_ACCEPTED || !x->out->place.is_exact ? EXPLAIN_TRUST_LOW
                  : wait->accepted < MANY_ACCEPTED                         ? EXPLAIN_TRUST_MEDIUM
                                                                           : EXPLAIN_TRUST_HIGH;
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool fill_offers(struct explaining *x)
{
    size_t count = 0;
    const struct list *list = &x->task->reservations;
    for (struct list_node *node = list_first(list); node != NULL; node = list_next(list, node))
        count++;
    size_t skip = count > MAX_LISTED ? count - MAX_LISTED : 0; /* the latest count */
    struct explain_offer *offers = ARENA_ARRAY(x->arena, struct explain_offer, count - skip);
    if (offers == NULL)
        return false;
    for (struct list_node *node = list_first(list); node != NULL; node = list_next(list, node)) {
        if (skip > 0)
            skip--;
        else
            reservation_fill_row(LIST_ENTRY(node, struct reservation, task_node),
                                 &offers[x->out->offer_count++].row);
    }
    x->out->offers = offers;
    return true;
}

static bool fill_all(struct explaining *x)
{
    const struct task *task = x->task;
    const struct list *activities = &task->workspace->activities;
    bool is_routed = task->state == TASK_PENDING || task->state == TASK_RESERVED;
    for (struct list_node *node = list_first(activities); node != NULL;
         node = list_next(activities, node))
        x->out->workers += LIST_ENTRY(node, struct activity, node)->worker_count;
    if (task->workflow != NULL && task->workflow->current != NULL)
        x->out->current_workflow_version = task->workflow->current->version;
    if (!fill_offers(x))
        return false;
    if (!is_routed)
        return true;
    x->out->expires_at_us = time_after(task->created_at_us, task->timeout_s);
    x->target = route_target(task);
    x->queue = task->target_worker != NULL ? NULL : task->queue;
    fill_known(x);
    if (!fill_candidates(x))
        return false;
    fill_places(x);
    fill_wait(x);
    if (task->document == NULL || task->filter_index == FILTER_DIRECT)
        return true;
    return fill_filters(x) && fill_targets(x);
}

static enum err_code explain_no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the explanation needs too much memory; ask for fewer workers");
}

static void explain_begin(struct explain_task *out, int64_t now_us)
{
    *out = (struct explain_task){
        .now_us = now_us,
        .filter_name = STR(""),
        .known = {.path = STR(""), .value = STR(""), .text = STR("")},
    };
}

enum err_code explain_task_row(const struct task_row *row, int64_t now_us, struct arena *arena,
                               struct explain_task *out, struct err *err)
{
    explain_begin(out, now_us);
    out->row = *row;
    out->summary = explain_summary(arena, out);
    return arena_is_exhausted(arena) ? explain_no_room(err) : ERR_OK;
}

enum err_code engine_explain_task(struct engine *engine, const struct explain_ask *ask,
                                  int64_t now_us, struct arena *arena, struct explain_task *out,
                                  struct err *err)
{
    struct task *task = sid_map_get(&engine->tasks, &ask->sid);
    if (task == NULL || strcmp(task->workspace->sid.text, ask->workspace_sid.text) != 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "TASK_NOT_FOUND", "sid",
                         "there is no task %s in this workspace", ask->sid.text);
    explain_begin(out, now_us > engine->now_us ? now_us : engine->now_us);
    task_fill_row(task, &out->row);
    struct explaining x = {
        .engine = engine,
        .arena = arena,
        .ask = ask,
        .out = out,
        .task = task,
        .limit = ask->limit == 0           ? DEFAULT_LISTED
                 : ask->limit > MAX_LISTED ? MAX_LISTED
                                           : ask->limit,
        .max_workers = ask->max_workers == 0 ? DEFAULT_LOOKED_AT : ask->max_workers,
        .place_budget = MAX_PLACES,
    };
    enum err_code code = expr_record_new(task->attributes, &x.record, err);
    INVARIANT(code == ERR_OK); /* checked when it came in */
    bool is_good = fill_all(&x);
    if (is_good)
        out->summary = explain_summary(arena, out);
    parts_fini(&x.queue_parts);
    parts_fini(&x.target_parts);
    expr_record_free(x.record);
    if (!is_good || arena_is_exhausted(arena))
        return explain_no_room(err);
    return ERR_OK;
}
