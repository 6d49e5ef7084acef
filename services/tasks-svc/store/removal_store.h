/* Removes what lies below deleted workspaces: tasks, reservations, ended callbacks, statistics, the
 * copies of their configuration. The event log ends by its age. */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/*
 * One small transaction of one workspace's removal. *out_more: call again at once. A step that is
 * cut off is done again.
 */
enum err_code removal_store_step(struct db_pool *pool, struct call *call, int shard, bool *out_more,
                                 int64_t *out_removed, struct err *err) MUST_CHECK;
