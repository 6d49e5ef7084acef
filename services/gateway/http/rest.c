#include "rest.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "auth.h"
#include "base/alloc.h"
#include "cross_site.h"
#include "default_workspace.h"
#include "gateway.h"
#include "openapi.h"
#include "pbjson/pbjson.h"
#include "rest_int.h"
#include "retry_after.h"
#include "upstream.h"
#include "worker_token.h"

enum { NAME_MAX_BYTES = 64 };

struct rest {
    struct gateway *gateway;
    http_handler_fn stream;
    http_handler_fn webhook;
    struct http_route *routes; /* row for row those of rest_route_at */
    struct buf document;
};

const struct rest_route *rest_row(const struct rest *rest, const struct http_request *req)
{
    return rest_route_at((size_t)(req->route - rest->routes));
}

/* ---- who ---- */

static enum err_code refuse(const char *counted, const char *advice, struct err *err)
{
    auth_count_refusal(counted);
    return ERR_SET(err, ERR_UNAUTHENTICATED, "UNAUTHENTICATED", "%s", advice);
}

/* Parameters as policies see them: of the form where there is one, else of the query. */
static enum err_code given_read(struct http_request *req, struct http_params *out, struct err *err)
{
    *out = req->query;
    if (req->method != HTTP_POST || req->body.len == 0)
        return ERR_OK;
    return http_form(req, out, err);
}

/* Worker tokens are for Twilio's dialect: what they allow is said in its paths. */
static enum err_code authenticate_worker(struct gateway *gateway, struct http_request *req,
                                         struct str token, struct err *err)
{
    struct worker_token read;
    struct http_params given = {NULL, 0};
    if (!str_starts_with(req->path, STR("/v1/")))
        return refuse("worker_token", "worker tokens are taken below /v1 only; use an API token",
                      err);
    enum err_code code = auth_worker(gateway->auth, req->call, token, &read, &req->call->who, err);
    if (code == ERR_OK)
        code = given_read(req, &given, err);
    if (code == ERR_OK)
        code = worker_token_check(&read, req->method, req->path, &given, err);
    return code;
}

/* Basic credentials are what a browser adds by itself, whoever's page asks for the change. */
static enum err_code cross_site_check(const struct gateway *gateway, const struct http_request *req,
                                      struct err *err)
{
    const struct cross_site request = {
        .fetch_site = http_header(req, "Sec-Fetch-Site"),
        .origin = http_header(req, "Origin"),
        .host = http_header(req, "Host"),
        .public_url = gateway->settings->public_url,
        .origins = gateway->cors_origins,
    };
    bool is_change = req->method != HTTP_GET && req->method != HTTP_HEAD;
    if (!is_change || !cross_site_is_foreign(&request))
        return ERR_OK;
    auth_count_refusal("cross_site");
    return ERR_SET(err, ERR_PERMISSION_DENIED, "CROSS_SITE",
                   "another site's page may not change anything with HTTP Basic; use a Bearer "
                   "token, or name the page's origin in TASKROUTER_CORS_ORIGINS");
}

enum err_code rest_authenticate(void *ctx, struct http_request *req, struct err *err)
{
    struct gateway *gateway = ctx;
    struct str header = http_header(req, "Authorization");
    struct str token = {NULL, 0};
    struct str user = {NULL, 0};
    struct str password = {NULL, 0};
    if (header.ptr == NULL)
        return refuse("missing", "send the header Authorization: Bearer <token>", err);
    if (http_bearer_token(header, &token))
        return worker_token_is_formed(token)
                   ? authenticate_worker(gateway, req, token, err)
                   : auth_token(gateway->auth, req->call, token, &req->call->who, err);
    if (http_basic_credentials(req->call->arena, header, &user, &password)) {
        enum err_code code = cross_site_check(gateway, req, err);
        if (code != ERR_OK)
            return code;
        return auth_basic(gateway->auth, req->call, user, password, &req->call->who, err);
    }
    return refuse("malformed",
                  "the Authorization header must be Bearer <token>, or Basic with an account SID "
                  "and its auth token or an API key's SID and its secret",
                  err);
}

/* The services check again; here it saves them the question. */
static enum err_code worker_check(const struct rest_route *row, const struct http_request *req,
                                  struct err *err)
{
    const struct identity *who = &req->call->who;
    if (!row->is_own_worker || who->role != ROLE_AGENT ||
        str_eq_text(http_path_param(req, "sid"), who->worker_sid))
        return ERR_OK;
    return ERR_SET(err, ERR_PERMISSION_DENIED, "NOT_OWN_WORKER",
                   "an agent may change its own worker only, which is %s", who->worker_sid);
}

/* ---- errors in the client's words ---- */

static const ProtobufCFieldDescriptor *known_field(const struct rest_route *row, const char *name)
{
    const ProtobufCFieldDescriptor *field = rest_field(row->request, name);
    if (field == NULL)
        field = rest_field(rest_item_type(row), name);
    return field != NULL ? field : rest_field(row->reply, name);
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Words that are proto names of this route's messages become camelCase; all else stays. */
static void detail_to_client(const struct rest_route *row, struct err *err)
{
    char said[sizeof err->detail];
    char word[NAME_MAX_BYTES];
    char camel[NAME_MAX_BYTES];
    size_t len = 0;
    const char *at = err->detail;
    while (*at != '\0') {
        size_t word_len = 0;
        while (is_name_char(at[word_len]))
            word_len++;
        bool is_field = false;
        if (word_len > 0 && word_len < sizeof word && memchr(at, '_', word_len) != NULL) {
            memcpy(word, at, word_len);
            word[word_len] = '\0';
            is_field = known_field(row, word) != NULL;
        }
        const char *from = is_field ? pbjson_camel(word, camel, sizeof camel) : at;
        size_t from_len = is_field ? strlen(from) : word_len > 0 ? word_len : 1;
        memcpy(said + len, from, from_len); /* camelCase is never longer */
        len += from_len;
        at += word_len > 0 ? word_len : 1;
    }
    said[len] = '\0';
    memcpy(err->detail, said, len + 1);
}

void rest_err_to_client(const struct rest_route *row, struct err *err)
{
    char camel[sizeof err->field];
    if (row->request == NULL)
        return;
    if (strchr(err->field, '_') != NULL) {
        (void)pbjson_camel(err->field, camel, sizeof camel);
        memcpy(err->field, camel, strlen(camel) + 1);
    }
    detail_to_client(row, err);
}

/* ---- the handler ---- */

static enum err_code call_rpc(struct gateway *gateway, const struct rest_route *row,
                              struct call *call, const ProtobufCMessage *request,
                              ProtobufCMessage **out_reply, struct err *err)
{
    enum err_code code = row->peer == PEER_GATEWAY
                             ? upstream_directory(gateway, call, row->rpc, request, out_reply, err)
                             : upstream_call(gateway, call, row->peer, row->rpc, request,
                                             row->reply, out_reply, err);
    if (code == ERR_OK && row->changes_workspaces)
        default_workspaces_forget(gateway->workspaces);
    return code;
}

/* Somebody holds the line: Twilio waits 15 s for an answer, and calls/ takes care to be quicker. */
enum { CALL_BUDGET_MS = 12000 };

/* Of the whole request, in ms. */
static int budget_of(const struct rest_route *row)
{
    if (row->budget_ms != 0)
        return row->budget_ms;
    if (row->kind == REST_WEBHOOK && webhook_is_conversation(row->webhook))
        return CALL_BUDGET_MS;
    return rest_is_change(row) ? UPSTREAM_CHANGE_BUDGET_MS : UPSTREAM_BUDGET_MS;
}

/* A change's own time, first without knowing its workspace. */
static enum err_code read_request(struct gateway *gateway, const struct rest_route *row,
                                  struct http_request *req, ProtobufCMessage **out_request,
                                  const char **out_workspace, struct err *err)
{
    bool is_limited = row->budget_ms == 0 && rest_is_change(row);
    int64_t until_us = req->call->deadline_mono_us;
    if (is_limited)
        upstream_limit(gateway, req, until_us, "");
    enum err_code code = rest_request_read(gateway, row, req, out_request, out_workspace, err);
    if (is_limited && code == ERR_OK)
        upstream_limit(gateway, req, until_us, *out_workspace);
    return code;
}

static enum err_code run(struct gateway *gateway, const struct rest_route *row,
                         struct http_request *req, struct http_response *res, struct err *err)
{
    ProtobufCMessage *request = NULL;
    ProtobufCMessage *reply = NULL;
    const char *workspace = "";
    bool is_change = rest_is_change(row);
    enum err_code code = ERR_OK;
    if (is_change)
        code = audit_reserve(gateway->audit, err);
    if (code != ERR_OK)
        return code;
    code = worker_check(row, req, err);
    if (code == ERR_OK)
        code = read_request(gateway, row, req, &request, &workspace, err);
    if (code == ERR_OK) {
        code = call_rpc(gateway, row, req->call, request, &reply, err);
        if (code != ERR_OK) { /* what was refused before is in the client's words already */
            rest_err_to_client(row, err);
            if (row->peer != PEER_GATEWAY)
                retry_after_fill(gateway, req->call, err, res);
        }
    }
    if (is_change)
        audit_note(gateway, req->call,
                   &(struct audit_subject){
                       .rpc = row->rpc,
                       .path = req->path,
                       .peer = req->peer,
                       .workspace = workspace,
                       .resource = http_path_param(req, "sid"),
                   },
                   rest_reply_sid(reply), code, err);
    return code == ERR_OK ? rest_reply_write(row, req, reply, res, err) : code;
}

static enum err_code handle(void *ctx, struct http_request *req, struct http_response *res,
                            struct err *err)
{
    struct gateway *gateway = ctx;
    const struct rest_route *row = rest_row(gateway->rest, req);
    return run(gateway, row, req, res, err);
}

static enum err_code document(void *ctx, struct http_request *req, struct http_response *res,
                              struct err *err)
{
    (void)req;
    (void)err;
    struct gateway *gateway = ctx;
    http_static(res, 200, "application/json", buf_str(&gateway->rest->document));
    return ERR_OK;
}

static struct http_route route_of(const struct rest *rest, const struct rest_route *row)
{
    bool has_body = row->method == HTTP_POST || row->method == HTTP_PATCH;
    struct http_route route = {
        .method = row->method,
        .pattern = row->pattern,
        .handler = handle,
        .budget_ms = budget_of(row),
        .min_role = row->role,
    };
    if (row->kind == REST_STREAM)
        route.handler = rest->stream;
    if (row->kind == REST_DOCUMENT)
        route.handler = document;
    if (has_body) {
        route.max_body_bytes = row->has_large_body ? REST_LARGE_BODY_BYTES : REST_BODY_BYTES;
        route.flags = HTTP_TAKES_JSON;
    }
    if (row->kind == REST_WEBHOOK) {
        route.handler = rest->webhook;
        route.max_body_bytes = REST_WEBHOOK_BODY_BYTES;
        route.flags = HTTP_TAKES_JSON | HTTP_TAKES_FORM;
    }
    return route;
}

struct rest *rest_new(struct gateway *gateway, http_handler_fn stream, http_handler_fn webhook)
{
    struct rest *rest = xcalloc(1, sizeof *rest);
    rest->gateway = gateway;
    rest->stream = stream;
    rest->webhook = webhook;
    rest->routes = xcalloc(rest_route_count(), sizeof *rest->routes);
    for (size_t i = 0; i < rest_route_count(); i++)
        rest->routes[i] = route_of(rest, rest_route_at(i));
    buf_init(&rest->document, 0);
    openapi_write(&rest->document);
    INVARIANT(!buf_failed(&rest->document));
    return rest;
}

void rest_free(struct rest *rest)
{
    if (rest == NULL)
        return;
    free(rest->routes);
    buf_fini(&rest->document);
    free(rest);
}

struct http_route_set rest_route_set(struct rest *rest)
{
    return (struct http_route_set){
        .routes = rest->routes,
        .count = rest_route_count(),
        .ctx = rest->gateway,
        .prefix = "/api/",
    };
}
