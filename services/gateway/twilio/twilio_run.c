#include "twilio_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "base/map.h"
#include "base/parse.h"
#include "default_workspace.h"
#include "gateway.h"
#include "jx/writer.h"
#include "twilio_error.h"
#include "twilio_ops.h"
#include "twilio_render.h"
#include "twilio_views.h"
#include "upstream.h"

/* What a page may take before nothing is added to it: long documents come on more pages. */
enum { ENOUGH_BYTES = 2 << 20 };

/* ---- reading ---- */

/* "3", 3 and W/"3" are version 3; * is any. What is none of these matches nothing. */
static enum err_code version_read(struct twilio_exchange *x, struct err *err)
{
    struct str text = str_trim(x->if_match);
    if (!x->op->has_etag || text.len == 0 || str_eq_text(text, "*"))
        return ERR_OK;
    if (str_starts_with(text, STR("W/")))
        text = (struct str){text.ptr + 2, text.len - 2};
    if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"')
        text = (struct str){text.ptr + 1, text.len - 2};
    if (!parse_i64(text, 0, INT64_MAX, &x->input.version))
        return ERR_SET(err, ERR_ABORTED, "PRECONDITION_FAILED",
                       "If-Match is not the ETag of the resource as it is now");
    x->input.has_version = true;
    return ERR_OK;
}

static enum err_code request_read(struct twilio_exchange *x, struct err *err)
{
    enum err_code code = version_read(x, err);
    if (code == ERR_OK && x->op->kind == TWILIO_LIST)
        code = twilio_page_read(&x->given, x->page_key, x->path, x->call->arena, &x->page, err);
    if (code != ERR_OK)
        return code;
    x->input.path = &x->path_params;
    x->input.given = &x->given;
    x->input.body = x->body;
    x->input.page_size = x->page.size;
    x->input.cursor = x->op->kind == TWILIO_LIST ? twilio_page_cursor(&x->page) : "";
    return twilio_request_read(x->op, &x->input, x->call->arena, &x->request, err);
}

/* ---- calling ---- */

/* op: in whose words a refusal is told. */
static enum err_code call_as(struct twilio_exchange *x, const struct twilio_op *op,
                             const struct twilio_call *call, const ProtobufCMessage *request,
                             ProtobufCMessage **out_reply, struct err *err)
{
    enum err_code code = upstream_call(x->gateway, x->call, call->peer, call->rpc, request,
                                       call->reply, out_reply, err);
    if (code == ERR_OK)
        return ERR_OK;
    twilio_error_translate(op, err);
    return err->code;
}

static enum err_code call_one(struct twilio_exchange *x, const struct twilio_call *call,
                              const ProtobufCMessage *request, ProtobufCMessage **out_reply,
                              struct err *err)
{
    return call_as(x, x->op, call, request, out_reply, err);
}

/* A part of something else is not there. */
static enum err_code path_check(const struct twilio_exchange *x, const struct twilio_op *op,
                                const ProtobufCMessage *reply, struct err *err)
{
    for (const struct twilio_path *part = op->path; part != NULL && part->name != NULL; part++) {
        struct str named = http_params_get(&x->path_params, part->name);
        if (part->check != NULL && !str_eq_text(named, twilio_text_of(reply, part->check)))
            return ERR_SET(err, ERR_NOT_FOUND, "NOT_FOUND", "it belongs to another resource");
    }
    return ERR_OK;
}

/* The item as it is, by the FETCH row of the same path. */
static enum err_code fetch(struct twilio_exchange *x, ProtobufCMessage **out_reply, struct err *err)
{
    const struct twilio_op *op = twilio_op_find(HTTP_GET, x->op->pattern);
    const struct http_params nothing = {NULL, 0};
    struct twilio_input input = {.path = &x->path_params, .given = &nothing, .cursor = ""};
    struct twilio_request request;
    INVARIANT(op != NULL && op->kind == TWILIO_FETCH);
    enum err_code code = twilio_request_read(op, &input, x->call->arena, &request, err);
    if (code == ERR_OK)
        code = call_as(x, op, &op->call, request.main, out_reply, err);
    return code == ERR_OK ? path_check(x, op, *out_reply, err) : code;
}

static enum err_code check_version(const struct twilio_exchange *x, const ProtobufCMessage *item,
                                   struct err *err)
{
    if (!x->input.has_version || twilio_version_of(item) == x->input.version)
        return ERR_OK;
    return ERR_SET(err, ERR_ABORTED, "VERSION_MISMATCH",
                   "the resource has version %" PRId64 ", not %" PRId64, twilio_version_of(item),
                   x->input.version);
}

/* The item's fields, and what is to happen to it: in one call where both are given. */
static enum err_code update(struct twilio_exchange *x, ProtobufCMessage **out_reply,
                            struct err *err)
{
    const struct twilio_request *request = &x->request;
    const struct twilio_action *action = request->action;
    bool is_bound = x->op->call.rpc == NULL; /* only actions, on a part of what the path names */
    bool is_idle = request->main == NULL && action == NULL;
    enum err_code code = ERR_OK;
    if (is_bound || is_idle)
        code = fetch(x, out_reply, err);
    if (code == ERR_OK && is_idle)
        return check_version(x, *out_reply, err);
    if (code != ERR_OK)
        return code;
    if (action == NULL)
        return call_one(x, &x->op->call, request->main, out_reply, err);
    if (request->main != NULL) {
        INVARIANT(action->takes_item);
        twilio_carry_item(request->action_request, request->main, x->op->nested);
    }
    x->rpc = action->call.rpc;
    return call_one(x, &action->call, request->action_request, out_reply, err);
}

static enum err_code parent_check(struct twilio_exchange *x, struct err *err)
{
    ProtobufCMessage *request = NULL;
    ProtobufCMessage *parent = NULL;
    if (x->op->parent == NULL)
        return ERR_OK;
    enum err_code code = twilio_parent_read(x->op, &x->path_params, x->call->arena, &request, err);
    return code == ERR_OK ? call_one(x, x->op->parent, request, &parent, err) : code;
}

struct more {
    struct twilio_exchange *x;
    int64_t enough_us; /* no further call when less is left */
};

/* What follows, unless there is no time for it. A failure is none: what there is goes out, and
 * next_page_url leads on. */
static const ProtobufCMessage *more(void *ctx, const char *cursor, int32_t size)
{
    const struct more *m = ctx;
    struct twilio_exchange *x = m->x;
    ProtobufCMessage *reply = NULL;
    struct err ignored = {0};
    if (call_left_us(x->call) < m->enough_us || arena_used(x->call->arena) > ENOUGH_BYTES)
        return NULL;
    x->input.page_size = size;
    x->input.cursor = cursor;
    enum err_code code =
        twilio_request_read(x->op, &x->input, x->call->arena, &x->request, &ignored);
    if (code == ERR_OK)
        code = call_one(x, &x->op->call, x->request.main, &reply, &ignored);
    return code == ERR_OK ? reply : NULL;
}

static enum err_code list(struct twilio_exchange *x, ProtobufCMessage **out_reply, struct err *err)
{
    struct more m = {.x = x, .enough_us = call_left_us(x->call) / 2};
    enum err_code code = call_one(x, &x->op->call, x->request.main, out_reply, err);
    return code == ERR_OK
               ? twilio_page_fill(x->call->arena, x->page.size, *out_reply, more, &m, err)
               : code;
}

static enum err_code run(struct twilio_exchange *x, ProtobufCMessage **out_reply, struct err *err)
{
    enum err_code code = parent_check(x, err);
    if (code != ERR_OK)
        return code;
    if (x->op->kind == TWILIO_UPDATE)
        return update(x, out_reply, err);
    if (x->op->kind == TWILIO_LIST)
        return list(x, out_reply, err);
    code = call_one(x, &x->op->call, x->request.main, out_reply, err);
    return code == ERR_OK && x->op->kind == TWILIO_FETCH ? path_check(x, x->op, *out_reply, err)
                                                         : code;
}

/* ---- writing ---- */

static enum err_code list_write(struct twilio_exchange *x, const ProtobufCMessage *reply,
                                const char *base, struct jx_writer *w, struct err *err)
{
    struct twilio_page_out page = {
        .op = x->op,
        .given = &x->given,
        .key = x->page_key,
        .path = x->path,
        .root = x->root,
        .next_cursor = twilio_text_of(reply, "next_cursor"),
    };
    size_t count = 0;
    ProtobufCMessage *const *items = twilio_items_of(reply, &count);
    jx_object_begin(w);
    enum err_code code = twilio_page_meta(w, &x->page, &page, x->call->arena, err);
    jx_key(w, x->op->key);
    jx_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        if (x->op->view->stats != TWILIO_STATS_NONE)
            twilio_render_report_entry(w, items[i]);
        else
            twilio_render_item(w, x->op->view, base, items[i]);
    }
    jx_array_end(w);
    jx_object_end(w);
    return code;
}

static void etag_put(const struct twilio_exchange *x, const ProtobufCMessage *reply,
                     struct twilio_answer *answer)
{
    struct str body = buf_str(answer->json);
    if (!x->op->has_etag)
        return;
    if (x->op->kind == TWILIO_LIST)
        (void)snprintf(answer->etag, sizeof answer->etag, "W/\"%016" PRIx64 "\"",
                       hash_bytes(body.ptr, body.len));
    else
        (void)snprintf(answer->etag, sizeof answer->etag, "\"%" PRId64 "\"",
                       twilio_version_of(reply));
}

static enum err_code answer_write(struct twilio_exchange *x, const ProtobufCMessage *reply,
                                  struct twilio_answer *answer, struct err *err)
{
    struct arena *arena = x->call->arena;
    struct str workspace = http_params_get(&x->path_params, "WorkspaceSid");
    answer->etag[0] = '\0';
    answer->status = x->op->kind == TWILIO_DELETE ? 204 : x->op->kind == TWILIO_CREATE ? 201 : 200;
    if (x->op->kind == TWILIO_DELETE)
        return ERR_OK;
    const char *base = arena_printf(arena, "%s" TWILIO_PREFIX, x->root);
    const char *url = arena_printf(arena, "%s%.*s", x->root, STR_ARG(x->path));
    if (base == NULL || url == NULL)
        return call_no_room(err);
    struct jx_writer w;
    enum err_code code = ERR_OK;
    jx_writer_init(&w, answer->json);
    if (x->op->kind == TWILIO_LIST)
        code = list_write(x, reply, base, &w, err);
    else if (x->op->kind == TWILIO_BULK)
        twilio_render_bulk(&w, x->call->who.account_sid, workspace.ptr, url, reply);
    else if (x->op->view->stats != TWILIO_STATS_NONE)
        twilio_render_report(&w, x->op, url, reply);
    else
        twilio_render_item(&w, x->op->view, base, reply);
    if (code == ERR_OK)
        code = jx_writer_finish(&w, err);
    if (code == ERR_OK)
        etag_put(x, reply, answer);
    return code;
}

/* ---- in all ---- */

/* Of the path's parameters the last is the item's own. */
static struct str resource_of(const struct twilio_exchange *x)
{
    struct str sid = http_params_get(&x->path_params, "Sid");
    return sid.ptr != NULL ? sid : STR("");
}

static void audit(const struct twilio_exchange *x, const ProtobufCMessage *reply,
                  enum err_code code, const struct err *err)
{
    struct str workspace = http_params_get(&x->path_params, "WorkspaceSid");
    audit_note(x->gateway, x->call,
               &(struct audit_subject){
                   .rpc = x->rpc,
                   .path = x->path,
                   .peer = x->peer,
                   .workspace = parse_is_sid(workspace, "WS") ? workspace.ptr : "",
                   .resource = resource_of(x),
               },
               twilio_text_of(reply, "sid"), code, err);
}

enum err_code twilio_exchange_run(struct twilio_exchange *x, struct twilio_answer *answer,
                                  struct err *err)
{
    ProtobufCMessage *reply = NULL;
    bool is_change = twilio_is_change(x->op);
    enum err_code code = is_change ? audit_reserve(x->gateway->audit, err) : ERR_OK;
    if (code != ERR_OK)
        return code;
    x->rpc = x->op->call.rpc != NULL ? x->op->call.rpc : x->op->actions[0].call.rpc;
    code = request_read(x, err);
    if (code == ERR_OK)
        code = run(x, &reply, err);
    if (is_change)
        audit(x, reply, code, err);
    if (code == ERR_OK && x->op->changes_workspaces)
        default_workspaces_forget(x->gateway->workspaces);
    return code == ERR_OK ? answer_write(x, reply, answer, err) : code;
}
