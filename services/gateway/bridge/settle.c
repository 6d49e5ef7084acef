/* What becomes of a leg, and what follows from it. */
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "bridge_int.h"
#include "bridge_store.h"
#include "call_store.h"
#include "gateway.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define ACCEPT  "/taskrouter.tasks.v1.Tasks/AcceptReservation"
#define CANCEL  "/taskrouter.tasks.v1.Tasks/CancelReservation"
#define WRAP_UP "/taskrouter.tasks.v1.Tasks/WrapUpTask"

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

static enum err_code reservation_tell(struct bridge *bridge, struct call *call,
                                      const struct bridge_leg *leg, const char *method,
                                      struct err *err)
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
    return or_past(RPC_CALL(bridge->gateway->host.as_service[PEER_TASKS], &as_service, method,
                            &request.base, taskrouter__tasks__v1__reservation, &reply, err),
                   err);
}

static enum err_code task_wrap_up(struct bridge *bridge, struct call *call,
                                  const struct bridge_leg *leg, struct err *err)
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

enum err_code bridge_taken(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                           struct err *err)
{
    return leg->is_pending ? reservation_tell(bridge, call, leg, ACCEPT, err) : ERR_OK;
}

enum err_code bridge_connected(struct bridge *bridge, struct call *call,
                               const struct bridge_leg *leg, int64_t at_us, struct err *err)
{
    struct answer news = {leg->worker_sid, at_us};
    struct phone_call row;
    enum err_code code = call_store_change(bridge->gateway->host.pool, call, leg->call_sid, answer,
                                           &news, &row, err);
    return code == ERR_OK ? bridge_taken(bridge, call, leg, err) : code;
}

/* An accepted reservation stays the worker's, unless there is nobody left to talk with. */
static enum err_code failed(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                            struct err *err)
{
    struct phone_call row;
    if (leg->is_pending)
        return reservation_tell(bridge, call, leg, CANCEL, err);
    enum err_code code = call_store_get(bridge->gateway->host.pool, call, leg->workspace_sid,
                                        leg->call_sid, &row, err);
    if (code == ERR_OK && phone_call_is_over(&row))
        code = task_wrap_up(bridge, call, leg, err);
    return code;
}

/* A worker who has left the conference before the caller was sent there has talked with nobody. */
static enum err_code ended(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                           int64_t at_us, struct err *err)
{
    enum err_code code = ERR_OK;
    if (!leg->is_conference || leg->caller == LEG_CALLER_JOINED)
        code = bridge_connected(bridge, call, leg, at_us, err);
    else if (leg->caller == LEG_CALLER_ASKED)
        code = bridge_taken(bridge, call, leg, err);
    else
        return failed(bridge, call, leg, err);
    return code == ERR_OK ? task_wrap_up(bridge, call, leg, err) : code;
}

enum err_code bridge_settle(struct bridge *bridge, struct call *call, struct bridge_leg *leg,
                            int64_t at_us, struct err *err)
{
    switch (leg->state) {
    case LEG_ANSWERED:
        return leg->is_conference ? bridge_join(bridge, call, leg, at_us, err)
                                  : bridge_connected(bridge, call, leg, at_us, err);
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
    if (leg->detail == NULL)
        return call_no_room(err);
    enum err_code code =
        bridge_store_move(bridge->gateway->host.pool, call, leg, from, &is_done, err);
    if (!is_done)
        return code;
    tell(bridge, call, leg);
    return bridge_settle(bridge, call, leg, clock_now_us(), err);
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
    if (sid == NULL)
        return call_no_room(err);
    for (int i = 0; i < MOVES_MAX && moved == NULL; i++) {
        enum err_code code = bridge_store_get(bridge->gateway->host.pool, call, sid, &leg, err);
        if (code != ERR_OK)
            return code == ERR_NOT_FOUND ? ERR_OK : code;
        if (leg.provider_call_sid[0] != '\0' && !str_eq_text(call_sid, leg.provider_call_sid))
            return ERR_OK;
        code = hear(bridge, call, &leg, status, call_sid, &moved, err);
        if (code != ERR_OK)
            return code;
    }
    if (moved == NULL)
        return ERR_SET(err, ERR_ABORTED, "LEG_MOVED", "the leg of %s was changed meanwhile", sid);
    *out_outcome = moved;
    return bridge_settle(bridge, call, &leg, row->received_at_us, err);
}
