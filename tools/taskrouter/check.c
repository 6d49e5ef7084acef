/*
 * check: the set-up guide's troubleshooting in one command. A line per check; what fails names the
 * variable to mend or the command to run.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "base/macros.h"
#include "base/parse.h"
#include "cli.h"
#include "commands.h"
#include "config/config.h"
#include "jx/jx.h"
#include "workspace.h"

enum { CHECK_TIMEOUT_MS = 40000, WORDS_SIZE = 700 };

enum outcome {
    CHECK_GOOD,
    CHECK_BAD,
    CHECK_NOTE, /* not good or bad */
};

struct variables {
    const char *workflow;
    const char *queues[7];
};

#define VARIABLE(key_, member)                                                                     \
    {                                                                                              \
        .key = (key_), .type = CONFIG_STRING, .help = "", CONFIG_FIELD(struct variables, member)   \
    }

static const struct config_setting variable_table[] = {
    VARIABLE("TWILIO_WORKFLOW_SID", workflow),
    VARIABLE("TWILIO_DEFAULT_TASK_QUEUE_SID", queues[0]),
    VARIABLE("TWILIO_PERMITS_TASK_QUEUE_SID", queues[1]),
    VARIABLE("TWILIO_UTILITIES_TASK_QUEUE_SID", queues[2]),
    VARIABLE("TWILIO_SCHEDULING_TASK_QUEUE_SID", queues[3]),
    VARIABLE("TWILIO_EMERGENCY_TASK_QUEUE_SID", queues[4]),
    VARIABLE("TWILIO_BILLING_TASK_QUEUE_SID", queues[5]),
    VARIABLE("TWILIO_SUPPORT_TASK_QUEUE_SID", queues[6]),
};

struct check {
    struct cli *cli;
    json_t *results;
    int bad;
    struct variables variables;
    json_t *workflow; /* of TWILIO_WORKFLOW_SID; NULL: not found */
};

static void told(struct check *check, enum outcome outcome, const char *name, const char *format,
                 ...) PRINTF_LIKE(4, 5);

static void told(struct check *check, enum outcome outcome, const char *name, const char *format,
                 ...)
{
    static const char *const words[] = {
        [CHECK_GOOD] = "ok", [CHECK_BAD] = "failed", [CHECK_NOTE] = "note"};
    char detail[WORDS_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    check->bad += outcome == CHECK_BAD;
    (void)json_array_append_new(check->results,
                                json_pack("{s:s, s:s, s:s+}", "check", name, "outcome",
                                          words[outcome], "detail", detail, ""));
    if (!check->cli->given.has[OPT_JSON])
        (void)printf("%-7s %s: %s\n", words[outcome], name, detail);
}

/* ---- Twilio ---- */

/* A suite that routes by itself needs no Twilio. */
static bool is_local(struct cli *cli)
{
    struct err unused = {0};
    return workspace_find(cli, &unused) == ERR_OK && !cli->is_twilio;
}

static void check_upstream(struct check *check)
{
    struct cli *cli = check->cli;
    struct err err = {0};
    AUTO(jx_cleanup) json_t *reply = NULL;
    const char *wanted = workspace_wanted(cli);
    struct api_request request = {
        .method = HTTPC_GET, .path = "/sync/check", .timeout_ms = CHECK_TIMEOUT_MS};
    if (wanted != NULL && parse_is_sid(str_from(wanted), "WS"))
        api_workspace_set(cli->api, wanted);
    enum err_code code = api_call(cli->api, &request, &reply, &err);
    if (code == ERR_OK)
        told(check, CHECK_GOOD, "Twilio", "%s, workspace \"%s\" (%s) at %s, %lld ms",
             jx_get_text(reply, "accountSid", ""), jx_get_text(reply, "workspaceName", ""),
             jx_get_text(reply, "workspaceSid", ""), jx_get_text(reply, "url", ""),
             (long long)jx_get_i64(reply, "durationMs", 0));
    else if (code == ERR_UNIMPLEMENTED)
        told(check, CHECK_BAD, "Twilio", "this suite is older than the command; update it");
    else if (strcmp(err.reason, "UPSTREAM_NOT_CONFIGURED") == 0 && is_local(cli))
        told(check, CHECK_NOTE, "Twilio", "%s", err.detail);
    else
        told(check, CHECK_BAD, "Twilio", "%s", err.detail);
}

static bool check_workspace(struct check *check)
{
    struct cli *cli = check->cli;
    struct err err = {0};
    if (workspace_find(cli, &err) != ERR_OK) {
        told(check, CHECK_BAD, "workspace", "%s", err.detail);
        return false;
    }
    if (cli->is_twilio) {
        told(check, CHECK_GOOD, "workspace", "\"%s\" (%s) is Twilio's and known here",
             cli->workspace_name, cli->workspace_sid);
        return true;
    }
    told(check, CHECK_NOTE, "workspace", "\"%s\" (%s) is routed by this suite, not by Twilio",
         cli->workspace_name, cli->workspace_sid);
    return true;
}

/* ---- variables ---- */

static const char *value_of(const struct variables *variables, size_t row)
{
    return row == 0 ? variables->workflow : variables->queues[row - 1];
}

static void check_variable(struct check *check, size_t row)
{
    struct cli *cli = check->cli;
    struct err err = {0};
    json_t *found = NULL;
    const char *key = variable_table[row].key;
    const char *sid = value_of(&check->variables, row);
    bool is_workflow = row == 0;
    const char *noun = is_workflow ? "workflow" : "queue";
    if (sid == NULL) {
        told(check, CHECK_BAD, key, "is not set; taskrouter bootstrap --env .env writes it");
        return;
    }
    if (!parse_is_sid(str_from(sid), is_workflow ? "WW" : "WQ")) {
        told(check, CHECK_BAD, key,
             "is \"%.40s\", which is no %s: write %s and 32 hexadecimal digits", sid, noun,
             is_workflow ? "WW" : "WQ");
        return;
    }
    const char *path = cli_text(cli, "/%ss/%s", noun, sid);
    enum err_code code = api_get(cli->api, path, &found, &err);
    if (code == ERR_OK)
        told(check, CHECK_GOOD, key, "\"%s\"", jx_get_text(found, "friendlyName", ""));
    else if (code == ERR_NOT_FOUND)
        told(check, CHECK_BAD, key,
             "names no %s of the workspace: run taskrouter sync --%ss, or correct it "
             "(taskrouter bootstrap --env .env writes it)",
             noun, noun);
    else
        told(check, CHECK_BAD, key, "%s", err.detail);
    if (is_workflow && code == ERR_OK)
        check->workflow = json_incref(found);
    json_decref(found);
}

static void config_drop(void *config)
{
    config_free(config);
}

static bool variables_load(struct check *check)
{
    struct err err = {0};
    struct config *config = config_new();
    config_set_fallback_file(config, ".run/env");
    config_add(config, variable_table, ARRAY_LEN(variable_table), &check->variables);
    enum err_code code = config_load(config, &err);
    if (code != ERR_OK)
        told(check, CHECK_BAD, "settings", "%s", err.detail);
    arena_defer(check->cli->arena, config_drop, config);
    return code == ERR_OK;
}

/* ---- callbacks ---- */

static void check_url(struct check *check, const char *name, const char *path, const char *is)
{
    const char *base = check->cli->settings.public_url;
    size_t len = base != NULL ? strlen(base) : 0;
    while (len > 0 && base[len - 1] == '/')
        len--;
    if (base == NULL) {
        told(check, CHECK_BAD, name,
             "TASKROUTER_PUBLIC_URL is not set; write the address at which Twilio reaches this "
             "suite");
        return;
    }
    const char *wanted = cli_text(check->cli, "%.*s/api/webhooks/%s", (int)len, base, path);
    if (strcmp(is, wanted) == 0)
        told(check, CHECK_GOOD, name, "%s", is);
    else
        told(check, CHECK_BAD, name,
             "it is %.200s, and should be %.300s: correct TASKROUTER_PUBLIC_URL, or run taskrouter "
             "bootstrap --public-url",
             is[0] != '\0' ? is : "not set", wanted);
}

static void check_callbacks(struct check *check)
{
    struct cli *cli = check->cli;
    struct err err = {0};
    AUTO(jx_cleanup) json_t *workspace = NULL;
    const char *path = cli_text(cli, "/workspaces/%s", cli->workspace_sid);
    if (!cli->is_twilio)
        return;
    if (api_get(cli->api, path, &workspace, &err) == ERR_OK)
        check_url(check, "event callback", "taskrouter",
                  jx_get_text(workspace, "eventCallbackUrl", ""));
    else
        told(check, CHECK_BAD, "event callback", "%s", err.detail);
    if (check->workflow != NULL)
        check_url(check, "assignment callback", "assignment",
                  jx_get_text(check->workflow, "assignmentCallbackUrl", ""));
}

/* How many of one reason were refused; 0: none. */
static long long refused_of(const json_t *summary, const char *reason)
{
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(jx_get(summary, "refused"), index, row)
    {
        if (strcmp(jx_get_text(row, "reason", ""), reason) == 0)
            return (long long)jx_get_i64(row, "count", 0);
    }
    return 0;
}

/* Refusals are counted since the gateway's start: once good ones come again, they are history. */
static void check_refused(struct check *check, const json_t *summary)
{
    long long wrong = refused_of(summary, "invalid");
    long long unsigned_ones = refused_of(summary, "missing");
    const char *refused = jx_get_text(summary, "lastRefusedDate", "");
    bool is_history = strcmp(jx_get_text(summary, "lastReceivedDate", ""), refused) > 0;
    if (refused_of(summary, "no_token") > 0)
        told(check, CHECK_BAD, "webhooks refused",
             "there is nothing to check them with: set TWILIO_AUTH_TOKEN at the gateway");
    if (wrong > 0)
        told(
            check, is_history ? CHECK_NOTE : CHECK_BAD, "webhooks refused",
            "%lld with a wrong signature, the last at %s%s: TWILIO_AUTH_TOKEN must be the "
            "account's own, and TASKROUTER_PUBLIC_URL the address that Twilio calls, to the letter",
            wrong, refused, is_history ? " (good ones have come since)" : "");
    if (unsigned_ones > 0)
        told(check, CHECK_NOTE, "webhooks refused",
             "%lld without a signature: not Twilio's, or a proxy takes the header "
             "X-Twilio-Signature away",
             unsigned_ones);
}

static void check_webhooks(struct check *check)
{
    struct err err = {0};
    AUTO(jx_cleanup) json_t *summary = NULL;
    if (!check->cli->is_twilio)
        return;
    if (api_get(check->cli->api, "/webhooks/summary", &summary, &err) != ERR_OK) {
        told(check, CHECK_NOTE, "webhooks", "%s", err.detail); /* an admin's question */
        return;
    }
    const char *last = jx_get_text(summary, "lastReceivedDate", NULL);
    long long waiting = (long long)jx_get_i64(summary, "waiting", 0);
    long long dead = (long long)jx_get_i64(summary, "dead", 0);
    if (last != NULL)
        told(check, CHECK_GOOD, "webhooks", "the last came at %s; %lld wait to be applied", last,
             waiting);
    else
        told(check, CHECK_NOTE, "webhooks",
             "none has come yet; if things happen at Twilio, check that TASKROUTER_PUBLIC_URL is "
             "reached from the internet");
    check_refused(check, summary);
    if (dead > 0)
        told(check, CHECK_BAD, "webhooks given up",
             "%lld could not be applied: taskrouter webhooks dead lists them, taskrouter webhooks "
             "replay tries them again",
             dead);
}

int check_run(struct cli *cli)
{
    struct check check = {.cli = cli, .results = json_array()};
    check_upstream(&check);
    if (check_workspace(&check)) {
        size_t count = variables_load(&check) ? ARRAY_LEN(variable_table) : 0;
        for (size_t i = 0; i < count; i++)
            check_variable(&check, i);
        check_callbacks(&check);
        check_webhooks(&check);
    }
    if (cli->given.has[OPT_JSON]) {
        (void)json_dumpf(check.results, stdout, JSON_INDENT(2));
        (void)fputc('\n', stdout);
    } else if (check.bad > 0) {
        (void)printf("%d to mend.\n", check.bad);
    } else {
        (void)puts("All is well.");
    }
    json_decref(check.workflow);
    json_decref(check.results);
    return check.bad > 0 ? CLI_FAILED : CLI_OK;
}
