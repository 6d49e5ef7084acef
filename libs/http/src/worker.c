#include "base/clock.h"
#include "base/macros.h"
#include "log/log.h"
#include "server_int.h"

static bool has_credentials(const struct http_request *req)
{
    return http_header(req, "Authorization").ptr != NULL || http_header(req, "Cookie").ptr != NULL;
}

static enum err_code caller_check(struct exchange *ex, struct err *err)
{
    const struct http_server_config *config = &ex->server->config;
    const struct http_route *row = ex->route->row;
    bool is_asked = row->min_role != ROLE_NONE ||
                    ((row->flags & HTTP_AUTH_OPTIONAL) != 0 && has_credentials(&ex->req));
    if (!is_asked)
        return ERR_OK;
    if (config->authenticate != NULL) {
        enum err_code code = config->authenticate(config->auth_ctx, &ex->req, err);
        if (code != ERR_OK)
            return code;
    }
    if (row->min_role != ROLE_NONE && ex->call.who.role == ROLE_NONE)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "UNAUTHENTICATED",
                       "send valid credentials in the Authorization header");
    if (ex->call.who.role < row->min_role)
        return ERR_SET(err, ERR_PERMISSION_DENIED, "PERMISSION_DENIED",
                       "this needs the role %s; yours is %s", role_name(row->min_role),
                       role_name(ex->call.who.role));
    return ERR_OK;
}

static enum err_code start_check(struct exchange *ex, struct err *err)
{
    lock_take(&ex->server->lock);
    bool is_abandoning = ex->server->is_abandoning;
    lock_drop(&ex->server->lock);
    if (is_abandoning)
        return ERR_SET(err, ERR_UNAVAILABLE, "DRAINING",
                       "the server is shutting down; send the request again");
    if (call_left_us(&ex->call) == 0)
        return ERR_SET(err, ERR_UNAVAILABLE, "SERVER_BUSY",
                       "the request waited too long for its turn; try again later");
    return ERR_OK;
}

static void exchange_run(struct exchange *ex)
{
    struct err err = {0};
    const struct router_route *route = ex->route;
    enum err_code code = start_check(ex, &err);
    if (code == ERR_OK)
        code = caller_check(ex, &err);
    if (code == ERR_OK)
        code = route->row->handler(route->set->ctx, &ex->req, &ex->res, &err);
    if (code != ERR_OK && err.code != code)
        (void)ERR_SET(&err, ERR_INTERNAL, "HANDLER",
                      "the handler returned %s without filling the error", err_code_name(code));
    if (code != ERR_OK)
        response_fail(ex, &err);
    else
        response_check(ex);
    if (ex->stream != NULL && ex->res.status != 200) { /* opened, and then something failed */
        struct http_stream *stream = ex->stream;
        ex->stream = NULL;
        stream_detach(stream, true);
    }
    if (ex->socket != NULL && ex->res.status != 101) {
        struct http_socket *socket = ex->socket;
        ex->socket = NULL;
        socket_drop(socket);
    }
    if ((route->row->flags & HTTP_QUIET) == 0)
        LOG_DEBUG(&ex->call, "request answered", LOG_STR("route", route->row->pattern),
                  LOG_STR("method", http_method_name(ex->req.method)),
                  LOG_I64("status", ex->res.status), LOG_STR("peer", ex->req.peer),
                  LOG_I64("us", clock_mono_us() - ex->started_mono_us));
}

void *worker_main(void *arg)
{
    struct http_server *server = arg;
    struct exchange *ex;
    while ((ex = queue_pop(server->queue, 0)) != NULL) {
        metric_set(server->metrics.queued, (int64_t)queue_depth(server->queue));
        exchange_run(ex);
        ex->state = EXCHANGE_DONE;
        struct MHD_Connection *mhd = ex->conn->mhd;
        TSAN_RELEASE(ex);
        MHD_resume_connection(mhd); /* from here on ex is the io thread's */
    }
    return NULL;
}
