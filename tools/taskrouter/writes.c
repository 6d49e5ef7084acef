/* writes: changes at Twilio of which nobody knows whether it has made them. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "cli.h"
#include "commands.h"
#include "jx/jx.h"
#include "workspace.h"

static int list(struct cli *cli)
{
    struct err err = {0};
    AUTO(jx_cleanup) json_t *all = NULL;
    size_t index = 0;
    json_t *item = NULL;
    if (api_list(cli->api, "/sync/writes?state=given_up", 0, &all, &err) != ERR_OK)
        return cli_fail(&err);
    if (cli->given.has[OPT_JSON]) {
        (void)json_dumpf(all, stdout, JSON_INDENT(2));
        (void)fputc('\n', stdout);
        return CLI_OK;
    }
    json_array_foreach(all, index, item)
    {
        const char *method = strrchr(jx_get_text(item, "method", ""), '/');
        (void)printf("%s %s %s %s: %s\n", jx_get_text(item, "sid", ""),
                     jx_get_text(item, "dateCreated", ""), method == NULL ? "" : method + 1,
                     jx_get_text(item, "resourceSid", ""), jx_get_text(item, "detail", ""));
    }
    if (json_array_size(all) == 0)
        (void)puts("None was given up.");
    else
        (void)printf("%zu; taskrouter writes retry WRITE finds out again what became of one, "
                     "dismiss WRITE forgets it.\n",
                     json_array_size(all));
    return CLI_OK;
}

static int decide(struct cli *cli, const char *sid, const char *what, const char *done)
{
    struct err err = {0};
    struct api_request request = {.method = HTTPC_POST,
                                  .path = cli_text(cli, "/sync/writes/%s/%s", sid, what)};
    if (api_call(cli->api, &request, NULL, &err) != ERR_OK)
        return cli_fail(&err);
    (void)printf("%s is %s.\n", sid, done);
    return CLI_OK;
}

int writes_run(struct cli *cli)
{
    const char *what = cli->given.words[0];
    const char *sid = cli->given.words[1];
    struct err err = {0};
    bool is_list = strcmp(what, "given-up") == 0 && sid == NULL;
    bool is_retry = strcmp(what, "retry") == 0 && sid != NULL;
    bool is_dismiss = strcmp(what, "dismiss") == 0 && sid != NULL;
    if (!is_list && !is_retry && !is_dismiss) {
        cli_say("say taskrouter writes given-up, retry WRITE, or dismiss WRITE");
        return CLI_USAGE;
    }
    if (workspace_find(cli, &err) != ERR_OK)
        return cli_fail(&err);
    if (is_list)
        return list(cli);
    return is_retry ? decide(cli, sid, "retry", "looked into again")
                    : decide(cli, sid, "dismiss", "forgotten");
}
