#include "sync_service.h"

#include "base/macros.h"
#include "run_store.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "sync.h"
#include "taskrouter/sync/v1/sync.pb-c.h"

#define LIST_TAG "sy"

typedef Taskrouter__Sync__V1__Run wire_run;

static const Taskrouter__Sync__V1__RunState wire_states[RUN_STATE_COUNT] = {
    [RUN_STATE_NONE] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_UNSPECIFIED,
    [RUN_STATE_RUNNING] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_RUNNING,
    [RUN_STATE_CLEAN] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_CLEAN,
    [RUN_STATE_PARTIAL] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_PARTIAL,
    [RUN_STATE_FAILED] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_FAILED,
};

static wire_run *run_to_wire(struct arena *arena, const struct run *run)
{
    wire_run *wire = PB_NEW(arena, taskrouter__sync__v1__run);
    char **kinds = ARENA_ARRAY(arena, char *, run->kind_count);
    if (wire == NULL || kinds == NULL)
        return NULL;
    for (size_t i = 0; i < run->kind_count; i++)
        kinds[i] = arena_str_dup(arena, run->kinds[i]);
    wire->sid = wire_text(arena, run->sid);
    wire->account_sid = wire_text(arena, run->account_sid);
    wire->workspace_sid = wire_text(arena, run->workspace_sid);
    wire->state = wire_states[run->state];
    wire->kinds = kinds;
    wire->n_kinds = run->kind_count;
    wire->dry_run = run->is_dry_run;
    wire->detail = wire_text(arena, run->detail);
    wire->date_started = wire_time(arena, run->started_at_us);
    wire->date_ended = wire_time(arena, run->ended_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

static enum err_code run_rpc_get(void *app, struct call *call,
                                 const Taskrouter__Sync__V1__GetRunRequest *request,
                                 wire_run **out_reply, struct err *err)
{
    struct sync *sync = app;
    struct workspace_copy workspace;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct run run;
    enum err_code code =
        workspaces_require(&sync->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "SY", err);
    if (code == ERR_OK)
        code = db_acquire(sync->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = run_store_get(conn, call, workspace.sid, request->sid, &run, err);
    if (code != ERR_OK)
        return code;
    *out_reply = run_to_wire(call->arena, &run);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

static enum err_code run_rpc_list(void *app, struct call *call,
                                  const Taskrouter__Sync__V1__ListRunsRequest *request,
                                  Taskrouter__Sync__V1__ListRunsResponse **out_reply,
                                  struct err *err)
{
    struct sync *sync = app;
    struct workspace_copy workspace;
    struct page page;
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    struct run *items = NULL;
    size_t count = 0;
    enum err_code code =
        workspaces_require(&sync->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = db_acquire(sync->host.pool, call, &conn, err);
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = run_store_list(conn, call, workspace.sid, page.after, (size_t)page.size + 1, &items,
                              &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Sync__V1__ListRunsResponse *reply =
        PB_NEW(call->arena, taskrouter__sync__v1__list_runs_response);
    wire_run **wires = ARENA_ARRAY(call->arena, wire_run *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > (size_t)page.size) {
        count = (size_t)page.size;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = run_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

static const struct rpc_method methods[] = {
    RPC_UNARY("GetRun", run_rpc_get, Taskrouter__Sync__V1__GetRunRequest, wire_run, 1000,
              ROLE_VIEWER, 0),
    RPC_UNARY("ListRuns", run_rpc_list, Taskrouter__Sync__V1__ListRunsRequest,
              Taskrouter__Sync__V1__ListRunsResponse, 2000, ROLE_VIEWER, 0),
};

const struct rpc_service sync_service = {
    .descriptor = &taskrouter__sync__v1__sync__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
