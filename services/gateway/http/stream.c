#include "stream.h"

#include <stdio.h>

#include "auth.h"
#include "base/ids.h"
#include "base/parse.h"
#include "feed.h"
#include "gateway.h"
#include "rest.h"
#include "rpc/client.h"
#include "svc/check.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum { TYPE_MAX_BYTES = 64 };

static bool is_parameter(struct str name)
{
    return str_eq_text(name, "types") || str_eq_text(name, "lastEventId") ||
           str_eq_text(name, "workspaceSid");
}

static enum err_code check_parameters(const struct http_request *req, struct err *err)
{
    for (size_t i = 0; i < req->query.count; i++) {
        struct str name = req->query.items[i].name;
        if (!is_parameter(name))
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_UNKNOWN", name.ptr,
                             "%.60s is not a query parameter here; allowed: types, lastEventId, "
                             "workspaceSid",
                             name.ptr);
    }
    return ERR_OK;
}

/* Letters, digits, dots and dashes, or "*" in place of the last part. */
static bool is_type(struct str type)
{
    if (type.len == 0 || type.len > TYPE_MAX_BYTES)
        return false;
    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];
        bool is_star = c == '*' && i + 1 == type.len && (i == 0 || type.ptr[i - 1] == '.');
        if (!is_star && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' &&
            c != '-' && c != '_')
            return false;
    }
    return true;
}

static enum err_code types_read(const struct http_request *req, struct feed_filter *filter,
                                struct err *err)
{
    struct str rest = http_query(req, "types");
    while (rest.ptr != NULL) {
        struct str type = str_trim(str_split(&rest, ','));
        if (!is_type(type) || filter->type_count == FEED_TYPES_MAX)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TYPES_INVALID", "types",
                             "types must be at most %d event types separated by commas, such as "
                             "task.created,reservation.*",
                             FEED_TYPES_MAX);
        filter->types[filter->type_count++] = type;
    }
    return ERR_OK;
}

static enum err_code from_read(const struct http_request *req, struct feed_from *from,
                               struct err *err)
{
    struct str header = http_header(req, "Last-Event-ID");
    struct str query = http_query(req, "lastEventId");
    struct str given = header.len > 0 ? header : query; /* the browser's own is the newer one */
    if (given.ptr == NULL || given.len == 0)
        return ERR_OK;
    if (!parse_u64(given, INT64_MAX, &from->id))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "LAST_EVENT_ID_INVALID",
                         header.len > 0 ? "Last-Event-ID" : "lastEventId",
                         "the last event id must be the id of an event of this stream: a number");
    from->has_id = true;
    return ERR_OK;
}

/* A workspace that is named must be one that the caller may see. */
static enum err_code workspace_check(struct gateway *gateway, struct http_request *req,
                                     const char *named, struct err *err)
{
    char sid[SID_SIZE];
    (void)snprintf(sid, sizeof sid, "%s", named);
    Taskrouter__Workers__V1__GetWorkspaceRequest request;
    taskrouter__workers__v1__get_workspace_request__init(&request);
    request.sid = sid;
    Taskrouter__Workers__V1__Workspace *reply = NULL;
    return RPC_CALL(gateway->host.as_caller[PEER_WORKERS], req->call,
                    "/taskrouter.workers.v1.Workers/GetWorkspace", &request.base,
                    taskrouter__workers__v1__workspace, &reply, err);
}

/* The account's own credentials do not expire. */
static enum err_code end_read(struct gateway *gateway, const struct http_request *req,
                              int64_t *out_until_us, struct err *err)
{
    struct str token = {NULL, 0};
    if (!http_bearer_token(http_header(req, "Authorization"), &token))
        return ERR_OK;
    return auth_token_end(gateway->auth, req->call, token, out_until_us, err);
}

enum err_code stream_handle(void *ctx, struct http_request *req, struct http_response *res,
                            struct err *err)
{
    struct gateway *gateway = ctx;
    const struct identity *who = &req->call->who;
    const char *named = NULL;
    struct feed_from from = {false, 0};
    struct feed_filter filter = {
        .account_sid = who->account_sid,
        .workspace_sid = who->workspace_sid,
        .worker_sid = who->role == ROLE_AGENT ? who->worker_sid : "",
        .actor_sid = who->actor_sid,
    };
    enum err_code code = check_parameters(req, err);
    if (code == ERR_OK)
        code = types_read(req, &filter, err);
    if (code == ERR_OK)
        code = from_read(req, &from, err);
    if (code == ERR_OK)
        code = rest_named_workspace(req, &named, err);
    if (code == ERR_OK && named != NULL) {
        code = workspace_check(gateway, req, named, err);
        filter.workspace_sid = named;
    }
    if (code == ERR_OK)
        code = end_read(gateway, req, &filter.until_us, err);
    return code == ERR_OK ? feed_open(gateway->feed, &filter, from, req, res, err) : code;
}
