#include "callback_rpc.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "callback_store.h"
#include "callbacks.h"
#include "pbjson/pbjson.h"
#include "rpc/pb.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "task_access.h"
#include "tasks.h"

#define CALLBACKS_TAG "cb"

enum { RESEND_MAX = 10000 };

/* Stored names are the enums' short ones. */
static int enum_of(const ProtobufCEnumDescriptor *type, const char *name)
{
    int value = 0;
    return pbjson_enum_from(type, str_from(name), &value) ? value : 0;
}

static const char *name_of(struct arena *arena, const ProtobufCEnumDescriptor *type, int value)
{
    char name[64];
    return value == 0 ? "" : arena_strdup(arena, pbjson_enum_short(type, value, name, sizeof name));
}

static Taskrouter__Tasks__V1__Callback *to_wire(struct arena *arena, const struct callback_row *row)
{
    Taskrouter__Tasks__V1__Callback *wire = PB_NEW(arena, taskrouter__tasks__v1__callback);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, row->sid);
    wire->account_sid = wire_text(arena, row->account_sid);
    wire->workspace_sid = wire_text(arena, row->workspace_sid);
    wire->kind = (Taskrouter__Tasks__V1__CallbackKind)enum_of(
        &taskrouter__tasks__v1__callback_kind__descriptor, row->kind);
    wire->state = (Taskrouter__Tasks__V1__CallbackState)enum_of(
        &taskrouter__tasks__v1__callback_state__descriptor, row->state);
    wire->event_sid = wire_text(arena, row->event_sid);
    wire->event_type = wire_text(arena, row->event_type);
    wire->task_sid = wire_text(arena, row->task_sid);
    wire->worker_sid = wire_text(arena, row->worker_sid);
    wire->reservation_sid = wire_text(arena, row->reservation_sid);
    wire->url = wire_text(arena, row->url);
    wire->fallback_url = wire_text(arena, row->fallback_url);
    wire->parameters = wire_text(arena, row->parameters);
    wire->date_created = wire_time(arena, row->created_at_us);
    wire->date_expires = wire_time(arena, row->expires_at_us);
    if (strcmp(row->state, CALLBACK_WAITING) == 0)
        wire->next_attempt_date = wire_time(arena, row->next_attempt_us);
    wire->attempts = (int32_t)row->attempts;
    wire->last_attempt_date = wire_time(arena, row->last_attempt_us);
    wire->last_url = wire_text(arena, row->last_url);
    wire->last_status = (int32_t)row->last_status;
    wire->last_error = wire_text(arena, row->last_error);
    wire->last_body = wire_text(arena, row->last_body);
    wire->duration_ms = row->took_ms;
    wire->instruction = wire_text(arena, row->instruction);
    wire->alert_code = (int32_t)row->alert_code;
    wire->alert = wire_text(arena, row->alert);
    wire->date_ended = wire_time(arena, row->ended_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

static enum err_code reply_one(struct tasks *tasks, struct call *call, const char *workspace_sid,
                               const char *sid, Taskrouter__Tasks__V1__Callback **out_reply,
                               struct err *err)
{
    struct callback_row row;
    enum err_code code = callback_store_get(tasks->host.pool, call, workspace_sid, sid, &row, err);
    if (code != ERR_OK)
        return code;
    *out_reply = to_wire(call->arena, &row);
    return *out_reply == NULL ? rpc_no_room(err) : ERR_OK;
}

CALLBACK_RPC(callback_rpc_get, GetCallbackRequest, Callback)
{
    struct tasks *tasks = app;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "CB", err);
    return code == ERR_OK
               ? reply_one(tasks, call, request->workspace_sid, request->sid, out_reply, err)
               : code;
}

static enum err_code filter_from(struct call *call,
                                 const Taskrouter__Tasks__V1__ListCallbacksRequest *request,
                                 struct callback_filter *out, struct err *err)
{
    enum err_code code = check_optional_sid("task_sid", request->task_sid, "WT", err);
    *out = (struct callback_filter){
        .state = name_of(call->arena, &taskrouter__tasks__v1__callback_state__descriptor,
                         (int)request->state),
        .kind = name_of(call->arena, &taskrouter__tasks__v1__callback_kind__descriptor,
                        (int)request->kind),
        .url = request->url,
        .task_sid = request->task_sid,
    };
    if (code == ERR_OK && (out->state == NULL || out->kind == NULL))
        code = rpc_no_room(err);
    return code;
}

static enum err_code fill_list(struct call *call, const struct callback_row *items, size_t count,
                               bool has_more,
                               Taskrouter__Tasks__V1__ListCallbacksResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Tasks__V1__ListCallbacksResponse *reply =
        PB_NEW(call->arena, taskrouter__tasks__v1__list_callbacks_response);
    Taskrouter__Tasks__V1__Callback **wires =
        ARENA_ARRAY(call->arena, Taskrouter__Tasks__V1__Callback *, count);
    if (reply == NULL || wires == NULL)
        return rpc_no_room(err);
    for (size_t i = 0; i < count; i++)
        wires[i] = to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (has_more) {
        const char *last = arena_printf(call->arena, "%lld", (long long)items[count - 1].id);
        reply->next_cursor = last == NULL ? NULL : page_cursor(call->arena, CALLBACKS_TAG, last);
    }
    if (arena_is_exhausted(call->arena))
        return rpc_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

CALLBACK_RPC(callback_rpc_list, ListCallbacksRequest, ListCallbacksResponse)
{
    struct tasks *tasks = app;
    struct page page;
    struct callback_filter filter;
    struct callback_row *items = NULL;
    size_t count = 0;
    int64_t before = INT64_MAX;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code =
            page_from(call->arena, CALLBACKS_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK && page.after[0] != '\0' &&
        !parse_i64(str_from(page.after), 1, INT64_MAX, &before))
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                         "this cursor is not one that the list gave out");
    if (code == ERR_OK)
        code = filter_from(call, request, &filter, err);
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = callback_store_list(tasks->host.pool, call, request->workspace_sid, before,
                                   (size_t)page.size + 1, &filter, &items, &count, err);
    if (code != ERR_OK)
        return code;
    bool has_more = count > (size_t)page.size;
    return fill_list(call, items, has_more ? (size_t)page.size : count, has_more, out_reply, err);
}

static enum err_code resend(struct tasks *tasks, struct call *call, const char *workspace_sid,
                            const char *sid, int64_t *out_count, struct err *err)
{
    int64_t now_us = clock_now_us();
    enum err_code code = callback_store_resend(
        tasks->host.pool, call, workspace_sid, sid, now_us,
        now_us + callbacks_max_age_ms(tasks->callbacks) * US_PER_MS, RESEND_MAX, out_count, err);
    if (code == ERR_OK && *out_count > 0)
        callbacks_wake_all(tasks->callbacks);
    return code;
}

CALLBACK_RPC(callback_rpc_resend, ResendCallbackRequest, Callback)
{
    struct tasks *tasks = app;
    int64_t count = 0;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "CB", err);
    if (code == ERR_OK)
        code = resend(tasks, call, request->workspace_sid, request->sid, &count, err);
    if (code == ERR_OK)
        code = reply_one(tasks, call, request->workspace_sid, request->sid, out_reply, err);
    if (code == ERR_OK && count == 0)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "CALLBACK_STATE",
                       "only a dead event callback can be sent again; this one is of kind %s and "
                       "%s",
                       name_of(call->arena, &taskrouter__tasks__v1__callback_kind__descriptor,
                               (int)(*out_reply)->kind),
                       name_of(call->arena, &taskrouter__tasks__v1__callback_state__descriptor,
                               (int)(*out_reply)->state));
    return code;
}

CALLBACK_RPC(callback_rpc_resend_dead, ResendDeadCallbacksRequest, ResendDeadCallbacksResponse)
{
    struct tasks *tasks = app;
    int64_t count = 0;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = resend(tasks, call, request->workspace_sid, NULL, &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Tasks__V1__ResendDeadCallbacksResponse *reply =
        PB_NEW(call->arena, taskrouter__tasks__v1__resend_dead_callbacks_response);
    if (reply == NULL)
        return rpc_no_room(err);
    reply->count = (int32_t)count; /* at most RESEND_MAX */
    reply->has_more = count == RESEND_MAX;
    *out_reply = reply;
    return ERR_OK;
}
