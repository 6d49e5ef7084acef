#include "workflow.h"

#include "base/name.h"

enum err_code workflow_check(const struct workflow *workflow, struct err *err)
{
    struct str name = str_from(workflow->friendly_name);
    if (!name_is_good(name, WORKFLOW_NAME_MAX))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                         "friendlyName must have 1 to %d characters, not all of them spaces, none "
                         "a control character",
                         WORKFLOW_NAME_MAX);
    if (workflow->task_reservation_timeout_s < 1 ||
        workflow->task_reservation_timeout_s > WORKFLOW_RESERVATION_MAX_S)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "task_reservation_timeout",
                         "taskReservationTimeout is %d; it must be 1 to %d seconds",
                         (int)workflow->task_reservation_timeout_s, WORKFLOW_RESERVATION_MAX_S);
    return ERR_OK;
}

enum err_code workflow_parse(struct str configuration, struct workflow_doc **out_doc,
                             struct err *err)
{
    if (configuration.len == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "configuration",
                         "configuration is required; give a document with task_routing");
    struct err cause = {.code = ERR_OK};
    struct workflow_doc *doc = workflow_doc_parse(configuration, &cause);
    if (doc == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, cause.reason, "configuration",
                         "configuration: %s", cause.detail); /* which names the place */
    *out_doc = doc;
    return ERR_OK;
}

void workflow_doc_cleanup(struct workflow_doc **doc)
{
    workflow_doc_free(*doc);
}
