/* The workspace that a run routes in. */
#pragma once

#include "run_int.h"

/* Makes the workspace of each scene in a shard of its own: two queues, a workflow through both,
 * workers of three skills. False when something is missing. */
bool worlds_make(struct run *run);
