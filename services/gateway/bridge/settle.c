/* What becomes of a leg, and what follows from it. */
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "bridge_int.h"
#include "bridge_store.h"
#include "call_store.h"
#include "calls_int.h"
#include "gateway.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define ACCEPT  "/taskrouter.tasks.v1.Tasks/AcceptReservation"
#define CANCEL  "/taskrouter.tasks.v1.Tasks/CancelReservation"
#define WRAP_UP "/taskrouter.tasks.v1.Tasks/WrapUpTask"
#define GET     "/taskrouter.tasks.v1.Tasks/GetReservation"

enum { MOVES_MAX = 8 };

/* ---- reservation and task ---- */

/* A state that it is past already is good enough. */
static enum err_code or_past(enum err_code code, struct err *err)
{
    if (code != ERR_FAILED_PRECONDITION && code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return ERR_OK;
}

/* *out_was_told false: it is past what it was told. */
static enum err_code reservation_tell(struct bridge *bridge, struct call *call,
                                      const struct bridge_leg *leg, const char *method,
                                      bool *out_was_told, struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Tasks__V1__ReservationActionRequest request;
    Taskrouter__Tasks__V1__Reservation *reply = NULL;
    taskrouter__tasks__v1__reservation_action_request__init(&request);
    request.workspace_sid = wire_text(call->arena, leg->workspace_sid);
    request.sid = wire_text(call->arena, leg->reservation_sid);
    if (leg->state == LEG_FAILED)
        request.reason = wire_text(call->arena, leg->detail);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code = RPC_CALL(bridge->gateway->host.as_service[PEER_TASKS], &as_service, method,
                                  &request.base, taskrouter__tasks__v1__reservation, &reply, err);
    *out_was_told = code == ERR_OK;
    return or_past(code, err);
}

/* Whether it is the worker's, whatever has become of it since. */
static enum err_code reservation_is_taken(struct bridge *bridge, struct call *call,
                                          const struct bridge_leg *leg, bool *out_is_taken,
                                          struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Tasks__V1__GetReservationRequest request;
    Taskrouter__Tasks__V1__Reservation *reply = NULL;
    taskrouter__tasks__v1__get_reservation_request__init(&request);
    request.workspace_sid = wire_text(call->arena, leg->workspace_sid);
    request.sid = wire_text(call->arena, leg->reservation_sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code = RPC_CALL(bridge->gateway->host.as_service[PEER_TASKS], &as_service, GET,
                                  &request.base, taskrouter__tasks__v1__reservation, &reply, err);
    *out_is_taken = code == ERR_OK &&
                    (reply->reservation_status ==
                         TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_ACCEPTED ||
                     reply->reservation_status ==
                         TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_WRAPPING ||
                     reply->reservation_status ==
                         TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_COMPLETED);
    return or_past(code, err);
}

enum err_code bridge_wrap_up(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Tasks__V1__TaskActionRequest request;
    Taskrouter__Tasks__V1__Task *reply = NULL;
    taskrouter__tasks__v1__task_action_request__init(&request);
    request.workspace_sid = wire_text(call->arena, leg->workspace_sid);
    request.sid = wire_text(call->arena, leg->task_sid);
    request.reason = wire_text(call->arena, "the call has ended");
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return or_past(RPC_CALL(bridge->gateway->host.as_service[PEER_TASKS], &as_service, WRAP_UP,
                            &request.base, taskrouter__tasks__v1__task, &reply, err),
                   err);
}

/* ---- the call ---- */

struct answer {
    const char *worker_sid;
    int64_t at_us;
};

/* call_change_fn; the end of its queue may have told of it before, without the name. */
static bool answer(struct phone_call *row, const void *ctx)
{
    const struct answer *news = ctx;
    if (phone_call_answer(row, news->worker_sid, news->at_us))
        return true;
    if (row->answered_at_us == 0 || row->worker_sid[0] != '\0')
        return false;
    row->worker_sid = news->worker_sid;
    return true;
}

enum err_code bridge_row(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                         struct phone_call *out, struct err *err)
{
    if (leg->call_sid[0] != '\0')
        return call_store_get(bridge->gateway->host.pool, call, leg->workspace_sid, leg->call_sid,
                              out, err);
    *out = (struct phone_call){.sid = "", .account_sid = "", .to_number = "", .task_sid = ""};
    return ERR_OK;
}

/* Whoever talks with the caller goes on, also when the reservation ended in that moment: the task
 * that waits again is for nobody then. */
static enum err_code task_of_nobody(struct bridge *bridge, struct call *call, const char *workspace,
                                    const char *task_sid, struct err *err)
{
    struct phone_call row = {.workspace_sid = workspace, .task_sid = task_sid};
    return tasks_cancel(bridge->gateway->calls, call, &row, "the caller talks with a worker", err);
}

enum err_code bridge_taken(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                           struct err *err)
{
    bool was_told = true;
    bool is_taken = true;
    if (!leg->is_pending)
        return ERR_OK;
    enum err_code code = reservation_tell(bridge, call, leg, ACCEPT, &was_told, err);
    if (code == ERR_OK && !was_told)
        code = reservation_is_taken(bridge, call, leg, &is_taken, err);
    return is_taken ? code : task_of_nobody(bridge, call, leg->workspace_sid, leg->task_sid, err);
}

enum err_code bridge_connected(struct bridge *bridge, struct call *call,
                               const struct bridge_leg *leg, int64_t at_us, struct err *err)
{
    struct answer news = {leg->worker_sid, at_us};
    struct phone_call row;
    enum err_code code = call_store_change(bridge->gateway->host.pool, call, leg->call_sid, answer,
                                           &news, &row, err);
    bool is_ours = code == ERR_OK && strcmp(row.worker_sid, leg->worker_sid) == 0;
    if (is_ours && strcmp(row.task_sid, leg->task_sid) != 0) /* the leg was given up too early */
        code = task_of_nobody(bridge, call, row.workspace_sid, row.task_sid, err);
    if (code == ERR_OK)
        code = bridge_taken(bridge, call, leg, err);
    if (code == ERR_OK)
        bridge_note_worker_call(bridge, call, leg);
    return code;
}

enum err_code bridge_release(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct err *err)
{
    struct phone_call row;
    enum err_code code = bridge_row(bridge, call, leg, &row, err);
    if (code != ERR_OK || leg->call_sid[0] == '\0')
        return code;
    if (phone_call_is_over(&row))
        return bridge_wrap_up(bridge, call, leg, err);
    return leg->keeps_task || row.answered_at_us != 0
               ? ERR_OK
               : bridge_requeue(bridge, call, leg, &row, err);
}

/* A reservation that waits for the application (call) goes on waiting. */
static enum err_code failed(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                            struct err *err)
{
    bool was_told = false;
    if (!leg->is_pending)
        return bridge_release(bridge, call, leg, err);
    return leg->url[0] != '\0' ? ERR_OK
                               : reservation_tell(bridge, call, leg, CANCEL, &was_told, err);
}

/* Of an instruction call: whom the worker talks with is the application's business while the
 * reservation is pending. */
static enum err_code of_application(struct bridge *bridge, struct call *call,
                                    const struct bridge_leg *leg, int64_t at_us, struct err *err)
{
    if (leg->is_pending || leg->call_sid[0] == '\0')
        return ERR_OK;
    enum err_code code = bridge_connected(bridge, call, leg, at_us, err);
    return code == ERR_OK && leg->state == LEG_ENDED ? bridge_wrap_up(bridge, call, leg, err)
                                                     : code;
}

static enum err_code answered(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                              int64_t at_us, struct err *err)
{
    if (leg->url[0] != '\0')
        return of_application(bridge, call, leg, at_us, err);
    return leg->is_conference ? bridge_join(bridge, call, leg, at_us, err)
                              : bridge_connected(bridge, call, leg, at_us, err);
}

/* A worker has left the conference, and nobody ever told whether the caller was sent there: who has
 * not left the queue waits on, for the next worker. */
static enum err_code left_alone(struct bridge *bridge, struct call *call,
                                const struct bridge_leg *leg, struct err *err)
{
    struct phone_call row;
    struct bridge_leg lost = *leg;
    lost.detail = "it is not known whether the caller was sent to the worker";
    enum err_code code = bridge_taken(bridge, call, leg, err);
    if (code == ERR_OK)
        code = bridge_row(bridge, call, leg, &row, err);
    if (code != ERR_OK)
        return code;
    return phone_call_is_over(&row) || row.answered_at_us != 0
               ? bridge_wrap_up(bridge, call, leg, err)
               : bridge_requeue(bridge, call, &lost, &row, err);
}

/* A worker who has left the conference before the caller was sent there has talked with nobody. */
static enum err_code ended(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                           int64_t at_us, struct err *err)
{
    enum err_code code = ERR_OK;
    if (leg->url[0] != '\0')
        return of_application(bridge, call, leg, at_us, err);
    if (!leg->is_conference || leg->caller == LEG_CALLER_JOINED)
        code = bridge_connected(bridge, call, leg, at_us, err);
    else if (leg->caller == LEG_CALLER_ASKED)
        return left_alone(bridge, call, leg, err);
    else
        return failed(bridge, call, leg, err);
    return code == ERR_OK ? bridge_wrap_up(bridge, call, leg, err) : code;
}

enum err_code bridge_settle(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                            int64_t at_us, struct err *err)
{
    switch (leg->state) {
    case LEG_ANSWERED:
        return answered(bridge, call, leg, at_us, err);
    case LEG_ENDED:
        return ended(bridge, call, leg, at_us, err);
    case LEG_FAILED:
        return failed(bridge, call, leg, err);
    case LEG_RINGING:
        return bridge_ringing(bridge, call, leg, err);
    case LEG_NONE:
    case LEG_RECORDED:
    case LEG_PLACING:
    case LEG_STATE_COUNT:
        break;
    }
    return ERR_OK;
}

static void tell(struct bridge *bridge, struct call *call, const struct bridge_leg *leg)
{
    bool is_of_setup = strcmp(leg->detail, BRIDGE_NOT_CONFIGURED) == 0;
    if (is_of_setup && atomic_exchange(&bridge->is_told, true))
        return;
    LOG_WARN(call, "a worker was not connected with a waiting call",
             LOG_STR("reservation", leg->reservation_sid), LOG_STR("call", leg->call_sid),
             LOG_STR("worker", leg->worker_sid), LOG_STR("why", leg->detail));
}

enum err_code bridge_give_up(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                             const char *why, struct err *err)
{
    bool is_done = false;
    enum leg_state from = leg->state;
    leg->state = LEG_FAILED;
    leg->detail = arena_strdup(call->arena, why);
    leg->is_settled = false;
    leg->due_at_us = clock_now_us() + BRIDGE_SETTLE_S * US_PER_S;
    if (leg->detail == NULL)
        return call_no_room(err);
    enum err_code code =
        bridge_store_move(bridge->gateway->host.pool, call, leg, from, &is_done, err);
    if (!is_done)
        return code;
    tell(bridge, call, leg);
    code = bridge_settle(bridge, call, leg, clock_now_us(), err);
    return code == ERR_OK ? bridge_store_settled(bridge->gateway->host.pool, call, leg, err) : code;
}

/* ---- webhooks ---- */

/* *out_outcome stays NULL when somebody else moved it meanwhile. */
static enum err_code hear(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                          struct str status, struct str call_sid, const char **out_outcome,
                          struct err *err)
{
    bool is_done = false;
    enum leg_state from = leg->state;
    enum leg_state to = leg_hear(from, status);
    if (to == from && leg->provider_call_sid[0] != '\0') {
        *out_outcome = "unchanged";
        return ERR_OK;
    }
    leg->state = to;
    leg->is_settled = true; /* a webhook is repeated until what follows from it is done */
    leg->provider_call_sid = arena_str_dup(call->arena, call_sid);
    if (to == LEG_FAILED && from != LEG_FAILED)
        leg->detail = arena_printf(call->arena, "the worker did not answer: %.*s", STR_ARG(status));
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code =
        bridge_store_move(bridge->gateway->host.pool, call, leg, from, &is_done, err);
    if (!is_done)
        return code;
    *out_outcome = "updated";
    if (to == LEG_FAILED && from != LEG_FAILED)
        tell(bridge, call, leg);
    return ERR_OK;
}

static int64_t attempt_of(const struct twilio_param *params, size_t count)
{
    int64_t attempt = 1;
    (void)parse_i64(webhook_param(params, count, WEBHOOK_ATTEMPT), 1, INT64_MAX, &attempt);
    return attempt;
}

/* News of an earlier call to the worker, which was given up: nobody is to answer it. */
static enum err_code earlier(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                             struct str status, const char *call_sid, struct err *err)
{
    enum leg_state state = leg_hear(LEG_PLACING, status);
    leg->provider_call_sid = call_sid;
    return state == LEG_RINGING || state == LEG_ANSWERED ? bridge_hang_up(bridge, call, leg, err)
                                                         : ERR_OK;
}

enum err_code bridge_apply(struct bridge *bridge, struct call *call, const struct webhook_due *row,
                           const struct twilio_param *params, size_t count,
                           const char **out_outcome, struct err *err)
{
    struct str reservation = webhook_param(params, count, WEBHOOK_RESERVATION);
    struct str status = webhook_param(params, count, "CallStatus");
    struct str call_sid = webhook_param(params, count, "CallSid");
    const char *moved = NULL;
    struct bridge_leg leg;
    *out_outcome = "unknown";
    if (!parse_is_sid(reservation, "WR") || !parse_is_sid(call_sid, "CA"))
        return ERR_OK;
    const char *sid = arena_str_dup(call->arena, reservation);
    const char *own_sid = arena_str_dup(call->arena, call_sid);
    if (sid == NULL || own_sid == NULL)
        return call_no_room(err);
    for (int i = 0; i < MOVES_MAX && moved == NULL; i++) {
        enum err_code code = bridge_store_get(bridge->gateway->host.pool, call, sid, &leg, err);
        if (code != ERR_OK)
            return code == ERR_NOT_FOUND ? ERR_OK : code;
        if (leg.attempt != attempt_of(params, count))
            return earlier(bridge, call, &leg, status, own_sid, err);
        if (leg.provider_call_sid[0] != '\0' && !str_eq_text(call_sid, leg.provider_call_sid))
            return ERR_OK;
        code = hear(bridge, call, &leg, status, call_sid, &moved, err);
        if (code != ERR_OK)
            return code;
    }
    if (moved == NULL)
        return ERR_SET(err, ERR_ABORTED, "LEG_MOVED", "the leg of %s was changed meanwhile", sid);
    *out_outcome = moved;
    enum err_code code = bridge_status_note(bridge, call, &leg, params, count, err);
    if (code != ERR_OK)
        return code;
    code = bridge_settle(bridge, call, &leg, row->received_at_us, err);
    bool rings = leg_hear(LEG_PLACING, status) == LEG_RINGING;
    if (code == ERR_OK && leg.state == LEG_FAILED && rings) /* given up, and placed all the same */
        code = bridge_hang_up(bridge, call, &leg, err);
    return code;
}
