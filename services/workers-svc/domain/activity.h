/* The rules of an activity: a named state of workers, available for work or not, for good. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define ACTIVITY_NAME_MAX 64 /* characters */

struct activity {
    const char *sid;
    const char *account_sid;
    const char *workspace_sid;
    const char *friendly_name;
    bool available; /* fixed at creation */
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
};

enum err_code activity_check(const struct activity *activity, struct err *err) MUST_CHECK;
