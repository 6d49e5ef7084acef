#include "write_service.h"

#include <string.h>

#include "base/macros.h"
#include "intent_store.h"
#include "log/log.h"
#include "pbjson/pbjson.h"
#include "reach.h"
#include "rpc/pb.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "sync.h"
#include "sync_settings.h"
#include "taskrouter/sync/v1/writes.pb-c.h"
#include "write_ops.h"

enum { PARAMETERS_MAX = 256 << 10 };

#define LIST_TAG "iw"

typedef Taskrouter__Sync__V1__Write wire_write;

static const Taskrouter__Sync__V1__WriteState wire_states[INTENT_STATE_COUNT] = {
    [INTENT_NONE] = TASKROUTER__SYNC__V1__WRITE_STATE__WRITE_STATE_UNSPECIFIED,
    [INTENT_OPEN] = TASKROUTER__SYNC__V1__WRITE_STATE__WRITE_STATE_OPEN,
    [INTENT_ANSWERED] = TASKROUTER__SYNC__V1__WRITE_STATE__WRITE_STATE_ANSWERED,
    [INTENT_DONE] = TASKROUTER__SYNC__V1__WRITE_STATE__WRITE_STATE_DONE,
    [INTENT_UNDONE] = TASKROUTER__SYNC__V1__WRITE_STATE__WRITE_STATE_UNDONE,
    [INTENT_GIVEN_UP] = TASKROUTER__SYNC__V1__WRITE_STATE__WRITE_STATE_GIVEN_UP,
};

/* ---- one ---- */

/* "" where a newer version has recorded what we do not know, and where it is too much to show. */
static char *parameters_of(struct arena *arena, const struct intent *intent)
{
    const struct write_op *op = write_op_find(intent->method);
    struct err err = {.code = ERR_OK};
    ProtobufCMessage *request = NULL;
    struct str text = {NULL, 0};
    if (op == NULL || intent->request.len == 0 || intent->request.len > PARAMETERS_MAX ||
        pb_decode(arena, op->request, intent->request, &request, &err) != ERR_OK ||
        pbjson_text(request, &pbjson_rest, arena, &text, &err) != ERR_OK)
        return wire_text(arena, "");
    return arena_str_dup(arena, text);
}

static wire_write *to_wire(struct arena *arena, const struct intent *intent)
{
    wire_write *wire = PB_NEW(arena, taskrouter__sync__v1__write);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, intent->sid);
    wire->state = wire_states[intent->state];
    wire->account_sid = wire_text(arena, intent->account_sid);
    wire->workspace_sid = wire_text(arena, intent->workspace_sid);
    wire->method = wire_text(arena, intent->method);
    wire->resource_sid = wire_text(arena, intent->resource_sid);
    wire->parameters = parameters_of(arena, intent);
    wire->detail = wire_text(arena, intent->detail);
    wire->looks = intent->looks;
    wire->date_created = wire_time(arena, intent->created_at_us);
    wire->date_sent = wire_time(arena, intent->sent_at_us);
    wire->date_ended = wire_time(arena, intent->settled_at_us);
    return wire;
}

/* Those that were to make a workspace belong to none yet: whoever sees the whole account sees them.
 */
static enum err_code scope_of(const struct sync *sync, struct call *call, const char *workspace_sid,
                              struct intent_scope *out, struct err *err)
{
    struct reach reach;
    const char *account_sid = sync->settings->account_sid;
    enum err_code code = reach_workspace(sync, call, workspace_sid, &reach, err);
    if (code != ERR_OK)
        return code;
    bool is_ours = account_sid != NULL && (call->who.account_sid[0] == '\0' ||
                                           strcmp(call->who.account_sid, account_sid) == 0);
    *out = (struct intent_scope){
        .workspace_sid = reach.workspace_sid,
        .sees_new_workspaces = is_ours && call->who.workspace_sid[0] == '\0',
    };
    return ERR_OK;
}

static enum err_code find(const struct sync *sync, struct call *call, const char *workspace_sid,
                          const char *sid, struct intent_scope *out_scope, struct intent *out,
                          struct err *err)
{
    enum err_code code = scope_of(sync, call, workspace_sid, out_scope, err);
    if (code == ERR_OK)
        code = check_sid("sid", sid, "IN", err);
    return code == ERR_OK ? intent_store_get(sync->host.pool, call, out_scope, sid, out, err)
                          : code;
}

static enum err_code reply_with(struct call *call, const struct intent *intent,
                                wire_write **out_reply, struct err *err)
{
    *out_reply = to_wire(call->arena, intent);
    return *out_reply == NULL || arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code rpc_get(void *app, struct call *call,
                             const Taskrouter__Sync__V1__GetWriteRequest *request,
                             wire_write **out_reply, struct err *err)
{
    struct intent_scope scope;
    struct intent intent;
    enum err_code code =
        find(app, call, request->workspace_sid, request->sid, &scope, &intent, err);
    return code == ERR_OK ? reply_with(call, &intent, out_reply, err) : code;
}

/* The log says who has decided. */
static void note_decision(const struct call *call, const char *what, const struct intent *intent)
{
    LOG_INFO(call, "a write that was given up is decided on", LOG_STR("decision", what),
             LOG_STR("intent", intent->sid), LOG_STR("method", intent->method),
             LOG_STR("actor", call->who.actor_sid));
}

static enum err_code rpc_retry(void *app, struct call *call,
                               const Taskrouter__Sync__V1__RetryWriteRequest *request,
                               wire_write **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct intent_scope scope;
    struct intent intent;
    enum err_code code =
        find(sync, call, request->workspace_sid, request->sid, &scope, &intent, err);
    if (code == ERR_OK)
        code = intent_store_retry(sync->host.pool, call, &scope, request->sid, err);
    if (code == ERR_OK)
        code = intent_store_get(sync->host.pool, call, &scope, request->sid, &intent, err);
    if (code != ERR_OK)
        return code;
    note_decision(call, "retried", &intent);
    return reply_with(call, &intent, out_reply, err);
}

static enum err_code rpc_dismiss(void *app, struct call *call,
                                 const Taskrouter__Sync__V1__DismissWriteRequest *request,
                                 wire_write **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct intent_scope scope;
    struct intent intent;
    enum err_code code =
        find(sync, call, request->workspace_sid, request->sid, &scope, &intent, err);
    if (code == ERR_OK)
        code = intent_store_dismiss(sync->host.pool, call, &scope, request->sid, err);
    if (code != ERR_OK)
        return code;
    note_decision(call, "dismissed", &intent);
    return reply_with(call, &intent, out_reply, err);
}

/* ---- all ---- */

static enum err_code state_of(int wire, enum intent_state *out, struct err *err)
{
    static const enum intent_state listed[] = {INTENT_NONE, INTENT_OPEN, INTENT_ANSWERED,
                                               INTENT_GIVEN_UP};
    for (size_t i = 0; i < ARRAY_LEN(listed); i++) {
        if ((int)wire_states[listed[i]] == wire) {
            *out = listed[i];
            return ERR_OK;
        }
    }
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "UNKNOWN_STATE", "state",
                     "state must be open, answered or given_up");
}

static enum err_code rpc_list(void *app, struct call *call,
                              const Taskrouter__Sync__V1__ListWritesRequest *request,
                              Taskrouter__Sync__V1__ListWritesResponse **out_reply, struct err *err)
{
    const struct sync *sync = app;
    struct intent_scope scope;
    struct page page;
    enum intent_state state = INTENT_NONE;
    struct intent *items = NULL;
    size_t count = 0;
    enum err_code code = scope_of(sync, call, request->workspace_sid, &scope, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK)
        code = state_of((int)request->state, &state, err);
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = intent_store_list(sync->host.pool, call, &scope, page.after, state,
                                 (size_t)page.size + 1, &items, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Sync__V1__ListWritesResponse *reply =
        PB_NEW(call->arena, taskrouter__sync__v1__list_writes_response);
    wire_write **wires = ARENA_ARRAY(call->arena, wire_write *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > (size_t)page.size) {
        count = (size_t)page.size;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    for (size_t i = 0; i < count; i++)
        wires[i] = to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

#define REQUEST(name) Taskrouter__Sync__V1__##name##Request

static const struct rpc_method methods[] = {
    RPC_UNARY("ListWrites", rpc_list, REQUEST(ListWrites), Taskrouter__Sync__V1__ListWritesResponse,
              2000, ROLE_ADMIN, 0),
    RPC_UNARY("GetWrite", rpc_get, REQUEST(GetWrite), wire_write, 2000, ROLE_ADMIN, 0),
    RPC_UNARY("RetryWrite", rpc_retry, REQUEST(RetryWrite), wire_write, 2000, ROLE_ADMIN, 0),
    RPC_UNARY("DismissWrite", rpc_dismiss, REQUEST(DismissWrite), wire_write, 2000, ROLE_ADMIN, 0),
};

const struct rpc_service write_service = {
    .descriptor = &taskrouter__sync__v1__writes__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
