/* webhooks: what Twilio told and could not be applied. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "cli.h"
#include "commands.h"
#include "jx/jx.h"

enum { REPLAYS_MAX = 10000 };

static int dead_list(struct cli *cli)
{
    struct err err = {0};
    AUTO(jx_cleanup) json_t *all = NULL;
    size_t index = 0;
    json_t *item = NULL;
    if (api_list(cli->api, "/webhooks?state=dead", 0, &all, &err) != ERR_OK)
        return cli_fail(&err);
    if (cli->given.has[OPT_JSON]) {
        (void)json_dumpf(all, stdout, JSON_INDENT(2));
        (void)fputc('\n', stdout);
        return CLI_OK;
    }
    json_array_foreach(all, index, item)
    {
        (void)printf("%s %s %s: %s\n", jx_get_text(item, "sid", ""),
                     jx_get_text(item, "dateReceived", ""),
                     jx_get_text(item, "eventType", jx_get_text(item, "kind", "")),
                     jx_get_text(item, "detail", jx_get_text(item, "outcome", "")));
    }

    if (json_array_size(all) == 0)
        (void)puts("None was given up.");
    else
        (void)printf("%zu; taskrouter webhooks replay tries them all again, or one by its SID.\n",
                     json_array_size(all));
    return CLI_OK;
}

static int replay_one(struct cli *cli, const char *sid)
{
    struct err err = {0};
    struct api_request request = {.method = HTTPC_POST,
                                  .path = cli_text(cli, "/webhooks/%s/replay", sid)};
    if (api_call(cli->api, &request, NULL, &err) != ERR_OK)
        return cli_fail(&err);
    (void)printf("%s is tried again.\n", sid);
    return CLI_OK;
}

static int replay_all(struct cli *cli)
{
    struct api_request request = {.method = HTTPC_POST, .path = "/webhooks/replay-dead"};
    long long count = 0;
    bool has_more = true;
    for (int i = 0; has_more && i < REPLAYS_MAX; i++) {
        struct err err = {0};
        AUTO(jx_cleanup) json_t *reply = NULL;
        if (api_call(cli->api, &request, &reply, &err) != ERR_OK)
            return cli_fail(&err);
        count += (long long)jx_get_i64(reply, "count", 0);
        has_more = jx_get_bool(reply, "hasMore", false);
    }
    (void)printf("%lld are tried again.\n", count);
    return CLI_OK;
}

int webhooks_run(struct cli *cli)
{
    const char *what = cli->given.words[0];
    const char *sid = cli->given.words[1];
    if (strcmp(what, "dead") == 0 && sid == NULL)
        return dead_list(cli);
    if (strcmp(what, "replay") == 0)
        return sid != NULL ? replay_one(cli, sid) : replay_all(cli);
    cli_say("say taskrouter webhooks dead, or taskrouter webhooks replay [WEBHOOK]");
    return CLI_USAGE;
}
