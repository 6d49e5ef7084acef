#include "reach.h"

#include <string.h>

#include "svc/check.h"
#include "svc/workspaces.h"
#include "sync.h"
#include "sync_settings.h"

/* The workspace of the settings, asked for by an account that is not Twilio's: no stranger's guess,
 * but two settings that do not fit. */
static enum err_code check_mismatch(const struct sync *sync, const struct call *call,
                                    const char *sid, struct err *err)
{
    const struct sync_settings *settings = sync->settings;
    bool is_configured = settings->workspace_sid != NULL && settings->account_sid != NULL &&
                         strcmp(settings->workspace_sid, sid) == 0;
    bool is_other = call->who.account_sid[0] != '\0' && is_configured &&
                    strcmp(call->who.account_sid, settings->account_sid) != 0;
    if (!is_other)
        return ERR_OK;
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "ACCOUNT_MISMATCH",
                   "TWILIO_ACCOUNT_SID is %s, but you are of account %s: TASKROUTER_ACCOUNT_SID of "
                   "the gateway must be the same",
                   settings->account_sid, call->who.account_sid);
}

enum err_code reach_workspace(const struct sync *sync, struct call *call, const char *sid,
                              struct reach *out, struct err *err)
{
    struct workspace_copy copy;
    const struct sync_settings *settings = sync->settings;
    bool is_default = sid[0] == '\0';
    if (is_default && settings->workspace_sid == NULL)
        return ERR_FIELD(err, ERR_FAILED_PRECONDITION, "WORKSPACE_NOT_CONFIGURED", "workspace_sid",
                         "which workspace? Set TWILIO_WORKSPACE_SID of sync-svc, or name one");
    const char *meant = is_default ? settings->workspace_sid : sid;
    enum err_code code = check_sid("workspace_sid", meant, "WS", err);
    if (code == ERR_OK && is_default)
        code = check_mismatch(sync, call, meant, err);
    if (code != ERR_OK)
        return code;
    code = workspaces_require(&sync->workspaces, call, meant, &copy, err);
    *out = (struct reach){.workspace_sid = meant,
                          .is_here = code == ERR_OK,
                          .is_mirrored = code == ERR_OK && copy.is_mirrored};
    if (code != ERR_NOT_FOUND || settings->account_sid == NULL)
        return code;
    /* not here, or somebody else's: of Twilio's account it may be on its way */
    struct err why = {0};
    if (workspace_check_access(call, settings->account_sid, meant, &why) != ERR_OK)
        return code;
    err_clear(err);
    return ERR_OK;
}
