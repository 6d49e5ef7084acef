/* The rules of a task channel: a kind of work (voice, chat, …) within a workspace. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define TASK_CHANNEL_NAME_MAX 64 /* characters */

struct task_channel {
    const char *sid;
    const char *account_sid;
    const char *workspace_sid;
    const char *friendly_name;
    const char *unique_name;
    bool channel_optimized_routing;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t observed_at_us; /* of the mirror of Twilio, filled by its functions only; so the next */
    bool is_vanished;
};

#define TASK_CHANNEL_MIRRORED_NAME_MAX                                                             \
    256 /* characters, of both names, where Twilio's rules hold */

/* The channels every workspace is born with. */
struct task_channel_default {
    const char *unique_name;
    const char *friendly_name;
};

#define TASK_CHANNEL_DEFAULT_COUNT 5
extern const struct task_channel_default task_channel_defaults[TASK_CHANNEL_DEFAULT_COUNT];

/* True for one of the above: those can be renamed but not deleted. */
bool task_channel_is_default(const char *unique_name);

/* Errors: INVALID_ARGUMENT naming the field. Source: reference section 3.3. */
enum err_code task_channel_check(const struct task_channel *channel, struct err *err) MUST_CHECK;

/* What must hold for a channel that Twilio has. Errors: INVALID_ARGUMENT. */
enum err_code task_channel_check_mirrored(const struct task_channel *channel,
                                          struct err *err) MUST_CHECK;
