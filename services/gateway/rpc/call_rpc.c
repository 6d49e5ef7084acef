#include "call_rpc.h"

#include "call_store.h"
#include "gateway.h"
#include "line_rpc.h"
#include "rpc/client.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "taskrouter/sync/v1/telephony.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

#define LIST_TAG      "cl"
#define GET_WORKSPACE "/taskrouter.workers.v1.Workers/GetWorkspace"
#define HANG_UP       "/taskrouter.sync.v1.Telephony/HangUpCall"

typedef Taskrouter__Directory__V1__Call wire_call;

#define WIRE_STATUS(name) TASKROUTER__DIRECTORY__V1__CALL_STATUS__CALL_STATUS_##name

static const Taskrouter__Directory__V1__CallStatus wire_statuses[PHONE_CALL_STATUS_COUNT] = {
    [PHONE_CALL_NONE] = WIRE_STATUS(UNSPECIFIED),
#define X(name, text) [PHONE_CALL_##name] = WIRE_STATUS(name),
    PHONE_CALL_STATUSES(X)
#undef X
};

static enum phone_call_status status_from_wire(int wire)
{
    for (int i = 0; i < PHONE_CALL_STATUS_COUNT; i++)
        if ((int)wire_statuses[i] == wire)
            return (enum phone_call_status)i;
    return PHONE_CALL_NONE;
}

static wire_call *to_wire(struct arena *arena, const struct phone_call *row)
{
    wire_call *wire = PB_NEW(arena, taskrouter__directory__v1__call);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, row->sid);
    wire->account_sid = wire_text(arena, row->account_sid);
    wire->workspace_sid = wire_text(arena, row->workspace_sid);
    wire->call_sid = wire_text(arena, row->call_sid);
    wire->direction = row->is_outbound
                          ? TASKROUTER__DIRECTORY__V1__CALL_DIRECTION__CALL_DIRECTION_OUTBOUND
                          : TASKROUTER__DIRECTORY__V1__CALL_DIRECTION__CALL_DIRECTION_INBOUND;
    wire->status = wire_statuses[row->status];
    wire->from_number = wire_text(arena, row->from_number);
    wire->to_number = wire_text(arena, row->to_number);
    wire->customer_sid = wire_text(arena, row->customer_sid);
    wire->customer_name = wire_text(arena, row->customer_name);
    wire->task_sid = wire_text(arena, row->task_sid);
    wire->worker_sid = wire_text(arena, row->worker_sid);
    wire->line_sid = wire_text(arena, row->line_sid);
    wire->date_started = wire_time(arena, row->started_at_us);
    wire->date_answered = wire_time(arena, row->answered_at_us);
    wire->date_ended = wire_time(arena, row->ended_at_us);
    wire->duration_s = row->duration_s;
    wire->recording_url = wire_text(arena, row->recording_url);
    wire->recording_sid = wire_text(arena, row->recording_sid);
    wire->recording_duration_s = row->recording_duration_s;
    wire->transcription = wire_text(arena, row->transcription);
    wire->date_due = wire_time(arena, row->due_at_us);
    wire->follow_up_task_sid = wire_text(arena, row->follow_up_task_sid);
    wire->menu_path = wire_text(arena, row->menu_path);
    wire->version = row->version;
    wire->date_created = wire_time(arena, row->created_at_us);
    wire->date_updated = wire_time(arena, row->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

enum err_code call_rpc_workspace(const struct gateway *gateway, struct call *call,
                                 const char *workspace_sid, const char **out_account_sid,
                                 struct err *err)
{
    Taskrouter__Workers__V1__GetWorkspaceRequest request;
    Taskrouter__Workers__V1__Workspace *reply = NULL;
    taskrouter__workers__v1__get_workspace_request__init(&request);
    request.sid = wire_text(call->arena, workspace_sid);
    if (request.sid == NULL)
        return call_no_room(err);
    enum err_code code = RPC_CALL(gateway->host.as_caller[PEER_WORKERS], call, GET_WORKSPACE,
                                  &request.base, taskrouter__workers__v1__workspace, &reply, err);
    if (code == ERR_OK)
        *out_account_sid = reply->account_sid;
    return code;
}

static enum err_code find(const struct gateway *gateway, struct call *call,
                          const char *workspace_sid, const char *key, struct phone_call *out,
                          struct err *err)
{
    const char *account_sid = NULL;
    enum err_code code = call_rpc_workspace(gateway, call, workspace_sid, &account_sid, err);
    return code == ERR_OK ? call_store_get(gateway->host.pool, call, workspace_sid, key, out, err)
                          : code;
}

static enum err_code reply_with(struct call *call, const struct phone_call *row,
                                wire_call **out_reply, struct err *err)
{
    *out_reply = to_wire(call->arena, row);
    return *out_reply == NULL ? call_no_room(err) : ERR_OK;
}

static enum err_code rpc_get(void *app, struct call *call,
                             const Taskrouter__Directory__V1__GetCallRequest *request,
                             wire_call **out_reply, struct err *err)
{
    struct phone_call row;
    enum err_code code = find(app, call, request->workspace_sid, request->sid, &row, err);
    return code == ERR_OK ? reply_with(call, &row, out_reply, err) : code;
}

static enum err_code rpc_list(void *app, struct call *call,
                              const Taskrouter__Directory__V1__ListCallsRequest *request,
                              Taskrouter__Directory__V1__ListCallsResponse **out_reply,
                              struct err *err)
{
    const struct gateway *gateway = app;
    struct page page;
    const char *account_sid = NULL;
    struct phone_call *rows = NULL;
    size_t count = 0;
    enum err_code code =
        call_rpc_workspace(gateway, call, request->workspace_sid, &account_sid, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    struct call_filter filter = {
        .workspace_sid = request->workspace_sid,
        .status = status_from_wire((int)request->status),
        .from_number = request->from_number,
        .customer_sid = request->customer_sid,
        .task_sid = request->task_sid,
        .before = page.after,
        .limit = (size_t)page.size + 1,
    };
    if (code == ERR_OK)
        code = call_store_list(gateway->host.pool, call, &filter, &rows, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ListCallsResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__list_calls_response);
    bool has_more = count > (size_t)page.size;
    size_t shown = has_more ? (size_t)page.size : count;
    wire_call **items = ARENA_ARRAY(call->arena, wire_call *, shown);
    if (reply == NULL || items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < shown; i++)
        items[i] = to_wire(call->arena, &rows[i]);
    reply->items = items;
    reply->n_items = shown;
    if (has_more)
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, rows[shown - 1].sid);
    *out_reply = reply;
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

/* What becomes of the row the provider tells. */
static enum err_code rpc_hang_up(void *app, struct call *call,
                                 const Taskrouter__Directory__V1__HangUpCallRequest *request,
                                 wire_call **out_reply, struct err *err)
{
    const struct gateway *gateway = app;
    struct phone_call row;
    Taskrouter__Sync__V1__HangUpProviderCallRequest hang_up;
    Taskrouter__Sync__V1__ProviderCall *reply = NULL;
    enum err_code code = find(gateway, call, request->workspace_sid, request->sid, &row, err);
    if (code != ERR_OK || phone_call_is_over(&row))
        return code == ERR_OK ? reply_with(call, &row, out_reply, err) : code;
    taskrouter__sync__v1__hang_up_provider_call_request__init(&hang_up);
    hang_up.account_sid = wire_text(call->arena, row.account_sid);
    hang_up.call_sid = wire_text(call->arena, row.call_sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    code = RPC_CALL(gateway->host.as_service[PEER_SYNC], call, HANG_UP, &hang_up.base,
                    taskrouter__sync__v1__provider_call, &reply, err);
    return code == ERR_OK ? reply_with(call, &row, out_reply, err) : code;
}

#define REQUEST(name)  Taskrouter__Directory__V1__##name##Request
#define RESPONSE(name) Taskrouter__Directory__V1__##name##Response
#define LINE           Taskrouter__Directory__V1__Line

static const struct rpc_method methods[] = {
    RPC_UNARY("GetCall", rpc_get, REQUEST(GetCall), wire_call, 2000, ROLE_VIEWER, 0),
    RPC_UNARY("ListCalls", rpc_list, REQUEST(ListCalls), RESPONSE(ListCalls), 3000, ROLE_VIEWER, 0),
    RPC_UNARY("HangUpCall", rpc_hang_up, REQUEST(HangUpCall), wire_call, 10000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("CreateLine", line_rpc_create, REQUEST(CreateLine), LINE, 3000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetLine", line_rpc_get, REQUEST(GetLine), LINE, 2000, ROLE_VIEWER, 0),
    RPC_UNARY("ListLines", line_rpc_list, REQUEST(ListLines), RESPONSE(ListLines), 3000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateLine", line_rpc_update, REQUEST(UpdateLine), LINE, 3000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("DeleteLine", line_rpc_delete, REQUEST(DeleteLine), Google__Protobuf__Empty, 3000,
              ROLE_SUPERVISOR, 0),
};

const struct rpc_service call_service = {
    .descriptor = &taskrouter__directory__v1__calls__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
