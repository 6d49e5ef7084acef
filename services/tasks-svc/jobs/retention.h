/* Ends history: batches of the event log and ended tasks older than the settings say, and what lies
 * below deleted workspaces, of the shards that this process runs. A job of app; its ctx is a struct
 * retention. */
#pragma once

#include <stdint.h>

#include "app/app.h"

struct db_pool;
struct shell;

struct retention {
    struct db_pool *pool;
    struct shell *shell;
    int64_t event_days;
    int64_t history_days;
};

extern const struct app_job_def retention_job;
