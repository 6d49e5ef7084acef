#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "log/log.h"
#include "server_int.h"

/* What libmicrohttpd can surely place into a connection's memory beside the request. */
enum { MAX_REPLY_HEADER_BYTES = 8192 };

void response_init(struct exchange *ex)
{
    ex->res = (struct http_response){.status = 200, .internal = ex};
    buf_init(&ex->res.body, ex->server->config.max_response_bytes);
}

void response_fini(struct exchange *ex)
{
    buf_fini(&ex->res.body);
}

void response_reset(struct exchange *ex)
{
    buf_clear(&ex->res.body);
    ex->res.status = 200;
    ex->res.fixed = (struct str){NULL, 0};
    ex->headers = NULL;
    ex->last_header = NULL;
    ex->header_bytes = 0;
    ex->content_type = NULL;
}

static bool is_field_text(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
            return false;
    }
    return true;
}

static bool is_name(const char *a, const char *b)
{
    return str_eq_nocase(str_from(a), str_from(b));
}

void http_add_header(struct http_response *res, const char *name, const char *value)
{
    struct exchange *ex = res->internal;
    size_t bytes = strlen(name) + strlen(value) + 4;
    if (!is_field_text(value) || !is_field_text(name) ||
        ex->header_bytes + bytes > MAX_REPLY_HEADER_BYTES)
        return;
    struct header *header = ARENA_NEW(ex->arena, struct header);
    if (header == NULL)
        return;
    *header = (struct header){
        .name = arena_strdup(ex->arena, name),
        .value = arena_strdup(ex->arena, value),
    };
    if (header->name == NULL || header->value == NULL)
        return;
    if (ex->last_header == NULL)
        ex->headers = header;
    else
        ex->last_header->next = header;
    ex->last_header = header;
    ex->header_bytes += bytes;
}

static void header_remove(struct exchange *ex, const char *name)
{
    struct header **link = &ex->headers;
    ex->last_header = NULL;
    while (*link != NULL) {
        if (is_name((*link)->name, name)) {
            ex->header_bytes -= strlen((*link)->name) + strlen((*link)->value) + 4;
            *link = (*link)->next;
            continue;
        }
        ex->last_header = *link;
        link = &(*link)->next;
    }
}

void http_set_header(struct http_response *res, const char *name, const char *value)
{
    struct exchange *ex = res->internal;
    if (is_name(name, "Content-Type")) { /* apart, so that errors need no arena */
        ex->content_type = is_field_text(value) ? arena_strdup(ex->arena, value) : NULL;
        return;
    }
    header_remove(ex, name);
    http_add_header(res, name, value);
}

void http_text(struct http_response *res, int status, const char *content_type, struct str text)
{
    buf_clear(&res->body);
    buf_str_append(&res->body, text);
    res->fixed = (struct str){NULL, 0};
    res->status = status;
    http_set_header(res, "Content-Type", content_type);
}

void http_json_body(struct http_response *res, int status)
{
    struct exchange *ex = res->internal;
    res->status = status;
    ex->content_type = "application/json";
}

void http_json(struct http_response *res, int status, struct str json)
{
    buf_clear(&res->body);
    buf_str_append(&res->body, json);
    res->fixed = (struct str){NULL, 0};
    http_json_body(res, status);
}

void http_static(struct http_response *res, int status, const char *content_type, struct str bytes)
{
    buf_clear(&res->body);
    res->fixed = bytes.ptr == NULL ? STR("") : bytes;
    res->status = status;
    http_set_header(res, "Content-Type", content_type);
}

void http_no_content(struct http_response *res)
{
    struct exchange *ex = res->internal;
    buf_clear(&res->body);
    res->fixed = (struct str){NULL, 0};
    res->status = 204;
    ex->content_type = NULL;
}

void http_redirect(struct http_response *res, int status, const char *location)
{
    http_no_content(res);
    res->status = status;
    http_set_header(res, "Location", location);
}

static void failure_log(const struct exchange *ex, int status, const struct err *err)
{
    if (status < 500)
        return;
    const char *route = ex->call.name;
    if (status == 500)
        LOG_ERROR(&ex->call, "request failed", LOG_STR("route", route), LOG_I64("status", status),
                  LOG_ERR(err));
    else
        LOG_WARN(&ex->call, "request failed", LOG_STR("route", route), LOG_I64("status", status),
                 LOG_ERR(err));
}

void response_fail(struct exchange *ex, const struct err *err)
{
    int status = http_status_of(&ex->req, err);
    failure_log(ex, status, err);
    response_reset(ex);
    ex->res.status = status;
    if (ex->set != NULL && ex->set->render_error != NULL)
        ex->set->render_error(ex->set->ctx, &ex->req, status, err, &ex->res);
    else
        http_problem(&ex->req, &ex->res, err);
}

void response_check(struct exchange *ex)
{
    struct err err = {0};
    if (buf_failed(&ex->res.body) || ex->res.fixed.len > ex->server->config.max_response_bytes)
        (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "RESPONSE_TOO_LARGE",
                      "the reply is larger than the server may send; ask for less at once");
    else if (arena_is_exhausted(ex->arena) && ex->res.status < 400)
        (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                      "the request needs more memory than one request may use; ask for less");
    if (err.code != ERR_OK)
        response_fail(ex, &err);
}

/* NULL when the request's origin is not among the allowed ones. */
static const char *cors_origin(const struct exchange *ex)
{
    const char *const *origins = ex->server->config.cors_origins;
    struct str origin = http_header(&ex->req, "Origin");
    if (origins == NULL || origin.ptr == NULL)
        return NULL;
    for (; *origins != NULL; origins++) {
        if (strcmp(*origins, "*") == 0)
            return "*";
        if (str_eq_text(origin, *origins))
            return *origins;
    }
    return NULL;
}

static bool has_header(const struct exchange *ex, const char *name)
{
    for (const struct header *header = ex->headers; header != NULL; header = header->next) {
        if (is_name(header->name, name))
            return true;
    }
    return false;
}

static void default_add(const struct exchange *ex, struct MHD_Response *out, const char *name,
                        const char *value)
{
    if (value != NULL && !has_header(ex, name))
        (void)MHD_add_response_header(out, name, value);
}

static void headers_add(const struct exchange *ex, struct MHD_Response *out)
{
    int status = ex->res.status;
    char retry[16];
    int retry_s = ex->res.retry_after_s;
    if (retry_s <= 0 && (status == 429 || status == 503))
        retry_s = 1;
    (void)snprintf(retry, sizeof retry, "%d", retry_s);

    for (const struct header *header = ex->headers; header != NULL; header = header->next)
        (void)MHD_add_response_header(out, header->name, header->value);
    if (ex->content_type != NULL)
        (void)MHD_add_response_header(out, "Content-Type", ex->content_type);
    default_add(ex, out, "Cache-Control", "no-store");
    default_add(ex, out, "X-Content-Type-Options", "nosniff");
    default_add(ex, out, "X-Request-Id", ex->call.request_id);
    default_add(ex, out, "Retry-After", retry_s > 0 ? retry : NULL);
    default_add(ex, out, "Allow", ex->allow);
    default_add(ex, out, "WWW-Authenticate",
                status == 401 ? ex->server->config.www_authenticate : NULL);
    const char *origin = cors_origin(ex);
    if (origin == NULL)
        return;
    default_add(ex, out, "Access-Control-Allow-Origin", origin);
    default_add(ex, out, "Access-Control-Expose-Headers",
                "ETag, Location, Retry-After, X-Request-Id");
    if (strcmp(origin, "*") != 0)
        (void)MHD_add_response_header(out, "Vary", "Origin");
}

static struct MHD_Response *response_make(struct exchange *ex)
{
    if (ex->stream != NULL)
        return stream_response(ex->stream);
    if (ex->socket != NULL)
        return socket_response(ex->socket);
    if (ex->res.fixed.ptr != NULL) {
        /* libmicrohttpd takes non-const memory and promises not to write to it in this mode */
        union {
            const char *from;
            void *to;
        } bytes = {.from = ex->res.fixed.ptr};
        return MHD_create_response_from_buffer(ex->res.fixed.len, bytes.to, MHD_RESPMEM_PERSISTENT);
    }
    size_t len = ex->res.body.len;
    char *body = len == 0 ? NULL : buf_take(&ex->res.body);
    struct MHD_Response *out = MHD_create_response_from_buffer(
        len, body, body == NULL ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
    if (out == NULL)
        free(body);
    return out;
}

enum MHD_Result response_queue(struct exchange *ex, struct MHD_Connection *mhd)
{
    struct MHD_Response *out = response_make(ex);
    if (out == NULL)
        return MHD_NO;
    headers_add(ex, out);
    lock_take(&ex->server->lock);
    bool must_close = ex->must_close || ex->server->is_draining;
    lock_drop(&ex->server->lock);
    if (must_close && ex->socket == NULL)
        (void)MHD_add_response_header(out, "Connection", "close");
    ex->state = EXCHANGE_SENT;
    enum MHD_Result result = MHD_queue_response(mhd, (unsigned)ex->res.status, out);
    MHD_destroy_response(out);
    return result;
}
