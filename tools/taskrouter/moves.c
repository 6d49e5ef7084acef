#include "moves.h"

#include <stdio.h>
#include <string.h>

#include "api.h"
#include "base/ids.h"
#include "base/macros.h"
#include "cli.h"
#include "doc.h"
#include "engine/workflow_doc.h"
#include "expr/record.h"
#include "jx/jx.h"
#include "plan.h"

enum { TASKS_MAX = 5000, EXAMPLES_MAX = 5, WORKERS_MAX = 10000, LABEL_MAX = 200 };

/* ---- documents by SID ---- */

/* SIDs of queues that are not there yet are made up, the same for the same name. */
static json_t *sid_of(void *ctx, const char *name)
{
    struct plan *plan = ctx;
    const char *sid = plan_sid_of(plan, DOC_QUEUES, name);
    if (sid != NULL)
        return json_string(sid);
    if (!plan_has(plan, DOC_QUEUES, name))
        return NULL; /* a SID already, or the parser says what it thinks */
    struct sid made = sid_derive("WQ", STR("to come"), str_from(name));
    char *kept = arena_strdup(plan->wanted->arena, made.text);
    char *shown = arena_strdup(plan->wanted->arena, name);
    (void)map_put(&plan->names, str_from(kept), shown);
    return json_string(made.text);
}

static struct workflow_doc *routing_parse(json_t *routing, struct err *err)
{
    struct buf text;
    buf_init(&text, 0);
    char *dumped = json_dumps(routing, JSON_COMPACT | JSON_ENCODE_ANY);
    INVARIANT(dumped != NULL);
    struct workflow_doc *doc = workflow_doc_parse(str_from(dumped), err);
    buf_fini(&text);
    free(dumped);
    return doc;
}

static struct workflow_doc *wanted_routing(struct plan *plan, const struct plan_step *step,
                                           struct err *err)
{
    AUTO(jx_cleanup)
    json_t *copy = json_deep_copy(json_object_get(step->wanted->fields, "configuration"));
    struct err why = {0};
    doc_queues_map(copy, sid_of, plan);
    struct workflow_doc *doc = routing_parse(copy, &why);
    if (doc == NULL)
        (void)ERR_SET(err, ERR_INVALID_ARGUMENT, "WORKFLOW_INVALID",
                      "line %d: the configuration of the workflow \"%s\" is not valid: %s%s%s",
                      step->wanted->line, step->wanted->key, why.field,
                      why.field[0] != '\0' ? ": " : "", why.detail);
    return doc;
}

static bool has_new_routing(const struct plan_step *step)
{
    if (step->action == PLAN_DELETE || step->wanted->kind != DOC_WORKFLOWS)
        return false;
    size_t index = 0;
    json_t *name = NULL;
    json_array_foreach(step->fields, index, name)
    {
        if (strcmp(json_string_value(name), "configuration") == 0)
            return true;
    }
    return false;
}

enum err_code moves_check(struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (!has_new_routing(&plan->steps[i]))
            continue;
        struct workflow_doc *doc = wanted_routing(plan, &plan->steps[i], err);
        if (doc == NULL)
            return ERR_INVALID_ARGUMENT;
        workflow_doc_free(doc);
    }
    return ERR_OK;
}

/* ---- where a task goes ---- */

static const char *queue_name(const struct plan *plan, struct str sid)
{
    const char *name = map_get(&plan->names, sid);
    return name != NULL ? name : "another queue";
}

/* "Permits Queue (filter "permits")"; "nowhere" where no filter takes it. */
static void label_of(const struct plan *plan, const struct workflow_doc *doc,
                     const struct expr_record *task, char out[LABEL_MAX])
{
    int32_t at = doc != NULL ? workflow_doc_match(doc, task, 0) : -1;
    if (at < 0) {
        (void)snprintf(out, LABEL_MAX, "nowhere");
        return;
    }
    bool is_default = (size_t)at == doc->filter_count;
    const struct workflow_filter *filter = is_default ? &doc->default_filter : &doc->filters[at];
    const char *queue = queue_name(plan, filter->targets[0].queue);
    struct str name = filter->name.len > 0 ? filter->name : filter->expression_text;
    if (is_default)
        (void)snprintf(out, LABEL_MAX, "%.80s (default filter)", queue);
    else
        (void)snprintf(out, LABEL_MAX, "%.80s (filter %.*s)", queue,
                       name.len < 80 ? (int)name.len : 80, name.ptr);
}

static void task_compare(struct plan *plan, const json_t *raw, const struct workflow_doc *old,
                         const struct workflow_doc *new, json_int_t *moved, json_t *examples)
{
    struct expr_record *task = NULL;
    struct err err = {0};
    char from[LABEL_MAX];
    char to[LABEL_MAX];
    json_t *attributes = jx_get(raw, "attributes");
    char *text = json_dumps(attributes, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL && expr_record_new(str_from(text), &task, &err) == ERR_OK) {
        label_of(plan, old, task, from);
        label_of(plan, new, task, to);
        if (strcmp(from, to) != 0) {
            (*moved)++;
            if (json_array_size(examples) < EXAMPLES_MAX)
                (void)json_array_append_new(examples, json_pack("{s:s, s:s, s:s}", "sid",
                                                                jx_get_text(raw, "sid", ""), "from",
                                                                from, "to", to));
        }
    }
    expr_record_free(task);
    free(text);
}

static enum err_code workflow_moves(struct cli *cli, struct plan *plan, struct plan_step *step,
                                    struct err *err)
{
    AUTO(jx_cleanup) json_t *tasks = NULL;
    struct err unparsed = {0};
    json_int_t moved = 0;
    size_t index = 0;
    json_t *task = NULL;
    const char *path =
        cli_text(cli, "/tasks?assignmentStatus=pending&workflowSid=%s", step->current->sid);
    enum err_code code = api_list(cli->api, path, TASKS_MAX, &tasks, err);
    if (code != ERR_OK)
        return code;
    struct workflow_doc *new = wanted_routing(plan, step, err);
    if (new == NULL)
        return ERR_INVALID_ARGUMENT;
    struct workflow_doc *old =
        routing_parse(jx_get(step->current->raw, "configuration"), &unparsed);
    json_t *examples = json_array();
    json_array_foreach(tasks, index, task)
    {
        task_compare(plan, task, old, new, &moved, examples);
    }

    step->moves = doc_keep(cli->arena, json_pack("{s:I, s:b, s:I, s:o}", "waiting",
                                                 (json_int_t)json_array_size(tasks), "isAll",
                                                 json_array_size(tasks) < TASKS_MAX, "moved", moved,
                                                 "examples", examples));
    workflow_doc_free(old);
    workflow_doc_free(new);
    return ERR_OK;
}

/* ---- queues ---- */

static enum err_code workers_count(struct cli *cli, const char *expression, json_int_t *out,
                                   struct err *err)
{
    AUTO(jx_cleanup) json_t *workers = NULL;
    *out = 0;
    if (expression == NULL || expression[0] == '\0')
        return ERR_OK; /* matches nobody */
    const char *path =
        cli_text(cli, "/workers?targetWorkersExpression=%s", api_escape(cli, expression));
    enum err_code code = api_list(cli->api, path, WORKERS_MAX, &workers, err);
    if (code == ERR_OK)
        *out = (json_int_t)json_array_size(workers);
    return code;
}

static enum err_code queue_moves(struct cli *cli, struct plan_step *step, struct err *err)
{
    AUTO(jx_cleanup) json_t *tasks = NULL;
    json_int_t before = 0;
    json_int_t after = 0;
    const char *path =
        cli_text(cli, "/tasks?assignmentStatus=pending&taskQueueSid=%s", step->current->sid);
    enum err_code code = api_list(cli->api, path, TASKS_MAX, &tasks, err);
    if (code != ERR_OK)
        return code;
    step->moves =
        doc_keep(cli->arena, json_pack("{s:I, s:b}", "waiting", (json_int_t)json_array_size(tasks),
                                       "isAll", json_array_size(tasks) < TASKS_MAX));
    json_t *old = json_object_get(step->current->fields, "target_workers");
    json_t *new =
        step->wanted != NULL ? json_object_get(step->wanted->fields, "target_workers") : NULL;
    if (new == NULL || json_equal(old, new))
        return ERR_OK;
    code = workers_count(cli, json_string_value(old), &before, err);
    if (code == ERR_OK)
        code = workers_count(cli, json_string_value(new), &after, err);
    if (code == ERR_OK)
        (void)json_object_set_new(step->moves, "workers",
                                  json_pack("{s:I, s:I}", "old", before, "new", after));
    return code;
}

enum err_code moves_find(struct cli *cli, struct plan *plan, struct err *err)
{
    enum err_code code = moves_check(plan, err);
    for (size_t i = 0; i < plan->count && code == ERR_OK; i++) {
        struct plan_step *step = &plan->steps[i];
        if (step->action == PLAN_CHANGE && has_new_routing(step))
            code = workflow_moves(cli, plan, step, err);
        else if (step->current != NULL && step->current->kind == DOC_QUEUES)
            code = queue_moves(cli, step, err);
    }
    return code;
}
