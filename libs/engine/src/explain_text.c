#include "explain_int.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, PRECISE_S = 120 };

struct str explain_span(struct arena *arena, int64_t seconds)
{
    long long value = seconds;
    const char *unit = "s";
    if (seconds >= 2 * DAY_S) {
        value = seconds / DAY_S;
        unit = "days";
    } else if (seconds >= 2 * HOUR_S) {
        value = seconds / HOUR_S;
        unit = "h";
    } else if (seconds >= PRECISE_S) {
        value = seconds / MINUTE_S;
        unit = "min";
    }
    return str_from(arena_printf(arena, "%lld %s", value, unit));
}

struct sentence {
    struct arena *arena;
    struct buf text;
};

static void put_span(struct sentence *s, int64_t seconds)
{
    buf_str_append(&s->text, explain_span(s->arena, seconds));
}

static void put_name(struct sentence *s, struct str name, struct str instead)
{
    buf_str_append(&s->text, name.len > 0 ? name : instead);
}

/* "3 are at capacity": what stands in the way of those who qualify, most to the point. */
static const char *const obstacle_phrases[EXPLAIN_OBSTACLE_COUNT] = {
    [EXPLAIN_FREE] = "free",
    [EXPLAIN_OFFERED] = "offered this task",
    [EXPLAIN_BUSY] = "busy with another task",
    [EXPLAIN_AT_CAPACITY] = "at capacity",
    [EXPLAIN_OFFERED_ELSEWHERE] = "at capacity with an offer that they have not answered",
    [EXPLAIN_NO_CAPACITY] = "without capacity on this channel",
    [EXPLAIN_CHANNEL_UNAVAILABLE] = "unavailable on this channel",
    [EXPLAIN_ACTIVITY_UNAVAILABLE] = "in an unavailable activity",
    [EXPLAIN_TARGET_EXPRESSION] = "not what the target's expression asks for",
    [EXPLAIN_KNOWN_WORKER] = "not the worker that the step asks for",
    [EXPLAIN_NOT_IN_QUEUE] = "not in the queue",
};

static void put_obstacles(struct sentence *s, const struct explain_task *task,
                          enum explain_obstacle from, enum explain_obstacle to)
{
    const char *before = "";
    for (int i = (int)from; i <= (int)to; i++) {
        if (task->counts[i] == 0)
            continue;
        buf_printf(&s->text, "%s%zu %s %s", before, task->counts[i],
                   task->counts[i] == 1 ? "is" : "are", obstacle_phrases[i]);
        before = ", ";
    }
}

static void put_most_failed(struct sentence *s, const struct explain_task *task, bool is_of_queue)
{
    const struct explain_count *most = NULL;
    for (size_t i = 0; i < task->clause_count; i++) {
        if (task->clauses[i].is_of_queue == is_of_queue &&
            (most == NULL || task->clauses[i].workers > most->workers))
            most = &task->clauses[i];
    }
    if (most != NULL)
        buf_printf(&s->text, " (`%.*s` is false for %zu)", STR_ARG(most->text), most->workers);
}

static void put_nobody_qualifies(struct sentence *s, const struct explain_task *task)
{
    size_t members = task->counts[EXPLAIN_TARGET_EXPRESSION] + task->counts[EXPLAIN_KNOWN_WORKER];
    buf_text(&s->text, "No worker qualifies: ");
    if (task->known.code != 0) {
        buf_printf(&s->text, "the step asks for the worker in %.*s, and %.*s (%d).",
                   STR_ARG(task->known.path), STR_ARG(task->known.text), task->known.code);
        return;
    }
    if (members == 0) {
        buf_printf(&s->text, "queue %.*s has no members among %zu worker%s",
                   STR_ARG(task->row.queue_name), task->workers, task->workers == 1 ? "" : "s");
        put_most_failed(s, task, true);
    } else {
        buf_printf(&s->text, "of the %zu worker%s of queue %.*s ", members, members == 1 ? "" : "s",
                   STR_ARG(task->row.queue_name));
        put_obstacles(s, task, EXPLAIN_TARGET_EXPRESSION, EXPLAIN_KNOWN_WORKER);
        put_most_failed(s, task, false);
    }
    buf_char(&s->text, '.');
}

static void put_queue_missing(struct sentence *s, const struct explain_task *task)
{
    for (size_t i = 0; i < task->target_count; i++) {
        if (task->targets[i].is_current && task->targets[i].is_queue_missing)
            buf_printf(&s->text, " Queue %s was deleted or is not known.",
                       task->targets[i].queue_sid.text);
    }
}

static void put_who(struct sentence *s, const struct explain_task *task)
{
    bool is_direct = task->row.filter_index == FILTER_DIRECT &&
                     str_starts_with(str_from(task->row.routing_target.text), STR("WK"));
    if (is_direct && task->looked_at == 0) {
        buf_printf(&s->text, "The worker %s that it is routed to was deleted.",
                   task->row.routing_target.text);
        return;
    }
    if (task->qualified == 0) {
        put_nobody_qualifies(s, task);
        return;
    }
    if (task->counts[EXPLAIN_FREE] > 0)
        buf_printf(&s->text, "%zu of %zu workers who qualify are free: one of them is asked next.",
                   task->counts[EXPLAIN_FREE], task->qualified);
    else if (is_direct)
        buf_printf(&s->text, "The worker that it is routed to is ");
    else
        buf_printf(&s->text, "No one is free: %zu worker%s of queue %.*s qualif%s, ",
                   task->qualified, task->qualified == 1 ? "" : "s", STR_ARG(task->row.queue_name),
                   task->qualified == 1 ? "ies" : "y");
    if (task->counts[EXPLAIN_FREE] > 0)
        return;
    if (is_direct) {
        for (int i = EXPLAIN_OFFERED; i <= EXPLAIN_ACTIVITY_UNAVAILABLE; i++) {
            if (task->counts[i] > 0)
                buf_text(&s->text, obstacle_phrases[i]);
        }
    } else {
        put_obstacles(s, task, EXPLAIN_OFFERED, EXPLAIN_ACTIVITY_UNAVAILABLE);
    }
    buf_char(&s->text, '.');
}

static void put_place(struct sentence *s, const struct explain_task *task)
{
    static const char *const trusts[] = {"", "low", "medium", "high"};
    const struct explain_wait *wait = &task->wait;
    if (task->place.position == 0)
        return;
    buf_printf(&s->text, " It is number %s%zu of %s%zu waiting in the queue",
               task->place.is_exact ? "" : "at least ", task->place.position,
               task->place.is_exact ? "" : "at least ", task->place.waiting);
    if (wait->is_known) {
        buf_text(&s->text, "; at the pace of the last ");
        put_span(s, wait->window_s);
        buf_text(&s->text, " its turn comes in about ");
        put_span(s, wait->seconds);
        buf_printf(&s->text, " (%s confidence, %lld accepted)", trusts[wait->trust],
                   (long long)wait->accepted);
    } else {
        buf_text(&s->text, "; how long it will take cannot be said");
    }
    buf_char(&s->text, '.');
}

static void put_step(struct sentence *s, const struct explain_task *task)
{
    int64_t end_us = task->row.step_deadline_us;
    bool is_life = end_us >= task->expires_at_us;
    if (task->row.filter_index != FILTER_DIRECT) {
        buf_text(&s->text, " It is in ");
        if (task->row.filter_index == FILTER_DEFAULT)
            buf_text(&s->text, "the default filter");
        else
            buf_printf(&s->text, "target %d of %zu of filter ", (int)task->row.target_index + 1,
                       task->target_count + task->targets_left_out);
        if (task->row.filter_index != FILTER_DEFAULT)
            put_name(s, task->filter_name,
                     str_from(arena_printf(s->arena, "%d", (int)task->row.filter_index + 1)));
        buf_printf(&s->text, " of workflow %.*s (document %lld)", STR_ARG(task->row.workflow_name),
                   (long long)task->row.workflow_version);
    } else {
        buf_text(&s->text, " It was routed directly");
    }
    int64_t left_us = (is_life ? task->expires_at_us : end_us) - task->now_us;
    buf_text(&s->text, is_life ? "; its life ends in " : "; the step ends in ");
    put_span(s, left_us < 0 ? 0 : left_us / US_PER_S);
    buf_char(&s->text, '.');
}

static void put_earlier(struct sentence *s, const struct explain_task *task)
{
    size_t over[RESERVATION_STATE_COUNT] = {0};
    const char *before = " Before, it was ";
    for (size_t i = 0; i < task->offer_count; i++)
        over[task->offers[i].row.state]++;
    static const struct {
        enum reservation_state state;
        const char *words;
    } rows[] = {
        {RESERVATION_REJECTED, "rejected"       },
        {RESERVATION_TIMEOUT,  "left unanswered"},
        {RESERVATION_CANCELED, "withdrawn"      },
    };
    bool is_said = false;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (over[rows[i].state] == 0)
            continue;
        buf_printf(&s->text, "%s%s %zu time%s", before, rows[i].words, over[rows[i].state],
                   over[rows[i].state] == 1 ? "" : "s");
        before = ", ";
        is_said = true;
    }
    if (is_said)
        buf_char(&s->text, '.');
}

static void put_offers(struct sentence *s, const struct explain_task *task,
                       enum reservation_state state, const char *first)
{
    const char *before = first;
    for (size_t i = 0; i < task->offer_count; i++) {
        const struct reservation_row *row = &task->offers[i].row;
        if (row->state != state)
            continue;
        buf_text(&s->text, before);
        put_name(s, row->worker_name, str_from(row->worker_sid.text));
        before = ", ";
    }
}

static void put_reserved(struct sentence *s, const struct explain_task *task)
{
    int64_t until_us = INT64_MAX;
    put_offers(s, task, RESERVATION_PENDING, "It is offered to ");
    for (size_t i = 0; i < task->offer_count; i++) {
        const struct reservation_row *row = &task->offers[i].row;
        if (row->state == RESERVATION_PENDING && row->expires_at_us < until_us)
            until_us = row->expires_at_us;
    }
    if (until_us != INT64_MAX) {
        buf_text(&s->text, ", who may answer for another ");
        put_span(s, until_us > task->now_us ? (until_us - task->now_us) / US_PER_S : 0);
    }
    buf_char(&s->text, '.');
}

static void put_since(struct sentence *s, const char *words, int64_t at_us, int64_t now_us)
{
    buf_text(&s->text, words);
    put_span(s, now_us > at_us ? (now_us - at_us) / US_PER_S : 0);
    buf_text(&s->text, " ago");
}

struct str explain_summary(struct arena *arena, const struct explain_task *task)
{
    struct sentence s = {.arena = arena};
    buf_init(&s.text, 1 << 16);
    switch (task->row.state) {
    case TASK_PENDING:
        put_who(&s, task);
        put_queue_missing(&s, task);
        put_place(&s, task);
        put_step(&s, task);
        put_earlier(&s, task);
        break;
    case TASK_RESERVED:
        put_reserved(&s, task);
        put_step(&s, task);
        put_earlier(&s, task);
        break;
    case TASK_ASSIGNED:
    case TASK_WRAPPING:
        put_offers(&s, task, RESERVATION_ACCEPTED, "It was accepted by ");
        put_offers(&s, task, RESERVATION_WRAPPING, "It is being wrapped up by ");
        put_since(&s, ", assigned ", task->row.assigned_at_us, task->now_us);
        buf_char(&s.text, '.');
        break;
    case TASK_COMPLETED:
    case TASK_CANCELED:
        put_since(&s, task->row.state == TASK_COMPLETED ? "It was completed " : "It was canceled ",
                  task->row.ended_at_us, task->now_us);
        buf_printf(&s.text, ": %.*s.", STR_ARG(task->row.reason));
        break;
    case TASK_NONE:
    case TASK_STATE_COUNT:
        break;
    }
    struct str text = buf_failed(&s.text) ? STR("") : arena_str(arena, buf_str(&s.text));
    buf_fini(&s.text);
    return text;
}

/* --- why this worker ---------------------------------------------------------------------- */

static const char *const decision_names[] = {
    [EXPLAIN_BY_NONE] = "",          [EXPLAIN_BY_ROUTE] = "routing_target",
    [EXPLAIN_BY_ALONE] = "alone",    [EXPLAIN_BY_ORDER] = "order_by",
    [EXPLAIN_BY_IDLE] = "idle_time", [EXPLAIN_BY_SID] = "sid",
};

const char *explain_decision_name(enum explain_decision decision)
{
    return decision_names[decision];
}

enum explain_decision explain_decided_by(const struct explain_choice *choice)
{
    const struct engine_offer *offer = choice->offer;
    if (choice->is_direct)
        return EXPLAIN_BY_ROUTE;
    if (offer == NULL)
        return EXPLAIN_BY_NONE;
    if (!sid_is_set(&offer->next_sid))
        return EXPLAIN_BY_ALONE;
    if (!str_eq(offer->order_values, offer->next_order_values))
        return EXPLAIN_BY_ORDER;
    return offer->last_sequence != offer->next_sequence ? EXPLAIN_BY_IDLE : EXPLAIN_BY_SID;
}

/* "had no offer before", "had the last offer 4 min before" */
static void put_last_offer(struct sentence *s, int64_t sequence, int64_t at_us, int64_t offered_us)
{
    if (sequence == 0) {
        buf_text(&s->text, "had no offer before");
    } else if (at_us == 0) {
        buf_text(&s->text, "had an offer before");
    } else {
        buf_text(&s->text, "had the last offer ");
        put_span(s, offered_us > at_us ? (offered_us - at_us) / US_PER_S : 0);
        buf_text(&s->text, " before");
    }
}

static void put_decision(struct sentence *s, const struct explain_choice *choice)
{
    const struct engine_offer *offer = choice->offer;
    int64_t offered_us = choice->row.created_at_us;
    switch (explain_decided_by(choice)) {
    case EXPLAIN_BY_NONE:
    case EXPLAIN_BY_ROUTE:
        break;
    case EXPLAIN_BY_ALONE:
        buf_text(&s->text, offer->rank == 0 ? "nobody else was free" : "no more were free");
        break;
    case EXPLAIN_BY_ORDER:
        buf_printf(&s->text, "order_by puts %.*s before %.*s of %s", STR_ARG(offer->order_values),
                   STR_ARG(offer->next_order_values), offer->next_sid.text);
        break;
    case EXPLAIN_BY_IDLE:
        buf_printf(&s->text, "%s", offer->order_values.len > 0 ? "equal by order_by, but " : "");
        put_last_offer(s, offer->last_sequence, choice->last_offer_at_us, offered_us);
        buf_printf(&s->text, ", while %s ", offer->next_sid.text);
        put_last_offer(s, offer->next_sequence, choice->next_offer_at_us, offered_us);
        break;
    case EXPLAIN_BY_SID:
        buf_printf(&s->text, "equal with %s in all, and the older one", offer->next_sid.text);
        break;
    }
}

static void put_outcome(struct sentence *s, const struct explain_choice *choice, int64_t now_us)
{
    const struct reservation_row *row = &choice->row;
    bool is_open = row->state == RESERVATION_PENDING;
    int64_t until_us = is_open ? now_us : row->updated_at_us;
    if (is_open)
        buf_text(&s->text, " It has not been answered for ");
    else
        buf_printf(&s->text, " It is %s since ",
                   row->state == RESERVATION_TIMEOUT ? "timed out"
                                                     : reservation_state_name(row->state));
    put_span(s, until_us > row->created_at_us ? (until_us - row->created_at_us) / US_PER_S : 0);
    buf_text(&s->text, is_open ? "." : " after it was offered.");
}

struct str explain_choice_summary(struct arena *arena, const struct explain_choice *choice,
                                  int64_t now_us)
{
    struct sentence s = {.arena = arena};
    const struct engine_offer *offer = choice->offer;
    int64_t waited_us = choice->row.created_at_us - choice->virtual_start_us;
    buf_init(&s.text, 1 << 16);
    put_name(&s, choice->row.worker_name, str_from(choice->row.worker_sid.text));
    if (choice->is_direct) {
        buf_text(&s.text, " was asked because the task was routed to this worker.");
    } else if (offer == NULL) {
        buf_text(&s.text, " was asked; why was not recorded.");
    } else {
        buf_printf(&s.text, " was number %d of %lld free worker%s", (int)offer->rank + 1,
                   (long long)offer->free, offer->free == 1 ? "" : "s");
        if (offer->qualified >= 0) /* not always counted */
            buf_printf(&s.text, ", of %lld who qualified", (long long)offer->qualified);
        buf_text(&s.text, ": ");
        put_decision(&s, choice);
        buf_printf(&s.text,
                   ". The task was the first of %lld waiting for the same by %s order, "
                   "with priority %lld and ",
                   (long long)offer->waiting, offer->is_lifo ? "LIFO" : "FIFO",
                   (long long)choice->priority);
        put_span(&s, waited_us > 0 ? waited_us / US_PER_S : 0);
        buf_text(&s.text, " of waiting.");
    }
    put_outcome(&s, choice, now_us);
    struct str text = buf_failed(&s.text) ? STR("") : arena_str(arena, buf_str(&s.text));
    buf_fini(&s.text);
    return text;
}
