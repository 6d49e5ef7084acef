#include "http/ops.h"

#include "metrics/metrics.h"

static enum err_code healthz_get(void *ctx, struct http_request *req, struct http_response *res,
                                 struct err *err)
{
    (void)ctx;
    (void)req;
    (void)err;
    http_json(res, 200, STR("{\"status\":\"alive\"}"));
    return ERR_OK;
}

/* Not a problem document: probes read the status, people read which check fails. */
static enum err_code readyz_get(void *ctx, struct http_request *req, struct http_response *res,
                                struct err *err)
{
    (void)err;
    const struct http_ops *ops = ctx;
    struct buf checks;
    bool is_ready = true;
    buf_init(&checks, 64 << 10);
    for (size_t i = 0; i < ops->check_count; i++) {
        struct err failure = {0};
        const struct http_check *check = &ops->checks[i];
        enum err_code code = check->check(check->ctx, req->call, &failure);
        is_ready = is_ready && code == ERR_OK;
        buf_text(&checks, i == 0 ? "{\"name\":" : ",{\"name\":");
        http_json_quote(&checks, str_from(check->name));
        buf_printf(&checks, ",\"state\":\"%s\"", code == ERR_OK ? "ok" : "failing");
        if (code != ERR_OK) {
            buf_text(&checks, ",\"detail\":");
            http_json_quote(&checks, str_from(failure.detail));
        }
        buf_char(&checks, '}');
    }
    buf_printf(&res->body, "{\"status\":\"%s\",\"checks\":[", is_ready ? "ready" : "not ready");
    buf_str_append(&res->body, buf_str(&checks));
    buf_text(&res->body, "]}");
    buf_fini(&checks);
    http_json_body(res, is_ready ? 200 : 503);
    return ERR_OK;
}

static enum err_code metrics_get(void *ctx, struct http_request *req, struct http_response *res,
                                 struct err *err)
{
    (void)ctx;
    (void)req;
    (void)err;
    metrics_render(&res->body);
    http_set_header(res, "Content-Type", METRICS_CONTENT_TYPE);
    return ERR_OK;
}

static const struct http_route ops_routes[] = {
    {HTTP_GET, "/healthz", healthz_get, 1000, 0, ROLE_NONE, HTTP_QUIET},
    {HTTP_GET, "/readyz",  readyz_get,  3000, 0, ROLE_NONE, HTTP_QUIET},
    {HTTP_GET, "/metrics", metrics_get, 5000, 0, ROLE_NONE, HTTP_QUIET},
};

struct http_route_set http_ops_routes(struct http_ops *ops)
{
    return (struct http_route_set){
        .routes = ops_routes,
        .count = ARRAY_LEN(ops_routes),
        .ctx = ops,
    };
}
