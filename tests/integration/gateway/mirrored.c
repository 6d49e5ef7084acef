#include "mirrored.h"

#include "base/arena.h"
#include "base/call.h"
#include "base/clock.h"
#include "fixture.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/workers/v1/mirror.pb-c.h"

void workspace_of_twilio(const char *sid)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct call call;
    struct err err = {0};
    struct rpc_client *workers = program_client(PROGRAM_WORKERS);
    Taskrouter__Workers__V1__Workspace workspace;
    Taskrouter__Workers__V1__PutWorkspaceRequest request;
    Taskrouter__Common__V1__MirrorResult *reply = NULL;
    call_init(&call, arena, "test", 10 * US_PER_S);
    taskrouter__workers__v1__workspace__init(&workspace);
    taskrouter__workers__v1__put_workspace_request__init(&request);
    workspace.sid = wire_text(arena, sid);
    workspace.account_sid = wire_text(arena, ACCOUNT);
    workspace.friendly_name = wire_text(arena, "Of Twilio");
    workspace.provider = TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO;
    workspace.date_created = wire_time(arena, clock_now_us());
    workspace.date_updated = wire_time(arena, clock_now_us());
    request.workspace = &workspace;
    request.observed_at = wire_time(arena, clock_now_us());
    CHECK(RPC_CALL(workers, &call, "/taskrouter.workers.v1.Mirror/PutWorkspace", &request.base,
                   taskrouter__common__v1__mirror_result, &reply, &err) == ERR_OK);
    CHECK_TEXT(err.detail, "");
    rpc_client_free(workers);
}
