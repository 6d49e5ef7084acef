/* The instruction redirect: callers who are sent to a document of the application. */
#include <string.h>

#include "base/clock.h"
#include "bridge_int.h"
#include "bridge_store.h"
#include "call_store.h"
#include "gateway.h"
#include "log/log.h"
#include "plan.h"
#include "redirect_store.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/sync/v1/telephony.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

#define REDIRECT_CALL "/taskrouter.sync.v1.Telephony/RedirectCall"

enum {
    REDIRECT_MS = 20000,
};

/* The worker's half of it, for what is done alike. */
static struct bridge_leg leg_of(const struct bridge_redirect *redirect,
                                const struct phone_call *row)
{
    return (struct bridge_leg){
        .reservation_sid = redirect->reservation_sid,
        .call_sid = row->sid,
        .task_sid = redirect->task_sid,
        .worker_sid = redirect->worker_sid,
        .workspace_sid = redirect->workspace_sid,
        .version = redirect->version,
        .to_address = "",
        .from_number = "",
        .state = redirect->state == REDIRECT_DONE ? LEG_ENDED : LEG_FAILED,
        .provider_call_sid = "",
        .detail = redirect->detail,
        .options = "",
        .url = "",
    };
}

/* ---- what follows ---- */

/* Whether the task is, or was before the caller had to wait with another one, the call's. */
static enum err_code is_of_task(struct bridge *bridge, struct call *call,
                                const struct bridge_redirect *redirect,
                                const struct phone_call *row, bool *out_is, struct err *err)
{
    struct bridge_leg leg = leg_of(redirect, row);
    Taskrouter__Tasks__V1__Task *task = NULL;
    *out_is = strcmp(row->task_sid, redirect->task_sid) == 0;
    if (*out_is)
        return ERR_OK;
    enum err_code code = bridge_task_get(bridge, call, &leg, &task, err);
    *out_is = code == ERR_OK && strcmp(task->call_id, row->sid) == 0;
    if (code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return ERR_OK;
}

static enum err_code settle_done(struct bridge *bridge, struct call *call,
                                 const struct bridge_redirect *redirect, int64_t at_us,
                                 struct err *err)
{
    struct phone_call row;
    bool is_ours = false;
    enum err_code code = call_store_get(bridge->gateway->host.pool, call, redirect->workspace_sid,
                                        redirect->call_sid, &row, err);
    if (code == ERR_NOT_FOUND) {
        err_clear(err);
        return ERR_OK;
    }
    if (code == ERR_OK)
        code = is_of_task(bridge, call, redirect, &row, &is_ours, err);
    if (code != ERR_OK || !is_ours)
        return code;
    struct bridge_leg leg = leg_of(redirect, &row);
    return phone_call_is_over(&row) ? bridge_wrap_up(bridge, call, &leg, err)
                                    : bridge_connected(bridge, call, &leg, at_us, err);
}

/* The caller waits on: whoever accepted the reservation is called, as if there had been no
 * instruction. */
static enum err_code call_worker(struct bridge *bridge, struct call *call,
                                 const struct bridge_leg *leg, const struct phone_call *row,
                                 struct err *err)
{
    bool is_waiting = false;
    bool is_new = false;
    enum err_code code =
        bridge_waits(call, row, leg->workspace_sid, leg->task_sid, &is_waiting, err);
    if (code == ERR_OK && is_waiting)
        code = bridge_store_insert(bridge->gateway->host.pool, call, leg, true, &is_new, err);
    if (is_new)
        bridge_wake(bridge);
    return code;
}

/* It failed, or nobody ever told of it. */
static enum err_code settle_undone(struct bridge *bridge, struct call *call,
                                   const struct bridge_redirect *redirect, struct err *err)
{
    struct phone_call row;
    enum err_code code =
        call_store_of_task(bridge->gateway->host.pool, call, redirect->task_sid, &row, err);
    if (code == ERR_NOT_FOUND) {
        err_clear(err);
        return ERR_OK;
    }
    if (code != ERR_OK || strcmp(row.task_sid, redirect->task_sid) != 0)
        return code;
    struct bridge_leg leg = leg_of(redirect, &row);
    if (phone_call_is_over(&row))
        return bridge_wrap_up(bridge, call, &leg, err);
    return redirect->accepts ? bridge_release(bridge, call, &leg, err)
                             : call_worker(bridge, call, &leg, &row, err);
}

/* While the reservation is pending, all of it is the application's business. */
static enum err_code settle(struct bridge *bridge, struct call *call,
                            const struct bridge_redirect *redirect, int64_t at_us, struct err *err)
{
    if (redirect->is_pending)
        return ERR_OK;
    return redirect->state == REDIRECT_DONE || redirect->is_away
               ? settle_done(bridge, call, redirect, at_us, err)
               : settle_undone(bridge, call, redirect, err);
}

static void tell(struct call *call, const struct bridge_redirect *redirect)
{
    if (redirect->state == REDIRECT_DONE)
        LOG_INFO(call, "a waiting caller was redirected",
                 LOG_STR("reservation", redirect->reservation_sid),
                 LOG_STR("provider_call", redirect->call_sid));
    else
        LOG_WARN(call, "a caller was not redirected as instructed",
                 LOG_STR("reservation", redirect->reservation_sid),
                 LOG_STR("provider_call", redirect->call_sid), LOG_STR("why", redirect->detail));
}

/* Moves it there from `from`, unless somebody else has moved it, and settles it. */
static enum err_code end(struct bridge *bridge, struct call *call, struct bridge_redirect *redirect,
                         enum redirect_state to, const char *why, struct err *err)
{
    struct db_pool *pool = bridge->gateway->host.pool;
    enum redirect_state from = redirect->state;
    bool is_done = false;
    redirect->state = to;
    redirect->detail = arena_strdup(call->arena, why);
    redirect->is_settled = false;
    redirect->due_at_us = clock_now_us() + BRIDGE_SETTLE_S * US_PER_S;
    if (redirect->detail == NULL)
        return call_no_room(err);
    enum err_code code = redirect_store_move(pool, call, redirect, from, &is_done, err);
    if (code != ERR_OK || !is_done)
        return code;
    tell(call, redirect);
    code = settle(bridge, call, redirect, clock_now_us(), err);
    return code == ERR_OK ? redirect_store_settled(pool, call, redirect, err) : code;
}

/* ---- asking ---- */

static enum err_code ask(struct bridge *bridge, struct call *call,
                         const struct bridge_redirect *redirect, const struct phone_call *row,
                         struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_PLACE_MS);
    Taskrouter__Sync__V1__RedirectCallRequest request;
    Taskrouter__Sync__V1__ProviderCall *changed = NULL;
    taskrouter__sync__v1__redirect_call_request__init(&request);
    request.account_sid = wire_text(call->arena, row->account_sid);
    request.call_sid = wire_text(call->arena, row->call_sid);
    request.url = wire_text(call->arena, redirect->url);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return RPC_CALL(bridge->gateway->host.as_service[PEER_SYNC], &as_service, REDIRECT_CALL,
                    &request.base, taskrouter__sync__v1__provider_call, &changed, err);
}

static enum err_code again(struct bridge *bridge, struct call *call,
                           struct bridge_redirect *redirect, const struct err *why, struct err *err)
{
    bool is_done = false;
    if (bridge_is_impatient(bridge, redirect->created_at_us))
        return end(bridge, call, redirect, REDIRECT_FAILED, why->detail, err);
    LOG_WARN(call, "a caller could not be redirected yet, it will be tried again",
             LOG_STR("reservation", redirect->reservation_sid), LOG_ERR(why));
    redirect->state = REDIRECT_RECORDED;
    redirect->due_at_us = clock_now_us() + BRIDGE_AGAIN_MS * US_PER_MS;
    return redirect_store_move(bridge->gateway->host.pool, call, redirect, REDIRECT_ASKING,
                               &is_done, err);
}

/* NULL, or why the call is not to be touched. */
static enum err_code objection(struct call *call, const struct phone_call *row, const char **out,
                               struct err *err)
{
    struct plan plan;
    *out = NULL;
    if (phone_call_is_over(row))
        *out = "the call has ended";
    if (*out != NULL || row->plan[0] == '\0')
        return ERR_OK;
    enum err_code code = plan_read(row->plan, call->arena, &plan, err);
    if (code == ERR_OK && plan.is_twilio)
        *out = "Twilio routes this call";
    return code;
}

static enum err_code carry_out(struct bridge *bridge, struct call *call,
                               struct bridge_redirect *redirect, struct err *err)
{
    const char *why_not = NULL;
    struct phone_call row;
    struct err why;
    err_clear(&why);
    enum err_code code = call_store_get(bridge->gateway->host.pool, call, redirect->workspace_sid,
                                        redirect->call_sid, &row, err);
    if (code == ERR_NOT_FOUND) {
        err_clear(err);
        return end(bridge, call, redirect, REDIRECT_FAILED, "call_sid is no call of this workspace",
                   err);
    }
    if (code == ERR_OK)
        code = objection(call, &row, &why_not, err);
    if (code != ERR_OK)
        return code;
    if (why_not != NULL)
        return end(bridge, call, redirect, REDIRECT_FAILED, why_not, err);
    if (bridge_look(bridge, call, &why) != ERR_OK)
        return again(bridge, call, redirect, &why, err);
    code = ask(bridge, call, redirect, &row, &why);
    if (code == ERR_OK)
        return end(bridge, call, redirect, REDIRECT_DONE, "", err);
    if (bridge_is_unsure(code, &why)) {
        LOG_WARN(call, "a caller may have been redirected; waiting to hear of it",
                 LOG_STR("reservation", redirect->reservation_sid), LOG_ERR(&why));
        return ERR_OK;
    }
    return bridge_is_away(code) ? again(bridge, call, redirect, &why, err)
                                : end(bridge, call, redirect, REDIRECT_FAILED, why.detail, err);
}

/* ---- the jobs ---- */

static enum err_code overdue(struct bridge *bridge, struct call *call, struct err *err)
{
    bool is_found = bridge_may_give_up(bridge);
    enum err_code code = ERR_OK;
    while (code == ERR_OK && is_found) {
        struct bridge_redirect redirect;
        code = redirect_store_overdue(bridge->gateway->host.pool, call, &redirect, &is_found, err);
        if (code == ERR_OK && is_found)
            code = end(bridge, call, &redirect, REDIRECT_UNKNOWN,
                       "it is not known whether the caller was redirected", err);
    }
    return code;
}

static enum err_code unsettled(struct bridge *bridge, struct call *call, struct err *err)
{
    struct db_pool *pool = bridge->gateway->host.pool;
    bool is_found = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && is_found) {
        struct bridge_redirect redirect;
        int64_t now_us = clock_now_us();
        code = redirect_store_unsettled(pool, call, now_us + BRIDGE_SETTLE_S * US_PER_S, &redirect,
                                        &is_found, err);
        if (code == ERR_OK && is_found)
            code = settle(bridge, call, &redirect, now_us, err);
        if (code == ERR_OK && is_found)
            code = redirect_store_settled(pool, call, &redirect, err);
    }
    return code;
}

enum err_code bridge_redirect_run(struct bridge *bridge, struct app_job *job, struct call *call,
                                  struct err *err)
{
    bool is_found = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && is_found && !app_job_is_stopping(job)) {
        struct arena_mark mark = arena_mark(call->arena);
        struct bridge_redirect redirect;
        call->deadline_mono_us = clock_mono_us() + REDIRECT_MS * US_PER_MS;
        code = redirect_store_take(bridge->gateway->host.pool, call,
                                   bridge_unheard_until_us(bridge), &redirect, &is_found, err);
        if (code == ERR_OK && is_found)
            code = carry_out(bridge, call, &redirect, err);
        arena_rewind(call->arena, mark);
    }
    if (code == ERR_OK)
        code = overdue(bridge, call, err);
    return code == ERR_OK ? unsettled(bridge, call, err) : code;
}

/* ---- what comes from outside ---- */

enum err_code bridge_redirect_record(struct bridge *bridge, struct call *call,
                                     const struct bridge_redirect *redirect, struct err *err)
{
    bool is_new = false;
    enum err_code code =
        redirect_store_put(bridge->gateway->host.pool, call, redirect, true, &is_new, err);
    if (is_new)
        bridge_wake(bridge);
    return code;
}

/* *out_is_found false: it is not known yet, or was accepted before. */
static enum err_code accept(struct bridge *bridge, struct call *call,
                            const struct bridge_redirect *redirect, bool *out_is_found,
                            struct err *err)
{
    struct db_pool *pool = bridge->gateway->host.pool;
    struct bridge_redirect now;
    int64_t now_us = clock_now_us();
    enum err_code code = redirect_store_accept(
        pool, call, redirect, now_us + BRIDGE_SETTLE_S * US_PER_S, &now, out_is_found, err);
    if (!*out_is_found || now.state == REDIRECT_RECORDED || now.state == REDIRECT_ASKING)
        return code;
    code = settle(bridge, call, &now, now_us, err);
    return code == ERR_OK ? redirect_store_settled(pool, call, &now, err) : code;
}

/* The two events have no order between them: one that is not known is begun here. Who begins it in
 * that moment has it accepted with the second try. */
enum err_code bridge_redirect_accepted(struct bridge *bridge, struct call *call,
                                       const struct bridge_redirect *redirect, struct err *err)
{
    bool is_found = false;
    bool is_new = false;
    enum err_code code = accept(bridge, call, redirect, &is_found, err);
    if (code == ERR_OK && !is_found)
        code = redirect_store_put(bridge->gateway->host.pool, call, redirect, false, &is_new, err);
    if (is_new)
        bridge_wake(bridge);
    return code == ERR_OK && !is_found && !is_new ? accept(bridge, call, redirect, &is_found, err)
                                                  : code;
}

/* The worker does not ring for a caller who was redirected after all. */
static enum err_code told_late(struct bridge *bridge, struct call *call,
                               struct bridge_redirect *redirect, struct err *err)
{
    enum err_code code = end(bridge, call, redirect, REDIRECT_DONE, "", err);
    return code == ERR_OK ? bridge_gone(bridge, call, redirect->reservation_sid, err) : code;
}

enum err_code bridge_redirect_hear(struct bridge *bridge, struct call *call,
                                   const struct phone_call *row, struct err *err)
{
    struct bridge_redirect redirect;
    bool is_found = false;
    bool is_over = phone_call_is_over(row);
    enum err_code code = redirect_store_of_call(bridge->gateway->host.pool, call, row->call_sid,
                                                &redirect, &is_found, err);
    if (code != ERR_OK || !is_found)
        return code;
    if (redirect.state == REDIRECT_ASKING && !is_over)
        return end(bridge, call, &redirect, REDIRECT_DONE, "", err);
    if (redirect.state == REDIRECT_UNKNOWN && !is_over)
        return told_late(bridge, call, &redirect, err);
    bool was_redirected = redirect.state == REDIRECT_DONE || redirect.state == REDIRECT_UNKNOWN;
    return was_redirected ? settle(bridge, call, &redirect, clock_now_us(), err) : ERR_OK;
}
