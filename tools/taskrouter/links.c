/* link, unlink, links: which user a worker is. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "base/parse.h"
#include "cli.h"
#include "commands.h"
#include "jx/jx.h"
#include "workspace.h"

enum { RUNS_LOOKED_AT = 50 };

/* By SID or by its whole name. */
static enum err_code worker_find(struct cli *cli, const char *wanted, const char **out,
                                 struct err *err)
{
    AUTO(jx_cleanup) json_t *found = NULL;
    if (parse_is_sid(str_from(wanted), "WK")) {
        *out = wanted;
        return ERR_OK;
    }
    enum err_code code =
        api_list(cli->api, cli_text(cli, "/workers?friendlyName=%s", api_escape(cli, wanted)), 2,
                 &found, err);
    if (code != ERR_OK)
        return code;
    if (json_array_size(found) == 0)
        return ERR_SET(err, ERR_NOT_FOUND, "WORKER_NOT_FOUND",
                       "there is no worker \"%s\"; if there is one at Twilio, run taskrouter sync "
                       "--workers",
                       wanted);
    *out = cli_text(cli, "%s", jx_get_text(json_array_get(found, 0), "sid", ""));
    return ERR_OK;
}

/* By SID, e-mail address or QuickBase id. */
static enum err_code user_find(struct cli *cli, const char *wanted, const char **out,
                               struct err *err)
{
    AUTO(jx_cleanup) json_t *users = NULL;
    size_t index = 0;
    json_t *user = NULL;
    if (parse_is_sid(str_from(wanted), "US")) {
        *out = wanted;
        return ERR_OK;
    }
    enum err_code code = api_list(cli->api, "/users", 0, &users, err);
    json_array_foreach(users, index, user)
    {
        struct str email = str_from(jx_get_text(user, "email", ""));
        struct str id = str_from(jx_get_text(user, "quickbaseUserId", ""));
        if (str_eq_nocase(email, str_from(wanted)) || str_eq_nocase(id, str_from(wanted))) {
            *out = cli_text(cli, "%s", jx_get_text(user, "sid", ""));
            return ERR_OK;
        }
    }
    if (code != ERR_OK)
        return code;
    return ERR_SET(err, ERR_NOT_FOUND, "USER_NOT_FOUND",
                   "there is no user \"%s\"; name an e-mail address, a QuickBase id or a SID",
                   wanted);
}

int link_run(struct cli *cli)
{
    struct err err = {0};
    const char *worker = NULL;
    const char *user = NULL;
    AUTO(jx_cleanup) json_t *done = NULL;
    enum err_code code = workspace_find(cli, &err);
    if (code == ERR_OK)
        code = worker_find(cli, cli->given.words[0], &worker, &err);
    if (code == ERR_OK)
        code = user_find(cli, cli->given.words[1], &user, &err);
    if (code != ERR_OK)
        return cli_fail(&err);
    AUTO(jx_cleanup)
    json_t *body = json_pack("{s:s, s:b}", "userSid", user, "replace", cli->given.has[OPT_REPLACE]);
    struct api_request request = {
        .method = HTTPC_POST, .path = cli_text(cli, "/workers/%s/user", worker), .body = body};
    code = api_call(cli->api, &request, &done, &err);
    if (code == ERR_ALREADY_EXISTS) {
        cli_say("%s", err.detail);
        cli_say("taskrouter link --replace ends the links that stand in the way");
        return CLI_FAILED;
    }
    if (code != ERR_OK)
        return cli_fail(&err);
    (void)printf("%s is %s now\n", worker, user);
    return CLI_OK;
}

int unlink_run(struct cli *cli)
{
    struct err err = {0};
    const char *worker = NULL;
    enum err_code code = workspace_find(cli, &err);
    if (code == ERR_OK)
        code = worker_find(cli, cli->given.words[0], &worker, &err);
    if (code != ERR_OK)
        return cli_fail(&err);
    struct api_request request = {.method = HTTPC_DELETE,
                                  .path = cli_text(cli, "/workers/%s/user", worker)};
    if (api_call(cli->api, &request, NULL, &err) != ERR_OK)
        return cli_fail(&err);
    (void)printf("%s is nobody's now\n", worker);
    return CLI_OK;
}

/* ---- links ---- */

static bool has_links(const json_t *run)
{
    size_t index = 0;
    json_t *kind = NULL;
    json_array_foreach(jx_get(run, "kinds"), index, kind)
    {
        const char *name = json_string_value(kind);
        if (name != NULL && strcmp(name, "links") == 0)
            return strcmp(jx_get_text(run, "state", "running"), "running") != 0;
    }
    return false;
}

/* The SID of the newest ended run that looked at links; NULL: none did. */
static enum err_code last_run(struct cli *cli, const char **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *runs = NULL;
    size_t index = 0;
    json_t *run = NULL;
    enum err_code code = api_list(cli->api, "/sync/runs", RUNS_LOOKED_AT, &runs, err);
    *out = NULL;
    json_array_foreach(runs, index, run)
    {
        if (*out == NULL && has_links(run))
            *out = cli_text(cli, "%s", jx_get_text(run, "sid", ""));
    }
    return code;
}

int links_run(struct cli *cli)
{
    struct err err = {0};
    const char *run = NULL;
    AUTO(jx_cleanup) json_t *items = NULL;
    size_t index = 0;
    json_t *item = NULL;
    enum err_code code = workspace_find(cli, &err);
    if (code == ERR_OK)
        code = last_run(cli, &run, &err);
    if (code == ERR_OK && run == NULL)
        code = ERR_SET(&err, ERR_NOT_FOUND, "NO_RUN",
                       "no run has looked at the links yet; taskrouter sync --links does");
    if (code == ERR_OK)
        code = api_list(cli->api,
                        cli_text(cli, "/sync/runs/%s/items?kind=links&outcome=conflicting", run), 0,
                        &items, &err);
    if (code != ERR_OK)
        return cli_fail(&err);
    if (cli->given.has[OPT_JSON]) {
        (void)json_dumpf(items, stdout, JSON_INDENT(2));
        (void)fputc('\n', stdout);
        return json_array_size(items) > 0 ? CLI_CHANGES : CLI_OK;
    }
    json_array_foreach(items, index, item)
    {
        const json_t *result = jx_get(item, "result");
        (void)printf("%s \"%s\": %s\n", jx_get_text(result, "sid", ""),
                     jx_get_text(result, "friendlyName", ""), jx_get_text(result, "detail", ""));
    }
    if (json_array_size(items) == 0)
        (void)printf("No conflicts in run %s.\n", run);
    else
        (void)printf("%zu conflicts in run %s; taskrouter link WORKER USER decides one.\n",
                     json_array_size(items), run);
    return json_array_size(items) > 0 ? CLI_CHANGES : CLI_OK;
}
