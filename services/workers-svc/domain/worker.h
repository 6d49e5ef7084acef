/* The rules of a worker and of its channels. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WORKER_NAME_MAX       64   /* characters */
#define WORKER_ATTRIBUTES_MAX 4096 /* characters; Twilio's limit */
#define WORKER_CAPACITY_MAX   50

struct worker {
    const char *sid;
    const char *account_sid;
    const char *workspace_sid;
    const char *friendly_name;
    const char *attributes; /* JSON object as the caller wrote it */
    const char *activity_sid;
    const char *activity_name; /* read only; so is available */
    bool available;
    const char *user_sid; /* linked user, or "" */
    int64_t version;
    int64_t created_at_us;
    int64_t status_changed_at_us; /* last change of activity */
    int64_t updated_at_us;
};

struct worker_channel {
    const char *sid; /* derived from worker and task channel */
    const char *account_sid;
    const char *workspace_sid;
    const char *worker_sid;
    const char *task_channel_sid;
    const char *task_channel_unique_name;
    int32_t configured_capacity;
    bool available;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
    bool has_load;             /* the router could be asked what the worker has on it */
    int32_t assigned_tasks;    /* accepted */
    int32_t consumed_capacity; /* by pending, accepted and wrapping reservations */
};

/* Of the configured capacity, 0 to 100: floor((1 - consumed / configured) * 100), 0 for capacity 0.
 * Source: reference section 7. */
int32_t worker_channel_percentage(const struct worker_channel *channel);

/* Name and attributes. Errors: INVALID_ARGUMENT naming the field. */
enum err_code worker_check(const struct worker *worker, struct err *err) MUST_CHECK;

enum err_code worker_channel_check(const struct worker_channel *channel,
                                   struct err *err) MUST_CHECK;
