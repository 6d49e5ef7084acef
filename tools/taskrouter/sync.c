/* sync: starts a run, or looks at one, and follows it to its end. */
#include "sync.h"

#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "cli.h"
#include "commands.h"
#include "jx/jx.h"
#include "progress.h"
#include "sync_report.h"
#include "workspace.h"

enum { POLL_MS = 500, ITEMS_SHOWN = 200 };

/* Exit statuses of sync alone. */
enum { SYNC_CLEAN = 0, SYNC_PARTIAL = 1, SYNC_FAILED = 2 };

/* ---- what is asked for ---- */

static json_t *kinds_of(const struct cli_words *given)
{
    static const struct {
        enum cli_option option;
        const char *kind;
    } rows[] = {
        {OPT_ACTIVITIES, "activities"   },
        {OPT_CHANNELS,   "task_channels"},
        {OPT_QUEUES,     "queues"       },
        {OPT_WORKFLOWS,  "workflows"    },
        {OPT_WORKERS,    "workers"      },
        {OPT_TASKS,      "tasks"        },
    };
    json_t *kinds = json_array();
    if (given->has[OPT_ALL])
        return kinds;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (given->has[rows[i].option])
            (void)json_array_append_new(kinds, json_string(rows[i].kind));
    }
    if (given->has[OPT_WORKERS] && given->has[OPT_CHANNELS])
        (void)json_array_append_new(kinds, json_string("worker_channels"));
    /* the guide: syncing workers links them */
    if (given->has[OPT_WORKERS] || given->has[OPT_LINKS])
        (void)json_array_append_new(kinds, json_string("links"));
    return kinds;
}

/* A SID may be that of one that comes with this very run; a name must be known. None: sync-svc
 * takes TWILIO_WORKSPACE_SID. */
static enum err_code workspace_name(struct cli *cli, struct err *err)
{
    const char *wanted = workspace_wanted(cli);
    if (wanted == NULL)
        return ERR_OK;
    if (!parse_is_sid(str_from(wanted), "WS"))
        return workspace_find(cli, err);
    api_workspace_set(cli->api, wanted);
    return ERR_OK;
}

static enum err_code start(struct cli *cli, json_t *kinds, bool is_dry, json_t **out,
                           struct err *err)
{
    AUTO(jx_cleanup) json_t *body = json_object();
    (void)json_object_set_new(body, "kinds", kinds);
    if (is_dry)
        (void)json_object_set_new(body, "dryRun", json_true());
    if (cli->given.has[OPT_LIGHT])
        (void)json_object_set_new(body, "light", json_true());
    struct api_request request = {.method = HTTPC_POST, .path = "/sync/runs", .body = body};
    return api_call(cli->api, &request, out, err);
}

/* A run that is under way is named in the refusal. */
static int fail_start(const struct cli *cli, const struct err *err)
{
    const char *sid = strstr(err->detail, "SY");
    bool is_running = err->reason != NULL && strcmp(err->reason, "SYNC_RUNNING") == 0;
    cli_say("%s", err->detail);
    if (is_running && cli->given.has[OPT_IF_IDLE])
        return SYNC_CLEAN;
    if (is_running && sid != NULL && strlen(sid) >= 34)
        cli_say("look at it with taskrouter sync --follow %.34s, or end it with taskrouter sync "
                "--cancel %.34s",
                sid, sid);
    return SYNC_FAILED;
}

/* ---- following ---- */

static bool is_over(const json_t *run)
{
    return strcmp(jx_get_text(run, "state", "running"), "running") != 0;
}

static void say_goes_on(const char *sid)
{
    cli_say("the run goes on without this command: taskrouter sync --follow %s looks at it, "
            "taskrouter sync --cancel %s ends it",
            sid, sid);
}

/* *io_run: as it was, then as it is at the end, or when a signal came. */
static enum err_code follow(struct cli *cli, json_t **io_run, struct err *err)
{
    struct progress progress;
    const char *sid = cli_text(cli, "%s", jx_get_text(*io_run, "sid", ""));
    const char *workspace = cli_text(cli, "%s", jx_get_text(*io_run, "workspaceSid", ""));
    const char *path = cli_text(cli, "/sync/runs/%s", sid);
    if (workspace[0] != '\0')
        api_workspace_set(cli->api, workspace);
    progress_init(&progress);
    for (;;) {
        progress_show(&progress, *io_run, clock_now_us(), clock_mono_us());
        if (is_over(*io_run) || cli_is_interrupted())
            return ERR_OK;
        cli_pause(POLL_MS);
        json_t *now = NULL;
        enum err_code code = api_get(cli->api, path, &now, err);
        if (code != ERR_OK && cli_is_interrupted())
            return ERR_OK;
        if (code != ERR_OK)
            return code;
        json_decref(*io_run);
        *io_run = now;
    }
}

static enum err_code report(struct cli *cli, json_t *run, struct err *err)
{
    AUTO(jx_cleanup) json_t *items = NULL;
    bool is_json = cli->given.has[OPT_JSON];
    const char *path = cli_text(cli, "/sync/runs/%s/items", jx_get_text(run, "sid", ""));
    enum err_code code = api_list(cli->api, path, is_json ? 0 : ITEMS_SHOWN + 1, &items, err);
    if (code != ERR_OK)
        return code;
    if (is_json) {
        AUTO(jx_cleanup) json_t *all = json_pack("{s:O, s:O}", "run", run, "items", items);
        (void)json_dumpf(all, stdout, JSON_INDENT(2));
        (void)fputc('\n', stdout);
    } else {
        bool is_all = json_array_size(items) <= ITEMS_SHOWN;
        if (!is_all)
            (void)json_array_remove(items, ITEMS_SHOWN);
        sync_report(stdout, run, items, is_all);
    }
    (void)fflush(stdout);
    return ERR_OK;
}

static int status_of(const json_t *run)
{
    const char *state = jx_get_text(run, "state", "");
    if (strcmp(state, "clean") == 0)
        return SYNC_CLEAN;
    return strcmp(state, "partial") == 0 ? SYNC_PARTIAL : SYNC_FAILED;
}

static int see_through(struct cli *cli, json_t **io_run)
{
    struct err err = {0};
    const char *sid = cli_text(cli, "%s", jx_get_text(*io_run, "sid", ""));
    enum err_code code = follow(cli, io_run, &err);
    if (code == ERR_OK && !is_over(*io_run)) {
        say_goes_on(sid);
        return CLI_INTERRUPTED;
    }
    if (code == ERR_OK)
        code = report(cli, *io_run, &err);
    if (code == ERR_OK)
        return status_of(*io_run);
    cli_say("%s", err.detail);
    if (!is_over(*io_run))
        say_goes_on(sid);
    return SYNC_FAILED;
}

/* ---- commands ---- */

static enum err_code get_run(struct cli *cli, const char *sid, json_t **out, struct err *err)
{
    enum err_code code = workspace_name(cli, err);
    if (code == ERR_OK && workspace_wanted(cli) == NULL)
        code = workspace_find(cli, err);
    return code == ERR_OK ? api_get(cli->api, cli_text(cli, "/sync/runs/%s", sid), out, err) : code;
}

static int cancel(struct cli *cli, const char *sid)
{
    struct err err = {0};
    AUTO(jx_cleanup) json_t *run = NULL;
    struct api_request request = {.method = HTTPC_POST,
                                  .path = cli_text(cli, "/sync/runs/%s/cancel", sid)};
    enum err_code code = get_run(cli, sid, &run, &err);
    if (code == ERR_OK) {
        json_decref(run);
        run = NULL;
        code = api_call(cli->api, &request, &run, &err);
    }
    if (code != ERR_OK) {
        cli_say("%s", err.detail);
        return SYNC_FAILED;
    }
    (void)printf("%s: %s\n", sid,
                 is_over(run) ? jx_get_text(run, "state", "") : "it ends at its next step");
    return SYNC_CLEAN;
}

static bool are_words_good(const struct cli *cli)
{
    static const enum cli_option kinds[] = {OPT_ALL,       OPT_ACTIVITIES, OPT_CHANNELS, OPT_QUEUES,
                                            OPT_WORKFLOWS, OPT_WORKERS,    OPT_TASKS,    OPT_LINKS};
    size_t named = 0;
    for (size_t i = 1; i < ARRAY_LEN(kinds); i++)
        named += cli->given.has[kinds[i]];
    bool has_run = cli->given.has[OPT_FOLLOW] || cli->given.has[OPT_CANCEL];
    bool starts = cli->given.has[OPT_ALL] || named > 0 || cli->given.has[OPT_LIGHT] ||
                  cli->given.has[OPT_DRY_RUN];
    if (cli->given.has[OPT_ALL] && named > 0)
        cli_say("--all is every kind; leave it out, or the others");
    else if (has_run && (starts || (cli->given.has[OPT_FOLLOW] && cli->given.has[OPT_CANCEL])))
        cli_say("--follow and --cancel go alone: they start no run");
    else if (cli->given.has[OPT_LIGHT] && (named > 0 || cli->given.has[OPT_ALL]))
        cli_say("--light says itself which kinds; leave the others out");
    else
        return true;
    return false;
}

int sync_run(struct cli *cli)
{
    struct err err = {0};
    AUTO(jx_cleanup) json_t *run = NULL;
    if (!are_words_good(cli))
        return CLI_USAGE;
    if (cli->given.has[OPT_CANCEL])
        return cancel(cli, cli->given.values[OPT_CANCEL]);
    cli_catch_signals();
    enum err_code code = ERR_OK;
    if (cli->given.has[OPT_FOLLOW])
        code = get_run(cli, cli->given.values[OPT_FOLLOW], &run, &err);
    else
        code = workspace_name(cli, &err);
    if (code == ERR_OK && run == NULL)
        code = start(cli, kinds_of(&cli->given), cli->given.has[OPT_DRY_RUN], &run, &err);
    return code == ERR_OK ? see_through(cli, &run) : fail_start(cli, &err);
}

int sync_drift(struct cli *cli)
{
    struct err err = {0};
    AUTO(jx_cleanup) json_t *run = NULL;
    enum err_code code = workspace_find(cli, &err);
    if (code == ERR_OK && !cli->is_twilio) {
        cli_say("name a FILE: the workspace \"%s\" is not one of Twilio's, so there is nothing "
                "else to compare it with",
                cli->workspace_name);
        return CLI_USAGE;
    }
    cli_catch_signals();
    if (code == ERR_OK)
        code = start(cli, json_array(), true, &run, &err);
    if (code != ERR_OK) {
        (void)fail_start(cli, &err);
        return CLI_FAILED;
    }
    int status = see_through(cli, &run);
    if (status != SYNC_CLEAN)
        return status == CLI_INTERRUPTED ? status : CLI_FAILED;
    return sync_differences(run) > 0 ? CLI_CHANGES : CLI_OK;
}
