/*
 * The rules of a task queue: what a valid one looks like and what an update may change.
 * Knows nothing of rows, wire messages or time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define TASK_QUEUE_NAME_MAX       64   /* characters; Twilio's limit for friendly names */
#define TASK_QUEUE_EXPRESSION_MAX 4096 /* characters */
#define TASK_QUEUE_RESERVED_MAX   50

/* Of a queue that Twilio has, whose rules may be others. */
#define TASK_QUEUE_MIRRORED_NAME_MAX       256   /* characters */
#define TASK_QUEUE_MIRRORED_EXPRESSION_MAX 65536 /* bytes */

enum task_order {
    TASK_ORDER_NONE,
    TASK_ORDER_FIFO,
    TASK_ORDER_LIFO,
    TASK_ORDER_COUNT,
};

/* "FIFO", "LIFO"; "" for TASK_ORDER_NONE. */
const char *task_order_name(enum task_order order);
enum task_order task_order_from(struct str name);

/* Texts are NUL-terminated, never NULL, owned by whoever filled the struct (a request's arena). */
struct task_queue {
    const char *sid;
    const char *account_sid;
    const char *workspace_sid;
    const char *friendly_name;
    const char *target_workers; /* expression over worker attributes; "" matches nobody */
    int32_t max_reserved_workers;
    enum task_order task_order;
    const char *reservation_activity_sid;  /* or "" */
    const char *assignment_activity_sid;   /* or "" */
    const char *reservation_activity_name; /* read only; so is the next */
    const char *assignment_activity_name;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t observed_at_us; /* of the mirror of Twilio, filled by its functions only; so the next */
    bool is_vanished;
};

/*
 * Checks every field that a caller may set. Errors: INVALID_ARGUMENT naming the field; an
 * expression error carries the column.
 */
enum err_code task_queue_check(const struct task_queue *queue, struct err *err) MUST_CHECK;

/* Only that they are SIDs of activities, or "". */
enum err_code task_queue_check_activities(const struct task_queue *queue,
                                          struct err *err) MUST_CHECK;

/* What must hold for a queue that Twilio routes by: its expression need not be one for us. Errors:
 * INVALID_ARGUMENT, the detail says what is wrong. */
enum err_code task_queue_check_mirrored(const struct task_queue *queue, struct err *err) MUST_CHECK;
