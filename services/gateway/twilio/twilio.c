#include "twilio.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "base/alloc.h"
#include "base/map.h"
#include "base/parse.h"
#include "default_workspace.h"
#include "gateway.h"
#include "jx/writer.h"
#include "rpc/pb.h"
#include "twilio_error.h"
#include "twilio_ops.h"
#include "twilio_page.h"
#include "twilio_params.h"
#include "twilio_render.h"
#include "twilio_url.h"
#include "twilio_views.h"
#include "upstream.h"

enum { ETAG_SIZE = 32 };

struct twilio {
    struct gateway *gateway;
    struct twilio_proxies *proxies;
    struct str page_key;
    struct http_route *routes; /* row for row those of twilio_ops */
};

/* One request on its way. */
struct exchange {
    struct twilio *twilio;
    const struct twilio_op *op;
    struct http_request *req;
    struct call *call;
    struct http_params given;
    struct twilio_page page;
    struct twilio_input input;
    struct twilio_request request;
    const char *rpc; /* what the audit log calls it */
};

/* ---- reading ---- */

/* "3", 3 and W/"3" are version 3; * is any. What is none of these matches nothing. */
static enum err_code version_read(struct exchange *x, struct err *err)
{
    struct str text = str_trim(http_header(x->req, "If-Match"));
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

static enum err_code given_read(struct exchange *x, struct err *err)
{
    bool has_form = x->op->kind == TWILIO_CREATE || x->op->kind == TWILIO_UPDATE;
    if (!has_form || x->req->body.len == 0) {
        x->given = has_form ? (struct http_params){NULL, 0} : x->req->query;
        return ERR_OK;
    }
    return http_form(x->req, &x->given, err);
}

static enum err_code read(struct exchange *x, struct err *err)
{
    enum err_code code = given_read(x, err);
    if (code == ERR_OK)
        code = version_read(x, err);
    if (code == ERR_OK && x->op->kind == TWILIO_LIST)
        code = twilio_page_read(&x->given, x->twilio->page_key, x->req->path, x->call->arena,
                                &x->page, err);
    if (code != ERR_OK)
        return code;
    x->input.path = &x->req->path_params;
    x->input.given = &x->given;
    x->input.body = x->req->body;
    x->input.page_size = x->page.size;
    x->input.cursor = x->op->kind == TWILIO_LIST ? twilio_page_cursor(&x->page) : "";
    return twilio_request_read(x->op, &x->input, x->call->arena, &x->request, err);
}

/* ---- calling ---- */

static enum err_code call_one(struct exchange *x, const struct twilio_call *call,
                              const ProtobufCMessage *request, ProtobufCMessage **out_reply,
                              struct err *err)
{
    enum err_code code = upstream_call(x->twilio->gateway, x->call, call->peer, call->rpc, request,
                                       call->reply, out_reply, err);
    if (code == ERR_OK)
        return ERR_OK;
    twilio_error_translate(x->op, err);
    return err->code;
}

/* A part of something else is not there. */
static enum err_code path_check(const struct exchange *x, const struct twilio_op *op,
                                const ProtobufCMessage *reply, struct err *err)
{
    for (const struct twilio_path *part = op->path; part != NULL && part->name != NULL; part++) {
        struct str named = http_params_get(&x->req->path_params, part->name);
        if (part->check != NULL && !str_eq_text(named, twilio_text_of(reply, part->check)))
            return ERR_SET(err, ERR_NOT_FOUND, "NOT_FOUND", "it belongs to another resource");
    }
    return ERR_OK;
}

/* The item as it is, by the FETCH row of the same path. */
static enum err_code fetch(struct exchange *x, ProtobufCMessage **out_reply, struct err *err)
{
    const struct twilio_op *op = twilio_op_find(HTTP_GET, x->op->pattern);
    const struct http_params nothing = {NULL, 0};
    struct twilio_input input = {.path = &x->req->path_params, .given = &nothing, .cursor = ""};
    struct twilio_request request;
    INVARIANT(op != NULL && op->kind == TWILIO_FETCH);
    enum err_code code = twilio_request_read(op, &input, x->call->arena, &request, err);
    if (code == ERR_OK)
        code = call_one(x, &op->call, request.main, out_reply, err);
    return code == ERR_OK ? path_check(x, op, *out_reply, err) : code;
}

static enum err_code check_version(const struct exchange *x, const ProtobufCMessage *item,
                                   struct err *err)
{
    if (!x->input.has_version || twilio_version_of(item) == x->input.version)
        return ERR_OK;
    return ERR_SET(err, ERR_ABORTED, "VERSION_MISMATCH",
                   "the resource has version %" PRId64 ", not %" PRId64, twilio_version_of(item),
                   x->input.version);
}

/* The item's fields first, then what is to happen to it, which expects what the first made. */
static enum err_code update(struct exchange *x, ProtobufCMessage **out_reply, struct err *err)
{
    const struct twilio_request *request = &x->request;
    bool is_bound = x->op->call.rpc == NULL; /* only actions, on a part of what the path names */
    bool is_idle = request->main == NULL && request->action == NULL;
    enum err_code code = ERR_OK;
    if (is_bound || is_idle)
        code = fetch(x, out_reply, err);
    if (code == ERR_OK && is_idle)
        return check_version(x, *out_reply, err);
    if (code == ERR_OK && request->main != NULL) {
        x->rpc = x->op->call.rpc;
        code = call_one(x, &x->op->call, request->main, out_reply, err);
    }
    if (code != ERR_OK || request->action == NULL)
        return code;
    if (request->main != NULL && x->input.has_version)
        twilio_expect_version(request->action_request, twilio_version_of(*out_reply));
    x->rpc = request->action->call.rpc;
    return call_one(x, &request->action->call, request->action_request, out_reply, err);
}

static enum err_code parent_check(struct exchange *x, struct err *err)
{
    ProtobufCMessage *request = NULL;
    ProtobufCMessage *parent = NULL;
    if (x->op->parent == NULL)
        return ERR_OK;
    enum err_code code =
        twilio_parent_read(x->op, &x->req->path_params, x->call->arena, &request, err);
    return code == ERR_OK ? call_one(x, x->op->parent, request, &parent, err) : code;
}

static enum err_code run(struct exchange *x, ProtobufCMessage **out_reply, struct err *err)
{
    enum err_code code = parent_check(x, err);
    if (code != ERR_OK)
        return code;
    if (x->op->kind == TWILIO_UPDATE)
        return update(x, out_reply, err);
    code = call_one(x, &x->op->call, x->request.main, out_reply, err);
    return code == ERR_OK && x->op->kind == TWILIO_FETCH ? path_check(x, x->op, *out_reply, err)
                                                         : code;
}

/* ---- writing ---- */

static enum err_code list_write(struct exchange *x, const ProtobufCMessage *reply, const char *root,
                                const char *base, struct jx_writer *w, struct err *err)
{
    struct twilio_page_out page = {
        .op = x->op,
        .given = &x->given,
        .key = x->twilio->page_key,
        .path = x->req->path,
        .root = root,
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

static void etag_put(const struct exchange *x, const ProtobufCMessage *reply,
                     struct http_response *res)
{
    char etag[ETAG_SIZE];
    if (!x->op->has_etag)
        return;
    if (x->op->kind == TWILIO_LIST)
        (void)snprintf(etag, sizeof etag, "W/\"%016" PRIx64 "\"",
                       hash_bytes(res->body.data, res->body.len));
    else
        (void)snprintf(etag, sizeof etag, "\"%" PRId64 "\"", twilio_version_of(reply));
    http_set_header(res, "ETag", etag);
}

static enum err_code write(struct exchange *x, const ProtobufCMessage *reply,
                           struct http_response *res, struct err *err)
{
    struct arena *arena = x->call->arena;
    const struct twilio *twilio = x->twilio;
    struct str workspace = http_params_get(&x->req->path_params, "WorkspaceSid");
    twilio_headers_put(res);
    if (x->op->kind == TWILIO_DELETE) {
        http_no_content(res);
        return ERR_OK;
    }
    const char *root =
        twilio_root_url(twilio->proxies, twilio->gateway->settings->public_url, x->req, arena);
    const char *base = arena_printf(arena, "%s" TWILIO_PREFIX, root == NULL ? "" : root);
    const char *url =
        arena_printf(arena, "%s%.*s", root == NULL ? "" : root, STR_ARG(x->req->path));
    if (root == NULL || base == NULL || url == NULL)
        return call_no_room(err);
    struct jx_writer w;
    enum err_code code = ERR_OK;
    jx_writer_init(&w, &res->body);
    if (x->op->kind == TWILIO_LIST)
        code = list_write(x, reply, root, base, &w, err);
    else if (x->op->kind == TWILIO_BULK)
        twilio_render_bulk(&w, x->call->who.account_sid, workspace.ptr, url, reply);
    else if (x->op->view->stats != TWILIO_STATS_NONE)
        twilio_render_report(&w, x->op, url, reply);
    else
        twilio_render_item(&w, x->op->view, base, reply);
    if (code == ERR_OK)
        code = jx_writer_finish(&w, err);
    if (code != ERR_OK)
        return code;
    etag_put(x, reply, res);
    http_json_body(res, x->op->kind == TWILIO_CREATE ? 201 : 200);
    return ERR_OK;
}

/* ---- the handler ---- */

static void audit(const struct exchange *x, const ProtobufCMessage *reply, enum err_code code,
                  const struct err *err)
{
    struct str workspace = http_params_get(&x->req->path_params, "WorkspaceSid");
    bool is_sid = parse_is_sid(workspace, "WS");
    audit_note(x->twilio->gateway, x->req, x->rpc, is_sid ? workspace.ptr : "",
               twilio_text_of(reply, "sid"), code, err);
}

static enum err_code handle(void *ctx, struct http_request *req, struct http_response *res,
                            struct err *err)
{
    struct twilio *twilio = ctx;
    struct exchange x = {
        .twilio = twilio,
        .op = &twilio_ops[req->route - twilio->routes],
        .req = req,
        .call = req->call,
    };
    ProtobufCMessage *reply = NULL;
    bool is_change = twilio_is_change(x.op);
    enum err_code code = is_change ? audit_reserve(twilio->gateway->audit, err) : ERR_OK;
    if (code != ERR_OK)
        return code;
    x.rpc = x.op->call.rpc != NULL ? x.op->call.rpc : x.op->actions[0].call.rpc;
    code = read(&x, err);
    if (code == ERR_OK)
        code = run(&x, &reply, err);
    if (is_change)
        audit(&x, reply, code, err);
    if (code == ERR_OK && is_change && strstr(x.op->name, "Workspace") != NULL)
        default_workspaces_forget(twilio->gateway->workspaces);
    return code == ERR_OK ? write(&x, reply, res, err) : code;
}

static struct http_route route_of(const struct twilio_op *op)
{
    struct http_route route = {
        .method = op->method,
        .pattern = op->pattern,
        .handler = handle,
        .budget_ms = UPSTREAM_BUDGET_MS,
        .min_role = op->role,
    };
    if (op->method == HTTP_POST) {
        route.max_body_bytes = op->has_large_body ? TWILIO_LARGE_BODY_BYTES : TWILIO_BODY_BYTES;
        route.flags = op->kind == TWILIO_BULK ? HTTP_TAKES_JSON : HTTP_TAKES_FORM;
    }
    return route;
}

enum err_code twilio_new(struct gateway *gateway, const char *page_key, struct twilio **out,
                         struct err *err)
{
    struct twilio_proxies *proxies = NULL;
    enum err_code code = twilio_proxies_new(gateway->settings->trusted_proxies, &proxies, err);
    if (code != ERR_OK)
        return code;
    struct twilio *twilio = xcalloc(1, sizeof *twilio);
    twilio->gateway = gateway;
    twilio->proxies = proxies;
    twilio->page_key = str_from(page_key);
    twilio->routes = xcalloc(twilio_op_count, sizeof *twilio->routes);
    for (size_t i = 0; i < twilio_op_count; i++)
        twilio->routes[i] = route_of(&twilio_ops[i]);
    *out = twilio;
    return ERR_OK;
}

void twilio_free(struct twilio *twilio)
{
    if (twilio == NULL)
        return;
    twilio_proxies_free(twilio->proxies);
    free(twilio->routes);
    free(twilio);
}

struct http_route_set twilio_route_set(struct twilio *twilio)
{
    return (struct http_route_set){
        .routes = twilio->routes,
        .count = twilio_op_count,
        .ctx = twilio,
        .prefix = TWILIO_PREFIX,
        .render_error = twilio_error_write,
    };
}
