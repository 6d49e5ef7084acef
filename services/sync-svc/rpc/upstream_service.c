#include "upstream_service.h"

#include "base/clock.h"
#include "base/macros.h"
#include "svc/wire.h"
#include "sync.h"
#include "taskrouter/sync/v1/upstream.pb-c.h"
#include "upstream.h"

enum { PARAMETERS_MAX = 200, EXECUTE_BUDGET_MS = 30000 };

typedef Taskrouter__Sync__V1__ExecuteRequest execute_request;
typedef Taskrouter__Sync__V1__ExecuteResponse execute_response;
typedef Taskrouter__Sync__V1__GetUpstreamStateRequest state_request;
typedef Taskrouter__Sync__V1__UpstreamState state_reply;

static enum err_code method_from(const execute_request *request, enum httpc_method *out,
                                 struct err *err)
{
    switch (request->method) {
    case TASKROUTER__SYNC__V1__UPSTREAM_METHOD__UPSTREAM_METHOD_UNSPECIFIED:
    case TASKROUTER__SYNC__V1__UPSTREAM_METHOD__UPSTREAM_METHOD_GET:
        *out = HTTPC_GET;
        return ERR_OK;
    case TASKROUTER__SYNC__V1__UPSTREAM_METHOD__UPSTREAM_METHOD_POST:
        *out = HTTPC_POST;
        return ERR_OK;
    case TASKROUTER__SYNC__V1__UPSTREAM_METHOD__UPSTREAM_METHOD_DELETE:
        *out = HTTPC_DELETE;
        return ERR_OK;
    default:
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "UNKNOWN_METHOD", "method",
                         "method must be GET, POST or DELETE");
    }
}

static enum err_code params_from(struct call *call, const execute_request *request,
                                 struct twilio_param **out, struct err *err)
{
    if (request->n_parameters > PARAMETERS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "parameters",
                         "at most %d parameters may be sent", PARAMETERS_MAX);
    struct twilio_param *params =
        ARENA_ARRAY(call->arena, struct twilio_param, request->n_parameters);
    if (params == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < request->n_parameters; i++)
        params[i] = (struct twilio_param){str_from(request->parameters[i]->name),
                                          str_from(request->parameters[i]->value)};
    *out = params;
    return ERR_OK;
}

static enum err_code upstream_rpc_execute(void *app, struct call *call,
                                          const execute_request *request,
                                          execute_response **out_reply, struct err *err)
{
    struct sync *sync = app;
    struct twilio_param *params = NULL;
    struct upstream_request out = {
        .path = str_from(request->path),
        .param_count = request->n_parameters,
        .if_match = str_from(request->if_match),
        .is_repeatable = request->is_repeatable,
    };
    struct upstream_reply reply;
    enum err_code code = method_from(request, &out.method, err);
    if (code == ERR_OK)
        code = params_from(call, request, &params, err);
    out.params = params;
    if (code == ERR_OK)
        code = upstream_call(sync->upstream, call, &out, &reply, err);
    if (code != ERR_OK)
        return code;
    execute_response *wire = PB_NEW(call->arena, taskrouter__sync__v1__execute_response);
    if (wire == NULL)
        return call_no_room(err);
    wire->status = reply.status;
    wire->etag = wire_text(call->arena, reply.etag);
    wire->body = arena_str_dup(call->arena, reply.body);
    wire->code = reply.code;
    wire->message = wire_text(call->arena, reply.message);
    wire->attempts = reply.attempts;
    wire->duration_ms = reply.took_us / US_PER_MS;
    *out_reply = wire;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code upstream_rpc_state(void *app, struct call *call, const state_request *request,
                                        state_reply **out_reply, struct err *err)
{
    (void)request;
    struct sync *sync = app;
    struct upstream_state state = upstream_state(sync->upstream);
    state_reply *wire = PB_NEW(call->arena, taskrouter__sync__v1__upstream_state);
    if (wire == NULL)
        return call_no_room(err);
    wire->is_configured = state.is_configured;
    wire->is_away = state.is_away;
    int64_t retry_us = state.asked_us > state.retry_in_us ? state.asked_us : state.retry_in_us;
    wire->retry_in_ms = (retry_us + US_PER_MS - 1) / US_PER_MS;
    wire->in_flight = state.in_flight;
    *out_reply = wire;
    return ERR_OK;
}

static const struct rpc_method methods[] = {
    RPC_UNARY("Execute", upstream_rpc_execute, execute_request, execute_response, EXECUTE_BUDGET_MS,
              ROLE_SERVICE, 0),
    RPC_UNARY("GetUpstreamState", upstream_rpc_state, state_request, state_reply, 1000, ROLE_ADMIN,
              0),
};

const struct rpc_service upstream_service = {
    .descriptor = &taskrouter__sync__v1__upstream__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
