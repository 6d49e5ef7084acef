#include "twilio.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "gateway.h"
#include "rate.h"
#include "retry_after.h"
#include "twilio_error.h"
#include "twilio_ops.h"
#include "twilio_run.h"
#include "twilio_url.h"
#include "upstream.h"

enum { SEGMENTS_MAX = 8, NUMBER_SIZE = 24, METHODS_SIZE = 64 };

struct twilio {
    struct gateway *gateway;
    struct twilio_proxies *proxies;
    struct str page_key;
    struct http_route *routes; /* row for row those of twilio_ops, then OPTIONS of each path */
    size_t route_count;
};

/* ---- headers and errors ---- */

/* Answers to other pages are never shown with credentials that a browser added by itself, so where
 * no origins are configured every page may read them, as at Twilio; else the HTTP server says
 * which. (Changes with such credentials: http/cross_site.h.) */
static void origin_put(const struct twilio *twilio, struct http_response *res)
{
    http_set_header(res, "Access-Control-Expose-Headers",
                    "ETag, Retry-After, X-Rate-Limit-Config, X-Rate-Limit-Limit, "
                    "X-Rate-Limit-Remaining, X-Request-Id");
    if (twilio->gateway->cors_origins == NULL)
        http_set_header(res, "Access-Control-Allow-Origin", "*");
}

/* rate without a limit: as good as unlimited. What the vendor writes here is not documented, but
 * for the names. */
static void headers_put(const struct twilio *twilio, const struct rate_answer *rate,
                        struct http_response *res)
{
    char number[NUMBER_SIZE];
    int64_t limit = rate->is_limited ? rate->limit : INT32_MAX;
    int64_t remaining = rate->is_limited ? rate->remaining : INT32_MAX;
    (void)snprintf(number, sizeof number, "%" PRId64, limit);
    http_set_header(res, "X-Rate-Limit-Limit", number);
    (void)snprintf(number, sizeof number, "%" PRId64, remaining);
    http_set_header(res, "X-Rate-Limit-Remaining", number);
    http_set_header(res, "X-Rate-Limit-Config", rate->is_limited ? rate->config : "unlimited");
    origin_put(twilio, res);
}

static void error_put(const struct twilio *twilio, const struct http_request *req, int status,
                      const struct err *err, const struct rate_answer *rate,
                      struct http_response *res)
{
    buf_clear(&res->body);
    int answer = twilio_error_body(req->path, status, err, &res->body);
    headers_put(twilio, rate, res);
    if (answer == 401)
        http_set_header(res, "WWW-Authenticate", "Basic realm=\"TaskRouter\"");
    http_json_body(res, answer);
}

/* Errors that the HTTP server makes itself, and those of ours that are failures. */
static void error_write(void *ctx, const struct http_request *req, int status,
                        const struct err *err, struct http_response *res)
{
    const struct rate_answer unknown = {0};
    error_put(ctx, req, status, err, &unknown, res);
}

/* ---- over HTTP ---- */

static enum err_code given_read(struct http_request *req, const struct twilio_op *op,
                                struct http_params *out, struct err *err)
{
    bool has_form = op->kind == TWILIO_CREATE || op->kind == TWILIO_UPDATE;
    if (has_form && req->body.len > 0)
        return http_form(req, out, err);
    *out = has_form ? (struct http_params){NULL, 0} : req->query;
    return ERR_OK;
}

static enum err_code rate_check(struct twilio *twilio, const struct twilio_exchange *x,
                                struct rate_answer *rate, struct err *err)
{
    bool is_meant = x->op->rate_param == NULL || twilio_given(&x->given, x->op->rate_param).len > 0;
    rate_take(twilio->gateway->rate, x->call->who.account_sid,
              is_meant ? x->op->rate : RATE_GENERAL, rate);
    if (!rate->is_refused)
        return ERR_OK;
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "RATE_LIMIT", "too many requests: %s",
                   rate->config);
}

static void answer_put(const struct twilio *twilio, const struct twilio_answer *answer,
                       const struct rate_answer *rate, struct http_response *res)
{
    headers_put(twilio, rate, res);
    if (answer->etag[0] != '\0')
        http_set_header(res, "ETag", answer->etag);
    if (answer->status == 204)
        http_no_content(res);
    else
        http_json_body(res, answer->status);
}

/* What fails on our side goes to the server, which notes it; what the client did wrong is answered
 * here, where its rate is known. */
static enum err_code handle(void *ctx, struct http_request *req, struct http_response *res,
                            struct err *err)
{
    struct twilio *twilio = ctx;
    const struct gateway_settings *settings = twilio->gateway->settings;
    struct twilio_exchange x = {
        .gateway = twilio->gateway,
        .op = &twilio_ops[req->route - twilio->routes],
        .call = req->call,
        .page_key = twilio->page_key,
        .path = req->path,
        .path_params = req->path_params,
        .body = req->body,
        .if_match = http_header(req, "If-Match"),
        .peer = req->peer,
        .root = twilio_root_url(twilio->proxies, settings->public_url, req, req->call->arena),
    };
    struct twilio_answer answer = {.json = &res->body};
    struct rate_answer rate = {0};
    if (x.root == NULL)
        return call_no_room(err);
    if (x.op->method != HTTP_GET)
        upstream_limit(twilio->gateway, req, req->call->deadline_mono_us, "");
    enum err_code code = given_read(req, x.op, &x.given, err);
    if (code == ERR_OK)
        code = rate_check(twilio, &x, &rate, err);
    if (code == ERR_OK)
        code = twilio_exchange_run(&x, &answer, err);
    if (code == ERR_OK) {
        answer_put(twilio, &answer, &rate, res);
        return ERR_OK;
    }
    int status = http_status_of(req, err);
    res->retry_after_s = rate.retry_after_s;
    retry_after_fill(twilio->gateway, req->call, err, res);
    if (status >= 500)
        return code;
    error_put(twilio, req, status, err, &rate, res);
    return ERR_OK;
}

/* What a path allows, and the answer to a preflight: without credentials, as browsers send it. */
static enum err_code options(void *ctx, struct http_request *req, struct http_response *res,
                             struct err *err)
{
    char methods[METHODS_SIZE] = "";
    (void)err;
    for (size_t i = 0; i < twilio_op_count; i++) {
        size_t len = strlen(methods);
        if (strcmp(twilio_ops[i].pattern, req->route->pattern) == 0)
            (void)snprintf(methods + len, sizeof methods - len, "%s%s, ",
                           http_method_name(twilio_ops[i].method),
                           twilio_ops[i].method == HTTP_GET ? ", HEAD" : "");
    }
    size_t len = strlen(methods);
    (void)snprintf(methods + len, sizeof methods - len, "OPTIONS");
    http_no_content(res);
    http_set_header(res, "Allow", methods);
    http_set_header(res, "Access-Control-Allow-Methods", methods);
    http_set_header(res, "Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match");
    http_set_header(res, "Access-Control-Max-Age", "600");
    origin_put(ctx, res);
    return ERR_OK;
}

/* ---- without HTTP ---- */

static size_t path_split(struct str path, struct str segments[SEGMENTS_MAX])
{
    size_t count = 0;
    struct str rest = path;
    while (rest.ptr != NULL) {
        if (count == SEGMENTS_MAX)
            return 0;
        segments[count++] = str_split(&rest, '/');
    }
    return count;
}

/* Literals beat parameters: of two rows that fit the one with fewer parameters is meant. */
static bool pattern_fits(const char *pattern, const struct str *segments, size_t count,
                         struct http_param *params, size_t *out_count)
{
    struct str parts[SEGMENTS_MAX];
    size_t found = 0;
    if (path_split(str_from(pattern), parts) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        bool is_param = parts[i].len > 2 && parts[i].ptr[0] == '{';
        if (!is_param && !str_eq(parts[i], segments[i]))
            return false;
        if (is_param && segments[i].len == 0)
            return false;
        if (is_param)
            params[found++] = (struct http_param){
                {parts[i].ptr + 1, parts[i].len - 2},
                segments[i]
            };
    }
    *out_count = found;
    return true;
}

static const struct twilio_op *op_at(enum http_method method, struct str path,
                                     struct http_param *params, size_t *out_count)
{
    struct str segments[SEGMENTS_MAX];
    struct http_param tried[SEGMENTS_MAX];
    const struct twilio_op *best = NULL;
    size_t count = path_split(path, segments);
    for (size_t i = 0; i < twilio_op_count && count > 0; i++) {
        size_t found = 0;
        if (twilio_ops[i].method != method ||
            !pattern_fits(twilio_ops[i].pattern, segments, count, tried, &found) ||
            (best != NULL && found >= *out_count))
            continue;
        best = &twilio_ops[i];
        *out_count = found;
        memcpy(params, tried, found * sizeof tried[0]);
    }
    return best;
}

/* Texts as C strings, in the arena. */
static enum err_code params_own(struct arena *arena, struct http_param *params, size_t count,
                                struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        params[i].name = arena_str(arena, params[i].name);
        params[i].value = arena_str(arena, params[i].value);
    }
    return arena_is_exhausted(arena) ? call_no_room(err) : ERR_OK;
}

enum err_code twilio_run(struct twilio *twilio, struct call *call, enum http_method method,
                         const struct twilio_call_in *in, int *out_status, struct buf *out_json,
                         struct err *err)
{
    struct http_param params[SEGMENTS_MAX];
    size_t count = 0;
    const struct twilio_op *op = op_at(method, in->path, params, &count);
    if (op == NULL)
        return ERR_SET(err, ERR_NOT_FOUND, "NOT_FOUND", "there is no such path");
    if (call->who.role < op->role)
        return ERR_SET(err, ERR_PERMISSION_DENIED, "PERMISSION_DENIED",
                       "this needs the role %s; yours is %s", role_name(op->role),
                       role_name(call->who.role));
    enum err_code code = params_own(call->arena, params, count, err);
    if (code != ERR_OK)
        return code;
    struct twilio_exchange x = {
        .gateway = twilio->gateway,
        .op = op,
        .call = call,
        .page_key = twilio->page_key,
        .path = in->path,
        .path_params = {params, count},
        .given = *in->params,
        .if_match = in->if_match,
        .root = in->root,
        .peer = in->peer,
    };
    struct twilio_answer answer = {.json = out_json};
    code = twilio_exchange_run(&x, &answer, err);
    if (code == ERR_OK)
        *out_status = answer.status;
    return code;
}

/* ---- life ---- */

static struct http_route route_of(const struct twilio_op *op)
{
    struct http_route route = {
        .method = op->method,
        .pattern = op->pattern,
        .handler = handle,
        .budget_ms = op->method == HTTP_GET ? UPSTREAM_BUDGET_MS : UPSTREAM_CHANGE_BUDGET_MS,
        .min_role = op->role,
    };
    if (op->method == HTTP_POST) {
        route.max_body_bytes = op->has_large_body ? TWILIO_LARGE_BODY_BYTES : TWILIO_BODY_BYTES;
        route.flags = op->kind == TWILIO_BULK ? HTTP_TAKES_JSON : HTTP_TAKES_FORM;
    }
    return route;
}

static bool is_first_of_path(size_t op)
{
    for (size_t i = 0; i < op; i++) {
        if (strcmp(twilio_ops[i].pattern, twilio_ops[op].pattern) == 0)
            return false;
    }
    return true;
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
    twilio->routes = xcalloc(2 * twilio_op_count, sizeof *twilio->routes);
    for (size_t i = 0; i < twilio_op_count; i++)
        twilio->routes[i] = route_of(&twilio_ops[i]);
    twilio->route_count = twilio_op_count;
    for (size_t i = 0; i < twilio_op_count; i++) {
        if (is_first_of_path(i))
            twilio->routes[twilio->route_count++] = (struct http_route){
                .method = HTTP_OPTIONS, .pattern = twilio_ops[i].pattern, .handler = options};
    }
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
        .count = twilio->route_count,
        .ctx = twilio,
        .prefix = TWILIO_PREFIX,
        .render_error = error_write,
    };
}
