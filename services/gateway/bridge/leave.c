/* What becomes of workers' calls when the caller leaves. */
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
#include "taskrouter/sync/v1/telephony.pb-c.h"

#define HANG_UP_CALL "/taskrouter.sync.v1.Telephony/HangUpCall"

enum err_code bridge_hang_up(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct err *err)
{
    struct call as_service = bridge_as_service(call, BRIDGE_ASK_MS);
    Taskrouter__Sync__V1__HangUpProviderCallRequest request;
    Taskrouter__Sync__V1__ProviderCall *changed = NULL;
    struct phone_call row;
    enum err_code code = bridge_row(bridge, call, leg, &row, err);
    if (code != ERR_OK)
        return code;
    taskrouter__sync__v1__hang_up_provider_call_request__init(&request);
    request.account_sid = wire_text(call->arena, row.account_sid);
    request.call_sid = wire_text(call->arena, leg->provider_call_sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    code = RPC_CALL(bridge->gateway->host.as_service[PEER_SYNC], &as_service, HANG_UP_CALL,
                    &request.base, taskrouter__sync__v1__provider_call, &changed, err);
    if (code == ERR_OK || bridge_is_away(code))
        return code;
    LOG_WARN(call, "a worker's call could not be ended",
             LOG_STR("reservation", leg->reservation_sid), LOG_ERR(err));
    err_clear(err);
    return ERR_OK;
}

static bool can_be_ended(const struct bridge_leg *leg)
{
    return leg->is_unwanted && leg->state == LEG_RINGING && leg->provider_call_sid[0] != '\0';
}

static int64_t until_us(void)
{
    return clock_now_us() + BRIDGE_SETTLE_S * US_PER_S;
}

/* One that is being placed is ended by whoever places it, or by its webhooks. */
static enum err_code end(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                         struct err *err)
{
    if (!can_be_ended(leg))
        return ERR_OK;
    enum err_code code = bridge_hang_up(bridge, call, leg, err);
    return code == ERR_OK ? bridge_store_settled(bridge->gateway->host.pool, call, leg, err) : code;
}

enum err_code bridge_left(struct bridge *bridge, struct call *call, const char *call_sid,
                          const char *task_sid, struct err *err)
{
    struct bridge_leg *legs = NULL;
    size_t count = 0;
    enum err_code code = bridge_store_unwanted(bridge->gateway->host.pool, call, call_sid, task_sid,
                                               until_us(), &legs, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = end(bridge, call, &legs[i], err);
    return code;
}

enum err_code bridge_ringing(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                             struct err *err)
{
    struct bridge_leg now;
    enum err_code code =
        bridge_store_get(bridge->gateway->host.pool, call, leg->reservation_sid, &now, err);
    return code == ERR_OK && can_be_ended(&now) ? bridge_hang_up(bridge, call, &now, err) : code;
}

/* The provider has a call that is not to be, when nobody has answered it. */
enum err_code bridge_late(struct bridge *bridge, struct call *call, const struct bridge_leg *leg,
                          struct err *err)
{
    struct bridge_leg now;
    enum err_code code =
        bridge_store_get(bridge->gateway->host.pool, call, leg->reservation_sid, &now, err);
    if (code == ERR_OK && now.state == LEG_FAILED) {
        now.provider_call_sid = leg->provider_call_sid;
        return bridge_hang_up(bridge, call, &now, err);
    }
    return code == ERR_OK && can_be_ended(&now) ? bridge_hang_up(bridge, call, &now, err) : code;
}

enum err_code bridge_gone(struct bridge *bridge, struct call *call, const char *reservation_sid,
                          struct err *err)
{
    struct bridge_leg leg;
    bool is_found = false;
    enum err_code code = bridge_store_gone(bridge->gateway->host.pool, call, reservation_sid,
                                           until_us(), &leg, &is_found, err);
    return is_found ? end(bridge, call, &leg, err) : code;
}

/* ---- news of the caller's call ---- */

/* The provider says itself that the caller was sent out of the queue. */
static enum err_code redirected(struct bridge *bridge, struct call *call, const char *call_sid,
                                int64_t at_us, struct err *err)
{
    struct bridge_leg leg;
    bool is_found = false;
    bool is_done = false;
    enum err_code code =
        bridge_store_asked(bridge->gateway->host.pool, call, call_sid, &leg, &is_found, err);
    if (code == ERR_OK && is_found)
        code = bridge_store_caller(bridge->gateway->host.pool, call, &leg, LEG_CALLER_JOINED,
                                   &is_done, err);
    return is_done ? bridge_connected(bridge, call, &leg, at_us, err) : code;
}

enum err_code bridge_hear_call(struct bridge *bridge, struct call *call,
                               const struct webhook_due *row, const struct twilio_param *params,
                               size_t count, struct err *err)
{
    struct str key = webhook_param(params, count, "CallSid");
    struct phone_call phone_call;
    bool is_queue_end = row->kind == WEBHOOK_VOICE_QUEUE_END;
    struct str result = webhook_param(params, count, "QueueResult");
    bool is_redirected = is_queue_end && str_starts_with(result, STR("redirected"));
    bool was_sent_out = is_queue_end && str_eq(result, STR("leave"));
    if ((!is_queue_end && row->kind != WEBHOOK_VOICE_STATUS) || !parse_is_sid(key, "CA"))
        return ERR_OK;
    const char *sid = arena_str_dup(call->arena, key);
    if (sid == NULL)
        return call_no_room(err);
    enum err_code code =
        call_store_get(bridge->gateway->host.pool, call, "", sid, &phone_call, err);
    if (code != ERR_OK)
        return code == ERR_NOT_FOUND ? ERR_OK : code;
    bool is_over = phone_call_is_over(&phone_call);
    if (is_over || was_sent_out)
        code = bridge_left(bridge, call, phone_call.sid, "", err);
    else if (is_redirected)
        code = redirected(bridge, call, phone_call.sid, row->received_at_us, err);
    return code == ERR_OK && (is_over || is_redirected)
               ? bridge_redirect_hear(bridge, call, &phone_call, err)
               : code;
}
