#include "task_queue.h"

#include <string.h>

#include "base/name.h"
#include "base/parse.h"
#include "expr/expr.h"

static const char *const order_names[TASK_ORDER_COUNT] = {
    [TASK_ORDER_NONE] = "",
    [TASK_ORDER_FIFO] = "FIFO",
    [TASK_ORDER_LIFO] = "LIFO",
};

const char *task_order_name(enum task_order order)
{
    return (unsigned)order < TASK_ORDER_COUNT ? order_names[order] : order_names[TASK_ORDER_NONE];
}

enum task_order task_order_from(struct str name)
{
    for (int i = TASK_ORDER_NONE + 1; i < TASK_ORDER_COUNT; i++) {
        if (str_eq_text(name, order_names[i]))
            return (enum task_order)i;
    }
    return TASK_ORDER_NONE;
}

static enum err_code check_name(const struct task_queue *queue, struct err *err)
{
    struct str name = str_from(queue->friendly_name);
    if (name_is_good(name, TASK_QUEUE_NAME_MAX))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                     "friendlyName must have 1 to %d characters, not all of them spaces, none a "
                     "control character",
                     TASK_QUEUE_NAME_MAX);
}

/* An empty expression is allowed: it matches nobody and tasks just wait. */
static enum err_code check_expression(const struct task_queue *queue, struct err *err)
{
    struct str text = str_from(queue->target_workers);
    if (str_trim(text).len == 0)
        return ERR_OK;
    if (str_utf8_count(text) > TASK_QUEUE_EXPRESSION_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EXPRESSION_TOO_LARGE", "target_workers",
                         "targetWorkers has more than %d characters; shorten the expression",
                         TASK_QUEUE_EXPRESSION_MAX);
    struct expr *expr = NULL;
    struct err cause = {.code = ERR_OK};
    enum err_code code = expr_compile(text, &expr_context_queue, &expr, &cause);
    expr_free(expr);
    if (code == ERR_OK)
        return ERR_OK;
    return ERR_FIELD(err, code, cause.reason, "target_workers", "targetWorkers: %s", cause.detail);
}

static enum err_code check_activity(const char *field, const char *shown, const char *sid,
                                    struct err *err)
{
    if (sid[0] == '\0' || parse_is_sid(str_from(sid), "WA"))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", field,
                     "%s must be an activity's SID: WA followed by 32 hexadecimal digits", shown);
}

enum err_code task_queue_check_activities(const struct task_queue *queue, struct err *err)
{
    enum err_code code = check_activity("reservation_activity_sid", "reservationActivitySid",
                                        queue->reservation_activity_sid, err);
    if (code == ERR_OK)
        code = check_activity("assignment_activity_sid", "assignmentActivitySid",
                              queue->assignment_activity_sid, err);
    return code;
}

static enum err_code check_numbers(const struct task_queue *queue, struct err *err)
{
    if (queue->max_reserved_workers < 1 || queue->max_reserved_workers > TASK_QUEUE_RESERVED_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "max_reserved_workers",
                         "maxReservedWorkers is %d; it must be 1 to %d",
                         (int)queue->max_reserved_workers, TASK_QUEUE_RESERVED_MAX);
    if (queue->task_order == TASK_ORDER_NONE)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TASK_ORDER", "task_order",
                         "taskOrder must be FIFO or LIFO");
    return ERR_OK;
}

enum err_code task_queue_check(const struct task_queue *queue, struct err *err)
{
    enum err_code code = check_name(queue, err);
    if (code == ERR_OK)
        code = check_expression(queue, err);
    if (code == ERR_OK)
        code = check_numbers(queue, err);
    return code == ERR_OK ? task_queue_check_activities(queue, err) : code;
}

enum err_code task_queue_check_mirrored(const struct task_queue *queue, struct err *err)
{
    size_t chars = str_utf8_count(str_from(queue->friendly_name));
    if (chars < 1 || chars > TASK_QUEUE_MIRRORED_NAME_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                         "friendlyName has %zu characters; it must have 1 to %d", chars,
                         TASK_QUEUE_MIRRORED_NAME_MAX);
    size_t bytes = strlen(queue->target_workers);
    if (bytes > TASK_QUEUE_MIRRORED_EXPRESSION_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EXPRESSION_TOO_LARGE", "target_workers",
                         "targetWorkers has %zu bytes; it may have at most %d", bytes,
                         TASK_QUEUE_MIRRORED_EXPRESSION_MAX);
    enum err_code code = check_numbers(queue, err);
    return code == ERR_OK ? task_queue_check_activities(queue, err) : code;
}
