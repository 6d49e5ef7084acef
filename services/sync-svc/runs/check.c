#include "check.h"

#include <string.h>

#include "base/clock.h"
#include "rpc/client.h"
#include "svc/host.h"
#include "svc/wire.h"
#include "taskrouter/directory/v1/directory.pb-c.h"
#include "twilio_json.h"
#include "upstream.h"

enum { STATUS_OK = 200, STATUS_NOT_FOUND = 404 };

/* ---- the gateway's account ---- */

/* Rows of Twilio's account are of use here only when it is the account that the gateway serves.
 * While the gateway cannot be asked there is no saying, and no reason to stop. */
static enum err_code check_account(const struct check_options *options, const struct call *call,
                                   struct err *err)
{
    struct call as_account = *call;
    struct err why = {0};
    Taskrouter__Directory__V1__Account *account = NULL;
    Taskrouter__Directory__V1__GetAccountRequest *request =
        PB_NEW(call->arena, taskrouter__directory__v1__get_account_request);
    if (request == NULL)
        return call_no_room(err);
    as_account.who = (struct identity){.role = ROLE_ADMIN,
                                       .actor_sid = "service:sync-svc",
                                       .account_sid = options->account_sid,
                                       .worker_sid = "",
                                       .workspace_sid = ""};
    request->sid = wire_text(call->arena, options->account_sid);
    if (request->sid == NULL)
        return call_no_room(err);
    enum err_code code = RPC_CALL(options->host->as_caller[PEER_GATEWAY], &as_account,
                                  "/taskrouter.directory.v1.Directory/GetAccount", &request->base,
                                  taskrouter__directory__v1__account, &account, &why);
    bool is_other = code == ERR_NOT_FOUND || (code == ERR_OK && !account->is_owner);
    if (!is_other)
        return ERR_OK;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "ACCOUNT_MISMATCH",
                   "TWILIO_ACCOUNT_SID is %s, but TASKROUTER_ACCOUNT_SID of the gateway is another "
                   "account: set both to the same",
                   options->account_sid);
}

/* ---- Twilio ---- */

static enum err_code ask(const struct check_options *options, struct call *call, const char *path,
                         struct upstream_reply *out, struct err *err)
{
    if (path == NULL)
        return call_no_room(err);
    struct upstream_request request = {.method = HTTPC_GET, .path = str_from(path)};
    enum err_code code = upstream_call(options->upstream, call, &request, out, err);
    if (code != ERR_OK)
        return code;
    if (out->status != STATUS_OK && out->code == 0)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_NOT_TWILIO",
                       "what answers at TASKROUTER_TWILIO_URL is no TaskRouter API (status %d to "
                       "%s); check the address",
                       out->status, path);
    return ERR_OK;
}

static enum err_code fail_refused(const struct upstream_reply *reply, const char *what,
                                  struct err *err)
{
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_REFUSED",
                   "Twilio refused to show %s (status %d, code %lld): %s", what, reply->status,
                   (long long)reply->code, reply->message);
}

/* The account has workspaces that it lists. */
static enum err_code ask_account(const struct check_options *options, struct call *call,
                                 struct err *err)
{
    struct upstream_reply reply;
    struct twilio_page page;
    enum err_code code = ask(options, call, "/v1/Workspaces?PageSize=1", &reply, err);
    if (code != ERR_OK)
        return code;
    if (reply.status == STATUS_NOT_FOUND)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_CREDENTIALS",
                       "Twilio knows no account %s: check TWILIO_ACCOUNT_SID",
                       options->account_sid);
    if (reply.status != STATUS_OK)
        return fail_refused(&reply, "the account's workspaces", err);
    return twilio_read_page(call->arena, TWILIO_WORKSPACE, reply.body, &page, err);
}

static enum err_code ask_workspace(const struct check_options *options, struct call *call,
                                   const char *workspace_sid, struct check *out, struct err *err)
{
    struct upstream_reply reply;
    ProtobufCMessage *message = NULL;
    out->observed_at_us = clock_now_us();
    enum err_code code =
        ask(options, call, twilio_path(call->arena, TWILIO_WORKSPACE, NULL, NULL, workspace_sid),
            &reply, err);
    if (code != ERR_OK)
        return code;
    if (reply.status == STATUS_NOT_FOUND)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_NO_WORKSPACE",
                       "there is no workspace %s in Twilio's account %s: check "
                       "TWILIO_WORKSPACE_SID",
                       workspace_sid, options->account_sid);
    if (reply.status != STATUS_OK)
        return fail_refused(&reply, "the workspace", err);
    code = twilio_read(call->arena, TWILIO_WORKSPACE, reply.body, &message, err);
    if (code != ERR_OK)
        return code;
    out->workspace = (void *)message;
    bool is_it = strcmp(out->workspace->sid, workspace_sid) == 0 &&
                 strcmp(out->workspace->account_sid, options->account_sid) == 0;
    return is_it ? ERR_OK
                 : ERR_SET(err, ERR_FAILED_PRECONDITION, "ACCOUNT_MISMATCH",
                           "Twilio's workspace %s is of account %s, not %s: check "
                           "TWILIO_ACCOUNT_SID",
                           out->workspace->sid, out->workspace->account_sid, options->account_sid);
}

enum err_code check_run(const struct check_options *options, struct call *call,
                        const char *workspace_sid, struct check *out, struct err *err)
{
    enum err_code code = ask_account(options, call, err);
    if (code == ERR_OK)
        code = ask_workspace(options, call, workspace_sid, out, err);
    if (code == ERR_OK)
        code = check_account(options, call, err);
    return code;
}
