#include "apply.h"

#include <string.h>

#include "api.h"
#include "cli.h"
#include "doc.h"
#include "doc_parts.h"
#include "jx/jx.h"
#include "plan.h"

/* Queues by SID again; one that has no SID yet stays a name, which the service refuses. */
static json_t *queue_sid(void *ctx, const char *name)
{
    const char *sid = plan_sid_of(ctx, DOC_QUEUES, name);
    return sid != NULL ? json_string(sid) : NULL;
}

static json_t *value_to_rest(struct plan *plan, const struct doc_field *field, json_t *value)
{
    const char *text = json_string_value(value);
    if (field->type == DOC_ACTIVITY && text[0] != '\0') {
        const char *sid = plan_sid_of(plan, DOC_ACTIVITIES, text);
        return json_string(sid != NULL ? sid : text);
    }
    switch (field->type) {
    case DOC_ROUTING: {
        json_t *copy = json_deep_copy(value);
        doc_queues_map(copy, queue_sid, plan);
        return copy;
    }
    case DOC_TIME:
        return text[0] == '\0' ? json_null() : json_incref(value);
    case DOC_QUEUE_NAMES:
        return parts_queues_rest(plan, value);
    case DOC_ACTIONS:
        return parts_actions_rest(plan, value);
    case DOC_WEEK:
        return parts_week_rest(value);
    case DOC_HOLIDAYS:
        return parts_holidays_rest(value);
    case DOC_SPECIALS:
        return parts_specials_rest(value);
    case DOC_NONE:
    case DOC_TEXT:
    case DOC_FLAG:
    case DOC_NUMBER:
    case DOC_ORDER:
    case DOC_ACTIVITY:
    case DOC_REAL:
    case DOC_TEXTS:
        break;
    }
    return json_incref(value);
}

static json_t *body_of(struct plan *plan, const struct plan_step *step)
{
    const struct doc_section *section = &doc_sections[step->wanted->kind];
    json_t *body = json_object();
    size_t index = 0;
    json_t *name = NULL;
    json_array_foreach(step->fields, index, name)
    {
        const struct doc_field *field = doc_field_of(section, str_from(json_string_value(name)));
        json_t *value = json_object_get(step->wanted->fields, field->name);
        (void)json_object_set_new(body, field->rest, value_to_rest(plan, field, value));
    }
    return body;
}

static enum err_code item_create(struct cli *cli, struct plan *plan, struct plan_step *step,
                                 struct err *err)
{
    AUTO(jx_cleanup) json_t *body = body_of(plan, step);
    AUTO(jx_cleanup) json_t *made = NULL;
    struct api_request request = {.method = HTTPC_POST,
                                  .path = doc_sections[step->wanted->kind].path,
                                  .body = body,
                                  .has_key = true};
    enum err_code code = api_call(cli->api, &request, &made, err);
    if (code == ERR_OK)
        step->wanted->sid = cli_text(cli, "%s", jx_get_text(made, "sid", ""));
    return code;
}

static enum err_code item_change(struct cli *cli, struct plan *plan, const struct plan_step *step,
                                 bool re_evaluates, struct err *err)
{
    AUTO(jx_cleanup) json_t *body = body_of(plan, step);
    enum doc_kind kind = step->wanted->kind;
    if (re_evaluates && kind == DOC_WORKFLOWS && json_object_get(body, "configuration") != NULL)
        (void)json_object_set_new(body, "reEvaluateTasks", json_true());
    struct api_request request = {
        .method = HTTPC_PATCH,
        .path = cli_text(cli, "%s/%s", doc_sections[kind].path, step->current->sid),
        .body = body,
        .version = step->current->version};
    return api_call(cli->api, &request, NULL, err);
}

/* What is gone already is as good as deleted. */
static enum err_code item_delete(struct cli *cli, const struct plan_step *step, struct err *err)
{
    struct api_request request = {
        .method = HTTPC_DELETE,
        .path = cli_text(cli, "%s/%s", doc_sections[step->current->kind].path, step->current->sid),
        .version = step->current->version};
    enum err_code code = api_call(cli->api, &request, NULL, err);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code step_do(struct cli *cli, struct plan *plan, struct plan_step *step,
                             const struct apply_options *options, struct err *err)
{
    switch (step->action) {
    case PLAN_CREATE:
        return item_create(cli, plan, step, err);
    case PLAN_CHANGE:
        return item_change(cli, plan, step, options->re_evaluates, err);
    case PLAN_DELETE:
        return item_delete(cli, step, err);
    case PLAN_NONE:
        break;
    }
    return ERR_OK;
}

enum err_code apply_plan(struct cli *cli, struct plan *plan, const struct apply_options *options,
                         struct err *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_step *step = &plan->steps[i];
        if (step->state == PLAN_DONE)
            continue;
        enum err_code code = cli_is_interrupted()
                                 ? ERR_SET(err, ERR_CANCELLED, "INTERRUPTED", "interrupted")
                                 : step_do(cli, plan, step, options, err);
        step->state = code == ERR_OK ? PLAN_DONE : PLAN_FAILED;
        if (options->told != NULL)
            options->told(options->ctx, plan, i);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}
