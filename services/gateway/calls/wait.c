#include <string.h>

#include "base/parse.h"
#include "call_store.h"
#include "calls_int.h"
#include "gateway.h"
#include "log/log.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/explain.pb-c.h"

#define EXPLAIN_TASK "/taskrouter.tasks.v1.Explain/ExplainTask"

enum {
    WITHOUT_TASK_S = 120, /* longer than that nobody waits for a task that could not be made */
    MINUTE_S = 60,
    POSITION_MAX = 1000,
    WAIT_MAX_S = 24 * 3600,
};

struct outlook {
    int64_t position; /* 0: not known; so the next */
    int64_t wait_s;
    bool is_over; /* the task is, so nobody will come */
};

static int64_t number_param(const struct ask *ask, const char *name, int64_t max)
{
    int64_t value = 0;
    (void)parse_i64(webhook_param(ask->params, ask->count, name), 0, max, &value);
    return value;
}

/* In a workspace of ours the task knows; each call has a queue of its own at the provider. */
static void outlook_ask(struct ask *ask, struct outlook *out)
{
    struct arena *arena = ask->call->arena;
    struct call as_service = calls_as_service(ask->call, calls_patience_ms(ask->calls));
    Taskrouter__Tasks__V1__ExplainTaskRequest request;
    Taskrouter__Tasks__V1__TaskExplanation *reply = NULL;
    struct err err = {0};
    taskrouter__tasks__v1__explain_task_request__init(&request);
    request.workspace_sid = wire_text(arena, ask->row.workspace_sid);
    request.sid = wire_text(arena, ask->row.task_sid);
    request.limit = 1;
    if (arena_is_exhausted(arena))
        return;
    enum err_code code =
        RPC_CALL(calls_peer(ask->calls, PEER_TASKS), &as_service, EXPLAIN_TASK, &request.base,
                 taskrouter__tasks__v1__task_explanation, &reply, &err);
    if (code != ERR_OK) {
        LOG_WARN(ask->call, "a waiting caller cannot be told a position",
                 LOG_STR("phone_call", ask->row.sid), LOG_ERR(&err));
        return;
    }
    bool has_wait = reply->estimated_wait != NULL && reply->estimated_wait->_seconds_case != 0;
    if (reply->queue_position != NULL)
        out->position = reply->queue_position->position;
    out->wait_s = has_wait ? reply->estimated_wait->seconds : 0;
    out->is_over =
        reply->task != NULL && (reply->task->assignment_status ==
                                    TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_CANCELED ||
                                reply->task->assignment_status ==
                                    TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_COMPLETED);
}

/* A task that is over may just have been replaced by another one. */
static enum err_code outlook_now(struct ask *ask, struct outlook *out, struct err *err)
{
    const char *task_sid = ask->row.task_sid;
    outlook_ask(ask, out);
    if (!out->is_over)
        return ERR_OK;
    enum err_code code =
        call_store_get(ask->calls->gateway->host.pool, ask->call, "", ask->row.sid, &ask->row, err);
    if (code == ERR_OK && strcmp(task_sid, ask->row.task_sid) != 0)
        *out = (struct outlook){0};
    return code;
}

static const char *outlook_text(struct arena *arena, const struct outlook *outlook)
{
    const char *text = "";
    if (outlook->position <= 0 || outlook->position > POSITION_MAX)
        return "";
    int64_t minutes = (outlook->wait_s + MINUTE_S - 1) / MINUTE_S;
    if (outlook->wait_s <= 0 || outlook->wait_s > WAIT_MAX_S)
        text = arena_printf(arena, "You are number %d in line.", (int)outlook->position);
    else
        text =
            arena_printf(arena, "You are number %d in line. The estimated waiting time is %d %s.",
                         (int)outlook->position, (int)minutes, minutes == 1 ? "minute" : "minutes");
    return text != NULL ? text : "";
}

enum err_code wait_answer(struct ask *ask, struct webhook_answer *out, struct err *err)
{
    struct plan plan;
    struct outlook outlook = {0};
    plan_init(&plan, PLAN_QUEUE);
    enum err_code code =
        ask->row.plan[0] != '\0' ? plan_read(ask->row.plan, ask->call->arena, &plan, err) : ERR_OK;
    if (code != ERR_OK)
        return code;
    int64_t waited_s = number_param(ask, "QueueTime", WAIT_MAX_S);
    bool is_lost = !plan.is_twilio && ask->row.task_sid[0] == '\0' && waited_s > WITHOUT_TASK_S;
    if (plan.is_twilio) {
        outlook.position = number_param(ask, "QueuePosition", POSITION_MAX);
        outlook.wait_s = number_param(ask, "AvgQueueTime", WAIT_MAX_S);
    } else if (ask->row.task_sid[0] != '\0') {
        code = outlook_now(ask, &outlook, err);
        if (code != ERR_OK)
            return code;
    }
    bool leaves = plan.step != PLAN_QUEUE || is_lost || outlook.is_over;
    const char *text = plan.announces ? outlook_text(ask->call->arena, &outlook) : "";
    return answer_wait(ask, text, plan.music, leaves, out, err);
}
