#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "server_int.h"

#define EXCHANGE_MAGIC 0x45584348U

/* How much of a refused body is read and thrown away so that the client sees the answer instead of
 * a reset connection. Announced bodies that are larger are answered at once. */
enum { DISCARD_ANNOUNCED_BYTES = 64 << 10, DISCARD_CHUNKED_BYTES = 256 << 10 };

struct exchange *exchange_of(const struct http_request *req)
{
    struct exchange *ex = req->internal;
    INVARIANT(ex->magic == EXCHANGE_MAGIC);
    return ex;
}

void *exchange_on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
    struct http_server *server = arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct conn *conn = info->socket_context;
    struct exchange *ex = xcalloc(1, sizeof *ex);
    ex->magic = EXCHANGE_MAGIC;
    ex->state = EXCHANGE_NEW;
    ex->server = server;
    ex->conn = conn;
    ex->arena = arena_new(server->config.request_arena_bytes);
    ex->started_mono_us = clock_mono_us();
    call_init(&ex->call, ex->arena, "unmatched", server->config.default_budget_ms * US_PER_MS);
    ex->req = (struct http_request){
        .call = &ex->call,
        .target = arena_str(ex->arena, str_from(target)),
        .peer = conn->ip->text,
        .server = server,
        .internal = ex,
    };
    response_init(ex);
    (void)conn_enter(conn, CONN_HEAD);
    return ex;
}

/* The request counts as in flight from here to its end. */
static void exchange_count(struct exchange *ex)
{
    struct http_server *server = ex->server;
    lock_take(&server->lock);
    server->in_flight++;
    server->request_count++;
    lock_drop(&server->lock);
    ex->is_counted = true;
    metric_add((ex->route == NULL ? &server->unmatched : ex->route->metrics)->in_flight, 1);
}

static void rejected_count(struct exchange *ex)
{
    lock_take(&ex->server->lock);
    ex->server->rejected_count++;
    lock_drop(&ex->server->lock);
    metric_inc(ex->server->metrics.rejected);
}

static enum err_code admission_check(struct exchange *ex, struct err *err)
{
    struct http_server *server = ex->server;
    lock_take(&server->lock);
    bool is_draining = server->is_draining;
    lock_drop(&server->lock);
    enum err_code code = ERR_OK;
    if (is_draining)
        code = ERR_SET(err, ERR_UNAVAILABLE, "DRAINING",
                       "the server is shutting down; send the request again");
    else if (ex->conn->excess == EXCESS_TOTAL)
        code = ERR_SET(err, ERR_UNAVAILABLE, "TOO_MANY_CONNECTIONS",
                       "the server has no free connection; try again later");
    else if (ex->conn->excess == EXCESS_PER_IP)
        code = ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTIONS",
                       "this address has too many connections open; use fewer");
    if (code == ERR_OK)
        return ERR_OK;
    ex->must_close = true;
    rejected_count(ex);
    return code;
}

/* "GET, HEAD, POST" in the request's arena. */
static const char *allow_text(struct exchange *ex)
{
    struct buf text;
    buf_init(&text, 0);
    for (int i = HTTP_METHOD_NONE + 1; i < HTTP_METHOD_COUNT; i++) {
        if ((ex->allowed & (1U << i)) == 0 && i != HTTP_OPTIONS)
            continue;
        if (text.len > 0)
            buf_text(&text, ", ");
        buf_text(&text, http_method_name((enum http_method)i));
    }
    const char *kept = arena_str_dup(ex->arena, buf_str(&text));
    buf_fini(&text);
    return kept;
}

/* OPTIONS without a row of its own: what the path allows, and the answer to a preflight. */
static void options_answer(struct exchange *ex)
{
    http_no_content(&ex->res);
    ex->allow = allow_text(ex);
    if (ex->allow == NULL || http_header(&ex->req, "Access-Control-Request-Method").ptr == NULL ||
        ex->server->config.cors_origins == NULL)
        return;
    http_set_header(&ex->res, "Access-Control-Allow-Methods", ex->allow);
    http_set_header(&ex->res, "Access-Control-Allow-Headers",
                    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
                    "Last-Event-ID, X-Request-Id, traceparent");
    http_set_header(&ex->res, "Access-Control-Max-Age", "600");
}

static bool is_json_type(const struct http_request *req)
{
    struct str rest = http_header(req, "Content-Type");
    struct str type = str_trim(str_split(&rest, ';'));
    struct str head = {type.ptr, type.len < 12 ? type.len : 12};
    struct str tail = {type.ptr + (type.len < 5 ? 0 : type.len - 5), type.len < 5 ? 0 : 5};
    return str_eq_nocase(type, STR("application/json")) ||
           (str_eq_nocase(head, STR("application/")) && str_eq_nocase(tail, STR("+json")));
}

static bool has_body(const struct http_request *req)
{
    struct str length = http_header(req, "Content-Length");
    return http_header(req, "Transfer-Encoding").ptr != NULL ||
           (length.ptr != NULL && !str_eq(length, STR("0")));
}

static uint64_t announced_bytes(const struct http_request *req)
{
    uint64_t length = 0;
    (void)parse_u64(http_header(req, "Content-Length"), UINT64_MAX, &length);
    return length;
}

static enum err_code too_large(const struct exchange *ex, struct err *err)
{
    size_t max_bytes = ex->route->row->max_body_bytes;
    if (max_bytes == 0)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "PAYLOAD_TOO_LARGE",
                       "this endpoint takes no request body");
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "PAYLOAD_TOO_LARGE",
                   "the body is larger than the %zu bytes allowed here", max_bytes);
}

static enum err_code body_check(const struct exchange *ex, struct err *err)
{
    const struct http_route *row = ex->route->row;
    if (!has_body(&ex->req))
        return ERR_OK;
    if (announced_bytes(&ex->req) > row->max_body_bytes || row->max_body_bytes == 0)
        return too_large(ex, err);
    bool takes_json = (row->flags & HTTP_TAKES_JSON) != 0;
    bool takes_form = (row->flags & HTTP_TAKES_FORM) != 0;
    bool fits = (!takes_json && !takes_form) || (takes_json && is_json_type(&ex->req)) ||
                (takes_form && http_has_type(&ex->req, "application/x-www-form-urlencoded"));
    if (fits)
        return ERR_OK;
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "UNSUPPORTED_MEDIA_TYPE",
                   "send the body with Content-Type %s%s%s", takes_json ? "application/json" : "",
                   takes_json && takes_form ? " or " : "",
                   takes_form ? "application/x-www-form-urlencoded" : "");
}

/* Binds the route; ERR_OK without a route means that the reply is made already. */
static enum err_code route_find(struct exchange *ex, struct err *err)
{
    struct router *router = &ex->server->router;
    struct router_match match;
    ex->set = router_set_for(router, ex->req.path);
    enum err_code code = router_match(router, ex->req.method, ex->req.path, ex->arena, &match, err);
    if (code != ERR_OK)
        return code;
    ex->allowed = match.allowed;
    if (match.route == NULL && match.allowed == 0)
        return ERR_SET(err, ERR_NOT_FOUND, "NOT_FOUND", "there is no such path");
    if (match.route == NULL && ex->req.method == HTTP_OPTIONS) {
        options_answer(ex);
        return ERR_OK;
    }
    if (match.route == NULL) {
        ex->allow = allow_text(ex);
        return ERR_SET(err, ERR_UNIMPLEMENTED, "METHOD_NOT_ALLOWED", "this path allows %s",
                       ex->allow == NULL ? "other methods" : ex->allow);
    }
    const struct http_route *row = match.route->row;
    int budget_ms = row->budget_ms > 0 ? row->budget_ms : ex->server->config.default_budget_ms;
    ex->route = match.route;
    ex->set = match.route->set;
    ex->req.route = row;
    ex->req.path_params = match.params;
    ex->call.name = row->pattern;
    ex->call.deadline_mono_us = clock_mono_us() + budget_ms * US_PER_MS;
    return ERR_OK;
}

static enum err_code head_take(struct exchange *ex, struct MHD_Connection *mhd, const char *method,
                               const char *version, struct err *err)
{
    enum err_code code = request_fill(ex, mhd, method, version, err);
    if (code != ERR_OK) {
        ex->set = router_set_for(&ex->server->router, ex->req.path);
        ex->must_close = true; /* what follows may not be what it seems */
        return code;
    }
    code = admission_check(ex, err);
    if (code == ERR_OK)
        code = route_find(ex, err);
    if (code == ERR_OK && ex->route != NULL)
        code = body_check(ex, err);
    return code;
}

static enum MHD_Result answer_error(struct exchange *ex, struct MHD_Connection *mhd,
                                    const struct err *err)
{
    response_fail(ex, err);
    (void)conn_enter(ex->conn, CONN_BUSY);
    return response_queue(ex, mhd);
}

/* A refused request: at once, unless reading the rest of a small body keeps the answer alive. */
static enum MHD_Result refuse(struct exchange *ex, struct MHD_Connection *mhd,
                              const struct err *err)
{
    bool is_awaited = http_header(&ex->req, "Expect").ptr != NULL;
    bool is_small = announced_bytes(&ex->req) <= DISCARD_ANNOUNCED_BYTES;
    if (has_body(&ex->req) && is_small && !is_awaited && !ex->must_close) {
        ex->refusal = *err;
        ex->state = EXCHANGE_BODY;
        (void)conn_enter(ex->conn, CONN_BODY);
        return MHD_YES;
    }
    return answer_error(ex, mhd, err);
}

static enum MHD_Result on_head(struct exchange *ex, struct MHD_Connection *mhd, const char *method,
                               const char *version)
{
    struct err err = {0};
    enum err_code code = head_take(ex, mhd, method, version, &err);
    exchange_count(ex);
    if (code != ERR_OK)
        return refuse(ex, mhd, &err);
    if (ex->route == NULL) {
        (void)conn_enter(ex->conn, CONN_BUSY);
        return response_queue(ex, mhd);
    }
    buf_init(&ex->body, ex->route->row->max_body_bytes);
    ex->state = EXCHANGE_BODY;
    (void)conn_enter(ex->conn, CONN_BODY);
    return MHD_YES;
}

static bool body_budget_take(struct http_server *server, size_t bytes)
{
    lock_take(&server->lock);
    bool has_room = bytes <= server->config.max_buffered_bytes - server->buffered_bytes;
    if (has_room)
        server->buffered_bytes += bytes;
    lock_drop(&server->lock);
    return has_room;
}

static void body_budget_give(struct http_server *server, size_t bytes)
{
    lock_take(&server->lock);
    server->buffered_bytes -= bytes;
    lock_drop(&server->lock);
}

/* A reply cannot be queued while a body arrives, so a refusal waits for its end. */
static enum MHD_Result on_body(struct exchange *ex, const char *data, size_t bytes)
{
    if (ex->refusal.code == ERR_OK) {
        if (bytes > ex->route->row->max_body_bytes - ex->body.len)
            (void)too_large(ex, &ex->refusal);
        else if (!body_budget_take(ex->server, bytes)) {
            (void)ERR_SET(&ex->refusal, ERR_RESOURCE_EXHAUSTED, "SERVER_BUSY",
                          "the server holds too many request bodies; try again later");
            rejected_count(ex);
        } else
            buf_append(&ex->body, data, bytes);
        if (ex->refusal.code == ERR_OK)
            return MHD_YES;
        body_budget_give(ex->server, ex->body.len);
        buf_fini(&ex->body);
    }
    ex->discarded_bytes += bytes;
    return ex->discarded_bytes > DISCARD_CHUNKED_BYTES ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_complete(struct exchange *ex, struct MHD_Connection *mhd)
{
    if (ex->refusal.code != ERR_OK)
        return answer_error(ex, mhd, &ex->refusal);
    ex->req.body = ex->body.data == NULL ? STR("") : buf_str(&ex->body);
    if (!conn_enter(ex->conn, CONN_BUSY))
        return MHD_NO; /* the client was told 408: it must not happen after all */
    ex->state = EXCHANGE_RUN;
    MHD_suspend_connection(mhd);
    if (queue_push(ex->server->queue, ex)) {
        metric_set(ex->server->metrics.queued, (int64_t)queue_depth(ex->server->queue));
        return MHD_YES; /* ex is the worker's now */
    }
    struct err err = {0};
    (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "SERVER_BUSY",
                  "the server has more requests than it can take; try again later");
    rejected_count(ex);
    response_fail(ex, &err);
    ex->state = EXCHANGE_DONE; /* queued in the next call, as a suspended connection cannot be */
    MHD_resume_connection(mhd);
    return MHD_YES;
}

static enum MHD_Result on_done(struct exchange *ex, struct MHD_Connection *mhd)
{
    if (ex->stream != NULL)
        stream_attach(ex->stream, ex->conn);
    return response_queue(ex, mhd);
}

enum MHD_Result exchange_on_request(void *server, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *data,
                                    size_t *data_bytes, void **exchange)
{
    (void)server;
    (void)url;
    struct exchange *ex = *exchange;
    enum MHD_Result taken = MHD_NO;
    INVARIANT(ex != NULL && ex->magic == EXCHANGE_MAGIC);
    TSAN_ACQUIRE(ex); /* a worker may have had it since */
    switch (ex->state) {
    case EXCHANGE_NEW:
        return on_head(ex, mhd, method, version);
    case EXCHANGE_BODY:
        if (*data_bytes == 0)
            return on_complete(ex, mhd);
        taken = on_body(ex, data, *data_bytes);
        *data_bytes = 0;
        return taken;
    case EXCHANGE_DONE:
        return on_done(ex, mhd);
    case EXCHANGE_RUN: /* suspended: not called */
    case EXCHANGE_SENT:
    case EXCHANGE_NONE:
        break;
    }
    return MHD_NO;
}

void exchange_leave(struct exchange *ex)
{
    struct http_server *server = ex->server;
    metric_add((ex->route == NULL ? &server->unmatched : ex->route->metrics)->in_flight, -1);
    lock_take(&server->lock);
    server->in_flight--;
    cond_broadcast(&server->changed);
    lock_drop(&server->lock);
    ex->is_counted = false;
    ex->socket = NULL;
}

void exchange_on_end(void *arg, struct MHD_Connection *mhd, void **exchange,
                     enum MHD_RequestTerminationCode why)
{
    (void)arg;
    (void)mhd;
    (void)why;
    struct exchange *ex = *exchange;
    if (ex == NULL)
        return;
    TSAN_ACQUIRE(ex);
    *exchange = NULL;
    struct http_server *server = ex->server;
    http_metrics_request(ex, ex->state == EXCHANGE_SENT ? ex->res.status : 408);
    if (ex->is_counted)
        metric_add((ex->route == NULL ? &server->unmatched : ex->route->metrics)->in_flight, -1);
    lock_take(&server->lock);
    ex->conn->phase = CONN_IDLE;
    ex->conn->since_mono_us = clock_mono_us();
    ex->conn->stream = NULL;
    server->buffered_bytes -= ex->body.len;
    if (ex->is_counted && ex->stream == NULL)
        server->in_flight--;
    cond_broadcast(&server->changed);
    lock_drop(&server->lock);
    stream_detach(ex->stream, false);
    socket_drop(ex->socket);
    response_fini(ex);
    buf_fini(&ex->body);
    arena_free(ex->arena);
    ex->magic = 0;
    free(ex);
}
