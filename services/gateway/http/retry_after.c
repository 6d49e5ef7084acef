#include "retry_after.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "gateway.h"
#include "rpc/client.h"
#include "taskrouter/sync/v1/upstream.pb-c.h"

#define GET_STATE "/taskrouter.sync.v1.Upstream/GetUpstreamState"

enum { ASK_MS = 500, MS_PER_S = 1000 };

int retry_after_of(int64_t left_ms)
{
    if (left_ms <= 0)
        return 0;
    if (left_ms > (int64_t)RETRY_AFTER_MAX_S * MS_PER_S)
        return RETRY_AFTER_MAX_S;
    return (int)((left_ms + MS_PER_S - 1) / MS_PER_S);
}

static bool is_of_twilio(const struct err *err)
{
    static const char *const reasons[] = {"UPSTREAM_AWAY", "UPSTREAM_BUSY", "OUTCOME_UNKNOWN"};
    for (size_t i = 0; i < ARRAY_LEN(reasons) && err->reason != NULL; i++) {
        if (strcmp(err->reason, reasons[i]) == 0)
            return true;
    }
    return false;
}

void retry_after_fill(struct gateway *gateway, const struct call *call, const struct err *err,
                      struct http_response *res)
{
    Taskrouter__Sync__V1__GetUpstreamStateRequest request;
    Taskrouter__Sync__V1__UpstreamState *state = NULL;
    struct call own = *call; /* its own time: the request's may be over */
    struct err ignored = {.code = ERR_OK};
    if (!is_of_twilio(err))
        return;
    own.who = (struct identity){ROLE_SERVICE, "service:gateway", "", "", ""};
    own.deadline_mono_us = clock_mono_us() + ASK_MS * US_PER_MS;
    taskrouter__sync__v1__get_upstream_state_request__init(&request);
    if (RPC_CALL(gateway->host.as_service[PEER_SYNC], &own, GET_STATE, &request.base,
                 taskrouter__sync__v1__upstream_state, &state, &ignored) != ERR_OK)
        return;
    int after_s = retry_after_of(state->retry_in_ms);
    if (after_s > res->retry_after_s)
        res->retry_after_s = after_s;
}
