#include "commands.h"

#include "base/macros.h"
#include "cli.h"

#define SYNC_KINDS                                                                                 \
    (OPT_BIT(OPT_ALL) | OPT_BIT(OPT_ACTIVITIES) | OPT_BIT(OPT_CHANNELS) | OPT_BIT(OPT_QUEUES) |    \
     OPT_BIT(OPT_WORKFLOWS) | OPT_BIT(OPT_WORKERS) | OPT_BIT(OPT_TASKS) | OPT_BIT(OPT_LINKS))

/* clang-format off */
const struct cli_command cli_commands[] = {
    {.name = "check", .words = "", .summary = "say whether the way to Twilio is open, or what to mend",
     .more = "A line per check: Twilio's answer, the workspace, the TWILIO_… variables, the callback URLs,\n"
             "webhooks. Exit status 1 where one failed.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_JSON), .run = check_run},
    {.name = "bootstrap", .words = "", .summary = "make what the set-up guide asks for",
     .more = "Four activities, eight queues, the workflow and, with a public URL, the callback URLs, found by\n"
             "name and changed only where they differ; with --example-rules the guide's routing rules and\n"
             "keywords. Prints the TWILIO_… lines for .env. A workspace that is not there is made.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_PUBLIC_URL) | OPT_BIT(OPT_ENV) |
                OPT_BIT(OPT_PROVIDER) | OPT_BIT(OPT_EXAMPLE_RULES), .run = bootstrap_run},
    {.name = "sync", .words = "", .summary = "bring a Twilio workspace's copy here up to date",
     .more = "Starts a run and follows it; Ctrl-C leaves the run going. --workers links them to users as\n"
             "well. Exit status: 0 clean, 1 partial, 2 failed, 3 wrong command line.\n",
     .options = SYNC_KINDS | OPT_BIT(OPT_LIGHT) | OPT_BIT(OPT_DRY_RUN) | OPT_BIT(OPT_FOLLOW) |
                OPT_BIT(OPT_CANCEL) | OPT_BIT(OPT_IF_IDLE) | OPT_BIT(OPT_WORKSPACE) |
                OPT_BIT(OPT_JSON), .run = sync_run},
    {.name = "export", .words = "", .summary = "write the configuration as YAML to standard output",
     .more = "Workspace settings, channels, activities, queues, workflows, hours, keywords and rules, by name.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_SIDS), .run = export_run},
    {.name = "plan", .words = "FILE", .summary = "say what applying a file would change",
     .more = "With the waiting tasks that would be routed elsewhere (5000 of a workflow are looked at).\n"
             "FILE may be - for standard input. Exit status: 0 no changes, 2 changes, 1 failed.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_DELETE) | OPT_BIT(OPT_JSON),
     .min_words = 1, .max_words = 1, .run = plan_run},
    {.name = "apply", .words = "FILE", .summary = "make the configuration as a file says",
     .more = "Shows the plan and asks. Stops at the first failure and says what was done; running it again\n"
             "does the rest. Plans again where somebody changed something meanwhile.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_DELETE) | OPT_BIT(OPT_YES) |
                OPT_BIT(OPT_RE_EVALUATE) | OPT_BIT(OPT_JSON),
     .min_words = 1, .max_words = 1, .run = apply_run},
    {.name = "drift", .words = "[FILE]", .summary = "say where the suite differs from a file, or from Twilio",
     .more = "Without FILE a dry run of the sync. Exit status: 0 no drift, 2 drift, 1 failed.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_JSON), .max_words = 1, .run = drift_run},
    {.name = "link", .words = "WORKER USER", .summary = "say which user a worker is",
     .more = "WORKER is a SID or a name, USER a SID, an e-mail address or a QuickBase id.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_REPLACE),
     .min_words = 2, .max_words = 2, .run = link_run},
    {.name = "unlink", .words = "WORKER", .summary = "end the link between a worker and its user",
     .more = "WORKER is a SID or a name.\n",
     .options = OPT_BIT(OPT_WORKSPACE), .min_words = 1, .max_words = 1, .run = unlink_run},
    {.name = "links", .words = "", .summary = "list the conflicts that the last sync found in links",
     .more = "Exit status: 0 none, 2 some, 1 failed.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_JSON), .run = links_run},
    {.name = "webhooks", .words = "dead|replay [WEBHOOK]",
     .summary = "list the webhooks that were given up, or try them again",
     .more = "replay without a SID tries all of them again.\n",
     .options = OPT_BIT(OPT_JSON), .min_words = 1, .max_words = 2, .run = webhooks_run},
    {.name = "writes", .words = "given-up|retry|dismiss [WRITE]",
     .summary = "list the changes at Twilio whose outcome nobody knows, look again, or forget one",
     .more = "retry sends nothing again: it finds out for another day whether Twilio has made the change.\n"
             "dismiss is for what you have looked at yourself.\n",
     .options = OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_JSON), .min_words = 1, .max_words = 2,
     .run = writes_run},
};
/* clang-format on */

const size_t cli_command_count = ARRAY_LEN(cli_commands);
