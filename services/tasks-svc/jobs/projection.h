/*
 * Folds the event log into statistics: a job of app. A round takes what lies behind the shard's
 * cursor, adds it to the buckets, and moves the cursor, all in one transaction: whatever is killed
 * when, nothing is counted twice or left out. Works only on shards that this process runs; it may
 * be behind, and catches up. A second job removes what is too old.
 */
#pragma once

#include <stdint.h>

#include "app/app.h"

struct db_pool;
struct shell;

struct projection {
    struct db_pool *pool;
    struct shell *shell;
    int64_t keep_ms;         /* hours, days and long stays */
    int64_t keep_minutes_ms; /* minutes and stays within a day */
    size_t rows;             /* events of the next round; fewer when they are large */
};

extern const struct app_job_def projection_job; /* ctx: struct projection * */
extern const struct app_job_def stat_prune_job; /* ctx: struct projection * */
