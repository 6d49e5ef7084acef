#include "workspace_zone.h"

#include "rpc/client.h"
#include "schedule_store.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

static enum err_code stored(struct routing *routing, struct call *call, const char *workspace_sid,
                            const char **out, struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    enum err_code code = db_acquire(routing->host.pool, call, &conn, err);
    return code == ERR_OK ? workspace_zone_store_get(conn, call, workspace_sid, out, err) : code;
}

static enum err_code ask(struct routing *routing, struct call *call, const char *workspace_sid,
                         const char **out, struct err *err)
{
    Taskrouter__Workers__V1__GetWorkspaceRequest request;
    taskrouter__workers__v1__get_workspace_request__init(&request);
    request.sid = arena_strdup(call->arena, workspace_sid);
    if (request.sid == NULL)
        return call_no_room(err);
    Taskrouter__Workers__V1__Workspace *workspace = NULL;
    enum err_code code =
        RPC_CALL(routing->workspaces.workers, call, "/taskrouter.workers.v1.Workers/GetWorkspace",
                 &request.base, taskrouter__workers__v1__workspace, &workspace, err);
    if (code != ERR_OK)
        return code;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    code = db_acquire(routing->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code =
            workspace_zone_store_put(conn, call, workspace_sid, workspace->time_zone, false, err);
    *out = workspace->time_zone;
    return code;
}

enum err_code workspace_zone(struct routing *routing, struct call *call, const char *workspace_sid,
                             const char **out, struct err *err)
{
    enum err_code code = stored(routing, call, workspace_sid, out, err);
    return code == ERR_OK && *out == NULL ? ask(routing, call, workspace_sid, out, err) : code;
}
