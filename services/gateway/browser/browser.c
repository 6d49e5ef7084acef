#include "browser.h"

#include <stdlib.h>

#include "auth.h"
#include "base/macros.h"
#include "base/parse.h"
#include "channels.h"
#include "eb_request.h"
#include "gateway.h"
#include "jx/jx.h"
#include "rate.h"
#include "twilio.h"
#include "twilio_error.h"
#include "worker_token.h"

enum { BUDGET_MS = 5000, BODY_BYTES = 64 << 10 };

#define ROOT "http://wschannels" /* of URLs in answers that are not shown */

/* The token comes with each request, nothing of the browser's own: where no origins are configured
 * every page may read the answers. */
static void origin_put(const struct gateway *gateway, struct http_response *res)
{
    if (gateway->cors_origins == NULL)
        http_set_header(res, "Access-Control-Allow-Origin", "*");
}

/* ---- the websocket ---- */

/* Options that the SDK knows. Whatever else there is was not documented to mean anything. */
static enum err_code option_read(const struct http_request *req, const char *name, bool *out,
                                 struct err *err)
{
    struct str value = http_query(req, name);
    *out = false;
    if (value.ptr == NULL || value.len == 0 || parse_bool(value, out))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_OPTION", name, "%s must be true or false",
                     name);
}

/* A capability token says by a policy that it may listen: GET on /v1/wschannels/<account>/<worker>.
 */
static enum err_code listening_check(const struct call *call, const struct worker_token *token,
                                     struct err *err)
{
    const struct http_params none = {NULL, 0};
    if (!token->is_capability)
        return ERR_OK;
    const char *path =
        arena_printf(call->arena, "/v1/wschannels/%s/%s", token->account_sid, token->worker_sid);
    return path == NULL ? call_no_room(err)
                        : worker_token_check(token, HTTP_GET, str_from(path), &none, err);
}

static enum err_code open_channel(void *ctx, struct http_request *req, struct http_response *res,
                                  struct err *err)
{
    struct gateway *gateway = ctx;
    struct worker_token token;
    struct channels_ask ask = {.token = &token, .mark = channels_mark(gateway->channels)};
    struct str text = http_query(req, "token");
    if (text.ptr == NULL)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "UNAUTHENTICATED",
                       "give the worker's token as the query parameter token");
    enum err_code code = auth_worker(gateway->auth, req->call, text, &token, &req->call->who, err);
    if (code == ERR_OK)
        code = listening_check(req->call, &token, err);
    if (code == ERR_OK)
        code = option_read(req, "closeExistingSessions", &ask.closes_others, err);
    return code == ERR_OK ? channels_open(gateway->channels, &ask, req, res, err) : code;
}

/* ---- requests ---- */

/* A change is the dialect's operation; what it answers there is not what is shown here. */
static enum err_code change(struct gateway *gateway, struct http_request *req,
                            const struct eb_request *asked, struct err *err)
{
    struct buf unused;
    int status = 0;
    struct twilio_call_in in = {
        .path = asked->path,
        .params = &asked->params,
        .if_match = http_header(req, "If-Match"),
        .root = ROOT,
        .peer = req->peer,
    };
    buf_init(&unused, 0);
    enum err_code code =
        twilio_run(gateway->twilio, req->call, asked->method, &in, &status, &unused, err);
    buf_fini(&unused);
    return code;
}

/* The account's rate holds for pages as well. */
static enum err_code rate_check(struct gateway *gateway, const struct call *call,
                                struct http_response *res, struct err *err)
{
    struct rate_answer rate;
    rate_take(gateway->rate, call->who.account_sid, RATE_GENERAL, &rate);
    if (!rate.is_refused)
        return ERR_OK;
    res->retry_after_s = rate.retry_after_s;
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "RATE_LIMIT", "too many requests: %s", rate.config);
}

static enum err_code answer(void *ctx, struct http_request *req, struct http_response *res,
                            struct err *err)
{
    struct gateway *gateway = ctx;
    struct worker_token token;
    struct eb_request asked;
    AUTO(jx_cleanup) json_t *payload = NULL;
    enum err_code code = eb_request_read(req->call->arena, req->body, &asked, err);
    if (code == ERR_OK)
        code = auth_worker(gateway->auth, req->call, asked.token, &token, &req->call->who, err);
    if (code == ERR_OK)
        code = worker_token_check(&token, asked.method, asked.path, &asked.params, err);
    if (code == ERR_OK)
        code = rate_check(gateway, req->call, res, err);
    if (code == ERR_OK)
        code = eb_request_bind(&asked, req->call->arena, err);
    if (code == ERR_OK && asked.method != HTTP_GET)
        code = change(gateway, req, &asked, err);
    if (code == ERR_OK)
        code = eb_request_show(gateway, req->call, &asked, &payload, err);
    if (code != ERR_OK)
        return code;
    char *text = json_dumps(payload, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_text(&res->body, "{\"payload\":");
    buf_text(&res->body, text == NULL ? "null" : text);
    buf_text(&res->body, "}");
    free(text);
    http_json_body(res, 200);
    origin_put(gateway, res);
    return ERR_OK;
}

/* ---- around ---- */

/* What a page asks before it posts from another origin. */
static enum err_code options(void *ctx, struct http_request *req, struct http_response *res,
                             struct err *err)
{
    (void)req;
    (void)err;
    http_no_content(res);
    http_set_header(res, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    http_set_header(res, "Access-Control-Allow-Headers",
                    "apiVersion, clientVersion, Content-Type, If-Match");
    http_set_header(res, "Access-Control-Max-Age", "600");
    origin_put(ctx, res);
    return ERR_OK;
}

static void error_write(void *ctx, const struct http_request *req, int status,
                        const struct err *err, struct http_response *res)
{
    buf_clear(&res->body);
    int shown = twilio_error_body(req->path, status, err, &res->body);
    http_json_body(res, shown);
    origin_put(ctx, res);
}

static const struct http_route routes[] = {
    {.method = HTTP_OPTIONS,  .pattern = "/v1/wschannels", .handler = options},
    { .method = HTTP_GET,
     .pattern = "/v1/wschannels",
     .handler = open_channel,
     .budget_ms = BUDGET_MS},
    {                               .method = HTTP_POST,
     .pattern = "/v1/wschannels",
     .handler = answer,
     .budget_ms = BUDGET_MS,
     .max_body_bytes = BODY_BYTES}, /* of any type: the SDK calls its JSON a form */
};

struct http_route_set browser_route_set(struct gateway *gateway)
{
    return (struct http_route_set){
        .routes = routes,
        .count = ARRAY_LEN(routes),
        .ctx = gateway,
        .render_error = error_write,
    };
}
