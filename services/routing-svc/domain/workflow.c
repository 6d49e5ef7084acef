#include "workflow.h"

#include <string.h>

#include "base/name.h"

static enum err_code check_timeout(const struct workflow *workflow, struct err *err)
{
    if (workflow->task_reservation_timeout_s >= 1 &&
        workflow->task_reservation_timeout_s <= WORKFLOW_RESERVATION_MAX_S)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "task_reservation_timeout",
                     "taskReservationTimeout is %d; it must be 1 to %d seconds",
                     (int)workflow->task_reservation_timeout_s, WORKFLOW_RESERVATION_MAX_S);
}

enum err_code workflow_check(const struct workflow *workflow, struct err *err)
{
    struct str name = str_from(workflow->friendly_name);
    if (!name_is_good(name, WORKFLOW_NAME_MAX))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                         "friendlyName must have 1 to %d characters, not all of them spaces, none "
                         "a control character",
                         WORKFLOW_NAME_MAX);
    return check_timeout(workflow, err);
}

static enum err_code check_bytes(const char *field, const char *shown, const char *text, size_t max,
                                 struct err *err)
{
    size_t bytes = strlen(text);
    if (bytes <= max)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", field,
                     "%s has %zu bytes; it may have at most %zu", shown, bytes, max);
}

enum err_code workflow_check_mirrored(const struct workflow *workflow, struct err *err)
{
    size_t chars = str_utf8_count(str_from(workflow->friendly_name));
    if (chars < 1 || chars > WORKFLOW_MIRRORED_NAME_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                         "friendlyName has %zu characters; it must have 1 to %d", chars,
                         WORKFLOW_MIRRORED_NAME_MAX);
    enum err_code code = check_bytes("configuration", "configuration", workflow->configuration,
                                     WORKFLOW_MIRRORED_DOCUMENT_MAX, err);
    if (code == ERR_OK)
        code = check_bytes("assignment_callback_url", "assignmentCallbackUrl",
                           workflow->assignment_callback_url, WORKFLOW_MIRRORED_URL_MAX, err);
    if (code == ERR_OK)
        code =
            check_bytes("fallback_assignment_callback_url", "fallbackAssignmentCallbackUrl",
                        workflow->fallback_assignment_callback_url, WORKFLOW_MIRRORED_URL_MAX, err);
    return code == ERR_OK ? check_timeout(workflow, err) : code;
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
