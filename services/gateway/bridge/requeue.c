/*
 * A worker who accepted and was not reached. The router takes no accepted task back, so the task
 * ends, and the caller waits on with another one that is as old, for the next worker: what Twilio
 * does by canceling the reservation.
 */
#include <string.h>

#include "bridge_int.h"
#include "bridge_store.h"
#include "calls_int.h"
#include "gateway.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define COMPLETE "/taskrouter.tasks.v1.Tasks/CompleteTask"

enum { REASON_MAX = 200 };

/* One that is over, or gone, is good enough. */
static enum err_code complete(struct bridge *bridge, struct call *call,
                              const struct bridge_leg *leg, struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Tasks__V1__TaskActionRequest request;
    Taskrouter__Tasks__V1__Task *reply = NULL;
    taskrouter__tasks__v1__task_action_request__init(&request);
    request.workspace_sid = wire_text(call->arena, leg->workspace_sid);
    request.sid = wire_text(call->arena, leg->task_sid);
    request.reason = arena_printf(call->arena, "%.*s", REASON_MAX, leg->detail);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    enum err_code code =
        RPC_CALL(bridge->gateway->host.as_service[PEER_TASKS], &as_service, COMPLETE, &request.base,
                 taskrouter__tasks__v1__task, &reply, err);
    if (code != ERR_FAILED_PRECONDITION && code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return ERR_OK;
}

enum err_code bridge_requeue(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct phone_call *row, struct err *err)
{
    struct calls *calls = bridge->gateway->calls;
    int64_t count = 0;
    bool is_assigned = false;
    enum err_code code =
        bridge_store_count(bridge->gateway->host.pool, call, leg->call_sid, &count, err);
    if (code == ERR_OK && strcmp(row->task_sid, leg->task_sid) == 0 && count < BRIDGE_LEGS_MAX) {
        code = tasks_again(calls, call, row, leg->worker_sid, BRIDGE_ASK_MS, &is_assigned, err);
        if (code == ERR_OK && !is_assigned) /* it was ended by somebody else */
            return ERR_OK;
        if (code == ERR_OK)
            LOG_INFO(call, "a caller waits for another worker",
                     LOG_STR("reservation", leg->reservation_sid), LOG_STR("call", leg->call_sid),
                     LOG_STR("task", row->task_sid));
    }
    return code == ERR_OK ? complete(bridge, call, leg, err) : code;
}
