#include "explain_rpc.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "event_store.h"
#include "explain_store.h"
#include "explain_wire.h"
#include "jx/jx.h"
#include "shell.h"
#include "svc/check.h"
#include "svc/decide.h"
#include "svc/wire.h"
#include "task_access.h"
#include "task_store.h"
#include "task_wire.h"

#define EXPLAIN_RPC(name, Request, Reply)                                                          \
    static enum err_code name(void *app, struct call *call,                                        \
                              const Taskrouter__Tasks__V1__##Request *request,                     \
                              Taskrouter__Tasks__V1__##Reply **out_reply, struct err *err)

enum { MAX_STEPS = 50, MAX_RESERVATIONS = 200, MAX_LIMIT = 200 };

/* A text of the event's extras; "" when it has none. */
static char *extra_from(struct arena *arena, const struct event_row *event, const char *key)
{
    AUTO(jx_cleanup) json_t *extras = NULL;
    if (jx_parse_object(event->extras, NULL, &extras, NULL) != ERR_OK)
        return arena_strdup(arena, "");
    return arena_strdup(arena, jx_get_text(extras, key, ""));
}

/* ---- tasks ---- */

static enum err_code look_task(struct shard_op *op, struct engine *engine, int64_t now_us,
                               struct err *err)
{
    struct explain_task task;
    const struct explain_ask *ask = op->look_ctx;
    enum err_code code = engine_explain_task(engine, ask, now_us, op->call->arena, &task, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Tasks__V1__TaskExplanation *wire = task_explanation_to_wire(op->call->arena, &task);
    if (wire == NULL)
        return rpc_no_room(err);
    op->message = &wire->base;
    return ERR_OK;
}

/* A task that the router has forgotten: what its row and those of its reservations tell. */
static enum err_code explain_stored(struct tasks *tasks, struct call *call,
                                    const char *workspace_sid, const char *sid,
                                    Taskrouter__Tasks__V1__TaskExplanation **out_reply,
                                    struct err *err)
{
    struct task_row row;
    struct explain_task task;
    struct reservation_row *rows = NULL;
    size_t count = 0;
    enum err_code code = task_store_get(tasks->host.pool, call, workspace_sid, sid, &row, err);
    if (code == ERR_OK)
        code = reservation_store_list(tasks->host.pool, call, workspace_sid, "", MAX_RESERVATIONS,
                                      &(struct reservation_filter){.task_sid = sid}, &rows, &count,
                                      err);
    if (code == ERR_OK)
        code = explain_task_row(&row, clock_now_us(), call->arena, &task, err);
    if (code != ERR_OK)
        return code;
    struct explain_offer *offers = ARENA_ARRAY(call->arena, struct explain_offer, count);
    for (size_t i = 0; offers != NULL && i < count; i++)
        offers[task.offer_count++].row = rows[i];
    task.offers = offers;
    *out_reply = task_explanation_to_wire(call->arena, &task);
    return *out_reply == NULL ? rpc_no_room(err) : ERR_OK;
}

/* The last of these events of the task; NULL: none. */
static const struct event_row *last_event(struct tasks *tasks, struct call *call,
                                          const char *workspace_sid, const char *sid,
                                          const char *type)
{
    struct event_row *row = NULL;
    size_t count = 0;
    const struct event_filter filter = {.task_sid = sid, .type = type, .newest_first = true};
    if (event_store_list(tasks->host.pool, call, workspace_sid, 0, 1, &filter, &row, &count,
                         NULL) != ERR_OK)
        return NULL;
    return count == 0 ? NULL : row;
}

/* Rules whose SIDs a task at Twilio has among its attributes: there is no other place for them. */
static void fill_mirrored_rules(struct arena *arena,
                                Taskrouter__Tasks__V1__TaskExplanation *explanation)
{
    AUTO(jx_cleanup) json_t *attributes = NULL;
    if (jx_parse_object(str_from(explanation->task->attributes), NULL, &attributes, NULL) != ERR_OK)
        return;
    const json_t *sids = jx_get(attributes, DECIDE_RULES_ATTRIBUTE);
    size_t count = json_array_size(sids);
    Taskrouter__Routing__V1__AppliedRule **rules =
        ARENA_ARRAY(arena, Taskrouter__Routing__V1__AppliedRule *, count + 1);
    explanation->rules = rules;
    for (size_t i = 0; rules != NULL && i < count; i++) {
        const char *sid = json_string_value(json_array_get(sids, i));
        Taskrouter__Routing__V1__AppliedRule *rule =
            PB_NEW(arena, taskrouter__routing__v1__applied_rule);
        if (rule == NULL || sid == NULL)
            continue;
        rule->sid = arena_strdup(arena, sid);
        rules[explanation->n_rules++] = rule;
    }
}

/* What the event of its creation recorded; nothing, once the log does not reach back so far. */
static void fill_rules(struct tasks *tasks, struct call *call, const char *workspace_sid,
                       Taskrouter__Tasks__V1__TaskExplanation *explanation)
{
    const struct event_row *event =
        last_event(tasks, call, workspace_sid, explanation->task->sid, "task.created");
    const char *text = event == NULL ? NULL : extra_from(call->arena, event, "routing_rules");
    Taskrouter__Routing__V1__AppliedRule **rules = NULL;
    size_t count = 0;
    if (text == NULL || !decide_rules_read(call->arena, str_from(text), &rules, &count))
        return;
    explanation->rules = rules;
    explanation->n_rules = count;
}

/* What Twilio decides it does not explain: what we know instead of why. */
static enum err_code explain_mirrored(struct tasks *tasks, struct call *call,
                                      const char *workspace_sid, const char *sid,
                                      Taskrouter__Tasks__V1__TaskExplanation **out_reply,
                                      struct err *err)
{
    enum err_code code = explain_stored(tasks, call, workspace_sid, sid, out_reply, err);
    if (code != ERR_OK || *out_reply == NULL)
        return code;
    struct arena *arena = call->arena;
    const Taskrouter__Tasks__V1__Task *task = (*out_reply)->task;
    const struct event_row *step =
        last_event(tasks, call, workspace_sid, sid, "workflow.target-matched");
    const struct event_row *last = last_event(tasks, call, workspace_sid, sid, "");
    char at[CLOCK_TEXT_SIZE] = "";
    const char *filter = step == NULL ? "" : extra_from(arena, step, "workflow_filter_name");
    const char *queue =
        task->task_queue_name[0] == '\0' ? task->task_queue_sid : task->task_queue_name;
    const char *workflow =
        task->workflow_name[0] == '\0' ? task->workflow_sid : task->workflow_name;
    (*out_reply)->summary = arena_printf(
        arena,
        "Twilio routes this workspace, and only Twilio knows why. The task is "
        "%s%s%s%s%s%s%s%s%s%s.",
        task_state_name(task_state_from(task_status_name(task->assignment_status))),
        queue[0] == '\0' ? "" : ", in queue ", queue, workflow[0] == '\0' ? "" : ", of workflow ",
        workflow, filter == NULL || filter[0] == '\0' ? "" : ", by filter ",
        filter == NULL ? "" : filter, last == NULL ? "" : "; the last that Twilio told is ",
        last == NULL ? "" : last->type,
        last == NULL ? ""
                     : arena_printf(arena, " of %s", clock_format_s(last->occurred_at_us, at)));
    fill_mirrored_rules(arena, *out_reply);
    return arena_is_exhausted(arena) ? rpc_no_room(err) : ERR_OK;
}

static enum err_code ask_from(const Taskrouter__Tasks__V1__ExplainTaskRequest *request,
                              struct explain_ask *ask, struct err *err)
{
    enum err_code code = check_sid("sid", request->sid, "WT", err);
    if (code == ERR_OK)
        code = check_optional_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK && (request->limit < 0 || request->limit > MAX_LIMIT))
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "limit",
                         "limit must be from 1 to %d, or absent", MAX_LIMIT);
    if (code == ERR_OK && request->n_obstacle > 1)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "obstacle",
                         "ask for one obstacle at a time");
    if (code != ERR_OK)
        return code;
    *ask = (struct explain_ask){
        .sid = sid_from(str_from(request->sid)),
        .workspace_sid = sid_from(str_from(request->workspace_sid)),
        .worker_sid = sid_from(str_from(request->worker_sid)),
        .only = request->n_obstacle == 0 ? EXPLAIN_NONE : obstacle_from_wire(request->obstacle[0]),
        .limit = (size_t)request->limit,
    };
    return ERR_OK;
}

EXPLAIN_RPC(explain_rpc_task, ExplainTaskRequest, TaskExplanation)
{
    struct tasks *tasks = app;
    struct explain_ask ask;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = ask_from(request, &ask, err);
    bool is_mirrored = false;
    if (code == ERR_OK)
        code = access_is_mirrored(tasks, call, request->workspace_sid, &is_mirrored, err);
    if (code != ERR_OK)
        return code;
    if (is_mirrored)
        return explain_mirrored(tasks, call, request->workspace_sid, request->sid, out_reply, err);
    struct shard_op op = {
        .call = call, .workspace_sid = ask.workspace_sid, .look = look_task, .look_ctx = &ask};
    code = shell_run(tasks->shell, &op, err);
    if (code == ERR_NOT_FOUND)
        code = explain_stored(tasks, call, request->workspace_sid, request->sid, out_reply, err);
    else if (code == ERR_OK)
        *out_reply = (Taskrouter__Tasks__V1__TaskExplanation *)op.message;
    if (code != ERR_OK || *out_reply == NULL)
        return code;
    fill_rules(tasks, call, request->workspace_sid, *out_reply);
    return arena_is_exhausted(call->arena) ? rpc_no_room(err) : ERR_OK;
}

/* ---- reservations ---- */

/* What was recorded with the offer; false when nothing was. */
static bool offer_from(struct arena *arena, const struct event_row *event,
                       struct engine_offer *offer)
{
    AUTO(jx_cleanup) json_t *extras = NULL;
    AUTO(jx_cleanup) json_t *told = NULL;
    if (jx_parse_object(event->extras, NULL, &extras, NULL) != ERR_OK ||
        jx_parse_object(str_from(jx_get_text(extras, "offer", "")), NULL, &told, NULL) != ERR_OK)
        return false;
    *offer = (struct engine_offer){
        .qualified = jx_get_i64(told, "qualified", -1),
        .free = jx_get_i64(told, "free", 0),
        .waiting = jx_get_i64(told, "waiting", 0),
        .rank = (int32_t)jx_get_i64(told, "rank", 0),
        .is_lifo = jx_get_bool(told, "lifo", false),
        .is_channel_clock = jx_get_bool(told, "channel_clock", false),
        .last_sequence = jx_get_i64(told, "last", 0),
        .order_values = arena_str(arena, str_from(jx_get_text(told, "order", ""))),
        .next_sid = sid_from(str_from(jx_get_text(told, "next", ""))),
        .next_sequence = jx_get_i64(told, "next_last", 0),
        .next_order_values = arena_str(arena, str_from(jx_get_text(told, "next_order", ""))),
    };
    return true;
}

/* The task as it was when the offer was made. */
static void task_from(const struct event_row *event, struct explain_choice *choice)
{
    AUTO(jx_cleanup) json_t *data = NULL;
    if (jx_parse_object(event->data, NULL, &data, NULL) != ERR_OK)
        return;
    const json_t *task = jx_get(data, "task");
    const char *target = jx_get_text(task, "routingTarget", "");
    choice->is_direct = strcmp(target, choice->row.worker_sid.text) == 0;
    (void)parse_time(str_from(jx_get_text(task, "virtualStartTime", "")),
                     &choice->virtual_start_us);
    (void)parse_i64(str_from(jx_get_text(task, "priority", "")), INT64_MIN, INT64_MAX,
                    &choice->priority);
}

static enum err_code offer_times(struct tasks *tasks, struct call *call, const char *workspace_sid,
                                 struct explain_choice *choice, struct err *err)
{
    const struct engine_offer *offer = choice->offer;
    if (offer == NULL)
        return ERR_OK;
    enum err_code code = explain_store_offer_at(
        tasks->host.pool, call, workspace_sid, choice->row.worker_sid.text, choice->row.sid.text,
        offer->last_sequence, &choice->last_offer_at_us, err);
    if (code == ERR_OK)
        code = explain_store_offer_at(tasks->host.pool, call, workspace_sid, offer->next_sid.text,
                                      choice->row.sid.text, offer->next_sequence,
                                      &choice->next_offer_at_us, err);
    return code;
}

static void fill_steps(struct arena *arena, const struct event_row *events, size_t count,
                       Taskrouter__Tasks__V1__ReservationExplanation *wire)
{
    wire->steps = ARENA_ARRAY(arena, Taskrouter__Tasks__V1__ReservationStep *, count + 1);
    for (size_t i = 0; wire->steps != NULL && i < count; i++) {
        Taskrouter__Tasks__V1__ReservationStep *step =
            PB_NEW(arena, taskrouter__tasks__v1__reservation_step);
        if (step == NULL)
            return;
        step->event_type = wire_text(arena, events[i].type);
        step->event_date = wire_time(arena, events[i].occurred_at_us);
        step->reason = extra_from(arena, &events[i], "reason");
        wire->steps[wire->n_steps++] = step;
    }
}

static void fill_choice(struct arena *arena, const struct explain_choice *choice,
                        Taskrouter__Tasks__V1__ReservationExplanation *wire)
{
    const struct engine_offer *offer = choice->offer;
    wire->direct = choice->is_direct;
    wire->decided_by = wire_text(arena, explain_decision_name(explain_decided_by(choice)));
    wire->task_priority = choice->priority;
    wire->task_virtual_start_time = wire_time(arena, choice->virtual_start_us);
    wire->known = offer != NULL || choice->is_direct;
    if (offer == NULL)
        return;
    wire->qualified = offer->qualified;
    wire->free = offer->free;
    wire->rank = offer->rank + 1;
    wire->order_values = arena_str_dup(arena, offer->order_values);
    wire->last_offer = wire_time(arena, choice->last_offer_at_us);
    wire->next_worker_sid = wire_text(arena, offer->next_sid.text);
    wire->next_order_values = arena_str_dup(arena, offer->next_order_values);
    wire->next_last_offer = wire_time(arena, choice->next_offer_at_us);
    wire->per_channel = offer->is_channel_clock;
    wire->task_order = wire_text(arena, offer->is_lifo ? "LIFO" : "FIFO");
    wire->waiting = offer->waiting;
}

EXPLAIN_RPC(explain_rpc_reservation, ExplainReservationRequest, ReservationExplanation)
{
    struct tasks *tasks = app;
    struct explain_choice choice = {0};
    struct engine_offer offer;
    struct event_row *events = NULL;
    size_t count = 0;
    const char *ws = request->workspace_sid;
    enum err_code code = access_require(tasks, call, ws, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WR", err);
    bool is_mirrored = false;
    if (code == ERR_OK)
        code = access_is_mirrored(tasks, call, ws, &is_mirrored, err);
    if (code == ERR_OK)
        code = reservation_store_get(tasks->host.pool, call, ws, request->sid, &choice.row, err);
    if (code == ERR_OK)
        code = event_store_list(tasks->host.pool, call, ws, 0, MAX_STEPS,
                                &(struct event_filter){.reservation_sid = request->sid}, &events,
                                &count, err);
    if (code != ERR_OK)
        return code;
    bool has_offer = count > 0 && strcmp(events[0].type, "reservation.created") == 0;
    if (has_offer && offer_from(call->arena, &events[0], &offer))
        choice.offer = &offer;
    if (has_offer)
        task_from(&events[0], &choice);
    code = offer_times(tasks, call, ws, &choice, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Tasks__V1__ReservationExplanation *wire =
        PB_NEW(call->arena, taskrouter__tasks__v1__reservation_explanation);
    if (wire == NULL)
        return rpc_no_room(err);
    struct str summary = explain_choice_summary(call->arena, &choice, clock_now_us());
    wire->summary = summary.ptr == NULL ? NULL : arena_str_dup(call->arena, summary);
    if (is_mirrored)
        wire->summary = arena_printf(
            call->arena,
            "Twilio routes this workspace, and only Twilio knows why it chose worker %s. The "
            "reservation is %s.",
            choice.row.worker_name.len > 0 ? arena_str_dup(call->arena, choice.row.worker_name)
                                           : choice.row.worker_sid.text,
            reservation_state_name(choice.row.state));
    wire->reservation = reservation_to_wire(call->arena, &choice.row);
    fill_choice(call->arena, &choice, wire);
    if (has_offer)
        wire->known_worker_sid = extra_from(call->arena, &events[0], "known_worker_sid");
    fill_steps(call->arena, events, count, wire);
    *out_reply = wire;
    return arena_is_exhausted(call->arena) ? rpc_no_room(err) : ERR_OK;
}

#define WIRE(name) Taskrouter__Tasks__V1__##name

static const struct rpc_method methods[] = {
    RPC_UNARY("ExplainTask", explain_rpc_task, WIRE(ExplainTaskRequest), WIRE(TaskExplanation),
              2000, ROLE_VIEWER, 0),
    RPC_UNARY("ExplainReservation", explain_rpc_reservation, WIRE(ExplainReservationRequest),
              WIRE(ReservationExplanation), 2000, ROLE_VIEWER, 0),
};

const struct rpc_service explain_service = {
    .descriptor = &taskrouter__tasks__v1__explain__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
