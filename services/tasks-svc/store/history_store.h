/* Deletes what is too old: batches of the log, and tasks that were purged with their reservations.
 * One small transaction each, so that nobody waits for it. */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/* Batches committed before that time which every reader of the log has passed. */
enum err_code history_store_prune_events(struct db_pool *pool, struct call *call, int shard,
                                         int64_t before_us, int64_t limit, int64_t *out_removed,
                                         struct err *err) MUST_CHECK;

/* Tasks purged before that time. */
enum err_code history_store_prune_tasks(struct db_pool *pool, struct call *call, int shard,
                                        int64_t before_us, int64_t limit, int64_t *out_removed,
                                        struct err *err) MUST_CHECK;
