#include "telephony_service.h"

#include <string.h>

#include "base/macros.h"
#include "svc/check.h"
#include "svc/wire.h"
#include "sync.h"
#include "telephony.h"

enum {
    ADDRESS_MAX = 255,
    NUMBER_DIGITS_MIN = 2,
    NUMBER_DIGITS_MAX = 15,
    RING_S_DEFAULT = 30,
    RING_S_MAX = 600,
    TALK_S_MAX = 86400,
    CHANGE_BUDGET_MS = 15000,
};

typedef Taskrouter__Sync__V1__PlaceCallRequest place_request;
typedef Taskrouter__Sync__V1__RedirectCallRequest redirect_request;
typedef Taskrouter__Sync__V1__HangUpProviderCallRequest hang_up_request;
typedef Taskrouter__Sync__V1__GetProviderCallRequest get_request;
typedef Taskrouter__Sync__V1__ProviderCall provider_call;

/* ---- checks ---- */

static bool is_number(const char *text)
{
    size_t digits = strspn(text + 1, "0123456789");
    return text[0] == '+' && text[1 + digits] == '\0' && digits >= NUMBER_DIGITS_MIN &&
           digits <= NUMBER_DIGITS_MAX;
}

static enum err_code check_to(const char *to, struct err *err)
{
    enum err_code code = check_text("to", to, 1, ADDRESS_MAX, err);
    if (code != ERR_OK || is_number(to) || strncmp(to, "sip:", 4) == 0 ||
        strncmp(to, "client:", 7) == 0)
        return code;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ADDRESS", "to",
                     "to must be a number such as +15551234567, or begin with sip: or client:");
}

static enum err_code check_from(const char *from, struct err *err)
{
    if (is_number(from))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ADDRESS", "from",
                     "from must be a number such as +15551234567");
}

/* It becomes part of a path. */
static enum err_code check_call_sid(const char *sid, struct err *err)
{
    size_t len = strlen(sid);
    if (len >= 1 && len <= TELEPHONY_CALL_SID_MAX &&
        strspn(sid, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == len)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", "call_sid",
                     "call_sid must be the provider's SID of a call: letters, digits, - and _");
}

static enum err_code check_script(const struct telephony_script *script, struct err *err)
{
    bool has_twiml = script->twiml[0] != '\0';
    struct str twiml = str_from(script->twiml);
    if (has_twiml == (script->url[0] != '\0'))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ONE_OF", "twiml",
                         "give either twiml or url, and not both");
    if (!str_is_utf8(twiml) || str_utf8_count(twiml) > TELEPHONY_TWIML_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", "twiml",
                         "twiml must be UTF-8 of at most %d characters; use url for more",
                         TELEPHONY_TWIML_MAX);
    return check_optional_url("url", script->url, err);
}

static enum err_code check_place(const struct telephony_place *place, struct err *err)
{
    enum err_code code = check_to(place->to, err);
    if (code == ERR_OK)
        code = check_from(place->from, err);
    if (code == ERR_OK)
        code = check_script(&place->script, err);
    if (code == ERR_OK)
        code = check_optional_url("status_callback_url", place->status_callback_url, err);
    if (code == ERR_OK)
        code = check_optional_url("recording_callback_url", place->recording_callback_url, err);
    if (code == ERR_OK)
        code = check_range("timeout_s", place->timeout_s, 1, RING_S_MAX, err);
    return code == ERR_OK ? check_range("time_limit_s", place->time_limit_s, 0, TALK_S_MAX, err)
                          : code;
}

/* ---- RPCs ---- */

static enum err_code reply_with(const struct sync *sync, struct call *call,
                                const struct telephony_call *found, provider_call **out_reply,
                                struct err *err)
{
    provider_call *wire = PB_NEW(call->arena, taskrouter__sync__v1__provider_call);
    if (wire == NULL)
        return call_no_room(err);
    wire->call_sid = wire_text(call->arena, found->sid);
    wire->status = wire_text(call->arena, found->status);
    wire->provider = wire_text(call->arena, sync->telephony->provider->name);
    wire->to = wire_text(call->arena, found->to);
    wire->from = wire_text(call->arena, found->from);
    *out_reply = wire;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code rpc_place(void *app, struct call *call, const place_request *request,
                               provider_call **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct telephony_call placed;
    struct telephony_place place = {
        .to = request->to,
        .from = request->from,
        .script = {request->twiml, request->url},
        .status_callback_url = request->status_callback_url,
        .timeout_s = request->timeout_s == 0 ? RING_S_DEFAULT : request->timeout_s,
        .is_recorded = request->record,
        .recording_callback_url = request->recording_callback_url,
        .time_limit_s = request->time_limit_s,
    };
    enum err_code code = check_place(&place, err);
    if (code == ERR_OK)
        code = sync->telephony->provider->place(sync->telephony->ctx, call, &place, &placed, err);
    return code == ERR_OK ? reply_with(sync, call, &placed, out_reply, err) : code;
}

static enum err_code rpc_redirect(void *app, struct call *call, const redirect_request *request,
                                  provider_call **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct telephony_call changed;
    struct telephony_script script = {request->twiml, request->url};
    enum err_code code = check_call_sid(request->call_sid, err);
    if (code == ERR_OK)
        code = check_script(&script, err);
    if (code == ERR_OK)
        code = sync->telephony->provider->redirect(sync->telephony->ctx, call, request->call_sid,
                                                   &script, &changed, err);
    return code == ERR_OK ? reply_with(sync, call, &changed, out_reply, err) : code;
}

static enum err_code rpc_hang_up(void *app, struct call *call, const hang_up_request *request,
                                 provider_call **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct telephony_call ended;
    enum err_code code = check_call_sid(request->call_sid, err);
    if (code == ERR_OK)
        code = sync->telephony->provider->hang_up(sync->telephony->ctx, call, request->call_sid,
                                                  &ended, err);
    return code == ERR_OK ? reply_with(sync, call, &ended, out_reply, err) : code;
}

static enum err_code rpc_get(void *app, struct call *call, const get_request *request,
                             provider_call **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct telephony_call found;
    enum err_code code = check_call_sid(request->call_sid, err);
    if (code == ERR_OK)
        code = sync->telephony->provider->get(sync->telephony->ctx, call, request->call_sid, &found,
                                              err);
    return code == ERR_OK ? reply_with(sync, call, &found, out_reply, err) : code;
}

static const struct rpc_method methods[] = {
    RPC_UNARY("PlaceCall", rpc_place, place_request, provider_call, CHANGE_BUDGET_MS, ROLE_SERVICE,
              0),
    RPC_UNARY("RedirectCall", rpc_redirect, redirect_request, provider_call, CHANGE_BUDGET_MS,
              ROLE_SERVICE, 0),
    RPC_UNARY("HangUpCall", rpc_hang_up, hang_up_request, provider_call, CHANGE_BUDGET_MS,
              ROLE_SERVICE, 0),
    RPC_UNARY("GetProviderCall", rpc_get, get_request, provider_call, CHANGE_BUDGET_MS,
              ROLE_SERVICE, 0),
};

const struct rpc_service telephony_service = {
    .descriptor = &taskrouter__sync__v1__telephony__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
