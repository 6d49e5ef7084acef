#include "task_access.h"

#include "fetcher.h"
#include "shell.h"
#include "svc/check.h"
#include "svc/workspaces.h"
#include "task_store.h"

enum err_code rpc_no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

static enum err_code not_found(const char *workspace_sid, struct err *err)
{
    return ERR_FIELD(err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                     "there is no workspace %s", workspace_sid);
}

/* With this reason the call goes on to the process that runs the shard, or waits for it. */
static enum err_code elsewhere(struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "ROUTER_ELSEWHERE",
                   "another process routes this workspace just now; try again");
}

enum access_answer access_try(struct tasks *tasks, const struct call *call,
                              const char *workspace_sid, struct err *err)
{
    struct sid account;
    if (check_sid("workspace_sid", workspace_sid, "WS", err) != ERR_OK)
        return ACCESS_REFUSED;
    switch (shell_workspace(tasks->shell, workspace_sid, &account)) {
    case SHELL_KNOWS_LIVE:
        return workspace_check_access(call, account.text, workspace_sid, err) == ERR_OK
                   ? ACCESS_GRANTED
                   : ACCESS_REFUSED;
    case SHELL_KNOWS_DELETED:
        (void)not_found(workspace_sid, err);
        return ACCESS_REFUSED;
    case SHELL_KNOWS_LATER:
        (void)elsewhere(err);
        return ACCESS_REFUSED;
    case SHELL_KNOWS_NOT:
        break;
    }
    return ACCESS_UNKNOWN;
}

/* While a shard loads or another process runs it, our copy in the database answers reads. */
static enum err_code require_stored(struct tasks *tasks, struct call *call,
                                    const char *workspace_sid, struct err *err)
{
    const char *account = "";
    enum err_code code = task_store_account(tasks->host.pool, call, workspace_sid, &account, err);
    if (code != ERR_OK)
        return code;
    if (account[0] == '\0') /* whoever runs its shard may ask for it */
        return elsewhere(err);
    return workspace_check_access(call, account, workspace_sid, err);
}

enum err_code access_require(struct tasks *tasks, struct call *call, const char *workspace_sid,
                             struct err *err)
{
    struct sid account;
    enum err_code code = check_sid("workspace_sid", workspace_sid, "WS", err);
    if (code != ERR_OK)
        return code;
    enum shell_knows knows = shell_workspace(tasks->shell, workspace_sid, &account);
    if (knows == SHELL_KNOWS_LATER)
        return require_stored(tasks, call, workspace_sid, err);
    if (knows == SHELL_KNOWS_NOT) {
        struct fetch_job job = {.workspace_sid = sid_from(str_from(workspace_sid)),
                                .unknown = SHARD_UNKNOWN_WORKSPACE};
        code = fetcher_run(tasks->fetcher, call, &job, err);
        if (code != ERR_OK)
            return code;
        knows = shell_workspace(tasks->shell, workspace_sid, &account);
    }
    if (knows != SHELL_KNOWS_LIVE)
        return not_found(workspace_sid, err);
    return workspace_check_access(call, account.text, workspace_sid, err);
}

enum err_code access_is_mirrored(struct tasks *tasks, struct call *call, const char *workspace_sid,
                                 bool *out, struct err *err)
{
    struct sid account;
    *out = shell_is_mirrored(tasks->shell, workspace_sid);
    if (*out || shell_workspace(tasks->shell, workspace_sid, &account) != SHELL_KNOWS_LATER)
        return ERR_OK;
    return task_store_is_mirrored(tasks->host.pool, call, workspace_sid, out, err);
}

bool access_is_own_only(const struct call *call)
{
    return call->who.role == ROLE_AGENT;
}
