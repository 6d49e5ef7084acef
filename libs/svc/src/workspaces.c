#include "svc/workspaces.h"

#include <string.h>

#include "outbox/outbox.h"
#include "rpc/client.h"
#include "svc/check.h"
#include "svc/event.h"
#include "taskrouter/events/v1/events.pb-c.h"
#include "workspaces_sql.h"

enum copy_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_FRIENDLY_NAME,
    COL_VERSION,
    COL_IS_DELETED,
    COL_PROVIDER,
};

#define LOCAL  "LOCAL"
#define TWILIO "TWILIO"

static enum err_code not_found(const char *sid, struct err *err)
{
    return ERR_FIELD(err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                     "there is no workspace %s", sid);
}

enum err_code workspace_check_access(const struct call *call, const char *account_sid,
                                     const char *workspace_sid, struct err *err)
{
    const struct identity *who = &call->who;
    bool sees_all = who->role == ROLE_SERVICE && who->account_sid[0] == '\0';
    bool is_own_account = strcmp(who->account_sid, account_sid) == 0;
    bool is_own_workspace =
        who->workspace_sid[0] == '\0' || strcmp(who->workspace_sid, workspace_sid) == 0;
    return sees_all || (is_own_account && is_own_workspace) ? ERR_OK
                                                            : not_found(workspace_sid, err);
}

struct put_context {
    const struct workspaces *workspaces;
    const struct workspace_copy *copy;
    bool is_deleted;
};

/* Only what is newer than the copy has an effect. */
static enum err_code put_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct put_context *put = ctx;
    const struct workspaces *workspaces = put->workspaces;
    const struct workspace_copy *copy = put->copy;
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &workspace_copy_put,
                 DB_PARAMS(db_cstr(copy->sid), db_cstr(copy->account_sid),
                           db_cstr(copy->friendly_name), db_i64(copy->version),
                           db_bool(put->is_deleted), db_cstr(copy->is_mirrored ? TWILIO : LOCAL)),
                 &result, err);
    if (code != ERR_OK || db_affected(result) == 0)
        return code;
    struct workspace_copy stored = *copy;
    stored.is_new = db_get_bool(result, 0, 0);
    if (put->is_deleted)
        return workspaces->gone == NULL ? ERR_OK : workspaces->gone(conn, call, copy->sid, err);
    return workspaces->born == NULL ? ERR_OK : workspaces->born(conn, call, &stored, err);
}

static enum err_code put(const struct workspaces *workspaces, struct call *call,
                         const struct workspace_copy *copy, bool is_deleted, struct err *err)
{
    struct put_context context = {workspaces, copy, is_deleted};
    enum err_code code = db_tx_run(workspaces->pool, call, put_tx, &context, err);
    if (code == ERR_OK)
        outbox_wake(workspaces->outbox);
    return code;
}

static struct workspace_copy from_wire(const Taskrouter__Workers__V1__Workspace *workspace)
{
    return (struct workspace_copy){
        .sid = workspace->sid,
        .account_sid = workspace->account_sid,
        .friendly_name = workspace->friendly_name,
        .version = workspace->version,
        .is_mirrored = workspace->provider == TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO,
        .is_fifo = strcmp(workspace->template_, "FIFO") == 0,
        .time_zone = workspace->time_zone,
    };
}

struct sid workspace_fifo_sid(const char *prefix, const char *workspace_sid)
{
    return sid_derive(prefix, str_from(workspace_sid), STR("template FIFO"));
}

static struct workspace_copy from_row(const struct db_result *result)
{
    return (struct workspace_copy){
        .sid = db_get_text(result, 0, COL_SID),
        .account_sid = db_get_text(result, 0, COL_ACCOUNT_SID),
        .friendly_name = db_get_text(result, 0, COL_FRIENDLY_NAME),
        .version = db_get_i64(result, 0, COL_VERSION),
        .is_mirrored = str_eq_text(db_get_str(result, 0, COL_PROVIDER), TWILIO),
    };
}

/* Asks the owner as the service itself: what the caller may see is decided here afterwards. */
static enum err_code fetch(const struct workspaces *workspaces, struct call *call, const char *sid,
                           struct workspace_copy *out, struct err *err)
{
    Taskrouter__Workers__V1__GetWorkspaceRequest *request =
        PB_NEW(call->arena, taskrouter__workers__v1__get_workspace_request);
    char *copy_of_sid = arena_strdup(call->arena, sid);
    if (request == NULL || copy_of_sid == NULL)
        return call_no_room(err);
    request->sid = copy_of_sid;
    Taskrouter__Workers__V1__Workspace *workspace = NULL;
    enum err_code code =
        RPC_CALL(workspaces->workers, call, "/taskrouter.workers.v1.Workers/GetWorkspace",
                 &request->base, taskrouter__workers__v1__workspace, &workspace, err);
    if (code == ERR_NOT_FOUND)
        return not_found(sid, err);
    if (code != ERR_OK)
        return code;
    *out = from_wire(workspace);
    return put(workspaces, call, out, false, err);
}

/* A row from before providers were told. While nobody can be asked it counts as ours. */
static enum err_code ask_provider(const struct workspaces *workspaces, struct call *call,
                                  struct workspace_copy *copy, struct err *err)
{
    enum err_code code = fetch(workspaces, call, copy->sid, copy, err);
    if (code != ERR_UNAVAILABLE)
        return code;
    err_clear(err);
    return ERR_OK;
}

enum err_code workspaces_require(const struct workspaces *workspaces, struct call *call,
                                 const char *sid, struct workspace_copy *out, struct err *err)
{
    enum err_code code = check_sid("workspace_sid", sid, "WS", err);
    if (code != ERR_OK)
        return code;
    struct db_result *result = NULL;
    code = db_pool_query(workspaces->pool, call, &workspace_copy_get, DB_PARAMS(db_cstr(sid)),
                         &result, err);
    if (code != ERR_OK)
        return code;
    struct workspace_copy copy = {0};
    if (db_row_count(result) == 0) {
        code = fetch(workspaces, call, sid, &copy, err);
        if (code != ERR_OK)
            return code;
    } else if (db_get_bool(result, 0, COL_IS_DELETED)) {
        return not_found(sid, err);
    } else {
        copy = from_row(result);
        if (db_is_null(result, 0, COL_PROVIDER))
            code = ask_provider(workspaces, call, &copy, err);
        if (code != ERR_OK)
            return code;
    }
    code = workspace_check_access(call, copy.account_sid, copy.sid, err);
    if (code == ERR_OK)
        *out = copy;
    return code;
}

enum err_code workspaces_hold(struct db_conn *conn, struct call *call, const char *sid,
                              struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &workspace_copy_hold, DB_PARAMS(db_cstr(sid)), &result, err);
    if (code == ERR_OK && db_row_count(result) == 0)
        return not_found(sid, err);
    return code;
}

enum err_code workspaces_lock(struct db_conn *conn, struct call *call, const char *sid,
                              struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &workspace_copy_lock, DB_PARAMS(db_cstr(sid)), &result, err);
    if (code == ERR_OK && db_row_count(result) == 0)
        return not_found(sid, err);
    return code;
}

enum err_code workspaces_consume(const struct workspaces *workspaces, struct call *call,
                                 const struct bus_msg *msg, struct err *err)
{
    struct bus_event envelope;
    ProtobufCMessage *message = NULL;
    enum err_code code = svc_event_read(
        call, msg, &taskrouter__events__v1__workspace_event__descriptor, &envelope, &message, err);
    if (code != ERR_OK)
        return code;
    const Taskrouter__Events__V1__WorkspaceEvent *event = (const void *)message;
    if (event->workspace == NULL)
        return svc_event_empty(msg, err);
    struct workspace_copy copy = from_wire(event->workspace);
    return put(workspaces, call, &copy, event->deleted, err);
}
