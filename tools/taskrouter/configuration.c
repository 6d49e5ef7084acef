/* export, plan, apply, drift FILE: the configuration as a file. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "apply.h"
#include "base/macros.h"
#include "cli.h"
#include "commands.h"
#include "doc.h"
#include "jx/jx.h"
#include "moves.h"
#include "plan.h"
#include "report.h"
#include "snapshot.h"
#include "sync.h"
#include "workspace.h"
#include "yaml/ydoc.h"

enum { PLANS_MAX = 4, HEADING_NAME = 100 };

static const char heading[] =
    "# The configuration of a TaskRouter workspace, written by taskrouter export.\n"
    "# taskrouter plan FILE shows what applying it would change, taskrouter apply FILE does it.\n"
    "# What is left out is left as it is; with --delete, or \"prune: true\" here, what is not in "
    "a\n"
    "# section's list is deleted. Things are found by their names: another name is another thing,\n"
    "# unless its sid is given. Queues and activities are referred to by name.\n";

int export_run(struct cli *cli)
{
    struct err err = {0};
    struct doc *doc = NULL;
    struct map names;
    struct buf out;
    enum err_code code = workspace_find(cli, &err);
    if (code == ERR_OK)
        code = snapshot_load(cli, &doc, &err);
    if (code != ERR_OK)
        return cli_fail(&err);
    map_init(&names);
    buf_init(&out, 0);
    doc_names(doc, &names);
    doc_render(doc, &names);
    code = doc_write(doc, heading, cli->given.has[OPT_SIDS], &out, &err);
    map_fini(&names);
    if (code == ERR_OK)
        (void)fwrite(out.data, 1, out.len, stdout);
    buf_fini(&out);
    bool is_written = fflush(stdout) == 0;
    if (code == ERR_OK && !is_written)
        cli_say("the output could not be written whole; is the disk full?");
    else if (code != ERR_OK)
        return cli_fail(&err);
    return is_written ? CLI_OK : CLI_FAILED;
}

/* ---- plan ---- */

/* "FILE: " in front of what is wrong in the file. */
static enum err_code in_file(struct cli *cli, enum err_code code, struct err *err)
{
    if (code == ERR_OK || strncmp(err->detail, "line ", 5) != 0)
        return code;
    return err_wrap(err, "%s", cli->given.words[0]);
}

static enum err_code file_load(struct cli *cli, struct doc **out, struct err *err)
{
    struct str text = {NULL, 0};
    struct doc *doc = doc_new(cli->arena);
    enum err_code code = cli_file_read(cli, cli->given.words[0], YDOC_MAX_BYTES, &text, err);
    if (code == ERR_OK)
        code = in_file(cli, doc_read(doc, text, err), err);
    if (code == ERR_OK)
        *out = doc;
    return code;
}

/* The file is read anew each time: a plan marks its items. */
static enum err_code plan_load(struct cli *cli, bool with_moves, struct plan **out, struct err *err)
{
    struct doc *wanted = NULL;
    struct doc *current = NULL;
    enum err_code code = file_load(cli, &wanted, err);
    if (code == ERR_OK && cli->workspace_sid == NULL)
        code = workspace_find(cli, err);
    if (code == ERR_OK)
        code = snapshot_load(cli, &current, err);
    if (code == ERR_OK)
        code = in_file(cli, plan_make(wanted, current, cli->given.has[OPT_DELETE], out, err), err);
    if (code == ERR_OK)
        code = in_file(cli, with_moves ? moves_find(cli, *out, err) : moves_check(*out, err), err);
    return code;
}

static void json_print(json_t *value)
{
    (void)json_dumpf(value, stdout, JSON_INDENT(2));
    (void)fputc('\n', stdout);
    json_decref(value);
}

static void plan_show(struct cli *cli, const struct plan *plan, bool is_drift)
{
    if (cli->given.has[OPT_JSON])
        json_print(report_plan_json(cli, plan));
    else
        report_plan(stdout, cli, plan, is_drift);
    (void)fflush(stdout);
}

int plan_run(struct cli *cli)
{
    struct err err = {0};
    struct plan *plan = NULL;
    if (plan_load(cli, true, &plan, &err) != ERR_OK)
        return cli_fail(&err);
    plan_show(cli, plan, false);
    return plan->count > 0 ? CLI_CHANGES : CLI_OK;
}

int drift_run(struct cli *cli)
{
    struct err err = {0};
    struct plan *plan = NULL;
    if (cli->given.count == 0)
        return sync_drift(cli);
    if (plan_load(cli, false, &plan, &err) != ERR_OK)
        return cli_fail(&err);
    plan_show(cli, plan, true);
    return plan->count > 0 || json_array_size(plan->kept) > 0 ? CLI_CHANGES : CLI_OK;
}

/* ---- apply ---- */

static void told(void *ctx, const struct plan *plan, size_t at)
{
    static const char *const words[] = {[PLAN_NONE] = "",
                                        [PLAN_CREATE] = "created",
                                        [PLAN_CHANGE] = "changed",
                                        [PLAN_DELETE] = "deleted"};
    const struct cli *cli = ctx;
    const struct plan_step *step = &plan->steps[at];
    char *name = report_step_name(step);
    if (!cli->given.has[OPT_JSON] && step->state == PLAN_DONE)
        (void)printf("%s %s (%zu of %zu)\n", words[step->action], name, at + 1, plan->count);
    (void)fflush(stdout);
    free(name);
}

/* What a failure in the middle leaves: the step it was, and how to go on. */
static int fail_middle(const struct plan *plan, const struct err *err)
{
    size_t done = 0;
    char *failed = NULL;
    for (size_t i = 0; i < plan->count; i++) {
        done += plan->steps[i].state == PLAN_DONE;
        if (plan->steps[i].state == PLAN_FAILED)
            failed = report_step_name(&plan->steps[i]);
    }
    cli_say("%s: %s", failed != NULL ? failed : "apply", err->detail);
    cli_say("%zu of %zu steps are done and stay done; mend this and run taskrouter apply again, "
            "which does the rest",
            done, plan->count);
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].state != PLAN_WAITING)
            continue;
        char *name = report_step_name(&plan->steps[i]);
        cli_say("not done: %s", name);
        free(name);
    }
    free(failed);
    return err->code == ERR_CANCELLED ? CLI_INTERRUPTED : CLI_FAILED;
}

static bool may_go_on(struct cli *cli, const struct plan *plan)
{
    if (cli->given.has[OPT_YES])
        return true;
    if (cli->given.has[OPT_JSON] || isatty(STDIN_FILENO) == 0) {
        cli_say("nothing was changed: say --yes to apply %zu changes without being asked",
                plan->count);
        return false;
    }
    return cli_confirm("Apply this plan?");
}

int apply_run(struct cli *cli)
{
    struct err err = {0};
    struct plan *plan = NULL;
    struct apply_options options = {
        .re_evaluates = cli->given.has[OPT_RE_EVALUATE], .told = told, .ctx = cli};
    cli_catch_signals();
    for (int plans = 0; plans < PLANS_MAX; plans++) {
        if (plan_load(cli, plans == 0, &plan, &err) != ERR_OK)
            return cli_fail(&err);
        if (!cli->given.has[OPT_JSON] || plan->count == 0)
            plan_show(cli, plan, false);
        if (plan->count == 0)
            return CLI_OK;
        if (!may_go_on(cli, plan))
            return CLI_FAILED;
        enum err_code code = apply_plan(cli, plan, &options, &err);
        if (code == ERR_OK) {
            if (cli->given.has[OPT_JSON])
                plan_show(cli, plan, false);
            else
                (void)printf("Applied: %zu changes.\n", plan->count);
            return CLI_OK;
        }
        if (code != ERR_ABORTED)
            return fail_middle(plan, &err);
        cli_say("somebody changed the workspace meanwhile; planning again");
    }
    return fail_middle(plan, &err);
}
