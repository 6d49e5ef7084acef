#include "sync_service.h"

#include "base/macros.h"
#include "run_rpc.h"

enum { CHECK_BUDGET_MS = 6000 };

#define REQUEST(name) Taskrouter__Sync__V1__##name##Request
#define RUN           Taskrouter__Sync__V1__Run

static const struct rpc_method methods[] = {
    RPC_UNARY("StartRun", run_rpc_start, REQUEST(StartRun), RUN, 5000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("CancelRun", run_rpc_cancel, REQUEST(CancelRun), RUN, 2000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetRun", run_rpc_get, REQUEST(GetRun), RUN, 2000, ROLE_VIEWER, 0),
    RPC_UNARY("ListRuns", run_rpc_list, REQUEST(ListRuns), Taskrouter__Sync__V1__ListRunsResponse,
              2000, ROLE_VIEWER, 0),
    RPC_STREAM("WatchRun", run_rpc_watch, REQUEST(GetRun), 0, ROLE_VIEWER),
    RPC_UNARY("ListRunItems", run_rpc_items, REQUEST(ListRunItems),
              Taskrouter__Sync__V1__ListRunItemsResponse, 5000, ROLE_VIEWER, 0),
    RPC_UNARY("CheckUpstream", run_rpc_check, REQUEST(CheckUpstream),
              Taskrouter__Sync__V1__CheckUpstreamResponse, CHECK_BUDGET_MS, ROLE_SUPERVISOR, 0),
};

const struct rpc_service sync_service = {
    .descriptor = &taskrouter__sync__v1__sync__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
