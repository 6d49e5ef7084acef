#include "access.h"

#include "svc/check.h"
#include "svc/mirror.h"
#include "svc/workspaces.h"
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

enum err_code access_local(const struct workspace *workspace, struct err *err)
{
    return workspace->provider == PROVIDER_TWILIO ? mirror_refuse(workspace->sid, err) : ERR_OK;
}
