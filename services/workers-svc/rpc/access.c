#include "access.h"

#include "activity_store.h"
#include "svc/check.h"
#include "svc/mirror.h"
#include "svc/workspaces.h"
#include "worker_store.h"
#include "workspace_store.h"

enum err_code access_workspace(struct db_conn *conn, struct call *call, const char *sid,
                               struct workspace *out, struct err *err)
{
    enum err_code code = check_sid("workspace_sid", sid, "WS", err);
    if (code == ERR_OK)
        code = workspace_store_get(conn, call, sid, out, err);
    if (code == ERR_OK)
        code = workspace_check_access(call, out->account_sid, out->sid, err);
    return code;
}

enum err_code access_workspace_lock(struct db_conn *conn, struct call *call, const char *sid,
                                    struct workspace *out, struct err *err)
{
    enum err_code code = check_sid("workspace_sid", sid, "WS", err);
    if (code == ERR_OK)
        code = workspace_store_lock(conn, call, sid, out, err);
    if (code == ERR_OK)
        code = workspace_check_access(call, out->account_sid, out->sid, err);
    return code;
}

static bool is_mirrored(const struct workspace *workspace)
{
    return workspace->provider == PROVIDER_TWILIO;
}

enum err_code access_worker(struct db_conn *conn, struct call *call,
                            const struct workspace *workspace, const char *sid, struct worker *out,
                            struct err *err)
{
    enum err_code code = worker_store_get(conn, call, workspace->sid, sid, out, err);
    return mirror_missing(code, is_mirrored(workspace), "--workers", err);
}

enum err_code access_worker_lock(struct db_conn *conn, struct call *call,
                                 const struct workspace *workspace, const char *sid,
                                 struct worker *out, struct err *err)
{
    enum err_code code = worker_store_lock(conn, call, workspace->sid, sid, out, err);
    return mirror_missing(code, is_mirrored(workspace), "--workers", err);
}

enum err_code access_activity(struct db_conn *conn, struct call *call,
                              const struct workspace *workspace, const char *sid,
                              struct activity *out, struct err *err)
{
    enum err_code code = activity_store_get(conn, call, workspace->sid, sid, out, err);
    return mirror_missing(code, is_mirrored(workspace), "--activities", err);
}

enum err_code access_activity_lock(struct db_conn *conn, struct call *call,
                                   const struct workspace *workspace, const char *sid,
                                   struct activity *out, struct err *err)
{
    enum err_code code = activity_store_lock(conn, call, workspace->sid, sid, out, err);
    return mirror_missing(code, is_mirrored(workspace), "--activities", err);
}

enum err_code access_local(const struct workspace *workspace, struct err *err)
{
    return is_mirrored(workspace) ? mirror_refuse(workspace->sid, err) : ERR_OK;
}
