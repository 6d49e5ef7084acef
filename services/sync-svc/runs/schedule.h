/* Runs that begin by themselves: the full one weekly, the light one every few minutes. Times are
 * kept in the database, so that what was missed is made up for and one of several processes does
 * it. Private to runs/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "runs.h"

struct schedule {
    const struct runs_options *options;
    int64_t kept_mono_us; /* when workspaces were last looked through */
};

/* options: borrowed. */
void schedule_init(struct schedule *schedule, const struct runs_options *options);

/* Begins what is due. One thread. */
enum err_code schedule_tick(struct schedule *schedule, struct call *call, bool *out_has_begun,
                            struct err *err) MUST_CHECK;
