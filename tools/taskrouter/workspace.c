#include "workspace.h"

#include <string.h>

#include "api.h"
#include "base/buf.h"
#include "base/parse.h"
#include "cli.h"
#include "jx/jx.h"

enum { NAMED_MAX = 8 };

const char *workspace_wanted(const struct cli *cli)
{
    const char *option = cli->given.values[OPT_WORKSPACE];
    return option != NULL ? option : cli->settings.workspace;
}

static enum err_code take(struct cli *cli, const json_t *workspace)
{
    cli->workspace_sid = cli_text(cli, "%s", jx_get_text(workspace, "sid", ""));
    cli->workspace_name = cli_text(cli, "%s", jx_get_text(workspace, "friendlyName", ""));
    cli->is_twilio = strcmp(jx_get_text(workspace, "provider", ""), "twilio") == 0;
    api_workspace_set(cli->api, cli->workspace_sid);
    return ERR_OK;
}

static enum err_code find_by_sid(struct cli *cli, const char *sid, struct err *err)
{
    AUTO(jx_cleanup) json_t *found = NULL;
    enum err_code code = api_get(cli->api, cli_text(cli, "/workspaces/%s", sid), &found, err);
    if (code == ERR_NOT_FOUND)
        return ERR_SET(err, code, "WORKSPACE_UNKNOWN",
                       "there is no workspace %s here: for one of Twilio's set "
                       "TWILIO_WORKSPACE_SID to it and run taskrouter sync --all first",
                       sid);
    return code == ERR_OK ? take(cli, found) : code;
}

static void names_of(const json_t *workspaces, struct buf *out)
{
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(workspaces, index, item)
    {
        if (index == NAMED_MAX) {
            buf_text(out, ", …");
            break;
        }
        buf_printf(out, "%s\"%s\" (%s)", index > 0 ? ", " : "",
                   jx_get_text(item, "friendlyName", ""), jx_get_text(item, "sid", ""));
    }
}

static enum err_code fail_choice(const json_t *workspaces, const char *wanted, struct err *err)
{
    struct buf names;
    buf_init(&names, 0);
    names_of(workspaces, &names);
    const char *shown = names.len > 0 ? names.data : "";
    enum err_code code =
        wanted != NULL
            ? ERR_SET(err, ERR_NOT_FOUND, "WORKSPACE_UNKNOWN",
                      "there is no workspace \"%s\"; there are: %s", wanted, shown)
            : ERR_SET(err, ERR_INVALID_ARGUMENT, "WORKSPACE_REQUIRED",
                      "the account has several workspaces; name one with --workspace: %s", shown);
    buf_fini(&names);
    return code;
}

enum err_code workspace_find(struct cli *cli, struct err *err)
{
    const char *wanted = workspace_wanted(cli);
    AUTO(jx_cleanup) json_t *all = NULL;
    api_workspace_set(cli->api, NULL);
    if (wanted != NULL && parse_is_sid(str_from(wanted), "WS"))
        return find_by_sid(cli, wanted, err);
    enum err_code code = api_list(cli->api, "/workspaces", 0, &all, err);
    if (code != ERR_OK)
        return code;
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(all, index, item)
    {
        if (wanted != NULL && strcmp(jx_get_text(item, "friendlyName", ""), wanted) == 0)
            return take(cli, item);
    }
    if (wanted == NULL && json_array_size(all) == 1)
        return take(cli, json_array_get(all, 0));
    if (wanted == NULL && cli->settings.twilio_workspace != NULL)
        return find_by_sid(cli, cli->settings.twilio_workspace, err);
    if (json_array_size(all) == 0)
        return ERR_SET(err, ERR_NOT_FOUND, "WORKSPACE_NONE",
                       "the account has no workspace yet; make one with taskrouter bootstrap, or "
                       "for one of Twilio's run taskrouter sync --all");
    return fail_choice(all, wanted, err);
}
