/* The rules of a schedule of business hours, but for the hours themselves (libs/hours). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    SCHEDULE_NAME_MAX = 128,   /* characters */
    SCHEDULE_CLAIMS_MAX = 200, /* of each kind */
    SCHEDULE_HOURS_MAX =
        128 << 10, /* bytes: what fits an event, and a workspace's all into memory */
};

struct schedule {
    const char *sid;
    const char *account_sid;
    const char *workspace_sid;
    const char *name;
    const char *time_zone; /* IANA name; "": the workspace's */
    struct str hours;      /* JSON: weeklySchedule, holidays, specialHours as in hours.proto */
    bool is_default;
    const struct str *queue_sids; /* whose hours these are; so the next */
    size_t queue_count;
    const struct str *lines; /* E.164 */
    size_t line_count;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
};

/* Name, size, and whom it is for: SIDs of queues and E.164 numbers, none twice. Errors:
 * INVALID_ARGUMENT naming the field, "task_queue_sids[2]". */
enum err_code schedule_check(const struct schedule *schedule, struct err *err) MUST_CHECK;
