/*
 * bootstrap: what the set-up guide asks an operator to click together, as a document that is
 * applied. Found by name; what is there as it should be is left alone.
 */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "apply.h"
#include "base/macros.h"
#include "cli.h"
#include "commands.h"
#include "doc.h"
#include "env_edit.h"
#include "jx/jx.h"
#include "plan.h"
#include "report.h"
#include "snapshot.h"
#include "workspace.h"

#define WORKSPACE_NAME "KIN Communications Platform"
#define WORKFLOW_NAME  "Default Workflow"

enum { RESERVATION_TIMEOUT_S = 120, COORDINATOR_TIMEOUT_S = 30, ATTEMPTS_MAX = 3 };

static const struct {
    const char *name;
    bool available;
} activities[] = {
    {"Available",   true },
    {"Unavailable", false},
    {"Offline",     false},
    {"Break",       false}
};

/* A filter leads to those with an expression. */
static const struct queue_row {
    const char *name;
    const char *variable;
    const char *filter;
    const char *expression;
    int priority; /* 0: the task's own */
} queues[] = {
    {"Default Queue",    "TWILIO_DEFAULT_TASK_QUEUE_SID",    NULL,        NULL,                           0  },
    {"Permits Queue",    "TWILIO_PERMITS_TASK_QUEUE_SID",    "permits",   "task.department == 'permits'",
     50                                                                                                      },
    {"Utilities Queue",  "TWILIO_UTILITIES_TASK_QUEUE_SID",  "utilities",
     "task.department == 'utilities'",                                                                    50 },
    {"Scheduling Queue", "TWILIO_SCHEDULING_TASK_QUEUE_SID", NULL,        NULL,                           0  },
    {"Emergency Queue",  "TWILIO_EMERGENCY_TASK_QUEUE_SID",  "emergency",
     "task.department == 'emergency'",                                                                    100},
    {"Billing Queue",    "TWILIO_BILLING_TASK_QUEUE_SID",    NULL,        NULL,                           0  },
    {"Support Queue",    "TWILIO_SUPPORT_TASK_QUEUE_SID",    NULL,        NULL,                           0  },
    {"Voicemail Queue",  "TWILIO_VOICEMAIL_TASK_QUEUE_SID",  "voicemail", "task.type == 'voicemail'",
     0                                                                                                       },
};

/* ---- the document ---- */

static json_t *target(const char *queue, int priority)
{
    json_t *made = json_pack("{s:s}", "queue", queue);
    if (priority > 0)
        (void)json_object_set_new(made, "priority", json_integer(priority));
    return made;
}

/* The caller's own coordinator for half a minute, if free at once; then everybody. The step has no
 * priority of its own, which the task would keep. */
static json_t *filter(const char *name, const char *expression, const char *queue, int priority)
{
    json_t *first = target(queue, priority);
    (void)json_object_update_new(
        first, json_pack("{s:s, s:i, s:s}", "expression", "worker.sid == task.preferred_worker_sid",
                         "timeout", COORDINATOR_TIMEOUT_S, "skip_if", "1 == 1"));
    return json_pack("{s:s, s:s, s:[o, o]}", "filter_friendly_name", name, "expression", expression,
                     "targets", first, target(queue, priority));
}

static json_t *routing(void)
{
    json_t *filters = json_array();
    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        if (queues[i].filter != NULL)
            (void)json_array_append_new(filters, filter(queues[i].filter, queues[i].expression,
                                                        queues[i].name, queues[i].priority));
    }
    /* a default filter has one step only */
    (void)json_array_append_new(filters, filter("coordinator", "task.preferred_worker_sid != null",
                                                queues[0].name, queues[0].priority));
    return json_pack("{s:{s:o, s:{s:s}}}", "task_routing", "filters", filters, "default_filter",
                     "queue", queues[0].name);
}

/* The guide's three, as it writes them. */
static const struct {
    const char *name;
    const char *condition;
    const char *queue;
    int task_priority; /* 0: the task's own */
    int priority;
    const char *voicemail; /* what a caller hears; NULL: waits */
} examples[] = {
    {"Emergency Keywords", "task.attributes.keywords contains \"emergency\"", "Emergency Queue",
     100,                                                                                            100, NULL},
    {"VIP Customers",      "task.attributes.customer_type == \"vip\"",        "Support Queue",   75, 75,  NULL},
    {"After Hours",        "time.hour < 8 OR time.hour > 18",                 "Voicemail Queue", 0,  50,
     "We are closed now. Please leave a message after the tone, and we will call you back."                   },
};

static json_t *example_actions(size_t at)
{
    json_t *route = json_pack("{s:s}", "route_to_queue", examples[at].queue);
    if (examples[at].task_priority > 0)
        (void)json_object_set_new(route, "priority", json_integer(examples[at].task_priority));
    json_t *actions = json_pack("[o]", route);
    if (examples[at].voicemail != NULL)
        (void)json_array_append_new(actions,
                                    json_pack("{s:s}", "voicemail", examples[at].voicemail));
    return actions;
}

static void item_add(struct doc *doc, enum doc_kind kind, const char *key, json_t *fields)
{
    const struct doc_item *added = doc_add(doc, kind, key, fields);
    INVARIANT(added != NULL);
    json_decref(fields);
}

/* Where Twilio calls back; NULL: not known, and left as it is. */
static const char *callback_url(struct cli *cli, const char *path)
{
    const char *given = cli->given.values[OPT_PUBLIC_URL];
    const char *base = given != NULL ? given : cli->is_twilio ? cli->settings.public_url : NULL;
    if (base == NULL)
        return NULL;
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    return cli_text(cli, "%.*s/api/webhooks/%s", (int)len, base, path);
}

static void examples_add(struct doc *doc)
{
    for (size_t i = 0; i < ARRAY_LEN(examples); i++)
        item_add(doc, DOC_RULES, examples[i].name,
                 json_pack("{s:s, s:i, s:s, s:o}", "name", examples[i].name, "priority",
                           examples[i].priority, "condition", examples[i].condition, "actions",
                           example_actions(i)));
}

static struct doc *guide(struct cli *cli)
{
    struct doc *doc = doc_new(cli->arena);
    const char *events = callback_url(cli, "taskrouter");
    const char *assignment = callback_url(cli, "assignment");
    for (size_t i = 0; i < ARRAY_LEN(activities); i++)
        item_add(doc, DOC_ACTIVITIES, activities[i].name,
                 json_pack("{s:s, s:b}", "name", activities[i].name, "available",
                           activities[i].available));
    for (size_t i = 0; i < ARRAY_LEN(queues); i++)
        item_add(doc, DOC_QUEUES, queues[i].name,
                 json_pack("{s:s, s:s, s:i, s:s}", "name", queues[i].name, "target_workers", "1==1",
                           "max_reserved_workers", 1, "task_order", "FIFO"));
    json_t *workflow =
        json_pack("{s:s, s:i, s:o}", "name", WORKFLOW_NAME, "task_reservation_timeout",
                  RESERVATION_TIMEOUT_S, "configuration", routing());
    if (assignment != NULL)
        (void)json_object_set_new(workflow, "assignment_callback_url", json_string(assignment));
    item_add(doc, DOC_WORKFLOWS, WORKFLOW_NAME, workflow);
    if (events != NULL)
        item_add(doc, DOC_WORKSPACE, "", json_pack("{s:s}", "event_callback_url", events));
    if (cli->given.has[OPT_EXAMPLE_RULES])
        examples_add(doc);
    return doc;
}

/* ---- the workspace ---- */

static json_t *new_workspace(const char *name, const char *provider)
{
    json_t *made = json_array();
    /* the one named Offline becomes the default, wherever it stands */
    for (size_t i = 0; i < ARRAY_LEN(activities); i++)
        (void)json_array_append_new(made,
                                    json_pack("{s:s, s:b}", "friendlyName", activities[i].name,
                                              "available", activities[i].available));
    return json_pack("{s:s, s:s, s:s, s:o}", "friendlyName", name, "provider", provider, "template",
                     "NONE", "activities", made);
}

static enum err_code workspace_make(struct cli *cli, struct err *err)
{
    const char *wanted = workspace_wanted(cli);
    const char *provider = cli->given.values[OPT_PROVIDER];
    const char *name = wanted != NULL ? wanted : WORKSPACE_NAME;
    AUTO(jx_cleanup) json_t *body = new_workspace(name, provider != NULL ? provider : "local");
    AUTO(jx_cleanup) json_t *made = NULL;
    struct api_request request = {
        .method = HTTPC_POST, .path = "/workspaces", .body = body, .has_key = true};
    enum err_code code = api_call(cli->api, &request, &made, err);
    if (code != ERR_OK)
        return code;
    (void)fprintf(stderr, "created    workspace \"%s\"\n", name);
    cli->given.has[OPT_WORKSPACE] = true;
    cli->given.values[OPT_WORKSPACE] = cli_text(cli, "%s", jx_get_text(made, "sid", ""));
    return workspace_find(cli, err);
}

/* A name that no workspace has yet is made; a SID must be there. */
static enum err_code workspace_ensure(struct cli *cli, struct err *err)
{
    const char *wanted = workspace_wanted(cli);
    enum err_code code = workspace_find(cli, err);
    bool is_sid = wanted != NULL && strlen(wanted) == 34 && strncmp(wanted, "WS", 2) == 0;
    if (code == ERR_NOT_FOUND && !is_sid && strncmp(err->reason, "WORKSPACE_", 10) == 0)
        return workspace_make(cli, err);
    return code;
}

/* ---- what was done ---- */

static void told(void *ctx, const struct plan *plan, size_t at)
{
    const struct plan_step *step = &plan->steps[at];
    (void)ctx;
    if (step->state != PLAN_DONE)
        return;
    char *name = report_step_name(step);
    (void)fprintf(stderr, "%-11s%s\n", step->action == PLAN_CREATE ? "created" : "updated", name);
    free(name);
}

static bool is_in_plan(const struct plan *plan, const struct doc_item *item)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].wanted == item)
            return true;
    }
    return false;
}

static void tell_unchanged(const struct plan *plan)
{
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++) {
        const struct doc_list *list = &plan->wanted->lists[kind];
        for (size_t i = 0; i < list->count; i++) {
            const struct plan_step step = {.wanted = list->items[i]};
            if (is_in_plan(plan, list->items[i]))
                continue;
            char *name = report_step_name(&step);
            (void)fprintf(stderr, "%-11s%s\n", "unchanged", name);
            free(name);
        }
    }
}

static enum err_code build(struct cli *cli, struct plan **out, struct err *err)
{
    struct apply_options options = {.told = told};
    enum err_code code = ERR_ABORTED;
    for (int i = 0; i < ATTEMPTS_MAX && code == ERR_ABORTED; i++) {
        struct doc *current = NULL;
        code = snapshot_load(cli, &current, err);
        if (code == ERR_OK)
            code = plan_make(guide(cli), current, false, out, err);
        if (code == ERR_OK && i == 0)
            tell_unchanged(*out);
        if (code == ERR_OK)
            code = apply_plan(cli, *out, &options, err);
    }
    return code;
}

/* The words of the guide's departments, where the workspace has none. */
static enum err_code keywords_make(struct cli *cli, struct err *err)
{
    AUTO(jx_cleanup) json_t *there = NULL;
    AUTO(jx_cleanup) json_t *nothing = json_object();
    AUTO(jx_cleanup) json_t *made = NULL;
    if (!cli->given.has[OPT_EXAMPLE_RULES])
        return ERR_OK;
    enum err_code code = api_list(cli->api, "/keywords", 1, &there, err);
    if (code != ERR_OK || json_array_size(there) > 0)
        return code;
    struct api_request request = {
        .method = HTTPC_POST, .path = "/keywords/defaults", .body = nothing};
    code = api_call(cli->api, &request, &made, err);
    if (code == ERR_OK)
        (void)fprintf(stderr, "created    the keywords of the guide's departments\n");
    return code;
}

/* ---- the lines ---- */

static int lines_print(struct cli *cli, const struct plan *plan)
{
    struct env_line lines[ARRAY_LEN(queues) + 2];
    struct err err = {0};
    size_t count = 0;
    const char *file = cli->given.values[OPT_ENV];
    lines[count++] = (struct env_line){"TWILIO_WORKSPACE_SID", cli->workspace_sid};
    lines[count++] =
        (struct env_line){"TWILIO_WORKFLOW_SID", plan_sid_of(plan, DOC_WORKFLOWS, WORKFLOW_NAME)};
    for (size_t i = 0; i < ARRAY_LEN(queues); i++)
        lines[count++] =
            (struct env_line){queues[i].variable, plan_sid_of(plan, DOC_QUEUES, queues[i].name)};
    if (file != NULL) {
        if (env_edit_file(file, lines, count, &err) != ERR_OK)
            return cli_fail(&err);
        (void)fprintf(stderr, "%zu lines TWILIO_… are in %s\n", count, file);
        return CLI_OK;
    }
    for (size_t i = 0; i < count; i++)
        (void)printf("%s=%s\n", lines[i].key, lines[i].value);
    return CLI_OK;
}

static void say_next(struct cli *cli)
{
    if (callback_url(cli, "") == NULL && cli->is_twilio)
        cli_say("Twilio does not know yet where to call back: run this again with --public-url "
                "https://…, or set TASKROUTER_PUBLIC_URL");
}

int bootstrap_run(struct cli *cli)
{
    struct err err = {0};
    struct plan *plan = NULL;
    const char *provider = cli->given.values[OPT_PROVIDER];
    const char *url = cli->given.values[OPT_PUBLIC_URL];
    if (provider != NULL && strcmp(provider, "local") != 0 && strcmp(provider, "twilio") != 0) {
        cli_say("--provider must be local or twilio");
        return CLI_USAGE;
    }
    if (url != NULL && strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) {
        cli_say("--public-url must begin with https:// (or http://)");
        return CLI_USAGE;
    }
    cli_catch_signals();
    if (workspace_ensure(cli, &err) != ERR_OK || build(cli, &plan, &err) != ERR_OK ||
        keywords_make(cli, &err) != ERR_OK) {
        cli_say("%s", err.detail);
        cli_say("what was made stays; run taskrouter bootstrap again when this is mended");
        return cli_is_interrupted() ? CLI_INTERRUPTED : CLI_FAILED;
    }
    int status = lines_print(cli, plan);
    say_next(cli);
    return status;
}
