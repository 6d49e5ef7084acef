/* Merges what is new in the index of the event log's keys, so that no commit of a shard has to. A
 * job of app; its ctx is a struct log_keys. */
#pragma once

#include "app/app.h"

struct db_pool;
struct shell;

struct log_keys {
    struct db_pool *pool;
    struct shell *shell;
};

extern const struct app_job_def log_keys_job;
